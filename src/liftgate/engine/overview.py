"""What people look at who look after files: Files by name, where each has copies, what fills the accounts, how the
deployments do. It changes nothing, and asks Google nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from liftgate.catalog.connection import Connection
from liftgate.catalog.rows import overview as rows
from liftgate.catalog.rows.copies import FILE_COPIES, copies_of, count_purges
from liftgate.catalog.rows.overview import FileCopy as FileCopy
from liftgate.copies.ensure import Copies
from liftgate.copies.kinds.wanted import Wanted
from liftgate.copies.services import Services
from liftgate.deployments import Account, Deployment
from liftgate.engine.files import Files
from liftgate.records import CopyRecord, FileRecord, FileSearch, Owner
from liftgate.router.attempts import Router

PROJECT_BYTES = 20 * 2**30
"""What Google keeps of a project's files (docs/protocol/gemini.md, "Limits and types")."""
MOST_LISTED = 100
EXPIRED = "expired"
UNDER_WAY = ("uploading", "processing")


@dataclass(frozen=True, slots=True)
class SeenFile:
    """A File, and its copies that are not past their end."""

    file: FileRecord
    copies: Sequence[CopyRecord]


@dataclass(frozen=True, slots=True)
class CopyPlace:
    """What an account of the config has of a File; `copy` is None where it has nothing. `state`: of the copy, `expired`
    where its time at Google is over, `none` without one."""

    account: str
    state: str
    copy: CopyRecord | None


@dataclass(frozen=True, slots=True)
class AccountUse:
    """What fills an account. `to_purge`: names there that wait to be deleted; None where that is not for the asker."""

    account: Account
    models: Sequence[str]
    held: Sequence[rows.Held]
    to_purge: int | None


@dataclass(frozen=True, slots=True)
class DeploymentState:
    """How a deployment does, as this process knows it. `cooling`: seconds for which it is still left alone."""

    deployment: Deployment
    failures: int
    cooling: float
    in_flight: int


class Overview:
    def __init__(self, services: Services, files: Files, copies: Copies[Wanted], router: Router) -> None:
        self._db = services.db
        self._client = services.client
        self._sending = services.sending
        self._clock = services.clock
        self._accounts = services.accounts
        self._files = files
        self._copies = copies
        self._router = router

    async def find_files(self, owner: Owner, wanted: FileSearch) -> tuple[list[SeenFile], str | None]:
        """A page, and what the next one comes after. Raises FileNotFound and InvalidRequest."""

        def work(conn: Connection) -> tuple[rows.FoundFiles, list[CopyRecord]]:
            found = rows.find_files(conn, owner, wanted, conn.now())
            return found, copies_of(conn, FILE_COPIES, list({file.blob_id for file in found.files}))

        (files, following), copies = await self._db.read(work)
        by_blob: dict[str, list[CopyRecord]] = {}
        for copy in copies:
            if not self._is_over(copy):
                by_blob.setdefault(copy.subject, []).append(copy)
        return [SeenFile(file, by_blob.get(file.blob_id, ())) for file in files], following

    async def places(self, owner: Owner, file_id: str) -> tuple[SeenFile, list[CopyPlace]]:
        """Every account, in the order of the config, with what it has of the File. Raises FileNotFound."""
        file = await self._files.retrieve(owner, file_id)
        copies = await self._db.read(lambda conn: copies_of(conn, FILE_COPIES, [file.blob_id]))
        places: list[CopyPlace] = []
        for name in self._accounts:
            there = [copy for copy in copies if copy.account == name]
            places += [CopyPlace(name, EXPIRED if self._is_over(copy) else copy.state, copy) for copy in there]
            if not there:
                places.append(CopyPlace(name, "none", None))
        return SeenFile(file, [copy for copy in copies if not self._is_over(copy)]), places

    async def accounts(self, owner: Owner, *, everyones: bool) -> list[AccountUse]:
        """`everyones`: what all owners have there together; else the owner's part."""

        def work(conn: Connection) -> tuple[list[rows.Held], dict[str, int]]:
            held = rows.held(conn, None if everyones else owner, conn.now())
            return held, count_purges(conn) if everyones else {}

        held, to_purge = await self._db.read(work)
        models: dict[str, dict[str, None]] = {}
        for deployment in self._router.all_deployments():
            models.setdefault(deployment.account.name, {})[deployment.model_name] = None
        return [
            AccountUse(
                account,
                list(models.get(name, ())),
                [each for each in held if each.account == name],
                to_purge.get(name, 0) if everyones else None,
            )
            for name, account in self._accounts.items()
        ]

    async def unsettled(self, owner: Owner) -> tuple[list[rows.FileCopy], list[rows.FileCopy]]:
        """The owner's copies that are on their way, and those that Google refused; `MOST_LISTED` of each."""
        read = partial(rows.unsettled, owner=owner, limit=MOST_LISTED)
        return await self._db.read(
            lambda conn: (
                read(conn, states=UNDER_WAY, now=conn.now()),
                read(conn, states=("failed",), now=conn.now()),
            )
        )

    def sent(self, copy: CopyRecord) -> int | None:
        """Bytes of it that Google has, as far as it acknowledged; None where this process does not send it."""
        session = self._sending.get(copy.key)
        return None if session is None else session.offset

    def deployments(self) -> list[DeploymentState]:
        """All of them, as they are configured."""
        now = self._clock.monotonic()
        states = []
        for each in self._router.all_deployments():
            health = self._router.health(each)
            cooling = max(0.0, health.cooling_until - now)
            states.append(DeploymentState(each, health.failures if cooling else 0, cooling, health.in_flight))
        return states

    def page_ins(self) -> int:
        """How many copies this process is making."""
        return self._copies.under_way

    def _is_over(self, copy: CopyRecord) -> bool:
        """Whether its time at Google is over."""
        if copy.expires_at is None:
            return False
        account = self._accounts.get(copy.account)
        now = self._clock.now() if account is None else self._client.upstream_now(account)
        return copy.expires_at <= now
