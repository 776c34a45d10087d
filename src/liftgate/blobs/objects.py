"""Blobs in an object store (S3 and what speaks it, Google Cloud Storage, Azure), through obstore.

A blob is a row of objects of 8 MiB, the last one shorter: `prefix/blob-…/00000`, `…/00001`. It is not one object put
in by a multipart upload, because the parts of an unfinished one are kept, and paid for, out of sight: after a crash
no sweep could find them, while an object that belongs to nothing is listed and swept.

Needs permission to get, put, list and delete under the prefix. Credentials and endpoints come from the environment as
obstore reads them: AWS_*, GOOGLE_*, AZURE_*. Memory: at most two segments a blob, and eight over all being stored.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import re
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, cast

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import from_url

from liftgate.blobs.spool import Spool
from liftgate.blobs.store import BlobMissing, StoreAway, StoredBlob
from liftgate.byte_source import PIECE, ByteSource
from liftgate.errors import ConfigError
from liftgate.settings.values import shown_url

SEGMENT = 8 * 1024 * 1024
"""Bytes of a segment. Part of the stored form: a blob's segments are found by dividing by it, so it never changes."""

_WINDOW = 2 * 1024 * 1024
"""Bytes asked for at once by a reader; the next window is on its way meanwhile. A slow reader holds no connection."""

_SEGMENTS_IN_FLIGHT = 8
_SEGMENTS_OF_A_BLOB = 2
_SEGMENT_KEY = re.compile(r"(?P<blob>[a-z]+[-_][a-z0-9]{20,})/\d{5,}")

