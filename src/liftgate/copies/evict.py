"""Room in a Google project whose 20 GB are used: its least recently used replicas go, and nobody misses them.

A replica that any node used in the last minutes stays. The blob is ours, so an evicted replica is only a later page-in.
"""

from __future__ import annotations

from functools import partial

from liftgate.catalog.database import Connection
from liftgate.catalog.rows import copies as rows
from liftgate.copies.services import Parts
from liftgate.errors import UpstreamStorageFull
from liftgate.records import Account

BATCH = 32


async def evict(parts: Parts, account: Account, *, wanted_bytes: int) -> int:
    """Deletes replicas of the account until `wanted_bytes` are free. Returns the bytes freed, at least one replica's.

    Raises UpstreamStorageFull when there is none that has been idle for long enough.
    """
    db, client = parts.db, parts.client
    freed = 0
    idle = parts.settings.evict_idle_seconds
    while freed < wanted_bytes:
        candidates = await db.read(lambda conn: rows.evictable(conn, account.name, conn.now() - idle, BATCH))
        for replica in candidates:
            key = (replica.blob_id, replica.mime_type, replica.account)
            if not await db.write(partial(_lose, key=key, name=replica.name)):
                continue
            # The row that dooms the name stays until the job has seen it gone: deleting twice is harmless.
            await client.delete_file(account, replica.name)
            freed += replica.bytes
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
    return freed


def _lose(conn: Connection, *, key: tuple[str, str, str], name: str) -> bool:
    return rows.lose_replica(conn, *key, name, conn.now())
