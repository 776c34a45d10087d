"""The data of a gateway without the gateway: its catalogue and its blob store, opened for a command of the operator.

Settings are found as `liftgate` itself finds them; a model is not needed. Nothing is made that is not there. The jobs
of a gateway do not run here.
"""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click

from liftgate import ids
from liftgate.blobs.open import open_blob_store
from liftgate.blobs.store import BlobStore
from liftgate.catalog.database import Database, open_database
from liftgate.clock import SystemClock
from liftgate.copies.lease import Lease
from liftgate.copies.refresh import purge
from liftgate.copies.services import Parts
from liftgate.errors import ConfigError
from liftgate.files.belonging import settle
from liftgate.files.read import open_blob
from liftgate.gemini.client import GeminiClient
from liftgate.settings import Settings, load_settings
from liftgate.tasks import Tasks

PURGE_LEASE = "job|purge"
"""The one that a gateway's own job takes (engine/jobs.py)."""

PURGE_TRIES = 20
PURGE_PAUSE = 0.5


@dataclass(frozen=True, slots=True)
class Data:
    """Open while `open_data` is."""

    settings: Settings
    db: Database
    blobs: BlobStore
    spool_dir: Path
    clock: SystemClock

    @property
    def places(self) -> dict[str, str]:
        """What was looked at, for every answer."""
        return {"catalogue": self.db.place, "store": self.blobs.notes.place}

    @property
    def accounts(self) -> set[str]:
        """Names of the accounts at Gemini whose keys the config has."""
        return {deployment.account.name for deployment in self.settings.deployments}


def restore_settings(config: Path | None, flags: Mapping[str, object]) -> Settings:
    """As `find_settings`, where there need be no catalogue yet."""
    settings, warnings = load_settings(config, flags, os.environ, serving=False)
    for warning in warnings:
        click.echo(f"liftgate: warning: {warning}", err=True)
    return settings


def find_settings(config: Path | None, flags: Mapping[str, object]) -> Settings:
    """Raises ConfigError, also where there is no catalogue; warnings go to standard error."""
    settings = restore_settings(config, flags)
    url = settings.storage.catalog_url
    if url.startswith("sqlite:"):
        place = Path("/" + url.removeprefix("sqlite://").lstrip("/"))
        if not place.is_file():
            raise ConfigError(
                f"{place}: there is no catalogue; --data-dir, --database-url or --config says where it is."
            )
    return settings


@asynccontextmanager
async def open_data(settings: Settings, *, together: bool = True) -> AsyncIterator[Data]:
    """`together`: raises ConfigError unless the catalogue and the store belong to each other."""
    async with AsyncExitStack() as stack:
        clock = SystemClock()
        db = await open_database(settings.storage.catalog_url, clock=clock)
        stack.push_async_callback(db.close)
        blobs = open_blob_store(settings.storage.blob_store, settings.storage.data_dir)
        stack.push_async_callback(blobs.close)
        if together:
            await settle(db, blobs)
        yield Data(settings, db, blobs, settings.storage.data_dir / "spool", clock)


async def purge_now(data: Data) -> None:
    """Removes at Gemini what is due there, at the accounts whose keys the config has; the rest stays to be done.

    A running gateway that is at it already is waited for, for some seconds.
    """
    if not data.accounts:
        return
    clock = data.clock
    client, tasks = GeminiClient(clock), Tasks()
    parts = Parts(
        db=data.db,
        open_blob=partial(open_blob, data.db, data.blobs),
        client=client,
        clock=clock,
        tasks=tasks,
        settings=data.settings.jobs,
        accounts={deployment.account.name: deployment.account for deployment in data.settings.deployments},
        holder=f"{socket.gethostname()}:{os.getpid()}:{ids.token(8)}",
    )
    try:
        for _ in range(PURGE_TRIES):
            lease = await Lease.acquire(parts, PURGE_LEASE)
            if lease is not None:
                async with lease:
                    await purge(parts, lease, keep_foreign=True)
                return
            await clock.sleep(PURGE_PAUSE)
    finally:
        await tasks.close()
        await client.close()
