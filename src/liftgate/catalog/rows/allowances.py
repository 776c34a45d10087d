"""What the limits of keys have let out: a row for each limit. Its state is one text, which a process reads and writes
back while it holds the row: so limits are exact over all processes, however many limits one transaction is about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from liftgate.catalog.connection import Connection, chunks
from liftgate.catalog.table import BareTable

T = TypeVar("T")

ALLOWANCES = BareTable(
    name="allowances",
    also=("id", "key_id", "state"),
    refers={"key_id": "keys"},
    texts=("id", "state"),
    through="key_id",
)


def change_allowances(
    conn: Connection, limits: Sequence[tuple[str, str]], change: Callable[[str, str | None, float], str | None]
) -> None:
    """`limits`: (id, key's id). `change(id, state, now)` gives the new state; None leaves it. Limits of keys that are
    not there any more are left out."""
    keys = dict(sorted(limits))
    there: set[str] = set()
    for marks, piece in chunks(sorted(set(keys.values()))):
        # Held to the end: a key that is deleted meanwhile takes its rows with it.
        there.update(row[0] for row in conn.execute(f"SELECT id FROM keys WHERE id IN ({marks}) /*FOR SHARE*/", piece))
    ids = [limit_id for limit_id, key_id in keys.items() if key_id in there]
    for limit_id in ids:
        conn.execute(
            "INSERT INTO allowances (id, key_id, state) VALUES (?, ?, '') ON CONFLICT (id) DO NOTHING",
            (limit_id, keys[limit_id]),
        )
    states: dict[str, str] = {}
    for marks, piece in chunks(ids):
        # In one order, so that two processes never wait for each other.
        states |= {
            row[0]: row[1]
            for row in conn.execute(
                f"SELECT id, state FROM allowances WHERE id IN ({marks}) ORDER BY id /*FOR UPDATE*/", piece
            )
        }
    now = conn.now()
    for limit_id in ids:
        changed = change(limit_id, states[limit_id] or None, now)
        if changed is not None:
            conn.execute("UPDATE allowances SET state = ? WHERE id = ?", (changed, limit_id))


def read_all_allowances(conn: Connection, key_ids: Sequence[str]) -> dict[str, str]:
    """The states of these keys' limits by their ids."""
    found: dict[str, str] = {}
    for marks, piece in chunks(key_ids):
        rows = conn.execute(f"SELECT id, state FROM allowances WHERE key_id IN ({marks})", piece)
        found |= {row[0]: row[1] for row in rows}
    return found


def read_allowances(conn: Connection, key_id: str) -> dict[str, str]:
    """The states of a key's limits by their ids."""
    return read_all_allowances(conn, [key_id])
