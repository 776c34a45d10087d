"""Blobs in a local directory: `directory/xy/blob-xy…`, one file each, moved there from the spool by a rename.

Durable when stored: contents, name and directory are fsynced. With the spool on another file system than the blobs, a
file is copied instead; in one data directory it never is. Needs read and write permission on the directory, no more.
"""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

from liftgate.blobs import disk
from liftgate.blobs.file_source import FileSource
from liftgate.blobs.local_notes import LocalNotes
from liftgate.blobs.spool import Spool
from liftgate.blobs.store import BlobMissing, StoreAway, StoredBlob
from liftgate.byte_source import ByteSource
from liftgate.errors import LiftgateError

_KEY = re.compile(r"[a-z]+[-_]([a-z0-9]{2})[a-z0-9]{18,}")
_STORED = re.compile(_KEY.pattern + r"(\.part)?")
_THREADS = 8


class LocalBlobs:
    """A BlobStore in `directory`, which is made when something is stored."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._threads = disk.file_threads(_THREADS, "liftgate-blobs")
        self.notes = LocalNotes(directory, self._threads)

    async def store(self, blob_id: str, spool: Spool) -> None:
        place = self._place(blob_id)
        await spool.wait_for()
        try:
            # A look, but for a store that has no mark yet.
            self.notes.make_place()
        except OSError as error:
            raise disk.refusal(error) from error
        await spool.settle(place)
        # It may have been moved away just now, and bytes in another one in its place belong to no catalogue.
        if (moved := self.notes.moved()) is not None:
            raise moved

    def open(self, blob_id: str, size: int) -> ByteSource:
        return FileSource(self._place(blob_id), size, self._threads, missing=self._missing)

    def _missing(self, blob_id: str) -> LiftgateError:
        return self.notes.moved() or BlobMissing(blob_id)

    async def delete(self, blob_id: str) -> None:
        place = self._place(blob_id)
        try:
            # Freeing the blocks of a large file takes a while.
            await disk.in_thread(self._threads, lambda: place.unlink(missing_ok=True))
        except OSError as error:
            raise disk.refusal(error) from error

    async def check(self) -> None:
        unusable = await disk.in_thread(self._threads, partial(_unusable, self._directory))
        if unusable is not None:
            raise StoreAway(f"{unusable} cannot be written")
        if await disk.in_thread(self._threads, self.notes.moved) is not None:
            raise StoreAway(f"{self._directory} was moved or removed")

    async def list(self) -> AsyncIterator[StoredBlob]:
        """Also names the copies that a crash left unfinished (`….part`), so that they are swept as unknown."""
        for directory in await disk.in_thread(self._threads, partial(_directories, self._directory)):
            for blob in await disk.in_thread(self._threads, partial(_blobs, directory)):
                yield blob

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _place(self, blob_id: str) -> Path:
        match = _STORED.fullmatch(blob_id)
        if match is None:
            raise ValueError(f"not a key of a blob: {blob_id!r}")
        return self._directory / match[1] / blob_id


def _directories(directory: Path) -> list[Path]:
    try:
        return sorted(entry for entry in directory.iterdir() if len(entry.name) == 2 and entry.is_dir())
    except FileNotFoundError:
        return []


def _unusable(directory: Path) -> Path | None:
    """The first directory that this process may not write in, of those that are there."""
    if directory.exists() and not directory.is_dir():
        return directory
    for place in (directory, *_directories(directory)):
        if place.exists() and not os.access(place, os.W_OK | os.X_OK):
            return place
    return None


def _blobs(directory: Path) -> list[StoredBlob]:
    found = []
    with os.scandir(directory) as entries:
        for entry in entries:
            match = _STORED.fullmatch(entry.name)
            if match is None or match[1] != directory.name:
                continue
            try:
                facts = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            found.append(StoredBlob(entry.name, facts.st_size))
    return found
