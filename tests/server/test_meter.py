"""One record for every call of every dialect, whatever became of it. Judged over sockets, by a listener."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from pathlib import Path
from typing import Any

import pytest

import trial_dialect
from gateways import SandboxServer, deployments, gateway_server, sandbox_server, settings_for
from liftgate.engine.meter import CallRecord
from liftgate.gateway import Gateway
from liftgate.sandbox.app import SandboxSettings
from liftgate.server.app import build_app
from liftgate.server.routes import TABLES
from liftgate.settings import AuthSettings, JobSettings, RouterSettings
from processes import gateway_processes, write_config
from raw_http import call, connect, head
from running import eventually, form_request
from serving import serve

FLASH = "gemini-2.5-flash"
LONG = 50.0
KEY = {"Authorization": "Bearer sk-ann"}
USAGE = {
    "promptTokenCount": 11,
    "candidatesTokenCount": 5,
    "thoughtsTokenCount": 3,
    "totalTokenCount": 19,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 4}, {"modality": "VIDEO", "tokenCount": 7}],
    "candidatesTokensDetails": [{"modality": "TEXT", "tokenCount": 5}],
}


def hello() -> dict[str, Any]:
    return {"model": FLASH, "messages": [{"role": "user", "content": "hello there"}]}


def about_file(file_id: str) -> dict[str, Any]:
    content = [{"type": "text", "text": "?"}, {"type": "file", "file": {"file_id": file_id}}]
    return {"model": FLASH, "messages": [{"role": "user", "content": content}]}


def reply(text: str, *, finish: str | None = None) -> dict[str, Any]:
    """A GenerateContentResponse of one text."""
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": [{"text": text}]}, "index": 0}
    return {"candidates": [candidate if finish is None else {**candidate, "finishReason": finish}]}


class Heard:
    """A listener that keeps what it hears."""

    def __init__(self) -> None:
        self.calls: list[CallRecord] = []

    def ended(self, call: CallRecord) -> None:
        self.calls.append(call)

    def one(self) -> CallRecord:
        """The only record there is. A second one would come before the next request is answered."""
        return self.many(1)[0]

    def many(self, count: int) -> list[CallRecord]:
        """All that there are. A call ends when its answer was sent, so the client may be ahead."""
        assert eventually(lambda: len(self.calls) >= count)
        assert len(self.calls) == count, self.calls
        return self.calls

    def forget(self, last: str) -> None:
        """All up to the one of the request `last`."""
        assert eventually(lambda: any(call.request_id == last for call in self.calls))
        self.calls.clear()


class Failing:
    def ended(self, call: CallRecord) -> None:
        raise RuntimeError("this listener is broken")


class Rig:
    def __init__(self, url: str, sandbox: SandboxServer, heard: Heard) -> None:
        self.url = url
        self.sandbox = sandbox
        self.heard = heard

    def upload(self, name: str, content: bytes) -> str:
        made = call(self.url, *form_request({"purpose": "user_data"}, content, name=name, headers=KEY))
        assert made.status == 200, made.body
        self.heard.forget(made.headers["x-request-id"])
        found: str = made.json()["id"]
        return found

    def ask(self, door: Door, body: dict[str, Any], headers: dict[str, str] | None = None) -> tuple[int, bytes]:
        answer = call(self.url, "POST", door.path, json.dumps(door.body(body)).encode(), headers or KEY)
        return answer.status, answer.body

    @contextmanager
    def asking(self, door: Door, body: dict[str, Any]) -> Iterator[socket.socket]:
        """A request that was sent; whoever leaves the block leaves for good."""
        data = json.dumps(door.body(body)).encode()
        sent = head("POST", door.path, {**KEY, "Content-Length": str(len(data))}) + data
        with connect(self.url) as connection:
            connection.sendall(sent)
            yield connection


class Door:
    """How a chat is asked: an API, streamed or not."""

    def __init__(self, dialect: str, *, streamed: bool, operation: str, route: str, path: str) -> None:
        self.dialect = dialect
        self.streamed = streamed
        self.operation = operation
        self.route = route
        self.path = path

    def body(self, chat: dict[str, Any]) -> dict[str, Any]:
        if self.dialect == "openai":
            return {**chat, "stream": True} if self.streamed else chat
        parts: list[dict[str, Any]] = []
        content: Any = chat["messages"][0]["content"]
        listed: list[dict[str, Any]] = [{"type": "text", "text": content}] if isinstance(content, str) else content
        for part in listed:
            if part["type"] == "text":
                parts.append({"text": part["text"]})
            else:
                name = part["file"]["file_id"].removeprefix("file-")
                uri = f"https://generativelanguage.googleapis.com/v1beta/files/{name}"
                parts.append({"fileData": {"fileUri": uri, "mimeType": "text/plain"}})
        return {"contents": [{"role": "user", "parts": parts}]}


NATIVE = "/v1beta/models/{model:path}:{method}"
CHAT = Door("openai", streamed=False, operation="chat", route="/v1/chat/completions", path="/v1/chat/completions")
STREAM = Door("openai", streamed=True, operation="chat", route="/v1/chat/completions", path="/v1/chat/completions")
GEMINI = Door(
    "gemini",
    streamed=False,
    operation="generate_content",
    route=NATIVE,
    path=f"/v1beta/models/{FLASH}:generateContent",
)
GEMINI_STREAM = Door(
    "gemini",
    streamed=True,
    operation="generate_content",
    route=NATIVE,
    path=f"/v1beta/models/{FLASH}:streamGenerateContent?alt=sse",
)
DOORS = [CHAT, STREAM, GEMINI, GEMINI_STREAM]
every_door = pytest.mark.parametrize("door", DOORS, ids=["chat", "stream", "gemini", "gemini stream"])


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    heard = Heard()
    with sandbox_server(SandboxSettings(video_processing=0.05)) as sandbox:
        settings = settings_for(
            sandbox,
            tmp_path_factory.mktemp("meter"),
            router=RouterSettings(num_retries=0, allowed_fails=10**6),
            jobs=JobSettings(stream_commit_seconds=0.3, stream_ping_seconds=0.1),
        )
        with gateway_server(settings, listeners=(Failing(), heard)) as url:
            yield Rig(url, sandbox, heard)


@pytest.fixture
def rig(shared: Rig) -> Iterator[Rig]:
    shared.heard.calls.clear()
    yield shared
    shared.sandbox.control("faults", method="DELETE")
    shared.sandbox.control("scripts", method="DELETE")


def scripted(rig: Rig, door: Door) -> None:
    """An answer of two pieces, the second one with its tokens."""
    end = {**reply("two", finish="STOP"), "usageMetadata": USAGE, "responseId": "resp-7", "modelVersion": FLASH}
    if door.streamed:
        rig.sandbox.control("scripts", {"chunks": [reply("one "), end]})
    else:
        rig.sandbox.control("scripts", {"response": end})


@every_door
def test_answer_is_one_record_with_all_that_is_known(door: Door, rig: Rig) -> None:
    scripted(rig, door)
    status, body = rig.ask(door, hello())
    assert status == 200 and b"two" in body
    record = rig.heard.one()
    assert (record.outcome, record.status, record.error) == ("ok", 200, "")
    assert (record.dialect, record.operation, record.streamed) == (door.dialect, door.operation, door.streamed)
    assert (record.method, record.route, record.path) == ("POST", door.route, door.path.partition("?")[0])
    assert (record.key, record.owner) == ("ann", "ann")
    assert (record.model, record.public_model, record.upstream_model) == (FLASH, FLASH, FLASH)
    assert (record.deployment, record.account, record.tries) == ("deployment-key-a", "account-key-a", 1)
    assert record.usage == USAGE and (record.response_id, record.finish) == ("resp-7", "STOP")
    assert (record.copies_hit, record.paged_in, record.paged_in_bytes) == (set(), set(), 0)
    assert record.bytes_in == len(json.dumps(door.body(hello())).encode()) and record.bytes_out == len(body)
    assert record.request_id.startswith("req_")
    assert 0 < record.first_event <= record.upstream < record.total
    assert record.files == record.pauses == 0 and 0 < record.own < record.total


@every_door
def test_file_is_paged_in_and_then_hit(door: Door, rig: Rig) -> None:
    content = b"some text for " + door.path.encode() + str(door.streamed).encode()
    file_id = rig.upload("a.txt", content)
    assert rig.ask(door, about_file(file_id))[0] == 200
    first = rig.heard.one()
    assert (first.paged_in, first.copies_hit, first.paged_in_bytes) == ({file_id}, set(), len(content))
    assert first.files > 0
    rig.heard.calls.clear()
    assert rig.ask(door, about_file(file_id))[0] == 200
    second = rig.heard.one()
    assert (second.paged_in, second.copies_hit, second.paged_in_bytes) == (set(), {file_id}, 0)


@every_door
@pytest.mark.parametrize(
    ("headers", "path", "status", "error"),
    [
        ({"Authorization": "Bearer sk-wrong"}, None, 401, "AuthenticationFailed"),
        ({"X-Other": "1"}, None, 401, "AuthenticationFailed"),
        (KEY, FLASH + "-none", 404, "ModelNotFound"),
    ],
    ids=["wrong key", "no key", "unknown model"],
)
def test_refusal_is_a_record(
    door: Door, headers: dict[str, str], path: str | None, status: int, error: str, rig: Rig
) -> None:
    wanted = door
    body = hello()
    if path is not None:
        body = {**body, "model": path}
        wanted = copy(door)
        wanted.path = door.path.replace(FLASH, path)
    assert rig.ask(wanted, body, headers)[0] == status
    record = rig.heard.one()
    assert (record.outcome, record.status) == ("refused", status)
    assert record.error == error
    assert (record.dialect, record.route) == (door.dialect, door.route)
    assert (record.key, record.tries) == ("ann" if status == 404 else "", 0)
    if status == 404:
        assert record.model == path


@every_door
def test_refusal_by_google_is_a_record(door: Door, rig: Rig) -> None:
    rig.sandbox.control("scripts", {"status": 400, "body": {"error": {"code": 400, "status": "INVALID_ARGUMENT"}}})
    assert rig.ask(door, hello())[0] == 400
    record = rig.heard.one()
    assert (record.outcome, record.error, record.tries) == ("refused", "InvalidRequest", 1)
    assert record.usage is None


@every_door
def test_failure_is_a_record(door: Door, rig: Rig) -> None:
    rig.sandbox.control("faults", {"kind": "status", "operation": "*", "code": 503, "times": None})
    assert rig.ask(door, hello())[0] == 503
    record = rig.heard.one()
    assert (record.outcome, record.status, record.error) == ("failed", 503, "UpstreamUnavailable")
    assert record.failures == (("deployment-key-a", "UpstreamUnavailable"),)


@pytest.mark.parametrize("door", [STREAM, GEMINI_STREAM], ids=["stream", "gemini stream"])
def test_stream_that_breaks_is_a_failure_though_its_status_was_200(door: Door, rig: Rig) -> None:
    rig.sandbox.control("scripts", {"chunks": [{**reply("one "), "usageMetadata": USAGE}], "end": "reset"})
    status, body = rig.ask(door, hello())
    assert status == 200 and b"error" in body
    record = rig.heard.one()
    assert (record.outcome, record.status, record.error) == ("failed", 200, "UpstreamDisconnected")
    assert record.usage == USAGE and record.bytes_out == len(body)


@every_door
@pytest.mark.parametrize("phase", ["page-in", "before the answer", "in the answer"])
def test_client_that_leaves_is_a_record(door: Door, phase: str, rig: Rig) -> None:
    body = hello()
    seen: Callable[[], bool]
    if phase == "page-in":
        file_id = rig.upload("a.txt", f"{door.path} {door.streamed}".encode() * 50)
        rig.sandbox.control("faults", {"kind": "slow", "operation": "upload.*", "seconds": 5.0, "times": 1})
        body = about_file(file_id)
        before = rig.sandbox.stats()["operations"].get("upload.start", 0)
        seen = lambda: rig.sandbox.stats()["operations"].get("upload.start", 0) > before  # noqa: E731
    elif phase == "before the answer" or not door.streamed:
        whole = reply("late", finish="STOP")
        late = {"chunks": [whole], "delays": [LONG]} if door.streamed else {"response": whole, "delay": LONG}
        rig.sandbox.control("scripts", late)
        seen = lambda: rig.sandbox.stats()["in_flight"] == 1  # noqa: E731
    else:
        first = {**reply("one "), "usageMetadata": USAGE}
        rig.sandbox.control("scripts", {"chunks": [first, reply("two", finish="STOP")], "delays": [0, LONG]})
        seen = lambda: True  # noqa: E731
    with rig.asking(door, body) as connection:
        if phase == "in the answer" and door.streamed:
            got = b""
            while b"one " not in got:
                got += connection.recv(65536)
        assert eventually(seen)
    record = rig.heard.one()
    assert record.outcome == "left"
    begun = phase == "in the answer" and door.streamed
    assert record.status == (200 if begun else 0) or (phase == "page-in" and door is STREAM)
    assert record.usage == (USAGE if begun else None)
    if phase == "page-in":
        assert record.files > 0 and record.upstream == 0 and record.paged_in
    else:
        assert record.tries == 1 and record.upstream > 0
    # What followed is a record of its own, and nothing came late.
    rig.sandbox.control("faults", method="DELETE")
    rig.sandbox.control("scripts", method="DELETE")
    assert rig.ask(door, hello())[0] == 200
    assert [each.outcome for each in rig.heard.many(2)] == ["left", "ok"]


@pytest.mark.parametrize(
    ("path", "door", "route"),
    [
        ("/v1/chat/completions/input_tokens", CHAT, "/v1/chat/completions/input_tokens"),
        (f"/v1beta/models/{FLASH}:countTokens", GEMINI, NATIVE),
    ],
)
def test_count_is_a_record(path: str, door: Door, route: str, rig: Rig) -> None:
    body = json.dumps(door.body(hello())).encode()
    assert call(rig.url, "POST", path, body, KEY).status == 200
    record = rig.heard.one()
    assert (record.operation, record.route, record.outcome, record.model) == ("count_tokens", route, "ok", FLASH)
    assert record.tries == 1 and record.upstream > 0


def test_files_are_records_with_their_bytes(rig: Rig) -> None:
    content = b"0123456789" * 5000
    form = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n' + content + b"\r\n--b--\r\n"
    headers = {**KEY, "Content-Type": "multipart/form-data; boundary=b"}
    refused = call(rig.url, "POST", "/v1/files", form, headers)
    file_id = rig.upload("a.txt", content)
    answers = [
        refused,
        call(rig.url, "GET", f"/v1/files/{file_id}/content", headers=KEY),
        call(rig.url, "GET", f"/v1//files/{file_id}/", headers=KEY),
        call(rig.url, "GET", "/v1beta/files/none", headers=KEY),
        call(rig.url, "GET", "/nothing/there", headers=KEY),
        call(rig.url, "PUT", "/v1/files", b"", KEY),
        call(rig.url, "GET", "/health/liveness"),
        call(rig.url, "DELETE", f"/v1/files/{file_id}", headers=KEY),
    ]
    records = rig.heard.many(len(answers) - 1)
    assert [record.request_id for record in records] == [answer.headers["x-request-id"] for answer in answers[1:]]
    assert [(record.status, record.route, record.error) for record in records] == [
        (200, "/v1/files/{file_id}/content", ""),
        (200, "/v1/files/{file_id}", ""),
        (403, "/v1beta/files/{name}", "FileNotFound"),
        (404, "", "RouteNotFound"),
        (405, "", "MethodNotAllowed"),
        (200, "/health/liveness", ""),
        (200, "/v1/files/{file_id}", ""),
    ]
    assert records[0].bytes_out == len(content)
    assert [record.owner for record in records] == ["ann", "ann", "ann", "", "", "", "ann"]


def test_upload_counts_what_came_and_who_left_in_it(rig: Rig) -> None:
    form = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n' + b"x" * 100_000
    sent = head(
        "POST", "/v1/files", {**KEY, "Content-Type": "multipart/form-data; boundary=b", "Content-Length": "999999"}
    )
    with connect(rig.url) as connection:
        connection.sendall(sent + form)
        connection.shutdown(socket.SHUT_WR)
        connection.recv(65536)
    record = rig.heard.one()
    assert (record.outcome, record.route, record.owner) == ("left", "/v1/files", "ann")
    assert record.bytes_in == len(form)


def test_tries_and_their_pauses_are_counted(tmp_path: Path) -> None:
    heard = Heard()
    with sandbox_server() as sandbox:
        settings = settings_for(
            sandbox,
            tmp_path,
            deployments=deployments(sandbox.url, ("key-a", "key-b")),
            auth=AuthSettings(),
            router=RouterSettings(num_retries=2, allowed_fails=10**6),
        )
        with gateway_server(settings, listeners=(heard,)) as url:
            sandbox.control("faults", {"kind": "status", "operation": "generate", "code": 503, "times": 2})
            body = json.dumps(GEMINI.body(hello())).encode()
            assert call(url, "POST", GEMINI.path, body).status == 200
    record = heard.one()
    assert (record.outcome, record.tries, record.key, record.owner) == ("ok", 3, "", "local")
    assert record.pauses > 0 and record.first_event < record.upstream
    assert {name for name, _ in record.failures} == {"deployment-key-a", "deployment-key-b"}
    assert [error for _, error in record.failures] == ["UpstreamUnavailable"] * 2


def test_another_api_ends_its_calls_in_records_without_any_work(tmp_path: Path) -> None:
    heard = Heard()
    with sandbox_server() as sandbox:
        app = build_app(Gateway(settings_for(sandbox, tmp_path), listeners=(heard,)), (trial_dialect.TABLE, *TABLES))
        with serve(app) as url:
            for stream in (False, True):
                for headers, status in ((KEY, 200), ({"Authorization": "Bearer sk-wrong"}, 401)):
                    body = {"model": FLASH, "ask": "hello", "stream": stream}
                    answer = call(url, "POST", "/toy", json.dumps(body).encode(), headers)
                    assert answer.status == status
            sandbox.control("scripts", {"chunks": [reply("one ")], "end": "reset"})
            call(url, "POST", "/toy", json.dumps(body).encode(), KEY)
    records = heard.many(5)
    assert [record.outcome for record in records] == ["ok", "refused", "ok", "refused", "failed"]
    assert {record.dialect for record in records} == {trial_dialect.TABLE.dialect.name}
    assert {record.route for record in records} == {"/toy"}
    assert [record.operation for record in records] == ["chat", "", "chat", "", "chat"]
    assert all((record.usage is not None) == (record.outcome == "ok") for record in records)


def test_download_that_is_left_is_a_record_of_what_went_out(rig: Rig) -> None:
    size = 30_000_000
    file_id = rig.upload("a.bin", b"x" * size)
    with connect(rig.url) as connection:
        connection.sendall(head("GET", f"/v1/files/{file_id}/content", KEY))
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
    record = rig.heard.one()
    assert (record.outcome, record.status, record.route) == ("left", 200, "/v1/files/{file_id}/content")
    assert 0 < record.bytes_out < size


def test_stopping_gateway_ends_each_call_in_one_line(tmp_path: Path) -> None:
    with sandbox_server() as sandbox:
        config = write_config(tmp_path / "c.yaml", sandbox.url, access_log=True, drain_seconds=0.5)
        with gateway_processes(config, tmp_path / "data") as (gateway,):
            rig = Rig(gateway.url, sandbox, Heard())
            sandbox.control("scripts", {"chunks": [reply("one "), reply("two", finish="STOP")], "delays": [0, LONG]})
            sandbox.control("scripts", {"response": reply("late", finish="STOP"), "delay": LONG})
            with rig.asking(STREAM, hello()) as streaming, rig.asking(CHAT, hello()) as waiting:
                assert b"one " in read_until(streaming, b"one ")
                assert eventually(lambda: sandbox.stats()["in_flight"] == 2)
                assert gateway.stop() == 0
                assert b"error" in read_until(streaming, b"error")
                assert read_until(waiting, b"503").startswith(b"HTTP/1.1 503")
            log = gateway.log.read_text()
    lines = re.findall(r"INFO POST /v1/chat/completions (\d+) \S+ \S+ ann (req_\w+)$", log, re.MULTILINE)
    assert sorted(status for status, _ in lines) == ["200", "503"]
    assert len({request_id for _, request_id in lines}) == 2


def read_until(connection: socket.socket, wanted: bytes) -> bytes:
    """What came, up to `wanted` or the end."""
    got = b""
    while wanted not in got and (piece := connection.recv(65536)):
        got += piece
    return got
