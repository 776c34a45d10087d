"""An answer's counts → OpenAI's usage, so that it adds up.

`prompt_tokens` holds the prompt and what Google's tools put into it; `completion_tokens` holds the answer and the
thoughts (docs/protocol/gemini.md, "Answers"); `total_tokens` is their sum. Details never exceed what they are a part
of, and are never negative.
"""

from __future__ import annotations

from collections.abc import Mapping

from liftgate.answer.counts import Counts
from liftgate.json_types import JsonObject

_DETAIL = {
    "AUDIO": "audio_tokens",
    "TEXT": "text_tokens",
    "IMAGE": "image_tokens",
    # OpenAI has no slot for these; it counts their pages and frames as images.
    "VIDEO": "image_tokens",
    "DOCUMENT": "image_tokens",
}
TIERS = {"standard": "default", "flex": "flex", "priority": "priority"}


def chat_usage(counts: Counts, dollars: float | None = None) -> JsonObject:
    """An answer without counts has zeros. `dollars`: what it cost, a field beside OpenAI's where it is told."""
    prompt = counts.prompt + counts.tools
    completion = counts.answer + counts.thoughts
    prompt_details = {"cached_tokens": min(counts.cached, prompt), "audio_tokens": 0}
    completion_details = {
        "reasoning_tokens": counts.thoughts,
        "audio_tokens": 0,
        "accepted_prediction_tokens": 0,
        "rejected_prediction_tokens": 0,
    }
    _add(prompt_details, counts.prompt_by, prompt)
    _add(prompt_details, counts.tools_by, prompt)
    _add(completion_details, counts.answer_by, completion)
    usage: JsonObject = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": prompt_details,
        "completion_tokens_details": completion_details,
    }
    if dollars is not None:
        usage["cost"] = dollars
    return usage


def _add(details: dict[str, int], by_modality: Mapping[str, int], most: int) -> None:
    for modality, count in by_modality.items():
        name = _DETAIL.get(modality)
        if name is not None:
            details[name] = min(details.get(name, 0) + count, most)


def service_tier(google: str | None) -> str:
    """The tier that served, in OpenAI's names; `default` when Gemini does not say."""
    return TIERS.get((google or "").lower(), "default")
