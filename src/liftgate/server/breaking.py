"""How a connection is broken: where a client takes nothing of what is written to it, for which a transport that is to
close waits as well, and for ever; and where only that tells a client that its answer was cut.
"""

from __future__ import annotations

import asyncio
import socket
import struct

STALLED = 120.0
"""Seconds in which a client must take some of what is sent to it."""


class Stall:
    """Begins to look at once: where the system took nothing of what waits in `transport` for so many `seconds`, that is
    aborted. A slow client goes on."""

    def __init__(self, transport: asyncio.WriteTransport, seconds: float) -> None:
        self._transport = transport
        self._seconds = seconds
        self._wait()

    def _wait(self) -> None:
        self._waiting = self._transport.get_write_buffer_size()
        self._timer = asyncio.get_running_loop().call_later(self._seconds, self._look)

    def _look(self) -> None:
        if self._transport.get_write_buffer_size() < self._waiting:
            self._wait()
        else:
            self._transport.abort()

    def cancel(self) -> None:
        self._timer.cancel()


def reset(transport: asyncio.Transport) -> None:
    """Breaks the connection so that the other side sees that it broke."""
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
