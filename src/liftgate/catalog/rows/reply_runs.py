"""Responses in the background: a piece of work that any process may carry out.

Who carries it out holds a lease, and writes under the lease's generation: a write of an earlier holder is refused. The
end is one change of `state`, so it comes once, whoever brings it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from liftgate.catalog.connection import Connection, storable
from liftgate.catalog.rows.files import delete_file, lock_owner
from liftgate.catalog.rows.long_values import FIRST, Key, LongTable, beginning, forget, write_rest
from liftgate.catalog.rows.reply_events import PREAMBLE, forget_frames, log_frames
from liftgate.catalog.rows.reply_items import KEPT_SECONDS, hold_files, release_reply
from liftgate.catalog.steady import steady
from liftgate.catalog.table import Backup
from liftgate.large_bodies import Body
from liftgate.records import Owner

IN_FLIGHT = ("queued", "in_progress")
LEASE = "reply|"
"""What the name of the lease begins with; the rest is the response's id."""
CANCELLED = "reply_cancelled"
"""A topic of `invalidate`: the work of a run is to be stopped."""
MOST_ATTEMPTS = 2
"""It is begun again once, and only where no reader has got anything of the first answer."""
EVENTS_SECONDS = 3600.0
_SLACK = 60.0
"""Seconds by which clocks of nodes may differ."""
_IN_FLIGHT = "state IN ('queued', 'in_progress')"


@dataclass(frozen=True, slots=True)
class Kept:
    """Of a run that ended without an answer, as JSON: the Response object, and what is shown of the request."""

    body: Body
    request: Body


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
    request: Body
    body: Body
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


RUNS = LongTable(
    name="reply_runs",
    record=RunRow,
    long=("request", "body"),
    owner="owner",
    texts=("id", "state", "key_name", "key_id"),
    # Work under way is the original's: who restores a backup beside it must not do it a second time.
    backup=Backup(only="state NOT IN ('queued', 'in_progress')"),
    stored=lambda conn, owner: _waiting_bytes(conn, owner),
)


def _waiting_bytes(conn: Connection, owner: Owner) -> int:
    """Of the requests of runs in flight; what becomes of them counts as any stored response."""
    [(size,)] = conn.execute(
        f"SELECT coalesce(sum(length(request)), 0) FROM reply_runs WHERE owner = ? AND {_IN_FLIGHT}", (owner,)
    )
    [(rest,)] = conn.execute(
        "SELECT coalesce(sum(length(v.piece)), 0) FROM reply_runs r JOIN long_values v"
        " ON v.owner = r.owner AND v.what = 'reply_runs.request' AND v.holder = r.id AND v.place = 0"
        f" WHERE r.owner = ? AND r.{_IN_FLIGHT} AND length(r.request) = {FIRST}",
        (owner,),
    )
    return int(size) + int(rest)


def add_run(conn: Connection, run: RunRow, frames: Sequence[Body], files: Sequence[str], most: int) -> bool:
    """`files` hold the media of its input. False: the owner has `most` in flight already. Raises as `hold_files`."""
    lock_owner(conn, run.owner)
    [(there,)] = conn.execute(f"SELECT count(*) FROM reply_runs WHERE owner = ? AND {_IN_FLIGHT}", (run.owner,))
    if there >= most:
        return False
    hold_files(conn, run.owner, run.id, files)
    RUNS.insert(conn, run)
    log_frames(conn, run.id, 0, frames)
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


def lock_run(conn: Connection, run_id: str) -> bool:
    """Until the end of the transaction nothing else happens to it. False: it has ended."""
    return bool(conn.execute(f"SELECT 1 FROM reply_runs WHERE id = ? AND {_IN_FLIGHT} /*FOR UPDATE*/", (run_id,)))


