"""Gemini's usageMetadata → OpenAI's usage, so that it adds up.

`prompt_tokens` holds the prompt and what Google's tools put into it; `completion_tokens` holds the answer and the
thoughts (GEMINI.md 2.3); `total_tokens` is their sum. Details never exceed what they are a part of, and are never
negative.
"""

from __future__ import annotations

from typing import Any

from liftgate.answer import gemini_json as upstream

_DETAIL = {"AUDIO": "audio_tokens", "TEXT": "text_tokens", "IMAGE": "image_tokens"}
_SEEN = {"VIDEO": "image_tokens", "DOCUMENT": "image_tokens"}
"""OpenAI has no slot for these; it counts their pages and frames as images."""


def chat_usage(meta: dict[str, Any]) -> dict[str, Any]:
    """`meta` may be empty: an answer without counts has zeros."""
    place = "usageMetadata"
    prompt = upstream.count(meta, "promptTokenCount", place)
    if "toolUsePromptTokenCount" in meta:
        prompt += upstream.count(meta, "toolUsePromptTokenCount", place)
    thoughts = upstream.count(meta, "thoughtsTokenCount", place) if "thoughtsTokenCount" in meta else 0
    completion = upstream.count(meta, "candidatesTokenCount", place) + thoughts
    cached = upstream.count(meta, "cachedContentTokenCount", place) if "cachedContentTokenCount" in meta else 0
    prompt_details = {"cached_tokens": min(cached, prompt), "audio_tokens": 0}
    completion_details = {
        "reasoning_tokens": thoughts,
        "audio_tokens": 0,
        "accepted_prediction_tokens": 0,
        "rejected_prediction_tokens": 0,
    }
    if "promptTokensDetails" in meta or "toolUsePromptTokensDetails" in meta:
        _add(prompt_details, meta, "promptTokensDetails", prompt)
        _add(prompt_details, meta, "toolUsePromptTokensDetails", prompt)
    if "candidatesTokensDetails" in meta:
        _add(completion_details, meta, "candidatesTokensDetails", completion)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": prompt_details,
        "completion_tokens_details": completion_details,
    }


def _add(details: dict[str, int], meta: dict[str, Any], key: str, most: int) -> None:
    place = f"usageMetadata.{key}[]"
    for each in upstream.mappings(meta, key, "usageMetadata"):
        modality = upstream.string(each, "modality", place) or ""
        name = _DETAIL.get(modality) or _SEEN.get(modality)
        if name is not None:
            details[name] = min(details.get(name, 0) + upstream.count(each, "tokenCount", place), most)


TIERS = {"standard": "default", "flex": "flex", "priority": "priority"}


def service_tier(meta: dict[str, Any]) -> str:
    """The tier that served, in OpenAI's names; `default` when Gemini does not say."""
    return TIERS.get((upstream.string(meta, "serviceTier", "usageMetadata") or "").lower(), "default")
