"""A BlobStore that measures how long each operation takes. Made only where metrics are on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from time import monotonic

from liftgate.blobs.spool import Spool
from liftgate.blobs.store import BlobStore, StoredBlob, StoreNotes
from liftgate.byte_source import ByteSource
from liftgate.measurements import Measurements


class TimedBlobs:
    """`store` counts from the first byte that arrives: it runs beside the writing of the spool."""

    def __init__(self, blobs: BlobStore, measurements: Measurements) -> None:
        self._blobs = blobs
        self._measurements = measurements

    @property
    def notes(self) -> StoreNotes:
        return self._blobs.notes

    async def store(self, blob_id: str, spool: Spool) -> None:
        with _Timer(self._measurements, "store"):
            await self._blobs.store(blob_id, spool)

    def open(self, blob_id: str, size: int) -> ByteSource:
        return _TimedSource(self._blobs.open(blob_id, size), self._measurements)

    async def delete(self, blob_id: str) -> None:
        with _Timer(self._measurements, "delete"):
            await self._blobs.delete(blob_id)

    async def check(self) -> None:
        await self._blobs.check()

    def list(self) -> AsyncIterator[StoredBlob]:
        return self._blobs.list()

    async def close(self) -> None:
        await self._blobs.close()


class _TimedSource:
    """Of a reading the time counts that the store took, not that of who reads."""

    def __init__(self, source: ByteSource, measurements: Measurements) -> None:
        self._source = source
        self._measurements = measurements
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
            self._measurements.record("blob_seconds", "read", outcome, by=waited)
            aclose = getattr(pieces, "aclose", None)
            if aclose is not None:
                await aclose()


class _Timer:
    def __init__(self, measurements: Measurements, op: str) -> None:
        self._measurements = measurements
        self._op = op
        self._began = monotonic()

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        outcome = "ok" if kind is None else "failed" if issubclass(kind, Exception) else "left"
        self._measurements.record("blob_seconds", self._op, outcome, by=monotonic() - self._began)
