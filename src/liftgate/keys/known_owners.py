"""The limits of owners, as this process knows them: memory in front of the catalogue, as `known` is for keys.

Where no owner has limits, nothing is asked. An owner is asked for once; then memory serves until it changes, which
other processes' changes do within a second.
"""

from __future__ import annotations

from collections.abc import Sequence

from liftgate.catalog.database import Database
from liftgate.catalog.rows.owner_limits import TOPIC, any_owners, find_owner
from liftgate.errors import Unavailable, let_go
from liftgate.keys.limits import Bounds
from liftgate.keys.terms import read_terms
from liftgate.records import OwnerLimits
from liftgate.tasks import Tasks

MOST_OWNERS = 100_000


class KnownOwners:
    """`any`: whether some owner may have limits."""

    def __init__(self, db: Database, tasks: Tasks) -> None:
        self._db = db
        self._tasks = tasks
        self._bounds: dict[str, Bounds | None] = {}
        self._changes = 0
        self.any = True
        db.watch(self._on_change)

    async def load(self) -> None:
        """Whether there are any. Raises Unavailable."""
        changes = self._changes
        there = await self._db.read(any_owners)
        if there or changes == self._changes:
            self.any = there

    def ask_again(self, owners: Sequence[str]) -> None:
        """Some owner has limits; what is known of `owners` may be older than what was just read of their key."""
        for owner in owners:
            self._bounds.pop(owner, None)
        self._changes += 1
        self.any = True

    async def _look_again(self) -> None:
        try:
            await self.load()
        except Unavailable as error:
            # When the catalogue is back, anything may have changed.
            let_go(error)

    def known(self, owners: Sequence[str]) -> list[Bounds] | None:
        """Of those of `owners` that have limits; None where the catalogue has to be asked."""
        found: list[Bounds] = []
        for owner in owners:
            if owner not in self._bounds:
                return None
            if (bounds := self._bounds[owner]) is not None:
                found.append(bounds)
        return found

    async def find(self, owners: Sequence[str]) -> list[Bounds]:
        """As `known`. Raises Unavailable."""
        if (known := self.known(owners)) is not None:
            return known
        changes = self._changes
        records = await self._db.read(lambda conn: [find_owner(conn, owner) for owner in owners])
        bounds = [None if record is None else bounds_of(record) for record in records]
        if changes == self._changes:
            # Only what no change can have overtaken.
            if len(self._bounds) >= MOST_OWNERS:
                self._bounds.clear()
            self._bounds.update(zip(owners, bounds, strict=True))
        return [each for each in bounds if each is not None]

    def _on_change(self, topic: str, owner: str) -> None:
        if topic == TOPIC:
            self._bounds.pop(owner, None)
            self.any = True
        elif topic == "*":
            self._bounds.clear()
            if not self.any:
                # The first one may have come unnoticed.
                self._tasks.start(self._look_again(), name="limits of owners")
        else:
            return
        self._changes += 1


def bounds_of(record: OwnerLimits) -> Bounds:
    return Bounds(record.id, record.owner, record.created_at, read_terms(record.terms), "owner")
