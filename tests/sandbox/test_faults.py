"""Each kind of fault does on the wire what its order says, and only as often."""

import base64
import hashlib
import socket
import threading
import time
from collections.abc import Callable
from http.client import IncompleteRead, RemoteDisconnected
from typing import Any

import pytest

from sandbox_wire import GRANULARITY, Answer, Wire, events_of, file_part, text_of

FLASH = "gemini-2.5-flash"
LONG = "word " * 4000


def test_status_is_answered_as_often_as_ordered(sandbox: Wire) -> None:
    sandbox.fault("status", "files.list", code=503, times=2)
    assert [sandbox.call("GET", "/v1beta/files").status for _ in range(3)] == [503, 503, 200]
    assert sandbox.control("GET", "faults")["faults"][0]["hits"] == 2


def test_status_carries_body_headers_and_hints(sandbox: Wire) -> None:
    sandbox.fault("status", "upload.start", code=429, retry_delay="3.5s", retry_after="4", headers={"x-extra": "1"})
    answer = sandbox.start(1)
    assert answer.json()["error"]["details"] == [
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "3.5s"}
    ]
    assert (answer.headers["retry-after"], answer.headers["x-extra"]) == ("4", "1")
    sandbox.fault("status", "upload.start", code=502, body="<html>bad gateway</html>", upload_status="active")
    answer = sandbox.start(1)
    assert (answer.status, answer.body, answer.upload_status) == (502, b"<html>bad gateway</html>", "active")


def test_status_on_a_chunk_has_no_upload_status_and_keeps_nothing(sandbox: Wire) -> None:
    url = sandbox.session(3)
    sandbox.fault("status", "upload.finalize", code=503)
    answer = sandbox.send(url, "upload, finalize", 0, b"abc")
    assert (answer.status, answer.upload_status) == (503, "")
    assert sandbox.send(url, "query").headers["x-goog-upload-size-received"] == "0"


def test_processed_status_does_the_work_first(sandbox: Wire) -> None:
    url = sandbox.session(3)
    sandbox.fault("status", "upload.finalize", code=500, processed=True)
    assert sandbox.send(url, "upload, finalize", 0, b"abc").status == 500
    assert sandbox.send(url, "query").json()["file"]["sizeBytes"] == "3"


@pytest.mark.parametrize("wanted", [{"key": "key-a2"}, {"project": "project-b"}, {"model": "gemini-2.5-pro"}])
def test_faults_pick_their_requests(sandbox: Wire, wanted: dict[str, str]) -> None:
    sandbox.fault("status", "generate", times=None, **wanted)
    statuses = [
        sandbox.with_key(key).ask(model, "x").status
        for key, model in (("key-a1", FLASH), ("key-a2", FLASH), ("key-b1", FLASH), ("key-a1", "gemini-2.5-pro"))
    ]
    hit = {"key": 1, "project": 2, "model": 3}[next(iter(wanted))]
    assert statuses == [503 if index == hit else 200 for index in range(4)]


def test_skip_and_patterns_pick_the_nth_request(sandbox: Wire) -> None:
    sandbox.fault("status", "files.*", skip=1)
    assert [sandbox.call("GET", "/v1beta/files").status for _ in range(3)] == [200, 503, 200]


def test_an_order_that_makes_no_sense_is_refused(sandbox: Wire) -> None:
    for order in ({"kind": "explode"}, {"kind": "cut", "operation": "files.nothing"}, {"kind": "cut", "how": "softly"}):
        answer = sandbox.call("POST", "/sandbox/faults", order)
        assert answer.status == 400 and answer.json()["error"]
    assert sandbox.control("GET", "faults") == {"faults": []}


def sent_until_the_end(wire: Wire, url: str, body: bytes) -> tuple[str, bytes]:
    """How an upload request ended on the socket: `reset` or `closed`, and what was answered before."""
    headers = {
        "X-Goog-Upload-Command": "upload, finalize",
        "X-Goog-Upload-Offset": "0",
        "Content-Length": str(len(body)),
    }
    sock = wire.raw("POST", url, headers, body)
    answered = b""
    try:
        while piece := sock.recv(65536):
            answered += piece
        return "closed", answered
    except ConnectionResetError:
        return "reset", answered
    finally:
        sock.close()


@pytest.mark.parametrize("after", [0, 1000, 70_000])
def test_cut_resets_after_so_many_bytes_of_the_request(sandbox: Wire, after: int) -> None:
    url = sandbox.session(100_000)
    sandbox.fault("cut", "upload.finalize", after_bytes=after)
    assert sent_until_the_end(sandbox, url, b"c" * 100_000) == ("reset", b"")
    assert sandbox.send(url, "query").headers["x-goog-upload-size-received"] == str(after)
    stats = sandbox.control("GET", "stats")
    assert list(stats["bytes_by_session"].values()) == [after]
    assert sandbox.send(url, "upload, finalize", after, b"c" * (100_000 - after)).status == 200
    digest = hashlib.sha256(b"c" * 100_000).hexdigest()
    assert sandbox.control("GET", "stats")["finalized_by_sha256"] == {digest: 1}


