"""`restore`: a backup into an empty catalogue and a store, of any kind each; also the way from one kind to another.

The objects come first, each compared with its hash, then all rows in one transaction, then the marks that join the
two: until then no gateway starts on them. A run that was cut is gone on with by the next one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from liftgate.blobs.disk import UNFINISHED
from liftgate.blobs.local import LocalBlobs
from liftgate.blobs.store import BlobStore
from liftgate.catalog.connection import Connection
from liftgate.catalog.database import Database
from liftgate.catalog.migrate import applied
from liftgate.catalog.portable import empty, lacking_files, load, note_restored, verify, was_restored
from liftgate.errors import ConfigError
from liftgate.files.backup import Begin
from liftgate.files.backup_directory import BackupDirectory, Manifest, wholes
from liftgate.files.belonging import adopt, look_at
from liftgate.files.copying import Copier, Report

_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Restored(Report):
    """`already`: the catalogue had it all. `keys`: how many made at run time are in the backup; they are as they were
    at `made_at`, its moment in Unix seconds."""

    already: bool
    keys: int = 0
    made_at: float = 0.0


def read_backup(directory: Path) -> Manifest:
    """Raises `ConfigError` for what is no whole backup."""
    try:
        manifest = BackupDirectory(directory).manifest() if directory.is_dir() else None
    except OSError as error:
        raise ConfigError(f"{directory} cannot be read: {error.strerror}.") from None
    if manifest is None:
        raise ConfigError(f"{directory} holds no backup.")
    if not manifest.complete:
        raise ConfigError(f"{directory}: this backup was not finished; `liftgate admin backup {directory}` goes on.")
    verify(directory / manifest.rows, manifest.tables)
    return manifest


async def strangers(blobs: BlobStore, directory: Path, manifest: Manifest) -> tuple[dict[str, int], list[str]]:
    """(what the store has, by key, in bytes; those keys of it that the backup does not have). A copy that a run
    was killed in is none of those: it is made again in its place."""
    wanted = {key for whole in wholes(directory / manifest.rows) for key, _ in whole.objects}
    there = {stored.id: stored.bytes async for stored in blobs.list()}
    return there, sorted(key for key in there.keys() - wanted if key.removesuffix(UNFINISHED) not in wanted)


def check_apart(directory: Path, data_dir: Path) -> None:
    """Raises `ConfigError` for a data directory in the backup's: the next backup would remove what is stored there."""
    backup, data = directory.resolve(), data_dir.resolve()
    if data == backup or backup in data.parents:
        raise ConfigError(f"data_dir {data_dir} is the backup's own directory, or lies in it; name another one.")


def other_objects(blobs: BlobStore, others: list[str]) -> ConfigError:
    return ConfigError(
        f"The store {blobs.notes.place} holds objects that are not of this backup ({len(others)} of them). Name another"
        " directory or another prefix; of a local store, --replace sets them aside."
    )


async def restore(
    db: Database,
    blobs: BlobStore,
    directory: Path,
    spool_dir: Path,
    *,
    copies: bool,
    take_over: bool,
    begin: Begin,
) -> Restored:
    """`db` has the backup's schema. `copies`: take over what is at Gemini; the source never runs again then.
    `take_over`: also a store that belongs to another catalogue.

    Raises `ConfigError` where the catalogue or the store hold anything else, StorageFull and Unavailable.
    """
    place = BackupDirectory(directory)
    with place.locked(read_only=True):
        manifest = read_backup(directory)
        files = manifest.tables["files"].rows
        rows = directory / manifest.rows
        needed = wholes(rows)
        gone = frozenset(manifest.gone)
        done_before = await _check_catalogue(db, manifest, rows)
        # One that was restored before may have been brought up to date since.
        if not done_before and await db.read(applied) != manifest.schema:
            raise ConfigError(f"The catalogue {db.place} is of another schema than the backup: add --replace.")
        look = await look_at(db, blobs)
        if look.found is not None and not (look.half or take_over or done_before):
            raise ConfigError(
                f"The store {blobs.notes.place} belongs to the catalogue {look.found.catalogue}. Name another one, or"
                " add --replace: that catalogue's gateways are refused then."
            )
        there, others = await strangers(blobs, directory, manifest)
        if others and not done_before:
            raise other_objects(blobs, others)
        source = LocalBlobs(place.blobs)
        try:
            moved = begin(sum(whole.size for whole in needed))
            copier = Copier(source, blobs, spool_dir, there, believe=False, moved=moved)
            done = await copier.run([whole for whole in needed if whole.id not in gone])
        finally:
            await source.close()
        if not done_before:
            await db.write(partial(_load, rows=rows, manifest=manifest, gone=gone, copies=copies), timeout=_SECONDS)
    return Restored(
        manifest.id,
        files,
        manifest.blobs,
        manifest.bytes,
        done.counts["copied"],
        done.counts["there"],
        tuple(sorted(done.missing)),
        tuple(sorted(done.damaged)),
        already=done_before,
        keys=manifest.tables["keys"].rows if "keys" in manifest.tables else 0,
        made_at=manifest.made_at,
    )


async def _check_catalogue(db: Database, manifest: Manifest, rows: Path) -> bool:
    """Whether it was restored from this backup before. Raises `ConfigError` where it was not and holds anything, and
    where it was and files were deleted since."""
    if not await db.read(partial(was_restored, backup=manifest.id)):
        if await db.read(empty):
            return False
        raise ConfigError(
            f"The catalogue {db.place} is not empty. Name another one, or add --replace: it is set aside then, and"
            " nothing is deleted."
        )
    if lost := await db.read(partial(lacking_files, directory=rows, gone=frozenset(manifest.gone)), timeout=_SECONDS):
        files = manifest.tables["files"].rows
        raise ConfigError(
            f"The catalogue {db.place} was restored from this backup before, and {lost} of its {files} files were"
            " deleted since. Add --replace to have them again: the catalogue is set aside then, and nothing is deleted."
        )
    return True


async def join(db: Database, blobs: BlobStore) -> None:
    """The last step: the two belong together from now on, and to nothing else."""
    look = await look_at(db, blobs)
    if not look.together:
        await adopt(db, blobs, first=look.found is None)


def _load(conn: Connection, *, rows: Path, manifest: Manifest, gone: frozenset[str], copies: bool) -> None:
    load(conn, rows, manifest.tables, manifest.schema, gone=gone, copies=copies)
    note_restored(conn, manifest.id)
