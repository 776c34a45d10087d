"""A BlobStore that tells how long what is asked of it takes. Made only where somebody counts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from time import monotonic

from liftgate.blobs.spool import Spool
from liftgate.blobs.store import BlobStore, StoredBlob, StoreNotes
from liftgate.byte_source import ByteSource
from liftgate.happenings import Happenings


class ToldBlobs:
    """`store` counts from the first byte that arrives: it runs beside the writing of the spool."""

    def __init__(self, blobs: BlobStore, happenings: Happenings) -> None:
        self._blobs = blobs
        self._happenings = happenings

    @property
    def notes(self) -> StoreNotes:
        return self._blobs.notes

    async def store(self, blob_id: str, spool: Spool) -> None:
        with _Timed(self._happenings, "store"):
            await self._blobs.store(blob_id, spool)

    def open(self, blob_id: str, size: int) -> ByteSource:
        return _ToldSource(self._blobs.open(blob_id, size), self._happenings)

    async def delete(self, blob_id: str) -> None:
        with _Timed(self._happenings, "delete"):
            await self._blobs.delete(blob_id)

    async def check(self) -> None:
        await self._blobs.check()

    def list(self) -> AsyncIterator[StoredBlob]:
        return self._blobs.list()

    async def close(self) -> None:
        await self._blobs.close()


class _ToldSource:
    """Of a reading the time counts that the store took, not that of who reads."""

    def __init__(self, source: ByteSource, happenings: Happenings) -> None:
        self._source = source
        self._happenings = happenings
        self.size = source.size

    async def read(self, start: int, stop: int) -> AsyncIterator[bytes]:
        pieces = self._source.read(start, stop)
        waited, outcome = 0.0, "failed"
        try:
            while True:
                began = monotonic()
                piece = await anext(pieces, b"")
                waited += monotonic() - began
                if not piece:
                    outcome = "ok"
                    return
                yield piece
        except GeneratorExit:
            outcome = "left"
            raise
        finally:
            self._happenings.tell("blob_seconds", "read", outcome, by=waited)
            aclose = getattr(pieces, "aclose", None)
            if aclose is not None:
                await aclose()


class _Timed:
    def __init__(self, happenings: Happenings, op: str) -> None:
        self._happenings = happenings
        self._op = op
        self._began = monotonic()

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        outcome = "ok" if kind is None else "failed" if issubclass(kind, Exception) else "left"
        self._happenings.tell("blob_seconds", self._op, outcome, by=monotonic() - self._began)
