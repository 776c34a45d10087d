"""What keeps replicas true in the background: names at Gemini deleted until gone, unfinished uploads taken up again,
replicas in use renewed before they expire. Each function is one round of a job; `engine/jobs.py` says when.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from functools import partial

from liftgate.catalog import files as file_rows
from liftgate.catalog import leases
from liftgate.catalog import replicas as rows
from liftgate.catalog.database import Connection
from liftgate.errors import LiftgateError, UpstreamError
from liftgate.gemini.client import GeminiClient
from liftgate.gemini.upload_rules import finished_file
from liftgate.records import Account, ReplicaRecord
from liftgate.replicas.ensure import Replicas
from liftgate.replicas.lease import Lease
from liftgate.replicas.parts import Key, Parts, Wanted, lease_name

log = logging.getLogger("liftgate")

BATCH = 100
UNFINISHED = 10_000
REMOVE_SECONDS = 20.0
"""For one name: a session cancelled and asked, the name deleted."""
RETENTION_SECONDS = 48 * 3600.0


async def purge(parts: Parts, lease: Lease, *, keep_foreign: bool = False) -> None:
    """Deletes what is doomed at Gemini. What cannot be deleted now is tried again at the next round.

    A doomed session is cancelled first: only then can nobody finalize it any more. Accounts do not wait for each other,
    and one that fails once is left alone for the rest of the round. `keep_foreign`: what is at accounts that `parts`
    does not know is left to whoever knows them, by a caller that may have been given fewer.
    """
    away: set[str] = set()
    passed: set[int] = set()
    while True:
        lease.check()
        now = parts.clock.now()
        due = await parts.db.read(partial(rows.due_doomed, now=now, limit=BATCH + len(passed)))
        fresh = [doomed for doomed in due if doomed.id not in passed]
        passed.update(doomed.id for doomed in fresh)
        by_account: dict[str, list[rows.Doomed]] = {}
        for doomed in fresh:
            if doomed.account not in away and not (keep_foreign and doomed.account not in parts.accounts):
                by_account.setdefault(doomed.account, []).append(doomed)
        rounds = [_purge_account(parts, lease, of_account) for of_account in by_account.values()]
        for account, outcome in zip(by_account, await asyncio.gather(*rounds, return_exceptions=True), strict=True):
            if isinstance(outcome, BaseException):
                raise outcome
            if not outcome:
                away.add(account)
        if len(fresh) < BATCH:
            return


async def _purge_account(parts: Parts, lease: Lease, doomed: Sequence[rows.Doomed]) -> bool:
    """One after the other; False when the account cannot be had at the moment."""
    for each in doomed:
        lease.check()
        if not await _purge_one(parts, each):
            return False
    return True


async def _purge_one(parts: Parts, doomed: rows.Doomed) -> bool:
    now = parts.clock.now()
    account = parts.accounts.get(doomed.account)
    # Beyond that time Gemini has removed it by itself; so it soon will where the key is not ours any more.
    if account is not None and now - doomed.doomed_at <= RETENTION_SECONDS + 3600:
        try:
            async with asyncio.timeout(REMOVE_SECONDS):
                await _remove(parts.client, account, doomed)
        except (LiftgateError, TimeoutError) as error:
            log.info("purge of %s at %s: %s", doomed.name, account.name, error)
            until = now + parts.settings.purge_seconds / 2
            await parts.db.write(partial(rows.postpone_doomed, doomed_id=doomed.id, until=until))
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
    now = parts.clock.now()
    for row in await parts.db.read(lambda conn: rows.unfinished(conn, UNFINISHED)):
        lease.check()
        key = (row.blob_id, row.mime_type, row.account)
        if await parts.db.read(partial(leases.holder_of, name=lease_name(key))) is not None:
            continue
        if now - row.used_at > parts.settings.renew_used_seconds:
            await parts.db.write(partial(_lose, key=key, name=row.name, now=now))
        else:
            await _prepare(parts, replicas, row)
    # What was asked for at upload and nobody works at any more will be made when a chat needs it.
    forgotten = now - 2 * parts.settings.lease_seconds
    await parts.db.write(lambda conn: file_rows.settle_pending(conn, forgotten, BATCH))


def _lose(conn: Connection, *, key: Key, name: str, now: float) -> bool:
    return rows.lose_replica(conn, *key, name, now)


async def renew_expiring(parts: Parts, replicas: Replicas, lease: Lease) -> None:
    """Renews replicas that were used lately and expire soon, so that no request has to wait for it."""
    used_after = parts.clock.now() - parts.settings.renew_used_seconds
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
