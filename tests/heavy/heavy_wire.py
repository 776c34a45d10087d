"""Requests as bytes, many side by side, and what became of each: an answer, a close, or a hang."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

HANG = 25.0
"""Seconds; far beyond every deadline that the gateway is told."""

Piece = bytes | float
"""Bytes to send, or seconds to wait."""

ANN = {"Authorization": "Bearer sk-ann"}
ANN_NATIVE = {"x-goog-api-key": "sk-ann"}


@dataclass(frozen=True)
class Outcome:
    """`status` 0: closed without an answer; -1: nothing came in time."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def request(
    method: str,
    target: str,
    headers: Mapping[str, str | bytes] | None = None,
    body: bytes = b"",
    *,
    length: object = (),
) -> bytes:
    """`length`: what Content-Length says in place of the truth; None: it is left out."""
    lines = [f"{method} {target} HTTP/1.1".encode(), b"Host: localhost"]
    if length is not None:
        lines.append(f"Content-Length: {len(body) if length == () else length}".encode())
    for name, value in (headers or {}).items():
        lines.append(name.encode() + b": " + (value if isinstance(value, bytes) else value.encode()))
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


async def exchange(url: str, pieces: Sequence[Piece], *, eof: bool = False, method: str = "POST") -> Outcome:
    """Sends all of it, whatever the gateway says meanwhile, and reads one answer. `eof`: then ends its own side."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        async with asyncio.TaskGroup() as group:
            sending = group.create_task(_send(writer, pieces, eof))
            try:
                async with asyncio.timeout(HANG):
                    return await _answer(reader, method)
            except TimeoutError:
                return Outcome(-1, {}, b"")
            finally:
                sending.cancel()
    finally:
        writer.close()
        try:
            await writer.wait_closed()
        except OSError:
            pass


async def _send(writer: asyncio.StreamWriter, pieces: Sequence[Piece], eof: bool) -> None:
    try:
        for piece in pieces:
            if isinstance(piece, bytes):
                writer.write(piece)
                await writer.drain()
            else:
                await asyncio.sleep(piece)
        if eof:
            writer.write_eof()
    except OSError:
        return


async def _answer(reader: asyncio.StreamReader, method: str) -> Outcome:
    try:
        status, headers = await _head(reader)
        if status == 100:
            status, headers = await _head(reader)
        if method == "HEAD" or status in (204, 304):
            return Outcome(status, headers, b"")
        if "content-length" in headers:
            return Outcome(status, headers, await reader.readexactly(int(headers["content-length"])))
        return Outcome(status, headers, await reader.read())
    except (asyncio.IncompleteReadError, OSError) as error:
        if isinstance(error, asyncio.IncompleteReadError) and error.partial:
            return Outcome(-1, {}, b"cut short: " + error.partial)
        return Outcome(0, {}, b"")


async def _head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:] if line)}
    return int(lines[0].split(" ", 2)[1]), headers


def openai_error(outcome: Outcome) -> str | None:
    """What is wrong with it as an error in OpenAI's form; None when nothing is."""
    if outcome.headers.get("content-type") != "application/json" or "x-request-id" not in outcome.headers:
        return "no JSON with a request id"
    body = outcome.json()
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict) or set(error) != {"message", "type", "param", "code"} or set(body) != {"error"}:
        return "not the four keys"
    if not (isinstance(error["message"], str) and error["message"] and isinstance(error["type"], str)):
        return "no message or type"
    return (
        None if all(error[key] is None or isinstance(error[key], str) for key in ("param", "code")) else "wrong types"
    )


def google_error(outcome: Outcome) -> str | None:
    """What is wrong with it as google.rpc.Status, or as the text that upload sessions answer with."""
    if outcome.headers.get("content-type", "").startswith("text/plain"):
        named = outcome.headers.get("x-goog-upload-status", "active") in ("active", "final", "cancelled")
        return None if named else "text without an upload status"
    if outcome.headers.get("content-type") != "application/json; charset=UTF-8":
        return "neither JSON nor text"
    error = outcome.json().get("error", {})
    if error.get("code") != outcome.status or not error.get("message") or not error.get("status"):
        return "no google.rpc.Status"
    return None
