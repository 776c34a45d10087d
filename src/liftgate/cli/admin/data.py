"""The data of a gateway without the gateway: its catalogue and its blob store, opened for a command of the operator.

Settings are found as `liftgate` itself finds them; a model is not needed. Nothing is made that is not there. The jobs
of a gateway do not run here.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from liftgate.blobs.store import BlobStore
from liftgate.catalog.database import Database
from liftgate.clock import SystemClock
from liftgate.copies.lease import Lease, job_lease
from liftgate.copies.services import Services
from liftgate.errors import ConfigError
from liftgate.gateway import open_services, purger_of
from liftgate.settings import Settings, load_settings

PURGE_TRIES = 20
PURGE_PAUSE = 0.5


@dataclass(frozen=True, slots=True)
class Data:
    """Open while `open_data` is."""

    services: Services
    spool_dir: Path

    @property
    def db(self) -> Database:
        return self.services.db

    @property
    def blobs(self) -> BlobStore:
        return self.services.blobs

    @property
    def places(self) -> dict[str, str]:
        """What was looked at, for every answer."""
        return {"catalogue": self.db.place, "store": self.blobs.notes.place}


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
        try:
            found = place.is_file()
        except OSError as error:
            raise ConfigError(f"The catalogue {place} cannot be read: {error.strerror}.") from None
        if not found:
            raise ConfigError(
                f"{place}: there is no catalogue; --data-dir, --database-url or --config says where it is."
            )
    return settings


@asynccontextmanager
async def open_data(settings: Settings, *, together: bool = True) -> AsyncIterator[Data]:
    """`together`: raises ConfigError unless the catalogue and the store belong to each other."""
    async with AsyncExitStack() as stack:
        services = await open_services(settings, SystemClock(), stack, together=together)
        yield Data(services, settings.storage.data_dir / "spool")


async def purge_now(data: Data) -> None:
    """Purges at Gemini what is due there, at the accounts whose keys the config has; the rest stays to be done.

    A running gateway that is at it already is waited for, for some seconds.
    """
    services = data.services
    if not services.accounts:
        return
    for _ in range(PURGE_TRIES):
        lease = await Lease.acquire(services, job_lease("purge"))
        if lease is not None:
            async with lease:
                await purger_of(services).purge(lease, keep_foreign=True)
            return
        await services.clock.sleep(PURGE_PAUSE)
