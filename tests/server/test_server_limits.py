"""Clients that dawdle, lie or overdo it at the level of HTTP: a proper refusal or a clean close, in bounded time."""

from __future__ import annotations

import json
import select
import time
from collections.abc import Callable

import pytest

from raw_http import connect, exchange, head, read_answer
from running import MODEL, Running, eventually, form_request


def image(url: str) -> dict[str, object]:
    return {"type": "image_url", "image_url": {"url": url}}


@pytest.mark.parametrize(
    "request_head",
    [
        head("GET", "/v1/models", {"x-large": "x" * 200_000}),
        head("GET", "/v1/models", {f"x-{n}": "y" * 100 for n in range(1000)}),
        head("GET", "/v1/models?q=" + "x" * 100_000),
        # Not even the end of the head ever comes.
        b"GET / HTTP/1.1\r\nx-endless: " + b"x" * 300_000,
    ],
    ids=["one header", "many headers", "the query", "no end"],
)
def test_a_head_above_the_limit_is_431(gateway: Running, request_head: bytes) -> None:
    pieces = [request_head[start : start + 10_000] for start in range(0, len(request_head), 10_000)]
    for sent in ([request_head], pieces):
        answer = exchange(gateway.base, sent)
        assert answer.status == 431
        assert answer.error()["type"] == "invalid_request_error"
        assert answer.headers["connection"] == "close"


def test_a_large_head_below_the_limit_is_served(gateway: Running) -> None:
    assert gateway.call("GET", "/v1/models", headers={"x-large": "x" * 50_000}).status == 200


def test_a_large_body_in_one_piece_with_its_head_is_not_taken_for_a_large_head(gateway: Running) -> None:
    answer = gateway.call(*form_request({"purpose": "user_data"}, b"x" * 200_000))
    assert answer.status == 200


@pytest.mark.parametrize("path", ["/v1/uploads", "/v1/uploads/upload_none/complete", "/v1/conversations/conv_none"])
def test_a_body_of_names_and_numbers_is_no_larger_than_these_need(gateway: Running, path: str) -> None:
    """A filename of 120 MiB held up all other requests for ten seconds."""
    answer = gateway.post(path, {"filename": "n" * 5_000_000})
    assert (answer.status, answer.error()["code"]) == (413, "request_too_large")


USER = "messages[0].content[0]"
TOO_LONG: dict[str, tuple[dict[str, object], int, str | None]] = {
    "a type": (
        {"type": "file", "file": {"file_data": "aGk=", "format": "text/plain;" + "a" * 300_000}},
        400,
        ".file.format",
    ),
    "an address of many steps": (image("https://" + "a." * 200_000), 400, ".image_url.url"),
    "an address of a file": (image(f"https://a/{'b/' * 9000}v1/files/file-{'x' * 24}"), 400, ".image_url.url"),
    "a film's": (image("https://www.youtube.com/watch?v=abcdefghijk&x=" + "a" * 300_000), 400, ".image_url.url"),
    "an id": ({"type": "file", "file": {"file_id": "file-" + "a" * 300_000}}, 404, ".file.file_id"),
}


@pytest.mark.parametrize("what", TOO_LONG)
def test_what_is_too_long_to_be_what_it_should_be_is_not_looked_through(gateway: Running, what: str) -> None:
    part, status, param = TOO_LONG[what]
    body = json.dumps({"model": MODEL, "messages": [{"role": "user", "content": [part]}]}).encode()
    answer = gateway.call("POST", "/v1/chat/completions", body, {"Content-Type": "application/json"})
    assert (answer.status, answer.error()["param"]) == (status, f"{USER}{param}")


