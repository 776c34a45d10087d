"""Responses in the background: a piece of work that any process may carry out, and the log of its events.

Who carries it out holds a lease, and writes under the lease's generation: a write of an earlier holder is refused. The
end is one change of `state`, so it comes once, whoever brings it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from liftgate.catalog.connection import Connection, invalidate, storable
from liftgate.catalog.rows.files import delete_file, lock_owner
from liftgate.catalog.rows.reply_items import KEPT_SECONDS, hold_files, release_reply
from liftgate.catalog.steady import steady
from liftgate.catalog.table import Backup, BareTable, Table
from liftgate.large_bodies import Body
from liftgate.records import Owner

IN_FLIGHT = ("queued", "in_progress")
LEASE = "reply|"
"""What the name of the lease begins with; the rest is the response's id."""
CHANGED, CANCELLED = "reply", "reply_cancelled"
"""Topics of `invalidate`: something of a run is new for its readers; its work is to be stopped."""
PREAMBLE = 3
"""Events before the first of the answer: created, queued, in_progress. They are the same at every attempt."""
MOST_ATTEMPTS = 2
"""It is begun again once, and only where no reader has got anything of the first answer."""
EVENTS_SECONDS = 3600.0
_AT_ONCE = 1024 * 1024
_SLACK = 60.0
"""Seconds by which clocks of nodes may differ."""
_IN_FLIGHT = "state IN ('queued', 'in_progress')"


@dataclass(frozen=True, slots=True)
class Kept:
    """Of a run that ended without an answer, as JSON: the Response object, and what is shown of the request."""

    body: bytes
    request: bytes


NOTHING_KEPT = Kept(b"", b"")


@dataclass(frozen=True, slots=True)
class RunRow:
    """`created_at` and `ended_at` are on the steady clock. `state`: the response's status. `shown`: a reader has got
    something of the answer. `streamed`: its events are logged. `request`, `body`: the request and the Response object
    as JSON; empty where a `ReplyRow` has them. `key_made`: its key was made at run time, and must be good yet when it
    is begun."""

    id: str
    owner: Owner
    created_at: float
    state: str
    attempts: int
    generation: int
    shown: int
    streamed: int
    ended_at: float | None
    request: bytes
    body: bytes
    key_name: str
    key_id: str
    key_made: int

    @property
    def in_flight(self) -> bool:
        return self.state in IN_FLIGHT


def count_in_flight(conn: Connection) -> dict[str, int]:
    """Runs that have not ended, by their state."""
    return {
        row[0]: row[1]
        for row in conn.execute(f"SELECT state, count(*) FROM reply_runs WHERE {_IN_FLIGHT} GROUP BY state")
    }


@dataclass(frozen=True, slots=True)
class Progress:
    """What readers of a run's events look at again and again: not the request, which may be large."""

    state: str
    generation: int
    shown: int
    streamed: int

    @property
    def in_flight(self) -> bool:
        return self.state in IN_FLIGHT


RUNS = Table(
    name="reply_runs",
    record=RunRow,
    owner="owner",
    texts=("id", "state", "key_name", "key_id"),
    # Work under way is the original's: who restores a backup beside it must not do it a second time.
    backup=Backup(only="state NOT IN ('queued', 'in_progress')"),
    stored=lambda conn, owner: _waiting_bytes(conn, owner),
)
EVENTS = BareTable(
    name="reply_events",
    also=("run_id", "number", "frame"),
    refers={"run_id": "reply_runs"},
    through="run_id",
    backup=None,
    left_out="For readers that come back within the hour.",
)


def _waiting_bytes(conn: Connection, owner: Owner) -> int:
    """Of the requests of runs in flight; what becomes of them counts as any stored response."""
    [(size,)] = conn.execute(
        f"SELECT coalesce(sum(length(request)), 0) FROM reply_runs WHERE owner = ? AND {_IN_FLIGHT}", (owner,)
    )
    return int(size)


def add_run(conn: Connection, run: RunRow, frames: Sequence[Body], files: Sequence[str], most: int) -> bool:
    """`files` hold the media of its input. False: the owner has `most` in flight already. Raises as `hold_files`."""
    lock_owner(conn, run.owner)
    [(there,)] = conn.execute(f"SELECT count(*) FROM reply_runs WHERE owner = ? AND {_IN_FLIGHT}", (run.owner,))
    if there >= most:
        return False
    hold_files(conn, run.owner, run.id, files)
    RUNS.insert(conn, run)
    _log(conn, run.id, 0, frames)
    return True


