"""What becomes of the directories beside catalogue and store: of spend, of metrics, of what arrives. What is not ours
there keeps nothing from being done, and no dollar that was spent is lost."""

from __future__ import annotations

import json
import os
import random  # noqa: TID251 - fixed contents
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from drill import Ledger, Site, eventually
from gateways import MODEL, SandboxServer
from processes import GatewayProcess
from raw_http import Answer, call
from test_running import read_only

MASTER = {"Authorization": "Bearer sk-master-of-the-drill"}
CHAT = {"model": MODEL, "messages": [{"role": "user", "content": "hello"}]}
BEGUN = {"filename": "a", "purpose": "batch", "bytes": 3, "mime_type": "text/plain"}
COUNTING = {"spend": True, "metrics": True, "use_write_seconds": 0.2, "sweep_seconds": 600}
PLACES = ("spend", "metrics", "spool", "blobs")


@pytest.fixture
def counted(tmp_path: Path, sandbox: SandboxServer) -> Site:
    return Site(tmp_path / "site", api_base=sandbox.url)


def ask(url: str, method: str, target: str, body: object = None) -> Answer:
    return call(url, method, target, None if body is None else json.dumps(body).encode(), MASTER)


def chat(url: str, times: int = 1) -> float:
    """The dollars that the answers name."""
    dollars = 0.0
    for _ in range(times):
        answer = ask(url, "POST", "/v1/chat/completions", CHAT)
        assert answer.status == 200
        dollars += float(answer.headers["x-liftgate-response-cost"])
    assert dollars > 0
    return dollars


def spent(url: str) -> float:
    found: float = ask(url, "GET", "/global/spend").json()["spend"]
    return found


def is_spent(url: str, dollars: float) -> bool:
    return eventually(lambda: spent(url) == pytest.approx(dollars))


def put_junk(place: Path, before: str, after: str) -> None:
    """What an operator's hand or another program may leave: of the names that are looked for there."""
    (place / f"{before}garbage{after}").write_bytes(random.Random(1).randbytes(4000) + b"\n[1]\n")
    (place / f"{before}empty{after}").touch()
    (place / f"{before}directory{after}").mkdir()
    (place / f"{before}gone{after}").symlink_to("/nonexistent")
    (place / f"{before}loop{after}").symlink_to(f"{before}loop{after}")
    (place / f"{before}device{after}").symlink_to("/dev/zero")
    os.mkfifo(place / f"{before}pipe{after}")


def test_what_is_not_ours_keeps_nothing_from_being_done(counted: Site) -> None:
    with counted.gateway(**COUNTING, usage_write_seconds=600) as gateway:
        dollars = chat(gateway.url)
        assert is_spent(gateway.url, dollars)
        dollars += chat(gateway.url, 3)
        data = counted.data_dir
        [journal] = (data / "spend").glob("*.jsonl")
        assert eventually(lambda: journal.read_bytes().count(b"\n") == 4)
        gateway.kill()
    put_junk(data / "spend", "", ".jsonl")
    put_junk(data / "metrics", "", ".names")
    put_junk(data / "spool", "spool-", "")
    with (data / "metrics" / "0.names").open("ab") as names:
        # As a power cut leaves the end of a file that grew.
        names.write(bytes(512) + b"\n")
    with counted.gateway(**COUNTING, usage_write_seconds=0.2) as gateway:
        assert is_spent(gateway.url, dollars)
        assert eventually(lambda: not journal.exists())
        # It may be worth something to a person.
        unread = data / "spend" / "garbage.unread"
        assert eventually(lambda: unread.exists() and unread.stat().st_size > 4000)
        for _ in range(2):
            answer = ask(gateway.url, "GET", "/metrics")
            assert answer.status == 200
            assert b"http_server_request_duration_seconds_count{" in answer.body
        dollars += chat(gateway.url)
        assert is_spent(gateway.url, dollars)
        counted.admin("sweep")
        left = {path.name for path in (data / "spool").iterdir()}
        assert left == {f"spool-{name}" for name in ("directory", "gone", "loop", "device", "pipe")}
        assert gateway.stop() == 0
        said = gateway.log.read_text()
        assert "Traceback" not in said
        # Once, however often it is met.
        for name in ("spend/directory.jsonl", "spend/pipe.jsonl", "spool/spool-pipe", "metrics/pipe.names"):
            assert said.count(f"{data / name} ") == 1, name


def a_directory(place: Path) -> None:
    place.mkdir()


def a_loop(place: Path) -> None:
    place.symlink_to(place.name)


@pytest.mark.parametrize("harm", [a_directory, a_loop, os.mkfifo])
def test_what_lies_in_place_of_the_reserve_stops_nothing(counted: Site, harm: Callable[[Path], None]) -> None:
    reserve = counted.data_dir / "catalog.db-reserve"
    with counted.gateway() as gateway:
        size = reserve.stat().st_size
        reserve.unlink()
        harm(reserve)
        for _ in range(3):
            assert ask(gateway.url, "POST", "/v1/uploads", BEGUN).status == 200
        assert eventually(lambda: gateway.log.read_text().count(f"{reserve} cannot be made") == 1)
        assert not reserve.is_file()
        reserve.rename(reserve.with_name("away"))
        # Who looks for changes of other processes makes it again: it still looks.
        assert eventually(lambda: reserve.is_file() and reserve.stat().st_size == size)
        assert ask(gateway.url, "GET", "/health/readiness").status == 200
        assert "Traceback" not in gateway.log.read_text()


