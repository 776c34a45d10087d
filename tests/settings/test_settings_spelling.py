"""Misspelt and misplaced names: near to one that acts, a name is an error; LiteLLM's own that do nothing are none."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from liftgate.errors import ConfigError
from liftgate.settings import load_settings
from liftgate.settings.litellm_config import acting
from liftgate.settings.litellm_names import KNOWN
from liftgate.settings.spelling import nearest

KEYED = {"GEMINI_API_KEY": "google-key-1", "HOME": "/home/somebody"}
MODELS = "model_list: [{model_name: m, litellm_params: {model: gemini/gemini-2.5-flash}}]\n"


def load(tmp_path: Path, text: str, environ: Mapping[str, str] = KEYED) -> list[str]:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    return load_settings(path, {}, environ)[1]


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("general_setings: {master_key: abcdefgh}", "general_settings"),
        ("general-settings: {master_key: abcdefgh}", "general_settings"),
        ("GeneralSettings: {master_key: abcdefgh}", "general_settings"),
        ("litelm_settings: {}", "litellm_settings"),
        ("model_lst: []", "model_list"),
        ("liftgate_setting: {keys: []}", "liftgate_settings"),
        ("enviroment_variables: {}", "environment_variables"),
        ("gaurdrails: [x]", "guardrails"),
        ("general_settings: {master_keys: abcdefgh}", "master_key"),
        ("general_settings: {masterKey: abcdefgh}", "master_key"),
        ("general_settings: {mater_key: abcdefgh}", "master_key"),
        ("general_settings: {custom_auht: a.b}", "custom_auth"),
        ("general_settings: {max_budgt: 5}", "max_budget"),
        ("litellm_settings: {max_bugdet: 5}", "max_budget"),
        ("litellm_settings: {drop_parms: true}", "drop_params"),
        ("router_settings: {fallback: [{m: [n]}]}", "fallbacks"),
        ("router_settings: {num_retry: 1}", "num_retries"),
        ("liftgate_settings: {kyes: [{name: a, key: abcdefgh}]}", "keys"),
        ("liftgate_settings: {keys: [{nam: a, key: abcdefgh}]}", "name"),
        ("liftgate_settings: {keys: [{name: a, kye: abcdefgh}]}", ""),
        ("liftgate_settings: {keys: [{name: a, key: abcdefgh, max_byte: 1}]}", "max_bytes"),
        ("prot: 4001", "port"),
        ("master_kye: abcdefgh", "master_key"),
        ("credential_list: [{credential_nam: a, credential_values: {}}]", "credential_name"),
    ],
)
def test_a_slip_in_a_name_that_acts_ends_the_start(tmp_path: Path, text: str, meant: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, MODELS + text)
    assert meant in str(caught.value) and (not meant or "Did you mean" in str(caught.value))


@pytest.mark.parametrize(
    ("entry", "word", "meant"),
    [
        ("{model_name: m, litellm_parms: {model: gemini/a}}", "litellm_parms", "litellm_params"),
        ("{model_name: m, litellm_params: {modl: gemini/a}}", "modl", "model"),
        ("{model_name: m, litellm_params: {Model: gemini/a}}", "Model", "model"),
        ("{model_nam: m, litellm_params: {model: gemini/a}}", "model_nam", "model_name"),
        ("{model_name: m, litellm_params: {model: gemini/a, api_kye: abcdefgh}}", "api_kye", "api_key"),
        ("{model_name: m, litellm_params: {model: gemini/a, apikey: abcdefgh}}", "apikey", "api_key"),
        ("{model_name: m, litellm_params: {model: gemini/a, key: abcdefgh}}", "key", "'api_key'"),
        ("{model_name: m, litellm_params: {model: gemini/a, token: abcdefgh}}", "token", "'api_key'"),
        ("{model_name: m, litellm_params: {model: gemini/a, api_bse: 'http://a'}}", "api_bse", "api_base"),
        ("{model_name: m, litellm_params: {model: gemini/a, max_token: 5}}", "max_token", "max_tokens"),
        ("{model_name: m, litellm_params: {model: gemini/a, max_budgets: 5}}", "max_budgets", "spent"),
        ("{model_name: m, litellm_params: {model: gemini/a}, model_infos: {team_id: a}}", "model_infos", "model_info"),
        ("{model_name: m, litellm_params: {model: gemini/a}, model_info: {team-id: a}}", "team-id", "team_id"),
        ("{model_name: m, litellm_params: {model: gemni/a}}", "gemni", "gemini/a"),
        ("{model_name: m, litellm_params: {model: Gemini/a}}", "Gemini", "gemini/a"),
        ("{model_name: m, litellm_params: {model: google/a}}", "google", "gemini/a"),
        ("{model_name: m, litellm_params: {model: a, custom_llm_provider: gemnii}}", "gemnii", "gemini"),
    ],
)
def test_a_slip_in_a_deployment_is_named(tmp_path: Path, entry: str, word: str, meant: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, f"model_list: [{entry}]")
    assert word in str(caught.value) and meant in str(caught.value)


@pytest.mark.parametrize(
    ("text", "home"),
    [
        ("port: 4001", "liftgate_settings"),
        ("data_dir: /x", "liftgate_settings"),
        ("keys: [{name: a, key: abcdefgh}]", "liftgate_settings"),
        ("general_settings: {port: 4001}", "liftgate_settings"),
        ("litellm_settings: {keys: []}", "liftgate_settings"),
        ("router_settings: {blob_store: local}", "liftgate_settings"),
        ("master_key: abcdefgh", "general_settings"),
        ("litellm_settings: {master_key: abcdefgh}", "general_settings"),
        ("router_settings: {master_key: abcdefgh}", "general_settings"),
        ("liftgate_settings: {master_key: abcdefgh}", "general_settings"),
        ("drop_params: true", "litellm_settings"),
        ("routing: {}\nfallbacks: []", "router_settings"),
        ("api_key: abcdefgh", "litellm_params"),
        ("general_settings: {guardrails: [a]}", "top of the file"),
        ("router_settings: {custom_auth: a.b}", "general_settings"),
        ("general: {master_key: abcdefgh}", "general_settings"),
        ("settings: {port: 1, master_key: os.environ/KEY}", "general_settings"),
        ("liftgate: {keys: [{name: a, key: abcdefgh}]}", "liftgate_settings"),
        ("models: [{model_name: m, litellm_params: {model: gemini/a}}]", "model_list"),
        ("deployments: {a: 1, litellm_params: {model: gemini/a}}", "model_list"),
        ("general_settings: {proxy: {master_key: abcdefgh}}", "general_settings"),
        # Indented too far: a whole section under another one, or in a block that nothing reads.
        ("general_settings: {liftgate_settings: {keys: [{name: a, key: abcdefgh}]}}", "top of the file"),
        ("litellm_settings: {liftgate_settings: {keys: [{name: a, key: abcdefgh}]}}", "top of the file"),
        ("router_settings: {general_settings: {master_key: abcdefgh}}", "top of the file"),
        ("general_settings: {general_settings: {master_key: abcdefgh}}", "top of the file"),
        ("general_settings: {model_list: []}", "top of the file"),
        ("proxy: {liftgate_settings: {keys: [{name: a, key: abcdefgh}]}}", "top of the file"),
        ("a: {b: {c: [{general_settings: {master_key: abcdefgh}}]}}", "top of the file"),
    ],
)
def test_a_name_in_the_wrong_place_says_where_it_belongs(tmp_path: Path, text: str, home: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, MODELS + text)
    assert "belongs under" in str(caught.value) and home in str(caught.value)


@pytest.mark.parametrize(
    "name",
    [
        *("master", "proxy_master_key", "api_key", "auth_token", "password"),
        *("lite_master_key", "GATEWAY_KEY", "admin-token", "team_secret", "liftgate_key", "bearer"),
    ],
)
def test_a_key_under_another_name_opens_no_gateway(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, MODELS + f"general_settings: {{{name}: abcdefgh}}")
    assert f"general_settings.{name}" in str(caught.value) and "general_settings.master_key" in str(caught.value)
    load(tmp_path, MODELS + f"general_settings: {{{name}: abcdefgh, master_key: sk-abcdefgh}}")


def test_blocks_of_others_do_not_stop_it(tmp_path: Path) -> None:
    others = "redis: {host: a, port: 6379, password: b}\nvault: {keys: 3}\nx-keys: {master_key: a, keys: [b]}\n"
    assert len(load(tmp_path, MODELS + others)) == 2


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("LIFTGATE_PROT", "LIFTGATE_PORT"),
        ("LIFTGATE_PORTS", "LIFTGATE_PORT"),
        ("liftgate_port", "LIFTGATE_PORT"),
        ("LIFTGATE_DATADIR", "LIFTGATE_DATA_DIR"),
        ("LIFTGATE_MASTERKEY", "LIFTGATE_MASTER_KEY"),
        ("LIFTGATE_MATSER_KEY", "LIFTGATE_MASTER_KEY"),
        ("LIFTGATE_MASTER_KEY_FILE", "LIFTGATE_MASTER_KEY"),
        ("LIFTGATE_KEYS", "LIFTGATE_MASTER_KEY"),
        ("LITELLM_MASTERKEY", "LITELLM_MASTER_KEY"),
        ("LITELLM_MASTER_KEY_FILE", "LIFTGATE_MASTER_KEY"),
    ],
)
def test_a_slip_in_a_variable_ends_the_start(tmp_path: Path, variable: str, meant: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, MODELS, {**KEYED, variable: "a-good-long-key"})
    assert variable in str(caught.value) and meant in str(caught.value)


def test_other_variables_do_not_stop_it(tmp_path: Path) -> None:
    """Of LiteLLM, of our commands, and what Kubernetes sets for a Service named `liftgate`."""
    others = {
        "LITELLM_SALT_KEY": "a",
        "LITELLM_LOG": "DEBUG",
        "LITELLM_MODE": "PRODUCTION",
        "LIFTGATE_API_KEY": "a",
        "LIFTGATE_BASE_URL": "http://a",
        "LIFTGATE_PORT": "tcp://10.0.0.1:4000",
        "LIFTGATE_PORT_4000_TCP_ADDR": "10.0.0.1",
        "LIFTGATE_SERVICE_HOST": "10.0.0.1",
    }
    warnings = load(tmp_path, MODELS, {**KEYED, **others})
    assert {warning.split()[0] for warning in warnings} == {
        "LIFTGATE_PORT",
        "LIFTGATE_PORT_4000_TCP_ADDR",
        "LIFTGATE_SERVICE_HOST",
    }


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    text = (
        "model_list:\n"
        "  - {model_name: a, litellm_parms: {model: gemini/a}}\n"
        "  - {model_name: b, litellm_params: {model: gemini/b, api_key: os.environ/NO}}\n"
        "  - {model_name: c, litellm_params: {model: gemini/c, api_key: '${KEY}'}}\n"
        "general_settings: {master_key: k, custom_auth: a.b}\n"
        "litellm_settings: {max_budget: none, max_user_budget: 5}\n"
        "liftgate_settings: {port: many, max_file_byte: 1, keys: [{name: master, key: abcdefgh}]}\n"
        "model_lst: []\n"
    )
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text, {**KEYED, "LIFTGATE_PROT": "1"})
    said = str(caught.value)
    for word in (
        *(
            "litellm_parms",
            "NO is not set",
            "api_key: looks",
            "master_key: is too short",
            "custom_auth",
            "max_budget",
            "max_user_budget",
        ),
        *("port: expected", "max_file_byte", "keys[0].name", "model_lst", "LIFTGATE_PROT"),
    ):
        assert word in said
    assert len(said.splitlines()) == 12


def test_no_setting_of_litellms_is_taken_for_a_slip(tmp_path: Path) -> None:
    """Every name that is known, in its section, with a value."""
    for section, names in KNOWN.items():
        for name in names - acting(section):
            if "budget" in name and not any(
                word in name for word in ("duration", "reset", "metrics", "rescheduler", "session")
            ):
                continue
            if section == "":
                text = MODELS + f"{name}: {{a: 1}}\n"
            elif section in ("litellm_params", "model_list"):
                params = f"litellm_params: {{model: gemini/a{f', {name}: 1' if section == 'litellm_params' else ''}}}"
                text = f"model_list: [{{model_name: m, {params}{f', {name}: 1' if section == 'model_list' else ''}}}]\n"
            else:
                text = MODELS + f"{section}: {{{name}: 1}}\n"
            load(tmp_path, text)


@pytest.mark.parametrize(
    ("word", "expected"),
    [("prot", "port"), ("ports", "port"), ("PORT", "port"), ("po_rt", "port"), ("sprout", None), ("hst", "host")],
)
def test_nearness_is_a_letter_in_a_short_word(word: str, expected: str | None) -> None:
    assert nearest(word, ["port", "host", "id"]) == expected
    assert nearest("ip", ["id"]) is None
