"""What an operator does to a gateway that runs: refused at once or served right, and what was acknowledged is there."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import openai
import psycopg
import pytest

from aging import let_pass
from drill import Ledger, Site, eventually, gateway_at, in_catalogue, s3_url, status_of, swept
from gateways import client_for
from processes import GatewayProcess
from s3_server import S3Server

DAY = 86_400.0


def ready(url: str) -> int:
    try:
        with urllib.request.urlopen(f"{url}/health/readiness", timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code


def upload(url: str) -> int:
    with client_for(url) as client:
        return status_of(lambda: client.files.create(file=("a", b"x"), purpose="batch"))


@pytest.mark.parametrize("kind", ["sqlite-local", "sqlite-s3"])
@pytest.mark.parametrize("way", ["cp", "in place", "cut"])
def test_a_copy_put_over_a_running_catalogue(site: Site, way: str, tmp_path: Path) -> None:
    """No upload is acknowledged that the copy does not know; a restore of the backup then serves."""
    ledger, backup, path = Ledger(), tmp_path / "backup", site.data_dir / "catalog.db"
    with site.gateway(sweep_seconds=600) as gateway:
        ledger.upload(gateway.url, 4)
        site.admin("backup", backup)
        old = tmp_path / "old.db"
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(old)) as target:
            source.backup(target)
        Ledger(seed=100).upload(gateway.url, 4)
        if way == "cp":
            shutil.copyfile(old, path)
        elif way == "in place":
            with path.open("r+b") as out:
                out.write(old.read_bytes())
                out.truncate()
        else:
            os.truncate(path, 0)
        left = path.read_bytes()
        for _ in range(5):
            assert upload(gateway.url) == 503
        assert ready(gateway.url) == 503
        said = gateway.log.read_text()
        assert "another program wrote into it" in said
        assert "`liftgate admin restore DIR --replace`" in said
    assert path.read_bytes() == left
    if site.blob_store == "local":
        site.admin("restore", backup, "--replace")
        with site.gateway() as gateway:
            ledger.check(gateway.url)


def erase_schema(site: Site, harm: str) -> None:
    if site.url.startswith("sqlite"):
        with closing(sqlite3.connect(site.data_dir / "catalog.db", isolation_level=None)) as raw:
            raw.execute("PRAGMA foreign_keys = OFF")
            tables = [row[0] for row in raw.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            for table in tables if harm == "all" else [harm]:
                if not table.startswith("sqlite_"):
                    raw.execute(f'DROP TABLE "{table}"')
        return
    with psycopg.connect(site.url, autocommit=True) as connection:
        sql = "DROP SCHEMA liftgate CASCADE" if harm == "all" else f"DROP TABLE liftgate.{harm} CASCADE"
        connection.execute(sql.encode())


@pytest.mark.parametrize("harm", ["all", "blobs", "store"])
def test_a_schema_that_is_erased(site: Site, harm: str) -> None:
    with site.gateway() as gateway:
        Ledger().upload(gateway.url, 4)
        before = site.objects()
        erase_schema(site, harm)
        assert ready(gateway.url) == 503
        assert upload(gateway.url) == 503
    said = site.refused()
    assert "do not belong together" in said or "is damaged" in said
    assert before <= site.objects()


@pytest.fixture
def emptied(site: Site, request: pytest.FixtureRequest) -> Callable[[], None]:
    """All of the store is gone: a bucket emptied, a directory removed."""

    def work() -> None:
        if site.blob_store == "local":
            # At once: a sweep may write there while it is removed.
            (site.data_dir / "blobs").rename(site.directory / "gone")
            shutil.rmtree(site.directory / "gone")
        else:
            server: S3Server = request.getfixturevalue("s3")
            server.objects.clear()

    return work


def test_a_store_that_is_emptied(site: Site, emptied: Callable[[], None]) -> None:
    """What was there is lost by the operator's hand; what is acknowledged afterwards is not."""
    ledger = Ledger()
    with site.gateway() as gateway:
        ids = Ledger(seed=100).upload(gateway.url, 3)
        emptied()
        for _ in range(3):
            with client_for(gateway.url) as client:
                try:
                    made = client.files.create(file=("a", b"kept"), purpose="batch")
                except openai.InternalServerError as refused:
                    assert refused.status_code == 503
                else:
                    ledger.files[made.id] = b"kept"
        with client_for(gateway.url) as client:
            assert status_of(lambda: client.files.content(ids[0])) in (500, 503)
    assert "do not belong together" in site.refused()
    site.admin("adopt", "--yes")
    with site.gateway() as gateway:
        let_pass(site.url, 2 * DAY)
        swept(site, 4)
        ledger.check(gateway.url)


