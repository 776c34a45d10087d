"""A server on a loopback socket that answers as a test says, for what the sandbox does not do on order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager

from liftgate.byte_source import PIECE
from liftgate.clock import SystemClock
from liftgate.deployments import Account, Deployment
from liftgate.gemini.client import GeminiClient
from liftgate.http.transport import ClientLimits

KEY = "AIza-the-key-of-this-test"

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listening(talk: Talk) -> AsyncIterator[str]:
    """Serves each connection with `talk`; gives the base URL."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=1 << 20)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def request(reader: asyncio.StreamReader) -> tuple[str, dict[str, str], bytes]:
    """The next request: its first line, headers (names in lower case), body."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in head[1:] if line)}
    return head[0], headers, await reader.readexactly(int(headers.get("content-length", 0)))


def answer(status: int, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} Phrase", f"content-length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def scripted(*answers: bytes, seen: list[tuple[str, dict[str, str], bytes]] | None = None) -> Talk:
    """One answer for each request, over any number of connections; b"" closes without one."""
    left = iter(answers)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            asked = await request(reader)
            if seen is not None:
                seen.append(asked)
            reply = next(left, b"")
            if not reply:
                return
            writer.write(reply)
            await writer.drain()

    return talk


def account_at(base: str) -> Account:
    return Account(name="team-a", api_keys=(KEY,), api_base=base)


def deployment_at(base: str, model: str = "gemini-2.5-flash") -> Deployment:
    return Deployment(id="d1", model_name="gemini", model=model, account=account_at(base), api_key=KEY)


@asynccontextmanager
async def client(limits: ClientLimits | None = None) -> AsyncIterator[GeminiClient]:
    made = GeminiClient(SystemClock(), limits)
    try:
        yield made
    finally:
        await made.close()


class BytesSource:
    """A ByteSource over bytes that counts its open readers and can fail or wait at a place."""

    def __init__(self, data: bytes, *, fail_at: int | None = None, wait: float = 0.0) -> None:
        self._data = data
        self._fail_at = fail_at
        self._wait = wait
        self.open_readers = 0

    @property
    def size(self) -> int:
        return len(self._data)

    async def read(self, start: int, stop: int) -> AsyncIterator[bytes]:
        with self._counted():
            for at in range(start, stop, PIECE):
                if self._wait:
                    await asyncio.sleep(self._wait)
                if self._fail_at is not None and at + PIECE > self._fail_at:
                    raise LookupError("the disk is gone")
                yield self._data[at : min(at + PIECE, stop)]

    @contextmanager
    def _counted(self) -> Iterator[None]:
        self.open_readers += 1
        try:
            yield
        finally:
            self.open_readers -= 1


def joined(batches: Sequence[Sequence[bytes]]) -> list[bytes]:
    return [event for batch in batches for event in batch]
