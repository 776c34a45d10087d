"""An upstream that says anything: every door answers in its own form, with 502, 503 or Google's own status, and soon.

Each kind of garbage at each door, plain and streamed; with a second deployment that is well, the client is not told.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import pytest

from garbage import DEEP, ERROR_BODIES, FILES, NO_HTTP, NO_OBJECT, SHAPES, STATUSES
from gateways import MODEL, deployments
from hostile_upstream import (
    CHUNK,
    COUNT,
    EMBED,
    FINALIZE,
    GENERATE,
    GET_FILE,
    QUERY,
    START,
    STREAM,
    WORDS,
    Upstream,
    generated,
    hostile_upstream,
    reply,
)
from liftgate.clock import SystemClock
from liftgate.gateway import Gateway
from liftgate.server.app import build_app
from liftgate.settings import AuthSettings, JobSettings, RouterSettings, Settings, StorageSettings
from serving import serve

OPENAI = {"Authorization": "Bearer sk-ann", "Content-Type": "application/json"}
GEMINI = {"x-goog-api-key": "sk-ann", "Content-Type": "application/json"}
ANTHROPIC = {"x-api-key": "sk-ann", "anthropic-version": "2023-06-01", "Content-Type": "application/json"}
SPOKEN = {"openai": OPENAI, "gemini": GEMINI, "anthropic": ANTHROPIC}
KEY = "AIza-the-key-at-gemini"

ASKED = [{"role": "user", "content": "hi"}]
NATIVE: dict[str, Any] = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}


class QuickClock(SystemClock):
    """Waits a hundredth of what it is told to: what is asked again after pauses is asked again at once."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / 100)


DOORS: Mapping[str, tuple[str, str, str, object]] = {
    "chat": ("openai", GENERATE, "/v1/chat/completions", {"model": MODEL, "messages": ASKED}),
    "chat, streamed": ("openai", STREAM, "/v1/chat/completions", {"model": MODEL, "messages": ASKED, "stream": True}),
    "chat, counted": ("openai", COUNT, "/v1/chat/completions/input_tokens", {"model": MODEL, "messages": ASKED}),
    "responses": ("openai", GENERATE, "/v1/responses", {"model": MODEL, "input": "hi", "store": False}),
    "responses, stored": ("openai", GENERATE, "/v1/responses", {"model": MODEL, "input": "hi"}),
    "responses, streamed": ("openai", STREAM, "/v1/responses", {"model": MODEL, "input": "hi", "stream": True}),
    "responses, counted": ("openai", COUNT, "/v1/responses/input_tokens", {"model": MODEL, "input": "hi"}),
    "messages": ("anthropic", GENERATE, "/v1/messages", {"model": MODEL, "max_tokens": 9, "messages": ASKED}),
    "messages, streamed": (
        *("anthropic", STREAM, "/v1/messages"),
        {"model": MODEL, "max_tokens": 9, "messages": ASKED, "stream": True},
    ),
    "messages, counted": ("anthropic", COUNT, "/v1/messages/count_tokens", {"model": MODEL, "messages": ASKED}),
    "native": ("gemini", GENERATE, f"/v1beta/models/{MODEL}:generateContent", NATIVE),
    "native, events": ("gemini", STREAM, f"/v1beta/models/{MODEL}:streamGenerateContent?alt=sse", NATIVE),
    "native, array": ("gemini", STREAM, f"/v1beta/models/{MODEL}:streamGenerateContent", NATIVE),
    "native, counted": ("gemini", COUNT, f"/v1beta/models/{MODEL}:countTokens", NATIVE),
    "native, embedded": ("gemini", EMBED, f"/v1beta/models/{MODEL}:embedContent", {"content": NATIVE["contents"][0]}),
}
"""What is spoken, the operation upstream, the path and the body."""

STREAMED = [name for name, door in DOORS.items() if door[1] == STREAM]

Kind = TypeVar("Kind")
STEPS = pytest.mark.parametrize("step", [3, pytest.param(1, marks=pytest.mark.full)], ids=["some", "all"])
"""Some: each kind of garbage at every third door."""


