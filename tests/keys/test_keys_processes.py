"""A key that is deleted or blocked at one process is refused by every other; a catalogue that is away makes no 401."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateways import MODEL, gateway_server, sandbox_server, settings_for
from key_calls import Refused, ask, make, refusal, settled
from liftgate.settings import JobSettings, StorageSettings
from liftgate.settings.sections import BudgetSettings
from postgres_cluster import PostgresCluster
from processes import GatewayProcess, gateway_processes, write_config
from raw_http import call
from waiting import until

CHAT = {"model": MODEL, "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 5}
CODES = {"delete": "invalid_api_key", "block": "key_blocked", "regenerate": "invalid_api_key", "expire": "expired_key"}


@pytest.fixture
def two(tmp_path: Path, database_url: str) -> Iterator[list[GatewayProcess]]:
    with sandbox_server() as sandbox:
        config = write_config(tmp_path / "config.yaml", sandbox.url, database_url=database_url)
        with gateway_processes(config, tmp_path / "data", 2) as gateways:
            yield gateways


def good(url: str, key: str) -> bool:
    try:
        ask(url, "GET", "/v1/models", key=key)
    except Refused as refused:
        assert refused.status == 401
        return False
    return True


def test_what_one_process_does_to_a_key_every_other_obeys(two: list[GatewayProcess]) -> None:
    here, there = (gateway.url for gateway in two)
    made = {what: make(here)["key"] for what in CODES}
    for key in made.values():
        assert good(there, key) and good(here, key)
    # A key that is not there yet is wrong, and good as soon as it is.
    assert not good(there, "sk-made-in-a-moment")
    make(here, key="sk-made-in-a-moment")
    until(lambda: good(there, "sk-made-in-a-moment"))
    ask(here, "POST", "/key/delete", {"keys": [made["delete"]]})
    ask(here, "POST", "/key/block", {"key": made["block"]})
    ask(here, "POST", "/key/regenerate", {"key": made["regenerate"]})
    ask(here, "POST", "/key/update", {"key": made["expire"], "duration": "1s"})
    for what, key in made.items():
        until(lambda key=key: not good(there, key))  # type: ignore[misc]
        assert not good(here, key) or what == "expire"
        # Never again: no process writes back what it remembers.
        refused = refusal(there, "GET", "/v1/models", key=key)
        assert refused.error["code"] == CODES[what]
    ask(here, "POST", "/key/unblock", {"key": made["block"]})
    until(lambda: good(there, made["block"]))
    # What an owner may is heard of in the same way.
    far = make(here, team_id="far")["key"]
    assert answered(there, far)
    ask(here, "POST", "/team/new", {"team_id": "far", "rpm_limit": 0})
    until(lambda: refused_for(there, far, 429))
    ask(here, "POST", "/team/update", {"team_id": "far", "rpm_limit": 5})
    until(lambda: not refused_for(there, far, 429))
    ask(here, "POST", "/team/delete", {"team_ids": ["far"]})
    until(lambda: refused_for(there, far, 401))


def test_a_new_key_is_bounded_by_its_owners_from_its_first_call_at_any_process(two: list[GatewayProcess]) -> None:
    """What a process knew of an owner before, or knew of no owner at all, is no older than the key."""
    here, there = (gateway.url for gateway in two)
    for number, (noun, path) in enumerate([("team", "/team"), ("user", "/user"), ("team", "/team")]):
        owner = f"{noun}-{number}"
        if number:
            # Without limits so far, and remembered so.
            assert ask(there, "POST", "/v1/chat/completions", CHAT, make(here, **{f"{noun}_id": owner})["key"])
        fields = {f"{noun}_id": owner, "max_budget": 1e-9, **({"auto_create_key": False} if noun == "user" else {})}
        ask(here, "POST", f"{path}/new", fields)
        key = make(here, **{f"{noun}_id": owner})["key"]
        for door, body in DOORS:
            refused = refusal(there, "POST", door, body, key)
            assert refused.status == 429 and f"the owner '{owner}'" in refused.error["message"], door
    # Raised for one key's sake, it holds for that key at once.
    ask(here, "POST", "/team/update", {"team_id": "team-0", "max_budget": 1})
    assert answered(there, make(here, team_id="team-0")["key"])


def refused_for(url: str, key: str, status: int) -> bool:
    try:
        ask(url, "POST", "/v1/chat/completions", CHAT, key)
    except Refused as refused:
        # 503: for a moment an owner is known whose limits are gone.
        assert refused.status in (401, 429, 503)
        return refused.status == status
    return False


def test_a_catalogue_that_is_away_is_a_503_and_never_a_401(tmp_path: Path) -> None:
    """Known keys go on for `cache_stale_seconds`; then nobody can say whether a key is good."""
    cluster = PostgresCluster()
    try:
        cluster.start()
        with sandbox_server() as sandbox:
            storage = StorageSettings(data_dir=tmp_path, database_url=cluster.create_database(schema=True))
            jobs = JobSettings(cache_stale_seconds=8)
            with gateway_server(replace(settings_for(sandbox, tmp_path), storage=storage, jobs=jobs)) as url:
                known, unknown = make(url)["key"], make(url)["key"]
                limited = make(url, rpm_limit=100, max_budget=1)["key"]
                assert good(url, known)
                ask(url, "POST", "/v1/chat/completions", CHAT, limited)
                cluster.stop(at_once=True)
                assert good(url, known)
                for key in (unknown, "sk-no-such-key-at-all"):
                    refused = refusal(url, "GET", "/v1/models", key=key)
                    assert refused.status == 503 and int(refused.headers["retry-after"]) >= 1
                assert ask(url, "GET", "/v1/models", key="sk-ann")["data"]
                # What limits have left nobody can say; what was spent is told afterwards.
                refused = refusal(url, "POST", "/v1/chat/completions", CHAT, limited)
                assert refused.status == 503 and int(refused.headers["retry-after"]) >= 1
                until_away(url, known)
                cluster.start()
                until(lambda: back(url, unknown))
                assert good(url, known) and not good(url, "sk-no-such-key-at-all")
                before = ask(url, "GET", "/key/info", key=limited)["info"]["spend"]
                until(lambda: answered(url, limited))
                until(lambda: ask(url, "GET", "/key/info", key=limited)["info"]["spend"] > before)
    finally:
        cluster.remove()


DOORS = (
    ("/v1/chat/completions", CHAT),
    ("/v1/chat/completions", {**CHAT, "stream": True}),
    ("/v1/responses", {"model": MODEL, "input": "Hi", "store": False}),
    ("/v1/messages", CHAT),
    (f"/v1beta/models/{MODEL}:generateContent", {"contents": [{"parts": [{"text": "Hi"}]}]}),
)


@pytest.mark.parametrize(
    ("serves", "seconds"), [(True, 0), *(pytest.param(serves, 20, marks=pytest.mark.full) for serves in (False, True))]
)
def test_keys_with_limits_go_on_as_configured_while_the_catalogue_is_away(
    tmp_path: Path, serves: bool, seconds: int
) -> None:
    """Never a 401 for a good key; where they are served, what was spent meanwhile is counted afterwards."""
    cluster = PostgresCluster()
    try:
        cluster.start()
        with sandbox_server() as sandbox:
            settings = replace(
                settings_for(sandbox, tmp_path),
                storage=StorageSettings(data_dir=tmp_path, database_url=cluster.create_database(schema=True)),
                budgets=BudgetSettings(serve_when_limits_are_away=serves),
            )
            with gateway_server(settings) as url:
                limits = ({"max_budget": 1}, {"rpm_limit": 100}, {"max_parallel_requests": 2}, {"tpm_limit": 10**6})
                limited = [make(url, **each)["key"] for each in limits]
                free = make(url)["key"]
                make(url, team_id="ann")
                ask(url, "POST", "/team/new", {"team_id": "ann", "rpm_limit": 1000})
                for key in (*limited, free, "sk-ann"):
                    assert ask(url, "POST", "/v1/chat/completions", CHAT, key)["choices"]
                spent = settled(url, limited[0])["budgets"][0]["spend"]
                cluster.stop(at_once=True)
                end = time.monotonic() + seconds
                while True:
                    # What is in hand may be used; then nobody can say what limits have left.
                    counted = [(key, path, body) for key in (*limited, "sk-ann") for path, body in DOORS]
                    for key, path, body in counted:
                        check_away(url, key, path, body, serves=serves)
                    assert ask(url, "POST", "/v1/chat/completions", CHAT, free)["choices"]
                    if time.monotonic() >= end:
                        break
                cluster.start()
                for key in (*limited, free, "sk-ann"):
                    until(lambda key=key: answered(url, key))  # type: ignore[misc]
                until(
                    lambda: (
                        settled(url, limited[0])["budgets"][0]["spend"] - spent
                        >= (1 + len(DOORS) * serves) * spent * 0.9
                    )
                )
    finally:
        cluster.remove()


def check_away(url: str, key: str, path: str, body: dict[str, Any], *, serves: bool) -> None:
    """Answered, or 503: only the latter where nothing is in hand."""
    named = {"x-goog-api-key": key} if "v1beta" in path else {"Authorization": f"Bearer {key}"}
    told = call(url, "POST", path, json.dumps(body).encode(), {**named, "Content-Type": "application/json"})
    if told.status == 200:
        return
    assert (told.status, serves) == (503, False), told.body
    assert int(told.headers["retry-after"]) >= 1
    error = told.json()["error"]
    assert "cannot be asked at the moment" in error["message"]
    if "v1beta" in path:
        assert error["status"] == "UNAVAILABLE"


def answered(url: str, key: str) -> bool:
    try:
        ask(url, "POST", "/v1/chat/completions", CHAT, key)
    except Refused as refused:
        assert refused.status == 503
        return False
    return True


def until_away(url: str, key: str) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            ask(url, "GET", "/v1/models", key=key)
        except Refused as refused:
            assert refused.status == 503
            return
        time.sleep(0.1)
    raise AssertionError("a key was believed for ever")


def back(url: str, key: str) -> bool:
    try:
        ask(url, "GET", "/v1/models", key=key)
    except Refused as refused:
        assert refused.status == 503
        return False
    return True
