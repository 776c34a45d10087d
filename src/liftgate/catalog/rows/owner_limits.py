"""Owners that have limits of their own: a row for each. An owner without a row has none.

Every write of a row announces its owner (topic "owner"), so that no process goes on with what it remembers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from liftgate.catalog.connection import Connection, invalidate, storable
from liftgate.catalog.folding import folded
from liftgate.catalog.rows.keys import HAS_BUDGET, KEYS, OF_OWNER
from liftgate.catalog.table import Part, Table
from liftgate.errors import Conflict
from liftgate.records import OwnerLimits, OwnerSearch

TOPIC = "owner"


class OwnerLimitsTable(Table[OwnerLimits], frozen=True, kw_only=True, eq=False, dict=True):
    def delete_rows(self, conn: Connection, condition: str, params: Sequence[object]) -> None:
        """With what their limits have let out."""
        found = conn.execute(f"SELECT id, owner FROM owner_limits WHERE {condition} /*FOR UPDATE*/", params)
        for owner_id, owner in found:
            conn.execute("DELETE FROM owner_allowances WHERE owner_id = ?", (owner_id,))
            conn.execute("DELETE FROM owner_limits WHERE id = ?", (owner_id,))
            invalidate(conn, TOPIC, owner)


OWNER_LIMITS = OwnerLimitsTable(name="owner_limits", record=OwnerLimits, owner="owner", texts=("id", "alias", "terms"))


def insert_owner(conn: Connection, record: OwnerLimits) -> OwnerLimits:
    """With the database's time as its beginning. Raises `Conflict` where it is there."""
    now = conn.now()
    made = replace(record, created_at=now, updated_at=now)
    # One at a time: two that make one owner at the same moment would else meet the index, which knows no sentence.
    conn.execute("UPDATE counters SET value = value WHERE name = 'generation'")
    if conn.execute("SELECT 1 FROM owner_limits WHERE owner = ?", (made.owner,)):
        raise Conflict(f"The owner {made.owner!r} has limits already. Update them.", code="owner_exists")
    OWNER_LIMITS.insert(conn, made)
    invalidate(conn, TOPIC, made.owner)
    return made


def save_owner(conn: Connection, record: OwnerLimits) -> OwnerLimits:
    """Writes what is new in a row that was read in the same transaction (`lock_owner`)."""
    saved = replace(record, updated_at=conn.now())
    conn.execute(
        "UPDATE owner_limits SET alias = ?, updated_at = ?, terms = ? WHERE id = ?",
        (saved.alias, saved.updated_at, saved.terms, saved.id),
    )
    invalidate(conn, TOPIC, saved.owner)
    return saved


def find_owner(conn: Connection, owner: str) -> OwnerLimits | None:
    return OWNER_LIMITS.find(conn, "WHERE owner = ?", (owner,)) if storable(owner) else None


def lock_owner(conn: Connection, owner: str) -> OwnerLimits | None:
    """Inside a write: the row is locked."""
    return OWNER_LIMITS.find(conn, "WHERE owner = ? /*FOR UPDATE*/", (owner,)) if storable(owner) else None


def delete_owner(conn: Connection, record: OwnerLimits) -> None:
    """With its keys; its Files stay."""
    KEYS.delete_rows(conn, OF_OWNER, (record.owner, record.owner))
    OWNER_LIMITS.delete_rows(conn, "id = ?", (record.id,))


def any_owners(conn: Connection) -> bool:
    return bool(conn.execute("SELECT 1 FROM owner_limits LIMIT 1"))


def owners_with_budgets(conn: Connection, limit: int) -> list[OwnerLimits]:
    """Those that were changed last; among them may be some whose notes only speak of a budget."""
    return OWNER_LIMITS.select(conn, f"WHERE {HAS_BUDGET} ORDER BY updated_at DESC, id LIMIT ?", (limit,))


ORDERS = {"id": "owner", "alias": "alias", "created_at": "created_at", "updated_at": "updated_at"}
"""LiteLLM's names of what a list can be sorted by, without the noun → column."""


def list_owners(conn: Connection, search: OwnerSearch) -> tuple[list[OwnerLimits], int]:
    """A page of those that fit, and how many there are."""
    conditions, values = ["1 = 1"], list[object]()
    if search.owners is not None:
        named = [owner for owner in search.owners if storable(owner)]
        if not named:
            return [], 0
        conditions.append(f"owner IN ({', '.join('?' * len(named))})")
        values += named
    part = Part(folded(search.alias), ("alias",)) if search.alias else None
    return OWNER_LIMITS.page(conn, conditions, values, ORDERS[search.order], search, part)