# Of one request. With the retries a call ends within about three minutes whatever the store does.
_CLIENT = {"connect_timeout": timedelta(seconds=5), "timeout": timedelta(seconds=60)}
_RETRY = {"max_retries": 5, "retry_timeout": timedelta(seconds=120)}
_ENDPOINTS = ("AWS_ENDPOINT", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT")

_CHECK_SECONDS = 20.0
_LAST_SECONDS = 0.1
_GIVEN_UP_SECONDS = 10.0
_LONGEST_REASON = 300
_NO_BUCKET = re.compile(r"nosuchbucket|containernotfound|bucket does not exist", re.IGNORECASE)
"""What a store says where all of it is gone, and not one object."""
_KINDS: dict[type[Exception], str] = {
    UnauthenticatedError: "it does not accept the credentials",
    PermissionDeniedError: "it does not allow this with these credentials",
    FileNotFoundError: "there is no such bucket or container",
}
_REASONS = {
    r"169\.254\.169\.254|metadata\.google|no credentials|missing.*(credential|access.?key|account)|InstanceMetadata": (
        "no credentials were found in the environment"
    ),
    r"invalidaccesskeyid|signaturedoesnotmatch|invalid ?token|expiredtoken": "it does not accept the credentials",
    r"\b401\b|unauthori[sz]ed": "it does not accept the credentials",
    r"\b403\b|forbidden|accessdenied": "it does not allow this with these credentials",
    r"nosuchbucket|containernotfound": "there is no such bucket or container",
    r"dns error|failed to lookup": "its host's name is not known",
    r"connection refused": "the connection is refused",
    r"timed out|timeout": "it does not answer",
}

log = logging.getLogger("liftgate.blobs")

# A thread of obstore that hands over a result wakes the event loop, and then takes the interpreter's lock once more.
# Before Python 3.14 that aborts the process (SIGABRT) if the interpreter is ending by then, which a command that ends
# on an answer of the store does within a millisecond: one in five did.
atexit.register(time.sleep, _LAST_SECONDS)


class ObjectBlobs:
    """A BlobStore at `url`: `s3://bucket/prefix`, `gs://bucket/prefix`, `az://account/container/prefix`.

    `config`: settings of obstore's store over those of the environment. Raises ConfigError.
    """

    def __init__(self, url: str, *, config: Mapping[str, str] | None = None) -> None:
        # An http:// endpoint in the environment is a choice made by who runs this; obstore wants it as an option too.
        insecure = any(os.environ.get(name, "").startswith("http://") for name in _ENDPOINTS)
        insecure = insecure or any(value.startswith("http://") for value in (config or {}).values())
        client: dict[str, object] = {**_CLIENT, **({"allow_http": True} if insecure else {})}
        # The stubs have one overload per kind of store; which one it is, the URL says.
        make = cast("Any", from_url)
        try:
            self._store = make(url, config=config, client_options=client, retry_config=_RETRY)
        except (BaseError, ValueError) as error:
            sentence = " ".join(str(error).partition("Debug source")[0].split()).replace(url, shown_url(url))
            raise ConfigError(f"blob_store: {shown_url(url)!r} cannot be used: {sentence}") from None
        self.notes = _ObjectNotes(self._store, shown_url(url))
        self._slots = asyncio.Semaphore(_SEGMENTS_IN_FLIGHT)

    async def store(self, blob_id: str, spool: Spool) -> None:
        """Follows the growing spool, a segment at a time."""
        under_way: deque[asyncio.Future[object]] = deque()
        at = 0
        try:
            while (stop := min(at + SEGMENT, await spool.wait_for(at + SEGMENT))) > at:
                if len(under_way) == _SEGMENTS_OF_A_BLOB:
                    await self._await_put(under_way.popleft())
                await self._slots.acquire()
                try:
                    body = b"".join([piece async for piece in spool.read(at, stop)])
                    key = f"{blob_id}/{at // SEGMENT:05d}"
                    put = cast("asyncio.Future[object]", obstore.put_async(self._store, key, body, use_multipart=False))
                except BaseException:
                    self._slots.release()
                    raise
                put.add_done_callback(lambda _: self._slots.release())
                under_way.append(put)
                at = stop
            while under_way:
                await self._await_put(under_way.popleft())
        finally:
            await _end(under_way)

    async def _await_put(self, put: asyncio.Future[object]) -> None:
        async with _store_errors("store"):
            await put

    def open(self, blob_id: str, size: int) -> ByteSource:
        return _ObjectSource(self._store, blob_id, size)

    async def delete(self, blob_id: str) -> None:
        async with _store_errors("delete"):
            async for batch in obstore.list(self._store, prefix=blob_id, chunk_size=1000):
                await obstore.delete_async(self._store, [entry["path"] for entry in batch])

    async def check(self) -> None:
        """Asks for the first names of a list, and gives it `_CHECK_SECONDS`."""
        try:
            async with asyncio.timeout(_CHECK_SECONDS):
                async for _ in obstore.list(self._store, chunk_size=1):
                    break
        except TimeoutError:
            raise StoreAway(f"it did not answer within {_CHECK_SECONDS:g} seconds") from None
        except (BaseError, OSError) as error:
            raise StoreAway(_reason(error)) from error

    async def list(self) -> AsyncIterator[StoredBlob]:
        """One entry per blob: these stores list by name, so a blob's segments come together."""
        current: StoredBlob | None = None
        async with _store_errors("list"):
            async for batch in obstore.list(self._store, chunk_size=1000):
                for entry in batch:
                    match = _SEGMENT_KEY.fullmatch(entry["path"])
                    if match is None:
                        continue
                    bytes_ = entry["size"]
                    if current is not None and current.id == match["blob"]:
                        bytes_ += current.bytes
                    elif current is not None:
                        yield current
                    current = StoredBlob(match["blob"], bytes_)
        if current is not None:
            yield current

    async def close(self) -> None:
        """Nothing to do: obstore keeps its connections itself and ends them with the process."""


class _ObjectNotes:
    """A `StoreNotes` of objects directly under the prefix, where no segment lies: those are a level deeper."""

    def __init__(self, store: Any, place: str) -> None:
        self.place = place
        self.body = ""
        self._store = store

    async def read(self, name: str) -> str | None:
        async with _store_errors("read"):
            try:
                answer = await obstore.get_async(self._store, name)
                return bytes(await answer.bytes_async()).decode("utf-8", "replace")
            except FileNotFoundError:
                return None

    async def write(self, name: str, text: str, *, only_new: bool = False) -> None:
        if only_new:
            try:
                await obstore.put_async(self._store, name, text.encode(), mode="create")
                return
            except AlreadyExistsError:
                return
            except BaseError as error:
                # Some stores that speak S3 know no conditions. There two that start at this very moment could both
                # believe to be the first, and look afterwards.
                log.info("the object store takes no condition, or failed: %s", error)
                if await self.read(name) is not None:
                    return
        async with _store_errors("store"):
            await obstore.put_async(self._store, name, text.encode(), use_multipart=False)


class _ObjectSource:
    def __init__(self, store: Any, blob_id: str, size: int) -> None:
        self._store = store
        self._blob_id = blob_id
        self._size = size

    @property
    def size(self) -> int:
        return self._size

    async def read(self, start: int, stop: int) -> AsyncIterator[bytes]:
        if not 0 <= start <= stop <= self._size:
            raise ValueError(f"bytes {start} to {stop} of {self._size}")
        ahead = self._ask(start, stop)
        try:
            while ahead is not None:
                window = memoryview(await self._read_window(ahead, start, stop))
                start += len(window)
                ahead = self._ask(start, stop)
                for at in range(0, len(window), PIECE):
                    yield bytes(window[at : at + PIECE])
        finally:
            if ahead is not None:
                ahead.cancel()
                await asyncio.gather(ahead, return_exceptions=True)

    def _ask(self, start: int, stop: int) -> asyncio.Future[Any] | None:
        """Begins to fetch the next window: obstore's call is under way before it is awaited."""
        if start >= stop:
            return None
        index, offset = divmod(start, SEGMENT)
        end = offset + self._window(start, stop)
        key = f"{self._blob_id}/{index:05d}"
        return cast("asyncio.Future[Any]", obstore.get_range_async(self._store, key, start=offset, end=end))

    def _window(self, start: int, stop: int) -> int:
        return min(_WINDOW, stop - start, SEGMENT - start % SEGMENT)

    async def _read_window(self, ahead: Awaitable[Any], start: int, stop: int) -> Any:
        async with _store_errors("read"):
            try:
                window = await ahead
            except FileNotFoundError as error:
                if _NO_BUCKET.search(str(error)):
                    raise
                raise BlobMissing(self._blob_id) from error
            except BaseError as error:
                if await self._ends_before(start, stop):
                    raise BlobMissing(self._blob_id) from error
                raise
        if len(window) != self._window(start, stop):
            raise BlobMissing(self._blob_id)
        return window

    async def _ends_before(self, start: int, stop: int) -> bool:
        """Whether a read failed because the segment has no such bytes: obstore says so in words only."""
        index, offset = divmod(start, SEGMENT)
        try:
            facts = await obstore.head_async(self._store, f"{self._blob_id}/{index:05d}")
        except FileNotFoundError:
            return True
        return facts["size"] < offset + self._window(start, stop)


async def _end(puts: Collection[asyncio.Future[object]]) -> None:
    """Of a blob that is given up: what the store has begun to take it may take after the deletion that follows, so they
    end first, but for those that the store does not end."""
    try:
        if puts:
            await asyncio.wait(puts, timeout=_GIVEN_UP_SECONDS)
    finally:
        for put in puts:
            put.cancel()
        await asyncio.gather(*puts, return_exceptions=True)


@asynccontextmanager
async def _store_errors(verb: str) -> AsyncIterator[None]:
    """A store that fails is Unavailable. Its own words go to the log: it may hold addresses and names of buckets."""
    try:
        yield
    except (BaseError, OSError) as error:
        reason = _reason(error)
        log.error("the object store failed to %s: %s", verb, reason)
        raise StoreAway(reason) from error


def _reason(error: Exception) -> str:
    """Half a sentence. What obstore says goes on for many lines in the form of its data; the first has the point."""
    sentence = str(error).partition("Debug source")[0].strip()
    for kind, says in _KINDS.items():
        if isinstance(error, kind):
            return says
    for pattern, says in _REASONS.items():
        if re.search(pattern, sentence, re.IGNORECASE):
            return says
    return " ".join(sentence.split())[:_LONGEST_REASON].rstrip(". ") or type(error).__name__