@pytest.mark.parametrize("kind", ["sqlite-s3", "postgres-s3"])
def test_a_bucket_that_is_renamed_or_whose_key_is_rotated_is_an_outage(site: Site, s3: S3Server) -> None:
    ledger = Ledger()
    with site.gateway() as gateway:
        [file] = ledger.upload(gateway.url)
        for name, other in (("bucket", "elsewhere"), ("key", "rotated")):
            right = getattr(s3, name)
            setattr(s3, name, other)
            with client_for(gateway.url).with_options(max_retries=0) as client:
                assert status_of(partial(client.files.content, file)) == 503
            assert upload(gateway.url) == 503
            setattr(s3, name, right)
            assert eventually(lambda: upload(gateway.url) == 200)
            ledger.check(gateway.url)
        assert "Traceback" not in gateway.log.read_text()


@contextmanager
def read_only(directory: Path) -> Iterator[None]:
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    if subprocess.run(["mount", "--bind", directory, directory], capture_output=True, check=False).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", directory], check=True)
        yield
    finally:
        subprocess.run(["umount", "-l", directory], check=True)


@pytest.mark.parametrize("kind", ["sqlite-local", "postgres-local"])
@pytest.mark.parametrize("place", ["blobs", "spool"])
def test_a_disk_that_becomes_read_only(site: Site, place: str) -> None:
    ledger = Ledger()
    with site.gateway() as gateway:
        ledger.upload(gateway.url, 3)
        with read_only(site.data_dir / place):
            assert upload(gateway.url) == 503
            assert ready(gateway.url) == 503
            ledger.check(gateway.url)
        ledger.upload(gateway.url)
        assert ready(gateway.url) == 200
    with read_only(site.data_dir / place):
        assert f"{site.data_dir / place} cannot be written" in site.refused()
    with site.gateway() as gateway:
        ledger.check(gateway.url)


def test_nodes_whose_settings_differ(site: Site) -> None:
    """What one has acknowledged, the other serves and sweeps as the one would."""
    ledger = Ledger()
    with (
        site.gateway(orphan_grace_seconds=30 * DAY, lease_seconds=60) as large,
        site.gateway(
            max_file_bytes=1000,
            max_pending_uploads=1,
            orphan_grace_seconds=3600,
            lease_seconds=10,
            lease_renew_seconds=2,
        ) as small,
    ):
        ledger.upload(large.url, 3, size=5000)
        with client_for(large.url) as client:
            uploads = [
                client.uploads.create(filename="a", purpose="batch", bytes=3000, mime_type="video/mp4")
                for _ in range(3)
            ]
        with client_for(small.url) as client:
            for number, one in enumerate(uploads):
                content = b"%d" % number * 3000
                part = client.uploads.parts.create(one.id, data=content[:900])
                rest = [client.uploads.parts.create(one.id, data=content[at : at + 900]) for at in (900, 1800, 2700)]
                done = client.uploads.complete(one.id, part_ids=[part.id, *(each.id for each in rest)])
                assert done.file is not None
                ledger.files[done.file.id] = content
            assert status_of(lambda: client.files.create(file=("a", bytes(2000)), purpose="batch")) == 413
        ledger.check(small.url)
        gone = ledger.upload(large.url)[0]
        ledger.delete(small.url, gone)
        count = len(site.objects())
        let_pass(site.url, 2 * DAY)
        swept(site, 6)
        assert len(site.objects()) == count
        ledger.check(large.url)


@pytest.mark.parametrize("days", [3, -3])
def test_all_nodes_with_a_wrong_clock(site: Site, days: int) -> None:
    """Both started with it, then both with the right one."""
    ledger = Ledger()
    with gateway_at(site) as (url, _), client_for(url) as client:
        ledger.upload(url, 3)
        pending = client.uploads.create(filename="a", purpose="batch", bytes=6, mime_type="video/mp4")
        parts = [client.uploads.parts.create(pending.id, data=b"abc").id]
        dated = client.files.create(
            file=("dated", b"dated"), purpose="user_data", expires_after={"anchor": "created_at", "seconds": 3600}
        )
    before = site.objects()
    with gateway_at(site, days * DAY) as (url, _), gateway_at(site, days * DAY) as (other, _):
        swept(site, 6)
        ledger.check(other)
        ledger.upload(url, 2)
        with client_for(other) as client:
            parts.append(client.uploads.parts.create(pending.id, data=b"def").id)
    with gateway_at(site) as (url, _), gateway_at(site) as (other, _):
        swept(site, 6)
        assert before <= site.objects()
        with client_for(other) as client:
            done = client.uploads.complete(pending.id, part_ids=parts)
            assert done.file is not None
            ledger.files |= {done.file.id: b"abcdef", dated.id: b"dated"}
        ledger.check(url)


