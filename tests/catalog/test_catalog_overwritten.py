"""Files of a SQLite catalogue that another program writes into while they are open: found before a write is
acknowledged, and nothing that SQLite or an operator rightly does is taken for it."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from catalog_samples import commit, opened
from liftgate.catalog.connection import Connection
from liftgate.catalog.database import Database, open_database
from liftgate.catalog.rows import files
from liftgate.catalog.sqlite_file import beside
from liftgate.clock import SystemClock
from liftgate.errors import Unavailable

Harm = Callable[[Path, Path], None]


def written_over(path: Path, content: bytes) -> None:
    """As `rsync --inplace` does it: not cut first, and cut to size at the end."""
    with path.open("r+b") as out:
        out.write(content)
        out.truncate()


def copied_keeping_its_time(old: Path, new: Path) -> None:
    shutil.copyfile(old, new)
    facts = old.stat()
    os.utime(new, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def a_page_changed(path: Path) -> None:
    with path.open("r+b") as out:
        out.seek(4096)
        out.write(b"\x00" * 512)


def index_put_back(old: Path, new: Path) -> None:
    """Without cutting it, which would end the process."""
    with new.open("r+b") as out:
        out.write(old.read_bytes())


HARMS: dict[str, Harm] = {
    "cp": lambda old, new: void(shutil.copyfile(old, new)),
    "cp -p": copied_keeping_its_time,
    "rsync --inplace": lambda old, new: written_over(new, old.read_bytes()),
    "cut to nothing": lambda _, new: os.truncate(new, 0),
    "cut": lambda _, new: os.truncate(new, new.stat().st_size - 4096),
    "something else": lambda _, new: written_over(new, b"hello"),
    "a page": lambda _, new: a_page_changed(new),
    "log deleted": lambda _, new: beside(new)[1].unlink(),
    "log replaced": lambda old, new: void(shutil.move(shutil.copy(beside(old)[1], f"{new}.tmp"), beside(new)[1])),
    "log cut to nothing": lambda _, new: os.truncate(beside(new)[1], 0),
    "log cut": lambda _, new: os.truncate(beside(new)[1], 32 + 5 * (24 + 4096)),
    "older log": lambda old, new: void(shutil.copyfile(beside(old)[1], beside(new)[1])),
    "older log, its length kept": lambda old, new: written_over(
        beside(new)[1], beside(old)[1].read_bytes().ljust(beside(new)[1].stat().st_size, b"\x00")
    ),
    "older index": lambda old, new: index_put_back(beside(old)[2], beside(new)[2]),
}


def void(_: object) -> None:
    """What a copy returns is of no use."""


def put(number: int) -> Callable[[Connection], object]:
    return lambda conn: commit(conn, content=b"%d" % number)


def usage(conn: Connection) -> tuple[int, int]:
    return files.owner_usage(conn, "anna")


def scenario_at(tmp_path: Path, work: Callable[[Database, Path], Awaitable[None]]) -> None:
    async def main() -> None:
        path = tmp_path / "catalog.db"
        async with opened(f"sqlite://{path}") as db:
            for number in range(30):
                await db.write(put(number))
            await work(db, path)

    asyncio.run(main())


def copy_of(path: Path, directory: Path) -> Path:
    directory.mkdir()
    for one in beside(path):
        shutil.copy(one, directory / one.name)
    return directory / path.name


@pytest.mark.parametrize("name", HARMS)
def test_no_write_is_acknowledged_after_it(tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture) -> None:
    async def work(db: Database, path: Path) -> None:
        await asyncio.to_thread(checkpointed, path)
        old = copy_of(path, tmp_path / "old")
        for number in range(30, 45):
            await db.write(put(number))
        HARMS[name](old, path)
        for number in range(3):
            with pytest.raises(Unavailable):
                await db.write(put(100 + number))
        with pytest.raises(Unavailable):
            await db.check()
        with pytest.raises(Unavailable):
            db.admit()
        said = [record.message for record in caplog.records if record.levelname == "ERROR"]
        assert said
        assert str(path) in said[0]

    scenario_at(tmp_path, work)


def checkpointed(path: Path) -> None:
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("PRAGMA wal_checkpoint(PASSIVE)")
        raw.execute("INSERT INTO counters VALUES ('a', 1) ON CONFLICT DO NOTHING")
        raw.commit()


def test_what_was_put_in_its_place_is_not_mixed_with_the_log(tmp_path: Path) -> None:
    """Closing the last connection would write the log over the copy."""
    path, copy = tmp_path / "catalog.db", tmp_path / "copy.db"

    async def work(db: Database, path: Path) -> None:
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
        for number in range(30, 60):
            await db.write(put(number))
        shutil.copyfile(copy, path)
        # Found by the watcher, or by the last look before the end.

    scenario_at(tmp_path, work)
    assert path.read_bytes() == copy.read_bytes()
    assert beside(path)[1].stat().st_size > 0


def test_an_end_without_trouble_leaves_one_file(tmp_path: Path) -> None:
    async def work(db: Database, path: Path) -> None:
        await db.check()

    scenario_at(tmp_path, work)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["catalog.db", "catalog.db-reserve"]


def other_writer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("CREATE TABLE IF NOT EXISTS others (x)")
        for _ in range(40):
            raw.execute("INSERT INTO others VALUES (?)", (os.urandom(40_000),))
            raw.commit()
        raw.execute("DROP TABLE others")
        raw.commit()


def pragma(words: str) -> Callable[[Path], None]:
    def work(path: Path) -> None:
        with closing(sqlite3.connect(path)) as raw:
            raw.execute(words).fetchall()

    return work


def backed_up(path: Path) -> None:
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(f"{path}.copy")) as target:
        source.backup(target)


def in_another_process(path: Path) -> None:
    program = (
        "import asyncio, sys\n"
        "from liftgate.catalog.database import open_database\n"
        "from liftgate.clock import SystemClock\n"
        "async def main():\n"
        "    db = await open_database(sys.argv[1], clock=SystemClock())\n"
        "    for number in range(300):\n"
        "        await db.write(lambda conn: conn.execute(\n"
        "            'INSERT OR REPLACE INTO signatures VALUES (?, ?, ?, 1.0)', ('o', str(number), bytes(20_000))))\n"
        "    await db.close()\n"
        "asyncio.run(main())\n"
    )
    subprocess.run([sys.executable, "-c", program, f"sqlite://{path}"], check=True, timeout=60)


def killed_in_another_process(path: Path) -> None:
    program = (
        "import os, sqlite3, sys\n"
        "raw = sqlite3.connect(sys.argv[1])\n"
        "raw.execute('INSERT OR REPLACE INTO signatures VALUES (?, ?, ?, 1.0)', ('o', 'x', bytes(9_000_000)))\n"
        "os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", program, str(path)], check=False, timeout=60)


RIGHT: dict[str, Callable[[Path], None]] = {
    "VACUUM": pragma("VACUUM"),
    "wal_checkpoint(PASSIVE)": pragma("PRAGMA wal_checkpoint(PASSIVE)"),
    "wal_checkpoint(TRUNCATE)": pragma("PRAGMA wal_checkpoint(TRUNCATE)"),
    "REINDEX": pragma("REINDEX"),
    "ANALYZE": pragma("ANALYZE"),
    "incremental work": pragma("PRAGMA optimize"),
    "another writer": other_writer,
    ".backup": backed_up,
    "chmod": lambda path: path.chmod(0o640),
    "a hard link": lambda path: Path(f"{path}.link").hardlink_to(path),
    "read by cat": lambda path: void(path.read_bytes()),
    "another process": in_another_process,
    "a killed process": killed_in_another_process,
}


@pytest.mark.parametrize("name", RIGHT)
def test_what_an_operator_may_do_is_no_trouble(tmp_path: Path, name: str) -> None:
    async def work(db: Database, path: Path) -> None:
        for round_ in range(3):
            with ThreadPoolExecutor(1) as threads:
                during = threads.submit(RIGHT[name], path)
                number = 0
                while not during.done():
                    number += 1
                    await db.write(put(1000 * (round_ + 1) + number))
                during.result()
            if name == "a hard link":
                Path(f"{path}.link").unlink()
            await db.check()
            await db.write(put(10_000 * (round_ + 1)))

    scenario_at(tmp_path, work)


def test_restored_through_sqlite_it_is_served_as_it_is_then(tmp_path: Path) -> None:
    """`.restore` of the command `sqlite3` is a transaction like any other, and what comes after it is kept."""
    path, copy = tmp_path / "catalog.db", tmp_path / "copy.db"

    async def work(db: Database, path: Path) -> None:
        heard: list[str] = []
        db.watch(lambda topic, key: heard.append(topic))
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
        for number in range(30, 35):
            await db.write(put(number))
        with closing(sqlite3.connect(copy)) as source, closing(sqlite3.connect(path)) as target:
            source.backup(target)
        assert (await db.read(usage))[0] == 30
        await db.write(put(99))
        await db.check()

    scenario_at(tmp_path, work)

    async def again() -> None:
        async with opened(f"sqlite://{path}") as db:
            assert (await db.read(usage))[0] == 31

    asyncio.run(again())


def test_one_that_closes_leaves_the_look_at_another_whose_files_are_gone(tmp_path: Path) -> None:
    async def main() -> None:
        (tmp_path / "gone").mkdir()
        first = await open_database(f"sqlite://{tmp_path / 'gone' / 'catalog.db'}", clock=SystemClock())
        second = await open_database(f"sqlite://{tmp_path / 'catalog.db'}", clock=SystemClock())
        shutil.rmtree(tmp_path / "gone")
        await second.close()
        # A descriptor that was closed would be another's by now.
        with closing(socket.socket()), closing(socket.socket()), pytest.raises(Unavailable):
            await first.check()
        await first.close()

    asyncio.run(main())


def test_several_of_one_process_share_what_must_not_be_closed(tmp_path: Path) -> None:
    """Closing one of them must leave the locks of the other: another process would restart the log under it."""

    async def main() -> None:
        path = tmp_path / "catalog.db"
        first = await open_database(f"sqlite://{path}", clock=SystemClock())
        counts = []
        for number in range(6):
            second = await open_database(f"sqlite://{path}", clock=SystemClock())
            await second.write(put(number))
            await second.close()
            counts.append(len(os.listdir("/proc/self/fd")))
        # SQLite too keeps some that it cannot close, and uses them again.
        assert counts[-1] == counts[2]
        await asyncio.to_thread(in_another_process, path)
        await first.write(put(50))
        await first.check()
        assert (await first.read(usage))[0] == 7
        await first.close()

    asyncio.run(main())


def test_a_log_that_grows_is_written_into_the_file(tmp_path: Path) -> None:
    async def work(db: Database, path: Path) -> None:
        for number in range(40):
            await db.write(
                lambda conn, number=number: conn.execute(  # type: ignore[misc]
                    "INSERT INTO signatures VALUES ('o', ?, ?, 1.0)", (str(number), bytes(500_000))
                )
            )
        assert beside(path)[1].stat().st_size < 8_000_000
        assert path.stat().st_size > 15_000_000

    scenario_at(tmp_path, work)
