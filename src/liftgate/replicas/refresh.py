"""What keeps replicas true in the background: names at Gemini deleted until gone, unfinished uploads taken up again,
replicas in use renewed before they expire. Each function is one round of a job; `engine/jobs.py` says when.
"""

from __future__ import annotations

import logging
from functools import partial

from liftgate.catalog import files as file_rows
from liftgate.catalog import leases
from liftgate.catalog import replicas as rows
from liftgate.errors import LiftgateError
from liftgate.gemini.client import GeminiClient
from liftgate.gemini.upload_rules import finished_file
from liftgate.records import Account, ReplicaRecord
from liftgate.replicas.ensure import Replicas
from liftgate.replicas.lease import Lease
from liftgate.replicas.parts import Parts, Wanted, lease_name

log = logging.getLogger("liftgate")

BATCH = 100
RETENTION_SECONDS = 48 * 3600.0


async def purge(parts: Parts, lease: Lease) -> None:
    """Deletes what is doomed at Gemini. What cannot be deleted now is tried again at the next round.

    A doomed session is cancelled first: only then can nobody finalize it any more.
    """
    db = parts.db
    while True:
        lease.check()
        now = parts.clock.now()
        due = await db.read(lambda conn, now=now: rows.due_doomed(conn, now, BATCH))  # type: ignore[misc]
        for doomed in due:
            lease.check()
            account = parts.accounts.get(doomed.account)
            if account is None or now - doomed.doomed_at > RETENTION_SECONDS + 3600:
                # Gemini has removed it by itself; or its key is not ours any more, and then it soon will.
                await db.write(partial(rows.drop_doomed, doomed_id=doomed.id))
                continue
            try:
                await _remove(parts.client, account, doomed)
            except LiftgateError as error:
                log.info("purge of %s at %s: %s", doomed.name, account.name, error.message)
                await db.write(
                    partial(rows.postpone_doomed, doomed_id=doomed.id, until=now + parts.settings.purge_seconds / 2)
                )
            else:
                await db.write(partial(rows.drop_doomed, doomed_id=doomed.id))
        if len(due) < BATCH:
            return


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
    """Takes up uploads that a process began and did not finish."""
    for row in await parts.db.read(lambda conn: rows.unfinished(conn, BATCH)):
        lease.check()
        name = lease_name((row.blob_id, row.mime_type, row.account))
        if await parts.db.read(partial(leases.holder_of, name=name)) is None:
            await _prepare(parts, replicas, row)
    # What was asked for at upload and nobody works at any more will be made when a chat needs it.
    forgotten = parts.clock.now() - 2 * parts.settings.lease_seconds
    await parts.db.write(lambda conn: file_rows.settle_pending(conn, forgotten, BATCH))


async def renew_expiring(parts: Parts, replicas: Replicas, lease: Lease) -> None:
    """Renews replicas that were used lately and expire soon, so that no request has to wait for it."""
    now = parts.clock.now()
    before = now + parts.settings.renew_ahead_seconds
    used_after = now - parts.settings.renew_used_seconds
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
