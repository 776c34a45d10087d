"""An operator's mistakes, one by one: refused in a sentence or served right, and no acknowledged byte is deleted.

The rows of docs/operations.md. Times are passed by making all that a catalogue notes so much older; clocks are moved in
gateways of this process.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from typing import Any

import openai
import psycopg
import pytest

from aging import let_pass
from drill import Ledger, Site, copied, gateway_at, in_catalogue, status_of, swept
from gateways import client_for
from s3_server import S3Server

HOUR, DAY = 3600.0, 86_400.0
MIB = 1 << 20


# ── clocks ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class Session:
    """A native upload, chunk by chunk, by plain HTTP."""

    def __init__(self, url: str, size: int) -> None:
        self.base = url
        headers = {
            "X-Goog-Upload-Protocol": "resumable",
            "X-Goog-Upload-Command": "start",
            "X-Goog-Upload-Header-Content-Length": str(size),
            "X-Goog-Upload-Header-Content-Type": "video/mp4",
            "x-goog-api-key": "sk-ann",
        }
        answer = self._send(f"{url}/upload/v1beta/files", headers, b"{}")
        self.url = answer.headers["X-Goog-Upload-URL"]

    def chunk(self, offset: int, body: bytes, *, last: bool = False) -> Any:
        command = "upload, finalize" if last else "upload"
        headers = {"X-Goog-Upload-Command": command, "X-Goog-Upload-Offset": str(offset)}
        return self._send(self.url, headers, body)

    @staticmethod
    def _send(url: str, headers: dict[str, str], body: bytes) -> Any:
        request = urllib.request.Request(url, data=body, headers=headers, method="POST")
        with urllib.request.urlopen(request, timeout=60) as answer:
            answer.text = answer.read().decode()
            return answer


@pytest.mark.parametrize("days", [3, -3])
def test_a_node_whose_clock_differs_takes_nothing_of_what_others_store(site: Site, days: int) -> None:
    """R2, at every door: an upload in parts, a native session, and one file that is still arriving."""
    content = bytes(range(256)) * 80_000
    half = len(content) // 2
    parted, chunked = content[1:] + b"p", content[1:] + b"c"
    with gateway_at(site) as (url, _), client_for(url) as client:
        upload = client.uploads.create(filename="a", purpose="batch", bytes=len(content), mime_type="video/mp4")
        first = client.uploads.parts.create(upload.id, data=parted[:half])
        session = Session(url, len(content))
        session.chunk(0, chunked[:half])
        pace = Pace(content, url, days, site)
        made = pace.send()
        # Another node swept meanwhile, several times, at its own time.
        second = client.uploads.parts.create(upload.id, data=parted[half:])
        done = client.uploads.complete(upload.id, part_ids=[first.id, second.id])
        native = json.loads(session.chunk(half, chunked[half:], last=True).text)["file"]["name"]
        assert done.file is not None
        with gateway_at(site, days * DAY):
            swept(site)
        stored = {made: content, done.file.id: parted, native.replace("files/", "file-"): chunked}
        for file_id, expected in stored.items():
            assert client.files.content(file_id).read() == expected


class Pace:
    """A body whose second half waits until another node, with another clock, has swept."""

    def __init__(self, content: bytes, url: str, days: int, site: Site) -> None:
        self.content, self.url, self.days, self.site = content, url, days, site

    def _pieces(self) -> Iterator[bytes]:
        half = len(self.content) // 2
        head = b'--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nuser_data\r\n'
        head += b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.mp4"\r\n\r\n'
        yield head + self.content[:half]
        with gateway_at(self.site, self.days * DAY):
            swept(self.site)
        yield self.content[half:] + b"\r\n--b--\r\n"

    def send(self) -> str:
        headers = {"Authorization": "Bearer sk-ann", "Content-Type": "multipart/form-data; boundary=b"}
        request = urllib.request.Request(f"{self.url}/v1/files", data=self._pieces(), headers=headers, method="POST")
        request.add_header("Transfer-Encoding", "chunked")
        with urllib.request.urlopen(request, timeout=120) as answer:
            return str(json.load(answer)["id"])


@pytest.mark.parametrize("days", [3, -3])
def test_a_clock_that_jumps_in_the_middle_of_uploads_loses_nothing(site: Site, days: int) -> None:
    content = b"0123456789" * 100
    ledger = Ledger()
    with gateway_at(site) as (url, clock), client_for(url) as client:
        ledger.upload(url, 3)
        gone = ledger.upload(url)[0]
        dated = client.files.create(
            file=("dated", content), purpose="user_data", expires_after={"anchor": "created_at", "seconds": 3600}
        )
        parted, native = content[::-1], content.swapcase() + b"n"
        upload = client.uploads.create(filename="a", purpose="batch", bytes=len(parted), mime_type="video/mp4")
        first = client.uploads.parts.create(upload.id, data=parted[:500])
        session = Session(url, len(native))
        session.chunk(0, native[:500])
        ledger.delete(url, gone)
        before = site.objects()
        clock.advance(days * DAY)
        swept(site, 5)
        assert site.objects() == before
        second = client.uploads.parts.create(upload.id, data=parted[500:])
        done = client.uploads.complete(upload.id, part_ids=[first.id, second.id])
        session.chunk(500, native[500:], last=True)
        assert done.file is not None
        ledger.check(url)
        clock.advance(-days * DAY)
        # What was hidden by its time is there again.
        assert client.files.content(dated.id).read() == content
        assert client.files.content(done.file.id).read() == parted
    # And a start with another clock.
    with gateway_at(site, days * DAY) as (url, _):
        swept(site, 5)
    with gateway_at(site) as (url, _), client_for(url) as client:
        ledger.check(url)
        assert client.files.content(dated.id).read() == content
        assert before <= site.objects()


def test_a_file_ends_when_its_time_has_passed(site: Site) -> None:
    """The other side: it does end, and its bytes go after the grace."""
    with gateway_at(site) as (url, _), client_for(url) as client:
        file = client.files.create(
            file=("a", b"abc"), purpose="user_data", expires_after={"anchor": "created_at", "seconds": 3600}
        )
        let_pass(site.url, HOUR + 1)
        assert status_of(lambda: client.files.retrieve(file.id)) == 404
        swept(site)
        assert len(site.objects()) == 1
        let_pass(site.url, DAY + 1)
        swept(site)
        assert site.objects() == set()


# ── restored, copied, lost ─────────────────────────────────────────────────────────────────────────────────────────


def test_an_old_backup_that_is_restored_keeps_what_came_since(site: Site, other_catalogue: Callable[[], str]) -> None:
    ledger = Ledger()
    with site.gateway() as gateway:
        ledger.upload(gateway.url, 4)
        swept(site)
    old = copied(site, other_catalogue())
    since = Ledger(seed=100)
    with site.gateway() as gateway:
        since.upload(gateway.url, 12)
        swept(site)
    everything = site.objects()
    assert len(everything) == 16
    # Long after the backup; the notes that it holds are as old.
    let_pass(old.url, 10 * DAY)
    with old.gateway() as gateway:
        ledger.check(gateway.url)
        swept(site)
        assert "restored from a backup" in gateway.log.read_text()
        assert site.objects() == everything
        let_pass(old.url, DAY / 2)
        swept(site)
        assert site.objects() == everything
        # After the grace they are still more than a small part.
        let_pass(old.url, DAY)
        swept(site)
        assert site.objects() == everything
        assert "sweep --all" in gateway.log.read_text()
    # The right catalogue again: nothing was lost.
    with site.gateway() as gateway:
        ledger.check(gateway.url)
        since.check(gateway.url)


def test_a_copy_of_a_catalogue_beside_the_original_deletes_nothing(
    site: Site, other_catalogue: Callable[[], str]
) -> None:
    """Staging, made of production's catalogue, with production's bucket."""
    ledger = Ledger()
    with site.gateway() as gateway:
        ledger.upload(gateway.url, 4)
        swept(site)
    staging = copied(site, other_catalogue())
    with site.gateway() as production, staging.gateway() as copy:
        since = ledger.upload(production.url, 3)
        swept(site)
        with client_for(copy.url) as client:
            for file_id in set(ledger.files) - set(since):
                client.files.delete(file_id)
        for _ in range(3):
            # Not that both sweep: that goes on as it does.
            let_pass(staging.url, 2 * DAY, without="store")
            let_pass(site.url, 2 * DAY, without="store")
            swept(site, 6)
        ledger.check(production.url)
        assert "another catalogue has swept" in copy.log.read_text() + production.log.read_text()
        assert "left to the sweep" in staging.admin("erase", "ann", "--yes", code=1).stderr
        ledger.check(production.url)


def test_a_catalogue_that_was_removed_is_not_begun_anew(site: Site) -> None:
    with site.gateway() as gateway:
        Ledger().upload(gateway.url, 2)
    if site.url.startswith("sqlite"):
        for path in site.data_dir.glob("catalog.db*"):
            path.unlink()
    else:
        with psycopg.connect(site.url, autocommit=True) as connection:
            connection.execute("DROP SCHEMA liftgate CASCADE")
    before = site.objects()
    assert "`liftgate admin adopt`" in site.refused()
    assert site.objects() == before


def test_an_older_version_is_refused(site: Site) -> None:
    ledger = Ledger()
    with site.gateway() as gateway:
        ledger.upload(gateway.url, 2)
    in_catalogue(site.url, "INSERT INTO schema_version (version) VALUES (9999)")
    assert "newer Liftgate" in site.refused()
    if site.url.startswith("sqlite"):
        with closing(sqlite3.connect(site.url.removeprefix("sqlite://"))) as raw, raw:
            raw.execute("DELETE FROM schema_version WHERE version = 9999")
    else:
        with psycopg.connect(site.url, autocommit=True) as connection:
            connection.execute("DELETE FROM liftgate.schema_version WHERE version = 9999")
    with site.gateway() as gateway:
        ledger.check(gateway.url)


@pytest.mark.parametrize("kind", ["sqlite-local", "postgres-local"])
@pytest.mark.parametrize("harm", ["moved", "removed"])
def test_a_data_directory_that_is_moved_under_a_gateway(site: Site, harm: str) -> None:
    ledger, elsewhere = Ledger(), site.directory / "elsewhere"
    with site.gateway() as gateway:
        ledger.upload(gateway.url, 3)
        site.data_dir.rename(elsewhere)
        with client_for(gateway.url) as client:
            for _ in range(3):
                assert status_of(lambda: client.files.create(file=("a", b"x"), purpose="batch")) in (500, 503)
            if harm == "moved":
                # Somebody makes an empty one in its place.
                (site.data_dir / "spool").mkdir(parents=True)
                (site.data_dir / "blobs").mkdir()
                assert status_of(lambda: client.files.create(file=("a", b"x"), purpose="batch")) == 503
        assert not list(site.data_dir.rglob("blob-*"))
    shutil.rmtree(site.data_dir, ignore_errors=True)
    elsewhere.rename(site.data_dir)
    with site.gateway() as gateway:
        ledger.check(gateway.url)
        ledger.upload(gateway.url)


# ── settings and sweeps ────────────────────────────────────────────────────────────────────────────────────────────


def test_of_two_graces_the_longer_holds(site: Site) -> None:
    ledger = Ledger()
    with site.gateway(orphan_grace_seconds=DAY) as long, site.gateway(orphan_grace_seconds=HOUR) as short:
        for file_id in ledger.upload(short.url, 3):
            ledger.delete(long.url, file_id)
        let_pass(site.url, 2 * HOUR)
        swept(site, 6)
        assert len(site.objects()) == 3


def test_so_large_a_part_is_never_deleted_by_itself(site: Site) -> None:
    ledger = Ledger()
    with site.gateway() as gateway:
        ledger.upload(gateway.url, 30, size=300)
        lost = list(ledger.files)[:11]
        marks = ",".join(f"'{file_id}'" for file_id in lost)
        # As if a part of the catalogue were lost.
        blobs = f"(SELECT blob_id FROM files WHERE id IN ({marks}))"
        in_catalogue(site.url, f"UPDATE blobs SET owner = 'lost' WHERE id IN {blobs}")
        in_catalogue(site.url, f"DELETE FROM files WHERE id IN ({marks})")
        in_catalogue(site.url, "DELETE FROM blobs WHERE owner = 'lost'")
        let_pass(site.url, 2 * DAY)
        swept(site)
        assert len(site.objects()) == 30
        let_pass(site.url, 2 * DAY)
        swept(site)
        assert len(site.objects()) == 30
        assert "11 of the 30 objects" in gateway.log.read_text()
    answer = site.admin("sweep").stdout
    assert "--all" in answer and len(site.objects()) == 30
    assert site.admin_json("sweep", "--all")["objects"] == 11
    assert len(site.objects()) == 19
    for file_id in lost:
        del ledger.files[file_id]
    with site.gateway() as gateway:
        ledger.check(gateway.url)


def test_a_sweep_without_grace_beside_uploads_breaks_no_promise(site: Site) -> None:
    """It may end an upload; what was acknowledged is there."""
    ledger = Ledger()
    with site.gateway() as gateway, client_for(gateway.url) as client:
        for number in range(4):
            made: list[tuple[str, bytes]] = []
            for part in range(15):
                content = hashlib.sha256(b"%d %d" % (number, part)).digest() * 3000
                try:
                    file = client.files.create(file=("a.mp4", content), purpose="user_data")
                except openai.InternalServerError as refused:
                    assert refused.status_code == 503
                    continue
                made.append((file.id, content))
            ledger.files.update(made)
            site.admin("sweep", "--grace", "0", "--all", "--yes")
        ledger.check(gateway.url)
        assert "0 damaged or missing" in site.admin("check", "--full").stdout


def test_a_full_disk_serves_and_deletes_nothing(site: Site) -> None:
    """Uploads in progress lie on it with any store; the catalogue and the bytes may lie elsewhere."""
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    site.data_dir.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(site.data_dir)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        ledger = Ledger()
        with gateway_at(site) as (url, _):
            ledger.upload(url, 4, size=2 * MIB)
            with client_for(url) as client:
                upload = client.uploads.create(filename="a", purpose="batch", bytes=MIB, mime_type="text/plain")
            filler = site.data_dir / "filler"
            with filler.open("wb", buffering=0) as out:
                try:
                    while True:
                        out.write(bytes(64 * 1024))
                except OSError:
                    pass
            with client_for(url) as client:
                assert status_of(lambda: client.files.create(file=("a", bytes(MIB)), purpose="batch")) in (503, 507)
                assert status_of(lambda: client.uploads.parts.create(upload.id, data=bytes(MIB))) in (503, 507)
                gone, _ = ledger.files.popitem()
                assert client.files.delete(gone).deleted
            ledger.check(url)
        before = site.objects()
        with gateway_at(site) as (url, _):
            ledger.check(url)
        assert site.objects() == before
        filler.unlink()
        with gateway_at(site) as (url, _):
            ledger.check(url)
            ledger.upload(url)
    finally:
        subprocess.run(["umount", "-l", str(site.data_dir)], check=True)


def test_files_whose_bytes_were_removed_are_mended_by_uploading_them_again(site: Site, request: Any) -> None:
    ledger = Ledger()
    with site.gateway() as gateway:
        ledger.upload(gateway.url, 6)
        lost = sorted(site.objects())[::2]
        if site.blob_store == "local":
            for key in lost:
                [place] = (site.data_dir / "blobs").glob(f"*/{key}")
                place.unlink()
        else:
            server: S3Server = request.getfixturevalue("s3")
            for name in [name for name in server.objects if any(key in name for key in lost)]:
                del server.objects[name]
        with client_for(gateway.url, "sk-ann") as client:
            assert [status_of(partial(client.files.content, file)) for file in ledger.files].count(500) == 3
            # At both doors: whole, and in parts.
            for number, (name, content) in enumerate(list(ledger.files.items())):
                if number % 2:
                    again = client.files.create(file=("again.mp4", content, "video/mp4"), purpose="user_data")
                else:
                    upload = client.uploads.create(
                        filename="again.mp4", bytes=len(content), mime_type="video/mp4", purpose="user_data"
                    )
                    parts = [
                        client.uploads.parts.create(upload.id, data=piece).id
                        for piece in (content[:1000], content[1000:])
                    ]
                    done = client.uploads.complete(upload.id, part_ids=parts)
                    assert done.file is not None
                    again = done.file
                ledger.files[again.id] = content
                assert name != again.id
        ledger.check(gateway.url)
    site.admin("check", "--full")
    site.admin("sweep", "--grace", "0", "--all", "--yes")
    with site.gateway() as gateway:
        ledger.check(gateway.url)
