"""What was used and spent, by key, owner, model and day, for who may see it."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date

import msgspec

from liftgate.catalog.connection import Connection, storable
from liftgate.catalog.database import Database
from liftgate.catalog.rows.usage import COUNTED, NAMED, names_of_keys, read_usage, usage_of_file
from liftgate.clock import Clock
from liftgate.days import day_of
from liftgate.errors import LiftgateError, Unavailable, let_go
from liftgate.records import UsageFilter

log = logging.getLogger("liftgate.engine")

GROUPS = NAMED
MOST_ROWS = 10_000
NO_COUNTS: Mapping[str, int] = dict.fromkeys(COUNTED, 0)


class Used(msgspec.Struct, frozen=True):
    """`names`: values of what it is summed by (of GROUPS). `key_name`: the alias of the key, or what its secret ends
    in; its id where it is of the config, or gone. `counts`: by the names of `rows.usage.COUNTED`."""

    names: Mapping[str, str]
    counts: Mapping[str, int]
    key_name: str = ""

    @property
    def dollars(self) -> float:
        return self.counts["nano_usd"] / 1e9

    @property
    def tokens(self) -> int:
        counts = self.counts
        return counts["input_tokens"] + counts["output_tokens"] + counts["reasoning_tokens"]


class UsedFile(msgspec.Struct, frozen=True):
    """Calls that used a File, those of them without a price, and what they cost: each the whole, in US dollars."""

    requests: int
    unpriced: int
    cost: float


class Usage:
    """`write`: adds to the catalogue what was counted in this process; what others count is there seconds later."""

    def __init__(self, db: Database, clock: Clock, write: Callable[[], Awaitable[None]] | None = None) -> None:
        self._db = db
        self._clock = clock
        self._write = write

    def today(self) -> date:
        """As rows have it, in UTC."""
        return day_of(self._clock.now())

    async def summed(
        self,
        by: Sequence[str],
        wanted: UsageFilter,
        *,
        limit: int = MOST_ROWS,
        after: Sequence[str] = (),
        dearest: bool = False,
    ) -> list[Used]:
        """In the order of the values of `by`, at most `limit` and one, which says that there are more. `after`: values
        of `by`; only those that follow. `dearest`: those that cost most come first. Raises what the catalogue does."""
        if not all(map(storable, (wanted.key, wanted.owner, wanted.model, *after))):
            return []
        await self.report_spent()

        def look(conn: Connection) -> list[Used]:
            found = read_usage(conn, by, wanted, limit + 1, after=after, dearest=dearest)
            ids = sorted({values[by.index("key")] for values, _ in found}) if "key" in by else []
            called = names_of_keys(conn, ids)
            used = []
            for values, counts in found:
                names = dict(zip(by, values, strict=True))
                key = names.get("key", "")
                used.append(Used(names, dict(zip(COUNTED, counts, strict=True)), called.get(key, key)))
            return used

        return await self._db.read(look)

    async def whole(self, by: Sequence[str], wanted: UsageFilter) -> list[Used]:
        """All of them, however many, page after page: for a command that has its process to itself."""
        found: list[Used] = []
        after: Sequence[str] = ()
        while True:
            page = await self.summed(by, wanted, after=after)
            found += page[:MOST_ROWS]
            if len(page) <= MOST_ROWS:
                return found
            after = [found[-1].names[name] for name in by]

    async def of_file(self, file_id: str) -> UsedFile:
        """What the calls that used this File cost. Raises what the catalogue does."""
        await self.report_spent()
        requests, unpriced, nano = await self._db.read(lambda conn: usage_of_file(conn, file_id))
        return UsedFile(requests, unpriced, nano / 1e9)

    async def report_spent(self) -> None:
        """Returns when the catalogue has all that was counted here so far; at once where it takes no writes. Raises
        Unavailable while the catalogue is away: what it has is not the whole."""
        if self._write is None:
            return
        try:
            await self._write()
        except Unavailable:
            raise
        except LiftgateError as error:
            # A full disk takes no writes; what is known can be shown all the same.
            log.warning("what was spent lately is in the journal only: %s", error.message)
            let_go(error)

    async def total(self, wanted: UsageFilter) -> Used:
        found = await self.summed((), wanted)
        return found[0] if found else Used({}, NO_COUNTS)
