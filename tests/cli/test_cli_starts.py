"""A start that cannot be: exit code 2 and one sentence that says where, why and what to do; never a password."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

from gateways import client_for, gateway_server
from liftgate.errors import ConfigError
from liftgate.gateway import Gateway
from liftgate.settings import Settings, load_settings
from processes import GatewayProcess, write_config
from s3_server import s3_endpoint
from terminal import Cli


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    return Cli(tmp_path / "home")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return write_config(tmp_path / "config.yaml", "http://127.0.0.1:9", sweep_seconds=600)


def refused(cli: Cli, config: Path, data: Path, *arguments: object, code: int = 2) -> str:
    """The one sentence of a start that ends with this code."""
    done = cli.run("--config", config, "--port", 0, "--data-dir", data, *arguments, code=code)
    return one_sentence(done.stderr, done.stdout)


def one_sentence(errors: bytes, output: bytes) -> str:
    said = errors.decode()
    assert said.startswith("liftgate: ") and said.count("\n") == 1, said
    assert output == b""
    return said


# ── a SQLite file ────────────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def filled(config: Path, data: Path, count: int) -> Iterator[list[str]]:
    """Files in a gateway's directory; the gateway runs within."""
    settings, _ = load_settings(config, {"data_dir": data}, {})
    with gateway_server(settings) as url, client_for(url) as client:
        yield [
            client.files.create(file=(f"{number}.txt", b"%d" % number), purpose="user_data").id
            for number in range(count)
        ]


def zeroes_in_the_middle(path: Path) -> None:
    with closing(sqlite3.connect(path)) as raw:
        [[root, size]] = raw.execute(
            "SELECT rootpage, page_size FROM sqlite_master, pragma_page_size WHERE name = 'files_listed'"
        ).fetchall()
    with path.open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(bytes(size))


