"""A client's connection: one request at a time, back-pressure both ways, and one timer that always runs while it idles.

What stands behind a request waits, unparsed, until that is answered. What is refused before the application sees it is
answered in the same JSON as every other error. uvicorn accepts connections and makes these; all of HTTP is here, in
`request_reader` and `exchange`.
"""

from __future__ import annotations

import asyncio
import math
import socket
import struct
from collections.abc import Sequence
from typing import Any, cast

from uvicorn.config import Config
from uvicorn.server import ServerState

from liftgate import ids
from liftgate.errors import InternalError, LiftgateError
from liftgate.server.asgi import Header, Scope
from liftgate.server.cors import Sharing
from liftgate.server.errors import error_bytes
from liftgate.server.exchange import STATUS_LINES, Exchange
from liftgate.server.request_reader import Refused, RequestReader
from liftgate.server.routes import table_of_path

STALLED = 120.0
"""Seconds in which a client must take some of what is sent to it."""

LINGER_SECONDS = 5.0
LINGER_PACE = 1024 * 1024
LINGER_MOST = 30.0
"""How long is read on, and thrown away, behind a last answer: seconds, one more for so many bytes, and at most. A reset
would take the answer from a client that still sends, however much that is."""

MAX_WAITING = 64 * 1024
"""Bytes of next requests that wait for an answer before reading is paused; until then a client's leaving is seen."""

TIMER_GRAIN = 0.005
"""Seconds: loops round their timers."""


def limited_protocol(*, max_head: int, head_timeout: float, origins: Sequence[str] = ()) -> type[Connection]:
    """The protocol class for `uvicorn.Config(http=…)`: uvicorn makes the instances, so what they share is in the class.

    `origins`: whose pages may read what is refused here.
    """
    shared = {"max_head": max_head, "head_timeout": head_timeout, "sharing": Sharing(origins) if origins else None}
    return type("LimitedConnection", (Connection,), shared)


