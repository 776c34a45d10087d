"""Processes that are killed while they make and store responses: what was answered is there whole, nothing is half
there, and what runs in the background ends once. On both databases."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from random import Random  # noqa: TID251 - moments, not ids
from typing import Any

import pytest

from gateways import MODEL, SandboxServer, sandbox_server
from processes import GatewayProcess, gateway_processes, write_config
from responses_rig import Answer, read_events
from stored_house import STREAM, House, Reader

CHUNK = {"candidates": [{"content": {"role": "model", "parts": [{"text": "one "}]}}]}
END = {"candidates": [{"content": {"role": "model", "parts": [{"text": "two"}]}, "finishReason": "STOP"}]}
PROMPT: dict[str, Any] = {"lease_seconds": 1, "lease_renew_seconds": 0.3, "lease_poll_seconds": 0.2}


@contextmanager
def two(database_url: str, sandbox: SandboxServer, place: Path) -> Iterator[list[GatewayProcess]]:
    config = write_config(place / "config.yaml", sandbox.url, database_url=database_url, **PROMPT)
    with gateway_processes(config, place / "data", 2) as gateways:
        yield gateways


@pytest.fixture
def killed_at(
    database_url: str, tmp_path: Path
) -> Iterator[tuple[list[GatewayProcess], SandboxServer, Callable[[str], House]]]:
    with sandbox_server() as sandbox, two(database_url, sandbox, tmp_path) as gateways:
        yield gateways, sandbox, lambda url: House(url, sandbox, database_url)


def polled(house: House, response_id: str, *until: str) -> dict[str, Any]:
    for _ in range(600):
        got = house.call("GET", f"/v1/responses/{response_id}")
        assert got.status == 200, got.body
        found: dict[str, Any] = got.json()
        if found["status"] in (until or ("completed", "failed")):
            return found
        time.sleep(0.05)
    raise AssertionError(found)


Killed = tuple[list[GatewayProcess], SandboxServer, Callable[[str], House]]


def test_what_nobody_had_seen_is_made_again_by_another_process(killed_at: Killed) -> None:
    (one, other), sandbox, house = killed_at
    sandbox.control("faults", {"kind": "stall", "operation": "*", "after_bytes": 0, "times": 2})
    begun = [
        house(one.url).call("POST", "/v1/responses", {"model": MODEL, "background": True, "input": "x"}).json()["id"]
        for _ in range(2)
    ]
    for each in begun:
        polled(house(other.url), each, "in_progress")
    one.kill()
    left = house(other.url)
    for each in begun:
        assert polled(left, each)["status"] == "completed"
        assert left.rows(f"SELECT attempts, state FROM reply_runs WHERE id = '{each}'") == [(2, "completed")]
        assert left.rows(f"SELECT count(*) FROM replies WHERE id = '{each}'") == [(1,)]
        assert (
            len(left.items(each)["data"]) == 1 and len(left.call("GET", f"/v1/responses/{each}").json()["output"]) == 1
        )
    sandbox.control("faults", method="DELETE")


def test_what_a_reader_had_seen_fails_and_its_stream_goes_on_to_that_end(killed_at: Killed) -> None:
    (one, other), sandbox, house = killed_at
    sandbox.control("scripts", {"chunks": [CHUNK, END], "delays": [0, 60]})
    with Reader(house(one.url), "POST", "/v1/responses", STREAM) as stream:
        seen = [stream.next()]
        while seen[-1]["type"] != "response.output_text.delta":
            seen.append(stream.next())
        one.kill()
    left, response_id = house(other.url), seen[0]["response"]["id"]
    failed = polled(left, response_id)
    assert (failed["status"], failed["error"]["code"]) == ("failed", "server_error")
    number = seen[-1]["sequence_number"]
    got = left.call("GET", f"/v1/responses/{response_id}?stream=true&starting_after={number}").body
    whole = left.call("GET", f"/v1/responses/{response_id}?stream=true").body
    told = read_events(whole)
    assert whole.endswith(got) and [each["type"] for each in told[-2:]] == ["error", "response.failed"]
    assert told[: len(seen)] == seen
    assert left.rows(f"SELECT attempts FROM reply_runs WHERE id = '{response_id}'") == [(1,)]


def load(house: House, stop: threading.Event, answered: list[dict[str, Any]], taken_in: list[str]) -> None:
    """Chains of stored responses, streamed or not, and some in the background, until the process is gone."""
    last: dict[str, Any] = {}
    turn = 0
    while not stop.is_set():
        turn += 1
        more = {"previous_response_id": last["id"]} if last and turn % 5 else {}
        # With an id of the client's own its items have rows of theirs.
        named = {"role": "user", "content": f"turn {turn}", "id": f"msg_{turn:024d}"}
        given = [named] if turn % 4 > 1 else f"turn {turn}"
        body = {"model": MODEL, "input": given, "stream": turn % 2 == 0, "background": turn % 3 == 0, **more}
        try:
            got = house.call("POST", "/v1/responses", body)
        except (OSError, HTTPException):
            return
        told = answer_of(got, streamed=bool(body["stream"]))
        if told is None:
            return
        if body["background"]:
            taken_in.append(told["id"])
        else:
            last = told
            answered.append(told)


def wait_for(answered: list[dict[str, Any]], number: int) -> None:
    for _ in range(2400):
        if len(answered) >= number:
            return
        time.sleep(0.025)
    raise AssertionError(f"{len(answered)} were answered, and {number} were waited for")


def answer_of(got: Answer, *, streamed: bool) -> dict[str, Any] | None:
    """What the client knows by then; None where the answer broke off."""
    if not streamed:
        found: dict[str, Any] = got.json()
        return found
    if b"\n\n" not in got.body:
        return None
    told = read_events(got.body[: got.body.rindex(b"\n\n") + 2])
    if not told[0]["response"]["background"] and told[-1]["type"] != "response.completed":
        return None
    ended: dict[str, Any] = told[-1].get("response") or told[0]["response"]
    return ended


@pytest.mark.parametrize("moments", [1, pytest.param(100, marks=pytest.mark.full)])
def test_whenever_a_process_is_killed_nothing_is_half_there(moments: int, database_url: str, tmp_path: Path) -> None:
    chance = Random(moments)
    answered: list[dict[str, Any]] = []
    taken_in: list[str] = []
    with sandbox_server() as sandbox, two(database_url, sandbox, tmp_path) as gateways:
        config = tmp_path / "config.yaml"
        for _ in range(moments):
            victim, other = gateways
            stop = threading.Event()
            houses = [House(each.url, sandbox, database_url) for each in (victim, victim, other)]
            loads = [threading.Thread(target=load, args=(house, stop, answered, taken_in)) for house in houses]
            for each in loads:
                each.start()
            wait_for(answered, len(answered) + chance.randint(3, 9))
            time.sleep(chance.uniform(0, 0.05))
            victim.kill()
            stop.set()
            for each in loads:
                each.join()
            fresh = GatewayProcess(config, tmp_path / "data")
            gateways[:] = [other, fresh]
            fresh.wait_ready()
        left = House(gateways[0].url, sandbox, database_url)
        assert len(answered) >= 3 * moments
        for response in answered:
            assert left.call("GET", f"/v1/responses/{response['id']}").json() == response
        for response_id in taken_in:
            assert polled(left, response_id)["status"] in ("completed", "failed")
        # Each row has all its items, and each item its row.
        assert left.rows("SELECT count(*) FROM replies WHERE given IS NULL AND (SELECT count(*) FROM reply_items"
                         " WHERE holder = replies.id) <> 2") == [(0,)]  # fmt: skip
        assert left.rows("SELECT count(*) FROM reply_items WHERE holder NOT IN (SELECT id FROM replies)") == [(0,)]
        ended = "SELECT count(*) FROM reply_runs WHERE state = 'completed' AND id NOT IN (SELECT id FROM replies)"
        assert left.rows(ended) == [(0,)]
        [(used, counted)] = left.rows(
            "SELECT (SELECT CAST(sum(bytes) AS BIGINT) FROM reply_usage),"
            " (SELECT CAST(sum(bytes) AS BIGINT) FROM replies)"
        )
        assert used == counted
