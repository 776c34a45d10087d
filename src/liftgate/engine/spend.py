"""What calls used and cost, counted by key, owner, model and day: a listener of the meter.

Each call is a line of this process's journal when it ends. The sums are added to the catalogue every few seconds, off
the path of calls; what a process could not add any more, another one adds from its journal (docs/money.md).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from pathlib import Path

import msgspec

from liftgate import ids
from liftgate.catalog.database import Database
from liftgate.catalog.rows import usage as rows
from liftgate.catalog.rows.usage import Counts, Group
from liftgate.clock import Clock
from liftgate.days import DAY, date_on
from liftgate.engine.meter import CallRecord, Calls, OnEnd, one_by_one
from liftgate.engine.operations import PAID
from liftgate.engine.spend_journal import Journal, OfFiles, Sums, begun, left_behind, line_of, sums_of
from liftgate.errors import LiftgateError

log = logging.getLogger("liftgate.engine")

UNREAD = ".unread"
"""What the name of a journal ends in of which some lines could not be read."""
ROTATED = 4 << 20
"""Bytes of a journal that is followed by the next one."""
MEDIA = ("IMAGE", "VIDEO", "AUDIO", "DOCUMENT")
"""Google's names of them, in the order of `rows.COUNTED`."""
NO_MEDIA: Counts = (0,) * len(MEDIA)


class _Batch(msgspec.Struct, frozen=True):
    """What one journal holds up to a byte, added up. `last`: it holds no more. Without a journal it is what none took,
    under a name of its own: it may be added again until it is known to be there, and counts once."""

    name: str
    upto: int
    sums: Sums
    journal: Journal | None = None
    last: bool = False


