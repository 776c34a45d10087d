"""Copies kept usable in the background, one round of a job each: `renew_expiring` and `recover`."""

from __future__ import annotations

from functools import partial

from liftgate.catalog.connection import Connection
from liftgate.catalog.rows import copies as rows
from liftgate.catalog.rows import leases
from liftgate.copies.ensure import Copies
from liftgate.copies.kind import S
from liftgate.copies.lease import Lease, lease_name
from liftgate.copies.services import Services
from liftgate.records import CopyRecord

BATCH = 100
UNFINISHED = 10_000


async def renew_expiring(services: Services, copies: Copies[S], lease: Lease) -> None:
    """Renews copies that were used lately and expire soon, so that no request has to wait for it."""
    used_after = await services.db.read(_now) - services.settings.renew_used_seconds
    # The clock that is furthest ahead: what is not yet due by its own account's clock is left as it is.
    clocks = [services.client.upstream_now(account) for account in services.accounts.values()]
    if not clocks:
        return
    before, table = max(clocks) + services.settings.renew_ahead_seconds, copies.kind.table
    for row in await services.db.read(lambda conn: rows.expiring(conn, table, before, used_after, BATCH)):
        lease.check()
        account, subject = services.accounts.get(row.account), await copies.kind.find_subject(row)
        if account is not None and subject is not None:
            copies.renew(subject, account)


async def recover(services: Services, copies: Copies[S], lease: Lease) -> None:
    """Takes up what a process began and did not finish, and gives up what no request wanted for long."""
    table = copies.kind.table
    now = await services.db.read(_now)
    for row in await services.db.read(partial(rows.unfinished, table=table, limit=UNFINISHED)):
        lease.check()
        if await services.db.read(partial(leases.holder_of, name=lease_name(table, row.key))) is not None:
            continue
        if now - row.used_at > services.settings.renew_used_seconds:
            await services.db.write(partial(_mark_lost, table=table, row=row))
            services.measurements.record("evictions", row.account, "idle")
            continue
        account, subject = services.accounts.get(row.account), await copies.kind.find_subject(row)
        if account is not None and subject is not None:
            copies.prefetch(subject, account, why="repair")


def _mark_lost(conn: Connection, *, table: rows.CopyTable, row: CopyRecord) -> None:
    rows.mark_lost(conn, table, row.key, row.name, conn.now())


def _now(conn: Connection) -> float:
    """The database's: nodes' own may differ."""
    return conn.now()