def find_run(conn: Connection, owner: Owner, run_id: str, at: float) -> RunRow | None:
    if not storable(run_id):
        return None
    return RUNS.find(conn, "WHERE id = ? AND owner = ? AND created_at > ?", (run_id, owner, at - KEPT_SECONDS))


def progress_of(conn: Connection, owner: Owner, run_id: str, at: float) -> Progress | None:
    if not storable(run_id):
        return None
    rows = conn.execute(
        "SELECT state, generation, shown, streamed FROM reply_runs WHERE id = ? AND owner = ? AND created_at > ?",
        (run_id, owner, at - KEPT_SECONDS),
    )
    return Progress(*rows[0]) if rows else None


def lock_run(conn: Connection, owner: Owner, run_id: str, at: float) -> RunRow | None:
    """As `find_run`; until the end of the transaction nothing else happens to it."""
    if storable(run_id):
        conn.execute("SELECT 1 FROM reply_runs WHERE id = ? AND owner = ? /*FOR UPDATE*/", (run_id, owner))
    return find_run(conn, owner, run_id, at)


def begin_run(conn: Connection, run_id: str, generation: int, frames: Sequence[Body]) -> tuple[RunRow, bool] | None:
    """The run under the lease of this generation, and whether another attempt was begun: not where it is spent. None
    where it has ended. `frames`: that it is in progress, where it was not before."""
    run = RUNS.find(conn, f"WHERE id = ? AND {_IN_FLIGHT} /*FOR UPDATE*/", (run_id,))
    if run is None:
        return None
    begun = not (run.attempts >= MOST_ATTEMPTS or (run.attempts > 0 and run.shown))
    attempts = run.attempts + begun
    conn.execute(
        "UPDATE reply_runs SET state = 'in_progress', attempts = ?, generation = ? WHERE id = ?",
        (attempts, generation, run_id),
    )
    if begun and run.streamed:
        # No reader has seen what an earlier attempt wrote.
        conn.execute("DELETE FROM reply_events WHERE run_id = ? AND number >= ?", (run_id, PREAMBLE))
        if run.state == "queued":
            _log(conn, run_id, PREAMBLE - 1, frames)
    return replace(run, state="in_progress", attempts=attempts, generation=generation), begun


def put_off_run(conn: Connection, run_id: str, generation: int) -> bool:
    """Nothing was asked yet: this attempt does not count. False: it has ended, or is another's."""
    conn.execute(
        f"UPDATE reply_runs SET attempts = attempts - 1 WHERE id = ? AND generation = ? AND {_IN_FLIGHT}",
        (run_id, generation),
    )
    return bool(conn.changed())


def log_events(conn: Connection, run_id: str, generation: int, first: int, frames: Sequence[Body]) -> bool:
    """`first`: the number of the first. False: it has ended, or is another's."""
    # Locked, so that it cannot end in between.
    held = conn.execute(
        f"SELECT 1 FROM reply_runs WHERE id = ? AND generation = ? AND {_IN_FLIGHT} /*FOR UPDATE*/",
        (run_id, generation),
    )
    if not held:
        return False
    _log(conn, run_id, first, frames)
    return True


def end_run(
    conn: Connection,
    run_id: str,
    state: str,
    *,
    generation: int | None = None,
    kept: Kept = NOTHING_KEPT,
    first: int = 0,
    frames: Sequence[Body] = (),
) -> bool:
    """Exactly one of all who try has True. `generation`: None for one who needs no lease. `kept`: of one that has no
    answer; one that has is made a `ReplyRow` in this transaction."""
    fence, values = ("", ()) if generation is None else (" AND generation = ?", (generation,))
    conn.execute(
        f"UPDATE reply_runs SET state = ?, ended_at = ?, body = ?, request = ? WHERE id = ? AND {_IN_FLIGHT}{fence}",
        (state, steady(conn), kept.body, kept.request, run_id, *values),
    )
    if not conn.changed():
        return False
    _log(conn, run_id, first, frames)
    return True


