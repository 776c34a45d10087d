"""The config as YAML: what cannot be read, or says a thing twice, ends the start with one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from liftgate.errors import ConfigError
from liftgate.settings import load_settings

KEYED = {"GEMINI_API_KEY": "google-key-1", "HOME": "/home/somebody"}
MODELS = "model_list: [{model_name: m, litellm_params: {model: gemini/gemini-2.5-flash}}]\n"


def refusal(tmp_path: Path, text: str) -> str:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_settings(path, {}, KEYED)
    said = str(caught.value)
    assert "\n" not in said and str(path) in said
    return said


@pytest.mark.parametrize(
    ("text", "name", "lines"),
    [
        ("general_settings: {}\nlitellm_settings: {}\ngeneral_settings: {master_key: x}\n", "general_settings", (3, 1)),
        ("liftgate_settings:\n  port: 1\n  host: a\n  port: 2\n", "port", (4, 2)),
        ("liftgate_settings: {keys: [{name: a, key: b, name: c}]}\n", "name", (1, 1)),
        ('general_settings:\n  master_key: a\n  "master_key": b\n', "master_key", (3, 2)),
        ("model_list:\n- model_name: m\n  litellm_params:\n    api_key: a\n    api_key: b\n", "api_key", (5, 4)),
        ("1: a\n'1': b\n", "1", (2, 1)),
        ("a: &a\n  b: 1\n  b: 2\nc: {<<: *a}\n", "b", (3, 2)),
    ],
)
def test_a_name_that_stands_twice_is_refused_with_both_lines(
    tmp_path: Path, text: str, name: str, lines: tuple[int, int]
) -> None:
    said = refusal(tmp_path, text)
    assert f", line {lines[0]}: {name!r} is set twice, here and on line {lines[1]}." in said


@pytest.mark.parametrize("written", [MODELS.replace("\n", "\r\n").encode(), b"\xef\xbb\xbf" + MODELS.encode()])
def test_a_config_as_other_systems_write_it(tmp_path: Path, written: bytes) -> None:
    """With CRLF, or a mark of its encoding."""
    path = tmp_path / "config.yaml"
    path.write_bytes(written)
    settings, warnings = load_settings(path, {}, KEYED)
    assert [each.model_name for each in settings.deployments] == ["m"] and warnings == []


def test_a_merge_is_no_duplicate(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(
        "x-shared: &shared {model: gemini/gemini-2.5-flash, timeout: 5}\n"
        "x-more: &more {drop_params: true}\n"
        "model_list:\n"
        "  - {model_name: a, litellm_params: {<<: *shared, timeout: 7}}\n"
        "  - {model_name: b, litellm_params: {<<: [*shared, *more]}}\n"
        "  - model_name: c\n    litellm_params:\n      <<: *shared\n      <<: *more\n"
    )
    settings, warnings = load_settings(path, {}, KEYED)
    assert [(d.timeout, d.drop_params) for d in settings.deployments] == [(7.0, False), (5.0, True), (5.0, True)]
    assert warnings == []


@pytest.mark.parametrize(
    "text",
    [
        "liftgate_settings: {keys: &a [*a]}\n",
        "environment_variables: &a {X: *a}\n",
        "credential_list: &a [{credential_name: x, credential_values: *a}]\n",
        "a: &a {<<: *a}\n",
        "a: &a [{b: [{c: *a}]}]\n",
    ],
)
def test_an_anchor_that_holds_itself_is_refused(tmp_path: Path, text: str) -> None:
    assert "an anchor holds itself" in refusal(tmp_path, MODELS + text)


@pytest.mark.parametrize(
    "text", ["a: " + "[" * 5000, "a: " + "[" * 60 + "]" * 60, "a: " + "{b: " * 60 + "1" + "}" * 60]
)
def test_deep_nesting_is_refused(tmp_path: Path, text: str) -> None:
    assert "nested deeper than 50 levels" in refusal(tmp_path, text)


def test_anchors_that_multiply_are_refused_before_they_are_expanded(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    assert "anchors stand for more than" in refusal(tmp_path, "\n".join(lines))


@pytest.mark.parametrize(
    "text",
    [
        "a:\n\tb: 1",
        "liftgate_settings: {port: " + "9" * 5000 + "}",
        "a: 2026-02-30",
        "a: !!bool perhaps",
        "a: !!int x",
        "a: !!python/object:os.system x",
        "a: *nowhere",
        "a: {<<: 5}",
        "a: 1\n---\nb: 2",
        "? [a]\n: b",
        "a: b: c",
        "a: [",
        "a: \x07",
        "- a",
        "text",
    ],
)
def test_what_cannot_be_read_is_one_sentence(tmp_path: Path, text: str) -> None:
    refusal(tmp_path, text)


def test_a_device_without_end_and_a_directory_are_no_config() -> None:
    for path in (Path("/dev/zero"), Path("/tmp")):
        with pytest.raises(ConfigError, match=str(path)):
            load_settings(path, {}, KEYED)


# ── include ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def write(directory: Path, **files: str) -> Path:
    for name, text in files.items():
        (directory / f"{name}.yaml").write_text(text)
    return directory / "main.yaml"


def test_included_files_are_read_as_if_they_stood_there(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        main="include: [models.yaml, keys.yaml]\nlitellm_settings: {num_retries: 7}\n" + MODELS,
        models="model_list: [{model_name: n, litellm_params: {model: gemini/gemini-2.5-pro}}]\n",
        keys="general_settings: {master_key: sk-a-long-master-key}\nlitellm_settings: {request_timeout: 9}\n",
    )
    settings, warnings = load_settings(path, {}, KEYED)
    assert [d.model_name for d in settings.deployments] == ["m", "n"]
    assert settings.auth.master_key == "sk-a-long-master-key"
    assert (settings.router.num_retries, settings.router.timeout) == (7, 9.0)
    assert warnings == []


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (
            {"main": MODELS + "include: [nowhere.yaml]\n"},
            "main.yaml, line 2: include[0]: {}/nowhere.yaml: cannot be read",
        ),
        ({"main": MODELS + "include: nowhere.yaml\n"}, "main.yaml, line 2: include: {}/nowhere.yaml: cannot be read"),
        (
            {"main": "include:\n- b.yaml\n- parts/*.yaml\n", "b": MODELS},
            "main.yaml, line 3: include[1]: {}/parts/*.yaml",
        ),
        ({"main": "include: [b.yaml]\n", "b": MODELS + "include: [c.yaml]\n"}, "b.yaml, line 2: include[0]: {}/c.yaml"),
        ({"main": MODELS + "include: 5\n"}, "main.yaml, line 2: include: "),
        ({"main": MODELS + "include:\n- 5\n"}, "main.yaml, line 3: include[0]: "),
        (
            {"main": MODELS + "include: [main.yaml]\n"},
            "main.yaml, line 2: include[0]: {}/main.yaml: the file includes itself",
        ),
        ({"main": "include: [main.yaml]\n"}, "includes itself"),
        ({"main": "include: [b.yaml]\n", "b": "include: [main.yaml]\n"}, "includes itself"),
        ({"main": "include: [b.yaml]\n" + MODELS, "b": "guardrails: [{guardrail_name: g}]\n"}, "guards what may pass"),
        (
            {
                "main": "include: [b.yaml]\ngeneral_settings: {master_key: one-of-two}\n" + MODELS,
                "b": "general_settings: {master_key: two-of-two}\n",
            },
            "main.yaml, line 2 and {}/b.yaml, line 1: general_settings.master_key is set in both",
        ),
        (
            {
                "main": "include: [b.yaml, c.yaml]\n" + MODELS,
                "b": "litellm_settings: {num_retries: 1}\n",
                "c": "litellm_settings:\n  num_retries: 2\n",
            },
            "{}/b.yaml, line 1 and {}/c.yaml, line 2: litellm_settings.num_retries is set in both",
        ),
        ({"main": "include: [b.yaml]\n", "b": "a: &a [*a]\n"}, "b.yaml, line 1: an anchor holds itself"),
    ],
)
def test_an_include_is_judged_by_what_is_in_it(tmp_path: Path, files: dict[str, str], expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(write(tmp_path, **files), {}, KEYED)
    assert expected.replace("{}", str(tmp_path)) in str(caught.value)


def test_files_that_include_each_other_many_times_have_an_end(tmp_path: Path) -> None:
    files = {f"f{n}": f"include: [f{n + 1}.yaml, f{n + 1}.yaml]\n" for n in range(20)}
    with pytest.raises(ConfigError, match="more than 100 files"):
        load_settings(write(tmp_path, main="include: [f0.yaml]\n", **files, f20=MODELS), {}, KEYED)


# ── told at once, with the line ───────────────────────────────────────────────────────────────────────────────────────


def test_faults_of_every_kind_are_told_at_once(tmp_path: Path) -> None:
    """Those of one value's form beside those of its kind, whatever stage of reading finds them."""
    wrong = {
        "drain_seconds": "5s",
        "cors_origins": "[a.example]",
        "trusted_proxies": "10.0.0.0/33",
        "public_base_url": "files.example",
        "port": "99999",
        "metrics_port": "70000",
        "log_client_ip": "some",
        "log_names": "ours",
        "budget_time_zone": "Nowhere/Else",
    }
    lines = "".join(f"  {name}: {value}\n" for name, value in wrong.items())
    path = write(tmp_path, main=f"{MODELS}liftgate_settings:\n{lines}")
    with pytest.raises(ConfigError) as caught:
        load_settings(path, {}, KEYED)
    told = str(caught.value).splitlines()
    assert len(told) == len(wrong), told
    for number, name in enumerate(wrong, start=3):
        assert any(f", line {number}: liftgate_settings.{name}: " in each for each in told), (name, told)


def test_a_fault_brings_no_other_that_only_follows_from_it(tmp_path: Path) -> None:
    settings = "liftgate_settings:\n  host: 0.0.0.0\n  keys: [{name: a, key: short}]\n"
    told = refusal(tmp_path, MODELS + settings)
    assert "liftgate_settings.keys[0].key: is too short" in told


@pytest.mark.parametrize(
    "section",
    ["liftgate_settings", "general_settings", "litellm_settings", "router_settings", "environment_variables"],
)
@pytest.mark.parametrize("value", ["5", "[a]", "words"])
def test_a_section_of_another_kind_is_told_with_its_line(tmp_path: Path, section: str, value: str) -> None:
    told = refusal(tmp_path, f"{MODELS}{section}: {value}\n")
    assert f", line 2: {section}: expected names with values" in told
