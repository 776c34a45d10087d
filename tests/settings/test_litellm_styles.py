"""Configs in the style of LiteLLM's documentation and of its users' questions: each starts, and what does nothing is
told, or ends in a sentence that names the line and what to do.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from liftgate.errors import ConfigError
from liftgate.settings import Settings, load_settings

ENVIRON = {
    "HOME": "/",
    **{name: f"AIza-of-the-tests-{name.lower()}-0123456789" for name in ("GEMINI_API_KEY", "KEY_1", "KEY_2", "KEY_3")},
    "LITELLM_MASTER_KEY": "sk-master-of-tests",
    "DATABASE_URL": "postgresql://u:geheim@db/litellm",
    "COOLDOWN": "20",
}
KEY = "api_key: os.environ/GEMINI_API_KEY"
G = f"model_list:\n- model_name: g\n  litellm_params:\n    model: gemini/gemini-2.5-flash\n    {KEY}\n"


def entry(name: str, model: str, more: str = KEY) -> str:
    return f"- {{model_name: '{name}', litellm_params: {{model: '{model}', {more}}}}}\n"


STARTS: dict[str, tuple[str, list[str], list[str]]] = {
    "three keys of one name": (
        "model_list:\n"
        + "".join(
            entry("flash", "gemini/gemini-2.5-flash", f"api_key: os.environ/KEY_{n}, rpm: 10, weight: {n}")
            for n in (1, 2, 3)
        )
        + "router_settings: {routing_strategy: least-busy, num_retries: 3, cooldown_time: os.environ/COOLDOWN}\n",
        ["flash"] * 3,
        ["line 2: model_list[0].litellm_params.rpm does nothing here (and in 2 more", "routing_strategy", "weight"],
    ),
    "a provider's wildcard": ("model_list:\n" + entry("gemini/*", "gemini/*"), ["gemini/*"], []),
    "the wildcard of all": ("model_list:\n- {model_name: '*', litellm_params: {model: '*'}}\n", ["*"], []),
    "wildcards of three providers": (
        "model_list:\n" + entry("openai/*", "openai/*", "api_key: os.environ/NONE") + entry("gemini/*", "gemini/*"),
        ["gemini/*"],
        ["line 1: model_list: 1 entry of another provider is left out (openai 1)"],
    ),
    "a bare name": ("model_list:\n" + entry("f", "gemini-2.5-flash"), ["f"], []),
    "a bare name with the provider beside it": (
        "model_list:\n" + entry("f", "gemini-2.5-flash", f"custom_llm_provider: gemini, {KEY}"),
        ["f"],
        [],
    ),
    "Google's form of OpenAI's API": (
        "model_list:\n"
        + entry(
            "f", "openai/gemini-2.5-flash", f"api_base: https://generativelanguage.googleapis.com/v1beta/openai/, {KEY}"
        )
        + entry("o", "openai/gpt-4o", "api_base: os.environ/NOT_SET"),
        ["f"],
        ["(openai 1)"],
    ),
    "Google's form, with the provider beside it or as it lists its models": (
        "model_list:\n"
        + "".join(
            entry(name, model, f"api_base: https://generativelanguage.googleapis.com/v1beta/openai/, {KEY}{more}")
            for name, model, more in (
                ("a", "gemini-2.5-flash", ", custom_llm_provider: openai"),
                ("b", "openai/models/gemini-2.5-flash", ""),
                ("c", "models/gemini-2.5-flash", ", custom_llm_provider: openai"),
                ("d", "openai/gemini-2.5-flash", ", custom_llm_provider: openai"),
            )
        ),
        ["a", "b", "c", "d"],
        [],
    ),
    "credentials of others, unset": (
        "model_list:\n"
        + entry("g", "gemini/gemini-2.5-flash", f"litellm_credential_name: c, {KEY}")
        + "credential_list:\n- credential_name: c\n  credential_values: {api_key: os.environ/NOT_SET}\n"
        "- credential_name: az\n  credential_values: {api_key: '', api_base: os.environ/NOT_SET}\n",
        ["g"],
        [],
    ),
    "guards that are empty": (
        G + "general_settings: {service_account_settings: {}, require_end_user: false, allowed_ips: []}\n"
        "router_settings: {guardrail_list: []}\n",
        ["g"],
        [],
    ),
    "logging, alerting, a database": (
        G + "general_settings:\n  master_key: os.environ/LITELLM_MASTER_KEY\n  database_url: os.environ/DATABASE_URL\n"
        "  alerting: [slack]\nlitellm_settings:\n  callbacks: [langfuse, prometheus]\n",
        ["g"],
        ["line 8: general_settings.database_url is LiteLLM's own", "line 9: ", "line 11: litellm_settings.callbacks"],
    ),
    "a cache": (
        G + "litellm_settings: {cache: true, cache_params: {type: redis}}\n",
        ["g"],
        ["litellm_settings.cache "],
    ),
    "safety settings": (
        G + "    safety_settings:\n    - {category: HARM_CATEGORY_HARASSMENT, threshold: BLOCK_NONE}\n",
        ["g"],
        [],
    ),
    "thinking": (G + "    thinking: {type: enabled, budget_tokens: 1024}\n", ["g"], []),
    "aliases and fallbacks": (
        G + "router_settings:\n  model_group_alias: {gpt-4: g, o: {model: g, hidden: true}}\n  fallbacks: [{g: [h]}]\n",
        ["g"],
        ["line 8: router_settings.fallbacks[0].g: 'h' is no model_name"],
    ),
    "fallbacks of each kind": (
        G + "litellm_settings:\n  default_fallbacks: [g]\n  context_window_fallbacks: [{g: [g]}]\n"
        "  content_policy_fallbacks: [{g: [g]}]\n",
        ["g"],
        ["line 9: litellm_settings.content_policy_fallbacks"],
    ),
    "credentials": (
        "model_list:\n"
        + entry("g", "gemini/gemini-2.5-flash", "litellm_credential_name: c")
        + "credential_list:\n- credential_name: c\n  credential_values: {api_key: os.environ/KEY_1}\n",
        ["g"],
        [],
    ),
    "other modes": (
        "model_list:\n" + entry("emb", "gemini/gemini-embedding-001") + entry("img", "gemini/imagen-4.0-generate-001"),
        ["emb", "img"],
        [],
    ),
    "tools of a proxy": (
        G + "mcp_servers: {wiki: {url: 'https://x/mcp'}}\nfiles_settings: []\nsearch_tools: [{search_tool_name: t}]\n",
        ["g"],
        ["line 6: mcp_servers", "line 8: search_tools"],
    ),
    "retries": (G + "router_settings: {retry_policy: {RateLimitErrorRetries: 3}}\n", ["g"], ["retry_policy"]),
    "variables of the file": (f"environment_variables: {{GEMINI_API_KEY: {'A' * 39}}}\n" + G, ["g"], []),
    "JSON": ('{"model_list": [{"model_name": "g", "litellm_params": {"model": "gemini/gemini-2.5-pro"}}]}', ["g"], []),
    "an anchor merged in": (
        f"x-shared: &shared\n  {KEY}\n  timeout: 60\nmodel_list:\n- model_name: g\n  litellm_params:\n    <<: *shared\n"
        "    model: gemini/gemini-2.5-flash\n",
        ["g"],
        [],
    ),
    "numbers as texts": (G + "litellm_settings: {num_retries: '3', drop_params: 'true'}\n", ["g"], []),
    "LiteLLM's own router": (
        G + entry("auto", "auto_router/a", "auto_router_default_model: g"),
        ["g"],
        ["(auto_router 1)"],
    ),
    "another's names": ("model_list:\n" + entry("claude-*", "gemini/gemini-2.5-flash"), ["claude-*"], []),
    "keys kept elsewhere": (G + "general_settings: {key_management_system: aws_secret_manager}\n", ["g"], ["line 6"]),
    "the provider's endpoint": (
        G + "litellm_settings: {check_provider_endpoint: true}\n",
        ["g"],
        ["does nothing here"],
    ),
}
"""Name → the file, the names that are served, and what the warnings say."""

C = "model_list:\n" + entry("g", "gemini/gemini-2.5-flash", "litellm_credential_name: c")
STOPS: dict[str, tuple[str, list[str]]] = {
    "a credential's variable": (
        C + "credential_list:\n- credential_name: c\n  credential_values:\n    api_base: os.environ/NONE\n",
        ["line 6: credential_list[0].credential_values.api_base: ", "NONE is not set"],
    ),
    "a credential's empty key": (
        C + "credential_list:\n- credential_name: c\n  credential_values:\n    api_key: ''\n",
        ["line 6: credential_list[0].credential_values.api_key: is empty"],
    ),
    "a credential's placeholder": (
        C + "credential_list:\n- credential_name: c\n  credential_values:\n    api_key: $GEMINI_API_KEY\n",
        ["line 6: credential_list[0].credential_values.api_key: ", "Did you mean os.environ/GEMINI_API_KEY?"],
    ),
    "parameters that service accounts must send": (
        G + "general_settings:\n  service_account_settings: {enforced_params: [user]}\n",
        ["line 7: general_settings.service_account_settings", "Remove it"],
    ),
    "end users that must be named": (
        G + "general_settings:\n  require_end_user: true\n",
        ["line 7: general_settings.require_end_user", "Remove it"],
    ),
    "guardrails of the router": (
        G + "router_settings:\n  guardrail_list: [{guardrail_name: pii}]\n",
        ["line 7: router_settings.guardrail_list", "Remove it"],
    ),
    "guardrails by name": (
        G + "litellm_settings:\n  guardrail_name_config_map: {pii: {}}\n",
        ["line 7: litellm_settings.guardrail_name_config_map", "Remove it"],
    ),
    "guardrails": (G + "guardrails:\n- guardrail_name: pii\n", ["line 6: guardrails: ", "Remove it"]),
    "a callback of one's own": (G + "litellm_settings:\n  callbacks: hooks.handler\n", ["line 7: ", "Remove it"]),
    "a callback that refuses": (
        G + "litellm_settings:\n  callbacks: [otel, hide_secrets]\n",
        ["line 7: ", "hide_secrets"],
    ),
    "a model of a team": (
        G + "  model_info:\n    team_id: t\n",
        ["line 7: model_list[0].model_info.team_id", "Remove it"],
    ),
    "JWT": (G + "general_settings:\n  enable_jwt_auth: true\n", ["line 7: general_settings.enable_jwt_auth"]),
    "a credential misspelt": (
        G + "    litellm_credential_name: gog\ncredential_list:\n- {credential_name: goog, credential_values: {}}\n",
        ["line 6: ", "Did you mean 'goog'?"],
    ),
    "Vertex alone": (
        "model_list:\n" + entry("g", "vertex_ai/gemini-2.5-pro"),
        ["line 1: ", "(vertex_ai)", "write `model: gemini/NAME`"],
    ),
    "a shell's reference": (G.replace("os.environ/", "$"), ["line 5: ", "Did you mean os.environ/GEMINI_API_KEY?"]),
    "a placeholder": (
        G.replace("os.environ/GEMINI_API_KEY", "your-key"),
        ["line 5: ", "Write the key, or os.environ/NAME"],
    ),
    "a variable that is not set": (G.replace("GEMINI_API_KEY", "NONE"), ["line 5: ", "NONE is not set"]),
    "a tab": ("model_list:\n\t- model_name: g\n", ["line 2: ", "indent with spaces"]),
    "no list": ("model_list:\n  model_name: g\n", ["line 1: model_list", "entries begin with `- `"]),
    "fallbacks without a name": (G + "litellm_settings:\n  fallbacks: [g]\n", ["line 7: ", "`- first: [second]`"]),
    "a list of keys": (
        G.replace("os.environ/GEMINI_API_KEY", "[os.environ/KEY_1, os.environ/KEY_2]"),
        ["line 5: ", "Give each an entry of its own"],
    ),
    "a slip of the indent": (
        G.replace("    model:", "  model:").replace("    api", "  api"),
        ["line 4: ", "belongs under"],
    ),
    "two documents": (G + "---\nlitellm_settings: {}\n", ["line 6: ", "a second document"]),
    "another word for the provider": (
        "model_list:\n" + entry("g", "google/gemini-2.5-pro"),
        ["line 2: ", "Did you mean"],
    ),
    "a setting misspelt": (G.replace("api_key", "apikey"), ["line 5: ", "Did you mean 'api_key'?"]),
    "addresses that may come in": (G + "general_settings: {allowed_ips: ['10.0.0.1']}\n", ["line 6: ", "Remove it"]),
}
"""Name → the file, and what the sentence has."""


def load(directory: Path, text: str) -> tuple[Settings, list[str]]:
    path = directory / "config.yaml"
    path.write_text(text)
    return load_settings(path, {"data_dir": str(directory)}, ENVIRON)


@pytest.mark.parametrize("name", STARTS)
def test_it_starts_and_tells_what_does_nothing(name: str, tmp_path: Path) -> None:
    text, served, told = STARTS[name]
    settings, warnings = load(tmp_path, text)
    assert [each.model_name for each in settings.deployments] == served
    for part in told:
        assert any(part in warning for warning in warnings), warnings
    assert told or not warnings, warnings
    assert all(warning.startswith(f"{tmp_path}/config.yaml, line ") for warning in warnings), warnings
    assert "geheim" not in "".join(warnings)


@pytest.mark.parametrize("name", STOPS)
def test_it_ends_in_a_sentence_that_names_the_line(name: str, tmp_path: Path) -> None:
    text, told = STOPS[name]
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    assert str(caught.value).startswith(f"{tmp_path}/config.yaml, line "), caught.value
    assert all(part in str(caught.value) for part in told), caught.value


def test_googles_own_address_is_geminis(tmp_path: Path) -> None:
    settings, _ = load(tmp_path, STARTS["Google's form of OpenAI's API"][0])
    (served,) = settings.deployments
    assert (served.model, served.account.api_base) == ("gemini-2.5-flash", "https://generativelanguage.googleapis.com")


def test_a_line_is_that_of_the_file_that_has_it(tmp_path: Path) -> None:
    """Lists of several files are one, and names may have dots in them."""
    (tmp_path / "more.yaml").write_text(
        "# more\n\n" + G + "    rpmm: 5\n- {model_name: h, litellm_params: {modl: x}}\n"
    )
    text = (
        "include: [more.yaml]\n"
        + G
        + "    timeout: soon\nrouter_settings:\n  model_group_alias:\n    gpt-3.5: {model: 5}\n"
    )
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    lines = [line.strip() for line in str(caught.value).splitlines()]
    assert [line.partition(":")[0].removeprefix(f"{tmp_path}/") for line in lines] == [
        "config.yaml, line 7",
        "more.yaml, line 9",
        "config.yaml, line 10",
    ], lines
