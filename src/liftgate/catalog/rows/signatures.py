"""Thought signatures: opaque values of Gemini's that belong to a tool call of an owner, kept for a while.

A row per (owner, tool call id). The ids are random and ours; they come back from clients, so any text may be asked for.
`at` is the steady time now.
"""

from __future__ import annotations

from collections.abc import Sequence

from liftgate.catalog.connection import Connection, chunks, storable
from liftgate.catalog.table import BareTable
from liftgate.records import Owner

KEPT_SECONDS = 30 * 86_400

SIGNATURES = BareTable(
    name="signatures", also=("owner", "call_id", "value", "created_at"), owner="owner", texts=("call_id",)
)


def put_signatures(conn: Connection, owner: Owner, rows: Sequence[tuple[str, bytes]], at: float) -> None:
    """(tool call id, value): all or none; a later value of the same id replaces the earlier one."""
    for call_id, value in rows:
        conn.execute(
            "INSERT INTO signatures (owner, call_id, value, created_at) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (owner, call_id) DO UPDATE SET value = excluded.value, created_at = excluded.created_at",
            (owner, call_id, value, at),
        )


def get_signatures(conn: Connection, owner: Owner, call_ids: Sequence[str], at: float) -> dict[str, bytes]:
    """Those that are known and not older than 30 days."""
    found: dict[str, bytes] = {}
    asked = [call_id for call_id in dict.fromkeys(call_ids) if storable(call_id)]
    for marks, piece in chunks(asked):
        rows = conn.execute(
            f"SELECT call_id, value FROM signatures WHERE owner = ? AND created_at > ? AND call_id IN ({marks})",
            (owner, at - KEPT_SECONDS, *piece),
        )
        found.update((row[0], bytes(row[1])) for row in rows)
    return found


def expire_signatures(conn: Connection, at: float, limit: int) -> int:
    """Removes those older than 30 days, at most `limit`; how many."""
    conn.execute(
        "DELETE FROM signatures WHERE (owner, call_id) IN"
        " (SELECT owner, call_id FROM signatures WHERE created_at <= ? ORDER BY created_at LIMIT ?)",
        (at - KEPT_SECONDS, limit),
    )
    return conn.changed()