class Connection(asyncio.Protocol):
    """`max_head`: bytes. `head_timeout`: seconds from the first byte of a request to the end of its head."""

    max_head = 64 * 1024
    head_timeout = 30.0
    sharing: Sharing | None = None
    written_defaults: tuple[Sequence[Header], bytes] = ((), b"")

    def __init__(self, config: Config, server_state: ServerState, app_state: dict[str, Any], _loop: Any = None) -> None:
        if not config.loaded:
            config.load()
        self._app = config.loaded_app
        self._loop: asyncio.AbstractEventLoop = _loop or asyncio.get_running_loop()
        self._keep_alive = config.timeout_keep_alive
        self._server_state = server_state
        self._app_state = app_state
        self._transport: asyncio.Transport = None  # type: ignore[assignment]
        self._client: tuple[str, int] | None = None
        self._server: tuple[str, int] | None = None
        self._reader = RequestReader(self._begin, max_head=self.max_head)
        # The one that is answered, and what came behind it
        self._exchange: Exchange | None = None
        self._waiting = bytearray()
        self._reading_paused = False
        # Behind a last answer: until when is read on, and until when at most
        self._lingering: tuple[float, float] | None = None
        # Time. `_timing_head`: the deadline is that of the head which is on its way.
        self._deadline = math.inf
        self._timing_head = True
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due = math.inf
        self._stall_timer: asyncio.TimerHandle | None = None
        self._writable: asyncio.Event | None = None
        self.write_paused = False

    # ── asyncio ────────────────────────────────────────────────────────────────────────────────────────────────────

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._server_state.connections.add(self)  # type: ignore[arg-type]
        self._client = _address(transport.get_extra_info("peername"))
        self._server = _address(transport.get_extra_info("sockname"))
        self._expect(self.head_timeout)

    def connection_lost(self, exc: Exception | None) -> None:
        self._server_state.connections.discard(self)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._exchange is not None:
            self._exchange.disconnect()
            self._exchange = None
        self.resume_writing()
        self._reader.close()

    def data_received(self, data: bytes) -> None:
        exchange = self._exchange
        if self._lingering is not None:
            until, most = self._lingering
            self._deadline = min(until + len(data) / LINGER_PACE, most)
            self._lingering = self._deadline, most
        elif exchange is None or exchange.complete or not exchange.whole:
            self._read(data)
        else:
            self._wait(data)

    def pause_writing(self) -> None:
        self.write_paused = True
        self._stall_timer = self._loop.call_later(STALLED, self._transport.abort)

    def resume_writing(self) -> None:
        self.write_paused = False
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None
        if self._writable is not None:
            self._writable.set()

    def shutdown(self) -> None:
        """The server is to stop: this connection ends with the answer that is under way."""
        if self._exchange is None or self._exchange.complete or self._lingering is not None:
            self._transport.close()
        else:
            self._exchange.keep_alive = False

    # ── reading ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _read(self, data: bytes) -> None:
        """Reads on to the end of a request; what stands behind it waits for the answer."""
        reader = self._reader
        try:
            while data:
                data = reader.feed(data)
                exchange = self._exchange
                if data and exchange is not None and not exchange.complete:
                    self._wait(data)
                    return
        except Refused as refused:
            self._refuse(refused)
            return
        if reader.begun and not self._timing_head:
            self._timing_head = True
            self._expect(self.head_timeout)

    def _begin(self, scope: Scope, keep_alive: bool, expects: bool) -> Exchange:
        self._timing_head = False
        self._deadline = math.inf
        scope["client"], scope["server"], scope["state"] = self._client, self._server, self._app_state
        self._exchange = exchange = Exchange(self, scope, keep_alive, expects)
        # As `create_task` would make it, which numbers each for a name: that costs a fifth of the task.
        exchange.task = asyncio.Task(exchange.run(self._app), loop=self._loop, name="request")
        self._server_state.tasks.add(exchange.task)
        return exchange

    # ── writing, for the exchange ──────────────────────────────────────────────────────────────────────────────────

    def write(self, data: bytes) -> None:
        self._transport.write(data)

    async def writable(self) -> None:
        if self._writable is None:
            self._writable = asyncio.Event()
        while self.write_paused:
            self._writable.clear()
            await self._writable.wait()

    def default_head(self) -> bytes:
        """What stands in the head of each answer, as the server has it for this second."""
        headers, head = self.written_defaults
        if headers is not self._server_state.default_headers:
            headers = self._server_state.default_headers
            head = b"".join([b"%b: %b\r\n" % header for header in headers])
            type(self).written_defaults = headers, head
        return head

    def pause_reading(self) -> None:
        if not self._reading_paused:
            self._reading_paused = True
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        if self._reading_paused:
            self._reading_paused = False
            self._transport.resume_reading()

    def answered(self, exchange: Exchange) -> None:
        """Its answer is written: the connection ends, or goes on with what waits."""
        self._server_state.total_requests += 1
        if self._transport.is_closing():
            return
        if not exchange.keep_alive:
            # The rest of a refused body was read, or not, by whoever refused it.
            self._finish(unread=bool(self._waiting))
            return
        self.resume_reading()
        if not exchange.whole:
            # What still comes of its body is passed over.
            self._expect(self.head_timeout)
            return
        self._expect(self._keep_alive)
        if self._waiting:
            data = bytes(self._waiting)
            self._waiting.clear()
            self._read(data)

    def ended(self, task: asyncio.Task[None]) -> None:
        """The application has returned. A callback of the task would be another turn of the event loop."""
        self._server_state.tasks.discard(task)

    def failed(self, exchange: Exchange) -> None:
        """The application left it without a whole answer."""
        if not exchange.written:
            scope = exchange.scope
            self._answer_error(InternalError(), scope["raw_path"], scope["headers"])
            self._finish(unread=True)
        else:
            self._break_off(exchange)

    # ── ends ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _wait(self, data: bytes) -> None:
        self._waiting += data
        if len(self._waiting) > MAX_WAITING:
            self.pause_reading()

    def _refuse(self, refused: Refused) -> None:
        """Breaks the connection where an answer is on its way."""
        exchange = self._exchange
        if exchange is not None and not exchange.complete:
            exchange.disconnect()
            if exchange.written:
                self._break_off(exchange)
                return
        self._answer_error(refused, self._reader.url, self._reader.headers)
        self._finish(unread=True)

    def _break_off(self, exchange: Exchange) -> None:
        """What was written of its answer still arrives, and does not look whole."""
        if exchange.until_close:
            reset(self._transport)
        else:
            self._finish(unread=True)

    def _answer_error(self, error: LiftgateError, path: bytes, headers: Sequence[Header]) -> None:
        """`path` and `headers`: of the request, as far as they were read."""
        table = table_of_path(path.decode("latin-1"))
        dialect = table.dialect
        written = dialect.error(error)
        request_id = ids.new_request_id()
        body = error_bytes(written, request_id)
        answer: list[Header] = [
            (b"content-type", dialect.json_type),
            (b"content-length", b"%d" % len(body)),
            *((name, request_id.encode()) for name in table.id_headers),
            (b"connection", b"close"),
        ]
        if self.sharing is not None:
            origins = [value for name, value in headers if name == b"origin"]
            answer += self.sharing.headers(origins[0].decode("latin-1").strip() if len(origins) == 1 else "")
        head = b"".join(b"%b: %b\r\n" % header for header in answer)
        self._transport.write(STATUS_LINES[written.status] + head + b"\r\n" + body)

    def _finish(self, *, unread: bool) -> None:
        """Ends behind the last answer. Where more may come, it is read for a while: a reset would take the answer."""
        self._waiting.clear()
        if not unread:
            self._transport.close()
            return
        now = self._loop.time()
        self._lingering = now + LINGER_SECONDS, now + LINGER_MOST
        self._transport.write_eof()
        self.resume_reading()
        self._expect(LINGER_SECONDS)

    def _expect(self, seconds: float) -> None:
        """Closes the connection `seconds` from now, unless something is expected anew or a request begins before."""
        self._deadline = due = self._loop.time() + seconds
        if self._timer is not None:
            if self._timer_due <= due:
                return
            self._timer.cancel()
        self._timer_due = due
        self._timer = self._loop.call_at(due, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._deadline == math.inf or self._transport.is_closing():
            return
        if self._loop.time() + TIMER_GRAIN >= self._deadline:
            self._transport.close()
        else:
            self._timer_due = self._deadline
            self._timer = self._loop.call_at(self._deadline, self._look)


def _address(info: Any) -> tuple[str, int] | None:
    return (str(info[0]), int(info[1])) if isinstance(info, list | tuple) else None


def reset(transport: asyncio.Transport) -> None:
    """Breaks the connection so that the other side sees that it broke."""
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
