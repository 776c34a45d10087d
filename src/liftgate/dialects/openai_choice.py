"""What all of OpenAI's APIs write of a choice in one form: log probabilities, and what only Google says of it."""

from __future__ import annotations

from collections.abc import Mapping

from liftgate.answer.choice import Choice
from liftgate.answer.events import TokenLogprob
from liftgate.json_types import JsonObject

METADATA: Mapping[str, str] = {
    "safetyRatings": "safety_ratings",
    "citationMetadata": "citation_metadata",
    "groundingMetadata": "grounding_metadata",
    "urlContextMetadata": "url_context_metadata",
    "continuationToken": "continuation_token",
}
"""Google's names → those in extra_content.google."""

LEAST = -9999.0
"""OpenAI's number for 'practically never'; JSON has no minus infinity."""


def google_extra(choice: Choice) -> JsonObject:
    """`extra_content.google`, but for Gemini's own parts; may be empty."""
    google: JsonObject = {METADATA[name]: value for name, value in choice.metadata.items()}
    if choice.prompt_feedback:
        google["prompt_feedback"] = choice.prompt_feedback
    if choice.finish_reason not in (None, "STOP", "MAX_TOKENS"):
        google["finish_reason"] = choice.finish_reason
        if choice.finish_message:
            google["finish_message"] = choice.finish_message
    if choice.left_out:
        google["calls_left_out"] = choice.left_out
    return google


def logprobs(tokens: list[TokenLogprob]) -> list[JsonObject]:
    return [{**_token(each), "top_logprobs": [_token(one) for one in each.top]} for each in tokens]


def _token(token: TokenLogprob) -> JsonObject:
    logprob = token.logprob
    if not LEAST <= logprob <= 0:
        logprob = LEAST if logprob < 0 or logprob != logprob else 0.0
    return {"token": token.token, "logprob": logprob, "bytes": list(token.token.encode("utf-8", "replace"))}
