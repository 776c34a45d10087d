"""Config file, environment and flags → settings: what acts, what is warned of, what ends the start."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from liftgate.errors import ConfigError
from liftgate.settings import Settings, load_settings
from liftgate.settings.describe import settings_page
from liftgate.settings.options import OPTIONS, Option
from liftgate.settings.wildcards import served_by_wildcard

DOCS = Path(__file__).resolve().parents[1] / "docs"
KEYED = {"GEMINI_API_KEY": "google-key-1", "HOME": "/home/somebody"}

EXAMPLE = """
model_list:
    - model_name: "gemini-2.0-flash"
      litellm_params:
        model: gemini/gemini-2.0-flash
        api_key: os.environ/GEMINI_API_KEY
"""


def load(
    tmp_path: Path, text: str, *, environ: Mapping[str, str] = KEYED, **flags: object
) -> tuple[Settings, list[str]]:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    return load_settings(path, flags, environ)


def refusal(tmp_path: Path, text: str, *, environ: Mapping[str, str] = KEYED, **flags: object) -> str:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text, environ=environ, **flags)
    return str(caught.value)


def test_the_documented_config_gives_one_deployment_at_google(tmp_path: Path) -> None:
    settings, warnings = load(tmp_path, EXAMPLE)
    (deployment,) = settings.deployments
    assert (deployment.model_name, deployment.model) == ("gemini-2.0-flash", "gemini-2.0-flash")
    assert deployment.api_key == "google-key-1"
    assert deployment.account.api_base == "https://generativelanguage.googleapis.com"
    assert warnings == []


def test_the_nearer_place_wins(tmp_path: Path) -> None:
    text = EXAMPLE + "liftgate_settings: {port: 1001, read_timeout: 1, keep_alive: 1}\n"
    environ = {**KEYED, "LIFTGATE_PORT": "1002", "LIFTGATE_READ_TIMEOUT": "2"}
    settings, _ = load(tmp_path, text, environ=environ, port="1003")
    assert (settings.server.port, settings.server.read_timeout, settings.server.keep_alive) == (1003, 2.0, 1.0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("public_base_url", url) for url in ("files.example.com", "ftp://x", "https://h?x=1", "https://u:p@h")),
        *(("public_base_url", url) for url in ("https://h:0", "https://h:99999", "https:///x", "https://a b")),
        *(("cors_origins", names) for names in ("app.example.com", "https://a.example/", "https://a*.example", "*.a")),
        *(("cors_origins", names) for names in ("https://*", "https://u@a", "https://a.*", "https://a, ftp:/b")),
        *(("trusted_proxies", names) for names in ("junk", "localhost", "10.0.0.0/99,127.0.0.0/8", "1.2.3")),
    ],
)
def test_an_address_that_cannot_be_ends_the_start(tmp_path: Path, name: str, value: str) -> None:
    assert name in refusal(tmp_path, EXAMPLE + f"liftgate_settings: {{{name}: '{value}'}}\n")


def test_addresses_of_every_kind_are_taken(tmp_path: Path) -> None:
    text = "liftgate_settings: {public_base_url: 'https://[::1]:8443/gemini/', trusted_proxies: '10.0.0.0/8, ::1, *'}\n"
    server = load(tmp_path, EXAMPLE + text)[0].server
    assert server.public_base_url == "https://[::1]:8443/gemini/"
    assert server.trusted_proxies == ("10.0.0.0/8", "::1", "*")


def test_litellms_sections_act_and_ours_win_over_them(tmp_path: Path) -> None:
    text = EXAMPLE + (
        "    - {model_name: other, litellm_params: {model: gemini/gemini-2.5-pro}}\n"
        "litellm_settings: {num_retries: 7, request_timeout: 70, drop_params: true, "
        "fallbacks: [{other: [gemini-2.0-flash]}]}\n"
        "router_settings: {num_retries: 5, allowed_fails: 9, fallbacks: [{gemini-2.0-flash: [other]}]}\n"
        "general_settings: {master_key: os.environ/MASTER, max_file_size_mb: 3}\n"
        "liftgate_settings: {allowed_fails: 1}\n"
    )
    settings, warnings = load(tmp_path, text, environ={**KEYED, "MASTER": "sk-a-long-master-key"})
    assert settings.router.num_retries == 5
    assert settings.router.timeout == 70.0
    assert settings.router.allowed_fails == 1
    assert settings.drop_params is True
    assert settings.limits.max_file_bytes == 3 * 1024 * 1024
    assert settings.auth.owners() == {"sk-a-long-master-key": "master"}
    assert settings.router.fallbacks == ({"other": ("gemini-2.0-flash",)}, {"gemini-2.0-flash": ("other",)})
    assert warnings == []


def test_what_does_nothing_is_named_in_a_warning(tmp_path: Path) -> None:
    text = EXAMPLE.replace("api_key:", "rpm: 60\n        api_key:") + (
        "litellm_settings: {success_callback: [langfuse], callbacks: [prometheus]}\n"
        "general_settings: {alerting: [slack]}\n"
        "mcp_servers: {a: {url: http://b}}\n"
    )
    _, warnings = load(tmp_path, text, environ={**KEYED, "LIFTGATE_COLOUR": "1"})
    said = "\n".join(warnings)
    for name in ("rpm", "success_callback", "litellm_settings.callbacks", "alerting", "mcp_servers", "LIFTGATE_COLOUR"):
        assert name in said


@pytest.mark.parametrize(
    "text",
    [
        "general_settings: {custom_auth: auth.check}",
        "general_settings: {allowed_routes: [/chat/completions]}",
        "general_settings: {blocked_file_extensions: [.exe]}",
        "general_settings: {enable_jwt_auth: true}",
        "litellm_settings: {max_user_budget: 10}",
        "litellm_settings: {callbacks: [lakera_prompt_injection]}",
        "litellm_settings: {callbacks: my_hooks.checker}",
        "guardrails: [{guardrail_name: g}]",
    ],
)
def test_what_would_be_unsafe_to_overlook_ends_the_start(tmp_path: Path, text: str) -> None:
    section, _, rest = text.partition(": ")
    name = f"{section}.{rest[1:].split(':')[0]}" if section.endswith("_settings") else section
    line = EXAMPLE.count("\n") + 1
    assert f"config.yaml, line {line}: {name}: " in refusal(tmp_path, EXAMPLE + text + "\n")


def test_a_guard_that_is_switched_off_is_no_obstacle(tmp_path: Path) -> None:
    load(tmp_path, EXAMPLE + "general_settings: {enable_jwt_auth: false, custom_auth: null}\nguardrails: []\n")


def test_a_model_of_a_team_ends_the_start(tmp_path: Path) -> None:
    assert "team_id" in refusal(tmp_path, EXAMPLE + "      model_info: {team_id: red}\n")


def test_an_unknown_setting_of_ours_names_its_neighbour(tmp_path: Path) -> None:
    said = refusal(tmp_path, EXAMPLE + "liftgate_settings: {max_file_byte: 1}\n")
    assert "max_file_byte" in said and "'max_file_bytes'" in said


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("port: many", "whole number"),
        ("port: 70000", "65535"),
        ("port: -1", "at least 0"),
        ("max_file_bytes: 1 parsec", "number of bytes"),
        ("read_timeout: soon", "number of seconds"),
        ("read_timeout: .nan", "number of seconds"),
        ("access_log: perhaps", "true or false"),
        ("num_workers: 0", "at least 1"),
        ("lease_renew_seconds: 50", "half of lease_seconds"),
        ("data_dir:", "missing"),
    ],
)
def test_a_bad_value_says_what_is_expected(tmp_path: Path, setting: str, expected: str) -> None:
    said = refusal(tmp_path, EXAMPLE + f"liftgate_settings: {{{setting}}}\n")
    assert setting.split(":")[0] in said and expected in said


@pytest.mark.parametrize(
    ("text", "size"), [("1MiB", 1 << 20), ("2 gb", 2 << 30), ("1.5k", 1536), ("77", 77), ("1048576B", 1 << 20)]
)
def test_sizes_have_units(tmp_path: Path, text: str, size: int) -> None:
    settings, _ = load(tmp_path, EXAMPLE + f"liftgate_settings: {{max_file_bytes: {text}}}\n")
    assert settings.limits.max_file_bytes == size


def test_a_variable_that_is_not_set_is_named(tmp_path: Path) -> None:
    assert "GEMINI_API_KEY" in refusal(tmp_path, EXAMPLE, environ={"HOME": "/"})
    assert "GEMINI_API_KEY" in refusal(tmp_path, EXAMPLE, environ={"HOME": "/", "GEMINI_API_KEY": ""})


@pytest.mark.parametrize(
    "text",
    ["model_list: {}", "a: [", "- a", "model_list: [{model_name: x}]", "model_list: [{}]", "liftgate_settings: 7"],
)
def test_a_config_of_the_wrong_shape_is_refused_with_its_place(tmp_path: Path, text: str) -> None:
    assert "config.yaml" in refusal(tmp_path, text)


def test_a_config_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.yaml: cannot be read: No such file"):
        load_settings(tmp_path / "nowhere.yaml", {}, KEYED)


@pytest.mark.parametrize("model", ["openai/gpt-4o", "vertex_ai/gemini-2.0-flash", "gpt-4o", "anthropic/x"])
def test_another_providers_model_alone_is_nothing_to_serve(tmp_path: Path, model: str) -> None:
    said = refusal(tmp_path, EXAMPLE.replace("gemini/gemini-2.0-flash", model))
    assert "No model to serve" in said and "gemini/NAME" in said


@pytest.mark.parametrize("model", ["gemini/", "gemini/a/b", "gemini/../x", "gemini/a?b", "gemini/a#b", "gemini/a b"])
def test_what_names_no_model_is_refused(tmp_path: Path, model: str) -> None:
    said = refusal(tmp_path, EXAMPLE.replace("gemini/gemini-2.0-flash", f'"{model}"'))
    assert model in said and "gemini/NAME" in said


@pytest.mark.parametrize("model", ["gemini-2.0-flash", "models/gemini-2.0-flash", "gemini/models/gemini-2.0-flash"])
def test_the_spellings_of_a_model_mean_the_same(tmp_path: Path, model: str) -> None:
    settings, _ = load(tmp_path, EXAMPLE.replace("gemini/gemini-2.0-flash", model))
    assert settings.deployments[0].model == "gemini-2.0-flash"


@pytest.mark.parametrize("base", ["http://127.0.0.1:8790", "http://127.0.0.1:8790/", "http://127.0.0.1:8790/v1beta/"])
def test_the_forms_of_a_base_mean_the_same_root(tmp_path: Path, base: str) -> None:
    settings, _ = load(tmp_path, EXAMPLE, environ={**KEYED, "GEMINI_API_BASE": base})
    assert settings.deployments[0].account.api_base == "http://127.0.0.1:8790"


def test_keys_of_one_project_share_an_account_and_others_do_not(tmp_path: Path) -> None:
    entries = "".join(
        f"  - {{model_name: m, litellm_params: {{model: gemini/m, api_key: {key}{project}}}}}\n"
        for key, project in (
            ("key-no-1", ", project: p"),
            ("key-no-2", ", project: p"),
            ("key-no-3", ""),
            ("key-no-3", ""),
            ("key-no-1", ""),
        )
    )
    settings, _ = load(tmp_path, "model_list:\n" + entries)
    names = [deployment.account.name for deployment in settings.deployments]
    assert names[0] == names[1] == names[4] == "project:p"
    assert names[2] == names[3] != "project:p"
    assert settings.deployments[0].account.api_keys == ("key-no-1", "key-no-2")
    assert len({deployment.id for deployment in settings.deployments}) == 5


def test_a_project_has_one_base(tmp_path: Path) -> None:
    entries = "".join(
        "  - {model_name: m, litellm_params: "
        f"{{model: gemini/m, api_key: key-no-1, project: p, api_base: '{base}'}}}}\n"
        for base in ("http://a.test", "http://b.test")
    )
    assert "two different api_base" in refusal(tmp_path, "model_list:\n" + entries)


def test_an_account_is_named_stably_and_without_its_key(tmp_path: Path) -> None:
    name = load(tmp_path, EXAMPLE)[0].deployments[0].account.name
    assert name == load(tmp_path, EXAMPLE)[0].deployments[0].account.name
    assert name.startswith("key:") and len(name) == 16 and "google" not in name


def test_a_credential_of_the_list_is_used(tmp_path: Path) -> None:
    text = EXAMPLE.replace("api_key: os.environ/GEMINI_API_KEY", "litellm_credential_name: mine") + (
        "credential_list: [{credential_name: mine, credential_values: {api_key: from-the-list}}]\n"
    )
    assert load(tmp_path, text)[0].deployments[0].api_key == "from-the-list"
    assert "no credential" in refusal(tmp_path, text.replace("credential_name: mine, c", "credential_name: its, c"))


@pytest.mark.parametrize("value", ["{a: b}", "[a]", "2026-01-01"])
def test_an_environment_variable_of_the_config_is_a_text(tmp_path: Path, value: str) -> None:
    said = refusal(tmp_path, EXAMPLE + f"environment_variables: {{GEMINI_API_KEY: {value}}}\n")
    assert "environment_variables.GEMINI_API_KEY: expected a text" in said


def test_an_environment_variable_without_a_value_is_not_set(tmp_path: Path) -> None:
    """Not the word None, which would be a key."""
    text = EXAMPLE + "environment_variables: {GEMINI_API_KEY: , LIFTGATE_MASTER_KEY: null}\n"
    assert "GEMINI_API_KEY is not set" in refusal(tmp_path, text, environ={"HOME": "/"})
    assert load(tmp_path, text)[0].deployments[0].api_key == KEYED["GEMINI_API_KEY"]


def test_environment_variables_of_the_config_are_set_first(tmp_path: Path) -> None:
    text = EXAMPLE + "environment_variables: {GEMINI_API_KEY: os.environ/OTHER, LIFTGATE_PORT: 4321}\n"
    settings, _ = load(tmp_path, text, environ={"OTHER": "exported", "HOME": "/"})
    assert settings.deployments[0].api_key == "exported"
    assert settings.server.port == 4321


def test_without_a_config_the_environments_key_serves_every_model() -> None:
    settings, _ = load_settings(None, {}, {"GOOGLE_API_KEY": "google-key-2", "HOME": "/"})
    (served,) = served_by_wildcard(settings.deployments, "gemini-2.5-pro")
    assert (served.model, served.api_key) == ("gemini-2.5-pro", "google-key-2")
    with pytest.raises(ConfigError, match="No model to serve"):
        load_settings(None, {}, {"HOME": "/"})


def test_two_google_keys_that_differ_are_named_and_gemini_wins() -> None:
    settings, warnings = load_settings(None, {}, {**KEYED, "GOOGLE_API_KEY": "another"})
    assert settings.deployments[0].api_key == "google-key-1"
    assert len(warnings) == 1 and "GOOGLE_API_KEY" in warnings[0]


@pytest.mark.parametrize(
    ("pattern", "model", "asked", "served"),
    [
        ("gemini/*", "*", "gemini/gemini-2.5-pro", "gemini-2.5-pro"),
        ("*", "*", "gemini/gemini-2.5-pro", "gemini-2.5-pro"),
        ("fast-*", "gemini-*-flash", "fast-2.5", "gemini-2.5-flash"),
        ("any-*", "gemini-2.5-pro", "any-thing", "gemini-2.5-pro"),
        ("gemini/*", "*", "gemini/", None),
        ("gemini/*", "*", "other", None),
    ],
)
def test_a_wildcard_fills_the_model_in(
    tmp_path: Path, pattern: str, model: str, asked: str, served: str | None
) -> None:
    text = f"model_list: [{{model_name: '{pattern}', litellm_params: {{model: 'gemini/{model}'}}}}]\n"
    found = served_by_wildcard(load(tmp_path, text)[0].deployments, asked)
    assert [deployment.model for deployment in found] == ([] if served is None else [served])


def test_the_closest_wildcard_wins(tmp_path: Path) -> None:
    text = (
        "model_list:\n"
        "  - {model_name: '*', litellm_params: {model: 'gemini/*', api_key: google-key-a}}\n"
        "  - {model_name: 'gemini-*', litellm_params: {model: 'gemini/gemini-*', api_key: google-key-b}}\n"
    )
    found = served_by_wildcard(load(tmp_path, text)[0].deployments, "gemini-x")
    assert [(deployment.api_key, deployment.model) for deployment in found] == [("google-key-b", "gemini-x")]


KEYS = (
    "liftgate_settings: {keys: [{name: red, key: os.environ/RED, max_file_bytes: 1MiB, max_bytes: 2MiB}, "
    "{name: red, key: second-key-of-red}]}\n"
)


def test_keys_are_owners_with_limits_of_their_own(tmp_path: Path) -> None:
    settings, _ = load(tmp_path, EXAMPLE + KEYS, environ={**KEYED, "RED": "first-key-of-red"})
    assert settings.auth.owners() == {"first-key-of-red": "red", "second-key-of-red": "red"}
    assert settings.limits.largest_file("red") == 1 << 20
    assert settings.limits.storage_quota("red") == 2 << 20
    assert settings.limits.largest_file("blue") == 2 << 30
    assert settings.limits.storage_quota("blue") is None


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("{name: master, key: k}", "taken"),
        ("{name: local, key: k}", "taken"),
        ("{name: a}", "keys[0].key"),
        ("{key: k}", "keys[0].name"),
        ("{name: a, key: k, colour: red}", "colour"),
        ("{name: a, key: key-no-1}, {name: b, key: key-no-1}", "belongs to 'a'"),
        ("{name: a, key: the-master}", "master key"),
        ("{name: a, key: ''}", "keys[0].key"),
    ],
)
def test_a_key_that_cannot_be_is_refused(tmp_path: Path, entry: str, expected: str) -> None:
    text = EXAMPLE + f"liftgate_settings: {{keys: [{entry}]}}\n"
    assert expected in refusal(tmp_path, text, environ={**KEYED, "LIFTGATE_MASTER_KEY": "the-master"})


def test_the_master_key_comes_from_the_nearest_place(tmp_path: Path) -> None:
    text = EXAMPLE + "general_settings: {master_key: from-config}\n"
    environ = {**KEYED, "LITELLM_MASTER_KEY": "from-litellm"}
    assert load(tmp_path, EXAMPLE, environ=environ)[0].auth.master_key == "from-litellm"
    assert load(tmp_path, text, environ=environ)[0].auth.master_key == "from-config"
    assert (
        load(tmp_path, text, environ={**environ, "LIFTGATE_MASTER_KEY": "from-ours"})[0].auth.master_key == "from-ours"
    )


def test_an_empty_master_key_is_no_open_door(tmp_path: Path) -> None:
    assert "master_key" in refusal(tmp_path, EXAMPLE + "general_settings: {master_key: ''}\n")


def test_other_machines_need_a_key(tmp_path: Path) -> None:
    for host in ("0.0.0.0", "::", "192.0.2.1", "example.test"):
        assert "no key is configured" in refusal(tmp_path, EXAMPLE, host=host)
        load(tmp_path, EXAMPLE, environ={**KEYED, "LIFTGATE_MASTER_KEY": "sk-long-enough-to-be-safe"}, host=host)
    for host in ("127.0.0.1", "127.1.2.3", "localhost", "::1"):
        load(tmp_path, EXAMPLE, host=host)


@pytest.mark.parametrize(
    ("port", "expected"),
    [(4000, "4000 is the port of the gateway itself"), (65536, "expected at most 65535, got 65536")],
)
def test_a_port_for_metrics_that_cannot_be_is_refused(tmp_path: Path, port: int, expected: str) -> None:
    assert f"--metrics-port: {expected}" in refusal(tmp_path, EXAMPLE, metrics=True, metrics_port=port)


def test_a_port_for_metrics_that_are_off_is_warned_of(tmp_path: Path) -> None:
    assert any("while `metrics` is off" in warning for warning in load(tmp_path, EXAMPLE, metrics_port=9000)[1])
    assert load(tmp_path, EXAMPLE, metrics=True, metrics_port=9000)[1] == []


@pytest.mark.parametrize(
    ("option", "value"),
    [("traces_headers", "Authorization=Basic x"), ("traces_ratio", "0.5"), ("traces_names", "openinference")],
)
def test_what_says_how_to_trace_is_warned_of_where_nothing_is_traced(tmp_path: Path, option: str, value: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(EXAMPLE)
    [warning] = load_settings(path, {option: value}, KEYED)[1]
    assert option.replace("_", "-") in warning and "without traces_endpoint nothing is traced" in warning
    assert "Basic" not in warning
    traced = {"traces_endpoint": "http://127.0.0.1:4318/v1/traces", option: value}
    assert load_settings(path, traced, KEYED)[1] == load_settings(path, {}, KEYED)[1] == []


@pytest.mark.parametrize(
    ("option", "value"), [("log_client_ip", "prefix"), ("log_user_secret", "s" * 16), ("log_names", "otel")]
)
def test_what_lines_of_calls_say_is_warned_of_where_there_are_none(tmp_path: Path, option: str, value: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(EXAMPLE)
    [warning] = load_settings(path, {option: value}, KEYED)[1]
    assert warning.startswith(f"--{option.replace('_', '-')}: without ") and value not in warning
    for lines in ("access_log", "debug"):
        assert load_settings(path, {option: value, lines: True, "json_logs": True}, KEYED)[1] == []


def test_a_short_secret_of_digests_is_warned_of(tmp_path: Path) -> None:
    [warning] = load(tmp_path, EXAMPLE, access_log=True, json_logs=True, log_user_secret="s" * 15)[1]
    assert "--log-user-secret" in warning and "guessed" in warning and "sss" not in warning


def test_a_short_key_on_an_open_port_is_warned_of(tmp_path: Path) -> None:
    environ = {**KEYED, "LIFTGATE_MASTER_KEY": "sk-ab12"}
    assert any("guessed" in warning for warning in load(tmp_path, EXAMPLE, environ=environ, host="0.0.0.0")[1])
    assert load(tmp_path, EXAMPLE, environ=environ)[1] == []


def test_a_key_of_the_documentation_opens_no_port_to_others(tmp_path: Path) -> None:
    environ = {**KEYED, "LIFTGATE_MASTER_KEY": "sk-1234"}
    assert "example" in refusal(tmp_path, EXAMPLE, environ=environ, host="0.0.0.0")
    load(tmp_path, EXAMPLE, environ=environ)


def test_no_secret_is_in_a_repr(tmp_path: Path) -> None:
    text = EXAMPLE + KEYS.replace("{keys:", "{database_url: 'postgresql://u:dbsecret@h/d', keys:")
    environ = {"GEMINI_API_KEY": "googlesecret", "HOME": "/", "RED": "redsecret", "LIFTGATE_MASTER_KEY": "mastersecret"}
    settings, _ = load(tmp_path, text, environ=environ)
    settings = replace(settings, server=replace(settings.server, log_user_secret="usersecret"))
    shown = repr(settings)
    assert settings.storage.catalog_url == "postgresql://u:dbsecret@h/d"
    for secret in ("usersecret", "dbsecret", "googlesecret", "redsecret", "mastersecret", "second-key"):
        assert secret not in shown


def test_the_data_directory_is_the_platforms_and_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.chdir(tmp_path)
    settings, _ = load_settings(None, {}, KEYED)
    assert settings.storage.data_dir == Path("/home/somebody/.local/share/liftgate")
    assert settings.storage.catalog_url == "sqlite:///home/somebody/.local/share/liftgate/catalog.db"
    xdg, _ = load_settings(None, {}, {**KEYED, "XDG_DATA_HOME": "/data"})
    assert xdg.storage.data_dir == Path("/data/liftgate")
    assert load_settings(None, {"data_dir": "here"}, KEYED)[0].storage.data_dir == tmp_path / "here"


def test_settings_cross_to_a_worker_whole(tmp_path: Path) -> None:
    settings, _ = load(tmp_path, EXAMPLE + KEYS, environ={**KEYED, "RED": "key-of-red"})
    assert pickle.loads(pickle.dumps(settings)) == settings


def test_every_option_is_settable_from_everywhere(tmp_path: Path) -> None:
    samples = {"int": 2, "float": 2.0, "bool": True, "str": "x", "Path": "/x", "tuple[str, ...]": "x"}
    samples |= {"nano-dollars": 2, "duration": "1mo"}
    # Those whose value is bound to another's, or to what the host allows.
    given = {option.name: samples[option.kind.removesuffix(" | None")] for option in OPTIONS} | {
        "host": "127.0.0.2",
        "lease_seconds": 60.0,
        "max_header_bytes": 2048,
        "orphan_grace_seconds": 3600.0,
        "metrics_port": 3,
        "public_base_url": "https://x",
        "trusted_proxies": "::1",
        "cors_origins": "a://y",
        "budget_time_zone": "Europe/Berlin",
        "log_client_ip": "full",
        "log_names": "otel",
    }
    by_flags, _ = load_settings(None, given, KEYED)
    by_environment, _ = load_settings(
        None, {}, {**KEYED, **{f"LIFTGATE_{k.upper()}": str(v) for k, v in given.items()}}
    )
    by_config, _ = load(tmp_path, f"liftgate_settings: {given!r}".replace("True", "true"))
    assert by_flags == by_environment == by_config
    for option in OPTIONS:
        section = getattr(by_flags, option.section) if option.section else by_flags
        lists = ("('x',)", "('::1',)", "('a://y',)")
        expected = ("2000000000",) if option.kind == "nano-dollars" else (str(given[option.name]), *lists)
        assert str(getattr(section, option.attribute)) in expected


ODD: tuple[object, ...] = (
    *(
        None,
        True,
        False,
        0,
        1,
        -1,
        2**63,
        10**400,
        1.5,
        -0.0,
        1e308,
        float("inf"),
        float("nan"),
        "",
        " ",
        "0",
        "-1",
        "1e3",
    ),
    *(
        "1GB",
        "1 MiB",
        "1GBB",
        "-5MiB",
        "soon",
        "true",
        "YES",
        "off",
        "null",
        "\x00",
        "é",
        "\ud800",
        "a" * 5000,
        "a\nb",
        "/",
        "~",
    ),
    *(
        "..",
        "s3://",
        "s3://a b",
        "sqlite://",
        "postgresql://",
        "http://[::1",
        "https://x:99999",
        "::1",
        "1.2.3.4/33",
        "*",
        "a,b",
    ),
    *(
        b"x",
        [],
        [1],
        ["a", None],
        [[]],
        {},
        {"a": 1},
        {1: 2},
        (),
        "os.environ/NOPE",
        "${X}",
        "2026-11-28",
        date(2026, 11, 28),
    ),
)


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_any_value_of_an_option_is_taken_or_refused_by_name(option: Option) -> None:
    for value in ODD:
        given = str(value)
        environ = {**KEYED, option.environment: given} if "\x00" not in given else KEYED
        for flags, variables in (({option.name: value}, KEYED), ({}, environ)):
            try:
                load_settings(None, flags, variables)
            except ConfigError as error:
                named = (option.name, option.environment, "--" + option.name.replace("_", "-"))
                assert any(name in str(error) for name in named), (value, error)


def test_the_settings_page_is_up_to_date() -> None:
    """docs/settings.md is written by `python -m liftgate.settings.describe`."""
    page = (DOCS / "settings.md").read_text()
    assert page == settings_page()
    for option in OPTIONS:
        assert f"| `{option.name}` |" in page