def _log(conn: Connection, run_id: str, first: int, frames: Sequence[Body]) -> None:
    for number, frame in enumerate(frames, first):
        conn.execute("INSERT INTO reply_events (run_id, number, frame) VALUES (?, ?, ?)", (run_id, number, frame))
    invalidate(conn, CHANGED, run_id)


def next_number(conn: Connection, run_id: str) -> int:
    """Of the event that comes next."""
    [(last,)] = conn.execute("SELECT coalesce(max(number), -1) FROM reply_events WHERE run_id = ?", (run_id,))
    return int(last) + 1


def events_after(conn: Connection, run_id: str, number: int, limit: int) -> list[tuple[int, bytes]]:
    """(number, frame) of those that follow, in order: one, and those behind it as far as they have `_AT_ONCE` bytes
    together."""
    sizes = conn.execute(
        "SELECT number, length(frame) FROM reply_events WHERE run_id = ? AND number > ? ORDER BY number LIMIT ?",
        (run_id, number, limit),
    )
    last, size = number, 0
    for each, more in sizes:
        size += more
        if last > number and size > _AT_ONCE:
            break
        last = each
    rows = conn.execute(
        "SELECT number, frame FROM reply_events WHERE run_id = ? AND number > ? AND number <= ? ORDER BY number",
        (run_id, number, last),
    )
    return [(row[0], bytes(row[1])) for row in rows]


def mark_shown(conn: Connection, run_id: str, generation: int) -> bool:
    """A reader gets something of the answer of this attempt. False: it is another attempt by now."""
    conn.execute("UPDATE reply_runs SET shown = 1 WHERE id = ? AND generation = ?", (run_id, generation))
    return conn.changed() == 1


def runs_left(conn: Connection, older: float, limit: int) -> list[tuple[str, Owner]]:
    """(id, owner) of those in flight that no process carries out, begun or made more than `older` seconds ago, or, as a
    Liftgate wrote that did not have the steady time here, later than now."""
    now, at = conn.now(), steady(conn)
    rows = conn.execute(
        f"SELECT id, owner FROM reply_runs WHERE {_IN_FLIGHT}"
        " AND (attempts > 0 OR created_at < ? OR created_at > ?) AND NOT EXISTS"
        " (SELECT 1 FROM leases WHERE leases.name = ? || reply_runs.id AND leases.expires_at > ?)"
        " ORDER BY created_at LIMIT ?",
        (at - older, at + _SLACK, LEASE, now, limit),
    )
    return [(row[0], row[1]) for row in rows]


def delete_run(conn: Connection, run: RunRow) -> list[str]:
    """One that has ended, with its events. The Files that nothing needs any more, which the caller deletes in this
    transaction, under the owner's lock."""
    conn.execute("DELETE FROM reply_events WHERE run_id = ?", (run.id,))
    conn.execute("DELETE FROM reply_runs WHERE id = ?", (run.id,))
    if conn.execute("SELECT 1 FROM replies WHERE id = ?", (run.id,)):
        return []
    return release_reply(conn, run.owner, run.id)


def expire_events(conn: Connection, at: float, limit: int) -> int:
    """Those of runs that ended long enough ago on the steady clock, at most of `limit` runs; how many runs."""
    due = conn.execute(
        "SELECT id FROM reply_runs WHERE streamed = 1 AND ended_at < ? LIMIT ?", (at - EVENTS_SECONDS, limit)
    )
    for (run_id,) in due:
        conn.execute("DELETE FROM reply_events WHERE run_id = ?", (run_id,))
        conn.execute("UPDATE reply_runs SET streamed = 0 WHERE id = ?", (run_id,))
    return len(due)


def expire_runs(conn: Connection, at: float, limit: int) -> int:
    """Erases those that have ended and are older than 30 days on the steady clock, at most `limit`; how many."""
    due = RUNS.select(
        conn, f"WHERE created_at <= ? AND NOT ({_IN_FLIGHT}) ORDER BY created_at LIMIT ?", (at - KEPT_SECONDS, limit)
    )
    now = conn.now()
    # Owners in one order everywhere, so that two sweeps cannot wait for each other.
    for run in sorted(due, key=lambda run: (run.owner, run.id)):
        lock_owner(conn, run.owner)
        for file_id in delete_run(conn, run):
            delete_file(conn, run.owner, file_id, now)
    return len(due)
