"""A body's Content-Encoding: read where it can be, in pieces of bounded size, and refused by name where it cannot."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Iterator

from liftgate.errors import InvalidRequest, UnsupportedEncoding

READABLE = ("gzip", "deflate")
PIECE = 64 * 1024
TURN = 1024 * 1024
"""Bytes of content after which others get a turn: a small body may stand for a very large one."""

_GZIP, _ZLIB, _RAW = 31, 15, -15


async def decoded(pieces: AsyncIterator[bytes], encoding: str) -> AsyncIterator[bytes]:
    """The content of a body that comes in `pieces`. Raises UnsupportedEncoding, and InvalidRequest for broken ones."""
    coding = coding_of(encoding)
    if coding is None:
        async for piece in pieces:
            yield piece
        return
    inflater = _Inflater(coding)
    turn = 0
    try:
        async for piece in pieces:
            for content in inflater.feed(piece):
                yield content
                turn += len(content)
                if turn >= TURN:
                    turn = 0
                    await asyncio.sleep(0)
    except zlib.error:
        raise _broken(coding) from None
    if not inflater.whole:
        raise _broken(coding)


def coding_of(encoding: str) -> str | None:
    """None: the body is as it is. Raises UnsupportedEncoding."""
    codings = [coding for coding in (part.strip().lower() for part in encoding.split(",")) if coding]
    codings = [coding for coding in codings if coding != "identity"]
    if not codings:
        return None
    coding = codings[0].removeprefix("x-")
    if len(codings) > 1 or coding not in READABLE:
        raise UnsupportedEncoding(encoding, READABLE)
    return coding


class _Inflater:
    """`whole`: it stands behind the end of what was compressed."""

    def __init__(self, coding: str) -> None:
        self._coding = coding
        self._stream = zlib.decompressobj(_GZIP if coding == "gzip" else _ZLIB)
        self._begun = False
        self.whole = False

    def feed(self, piece: bytes) -> Iterator[bytes]:
        while piece:
            if self.whole:
                self._begin_member()
            try:
                content = self._stream.decompress(piece, PIECE)
            except zlib.error:
                # Half of all clients call raw DEFLATE so, without zlib's frame round it.
                if self._begun or self._coding == "gzip":
                    raise
                self._stream = zlib.decompressobj(_RAW)
                content = self._stream.decompress(piece, PIECE)
            self._begun = True
            piece = self._stream.unconsumed_tail
            if self._stream.eof:
                self.whole = True
                piece = self._stream.unused_data
            if content:
                yield content

    def _begin_member(self) -> None:
        """gzip may have several, one behind the other (RFC 1952, 2.2)."""
        if self._coding != "gzip":
            raise zlib.error("something stands behind the end")
        self._stream = zlib.decompressobj(_GZIP)
        self.whole = False


def _broken(coding: str) -> InvalidRequest:
    return InvalidRequest(f"The body is not the {coding} that its Content-Encoding says.", param="Content-Encoding")
