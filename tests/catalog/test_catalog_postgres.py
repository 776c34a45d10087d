"""PostgreSQL away, frozen, restarted, or cutting a connection: calls fail in time and come back by themselves."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psycopg
import pytest

from catalog_child import announce
from catalog_samples import commit, counted, opened
from gateways import gateway_server, sandbox_server, settings_for
from liftgate.blobs.store import TURN
from liftgate.catalog.connection import Connection
from liftgate.catalog.database import Database, open_database
from liftgate.catalog.rows import files
from liftgate.clock import SystemClock
from liftgate.errors import ConfigError, Unavailable
from liftgate.ids import token
from liftgate.settings import JobSettings, StorageSettings
from postgres_cluster import PostgresCluster
from postgres_line import PostgresLine
from waiting import comes_true, until


@pytest.fixture(scope="module")
def own_cluster() -> Iterator[PostgresCluster]:
    """A server that may be stopped without others noticing."""
    cluster = PostgresCluster()
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.remove()


def usage(conn: Connection) -> tuple[int, int]:
    return files.owner_usage(conn, "anna")


@pytest.mark.parametrize("at_once", [False, True])
def test_server_that_stops_under_load_loses_nothing_that_was_committed(
    own_cluster: PostgresCluster, at_once: bool
) -> None:
    url = own_cluster.create_database()
    committed: list[str] = []
    refused: list[Unavailable] = []

    async def writer(database: Database, done: asyncio.Event, number: int) -> None:
        while not done.is_set():
            try:
                file = await database.write(lambda conn: commit(conn, content=b"%d" % number))
            except Unavailable as error:
                refused.append(error)
                await asyncio.sleep(0.02)
            else:
                committed.append(file.id)

    async def outage(database: Database, done: asyncio.Event) -> None:
        heard: list[str] = []
        database.watch(lambda topic, key: heard.append(topic))
        await comes_true(lambda: len(committed) > 50)
        await asyncio.to_thread(own_cluster.stop, at_once=at_once)
        await comes_true(lambda: len(refused) > 20 and database.stale_since() is not None)
        assert all(error.retryable for error in refused)
        await asyncio.to_thread(own_cluster.start)
        before = len(committed)
        await comes_true(lambda: len(committed) > before + 50 and database.stale_since() is None)
        # What was announced by others meanwhile was not heard, and never will be.
        await comes_true(lambda: "*" in heard)
        done.set()

    def everything(conn: Connection) -> set[str]:
        page, _ = files.list_files(conn, "anna", purpose=None, after=None, limit=10_000, descending=True, now=0.0)
        assert files.owner_usage(conn, "anna") == counted(conn, "anna")
        return {file.id for file in page}

    async def main() -> set[str]:
        done = asyncio.Event()
        async with opened(url, timeout=3) as database, asyncio.TaskGroup() as group:
            for number in range(12):
                group.create_task(writer(database, done, number))
            group.create_task(outage(database, done))
        async with opened(url) as database:
            return await database.write(everything)

    there = asyncio.run(main())
    assert set(committed) <= there
    # Of a commit whose answer was lost it is not known whether it happened: at most one per connection.
    assert len(there) - len(committed) <= 8


def test_server_that_does_not_answer_is_unavailable_in_time(own_cluster: PostgresCluster) -> None:
    url = own_cluster.create_database()

    async def main() -> None:
        async with opened(url, timeout=0.5) as database:
            await asyncio.gather(*(database.read(usage) for _ in range(8)))
            own_cluster.pause(on=True)
            try:
                answers = await asyncio.gather(*(database.write(commit) for _ in range(20)), return_exceptions=True)
                assert [type(answer) for answer in answers] == [Unavailable] * 20
                await comes_true(lambda: database.stale_since() is not None)
            finally:
                own_cluster.pause(on=False)
            await comes_true(lambda: database.stale_since() is None)

            async def answered() -> tuple[int, int]:
                while True:
                    try:
                        return await database.read(usage)
                    except Unavailable:
                        await asyncio.sleep(0.05)

            async with asyncio.timeout(20):
                # None of the twenty that were told 'no' has happened.
                assert await answered() == (0, 0)

    asyncio.run(main())


def test_connection_that_was_cut_is_replaced_without_an_error(postgres_url: str) -> None:
    cut = (
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )

    def cut_in_the_middle(conn: Connection) -> None:
        commit(conn)
        if len(turns) == 0:
            turns.append("cut")
            with psycopg.connect(postgres_url, autocommit=True) as other:
                other.execute(cut)
        commit(conn)

    turns: list[str] = []

    async def main() -> None:
        async with opened(postgres_url) as database:
            heard: list[str] = []
            database.watch(lambda topic, key: heard.append(topic))
            await asyncio.gather(*(database.read(usage) for _ in range(8)))
            await database.write(cut_in_the_middle)
            answers = await asyncio.gather(*(database.read(usage) for _ in range(30)))
            assert set(answers) == {(2, 10)}
            await comes_true(lambda: "*" in heard)

    asyncio.run(main())


def test_writes_that_deadlock_are_repeated(postgres_url: str) -> None:
    async def main() -> None:
        async with opened(postgres_url) as one, opened(postgres_url) as two:
            for owner in ("anna", "bert"):
                await one.write(partial(commit, owner=owner))

            def both(conn: Connection, first: str, second: str) -> None:
                for owner in (first, second):
                    conn.execute("UPDATE owners SET bytes = bytes + 1 WHERE owner = ?", (owner,))
                    conn.execute("SELECT pg_sleep(0.05)")

            await asyncio.gather(
                *(one.write(lambda conn: both(conn, "anna", "bert"), timeout=30) for _ in range(2)),
                *(two.write(lambda conn: both(conn, "bert", "anna"), timeout=30) for _ in range(2)),
            )
            assert await one.read(files.owners) == [("anna", 1, 9), ("bert", 1, 9)]

    asyncio.run(main())


def test_tables_live_in_their_own_schema(empty_postgres_url: str) -> None:
    async def main() -> None:
        async with opened(empty_postgres_url) as database:
            await announce(database, "x" * 20_000)

    asyncio.run(main())
    with psycopg.connect(empty_postgres_url) as raw:
        schemas = raw.execute(
            "SELECT DISTINCT schemaname::text FROM pg_tables WHERE tablename IN ('files', 'schema_version')"
        ).fetchall()
    assert schemas == [("liftgate",)]


def test_server_that_is_not_there_at_the_start_is_named_with_the_reason(own_cluster: PostgresCluster) -> None:
    with pytest.raises(ConfigError, match=f"{own_cluster.directory}:1, database 'postgres'.*no such socket"):
        asyncio.run(open_database(own_cluster.url() + "&port=1", clock=SystemClock(), timeout=2))


@pytest.mark.parametrize("payload", ["x", "", "a b", "\U0001f600", "one two three four", "x" * 7999])
def test_notice_of_another_program_makes_nobody_deaf(postgres_url: str, payload: str) -> None:
    """What cannot be read may mean anything; what comes after it is heard."""

    async def main() -> None:
        async with opened(postgres_url) as one, opened(postgres_url) as two:
            heard: list[tuple[str, str]] = []
            two.watch(lambda topic, key: heard.append((topic, key)))
            with psycopg.connect(postgres_url, autocommit=True) as foreign:
                foreign.execute("SELECT pg_notify('liftgate', %s)", (payload,))
            if len(payload.split(" ", 2)) < 3:
                await comes_true(lambda: heard == [("*", "")])
            await one.write(lambda conn: conn.announce("key", "after"))
            await comes_true(lambda: heard[-1:] == [("key", "after")])
            assert two.stale_since() is None

    asyncio.run(main())


def test_notice_that_is_no_text_makes_nobody_deaf(postgres_cluster: PostgresCluster) -> None:
    """A database that lets any bytes in: the driver itself fails on the notice."""
    name = "bytes" + token(8)
    with psycopg.connect(postgres_cluster.url(), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} ENCODING 'SQL_ASCII' TEMPLATE template0".encode())
    url = postgres_cluster.url(name)

    async def main() -> None:
        async with opened(url) as one, opened(url) as two:
            heard: list[tuple[str, str]] = []
            two.watch(lambda topic, key: heard.append((topic, key)))
            with psycopg.connect(url, autocommit=True, client_encoding="SQL_ASCII") as foreign:
                foreign.execute("SELECT pg_notify('liftgate', convert_from('\\xff20ff20ff', 'SQL_ASCII'))")
            await comes_true(lambda: ("*", "") in heard)
            await comes_true(lambda: two.stale_since() is None)
            await one.write(lambda conn: conn.announce("key", "after"))
            await comes_true(lambda: ("key", "after") in heard)

    asyncio.run(main())


@pytest.mark.parametrize("slow", ["clock_timestamp", "LISTEN", "pg_constraint"])
def test_a_start_waits_for_a_slow_server(postgres_url: str, slow: str) -> None:
    """Each step of it has its time, whatever a call has: its hour, its ear, the look at its schema."""

    async def main(url: str, timeout: float) -> None:
        database = await open_database(url, clock=SystemClock(), timeout=timeout)
        try:
            await database.write(lambda conn: commit(conn))
            with pytest.raises(Unavailable):
                await database.read(lambda conn: conn.execute("SELECT pg_sleep(3)"))
        finally:
            await database.close()

    asyncio.run(main(postgres_url, 2))
    with PostgresLine.before(postgres_url) as line:
        line.slow([slow], 0.8)
        asyncio.run(main(line.url(postgres_url), 0.5))


class CountedLine(PostgresLine):
    """`made`: how many connections were."""

    made = 0

    def reach(self) -> socket.socket:
        self.made += 1
        return super().reach()


def test_a_catalogue_opens_with_two_connections(postgres_url: str) -> None:
    """One that works and one that listens; the look whether a pool is in between takes no third one."""

    async def main(url: str) -> None:
        async with opened(url) as database:
            await database.read(lambda conn: conn.execute("SELECT 1"))

    with CountedLine.before(postgres_url) as line:
        asyncio.run(main(line.url(postgres_url)))
        assert line.made == 2


def test_jobs_begin_one_after_another(postgres_url: str, tmp_path: Path) -> None:
    """A gateway at whose start they began at once opened eight connections, used for a moment."""
    turn = tmp_path / "blobs" / TURN
    with CountedLine.before(postgres_url) as line, sandbox_server() as sandbox:
        storage = StorageSettings(data_dir=tmp_path, database_url=line.url(postgres_url))
        made: list[int] = []
        # Where the machine is busy, one that takes long does not keep the next one from beginning.
        while not made or (min(made) > 4 and len(made) < 6):
            before, last = line.made, turn.read_text() if made else ""
            with gateway_server(settings_for(sandbox, tmp_path, storage=storage, jobs=JobSettings())):
                # The sweep is the last but a few.
                until(lambda last=last: turn.exists() and turn.read_text() != last)  # type: ignore[misc]
            made.append(line.made - before)
    assert min(made) <= 4, made


def test_what_was_prepared_for_another_type_is_prepared_anew(postgres_url: str) -> None:
    """As somebody changes a column under a gateway, or a newer Liftgate that starts beside it."""

    def alter(kind: str) -> None:
        with psycopg.connect(postgres_url, autocommit=True) as other:
            other.execute(f"ALTER TABLE liftgate.files ALTER COLUMN filename TYPE {kind}".encode())

    async def main() -> None:
        async with opened(postgres_url) as database:
            for kind in ("VARCHAR(20)", 'TEXT COLLATE "C"', "VARCHAR(30)"):
                alter(kind)
                for _ in range(9):
                    assert await database.read(lambda conn: conn.execute("SELECT filename FROM files")) == []

    asyncio.run(main())
