"""Media that a message brings itself, in base64 or behind a URL, when nothing is kept here: into the request while it
has room, else to Google as a file of 48 hours. For `direct`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from liftgate import media_types
from liftgate.as_utf8 import for_gemini
from liftgate.ask.inline_data import decoded_pieces
from liftgate.ask.media import Media, ResolvedFile
from liftgate.byte_source import ByteSource
from liftgate.gemini.files import GeminiFile
from liftgate.sdk.direct_upload import DirectUpload
from liftgate.sdk.file_input import MemorySource, open_input
from liftgate.sdk.retry import Exchange
from liftgate.settings.sections import LimitSettings

if TYPE_CHECKING:
    from liftgate.engine.fetch import Fetcher


async def carried(at: Exchange, need: Media) -> GeminiFile:
    """Data that has no room in the request, uploaded. InvalidRequest where it is no base64."""
    data = await asyncio.to_thread(lambda: b"".join(decoded_pieces(need)))
    assert need.mime_type is not None, "inline data is read with its type"
    return await sent(at, MemorySource(data), need.mime_type, {})


async def sent(at: Exchange, source: ByteSource, mime_type: str, metadata: Mapping[str, object]) -> GeminiFile:
    """A file to Google, a text in UTF-8. `metadata`: fields of Gemini's File beside `name`."""
    outgoing = await for_gemini(source, "", mime_type)
    return await DirectUpload(at, outgoing.source, media_types.bare(mime_type), metadata).send()


async def fetch_media(at: Exchange, fetcher: Fetcher, need: Media, budget: int) -> ResolvedFile | GeminiFile:
    """What lies behind a URL: as data of at most `budget` bytes, else uploaded. Raises what the fetcher does."""
    # Loaded where a URL is met: the SDK alone needs nothing of the engine.
    from liftgate.engine.url_media import InlineBudget, open_media

    async with AsyncExitStack() as stack:
        async with open_media(fetcher, need, InlineBudget(budget)) as media:
            if isinstance(media, ResolvedFile):
                return media
            given = await stack.enter_async_context(open_input((media.filename, media.pieces, media.mime_type)))
        return await sent(at, given.source, media.mime_type, {})


@asynccontextmanager
async def open_fetcher() -> AsyncIterator[Fetcher]:
    """A fetcher for one call."""
    from liftgate.engine.fetch import Fetcher

    limits = LimitSettings()
    fetcher = Fetcher(max_bytes=limits.fetch_max_bytes, timeout=limits.fetch_timeout)
    try:
        yield fetcher
    finally:
        await fetcher.close()