def at(door: str, kinds: Iterable[Kind], step: int) -> list[Kind]:
    """Those that this door is given, of which the doors before and behind it are given others."""
    return list(kinds)[[*DOORS].index(door) % step :: step]


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with hostile_upstream() as made:
        yield made


@pytest.fixture(autouse=True)
def well(upstream: Upstream) -> Iterator[None]:
    yield
    upstream.says.clear()


def settings_of(upstream: Upstream, data_dir: Path, *more: Upstream) -> Settings:
    """One deployment at each."""
    made = [
        replace(each, id=f"d{number}", account=replace(each.account, name=f"a{number}"))
        for number, where in enumerate((upstream, *more))
        for each in deployments(where.url, (KEY,))
    ]
    return Settings(
        deployments=tuple(made),
        auth=AuthSettings(keys={"sk-ann": "ann"}),
        storage=StorageSettings(data_dir=data_dir),
        router=RouterSettings(num_retries=0 if not more else 2, allowed_fails=10**6, timeout=15, stream_timeout=5),
        jobs=JobSettings(purge_seconds=3600, sweep_seconds=3600, renew_seconds=3600),
    )


@pytest.fixture(scope="module")
def url(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    settings = settings_of(upstream, tmp_path_factory.mktemp("hostile"))
    with serve(build_app(Gateway(settings, clock=QuickClock()))) as base:
        yield base


@pytest.fixture(scope="module")
def saved(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A gateway with a second deployment, which is well."""
    with hostile_upstream() as other:
        settings = settings_of(upstream, tmp_path_factory.mktemp("saved"), other)
        with serve(build_app(Gateway(settings, clock=QuickClock()))) as base:
            yield base


def send(url: str, path: str, body: object, headers: Mapping[str, str]) -> tuple[int, dict[str, str], bytes]:
    parts = urlsplit(url)
    # The time that it may take at most; what takes longer has no end.
    with closing(http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)) as connection:
        connection.request("POST", path, json.dumps(body).encode(), dict(headers))
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, found, answer.read()


def ask(url: str, door: str) -> tuple[int, dict[str, str], bytes]:
    speaks, _, path, body = DOORS[door]
    return send(url, path, body, SPOKEN[speaks])


def error_in(speaks: str, status: int, body: bytes) -> dict[str, Any]:
    """The error of an answer: whole, in the form of the door, without our key and of bounded length."""
    assert KEY.encode() not in body and len(body) < 10_000, body[:200]
    error: dict[str, Any] = json.loads(body)["error"]
    assert isinstance(error["message"], str) and error["message"]
    assert not re.search(r"\((Http|[A-Za-z]+Error\b)|Errno", error["message"]), error
    if speaks == "openai":
        assert set(error) == {"message", "type", "param", "code"}, error
        # Not a defect of ours, whatever upstream says.
        assert error["type"] != "server_error", error
    elif speaks == "anthropic":
        assert json.loads(body)["type"] == "error" and set(error) == {"message", "type"}, error
        assert "The server had an error" not in error["message"], error
    else:
        assert error["code"] == status and isinstance(error["status"], str), error
        assert "The server had an error" not in error["message"], error
    return error


def framed(door: str, body: bytes) -> bytes:
    """As an event, where the door's answers come in events."""
    return reply(b"data: " + body + b"\r\n\r\n", content_type="text/event-stream") if door in STREAMED else reply(body)


# ── in place of an answer ────────────────────────────────────────────────────────────────────────────────────────────


@STEPS
@pytest.mark.parametrize("door", DOORS)
def test_what_is_no_json_object_is_502(url: str, upstream: Upstream, door: str, step: int) -> None:
    speaks, operation, _, _ = DOORS[door]
    for name, body in at(door, NO_OBJECT.items(), step):
        # As a page that says what it is, as what it is not, and for streams as an event too.
        forms = [reply(body, content_type="text/html"), reply(body)] + (
            [framed(door, body)] if b"\n" not in body else []
        )
        for form in forms:
            upstream.says[operation] = form
            status, _, answer = ask(url, door)
            assert status in (502, 503), (name, status, answer[:200])
            error_in(speaks, status, answer)


@STEPS
@pytest.mark.parametrize("door", DOORS)
def test_what_is_no_http_and_no_success_is_502(url: str, upstream: Upstream, door: str, step: int) -> None:
    speaks, operation, _, _ = DOORS[door]
    for name, said in at(door, {**NO_HTTP, **STATUSES}.items(), step):
        upstream.says[operation] = said
        status, _, answer = ask(url, door)
        assert status in (502, 503, 504), (name, status, answer[:200])
        error_in(speaks, status, answer)


ERROR_STATUSES = (400, 401, 403, 404, 409, 413, 418, 429, 499, 500, 501, 503, 504, 599)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    ("statuses", "step"),
    [((403, 500), 3), pytest.param(ERROR_STATUSES, 1, marks=pytest.mark.full)],
    ids=["some", "all"],
)
def test_an_error_of_garbage_is_a_typed_error(
    url: str, upstream: Upstream, door: str, statuses: tuple[int, ...], step: int
) -> None:
    speaks, operation, _, _ = DOORS[door]
    for said in statuses:
        for name, body in at(door, ERROR_BODIES.items(), step):
            upstream.says[operation] = reply(body, said)
            status, _, answer = ask(url, door)
            assert status >= 400, (said, name)
            error_in(speaks, status, answer)
            if name in NO_OBJECT:
                # Whose fault it is cannot be seen: upstream's, but where the status alone says more.
                own = said in (413, 429) or said >= 500
                # Anthropic's own word for 503.
                told = 529 if (speaks, said) == ("anthropic", 503) else said
                assert status == (told if own else 502), (said, name, status)


@pytest.mark.parametrize("door", [name for name, door in DOORS.items() if door[0] != "gemini"])
def test_an_answer_of_another_shape_is_read_or_refused(url: str, upstream: Upstream, door: str) -> None:
    speaks, operation, _, _ = DOORS[door]
    for name, shape in SHAPES.items():
        upstream.says[operation] = framed(door, json.dumps(shape).encode())
        status, headers, answer = ask(url, door)
        if status == 200:
            # What is not of the contract was beside what is; in a stream an error may still come behind it.
            text = answer.decode()
            assert headers["content-type"].startswith(("application/json", "text/event-stream"))
            # The only code that a Response has for it.
            text = text.replace('"code":"server_error"', "") if door.startswith("responses") else text
            assert "server_error" not in text and "The server had an error" not in text, (name, text[:300])
        else:
            assert status in (502, 503, 529), (name, status, answer[:200])
            error_in(speaks, status, answer)


@pytest.mark.parametrize("door", ["native", "native, counted", "native, events", "native, array"])
def test_a_native_answer_passes_as_it_is(url: str, upstream: Upstream, door: str) -> None:
    """What is a JSON object is Gemini's to say, whatever its fields; so are its spaces and the order of its names."""
    _, operation, _, _ = DOORS[door]
    for shape in SHAPES.values():
        if isinstance(shape, dict) and "error" in shape and door in STREAMED:
            continue  # Which is an error inside a stream, and told as one.
        body = b" " + json.dumps(shape).encode() + b" "
        upstream.says[operation] = framed(door, body)
        status, _, answer = ask(url, door)
        assert status == 200 and body.strip() in answer, (shape, answer[:200])


@pytest.mark.parametrize("door", STREAMED)
def test_garbage_behind_the_first_event_is_told_inside(url: str, upstream: Upstream, door: str) -> None:
    speaks = DOORS[door][0]
    first = b"data: " + generated().replace(b'"STOP"', b"null") + b"\r\n\r\n"
    for name, body in NO_OBJECT.items():
        if b"\n" in body or len(body) > DEEP:
            continue
        upstream.says[STREAM] = reply(first + b"data: " + body + b"\r\n\r\n", content_type="text/event-stream")
        status, _, answer = ask(url, door)
        assert b"[DONE]" not in answer, name
        if status == 200:
            assert WORDS.encode() in answer and b'"error"' in answer, (name, answer[:300])
            # Not a defect of ours. As a code of a Response it is OpenAI's own for what upstream did.
            assert b'"type":"server_error"' not in answer.replace(b" ", b""), (name, answer[:300])
            assert b"The server had an error" not in answer, (name, answer[:300])
        else:
            error_in(speaks, status, answer)


# ── with another deployment ──────────────────────────────────────────────────────────────────────────────────────────


@STEPS
@pytest.mark.parametrize("door", DOORS)
def test_garbage_at_one_deployment_is_answered_by_another(saved: str, upstream: Upstream, door: str, step: int) -> None:
    _, operation, _, _ = DOORS[door]
    kinds = [framed(door, body) for body in NO_OBJECT.values() if b"\n" not in body]
    kinds += [reply(body, said) for body in list(ERROR_BODIES.values())[:8] for said in (500, 403)]
    for said in at(door, (*kinds, *NO_HTTP.values()), step):
        upstream.says[operation] = said
        status, _, answer = ask(saved, door)
        assert status == 200, (said[:80], answer[:200])


# ── on a file's way ──────────────────────────────────────────────────────────────────────────────────────────────────


def with_file(url: str, content: bytes) -> tuple[int, bytes]:
    """A chat about a File that no upstream has yet."""
    body = (
        b'--edge\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nuser_data\r\n'
        b'--edge\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
        + content
        + b"\r\n--edge--\r\n"
    )
    parts = urlsplit(url)
    with closing(http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)) as connection:
        form = {**OPENAI, "Content-Type": "multipart/form-data; boundary=edge"}
        connection.request("POST", "/v1/files", body, form)
        file_id = json.loads(connection.getresponse().read())["id"]
    part = {"type": "file", "file": {"file_id": file_id}}
    asked = {"model": MODEL, "messages": [{"role": "user", "content": [{"type": "text", "text": "?"}, part]}]}
    status, _, answer = send(url, "/v1/chat/completions", asked, OPENAI)
    return status, answer


