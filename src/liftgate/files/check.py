"""Compares a blob store with its catalogue: what is missing, of the wrong size, damaged, or belongs to nothing.

For the command line, with or without gateways running. It only reads; the sweep removes what belongs to nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from typing import Literal

from liftgate.blobs.store import BlobMissing, BlobStore
from liftgate.catalog.connection import Connection
from liftgate.catalog.database import Database
from liftgate.catalog.rows.blobs import OF_BLOBS, all_blobs, blob_alive, blob_parts
from liftgate.catalog.table import BareTable, known_objects, page_of_objects, registered
from liftgate.files.read import open_blob
from liftgate.records import BlobRecord

_ROWS_AT_ONCE = 400

Wrong = Literal["missing", "size", "hash", "unknown"]


@dataclass(frozen=True, slots=True)
class Finding:
    """`key`: of the object. `expected` and `found`: bytes, or hashes for `hash`. `unknown`: no row needs the object.
    `blob_id`: None also of an object that something else than a blob needs, such as an unfinished upload."""

    wrong: Wrong
    key: str
    blob_id: str | None = None
    expected: str = ""
    found: str = ""


async def check(db: Database, blobs: BlobStore, *, full: bool = False) -> AsyncIterator[Finding]:
    """Yields what is wrong. `full` reads every byte and compares the hashes. Keeps the store's listing in memory.

    The store is listed before the rows are read, and both go on changing where a gateway runs. So what
    looks wrong is looked at again before it is reported: its row, the store, and its row once more.
    """
    stored = {blob.id: blob.bytes async for blob in blobs.list()}
    needed: set[str] = set()
    suspects: list[_Suspect] = []
    after = ""
    while page := await db.read(partial(_page, after=after)):
        for blob, keys in page:
            needed.update(key for key, _ in keys)
            wrong = [_Suspect(found, blob, size) for key, size in keys if (found := _look(stored, blob, key, size))]
            if full and not wrong and (found := await _hash(db, blobs, blob)):
                wrong.append(_Suspect(found, blob, None))
            suspects += wrong
        after = page[-1][0].id
    for table in registered():
        for column in () if table in OF_BLOBS else table.objects:
            async for key, size in _objects(db, table, column):
                needed.add(key)
                if found := _look(stored, None, key, size):
                    suspects.append(_Suspect(found, None, size))
    rest = [key for key in stored if key not in needed]
    for start in range(0, len(rest), _ROWS_AT_ONCE):
        some = rest[start : start + _ROWS_AT_ONCE]
        known = await db.read(partial(known_objects, keys=some))
        suspects += [_Suspect(Finding("unknown", key, found=str(stored[key]))) for key in some if key not in known]
    if suspects:
        async for finding in _again(db, blobs, suspects):
            yield finding


@dataclass(frozen=True, slots=True)
class _Suspect:
    """`blob`: of a finding about one. `size`: in bytes, of the object that was looked for; None: a blob was read."""

    finding: Finding
    blob: BlobRecord | None = None
    size: int | None = None


async def _again(db: Database, blobs: BlobStore, suspects: list[_Suspect]) -> AsyncIterator[Finding]:
    """What is still so. A blob whose last file was deleted meanwhile has lost nothing."""
    asked = [suspect for suspect in suspects if await _needed(db, suspect.finding)]
    keys = {suspect.finding.key for suspect in asked}
    stored = {blob.id: blob.bytes async for blob in blobs.list() if blob.id in keys}
    for suspect in asked:
        finding: Finding | None = suspect.finding
        if suspect.size is not None:
            finding = _look(stored, suspect.blob, suspect.finding.key, suspect.size)
        elif suspect.blob is not None:
            finding = await _hash(db, blobs, suspect.blob)
        else:
            finding = suspect.finding if suspect.finding.key in stored else None
        if finding is not None and await _needed(db, finding):
            yield finding


async def _needed(db: Database, finding: Finding) -> bool:
    """Whether a file needs the blob, or another row the object; of an unknown object, whether it is that still."""
    if finding.blob_id is None:
        known = bool(await db.read(partial(known_objects, keys=[finding.key])))
        return known != (finding.wrong == "unknown")
    return await db.read(partial(blob_alive, blob_id=finding.blob_id))


def _page(conn: Connection, *, after: str) -> list[tuple[BlobRecord, list[tuple[str, int]]]]:
    """Blobs, and the (key, bytes) of their objects."""
    page = []
    for blob in all_blobs(conn, after, _ROWS_AT_ONCE):
        parts = [(part.key, part.bytes) for part in blob_parts(conn, blob.id)]
        page.append((blob, parts or [(blob.id, blob.bytes)]))
    return page


async def _objects(db: Database, table: BareTable, column: str) -> AsyncIterator[tuple[str, int]]:
    after = ""
    while page := await db.read(partial(page_of_objects, table=table, column=column, after=after, limit=_ROWS_AT_ONCE)):
        for key, size in page:
            yield key, size
        after = page[-1][0]


def _look(stored: dict[str, int], blob: BlobRecord | None, key: str, size: int) -> Finding | None:
    blob_id = None if blob is None else blob.id
    if key not in stored:
        return Finding("missing", key, blob_id, expected=str(size))
    if stored[key] != size:
        return Finding("size", key, blob_id, expected=str(size), found=str(stored[key]))
    return None


async def _hash(db: Database, blobs: BlobStore, blob: BlobRecord) -> Finding | None:
    source = await open_blob(db, blobs, blob.id, blob.bytes)
    digest = hashlib.sha256()
    try:
        async for piece in source.read(0, source.size):
            digest.update(piece)
    except BlobMissing:
        return Finding("missing", blob.id, blob.id, expected=str(blob.bytes))
    found = digest.hexdigest()
    return None if found == blob.sha256 else Finding("hash", blob.id, blob.id, expected=blob.sha256, found=found)
