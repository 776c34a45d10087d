"""Answers so large that no single call may write them: made in a thread, sent in steps, freed in a thread."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence

from liftgate.large_bodies import STEP, Body
from liftgate.server.asgi import Header, Send
from liftgate.server.metering import begin_answer
from liftgate.server.request import Request
from liftgate.server.responses import Response


class LargeResponse(Response):
    """The content is empty when it was sent."""

    __slots__ = ("_content",)

    def __init__(self, content: Body, *, headers: Sequence[Header]) -> None:
        super().__init__(b"", headers=headers)
        self._content = content

    async def deliver(self, request: Request, send: Send) -> None:
        length = (b"content-length", b"%d" % len(self._content))
        headers = [*self.headers, length, (b"x-request-id", request.id.encode())]
        if (call := request.call) is not None:
            headers += begin_answer(call, self.status, request.gateway.meters)
            call.bytes_out = len(self._content)
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        async for piece in in_steps(self._content):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


async def large_response(write: Callable[[], Body], headers: Sequence[Header]) -> LargeResponse:
    """Of what `write` gives, which is called in a thread."""
    return LargeResponse(await asyncio.to_thread(write), headers=headers)


async def in_steps(content: Body) -> AsyncGenerator[bytes]:
    """Pieces of it; a bytearray is empty at the end."""
    for at in range(0, len(content), STEP):
        yield bytes(content[at : at + STEP])
    if isinstance(content, bytearray):
        await asyncio.to_thread(content.clear)
