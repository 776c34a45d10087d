"""What is known of a model, in LiteLLM's names: `get_model_info`, `model_cost`, `get_max_tokens`, `supports_…`.

All from the package's table (`liftgate.prices`); Google is not asked, and a model that is not in it is a NotFound.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

from liftgate.clock import SystemClock
from liftgate.errors import NotFound
from liftgate.prices import day_of, dollars_per_token, known_models, model_entry
from liftgate.sdk.bridge import public_errors
from liftgate.settings.google import KEY_VARIABLES
from liftgate.translate.field_table import REQUEST

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


def get_model_info(model: str, custom_llm_provider: str | None = None, api_base: str | None = None) -> dict[str, Any]:
    """Limits in tokens, prices in US dollars for one token (of today), and what the model can do. Raises NotFound."""
    with public_errors(model):
        entry = model_entry(model)
        if entry is None:
            raise NotFound(f"Nothing is known of the model {model!r}.", param="model", code="model_not_found")
    return _info(model, entry)


def get_max_tokens(model: str) -> int | None:
    """The most tokens of an answer."""
    most: int | None = get_model_info(model)["max_output_tokens"]
    return most


def get_supported_openai_params(
    model: str, custom_llm_provider: str | None = None, request_type: str = "chat_completion"
) -> list[str]:
    """The parameters of `completion` that act. What one model of them cannot do is refused by name when it is asked."""
    return [row.field for row in REQUEST if row.fate == "mapped" and "." not in row.field and "[" not in row.field]


def validate_environment(
    model: str | None = None, api_key: str | None = None, api_base: str | None = None
) -> dict[str, Any]:
    """Whether there is a key for Google: LiteLLM's `keys_in_environment` and `missing_keys`."""
    found = bool(api_key or any(os.environ.get(name) for name in KEY_VARIABLES))
    return {"keys_in_environment": found, "missing_keys": [] if found else ["GEMINI_API_KEY"]}


def _info(model: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    name = model.removeprefix("gemini/").removeprefix("models/")
    limits = entry.get("limits", {})
    today = day_of(SystemClock().now())
    prices = dollars_per_token(name, day=today)
    above = dollars_per_token(name, day=today, long_prompt=True) if "over_200k" in entry.get("price", {}) else {}
    info: dict[str, Any] = {
        "key": f"gemini/{name}",
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
    return {**info, **{flag: _can(entry, flag) for flag in _FLAGS}}


def _can(entry: Mapping[str, Any], flag: str) -> bool:
    can = entry.get("can", {})
    return any(can.get(name) for name in _FLAGS[flag]) or _TAKES.get(flag) in entry.get("takes", ())


def _supports(model: str, flag: str) -> bool:
    entry = model_entry(model)
    return entry is not None and _can(entry, flag)


def supports_function_calling(model: str, custom_llm_provider: str | None = None) -> bool:
    return _supports(model, "supports_function_calling")


def supports_parallel_function_calling(model: str, custom_llm_provider: str | None = None) -> bool:
    return _supports(model, "supports_parallel_function_calling")


def supports_response_schema(model: str, custom_llm_provider: str | None = None) -> bool:
    return _supports(model, "supports_response_schema")


def supports_reasoning(model: str, custom_llm_provider: str | None = None) -> bool:
    return _supports(model, "supports_reasoning")


def supports_vision(model: str, custom_llm_provider: str | None = None) -> bool:
    return _supports(model, "supports_vision")


def supports_pdf_input(model: str, custom_llm_provider: str | None = None) -> bool:
    return _supports(model, "supports_pdf_input")


def supports_audio_input(model: str, custom_llm_provider: str | None = None) -> bool:
    return _supports(model, "supports_audio_input")


def supports_audio_output(model: str, custom_llm_provider: str | None = None) -> bool:
    return _supports(model, "supports_audio_output")


def supports_video_input(model: str, custom_llm_provider: str | None = None) -> bool:
    return _supports(model, "supports_video_input")


def supports_web_search(model: str, custom_llm_provider: str | None = None) -> bool:
    return _supports(model, "supports_web_search")


def supports_url_context(model: str, custom_llm_provider: str | None = None) -> bool:
    return _supports(model, "supports_url_context")


def supports_system_messages(model: str, custom_llm_provider: str | None = None) -> bool:
    return _supports(model, "supports_system_messages")


def supports_tool_choice(model: str, custom_llm_provider: str | None = None) -> bool:
    return _supports(model, "supports_tool_choice")


def supports_prompt_caching(model: str, custom_llm_provider: str | None = None) -> bool:
    return _supports(model, "supports_prompt_caching")


class _ModelCost(Mapping[str, dict[str, Any]]):
    """`model_cost`: each model's facts, by its name with and without `gemini/`."""

    def __getitem__(self, name: str) -> dict[str, Any]:
        entry = model_entry(name)
        if entry is None:
            raise KeyError(name)
        return _info(name, entry)

    def __iter__(self) -> Iterator[str]:
        return iter(f"gemini/{name}" for name in known_models())

    def __len__(self) -> int:
        return len(known_models())


model_cost = _ModelCost()
