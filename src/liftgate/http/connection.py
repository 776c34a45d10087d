"""One HTTP/1.1 connection to Gemini and the exchanges on it, one after another; httptools does the parsing.

`ask` begins an exchange and gives its `Answer`, which fills while bytes come and may be read after the connection went
back to whoever keeps it. A connection is used again only where both sides are surely done with the last exchange.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

import httptools

from liftgate.errors import LiftgateError, UpstreamDisconnected, UpstreamProtocolError
from liftgate.http.network import LONGEST_HEAD, broken
from liftgate.large_bodies import Body, grown

UNREAD = 256 * 1024
"""Bytes of an answer that wait for their reader before no more are taken from the network."""
MANY = 8
"""Pieces of an answer that are joined at once; more of them are many bytes."""

Fields = dict[bytes, bytes]


NO_FIELDS: Fields = {}


class Answer:
    """An answer as it comes: `status` and `header` once it has `begun`, then its body, until it has `ended`.

    Whoever has one reads it to its end, or closes it. `fields` and `pieces` are its connection's to fill. Of a field
    that came more than once the first counts: there is no list among those that mean something here.
    """

    __slots__ = ("_arrival", "_connection", "begun", "ended", "failure", "fields", "pieces", "status")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._arrival: asyncio.Future[None] | None = None
        self.fields: Fields = NO_FIELDS
        self.pieces: list[bytes] = []
        self.status = 0
        self.begun = False
        self.ended = False
        self.failure: LiftgateError | None = None

    def header(self, name: bytes) -> str | None:
        """The value of this name, which is quickest found if it is spelled as the server does; or None."""
        value = self.fields.get(name)
        if value is None:
            size, name = len(name), name.lower()
            for field, other in self.fields.items():
                if len(field) == size and field.lower() == name:
                    value = other
                    break
        return None if value is None else value.decode("latin-1").strip()

    @property
    def headers(self) -> dict[str, str]:
        """By name in lower case."""
        found: dict[str, str] = {}
        for field, value in self.fields.items():
            found.setdefault(field.decode("latin-1").lower(), value.decode("latin-1").strip())
        return found

    def more(self) -> asyncio.Future[None]:
        """To be awaited for more of it: a piece, or its end. Raises what broke it."""
        if self.failure is not None:
            raise self.failure.again()
        self._arrival = self._connection.future()
        return self._arrival

    @property
    def wants_no_more(self) -> bool:
        """Whether nothing is gained by sending the rest of its request: it is whole, broken, or a refusal."""
        return self.ended or self.failure is not None or self.status >= 300

    @property
    def is_silent(self) -> bool:
        """Whether nothing is there to `take`, and nothing broke it."""
        return not (self.pieces or self.ended or self.failure is not None)

    def at_hand(self) -> bytes | None:
        """All of the body that was not read yet, where it is here and in one piece."""
        return self.pieces.pop() if self.ended and len(self.pieces) == 1 else None

    async def read(self) -> Body:
        """All of the body that was not read yet, however large. Raises what broke it; closed when it is cancelled."""
        pieces: list[bytes] = []
        try:
            while not self.ended:
                pieces.append(await self.read_some())
        except BaseException:
            self.close()
            raise
        pieces += self.pieces
        self.pieces = []
        if len(pieces) == 1:
            return pieces[0]
        return b"".join(pieces) if len(pieces) < MANY else await asyncio.to_thread(grown, pieces)

    async def read_some(self) -> bytes:
        """What has arrived, at least a byte; b"" at the end. Raises what broke it, behind all that came before."""
        while (piece := self.take()) is None:
            await self.more()
        return piece

    def take(self) -> bytes | None:
        """The same without waiting; None where `more` is to be awaited."""
        if not self.pieces:
            return b"" if self.ended and self.failure is None else None
        pieces, self.pieces = self.pieces, []
        if not self.ended:
            self._connection.taken()
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def close(self) -> None:
        """Ends the exchange: what has not come is not waited for. Idempotent."""
        self.pieces = []
        if not self.ended:
            self._connection.abort()

    def tell(self) -> None:
        """Wakes its reader: more of it is here, its end or its failure."""
        arrival, self._arrival = self._arrival, None
        if arrival is not None and not arrival.done():
            arrival.set_result(None)

    @property
    def ends_with_connection(self) -> bool:
        """Whether nothing but the connection's end says where the body ends (RFC 9112, 6.3)."""
        framed = self.header(b"content-length") is not None or self.header(b"transfer-encoding") is not None
        return self.begun and not framed


