"""One request and its answer on a connection, as an ASGI application sees them: `receive` and `send`.

An answer's head waits for the first piece of its body, and both are one write: what goes wrong in between can still
become a status. It knows nothing of parsing; the connection feeds it the body.
"""

from __future__ import annotations

import asyncio
import http
import logging
from collections.abc import Callable, Sequence
from time import monotonic
from types import TracebackType
from typing import Protocol

from liftgate.deadlines import Deadlines
from liftgate.server.asgi import Header, Message, Receive, Scope, Send

log = logging.getLogger("uvicorn.error")

EXTENSION = "liftgate.exchange"
"""Of ASGI, in a scope's `extensions`: the `Exchange` itself, for `take_whole`, `when_left` and `hold`."""

FIELDS = "liftgate.fields"
"""Of a scope: its `headers`, and the same by their names."""

HIGH_WATER = 64 * 1024
"""Bytes of body that wait for the application before reading is paused."""


class ClientLeft(Exception):
    """The client closed its connection; there is no one to answer."""


class Asgi(Protocol):
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None: ...


class Line(Protocol):
    """The connection, as far as one exchange needs it."""

    write_paused: bool

    async def writable(self) -> None: ...
    def write(self, data: bytes) -> None: ...
    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...
    def default_head(self) -> bytes: ...
    def answered(self, exchange: Exchange) -> None: ...
    def ended(self, task: asyncio.Task[None]) -> None: ...
    def failed(self, exchange: Exchange) -> None: ...


def _status_line(status: int) -> bytes:
    try:
        phrase = http.HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    return f"HTTP/1.1 {status} {phrase}\r\n".encode()


STATUS_LINES = {status: _status_line(status) for status in range(200, 600)}