def a_file(place: Path) -> None:
    place.write_bytes(b"")


def a_link_to_nothing(place: Path) -> None:
    place.symlink_to(place.with_name("nowhere"))


@pytest.mark.parametrize("harm", [a_file, pytest.param(a_link_to_nothing, marks=pytest.mark.full)])
def test_a_place_that_is_none_is_refused_at_the_start(counted: Site, harm: Callable[[Path], None]) -> None:
    with counted.gateway(**COUNTING) as gateway:
        dollars = chat(gateway.url)
    for place in (counted.data_dir / name for name in PLACES):
        place.rename(place.with_name("away"))
        harm(place)
        assert str(place) in counted.refused(**COUNTING)
        place.unlink()
        place.with_name("away").rename(place)
    with counted.gateway(**COUNTING) as gateway:
        dollars += chat(gateway.url)
        assert is_spent(gateway.url, dollars)


def test_a_place_that_is_read_only_is_refused_at_the_start(counted: Site) -> None:
    with counted.gateway(**COUNTING):
        pass
    for name in PLACES:
        with read_only(counted.data_dir / name):
            said = counted.refused(**COUNTING)
            assert str(counted.data_dir / name) in said and ("Read-only" in said or "cannot be written" in said)


def chat_in_a_journal(url: str, place: Path) -> float:
    """The dollars of a first call, once the directory has them: its line is written as its answer ends."""
    dollars = chat(url)
    assert eventually(lambda: any(path.stat().st_size for path in place.glob("*.jsonl")))
    return dollars


@pytest.mark.parametrize("end", ["killed", "stopped"])
@pytest.mark.parametrize("harm", ["removed", "moved", "a file in its place"])
def test_no_dollar_is_lost_with_the_directory_of_journals(counted: Site, harm: str, end: str) -> None:
    """It goes under a gateway, which ends afterwards, and none is counted twice when it is put back."""
    place = counted.data_dir / "spend"
    with counted.gateway(**COUNTING, usage_write_seconds=0.2) as gateway:
        dollars = chat_in_a_journal(gateway.url, place)
        place.rename(place.with_name("spend-elsewhere"))
        if harm == "removed":
            shutil.rmtree(place.with_name("spend-elsewhere"))
        if harm == "a file in its place":
            place.touch()
        dollars += chat(gateway.url)
        assert is_spent(gateway.url, dollars)
        if harm == "removed":
            # The journal that was in it is given up for one that a kill leaves.
            dollars += chat_in_a_journal(gateway.url, place)
        else:
            # Its journal goes on where it is now.
            assert not place.is_dir()
            assert any(path.stat().st_size for path in place.with_name("spend-elsewhere").iterdir())
        if end == "killed":
            gateway.kill()
        else:
            assert gateway.stop() == 0
            assert "Traceback" not in gateway.log.read_text()
    if harm != "removed":
        place.unlink(missing_ok=True)
        place.with_name("spend-elsewhere").rename(place)
    with counted.gateway(**COUNTING, usage_write_seconds=600) as gateway:
        assert eventually(lambda: len(list(place.glob("*.jsonl"))) == 0)
        assert is_spent(gateway.url, dollars)


def sweeps_fail(log: Path, times: int) -> bool:
    return log.read_text().count("job sweep: ") >= times


def test_nothing_is_made_in_place_of_a_data_directory_that_is_away(counted: Site) -> None:
    """Spend is kept in memory and in the journal until it is back."""
    away = counted.data_dir.with_name("away")
    dollars = 0.0
    with counted.gateway(**{**COUNTING, "sweep_seconds": 0.1}, usage_write_seconds=0.2) as gateway:
        log = away / gateway.log.name
        for _ in range(3):
            # In the middle of what sweeps write, now and then.
            dollars += chat(gateway.url)
            counted.data_dir.rename(away)
            dollars += chat(gateway.url, 3)
            assert ask(gateway.url, "POST", "/v1/uploads", BEGUN).status == 503
            assert eventually(partial(sweeps_fail, log, log.read_text().count("job sweep: ") + 2))
            assert not counted.data_dir.exists()
            away.rename(counted.data_dir)
            assert is_spent(gateway.url, dollars)
    with replace(counted).gateway(**COUNTING) as gateway:
        assert is_spent(gateway.url, dollars)


@pytest.mark.parametrize("mask", [0o000, 0o002, 0o777], ids=oct)
def test_nobody_else_can_write_where_a_gateway_keeps_what_it_has(tmp_path: Path, mask: int) -> None:
    """Whatever mask it was started with: in a directory that others write, the catalogue could be another's."""
    site = Site(tmp_path / "site", f"sqlite://{tmp_path}/new/deeper/catalog.db")
    config = site.config(spend=True, metrics=True)
    site.data_dir.mkdir()
    before = os.umask(mask)
    try:
        gateway = GatewayProcess(config, site.data_dir, fresh=True)
    finally:
        os.umask(before)
    try:
        gateway.wait_ready()
        Ledger().upload(gateway.url)
    finally:
        gateway.stop()
    places = [site.data_dir, tmp_path / "new"]
    made = [path for place in places for path in [place, *place.rglob("*")] if path.suffix != ".log"]
    assert {path.name for path in made} >= {"catalog.db", "blobs", "spool", "spend", "metrics", "liftgate-store"}
    assert [path for path in made if path.stat().st_mode & 0o022] == []
    with site.gateway() as again:
        Ledger(seed=1).upload(again.url)
