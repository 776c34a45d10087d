"""One request as handlers see it: its headers and query decoded when asked for, its body read with deadlines.

A body that stops coming is RequestTimeout, one that is too large TooLarge, a client that goes away ClientLeft: every
wait on the client has an end. It knows no route and no engine call.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from urllib.parse import quote

from liftgate.engine.meter import CallRecord
from liftgate.errors import InvalidRequest, RequestTimeout, TooLarge
from liftgate.gateway import Gateway
from liftgate.json_types import JsonObject
from liftgate.keys.key import ANONYMOUS
from liftgate.large_bodies import LARGE, Body
from liftgate.server.app_state import AppState
from liftgate.server.asgi import Header, Message, Receive, Scope
from liftgate.server.bodies import BAD_JSON, NO_JSON, UNCOUNTED, decode_json, decoded_once, read_again
from liftgate.server.content_encoding import decoded
from liftgate.server.departure import DepartureWatch
from liftgate.server.exchange import EXTENSION, FIELDS, ClientLeft, Exchange, Watch
from liftgate.server.query import first_value, read_query
from liftgate.sizes import announced, exact_size
from liftgate.whole_numbers import whole_number

SLOWEST = 1024
"""Bytes a second, on average, below which a body counts as one that stopped coming."""

ID_HEADERS = (b"x-request-id",)
"""What tells a request's id, where its API has no other name for it."""

DRAINED_SECONDS = 5.0
DRAINED_PACE = 1024 * 1024
DRAINED_MOST = 30.0
"""How long the rest of a refused body is read, so that a client that writes first and reads then gets its answer:
seconds, one more for so many bytes, and at most."""


