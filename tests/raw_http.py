"""HTTP by hand: exact bytes out, the answer's status, headers and body back. For what no client library would send."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPResponse
from typing import IO, Any
from urllib.parse import urlsplit

DEADLINE = 20.0


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    def error(self) -> dict[str, Any]:
        """OpenAI's error; fails unless it has exactly the four keys, of the right types, and a request id."""
        assert self.headers["content-type"] == "application/json"
        assert self.headers["x-request-id"].startswith("req_")
        body = self.json()
        assert set(body) == {"error"}
        error: dict[str, Any] = body["error"]
        assert set(error) == {"message", "type", "param", "code"}
        assert isinstance(error["message"], str) and error["message"]
        assert isinstance(error["type"], str)
        for name in ("param", "code"):
            assert error[name] is None or isinstance(error[name], str)
        return error


def head(method: str, target: str, headers: Mapping[str, str] | None = None) -> bytes:
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join(lines).encode("utf-8") + b"\r\n\r\n"


def connect(base: str) -> socket.socket:
    parts = urlsplit(base)
    assert parts.hostname and parts.port
    return socket.create_connection((parts.hostname, parts.port), DEADLINE)


def read_answer(connection: socket.socket, method: str = "GET") -> Answer:
    response = HTTPResponse(connection, method=method)
    try:
        response.begin()
        body = response.read()
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, body)
    finally:
        response.close()


def answers_of(connection: socket.socket, *, bodiless: int = 0) -> Iterator[Answer]:
    """Every answer up to the end of the connection, interim ones left out; an end within one fails.

    `bodiless`: how many of the first are to HEAD.
    """
    stream = connection.makefile("rb")
    while line := stream.readline():
        status = int(line.split(b" ", 2)[1])
        headers = {}
        while (field := stream.readline()) != b"\r\n":
            assert field.endswith(b"\r\n"), field
            name, _, value = field.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        if status == 100:
            continue
        if bodiless > 0:
            body, bodiless = b"", bodiless - 1
        elif headers.get("transfer-encoding") == "chunked":
            body = _chunks(stream)
        else:
            body = stream.read(int(headers["content-length"]))
            assert len(body) == int(headers["content-length"])
        yield Answer(status, headers, body)


def _chunks(stream: IO[bytes]) -> bytes:
    body = b""
    while size := int(stream.readline(), 16):
        body += stream.read(size)
        assert stream.readline() == b"\r\n"
    assert stream.readline() == b"\r\n"
    return body


def exchange(base: str, pieces: Iterable[bytes], method: str = "GET") -> Answer:
    """Sends the pieces one by one, then reads one answer. A server that answers early and closes is heard too."""
    with connect(base) as connection:
        try:
            for piece in pieces:
                connection.sendall(piece)
        except (BrokenPipeError, ConnectionResetError):
            pass
        return read_answer(connection, method)


def call(
    base: str, method: str, target: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> Answer:
    sent = dict(headers or {})
    if body is not None:
        sent.setdefault("Content-Length", str(len(body)))
    return exchange(base, [head(method, target, sent) + (body or b"")], method)