@pytest.mark.parametrize("operation", ["files.get", "files.delete", "upload.query", "generate", "upload.start"])
def test_cut_at_once_does_nothing(sandbox: Wire, operation: str) -> None:
    file = sandbox.upload(b"x")
    url = sandbox.session(9)
    calls: dict[str, Callable[[], Answer]] = {
        "files.get": lambda: sandbox.call("GET", f"/v1beta/{file['name']}"),
        "files.delete": lambda: sandbox.call("DELETE", f"/v1beta/{file['name']}"),
        "upload.query": lambda: sandbox.send(url, "query"),
        "generate": lambda: sandbox.ask(FLASH, "x"),
        "upload.start": lambda: sandbox.start(1),
    }
    sandbox.fault("cut", operation)
    with pytest.raises(ConnectionResetError):
        calls[operation]()
    assert len(sandbox.control("GET", "files")["files"]) == 1
    assert len(sandbox.control("GET", "sessions")["sessions"]) == 1
    assert calls[operation]().status == 200


def test_lost_answer_to_finalize_leaves_the_file(sandbox: Wire) -> None:
    url = sandbox.session(1000)
    sandbox.fault("lose_answer", "upload.finalize")
    assert sent_until_the_end(sandbox, url, b"c" * 1000) == ("reset", b"")
    again = sandbox.send(url, "query")
    assert (again.upload_status, again.json()["file"]["sizeBytes"]) == ("final", "1000")


def test_lost_answer_in_order_is_a_close(sandbox: Wire) -> None:
    url = sandbox.session(1000)
    sandbox.fault("lose_answer", "upload.finalize", how="close")
    assert sent_until_the_end(sandbox, url, b"c" * 1000) == ("closed", b"")


def test_lost_answer_to_delete_deletes(sandbox: Wire) -> None:
    file = sandbox.upload(b"x")
    sandbox.fault("lose_answer", "files.delete")
    with pytest.raises((ConnectionResetError, RemoteDisconnected)):
        sandbox.call("DELETE", f"/v1beta/{file['name']}")
    assert sandbox.control("GET", "files") == {"files": []}


def test_cut_answer_ends_in_the_middle(sandbox: Wire) -> None:
    sandbox.fault("cut", "stream", where="response", after_bytes=700)
    with pytest.raises((ConnectionResetError, IncompleteRead)):
        sandbox.ask(FLASH, LONG, stream=True)
    sandbox.fault("cut", "stream", where="response", after_bytes=700, how="close")
    with pytest.raises(IncompleteRead) as caught:
        sandbox.ask(FLASH, LONG, stream=True)
    assert b"data: " in caught.value.partial


def test_slow_waits_before_it_works(sandbox: Wire) -> None:
    sandbox.fault("slow", "files.list", seconds=0.3)
    started = time.monotonic()
    assert sandbox.call("GET", "/v1beta/files").status == 200
    assert time.monotonic() - started >= 0.3


@pytest.mark.parametrize("where", ["request", "response"])
def test_slow_passes_so_many_bytes_a_second(sandbox: Wire, where: str) -> None:
    sandbox.fault("slow", "generate", where=where, bytes_per_second=50_000)
    started = time.monotonic()
    assert sandbox.ask(FLASH, LONG).status == 200
    assert time.monotonic() - started >= len(LONG) / 50_000


def in_background(call: Callable[[], Answer]) -> tuple[threading.Thread, list[Answer]]:
    answers: list[Answer] = []
    thread = threading.Thread(target=lambda: answers.append(call()), daemon=True)
    thread.start()
    return thread, answers


def test_stall_stops_reading_until_it_is_cleared(sandbox: Wire) -> None:
    size = 16 * GRANULARITY // 8
    url = sandbox.session(size)
    sandbox.fault("stall", "upload.finalize", after_bytes=100_000)
    thread, answers = in_background(lambda: sandbox.send(url, "upload, finalize", 0, b"c" * size))
    deadline = time.monotonic() + 10
    while sandbox.control("GET", "sessions")["sessions"][0]["received"] < 100_000:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(0.2)
    received = sandbox.control("GET", "sessions")["sessions"][0]["received"]
    assert received < 400_000 and not answers
    sandbox.control("DELETE", "faults")
    thread.join(10)
    assert [answer.status for answer in answers] == [200]


