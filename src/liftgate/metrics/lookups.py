"""What is looked up for a scrape: files, copies, accounts, deployments, the disk."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from liftgate.catalog.database import Database
from liftgate.catalog.rows.files import owners
from liftgate.engine.overview import PROJECT_BYTES, Overview
from liftgate.metrics import families
from liftgate.metrics.calls import MOST_KEYS, OTHER
from liftgate.metrics.families import Family
from liftgate.metrics.scrape import LookedUp, LookUp
from liftgate.settings.sections import MASTER

PERIOD = 5.0
"""Seconds for which what was found is told again: scrapes of several Prometheus servers cost one look."""


def look_ups(db: Database, overview: Overview, data_dir: Path, now: Callable[[], float]) -> LookUp:
    """`now`: the monotonic clock. What is given raises what the catalogue does."""
    kept: tuple[float, LookedUp] | None = None

    async def look() -> LookedUp:
        nonlocal kept
        if kept is None or now() - kept[0] >= PERIOD:
            kept = now(), await _found(db, overview, data_dir)
        stale = db.stale_since()
        found = dict(kept[1])
        _set(found, families.STALE, (), 0.0 if stale is None else now() - stale)
        _set(found, families.PAGING, (), overview.page_ins())
        for state in overview.deployments():
            _set(found, families.AVAILABLE, (state.deployment.id,), 0.0 if state.cooling else 1.0)
        return found

    return look


async def _found(db: Database, overview: Overview, data_dir: Path) -> LookedUp:
    from importlib import metadata  # A part of each gateway's start, for those who count.

    found: LookedUp = {}
    _set(found, families.BUILD, (metadata.version("liftgate"),), 1.0)
    stored = sorted(await db.read(owners), key=lambda row: -row[2])
    for place, (owner, files, used) in enumerate(stored):
        named = (owner if place < MOST_KEYS else OTHER,)
        _add(found, families.FILES, named, files)
        _add(found, families.STORED, named, used)
    for use in await overview.accounts(MASTER, everyones=True):
        account = use.account.name
        _set(found, families.QUOTA, (account,), PROJECT_BYTES)
        _set(found, families.DOOMED, (account,), use.to_purge or 0)
        _set(found, families.REPLICA_BYTES, (account,), sum(held.bytes for held in use.held))
        for held in use.held:
            _add(found, families.REPLICAS, (account, held.state), held.copies)
    spool, free = await asyncio.to_thread(_disk, data_dir)
    _set(found, families.SPOOL, (), spool)
    _set(found, families.DISK, (), free)
    return found


def _disk(data_dir: Path) -> tuple[int, int]:
    spool = 0
    for entry in os.scandir(data_dir / "spool"):
        try:
            spool += entry.stat().st_size
        except FileNotFoundError:
            continue  # It has arrived.
    return spool, shutil.disk_usage(data_dir).free


def _set(found: LookedUp, family: Family, labels: tuple[str, ...], value: float) -> None:
    found[family.name, labels] = [float(value)]


def _add(found: LookedUp, family: Family, labels: tuple[str, ...], value: float) -> None:
    found.setdefault((family.name, labels), [0.0])[0] += value
