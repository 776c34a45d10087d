"""LiteLLM's config.yaml: what each of its settings does here. One table, from which the documentation is made too.

ACTS: it becomes one of our options. REFUSED: it guards something (who may come in, what may pass, what may be
spent), so a gateway that overlooked it would be less safe than the one it replaces; it does not start. Anything else is
harmless to leave out and is named in a warning, but for the SILENT ones, which change nothing or are always so here.
"""

from __future__ import annotations

from liftgate.errors import ConfigError
from liftgate.settings.sections import MIB
from liftgate.settings.values import listing, mapping, text

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
    },
    "general_settings": {
        "database_url": "database_url",
        "max_file_size_mb": "max_file_bytes",
        "max_request_size_mb": "max_body_bytes",
    },
}
"""Section → its setting → our option. `router_settings` wins over `litellm_settings`, as at LiteLLM."""

ALSO_ACTS: dict[str, str] = {
    "general_settings.master_key": "the master key",
    "router_settings.fallbacks": "`fallbacks`",
    "litellm_settings.fallbacks": "`fallbacks`",
    "environment_variables": "set before everything else is read",
    "credential_list": "found by `litellm_credential_name`",
    "model_list": "the deployments",
    "liftgate_settings": "our own settings",
}

_ACCESS = "says who may come in"
_CONTENT = "guards what may pass"
_MONEY = "limits what may be spent"

REFUSED: dict[str, dict[str, str]] = {
    "": {
        "guardrails": _CONTENT,
        "policies": _CONTENT,
        "policy_attachments": _CONTENT,
        "include": "may hold guards in other files",
    },
    "general_settings": {
        "custom_auth": _ACCESS,
        "enable_jwt_auth": _ACCESS,
        "enable_oauth2_auth": _ACCESS,
        "enable_oauth2_proxy_auth": _ACCESS,
        "litellm_jwtauth": _ACCESS,
        "role_permissions": _ACCESS,
        "allowed_routes": _ACCESS,
        "admin_only_routes": _ACCESS,
        "allowed_ips": _ACCESS,
        "enforce_user_param": _ACCESS,
        "allowed_file_extensions": _CONTENT,
        "blocked_file_extensions": _CONTENT,
        "enforced_params": _CONTENT,
    },
    "litellm_settings": {
        "guardrails": _CONTENT,
        "banned_keywords_list": _CONTENT,
        "blocked_user_list": _ACCESS,
        "llm_guard_mode": _CONTENT,
        "vertex_ai_safety_settings": _CONTENT,
        "gemini_safety_settings": _CONTENT,
        "max_budget": _MONEY,
        "budget_duration": _MONEY,
        "max_internal_user_budget": _MONEY,
        "max_user_budget": _MONEY,
        "max_end_user_budget": _MONEY,
    },
    "router_settings": {"provider_budget_config": _MONEY},
    "litellm_params": {
        "guardrails": _CONTENT,
        "safety_settings": _CONTENT,
        "max_budget": _MONEY,
        "budget_duration": _MONEY,
        "mock_response": "would make calls where none were meant",
    },
    "model_info": {"team_id": _ACCESS},
}
"""Section ('' is the top of the file) → its setting → why leaving it out would be unsafe."""

SILENT: dict[str, frozenset[str]] = {
    "": frozenset({"general_settings", "litellm_settings", "router_settings"}),
    "general_settings": frozenset({"master_key", "disable_spend_logs"}),
    "litellm_settings": frozenset(
        {"fallbacks", "require_managed_files", "user_url_validation", "set_verbose", "json_logs", "telemetry"}
    ),
    "router_settings": frozenset({"fallbacks"}),
}

_GUARD_CALLBACKS = frozenset(
    {
        "aim",
        "aporia",
        "azure_content_safety",
        "banned_keywords",
        "bedrock_guardrails",
        "blocked_user_check",
        "detect_prompt_injection",
        "google_text_moderation",
        "hide_secrets",
        "lakera_prompt_injection",
        "llamaguard_moderations",
        "llmguard_moderations",
        "max_budget_limiter",
        "openai_moderations",
        "presidio",
    }
)


def refuse(section: str, values: dict[str, object], where: str) -> None:
    """ConfigError when `values` holds a setting that would be unsafe to overlook and is switched on."""
    for name, why in REFUSED.get(section, {}).items():
        if values.get(name) not in (None, False, [], {}, ""):
            raise ConfigError(
                f"{where}{name}: Liftgate does not have this, and it {why}, so the gateway does not start without it. "
                "Remove it from the config if you can do without."
            )


def read_sections(document: dict[str, object], path: str) -> tuple[dict[str, tuple[object, str]], list[str]]:
    """LiteLLM's sections → our option's name → (value, where it stands), and the warnings about what does not act."""
    found: dict[str, tuple[object, str]] = {}
    warnings: list[str] = []
    refuse("", document, f"{path}: ")
    known = set(ALSO_ACTS) | SILENT[""]
    warnings += [f"{path}: {name} does nothing here." for name in document if name not in known]
    for section, acts in ACTS.items():
        values = mapping(document.get(section), f"{path}: {section}")
        where = f"{path}: {section}."
        refuse(section, values, where)
        if section == "litellm_settings":
            _refuse_guards(values, where)
        for name, value in values.items():
            if name in acts:
                if value is not None:
                    found.setdefault(acts[name], (_in_our_unit(name, value), where + name))
            elif name not in SILENT[section]:
                warnings.append(f"{where}{name} does nothing here.")
    return found, warnings


def _in_our_unit(name: str, value: object) -> object:
    if name.endswith("_mb") and isinstance(value, int | float):
        return int(value * MIB)
    return value


def _refuse_guards(values: dict[str, object], where: str) -> None:
    """Callbacks that only record are left out with a warning; those that can refuse a request are not."""
    callbacks = values.get("callbacks")
    for name in callbacks if isinstance(callbacks, list) else [callbacks]:
        if isinstance(name, str) and (name in _GUARD_CALLBACKS or "." in name):
            raise ConfigError(
                f"{where}callbacks: {name} can refuse requests, and Liftgate does not run callbacks, "
                "so the gateway does not start without it. Remove it from the config if you can do without."
            )


def read_fallbacks(document: dict[str, object], path: str) -> tuple[dict[str, tuple[str, ...]], ...]:
    """`[{name: [other, …]}, …]` of either section, in one list; for one name the entry of `router_settings` wins."""
    fallbacks: dict[str, tuple[str, ...]] = {}
    for section in ("litellm_settings", "router_settings"):
        where = f"{path}: {section}.fallbacks"
        for index, entry in enumerate(listing(mapping(document.get(section), section).get("fallbacks"), where)):
            for name, others in mapping(entry, f"{where}[{index}]").items():
                place = f"{where}[{index}].{name}"
                fallbacks[name] = tuple(text(other, place) for other in listing(others, place))
    return tuple({name: others} for name, others in fallbacks.items())
