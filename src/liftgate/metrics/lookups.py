"""What is looked up for a scrape: files, copies, accounts, deployments, the disk."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from liftgate.catalog.connection import Connection
from liftgate.catalog.database import Database
from liftgate.catalog.rows.copies import oldest_purges
from liftgate.catalog.rows.files import owners
from liftgate.catalog.rows.reply_runs import IN_FLIGHT, count_in_flight
from liftgate.catalog.rows.uploads import count_open
from liftgate.engine.overview import PROJECT_BYTES, Overview
from liftgate.keys.gateway_budget import GatewayBudget
from liftgate.keys.limits import NANO
from liftgate.keys.spending import Budget, Budgets, read_budgets, read_owner_budgets
from liftgate.metrics import families
from liftgate.metrics.calls import MOST_KEYS
from liftgate.metrics.families import OTHER, Family
from liftgate.metrics.scrape import LookedUp, LookUp
from liftgate.settings.sections import MASTER

PERIOD = 5.0
"""Seconds for which what was found is served again: scrapes of several Prometheus servers cost one look."""


BUDGETS_LOOKED_AT = 1000
"""Keys with a budget, and owners, of which the `MOST_KEYS` that are nearest to its end have numbers."""
KINDS = {"openai": "parts", "gemini": "native"}
"""A kind of upload → the door that it comes in by."""


def look_ups(
    db: Database, overview: Overview, data_dir: Path, budget: GatewayBudget, now: Callable[[], float]
) -> LookUp:
    """`now`: the monotonic clock. What is given raises what the catalogue does."""
    kept: tuple[float, LookedUp] | None = None

    async def look() -> LookedUp:
        nonlocal kept
        if kept is None or now() - kept[0] >= PERIOD:
            kept = now(), await _found(db, overview, data_dir, budget)
        stale = db.stale_since()
        found = dict(kept[1])
        _set(found, families.STALE, (), 0.0 if stale is None else now() - stale)
        _set(found, families.PAGING, (), overview.page_ins())
        for state in overview.deployments():
            _set(found, families.AVAILABLE, (state.deployment.id,), 0.0 if state.cooling else 1.0)
        return found

    return look


async def _found(db: Database, overview: Overview, data_dir: Path, budget: GatewayBudget) -> LookedUp:
    found: LookedUp = {}
    _set(found, families.BUILD, await asyncio.to_thread(_build), 1.0)
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
    await _under_way(found, db)
    await _budgets(found, db, budget)
    spool, free = await asyncio.to_thread(_disk, data_dir)
    _set(found, families.SPOOL, (), spool)
    _set(found, families.DISK, (), free)
    return found


async def _under_way(found: LookedUp, db: Database) -> None:
    """What has begun and not ended, and since when names wait to be deleted."""

    def work(conn: Connection) -> tuple[dict[str, int], dict[str, int], dict[str, float]]:
        now = conn.now()
        waiting = {account: max(0.0, now - since) for account, since in oldest_purges(conn).items()}
        return count_open(conn), count_in_flight(conn), waiting

    uploads, runs, waiting = await db.read(work)
    for kind, door in KINDS.items():
        _set(found, families.UPLOADS_OPEN, (door,), uploads.get(kind, 0))
    for state in IN_FLIGHT:
        _set(found, families.REPLIES_OPEN, (state,), runs.get(state, 0))
    for name, labels in list(found):
        if name == families.DOOMED.name:
            _set(found, families.DOOMED_OLDEST, labels, waiting.get(labels[0], 0.0))


async def _budgets(found: LookedUp, db: Database, gateway: GatewayBudget) -> None:
    """Of the gateway, and of those keys and owners that are nearest to an end."""

    def work(conn: Connection) -> tuple[list[Budget], list[Budgets], list[Budgets]]:
        zone, most = gateway.zone, BUDGETS_LOOKED_AT
        return gateway.read_in(conn), read_budgets(conn, zone, most), read_owner_budgets(conn, zone, most)

    of_gateway, of_keys, of_owners = await db.read(work)
    _set_budgets(found, families.GATEWAY_BUDGETS, (), of_gateway)
    for which, these in ((families.KEY_BUDGETS, of_keys), (families.OWNER_BUDGETS, of_owners)):
        for each in these[:MOST_KEYS]:
            _set_budgets(found, which, (each.name,), each.budgets)
            if each.soft is not None:
                spent = max(budget.spent for budget in each.budgets)
                _set(found, which.soft, (each.name,), each.soft / NANO)
                _set(found, which.soft_left, (each.name,), (each.soft - spent) / NANO)


def _set_budgets(
    found: LookedUp, which: families.BudgetFamilies, whose: tuple[str, ...], budgets: Sequence[Budget]
) -> None:
    for budget in budgets:
        if not budget.limit.is_bounded:
            continue
        labels = *whose, budget.limit.duration or "total"
        _set(found, which.amount, labels, budget.limit.amount / NANO)
        _set(found, which.left, labels, budget.left / NANO)
        if budget.ends_at is not None:
            _set(found, which.reset, labels, budget.ends_at)


@cache
def _build() -> tuple[str, str]:
    """The version, and the commit where it was installed from one."""
    from importlib import metadata  # A part of each gateway's start, for those who count.

    installed = metadata.distribution("liftgate")
    try:
        origin = json.loads(installed.read_text("direct_url.json") or "{}")
        commit = str(origin.get("vcs_info", {}).get("commit_id", ""))
    except (ValueError, AttributeError):
        commit = ""
    return installed.version, commit


def _disk(data_dir: Path) -> tuple[int, int]:
    spool = 0
    for entry in os.scandir(data_dir / "spool"):
        try:
            spool += entry.stat(follow_symlinks=False).st_size
        except FileNotFoundError:
            continue  # It has arrived.
    return spool, shutil.disk_usage(data_dir).free


def _set(found: LookedUp, family: Family, labels: tuple[str, ...], value: float) -> None:
    found[family.name, labels] = [float(value)]


def _add(found: LookedUp, family: Family, labels: tuple[str, ...], value: float) -> None:
    found.setdefault((family.name, labels), [0.0])[0] += value