def begin_run(conn: Connection, run_id: str, generation: int, frames: Sequence[Body]) -> bool | None:
    """Whether another attempt is begun under the lease of this generation: not where it is spent. None where it has
    ended. `frames`: that it is in progress, where it was not before."""
    found = conn.execute(
        f"SELECT state, attempts, shown, streamed FROM reply_runs WHERE id = ? AND {_IN_FLIGHT} /*FOR UPDATE*/",
        (run_id,),
    )
    if not found:
        return None
    [(state, attempts, shown, streamed)] = found
    begun = not (attempts >= MOST_ATTEMPTS or (attempts > 0 and shown))
    conn.execute(
        "UPDATE reply_runs SET state = 'in_progress', attempts = ?, generation = ? WHERE id = ?",
        (attempts + begun, generation, run_id),
    )
    if begun and streamed:
        # No reader has seen what an earlier attempt wrote.
        forget_frames(conn, run_id, PREAMBLE)
        if state == "queued":
            log_frames(conn, run_id, PREAMBLE - 1, frames)
    return bool(begun)


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
    log_frames(conn, run_id, first, frames)
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
    found = conn.execute(
        "SELECT owner, length(request), length(body) FROM reply_runs"
        f" WHERE id = ? AND {_IN_FLIGHT}{fence} /*FOR UPDATE*/",
        (run_id, *values),
    )
    if not found:
        return False
    [(owner, asked, shown)] = found
    conn.execute(
        "UPDATE reply_runs SET state = ?, ended_at = ?, body = ?, request = ? WHERE id = ?",
        (state, steady(conn), beginning(kept.body), beginning(kept.request), run_id),
    )
    forget(conn, _key(owner, "body", run_id), shown)
    forget(conn, _key(owner, "request", run_id), asked)
    write_rest(conn, _key(owner, "body", run_id), kept.body)
    write_rest(conn, _key(owner, "request", run_id), kept.request)
    log_frames(conn, run_id, first, frames)
    return True


def _key(owner: Owner, column: str, run_id: str) -> Key:
    return owner, f"reply_runs.{column}", run_id, 0


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


def delete_run(conn: Connection, owner: Owner, run_id: str) -> list[str]:
    """One that has ended, with its events. The Files that nothing needs any more, which the caller deletes in this
    transaction, under the owner's lock."""
    forget_frames(conn, run_id)
    gone = conn.execute("DELETE FROM reply_runs WHERE id = ? RETURNING length(request), length(body)", (run_id,))
    for request, body in gone:
        forget(conn, _key(owner, "request", run_id), request)
        forget(conn, _key(owner, "body", run_id), body)
    if conn.execute("SELECT 1 FROM replies WHERE id = ?", (run_id,)):
        return []
    return release_reply(conn, owner, run_id)


def expire_events(conn: Connection, at: float, limit: int) -> int:
    """Those of runs that ended long enough ago on the steady clock, at most of `limit` runs; how many runs."""
    due = conn.execute(
        "SELECT id FROM reply_runs WHERE streamed = 1 AND ended_at < ? LIMIT ?", (at - EVENTS_SECONDS, limit)
    )
    for (run_id,) in due:
        forget_frames(conn, run_id)
        conn.execute("UPDATE reply_runs SET streamed = 0 WHERE id = ?", (run_id,))
    return len(due)


def expire_runs(conn: Connection, at: float, limit: int) -> int:
    """Erases those that have ended and are older than 30 days on the steady clock, at most `limit`; how many."""
    due = conn.execute(
        f"SELECT owner, id FROM reply_runs WHERE created_at <= ? AND NOT ({_IN_FLIGHT}) ORDER BY created_at LIMIT ?",
        (at - KEPT_SECONDS, limit),
    )
    now = conn.now()
    # Owners in one order everywhere, so that two sweeps cannot wait for each other.
    for owner, run_id in sorted(due):
        lock_owner(conn, owner)
        for file_id in delete_run(conn, owner, run_id):
            delete_file(conn, owner, file_id, now)
    return len(due)
