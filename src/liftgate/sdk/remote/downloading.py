"""A File's bytes from a gateway, from the first to the last: a broken connection goes on from the byte that is here."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from urllib.parse import quote

import aiohttp

from liftgate.backoff import Backoff
from liftgate.errors import FileNotFound, LiftgateError
from liftgate.names import id_in
from liftgate.sdk.remote.gateway_client import GatewayClient
from liftgate.sdk.remote.gateway_errors import GatewayRefused, GatewayUnreachable, may_pass

PIECE = 256 * 1024
PAUSES = Backoff(0.5, 8.0)
TRIES = 5
"""In a row without one more byte."""
_SHA256 = re.compile(r'"([0-9a-f]{64})"')


def file_path(file_id: str) -> str:
    """Below `/v1`, of a file's id, its Gemini name or its URI. Raises FileNotFound for what is no name of a file."""
    if not file_id or file_id in (".", ".."):
        raise FileNotFound(file_id)
    return f"/files/{quote(id_in(file_id), safe='')}"


class Download:
    """One File's bytes. With the first of its `pieces` are known: `size`, the number of bytes that come, where the
    gateway says it, and `mime_type`."""

    def __init__(self, gateway: GatewayClient, file_id: str, span: str | None = None) -> None:
        """`span`: the value of a Range header, for a part of it, which is neither compared nor gone on with."""
        self._gateway = gateway
        self._about = file_id
        self._path = file_path(file_id) + "/content"
        self._span = span
        self._etag = ""
        self.size: int | None = None
        self.mime_type = ""

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """Raises GatewayRefused where the bytes are not those that are stored, and what the gateway answers."""
        digest = hashlib.sha256()
        position = failures = 0
        while True:
            try:
                async with aclosing(self._from(position)) as pieces:
                    async for piece in pieces:
                        if self._span is None:
                            digest.update(piece)
                        position += len(piece)
                        failures = 0
                        yield piece
                break
            except LiftgateError as error:
                if self._span is not None or not position or not may_pass(error) or failures == TRIES:
                    raise
            await asyncio.sleep(PAUSES.pause(failures))
            failures += 1
        expected = _SHA256.fullmatch(self._etag)
        if self._span is None and expected and expected[1] != digest.hexdigest():
            raise GatewayRefused(f"{self._about}: what arrived is not what was stored (SHA-256 differs).")

    async def _from(self, position: int) -> AsyncGenerator[bytes, None]:
        headers = {}
        if self._span is not None:
            headers = {"Range": self._span}
        elif position:
            headers = {"Range": f"bytes={position}-", "If-Match": self._etag}
        async with self._gateway.open("GET", self._path, about=self._about, headers=headers) as answer:
            if not position:
                self._note(answer)
            elif answer.status != 206:
                raise GatewayRefused(f"{self._about}: the gateway does not go on from byte {position}.")
            async for piece in answer.content.iter_chunked(PIECE):
                yield piece

    def _note(self, answer: aiohttp.ClientResponse) -> None:
        self._etag = answer.headers.get("ETag", "")
        self.size = answer.content_length
        self.mime_type = answer.headers.get("Content-Type", "")


class RemoteBytes:
    """A File's bytes as a ByteSource: each reading asks the gateway for its range. Read in order, they are compared
    with the SHA-256 that the gateway has of them."""

    def __init__(self, gateway: GatewayClient, file_id: str, size: int, etag: str) -> None:
        self._gateway = gateway
        self._file_id = file_id
        self._size = size
        self._etag = etag
        self._digest = hashlib.sha256()
        self._hashed = 0

    @property
    def size(self) -> int:
        return self._size

    async def read(self, start: int, stop: int) -> AsyncIterator[bytes]:
        if start == 0:
            self._digest, self._hashed = hashlib.sha256(), 0
        position = start
        failures = 0
        while position < stop:
            try:
                async with aclosing(
                    Download(self._gateway, self._file_id, f"bytes={position}-{stop - 1}").pieces()
                ) as p:
                    async for piece in p:
                        if position == self._hashed:
                            self._digest.update(piece)
                            self._hashed += len(piece)
                        position += len(piece)
                        failures = 0
                        self._compare()
                        yield piece
                if position < stop:
                    raise GatewayUnreachable(f"{self._file_id}: the gateway sent too few bytes.")
            except LiftgateError as error:
                if not may_pass(error) or failures == TRIES:
                    raise
                await asyncio.sleep(PAUSES.pause(failures))
                failures += 1

    def _compare(self) -> None:
        expected = _SHA256.fullmatch(self._etag)
        if self._hashed == self._size and expected and expected[1] != self._digest.hexdigest():
            raise GatewayRefused(f"{self._file_id}: what arrived is not what was stored (SHA-256 differs).")
