"""What Gemini says beside an answer's items: sources, log probabilities, and what has no item at all."""

from __future__ import annotations

from typing import Any

from liftgate.answer.choice import Choice
from liftgate.answer.events import TokenLogprob
from liftgate.json_types import JsonObject

LEAST = -9999.0
"""OpenAI's number for 'practically never'; JSON has no minus infinity."""

_METADATA = {
    "safetyRatings": "safety_ratings",
    "citationMetadata": "citation_metadata",
    "groundingMetadata": "grounding_metadata",
    "urlContextMetadata": "url_context_metadata",
    "continuationToken": "continuation_token",
}
"""Google's names → those in extra_content.google."""


def left_over(choice: Choice, parts: list[JsonObject]) -> JsonObject | None:
    """`extra_content`. `parts`: those of Gemini's that have no item."""
    google: JsonObject = {_METADATA[name]: value for name, value in choice.metadata.items()}
    if choice.prompt_feedback:
        google["prompt_feedback"] = choice.prompt_feedback
    if choice.finish_reason not in (None, "STOP", "MAX_TOKENS"):
        google["finish_reason"] = choice.finish_reason
        if choice.finish_message:
            google["finish_message"] = choice.finish_message
    if choice.left_out:
        google["calls_left_out"] = choice.left_out
    if parts:
        google["parts"] = parts
    return {"google": google} if google else None


def is_search(called: JsonObject) -> bool:
    return "SEARCH" in str(called.get("toolType") or called.get("name") or "").upper()


def chunks(grounding: Any, kind: str, key: str) -> list[JsonObject]:
    """The sources of a kind that have a text under `key`."""
    listed = grounding.get("groundingChunks") if isinstance(grounding, dict) else None
    sources = [each.get(kind) for each in (listed if isinstance(listed, list) else ()) if isinstance(each, dict)]
    return [each for each in sources if isinstance(each, dict) and isinstance(each.get(key), str)]


def logprobs(tokens: list[TokenLogprob]) -> list[JsonObject]:
    return [{**_token(each), "top_logprobs": [_token(one) for one in each.top]} for each in tokens]


def _token(token: TokenLogprob) -> JsonObject:
    logprob = token.logprob
    if not LEAST <= logprob <= 0:
        logprob = LEAST if logprob < 0 or logprob != logprob else 0.0
    return {"token": token.token, "logprob": logprob, "bytes": list(token.token.encode("utf-8", "replace"))}
