"""Objects of the store that no row names: noted when a sweep meets them, condemned after the grace, then deleted.

A key is condemned and made a file's under one lock, so that it can only ever be one of the two: whoever stores an
object claims it in the transaction that names it, and a claim of a condemned key is refused. Thus no deletion depends
on how long an upload takes, nor on whose clock says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from liftgate.catalog.connection import Connection, chunks
from liftgate.catalog.steady import steady
from liftgate.catalog.table import BareTable, known_objects
from liftgate.errors import Unavailable

KEPT_SECONDS = 7 * 86_400.0
"""How long a condemned key is remembered: longer than any upload that could still claim it."""

UNKNOWN_OBJECTS = BareTable(
    name="unknown_objects",
    also=("key", "noted_at", "condemned_at"),
    # Of objects that no row needs: to note one here must not save it from the sweep.
    texts=("key",),
    backup=None,
    left_out="What a sweep found in this store.",
)


def claim(conn: Connection, key: str) -> None:
    """Inside the transaction that names `key`, which was stored before. Raises `Unavailable` when a sweep took it."""
    conn.execute("SELECT 1 FROM store WHERE id = 1 /*FOR SHARE*/")
    taken = conn.execute("DELETE FROM unknown_objects WHERE key = ? RETURNING condemned_at", (key,))
    if taken and taken[0][0] is not None:
        raise Unavailable(
            "What was uploaded was swept before it was complete; nothing of it was kept. Upload it again.",
            retry_after=1,
        )


def unknown_of(conn: Connection, keys: Sequence[str]) -> list[str]:
    """Which of these the catalogue does not know."""
    known = known_objects(conn, keys)
    return [key for key in keys if key not in known]


def note_unknown(conn: Connection, keys: Sequence[str]) -> list[str]:
    """Notes those that are still unknown, where they were not noted before; which they are."""
    unknown = unknown_of(conn, keys)
    noted_at = steady(conn)
    for key in unknown:
        conn.execute(
            "INSERT INTO unknown_objects (key, noted_at) VALUES (?, ?) ON CONFLICT (key) DO NOTHING", (key, noted_at)
        )
    return unknown


def due_unknown(conn: Connection, keys: Sequence[str], before: float) -> list[str]:
    """Which of these were noted at or before this steady time, or are condemned already."""
    due: list[str] = []
    for marks, piece in chunks(keys):
        rows = conn.execute(
            f"SELECT key FROM unknown_objects WHERE key IN ({marks}) AND (noted_at <= ? OR condemned_at IS NOT NULL)",
            (*piece, before),
        )
        due += [row[0] for row in rows]
    return due


def condemn(conn: Connection, keys: Sequence[str], before: float) -> list[str]:
    """Which of these may be deleted: still due, still unknown, and from now on for ever."""
    conn.execute("SELECT 1 FROM store WHERE id = 1 /*FOR UPDATE*/")
    due = due_unknown(conn, unknown_of(conn, keys), before)
    condemned_at = steady(conn)
    for key in due:
        conn.execute(
            "UPDATE unknown_objects SET condemned_at = ? WHERE key = ? AND condemned_at IS NULL", (condemned_at, key)
        )
    return due


def keep_arriving(conn: Connection, keys: Iterable[str]) -> None:
    """These are being stored by a process that lives: their grace begins anew."""
    at = steady(conn)
    for key in sorted(keys):
        conn.execute("UPDATE unknown_objects SET noted_at = ? WHERE key = ? AND condemned_at IS NULL", (at, key))


def forget_unknown(conn: Connection, after: str, limit: int, listed: set[str]) -> str | None:
    """Drops notes of what is not in the store any more, a page of them, in the order of keys; where the next begins."""
    rows = conn.execute(
        "SELECT key, condemned_at FROM unknown_objects WHERE key > ? ORDER BY key LIMIT ?", (after, limit)
    )
    old = steady(conn) - KEPT_SECONDS
    for key, condemned_at in rows:
        if key not in listed and (condemned_at is None or condemned_at < old):
            conn.execute("DELETE FROM unknown_objects WHERE key = ?", (key,))
    return rows[-1][0] if len(rows) == limit else None
