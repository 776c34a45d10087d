"""Makes room for a restore without deleting anything: what is there gets another name, and says which.

A note in the data directory keeps a second run from setting aside what the first one had restored by then.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from liftgate.blobs.store import BlobStore
from liftgate.catalog.database import set_catalogue_aside
from liftgate.files.backup_directory import Manifest
from liftgate.files.restore import other_objects, strangers
from liftgate.settings.sections import StorageSettings

NOTE = "restoring"


async def set_aside(
    storage: StorageSettings, blobs: BlobStore, directory: Path, manifest: Manifest, now: float
) -> list[str]:
    """The catalogue, and of a local store what the backup does not have; what they are called now. Of an object store
    nothing is moved: one with other objects is refused. Raises `ConfigError`; nothing is done then.
    """
    note = storage.data_dir / NOTE
    if note.exists() and note.read_text() == manifest.id:
        return []
    _, others = await strangers(blobs, directory, manifest)
    if others and storage.blob_store != "local":
        raise other_objects(blobs, others)
    suffix = f"before-{datetime.fromtimestamp(now, UTC):%Y%m%d-%H%M%S}"
    aside_as = await asyncio.to_thread(set_catalogue_aside, storage.catalog_url, suffix)
    moved = [] if aside_as is None else [f"the catalogue, as {aside_as}"]
    place = storage.data_dir / f"blobs.{suffix}"
    for key in others:
        [old] = (storage.data_dir / "blobs").glob(f"*/{key}")
        (place / old.parent.name).mkdir(parents=True, exist_ok=True)
        old.rename(place / old.parent.name / key)
    if others:
        moved.append(f"{len(others)} objects that the backup does not have, in {place}")
    note.write_text(manifest.id)
    return moved
