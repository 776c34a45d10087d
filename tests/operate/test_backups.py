"""An operator's mistakes with backups, and disks that fail under them."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from drill import Ledger, Site, copied


@contextmanager
def mounted(place: Path, *how: str) -> Iterator[None]:
    place.mkdir(exist_ok=True)
    if subprocess.run(["mount", *how, str(place)], capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount")
    try:
        yield
    finally:
        subprocess.run(["umount", str(place)], check=True)


def put_back(site: Site, older: Site) -> Site:
    """The catalogue of `site` as `older` has kept it."""
    if site.url.startswith("sqlite"):
        here, there = (Path(one.url.removeprefix("sqlite://")) for one in (site, older))
        with closing(sqlite3.connect(there)) as source, closing(sqlite3.connect(here)) as target:
            source.backup(target)
        return site
    return replace(site, database_url=older.database_url)


def test_a_backup_is_not_brought_up_to_date_from_an_older_catalogue(
    site: Site, other_catalogue: Callable[[], str], tmp_path: Path
) -> None:
    """As a failover, or a database that was put back, leaves it: what came since is in the backup alone."""
    ledger, since, backup = Ledger(), Ledger(seed=100), tmp_path / "backup"
    with site.gateway() as gateway:
        ledger.upload(gateway.url, 3)
    site.admin("backup", backup)
    older = copied(site, other_catalogue())
    with site.gateway() as gateway:
        since.upload(gateway.url, 3)
    site.admin("backup", backup)
    site = put_back(site, older)
    with site.gateway() as gateway:
        ledger.check(gateway.url)
        Ledger(seed=200).upload(gateway.url, 2)
    for _ in range(2):
        said = site.admin("backup", backup, code=2).stderr
        assert f"{backup} holds a backup that is newer than the catalogue" in said
    # Another one is made and goes on.
    for _ in range(2):
        assert site.admin_json("backup", tmp_path / "another")["files"] == 5
    restored = Site(tmp_path / "restored")
    restored.admin("restore", backup)
    with restored.gateway() as gateway:
        ledger.check(gateway.url)
        since.check(gateway.url)


@pytest.mark.parametrize("name", ["blobs/new", "blobs/zz", "spool/new", "spend/new", "metrics/a/b"])
def test_no_backup_is_made_among_what_it_is_of(tmp_path: Path, name: str) -> None:
    site, ledger = Site(tmp_path / "site"), Ledger()
    with site.gateway() as gateway:
        ledger.upload(gateway.url)
    link = tmp_path / "link"
    link.symlink_to(site.data_dir)
    for data in (site.data_dir, link):
        assert "which is the gateway's own" in site.admin("backup", data / name, code=2).stderr
        assert not (data / name).exists()
    site.admin("backup", site.data_dir / "backup")


def test_a_backup_is_restored_from_where_nobody_can_write(tmp_path: Path) -> None:
    """A snapshot of a backup's directory is read-only."""
    site, ledger, backup = Site(tmp_path / "site"), Ledger(), tmp_path / "backup"
    with site.gateway() as gateway:
        ledger.upload(gateway.url, 2)
    site.admin("backup", backup)
    snapshot = tmp_path / "snapshot"
    with mounted(snapshot, "--bind", "-o", "ro", str(backup)):
        assert "Read-only file system" in site.admin("backup", snapshot, code=2).stderr
        restored = Site(tmp_path / "restored")
        restored.admin("restore", snapshot)
        # What a copy lacks that was made without it.
    (backup / "lock").unlink()
    with mounted(snapshot, "--bind", "-o", "ro", str(backup)):
        restored.admin("restore", snapshot)
    with restored.gateway() as gateway:
        ledger.check(gateway.url)


def test_a_full_disk_keeps_the_backup_that_is_there(tmp_path: Path) -> None:
    site, ledger, more, disk = Site(tmp_path / "site"), Ledger(), Ledger(seed=100), tmp_path / "disk"
    with mounted(disk, "-t", "tmpfs", "-o", "size=2m", "tmpfs"):
        with site.gateway() as gateway:
            ledger.upload(gateway.url, 3)
        site.admin("backup", disk / "backup")
        with site.gateway() as gateway:
            more.upload(gateway.url, 4, size=1_000_000)
        full = disk / "full"
        for left in (0, 40_000, 1_500_000):
            room = shutil.disk_usage(disk).free - left
            full.write_bytes(bytes(max(0, room)))
            said = site.admin("backup", disk / "backup", code=1).stderr
            assert str(disk / "backup") in said and "the same command goes on" in said, said
            full.unlink()
        restored = Site(tmp_path / "restored")
        restored.admin("restore", disk / "backup")
        with restored.gateway() as gateway:
            ledger.check(gateway.url)
        subprocess.run(["mount", "-o", "remount,size=16m", str(disk)], check=True)
        assert site.admin_json("backup", disk / "backup")["files"] == 7


@pytest.mark.parametrize("lacks", ["missing", "damaged"])
def test_a_restore_leaves_what_the_backup_has_no_better_of(tmp_path: Path, lacks: str) -> None:
    """Bytes in place that are damaged give way to whole ones alone: they may be all that is left of a file."""
    site, ledger, backup = Site(tmp_path / "site"), Ledger(), tmp_path / "backup"
    with site.gateway() as gateway:
        ledger.upload(gateway.url, 3)
    site.admin("backup", backup)
    [lost, mended, whole] = sorted(site.objects())

    def place_of(key: str, directory: Path) -> Path:
        [place] = directory.glob(f"blobs/*/{key}")
        return place

    for key in (lost, mended):
        place = place_of(key, site.data_dir)
        place.write_bytes(b"?" + place.read_bytes()[1:])
    left = place_of(lost, site.data_dir).read_bytes()
    if lacks == "missing":
        place_of(lost, backup).unlink()
    else:
        place_of(lost, backup).write_bytes(bytes(len(left)))
    for _ in range(2):
        done = site.admin("restore", backup, "--replace", code=1)
        assert f"{lacks:<8} {lost}" in done.stdout
        assert place_of(lost, site.data_dir).read_bytes() == left
        for key in (mended, whole):
            assert place_of(key, site.data_dir).read_bytes() == place_of(key, backup).read_bytes()
