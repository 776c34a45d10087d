"""One HTTP exchange as the sandbox sees it: the request with its faults, the reply, and the TCP connection below.

Plain ASGI. The one thing that ASGI cannot say is "reset the TCP connection": the transport is taken from uvicorn's
`send`, a bound method of the object that holds it, which works for both of its HTTP implementations and needs no
configuration of the server. Without uvicorn below, a reset is an exception.
"""

import asyncio
import socket
import struct
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from liftgate.sandbox.faults import FaultPlan

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

TEXT = "text/plain; charset=utf-8"
JSON_TYPE = "application/json; charset=UTF-8"
VARY = ("vary", "Origin, X-Origin, Referer")
ALT_SVC = ("alt-svc", 'h3=":443"; ma=2592000,h3-29=":443"; ma=2592000')
EXPOSED = (
    "x-goog-upload-url, x-goog-upload-status, x-goog-upload-size-received, x-goog-upload-chunk-granularity, "
    "x-goog-upload-control-url"
)


class Hangup(Exception):
    """The exchange ends here without (the rest of) an answer: the client left, or a fault says so."""

    def __init__(self, reason: str, *, reset: bool = True, by_client: bool = False):
        super().__init__(reason)
        self.reset = reset
        self.by_client = by_client


class Connection:
    """The TCP connection that carries an exchange."""

    def __init__(self, send: Send):
        self._transport: asyncio.Transport | None = getattr(getattr(send, "__self__", None), "transport", None)

    def end(self, *, reset: bool) -> None:
        """Close at once, with a TCP reset or in order. Ends in ConnectionResetError where there is no transport."""
        if self._transport is None:
            raise ConnectionResetError("the sandbox cut this exchange; there is no TCP connection to reset")
        if not reset:
            self._transport.close()
            return
        sock = self._transport.get_extra_info("socket")
        if sock is not None:
            # Linger on with zero seconds makes close() send RST instead of FIN.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()


@dataclass
class Exchange:
    """A request, and the plan of faults that it runs under."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    origin: str
    receive: Receive
    plan: FaultPlan = field(default_factory=FaultPlan)
    body_received: int = 0
    _ended: bool = False

    @classmethod
    def begin(cls, scope: Message, receive: Receive) -> "Exchange":
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        host = headers.get("host") or "{}:{}".format(*(scope.get("server") or ("127.0.0.1", 80)))
        query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        return cls(scope["method"], scope["path"], query, headers, f"{scope.get('scheme', 'http')}://{host}", receive)

    @property
    def wants_events(self) -> bool:
        """`alt=sse`; Google's older libraries write `$alt`, with how they want enums behind it."""
        return "sse" in (self.query.get("alt"), self.query.get("$alt", "").partition(";")[0])

    @property
    def content_length(self) -> int | None:
        text = self.headers.get("content-length", "")
        return int(text) if text.isdigit() else None

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body as it arrives, under the faults; Hangup when the client leaves or a fault cuts."""
        while not self._ended:
            room = await self.plan.before_reading(self.body_received)
            if room == 0:
                raise Hangup("cut by a fault", reset=self.plan.resets)
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise Hangup("the client left", by_client=True)
            piece: bytes = message.get("body", b"")
            self._ended = not message.get("more_body", False)
            if room is not None and len(piece) > room:
                piece, self._ended = piece[:room], False
            self.body_received += len(piece)
            await self.plan.after_reading(len(piece))
            if piece:
                yield piece

    async def body(self, limit: int | None = None) -> bytes | None:
        """The whole body, or None when it is longer than `limit` bytes (what follows is read and dropped)."""
        parts: list[bytes] = []
        too_long = False
        async for piece in self.pieces():
            too_long = too_long or (limit is not None and self.body_received > limit)
            if too_long:
                parts.clear()
            else:
                parts.append(piece)
        return None if too_long else b"".join(parts)

    async def pause(self, seconds: float) -> None:
        """Wait while the client stays; Hangup as soon as it leaves. Only after the whole body was read."""
        if seconds <= 0:
            return
        try:
            async with asyncio.timeout(seconds):
                while (await self.receive())["type"] != "http.disconnect":
                    pass
        except TimeoutError:
            return
        raise Hangup("the client left", by_client=True)

    async def drain(self) -> None:
        async for _ in self.pieces():
            pass


@dataclass
class Reply:
    """An answer: `content` is bytes (sent at once) or an iterator (sent as it comes, chunked)."""

    status: int
    headers: list[tuple[str, str]]
    content: bytes | AsyncGenerator[bytes, None] = b""
    sized: bool = False
    """Whether content-length is sent; JSON methods of Google's front answer chunked."""


def json_bytes(value: object) -> bytes:
    """As Google prints JSON: two spaces of indentation and a last line feed."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"


def api_reply(status: int, value: object, *extra: tuple[str, str]) -> Reply:
    """A JSON answer of the API front."""
    return Reply(status, api_headers(JSON_TYPE, *extra), json_bytes(value))


def api_headers(content_type: str, *extra: tuple[str, str]) -> list[tuple[str, str]]:
    return [
        ("content-type", content_type),
        VARY,
        ("server", "scaffolding on HTTPServer2"),
        ("x-xss-protection", "0"),
        ("x-frame-options", "SAMEORIGIN"),
        ("x-content-type-options", "nosniff"),
        ("server-timing", "gfet4t7; dur=48"),
        ALT_SVC,
        *extra,
    ]


def upload_reply(status: int, content: bytes, content_type: str, *extra: tuple[str, str]) -> Reply:
    """An answer of the upload server."""
    return Reply(
        status, [("content-type", content_type), *extra, ("server", "UploadServer"), ALT_SVC], content, sized=True
    )


async def send_reply(reply: Reply, send: Send, plan: FaultPlan, date: str, *, cross_origin: bool) -> None:
    """Send `reply` under the plan's faults on the answer; Hangup when one of them cuts it."""
    headers = [*reply.headers, ("date", date)]
    if cross_origin:
        headers += [("access-control-allow-origin", "*"), ("access-control-expose-headers", EXPOSED)]
    if isinstance(reply.content, bytes) and reply.sized:
        headers.append(("content-length", str(len(reply.content))))
    raw = [(name.encode("latin-1"), value.encode("utf-8")) for name, value in headers]
    room = plan.answer_room
    if room is not None and room < 0:
        raise Hangup("the answer is lost by a fault", reset=plan.resets)
    await send({"type": "http.response.start", "status": reply.status, "headers": raw})
    async with aclosing(_pieces_of(reply.content)) as pieces:
        async for piece in pieces:
            if room is not None and len(piece) >= room:
                await send({"type": "http.response.body", "body": piece[:room], "more_body": True})
                # The client must be able to read what was sent before the reset overtakes it.
                await asyncio.sleep(0.05)
                raise Hangup("the answer is cut by a fault", reset=plan.resets)
            room = None if room is None else room - len(piece)
            await plan.before_sending(len(piece))
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _pieces_of(content: bytes | AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    if isinstance(content, bytes):
        for start in range(0, len(content), 65536):
            yield content[start : start + 65536]
        return
    async with aclosing(content):
        async for piece in content:
            yield piece
