"""LiteLLM's config.yaml: what each of its settings does here, as tables. The documentation is made from them too.

ACTS: it becomes one of our options. REFUSED: it guards something (who may come in, what may pass, what may be
spent), so a gateway that overlooked it would be less safe than the one it replaces; it does not start. SILENT and
AS_DONE_HERE need no word. Everything else that LiteLLM has (`litellm_names`) is named in a warning.
"""

from __future__ import annotations

ACTS: dict[str, dict[str, str]] = {
    "router_settings": {
        "num_retries": "num_retries",
        "timeout": "request_timeout",
        "stream_timeout": "stream_timeout",
        "cooldown_time": "cooldown_time",
        "allowed_fails": "allowed_fails",
    },
    "litellm_settings": {
        "num_retries": "num_retries",
        "request_timeout": "request_timeout",
        "cooldown_time": "cooldown_time",
        "allowed_fails": "allowed_fails",
        "drop_params": "drop_params",
        "json_logs": "json_logs",
        "max_budget": "max_budget",
        "budget_duration": "budget_duration",
    },
    "general_settings": {
        "max_budget": "max_budget",
        "budget_duration": "budget_duration",
        "max_file_size_mb": "max_file_bytes",
        "max_request_size_mb": "max_body_bytes",
    },
}
"""Section → its setting → our option. `router_settings` wins over `litellm_settings`, as at LiteLLM."""

ALSO_ACTS: dict[str, str] = {
    "general_settings.master_key": "the master key",
    "router_settings.fallbacks": "the models that stand in for another",
    "litellm_settings.fallbacks": "the models that stand in for another",
    "router_settings.default_fallbacks": "`fallbacks` of every other model",
    "litellm_settings.default_fallbacks": "`fallbacks` of every other model",
    "router_settings.context_window_fallbacks": "the models that take a prompt that is too long for another",
    "litellm_settings.context_window_fallbacks": "the models that take a prompt that is too long for another",
    "router_settings.provider_budget_config": (
        "of `gemini`: a budget of the gateway, besides `max_budget`; of other providers nothing is served here"
    ),
    "router_settings.model_group_alias": "further names of a model; `hidden` ones are not listed",
    "environment_variables": "set before everything else is read",
    "credential_list": "found by `litellm_credential_name`",
    "include": "other files, read as if they stood here",
    "model_list": "the deployments",
    "liftgate_settings": "our own settings",
}

PARAMS: dict[str, str] = {
    "model": "`gemini/NAME`",
    "api_key": "the key at Google",
    "api_base": "the address of Gemini",
    "base_url": "the address of Gemini",
    "custom_llm_provider": "`gemini`",
    "litellm_credential_name": "an entry of `credential_list`",
    "project": "ours: keys of one Google project see the same files",
    "timeout": "the deadline of a call to this deployment",
    "request_timeout": "the deadline of a call to this deployment",
    "stream_timeout": "how long a stream of this deployment may be silent",
    "drop_params": "drop what the model cannot do",
    "extra_headers": "headers of every call to this deployment",
}
"""What acts of `litellm_params`, besides DEFAULTS."""

DEFAULTS = frozenset(
    {
        *("additional_drop_params", "audio", "extra_body", "frequency_penalty", "function_call"),
        *("functions", "generation_config", "labels", "logprobs", "max_completion_tokens", "max_tokens"),
        *("modalities", "n", "parallel_tool_calls", "presence_penalty", "reasoning_effort"),
        *("response_format", "safety_settings", "seed", "service_tier", "stop", "temperature"),
        *("thinking", "tool_choice", "tool_config", "tools", "top_k", "top_logprobs", "top_p"),
        *("web_search_options",),
    }
)
"""Parameters of a request that an entry of `model_list` may give too: they hold where the request does not say them."""

INFO = frozenset({"id", "base_model", "mode", "supported_environments"})

ACCESS = "says who may come in"
CONTENT = "guards what may pass"
MONEY = "limits what may be spent"

