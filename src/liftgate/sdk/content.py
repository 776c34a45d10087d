"""A file's bytes as `file_content` gives them: read when they are asked for, never all in memory unless asked so.

The names are those of OpenAI's HttpxBinaryResponseContent; methods with an `a` are for async code.
"""

from __future__ import annotations

import os
from asyncio import to_thread
from collections.abc import AsyncIterator, Iterator
from functools import partial

from liftgate.sdk.bridge import Bridge, public_errors
from liftgate.sdk.calls import check_whole_number
from liftgate.sdk.engine import StoredFile


class FileContent:
    """`filename`, `mime_type` and `size` (bytes), and the bytes themselves in whichever way suits; iterating gives
    pieces of the `chunk_size` that was asked for.
    """

    def __init__(self, file: StoredFile, bridge: Bridge) -> None:
        self.filename = file.filename
        self.mime_type = file.mime_type
        self.size = file.source.size
        self._source = file.source
        self._piece = file.piece
        self._bridge = bridge

    def __repr__(self) -> str:
        return f"FileContent(filename={self.filename!r}, mime_type={self.mime_type!r}, size={self.size})"

    @property
    def content(self) -> bytes:
        return self.read()

    @property
    def text(self) -> str:
        return self.read().decode("utf-8", "replace")

    def read(self) -> bytes:
        return b"".join(self.iter_bytes())

    def iter_bytes(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """The bytes in order, in pieces of `chunk_size`, the last one shorter."""
        piece = self._checked(chunk_size)
        for start in range(0, self.size, piece):
            with public_errors():
                data = self._bridge.run(partial(self._range, start, piece))
            yield data

    __iter__ = iter_bytes

    def write_to_file(self, path: str | os.PathLike[str]) -> None:
        with open(path, "wb") as target:
            for piece in self.iter_bytes():
                target.write(piece)

    async def aread(self) -> bytes:
        return b"".join([piece async for piece in self.aiter_bytes()])

    async def aiter_bytes(self, chunk_size: int | None = None) -> AsyncIterator[bytes]:
        piece = self._checked(chunk_size)
        for start in range(0, self.size, piece):
            with public_errors():
                data = await self._bridge.reach(partial(self._range, start, piece))
            yield data

    __aiter__ = aiter_bytes

    async def awrite_to_file(self, path: str | os.PathLike[str]) -> None:
        target = await to_thread(open, path, "wb")
        try:
            async for piece in self.aiter_bytes():
                await to_thread(target.write, piece)
        finally:
            await to_thread(target.close)

    def _checked(self, chunk_size: int | None) -> int:
        """Raises InvalidRequest for a size by which nothing would be read."""
        if chunk_size is None:
            return self._piece
        with public_errors():
            check_whole_number(chunk_size, "chunk_size", least=1)
        return chunk_size

    async def _range(self, start: int, length: int, _: object) -> bytes:
        return b"".join([piece async for piece in self._source.read(start, min(start + length, self.size))])
