"""Time that a deletion may depend on: it goes on with the database's clock, and no jump of a clock moves it.

Every gateway ticks once a minute. A tick moves the steady clock on by what the database's clock went on since the last
one, but never by more than the process itself saw pass, and never back. A stop (no gateway ran) counts as half an
hour at most. So it falls behind the database's clock with every stop, and what is measured by it is only ever kept
longer. Its values look like times (seconds since the epoch) and are compared with each other alone. In a catalogue of
before there was one it begins at the newest thing that happened there, lest a clock that is wrong at that moment ends
what is pending.
"""

from __future__ import annotations

from liftgate.catalog.connection import Connection
from liftgate.catalog.table import BareTable

TICK_SECONDS = 60.0
UNWATCHED_SECONDS = 1800.0
"""What a process believes at its first tick, when it cannot tell a stop from a jump."""

_SLACK = 1.0

STEADY_CLOCK = BareTable(name="steady_clock", also=("id", "steady", "seen_at", "grace", "grace_at"))


_HAPPENED = (
    "SELECT max(at) FROM (SELECT max(created_at) AS at FROM files UNION ALL SELECT max(created_at) FROM blobs"
    " UNION ALL SELECT max(created_at) FROM uploads UNION ALL SELECT max(created_at) FROM upload_parts) AS happened"
)


def steady(conn: Connection) -> float:
    """The steady time now; between two ticks it goes on by itself, a little."""
    rows = conn.execute("SELECT steady, seen_at FROM steady_clock WHERE id = 1")
    now = conn.now()
    if not rows:
        return now
    at, seen_at = rows[0]
    return float(at + min(max(now - seen_at, 0.0), 2 * TICK_SECONDS))


def _beginning(conn: Connection, now: float) -> float:
    [(happened,)] = conn.execute(_HAPPENED)
    return now if happened is None else min(now, float(happened))


def tick(conn: Connection, elapsed: float | None = None, *, grace: float = 0.0) -> float:
    """Moves it on, and gives it. `elapsed`: seconds on the monotonic clock since this process's last tick, None at its
    first. `grace`: what this process's settings ask for; `longest_grace` tells the others.
    """
    now = conn.now()
    rows = conn.execute("SELECT steady, seen_at, grace, grace_at FROM steady_clock WHERE id = 1 /*FOR UPDATE*/")
    if not rows:
        at = _beginning(conn, now)
        conn.execute(
            "INSERT INTO steady_clock (id, steady, seen_at, grace, grace_at) VALUES (1, ?, ?, ?, ?)"
            " ON CONFLICT (id) DO NOTHING",
            (at, now, grace, at),
        )
        return at
    at, seen_at, asked, asked_at = rows[0]
    limit = UNWATCHED_SECONDS if elapsed is None else elapsed + _SLACK
    at = float(at + min(max(now - seen_at, 0.0), limit))
    if grace >= asked or at - asked_at > UNWATCHED_SECONDS:
        asked, asked_at = grace, at
    conn.execute(
        "UPDATE steady_clock SET steady = ?, seen_at = ?, grace = ?, grace_at = ? WHERE id = 1",
        (at, now, asked, asked_at),
    )
    return at


def longest_grace(conn: Connection) -> float:
    """The longest grace (seconds) that a gateway on this catalogue asked for within the last hour; 0 without any."""
    rows = conn.execute("SELECT grace FROM steady_clock WHERE id = 1")
    return float(rows[0][0]) if rows else 0.0
