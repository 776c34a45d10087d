"""The log of a background response's events: read by who follows it, again too, until an hour after its end."""

from __future__ import annotations

from collections.abc import Sequence

from liftgate.catalog.connection import Connection, invalidate
from liftgate.catalog.rows.long_values import FIRST, Key, beginning, forget, whole, write_rest
from liftgate.catalog.table import BareTable
from liftgate.large_bodies import Body

CHANGED = "reply"
"""A topic of `invalidate`: something of a run is new for its readers."""
PREAMBLE = 3
"""Events before the first of the answer: created, queued, in_progress. They are the same at every attempt."""
_AT_ONCE = 1024 * 1024

EVENTS = BareTable(
    name="reply_events",
    also=("run_id", "number", "frame"),
    refers={"run_id": "reply_runs"},
    through="run_id",
    backup=None,
    left_out="For readers that come back within the hour.",
)


def log_frames(conn: Connection, run_id: str, first: int, frames: Sequence[Body]) -> None:
    for number, frame in enumerate(frames, first):
        conn.execute(
            "INSERT INTO reply_events (run_id, number, frame) VALUES (?, ?, ?)", (run_id, number, beginning(frame))
        )
        if len(frame) > FIRST:
            write_rest(conn, _frame(conn, run_id, number), frame)
    invalidate(conn, CHANGED, run_id)


def _frame(conn: Connection, run_id: str, number: int) -> Key:
    [(owner,)] = conn.execute("SELECT owner FROM reply_runs WHERE id = ?", (run_id,))
    return owner, "reply_events.frame", run_id, number


def forget_frames(conn: Connection, run_id: str, first: int = 0) -> None:
    gone = conn.execute(
        "DELETE FROM reply_events WHERE run_id = ? AND number >= ? RETURNING number, length(frame)", (run_id, first)
    )
    for number, size in gone:
        if size == FIRST:
            forget(conn, _frame(conn, run_id, number), size)


def next_number(conn: Connection, run_id: str) -> int:
    """Of the event that comes next."""
    [(last,)] = conn.execute("SELECT coalesce(max(number), -1) FROM reply_events WHERE run_id = ?", (run_id,))
    return int(last) + 1


def events_after(conn: Connection, run_id: str, number: int, limit: int) -> list[tuple[int, Body]]:
    """Within a snapshot: (number, frame) of those that follow, in order: one, and those behind it as far as they have
    `_AT_ONCE` bytes together."""
    sizes = conn.execute(
        "SELECT number, length(frame) FROM reply_events WHERE run_id = ? AND number > ? ORDER BY number LIMIT ?",
        (run_id, number, limit),
    )
    last, size = number, 0
    for each, more in sizes:
        # Of a long one its row says no more than that it is long.
        size += more if more < FIRST else _AT_ONCE
        if last > number and size > _AT_ONCE:
            break
        last = each
    rows = conn.execute(
        "SELECT number, frame FROM reply_events WHERE run_id = ? AND number > ? AND number <= ? ORDER BY number",
        (run_id, number, last),
    )
    return [(row[0], _whole_frame(conn, run_id, row[0], bytes(row[1]))) for row in rows]


def _whole_frame(conn: Connection, run_id: str, number: int, first: bytes) -> Body:
    return first if len(first) != FIRST else whole(conn, _frame(conn, run_id, number), first)
