"""uvicorn's HTTP/1.1 protocol with the limits that it lacks: on a request's head, and on clients that dawdle.

uvicorn takes a head of any size, waits for the rest of one for ever, and for ever on a client that reads nothing. Here
a head over the limit is 431, one that does not come is closed, and so is a connection that takes nothing for too long.
What is refused before the application sees it is answered in the same JSON as every other error.
"""

from __future__ import annotations

import asyncio
from typing import Any, cast

import msgspec
from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from liftgate import ids
from liftgate.errors import InvalidRequest
from liftgate.openai.error_body import error_body

STALLED = 120.0
"""Seconds in which a client must take some of what is sent to it."""


class HeadTooLarge(Exception):
    """Ends the parsing of a request; answered with 431."""


def limited_protocol(*, max_head: int, head_timeout: float) -> type[HttpToolsProtocol]:
    """The protocol class for `uvicorn.Config(http=…)`: uvicorn makes the instances, so the limits are in the class."""
    return type("LimitedProtocol", (_Limited,), {"max_head": max_head, "head_timeout": head_timeout})


class _Limited(HttpToolsProtocol):
    max_head = 64 * 1024
    head_timeout = 30.0

    def __init__(self, config: Config, server_state: Any, app_state: dict[str, Any], _loop: Any = None) -> None:
        super().__init__(config, server_state, app_state, _loop)
        # Per-connection state
        self._head_timer: asyncio.TimerHandle | None = None
        self._stall_timer: asyncio.TimerHandle | None = None
        # Per-request state: a head is awaited or on its way, how much of it came before this piece, and this piece
        self._in_head = True
        self._head_before = 0
        self._piece = 0
        self._refusal = 400

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._head_timer = self.loop.call_later(self.head_timeout, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel_timers()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._piece = len(data)
        super().data_received(data)
        if not self._in_head or self.transport.is_closing():
            return
        # The head is not complete: its size so far, and a clock on the rest of it.
        self._head_before += self._piece
        if self._head_before > self.max_head:
            self._refusal = 431
            self.send_400_response("")
        elif self._head_timer is None:
            self._head_timer = self.loop.call_later(self.head_timeout, self._give_up)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True
        self._head_before = 0

    def on_headers_complete(self) -> None:
        self._in_head = False
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
        # Only where more came than a head may have is it worth counting how much of that was the head.
        if self._head_before + self._piece > self.max_head:
            size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
            if size > self.max_head:
                self._refusal = 431
                raise HeadTooLarge
        super().on_headers_complete()
        # uvicorn writes no body for HEAD, not even an empty one.
        if self.scope["method"] != "HEAD":
            self.cycle.transport = _HeadWithBody(self.transport)  # type: ignore[assignment]

    def on_body(self, body: bytes) -> None:
        # uvicorn gathers in a bytearray, which copies every byte of an upload twice more. What comes while nothing
        # waits is handed on as it is, and only what comes behind it is joined to it.
        cycle: RequestResponseCycle = self.cycle
        if cycle.response_complete:
            return
        cycle.body = _joined(cycle.body, body) if cycle.body else cast("bytearray", body)
        if len(cycle.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        cycle.message_event.set()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        # Between requests the keep-alive timer watches, not the head's.
        self._in_head = False

    def send_400_response(self, msg: str) -> None:
        """Answers what is no HTTP, or too much of it; breaks the connection where another answer is on its way."""
        self._cancel_timers()
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and cycle.response_started and not cycle.response_complete:
            self.transport.close()
            return
        too_large = self._refusal == 431
        text = f"The request's head is larger than {self.max_head} bytes." if too_large else "Invalid HTTP request."
        body = msgspec.json.encode(error_body(InvalidRequest(text)))
        head = (
            b"content-type: application/json\r\ncontent-length: %d\r\nx-request-id: %s\r\nconnection: close\r\n\r\n"
            % (len(body), ids.new_request_id().encode())
        )
        self.transport.write(STATUS_LINE[self._refusal] + head + body)
        self.transport.close()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stall_timer = self.loop.call_later(STALLED, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None

    def _give_up(self) -> None:
        self._head_timer = None
        if not self.transport.is_closing():
            self.transport.close()

    def _cancel_timers(self) -> None:
        for timer in (self._head_timer, self._stall_timer):
            if timer is not None:
                timer.cancel()
        self._head_timer = self._stall_timer = None


def _joined(before: bytes | bytearray, more: bytes) -> bytearray:
    """In place where that can be: a body in thousands of small chunks would be copied as often."""
    gathered = before if isinstance(before, bytearray) else bytearray(before)
    gathered += more
    return gathered


class _HeadWithBody:
    """The transport as one answer sees it: its head waits for the first piece of its body, and both are one write.

    ASGI says so: a server must not send the head before it has some body. It knows nothing of the answer, which holds
    it: a cycle of references would leave every request to the garbage collector.
    """

    __slots__ = ("_head", "_transport", "close", "is_closing")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head: bytes | None = None
        self.close = transport.close
        self.is_closing = transport.is_closing

    def write(self, data: bytes) -> None:
        if self._head:
            data, self._head = self._head + data, b""
        elif self._head is None and not data.startswith(b"HTTP/1.1 100 "):
            self._head = data
            return
        self._transport.write(data)
