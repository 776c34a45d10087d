"""What a key, or an owner, has spent, and what is left of its budgets: as its rows have them, by LiteLLM's names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from liftgate.catalog.connection import Connection
from liftgate.catalog.rows.allowances import read_all_allowances, read_allowances
from liftgate.catalog.rows.keys import keys_with_budgets
from liftgate.catalog.rows.owner_limits import owners_with_budgets
from liftgate.catalog.rows.usage import COUNTED, read_usage
from liftgate.json_types import JsonObject
from liftgate.keys.key import Key
from liftgate.keys.known_owners import bounds_of
from liftgate.keys.limits import NANO, Bounds, Limit
from liftgate.keys.pools import read_pool
from liftgate.keys.shown import iso, shown_key, shown_owner
from liftgate.keys.windows import window_of
from liftgate.records import KeyRecord, OwnerLimits, UsageFilter


@dataclass(frozen=True, slots=True)
class Budget:
    """How a budget stands now; nano-dollars. `held`: for calls that are running. `ends_at`: of its window."""

    limit: Limit
    spent: int
    held: int
    ends_at: float | None

    @property
    def left(self) -> int:
        return max(0, self.limit.amount - self.spent)


@dataclass(frozen=True, slots=True)
class Budgets:
    """Of a key or an owner. `soft`: nano-dollars. Without a budget nothing says what was spent of it."""

    name: str
    budgets: tuple[Budget, ...]
    soft: int | None

    @property
    def nearness(self) -> float:
        """How near it is to its first end, its soft budget's too: the part that is left."""
        parts = [each.left / max(1, each.limit.amount) for each in self.budgets]
        if self.soft is not None:
            parts.append(1 - max((each.spent for each in self.budgets), default=0) / max(1, self.soft))
        return min(parts, default=1.0)


def budget_of(limit: Limit, state: str | None, now: float, zone: ZoneInfo) -> Budget:
    """`state`: as the limit's row has it. `now`: the database's time."""
    begin, end = window_of(limit.duration, now, limit.counted_from, zone)
    pool = read_pool(state)
    held = sum(each.amount for each in pool.held.values())
    return Budget(limit, 0 if begin > pool.begin else pool.spent, held, end)


def shown_budget(budget: Budget) -> JsonObject:
    """In US dollars."""
    limit = budget.limit
    return {
        **({"model": limit.model} if limit.model else {}),
        "budget_duration": limit.duration,
        "max_budget": limit.amount / NANO if limit.is_bounded else None,
        "spend": budget.spent / NANO,
        "held": budget.held / NANO,
        "budget_reset_at": iso(budget.ends_at),
    }


def read_budgets(conn: Connection, zone: ZoneInfo, most: int) -> list[Budgets]:
    """Of keys with a budget for all models, those that were changed last, the nearest to an end first."""
    keys = [Key(record) for record in keys_with_budgets(conn, most)]
    states = read_all_allowances(conn, [key.id for key in keys])
    return _nearest_first(conn, [key.bounds for key in keys], states, zone)


def read_owner_budgets(conn: Connection, zone: ZoneInfo, most: int) -> list[Budgets]:
    """The same of owners."""
    owners = owners_with_budgets(conn, most)
    states = read_all_allowances(conn, [owner.id for owner in owners])
    return _nearest_first(conn, [bounds_of(owner) for owner in owners], states, zone)


def _nearest_first(
    conn: Connection, all_bounds: Iterable[Bounds], states: Mapping[str, str], zone: ZoneInfo
) -> list[Budgets]:
    now = conn.now()
    found = []
    for bounds in all_bounds:
        limits = [limit for limit in bounds.limits if limit.kind == "usd" and not limit.model]
        budgets = tuple(budget_of(limit, states.get(limit.id), now, zone) for limit in limits)
        if budgets:
            found.append(Budgets(bounds.name, budgets, bounds.soft_budget))
    return sorted(found, key=lambda each: each.nearness)


def spent_by_key(conn: Connection, record: KeyRecord, zone: ZoneInfo) -> JsonObject:
    """A key as it is shown, with what it has spent."""
    return {**shown_key(record), **read_spending(conn, record.id, Key(record).bounds, UsageFilter(key=record.id), zone)}


def spent_by_owner(conn: Connection, record: OwnerLimits, zone: ZoneInfo) -> JsonObject:
    """The same of an owner."""
    counted = UsageFilter(owner=record.owner)
    return {**shown_owner(record), **read_spending(conn, record.id, bounds_of(record), counted, zone)}


def read_spending(conn: Connection, subject: str, bounds: Bounds, counted: UsageFilter, zone: ZoneInfo) -> JsonObject:
    """`spend` of the first budget's window, in US dollars; without a budget for all models what was counted in all,
    where that is (`spend: true`). `subject`: the id of the key or of the owner."""
    now = conn.now()
    budgets = [limit for limit in bounds.limits if limit.kind == "usd"]
    states = read_allowances(conn, subject)
    shown = [shown_budget(budget_of(limit, states.get(limit.id), now, zone)) for limit in budgets]
    if budgets and not budgets[0].model:
        return {"spend": shown[0]["spend"], "budget_reset_at": shown[0]["budget_reset_at"], "budgets": shown}
    sums = read_usage(conn, (), counted, 1)
    nanos = sum(row[1][COUNTED.index("nano_usd")] for row in sums)
    return {"spend": nanos / NANO, "budget_reset_at": None, "budgets": shown}