@pytest.mark.parametrize(
    "raw",
    [
        b"NONSENSE\r\n\r\n",
        b"GET /v1/models HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
        b"POST /v1/files HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
        b"POST /v1/files HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET /v1/models HTTP/1.1\r\nHost: a\r\nbad header\r\n\r\n",
        b"GET /v1/models HTTP/1.1\nHost: a\n\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
def test_what_is_no_http_is_400_in_our_form(gateway: Running, raw: bytes) -> None:
    answer = exchange(gateway.base, [raw])
    assert answer.status == 400
    answer.error()


def test_a_body_that_stops_coming_is_408_and_leaves_nothing(make_gateway: Callable[..., Running]) -> None:
    running = make_gateway(read_timeout=0.3)
    method, target, body, headers = form_request({"purpose": "user_data"}, b"x" * 1000)
    for piece in (b"", body[:20], body[:-10]):
        with connect(running.base) as connection:
            connection.sendall(head(method, target, {**headers, "Content-Length": str(len(body))}) + piece)
            answer = read_answer(connection, method)
        assert answer.status == 408
        assert answer.error()["message"] == "The request's body stopped coming."
        assert answer.headers["connection"] == "close"
    assert running.litter() == []


def test_a_body_by_the_byte_is_not_waited_for_without_end(make_gateway: Callable[..., Running]) -> None:
    """Each byte comes in time, all of them never would."""
    running = make_gateway(read_timeout=0.3)
    method, target, _, headers = form_request({"purpose": "user_data"}, b"")
    with connect(running.base) as connection:
        connection.sendall(head(method, target, {**headers, "Content-Length": "1000"}))
        for _ in range(200):
            connection.sendall(b"-")
            if select.select([connection], [], [], 0.02)[0]:
                break
        assert read_answer(connection, method).status == 408


@pytest.mark.parametrize("sent", [b"", b"GET /v1/models HT", b"GET /v1/models HTTP/1.1\r\nHost: a\r\nx-slow: "])
def test_a_head_that_does_not_come_is_closed(make_gateway: Callable[..., Running], sent: bytes) -> None:
    running = make_gateway(read_timeout=0.2)
    with connect(running.base) as connection:
        connection.sendall(sent)
        assert connection.recv(1000) == b""


def test_a_slow_head_is_closed_although_it_grows(make_gateway: Callable[..., Running]) -> None:
    running = make_gateway(read_timeout=0.3)
    with connect(running.base) as connection:
        connection.settimeout(0.05)
        closed = False
        for _ in range(100):
            try:
                connection.sendall(b"G")
                closed = connection.recv(1000) == b""
            except TimeoutError:
                continue
            except ConnectionError:
                closed = True
            if closed:
                break
        assert closed


def test_an_idle_connection_is_still_good_for_another_request(make_gateway: Callable[..., Running]) -> None:
    """The clock on heads runs only while one is on its way."""
    running = make_gateway(read_timeout=0.2)
    with connect(running.base) as connection:
        for _ in range(3):
            connection.sendall(head("GET", "/v1/models"))
            assert read_answer(connection).status == 200
            time.sleep(0.3)


def test_a_stream_that_nobody_reads_any_more_ends_the_call_at_gemini(gateway: Running) -> None:
    chunk = {"candidates": [{"content": {"role": "model", "parts": [{"text": "and so on "}]}}]}
    gateway.order("scripts", chunks=[chunk] * 200, delays=[0.05] * 200)
    body = b'{"model":"%s","stream":true,"messages":[{"role":"user","content":"go on"}]}' % MODEL.encode()
    with connect(gateway.base) as connection:
        connection.sendall(head("POST", "/v1/chat/completions", {"Content-Length": str(len(body))}) + body)
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")
        assert streams_at(gateway) == 1
    assert eventually(lambda: streams_at(gateway) == 0, seconds=2.0)


def test_a_call_whose_client_has_left_ends_at_gemini(gateway: Running) -> None:
    answer = {"candidates": [{"content": {"role": "model", "parts": [{"text": "late"}]}, "finishReason": "STOP"}]}
    gateway.order("scripts", response=answer, delay=20.0)
    body = b'{"model":"%s","messages":[{"role":"user","content":"wait"}]}' % MODEL.encode()
    with connect(gateway.base) as connection:
        connection.sendall(head("POST", "/v1/chat/completions", {"Content-Length": str(len(body))}) + body)
        assert eventually(lambda: streams_at(gateway) == 1)
    assert eventually(lambda: streams_at(gateway) == 0, seconds=3.0)


def streams_at(gateway: Running) -> int:
    """Exchanges that the sandbox has open now, without the one that asks."""
    return int(gateway.told("stats")["in_flight"])
