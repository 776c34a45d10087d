"""A sentence about a mistake names what its reader wrote: an argument of the SDK, an option, a variable, a config."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openai
import pytest

import liftgate
from liftgate import Liftgate
from liftgate.errors import ConfigError, InvalidRequest, LiftgateError
from liftgate.settings.google import KEY_VARIABLES
from liftgate.settings.load import load_settings

SOURCE = Path(liftgate.__file__).parent
KEY = "AIzaSyD-1234567890abcdefghijklmnopqrstu"
MODELS = "model_list: [{model_name: g, litellm_params: {model: gemini/gemini-flash-latest, api_key: a-google-key}}]\n"
NOT_KEYS = ["…", "your-api-key", "os.environ/GEMINI_API_KEY", "$GEMINI_API_KEY", "GEMINI_API_KEY", "abc", "two words"]
OTHER_FACES = ("--", "Authorization", "header", "flag", "command")
"""What nobody gives to the SDK."""


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No key and no root in the environment."""
    for name in (*KEY_VARIABLES, "GEMINI_API_BASE", "LIFTGATE_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def _kept(directory: Path, **options: Any) -> Liftgate:
    return Liftgate(data_dir=directory / "data", **options)


def _direct(_: Path, **options: Any) -> Liftgate:
    return Liftgate(**options)


def _said(make: Callable[..., Liftgate], directory: Path, **options: Any) -> Exception:
    """The error of a client that is made so, or of its first call."""
    with pytest.raises((LiftgateError, ConfigError)) as caught, make(directory, **options) as client:
        client.file_list()
    wrong = caught.value
    assert isinstance(wrong, ConfigError) or openai.OpenAIError in type(wrong).__mro__, type(wrong)
    return wrong


@pytest.mark.parametrize("make", [_direct, _kept])
@pytest.mark.parametrize("key", NOT_KEYS)
def test_an_argument_that_is_no_key_is_named_as_the_argument(
    bare: Path, make: Callable[..., Liftgate], key: str
) -> None:
    said = str(_said(make, bare, api_key=key))
    assert said.startswith("api_key: "), said
    assert "os.environ/" not in said, "no reference is filled in there"


@pytest.mark.parametrize("make", [_direct, _kept])
@pytest.mark.parametrize("variable", KEY_VARIABLES)
def test_a_variable_that_is_no_key_is_named_as_the_variable(
    bare: Path, make: Callable[..., Liftgate], variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "your-api-key")
    said = str(_said(make, bare))
    assert said.startswith(f"{variable}: is a placeholder") and "os.environ/" not in said


@pytest.mark.parametrize("make", [_direct, _kept])
@pytest.mark.parametrize("empty", [False, True])
def test_without_a_key_the_sdk_says_what_its_caller_can_give(
    bare: Path, make: Callable[..., Liftgate], empty: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if empty:
        monkeypatch.setenv("GEMINI_API_KEY", "")
    said = str(_said(make, bare))
    assert "ass api_key=…" in said and "GEMINI_API_KEY" in said and "`liftgate sandbox`" in said
    assert ("GEMINI_API_KEY is set, and is empty" in said) is empty
    assert not any(word in said for word in OTHER_FACES), said


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"api_key": b"bytes"}, "api_key"),
        ({"api_base": 5}, "api_base"),
        ({"api_base": "nope"}, "api_base"),
        ({"api_base": "http://127.0.0.1:1/v1beta/openai"}, "api_base"),
        ({"timeout": -1}, "timeout"),
        ({"timeout": float("nan")}, "timeout"),
        ({"timeout": float("inf")}, "timeout"),
        ({"timeout": 1e30}, "timeout"),
        ({"timeout": "soon"}, "timeout"),
        ({"num_retries": -1}, "num_retries"),
        ({"num_retries": 1.5}, "num_retries"),
        ({"extra_headers": ["a"]}, "extra_headers"),
        ({"base_url": 5}, "base_url"),
    ],
    ids=str,
)
@pytest.mark.parametrize("make", [_direct, _kept])
def test_an_argument_of_a_client_is_named(
    bare: Path, make: Callable[..., Liftgate], options: dict[str, Any], named: str
) -> None:
    wrong = _said(make, bare, **{"api_key": KEY, **options})
    assert isinstance(wrong, InvalidRequest) and isinstance(wrong, openai.BadRequestError)
    assert wrong.param == named and named in wrong.message
    assert not any(word in wrong.message.removeprefix("'extra_headers'") for word in OTHER_FACES), wrong.message


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"data_dir": "{file}"}, "data_dir {file}: {file} is a file, not a directory."),
        ({"data_dir": ""}, "data_dir: expected a text"),
        ({"data_dir": 5}, "'data_dir' is a path."),
        ({"config": 5}, "'config' is a path."),
        ({"config": "{file}x"}, "{file}x: cannot be read"),
        ({"config": "{config}"}, "{config}, line 1: liftgate_settings.lease_renew_seconds: expected at most half"),
    ],
    ids=str,
)
def test_what_a_client_is_made_with_is_named(bare: Path, options: dict[str, Any], expected: str) -> None:
    places = {"file": str(bare / "file"), "config": str(bare / "config.yaml")}
    Path(places["file"]).write_text("x", "utf-8")
    Path(places["config"]).write_text("liftgate_settings: {lease_renew_seconds: 50}\n" + MODELS, "utf-8")
    given = {name: value.format(**places) if isinstance(value, str) else value for name, value in options.items()}
    said = str(_said(_direct, bare, api_key=KEY, **given))
    assert expected.format(**places) in said, said


