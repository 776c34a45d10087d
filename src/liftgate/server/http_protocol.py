"""A client's connection: one request at a time, back-pressure both ways, and one timer that always runs while it idles.

What stands behind a request waits, unparsed, until that is answered. What is refused before the application sees it is
answered in the same JSON as every other error. uvicorn accepts connections and makes these; all of HTTP is here, in
`request_reader` and `exchange`.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from typing import Any, cast

from uvicorn.config import Config
from uvicorn.server import ServerState

from liftgate.errors import InternalError, LiftgateError
from liftgate.server.asgi import ANSWERED, Header, Scope
from liftgate.server.breaking import STALLED, Stall, reset
from liftgate.server.errors import Refused
from liftgate.server.exchange import Exchange
from liftgate.server.request_reader import RequestReader
from liftgate.server.unseen import Answered, Front

LINGER_SECONDS = 5.0
LINGER_BRIEFLY = 0.5
LINGER_PACE = 1024 * 1024
LINGER_MOST = 30.0
"""How long is read on, and thrown away, behind a last answer: seconds (briefly, where the server is to stop), one more
for so many bytes, and at most. A reset would take the answer from a client that still sends, however much that is."""

MAX_WAITING = 64 * 1024
"""Bytes of next requests that wait for an answer before reading is paused; until then a client's leaving is seen."""

TIMER_GRAIN = 0.005
"""Seconds: loops round their timers."""


def limited_protocol(
    *, max_head: int, head_timeout: float, front: Front | None = None, stalled: float = STALLED
) -> type[Connection]:
    """The protocol class for `uvicorn.Config(http=…)`: uvicorn makes the instances, so what they share is in the class.
    `front`: what answers in the application's place. `stalled`: seconds in place of STALLED."""
    shared = {"max_head": max_head, "head_timeout": head_timeout, "front": front or Front(), "stalled": stalled}
    return type("LimitedConnection", (Connection,), shared)


class Connection(asyncio.Protocol):
    """`max_head`: bytes. `head_timeout`: seconds from the first byte of a request to the end of its head."""

    max_head = 64 * 1024
    head_timeout = 30.0
    stalled = STALLED
    front = Front()
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
        self._stopping = False
        # Time. `_timing_head`: the deadline is that of the head which is on its way.
        self._deadline = math.inf
        self._timing_head = True
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due = math.inf
        self._stall: Stall | None = None
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
        self._leave()
        self._go_on_writing()
        self._reader.close()

    def eof_received(self) -> None:
        """A client that ends its side has left: what it waits for ends, although some of them would still read."""
        self._leave()
        self._close()

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
        self._stall = Stall(self._transport, self.stalled)

    def resume_writing(self) -> None:
        # What is left at a close is less than this, and waits for the client too.
        if not self._transport.is_closing():
            self._go_on_writing()

    def _go_on_writing(self) -> None:
        self.write_paused = False
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None
        if self._writable is not None:
            self._writable.set()

    def shutdown(self) -> None:
        """The server is to stop: this connection ends with the answer that is under way."""
        self._stopping = True
        if self._exchange is not None and not self._exchange.complete:
            self._exchange.keep_alive = False
        elif self._lingering is not None:
            self._finish()
        elif self._reader.begun or self._exchange is None:
            # The first request of a connection may be under way.
            self._expect(LINGER_SECONDS if self._reader.begun else LINGER_BRIEFLY)
        else:
            self._end()

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
        self._exchange = exchange = Exchange(self, scope, keep_alive and not self._stopping, expects)
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
            self._finish()
            return
        self.resume_reading()
        # What still comes of its body is passed over.
        self._expect(self._keep_alive if exchange.whole else self.head_timeout)
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
            self._answer_error(InternalError(), scope["raw_path"], scope["headers"], scope["method"])
            self._finish()
        else:
            self._break_off(exchange)

    # ── ends ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _wait(self, data: bytes) -> None:
        self._waiting += data
        if len(self._waiting) > MAX_WAITING:
            self.pause_reading()

    def _refuse(self, refused: Refused) -> None:
        """Breaks the connection where an answer is on its way."""
        exchange, reader = self._exchange, self._reader
        if exchange is not None and exchange.complete:
            exchange = None
        elif exchange is not None and exchange.written:
            exchange.disconnect()
            self._break_off(exchange)
            return
        answered = self._answer_error(refused, reader.url, reader.headers, reader.method)
        if exchange is None:
            self.front.tell(answered, self._client[0] if self._client else "")
        else:
            exchange.scope[ANSWERED] = answered
            exchange.disconnect()
        self._finish()

    def _break_off(self, exchange: Exchange) -> None:
        """What was written of its answer still arrives, and does not look whole."""
        if exchange.until_close:
            reset(self._transport)
        else:
            self._finish()

    def _answer_error(self, error: LiftgateError, target: bytes, headers: Sequence[Header], method: str) -> Answered:
        line, rest, answered = self.front.answer(error, target, headers, method)
        self._transport.write(line + self.default_head() + rest)
        return answered

    def _finish(self) -> None:
        """Ends behind the last answer. A client may send more, whatever it said before: that is read for a while."""
        self._waiting.clear()
        now = self._loop.time()
        seconds = LINGER_BRIEFLY if self._stopping else LINGER_SECONDS
        self._lingering = now + seconds, now + LINGER_MOST
        self._transport.write_eof()
        self.resume_reading()
        self._expect(seconds)

    def _end(self) -> None:
        """Of a connection that waits, which may be for the rest of a body that was passed over."""
        if self._lingering is None and self._exchange is not None and not self._exchange.whole:
            self._finish()
        else:
            self._close()

    def _close(self) -> None:
        """What is written still goes out, to a client that takes it."""
        self._transport.close()
        if self._stall is None and self._transport.get_write_buffer_size():
            self._stall = Stall(self._transport, self.stalled)

    def _leave(self) -> None:
        if self._exchange is not None:
            self._exchange.disconnect()
            self._exchange = None

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
            self._end()
        else:
            self._timer_due = self._deadline
            self._timer = self._loop.call_at(self._deadline, self._look)


def _address(info: Any) -> tuple[str, int] | None:
    return (str(info[0]), int(info[1])) if isinstance(info, list | tuple) else None
