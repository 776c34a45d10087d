"""A store belongs to one catalogue: what is refused at a start, at every door, and what is served."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import liftgate
from aging import let_pass
from drill import Ledger, Site, in_catalogue, one_sentence, s3_url
from gateways import client_for
from liftgate.blobs.open import open_blob_store
from liftgate.blobs.store import MARK, TURN
from liftgate.catalog.database import Database, open_database
from liftgate.clock import SystemClock
from liftgate.errors import ConfigError
from liftgate.files.belonging import settle
from s3_server import S3Server

DAY = 86_400.0


def test_another_catalogue_is_refused_at_every_door_and_takes_nothing(
    site: Site, other_catalogue: Callable[[], str]
) -> None:
    """R1: a mistyped database_url, two days on."""
    ledger = Ledger()
    with site.gateway() as gateway:
        ledger.upload(gateway.url, 5)
    let_pass(site.url, 2 * DAY)
    before = site.objects()
    assert len(before) == 5
    wrong = replace(site, directory=site.directory, database_url=other_catalogue())
    for arguments in ((), ("--num-workers", "2")):
        sentence = wrong.refused(*arguments)
        assert site.store in sentence and "`liftgate admin adopt`" in sentence
        assert ". " not in sentence and "do not belong together" in sentence
    for command in (("sweep",), ("sweep", "--grace", "0", "--all", "--yes"), ("check",), ("erase", "ann", "--yes")):
        one_sentence(2, wrong.admin(*command, code=2).stderr)
    with (
        pytest.raises(ConfigError, match="do not belong together"),
        liftgate.Liftgate(config=wrong.config(), data_dir=wrong.data_dir) as client,
    ):
        client.file_list()
    assert site.objects() == before
    with site.gateway() as gateway:
        ledger.check(gateway.url)


def test_another_store_is_refused(site: Site, tmp_path: Path) -> None:
    """R5: one catalogue, and a second machine whose store is its own."""
    ledger = Ledger()
    with site.gateway() as gateway:
        ledger.upload(gateway.url, 2)
        other = Site(tmp_path / "other", site.url, "local" if site.blob_store == "local" else s3_url("another"))
        sentence = other.refused()
        assert site.store in sentence and other.store in sentence and "`liftgate admin adopt`" in sentence
        assert other.objects() == set()
        ledger.check(gateway.url)


def test_a_lost_store_is_refused(site: Site, request: pytest.FixtureRequest) -> None:
    with site.gateway() as gateway:
        Ledger().upload(gateway.url, 3)
    if site.blob_store == "local":
        shutil.rmtree(site.data_dir / "blobs")
    else:
        request.getfixturevalue("s3").objects.clear()
    assert "this one has no mark" in site.refused()
    one_sentence(2, site.admin("check", code=2).stderr)


def unmark(site: Site, s3: S3Server | None) -> None:
    """As an older Liftgate left it."""
    in_catalogue(site.url, "DELETE FROM store")
    for name in (MARK, TURN):
        if s3 is None:
            (site.data_dir / "blobs" / name).unlink(missing_ok=True)
        else:
            s3.objects.pop(f"p/{name}", None)


def test_data_of_before_get_their_mark_silently(site: Site, request: pytest.FixtureRequest) -> None:
    ledger = Ledger()
    with site.gateway() as gateway:
        ledger.upload(gateway.url, 2)
    s3 = None if site.blob_store == "local" else request.getfixturevalue("s3")
    unmark(site, s3)
    assert "0 damaged or missing" in site.admin("check").stdout
    with site.gateway() as gateway:
        ledger.check(gateway.url)
        assert "ERROR" not in gateway.log.read_text() and "WARNING" not in gateway.log.read_text()
    unmark(site, s3)
    with site.gateway() as gateway:
        ledger.check(gateway.url)


def test_unmarked_bytes_that_the_catalogue_does_not_know_are_refused(
    site: Site, other_catalogue: Callable[[], str], request: pytest.FixtureRequest
) -> None:
    with site.gateway() as gateway:
        Ledger().upload(gateway.url, 2)
    unmark(site, None if site.blob_store == "local" else request.getfixturevalue("s3"))
    wrong = replace(site, database_url=other_catalogue())
    assert "the catalogue knows none of them" in wrong.refused()
    assert len(site.objects()) == 2


def test_an_unmarked_catalogue_and_an_empty_store_are_refused(site: Site, request: pytest.FixtureRequest) -> None:
    with site.gateway() as gateway:
        Ledger().upload(gateway.url, 2)
    unmark(site, None if site.blob_store == "local" else request.getfixturevalue("s3"))
    if site.blob_store == "local":
        shutil.rmtree(site.data_dir / "blobs")
    else:
        request.getfixturevalue("s3").objects.clear()
    assert "knows 2 objects, and the store is empty" in site.refused()


def test_adopting_joins_them_and_refuses_the_former_ones(site: Site, other_catalogue: Callable[[], str]) -> None:
    ledger, new = Ledger(), replace(site, database_url=other_catalogue())
    with site.gateway() as gateway:
        ledger.upload(gateway.url, 3)
    before = site.objects()
    new.refused()
    # There is no terminal to ask on.
    assert "--yes" in new.admin("adopt", code=2).stderr
    new.refused()
    said = new.admin("adopt", "--yes").stdout
    assert "3 objects of the store will be unknown" in said and site.store in said
    assert "from now on" in said
    assert new.admin_json("adopt")["adopted"] is False
    mine = Ledger(seed=100)
    with new.gateway() as gateway:
        mine.upload(gateway.url, 2)
        mine.check(gateway.url)
    assert site.store in site.refused()
    assert before < site.objects()
    # And back: what was there before is served, and what came between is unknown.
    assert site.admin_json("adopt", "--yes")["both"] == 3
    with site.gateway() as gateway:
        ledger.check(gateway.url)
    assert len(site.objects()) == 5
    new.refused()


def test_a_gateway_whose_store_is_adopted_by_another_takes_nothing_more(
    site: Site, other_catalogue: Callable[[], str]
) -> None:
    """It was forgotten when the store was given away. It looks every minute, and at its next sweep."""
    new = replace(site, database_url=other_catalogue())
    ledger = Ledger()
    with site.gateway() as gateway:
        ledger.upload(gateway.url, 2)
        new.refused()
        new.admin("adopt", "--yes")
        deadline = 100
        with client_for(gateway.url) as client:
            for number in range(deadline):
                try:
                    client.files.create(file=("a.bin", b"%d" % number, "video/mp4"), purpose="user_data")
                except Exception as error:
                    assert getattr(error, "status_code", None) == 503
                    break
                asyncio.run(asyncio.sleep(0.05))
            else:
                pytest.fail("it goes on")
        ledger.check(gateway.url)


@pytest.mark.parametrize("round", [0, *(pytest.param(number, marks=pytest.mark.full) for number in range(1, 10))])
def test_gateways_that_start_together_agree(site: Site, round: int) -> None:
    ledger = Ledger()
    begun = [site.begun() for _ in range(3)]
    try:
        for gateway in begun:
            gateway.wait_ready()
        for gateway in begun:
            ledger.upload(gateway.url)
        for gateway in begun:
            ledger.check(gateway.url)
    finally:
        for gateway in begun:
            gateway.kill()


async def settled(url: str, store: str, data_dir: Path) -> str:
    db: Database = await open_database(url, clock=SystemClock())
    blobs = open_blob_store(store, data_dir)
    try:
        await settle(db, blobs)
    except ConfigError as error:
        return str(error)
    finally:
        await blobs.close()
        await db.close()
    return ""


def test_of_two_catalogues_that_meet_one_store_exactly_one_gets_it(
    site: Site, other_catalogue: Callable[[], str]
) -> None:
    async def main() -> list[str]:
        urls = [site.url, other_catalogue(), other_catalogue()]
        return await asyncio.gather(*(settled(url, site.blob_store, site.data_dir) for url in urls * 2))

    site.data_dir.mkdir(parents=True)
    said = asyncio.run(main())
    assert len({index % 3 for index, sentence in enumerate(said) if not sentence}) == 1
    assert said.count("") == 2


def test_of_two_stores_that_meet_one_catalogue_exactly_one_gets_it(site: Site, tmp_path: Path) -> None:
    async def main() -> list[str]:
        if site.blob_store == "local":
            stores = [("local", tmp_path / f"machine-{number}") for number in range(3)]
        else:
            stores = [(s3_url(f"machine-{number}"), tmp_path) for number in range(3)]
        return await asyncio.gather(*(settled(site.url, *store) for store in stores * 2))

    site.data_dir.mkdir(parents=True)
    said = asyncio.run(main())
    assert len({index % 3 for index, sentence in enumerate(said) if not sentence}) == 1
    assert said.count("") == 2


@pytest.mark.parametrize("grace", ["0", "3", "3599"])
def test_a_grace_shorter_than_an_upload_is_refused(tmp_path: Path, grace: str) -> None:
    site = Site(tmp_path)
    for arguments, ours in (
        ((), {"orphan_grace_seconds": float(grace)}),
        (("--orphan-grace-seconds", grace), {}),
    ):
        sentence = site.refused(*arguments, **ours)
        assert "orphan" in sentence and "3600" in sentence


def test_every_answer_names_where_it_looked(site: Site) -> None:
    with site.gateway() as gateway:
        Ledger().upload(gateway.url)
    places = ("catalog.db" if site.url.startswith("sqlite") else "database '", site.store)
    for command in (("owners",), ("check",), ("sweep",), ("adopt",), ("erase", "ann", "--yes")):
        for arguments in (command, (*command, "--json")):
            done = site.admin(*arguments, code=1 if arguments == ("erase", "ann", "--yes", "--json") else 0)
            assert all(place in done.stdout + done.stderr for place in places), done
            assert "liftgate@" not in done.stdout + done.stderr
