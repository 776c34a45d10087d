"""The row of a replica as the holder of its lease writes it, under the lease's generation.

With `keep` the row that is there serves on until the new replica is ACTIVE and takes its place. Until then the new name
and session stand in the list of what is to be deleted, due when the page-in cannot be running any more.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from liftgate.catalog.database import Connection
from liftgate.catalog.rows import copies as rows
from liftgate.catalog.rows.blobs import blob_alive
from liftgate.copies.lease import Lease, LeaseLost
from liftgate.copies.services import Parts, Wanted
from liftgate.errors import FileNotFound
from liftgate.records import Account, ReplicaRecord


class Row:
    """`saved`: what the row says now, as far as this holder wrote or read it. A `used_at` of 0 is written as the
    database's time.
    """

    def __init__(self, parts: Parts, lease: Lease, wanted: Wanted, account: Account, *, keep: bool) -> None:
        self._db = parts.db
        self._settings = parts.settings
        self._lease = lease
        self._wanted = wanted
        self._account = account
        self._keep = keep
        self._used_at = 0.0
        self.saved: ReplicaRecord | None = None

    async def take_up(self, replica: ReplicaRecord) -> ReplicaRecord:
        """Goes on from what another wrote, who can write no more from here on. Raises as `save`.

        That does not make it look younger: there is an end to taking it up.
        """
        self._used_at = replica.used_at
        ours = replace(replica, generation=self._lease.generation)
        await self.save(ours)
        return ours

    async def begin(self, name: str, url: str | None) -> ReplicaRecord:
        """Names what is about to exist. Raises as `save`."""
        file = self._wanted.file
        uploading = ReplicaRecord(
            blob_id=file.blob_id,
            mime_type=self._wanted.mime_type,
            account=self._account.name,
            state="uploading",
            bytes=file.bytes,
            name=name,
            uri="",
            generation=self._lease.generation,
            upload_url=url,
            used_at=self._used_at,
        )
        await self.save(uploading)
        return uploading

    async def save(self, replica: ReplicaRecord) -> None:
        """Raises LeaseLost where the fence refuses the row, and FileNotFound where its file was deleted meanwhile.

        Whatever the row named before, or a refused row names, is doomed in the same transaction.
        """
        if self._keep and replica.state != "active":
            await self._db.write(partial(self._doom_later, replica=replica))
            return
        if await self._db.write(partial(self._put, replica=replica)):
            self.saved = replica
            return
        file = self._wanted.file
        if not await self._db.read(lambda conn: blob_alive(conn, file.blob_id)):
            raise FileNotFound(file.id)
        raise LeaseLost(replica.name)

    async def doom(self, name: str) -> None:
        """A name at Gemini that is of no use."""
        await self._db.write(lambda conn: rows.doom(conn, self._account.name, name, conn.now()))

    async def give_up(self) -> None:
        """Nothing to build on is left behind: the row goes, and what it named is doomed."""
        row = self.saved
        if row is None or self._keep:
            return
        self._lease.check()
        key = (row.blob_id, row.mime_type, row.account)
        await self._db.write(lambda conn: rows.lose_replica(conn, *key, row.name, conn.now()))

    def _put(self, conn: Connection, replica: ReplicaRecord) -> bool:
        if not replica.used_at:
            replica = replace(replica, used_at=conn.now())
        saved = rows.save_replica(conn, replica)
        if saved and self._keep:
            rows.spare(conn, self._account.name, replica.name)
        return saved

    def _doom_later(self, conn: Connection, replica: ReplicaRecord) -> None:
        delay = self._settings.page_in_seconds + self._settings.lease_seconds
        rows.doom(conn, self._account.name, replica.name, conn.now(), replica.upload_url, delay=delay)
