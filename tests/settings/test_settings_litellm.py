"""LiteLLM's settings, one by one: what acts, what is refused, what is told once, and what needs no word (G1–G16)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from liftgate.errors import ConfigError
from liftgate.settings import Settings, load_settings

KEYED = {"GEMINI_API_KEY": "google-key-1", "HOME": "/home/somebody"}
G = "  - {model_name: g, litellm_params: {model: gemini/gemini-2.5-flash, api_key: os.environ/GEMINI_API_KEY}}\n"
H = "  - {model_name: h, litellm_params: {model: gemini/gemini-2.5-pro}}\n"
OTHER = "  - {model_name: claude, litellm_params: {model: anthropic/claude, api_key: os.environ/ANTHROPIC_API_KEY}}\n"


def load(
    tmp_path: Path, text: str, *, entries: str = G + H, environ: Mapping[str, str] = KEYED
) -> tuple[Settings, list[str]]:
    path = tmp_path / "config.yaml"
    path.write_text(f"model_list:\n{entries}{text}")
    return load_settings(path, {}, environ)


@pytest.mark.parametrize(
    ("model", "provider"),
    [
        *((f"{name}/x", name) for name in ("openai", "anthropic", "ollama", "vertex_ai", "azure", "groq", "bedrock")),
        ("openrouter/google/gemini-2.5-pro", "openrouter"),
        ("nvidia_nim/meta/llama3", "nvidia_nim"),
        ("gpt-4o", "openai"),
        ("o3-mini", "openai"),
        ("text-embedding-3-small", "openai"),
        ("claude-sonnet-4", "anthropic"),
        ("mistral-large-latest", "mistral"),
        ("some-local-model", "unnamed"),
    ],
)
def test_an_entry_of_another_provider_is_left_out_unread(tmp_path: Path, model: str, provider: str) -> None:
    """Its variables are not set, its credential is not there, its guards are not ours to keep."""
    entry = (
        f"  - {{model_name: other, litellm_params: {{model: {model}, api_key: os.environ/NOT_SET, max_budget: 5, "
        "litellm_credential_name: nowhere, mock_response: a}, model_info: {team_id: a}}\n"
    )
    settings, warnings = load(tmp_path, "", entries=G + entry)
    assert [d.model_name for d in settings.deployments] == ["g"]
    assert settings.names.left_out == {"other": provider}
    assert len(warnings) == 1 and "1 entry of another provider is left out" in warnings[0] and provider in warnings[0]


def test_a_provider_said_beside_the_model_counts(tmp_path: Path) -> None:
    entry = "  - {model_name: other, litellm_params: {model: google/gemini-2.5-pro, custom_llm_provider: openai}}\n"
    assert load(tmp_path, "", entries=G + entry)[0].names.left_out == {"other": "openai"}


def test_a_name_that_gemini_serves_too_goes_on_with_gemini(tmp_path: Path) -> None:
    settings, _ = load(tmp_path, "", entries=G + OTHER.replace("claude,", "g,", 1))
    assert settings.names.left_out == {} and len(settings.deployments) == 1


def test_nothing_left_ends_the_start_whatever_the_environment_has(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"No model to serve: every entry .* \(anthropic\)"):
        load(tmp_path, "", entries=OTHER)
    with pytest.raises(ConfigError, match="database are not read"):
        path = tmp_path / "empty.yaml"
        path.write_text("model_list: []\ngeneral_settings: {store_model_in_db: true}\n")
        load_settings(path, {}, {"HOME": "/"})


def test_fallbacks_pass_over_what_is_left_out_and_name_what_never_was(tmp_path: Path) -> None:
    text = "litellm_settings: {fallbacks: [{g: [claude, h]}, {claude: [g]}, {h: [claude]}]}\n"
    settings, warnings = load(tmp_path, text, entries=G + H + OTHER)
    assert settings.router.fallbacks == ({"g": ("h",)},)
    # The entry that is left out, and the fallbacks for it.
    assert len(warnings) == 2
    text = "litellm_settings: {fallbacks: [{g: [hh-nowhere, h]}]}\n"
    settings, warnings = load(tmp_path, text)
    assert settings.router.fallbacks == ({"g": ("h",)},)
    assert "litellm_settings.fallbacks[0].g: 'hh-nowhere' is no model_name" in warnings[0]


def test_fallbacks_for_what_is_left_out_are_told_in_one_line(tmp_path: Path) -> None:
    """A request for `claude` is 404 and nothing else: whoever counted on its fallbacks hears it at the start."""
    text = (
        "litellm_settings: {fallbacks: [{g: [claude, h]}, {claude: [h]}, {gpt-4o: [nowhere, g]}, {claude-2: [claude]}],"
        " context_window_fallbacks: [{claude: [g]}]}\n"
    )
    two = OTHER + OTHER.replace("claude", "gpt-4o").replace("anthropic", "openai")
    settings, warnings = load(tmp_path, text, entries=G + H + two)
    assert settings.router.fallbacks == ({"g": ("h",)},)
    told = [warning for warning in warnings if "do not act" in warning]
    assert len(told) == 1, warnings
    assert "'claude', 'gpt-4o', of other providers: a request is 404" in told[0]
    assert "model_group_alias: {claude: h}" in told[0] and "claude-2" not in told[0]
    # What it proposes does what it says, and then there is nothing to tell.
    alias = "router_settings: {model_group_alias: {claude: h, gpt-4o: g}}\n"
    settings, warnings = load(tmp_path, text + alias, entries=G + H + two)
    assert settings.names.aliases == {"claude": "h", "gpt-4o": "g"}
    assert not any("do not act" in warning for warning in warnings)


@pytest.mark.parametrize(
    "value", ["[{g: [h]}]", "[{g: h}]", "{g: [h]}", "[{g: [h]}, {claude: [g]}]", "[{'g': ['claude', 'h']}]"]
)
def test_the_forms_of_fallbacks_mean_the_same(tmp_path: Path, value: str) -> None:
    for section in ("litellm_settings", "router_settings"):
        settings, _ = load(tmp_path, f"{section}: {{fallbacks: {value}}}\n", entries=G + H + OTHER)
        assert settings.router.fallbacks == ({"g": ("h",)},)


@pytest.mark.parametrize("value", ["[g]", "g", "5", "[[g, h]]", "[{g: 5}]", "[{g: [[h]]}]"])
def test_another_form_of_fallbacks_is_refused_with_its_place(tmp_path: Path, value: str) -> None:
    with pytest.raises(ConfigError, match=r"config\.yaml, line \d+: router_settings\.fallbacks"):
        load(tmp_path, f"router_settings: {{fallbacks: {value}}}\n")


def test_default_and_context_window_fallbacks_and_aliases_act(tmp_path: Path) -> None:
    text = (
        "litellm_settings: {default_fallbacks: [claude, h], context_window_fallbacks: [{g: [claude, h]}]}\n"
        "router_settings: {model_group_alias: {gpt-4: g, quiet: {model: h, hidden: true}, gone: claude, no: nowhere}}\n"
    )
    settings, warnings = load(tmp_path, text, entries=G + H + OTHER)
    assert settings.router.fallbacks == ({"*": ("h",)},)
    assert settings.names.longer == {"g": ("h",)}
    assert settings.names.aliases == {"gpt-4": "g", "quiet": "h"}
    assert settings.names.hidden == {"quiet"}
    assert settings.names.left_out == {"claude": "anthropic", "gone": "anthropic"}
    assert [w for w in warnings if "nowhere" in w] and len(warnings) == 2


def test_a_fallback_may_be_an_alias(tmp_path: Path) -> None:
    text = "router_settings: {model_group_alias: {gpt-4: h}, fallbacks: [{g: [gpt-4]}]}\n"
    assert load(tmp_path, text)[0].router.fallbacks == ({"g": ("gpt-4",)},)


def test_parameters_of_a_deployment_are_its_defaults(tmp_path: Path) -> None:
    params = (
        "max_tokens: 1, temperature: 0.5, reasoning_effort: low, thinking: null, stop: [a], timeout: 7, "
        "stream_timeout: 3, extra_headers: {X-Team: os.environ/TEAM}, extra_body: {labels: {a: b}}, "
        "additional_drop_params: [seed], top_k: os.environ/TOP"
    )
    entry = f"  - {{model_name: g, litellm_params: {{model: gemini/gemini-2.5-flash, {params}}}}}\n"
    settings, warnings = load(tmp_path, "", entries=entry, environ={**KEYED, "TEAM": "red", "TOP": "5"})
    (deployment,) = settings.deployments
    assert deployment.defaults == {
        "max_tokens": 1,
        "temperature": 0.5,
        "reasoning_effort": "low",
        "stop": ["a"],
        "extra_body": {"labels": {"a": "b"}},
        "additional_drop_params": ["seed"],
        "top_k": 5,
    }
    assert (deployment.timeout, deployment.stream_timeout) == (7.0, 3.0)
    assert deployment.headers == (("X-Team", "red"),)
    assert warnings == []


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("max_tokens: os.environ/MOST", {"max_tokens": 100}),
        ("temperature: '0.5'", {"temperature": 0.5}),
        ("seed: 4.0", {"seed": 4}),
        ("logprobs: 'False'", {"logprobs": False}),
        ("top_p: 1", {"top_p": 1}),
    ],
)
def test_a_number_may_be_written_as_a_text(tmp_path: Path, given: str, read: dict[str, object]) -> None:
    entry = f"  - {{model_name: g, litellm_params: {{model: gemini/gemini-2.5-flash, {given}}}}}\n"
    settings, warnings = load(tmp_path, "", entries=entry, environ={**KEYED, "MOST": "100"})
    assert settings.deployments[0].defaults == read and warnings == []


@pytest.mark.parametrize(
    "given",
    ["max_tokens: many", "temperature: hot", "n: 1.5", "seed: true", "top_k: [5]", "logprobs: 3", "top_p: .nan"],
)
def test_a_default_that_every_chat_would_be_refused_for_ends_the_start(tmp_path: Path, given: str) -> None:
    name = given.partition(":")[0]
    entry = f"  - {{model_name: g, litellm_params: {{model: gemini/gemini-2.5-flash, {given}}}}}\n"
    with pytest.raises(ConfigError, match=rf"model_list\[0\]\.litellm_params\.{name}: expected"):
        load(tmp_path, "", entries=entry)


def test_tokens_for_thoughts_are_no_money(tmp_path: Path) -> None:
    """They are named budgets, too."""
    entry = (
        "  - {model_name: g, litellm_params: {model: gemini/gemini-2.5-flash, thinking: {type: enabled, "
        "budget_tokens: 1024}, extra_body: {generation_config: {thinking_config: {thinking_budget: 0}}}, "
        "generation_config: {thinkingConfig: {thinkingBudget: 0}}}}\n"
    )
    settings, warnings = load(tmp_path, "", entries=entry)
    assert set(settings.deployments[0].defaults) == {"thinking", "extra_body", "generation_config"} and warnings == []


def test_names_may_come_from_the_environment(tmp_path: Path) -> None:
    text = (
        "litellm_settings: {default_fallbacks: [os.environ/SPARE]}\n"
        "router_settings: {model_group_alias: {gpt-4: os.environ/SPARE}, fallbacks: [{g: [os.environ/SPARE]}]}\n"
    )
    settings, warnings = load(tmp_path, text, environ={**KEYED, "SPARE": "h"})
    assert settings.router.fallbacks == ({"g": ("h",)}, {"*": ("h",)})
    assert settings.names.aliases == {"gpt-4": "h"} and warnings == []
    with pytest.raises(ConfigError, match=r"fallbacks\[0\]\.g\[0\]: the environment variable SPARE is not set"):
        load(tmp_path, text)


def test_a_check_that_is_switched_off_is_told_to_stay_on(tmp_path: Path) -> None:
    (warning,) = load(tmp_path, "litellm_settings: {ssl_verify: false}\n")[1]
    assert "ssl_verify" in warning and "SSL_CERT_FILE" in warning
    assert load(tmp_path, "litellm_settings: {ssl_verify: true}\n")[1] == []


@pytest.mark.parametrize(
    ("setting", "ours"),
    [
        ("general_settings: {use_x_forwarded_for: %s}\n", "liftgate_settings.trusted_proxies"),
        ("litellm_settings: {redact_user_api_key_info: %s}\n", "liftgate_settings.log_user_secret"),
    ],
)
def test_what_litellm_says_of_callers_in_logs_is_told_by_our_name(tmp_path: Path, setting: str, ours: str) -> None:
    (warning,) = load(tmp_path, setting % "true")[1]
    assert "does nothing here" in warning and ours in warning
    assert load(tmp_path, setting % "false")[1] == []


@pytest.mark.parametrize("headers", ["{x-goog-api-key: a}", "{Host: a}", "{'a b': c}", '{a: "b\\nc"}', "5"])
def test_a_header_that_cannot_be_or_is_ours_is_refused(tmp_path: Path, headers: str) -> None:
    entry = f"  - {{model_name: g, litellm_params: {{model: gemini/a, extra_headers: {headers}}}}}\n"
    with pytest.raises(ConfigError, match="extra_headers"):
        load(tmp_path, "", entries=entry)


def test_an_entry_is_for_its_environments(tmp_path: Path) -> None:
    entry = (
        "  - {model_name: p, litellm_params: {model: gemini/a}, model_info: {supported_environments: [production]}}\n"
    )
    for here, names in (("production", ["g", "p"]), ("staging", ["g"])):
        settings, _ = load(tmp_path, "", entries=G + entry, environ={**KEYED, "LITELLM_ENVIRONMENT": here})
        assert [d.model_name for d in settings.deployments] == names
    with pytest.raises(ConfigError, match="LITELLM_ENVIRONMENT is not set"):
        load(tmp_path, "", entries=G + entry)


@pytest.mark.parametrize("name", ["team_id", "access_groups"])
def test_what_binds_a_model_to_some_callers_is_refused(tmp_path: Path, name: str) -> None:
    entry = f"  - {{model_name: p, litellm_params: {{model: gemini/a}}, model_info: {{{name}: [beta]}}}}\n"
    with pytest.raises(ConfigError, match=rf"model_info\.{name}: .*says who may come in"):
        load(tmp_path, "", entries=entry)
    load(tmp_path, "", entries=entry.replace("[beta]", "null"))


@pytest.mark.parametrize(
    "text",
    [
        "litellm_settings: {max_internal_user_budget: 10}",
        "litellm_settings: {max_end_user_budget_id: free}",
        "litellm_settings: {default_internal_user_params: {max_budget: 10}}",
        "litellm_settings: {default_team_settings: [{team_id: a, max_budget: 3}]}",
        "litellm_settings: {upperbound_key_generate_params: {max_budget: 10}}",
        "router_settings: {max_budget: 10}",
        "router_settings: {budget_config: {a: {budget_limit: 1}}}",
        "default_end_user_params: {max_budget: 10}",
    ],
)
def test_a_spend_limit_never_vanishes(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match="limits what may be spent"):
        load(tmp_path, text + "\n")


@pytest.mark.parametrize(
    ("text", "amount", "window", "of_provider"),
    [
        ("litellm_settings: {max_budget: 10}", 10, None, None),
        ("litellm_settings: {max_budget: 10.5, budget_duration: 30d}", 10.5, "30d", None),
        ("litellm_settings: {max_budget: os.environ/MUCH, budget_duration: 1mo}", 250, "1mo", None),
        ("general_settings: {max_budget: '7', budget_duration: 1w}", 7, "1w", None),
        ("general_settings: {max_budget: 7}\nlitellm_settings: {max_budget: 7, budget_duration: 1d}", 7, "1d", None),
        ("liftgate_settings: {max_budget: 1e-2, budget_duration: 12h}", 0.01, "12h", None),
        (
            "router_settings: {provider_budget_config: {gemini: {budget_limit: 3, time_period: 1d}}}",
            None,
            None,
            (3 * 10**9, "1d"),
        ),
        (
            "router_settings: {provider_budget_config: {gemini: {max_budget: '4', budget_duration: 1mo}}}",
            None,
            None,
            (4 * 10**9, "1mo"),
        ),
    ],
)
def test_a_budget_of_the_gateway_acts(
    tmp_path: Path, text: str, amount: float | None, window: str | None, of_provider: tuple[int, str] | None
) -> None:
    settings, warnings = load(tmp_path, text + "\n", environ={**KEYED, "MUCH": "250"})
    budgets = settings.budgets
    assert budgets.max_budget == (None if amount is None else round(amount * 10**9))
    assert (budgets.budget_duration, budgets.of_provider, warnings) == (window, of_provider, [])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("litellm_settings: {max_budget: 0}", r"litellm_settings\.max_budget: expected US dollars above 0"),
        ("litellm_settings: {max_budget: -1}", "got -1"),
        ("litellm_settings: {max_budget: much}", "got 'much'"),
        ("general_settings: {max_budget: true}", "got True"),
        ("litellm_settings: {max_budget: .inf}", "got inf"),
        ("litellm_settings: {max_budget: 1, budget_duration: monthly}", r"budget_duration: .*such as 1d or 1mo"),
        ("litellm_settings: {max_budget: 1}\ngeneral_settings: {max_budget: 2}", "says another one"),
        ("router_settings: {provider_budget_config: {gemini: 5}}", r"config\.gemini: expected names with values"),
        ("router_settings: {provider_budget_config: {gemini: {time_period: 1d}}}", r"gemini\.budget_limit: expected"),
        ("router_settings: {provider_budget_config: {gemini: {budget_limit: 1, period: 1d}}}", r"gemini\.period: "),
        ("router_settings: {provider_budget_config: {gemini: {budget_limit: 1, time_period: day}}}", "got 'day'"),
    ],
)
def test_a_budget_of_the_gateway_that_cannot_be_ends_the_start(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        load(tmp_path, text + "\n")


def test_a_budget_of_a_provider_that_is_not_served_is_named(tmp_path: Path) -> None:
    text = "router_settings: {provider_budget_config: {openai: {budget_limit: 1, time_period: 1d}}}\n"
    settings, [warning] = load(tmp_path, text)
    assert settings.budgets.of_provider is None
    assert "provider_budget_config.openai: nothing is served of openai here" in warning


@pytest.mark.parametrize(
    "text",
    [
        "litellm_settings: {budget_duration: 30d}",
        "litellm_settings: {max_budget: null, soft_budget: 5}",
        "general_settings: {disable_reset_budget: true, proxy_budget_rescheduler_min_time: 5}",
        "litellm_settings: {max_internal_user_budget: 0.0e0, internal_user_budget_duration: 1d}",
    ],
)
def test_a_period_without_a_limit_limits_nothing(tmp_path: Path, text: str) -> None:
    if "0.0e0" in text:
        with pytest.raises(ConfigError):
            load(tmp_path, text + "\n")
    else:
        load(tmp_path, text + "\n")


def test_litellms_database_is_never_ours(tmp_path: Path) -> None:
    url = "postgresql://u:geheim@h:5432/litellm?schema=public&connection_limit=10"
    settings, warnings = load(tmp_path, f"general_settings: {{database_url: '{url}'}}\n")
    assert settings.storage.catalog_url.startswith("sqlite:")
    assert "virtual keys in it are not honoured" in warnings[0] and "geheim" not in warnings[0]
    assert "liftgate_settings.database_url" in warnings[0]
    ours, _ = load(tmp_path, "liftgate_settings: {database_url: 'postgresql://u:p@h/d'}\n")
    assert ours.storage.catalog_url == "postgresql://u:p@h/d"


@pytest.mark.parametrize(
    "text",
    [
        "router_settings: {routing_strategy: simple-shuffle, set_verbose: true}",
        "general_settings: {set_verbose: true, alerting: null, background_health_checks: false}",
        "litellm_settings: {cache: false, set_verbose: true, json_logs: true, success_callback: []}",
        "litellm_settings: {modify_params: false, output_parse_pii: false, callbacks: []}",
        "litellm_settings: null\nrouter_settings:\nfiles_settings: []",
        "general_settings: {store_model_in_db: false}",
    ],
)
def test_what_is_switched_off_or_done_anyway_needs_no_word(tmp_path: Path, text: str) -> None:
    assert load(tmp_path, text + "\n")[1] == []


def test_a_setting_of_many_entries_is_one_line_and_what_changes_answers_is_first(tmp_path: Path) -> None:
    entries = "".join(
        f"  - {{model_name: m{n}, litellm_params: {{model: gemini/a, rpm: 5, tags: [a], max_parallel_requests: 2}}}}\n"
        for n in range(50)
    )
    text = (
        "general_settings: {alerting: [slack]}\nlitellm_settings: {success_callback: [langfuse], modify_params: true}\n"
    )
    _, warnings = load(tmp_path, text, entries=entries + OTHER)
    assert len(warnings) == 6
    assert "left out" in warnings[0] and "modify_params" in warnings[1]
    assert sum("(and in 49 more entries)" in warning for warning in warnings) == 2


@pytest.mark.parametrize(
    ("base", "root", "versioned"),
    [
        ("https://a.example", "https://a.example", True),
        ("https://a.example/", "https://a.example", True),
        ("https://a.example/v1beta", "https://a.example", True),
        ("https://a.example/v1/", "https://a.example", True),
        ("https://a.example/gemini/v1beta", "https://a.example/gemini", True),
        ("https://aiplatform.example/v1/publishers/google", "https://aiplatform.example/v1/publishers/google", False),
        ("https://a.example/gemini", "https://a.example/gemini", False),
    ],
)
def test_a_base_is_a_root_or_the_whole_prefix(tmp_path: Path, base: str, root: str, versioned: bool) -> None:
    entry = f"  - {{model_name: g, litellm_params: {{model: gemini/a, api_base: '{base}'}}}}\n"
    account = load(tmp_path, "", entries=entry)[0].deployments[0].account
    assert (account.api_base, account.versioned) == (root, versioned)
    by_environment = load(tmp_path, "", entries=G, environ={**KEYED, "GEMINI_API_BASE": base})[0]
    assert by_environment.deployments[0].account.api_base == root


@pytest.mark.parametrize(
    ("base", "said"),
    [
        ("https://a.example/v1beta/openai", "without /openai"),
        ("https://a.example/v1beta/openai/", "without /openai"),
        ("https://a.example/v1beta/models", "before /models"),
        ("https://a.example/v1beta/models/gemini-a", "before /models"),
        ("https://a.example/v1beta/models/gemini-a:generateContent", "before /models"),
        ("https://a.example/v1beta/{model}:generateContent", "before /models"),
    ],
)
def test_an_address_that_can_never_answer_ends_the_start(tmp_path: Path, base: str, said: str) -> None:
    entry = f"  - {{model_name: g, litellm_params: {{model: gemini/a, api_base: '{base}'}}}}\n"
    for entries, environ in ((entry, KEYED), (G, {**KEYED, "GEMINI_API_BASE": base})):
        with pytest.raises(ConfigError) as caught:
            load(tmp_path, "", entries=entries, environ=environ)
        assert said in str(caught.value) and "a.example" in str(caught.value)


@pytest.mark.parametrize("callbacks", ["my.handler", "[my.handler]", "[presidio]", "[langfuse, hide_secrets]"])
def test_callbacks_that_can_refuse_are_refused_and_others_are_not(tmp_path: Path, callbacks: str) -> None:
    with pytest.raises(ConfigError, match="can refuse requests"):
        load(tmp_path, f"litellm_settings: {{callbacks: {callbacks}}}\n")
    _, warnings = load(tmp_path, "litellm_settings: {success_callback: [my.log], callbacks: [langfuse]}\n")
    assert len(warnings) == 2


ENTRY = "  - {model_name: m, litellm_params: {model: gemini/gemini-2.5-flash%s}%s}\n"
ELSEWHERE = [
    ("litellm_params", ENTRY % (", model_info: %s", ""), ""),
    ("model_info", ENTRY % ("", ", model_info: {model_info: %s}"), ""),
    ("the top", G, "model_info: %s\n"),
    *((section, G, section + ": {model_info: %s}\n") for section in ("general_settings", "router_settings")),
    ("litellm_settings", G, "litellm_settings: {model_info: %s}\n"),
]


@pytest.mark.parametrize(("entry", "text"), [pytest.param(*each[1:], id=each[0]) for each in ELSEWHERE])
def test_a_model_info_that_stands_elsewhere_is_told(tmp_path: Path, entry: str, text: str) -> None:
    """Nothing in it acts: told, and no start where it limits who gets the model, or where."""

    def load_with(info: str) -> list[str]:
        return load(tmp_path, text.replace("%s", info), entries=entry.replace("%s", info))[1]

    for info in ("{base_model: gemini-2.5-pro}", "{input_cost_per_token: 0.000001}", "{description: ours}"):
        [warning] = load_with(info)
        assert "model_info: belongs beside litellm_params, in an entry of model_list. It does nothing here." in warning
    for info in ("{team_id: a}", "{access_groups: [a]}", "{supported_environments: [production]}"):
        with pytest.raises(ConfigError, match="model_info: belongs beside litellm_params, in an entry of model_list"):
            load_with(info)


@pytest.mark.parametrize("name", ["team_id", "access_groups", "supported_environments"])
def test_a_limit_of_an_entry_that_stands_beside_its_model_info_is_no_limit(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=f"{name}: belongs under model_info of an entry of model_list"):
        load(tmp_path, "", entries=ENTRY % ("", f", {name}: [a]"))


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("master_key", "environment_variables.master_key: belongs under general_settings."),
        ("MASTER_KEY", "environment_variables.MASTER_KEY: there is no such setting. The key is given in general_sett"),
        ("proxy_api_key", "environment_variables.proxy_api_key: there is no such setting. The key is given in gener"),
        ("keys", "environment_variables.keys: belongs under liftgate_settings."),
        ("database_url", "environment_variables.database_url: belongs under liftgate_settings."),
        ("max_budget", "environment_variables.max_budget: belongs under general_settings."),
        ("allowed_ips", "environment_variables.allowed_ips: belongs under general_settings."),
    ],
)
def test_a_setting_among_the_variables_ends_the_start(tmp_path: Path, name: str, told: str) -> None:
    """A variable of that name is read by nobody, and the gateway would be open, or without its limit."""
    with pytest.raises(ConfigError) as refused:
        load(tmp_path, f"environment_variables: {{{name}: sk-0123456789abcdef}}\n")
    assert told in str(refused.value)
    assert "sk-0123456789abcdef" not in str(refused.value)


@pytest.mark.parametrize("name", ["num_retries", "drop_params", "api_key", "router_settings"])
def test_a_setting_among_the_variables_that_guards_nothing_is_told(tmp_path: Path, name: str) -> None:
    [warning] = load(tmp_path, f"environment_variables: {{{name}: '3'}}\n")[1]
    assert f"environment_variables.{name}: belongs under" in warning and "It does nothing here." in warning


def test_a_variable_that_is_asked_for_may_have_any_name(tmp_path: Path) -> None:
    text = (
        "environment_variables: {master_key: sk-0123456789abcdef, OTHER: x, http_proxy: http://127.0.0.1:9}\n"
        "general_settings: {master_key: os.environ/master_key}\n"
    )
    settings, warnings = load(tmp_path, text)
    assert warnings == [] and list(settings.auth.owners()) == ["sk-0123456789abcdef"]
    # Somebody's own variable, where the gateway has its key.
    text = "environment_variables: {MASTER_KEY: a}\ngeneral_settings: {master_key: sk-0123456789abcdef}\n"
    assert load(tmp_path, text)[1] == []
