"""Media that a chat request brings itself, in base64 or behind a URL, kept as a File that no listing shows.

So a conversation that repeats the same 50 MB attachment is uploaded once: the bytes become a Blob of the owner's and a
copy like any other. Such a File lives for two days after its last use and counts in its owner's bytes.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from liftgate.ask.inline_data import decoded_pieces
from liftgate.ask.media import Media, ResolvedFile
from liftgate.backoff import RETENTION_SECONDS
from liftgate.catalog.database import Connection
from liftgate.catalog.rows import files as rows
from liftgate.copies.kinds.wanted import Wanted
from liftgate.copies.services import Services
from liftgate.engine.url_media import InlineBudget, LargeMedia, open_media
from liftgate.errors import InvalidRequest, RequestError
from liftgate.files.arrival import Ingest
from liftgate.later import Later
from liftgate.records import FileRecord, NewFile, Owner

if TYPE_CHECKING:
    from liftgate.engine.fetch import Fetcher

LIFE_SECONDS = RETENTION_SECONDS
KEPT_SECONDS = 86_400
"""For what is about to be held by a stored response."""


class Attachments:
    def __init__(self, services: Services, ingest: Ingest, fetcher: Later[Fetcher]) -> None:
        self._db = services.db
        self._clock = services.clock
        self._measurements = services.measurements
        self._ingest = ingest
        self._fetcher = fetcher

    async def inline(self, owner: Owner, need: Media) -> Wanted:
        """The File for base64 data. Raises InvalidRequest naming the parameter where it is no base64."""
        sha256, size = await asyncio.to_thread(_digest, need)
        if not size:
            raise InvalidRequest(f"Invalid '{need.param}'. It is empty.", param=need.param, code="invalid_value")
        assert need.mime_type is not None, "inline data is read with its type"
        known = await self._known(owner, sha256, size)
        if known is None:
            known = await self._keep_inline(owner, need, _unlisted(need.filename or "inline", need.mime_type), size)
        return Wanted(known, need.mime_type)

    async def keep(self, owner: Owner, need: Media) -> FileRecord:
        """A File of purpose `KEPT` for base64 data. It goes after a day unless a stored response holds it by then."""
        sha256, size = await asyncio.to_thread(_digest, need)
        known = await self._db.read(
            lambda conn: rows.find_hidden(conn, owner, rows.KEPT, sha256, size, conn.now() + KEPT_SECONDS / 2)
        )
        if known is not None:
            return known
        new = NewFile(need.filename or "inline", need.mime_type or "", purpose=rows.KEPT, life_seconds=KEPT_SECONDS)
        return await self._keep_inline(owner, need, new, size)

    async def mend(self, file: FileRecord, need: Media) -> None:
        """The stored bytes of a File that `inline` gave are lost or damaged: those that `need` brings take their place.
        Raises as any upload."""
        new = _unlisted(file.filename, file.mime_type)
        again = await self._keep_inline(file.owner, need, new, file.bytes)
        # The bytes are what was needed: both Files share them.
        await self._db.write(lambda conn: rows.delete_file(conn, file.owner, again.id, conn.now()))

    async def fetched(self, owner: Owner, need: Media, budget: InlineBudget) -> Wanted | ResolvedFile:
        """What lies behind a URL: as data while the request has room for it, else as a File."""
        fetcher = await self._fetcher.get()
        async with open_media(fetcher, need, budget, owner=owner) as media:
            if isinstance(media, ResolvedFile):
                return media
            return Wanted(await self._keep_fetched(owner, media), media.mime_type)

    async def _known(self, owner: Owner, sha256: str, size: int) -> FileRecord | None:
        def look(conn: Connection) -> tuple[FileRecord | None, bool]:
            now = conn.now()
            found = rows.find_hidden(conn, owner, rows.UNLISTED, sha256, size, now)
            return found, found is not None and (found.expires_at or 0.0) - now < LIFE_SECONDS / 2

        found, ages = await self._db.read(look)
        if found is None or found.expires_at is None:
            return None
        if ages:
            await self._db.write(lambda conn: rows.prolong_unlisted(conn, found.id, conn.now() + LIFE_SECONDS))
        return found

    async def _keep_inline(self, owner: Owner, need: Media, new: NewFile, size: int) -> FileRecord:
        with self._counted("inline") as came:
            arrival = self._ingest.begin(owner, size=size)
            try:
                for piece in decoded_pieces(need):
                    await arrival.write(piece)
                came.size = size
                return await arrival.commit(new)
            finally:
                await arrival.abort()

    async def _keep_fetched(self, owner: Owner, media: LargeMedia) -> FileRecord:
        with self._counted("fetched") as came:
            arrival = self._ingest.begin(owner)
            try:
                async for piece in media.pieces:
                    came.size += len(piece)
                    await arrival.write(piece)
                return await arrival.commit(_unlisted(media.filename or "fetched", media.mime_type))
            finally:
                await arrival.abort()

    @contextmanager
    def _counted(self, door: str) -> Iterator[_Came]:
        """What a call brings itself, as other uploads are counted."""
        came, began, outcome = _Came(), self._clock.monotonic(), "left"
        try:
            yield came
            outcome = "ok"
        except RequestError:
            outcome = "refused"
            raise
        except Exception:
            outcome = "failed"
            raise
        finally:
            record = self._measurements.record
            record("uploads", door, outcome)
            record("upload_bytes", door, by=came.size)
            record("upload_seconds", door, by=self._clock.monotonic() - began)


@dataclass
class _Came:
    """`size`: bytes that have come."""

    size: int = 0


def _unlisted(filename: str, mime_type: str) -> NewFile:
    return NewFile(filename, mime_type, purpose=rows.UNLISTED, life_seconds=LIFE_SECONDS)


def _digest(need: Media) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    for piece in decoded_pieces(need):
        digest.update(piece)
        size += len(piece)
    return digest.hexdigest(), size
