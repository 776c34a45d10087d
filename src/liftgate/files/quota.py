"""An owner's quota of bytes, asked for before they come and while they come, at every way in and side by side.

What is stored is in the catalogue; what is arriving in this process is counted here. Each arrival goes on while both
together fit, and looks into the catalogue again, where other processes write too, before it has brought another piece.
The transaction that commits a file decides exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from liftgate.catalog.database import Connection, Database
from liftgate.catalog.rows.files import expire_files, lock_owner
from liftgate.catalog.table import stored_bytes
from liftgate.errors import TooLarge
from liftgate.records import Owner
from liftgate.sizes import exact_size

PIECE = 64 * 1024 * 1024
"""Bytes that may come before the catalogue is asked again; fewer where there is less room."""
_LEAST = 256 * 1024
LITTLE = 64 * 1024
"""Bytes of what is stored at one go that are not counted exactly."""
_SHARES = 8
_EXPIRED_AT_ONCE = 1000


class Limits(Protocol):
    """What an owner may store, in bytes. `settings.LimitSettings` is one."""

    def largest_file(self, owner: Owner) -> int: ...
    def storage_quota(self, owner: Owner) -> int | None: ...
    @property
    def max_pending_uploads(self) -> int: ...


@dataclass(slots=True)
class _Standing:
    """Of one owner: bytes in the catalogue when it was last asked, and bytes on their way there in this process."""

    stored: int = 0
    arriving: int = 0
    arrivals: int = 0


class Quotas:
    """One per process."""

    def __init__(self, db: Database, limits: Limits) -> None:
        self._db = db
        self._limits = limits
        self._standings: dict[Owner, _Standing] = {}

    async def admit(self, owner: Owner, coming: int, *, param: str = "file", exact: bool = False) -> None:
        """Whether so many more bytes fit into the owner's quota, beside files, what came of unfinished uploads and what
        is arriving. `coming`: of one file; 0 asks whether more may come of what was begun, since uploads that were each
        admitted may be too much together. `exact`: no more than so many come. Raises TooLarge.
        """
        lead = f"The file has {amount(coming, exact)}, and " if coming else ""
        await self.make_room(owner, coming, lead=lead, param=param)

    async def make_room(self, owner: Owner, coming: int, *, lead: str, param: str) -> None:
        """`admit`. `lead`: the beginning of the refusal's sentence."""
        quota = self._limits.storage_quota(owner)
        if quota is None:
            return
        stored = await self._stored(owner)
        standing = self._standings.get(owner)
        used = stored + (standing.arriving if standing else 0)
        if used + coming > quota and used:
            # Files whose time is over still count until they are removed, so this is done before refusing.
            await self._db.write(lambda conn: expire_files(conn, conn.now(), _EXPIRED_AT_ONCE))
            stored = await self._stored(owner)
            standing = self._standings.get(owner)
            used = stored + (standing.arriving if standing else 0)
        if standing is not None:
            standing.stored = stored
        if used + coming > quota:
            raise TooLarge(
                f"{lead}{used} of your {exact_size(quota)} are used, unfinished uploads included.",
                param=param,
                code="storage_quota_exceeded",
            )

    def check_stored(self, conn: Connection, owner: Owner, coming: int, *, lead: str, param: str) -> None:
        """In the transaction that stores so many bytes, which decides exactly. Little is not worth the owner's row: it
        was asked before whether any more may come. Raises TooLarge."""
        quota = self._limits.storage_quota(owner)
        if quota is None or coming < LITTLE:
            return
        lock_owner(conn, owner)
        used = stored_bytes(conn, owner)
        if used + coming > quota:
            raise TooLarge(
                f"{lead}it has {exact_size(coming)}, and {used} of your {exact_size(quota)} are used, unfinished "
                "uploads included.",
                param=param,
                code="storage_quota_exceeded",
            )

    def share(self, owner: Owner, *, param: str = "file") -> Share:
        """Of bytes that begin to come; to be ended."""
        quota = self._limits.storage_quota(owner)
        if quota is None:
            return Share(self, owner, _Standing(), None, param)
        standing = self._standings.setdefault(owner, _Standing())
        standing.arrivals += 1
        return Share(self, owner, standing, quota, param)

    def forget(self, owner: Owner) -> None:
        """Once nothing arrives any more."""
        self._standings.pop(owner, None)

    async def _stored(self, owner: Owner) -> int:
        return await self._db.read(lambda conn: stored_bytes(conn, owner))


class Share:
    """What one file or part takes of its owner's quota while it arrives."""

    def __init__(self, quotas: Quotas, owner: Owner, standing: _Standing, quota: int | None, param: str) -> None:
        self._quotas = quotas
        self._owner = owner
        self._standing = standing
        self._quota = quota
        self._param = param
        self._taken = 0
        self._free = 0
        self._ended = False

    async def take(self, size: int) -> None:
        """Before so many more bytes are kept. Raises TooLarge when they do not fit any more."""
        if self._quota is None or size <= 0:
            return
        standing = self._standing
        if size > self._free or size > self._quota - standing.stored - standing.arriving:
            lead = "" if self._taken else f"The file has {amount(size, exact=False)}, and "
            await self._quotas.make_room(self._owner, size, lead=lead, param=self._param)
            room = self._quota - standing.stored - standing.arriving
            self._free = max(size, min(PIECE, max(_LEAST, room // _SHARES)))
        # Nothing is awaited between the last look and this, so no other arrival has taken the same room.
        self._free -= size
        self._taken += size
        standing.arriving += size

    def end(self, *, kept: bool) -> None:
        """All is in the catalogue now (`kept`), or nothing of it. Idempotent."""
        if self._quota is None or self._ended:
            return
        self._ended = True
        standing = self._standing
        standing.arriving -= self._taken
        standing.arrivals -= 1
        if kept:
            standing.stored += self._taken
        if not standing.arrivals:
            self._quotas.forget(self._owner)


def amount(size: int, exact: bool) -> str:
    """A size as an error has it; not `exact`: so much has come, or was announced roughly."""
    return exact_size(size) if exact else f"{exact_size(size)} or more"
