"""`liftgate admin` on the data of real gateways, stopped and running, and what the sandbox then still has."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openai
import pytest

from gateways import SandboxServer, ask, client_for, gateway_server, sandbox_server
from liftgate.settings import load_settings
from processes import write_config
from terminal import Cli
from waiting import until

DEADLINE = 15.0


@dataclass(frozen=True)
class Bench:
    """`config` and `data` are those of a gateway whose own sweeps and purges never come in a test's time."""

    cli: Cli
    config: Path
    data: Path
    sandbox: SandboxServer

    def admin(self, *arguments: object, code: int = 0, config: bool = True) -> str:
        where = ["--data-dir", self.data, *(["--config", self.config] if config else [])]
        return self.cli.run("admin", *arguments, *where, code=code).stdout.decode()

    def json(self, *arguments: object, code: int = 0, config: bool = True) -> Any:
        return json.loads(self.admin(*arguments, "--json", code=code, config=config))

    @property
    def places(self) -> dict[str, str]:
        """What every answer names."""
        return {"catalogue": str(self.data / "catalog.db"), "store": str(self.data / "blobs")}

    @contextmanager
    def gateway(self, config: Path | None = None) -> Iterator[str]:
        settings, _ = load_settings(config or self.config, {"data_dir": self.data}, {})
        with gateway_server(settings) as url:
            yield url

    def blobs(self) -> list[Path]:
        return [path for path in (self.data / "blobs").rglob("blob-*")]

    def at_gemini(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.sandbox.control("files")["files"]
        return found


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with sandbox_server() as sandbox:
        config = write_config(tmp_path / "config.yaml", sandbox.url, purge_seconds=600, sweep_seconds=600)
        yield Bench(Cli(tmp_path / "home"), config, tmp_path / "data", sandbox)


def upload(url: str, key: str, content: bytes, name: str = "notes.txt") -> str:
    with client_for(url, key) as client:
        return client.files.create(file=(name, content), purpose="user_data").id


def gone(client: openai.OpenAI, file_id: str) -> bool:
    try:
        client.files.retrieve(file_id)
    except openai.NotFoundError:
        return True
    return False


def test_owners_are_listed_with_what_they_use(bench: Bench) -> None:
    with bench.gateway() as url:
        for size in (1000, 2000):
            upload(url, "sk-ann", b"a" * size)
        upload(url, "sk-bob", b"b" * 10)
        assert bench.json("owners") == {
            "data": [{"owner": "ann", "files": 2, "bytes": 3000}, {"owner": "bob", "files": 1, "bytes": 10}],
            **bench.places,
        }
    shown = bench.admin("owners", config=False)
    assert [line.split()[:2] for line in shown.splitlines()[1:3]] == [["ann", "2"], ["bob", "1"]]


def test_erasing_takes_everything_of_an_owner_at_once_and_nothing_else(bench: Bench) -> None:
    with bench.gateway() as url:
        hers = [upload(url, "sk-ann", content) for content in (b"one", b"two", b"two")]
        his = upload(url, "sk-bob", b"one")
        with client_for(url, "sk-ann") as ann, client_for(url, "sk-bob") as bob:
            ask(ann, hers[0])
            ask(ann, hers[1])
            ask(bob, his)
            unfinished = ann.uploads.create(filename="f", purpose="user_data", bytes=9, mime_type="text/plain")
            ann.uploads.parts.create(unfinished.id, data=b"abc")
            deleted = upload(url, "sk-ann", b"deleted before")
            ann.files.delete(deleted)
            assert len(bench.at_gemini()) == 3

            erased = bench.json("erase", "ann", "--yes")

            assert erased == {
                "owner": "ann",
                "files": 3,
                "blobs": 3,
                "bytes": len(b"one" + b"two" + b"deleted before"),
                "parts": 1,
                "gemini": {"removed": 2, "left": 0},
                **bench.places,
            }
            # Bob's own copy of the same bytes, here and there.
            (kept,) = bench.blobs()
            assert kept.read_bytes() == b"one"
            assert len(bench.at_gemini()) == 1
            assert ann.files.list().data == []
            # What a gateway has in its memory it forgets within a second.
            until(lambda: all(gone(ann, file_id) for file_id in hers))
            with pytest.raises(openai.NotFoundError):
                ann.uploads.parts.create(unfinished.id, data=b"defghi")
            assert bob.files.content(his).read() == b"one"
            assert "one" in ask(bob, his)
    assert [row["owner"] for row in bench.json("owners")["data"]] == ["bob"]
    assert bench.admin("check").startswith("1 blob checked")


def test_what_is_left_at_gemini_is_told_and_removed_by_who_has_the_key(bench: Bench) -> None:
    # What could not be removed is tried again after half of `purge_seconds`.
    write_config(bench.config, bench.sandbox.url, purge_seconds=2, sweep_seconds=600)
    with bench.gateway() as url:
        file_id = upload(url, "sk-ann", b"secret")
        with client_for(url, "sk-ann") as ann:
            ask(ann, file_id)
    shown = bench.admin("erase", "ann", "--yes", config=False)
    assert "still to remove: 1 copy at key:" in shown and "its key is not in this config" in shown
    assert bench.blobs() == [] and len(bench.at_gemini()) == 1
    # Gemini is down for the next attempt.
    bench.sandbox.control("faults", {"kind": "status", "operation": "files.delete", "times": None})
    with bench.gateway() as url:
        upload(url, "sk-bob", b"nothing to do with it")
        assert "a running gateway goes on trying" in bench.admin("erase", "bob", "--yes")
    assert len(bench.at_gemini()) == 1
    bench.sandbox.control("faults", method="DELETE")
    with bench.gateway():
        until(lambda: bench.at_gemini() == [])


def test_erasing_asks_first_and_names_what_is_not_there(bench: Bench) -> None:
    with bench.gateway() as url:
        upload(url, "sk-ann", b"hers")
    where = ("--data-dir", bench.data)
    assert b"--yes" in bench.cli.run("admin", "erase", "ann", *where, code=2).stderr
    assert b"'anne'" in bench.cli.run("admin", "erase", "anne", "--yes", *where, code=1).stderr
    assert len(bench.blobs()) == 1
    assert bench.json("owners")["data"] == [{"owner": "ann", "files": 1, "bytes": 4}]


def test_a_sweep_takes_what_is_older_than_its_grace(bench: Bench) -> None:
    with bench.gateway() as url:
        kept = upload(url, "sk-ann", b"kept")
        with client_for(url, "sk-ann") as ann:
            ann.files.delete(upload(url, "sk-ann", b"deleted"))
        stray = bench.blobs()[0].with_name(bench.blobs()[0].name[:-4] + "aaaa")
        stray.write_bytes(b"nobody's")
        counted = ("files", "blobs", "objects", "spools", "parts", "waiting", "held")
        nothing = {**dict.fromkeys(counted, 0), "alone": True, **bench.places}
        # The default grace is a day.
        assert bench.json("sweep") == {**nothing, "waiting": 1}
        assert bench.json("sweep", "--grace", 3600) == {**nothing, "waiting": 1}
        bench.cli.run("admin", "sweep", "--grace", 0, "--data-dir", bench.data, code=2)
    assert len(bench.blobs()) == 3
    assert bench.json("sweep", "--grace", 0, "--yes") == {**nothing, "blobs": 1, "objects": 1}
    assert [path.read_bytes() for path in bench.blobs()] == [b"kept"]
    with bench.gateway() as url, client_for(url, "sk-ann") as ann:
        assert ann.files.content(kept).read() == b"kept"


def test_a_check_finds_what_is_wrong_and_whose_it_is(bench: Bench) -> None:
    with bench.gateway() as url:
        file_id = upload(url, "sk-ann", b"hers", "letter.txt")
        upload(url, "sk-bob", b"his!")
    assert bench.admin("check", "--full").startswith("2 blobs checked (every byte read): 0 damaged or missing")
    (blob,) = [path for path in bench.blobs() if path.read_bytes() == b"hers"]
    stray = blob.with_name(blob.name[:-4] + "aaaa")
    harms: dict[str, Callable[[], object]] = {
        "missing": blob.unlink,
        "size": lambda: blob.write_bytes(b"hers and more"),
        "hash": lambda: blob.write_bytes(b"herz"),
        "unknown": lambda: stray.write_bytes(b"nobody's"),
    }
    for harm, does in harms.items():
        does()
        fast = bench.cli.run("admin", "check", "--data-dir", bench.data, code=None)
        full = bench.cli.run("admin", "check", "--data-dir", bench.data, "--json", "--full", code=None)
        # Only reading the bytes finds a change that keeps their number; what belongs to nobody harms nobody.
        assert fast.returncode == (0 if harm in ("hash", "unknown") else 1)
        assert full.returncode == (0 if harm == "unknown" else 1)
        (finding,) = [json.loads(line) for line in full.stdout.splitlines()]
        whose = (None, None) if harm == "unknown" else (file_id, "ann")
        assert (finding["wrong"], finding["file_id"], finding["owner"]) == (harm, *whose)
        assert finding["key"] == (stray if harm == "unknown" else blob).name
        if fast.returncode:
            assert f"{file_id} (letter.txt) of ann" in fast.stdout.decode()
            assert b"1 damaged or missing" in fast.stdout
        blob.write_bytes(b"hers")
        stray.unlink(missing_ok=True)


@pytest.mark.parametrize("command", [("owners",), ("erase", "ann", "--yes"), ("sweep",), ("check",)])
def test_where_there_are_no_data_none_are_made(bench: Bench, command: tuple[str, ...]) -> None:
    done = bench.cli.run("admin", *command, "--data-dir", bench.data, code=2)
    assert f"{bench.data}/catalog.db: there is no catalogue" in done.stderr.decode()
    assert not bench.data.exists()
    bench.cli.run("admin", *command, "--config", "nowhere.yaml", code=2)


def test_a_catalogue_that_is_none_is_told_plainly(bench: Bench) -> None:
    bench.data.mkdir()
    (bench.data / "catalog.db").write_bytes(b"this is no database, and long enough to be looked at" * 100)
    done = bench.cli.run("admin", "owners", "--data-dir", bench.data, code=None)
    assert done.returncode in (1, 2) and done.stderr.startswith(b"liftgate: ")


def test_the_data_are_found_as_the_gateway_finds_them(bench: Bench, tmp_path: Path, postgres_url: str) -> None:
    config = write_config(tmp_path / "shared.yaml", bench.sandbox.url, database_url=postgres_url)
    with bench.gateway(config) as url:
        upload(url, "sk-ann", b"hers")
    assert not (bench.data / "catalog.db").exists()
    expected = {"data": [{"owner": "ann", "files": 1, "bytes": 4}]}
    for where in (("--config", config), ("--database-url", postgres_url)):
        assert json.loads(bench.cli.out("admin", "owners", "--json", *where)).items() >= expected.items()
    bench.cli.environ["LIFTGATE_DATABASE_URL"] = postgres_url
    assert json.loads(bench.cli.out("admin", "owners", "--json")).items() >= expected.items()
    bench.cli.environ["LIFTGATE_DATA_DIR"] = str(bench.data)
    assert bench.cli.out("admin", "check", "--full").startswith("1 blob checked")
    assert bench.cli.out("admin", "erase", "ann", "--yes").startswith("Erased ann: 1 file, 4 B in 1 blob, 0 parts")
    assert bench.blobs() == []


def test_an_owner_with_thousands_of_files_is_erased_while_a_gateway_writes(bench: Bench) -> None:
    with bench.gateway() as url:
        upload(url, "sk-ann", b"hers")
        with closing(sqlite3.connect(bench.data / "catalog.db", timeout=10)) as database, database:
            columns = "owner, blob_id, filename, mime_type, bytes, sha256, purpose, created_at, status"
            database.executemany(
                f"INSERT INTO files (id, {columns}) SELECT ?, {columns} FROM files WHERE owner = 'ann' LIMIT 1",
                [(f"file-{number:024}",) for number in range(3000)],
            )
            database.execute("UPDATE owners SET files = files + 3000, bytes = bytes + 12000 WHERE owner = 'ann'")
        with bench.cli.started("admin", "erase", "ann", "--yes", "--json", "--data-dir", bench.data) as process:
            while process.poll() is None:
                upload(url, "sk-bob", b"his")
            output, _ = process.communicate()
        assert (json.loads(output)["files"], process.returncode) == (3001, 0)
    assert [row["owner"] for row in bench.json("owners")["data"]] == ["bob"]


@pytest.mark.parametrize("rounds", [2, pytest.param(4, marks=pytest.mark.full)])
@pytest.mark.parametrize("full", [False, True])
def test_a_check_beside_a_gateway_tells_only_what_is_so(bench: Bench, full: bool, rounds: int) -> None:
    """Files come and go, and are swept and erased, all the while; one that is truly damaged is told each time."""
    write_config(bench.config, bench.sandbox.url, purge_seconds=600, sweep_seconds=0.2)
    with bench.gateway() as url, client_for(url, "sk-ann") as ann, client_for(url, "sk-bob") as bob:
        damaged = ann.files.create(file=("d.txt", b"damaged"), purpose="user_data").id
        [blob] = bench.blobs()
        blob.unlink()
        over = threading.Event()

        def traffic(client: openai.OpenAI, number: int) -> None:
            while not over.is_set():
                made = client.files.create(file=("t", b"%d" % number), purpose="user_data").id
                if number % 3:
                    # Bob's may have been erased by then.
                    with suppress(openai.NotFoundError):
                        client.files.delete(made)
                number += 1

        threads = [threading.Thread(target=traffic, args=(c, n)) for c, n in ((ann, 1), (ann, 10**6), (bob, 10**7))]
        for thread in threads:
            thread.start()
        try:
            for _ in range(rounds):
                bench.cli.run("admin", "erase", "bob", "--yes", "--data-dir", bench.data, code=None)
                arguments = ["--full"] if full else []
                done = bench.cli.run(
                    "admin", "check", "--json", *arguments, "--config", bench.config, "--data-dir", bench.data, code=1
                )
                findings = [json.loads(line) for line in done.stdout.splitlines()]
                lost = [finding for finding in findings if finding["wrong"] != "unknown"]
                assert [finding["file_id"] for finding in lost] == [damaged]
        finally:
            over.set()
            for thread in threads:
                thread.join(60)
