"""A second kind of copy beside files, as small as one can be: all that is shared serves it as it is, on both databases.

It is shaped like a context cache: made in one call of what an owner asked to keep, with a name of Google's own choice.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from liftgate.blobs.open import open_blob_store
from liftgate.catalog.connection import Connection
from liftgate.catalog.database import Database, open_database
from liftgate.catalog.rows import copies as rows
from liftgate.catalog.rows.copies import CopyTable
from liftgate.catalog.table import forget_table
from liftgate.clock import SystemClock
from liftgate.copies.ensure import Copies
from liftgate.copies.kind import Making
from liftgate.copies.kinds.files import FileCopies
from liftgate.copies.lease import Lease, job_lease
from liftgate.copies.purge import Purger
from liftgate.copies.renew import recover, renew_expiring
from liftgate.copies.services import Services
from liftgate.deployments import Account
from liftgate.errors import InvalidRequest, LiftgateError, NotFound, UpstreamStorageFull
from liftgate.gemini.client import GeminiClient
from liftgate.records import CopyKey, CopyRecord
from liftgate.settings import JobSettings
from liftgate.tasks import Tasks
from waiting import comes_true

ACCOUNT = Account("project-1", ("key",), "http://127.0.0.1:9")
HOUR = 3600.0


@dataclass(frozen=True)
class Prefix:
    """What an owner asked to keep."""

    digest: str
    model: str
    size: int = 10

    @property
    def label(self) -> str:
        return self.digest

    @property
    def facts(self) -> str:
        return self.model

    def about(self, error: LiftgateError) -> LiftgateError:
        return error

    def gone(self) -> LiftgateError:
        return NotFound(f"{self.digest} is gone")

    def refused(self, reason: str) -> LiftgateError:
        return InvalidRequest(reason)


@dataclass
class Google:
    """What stands in for Google: names that it gave, and what it was asked."""

    there: set[str] = field(default_factory=set)
    made: int = 0
    deleted: list[str] = field(default_factory=list)
    life: float = 24 * HOUR
    before_answer: asyncio.Event | None = None

    async def create(self) -> str:
        if self.before_answer is not None:
            await self.before_answer.wait()
        self.made += 1
        name = f"cachedContents/{self.made}"
        self.there.add(name)
        return name

    async def delete(self, name: str) -> None:
        self.deleted.append(name)
        self.there.discard(name)


class Caches:
    """The kind."""

    prefix = "cachedContents/"

    def __init__(self, table: CopyTable, google: Google, db: Database) -> None:
        self.table = table
        self._google = google
        self._db = db
        self.needs_room = False

    def key(self, subject: Prefix, account: Account) -> CopyKey:
        return CopyKey(subject.digest, subject.model, account.name)

    async def find_subject(self, copy: CopyRecord) -> Prefix | None:
        return Prefix(copy.subject, copy.form)

    async def make(self, making: Making[Prefix]) -> CopyRecord:
        if self.needs_room:
            await making.make_room(making.subject.size)
        making.lease.check()
        name = await self._google.create()
        now = await self._db.read(lambda conn: conn.now())
        copy = CopyRecord(
            *self.key(making.subject, making.account),
            state="active",
            bytes=making.subject.size,
            name=name,
            uri=name,
            generation=making.lease.generation,
            expires_at=now + self._google.life,
        )
        await making.row.save(copy)
        return copy

    async def delete(self, account: Account, name: str, upload_url: str) -> None:
        await self._google.delete(name)


CREATE = """CREATE TABLE context_caches (digest TEXT NOT NULL, model TEXT NOT NULL, account TEXT NOT NULL,
 state TEXT NOT NULL, bytes BIGINT NOT NULL, name TEXT NOT NULL, uri TEXT NOT NULL, generation BIGINT NOT NULL,
 upload_url TEXT, expires_at DOUBLE PRECISION, used_at DOUBLE PRECISION NOT NULL, error TEXT,
 PRIMARY KEY (digest, model, account))"""


@contextmanager
def cache_table() -> Iterator[CopyTable]:
    table = CopyTable(
        name="context_caches",
        topic="cache",
        record=CopyRecord,
        named={"subject": "digest", "form": "model"},
        texts=("digest", "model", "account", "state", "name", "uri", "upload_url", "error"),
        alive="SELECT 1 FROM kept WHERE digest = ?",
    )
    try:
        yield table
    finally:
        forget_table("context_caches")


@dataclass
class Process:
    services: Services
    kind: Caches
    copies: Copies[Prefix]
    google: Google

    async def ensure(self, subject: Prefix) -> CopyRecord:
        clock = self.services.clock
        return await self.copies.ensure(subject, ACCOUNT, deadline=clock.monotonic() + 20)

    @property
    def purger(self) -> Purger:
        return Purger(self.services, [FileCopies(self.services), self.kind])

    async def job(self, work: Callable[[Lease], Awaitable[None]]) -> None:
        lease = await Lease.acquire(self.services, job_lease("trial"))
        assert lease is not None
        async with lease:
            await work(lease)


@asynccontextmanager
async def process(url: str, directory: Path, table: CopyTable, google: Google, name: str) -> AsyncIterator[Process]:
    clock, tasks = SystemClock(), Tasks()
    db = await open_database(url, clock=clock)
    blobs = open_blob_store("local", directory)
    client = GeminiClient(clock)

    async def open_blob(blob_id: str, size: int) -> None:
        raise AssertionError("this kind has no bytes of ours")

    services = Services(
        db=db,
        blobs=blobs,
        open_blob=open_blob,  # type: ignore[arg-type]
        client=client,
        clock=clock,
        tasks=tasks,
        settings=JobSettings(lease_poll_seconds=0.05, evict_idle_seconds=0.0),
        accounts={ACCOUNT.name: ACCOUNT},
        holder=name,
    )
    kind = Caches(table, google, db)
    try:
        yield Process(services, kind, Copies(services, kind), google)
    finally:
        await tasks.drain(5)
        await client.close()
        await blobs.close()
        await db.close()


def trial(url: str, directory: Path, scenario: Callable[[Process, Process], Awaitable[None]]) -> None:
    """Two processes as two sets of services: nothing is shared but the database, and Google."""

    def prepare(conn: Connection) -> None:
        conn.execute(CREATE)
        conn.execute("CREATE TABLE kept (digest TEXT PRIMARY KEY)")
        for digest in ("a", "b", "c"):
            conn.execute("INSERT INTO kept (digest) VALUES (?)", (digest,))

    async def main() -> None:
        google = Google()
        with cache_table() as table:
            async with (
                process(url, directory, table, google, "one") as one,
                process(url, directory, table, google, "two") as two,
            ):
                await one.services.db.write(prepare)
                await scenario(one, two)

    asyncio.run(main())


A, B = Prefix("a", "gemini-flash"), Prefix("b", "gemini-flash")


def live_name(of: Process) -> str | None:
    copy = of.copies.find_live(of.kind.key(A, ACCOUNT), ACCOUNT)
    return None if copy is None else copy.name


async def remembered(of: Process) -> None:
    """Until the news of what another process wrote is through: it may come after the copy, and memory forgets it."""
    for _ in range(100):
        await of.ensure(A)
        await asyncio.sleep(0.05)
        if live_name(of) is not None:
            return


def test_copy_is_made_once_and_handed_out_from_memory(database_url: str, tmp_path: Path) -> None:
    async def scenario(one: Process, two: Process) -> None:
        google = one.google
        google.before_answer = asyncio.Event()
        asked = [asyncio.get_running_loop().create_task(each.ensure(A)) for each in (one, two) for _ in range(5)]
        await asyncio.sleep(0.2)
        google.before_answer.set()
        made = await asyncio.gather(*asked)
        assert {copy.name for copy in made} == {"cachedContents/1"}
        assert google.made == 1
        for each in (one, two):
            await remembered(each)
            assert live_name(each) == "cachedContents/1"
            assert each.copies.count_live([A, B], ACCOUNT) == 1
        assert google.made == 1
        other = await one.ensure(replace(A, model="gemini-pro"))
        assert (other.name, other.form) == ("cachedContents/2", "gemini-pro")

    trial(database_url, tmp_path, scenario)


def test_lost_copy_is_made_again_and_its_name_purged(database_url: str, tmp_path: Path) -> None:
    async def scenario(one: Process, two: Process) -> None:
        google, key = one.google, one.kind.key(A, ACCOUNT)
        first = await one.ensure(A)
        await remembered(two)
        await one.copies.mark_lost(first)
        assert one.copies.find_live(key, ACCOUNT) is None
        await comes_true(lambda: two.copies.find_live(key, ACCOUNT) is None)
        assert (await two.ensure(A)).name == "cachedContents/2"
        assert (await one.ensure(A)).name == "cachedContents/2"
        await one.job(one.purger.purge)
        assert (google.deleted, google.there) == (["cachedContents/1"], {"cachedContents/2"})

    trial(database_url, tmp_path, scenario)


def test_copy_in_use_is_renewed_before_it_expires(database_url: str, tmp_path: Path) -> None:
    async def scenario(one: Process, _: Process) -> None:
        google = one.google
        google.life = 1.0 * HOUR
        first = await one.ensure(A)
        await one.copies.write_uses()
        google.life = 24 * HOUR
        google.before_answer = asyncio.Event()
        await one.job(lambda lease: renew_expiring(one.services, one.copies, lease))
        assert live_name(one) == first.name, "it serves until then"
        google.before_answer.set()
        await comes_true(lambda: live_name(one) == "cachedContents/2")
        assert google.made == 2
        await one.job(one.purger.purge)
        assert google.deleted == [], "requests of a moment ago may still name it"

    trial(database_url, tmp_path, scenario)


def test_what_a_dead_process_left_is_taken_up(database_url: str, tmp_path: Path) -> None:
    async def scenario(one: Process, _: Process) -> None:
        def leave(conn: Connection) -> None:
            now = conn.now()
            for digest, used_at in (("a", now), ("b", now - 7 * HOUR)):
                key = CopyKey(digest, "gemini-flash", ACCOUNT.name)
                row = CopyRecord(
                    *key, state="processing", bytes=1, name=f"cachedContents/{digest}", uri="", generation=0
                )
                assert rows.save_copy(conn, one.kind.table, replace(row, used_at=used_at))

        await one.services.db.write(leave)
        await one.job(lambda lease: recover(one.services, one.copies, lease))
        assert (await one.ensure(A)).name == "cachedContents/1"
        left = await one.services.db.read(lambda conn: rows.copies_of(conn, one.kind.table, ["a", "b"]))
        assert [(copy.subject, copy.state) for copy in left] == [("a", "active")]
        await one.job(one.purger.purge)
        assert "cachedContents/b" in one.google.deleted, "what no request wanted for long is given up"

    trial(database_url, tmp_path, scenario)


def test_room_is_made_by_the_least_recently_used(database_url: str, tmp_path: Path) -> None:
    async def scenario(one: Process, _: Process) -> None:
        one.kind.needs_room = True
        with pytest.raises(UpstreamStorageFull):
            await one.ensure(A)
        one.kind.needs_room = False
        await one.ensure(A)
        await one.ensure(B)
        await asyncio.sleep(0.05)
        one.kind.needs_room = True
        await one.ensure(Prefix("c", "gemini-flash"))
        assert one.google.deleted == ["cachedContents/1"]
        assert one.google.there == {"cachedContents/2", "cachedContents/3"}

    trial(database_url, tmp_path, scenario)


def test_subject_that_is_gone_has_no_copy(database_url: str, tmp_path: Path) -> None:
    async def scenario(one: Process, _: Process) -> None:
        with pytest.raises(NotFound, match="never is gone"):
            await one.ensure(Prefix("never", "gemini-flash"))
        due = await one.services.db.read(lambda conn: rows.due_purges(conn, conn.now() + HOUR, 9))
        assert [each.name for each in due] == ["cachedContents/1"]

        def refuse(conn: Connection) -> None:
            key = CopyKey("b", "gemini-flash", ACCOUNT.name)
            row = CopyRecord(*key, "failed", 1, "", "", 0, used_at=conn.now(), error="too small")
            assert rows.save_copy(conn, one.kind.table, row)

        await one.services.db.write(refuse)
        with pytest.raises(InvalidRequest, match="too small"):
            await one.ensure(B)

    trial(database_url, tmp_path, scenario)
