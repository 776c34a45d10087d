"""What is known of a model, in LiteLLM's names: `get_model_info`, `model_cost`, `get_max_tokens`, `supports_…`.

All from the package's table (`liftgate.rates`); Google is not asked, and a model that is not in it is a NotFound.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from liftgate.ask.model_info import can, facts_of
from liftgate.clock import SystemClock
from liftgate.days import day_of
from liftgate.dialects.chat.fields import REQUEST
from liftgate.errors import NotFound
from liftgate.json_types import JsonObject
from liftgate.names import litellm_model
from liftgate.rates import known_models, model_entry
from liftgate.sdk.bridge import public_errors
from liftgate.settings.google import KEY_VARIABLES


def get_model_info(model: str, custom_llm_provider: str | None = None, api_base: str | None = None) -> JsonObject:
    """Limits in tokens, prices in US dollars for one token (of today), and what the model can do. Raises NotFound."""
    with public_errors(model):
        entry = model_entry(model)
        if entry is None:
            raise NotFound(f"Nothing is known of the model {model!r}.", param="model", code="model_not_found")
    return facts_of(model, entry, day_of(SystemClock().now()))


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
) -> JsonObject:
    """Whether there is a key for Google: LiteLLM's `keys_in_environment` and `missing_keys`."""
    found = bool(api_key or any(os.environ.get(name) for name in KEY_VARIABLES))
    return {"keys_in_environment": found, "missing_keys": [] if found else ["GEMINI_API_KEY"]}


def _supports(model: str, flag: str) -> bool:
    entry = model_entry(model)
    return entry is not None and can(entry, flag)


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


class _ModelCost(Mapping[str, JsonObject]):
    """`model_cost`: each model's facts, by its name with and without `gemini/`."""

    def __getitem__(self, name: str) -> JsonObject:
        entry = model_entry(name)
        if entry is None:
            raise KeyError(name)
        return facts_of(name, entry, day_of(SystemClock().now()))

    def __iter__(self) -> Iterator[str]:
        return iter(litellm_model(name) for name in known_models())

    def __len__(self) -> int:
        return len(known_models())


model_cost = _ModelCost()
