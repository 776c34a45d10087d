"""An answer's own cost, where LiteLLM's users look for it: `response._hidden_params["response_cost"]`.

US dollars at the list price of the day (`liftgate.prices`); of a model without a price it is None, never 0.
"""

from __future__ import annotations

from liftgate.clock import SystemClock
from liftgate.days import day_of
from liftgate.json_types import JsonMapping
from liftgate.prices import Cost, TokenCounts, counts_of_openai, token_cost
from liftgate.sdk.response_results import ResponsesAPIResponse
from liftgate.sdk.results import ModelResponse

_TIERS = {"default": "standard", "standard": "standard", "flex": "flex", "priority": "priority", "batch": "batch"}


def note_cost(answer: ModelResponse | ResponsesAPIResponse, model: str, tokens: TokenCounts | None = None) -> None:
    """Puts the cost where LiteLLM's users look for it. `tokens`: Google's own counts, where they are at hand."""
    cost = cost_of(model, tokens or counts_of(_usage(answer)), answer.service_tier)
    answer._hidden_params = {
        "response_cost": None if cost is None else cost.dollars,
        "custom_llm_provider": "gemini",
        "model": model,
    }


def cost_of(model: str, tokens: TokenCounts, service_tier: object) -> Cost | None:
    tier = _TIERS.get(str(service_tier or "default").lower(), "standard")
    return token_cost(model, tokens, day=day_of(SystemClock().now()), tier=tier)


def counts_of(usage: JsonMapping) -> TokenCounts:
    """Of a chat's `usage`, or of a Response's."""
    if "input_tokens" not in usage:
        return counts_of_openai(usage)
    return counts_of_openai(
        {
            "prompt_tokens": usage["input_tokens"],
            "prompt_tokens_details": usage.get("input_tokens_details"),
            "completion_tokens": usage.get("output_tokens"),
            "completion_tokens_details": usage.get("output_tokens_details"),
        }
    )


def _usage(answer: ModelResponse | ResponsesAPIResponse) -> JsonMapping:
    return {} if answer.usage is None else answer.usage.model_dump()
