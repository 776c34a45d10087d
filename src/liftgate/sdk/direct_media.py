"""Media that a message brings itself, in base64 or behind a URL, when nothing is kept here: into the request while it
has room, else to Google as a file of 48 hours. For `direct`.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from typing import TYPE_CHECKING

from liftgate import media_types
from liftgate.errors import FileUnusable
from liftgate.gemini.files import GeminiFile
from liftgate.sdk.direct_upload import DirectUpload
from liftgate.sdk.exchange import Exchange
from liftgate.sdk.file_input import HEAD, MemorySource, open_input
from liftgate.settings.sections import LimitSettings
from liftgate.translate.file_needs import FileNeed, ResolvedFile
from liftgate.translate.inline_data import decoded_pieces

if TYPE_CHECKING:
    from liftgate.engine.fetch import Fetcher


async def carried(at: Exchange, need: FileNeed) -> GeminiFile:
    """Data that has no room in the request, uploaded. InvalidRequest where it is no base64."""
    data = await asyncio.to_thread(lambda: b"".join(decoded_pieces(need)))
    mime_type = media_types.resolve(declared=need.mime_type, filename=need.filename, head=data[:HEAD])
    return await DirectUpload(at.client, at.account, at.clock, at.attempts, MemorySource(data)).send(mime_type, {})


async def fetched(at: Exchange, fetcher: Fetcher, need: FileNeed, room: int) -> ResolvedFile | GeminiFile:
    """What lies behind a URL: as data of at most `room` bytes, else uploaded. Raises what the fetcher does."""
    async with AsyncExitStack() as stack:
        async with fetcher.open(need.ref, param=need.param) as page:
            head = bytearray()
            async with aclosing(page.pieces()) as pieces:
                async for piece in pieces:
                    head += piece
                    if len(head) > room:
                        break
                if not head:
                    raise FileUnusable(f"What lies behind '{need.param}' is empty.", param=need.param)
                filename = need.filename or page.filename
                mime_type = need.mime_type or media_types.resolve(
                    declared=page.content_type, filename=filename, head=bytes(head[:HEAD])
                )
                if len(head) <= room:
                    data = await asyncio.to_thread(base64.b64encode, head)
                    return ResolvedFile(mime_type, data=data.decode())
                whole = (filename, _chained(bytes(head), pieces), mime_type)
                given = await stack.enter_async_context(open_input(whole))
        return await DirectUpload(at.client, at.account, at.clock, at.attempts, given.source).send(mime_type, {})


@asynccontextmanager
async def fetching() -> AsyncIterator[Fetcher]:
    """A fetcher for one call."""
    # Loaded where a URL is met: the SDK alone needs nothing of the engine.
    from liftgate.engine.fetch import Fetcher

    limits = LimitSettings()
    fetcher = Fetcher(max_bytes=limits.fetch_max_bytes, timeout=limits.fetch_timeout)
    try:
        yield fetcher
    finally:
        await fetcher.close()


async def _chained(head: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield head
    async for piece in rest:
        yield piece
