"""Files whose copies were asked for at their upload, on their way to Gemini. No request waits for them; their status
says how far they are.

A File is `uploaded` until it is at all accounts that it was meant for, then `processed`, or `error` when Gemini refused
it. While Gemini cannot be reached the page-in is tried again, under a lease that keeps the job for files that were left
behind from settling the status. Where Google refuses the key or the address and not the File, waiting changes nothing:
it is `processed`, and the details say why it is not there.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from liftgate.backoff import PREFETCHES
from liftgate.blobs.spool import Spool
from liftgate.catalog.rows import files as rows
from liftgate.copies.ensure import Copies
from liftgate.copies.kinds.head_start import HeadStart
from liftgate.copies.kinds.wanted import Wanted
from liftgate.copies.lease import Lease
from liftgate.copies.services import Services
from liftgate.deployments import Account
from liftgate.errors import FileNotFound, InvalidRequest, LiftgateError, NotFound, PermissionDenied, UpstreamKeyRejected
from liftgate.records import FileRecord, FileStatus
from liftgate.tasks import Tasks

log = logging.getLogger("liftgate.engine")

FOR_THE_OPERATOR = (UpstreamKeyRejected, PermissionDenied, NotFound)
"""What passes only when somebody changes the key, the project or the address."""


class Prefetch:
    """`close` it before the tasks of `services` are drained: what only waits for another attempt is not waited for."""

    def __init__(self, services: Services, copies: Copies[Wanted]) -> None:
        self._services = services
        self._db = services.db
        self._clock = services.clock
        self._copies = copies
        self._retries = Tasks()
        self._closed = False

    def begin_head_start(self, source: Spool, account: Account, mime_type: str, size: int) -> HeadStart:
        """Sends what is there of a File that still arrives."""
        services = self._services
        return HeadStart(services.client, account, source, mime_type=mime_type, size=size, tasks=services.tasks)

    def cancel_head_start(self, upload: HeadStart) -> None:
        """Cancels an early upload that will not be used."""
        self._services.tasks.start(upload.cancel(), name="cancel early upload")

    def start(self, file: FileRecord, accounts: Sequence[Account], early: Sequence[HeadStart]) -> None:
        """Begins to take a File to these accounts, going on from what was sent early."""
        self._services.tasks.start(self._run(file, accounts, early), name=f"prefetch {file.id}")

    async def close(self) -> None:
        """Nothing is tried again any more."""
        self._closed = True
        await self._retries.close()

    async def _run(self, file: FileRecord, accounts: Sequence[Account], early: Sequence[HeadStart]) -> None:
        sent = {upload.account.name: upload for upload in early if upload.matches(file.mime_type, file.bytes)}
        for upload in early:
            if upload.account.name not in sent:
                await upload.cancel()
        wanted = Wanted(file, file.mime_type)
        deadline = self._clock.monotonic() + self._services.settings.page_in_seconds
        for account in accounts:
            self._copies.prefetch(wanted, account, begun=sent.get(account.name))
        try:
            failure = await self._settle(wanted, accounts, deadline)
        except LiftgateError as error:
            log.warning("the status of %s is left to the job: %s", file.id, error.message)
            return
        if failure is None:
            return
        log.warning("%s is not at Gemini yet: %s", file.id, failure.message)
        if not self._closed:
            self._retries.start(self._retry(wanted, accounts, deadline), name=f"prefetch {file.id} again")

    async def _settle(self, wanted: Wanted, accounts: Sequence[Account], deadline: float) -> LiftgateError | None:
        """Waits until Gemini has the File or refuses it, and settles its status. Returns a failure that may pass;
        raises what the catalogue did."""
        file = wanted.file
        status: FileStatus = "processed"
        details = None
        try:
            for account in accounts:
                await self._copies.ensure(wanted, account, deadline=deadline, why="asked")
        except InvalidRequest as refused:
            status, details = "error", refused.message
        except FileNotFound:
            return None  # Deleted meanwhile.
        except FOR_THE_OPERATOR as error:
            log.warning("%s is left to the next request that needs it: %s", file.id, error.message)
            details = f"The file is stored. {error.message} A request that needs it will carry it."
        except LiftgateError as error:
            return error
        await self._db.write(lambda conn: rows.set_file_status(conn, file.id, status, details))
        return None

    async def _retry(self, wanted: Wanted, accounts: Sequence[Account], deadline: float) -> None:
        """Tries again until Gemini has it or the time is up; then the job settles its status, as after a crash."""
        file = wanted.file
        try:
            lease = await Lease.acquire(self._services, rows.CARRIED + file.id)
            if lease is None:
                return  # Another process is at it.
            async with lease:
                tries, pause = 0, PREFETCHES.first
                failure: LiftgateError | None = None
                while self._clock.monotonic() + pause < deadline:
                    await self._clock.sleep(pause)
                    failure = await self._settle(wanted, accounts, deadline)
                    if failure is None:
                        return
                    tries += 1
                    pause = PREFETCHES.pause(tries, failure.retry_after)
                log.warning("%s is left to the next request that needs it: %s", file.id, failure)
        except LiftgateError as error:
            log.warning("the status of %s is left to the job: %s", file.id, error.message)
