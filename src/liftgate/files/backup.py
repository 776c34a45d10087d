"""`back_up`: a whole copy of a catalogue and its store in a directory, made beside running gateways.

The catalogue comes first, as of one moment; then the objects that it needs. What is deleted meanwhile is kept by the
sweep's grace, so it is still there, unless it was erased on purpose: then the backup notes it as gone. A run that was
cut is gone on with by the next one, and a later run brings the backup up to date: only what is new is copied.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from liftgate import ids
from liftgate.blobs.local import LocalBlobs
from liftgate.blobs.spool import remove_dead_spools
from liftgate.blobs.store import MARK, BlobStore
from liftgate.catalog.connection import Connection
from liftgate.catalog.database import Database
from liftgate.catalog.portable import dump
from liftgate.catalog.rows.blobs import is_orphaned
from liftgate.catalog.rows.store import get_store
from liftgate.catalog.schema import newest_schema
from liftgate.catalog.table import known_objects
from liftgate.errors import ConfigError
from liftgate.files.backup_directory import BackupDirectory, Manifest, wholes
from liftgate.files.copying import Copier, Report

_SECONDS = 3600.0
"""For the catalogue's rows, which are read in one piece."""

Begin = Callable[[int], Callable[[int], None]]
"""Gets how many bytes there are, and gives what is called with each piece's size."""


async def back_up(db: Database, blobs: BlobStore, directory: Path, *, now: float, begin: Begin) -> Report:
    """Raises `ConfigError` for a directory that holds something else, StorageFull and Unavailable."""
    place = BackupDirectory(directory)
    place.make()
    with place.locked():
        if (place.blobs / MARK).exists():
            raise ConfigError(f"{place.blobs} is the store of a gateway; name a new or an empty directory.")
        source = await db.read(_source)
        before = place.manifest()
        if before is not None and before.source != source:
            raise ConfigError(f"{directory} holds a backup of another catalogue; name a new or an empty directory.")
        if before is None:
            before = Manifest(ids.token(16), source)
            place.write_manifest(before)
        remove_dead_spools(place.spool)
        place.forget_rows(before.rows)
        rows = place.new_rows()
        tables = await db.read(partial(dump, directory=rows), timeout=_SECONDS)
        needed = wholes(rows)
        target = LocalBlobs(place.blobs)
        try:
            there = {stored.id: stored.bytes async for stored in target.list()}
            moved = begin(sum(whole.size for whole in needed))
            copier = Copier(blobs, target, place.spool, there, believe=True, moved=moved)
            done = await copier.run(needed)
            gone = tuple(sorted(await db.read(partial(_gone, missing=done.missing))))
            wanted = {key for whole in needed for key, _ in whole.objects}
            place.write_manifest(
                replace(
                    before,
                    id=ids.token(16),
                    complete=True,
                    schema=newest_schema(),
                    made_at=now,
                    rows=rows.name,
                    tables=tables,
                    blobs=len(needed),
                    bytes=sum(whole.size for whole in needed),
                    gone=gone,
                    missing=tuple(sorted(set(done.missing) - set(gone))),
                    damaged=tuple(sorted(done.damaged)),
                )
            )
            place.forget_rows(rows.name)
            for key in there.keys() - wanted:
                await target.delete(key)
        finally:
            await target.close()
    made = place.manifest()
    assert made is not None, "it was written a moment ago"
    copied, kept = done.counts["copied"], done.counts["there"]
    return Report(made.id, tables["files"].rows, made.blobs, made.bytes, copied, kept, made.missing, made.damaged)


def _source(conn: Connection) -> str:
    store = get_store(conn)
    return "" if store is None else store.catalogue_mark


def _gone(conn: Connection, missing: list[str]) -> set[str]:
    """Which of these blobs and parts have no use any more: they were deleted since the rows were read."""
    known = known_objects(conn, missing)
    return {name for name in missing if name not in known or is_orphaned(conn, name)}
