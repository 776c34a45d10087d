"""Several processes on one catalogue: opening, contending, hearing each other, being killed."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import forked
from catalog_child import announce
from catalog_samples import NOW, commit, counted, opened, run
from liftgate.catalog.connection import Connection
from liftgate.catalog.database import Database
from liftgate.catalog.migrate import migrations
from liftgate.catalog.rows import blobs, files, keys
from liftgate.errors import ConfigError
from liftgate.records import FileRecord, KeyRecord, KeySearch
from waiting import comes_true

CHILD = Path(__file__).with_name("catalog_child.py")


@contextmanager
def child(task: str, url: str, directory: Path, name: str, *more: str) -> Iterator[subprocess.Popen[str]]:
    with forked.piped(CHILD, task, url, str(directory), name, *more) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def four(task: str, url: str, directory: Path, *more: str) -> list[str]:
    """What four processes that run the task at once said; all ended well."""
    with (
        child(task, url, directory, "a", *more) as one,
        child(task, url, directory, "b", *more) as two,
        child(task, url, directory, "c", *more) as three,
        child(task, url, directory, "d", *more) as four,
    ):
        said = [process.communicate(timeout=90)[0] for process in (one, two, three, four)]
        assert [process.returncode for process in (one, two, three, four)] == [0, 0, 0, 0]
    return said


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_schema_is_made_once_by_four_processes_that_start_at_once(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    sqlite = f"sqlite://{tmp_path}/catalog.db"
    database_url = sqlite if engine == "sqlite" else request.getfixturevalue("empty_postgres_url")
    newest = migrations()[-1].number
    assert four("open_only", database_url, tmp_path) == [f"version {newest}\n"] * 4

    async def scenario(database: Database) -> None:
        rows = await database.read(lambda conn: conn.execute("SELECT version FROM schema_version ORDER BY version"))
        assert rows == [(number,) for number in range(1, newest + 1)]

    run(database_url, scenario)


def test_newer_schema_is_refused_with_a_clear_sentence(database_url: str) -> None:
    async def leap(database: Database) -> None:
        await database.write(lambda conn: conn.execute("INSERT INTO schema_version (version) VALUES (9999)"))

    async def nothing(database: Database) -> None: ...

    run(database_url, leap)
    with pytest.raises(ConfigError, match=r"schema 9999.* up to \d+.*newer Liftgate"):
        run(database_url, nothing)


def test_catalogue_of_the_first_schema_is_taken_up_with_what_is_in_it(database_url: str) -> None:
    """As a version of then left it, killed in the middle: an upload was begun and not completed."""

    async def before(database: Database) -> None:
        await database.write(as_of_the_first_schema)

    def as_of_the_first_schema(conn: Connection) -> None:
        kept.append(commit(conn, content=b"of an older version"))
        later = " ".join(text for each in migrations()[1:] for text in each.statements)
        for table in reversed(re.findall(r"CREATE TABLE (\w+)", later)):
            conn.execute(f"DROP TABLE {table}")
        for table, column in (("leases", "seconds"), ("uploads", "lag"), ("files", "lag"), ("uploads", "completion")):
            conn.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
        conn.execute("DELETE FROM schema_version WHERE version > 1")

    async def after(database: Database) -> None:
        rows = await database.read(lambda conn: conn.execute("SELECT max(version) FROM schema_version"))
        assert rows == [(migrations()[-1].number,)]
        assert await database.read(lambda conn: files.get_file(conn, "anna", kept[0].id, NOW)) == kept[0]
        fresh = await database.write(lambda conn: commit(conn, content=b"of today"))
        assert await database.read(lambda conn: files.get_file(conn, "anna", fresh.id, NOW)) == fresh

    kept: list[FileRecord] = []
    run(database_url, before)
    run(database_url, after)


def test_keys_of_before_their_team_had_a_column_are_found_by_it(database_url: str) -> None:
    odd = 'Öl "und" \\ Übung'
    named: dict[str, Any] = {
        "no team": {},
        "a team": {"team_id": "crew"},
        "a team of odd letters": {"team_id": odd},
        "metadata that name one": {"metadata": {"team_id": "crew"}, "models": ['"team_id":"crew","made_by":']},
    }

    def as_of_then(conn: Connection) -> None:
        for name, terms in named.items():
            digest = hashlib.sha256(name.encode()).hexdigest()
            row = KeyRecord(
                f"key-{digest[:8]}", digest, "sk-...abcd", name, "anna", 0, 0, 0, None, None, None, json.dumps(terms)
            )
            keys.insert_key(conn, row)
        conn.execute("DROP TABLE removed_items")  # of a later migration
        conn.execute("DROP INDEX keys_team")
        conn.execute("ALTER TABLE keys DROP COLUMN team")
        conn.execute("DELETE FROM schema_version WHERE version >= 20")

    def look(conn: Connection) -> None:
        for team, names in (("crew", ["a team"]), (odd, ["a team of odd letters"])):
            assert [key.alias for key in keys.list_keys(conn, KeySearch(team=team))[0]] == names
        assert keys.list_keys(conn, KeySearch())[1] == len(named)

    run(database_url, lambda database: database.write(as_of_then))
    run(database_url, lambda database: database.read(look))


@pytest.mark.parametrize("tasks", [6, pytest.param(16, marks=pytest.mark.full)])
def test_lease_has_one_holder_and_growing_generations_over_processes(
    database_url: str, tmp_path: Path, tasks: int
) -> None:
    run(database_url, lambda database: database.read(lambda conn: None))
    assert four("contend", database_url, tmp_path, str(tasks)) == ["done\n"] * 4
    generations = [int(line) for line in (tmp_path / "generations").read_text().split()]
    committed = 4 * tasks * 3
    assert len(generations) == committed
    assert generations == sorted(set(generations))

    def check(conn: Connection) -> None:
        assert files.owner_usage(conn, "anna") == (committed, committed * len(b"same for all of this turn 0"))
        assert counted(conn, "anna") == files.owner_usage(conn, "anna")
        assert len(blobs.all_blobs(conn, "", 99)) == 3

    run(database_url, lambda database: database.write(check))


def test_what_one_process_announces_another_hears(database_url: str, tmp_path: Path) -> None:
    async def scenario(database: Database) -> None:
        heard: list[tuple[str, str]] = []
        database.watch(lambda topic, key: heard.append((topic, key)))
        with child("listen", database_url, tmp_path, "a") as other:
            assert other.stdout is not None
            assert await asyncio.to_thread(other.stdout.readline) == "listening\n"
            file = await database.write(commit)
            await database.write(lambda conn: files.delete_file(conn, "anna", file.id, NOW))
            await announce(database, *(f"k{number}" for number in range(2000)))
            await announce(database, "stop")
            said = await asyncio.to_thread(other.stdout.read)
            assert await asyncio.to_thread(other.wait, 10) == 0
        # Two thousand at once are told as 'everything'.
        assert said.splitlines() == [f"heard file {file.id}", "heard * ", "heard key stop", "heard key answer"]
        await comes_true(lambda: ("key", "answer") in heard)
        # Our own were heard once, at the commit, and did not come back.
        assert heard.count(("file", file.id)) == 1
        assert heard.count(("key", "stop")) == 1

    run(database_url, scenario)


@pytest.mark.parametrize("lines", [11, 60, 173])
def test_killed_writer_leaves_a_whole_catalogue(database_url: str, tmp_path: Path, lines: int) -> None:
    with child("commit_for_ever", database_url, tmp_path, "anna") as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(lines)]
        process.kill()
        said += process.stdout.readlines()
        process.wait(10)
    whole = [line.split() for line in said if line.endswith("\n")]
    committed = {file_id for word, file_id in whole if word == "committed"}
    deleting = {file_id for word, file_id in whole if word == "deleting"}
    assert len(committed) >= lines * 2 // 3

    def check(conn: Connection) -> None:
        page, _ = files.list_files(conn, "anna", purpose=None, after=None, limit=999, descending=False, now=NOW)
        there = {file.id for file in page}
        assert committed - deleting <= there
        # The last commit, and the last delete, may have come to pass without our hearing of it.
        assert len(there - committed) <= 1
        assert len(there & deleting) <= 1
        assert files.owner_usage(conn, "anna") == counted(conn, "anna")
        used = {file.blob_id for file in page}
        orphans = {blob.id for blob in blobs.orphaned_blobs(conn, conn.now() + 1, 999)}
        assert used | orphans == {blob.id for blob in blobs.all_blobs(conn, "", 999)}
        assert not used & orphans

    run(database_url, lambda database: database.write(check))
    if database_url.startswith("sqlite"):
        raw = sqlite3.connect(database_url.removeprefix("sqlite://"))
        assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert raw.execute("PRAGMA foreign_key_check").fetchall() == []
        raw.close()


def test_two_catalogues_of_one_process_hear_each_other(database_url: str) -> None:
    async def main() -> None:
        async with opened(database_url) as one, opened(database_url) as two:
            heard: list[str] = []
            two.watch(lambda topic, key: heard.append(f"{topic} {key}"))
            await announce(one, "k")
            await comes_true(lambda: heard == ["key k"])
            assert one.stale_since() is None
            assert two.stale_since() is None

    asyncio.run(main())


def test_a_second_client_in_a_process_keeps_the_locks_of_the_first(tmp_path: Path) -> None:
    # Another process that ends last deletes the log beside the file, unless it sees that the file is in use. The
    # kernel gives up a process's locks on a file when any descriptor of it is closed there.
    url = f"sqlite://{tmp_path}/catalog.db"

    async def scenario() -> None:
        async with opened(url) as first:
            await first.write(partial(commit, owner="anna", content=b"before"))
            async with opened(url) as second:
                for number in range(3):
                    with child("open_only", url, tmp_path, "other") as process:
                        assert await asyncio.to_thread(process.wait, 60) == 0
                    for database in (first, second):
                        await database.write(partial(commit, owner="anna", content=b"%d" % number))
            with child("open_only", url, tmp_path, "other") as process:
                assert await asyncio.to_thread(process.wait, 60) == 0
            await first.write(partial(commit, owner="anna", content=b"after"))
        async with opened(url) as again:
            assert await again.read(lambda conn: conn.execute("SELECT count(*) FROM files")) == [(8,)]

    asyncio.run(scenario())
