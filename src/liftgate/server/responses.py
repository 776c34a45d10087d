"""What a handler gives back: a body that is there, or one that comes in pieces. How each is put on the wire.

Every answer carries `x-request-id`. An answer to a request whose body was not read closes the connection, after reading
a bounded rest of it, so that the client gets to see the answer.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import msgspec

from liftgate.errors import LiftgateError
from liftgate.large_bodies import Body
from liftgate.server.asgi import Header, Send
from liftgate.server.metering import begin_answer
from liftgate.server.request import Request

_encode = msgspec.json.Encoder().encode

JSON: Header = (b"content-type", b"application/json")
JSON_UTF8: Header = (b"content-type", b"application/json; charset=UTF-8")
"""As Google writes it."""
EVENTS: tuple[Header, ...] = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
)


class Response:
    """A status, headers and a body that is there."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, body: bytes, headers: Sequence[Header] = (JSON,), *, status: int = 200) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    def deliver(self, request: Request, send: Send) -> Awaitable[None] | None:
        """Puts it on the wire, at once where the client takes it; else gives what is to be awaited."""
        headers = [*self.headers]
        request.name_in(headers)
        call = request.call
        if call is not None:
            headers += begin_answer(call, self.status, request.gateway.meters)
            call.bytes_out = len(self.body)
        direct = request.direct
        if direct is not None and not request.unread and direct.hold(self.status, headers, self.body):
            if call is None:
                direct.write()
            return None
        return self._sent(headers, request, send)

    async def _sent(self, headers: list[Header], request: Request, send: Send) -> None:
        refused = request.unread
        # These have no body; of a 304 a length would be that of the body it stands for.
        if self.status not in (204, 304):
            headers.append((b"content-length", b"%d" % len(self.body)))
        if refused:
            headers.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": refused})
        if refused:
            await request.drain()
            await send({"type": "http.response.body", "body": b""})

    async def break_off(self, error: LiftgateError, request: Request, send: Send) -> None:
        """Tells `error` where the answer was cut. Raises it where the answer has no place for it: then the connection
        has to break."""
        raise error


class StreamedResponse(Response):
    """A body in pieces; ends at once, and closes them, when the client goes away. `close` is called in any case.

    `in_band`: the bytes that tell an error inside, and end it; without them only a broken connection tells.

    `first` comes before the pieces. Who makes this has the first bytes in hand, or knows that there are some: once the
    head is out, a failure can only break the connection.
    """

    __slots__ = ("_close", "_first", "_in_band", "_pieces")

    def __init__(
        self,
        pieces: AsyncIterator[bytes],
        close: Callable[[], Awaitable[None]],
        *,
        status: int = 200,
        headers: Sequence[Header] = EVENTS,
        first: bytes = b"",
        in_band: Callable[[LiftgateError], Body] | None = None,
    ) -> None:
        super().__init__(b"", status=status, headers=headers)
        self._first = first
        self._in_band = in_band
        self._pieces = pieces
        self._close = close

    async def deliver(self, request: Request, send: Send) -> None:
        try:
            headers = [*self.headers]
            request.name_in(headers)
            if (call := request.call) is not None:
                headers += begin_answer(call, self.status, request.gateway.meters)
            await send({"type": "http.response.start", "status": self.status, "headers": headers})
            with request.while_connected():
                if self._first:
                    if call is not None:
                        call.bytes_out += len(self._first)
                    await send({"type": "http.response.body", "body": self._first, "more_body": True})
                # Awaiting `send` is the back-pressure: it returns when the connection takes more.
                async for piece in self._pieces:
                    if call is not None:
                        call.bytes_out += len(piece)
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
            direct = request.direct
            if call is None or direct is None or not direct.hold_end():
                await send({"type": "http.response.body", "body": b""})
        finally:
            await self._close()

    async def break_off(self, error: LiftgateError, request: Request, send: Send) -> None:
        if self._in_band is None:
            raise error
        ending = bytes(self._in_band(error))
        if request.call is not None:
            request.call.bytes_out += len(ending)
        await send({"type": "http.response.body", "body": ending})


def json_response(value: Any) -> Response:
    return Response(_encode(value))


def google_json(value: object) -> Response:
    return Response(_encode(value), headers=(JSON_UTF8,))
