"""The seam: transactions, cancelling, deadlines, closing, and what is wrong with a URL. On both engines."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
import time
from pathlib import Path

import psycopg
import pytest

from catalog_samples import NOW, commit, opened, run
from liftgate.catalog.connection import Connection
from liftgate.catalog.database import Database, open_database
from liftgate.catalog.rows import files
from liftgate.clock import SystemClock
from liftgate.errors import ConfigError, Conflict, StorageFull, Unavailable
from waiting import comes_true


def usage(conn: Connection) -> tuple[int, int]:
    return files.owner_usage(conn, "anna")


def test_failing_write_undoes_everything_and_announces_nothing(database_url: str) -> None:
    async def scenario(database: Database) -> None:
        heard: list[str] = []
        database.watch(lambda topic, key: heard.append(key))
        await database.write(lambda conn: commit(conn, alias="files/note"))

        def work(conn: Connection) -> None:
            commit(conn, content=b"other")
            conn.announce("key", "k")
            commit(conn, alias="files/note")

        with pytest.raises(Conflict):
            await database.write(work)
        assert await database.read(usage) == (1, 5)
        assert heard == []
        await database.write(lambda conn: conn.announce("key", "after"))
        assert heard == ["after"]

    run(database_url, scenario)


def test_writing_in_a_read_is_refused(database_url: str) -> None:
    async def scenario(database: Database) -> None:
        with pytest.raises((sqlite3.OperationalError, Unavailable)):
            await database.read(commit)
        assert await database.read(usage) == (0, 0)

    run(database_url, scenario)


def test_failed_statement_that_was_passed_over_does_not_pass_for_a_commit(postgres_url: str) -> None:
    def work(conn: Connection) -> None:
        commit(conn)
        with pytest.raises(psycopg.Error):
            conn.execute("SELECT nothing FROM nowhere")

    async def scenario(database: Database) -> None:
        with pytest.raises(RuntimeError, match="ROLLBACK"):
            await database.write(work)
        assert await database.read(usage) == (0, 0)

    run(postgres_url, scenario)


def test_changed_counts_the_rows_of_the_last_statement(database_url: str) -> None:
    def work(conn: Connection) -> None:
        for number in range(3):
            commit(conn, content=b"%d" % number)
        conn.execute("UPDATE files SET status = 'error'")
        assert conn.changed() == 3
        conn.execute("UPDATE files SET status = 'error' WHERE id = ''")
        assert conn.changed() == 0
        assert len(conn.execute("UPDATE files SET status = 'error' RETURNING id")) == 3
        assert conn.changed() == 3
        assert abs(conn.now() - time.time()) < 60  # noqa: TID251 - the machine's clock is what it is compared with

    run(database_url, lambda database: database.write(work))


def test_cancelled_caller_leaves_its_write_whole(database_url: str) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def work(conn: Connection) -> None:
        commit(conn)
        begun.set()
        assert go_on.wait(10)
        commit(conn)
        conn.announce("key", "done")

    async def scenario(database: Database) -> None:
        heard = asyncio.Event()
        database.watch(lambda topic, key: heard.set())
        async with asyncio.TaskGroup() as group:
            caller = group.create_task(database.write(work))
            await asyncio.to_thread(begun.wait, 10)
            caller.cancel()
        assert caller.cancelled()
        go_on.set()
        async with asyncio.timeout(10):
            await heard.wait()
        assert await database.read(usage) == (2, 10)
        assert await database.write(usage) == (2, 10)

    run(database_url, scenario)


def test_call_past_its_deadline_fails_and_did_not_happen(database_url: str) -> None:
    go_on = threading.Event()

    def slow(conn: Connection) -> None:
        commit(conn)
        go_on.wait(10)
        commit(conn)

    async def scenario(database: Database) -> None:
        with pytest.raises(Unavailable):
            await database.write(slow, timeout=0.2)
        go_on.set()
        # The next one waits for the thread, not for luck.
        assert await database.write(usage) == (0, 0)

    run(database_url, scenario)


def test_call_whose_turn_comes_too_late_is_never_begun(tmp_path: Path) -> None:
    go_on = threading.Event()
    ran: list[str] = []

    async def scenario(database: Database) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(database.write(lambda conn: go_on.wait(10)))
            await asyncio.sleep(0)
            with pytest.raises(Unavailable):
                await database.write(lambda conn: ran.append("late"), timeout=0.1)
            go_on.set()
        await database.write(lambda conn: ran.append("next"))
        assert ran == ["next"]

    run(f"sqlite://{tmp_path}/catalog.db", scenario)


def test_long_statement_is_cut_at_the_deadline(database_url: str) -> None:
    endless = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"

    async def scenario(database: Database) -> None:
        for call in (database.read, database.write):
            with pytest.raises(Unavailable):
                await call(lambda conn: conn.execute(endless), timeout=0.2)
        # Its thread is free again, or the only writer of SQLite would never answer.
        assert await database.write(usage) == (0, 0)
        assert await database.read(usage) == (0, 0)

    run(database_url, scenario)


def test_catalogue_locked_by_another_program_is_unavailable(tmp_path: Path) -> None:
    async def scenario(database: Database) -> None:
        other = sqlite3.connect(tmp_path / "catalog.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable):
            await database.write(commit)
        assert await database.read(usage) == (0, 0)
        other.execute("ROLLBACK")
        other.close()
        await database.write(commit)

    run(f"sqlite://{tmp_path}/catalog.db", scenario, timeout=0.3)


def test_closing_finishes_what_is_queued_and_refuses_more(database_url: str) -> None:
    async def main() -> None:
        async with opened(database_url) as database:
            async with asyncio.TaskGroup() as group:
                writes = [group.create_task(database.write(commit)) for _ in range(20)]
                await asyncio.sleep(0)
                group.create_task(database.close())
            assert len({write.result().id for write in writes}) == 20
            await database.close()
            with pytest.raises(Unavailable):
                await database.read(usage)
            with pytest.raises(Unavailable):
                await database.write(usage)
        async with opened(database_url) as database:
            assert await database.read(usage) == (20, 100)

    asyncio.run(main())


def test_opening_and_closing_leaves_no_thread_and_no_descriptor(database_url: str) -> None:
    async def main() -> None:
        for turn in range(12):
            async with opened(database_url) as database, asyncio.TaskGroup() as group:
                for _ in range(10):
                    group.create_task(database.read(usage))
            if turn == 1:
                before = len(os.listdir("/proc/self/fd"))
        assert len(os.listdir("/proc/self/fd")) <= before
        assert [thread.name for thread in threading.enumerate() if thread.name.startswith("catalogue")] == []

    asyncio.run(main())


def test_failing_watcher_does_not_keep_others_from_hearing(database_url: str) -> None:
    async def scenario(database: Database) -> None:
        heard: list[str] = []

        def broken(topic: str, key: str) -> None:
            raise ValueError(key)

        database.watch(broken)
        database.watch(lambda topic, key: heard.append(key))
        await database.write(lambda conn: conn.announce("key", "k"))
        assert heard == ["k"]

    run(database_url, scenario)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mysql://x/y", "'mysql'"),
        ("sqlite://relative.db", "absolute"),
        ("sqlite:///", "absolute"),
        ("sqlite:///dev/null/catalog.db", "cannot be made"),
        ("postgresql://anna:s3cret@h/db?connection_limit=5", "connection_limit"),
        ("postgresql://anna:s3cret@[h/db", "cannot be read"),
    ],
)
def test_impossible_url_is_a_configuration_error_without_the_password(url: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as refused:
        asyncio.run(open_database(url, clock=SystemClock()))
    assert "s3cret" not in str(refused.value)


def test_file_that_is_no_catalogue_is_a_configuration_error(tmp_path: Path) -> None:
    (tmp_path / "catalog.db").write_bytes(b"this is a letter, and a long one, not a database" * 50)
    with pytest.raises(ConfigError, match=r"catalog\.db cannot be opened"):
        asyncio.run(open_database(f"sqlite://{tmp_path}/catalog.db", clock=SystemClock()))


def test_catalogue_file_is_readable_by_its_user_alone(tmp_path: Path) -> None:
    run(f"sqlite://{tmp_path}/new/dir%20with%20space/catalog.db", lambda database: database.write(commit))
    path = tmp_path / "new" / "dir with space" / "catalog.db"
    assert path.stat().st_mode & 0o777 == 0o600


def test_no_question_walks_through_all_files(tmp_path: Path) -> None:
    """The plans of SQLite: each statement that the hot paths run must come by an index."""

    class Planned:
        def __init__(self, conn: Connection) -> None:
            self.conn = conn
            self.changed, self.now, self.announce = conn.changed, conn.now, conn.announce
            self.snapshot, self.body, self.go_on = conn.snapshot, conn.body, conn.go_on
            self.plans: list[str] = []

        def execute(self, sql: str, params: object = ()) -> list[tuple[object, ...]]:
            assert isinstance(params, tuple)
            self.plans += [f"{row[3]} for {sql}" for row in self.conn.execute("EXPLAIN QUERY PLAN " + sql, params)]
            return self.conn.execute(sql, params)

    def work(conn: Connection) -> list[str]:
        planned = Planned(conn)
        file = commit(planned, alias="files/a", expires_at=NOW + 5)
        for purpose in (None, "user_data"):
            for descending in (True, False):
                for after in (None, file.id):
                    files.list_files(
                        planned, "anna", purpose=purpose, after=after, limit=3, descending=descending, now=NOW
                    )
        files.get_file(planned, "anna", file.id, NOW)
        files.get_file_by_alias(planned, "anna", "files/a", NOW)
        files.owner_usage(planned, "anna")
        files.expire_files(planned, NOW, 9)
        files.delete_file(planned, "anna", file.id, NOW)
        return planned.plans

    plans = run(f"sqlite://{tmp_path}/catalog.db", lambda database: database.write(work))
    assert len(plans) > 20
    assert [plan for plan in plans if plan.startswith("SCAN") or "TEMP B-TREE" in plan] == []


def test_full_disk_is_storage_full_and_changes_nothing(tmp_path: Path) -> None:
    async def scenario(database: Database) -> None:
        await database.write(commit)
        [(pages,)] = await database.read(lambda conn: conn.execute("PRAGMA page_count"))
        # SQLite's own limit stands for the disk's: the same error code.
        await database.write(lambda conn: conn.execute(f"PRAGMA max_page_count = {pages + 2}"))
        with pytest.raises(StorageFull):
            await database.write(lambda conn: commit(conn, filename="x" * 100_000))
        assert await database.read(usage) == (1, 5)

    run(f"sqlite://{tmp_path}/catalog.db", scenario)


def test_announcements_that_are_gone_before_they_were_read_are_told_as_everything(tmp_path: Path) -> None:
    def overtaken(conn: Connection) -> None:
        conn.execute("DELETE FROM invalidations")
        conn.announce("key", "after the gap")

    async def main() -> None:
        url = f"sqlite://{tmp_path}/catalog.db"
        async with opened(url) as one, opened(url) as two:
            heard: list[tuple[str, str]] = []
            two.watch(lambda topic, key: heard.append((topic, key)))
            await one.write(lambda conn: conn.announce("key", "first"))
            await comes_true(lambda: heard == [("key", "first")])
            await one.write(overtaken)
            await comes_true(lambda: heard[1:] == [("*", "")])
            await one.write(lambda conn: conn.announce("key", "next"))
            await comes_true(lambda: heard[2:] == [("key", "next")])

    asyncio.run(main())
