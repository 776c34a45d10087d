"""Room in a Google project whose 20 GB are used: its least recently used copies go, and no request misses them.

A copy that any node used in the last minutes stays. What it is a copy of is ours, so evicting only costs a later
page-in.
"""

from __future__ import annotations

from functools import partial

from liftgate.catalog.database import Connection
from liftgate.catalog.rows import copies as rows
from liftgate.copies.kind import Kind, S
from liftgate.copies.services import Services
from liftgate.deployments import Account
from liftgate.errors import UpstreamStorageFull
from liftgate.records import CopyRecord

BATCH = 32


async def evict(services: Services, kind: Kind[S], account: Account, wanted_bytes: int) -> None:
    """Deletes copies of the account until `wanted_bytes` are free, and one at least. Raises UpstreamStorageFull when
    none has been idle for long enough."""
    db = services.db
    freed = 0
    idle = services.settings.evict_idle_seconds
    while freed < wanted_bytes:
        candidates = await db.read(
            lambda conn: rows.evictable(conn, kind.table, account.name, conn.now() - idle, BATCH)
        )
        for copy in candidates:
            if not await db.write(partial(_mark_lost, table=kind.table, copy=copy)):
                continue
            services.measurements.record("evictions", account.name, "quota")
            # The scheduled purge stays until the job has seen the name gone: deleting twice is harmless.
            await kind.delete(account, copy.name, "")
            freed += copy.bytes
            if freed >= wanted_bytes:
                break
        if not candidates:
            break
    if freed == 0:
        raise UpstreamStorageFull(
            f"The Google project behind {account.name!r} has no room left for files, and none of those it holds "
            "can be evicted now.",
            retry_after=60,
        )


def _mark_lost(conn: Connection, *, table: rows.CopyTable, copy: CopyRecord) -> bool:
    return rows.mark_lost(conn, table, copy.key, copy.name, conn.now())