class Spend:
    """`directory`: of the journals, on this machine; processes that share it look after each other's. `settled_at`:
    when the catalogue had all of it, on the monotonic clock."""

    def __init__(self, db: Database, directory: Path, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._directory = directory
        self._journal: Journal | None = None
        self._sums = Sums()
        self._loose = Sums()
        self._counted: list[tuple[Group, Counts, OfFiles | None]] = []
        self._lines: list[bytes] = []
        self._pending: _Batch | None = None
        self._writing = asyncio.Lock()
        self._failures = 0
        self._failed: LiftgateError | None = None
        self._logged = False
        self.settled_at = clock.monotonic()

    @property
    def unsettled(self) -> int:
        """Nano-dollars that are in the journal and not in the catalogue yet."""
        pending = self._pending.sums if self._pending is not None else Sums()
        return sum(counts[-1] for sums in (self._sums, self._loose, pending) for counts in sums.calls.values())

    def ended(self, call: CallRecord) -> None:
        if (on_end := self.of_kind(call)) is not None:
            on_end(Calls((call,)))
            self.flush()

    def of_kind(self, call: CallRecord) -> OnEnd | None:
        if call.operation not in PAID:
            return None
        counter = _OfKind(call, self.count)
        return counter.texts if call.is_text else one_by_one(counter.call)

    def count(self, group: Group, begins: bytes, counts: Counts, used: OfFiles | None) -> None:
        """Until `flush` writes it down."""
        self._counted.append((group, counts, used))
        self._lines.append(line_of(begins, counts, used))

    def flush(self) -> None:
        if not self._counted:
            return
        lines, self._lines = b"".join(self._lines), []
        counted, self._counted = self._counted, []
        sums = self._sums
        try:
            journal = self._journal
            if journal is None:
                journal = self._journal = Journal(self._directory)
            journal.append(lines)
        except OSError as error:
            if not self._logged:
                log.error("the journal of spend takes no writes, and a kill would lose what is spent now: %s", error)
            self._logged = True
            sums = self._loose
        else:
            self._logged = False
        for group, counts, used in counted:
            sums.add(group, counts)
            if used is not None:
                sums.add_files(used)

    async def write(self) -> None:
        """Adds what was counted here to the catalogue. Raises what the catalogue does, at once to all who wait; nothing
        is lost then."""
        failures = self._failures
        async with self._writing:
            if self._failed is not None and self._failures != failures:
                # Each would wait for a catalogue that does not answer, one after the other.
                raise self._failed.again()
            try:
                while self._pending is not None or self._sums or self._loose:
                    self._pending = self._pending or self._batch()
                    await self._settle(self._pending)
            except LiftgateError as error:
                self._failures, self._failed = self._failures + 1, error.again()
                raise
            self._failed = None
            self.settled_at = self._clock.monotonic()

    async def adopt(self) -> None:
        """Adds to the catalogue what ended processes left in their journals."""
        if not self._directory.is_dir():
            return
        with left_behind(self._directory) as found:
            for journal, path in await asyncio.to_thread(lambda: list(found)):
                settled = await self._db.read(partial(rows.settled_bytes, journal=journal))
                content = await asyncio.to_thread(path.read_bytes)
                if sums := sums_of(content[settled:], journal):
                    work = partial(
                        rows.settle_usage, journal=journal, upto=len(content), sums=sums.calls, files=sums.files
                    )
                    await self._db.write(work, storing=True)
                    log.info("the journal of spend %s, which a process left behind, is added up", journal)
                if sums.unread:
                    # Of another Liftgate, or damaged: what it says may still be worth something.
                    path.rename(aside := path.with_suffix(UNREAD))
                    log.error("%d lines of the journal of spend %s cannot be read: it is kept", sums.unread, aside)
                else:
                    path.unlink(missing_ok=True)
                await self._db.write(partial(rows.forget_journal, journal=journal))

    async def close(self) -> None:
        """What cannot be added now stays in the journal, for the next start."""
        try:
            await self.write()
        except LiftgateError as error:
            log.warning("what was spent lately is in the journal only: %s", error.message)
        journal, self._journal = self._journal, None
        if journal is not None:
            done = self._pending is None and not self._sums and not self._loose
            if journal.close(remove=done):
                try:
                    await self._db.write(partial(rows.forget_journal, journal=journal.id))
                except LiftgateError as error:
                    log.warning("the journal %s of spend is not forgotten: %s", journal.id, error.message)

    def _batch(self) -> _Batch:
        journal = self._journal
        if self._sums and journal is not None:
            last = journal.size > ROTATED or journal.lost
            self._journal = None if last else journal
            sums, self._sums = self._sums, Sums()
            return _Batch(journal.id, journal.size, sums, journal, last)
        loose, self._loose = self._loose, Sums()
        return _Batch(ids.token(16), 1, loose)

    async def _settle(self, batch: _Batch) -> None:
        sums = batch.sums
        work = partial(rows.settle_usage, journal=batch.name, upto=batch.upto, sums=sums.calls, files=sums.files)
        await self._db.write(work, storing=True)
        self._pending = None
        if batch.journal is None or (batch.last and batch.journal.close(remove=True)):
            await self._db.write(partial(rows.forget_journal, journal=batch.name))


class _OfKind:
    """Calls of one kind, each day's under a group of its own, which `begins` its lines."""

    __slots__ = ("_begins", "_changes", "_count", "_day", "_failed", "_group", "_key", "_plain")

    def __init__(self, call: CallRecord, count: Callable[[Group, bytes, Counts, OfFiles | None], None]) -> None:
        self._count = count
        self._key, self._plain = (call.key_id, call.owner), call.is_plain
        self._failed = 0 if call.outcome == "ok" else 1
        # What served text stands in its kind; else what is behind a wildcard does not.
        self._changes = "*" in call.public_model and not call.is_text
        self._group: Group = ("", "", "", "")
        self._begins, self._day = b"", -DAY

    def _look_at(self, call: CallRecord) -> None:
        day = int(call.began_at) // DAY
        self._day = day * DAY
        self._group = (*self._key, model_of(call), _date_of(day))
        self._begins = begun(self._group)

    def call(self, call: CallRecord) -> None:
        if self._changes or not self._day <= call.began_at < self._day + DAY:
            self._look_at(call)
        tokens, cost = call.tokens, call.cost
        prompt, output, cached = tokens.prompt, tokens.output, tokens.cached
        # In the order of `rows.COUNTED`.
        counts = (
            1,
            self._failed,
            1 if cost is None else 0,
            0 if call.reckoned is None else 1,
            sum(prompt.values()),
            sum(cached.values()) if cached else 0,
            *(NO_MEDIA if len(prompt) == 1 and "TEXT" in prompt else _media(prompt)),
            sum(output.values()),
            tokens.thoughts,
            cost or 0,
        )
        self._count(self._group, self._begins, counts, None if self._plain else _used(call))

    def texts(self, calls: Calls) -> None:
        """Those of one day are one line, which is whole or is not there."""
        many, costs = len(calls.all), calls.costs
        if min(calls.began) < self._day or max(calls.began) >= self._day + DAY:
            self._look_at(calls.all[0])
            if min(calls.began) < self._day or max(calls.began) >= self._day + DAY:
                for call in calls.all:
                    self.call(call)
                return
        # In the order of `rows.COUNTED`.
        counts = (
            many,
            many * self._failed,
            costs.count(None),
            0,
            sum(calls.sent),
            0,
            *NO_MEDIA,
            sum(calls.made),
            sum(calls.thoughts),
            sum(costs) if None not in costs else sum(filter(None, costs)),
        )
        self._count(self._group, self._begins, counts, None)


@lru_cache(maxsize=4)
def _date_of(day: int) -> str:
    """`day`: of unix time, in UTC."""
    return date_on(day).isoformat()


def model_of(call: CallRecord) -> str:
    """A name of few values: the config's, and behind a wildcard Google's own where it answered; "" where no deployment
    was reached."""
    if "*" in call.public_model and call.usage is not None:
        return call.upstream_model
    return call.public_model


def _media(prompt: Mapping[str, int]) -> Counts:
    return [prompt.get(kind, 0) for kind in MEDIA]


def _used(call: CallRecord) -> OfFiles | None:
    """Of each of its Files the call's whole cost: Google does not say which part of it one File is."""
    if not call.copies_hit and not call.paged_in:
        return None
    return OfFiles(sorted({*call.copies_hit, *call.paged_in}), (1, 1 if call.cost is None else 0, call.cost or 0))
