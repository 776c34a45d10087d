"""`liftgate admin backup` and `restore`: from each kind of catalogue and store to each, cut at any time."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random  # noqa: TID251 - seeded, for reproducible data
from typing import Any

import openai
import pytest

from gateways import MODEL, SandboxServer, ask, client_for, gateway_server, sandbox_server
from liftgate.settings import load_settings
from postgres_cluster import PostgresCluster
from processes import GatewayProcess, write_config
from s3_server import S3Server, s3_endpoint
from terminal import Cli


@dataclass
class Site:
    """A catalogue and a store: `flags` name them for a gateway and for `liftgate admin` alike."""

    cli: Cli
    config: Path
    data: Path
    flags: dict[str, str] = field(default_factory=dict)

    def where(self) -> list[object]:
        flags = [word for name, value in self.flags.items() for word in (f"--{name.replace('_', '-')}", value)]
        return ["--config", self.config, "--data-dir", self.data, *flags]

    def admin(self, *arguments: object, code: int | None = 0) -> subprocess.CompletedProcess[bytes]:
        return self.cli.run("admin", *arguments, *self.where(), code=code)

    def json(self, *arguments: object, code: int = 0) -> Any:
        return json.loads(self.admin(*arguments, "--json", code=code).stdout)

    @contextmanager
    def gateway(self) -> Iterator[str]:
        settings, _ = load_settings(self.config, {"data_dir": self.data, **self.flags}, {})
        with gateway_server(settings) as url:
            yield url


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    with sandbox_server() as server:
        yield server


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    with s3_endpoint(monkeypatch) as server:
        yield server


@pytest.fixture
def make_site(tmp_path: Path, sandbox: SandboxServer, s3: S3Server, postgres_cluster: PostgresCluster) -> Iterator[Any]:
    config = write_config(tmp_path / "config.yaml", sandbox.url, sweep_seconds=600, purge_seconds=600)
    cli = Cli(tmp_path / "home")
    cli.environ |= {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    databases: list[str] = []

    def make(name: str, kind: str) -> Site:
        site = Site(cli, config, tmp_path / name)
        if kind == "several":
            databases.append(postgres_cluster.create_database())
            site.flags = {"database_url": databases[-1], "blob_store": f"s3://bucket/{name}"}
        return site

    yield make
    for url in databases:
        postgres_cluster.drop_database(url)


LARGE = Random(7).randbytes(9 * 1024 * 1024 + 5)
"""More than one segment of an object store."""
SMALL = LARGE[:200_000]
ASKED = "".join(f"{number:07d} " for number in range(50_000))
"""More than a row of the catalogue holds."""


@dataclass
class Stored:
    """What clients were told: (owner's key, file id) → its bytes; an upload that is not finished; a long response."""

    files: dict[tuple[str, str], bytes]
    upload: str
    first_part: str
    response: str


def fill(url: str, large: bytes = SMALL) -> Stored:
    files: dict[tuple[str, str], bytes] = {}
    with client_for(url, "sk-ann") as ann, client_for(url, "sk-bob") as bob:
        for key, client, name, content in (
            ("sk-ann", ann, "notes.txt", b"hers"),
            ("sk-ann", ann, "again.txt", b"hers"),
            ("sk-ann", ann, "large.bin", large),
            ("sk-bob", bob, "süß \U0001f600.txt", b"his"),
        ):
            made = client.files.create(file=(name, content), purpose="user_data")
            files[key, made.id] = content
        gone = ann.files.create(file=("gone.txt", b"deleted before the backup"), purpose="user_data")
        ann.files.delete(gone.id)
        upload = ann.uploads.create(filename="p.txt", purpose="user_data", bytes=8, mime_type="text/plain")
        parts = [ann.uploads.parts.create(upload.id, data=piece).id for piece in (b"part", b"tial")]
        done = ann.uploads.complete(upload.id, part_ids=parts)
        assert done.file is not None
        files["sk-ann", done.file.id] = b"partial"[:4] + b"tial"
        waiting = ann.uploads.create(filename="u.txt", purpose="user_data", bytes=6, mime_type="text/plain")
        part = ann.uploads.parts.create(waiting.id, data=b"abc").id
        response = ann.responses.create(model=MODEL, input=ASKED).id
    return Stored(files, waiting.id, part, response)


def assert_there(url: str, stored: Stored) -> None:
    for key in ("sk-bob", "sk-ann"):
        with client_for(url, key) as client:
            theirs = {file_id: content for (owner, file_id), content in stored.files.items() if owner == key}
            for file_id, content in theirs.items():
                assert client.files.content(file_id).read() == content
            assert {file.id for file in client.files.list()} == {*theirs}
            if key == "sk-ann":
                [item] = client.responses.input_items.list(stored.response).model_dump()["data"]
                assert item["content"][0]["text"] == ASKED


@dataclass(frozen=True)
class Kept:
    """The directory of a gateway that is stopped, with what `fill` stored there, and a backup of it. To be copied."""

    place: Path
    stored: Stored

    def data(self, site: Site) -> Stored:
        """It is this site's directory too."""
        shutil.copytree(self.place / "data", site.data)
        return self.stored

    def backup(self, path: Path) -> Stored:
        shutil.copytree(self.place / "backup", path)
        return self.stored


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """`one`, made once for all tests that look at what comes after."""
    place = tmp_path_factory.mktemp("kept")
    with sandbox_server() as sandbox:
        config = write_config(place / "config.yaml", sandbox.url, sweep_seconds=600, purge_seconds=600)
        site = Site(Cli(place / "home"), config, place / "data")
        with site.gateway() as url:
            stored = fill(url)
        assert site.json("backup", place / "backup")["copied"] == 5
    return Kept(place, stored)


@pytest.mark.parametrize(
    ("origin", "to"),
    [
        *(("one", "several"), ("several", "one")),
        *(pytest.param(kind, kind, marks=pytest.mark.full) for kind in ("one", "several")),
    ],
)
def test_all_of_it_arrives_whole_whatever_the_kinds(
    make_site: Any, tmp_path: Path, sandbox: SandboxServer, origin: str, to: str
) -> None:
    """`one`: SQLite and a directory; `several`: PostgreSQL and S3."""
    here, there, backup = make_site("here", origin), make_site("there", to), tmp_path / "backup"
    with here.gateway() as url:
        stored = fill(url, LARGE)
        with client_for(url, "sk-bob") as bob:
            [(_, his)] = [names for names in stored.files if names[0] == "sk-bob"]
            ask(bob, his)
        made = here.json("backup", backup)
        assert (made["files"], made["blobs"], made["missing"], made["damaged"]) == (5, 5, [], [])
    held = b"".join(path.read_bytes() for path in backup.rglob("*") if path.is_file())
    assert b"deleted before the backup" not in held
    assert not any(secret in held for secret in (b"sk-ann", b"sk-bob", b"sk-master", b"key-a", b"test-secret"))
    assert {path.stat().st_mode & 0o077 for path in backup.rglob("*") if path.is_file()} == {0}
    assert backup.stat().st_mode & 0o077 == 0

    done = there.json("restore", backup)
    assert (done["files"], done["copied"], done["kept"], done["already"]) == (5, 5, 0, False)
    with here.gateway() as source, there.gateway() as clone:
        assert_there(clone, stored)
        assert there.admin("check", "--full").stdout.startswith(b"4 blobs checked (every byte read): 0 damaged")
        with client_for(clone, "sk-ann") as ann:
            # The unfinished upload goes on where it was.
            last = ann.uploads.parts.create(stored.upload, data=b"def").id
            file = ann.uploads.complete(stored.upload, part_ids=[stored.first_part, last]).file
            assert file is not None and ann.files.content(file.id).read() == b"abcdef"
        # The copy at Google stays its maker's: what the clone does with the file touches it not.
        before = {entry["name"] for entry in sandbox.control("files")["files"]}
        with client_for(clone, "sk-bob") as bob:
            assert "his" in ask(bob, his)
            bob.files.delete(his)
        there.admin("erase", "bob", "--yes", code=None)
        assert before <= {entry["name"] for entry in sandbox.control("files")["files"]}
        with client_for(source, "sk-bob") as bob:
            assert "his" in ask(bob, his)
        assert_there(source, stored)


def test_nothing_is_restored_over_what_is_there(make_site: Any, tmp_path: Path, kept: Kept) -> None:
    there, backup = make_site("there", "one"), tmp_path / "backup"
    stored = kept.backup(backup)
    with there.gateway() as url:
        with client_for(url) as client:
            other = client.files.create(file=("o.txt", b"other"), purpose="user_data").id
        # Beside a running gateway not at all.
        assert b"is in use" in there.admin("restore", backup, code=2).stderr
        assert b"is in use" in there.admin("restore", backup, "--replace", code=2).stderr
    assert b"is not empty" in there.admin("restore", backup, code=2).stderr
    with there.gateway() as url, client_for(url) as client:
        assert client.files.content(other).read() == b"other"
    done = there.json("restore", backup, "--replace")
    assert len(done["set_aside"]) == 2
    with there.gateway() as url:
        assert_there(url, stored)
    # What was there before is there still, under another name.
    [aside] = there.data.glob("catalog.db.before-*")
    with closing(sqlite3.connect(f"file:{aside}?mode=ro", uri=True)) as old:
        assert old.execute("SELECT id FROM files").fetchall() == [(other,)]
    assert [path.read_bytes() for path in there.data.glob("blobs.before-*/*/*")] == [b"other"]


@pytest.mark.parametrize("kind", ["one", "several"])
def test_a_second_restore_says_what_was_deleted_since(make_site: Any, tmp_path: Path, kept: Kept, kind: str) -> None:
    there, backup = make_site("there", kind), tmp_path / "backup"
    stored = kept.backup(backup)
    there.admin("restore", backup)
    with there.gateway() as url, client_for(url, "sk-bob") as bob:
        [(_, his)] = [names for names in stored.files if names[0] == "sk-bob"]
        bob.files.delete(his)
    said = there.admin("restore", backup, code=2).stderr
    assert b"1 of its 5 files were deleted since" in said and b"--replace" in said
    # What a run that was given up has left does not stand in the way of the second one.
    (there.data / "restoring").write_text(json.loads((backup / "manifest.json").read_text())["id"])
    there.admin("restore", backup, "--replace", code=2)
    assert there.json("restore", backup, "--replace")["already"] is False
    with there.gateway() as url:
        assert_there(url, stored)


@pytest.mark.parametrize("spelling", ["itself", "inside", "link"])
def test_no_gateway_lives_in_a_backup(make_site: Any, tmp_path: Path, kept: Kept, spelling: str) -> None:
    there, backup = make_site("there", "one"), tmp_path / "backup"
    kept.backup(backup)
    (tmp_path / "link").symlink_to(backup)
    place = {"itself": backup, "inside": backup / "data", "link": tmp_path / "link"}[spelling]
    before = sorted(path.name for path in backup.rglob("*"))
    inside = replace(there, data=place)
    assert b"the backup's own directory" in inside.admin("restore", backup, code=2).stderr
    assert b"the backup's own directory" in inside.admin("restore", backup, "--replace", code=2).stderr
    assert sorted(path.name for path in backup.rglob("*")) == before


def test_a_gateway_that_was_begun_in_a_backup_by_hand_loses_nothing(make_site: Any, tmp_path: Path, kept: Kept) -> None:
    """A later backup removes nothing of it."""
    here, there = make_site("here", "one"), make_site("there", "one")
    stored = kept.data(here)
    kept.backup(tmp_path / "lived")
    shutil.copytree(here.data, tmp_path / "lived", dirs_exist_ok=True)
    assert b"is the store of a gateway" in here.admin("backup", tmp_path / "lived", code=2).stderr
    with replace(there, data=tmp_path / "lived").gateway() as url:
        assert_there(url, stored)


def test_another_catalogues_bucket_is_left_alone(make_site: Any, tmp_path: Path, s3: S3Server, kept: Kept) -> None:
    there, backup = make_site("there", "several"), tmp_path / "backup"
    kept.backup(backup)
    with there.gateway() as url, client_for(url) as client:
        client.files.create(file=("o.txt", b"other"), purpose="user_data")
    fresh = make_site("fresh", "several")
    fresh.flags["blob_store"] = there.flags["blob_store"]
    before = objects_of(s3, there)
    for more in ([], ["--replace"]):
        said = fresh.admin("restore", backup, *more, code=2).stderr.decode()
        assert there.flags["blob_store"] in said and said.count("\n") == 1
    assert objects_of(s3, there) == before
    with there.gateway() as url, client_for(url) as client:
        assert len(client.files.list().data) == 1
    # A schema of PostgreSQL's is set aside as a file is.
    former = replace(there, flags=dict(there.flags))
    there.flags["blob_store"] = "s3://bucket/anew"
    done = there.json("restore", backup, "--replace")
    assert [name.partition(" as ")[2].startswith("the schema liftgate_before_") for name in done["set_aside"]] == [True]
    assert objects_of(s3, former) == before


def objects_of(s3: S3Server, site: Site) -> dict[str, bytes]:
    """All of its prefix but the word that each sweep leaves."""
    prefix = site.flags["blob_store"].removeprefix("s3://bucket/") + "/"
    return {key: s3.objects[key] for key in s3.objects if key.startswith(prefix) and not key.endswith("-turn")}


@pytest.mark.parametrize("more", [40, pytest.param(200, marks=pytest.mark.full)])
def test_restore_over_a_killed_gateways_directory(make_site: Any, tmp_path: Path, more: int) -> None:
    """Its log and its shared memory lie there still; what it took in after the backup is set aside, not deleted."""
    here, backup = make_site("here", "one"), tmp_path / "backup"
    gateway = GatewayProcess(here.config, here.data)
    stored = fill(gateway.wait_ready())
    here.admin("backup", backup)
    with client_for(gateway.url) as client:
        later = [client.files.create(file=("l", b"later %d" % n), purpose="user_data").id for n in range(more)]
    gateway.kill()
    assert (here.data / "catalog.db-wal").stat().st_size > 0
    done = here.json("restore", backup, "--replace")
    assert (done["copied"], done["kept"]) == (0, 5)
    assert not (here.data / "catalog.db-wal").exists() or (here.data / "catalog.db-wal").stat().st_size == 0
    again = GatewayProcess(here.config, here.data)
    assert_there(again.wait_ready(), stored)
    with client_for(again.url) as client, pytest.raises(openai.NotFoundError):
        client.files.retrieve(later[0])
    assert again.stop() == 0
    # These, and what was deleted before the backup.
    assert len(list(here.data.glob("blobs.before-*/*/*"))) == more + 1
    # The catalogue that was set aside is whole, its log included.
    [aside] = [path for path in here.data.glob("catalog.db.before-*") if path.name.count("-") == 2]
    with closing(sqlite3.connect(aside)) as old:
        assert old.execute("SELECT count(*) FROM files").fetchone() == (more + 5,)


def test_restore_over_a_damaged_catalogue_and_damaged_bytes(make_site: Any, tmp_path: Path, kept: Kept) -> None:
    here, backup = make_site("here", "one"), tmp_path / "backup"
    kept.data(here)
    stored = kept.backup(backup)
    (here.data / "catalog.db").write_bytes(b"no database at all" * 1000)
    for blob in (here.data / "blobs").rglob("blob-*"):
        blob.write_bytes(bytes(blob.stat().st_size))
    done = here.json("restore", backup, "--replace")
    # An unfinished part has no hash that could be compared.
    assert (done["copied"], done["kept"]) == (4, 1)
    with here.gateway() as url:
        assert_there(url, stored)


MOMENTS = (0.1, 0.2, 0.3, 0.4)
"""Seconds from the start of a run to its end by SIGKILL: within its work, and behind it on a fast machine."""


@pytest.mark.parametrize(
    ("origin", "to", "count"),
    [
        ("one", "several", 12),
        *(pytest.param(kind, kind, 40, marks=pytest.mark.full) for kind in ("one", "several")),
    ],
)
def test_runs_that_are_killed_are_gone_on_with(
    make_site: Any, tmp_path: Path, origin: str, to: str, count: int
) -> None:
    here, there, backup = make_site("here", origin), make_site("there", to), tmp_path / "backup"
    contents = {}
    with here.gateway() as url, client_for(url) as client:
        for number in range(count):
            content = Random(number).randbytes(300_000)
            contents[client.files.create(file=("f", content), purpose="user_data").id] = content

        def cut(site: Site, *arguments: object, after: float) -> int:
            with site.cli.started("admin", *arguments, *site.where()) as process:
                time.sleep(after)
                process.send_signal(signal.SIGKILL)
                return process.wait()

        for moment in MOMENTS:
            if cut(here, "backup", backup, after=moment) == 0:
                break
        made = here.json("backup", backup)
        assert made["blobs"] == count == made["copied"] + made["kept"]
    assert len(list((backup / "blobs").rglob("blob-*"))) == count
    assert list((backup / "spool").iterdir()) == []
    assert len(list(backup.glob("catalogue-*"))) == 1
    for moment in MOMENTS:
        if cut(there, "restore", backup, after=moment) == 0:
            break
    done = there.json("restore", backup)
    assert done["copied"] + done["kept"] == count
    with there.gateway() as url, client_for(url) as client:
        for file_id, content in contents.items():
            assert client.files.content(file_id).read() == content
    # Once more, when all is there: nothing is left to do.
    assert there.json("restore", backup)["already"] is True
    assert there.admin("check", "--full").stdout.startswith(b"%d blobs checked (every byte read): 0 damaged" % count)


@pytest.mark.parametrize(
    "left", [["spool/"], ["spool/", "lock"], ["spool/", "lock", "manifest.json.new"], ["lost+found/", "spool/", "lock"]]
)
def test_a_run_that_was_killed_before_its_manifest_is_gone_on_with(
    make_site: Any, tmp_path: Path, kept: Kept, left: Any
) -> None:
    """Each is what the directory holds after a kill at one of a backup's first steps."""
    here, backup = make_site("here", "one"), tmp_path / "backup"
    kept.data(here)
    for name in left:
        (backup / name).mkdir(parents=True) if name.endswith("/") else (backup / name).touch()
    if "manifest.json.new" in left:
        (backup / "manifest.json.new").write_text('{"id":')
    assert here.json("backup", backup)["copied"] == 5
    assert {entry.name.split("-")[0] for entry in backup.iterdir()} - {"lost+found"} == {
        *("blobs", "catalogue", "lock", "manifest.json", "spool")
    }


@pytest.mark.parametrize("name", ["lock", "spool/notes.txt", "spool", "manifest.json.new/x", "blobs/x", "other"])
def test_somebody_elses_file_is_never_taken_for_a_backups(
    make_site: Any, tmp_path: Path, kept: Kept, name: str
) -> None:
    here, theirs = make_site("here", "one"), tmp_path / "backup" / name
    theirs.parent.mkdir(parents=True)
    theirs.write_bytes(b"theirs")
    kept.data(here)
    assert b"is not empty and holds no backup" in here.admin("backup", tmp_path / "backup", code=2).stderr
    assert theirs.read_bytes() == b"theirs"


@pytest.mark.parametrize("renamed", [["catalog.db"], ["catalog.db", "catalog.db-wal"]])
def test_a_catalogue_that_was_half_set_aside_is_never_parted_from_its_log(
    make_site: Any, tmp_path: Path, kept: Kept, renamed: Any
) -> None:
    """A restore that was killed between its renames: what was committed last is in the log alone."""
    here, backup = make_site("here", "one"), tmp_path / "backup"
    kept.data(here)
    stored = kept.backup(backup)
    gateway = GatewayProcess(here.config, here.data)
    with client_for(gateway.wait_ready()) as client:
        later = client.files.create(file=("l", b"later"), purpose="user_data").id
    gateway.kill()
    aside = "catalog.db.before-20260102-030405"
    for name in renamed:
        (here.data / name).rename(here.data / name.replace("catalog.db", aside))
    if renamed == ["catalog.db"]:
        # Neither a gateway nor a restore into what looks empty begins a catalogue beside that log.
        for command in (["--port", 0], ["admin", "restore", backup]):
            said = here.cli.run(*command, *here.where(), code=2).stderr.decode()
            assert "its log catalog.db-wal is" in said and said.count("\n") == 1
    here.json("restore", backup, "--replace")
    with here.gateway() as url:
        assert_there(url, stored)
    with closing(sqlite3.connect(here.data / aside)) as old:
        assert old.execute("SELECT count(*) FROM files WHERE id = ?", (later,)).fetchall() == [(1,)]


def test_a_restore_goes_on_beside_a_copy_that_it_was_killed_in(make_site: Any, tmp_path: Path, kept: Kept) -> None:
    """Of a store on another file system than the spool, where an object is copied and then named."""
    there, backup = make_site("there", "one"), tmp_path / "backup"
    stored = kept.backup(backup)
    [key] = [path.name for path in (backup / "blobs").glob("*/*") if path.stat().st_size == len(SMALL)]
    half = there.data / "blobs" / key.split("-")[1][:2] / f"{key}.part"
    half.parent.mkdir(parents=True)
    half.write_bytes(b"half of it")
    assert there.json("restore", backup)["copied"] == 5
    with there.gateway() as url:
        assert_there(url, stored)


@pytest.mark.parametrize("joined", [True, False])
def test_a_restore_of_an_older_backup_goes_on_once_it_is_up_to_date(
    make_site: Any, tmp_path: Path, joined: bool
) -> None:
    """Its catalogue has the newest schema by then, and is joined to its store or not."""
    here, there, backup = make_site("here", "one"), make_site("there", "one"), tmp_path / "backup"
    with here.gateway() as url, client_for(url) as client:
        file = client.files.create(file=("a", b"old"), purpose="user_data")
    here.admin("backup", backup)
    manifest = json.loads((backup / "manifest.json").read_text())
    # None of its rows has what the last migration brought.
    manifest["schema"] -= 1
    (backup / "manifest.json").write_text(json.dumps(manifest))
    there.json("restore", backup)
    if not joined:
        (there.data / "blobs" / "liftgate-store").unlink()
        with closing(sqlite3.connect(there.data / "catalog.db")) as raw, raw:
            raw.execute("DELETE FROM store")
    assert there.json("restore", backup)["already"] is True
    with there.gateway() as url, client_for(url) as client:
        assert client.files.content(file.id).read() == b"old"


def test_later_backups_copy_what_is_new_and_drop_what_is_gone(make_site: Any, tmp_path: Path) -> None:
    here, there, backup = make_site("here", "one"), make_site("there", "one"), tmp_path / "backup"
    with here.gateway() as url, client_for(url) as client:
        first = client.files.create(file=("1", b"first"), purpose="user_data").id
        second = client.files.create(file=("2", b"second"), purpose="user_data").id
        assert here.json("backup", backup)["copied"] == 2
        client.files.delete(first)
        client.files.create(file=("3", b"third"), purpose="user_data")
        made = here.json("backup", backup)
        assert (made["copied"], made["kept"]) == (1, 1)
    assert {path.read_bytes() for path in (backup / "blobs").rglob("blob-*")} == {b"second", b"third"}
    there.admin("restore", backup)
    with there.gateway() as url, client_for(url) as client:
        assert client.files.content(second).read() == b"second"
        with pytest.raises(openai.NotFoundError):
            client.files.retrieve(first)
    other = make_site("other", "one")
    with other.gateway():
        assert b"of another catalogue" in other.admin("backup", backup, code=2).stderr


@pytest.mark.parametrize("his", [20, pytest.param(60, marks=pytest.mark.full)])
def test_a_backup_beside_uploads_and_deletes_is_of_one_moment(make_site: Any, tmp_path: Path, his: int) -> None:
    """What the backup names it has; erased beside it, bytes are noted as gone and their files are not restored."""
    here, there, backup = make_site("here", "one"), make_site("there", "one"), tmp_path / "backup"
    with here.gateway() as url, client_for(url, "sk-ann") as ann, client_for(url, "sk-bob") as bob:
        for number in range(his):
            bob.files.create(file=("b", b"his %d" % number), purpose="user_data")
        with here.cli.started("admin", "backup", backup, *here.where()) as process:
            number = 0
            while process.poll() is None:
                made = ann.files.create(file=("a", b"hers %d" % number), purpose="user_data").id
                if number % 2:
                    ann.files.delete(made)
                if number == 3:
                    here.admin("erase", "bob", "--yes")
                number += 1
            assert process.returncode == 0, process.communicate()
    there.admin("restore", backup)
    assert b": 0 damaged or missing" in there.admin("check", "--full").stdout
    with there.gateway() as url:
        for key in ("sk-ann", "sk-bob"):
            with client_for(url, key) as client:
                for file in client.files.list():
                    assert client.files.content(file.id).read()


def test_what_is_wrong_with_a_backup_is_found(make_site: Any, tmp_path: Path, kept: Kept) -> None:
    here, backup = make_site("here", "one"), tmp_path / "backup"
    kept.data(here)
    stored = kept.backup(backup)
    there = make_site("there", "one")
    for where, says in ((tmp_path / "nothing", b"holds no backup"), (tmp_path, b"holds no backup")):
        assert says in there.admin("restore", where, code=2).stderr
    assert b"is not empty and holds no backup" in here.admin("backup", tmp_path, code=2).stderr

    def copy(name: str) -> Path:
        shutil.copytree(backup, tmp_path / name)
        return tmp_path / name

    rows = copy("rows")
    [files] = rows.glob("catalogue-*/files.jsonl")
    files.write_bytes(files.read_bytes().replace(b"notes.txt", b"notez.txt"))
    assert b"files.jsonl is not as it was written" in there.admin("restore", rows, code=2).stderr
    half = copy("half")
    manifest = json.loads((half / "manifest.json").read_text())
    (half / "manifest.json").write_text(json.dumps({**manifest, "complete": False}))
    assert b"was not finished" in there.admin("restore", half, code=2).stderr
    (half / "manifest.json").write_text(json.dumps({**manifest, "format": 99}))
    assert b"newer Liftgate" in there.admin("restore", half, code=2).stderr
    (half / "manifest.json").write_text("{")
    assert b"cannot be read" in there.admin("restore", half, code=2).stderr
    assert not (there.data / "blobs").exists()

    bytes_ = copy("bytes")
    [blob] = [path for path in (bytes_ / "blobs").rglob("blob-*") if path.read_bytes() == b"his"]
    blob.write_bytes(b"HIS")
    done = there.admin("restore", bytes_, code=1)
    assert b"damaged" in done.stdout and blob.name.encode() in done.stdout
    # All else is there, and the file whose bytes are lost says so.
    with there.gateway() as url:
        for (key, file_id), content in stored.files.items():
            with client_for(url, key) as client:
                if content == b"his":
                    with pytest.raises(openai.InternalServerError):
                        client.files.content(file_id).read()
                else:
                    assert client.files.content(file_id).read() == content


def test_copies_at_google_are_taken_over_where_the_source_is_gone(
    make_site: Any, tmp_path: Path, sandbox: SandboxServer
) -> None:
    here, there, backup = make_site("here", "one"), make_site("there", "several"), tmp_path / "backup"
    with here.gateway() as url, client_for(url) as client:
        file_id = client.files.create(file=("a", b"first"), purpose="user_data").id
        ask(client, file_id)
        here.admin("backup", backup)
    uploads = sandbox.stats()["finalized"]
    there.admin("restore", backup, "--take-copies")
    with there.gateway() as url, client_for(url) as client:
        assert "first" in ask(client, file_id)
    assert sandbox.stats()["finalized"] == uploads
