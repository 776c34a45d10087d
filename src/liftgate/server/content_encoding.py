"""A body's Content-Encoding: read where it can be, in pieces of bounded size, and refused by name where it cannot."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator

from liftgate.errors import InvalidRequest, UnsupportedEncoding
from liftgate.inflating import READABLE, Inflater, codings_of

PIECE = 64 * 1024
TURN = 1024 * 1024
"""Bytes of content after which others get a turn: a small body may stand for a very large one."""


async def decoded(pieces: AsyncIterator[bytes], encoding: str) -> AsyncIterator[bytes]:
    """The content of a body that comes in `pieces`. Raises UnsupportedEncoding, and InvalidRequest for broken ones."""
    codings = codings_of(encoding)
    if not codings:
        async for piece in pieces:
            yield piece
        return
    coding = codings[0]
    if len(codings) > 1 or coding not in READABLE:
        raise UnsupportedEncoding(encoding, READABLE)
    inflater = Inflater(coding, PIECE)
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


def _broken(coding: str) -> InvalidRequest:
    return InvalidRequest(f"The body is not the {coding} that its Content-Encoding says.", param="Content-Encoding")
