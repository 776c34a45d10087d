"""What a connection does over time: idle ones end, waiting bytes spoil nothing, HTTP/1.0 gets no chunks, trailers and
offers of other protocols change nothing at any door."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack

import pytest

from framing_table import H2C
from raw_http import answers_of, connect, exchange, head, read_answer
from running import MODEL, Running, eventually, form_request

KEYED = "{keys: [{name: ann, key: sk-ann-0123456789}, {name: bob, key: sk-bob-0123456789}]}"
ANN, BOB = "sk-ann-0123456789", "sk-bob-0123456789"
GET = b"GET /health/liveness HTTP/1.1\r\nHost: localhost\r\n\r\n"
CHAT = {"model": MODEL, "messages": [{"role": "user", "content": "hello"}]}


def post(target: str, body: bytes, *lines: str) -> bytes:
    start = "\r\n".join((f"POST {target} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}", *lines))
    return start.encode() + b"\r\n\r\n" + body


def in_chunks(target: str, body: bytes, *lines: str, trailers: bytes = b"") -> bytes:
    start = "\r\n".join((f"POST {target} HTTP/1.1", "Host: localhost", "Transfer-Encoding: chunked", *lines)).encode()
    pieces = (body[: len(body) // 2], body[len(body) // 2 :])
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces if piece)
    return start + b"\r\n\r\n" + chunks + b"0\r\n" + trailers + b"\r\n"


# ── time ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "behind",
    [
        b"",
        b"\r\n",
        b"\r\n\r\n",
        b"G",
        b"GET / HTTP/1.1\r\n",
        b"POST /v1/files HTTP/1.1\r\nHost: localhost\r\nContent-Le",
    ],
    ids=["nothing", "CRLF", "two CRLF", "a letter", "a line", "half a head"],
)
def test_no_connection_is_kept_for_ever(make_gateway: Callable[..., Running], behind: bytes) -> None:
    running = make_gateway(read_timeout=0.3, keep_alive=0.5)
    for first in (b"", GET, GET + GET):
        with connect(running.base) as connection:
            connection.sendall(first + behind)
            assert [answer.status for answer in answers_of(connection)] == [200] * first.count(b"GET")


def test_empty_lines_keep_no_connection_open(make_gateway: Callable[..., Running]) -> None:
    """Each comes in time; they are no request."""
    running = make_gateway(read_timeout=0.5, keep_alive=0.5)
    for first in (b"", GET):
        with connect(running.base) as connection:
            connection.sendall(first)
            if first:
                assert read_answer(connection).status == 200
            connection.settimeout(0.1)
            for _ in range(100):
                try:
                    connection.sendall(b"\r\n")
                    if connection.recv(100) == b"":
                        break
                except TimeoutError:
                    continue
                except ConnectionError:
                    break
            else:
                raise AssertionError("still open after a hundred empty lines")


def test_1000_idle_connections_are_closed_and_leave_nothing(make_gateway: Callable[..., Running]) -> None:
    running = make_gateway(read_timeout=2, keep_alive=2)
    sent = (b"", GET, b"GET / HT", GET + b"\r\n")
    with ExitStack() as stack:
        connections = []
        for number in range(1000):
            connections.append(stack.enter_context(connect(running.base)))
            connections[-1].sendall(sent[number % 4])
        for number, connection in enumerate(connections):
            assert [answer.status for answer in answers_of(connection)] == [200] * (number % 2)
    assert running.call("GET", "/health/liveness").status == 200


def test_the_first_bytes_of_a_next_request_spoil_nothing(make_gateway: Callable[..., Running]) -> None:
    """They wait, untimed, for the answer that is under way, which may take longer than a head may."""
    running = make_gateway(read_timeout=0.3)
    answer = {"candidates": [{"content": {"role": "model", "parts": [{"text": "late"}]}, "finishReason": "STOP"}]}
    for partial in (b"G", GET[:-10], GET):
        running.order("scripts", response=answer, delay=0.6)
        with connect(running.base) as connection:
            connection.sendall(post("/v1/chat/completions", json.dumps(CHAT).encode()) + partial)
            answers = answers_of(connection)
            assert next(answers).json()["choices"][0]["message"]["content"] == "late"
            connection.sendall(GET[len(partial) :])
            assert next(answers).json() == {"status": "alive"}


def test_a_client_that_leaves_is_noticed_with_the_next_request_waiting(gateway: Running) -> None:
    answer = {"candidates": [{"content": {"role": "model", "parts": [{"text": "late"}]}, "finishReason": "STOP"}]}
    gateway.order("scripts", response=answer, delay=20.0)
    with connect(gateway.base) as connection:
        connection.sendall(post("/v1/chat/completions", json.dumps(CHAT).encode()) + GET)
        assert eventually(lambda: gateway.told("stats")["in_flight"] == 1)
    assert eventually(lambda: gateway.told("stats")["in_flight"] == 0, seconds=5.0)


def test_a_refused_request_is_heard_although_the_client_still_writes(gateway: Running) -> None:
    """A reset would take the answer from it."""
    for _ in range(20):
        with connect(gateway.base) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nX: " + b"x" * 1_000_000)
            assert read_answer(connection).status == 431


def test_a_refusal_is_heard_although_what_it_refused_goes_on(make_gateway: Callable[..., Running]) -> None:
    """The key is judged at the head; the trailers behind it are too many."""
    running = make_gateway(ours=KEYED)
    start = b"POST /v1/uploads HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"
    for _ in range(10):
        with connect(running.base) as connection:
            connection.sendall(start)
            assert connection.recv(1, socket.MSG_PEEK) == b"H"  # it is judged, and answered
            connection.sendall(b"a: b\r\n" * 50_000)
            assert read_answer(connection, "POST").status == 401


def test_a_refusal_is_heard_by_a_client_that_reads_when_all_is_sent(make_gateway: Callable[..., Running]) -> None:
    """Python's own, Go's and Node's clients do; however much it is, a reset would take the answer from them."""
    running = make_gateway(ours=KEYED)
    size, piece = 96 << 20, bytes(1 << 20)
    for path in ("/v1/chat/completions", "/v1/files", "/upload/v1beta/files"):
        with connect(running.base) as connection:
            connection.sendall(f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\n\r\n".encode())
            for _ in range(size // len(piece)):
                connection.sendall(piece)
            assert read_answer(connection, "POST").status == 401


def test_the_front_refuses_in_the_dialect_of_the_path(gateway: Running) -> None:
    for line, status in (("Content-Type: a\r\nContent-Type: b", 400), ("X: " + "x" * 70_000, 431), ("Expect: x", 417)):
        for target in ("/v1beta/models", "/upload/v1beta/files"):
            request = f"GET {target} HTTP/1.1\r\nHost: localhost\r\n{line}\r\n\r\n".encode()
            answer = exchange(gateway.base, [request])
            assert answer.status == status
            assert answer.json()["error"]["code"] == status and answer.json()["error"]["status"] == "INVALID_ARGUMENT"
        request = f"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n{line}\r\n\r\n".encode()
        answer = exchange(gateway.base, [request])
        assert answer.status == status and answer.error()["type"] == "invalid_request_error"
        answer = exchange(gateway.base, [f"GET /v1/messages HTTP/1.1\r\nHost: localhost\r\n{line}\r\n\r\n".encode()])
        told = answer.json()
        assert (answer.status, told["type"], told["error"]["type"]) == (status, "error", "invalid_request_error")
        assert told["request_id"] == answer.headers["request-id"] == answer.headers["x-request-id"]


# ── trailers ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_key_in_a_trailer_is_no_key(make_gateway: Callable[..., Running]) -> None:
    running = make_gateway(ours=KEYED)
    body = json.dumps({"filename": "a", "purpose": "user_data", "bytes": 3, "mime_type": "text/plain"}).encode()
    for trailer in (f"Authorization: Bearer {BOB}", f"x-goog-api-key: {BOB}", f"x-api-key: {BOB}"):
        for key, status in ((ANN, 200), ("", 401), ("sk-wrong", 401)):
            own = (f"Authorization: Bearer {key}",) if key else ()
            sent = in_chunks("/v1/uploads", body, *own, trailers=trailer.encode() + b"\r\n")
            for pieces in ([sent], [sent[:-60], sent[-60:]]):
                answer = exchange(running.base, pieces, "POST")
                assert answer.status == status
                if status == 200:
                    cancel = f"/v1/uploads/{answer.json()['id']}/cancel"
                    foreign = running.call("POST", cancel, b"", {"Authorization": f"Bearer {BOB}"})
                    assert foreign.status == 404
                    assert running.call("POST", cancel, b"", {"Authorization": f"Bearer {ANN}"}).status == 200


def test_a_trailer_says_nothing_about_addresses_and_uploads(make_gateway: Callable[..., Running]) -> None:
    running = make_gateway(ours="{trusted_proxies: ['*']}")
    start = ("X-Goog-Upload-Protocol: resumable", "X-Goog-Upload-Command: start")
    sent = in_chunks(
        "/upload/v1beta/files",
        b"{}",
        *start,
        trailers=b"X-Forwarded-Host: evil.example\r\nHost: evil.example\r\nX-Goog-Upload-Header-Content-Type: a/b\r\n",
    )
    answer = exchange(running.base, [sent], "POST")
    assert answer.status == 200
    assert answer.headers["x-goog-upload-url"].startswith("http://localhost/upload/v1beta/files?")
    command = exchange(
        running.base, [in_chunks("/upload/v1beta/files", b"{}", trailers=b"X-Goog-Upload-Command: start\r\n")]
    )
    assert command.status == 400


# ── offers of other protocols ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("framed", [post, in_chunks])
def test_every_door_takes_a_body_behind_an_offer(gateway: Running, framed: Callable[..., bytes]) -> None:
    """As without it."""
    _, _, form, headers = form_request({"purpose": "user_data"}, b"content of a file " * 1000, name="h2c.txt")
    multipart = f"Content-Type: {headers['Content-Type']}"
    contents = json.dumps({"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}).encode()
    upload = json.dumps({"filename": "a", "purpose": "user_data", "bytes": 3, "mime_type": "text/plain"}).encode()
    resumable = ("X-Goog-Upload-Protocol: resumable", "X-Goog-Upload-Command: start")
    doors: list[tuple[str, bytes, tuple[str, ...]]] = [
        ("/v1/chat/completions", json.dumps(CHAT).encode(), ()),
        ("/v1/chat/completions", json.dumps({**CHAT, "stream": True}).encode(), ()),
        ("/v1/chat/completions/input_tokens", json.dumps(CHAT).encode(), ()),
        ("/v1/files", form, (multipart,)),
        ("/v1/uploads", upload, ()),
        ("/upload/v1beta/files", b"{}", resumable),
        (f"/v1beta/models/{MODEL}:generateContent", contents, ()),
        (f"/v1beta/models/{MODEL}:streamGenerateContent?alt=sse", contents, ()),
        (f"/v1beta/models/{MODEL}:countTokens", contents, ()),
    ]
    for target, body, lines in doors:
        answers = []
        for offer in ((), H2C):
            with connect(gateway.base) as connection:
                connection.sendall(framed(target, body, *lines, *offer) + GET)
                found = answers_of(connection)
                answers.append(next(found))
                assert next(found).json() == {"status": "alive"}
        assert [answer.status for answer in answers] == [200, 200], (target, answers)
        assert answers[0].headers.keys() == answers[1].headers.keys()
    made = exchange(gateway.base, [framed("/v1/uploads", upload)]).json()["id"]
    part = b'--b0undary\r\nContent-Disposition: form-data; name="data"; filename="x"\r\n\r\nabc\r\n--b0undary--\r\n'
    for offer in ((), H2C):
        answer = exchange(gateway.base, [framed(f"/v1/uploads/{made}/parts", part, multipart, *offer)], "POST")
        assert answer.json()["object"] == "upload.part"


# ── HTTP/1.0 ───────────────────────────────────────────────────────────────────────────────────────────────────────


def old(request: bytes) -> bytes:
    return request.replace(b"HTTP/1.1", b"HTTP/1.0", 1)


def everything(connection: socket.socket) -> bytes:
    received = b""
    while piece := connection.recv(65536):
        received += piece
    return received


def test_an_http_1_0_client_gets_no_chunks(gateway: Running) -> None:
    contents = json.dumps({"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}).encode()
    file = gateway.upload(b"content" * 1000)
    for request, end in (
        (post("/v1/chat/completions", json.dumps({**CHAT, "stream": True}).encode()), b"data: [DONE]\n\n"),
        (post(f"/v1beta/models/{MODEL}:streamGenerateContent?alt=sse", contents), b"\r\n\r\n"),
        (post(f"/v1beta/models/{MODEL}:streamGenerateContent", contents), b"]"),
        (post("/v1/chat/completions", json.dumps(CHAT).encode()), b"}"),
        (head("GET", f"/v1/files/{file['id']}/content"), b"content" * 1000),
    ):
        with connect(gateway.base) as connection:
            connection.sendall(old(request))
            start, _, body = everything(connection).partition(b"\r\n\r\n")
        assert start.startswith(b"HTTP/1.1 200") and b"connection: close" in start.lower()
        assert b"transfer-encoding" not in start.lower()
        assert body.rstrip(b"\n").endswith(end.rstrip(b"\n")), body[-80:]
        assert not body[:1].isdigit()


# ── waiting ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_expecting_to_go_on_is_told_so_once_the_key_is_good(make_gateway: Callable[..., Running]) -> None:
    running = make_gateway(ours=KEYED)
    body = json.dumps({"filename": "a", "purpose": "user_data", "bytes": 3, "mime_type": "text/plain"}).encode()
    for key, goes_on in ((ANN, True), ("sk-wrong", False)):
        with connect(running.base) as connection:
            start = post("/v1/uploads", body, f"Authorization: Bearer {key}", "Expect: 100-continue")[: -len(body)]
            connection.sendall(start)
            first = connection.recv(25, socket.MSG_WAITALL)
            assert (first == b"HTTP/1.1 100 Continue\r\n\r\n") is goes_on
            if goes_on:
                time.sleep(0.05)
                connection.sendall(body)
                assert read_answer(connection, "POST").status == 200
            else:
                assert first.startswith(b"HTTP/1.1 401")


def test_who_waits_is_not_told_to_go_on_within_an_answer(gateway: Running) -> None:
    """It would stand in the bytes of the file. And whether a body follows such an answer is not certain."""
    content = bytes(range(256)) * 8000
    file = gateway.upload(content)["id"]
    with connect(gateway.base) as connection:
        asked = {"Expect": "100-continue", "Content-Length": "5"}
        connection.sendall(head("GET", f"/v1/files/{file}/content", asked))
        answer = read_answer(connection)
        assert answer.body == content
        assert answer.headers["connection"] == "close"
        assert connection.recv(1) == b""


def test_who_waits_for_nothing_keeps_the_connection(gateway: Running) -> None:
    """The body has come without a word, or there is none."""
    for body in (b"", json.dumps(CHAT).encode()):
        for stream in (b"", b', "stream": true}') if body else (b"",):
            sent = body[:-1] + stream if stream else body
            request = post("/v1/chat/completions", sent, "Expect: 100-continue")
            with connect(gateway.base) as connection:
                connection.sendall(request + GET)
                answers = answers_of(connection)
                assert next(answers).status == (200 if body else 400)
                assert next(answers).json() == {"status": "alive"}


# ── what is refused ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    "rest",
    [
        b"/ HTTP/1.1\r\n\r\n",
        b"/ HTTP/1.1\r\nHost: a b\r\n\r\n",
        b"/ HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n",
        b"/ HTTP/1.1\r\nno colon\r\n\r\n",
        b"/ HTTP/2.0\r\nHost: a\r\n\r\n",
        b"/ HTTP/1.1\r\nX: " + b"x" * 70_000,
    ],
    ids=["no Host", "a bad Host", "another expectation", "a bad field", "HTTP/2.0", "a large head"],
)
def test_a_refusal_has_a_date_and_to_a_head_no_body(gateway: Running, method: str, rest: bytes) -> None:
    """RFC 9110, 6.6.1 and 9.3.2."""
    for before in (b"", b"HEAD /health/liveness HTTP/1.1\r\nHost: localhost\r\n\r\n"):
        with connect(gateway.base) as connection:
            connection.sendall(before + method.encode() + b" " + rest)
            if before:
                assert read_head(connection).startswith(b"HTTP/1.1 200")
            received = everything(connection)
        start, _, body = received.partition(b"\r\n\r\n")
        assert start[:10] in (b"HTTP/1.1 4", b"HTTP/1.1 5") and b"\r\ndate: " in start
        assert (body == b"") is (method == "HEAD")


def test_what_is_no_request_is_answered_with_a_body_behind_a_head(gateway: Running) -> None:
    with connect(gateway.base) as connection:
        connection.sendall(b"HEAD /health/liveness HTTP/1.1\r\nHost: localhost\r\n\r\n\x16\x03\x01")
        assert read_head(connection).startswith(b"HTTP/1.1 200")
        assert b'"error"' in everything(connection)


def read_head(connection: socket.socket) -> bytes:
    received = b""
    while not received.endswith(b"\r\n\r\n"):
        received += connection.recv(1)
    return received
