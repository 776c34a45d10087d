"""What the package's table knows of a model, in LiteLLM's names: limits in tokens, prices, what it can do."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from liftgate.json_types import JsonMapping, JsonObject
from liftgate.names import bare_model, litellm_model
from liftgate.prices import dollars_per_token
from liftgate.rates import NONE, Prices

_FLAGS: Mapping[str, tuple[str, ...]] = {
    "supports_function_calling": ("tools",),
    "supports_parallel_function_calling": ("parallel_tools",),
    "supports_tool_choice": ("tool_choice",),
    "supports_response_schema": ("json_schema",),
    "supports_reasoning": ("thinking",),
    "supports_vision": ("image_in",),
    "supports_pdf_input": ("pdf_in",),
    "supports_audio_input": ("audio_in",),
    "supports_video_input": ("video_in",),
    "supports_audio_output": ("audio_out",),
    "supports_web_search": ("web_search",),
    "supports_url_context": ("url_context",),
    "supports_system_messages": ("system",),
    "supports_prompt_caching": ("caching", "explicit_caching"),
}
_TAKES = {"supports_vision": "image", "supports_audio_input": "audio", "supports_video_input": "video"}

_PRICES = {
    "in_text": "input_cost_per_token",
    "in_audio": "input_cost_per_audio_token",
    "cached_in": "cache_read_input_token_cost",
    "out": "output_cost_per_token",
    "out_thinking": "output_cost_per_reasoning_token",
    "out_audio": "output_cost_per_audio_token",
    "out_image": "output_cost_per_image_token",
}
_LONG = {
    "in_text": "input_cost_per_token_above_200k_tokens",
    "cached_in": "cache_read_input_token_cost_above_200k_tokens",
    "out": "output_cost_per_token_above_200k_tokens",
}
_MODES = {"unpriced": "chat"}


def facts_of(model: str, entry: JsonMapping, day: date, own: Prices = NONE) -> JsonObject:
    """`entry`: the model's of the table. Prices are US dollars for one token on that day, with the operator's `own`."""
    name = bare_model(model)
    limits = entry.get("limits", {})
    is_tiered = "over_200k" in entry.get("price", {}) or "over_200k" in own
    prices = dollars_per_token(name, day=day, own=own)
    above = dollars_per_token(name, day=day, long_prompt=True, own=own) if is_tiered else {}
    info: JsonObject = {
        "key": litellm_model(name),
        "litellm_provider": "gemini",
        "mode": _MODES.get(entry["kind"], entry["kind"]),
        "max_tokens": limits.get("output"),
        "max_input_tokens": limits.get("input"),
        "max_output_tokens": limits.get("output"),
        "input_cost_per_token": None,
        "output_cost_per_token": None,
        **{ours: prices[theirs] for theirs, ours in _PRICES.items() if theirs in prices},
        **{ours: above[theirs] for theirs, ours in _LONG.items() if theirs in above},
    }
    return {**info, **{flag: can(entry, flag) for flag in _FLAGS}}


def can(entry: JsonMapping, flag: str) -> bool:
    can = entry.get("can", {})
    return any(can.get(name) for name in _FLAGS[flag]) or _TAKES.get(flag) in entry.get("takes", ())
