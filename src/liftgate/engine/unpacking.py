"""The contents of an answer that a web server packed, piece by piece: what comes out is bounded, what is cut off shows.

Content-Encoding is undone here and not by the HTTP library, which gives half of a packed file for the whole.
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncGenerator, AsyncIterator

from liftgate.inflating import READABLE, Inflater, codings_of

PIECE = 256 * 1024
ACCEPTED = ", ".join(READABLE)


class Packed(Exception):
    """It is not packed as it says, or it ends in the middle; the message says which."""


def is_packed(encoding: str) -> bool:
    """By a Content-Encoding. Raises Packed for one that is not accepted. Which of them it is the bytes say: servers mix
    them up."""
    codings = codings_of(encoding)
    if any(coding not in READABLE for coding in codings):
        raise Packed("it is packed in a way that was not asked for")
    if len(codings) > 1:
        raise Packed("it is packed more than once")
    return bool(codings)


async def unpacked(pieces: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
    """The contents, in pieces of at most PIECE. Raises Packed."""
    inflater = Inflater("", PIECE)
    try:
        async for piece in pieces:
            for content in inflater.feed(piece):
                yield content
    except zlib.error:
        raise Packed("it is not packed as it says") from None
    if not inflater.whole:
        raise Packed("it ends in the middle")
