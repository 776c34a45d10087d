"""Requests of 10 MiB that fail, of every kind, leave a process as large as it was: measured from outside, in resident
bytes. Reduced here; the numbers of the issue under `full`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from processes import GatewayProcess
from raw_http import call, connect, exchange, head
from resident import JSON, MIB, resident, watched_gateway
from running import eventually

LEFT = 32 * MIB


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    with watched_gateway(tmp_path_factory.mktemp("memory")) as process:
        yield process


RESPONSES, MESSAGES, CONVERSATIONS, KEYS = "/v1/responses", "/v1/messages", "/v1/conversations", "/key/generate"
Asked = Callable[..., bytes]


def chat(model: str, size: int, **more: object) -> bytes:
    return json.dumps({"model": model, "messages": [{"role": "user", "content": "x" * size}], **more}).encode()


def response(model: str, size: int, **more: object) -> bytes:
    return json.dumps({"model": model, "input": [{"role": "user", "content": "x" * size}], **more}).encode()


def message(model: str, size: int, **more: object) -> bytes:
    asked = {"model": model, "max_tokens": 9, "messages": [{"role": "user", "content": "x" * size}]}
    return json.dumps({**asked, **more}).encode()


def post(process: GatewayProcess, body: bytes, target: str = "/v1/chat/completions") -> None:
    call(process.url, "POST", target, body, JSON)


def left(process: GatewayProcess, body: bytes, target: str = "/v1/chat/completions") -> None:
    with connect(process.url) as client:
        client.sendall(head("POST", target, {**JSON, "Content-Length": str(len(body) + 1)}) + body)


def many_pieces(process: GatewayProcess, size: int) -> None:
    pieces = [b"%x\r\n%b\r\n" % (MIB, b"x" * MIB)] * (size // MIB)
    exchange(
        process.url,
        [head("POST", "/v1/chat/completions", {**JSON, "Transfer-Encoding": "chunked"}), *pieces, b"0\r\n\r\n"],
    )


KINDS: dict[str, Callable[[GatewayProcess, int], object]] = {
    "refused": lambda process, size: post(process, chat("m", size, nope=1)),
    "refused, streamed": lambda process, size: post(process, chat("m", size, stream=True, nope=1)),
    "refused for a long name": lambda process, size: post(
        process, b'{"model":"m","messages":[],"%b":1}' % (b"n" * size)
    ),
    "no JSON": many_pieces,
    "an upstream failure": lambda process, size: post(process, chat("status-429", size)),
    "an upstream reset": lambda process, size: post(process, chat("reset", size)),
    "a native upstream failure": lambda process, size: post(
        process,
        b'{"contents":[{"parts":[{"text":"%b"}]}]}' % (b"x" * size),
        "/v1beta/models/status-500:generateContent",
    ),
    "a broken answer": lambda process, size: post(process, chat("garbage", size)),
    "a broken stream": lambda process, size: post(process, chat("short-body", size, stream=True)),
    "an aborted body": lambda process, size: left(process, b"x" * size),
}


def failures(name: str, target: str, ask: Asked) -> dict[str, Callable[[GatewayProcess, int], object]]:
    """The same four of another API."""
    return {
        f"{name}, refused": lambda process, size: post(process, ask("m", size, nope=1), target),
        f"{name}, an upstream failure": lambda process, size: post(process, ask("status-429", size), target),
        f"{name}, a broken answer": lambda process, size: post(process, ask("garbage", size), target),
        f"{name}, a broken stream": lambda process, size: post(process, ask("short-body", size, stream=True), target),
        f"{name}, an aborted body": lambda process, size: left(process, ask("m", size), target),
    }


def in_background(process: GatewayProcess, size: int, model: str) -> None:
    begun = call(process.url, "POST", RESPONSES, response(model, size, background=True), JSON).json()["id"]
    in_flight = ("queued", "in_progress")
    assert eventually(
        lambda: call(process.url, "GET", f"{RESPONSES}/{begun}", None, JSON).json()["status"] not in in_flight
    )


NEWER: dict[str, Callable[[GatewayProcess, int], object]] = {
    **failures("a response", RESPONSES, response),
    **failures("a message", MESSAGES, message),
    **{
        f"a response in the background, {model}": partial(in_background, model=model)
        for model in ("status-500", "garbage", "no-candidate")
    },
    "a response that goes on from none": lambda process, size: post(
        process, response("m", size, previous_response_id="resp_none"), RESPONSES
    ),
    "a response, a foreign item": lambda process, size: post(
        process, response("m", size, conversation="conv_none"), RESPONSES
    ),
    "a conversation, refused": lambda process, size: post(
        process, json.dumps({"items": [{"type": "none", "text": "x" * size}]}).encode(), CONVERSATIONS
    ),
    "a conversation, an aborted body": lambda process, size: left(process, b"x" * size, CONVERSATIONS),
    "items of no conversation": lambda process, size: post(
        process,
        json.dumps({"items": [{"role": "user", "content": "x" * size}]}).encode(),
        f"{CONVERSATIONS}/conv_none/items",
    ),
    "a key, refused": lambda process, size: post(process, json.dumps({"metadata": {"a": "x" * size}}).encode(), KEYS),
    "a key, an unknown field": lambda process, size: post(process, json.dumps({"x" * size: 1}).encode(), KEYS),
    "a key, an aborted body": lambda process, size: left(process, b"x" * size, KEYS),
    "a count, an upstream failure": lambda process, size: post(
        process, response("status-500", size), f"{RESPONSES}/input_tokens"
    ),
    "a compaction, a broken answer": lambda process, size: post(
        process, response("garbage", size), f"{RESPONSES}/compact"
    ),
}


def before_many(process: GatewayProcess, kind: str, times: int, size: int) -> int:
    """The bytes that the process had before so many; a small one of them has made what is made once."""
    fail = (KINDS | NEWER)[kind]
    fail(process, 1024)
    before = resident(process)
    for _ in range(times):
        fail(process, size)
    call(process.url, "GET", "/health/liveness")
    return before


@pytest.mark.parametrize("kind", KINDS)
def test_requests_that_fail_leave_nothing(gateway: GatewayProcess, kind: str) -> None:
    before = before_many(gateway, kind, 12, 4 * MIB)
    assert resident(gateway) - before < LEFT


def test_requests_that_fail_at_the_newer_routes_leave_nothing(gateway: GatewayProcess) -> None:
    """One after the other: what any of them kept would be seen at the end."""
    for fail in NEWER.values():
        fail(gateway, 1024)
    before = resident(gateway)
    for fail in NEWER.values():
        for _ in range(2):
            fail(gateway, 4 * MIB)
    call(gateway.url, "GET", "/health/liveness")
    assert resident(gateway) - before < LEFT


def small_messages(size: int, **more: object) -> bytes:
    """Which lie scattered in the heap, and not each in a mapping of its own."""
    return json.dumps(
        {"model": "m", "messages": [{"role": "user", "content": "x" * 2500}] * (size // 2540), **more}
    ).encode()


@pytest.mark.parametrize("size", [40 * MIB, pytest.param(120 * MIB, marks=pytest.mark.full)])
def test_many_small_messages_leave_nothing(gateway: GatewayProcess, size: int) -> None:
    post(gateway, small_messages(1024))
    before = resident(gateway)
    post(gateway, small_messages(size))
    assert eventually(lambda: resident(gateway) - before < LEFT, seconds=90), resident(gateway) - before


@pytest.mark.full
@pytest.mark.parametrize("kind", KINDS | NEWER)
def test_ninety_six_requests_of_ten_mebibytes_leave_nothing(gateway: GatewayProcess, kind: str) -> None:
    before = before_many(gateway, kind, 96, 10 * MIB)
    assert eventually(lambda: resident(gateway) - before < LEFT, seconds=90), resident(gateway) - before


def stored(process: GatewayProcess, size: int) -> None:
    """One long item, at each of the places that keep one, read again and deleted."""
    asked: dict[str, object] = {"model": "fine", "input": "x" * size}
    for more in ({}, {"background": True}, {"stream": True}, {"stream": True, "background": True}):
        answer = call(process.url, "POST", RESPONSES, json.dumps({**asked, **more}).encode(), JSON)
        assert answer.status == 200, answer.body[:300]
        found = re.search(rb'"id": ?"(resp_\w+)"', answer.body)
        assert found is not None
        one = f"{RESPONSES}/{found[1].decode()}"
        assert eventually(partial(has_ended, process, one), seconds=60)
        assert len(call(process.url, "GET", f"{one}/input_items", None, JSON).body) > size
        assert call(process.url, "DELETE", one, None, JSON).status == 200
    begun = call(process.url, "POST", CONVERSATIONS, b"{}", JSON).json()["id"]
    items = {"items": [{"role": "user", "content": "x" * size}]}
    post(process, json.dumps(items).encode(), f"{CONVERSATIONS}/{begun}/items")
    turn = json.dumps({"model": "fine", "input": "on", "conversation": begun}).encode()
    assert call(process.url, "POST", RESPONSES, turn, JSON).status == 200
    assert len(call(process.url, "GET", f"{CONVERSATIONS}/{begun}/items", None, JSON).body) > size
    assert call(process.url, "DELETE", f"{CONVERSATIONS}/{begun}", None, JSON).status == 200


def has_ended(process: GatewayProcess, target: str) -> bool:
    return bool(call(process.url, "GET", target, None, JSON).json()["status"] == "completed")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.full)])
def storing(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[GatewayProcess]:
    flags = [] if request.param == "sqlite" else ["--database-url", request.getfixturevalue("postgres_url")]
    with watched_gateway(tmp_path, *flags) as process:
        yield process


def test_what_is_stored_of_one_long_item_leaves_nothing_in_memory(storing: GatewayProcess) -> None:
    """Whatever it was, and on either database."""
    stored(storing, 1024)
    before = resident(storing)
    for _ in range(2):
        stored(storing, 10 * MIB)
    assert eventually(lambda: resident(storing) - before < LEFT, seconds=90), (resident(storing) - before) / MIB