class Request:
    """`params`: what the path names. `caller` and `owner`: set once the key is known. `left`: the client has gone.

    `signed_in_key`: the key that a browser signed in with; it counts where the request brings none. `call`: its record,
    where somebody listens. `exchange`: where its server is ours. `direct`: the same, where nothing stands between."""

    __slots__ = (
        "_begun", "_bodies", "_dawdling", "_holder", "_receive", "_received", "_scope", "call", "caller", "deadlines",
        "desk", "direct", "exchange", "gateway", "headers", "held", "id", "id_headers", "left", "method", "owner",
        "params", "path", "query_string", "raw_path", "signed_in_key", "tasks", "unread",
    )  # fmt: skip

    def __init__(self, scope: Scope, receive: Receive, gateway: Gateway, state: AppState, request_id: str) -> None:
        self._scope = scope
        self._receive = receive
        self.exchange: Exchange | None = (scope.get("extensions") or {}).get(EXTENSION)
        self.direct: Exchange | None = None
        self.call: CallRecord | None = None
        self.gateway = gateway
        self.tasks = state.tasks
        self.deadlines = state.deadlines
        self._bodies = state.bodies
        self.held = 0
        self.id = request_id
        self.id_headers: tuple[bytes, ...] = ID_HEADERS
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.raw_path: bytes = scope.get("raw_path") or quote(self.path).encode()
        self.query_string: bytes = scope["query_string"]
        headers = scope["headers"]
        of, fields = scope.get(FIELDS, (None, None))
        # What stands between it and us may have other headers for us.
        self.headers: dict[bytes, bytes] = fields if of is headers else dict(headers)
        self.params: dict[str, str] = {}
        self.caller = ANONYMOUS
        self.owner = ANONYMOUS.owner
        self.desk = state.desk
        self.signed_in_key = b""
        self.left = False
        self._dawdling = False
        self._begun = 0.0
        self._received = 0
        self.unread = self.headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in self.headers

    @property
    def peer(self) -> str:
        """Whom the connection is from; empty where the server does not know."""
        client: tuple[str, int] | None = self._scope.get("client")
        return client[0] if client else ""

    @property
    def scheme(self) -> str:
        """How the connection came, `http` or `https`."""
        return str(self._scope.get("scheme", "http"))

    def header(self, name: bytes) -> str:
        """Its value, or the empty text. Bytes that are no UTF-8 are kept readable, never an error."""
        return self.headers.get(name, b"").decode("utf-8", "backslashreplace").strip()

    def name_in(self, headers: list[Header]) -> None:
        """Adds the headers that tell an answer's reader which request it was."""
        value = self.id.encode()
        for name in self.id_headers:
            headers.append((name, value))

    @property
    def content_length(self) -> int | None:
        """Of the content, as it will be read: unknown where it comes in chunks, or encoded."""
        if (value := self.headers.get(b"content-length")) is None or b"content-encoding" in self.headers:
            return None
        return int(value) if len(value) < 19 and value.isdigit() else whole_number(value.strip().decode("latin-1"))

    @property
    def query_key(self) -> bytes:
        """Google's `?key=`; empty when there is none."""
        return self.query_value("key").encode("latin-1")

    def query_value(self, name: str) -> str:
        """The first value of one parameter, its bytes as Latin-1; empty when there is none."""
        return first_value(self.query_string, name)

    def query(self, *allowed: str, lists: tuple[str, ...] = ()) -> dict[str, str]:
        """`read_query` of its query."""
        return read_query(self.query_string, allowed, lists) if self.query_string else {}

    async def pieces(self) -> AsyncIterator[bytes]:
        """The content as it comes. Raises RequestTimeout, ClientLeft and what `content_encoding` raises."""
        if b"content-encoding" in self.headers:
            async for piece in decoded(self._raw(), self.header(b"content-encoding")):
                yield piece
            return
        while self.unread:
            if piece := await self._piece():
                yield piece

    async def _raw(self) -> AsyncIterator[bytes]:
        while self.unread:
            yield await self._piece()

    async def _piece(self) -> bytes:
        patience = self.gateway.settings.server.read_timeout
        now = time.monotonic()
        self._begun = self._begun or now
        message = await self._next(min(patience, self._begun + patience + self._received / SLOWEST - now))
        piece: bytes = message.get("body", b"")
        self._received += len(piece)
        self.unread = message.get("more_body", False)
        return piece

    async def _next(self, seconds: float) -> Message:
        try:
            with self.deadlines.within(seconds):
                message = await self._message()
        except TimeoutError:
            self._dawdling = True
            raise RequestTimeout("The request's body stopped coming.") from None
        if message["type"] == "http.disconnect":
            self.left = True
            raise ClientLeft
        return message

    async def _message(self) -> Message:
        began = time.monotonic()
        message = await self._receive()
        if (call := self.call) is not None and message["type"] == "http.request":
            call.bytes_in += len(message.get("body", b""))
            call.client += time.monotonic() - began
        return message

    async def body(self, limit: int) -> Body:
        """The whole content, of at most `limit` bytes. Raises TooLarge before reading where the length is known, and
        Unavailable where the process holds too many bytes of bodies already.
        """
        if b"content-encoding" in self.headers:
            return await self._gathered(bytearray(), limit)
        if (at_hand := self._at_hand(limit)) is not None:
            return at_hand
        length = self.content_length
        if length is not None and length > limit:
            raise TooLarge(announced("content size", limit, length), code="request_too_large")
        whole: list[bytes] = []
        size = 0
        while self.unread:
            piece = await self._piece()
            size += len(piece)
            whole.append(piece)
            if self._hold(size, limit):
                return await self._gathered(bytearray(b"".join(whole)), limit)
        return whole[0] if len(whole) == 1 else b"".join(whole)

    def _at_hand(self, limit: int) -> bytes | None:
        """The whole content, where it is here, small and as it was sent."""
        exchange = self.exchange
        if exchange is None or self._received or b"content-encoding" in self.headers:
            return None
        whole = exchange.take_whole(limit if limit < UNCOUNTED else UNCOUNTED)
        if whole is not None:
            self.unread = False
            if self.call is not None:
                self.call.bytes_in += len(whole)
        return whole

    def let_go(self) -> None:
        """Its body is not needed any more. Idempotent."""
        held, self.held = self.held, 0
        if held:
            self._bodies.let_go(held, self._holder)

    async def _gathered(self, whole: bytearray, limit: int) -> Body:
        """`whole` and what is still to come, which grows in place."""
        async for piece in self.pieces():
            self._hold(len(whole) + len(piece), limit)
            whole += piece
        return whole if len(whole) >= LARGE else bytes(whole)

    def _hold(self, size: int, limit: int) -> bool:
        """Of the body so many bytes have come. Whether it is a large one."""
        if size > limit:
            raise TooLarge(
                f"Maximum content size, {exact_size(limit)}, exceeded: {exact_size(size)} were read.",
                code="request_too_large",
            )
        if size > UNCOUNTED:
            # As they come: what was only announced takes no room.
            if not self.held:
                self._holder = self.owner
            self._bodies.hold(size - self.held, self._holder)
            self.held = size
            return size >= LARGE
        return False

    async def json_object(self, limit: int | None = None) -> JsonObject:
        """The body as a JSON object, of at most `limit` bytes. Raises InvalidRequest in OpenAI's words."""
        most = self.gateway.settings.limits.max_body_bytes
        if limit is not None and limit < most:
            most = limit
        body: Body | None = self._at_hand(most)
        if body is None:
            body = await self.body(most)
        try:
            value = decode_json(body) if len(body) < LARGE else await asyncio.to_thread(decoded_once, body)
        except NO_JSON:
            value = read_again(body)
        if type(value) is not dict:
            raise InvalidRequest(BAD_JSON)
        return value

    async def drain(self) -> None:
        """Reads on for a bounded while, and throws away, what a refused request still sends."""
        # Who waits for a word from us sends nothing now, and who was too slow would be so again.
        if self._dawdling or b"expect" in self.headers:
            return
        until = asyncio.get_running_loop().time() + DRAINED_SECONDS
        most = until - DRAINED_SECONDS + DRAINED_MOST
        try:
            async with asyncio.timeout_at(until) as limit:
                while self.unread:
                    message = await self._message()
                    until = min(until + len(message.get("body", b"")) / DRAINED_PACE, most)
                    limit.reschedule(until)
                    self.unread = message["type"] == "http.request" and message.get("more_body", False)
        except TimeoutError:
            return

    def while_connected(self, patience: float = 0.0) -> Watch | DepartureWatch:
        """`with request.while_connected(): await …` cancels what is inside when the client goes away, and then raises
        ClientLeft. Only after the body was read.

        `patience`: seconds before it begins to look where the server does not say so by itself: a watch costs more
        than quick answers.
        """
        if self.exchange is None or self.unread:
            return DepartureWatch(self, patience)
        return Watch(self, self.exchange)

    async def disconnected(self) -> None:
        """Waits until the client has gone. An unread body is thrown away: for a request without one, the first message
        says so and no more."""
        while not self.left:
            message = await self._message()
            self.unread = message.get("more_body", False)
            self.left = message["type"] == "http.disconnect"