class Connection(asyncio.Protocol):
    """Made by an event loop. `freed` is called when it may be used again, `lost` when it is gone."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        freed: Callable[[Connection], None],
        lost: Callable[[Connection], None],
    ) -> None:
        self.future: Callable[[], asyncio.Future[None]] = loop.create_future
        self.free_since = 0.0
        self._freed = freed
        self._lost = lost
        self._fields: Fields = {}
        # The parser calls it as it is: a function of ours for each field costs more than all that is made of them.
        self.on_header = self._fields.setdefault
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._writable: asyncio.Future[None] | None = None
        self._writing_paused = False
        self._reading_paused = False
        # Of the exchange under way:
        self._answer: Answer | None = None
        self._head_bytes = 0
        self._unread = 0
        self._sent = False
        self._reusable = False

    # ── who uses it ──────────────────────────────────────────────────────────────────────────────

    def is_open(self) -> bool:
        """Whether a request may still be sent."""
        return self._transport is not None and not self._transport.is_closing()

    def ask(self, request: bytes, *, complete: bool = True) -> Answer:
        """Begins an exchange; `request` is all of it, or with `complete=False` its beginning, and `write` follows."""
        assert self._transport is not None and self._answer is None, "one exchange at a time, on an open connection"
        answer = self._answer = Answer(self)
        self._head_bytes = self._unread = 0
        self._sent = complete
        self._transport.write(request)
        return answer

    async def write(self, piece: bytes | memoryview, *, last: bool = False) -> None:
        """More of the request. Returns when the network takes more, or when nothing is to be sent any more."""
        answer = self._answer
        if answer is None or self._transport is None:
            return
        self._transport.write(piece)
        while self._writing_paused and self._answer is answer and not answer.wants_no_more:
            self._writable = self.future()
            await self._writable
        self._sent = last

    def taken(self) -> None:
        """The reader has what had come: more may."""
        self._unread = 0
        transport = self._transport
        if self._reading_paused and transport is not None and not transport.is_closing():
            self._reading_paused = False
            transport.resume_reading()

    def abort(self) -> None:
        """Ends it at once, with what was not sent: an orderly close waits for a peer that may read no more."""
        self._fail(UpstreamDisconnected("The exchange with Gemini was given up."))

    def close(self) -> None:
        """Ends it in order; for one that is not in use."""
        if self._transport is not None:
            self._transport.close()

    # ── the event loop ───────────────────────────────────────────────────────────────────────────

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        answer = self._answer
        if answer is None:
            # Unasked. Bytes that come outside an exchange must never be taken for the next answer.
            self.abort()
            return
        try:
            self._parser.feed_data(data)
            if answer.begun:
                # Trailers mean nothing to us, however many they are.
                self._fields.clear()
            else:
                self._head_bytes += len(data)
                if self._head_bytes > LONGEST_HEAD:
                    raise httptools.HttpParserError("a head without an end")
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._reusable = False
            if not answer.ended:
                said = "" if isinstance(error, httptools.HttpParserUpgrade) else f" ({error})"
                self._fail(UpstreamProtocolError(f"Gemini's answer is no HTTP that we understand{said}."))
                return
        if answer.ended:
            self._finish()
        elif self._writable is not None and answer.wants_no_more:
            self._let_writer_go()
        answer.tell()

    def eof_received(self) -> None:
        # A transport left to itself would first send what it still has, to a peer that may not read it.
        self._over(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._lost(self)
        self._over(exc)

    def pause_writing(self) -> None:
        self._writing_paused = True

    def resume_writing(self) -> None:
        self._writing_paused = False
        self._let_writer_go()

    # ── httptools ────────────────────────────────────────────────────────────────────────────────

    def on_message_begin(self) -> None:
        if self._answer is None or self._answer.ended:
            raise ValueError("a second answer to one request")

    def on_headers_complete(self) -> None:
        answer = cast("Answer", self._answer)
        answer.status = self._parser.get_status_code()
        if answer.status >= 200:
            answer.begun = True
            answer.fields = self._fields.copy()
        else:
            # 1xx announces another answer.
            self._fields.clear()

    def on_body(self, body: bytes) -> None:
        cast("Answer", self._answer).pieces.append(body)
        self._unread += len(body)
        if self._unread > UNREAD and not self._reading_paused and self._transport is not None:
            self._reading_paused = True
            self._transport.pause_reading()

    def on_message_complete(self) -> None:
        answer = cast("Answer", self._answer)
        if answer.begun:
            answer.ended = True
            self._reusable = self._parser.should_keep_alive()

    # ── the end of an exchange ───────────────────────────────────────────────────────────────────

    def _finish(self) -> None:
        """The answer is whole."""
        self._answer = None
        transport = self._transport
        if transport is None:
            return
        if self._reading_paused:
            self.taken()
        if self._reusable and self._sent and not transport.get_write_buffer_size() and not transport.is_closing():
            self._freed(self)
        else:
            self._let_writer_go()
            transport.abort()

    def _over(self, exc: Exception | None) -> None:
        """The other side says no more."""
        answer = self._answer
        if answer is not None and exc is None and answer.ends_with_connection:
            answer.ended = True
            self._answer = None
            answer.tell()
        self._fail(broken(exc or ConnectionResetError()))

    def _fail(self, error: LiftgateError) -> None:
        """The answer, if one is awaited, will never be whole; nor will there be another."""
        answer, self._answer = self._answer, None
        if answer is not None:
            answer.failure = error
            answer.tell()
        self._let_writer_go()
        if self._transport is not None:
            self._transport.abort()

    def _let_writer_go(self) -> None:
        writable, self._writable = self._writable, None
        if writable is not None and not writable.done():
            writable.set_result(None)
