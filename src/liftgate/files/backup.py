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
from liftgate.catalog.portable import backup_runs, count_backup, dump
from liftgate.catalog.rows.blobs import is_orphaned
from liftgate.catalog.rows.store import get_store
from liftgate.catalog.schema import newest_schema
from liftgate.catalog.table import known_objects
from liftgate.errors import ConfigError, StorageFull
from liftgate.files.backup_directory import BackupDirectory, Manifest, wholes
from liftgate.files.copying import Copier, Report

_SECONDS = 3600.0
"""For the catalogue's rows, which are read in one piece."""

OF_A_GATEWAY = ("blobs", "spool", "spend", "metrics")
"""Directories in a data directory, where what is not known is swept, or makes trouble."""

Begin = Callable[[int], Callable[[int], None]]
"""Gets how many bytes there are, and gives what is called with each piece's size."""


async def back_up(
    db: Database, blobs: BlobStore, directory: Path, *, data_dir: Path, now: float, begin: Begin
) -> Report:
    """Raises `ConfigError` for a directory that holds something else, StorageFull and Unavailable."""
    _check_apart(directory, data_dir)
    place = BackupDirectory(directory)
    place.make()
    with place.locked():
        if (place.blobs / MARK).exists():
            raise ConfigError(f"{place.blobs} is the store of a gateway; name a new or an empty directory.")
        try:
            return await _update(db, blobs, place, now=now, begin=begin)
        except (OSError, StorageFull) as error:
            why = error.strerror if isinstance(error, OSError) else "no space is left"
            raise StorageFull(
                f"The backup {directory} cannot be written: {why}. What it held before is still in it; the"
                " same command goes on when that is mended."
            ) from error


async def _update(db: Database, blobs: BlobStore, place: BackupDirectory, *, now: float, begin: Begin) -> Report:
    before = await _begun(db, place)
    run = await _counted(db, before.line, before.run)
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
        made = replace(
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
            run=run,
        )
        place.write_manifest(made)
        place.forget_rows(rows.name)
        for key in there.keys() - wanted:
            await target.delete(key)
    finally:
        await target.close()
    copied, kept = done.counts["copied"], done.counts["there"]
    return Report(made.id, tables["files"].rows, made.blobs, made.bytes, copied, kept, made.missing, made.damaged)


def _check_apart(directory: Path, data_dir: Path) -> None:
    """Raises `ConfigError` for a directory among the bytes that it is to be a backup of."""
    backup, data = directory.resolve(), data_dir.resolve()
    for name in OF_A_GATEWAY:
        if (data / name) in backup.parents:
            raise ConfigError(f"{directory} lies in {data_dir / name}, which is the gateway's own; name another one.")


async def _begun(db: Database, place: BackupDirectory) -> Manifest:
    """What the directory holds, which is to be brought up to date. Raises `ConfigError` where it must not be."""
    source = await db.read(_source)
    before = place.manifest()
    if before is not None and before.source != source:
        raise ConfigError(f"{place.path} holds a backup of another catalogue; name a new or an empty directory.")
    if before is None:
        before = Manifest(ids.token(16), source)
    if not before.line:
        before = replace(before, line=ids.token(16))
        place.write_manifest(before)
    if await db.read(partial(backup_runs, line=before.line)) < before.run:
        # It was put back as it was before, or is a copy of then: what came since may be in this backup alone.
        raise ConfigError(
            f"{place.path} holds a backup that is newer than the catalogue {db.place}; name a new or an empty"
            " directory, and keep this one until nothing in it is needed any more."
        )
    return before


async def _counted(db: Database, line: str, run: int) -> int:
    try:
        return await db.write(partial(count_backup, line=line))
    except StorageFull:
        # A full disk can still be backed up.
        return run


def _source(conn: Connection) -> str:
    store = get_store(conn)
    return "" if store is None else store.catalogue_mark


def _gone(conn: Connection, missing: list[str]) -> set[str]:
    """Which of these blobs and parts have no use any more: they were deleted since the rows were read."""
    known = known_objects(conn, missing)
    return {name for name in missing if name not in known or is_orphaned(conn, name)}
