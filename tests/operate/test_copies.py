"""A catalogue and a copy of it bear the same marks: whichever is used, and whichever is not running, neither deletes
what the other has acknowledged before an operator says that the other is gone."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from aging import let_pass
from drill import Ledger, Site, copied, in_catalogue, swept, turn_of
from gateways import client_for

HOUR, DAY = 3600.0, 86_400.0
SWEEPS = (
    ("sweep",),
    ("sweep", "--grace", "0", "--yes"),
    ("sweep", "--deleted"),
    ("sweep", "--grace", "0", "--deleted", "--yes"),
)


def swept_in_every_way(site: Site, ways: Sequence[tuple[str, ...]] = SWEEPS) -> None:
    for arguments in ways:
        said = site.admin(*arguments).stdout
        assert "No bytes were deleted" in said
        assert "--all" in said
        assert site.admin_json(*arguments)["alone"] is False


@pytest.mark.parametrize("step", [2, pytest.param(1, marks=pytest.mark.full)], ids=["some", "all"])
def test_the_original_deletes_nothing_of_a_copy_that_has_stopped(
    site: Site, other_catalogue: Callable[[], str], step: int
) -> None:
    ledger, theirs = Ledger(), Ledger(seed=100)
    with site.gateway() as gateway:
        ledger.upload(gateway.url, 3)
    copy = copied(site, other_catalogue())
    with copy.gateway() as gateway:
        theirs.upload(gateway.url, 8)
        removed = ledger.upload(gateway.url)[0]
        theirs.files[removed] = ledger.files.pop(removed)
    # At once, after the grace, and long after it.
    for number, days in enumerate((0, 2, 30)):
        let_pass(site.url, days * DAY)
        swept_in_every_way(site, SWEEPS[number % step :: step])
    with site.gateway() as gateway:
        swept(site, 4)
        ledger.check(gateway.url)
    with copy.gateway() as gateway:
        theirs.check(gateway.url)


def test_a_copy_deletes_nothing_of_the_original_that_has_stopped(
    site: Site, other_catalogue: Callable[[], str]
) -> None:
    """Nothing has swept since the copy was made, so the store itself does not show it."""
    ledger = Ledger()
    with site.gateway() as gateway, client_for(gateway.url) as client:
        ledger.upload(gateway.url, 4)
        ledger.upload(gateway.url, 2, key="sk-bob")
        upload = client.uploads.create(filename="a", purpose="batch", bytes=6, mime_type="video/mp4")
        parts = [client.uploads.parts.create(upload.id, data=piece).id for piece in (b"abc", b"def")]
    copy = copied(site, other_catalogue())
    with site.gateway() as gateway, client_for(gateway.url) as client:
        done = client.uploads.complete(upload.id, part_ids=parts)
        assert done.file is not None
        ledger.files[done.file.id] = b"abcdef"
    before = site.objects()
    with copy.gateway() as gateway, client_for(gateway.url) as client:
        client.uploads.cancel(upload.id)
        for file in client.files.list():
            client.files.delete(file.id)
        swept(site, 4)
        for days in (2, 30):
            let_pass(copy.url, days * DAY)
            swept(site, 4)
        assert "`liftgate admin sweep --all`" in gateway.log.read_text()
    swept_in_every_way(copy)
    assert "left to the sweep" in copy.admin("erase", "bob", "--yes", code=1).stderr
    assert site.objects() == before
    with site.gateway() as gateway:
        check_of_both(ledger, gateway.url)


def check_of_both(ledger: Ledger, url: str) -> None:
    """Ann's and bob's."""
    for key in ("sk-ann", "sk-bob"):
        with client_for(url, key) as client:
            listed = {file.id for file in client.files.list()}
        mine = Ledger({name: content for name, content in ledger.files.items() if name in listed})
        mine.check(url, key)
        for name in mine.files:
            del ledger.files[name]
    assert not ledger.files


def test_a_copy_that_ends_an_upload_leaves_its_parts(site: Site, other_catalogue: Callable[[], str]) -> None:
    """Completed with some of them, or expired: what it does not use may be used by the other one, and the other way."""
    ledger, theirs = Ledger(), Ledger()
    with site.gateway() as gateway, client_for(gateway.url) as client:
        uploads = [
            client.uploads.create(filename="a", purpose="batch", bytes=4, mime_type="video/mp4") for _ in range(2)
        ]
        parts = [
            [client.uploads.parts.create(upload.id, data=b"%s%d" % (piece, number)).id for piece in (b"abc", b"def")]
            for number, upload in enumerate(uploads)
        ]
    copy = copied(site, other_catalogue())
    with copy.gateway() as gateway, client_for(gateway.url) as client:
        done = client.uploads.complete(uploads[0].id, part_ids=parts[0][:1])
        assert done.file is not None
        theirs.files[done.file.id] = b"abc0"
        let_pass(copy.url, 3 * DAY)
        swept(site, 4)
    with site.gateway() as gateway, client_for(gateway.url) as client:
        for number, (upload, ids) in enumerate(zip(uploads, parts, strict=True)):
            done = client.uploads.complete(upload.id, part_ids=ids[1:])
            assert done.file is not None
            ledger.files[done.file.id] = b"def%d" % number
        ledger.check(gateway.url)
    with copy.gateway() as gateway:
        theirs.check(gateway.url)


def test_the_original_hears_of_a_copy_before_it_sweeps(site: Site, other_catalogue: Callable[[], str]) -> None:
    """Both run; the original's next sweep is far away."""
    theirs = Ledger()
    with site.gateway(sweep_seconds=600) as gateway, client_for(gateway.url) as client:
        upload = client.uploads.create(filename="a", purpose="batch", bytes=3, mime_type="video/mp4")
        part = client.uploads.parts.create(upload.id, data=b"abc").id
        ids = Ledger().upload(gateway.url, 2)
        copy = copied_while_it_runs(site, other_catalogue())
        with copy.gateway(sweep_seconds=600) as other, client_for(other.url) as their_client:
            done = their_client.uploads.complete(upload.id, part_ids=[part])
            assert done.file is not None
            theirs.files[done.file.id] = b"abc"
            theirs.files |= {name: their_client.files.content(name).read() for name in ids}
            client.uploads.cancel(upload.id)
            for name in ids:
                client.files.delete(name)
            assert "left to the sweep" in site.admin("erase", "ann", "--yes", code=1).stderr
            assert "No bytes were deleted" in site.admin("sweep", "--grace", "0", "--deleted", "--yes").stdout
            theirs.check(other.url)


