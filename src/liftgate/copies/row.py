"""The row of a copy as the holder of its lease writes it, under the lease's generation.

With `keep` the row that is there serves on until the new copy is ACTIVE and takes its place. Until then the new name
and session stand in the list of what is to be purged, due when the making cannot be running any more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from liftgate.catalog.database import Connection
from liftgate.catalog.rows import copies as rows
from liftgate.copies.lease import Lease, LeaseLost
from liftgate.copies.services import Services
from liftgate.errors import LiftgateError
from liftgate.records import CopyKey, CopyRecord


class Row:
    """`saved`: what the row says now, as far as this holder wrote or read it. A `used_at` of 0 is written as the
    database's time. `gone`: the error for a subject that is there no more.
    """

    def __init__(
        self,
        services: Services,
        lease: Lease,
        table: rows.CopyTable,
        key: CopyKey,
        gone: Callable[[], LiftgateError],
        *,
        keep: bool,
    ) -> None:
        self._db = services.db
        self._settings = services.settings
        self._lease = lease
        self._table = table
        self._key = key
        self._gone = gone
        self._keep = keep
        self._used_at = 0.0
        self.saved: CopyRecord | None = None

    async def take_up(self, copy: CopyRecord) -> CopyRecord:
        """Goes on from a row that another process wrote; from here on that process cannot write it. Raises as `save`.
        The row's age stays, so that taking a copy up comes to an end."""
        self._used_at = copy.used_at
        ours = replace(copy, generation=self._lease.generation)
        await self.save(ours)
        return ours

    async def begin(self, name: str, url: str | None, *, size: int) -> CopyRecord:
        """Names what is about to exist; `size` in bytes. Raises as `save`."""
        uploading = CopyRecord(
            *self._key,
            state="uploading",
            bytes=size,
            name=name,
            uri="",
            generation=self._lease.generation,
            upload_url=url,
            used_at=self._used_at,
        )
        await self.save(uploading)
        return uploading

    async def save(self, copy: CopyRecord) -> None:
        """Raises LeaseLost where the fence refuses the row, and `gone` where its subject was deleted meanwhile.

        Whatever the row named before, or a refused row names, is scheduled to be purged in the same transaction.
        """
        if self._keep and copy.state != "active":
            await self._db.write(partial(self._purge_later, copy=copy))
            return
        if await self._db.write(partial(self._put, copy=copy)):
            self.saved = copy
            return
        if not await self._db.read(partial(rows.is_alive, table=self._table, subject=copy.subject)):
            raise self._gone()
        raise LeaseLost(copy.name)

    async def schedule_purge(self, name: str) -> None:
        """A name at Google that is of no use."""
        await self._db.write(lambda conn: rows.schedule_purge(conn, self._key.account, name, conn.now()))

    async def mark_lost(self) -> None:
        """Deletes the row and schedules a purge of what it named."""
        row = self.saved
        if row is None or self._keep:
            return
        self._lease.check()
        await self._db.write(lambda conn: rows.mark_lost(conn, self._table, row.key, row.name, conn.now()))

    def _put(self, conn: Connection, copy: CopyRecord) -> bool:
        if not copy.used_at:
            copy = replace(copy, used_at=conn.now())
        saved = rows.save_copy(conn, self._table, copy)
        if saved and self._keep:
            rows.unschedule_purge(conn, copy.account, copy.name)
        return saved

    def _purge_later(self, conn: Connection, copy: CopyRecord) -> None:
        delay = self._settings.page_in_seconds + self._settings.lease_seconds
        rows.schedule_purge(conn, copy.account, copy.name, conn.now(), copy.upload_url, delay=delay)
