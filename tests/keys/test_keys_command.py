"""`liftgate admin keys` as an operator runs it, beside a running gateway."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import forked
from gateways import sandbox_server
from key_calls import ask, refusal
from processes import gateway_processes, write_config


class Operator:
    def __init__(self, config: Path, data_dir: Path) -> None:
        self._where = ("--config", str(config), "--data-dir", str(data_dir))

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        environ = {name: value for name, value in os.environ.items() if not name.startswith(("LIFTGATE_", "LITELLM_"))}
        return forked.run_text(["admin", "keys", *words, *self._where], env=environ)

    def say(self, *words: str) -> str:
        done = self.run(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def beside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Operator]]:
    directory = tmp_path_factory.mktemp("command")
    with sandbox_server() as sandbox:
        config = write_config(directory / "config.yaml", sandbox.url)
        with gateway_processes(config, directory / "data") as [gateway]:
            yield gateway.url, Operator(config, directory / "data")


def test_a_key_is_made_changed_replaced_and_removed(beside: tuple[str, Operator]) -> None:
    url, operator = beside
    secret = operator.say(
        "generate", "--alias", "ci", "--owner", "team-a", "--model", "gemini-2.5-*", "--rpm", "9"
    ).strip()
    own = ask(url, "GET", "/key/info", key=secret)["info"]
    assert (own["key_alias"], own["owner"], own["models"]) == ("ci", "team-a", ["gemini-2.5-*"])
    assert (own["rpm_limit"], own["max_budget"]) == (9, None)
    [listed] = json.loads(operator.say("list", "--json"))["data"]
    assert listed["token"] == own["token"] and secret not in json.dumps(listed)
    changed = json.loads(operator.say("update", "ci", "--model", "gemini-2.5-pro", "--json"))
    assert changed["models"] == ["gemini-2.5-pro"]
    again = operator.say("regenerate", own["token"]).strip()
    operator.say("block", again)
    operator.say("unblock", "ci")
    assert ask(url, "GET", "/key/info", key=again)["info"]["id"] == own["id"]
    operator.say("delete", "ci", "--yes")
    assert operator.run("info", "ci").returncode == 1
    while True:
        try:
            ask(url, "GET", "/v1/models", key=again)
        except Exception:
            assert refusal(url, "GET", "/v1/models", key=again).status == 401
            break


def test_an_empty_text_takes_each_value_away(beside: tuple[str, Operator]) -> None:
    operator = beside[1]
    given: dict[str, tuple[str, str, Any]] = {
        "--alias": ("emptied", "key_alias", None),
        "--owner": ("team-e", "user_id", None),
        "--model": ("m", "models", []),
        "--route": ("/v1/files", "allowed_routes", []),
        "--type": ("llm_api", "key_type", "default"),
        "--tag": ("t", "tags", []),
        "--duration": ("1h", "expires", None),
        "--max-budget": ("1e2", "max_budget", None),
        "--soft-budget": (".5", "soft_budget", None),
        "--budget-duration": ("1mo", "budget_duration", None),
        "--rpm": ("7", "rpm_limit", None),
        "--tpm": ("8", "tpm_limit", None),
        "--parallel": ("9", "max_parallel_requests", None),
    }
    words = [word for option, (value, *_) in given.items() for word in (option, value)]
    made = json.loads(operator.say("generate", *words, "--json"))
    assert (made["max_budget"], made["soft_budget"], made["rpm_limit"]) == (100, 0.5, 7)
    assert all(made[field] not in (None, [], "default") for _, field, _ in given.values())
    emptied = [word for option in given for word in (option, "")]
    shown = json.loads(operator.say("update", made["token"], *emptied, "--json"))
    assert {field: shown[field] for _, field, _ in given.values()} == {field: none for _, field, none in given.values()}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("generate", "--type", "root"), "--type"),
        (("update", "nobody"), "Name what to change"),
        (("block", "sk-not-there-at-all"), "No such key: sk-...-all"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(beside: tuple[str, Operator], words: tuple[str, ...], told: str) -> None:
    done = beside[1].run(*words)
    assert done.returncode in (1, 2)
    assert told in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--duration", "30"),
        ("--type", "boss"),
        ("--rpm", "-1"),
        ("--rpm", "1.5"),
        ("--tpm", "many"),
        ("--soft-budget", "nan"),
        ("--max-budget", "1e9"),
        ("--parallel", "-3"),
        ("--max-budget", "-1"),
        ("--budget-duration", "x"),
        ("--alias", "a\nb"),
        ("--owner", "master"),
        ("--route", "nope"),
        ("--model", "a\x01"),
        ("--key", "your-key"),
    ],
)
def test_a_wrong_value_is_told_by_the_option_that_gave_it(
    option: str, value: str, beside: tuple[str, Operator]
) -> None:
    """Not by LiteLLM's field, which nobody typed."""
    done = beside[1].run("generate", option, value)
    assert done.returncode == 2 and f"Error: Invalid value for {option}: expected " in done.stderr


@pytest.mark.parametrize("none", ["0s", "0", ""])
def test_no_time_of_grace_is_none(beside: tuple[str, Operator], none: str) -> None:
    url, operator = beside
    secret = operator.say("generate").strip()
    shown = json.loads(operator.say("regenerate", secret, "--grace", none, "--json"))
    assert shown["old_key_good_until"] is None and ask(url, "GET", "/key/info", key=shown["key"])


def test_a_wrong_time_of_grace_is_told_by_its_option(beside: tuple[str, Operator]) -> None:
    done = beside[1].run("regenerate", "ci", "--grace", "3x")
    assert done.returncode == 2 and "Invalid value for '--grace': expected a number and one of" in done.stderr
