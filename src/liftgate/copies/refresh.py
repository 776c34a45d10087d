"""What keeps replicas true in the background: names at Gemini deleted until gone, unfinished uploads taken up again,
replicas in use renewed before they expire. Each function is one round of a job; `engine/jobs.py` says when.
"""

from __future__ import annotations

import asyncio
import logging
import math
from functools import partial

from liftgate.catalog.database import Connection
from liftgate.catalog.rows import copies as rows
from liftgate.catalog.rows import files as file_rows
from liftgate.catalog.rows import leases
from liftgate.copies.ensure import Replicas
from liftgate.copies.lease import Lease
from liftgate.copies.services import Key, Parts, Wanted, lease_name
from liftgate.errors import LiftgateError, UpstreamError
from liftgate.gemini.client import GeminiClient
from liftgate.gemini.upload_rules import finished_file
from liftgate.records import Account, ReplicaRecord

log = logging.getLogger("liftgate.copies")

BATCH = 100
UNFINISHED = 10_000
REMOVE_SECONDS = 20.0
"""For one name: a session cancelled and asked, the name deleted."""
TICK = 0.001
RETENTION_SECONDS = 48 * 3600.0


async def purge(parts: Parts, lease: Lease, *, seconds: float | None = None, keep_foreign: bool = False) -> None:
    """Deletes what is doomed at Gemini and due now. What cannot be deleted is due again at the next round.

    A doomed session is cancelled first: only then can nobody finalize it any more. Accounts do not wait for each other,
    and one that fails once is left alone for the rest of the round. `seconds`: no new name is begun later than that, so
    that an account with much to delete does not put off the round in which another, which failed, is tried again.
    `keep_foreign`: what is at accounts that `parts` does not know is left to whoever knows them, by a caller that may
    have been given fewer.
    """
    lease.check()
    began = await parts.db.read(_now)
    until = math.inf if seconds is None else parts.clock.monotonic() + seconds
    accounts = await parts.db.read(partial(rows.accounts_due, now=began))
    rounds = [
        _purge_account(parts, lease, account, began, until)
        for account in accounts
        if account in parts.accounts or not keep_foreign
    ]
    for outcome in await asyncio.gather(*rounds, return_exceptions=True):
        if outcome is not None:
            raise outcome.again() if isinstance(outcome, LiftgateError) else outcome


async def _purge_account(parts: Parts, lease: Lease, account: str, began: float, until: float) -> None:
    """One after the other, until the account cannot be had. Of what is tried nothing stays due as of `began`."""
    while True:
        due = await parts.db.read(partial(rows.due_doomed, now=began, limit=BATCH, account=account))
        for each in due:
            lease.check()
            if parts.clock.monotonic() >= until or not await purge_one(parts, each, began):
                return
        if len(due) < BATCH:
            return


async def purge_one(parts: Parts, doomed: rows.Doomed, began: float = 0.0) -> bool:
    """Deletes it at Gemini, or has it due at the next round, one that `began` now. False when the account cannot be had
    at the moment."""
    now = await parts.db.read(_now)
    account = parts.accounts.get(doomed.account)
    # Beyond that time Gemini has removed it by itself; so it soon will where the key is not ours any more.
    if account is not None and now - doomed.doomed_at <= RETENTION_SECONDS + 3600:
        try:
            async with asyncio.timeout(REMOVE_SECONDS):
                await _remove(parts.client, account, doomed)
        except (LiftgateError, TimeoutError) as error:
            log.info("purge of %s at %s: %s", doomed.name, account.name, error)
            asked = error.retry_after if isinstance(error, LiftgateError) else None
            # Behind those that were not tried yet, and due at the next round whenever that is.
            next_due = max(now, began) + (asked or TICK)
            await parts.db.write(partial(rows.postpone_doomed, doomed_id=doomed.id, until=next_due))
            return not isinstance(error, UpstreamError | TimeoutError)
    await parts.db.write(partial(rows.drop_doomed, doomed_id=doomed.id))
    return True


async def _remove(client: GeminiClient, account: Account, doomed: rows.Doomed) -> None:
    if doomed.upload_url is not None:
        await client.cancel(account, doomed.upload_url)
        # It may have been final already, under a name of Google's own choice.
        finished = finished_file(await client.query(account, doomed.upload_url))
        if finished is not None and finished.name != doomed.name:
            await client.delete_file(account, finished.name)
    if doomed.name:
        await client.delete_file(account, doomed.name)


async def recover(parts: Parts, replicas: Replicas, lease: Lease) -> None:
    """Takes up uploads that a process began and did not finish, and gives up those that nobody wanted for long."""
    await parts.db.write(leases.cut_leases)
    now = await parts.db.read(_now)
    for row in await parts.db.read(lambda conn: rows.unfinished(conn, UNFINISHED)):
        lease.check()
        key = (row.blob_id, row.mime_type, row.account)
        if await parts.db.read(partial(leases.holder_of, name=lease_name(key))) is not None:
            continue
        if now - row.used_at > parts.settings.renew_used_seconds:
            await parts.db.write(partial(_lose, key=key, name=row.name))
        else:
            await _prepare(parts, replicas, row)
    # What was asked for at upload and nobody works at any more will be made when a chat needs it.
    forgotten = now - 2 * parts.settings.lease_seconds
    await parts.db.write(lambda conn: file_rows.settle_pending(conn, forgotten, BATCH))


def _lose(conn: Connection, *, key: Key, name: str) -> bool:
    return rows.lose_replica(conn, *key, name, conn.now())


def _now(conn: Connection) -> float:
    """The database's: nodes' own may differ."""
    return conn.now()


async def renew_expiring(parts: Parts, replicas: Replicas, lease: Lease) -> None:
    """Renews replicas that were used lately and expire soon, so that no request has to wait for it."""
    used_after = await parts.db.read(_now) - parts.settings.renew_used_seconds
    # The clock that is furthest ahead: what is not yet due by its own account's clock is left as it is.
    clocks = [parts.client.upstream_now(account) for account in parts.accounts.values()]
    if not clocks:
        return
    before = max(clocks) + parts.settings.renew_ahead_seconds
    for row in await parts.db.read(lambda conn: rows.expiring(conn, before, used_after, BATCH)):
        lease.check()
        await _prepare(parts, replicas, row, renew=True)


async def _prepare(parts: Parts, replicas: Replicas, row: ReplicaRecord, *, renew: bool = False) -> None:
    account = parts.accounts.get(row.account)
    file = await parts.db.read(partial(file_rows.file_of_blob, blob_id=row.blob_id))
    if account is None or file is None:
        return
    wanted = Wanted(file, row.mime_type)
    if renew:
        replicas.renew(wanted, account)
    else:
        replicas.prepare(wanted, account)
