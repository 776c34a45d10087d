"""A line between a browser and a gateway that counts what is sent over it, and breaks or stops where a test says."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

PIECE = 64 * 1024
SLOW = 0.5
"""Seconds for a piece, of each connection that brings one."""


class Relay:
    """`url`: where browsers reach the gateway. `sent`: bytes that they sent. All connections break when it reaches one
    of `cuts`; from `stop_at` on it takes hardly anything, until `go_on`."""

    def __init__(self, target: str, cuts: Sequence[int], stop_at: int | None) -> None:
        address = urlsplit(target)
        self._target = (address.hostname or "", address.port or 0)
        self._cuts = sorted(cuts)
        self._stop_at = stop_at
        self._writers: set[asyncio.StreamWriter] = set()
        self.stopped = threading.Event()
        self.sent = 0
        self.broken = 0
        self.url = ""

    async def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._going = asyncio.Event()
        self._going.set()
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def end(self) -> None:
        self._server.close()
        self._going.set()
        self._break()
        await asyncio.sleep(0)

    def go_on(self) -> None:
        self._loop.call_soon_threadsafe(self._going.set)

    def _break(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            upstream, to_upstream = await asyncio.open_connection(*self._target)
            self._writers |= {writer, to_upstream}
            await asyncio.gather(self._send(reader, to_upstream), self._answer(upstream, writer))
        for each in (writer, to_upstream):
            self._writers.discard(each)
            each.close()

    async def _send(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while piece := await reader.read(PIECE):
                self.sent += len(piece)
                if self._cuts and self.sent >= self._cuts[0]:
                    self._cuts.pop(0)
                    self.broken += 1
                    self._break()
                    return
                if self._stop_at is not None and self.sent >= self._stop_at:
                    self._stop_at = None
                    self._going.clear()
                    self.stopped.set()
                if not self._going.is_set():
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._going.wait(), SLOW)
                writer.write(piece)
                await writer.drain()
        writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while piece := await reader.read(PIECE):
                writer.write(piece)
                await writer.drain()
        writer.close()


@contextmanager
def relay_to(target: str, *, cuts: Sequence[int] = (), stop_at: int | None = None) -> Iterator[Relay]:
    relay = Relay(target, cuts, stop_at)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="relay", daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(relay.start(), loop).result(10)
    try:
        yield relay
    finally:
        asyncio.run_coroutine_threadsafe(relay.end(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
