"""Arguments of LiteLLM's `completion` that no API of OpenAI's has: what becomes of each.

`completion` ignores the first table, refuses the second by name, and acts on `fallbacks`,
`context_window_fallback_dict` and `mock_response` itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from liftgate.errors import InvalidRequest, UnsupportedParameter
from liftgate.json_types import JsonMapping, JsonObject

_LABEL = "a label of LiteLLM's own logging"
_TEMPLATE = "a prompt template, for providers without a chat API"
_ROUTING = "of a Router's deployments; Liftgate(config=…) routes"
_CLIENT = "Liftgate keeps its own connections"
_TURNS = "turns are put in the order that Gemini needs without it"

IGNORED: Mapping[str, str] = MappingProxyType(
    {
        "verbose": "Liftgate logs through Python's logging",
        "logger_fn": _LABEL,
        "litellm_call_id": _LABEL,
        "litellm_logging_obj": _LABEL,
        "litellm_metadata": _LABEL,
        "litellm_params": _LABEL,
        "litellm_session_id": _LABEL,
        "litellm_trace_id": _LABEL,
        "id": _LABEL,
        "tags": _LABEL,
        "no-log": _LABEL,
        "no_log": _LABEL,
        "turn_off_message_logging": _LABEL,
        "proxy_server_request": _LABEL,
        "preset_cache_key": "Liftgate caches no answers",
        "cache": "Liftgate caches no answers",
        "caching": "Liftgate caches no answers",
        "ttl": "Liftgate caches no answers",
        "acompletion": "which form was called is known",
        "model_info": "facts of a model are Liftgate's own",
        "base_model": "facts of a model are Liftgate's own",
        "hf_model_name": _TEMPLATE,
        "roles": _TEMPLATE,
        "initial_prompt_value": _TEMPLATE,
        "final_prompt_value": _TEMPLATE,
        "bos_token": _TEMPLATE,
        "eos_token": _TEMPLATE,
        "supports_system_message": "Gemini takes system messages",
        "ensure_alternating_roles": _TURNS,
        "user_continue_message": _TURNS,
        "assistant_continue_message": _TURNS,
        "force_timeout": "timeout acts",
        "stream_timeout": "timeout acts",
        "rpm": _ROUTING,
        "tpm": _ROUTING,
        "max_parallel_requests": _ROUTING,
        "weight": _ROUTING,
        "order": _ROUTING,
        "fastest_response": _ROUTING,
        "model_config": _ROUTING,
        "cache_key": "Liftgate caches no answers",
        "caching_groups": "Liftgate caches no answers",
        "litellm_request_debug": _LABEL,
        "litellm_disabled_callbacks": _LABEL,
        "text_completion": "which form was called is known",
        "use_in_pass_through": "there is one way to Gemini",
        "disable_add_transform_inline_image_block": "for Fireworks AI",
        "azure_ad_token": "for Azure",
        "azure_ad_token_provider": "for Azure",
        "tenant_id": "for Azure",
        "aws_region_name": "for Bedrock",
        "aws_access_key_id": "for Bedrock",
        "aws_secret_access_key": "for Bedrock",
        "aws_session_token": "for Bedrock",
        "aws_profile_name": "for Bedrock",
        "azure": "for Azure",
        "api_type": "for Azure",
        "api_version": "for Azure",
        "deployment_id": "for Azure",
        "organization": "for OpenAI",
        "region_name": "for Bedrock",
        "vertex_project": "for Vertex AI",
        "vertex_location": "for Vertex AI",
        "vertex_credentials": "for Vertex AI",
        "client": _CLIENT,
        "shared_session": _CLIENT,
        "allowed_openai_params": "what can be mapped always is",
        "cooldown_time": "there is one deployment",
        "retry_strategy": "pauses grow, as Google asks",
    }
)

REFUSED: Mapping[str, str] = MappingProxyType(
    {
        "max_budget": "no spend limit is held by the SDK",
        "budget_duration": "no spend limit is held by the SDK",
        "guardrails": "no guardrails are run; passing over them would be unsafe",
        "litellm_credential_name": "api_key=… names the key",
        "prompt_id": "prompts are not stored",
        "prompt_variables": "prompts are not stored",
        "model_list": "Liftgate(config=…) takes a list of models",
        "retry_policy": "num_retries says how often; what is tried again follows from the error",
        "mock_tool_calls": "mock_response takes a text or an exception",
        "mock_timeout": "mock_response takes a text or an exception",
        "mock_delay": "mock_response takes a text or an exception",
        "merge_reasoning_content_in_choices": "thoughts stand in reasoning_content",
        "enable_json_schema_validation": "Gemini holds its answer to the schema itself",
        "custom_prompt_dict": "Gemini takes messages, no prompt template",
        "input_cost_per_token": "prices are of the package's table",
        "output_cost_per_token": "prices are of the package's table",
        "allowed_model_region": "Google AI Studio lets nobody choose a region",
        "ssl_verify": "the certificate is always checked; SSL_CERT_FILE names further authorities",
    }
)


_ON = frozenset({"ssl_verify"})
"""Those that ask for something where they are off."""
_NOTHING: tuple[object, ...] = (None, False, "", [], {}, ())


def take_out(request: JsonObject) -> None:
    """Removes what is ignored; UnsupportedParameter names what is refused."""
    for name in request.keys() & IGNORED.keys():
        del request[name]
    for name in request.keys() & REFUSED.keys():
        value = request.pop(name)
        asks = value not in (None, True) if name in _ON else value not in _NOTHING
        if asks:
            raise UnsupportedParameter(f"Unsupported parameter: '{name}': {REFUSED[name]}.", param=name)


def response_format(value: object) -> Any:
    """A pydantic model, as OpenAI's `parse` and LiteLLM take one, as the JSON Schema that it stands for."""
    schema_of = getattr(value, "model_json_schema", None)
    if isinstance(value, type) and callable(schema_of):
        return {"type": "json_schema", "json_schema": {"name": value.__name__, "schema": schema_of(), "strict": True}}
    if isinstance(value, Mapping) or value is None:
        return value
    what = value.__name__ if isinstance(value, type) else f"{value!r:.80}"
    raise InvalidRequest(
        f"'response_format' is a dict or a pydantic model's class; {what} is neither.", param="response_format"
    )


def fallback_models(request: JsonObject) -> tuple[list[JsonMapping], JsonMapping]:
    """`fallbacks` as changes to the call, each with a `model`, and `context_window_fallback_dict`; both are taken out.

    A fallback is a model's name, or a dict with a model and arguments of its own.
    """
    listed = request.pop("fallbacks", None) or ()
    by_window = request.pop("context_window_fallback_dict", None) or {}
    if isinstance(listed, str | Mapping) or not isinstance(by_window, Mapping):
        raise InvalidRequest("'fallbacks' is a list of models.", param="fallbacks")
    changes: list[JsonMapping] = []
    for place, each in enumerate(listed):
        change = {"model": each} if isinstance(each, str) else each
        if not isinstance(change, Mapping) or not isinstance(change.get("model"), str):
            raise InvalidRequest(
                "A fallback is a model's name, or a dict with 'model' in it.", param=f"fallbacks[{place}]"
            )
        changes.append(change)
    return changes, by_window