def copied_while_it_runs(site: Site, url: str) -> Site:
    if site.url.startswith("sqlite"):
        return copied(site, url)
    pytest.skip("PostgreSQL copies no database that is in use")


def test_an_operator_says_that_the_other_one_is_gone(site: Site, other_catalogue: Callable[[], str]) -> None:
    """By --all, which asks; and by adopting, which shuts the other one out."""
    theirs, mine = Ledger(), Ledger(seed=100)
    with site.gateway() as gateway:
        theirs.upload(gateway.url, 3)
    copy = copied(site, other_catalogue())
    with site.gateway() as gateway:
        theirs.upload(gateway.url, 3)
    with copy.gateway() as gateway:
        mine.upload(gateway.url, 2)
        swept(site)
    assert len(site.objects()) == 8
    assert "--yes" in copy.admin("sweep", "--all", code=2).stderr
    said = copy.admin_json("sweep", "--grace", "0", "--all", "--yes")
    assert (said["objects"], said["alone"]) == (3, True)
    # From now on it is alone for so long as nobody else sweeps.
    with copy.gateway() as gateway:
        mine.upload(gateway.url)
        mine.delete(gateway.url, next(iter(mine.files)))
        let_pass(copy.url, 2 * DAY)
        swept(site, 4)
        assert len(site.objects()) == 5
        mine.check(gateway.url)
    with site.gateway() as gateway:
        swept(site)
        assert "another catalogue has swept" in gateway.log.read_text()
    copy.admin("adopt", "--yes")
    assert "`liftgate admin adopt`" in site.refused()
    with copy.gateway() as gateway:
        mine.delete(gateway.url, next(iter(mine.files)))
        swept(site)
        assert len(site.objects()) == 5
        let_pass(copy.url, 2 * DAY)
        swept(site, 4)
        assert len(site.objects()) == 4
        mine.check(gateway.url)


def test_a_restart_is_no_copy(site: Site) -> None:
    ledger = Ledger()
    with site.gateway() as gateway:
        ledger.upload(gateway.url, 2)
        ledger.delete(gateway.url, next(iter(ledger.files)))
    for _ in range(2):
        with site.gateway() as gateway:
            swept(site, 2)
            assert "another catalogue" not in gateway.log.read_text()
            assert "is a copy" not in gateway.log.read_text()
    if site.url.startswith("sqlite"):
        in_catalogue(site.url, "SELECT 1")
    let_pass(site.url, 2 * DAY)
    assert site.admin_json("sweep")["blobs"] == 1
    with site.gateway() as gateway:
        ledger.check(gateway.url)


@pytest.mark.parametrize("kind", ["sqlite-local"])
def test_a_catalogue_and_a_store_that_were_moved_together_go_on(site: Site, tmp_path: Path) -> None:
    ledger = Ledger()
    with site.gateway() as gateway:
        ledger.upload(gateway.url, 3)
        ledger.delete(gateway.url, next(iter(ledger.files)))
    other = replace(site, directory=tmp_path / "another-disk")
    shutil.copytree(site.directory, other.directory)
    with other.gateway() as gateway:
        let_pass(other.url, 2 * DAY)
        swept(other, 4)
        assert "is a copy" not in gateway.log.read_text()
        assert len(other.objects()) == 2
        ledger.check(gateway.url)
    assert len(site.objects()) == 3


def test_the_first_round_of_a_process_deletes_no_bytes(site: Site) -> None:
    ledger = Ledger()
    with site.gateway() as gateway:
        ledger.upload(gateway.url, 2)
        ledger.delete(gateway.url, next(iter(ledger.files)))
    let_pass(site.url, 2 * DAY)
    before = turn_of(site)
    with site.gateway(sweep_seconds=600):
        while turn_of(site) == before:
            time.sleep(0.05)
        assert len(site.objects()) == 2
    with site.gateway():
        swept(site, 3)
        assert len(site.objects()) == 1