class Exchange:
    """`whole`: all of the request has come. `holds`: a whole answer waits for `write`. `complete`: all of the answer is
    written. `written`: some of it is. `until_close`: the answer ends where the connection does. `waited`: seconds for
    the client to take the answer. `task`: runs the application, until that returns."""

    __slots__ = (
        "_body", "_chunked", "_delivered", "_event", "_expects", "_head", "_held", "_left", "_line", "_on_left",
        "complete", "disconnected", "holds", "keep_alive", "scope", "task", "until_close", "waited", "whole", "written",
    )  # fmt: skip

    task: asyncio.Task[None]

    def __init__(self, line: Line, scope: Scope, keep_alive: bool, expects: bool) -> None:
        self._line = line
        self.scope = scope
        self.keep_alive = keep_alive
        self._expects = expects
        # The request
        self.whole = self._delivered = self.disconnected = False
        self._body: bytes | bytearray = b""
        self._event: asyncio.Event | None = None
        self._on_left: Callable[[], object] | None = None
        # The answer. `_left`: bytes of body that its length still promises; -1: no length was given.
        self._head: bytes | None = None
        self._held, self.holds = b"", False
        self._left = -1
        self._chunked = self.until_close = self.written = self.complete = False
        self.waited = 0.0

    # ── from the connection ────────────────────────────────────────────────────────────────────────────────────────

    def feed(self, body: bytes) -> None:
        if self.complete or self.disconnected:
            return
        # What comes while nothing waits is handed on as it is, and only what comes behind it is joined to it, in place.
        if not self._body:
            self._body = body
        else:
            if isinstance(self._body, bytes):
                self._body = bytearray(self._body)
            self._body += body
        if len(self._body) > HIGH_WATER:
            self._line.pause_reading()
        self._wake()

    def end(self) -> None:
        self.whole = True
        self._wake()

    def disconnect(self) -> None:
        self.disconnected = not self.complete
        if self.disconnected and self._on_left is not None:
            self._on_left()
        self._wake()

    def _wake(self) -> None:
        if self._event is not None:
            self._event.set()

    # ── ASGI ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def run(self, app: Asgi) -> None:
        """Whatever the application does, the request gets an answer or a broken connection."""
        self.scope["extensions"] = {EXTENSION: self}
        try:
            await app(self.scope, self.receive, self.send)
            if not self.complete and not self.disconnected and not self.holds:
                raise RuntimeError("the application returned before its answer was complete")
        except BaseException as error:
            log.error("Exception in ASGI application\n", exc_info=error)
            if self.holds:
                self.write()
            if not self.complete and not self.disconnected:
                self._line.failed(self)
        finally:
            # They lead back here: kept, they would wait for the garbage collector.
            del self.scope["extensions"]
            self._line.ended(self.task)
            del self.task

    def take_whole(self, most: int) -> bytes | None:
        """The body, where all of it has come and none was received, of at most so many bytes: what need not be waited
        for needs no deadline."""
        if not self.whole or self._delivered or self.disconnected or len(self._body) > most:
            return None
        body, self._body = self._body, b""
        self._delivered = True
        return bytes(body)

    def when_left(self, callback: Callable[[], object] | None) -> None:
        """Calls back when the client goes away before its answer is complete, at once where it has; None: no more."""
        self._on_left = callback
        if callback is not None and self.disconnected:
            callback()

    async def receive(self) -> Message:
        while True:
            if self.disconnected or self.complete:
                return {"type": "http.disconnect"}
            if self._body or (self.whole and not self._delivered):
                body, self._body = self._body, b""
                self._delivered = self.whole
                if not self.whole:
                    self._line.resume_reading()
                return {"type": "http.request", "body": bytes(body), "more_body": not self.whole}
            if self._expects and not self.whole and self._head is None:
                self._expects = False
                self._line.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            if self._event is None:
                self._event = asyncio.Event()
            self._event.clear()
            if not self.whole:
                self._line.resume_reading()
            await self._event.wait()

    async def send(self, message: Message) -> None:
        line = self._line
        if line.write_paused and not self.disconnected:
            began = monotonic()
            await line.writable()
            self.waited += monotonic() - began
        if self.disconnected:
            return
        if self._head is None:
            if message["type"] != "http.response.start":
                raise RuntimeError(f"Expected 'http.response.start', but got '{message['type']}'.")
            self._head = self._headed(message["status"], message.get("headers", ()))
            return
        if message["type"] != "http.response.body" or self.complete:
            raise RuntimeError(f"'{message['type']}' in the wrong place.")
        more: bool = message.get("more_body", False)
        data = self._framed(message.get("body", b""), more)
        if not self.written:
            data = self._head + data
            self.written = True
        if data:
            line.write(data)
        if not more:
            self.complete = True
            self._wake()
            line.answered(self)

    def hold(self, status: int, headers: Sequence[Header], body: bytes) -> bool:
        """Takes a whole answer, for `write`. `headers`: without its length, and without a word of the connection's end.
        False where it has to be sent, since the client is slow."""
        if self._line.write_paused or self._head is not None:
            return False
        lines = [*map(b": ".join, headers)]
        bare = status in (204, 304)
        if not bare:
            lines.append(b"content-length: %d" % len(body))
        if not self._keeps():
            lines.append(b"connection: close")
        self._head = head = self._head_of(status, lines)
        self._held, self.holds = head if bare or self.scope["method"] == "HEAD" else head + body, True
        return True

    def hold_end(self) -> bool:
        """As `hold`, of what ends an answer that is written piece by piece."""
        if self._line.write_paused or self._head is None or self.complete:
            return False
        data = self._framed(b"", False)
        self._held, self.holds = data if self.written else self._head + data, True
        return True

    def write(self) -> None:
        """What `hold` took, unless the client has left."""
        held, holds, self._held, self.holds = self._held, self.holds, b"", False
        if not holds or self.disconnected:
            return
        self.written = True
        if held:
            self._line.write(held)
        self.complete = True
        self._wake()
        self._line.answered(self)

    def _headed(self, status: int, own: Sequence[Header]) -> bytes:
        lines = [b": ".join(header) for header in own]
        fields = dict(own)
        if (length := fields.get(b"content-length")) is not None:
            self._left = int(length)
        closes = fields.get(b"connection", b"").lower() == b"close"
        if self.scope["method"] == "HEAD" or status in (204, 304):
            # What a length says is that of the body which is not sent.
            self._left = 0
        elif self._left < 0:
            if self.scope["http_version"] == "1.0":
                self.until_close = True
            else:
                self._chunked = True
                lines.append(b"transfer-encoding: chunked")
        if closes:
            self.keep_alive = False
        elif not self._keeps():
            lines.append(b"connection: close")
        return self._head_of(status, lines)

    def _keeps(self) -> bool:
        # A client that was not told to go on may send its body, or another request.
        self.keep_alive = self.keep_alive and (self.whole or not self._expects)
        return self.keep_alive

    def _head_of(self, status: int, lines: list[bytes]) -> bytes:
        """Of these lines, which are not used again."""
        # Numbers are looked for, since `in` takes bytes for a number first, and that fails slowly.
        text = b"".join(lines)
        if 10 in text or 13 in text or 0 in text:
            raise RuntimeError("A header of the answer holds a line break.")
        lines += b"", b""
        return STATUS_LINES[status] + self._line.default_head() + b"\r\n".join(lines)

    def _framed(self, body: bytes, more: bool) -> bytes:
        if self._chunked:
            piece = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            return piece if more else piece + b"0\r\n\r\n"
        if self.until_close:
            return body
        if self.scope["method"] == "HEAD":
            return b""
        self._left -= len(body)
        if self._left < 0 or (self._left and not more):
            raise RuntimeError(f"The answer's body is not of the length that its head says ({self._left} left).")
        return body


class Watched(Protocol):
    """A request, as far as a watch needs it."""

    left: bool
    deadlines: Deadlines


class Watch:
    """`with …:` cancels what is inside when the client goes away, and then raises ClientLeft: so that no one works for
    one who has gone."""

    __slots__ = ("_exchange", "_request", "_task")

    def __init__(self, request: Watched, exchange: Exchange) -> None:
        self._request = request
        self._exchange = exchange

    def __enter__(self) -> None:
        task = asyncio.current_task(self._request.deadlines.loop)
        assert task is not None
        self._task = task
        self._exchange.when_left(self._leave)

    def _leave(self) -> None:
        self._request.left = True
        self._task.cancel()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._exchange.when_left(None)
        if kind is asyncio.CancelledError and self._request.left:
            self._task.uncancel()
            raise ClientLeft from None
