"""The contents of an answer that a web server packed, piece by piece: what comes out is bounded, what is cut off shows.

Content-Encoding is undone here and not by the HTTP library, which gives half of a packed file for the whole.
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncGenerator, AsyncIterator

PIECE = 256 * 1024
ACCEPTED = "gzip, deflate"

_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
_RAW = -zlib.MAX_WBITS


class Packed(Exception):
    """It is not packed as it says, or it ends in the middle; the message says which."""


def names_of(encoding: str) -> tuple[str, ...]:
    """The codings of a Content-Encoding, without `identity`. Raises Packed for one that is not accepted."""
    names = tuple(name for each in encoding.lower().split(",") if (name := each.strip()) not in ("", "identity"))
    for name in names:
        if name not in ("gzip", "x-gzip", "deflate"):
            raise Packed("it is packed in a way that was not asked for")
    if len(names) > 1:
        raise Packed("it is packed more than once")
    return names


async def unpacked(pieces: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
    """The contents, in pieces of at most PIECE. Raises Packed."""
    unpacker = None
    async for piece in pieces:
        if unpacker is None:
            # `deflate` is zlib's form by the RFC, and the bare one by many servers' habit.
            unpacker = zlib.decompressobj(_GZIP_OR_ZLIB if piece[0] in (0x1F, 0x78) else _RAW)
        while piece:
            try:
                out = unpacker.decompress(piece, PIECE)
            except zlib.error:
                raise Packed("it is not packed as it says") from None
            piece = unpacker.unconsumed_tail
            if out:
                yield out
            if unpacker.eof and (rest := unpacker.unused_data):
                # gzip files may follow one another.
                unpacker, piece = zlib.decompressobj(_GZIP_OR_ZLIB), rest
            elif not out and not piece:
                break
    if unpacker is None or not unpacker.eof:
        raise Packed("it ends in the middle")
