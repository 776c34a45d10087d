"""What lies behind a URL that a message names: data for the request while it has room, else bytes that still come.

The gateway keeps what is large as a File, the SDK without one sends it to Google.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from liftgate.as_utf8 import text_for_gemini
from liftgate.ask.inline_data import type_behind
from liftgate.ask.media import Media, ResolvedFile
from liftgate.errors import FileUnusable
from liftgate.magic_bytes import HEAD
from liftgate.media_types import bare
from liftgate.records import Owner

if TYPE_CHECKING:
    from liftgate.engine.fetch import Fetcher


class InlineBudget:
    """How many bytes of data one request may still take into itself."""

    def __init__(self, free: int) -> None:
        self.free = free

    def take(self, size: int) -> bool:
        if size > self.free:
            return False
        self.free -= size
        return True


@dataclass(frozen=True, slots=True)
class LargeMedia:
    """`pieces`: all of its bytes; can be read once."""

    filename: str | None
    mime_type: str
    pieces: AsyncGenerator[bytes, None]


@asynccontextmanager
async def open_media(
    fetcher: Fetcher, need: Media, budget: InlineBudget, *, owner: Owner = ""
) -> AsyncIterator[ResolvedFile | LargeMedia]:
    """Large media are good while the context is open. Raises FileUnusable where nothing is there, and what the fetcher
    does."""
    async with fetcher.open(need.ref, param=need.param, owner=owner) as page, aclosing(page.pieces()) as rest:
        head = bytearray()
        async for piece in rest:
            head += piece
            if len(head) > budget.free:
                break
        if not head:
            raise FileUnusable(f"What lies behind '{need.param}' is empty.", param=need.param)
        mime_type = type_behind(need, page.content_type, page.filename, bytes(head[:HEAD]))
        if budget.take(len(head)):
            text = await asyncio.to_thread(text_for_gemini, bytes(head), mime_type)
            data = await asyncio.to_thread(base64.b64encode, text)
            yield ResolvedFile(bare(mime_type), data=data.decode())
        else:
            async with aclosing(_chained(bytes(head), rest)) as pieces:
                yield LargeMedia(need.filename or page.filename, mime_type, pieces)


async def _chained(head: bytes, rest: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    yield head
    async for piece in rest:
        yield piece
