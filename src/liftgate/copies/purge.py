"""Names at Google that are of no use, deleted there until it is done. `purge` is one round of the job; `PurgeAtOnce` is
for the copies of a File that its owner deleted, which go without waiting for a round, where Google answers.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from liftgate.catalog.connection import Connection
from liftgate.catalog.rows import copies as rows
from liftgate.copies.kind import AnyKind
from liftgate.copies.lease import Lease
from liftgate.copies.services import Services
from liftgate.errors import LiftgateError, UpstreamError

log = logging.getLogger("liftgate.copies")

BATCH = 100
DELETE_SECONDS = 20.0
"""For one name: a session cancelled and asked, the name deleted."""
TICK = 0.001
UNKNOWN = "unknown"
"""An account that the config does not have any more."""
RETENTION_SECONDS = 48 * 3600.0
MOST_WAITING = 1000
"""Names at one account that `PurgeAtOnce` keeps in memory; the job finds the others."""


@dataclass(frozen=True, slots=True)
class Purger:
    """`kinds`: all that there are; whose a name is its beginning says, and an upload session is the first one's."""

    services: Services
    kinds: Sequence[AnyKind]

    async def purge(self, lease: Lease, *, seconds: float | None = None, keep_foreign: bool = False) -> None:
        """Deletes at Google what is due now. What cannot be deleted is due again at the next round.

        Accounts do not wait for each other, and one that fails once is left alone for the rest of the round. `seconds`:
        no new name is begun later than that, so that an account with much to delete does not put off the round in which
        another, which failed, is tried again. `keep_foreign`: what is at accounts that the config does not have is left
        to whoever knows them, by a caller that may have been given fewer.
        """
        services = self.services
        lease.check()
        began = await services.db.read(_now)
        until = math.inf if seconds is None else services.clock.monotonic() + seconds
        accounts = await services.db.read(partial(rows.accounts_due, now=began))
        rounds = [
            self._purge_account(lease, account, began, until)
            for account in accounts
            if account in services.accounts or not keep_foreign
        ]
        for outcome in await asyncio.gather(*rounds, return_exceptions=True):
            if outcome is not None:
                raise outcome.again() if isinstance(outcome, LiftgateError) else outcome

    async def _purge_account(self, lease: Lease, account: str, began: float, until: float) -> None:
        """One name after the other, until the account does not answer. Each name that is tried is due after `began`."""
        services = self.services
        while True:
            due = await services.db.read(partial(rows.due_purges, now=began, limit=BATCH, account=account))
            for each in due:
                lease.check()
                if services.clock.monotonic() >= until or not await self.purge_one(each, began):
                    return
            if len(due) < BATCH:
                return

    async def purge_one(self, purge: rows.Purge, began: float = 0.0) -> bool:
        """Deletes it at Google, or schedules it for the round after `began`. False when the account does not answer."""
        services = self.services
        now = await services.db.read(_now)
        account = services.accounts.get(purge.account)
        outcome = "forgotten"
        # Beyond that time Google has removed it by itself; so it soon will where the key is not ours any more.
        if account is not None and now - purge.doomed_at <= RETENTION_SECONDS + 3600:
            try:
                async with asyncio.timeout(DELETE_SECONDS):
                    await self._kind_of(purge).delete(account, purge.name, purge.upload_url)
            except (LiftgateError, TimeoutError) as error:
                log.info("purge of %s at %s: %s", purge.name, account.name, error)
                asked = error.retry_after if isinstance(error, LiftgateError) else None
                services.measurements.record("deletions", account.name, "failed")
                # Behind those that were not tried yet, and due at the next round whenever that is.
                next_due = max(now, began) + (asked or TICK)
                await services.db.write(partial(rows.postpone_purge, purge_id=purge.id, until=next_due))
                return not isinstance(error, UpstreamError | TimeoutError)
            outcome = "done"
        await services.db.write(partial(rows.purge_done, purge_id=purge.id))
        services.measurements.record("deletions", account.name if account is not None else UNKNOWN, outcome)
        return True

    def _kind_of(self, purge: rows.Purge) -> AnyKind:
        named = (kind for kind in self.kinds if purge.name.startswith(kind.prefix))
        return next(named, self.kinds[0])


def _now(conn: Connection) -> float:
    """The database's: nodes' own may differ."""
    return conn.now()


class PurgeAtOnce:
    """Deletes while no request waits. Each account is asked one thing after the other. What an account does not answer,
    or what would make too many wait, is left for the job."""

    def __init__(self, purger: Purger) -> None:
        self._purger = purger
        self._tasks = purger.services.tasks
        self._waiting: dict[str, deque[rows.Purge]] = {}

    def begin(self, purges: Sequence[rows.Purge]) -> None:
        """Deletes these names at once where Google answers; the job deletes the others."""
        for each in purges:
            waiting = self._waiting.get(each.account)
            if waiting is None:
                self._waiting[each.account] = deque([each])
                self._tasks.start(self._purge(each.account), name=f"purge at {each.account}")
            elif len(waiting) < MOST_WAITING:
                waiting.append(each)

    async def _purge(self, account: str) -> None:
        waiting = self._waiting[account]
        try:
            while waiting and await self._purger.purge_one(waiting.popleft()):
                pass
        except LiftgateError:
            # The catalogue is away, and the job finds there what is due.
            return
        finally:
            del self._waiting[account]