def test_an_older_backup_restored_beside_its_store(site: Site, tmp_path: Path) -> None:
    """By the command, with --replace where that is possible: what came since is set aside or left."""
    ledger, since = Ledger(), Ledger(seed=100)
    with site.gateway() as gateway:
        ledger.upload(gateway.url, 4)
        site.admin("backup", tmp_path / "backup")
        since.upload(gateway.url, 4)
    before = site.objects()
    if site.blob_store == "local":
        said = site.admin_json("restore", tmp_path / "backup", "--replace")
        assert any("4 objects" in name for name in said["set_aside"])
        aside = [path.name for path in site.data_dir.glob("blobs.before-*/*/*")]
        assert set(aside) | site.objects() == before
        with site.gateway() as gateway:
            let_pass(site.url, 2 * DAY)
            swept(site, 4)
            ledger.check(gateway.url)
    else:
        assert (
            "holds objects that are not of this backup"
            in site.admin("restore", tmp_path / "backup", "--replace", code=2).stderr
        )
        with site.gateway() as gateway:
            ledger.check(gateway.url)
            since.check(gateway.url)
    assert in_catalogue(site.url, "SELECT count(*) FROM files")[0][0] in (4, 8)


def test_a_pair_that_was_restored_into_empty_places_is_its_own(site: Site, tmp_path: Path) -> None:
    """Nobody else can ever have used that store, so what is erased is gone at once."""
    ledger = Ledger()
    with site.gateway() as gateway:
        ledger.upload(gateway.url, 3)
    site.admin("backup", tmp_path / "backup")
    new = Site(tmp_path / "new", "", "local" if site.blob_store == "local" else s3_url("new"))
    new.admin("restore", tmp_path / "backup")
    assert new.admin_json("sweep")["alone"] is True
    assert new.admin_json("erase", "ann", "--yes")["blobs"] == 3
    assert new.objects() == set()
    with site.gateway() as gateway:
        ledger.check(gateway.url)


def test_a_pair_that_was_joined_a_moment_ago_says_so(site: Site, other_catalogue: Callable[[], str]) -> None:
    with site.gateway() as gateway:
        Ledger().upload(gateway.url, 3)
    new = replace(site, database_url=other_catalogue())
    new.refused()
    new.admin("adopt", "--yes")
    said = new.admin("sweep", "--grace", "0", "--yes").stdout
    assert "joined less than a grace" in said
    assert len(site.objects()) == 3


def workers_of(gateway: GatewayProcess) -> list[int]:
    pid = gateway.process.pid
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_no_worker_begins_anew_without_the_data_directory(site: Site) -> None:
    """A disk that is not mounted while a worker ends: it would take files into a catalogue that nobody looks at.

    Nothing is at its place, or the empty directory on which it is mounted otherwise."""
    ledger, away = Ledger(), site.directory / "away"
    with site.gateway("--num-workers", "2") as gateway:
        ledger.upload(gateway.url, 3)
        for times, is_empty in enumerate((False, True), 1):
            site.data_dir.rename(away)
            if is_empty:
                site.data_dir.mkdir()
            for worker in workers_of(gateway):
                os.kill(worker, signal.SIGKILL)
            assert eventually(lambda: told_moved(site, away / gateway.log.name) == times)  # noqa: B023
            assert eventually(lambda: not workers_of(gateway))
            assert site.data_dir.exists() == is_empty and not list(site.data_dir.glob("*"))
            with client_for(gateway.url) as client, pytest.raises(openai.APIConnectionError):
                client.files.list()
            if is_empty:
                site.data_dir.rmdir()
            away.rename(site.data_dir)
            assert eventually(lambda: len(workers_of(gateway)) == 2 and answers(gateway.url))
            ledger.check(gateway.url)
            ledger.upload(gateway.url)
            assert told_moved(site, gateway.log) == times


def told_moved(site: Site, log: Path) -> int:
    return log.read_text().count(f"{site.data_dir} was moved or removed")


def answers(url: str) -> bool:
    try:
        return ready(url) == 200
    except OSError:
        return False