@pytest.mark.parametrize("operation", [START, CHUNK, FINALIZE, QUERY, GET_FILE])
@pytest.mark.parametrize(
    "kinds",
    [7, pytest.param(10**6, marks=pytest.mark.full)],
    ids=["some", "all"],
)
def test_garbage_on_a_files_way_is_a_typed_error(url: str, upstream: Upstream, operation: str, kinds: int) -> None:
    said = {
        **{name: reply(body) for name, body in NO_OBJECT.items()},
        **{f"final, {name}": reply(body, 200, "x-goog-upload-status: final") for name, body in NO_OBJECT.items()},
        **{
            f"final, {name}": reply(json.dumps(file).encode(), 200, "x-goog-upload-status: final")
            for name, file in FILES.items()
        },
        **{f"403, {name}": reply(body, 403) for name, body in ERROR_BODIES.items()},
        **{f"500, {name}": reply(body, 500) for name, body in ERROR_BODIES.items()},
        "a URL that is none": reply(b"", 200, "x-goog-upload-url: http://[bad", "x-goog-upload-status: active"),
        "a URL of another kind": reply(b"", 200, "x-goog-upload-url: file:///etc/passwd"),
        "a granularity beyond all": reply(
            b"",
            200,
            f"x-goog-upload-url: {upstream.url}/session?upload_id=x",
            "x-goog-upload-chunk-granularity: " + "9" * 40,
        ),
        "more than there is": reply(b"", 200, "x-goog-upload-status: active", "x-goog-upload-size-received: 99999999"),
        **NO_HTTP,
    }
    step = max(1, len(said) // kinds)
    for name in list(said)[::step]:
        upstream.says[operation] = said[name]
        # The middle of a file of several chunks is met by those only.
        status, answer = with_file(url, os.urandom(16) + bytes(100 if operation != CHUNK else 9 * 1024 * 1024))
        if status != 200:
            assert status >= 429 or status in (400, 403, 404, 409), (name, status)
            error_in("openai", status, answer)
        upstream.says.clear()