def cut_short(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def no_database(path: Path) -> None:
    path.write_bytes(b"a letter, not a database" * 1000)


def a_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def sql(*statements: str) -> Callable[[Path], None]:
    def harm(path: Path) -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as raw:
            for statement in statements:
                raw.execute(statement)

    return harm


HARMS: dict[str, tuple[Callable[[Path], None], str]] = {
    "zeroes": (zeroes_in_the_middle, "is damaged"),
    "cut": (cut_short, "is damaged"),
    "no database": (no_database, "file is not a database"),
    "directory": (a_directory, "not a file"),
    "table": (sql("PRAGMA foreign_keys = OFF", "DROP TABLE replicas"), "lacks table replicas"),
    "column": (sql("ALTER TABLE uploads DROP COLUMN completion"), "lacks column uploads.completion"),
    "index": (sql("DROP INDEX blobs_content"), "lacks index blobs_content"),
    "version": (sql("DROP TABLE schema_version"), "already exists"),
    "newer": (sql("INSERT INTO schema_version VALUES (9000, 1)"), "newer Liftgate"),
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gateway's directory with forty files, and no gateway: to be copied."""
    place = tmp_path_factory.mktemp("whole")
    with filled(write_config(place / "config.yaml", "http://127.0.0.1:9"), place / "data", 40):
        pass
    (place / "config.yaml").unlink()
    return place / "data"


@pytest.mark.parametrize(
    ("harm", "workers"),
    [
        *((harm, 1) for harm in HARMS),
        ("zeroes", 2),
        *(pytest.param(harm, 2, marks=pytest.mark.full) for harm in [*HARMS][1:]),
    ],
)
def test_catalogue_that_is_not_whole_is_refused_in_a_sentence(
    cli: Cli, config: Path, tmp_path: Path, whole: Path, harm: str, workers: int
) -> None:
    data = tmp_path / "data"
    shutil.copytree(whole, data)
    does, says = HARMS[harm]
    does(data / "catalog.db")
    before = sorted((data / "blobs").rglob("*"))
    said = refused(cli, config, data) if workers == 1 else refused_by_workers(cli, config, data)
    assert says in said and str(data / "catalog.db") in said
    assert sorted((data / "blobs").rglob("*")) == before


def refused_by_workers(cli: Cli, config: Path, data: Path) -> str:
    done = cli.run("--config", config, "--port", 0, "--data-dir", data, "--num-workers", 2, code=2)
    return done.stderr.decode()


@pytest.mark.parametrize("more", [80, pytest.param(300, marks=pytest.mark.full)])
def test_copy_put_over_a_killed_gateways_file_is_found_and_not_made_worse(
    cli: Cli, config: Path, tmp_path: Path, more: int
) -> None:
    """The log that the killed gateway left would be replayed into the copy."""
    data, backup = tmp_path / "data", tmp_path / "backup.db"
    gateway = GatewayProcess(config, data)
    with client_for(gateway.wait_ready()) as client:
        kept = [
            client.files.create(file=(f"{number}.txt", b"%d" % number), purpose="user_data").id for number in range(20)
        ]
        with closing(sqlite3.connect(data / "catalog.db")) as source, closing(sqlite3.connect(backup)) as target:
            source.backup(target)
        for number in range(20, 20 + more):
            client.files.create(file=(f"{number}.txt", b"%d" % number), purpose="user_data")
    gateway.kill()
    assert (data / "catalog.db-wal").stat().st_size > 0
    shutil.copy(backup, data / "catalog.db")
    said = refused(cli, config, data)
    assert "is damaged" in said and "catalog.db-wal" in said and "admin restore" in said
    # The copy itself is as it was: without the log it is the backup.
    assert (data / "catalog.db").read_bytes() == backup.read_bytes()
    for name in ("catalog.db-wal", "catalog.db-shm"):
        (data / name).unlink(missing_ok=True)
    again = GatewayProcess(config, data)
    with client_for(again.wait_ready()) as client:
        assert {file.id for file in client.files.list()} == set(kept)
    again.stop()


@pytest.mark.parametrize("more", [20, pytest.param(300, marks=pytest.mark.full)])
def test_killed_gateways_own_log_is_taken_up(config: Path, tmp_path: Path, more: int) -> None:
    data = tmp_path / "data"
    gateway = GatewayProcess(config, data)
    with client_for(gateway.wait_ready()) as client:
        made = {client.files.create(file=(f"{n}.txt", b"%d" % n), purpose="user_data").id for n in range(more)}
    gateway.kill()
    again = GatewayProcess(config, data)
    with client_for(again.wait_ready()) as client:
        assert {file.id for file in client.files.list(limit=1000)} == made
    again.stop()


# ── the mark of a store ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_mark_that_cannot_be_read_is_refused_in_a_sentence(cli: Cli, config: Path, tmp_path: Path) -> None:
    """R1: emptied, cut, of other bytes, nested beyond any stack, or no file at all. A mark with more in it is one."""
    data = tmp_path / "data"
    with filled(config, data, 1):
        pass
    mark = data / "blobs" / "liftgate-store"
    whole = mark.read_bytes()
    for text in (b"", whole[:40], b"\xff\xfe\0", b"[1]", b"null", b"[" * 100_000):
        mark.write_bytes(text)
        assert "do not belong together" in refused(cli, config, data)
    for make, away in ((os.mkfifo, os.unlink), (os.mkdir, os.rmdir)):
        mark.unlink(missing_ok=True)
        make(mark)
        assert f"{mark} is no plain file" in refused(cli, config, data)
        away(mark)
    mark.write_bytes(whole.replace(b"}", b', "version": 9}'))
    gateway = GatewayProcess(config, data)
    assert gateway.wait_ready() and gateway.stop() == 0


# ── directories ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_places_that_cannot_be_are_named(cli: Cli, config: Path, tmp_path: Path) -> None:
    (tmp_path / "some-file").write_bytes(b"")
    assert f"{tmp_path}/some-file is a file, not a directory." in refused(cli, config, tmp_path / "some-file")
    assert f"{tmp_path}/some-file is a file, not a directory." in refused(cli, config, tmp_path / "some-file" / "in")
    assert "--data-dir /proc/x cannot be made" in refused(cli, config, Path("/proc/x"))
    for place in ("spool", "blobs"):
        data = tmp_path / f"with-{place}"
        data.mkdir()
        (data / place).write_bytes(b"")
        assert f"{data}/{place}" in refused(cli, config, data)


def test_directory_that_takes_no_writes_is_refused(cli: Cli, config: Path, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    for place in ("", "spool", "blobs", "blobs/ab"):
        data = tmp_path / f"data{len(place)}"
        there = data / place
        there.mkdir(parents=True)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(there)], check=False)
        if mounted.returncode != 0:
            pytest.skip("mounting is not allowed here")
        try:
            said = refused(cli, config, data)
            assert str(there).rstrip("/") in said and "cannot be written" in said
        finally:
            subprocess.run(["umount", str(there)], check=True)


# ── PostgreSQL ───────────────────────────────────────────────────────────────────────────────────────────────────────


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def test_server_that_cannot_be_used_is_named_with_host_port_database_and_reason(
    cli: Cli, config: Path, tmp_path: Path, empty_postgres_url: str
) -> None:
    port = free_port()
    directory = empty_postgres_url.partition("host=")[2]
    mistakes = {
        f"postgresql://u:s3cret@127.0.0.1:{port}/lift": (f"127.0.0.1:{port}", "database 'lift'", "refused"),
        f"postgresql://u:s3cret@[::1]:{port}/lift": (f"[::1]:{port}", "database 'lift'"),
        "postgresql://u:s3cret@no-such-host.invalid/lift": ("no-such-host.invalid:5432", "name is not known"),
        f"postgresql://u:s3cret@/lift?host={directory}": ("database 'lift'", 'role "u" does not exist'),
        f"postgresql://liftgate:s3cret@/nowhere?host={directory}": ('database "nowhere" does not exist',),
        "postgresql://u:s3cret@/lift?host=/tmp/no-such-place": ("/tmp/no-such-place:5432", "no such socket"),
    }
    # All at once: each asks again for a second.
    with ExitStack() as starts:
        begun = [
            starts.enter_context(
                cli.started(
                    "--config", config, "--port", 0, "--data-dir", tmp_path / f"{number}", "--database-url", url
                )
            )
            for number, url in enumerate(mistakes)
        ]
        for process, says in zip(begun, mistakes.values(), strict=True):
            output, errors = process.communicate(timeout=60)
            said = one_sentence(errors, output)
            assert process.returncode == 2 and all(words in said for words in says), said
            assert "s3cret" not in said
    with psycopg.connect(empty_postgres_url, autocommit=True) as admin:
        admin.execute("CREATE SCHEMA liftgate")
        admin.execute("CREATE TABLE liftgate.blobs (a int)")
    assert "already exists" in refused(cli, config, tmp_path / "data", "--database-url", empty_postgres_url)


async def refusal(settings: Settings) -> str:
    with pytest.raises(ConfigError) as told:
        async with Gateway(settings):
            raise AssertionError("it must not start")
    return str(told.value)


PASSWORDS = ("pgse cret", "p@s3cret", "s3/cret", "s3?cret", "s3#cret", "100%s3cret", "[s3cret", "s3:cret", "süß-s3cret")


@pytest.mark.parametrize(
    "form",
    [
        "postgresql://u:{}@127.0.0.1:1/db",
        "postgresql://u:{}@127.0.0.1:port/db",
        "postgresql://u:{}@127.0.0.1:1/db?nonsense=1",
        "postgresql://u:{}@no-such-host.invalid/db",
        "postgresql://u:{}@[bad/db",
        "postgresql://127.0.0.1:1/db?user=u&password={}",
        "postgresql:u:{}@127.0.0.1/db",
        "postgres//u:{}@127.0.0.1/db",
        "u:{}@127.0.0.1/db",
        "{}@127.0.0.1/db",
        "host=127.0.0.1 port=1 user=u password={} dbname=db",
        "host=127.0.0.1 user=u password='{}'://",
        "mysql://u:{}@127.0.0.1/db",
        "sqlite://u:{}@127.0.0.1/db",
        "jdbc:postgresql://127.0.0.1/db?user=u&password={}",
    ],
)
def test_no_sentence_holds_a_piece_of_a_password(tmp_path: Path, form: str, caplog: pytest.LogCaptureFixture) -> None:
    """As it was typed, and percent-encoded as it should be: in what a start says, and in what it logs.

    All at once: each asks again for a second.
    """
    written = [spelled for password in PASSWORDS for spelled in dict.fromkeys((password, quote(password, safe="")))]
    starts: list[Settings] = []
    for number, spelled in enumerate(written):
        where = {"data_dir": tmp_path / f"{number}", "database_url": form.format(spelled)}
        starts.append(load_settings(None, where, {}, serving=False)[0])

    async def refusals() -> list[str]:
        return await asyncio.gather(*(refusal(settings) for settings in starts))

    for settings, told in zip(starts, asyncio.run(refusals()), strict=True):
        assert "database_url" in told
        said = f"{told} {settings!r} {caplog.text}"
        for piece in (
            *PASSWORDS,
            *(quote(password, safe="") for password in PASSWORDS),
            "s3cret",
            "cret",
            "pgse",
            "süß",
        ):
            assert piece not in said, said


def test_password_is_not_shown_by_the_program_either(cli: Cli, config: Path, tmp_path: Path) -> None:
    for url in ("postgresql://u:pgse cret@h/db", "host=127.0.0.1 port=1 user=u password=pgse-cret"):
        assert "cret" not in refused(cli, config, tmp_path / "data", "--database-url", url)


# ── an object store ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_store_that_cannot_be_listed_is_named_with_the_reason(
    cli: Cli, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with s3_endpoint(monkeypatch) as s3:
        there = {name: os.environ[name] for name in os.environ if name.startswith("AWS_")}
        cli.environ |= there
        said = refused(cli, config, tmp_path / "data", "--blob-store", "s3://elsewhere/p")
        assert "blob_store: s3://elsewhere/p cannot be used: there is no such bucket" in said
        cli.environ["AWS_ACCESS_KEY_ID"] = "wrong"
        said = refused(cli, config, tmp_path / "data", "--blob-store", "s3://bucket/p")
        assert "s3://bucket/p cannot be used: it does not allow this with these credentials" in said
        cli.environ |= there
        s3.failures += [503] * 1000
    cli.environ["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{free_port()}"
    said = refused(cli, config, tmp_path / "data", "--blob-store", "s3://bucket/p?secret=s3cret")
    assert "s3://bucket/p cannot be used" in said and "s3cret" not in said and "Debug" not in said
