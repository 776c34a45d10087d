"""What an answer cost, in LiteLLM's names: `completion_cost` and `cost_per_token`.

US dollars at the list price of the day (`liftgate.prices`). A model without a price raises NotFound where its cost is
asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from liftgate.errors import InvalidRequest, NotFound
from liftgate.json_types import JsonObject
from liftgate.prices import Cost, TokenCounts
from liftgate.sdk.bridge import public_errors
from liftgate.sdk.chat_options import ChatMessages
from liftgate.sdk.response_cost import cost_of, counts_of
from liftgate.sdk.results import plain


def completion_cost(
    completion_response: object = None,
    model: str | None = None,
    prompt: str = "",
    messages: ChatMessages | None = None,
    completion: str = "",
    custom_llm_provider: str | None = None,
    service_tier: str | None = None,
    **_: object,
) -> float:
    """US dollars for an answer, `completion_response`, a result or its dict; of a model that `model` names otherwise.

    Without an answer, Gemini counts the tokens of `prompt` or `messages`, and of `completion`. Raises NotFound for a
    model without a price.
    """
    with public_errors(model):
        if completion_response is None:
            return _cost_of_texts(model, prompt, messages, completion, service_tier)
        response = plain(completion_response)
        if not isinstance(response, Mapping) or not isinstance(response.get("usage"), Mapping):
            raise InvalidRequest("'completion_response' has no usage to price.", param="completion_response")
        name = model or str(response.get("model") or "")
        tier = service_tier or response.get("service_tier")
        return _priced(name, counts_of(response["usage"]), tier).dollars


def cost_per_token(
    model: str,
    prompt_tokens: int = 0,
    completion_tokens: int = 0,
    *,
    cache_read_input_tokens: int = 0,
    service_tier: str | None = None,
    usage_object: object = None,
    **_: object,
) -> tuple[float, float]:
    """US dollars of the prompt and of the completion. `prompt_tokens` include those read from a cache."""
    usage: Any = plain(usage_object) or {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "prompt_tokens_details": {"cached_tokens": cache_read_input_tokens},
    }
    with public_errors(model):
        cost = _priced(model, counts_of(usage), service_tier)
    return cost.input / 1e9, cost.output / 1e9


def _cost_of_texts(
    model: str | None, prompt: str, messages: ChatMessages | None, completion: str, service_tier: str | None
) -> float:
    from liftgate.sdk.functions import token_counter

    if not model:
        raise InvalidRequest("Give 'completion_response', or 'model' and a text.", param="model")
    asked: JsonObject = {"messages": messages} if messages is not None else {"text": prompt}
    sent = token_counter(model, **asked) if messages is not None or prompt else 0
    made = token_counter(model, text=completion) if completion else 0
    return _priced(model, TokenCounts(prompt={"TEXT": sent}, output={"TEXT": made}), service_tier).dollars


def _priced(model: str, tokens: TokenCounts, service_tier: object) -> Cost:
    cost = cost_of(model, tokens, service_tier)
    if cost is None:
        raise NotFound(f"No price is known for the model {model!r}.", param="model", code="model_not_found")
    return cost
