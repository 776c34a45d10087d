"""Replicas in the catalogue, and the names at Gemini that are to be deleted until it is done.

Every write is fenced by the generation of the lease under which it is made (`leases`): an older one is refused. No name
is ever forgotten silently: what a row held, or a refused row brought, becomes a doomed name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from liftgate.catalog.connection import Connection, chunks, invalidate, replica_key
from liftgate.records import ReplicaRecord

COLUMNS = "blob_id, mime_type, account, state, bytes, name, uri, generation, upload_url, expires_at, used_at, error"
REPLACED_SECONDS = 600.0
"""How long a replica that another replaced stays at Gemini, for requests that were given its URI a moment ago."""
KEY = "blob_id = ? AND mime_type = ? AND account = ?"


@dataclass(frozen=True, slots=True)
class Doomed:
    """A name at Gemini to delete (`name`), or an upload session to cancel (`upload_url`, with the name that it would
    have made, or '')."""

    id: int
    account: str
    name: str
    upload_url: str | None
    attempts: int
    doomed_at: float


def get_replica(conn: Connection, blob_id: str, mime_type: str, account: str) -> ReplicaRecord | None:
    rows = conn.execute(f"SELECT {COLUMNS} FROM replicas WHERE {KEY}", (blob_id, mime_type, account))
    return ReplicaRecord(*rows[0]) if rows else None


def save_replica(conn: Connection, replica: ReplicaRecord) -> bool:
    """Writes the row. False, and nothing but dooming done, when a later generation wrote it or the blob is orphaned.

    What the row held before and holds no more is doomed: the name of a finished replica, the session of an upload that
    another session replaces. So is what a refused row brought.
    """
    alive = conn.execute("SELECT 1 FROM blobs WHERE id = ? AND orphaned_at IS NULL /*FOR SHARE*/", (replica.blob_id,))
    if not alive:
        _discard(conn, replica, None)
        return False
    before = _locked(conn, replica)
    if before is not None and before.generation > replica.generation:
        _discard(conn, replica, before)
        return False
    conn.execute(
        f"INSERT INTO replicas ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (blob_id, mime_type, account) DO UPDATE SET state = excluded.state, bytes = excluded.bytes,"
        " name = excluded.name, uri = excluded.uri, generation = excluded.generation, upload_url = excluded.upload_url,"
        " expires_at = excluded.expires_at, used_at = excluded.used_at, error = excluded.error"
        " WHERE replicas.generation <= excluded.generation",
        (
            *(replica.blob_id, replica.mime_type, replica.account, replica.state, replica.bytes, replica.name),
            *(replica.uri, replica.generation, replica.upload_url, replica.expires_at, replica.used_at, replica.error),
        ),
    )
    if conn.changed() == 0:
        # Two first rows at once, and the other came first with the later generation.
        _discard(conn, replica, _locked(conn, replica))
        return False
    if before is not None:
        _discard(conn, before, replica)
    invalidate(conn, "replica", replica_key(replica.blob_id, replica.mime_type, replica.account))
    return True


def _locked(conn: Connection, replica: ReplicaRecord) -> ReplicaRecord | None:
    rows = conn.execute(
        f"SELECT {COLUMNS} FROM replicas WHERE {KEY} /*FOR UPDATE*/",
        (replica.blob_id, replica.mime_type, replica.account),
    )
    return ReplicaRecord(*rows[0]) if rows else None


def _discard(conn: Connection, gone: ReplicaRecord, kept: ReplicaRecord | None) -> None:
    """Dooms what `gone` holds at Gemini and `kept` does not."""
    if gone.state == "uploading":
        # A session that became a finished replica is used up; only one that another session replaces is left over.
        replaced = kept is None or (kept.state == "uploading" and kept.upload_url != gone.upload_url)
        if gone.upload_url is not None and replaced:
            doom(conn, gone.account, gone.name, conn.now(), gone.upload_url)
    elif gone.name and (kept is None or kept.name != gone.name):
        doom(conn, gone.account, gone.name, conn.now(), delay=REPLACED_SECONDS if gone.state == "active" else 0.0)


def replicas_of(conn: Connection, blob_ids: Sequence[str]) -> list[ReplicaRecord]:
    """All of these blobs, in any state: which Accounts hold them."""
    found = []
    for marks, piece in chunks(blob_ids):
        rows = conn.execute(f"SELECT {COLUMNS} FROM replicas WHERE blob_id IN ({marks})", piece)
        found += [ReplicaRecord(*row) for row in rows]
    return found


def lose_replica(conn: Connection, blob_id: str, mime_type: str, account: str, name: str, now: float) -> bool:
    """Removes the row if it still has this name, and dooms the name; False when another took its place meanwhile."""
    rows = conn.execute(
        f"DELETE FROM replicas WHERE {KEY} AND name = ? RETURNING upload_url", (blob_id, mime_type, account, name)
    )
    if not rows:
        return False
    doom(conn, account, name, now, rows[0][0])
    invalidate(conn, "replica", replica_key(blob_id, mime_type, account))
    return True


def doom_replicas(conn: Connection, blob_id: str, now: float) -> None:
    """Removes all replicas of a blob and dooms what they hold."""
    for mime_type, account, name, upload_url in conn.execute(
        "DELETE FROM replicas WHERE blob_id = ? RETURNING mime_type, account, name, upload_url", (blob_id,)
    ):
        if name or upload_url is not None:
            doom(conn, account, name, now, upload_url)
        invalidate(conn, "replica", replica_key(blob_id, mime_type, account))


def touch_replicas(conn: Connection, uses: Sequence[tuple[str, str, str, float]]) -> None:
    """(blob id, MIME type, account, used at): a use time never goes back."""
    # In one order, so that two processes with the same rows cannot wait for each other.
    for blob_id, mime_type, account, used_at in sorted(uses):
        conn.execute(
            f"UPDATE replicas SET used_at = ? WHERE {KEY} AND used_at < ?",
            (used_at, blob_id, mime_type, account, used_at),
        )


def evictable(conn: Connection, account: str, used_before: float, limit: int) -> list[ReplicaRecord]:
    """ACTIVE ones of the account that were not used since, least recently used first."""
    rows = conn.execute(
        f"SELECT {COLUMNS} FROM replicas WHERE account = ? AND state = 'active' AND used_at < ?"
        " ORDER BY used_at LIMIT ?",
        (account, used_before, limit),
    )
    return [ReplicaRecord(*row) for row in rows]


def expiring(conn: Connection, before: float, used_after: float, limit: int) -> list[ReplicaRecord]:
    """ACTIVE ones whose time ends before `before` (upstream's clock) and that were used since `used_after`."""
    rows = conn.execute(
        f"SELECT {COLUMNS} FROM replicas WHERE state = 'active' AND expires_at < ? AND used_at > ?"
        " ORDER BY expires_at LIMIT ?",
        (before, used_after, limit),
    )
    return [ReplicaRecord(*row) for row in rows]


def forget_expired(conn: Connection, before: float, limit: int) -> int:
    """Removes rows whose time at Gemini ended before `before`: there is nothing left to delete. How many."""
    rows = conn.execute(
        "SELECT blob_id, mime_type, account, name FROM replicas WHERE expires_at < ? ORDER BY expires_at LIMIT ?",
        (before, limit),
    )
    forgotten = 0
    for blob_id, mime_type, account, name in rows:
        conn.execute(
            f"DELETE FROM replicas WHERE {KEY} AND name = ? AND expires_at < ?",
            (blob_id, mime_type, account, name, before),
        )
        if conn.changed():
            forgotten += 1
            invalidate(conn, "replica", replica_key(blob_id, mime_type, account))
    return forgotten


def unfinished(conn: Connection, limit: int) -> list[ReplicaRecord]:
    """Uploading or processing: what a process that died may have left."""
    rows = conn.execute(f"SELECT {COLUMNS} FROM replicas WHERE state IN ('uploading', 'processing') LIMIT ?", (limit,))
    return [ReplicaRecord(*row) for row in rows]


def doom(
    conn: Connection, account: str, name: str, now: float, upload_url: str | None = None, *, delay: float = 0.0
) -> None:
    """A name at Gemini to delete, or a session to cancel, from `delay` seconds on until `drop_doomed`."""
    conn.execute(
        "INSERT INTO doomed (account, name, upload_url, attempts, doomed_at, due_at) VALUES (?, ?, ?, 0, ?, ?)"
        " ON CONFLICT (account, name, upload_url) DO NOTHING",
        (account, name, upload_url or "", now, now + delay),
    )


def spare(conn: Connection, account: str, name: str) -> None:
    """Takes back what was doomed of this name: a replica's row holds it now."""
    conn.execute("DELETE FROM doomed WHERE account = ? AND name = ?", (account, name))


def accounts_due(conn: Connection, now: float) -> list[str]:
    """At which something is to be deleted."""
    return [str(row[0]) for row in conn.execute("SELECT DISTINCT account FROM doomed WHERE due_at <= ?", (now,))]


def due_doomed(conn: Connection, now: float, limit: int, *, account: str | None = None) -> list[Doomed]:
    """What has waited longest first; at one account, where it is given."""
    whose, values = ("", ()) if account is None else (" AND account = ?", (account,))
    rows = conn.execute(
        f"SELECT id, account, name, upload_url, attempts, doomed_at FROM doomed WHERE due_at <= ?{whose}"
        " ORDER BY due_at, id LIMIT ?",
        (now, *values, limit),
    )
    return [Doomed(row[0], row[1], row[2], row[3] or None, row[4], row[5]) for row in rows]


def doomed_of(conn: Connection, replicas: Sequence[ReplicaRecord]) -> list[Doomed]:
    """Those among what is doomed that these replicas held at Gemini."""
    found = []
    for replica in replicas:
        rows = conn.execute(
            "SELECT id, account, name, upload_url, attempts, doomed_at FROM doomed WHERE account = ? AND name = ?",
            (replica.account, replica.name),
        )
        found += [Doomed(row[0], row[1], row[2], row[3] or None, row[4], row[5]) for row in rows]
    return found


def postpone_doomed(conn: Connection, doomed_id: int, until: float) -> None:
    """Counts an attempt; it is due again at `until`."""
    conn.execute("UPDATE doomed SET attempts = attempts + 1, due_at = ? WHERE id = ?", (until, doomed_id))


def drop_doomed(conn: Connection, doomed_id: int) -> None:
    """It is gone at Gemini."""
    conn.execute("DELETE FROM doomed WHERE id = ?", (doomed_id,))
