"""LiteLLM's settings of its module, `liftgate.drop_params = True` and the like: each acts, is refused, or is harmless.

A setting that would act in LiteLLM is never taken in silence: a spend limit that is not held is worse than an error.
"""

from __future__ import annotations

import difflib
import logging
import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from liftgate.json_types import JsonMapping, JsonObject

ACTS: JsonMapping = MappingProxyType(
    {"api_key": None, "api_base": None, "num_retries": None, "request_timeout": None, "drop_params": False}
)
"""Settings that act on every function of the module, and what they are while unset."""

HARMLESS: JsonMapping = MappingProxyType(
    {
        "set_verbose": False,
        "verbose": False,
        "suppress_debug_info": False,
        "telemetry": False,
        "turn_off_message_logging": True,
        "modify_params": False,
        "add_function_to_prompt": False,
        "json_logs": False,
        "log_raw_request_response": False,
        "disable_streaming_logging": False,
        "redact_messages_in_exceptions": True,
        "redact_user_api_key_info": True,
        "disable_hf_tokenizer_download": False,
        "enable_preview_features": False,
        "retry": True,
        "allowed_fails": 3,
        "ssl_verify": True,
        "disable_end_user_cost_tracking": False,
        "vertex_project": None,
        "vertex_location": None,
        "organization": None,
        "api_version": None,
        **dict.fromkeys(("openai_key", "azure_key", "anthropic_key", "openrouter_key", "groq_key", "cohere_key")),
    }
)
"""Settings that change nothing here, and their values: Liftgate logs through `logging`, sends nothing home, and keeps
no end users."""

_CALLBACKS = "Liftgate calls no callbacks; log the results and exceptions of your own calls."
_SPEND = "Liftgate's functions hold no spend limit, so a program that relies on one must not start."
_CACHE = "Liftgate caches no answers."

REFUSED: Mapping[str, str] = MappingProxyType(
    {
        "max_budget": _SPEND,
        "budget_duration": _SPEND,
        "budget_manager": _SPEND,
        "max_user_budget": _SPEND,
        "max_end_user_budget": _SPEND,
        "default_max_internal_user_budget": _SPEND,
        "max_internal_user_budget": _SPEND,
        "tag_budget_config": _SPEND,
        "default_internal_user_params": _SPEND,
        "success_callback": _CALLBACKS,
        "failure_callback": _CALLBACKS,
        "callbacks": _CALLBACKS,
        "input_callback": _CALLBACKS,
        "service_callback": _CALLBACKS,
        "cache": _CACHE,
        "enable_cache": _CACHE,
        "fallbacks": "Give fallbacks=[…] to the call, or a config with fallbacks to Liftgate(config=…).",
        "default_fallbacks": "Give fallbacks=[…] to the call, or a config with fallbacks to Liftgate(config=…).",
        "content_policy_fallbacks": "Give fallbacks=[…] to the call.",
        "enable_json_schema_validation": "Gemini holds its answer to the schema itself.",
        "include_cost_in_streaming_usage": "completion_cost prices what stream_chunk_builder puts together.",
        "return_response_headers": "Results carry no headers.",
        "cost_discount_config": "Prices are of the package's own table.",
        "gemini_key": "Set liftgate.api_key, or the environment's GEMINI_API_KEY.",
        "force_ipv4": "Liftgate keeps its own connections.",
        "context_window_fallbacks": "Give context_window_fallback_dict={…} to the call.",
        "model_alias_map": "Give a config with model_group_alias to Liftgate(config=…).",
        "model_list": "Give a config with this model_list to Liftgate(config=…).",
        "headers": "Give extra_headers={…} to the call, or to Liftgate(…).",
        "custom_provider_map": "Liftgate speaks to Google AI Studio only.",
        "guardrail_name_config_map": "Liftgate runs no guardrails.",
        "credential_list": "Give api_key=… to the call, or a config to Liftgate(config=…).",
        "client_session": "Liftgate keeps its own connections.",
        "aclient_session": "Liftgate keeps its own connections.",
        "use_client": "Liftgate keeps its own connections.",
    }
)

_SHARED_NAMES = {
    "api_key": ("api_key",),
    "api_base": ("api_base", "base_url"),
    "num_retries": ("num_retries", "max_retries"),
    "request_timeout": ("timeout", "request_timeout"),
}
"""The call's own names for a setting: with any of them given, the setting says nothing."""


def check_setting(name: str, value: object) -> None:
    """AttributeError for a setting that Liftgate cannot honour, and for one that it does not know.

    Setting what is off by default to off, `liftgate.cache = None`, asks for nothing and passes.
    """
    if name in REFUSED:
        if value:
            raise AttributeError(f"liftgate.{name} cannot be set: {REFUSED[name]}")
        return
    if name in ACTS or name in HARMLESS:
        return
    near = difflib.get_close_matches(name, [*ACTS, *REFUSED], n=1, cutoff=0.8)
    if near:
        raise AttributeError(f"liftgate.{name} is no setting. Did you mean liftgate.{near[0]}?")
    raise AttributeError(f"liftgate.{name} is no setting of Liftgate's; setting it would change nothing.")


def turn_on_debug() -> None:
    """LiteLLM's `_turn_on_debug()`: all that Liftgate logs goes to stderr. Contents and keys are never logged."""
    logging.basicConfig()
    logging.getLogger("liftgate").setLevel(logging.DEBUG)


def default_of(name: str) -> Any:
    """What an unset setting reads as. KeyError for a name that is none."""
    if name in REFUSED:
        return [] if name.endswith(("callback", "callbacks")) else None
    return ACTS[name] if name in ACTS else HARMLESS[name]


def with_settings(arguments: JsonObject, *, chat: bool) -> JsonObject:
    """A call's keyword arguments, with the module's settings for what they do not say. `chat`: the call sends a chat,
    to which `drop_params` applies."""
    settings = vars(sys.modules["liftgate"])
    given = dict(arguments)
    for name, spellings in _SHARED_NAMES.items():
        value = settings.get(name)
        if value is not None and all(given.get(spelling) is None for spelling in spellings):
            given[spellings[0]] = value
    if chat and settings.get("drop_params") and given.get("drop_params") is None:
        given["drop_params"] = True
    return given
