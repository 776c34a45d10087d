"""Leases: who, over all processes and nodes, may do something at the moment. A row, in the database's own time.

A lease alone cannot stop a holder that slept through its end; the generation that `acquire` gives can: it grows with
every acquisition, and a write that carries an older one is refused (`copies.save_copy`). A lease that ends later
than its length from now was taken before the clock was set back: it is cut to its length, so that it still ends.
"""

from __future__ import annotations

from dataclasses import dataclass

from liftgate.catalog.connection import Connection, invalidate
from liftgate.catalog.table import BareTable, Table

_UNNOTED = 60.0
_SLACK = 1.0
"""Seconds that two processes on one machine may differ in what time it is."""


@dataclass(frozen=True, slots=True)
class Lease:
    """`expires_at` is in the database's time."""

    name: str
    holder: str
    generation: int
    expires_at: float


LEASES = Table(
    name="leases",
    record=Lease,
    also=("seconds",),
    texts=("name", "holder"),
    backup=None,
    left_out="Who does what at the moment.",
)
COUNTERS = BareTable(name="counters", also=("name", "value"), texts=("name",))


def acquire(conn: Connection, name: str, holder: str, seconds: float) -> int | None:
    """The fencing generation, larger than any before; None while another holds it. The same holder gets a new one."""
    now = conn.now()
    held = conn.execute("SELECT holder, expires_at FROM leases WHERE name = ? /*FOR UPDATE*/", (name,))
    before = str(held[0][0]) if held and _same_process(held[0][0], holder) else holder
    if held and held[0][0] != before and held[0][1] > now:
        cut_leases(conn, name)
        return None
    [(generation,)] = conn.execute("UPDATE counters SET value = value + 1 WHERE name = 'generation' RETURNING value")
    taken = conn.execute(
        "INSERT INTO leases (name, holder, generation, expires_at, seconds) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, generation = excluded.generation,"
        " expires_at = excluded.expires_at, seconds = excluded.seconds"
        " WHERE leases.holder = ? OR leases.expires_at <= ?"
        " RETURNING generation",
        (name, holder, generation, now + seconds, seconds, before, now),
    )
    return int(generation) if taken else None


def _same_process(holder: str, other: str) -> bool:
    """Behind a process's name may stand what it works for (`spans.mark`)."""
    return holder.partition(" ")[0] == other.partition(" ")[0]


def cut_leases(conn: Connection, name: str | None = None) -> int:
    """Cuts those (or the one of this name) that end later than they can; how many. Their holders renew, if they live.

    Rows of a Liftgate that did not note the length count as a minute, the length that most have.
    """
    now = conn.now()
    whose, values = ("", ()) if name is None else (" AND name = ?", (name,))
    conn.execute(
        f"UPDATE leases SET expires_at = ? + coalesce(seconds, {_UNNOTED}), seconds = coalesce(seconds, {_UNNOTED})"
        f" WHERE expires_at > ? + coalesce(seconds, {_UNNOTED}) + {_SLACK}{whose}",
        (now, now, *values),
    )
    return conn.changed()


def renew(conn: Connection, name: str, holder: str, generation: int, seconds: float) -> bool:
    """`seconds` more from now. False: it is past its end or another's, and the holder must stop."""
    now = conn.now()
    conn.execute(
        "UPDATE leases SET expires_at = ? WHERE name = ? AND holder = ? AND generation = ? AND expires_at > ?",
        (now + seconds, name, holder, generation, now),
    )
    return conn.changed() == 1


def release(conn: Connection, name: str, holder: str, generation: int) -> bool:
    """Gives it back and wakes those who wait (topic "lease"). False: it was not this holder's any more."""
    conn.execute("DELETE FROM leases WHERE name = ? AND holder = ? AND generation = ?", (name, holder, generation))
    released = conn.changed() == 1
    if released:
        invalidate(conn, "lease", name)
    return released


def holder_of(conn: Connection, name: str) -> Lease | None:
    """Who holds it now; None where it is free or has run out."""
    lease = LEASES.find(conn, "WHERE name = ?", (name,))
    return None if lease is None or lease.expires_at <= conn.now() else lease


def expire_leases(conn: Connection, limit: int) -> int:
    """Removes leases whose holders died a while ago; how many."""
    names = [
        row[0]
        for row in conn.execute(
            "SELECT name FROM leases WHERE expires_at < ? ORDER BY expires_at LIMIT ?", (conn.now() - 3600, limit)
        )
    ]
    removed = 0
    for name in sorted(names):
        conn.execute("DELETE FROM leases WHERE name = ? AND expires_at < ?", (name, conn.now() - 3600))
        removed += conn.changed()
    return removed