def test_stall_ends_by_itself_after_its_seconds(sandbox: Wire) -> None:
    sandbox.fault("stall", "generate", seconds=0.2)
    started = time.monotonic()
    assert sandbox.ask(FLASH, "x").status == 200
    assert time.monotonic() - started >= 0.2


def test_stuck_processing_never_ends(sandbox: Wire) -> None:
    sandbox.fault("stuck_processing", "upload.finalize")
    file = sandbox.upload(b"video", "video/mp4")
    time.sleep(0.2)
    assert sandbox.call("GET", f"/v1beta/{file['name']}").json()["state"] == "PROCESSING"
    assert sandbox.ask(FLASH, "x", file_part(file)).json()["error"]["status"] == "FAILED_PRECONDITION"
    sandbox.control("POST", f"files/{file['name'][6:]}", state="ACTIVE")
    assert sandbox.ask(FLASH, "x", file_part(file)).status == 200


def test_failed_processing_gives_state_and_error(sandbox: Wire) -> None:
    sandbox.fault("failed_processing", "upload.finalize", seconds=0.2, message="The codec is unknown.")
    file = sandbox.upload(b"video", "video/mp4")
    assert file["state"] == "PROCESSING"
    deadline = time.monotonic() + 10
    while (file := sandbox.call("GET", f"/v1beta/{file['name']}").json())["state"] == "PROCESSING":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert (file["state"], file["error"]) == ("FAILED", {"code": 13, "message": "The codec is unknown."})


def test_early_expiry_comes_before_the_time_that_the_file_says(sandbox: Wire) -> None:
    sandbox.fault("early_expiry", "upload.finalize", seconds=3600)
    file, other = sandbox.upload(b"x"), sandbox.upload(b"y")
    assert file["expirationTime"][:13] == other["expirationTime"][:13]
    sandbox.control("POST", "clock", advance=3601)
    assert sandbox.call("GET", f"/v1beta/{file['name']}").status == 403
    assert sandbox.call("GET", f"/v1beta/{other['name']}").status == 200


def test_wrong_and_missing_hash(sandbox: Wire) -> None:
    digest = base64.b64encode(hashlib.sha256(b"x").hexdigest().encode()).decode()
    sandbox.fault("wrong_hash", "upload.finalize")
    wrong = sandbox.upload(b"x")
    assert len(wrong["sha256Hash"]) == 88 and wrong["sha256Hash"] != digest
    sandbox.fault("no_hash", "upload.finalize")
    assert "sha256Hash" not in sandbox.upload(b"x")
    assert sandbox.upload(b"x")["sha256Hash"] == digest


def test_forbidden_file_is_403_while_it_lives(sandbox: Wire) -> None:
    file, other = sandbox.upload(b"x"), sandbox.upload(b"y")
    sandbox.fault("forbidden_file", "generate", file=file["name"][6:])
    assert sandbox.ask(FLASH, "x", file_part(other)).status == 200
    answer = sandbox.ask(FLASH, "x", file_part(file))
    assert answer.status == 403
    assert answer.message == (f"You do not have permission to access the File {file['name'][6:]} or it may not exist.")
    assert sandbox.ask(FLASH, "x", file_part(file)).status == 200


def test_terminated_session_is_dead_for_good(sandbox: Wire) -> None:
    url = sandbox.session(10)
    sandbox.fault("terminated", "upload.finalize")
    for _ in range(2):
        answer = sandbox.send(url, "upload, finalize", 0, b"0123456789")
        assert (answer.status, answer.body) == (400, b"Upload has already been terminated.")
        assert answer.headers["content-type"].startswith("text/plain")
    assert sandbox.control("GET", "files") == {"files": []}


def test_stream_error_comes_after_so_many_events(sandbox: Wire) -> None:
    sandbox.fault("stream_error", "stream", code=503, after_events=2)
    events = events_of(sandbox.ask(FLASH, LONG, stream=True))
    assert ["error" in event for event in events] == [False, False, True]
    assert events[2]["error"]["status"] == "UNAVAILABLE"


def script(wire: Wire, **order: Any) -> None:
    wire.control("POST", "scripts", **order)


def response(text: str) -> dict[str, Any]:
    return {"candidates": [{"content": {"parts": [{"text": text}], "role": "model"}}]}


def test_scripted_replies_come_in_order_and_then_computed_ones(sandbox: Wire) -> None:
    script(sandbox, response=response("first"), model="gemini-2.5-pro")
    script(sandbox, response=response("second"))
    script(sandbox, status=418, body={"error": {"code": 418, "message": "tea"}})
    assert text_of(sandbox.ask(FLASH, "x").json()) == "second"
    assert text_of(sandbox.ask("gemini-2.5-pro", "x").json()) == "first"
    assert sandbox.ask(FLASH, "x").status == 418
    assert "Prompt: x" in text_of(sandbox.ask(FLASH, "x").json())