@pytest.mark.parametrize(("slip", "meant"), [("dta_dir", "data_dir"), ("api_kye", "api_key"), ("baseurl", "base_url")])
def test_a_slip_in_the_name_of_an_argument_is_told(slip: str, meant: str) -> None:
    with pytest.raises(TypeError, match=f"'{slip}'. Did you mean '{meant}'?"):
        Liftgate(**{slip: "x"})  # type: ignore[arg-type]


@pytest.mark.parametrize("given", ["timeout", "request_timeout", "num_retries", "max_retries"])
def test_the_name_that_a_call_used_is_told(given: str) -> None:
    with pytest.raises(openai.BadRequestError, match=f"'{given}' is a") as caught:
        liftgate.file_list(api_key=KEY, **{given: -1})  # type: ignore[arg-type]
    assert caught.value.param == given


def test_an_address_to_listen_on_is_nothing_to_a_client(bare: Path) -> None:
    """A gateway and a program may share a config; the gateway's key may be known to the gateway alone."""
    config = bare / "config.yaml"
    config.write_text("liftgate_settings: {host: 0.0.0.0, cors_origins: '*'}\n" + MODELS, "utf-8")
    with Liftgate(config=config, data_dir=bare / "data") as client:
        assert client.file_list().data == []
    with pytest.raises(ConfigError, match="no key is configured"):
        load_settings(config, {}, {"HOME": str(bare)})


CHECKED = {
    "host": "0.0.0.0",
    "port": "70000",
    "public_base_url": "files.example.com",
    "trusted_proxies": "nowhere",
    "cors_origins": "https://a.example/path",
    "log_client_ip": "some",
    "log_names": "ours",
    "metrics_port": "70000",
    "lease_renew_seconds": "50",
    "budget_time_zone": "Nowhere/At-all",
}
"""Settings with a value that is wrong beside others, or where a gateway listens."""


@pytest.mark.parametrize("name", CHECKED)
def test_a_setting_is_named_by_where_it_was_given(bare: Path, name: str) -> None:
    flag, variable = "--" + name.replace("_", "-"), "LIFTGATE_" + name.upper()
    config = bare / "config.yaml"
    config.write_text(f"{MODELS}liftgate_settings:\n  {name}: '{CHECKED[name]}'\n", "utf-8")
    given: list[tuple[str, Path | None, dict[str, object], dict[str, str]]] = [
        (f"{flag}: ", None, {name: CHECKED[name]}, {}),
        (f"{variable}: ", None, {}, {variable: CHECKED[name]}),
        (f"{config}, line 3: liftgate_settings.{name}: ", config, {}, {}),
    ]
    for start, file, flags, environ in given:
        with pytest.raises(ConfigError) as caught:
            load_settings(file, flags, {"HOME": "/", "GEMINI_API_KEY": KEY, **environ})
        assert str(caught.value).startswith(start), str(caught.value)


@pytest.mark.parametrize("value", ["${DATA}", "os.environ/DATA", "{{ data }}"])
def test_what_fills_a_reference_in_is_said_where_it_does(bare: Path, value: str) -> None:
    config = bare / "config.yaml"
    config.write_text(MODELS + f"liftgate_settings: {{database_url: '{value.replace('os.environ/', '$env:')}'}}\n")
    environ = {"HOME": "/", "GEMINI_API_KEY": KEY}
    for file, flags, more in (
        (config, {}, {}),
        (None, {"database_url": value}, {}),
        (None, {}, {"LIFTGATE_DATABASE_URL": value}),
    ):
        with pytest.raises(ConfigError, match="looks like a reference") as caught:
            load_settings(file, flags, {**environ, **more})
        assert ("Did you mean os.environ/" in str(caught.value)) is (file is config)


OPTIONS_OF_COMMANDS = {
    "settings/caller.py": "the command line's own words",
    "settings/describe.py": "docs/settings.md",
}
"""Modules outside cli/ that name an option of the gateway, each with why."""
_OPTION = re.compile(r"(?<![\w`-])--[a-z][\w-]+")
_COMMAND = re.compile(r"`liftgate [^`]*`|--replace")
"""A command is the way out in every face; --replace is of `admin restore`, the only one that raises such."""


def test_no_room_but_the_command_lines_names_its_options() -> None:
    found = []
    for path in sorted(SOURCE.rglob("*.py")):
        name = path.relative_to(SOURCE).as_posix()
        if name.startswith(("cli/", "sandbox/")) or name in OPTIONS_OF_COMMANDS:
            continue
        tree = ast.parse(path.read_text("utf-8"))
        docs = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        found += [
            f"{name}:{node.lineno}: {node.value}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs
            if _OPTION.search(_COMMAND.sub("", node.value))
        ]
    assert found == []
