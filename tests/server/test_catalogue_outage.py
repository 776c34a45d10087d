"""The catalogue taken away, replaced or broken under a running gateway: 503 at every door, readiness too, nothing lost.

What a client is told stays its own dialect's; what is wrong stands in the log, once.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from gateways import ask, client_for, gateway_server, sandbox_server, settings_for
from liftgate.settings import StorageSettings
from raw_http import Answer, call
from running import eventually, form_request

KEY = {"Authorization": "Bearer sk-ann"}
GOOGLE_KEY = {"x-goog-api-key": "sk-ann"}
DOORS: dict[str, Callable[[str, str], Answer]] = {
    "ready": lambda url, file_id: call(url, "GET", "/health/readiness"),
    "upload": lambda url, file_id: call(url, *form_request({"purpose": "user_data"}, b"more", headers=KEY)),
    "in parts": lambda url, file_id: call(
        url,
        *("POST", "/v1/uploads"),
        json.dumps({"filename": "a", "purpose": "user_data", "bytes": 4, "mime_type": "text/plain"}).encode(),
        {**KEY, "Content-Type": "application/json"},
    ),
    "native session": lambda url, file_id: call(
        url,
        *("POST", "/upload/v1beta/files"),
        b"{}",
        {**GOOGLE_KEY, "X-Goog-Upload-Protocol": "resumable", "X-Goog-Upload-Command": "start"},
    ),
    "native upload": lambda url, file_id: call(
        url,
        *("POST", "/upload/v1beta/files"),
        b"--e\r\nContent-Type: application/json\r\n\r\n{}\r\n--e\r\nContent-Type: text/plain\r\n\r\nraw\r\n--e--\r\n",
        {**GOOGLE_KEY, "X-Goog-Upload-Protocol": "multipart", "Content-Type": "multipart/related; boundary=e"},
    ),
    "list": lambda url, file_id: call(url, "GET", "/v1/files", headers=KEY),
    "native list": lambda url, file_id: call(url, "GET", "/v1beta/files", headers=GOOGLE_KEY),
    "delete": lambda url, file_id: call(url, "DELETE", f"/v1/files/{file_id}", headers=KEY),
    "native delete": lambda url, file_id: call(
        url, "DELETE", f"/v1beta/files/{file_id.removeprefix('file-')}", headers=GOOGLE_KEY
    ),
}


def answers(url: str, file_id: str) -> dict[str, int]:
    """The status at each door, after a look at the form of what went wrong there."""
    found = {}
    for name, door in DOORS.items():
        answer = door(url, file_id)
        found[name] = answer.status
        if answer.status == 503:
            error = answer.json()["error"]
            if "native" in name:
                assert (error["code"], error["status"]) == (503, "UNAVAILABLE"), name
            else:
                assert error["type"] == "service_unavailable_error", name
            assert "catalog" not in answer.body.decode().replace("catalogue", "")
    return found


REFUSED = dict.fromkeys(DOORS, 503)


@contextmanager
def gateway_on(data: Path, database_url: str = "") -> Iterator[tuple[str, str]]:
    """(its address, a file that is live at Gemini)."""
    with sandbox_server() as sandbox:
        settings = replace(
            settings_for(sandbox, data), storage=StorageSettings(data_dir=data, database_url=database_url)
        )
        with gateway_server(settings) as url:
            with client_for(url) as client:
                file_id = client.files.create(file=("a.txt", b"first"), purpose="user_data").id
                ask(client, file_id)
            yield url, file_id


def removed(data: Path) -> None:
    for path in data.glob("catalog.db*"):
        path.unlink()


def replaced(data: Path) -> None:
    removed(data)
    sqlite3.connect(data / "catalog.db").execute("CREATE TABLE t (a)").connection.close()


def file_alone_replaced(data: Path) -> None:
    shutil.copy(data / "catalog.db", data / "copy")
    os.replace(data / "copy", data / "catalog.db")


def log_removed(data: Path) -> None:
    (data / "catalog.db-wal").unlink()


def index_removed(data: Path) -> None:
    (data / "catalog.db-shm").unlink()


def moved(data: Path) -> None:
    data.rename(data.with_name("elsewhere"))


def directory_removed(data: Path) -> None:
    shutil.rmtree(data)


def pointed_elsewhere(data: Path) -> None:
    """A link in place of the file, to a copy of it."""
    (data / "catalog.db").rename(data / "old.db")
    shutil.copy(data / "old.db", data / "new.db")
    (data / "catalog.db").symlink_to(data / "new.db")


def overwritten(data: Path) -> None:
    """The inode stays."""
    shutil.copyfile(data / "catalog.db", data / "copy")
    shutil.copyfile(data / "copy", data / "catalog.db")


def overwritten_by_another(data: Path) -> None:
    with closing(sqlite3.connect(data / "other.db")) as raw:
        raw.execute("PRAGMA journal_mode = WAL")
        raw.execute("CREATE TABLE t (a)")
    with (data / "catalog.db").open("r+b") as file:
        file.write((data / "other.db").read_bytes())
        file.truncate()


def cut_to_nothing(data: Path) -> None:
    os.truncate(data / "catalog.db", 0)


def log_cut(data: Path) -> None:
    os.truncate(data / "catalog.db-wal", 0)


@pytest.mark.parametrize(
    "harm",
    [
        removed,
        replaced,
        file_alone_replaced,
        log_removed,
        index_removed,
        moved,
        directory_removed,
        pointed_elsewhere,
        overwritten,
        overwritten_by_another,
        cut_to_nothing,
        log_cut,
    ],
)
def test_file_that_is_not_the_one_that_was_opened_takes_no_write_and_gives_no_answer(
    tmp_path: Path, harm: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    data = tmp_path / "data"
    with gateway_on(data) as (url, file_id):
        assert answers_before(url) == 200
        harm(data)
        assert answers(url, file_id) == REFUSED
        assert answers(url, file_id) == REFUSED
        # Chats with what memory holds go on for a while (cache_stale_seconds).
        with client_for(url) as client:
            assert "first" in ask(client, file_id)
        assert call(url, "GET", "/health/liveness").status == 200
        # Nothing was made in place of what is gone.
        assert data.exists() == (harm not in (moved, directory_removed))
    # A look may fall into the middle of the harm, and see another of the files gone before: each is told once.
    told = [record.message for record in caplog.records if "cannot be used" in record.message]
    assert told and len(set(told)) == len(told) and all(str(data / "catalog.db") in each for each in told)


def answers_before(url: str) -> int:
    return call(url, "GET", "/health/readiness").status


def test_file_that_another_program_holds_is_not_ready_until_it_lets_go(tmp_path: Path) -> None:
    """What is read is read; no write comes about, and readiness says so."""
    data = tmp_path / "data"
    with gateway_on(data) as (url, file_id):
        with closing(sqlite3.connect(data / "catalog.db", isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            assert call(url, *form_request({"purpose": "user_data"}, b"more", headers=KEY)).status == 503
            assert answers_before(url) == 503
            assert DOORS["list"](url, file_id).status == 200
            other.execute("ROLLBACK")
        assert eventually(lambda: answers_before(url) == 200)
        assert DOORS["upload"](url, file_id).status == 200


def test_catalogue_behind_a_link_is_watched_as_any(tmp_path: Path) -> None:
    """SQLite keeps its log beside the file that the link leads to."""
    data, disk = tmp_path / "data", tmp_path / "disk"
    data.mkdir()
    disk.mkdir()
    (data / "catalog.db").symlink_to(disk / "catalog.db")
    with gateway_on(data) as (url, file_id):
        names = ("catalog.db", "catalog.db-wal", "catalog.db-shm", "catalog.db-reserve")
        assert {path.name: path.stat().st_mode & 0o777 for path in disk.iterdir()} == dict.fromkeys(names, 0o600)
        (tmp_path / "another").touch()
        lead(data, tmp_path / "another")
        assert answers(url, file_id) == REFUSED
        lead(data, disk / "catalog.db")
        assert eventually(lambda: answers_before(url) == 200)
        (disk / "catalog.db-wal").unlink()
        assert answers(url, file_id) == REFUSED


def lead(data: Path, to: Path) -> None:
    (data / "catalog.db").unlink()
    (data / "catalog.db").symlink_to(to)


def test_directory_that_comes_back_is_used_again(tmp_path: Path) -> None:
    data, away = tmp_path / "data", tmp_path / "away"
    with gateway_on(data) as (url, file_id):
        data.rename(away)
        assert answers(url, file_id) == REFUSED
        away.rename(data)
        assert eventually(lambda: answers_before(url) == 200)
        with client_for(url) as client:
            made = client.files.create(file=("b.txt", b"second"), purpose="user_data").id
            assert {file.id for file in client.files.list()} == {file_id, made}


def columns_gone(execute: Callable[[str], object]) -> None:
    execute("ALTER TABLE files RENAME COLUMN filename TO name")


def table_gone(execute: Callable[[str], object]) -> None:
    execute("ALTER TABLE files RENAME TO old_files")


@pytest.mark.parametrize("harm", [columns_gone, table_gone])
def test_schema_that_is_not_whole_is_an_outage_and_ends_with_it(
    tmp_path: Path, database_url: str, harm: Callable[[Callable[[str], object]], None]
) -> None:
    """On both engines; what mends the schema ends the outage."""
    with gateway_on(tmp_path / "data", database_url) as (url, file_id):
        execute = executing(database_url)
        harm(execute)
        found = answers(url, file_id)
        for door in ("ready", "upload", "native upload", "list", "native list", "delete", "native delete"):
            assert found[door] == 503, door
        column = "ALTER TABLE files RENAME COLUMN name TO filename"
        execute(column if harm is columns_gone else "ALTER TABLE old_files RENAME TO files")
        assert eventually(lambda: answers_before(url) == 200)
        with client_for(url) as client:
            assert [file.id for file in client.files.list()] == [file_id]


def executing(database_url: str) -> Callable[[str], object]:
    def execute(sql: str) -> None:
        if database_url.startswith("sqlite"):
            raw = sqlite3.connect(database_url.removeprefix("sqlite://"), isolation_level=None)
            raw.execute(sql)
            raw.close()
            return
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute("SET search_path = liftgate")
            connection.execute(sql.encode())

    return execute


@pytest.mark.parametrize(
    "harm",
    [
        "DROP SCHEMA liftgate CASCADE",
        "DROP TABLE liftgate.files CASCADE",
        "DROP INDEX liftgate.files_alias",
        "REVOKE ALL ON liftgate.files FROM liftgate",
        "REVOKE INSERT ON liftgate.files FROM liftgate",
        "REVOKE USAGE ON SCHEMA liftgate FROM liftgate",
        "ALTER TABLE liftgate.blobs RENAME TO blobs_old",
        "ALTER SCHEMA liftgate RENAME TO other",
    ],
)
def test_postgres_schema_that_was_erased_is_not_ready(
    tmp_path: Path, request: pytest.FixtureRequest, harm: str
) -> None:
    if harm.startswith("REVOKE"):
        # Its owner makes the schema, in a start that costs as much as all else here.
        database_url: str = request.getfixturevalue("empty_postgres_url")
        # Privileges mean nothing to a superuser.
        with psycopg.connect(database_url, autocommit=True) as admin:
            admin.execute("DO $$ BEGIN CREATE ROLE clerk LOGIN; EXCEPTION WHEN duplicate_object THEN END $$")
            admin.execute("CREATE SCHEMA liftgate AUTHORIZATION clerk")
        harm = harm.replace("FROM liftgate", "FROM clerk")
        used = database_url.replace("liftgate@", "clerk@")
    else:
        used = database_url = request.getfixturevalue("postgres_url")
    with gateway_on(tmp_path / "data", used) as (url, file_id):
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute(harm.encode())
        found = answers(url, file_id)
        assert found["ready"] == 503
        assert 500 not in found.values()
        if "INDEX" not in harm:
            assert found["upload"] == found["native upload"] == 503


def test_pages_that_are_damaged_are_an_outage_for_good(tmp_path: Path) -> None:
    """The file is overwritten where its tables are, as by a disk that fails."""
    data = tmp_path / "data"
    with gateway_on(data) as (url, file_id):
        with client_for(url) as client:
            for number in range(30):
                client.files.create(file=(f"{number}.txt", b"%d" % number), purpose="user_data")
        # Into the file itself, so that a page of it is read again by whoever needs it.
        raw = sqlite3.connect(data / "catalog.db", isolation_level=None)
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        size = raw.execute("PRAGMA page_size").fetchone()[0]
        roots = [row[0] for row in raw.execute("SELECT rootpage FROM sqlite_master WHERE rootpage > 1")]
        raw.close()
        with (data / "catalog.db").open("r+b") as file:
            for root in roots:
                file.seek((root - 1) * size)
                file.write(b"\xff" * size)
        # The gateway's own pages are in its memory until somebody else writes.
        raw = sqlite3.connect(data / "catalog.db", isolation_level=None)
        raw.execute("PRAGMA user_version = 7")
        raw.close()
        assert eventually(lambda: 503 in answers(url, file_id).values())
        assert eventually(lambda: answers(url, file_id) == REFUSED)
        assert answers_before(url) == 503


def test_read_only_disk_is_not_ready_and_answers_503(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    data = tmp_path / "data"
    data.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(data)], check=False)
    if mounted.returncode != 0:
        pytest.skip("mounting is not allowed here")
    try:
        with gateway_on(data) as (url, file_id):
            # Files that are open for writing keep a file system from becoming read-only; a directory of its own may.
            subprocess.run(["mount", "--bind", str(data / "spool"), str(data / "spool")], check=True)
            try:
                subprocess.run(["mount", "-o", "remount,bind,ro", str(data / "spool")], check=True)
                found = answers(url, file_id)
                assert (found["ready"], found["upload"], found["native upload"]) == (503, 503, 503)
                assert found["list"] == 200
            finally:
                subprocess.run(["umount", str(data / "spool")], check=True)
            assert answers_before(url) == 200
    finally:
        subprocess.run(["umount", str(data)], check=True)


@pytest.mark.parametrize("place", ["spool", "blobs"])
def test_place_that_became_a_file_is_not_ready(tmp_path: Path, place: str) -> None:
    data = tmp_path / "data"
    with gateway_on(data) as (url, file_id):
        (data / place).rename(data / "away")
        (data / place).write_bytes(b"")
        found = answers(url, file_id)
        assert (found["ready"], found["upload"], found["native upload"]) == (503, 503, 503)
        (data / place).unlink()
        (data / "away").rename(data / place)
        found = answers(url, file_id)
        assert (found["ready"], found["upload"], found["native upload"]) == (200, 200, 200)


def test_store_that_is_another_directory_now_is_not_ready(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with gateway_on(data) as (url, file_id):
        (data / "blobs").rename(data / "away")
        for make in (None, (data / "blobs").mkdir):
            if make is not None:
                make()
            found = answers(url, file_id)
            assert (found["ready"], found["upload"], found["native upload"]) == (503, 503, 503)