REFUSED: dict[str, dict[str, str]] = {
    "": {
        "guardrails": CONTENT,
        "policies": CONTENT,
        "policy_attachments": CONTENT,
    },
    "general_settings": {
        "custom_auth": ACCESS,
        "enable_jwt_auth": ACCESS,
        "enable_oauth2_auth": ACCESS,
        "enable_oauth2_proxy_auth": ACCESS,
        "litellm_jwtauth": ACCESS,
        "role_permissions": ACCESS,
        "allowed_routes": ACCESS,
        "admin_only_routes": ACCESS,
        "allowed_ips": ACCESS,
        "enforce_user_param": ACCESS,
        "allowed_file_extensions": CONTENT,
        "blocked_file_extensions": CONTENT,
        "enforced_params": CONTENT,
        "service_account_settings": CONTENT,
        "require_end_user": ACCESS,
    },
    "litellm_settings": {
        "guardrails": CONTENT,
        "guardrail_name_config_map": CONTENT,
        "banned_keywords_list": CONTENT,
        "blocked_user_list": ACCESS,
        "llm_guard_mode": CONTENT,
        "enforced_params": CONTENT,
        "pre_call_rules": CONTENT,
        "post_call_rules": CONTENT,
        "vertex_ai_safety_settings": CONTENT,
        "gemini_safety_settings": CONTENT,
        "max_internal_user_budget": MONEY,
        "max_user_budget": MONEY,
        "max_end_user_budget": MONEY,
    },
    "router_settings": {"budget_config": MONEY, "guardrail_list": CONTENT},
    "litellm_params": {
        "guardrails": CONTENT,
        "max_budget": MONEY,
        "mock_response": "would make calls where none were meant",
    },
    "model_info": {"team_id": ACCESS, "access_groups": ACCESS},
}
"""Section ('' is the top of the file) → its setting → why leaving it out would be unsafe."""

_OF_ALL = "`max_budget` of litellm_settings bounds the gateway, `model_max_budget` of keys and owners a model."
_OF_OWNERS = "Give each owner its own: `max_budget` of /user/new, /team/new or /key/generate."

INSTEAD: dict[str, str] = {
    **dict.fromkeys(("max_budget", "budget_config"), _OF_ALL),
    **dict.fromkeys(("max_internal_user_budget", "max_user_budget", "max_end_user_budget"), _OF_OWNERS),
}
"""A refused setting → what does the like of it here."""

SILENT: dict[str, frozenset[str]] = {
    "": frozenset({"general_settings", "litellm_settings", "router_settings"}),
    "general_settings": frozenset({"disable_spend_logs", "set_verbose", "debug", "disable_prisma_schema_update"}),
    "litellm_settings": frozenset(
        {"require_managed_files", "user_url_validation", "set_verbose", "telemetry", "suppress_debug_info"}
    ),
    "router_settings": frozenset({"set_verbose", "debug_level"}),
    "litellm_params": frozenset({"metadata", "tags", "litellm_metadata", "no-log", "stream"}),
}
"""They change nothing, or are always so here."""

AS_DONE_HERE: dict[str, object] = {"routing_strategy": "simple-shuffle", "user_url_validation": True}
"""Values that ask for what is done anyway."""

CHANGES_ANSWERS = frozenset(
    {
        *("content_policy_fallbacks", "modify_params", "cache", "model_alias_map", "retry_policy", "max_tokens"),
        *("model_group_retry_policy", "default_litellm_params", "cache_control_injection_points", "prompt_id"),
        *(
            "litellm_key_header_name",
            "enable_pre_call_checks",
            "enable_tag_filtering",
            "max_fallbacks",
            "stream_timeout",
        ),
        *("merge_reasoning_content_in_choices", "store_model_in_db", "pass_through_endpoints"),
        *(
            "database_url",
            "litellm_system_prompt",
        ),
    }
)
"""What is listed first: without them some requests are answered otherwise than by LiteLLM, or not at all."""

EXPLAINED: dict[str, str] = {
    "general_settings.database_url": (
        "is LiteLLM's own database and is left alone: the virtual keys in it are not honoured (liftgate_settings.keys "
        "has ours). Liftgate's catalogue is liftgate_settings.database_url."
    ),
    "general_settings.cors_allow_origins": "does nothing here: liftgate_settings.cors_origins lets pages in.",
    **dict.fromkeys(
        ("litellm_settings.ssl_verify", "litellm_params.ssl_verify"),
        "does nothing here: the certificate is always checked; SSL_CERT_FILE names further authorities.",
    ),
    "general_settings.use_x_forwarded_for": (
        "does nothing here: liftgate_settings.trusted_proxies names the proxies whose X-Forwarded-For is believed."
    ),
    "litellm_settings.redact_user_api_key_info": (
        "does nothing here: no log has a key, and liftgate_settings.log_user_secret keeps users' names out of it."
    ),
    "general_settings.store_model_in_db": "does nothing here: models in LiteLLM's database are not read.",
}
