"""One line for every request: method, path, status, milliseconds, bytes sent, owner, request id.

Never the query, which may hold a key, and never a header. It wraps `send` only where the log is switched on.
"""

from __future__ import annotations

import logging
from time import monotonic

from liftgate.server.asgi import Message, Send
from liftgate.server.request import Request

log = logging.getLogger("liftgate.access")


class CountedSend:
    """An ASGI `send` that notes the status and how many bytes of body went out."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start = monotonic()
        self._status = 0
        self._bytes = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
        else:
            self._bytes += len(message.get("body", b""))
        await self._send(message)

    def write_line(self, request: Request) -> None:
        """Status 0: the client left before there was an answer."""
        elapsed = (monotonic() - self._start) * 1000
        # `ascii` keeps control characters of a hostile path out of the log, wherever it is written. A space would look
        # like the end of the path.
        path = ascii(request.path)[1:-1].replace(" ", "\\x20")
        owner = request.owner or "-"
        log.info(
            "%s %s %d %.1fms %dB %s %s", request.method, path, self._status, elapsed, self._bytes, owner, request.id
        )
