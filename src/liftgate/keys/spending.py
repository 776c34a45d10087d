"""What a key has spent, and what is left of its budgets: as its row has them, and as LiteLLM's routes show them."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from liftgate.catalog.connection import Connection
from liftgate.catalog.rows.allowances import read_allowances
from liftgate.catalog.rows.usage import COUNTED, read_usage
from liftgate.keys.key import Key
from liftgate.keys.limits import NANO
from liftgate.keys.pools import read_pool
from liftgate.keys.shown import iso
from liftgate.keys.windows import window_of
from liftgate.records import KeyRecord, UsageFilter


def read_spending(conn: Connection, record: KeyRecord, zone: ZoneInfo) -> dict[str, Any]:
    """`spend` of the first budget's window, in US dollars; of a key without a budget for all models what was counted
    of it in all, where that is (`spend: true`)."""
    key, now = Key(record), conn.now()
    budgets = [limit for limit in key.limits if limit.kind == "usd"]
    states = read_allowances(conn, record.id)
    shown: list[dict[str, Any]] = []
    for limit in budgets:
        begin, end = window_of(limit.duration, now, limit.counted_from, zone)
        pool = read_pool(states.get(limit.id))
        held = sum(each.amount for each in pool.held.values())
        spent = 0 if begin > pool.begin else pool.spent
        shown.append(
            {
                **({"model": limit.model} if limit.model else {}),
                "budget_duration": limit.duration,
                "max_budget": limit.amount / NANO,
                "spend": spent / NANO,
                "held": held / NANO,
                "budget_reset_at": iso(end),
            }
        )
    if budgets and not budgets[0].model:
        return {"spend": shown[0]["spend"], "budget_reset_at": shown[0]["budget_reset_at"], "budgets": shown}
    rows = read_usage(conn, ("key",), UsageFilter(key=key.id), 1)
    counted = sum(row[1][COUNTED.index("nano_usd")] for row in rows)
    return {"spend": counted / NANO, "budget_reset_at": None, "budgets": shown}