def test_scripted_chunks_and_raw_bytes_answer_streams_only(sandbox: Wire) -> None:
    script(sandbox, chunks=[response("a"), response("b")], delays=[0, 0.05])
    script(sandbox, raw="data: {not json}\r\n\r\n")
    assert "Prompt: x" in text_of(sandbox.ask(FLASH, "x").json())
    assert [text_of(event) for event in events_of(sandbox.ask(FLASH, "x", stream=True))] == ["a", "b"]
    assert sandbox.ask(FLASH, "x", stream=True).body == b"data: {not json}\r\n\r\n"
    script(sandbox, response=response("whole"))
    assert [text_of(event) for event in events_of(sandbox.ask(FLASH, "x", stream=True))] == ["whole"]


def test_scripted_stream_may_end_in_a_reset(sandbox: Wire) -> None:
    script(sandbox, chunks=[response("a")], end="reset")
    with pytest.raises((ConnectionResetError, IncompleteRead)):
        sandbox.ask(FLASH, "x", stream=True)


def test_a_script_does_not_excuse_a_wrong_request(sandbox: Wire) -> None:
    script(sandbox, response=response("unused"))
    assert sandbox.ask(FLASH, "x", surprise=1).status == 400
    assert sandbox.control("GET", "scripts") == {"queued": 1}
    for order in ({}, {"raw": "x", "response": {}}, {"surprise": 1, "raw": "x"}):
        assert sandbox.call("POST", "/sandbox/scripts", order).status == 400


def test_a_client_that_leaves_a_stream_is_noticed(sandbox: Wire) -> None:
    script(sandbox, chunks=[response("a"), response("b")], delays=[0, 30])
    body = b'{"contents": [{"parts": [{"text": "x"}]}]}'
    headers = {"x-goog-api-key": sandbox.key, "Content-Length": str(len(body))}
    url = f"{sandbox.base}/v1beta/models/{FLASH}:streamGenerateContent?alt=sse"
    sock: socket.socket = sandbox.raw("POST", url, headers, body)
    assert sock.recv(100).startswith(b"HTTP/1.1 200")
    sock.close()
    deadline = time.monotonic() + 10
    while not sandbox.control("GET", "stats")["abandoned"]:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_bodies_show_what_was_sent(sandbox: Wire) -> None:
    data = base64.b64encode(b"x" * 3000).decode()
    sandbox.ask(FLASH, "x", {"inlineData": {"mimeType": "text/plain", "data": data}})
    (seen,) = sandbox.control("GET", "bodies")["bodies"]
    assert (seen["operation"], seen["model"], seen["project"]) == ("generate", FLASH, "project-a")
    parts = seen["body"]["contents"][0]["parts"]
    assert parts[0] == {"text": "x"}
    digest = hashlib.sha256(data.encode()).hexdigest()
    assert parts[1]["inlineData"]["data"] == f"<4000 characters, sha256 {digest}>"


def test_stats_tell_projects_keys_and_load(sandbox: Wire) -> None:
    sandbox.ask(FLASH, "x")
    sandbox.with_key("key-a2").ask(FLASH, "x")
    sandbox.with_key("key-b1").upload(b"abc")
    stats = sandbox.control("GET", "stats")
    assert stats["operations"] == {"generate": 2, "upload.start": 1, "upload.finalize": 1}
    assert stats["by_project"]["project-a"] == {"generate": 2}
    assert stats["by_key"]["key-b1"] == {"upload.start": 1, "upload.finalize": 1}
    assert (stats["finalized"], stats["bytes_received"]) == (1, 3)
    assert stats["statuses"] == {"200": 4}


def test_reset_makes_everything_new(sandbox: Wire) -> None:
    sandbox.upload(b"x")
    url = sandbox.session(10)
    sandbox.control("POST", "clock", advance=10_000)
    sandbox.switch(query_supported=False)
    sandbox.fault("status", "generate")
    script(sandbox, response=response("x"))
    sandbox.control("POST", "reset")
    assert sandbox.control("GET", "files") == {"files": []}
    assert sandbox.control("GET", "faults") == {"faults": []}
    assert sandbox.control("GET", "scripts") == {"queued": 0}
    assert sandbox.control("GET", "stats")["operations"] == {}
    assert sandbox.control("GET", "unverified")["values"]["query_supported"] is True
    assert abs(sandbox.control("GET", "clock")["now"] - time.time_ns() / 1e9) < 60
    assert sandbox.send(url, "query").status == 404
