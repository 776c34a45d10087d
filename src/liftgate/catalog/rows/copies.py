"""Copies at Google in the catalogue, and the names there that are to be purged until it is done.

Each kind of copy has a `CopyTable`; a File's copies are in FILE_COPIES. Every write is fenced by the generation of the
lease under which it is made (`leases`): an older one is refused. No name at Google is ever forgotten silently: what a
row held, or a refused row brought, is scheduled to be purged.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from liftgate.catalog.connection import Connection, chunks, invalidate
from liftgate.catalog.table import Backup, Table, marks
from liftgate.records import CopyKey, CopyRecord

REPLACED_SECONDS = 600.0
"""How long a copy that another replaced stays at Google, for requests that were given its URI a moment ago."""


class CopyTable(Table[CopyRecord], frozen=True, kw_only=True, eq=False, dict=True):
    """The copies of one kind. `topic`: what processes call them when they tell each other what changed, and what the
    names of their leases begin with. `alive`: SQL with one parameter, the subject, that finds a row while copies of it
    may be kept; "" where they always may.
    """

    topic: str = ""
    alive: str = ""

    @property
    def by_key(self) -> str:
        subject, form, account = self.columns[:3]
        return f"{subject} = ? AND {form} = ? AND {account} = ?"

    def delete_rows(self, conn: Connection, condition: str, params: Sequence[object]) -> None:
        """What the rows hold at Google is purged."""
        purge_where(conn, self, condition, params, conn.now())


FILE_COPIES = CopyTable(
    # The word of older gateways, which may run beside this one: renaming the table or the topic would buy nothing.
    name="replicas",
    topic="replica",
    record=CopyRecord,
    named={"subject": "blob_id", "form": "mime_type"},
    refers={"blob_id": "blobs"},
    texts=("mime_type", "account", "state", "name", "uri", "upload_url", "error"),
    through="blob_id",
    alive="SELECT 1 FROM blobs WHERE id = ? AND orphaned_at IS NULL",
    # The address of an upload session is a capability: for who holds the lease, not for who reads a backup.
    backup=Backup(only="state = 'active'", instead={"upload_url": "NULL"}, at_google=True),
)


@dataclass(frozen=True, slots=True)
class Purge:
    """A name at Google to delete (`name`), or an upload session to cancel (`upload_url`, with the name that it would
    have made, or '')."""

    id: int
    account: str
    name: str
    upload_url: str
    doomed_at: float


PURGES = Table(
    name="doomed",
    record=Purge,
    also=("due_at",),
    # NOT NULL, so it is still written; nothing reads it.
    unused=("attempts",),
    texts=("account", "name", "upload_url"),
    backup=Backup(only="upload_url = ''", at_google=True),
)


def find_copy(conn: Connection, table: CopyTable, key: CopyKey) -> CopyRecord | None:
    return table.find(conn, f"WHERE {table.by_key}", key)


def copies_of(conn: Connection, table: CopyTable, subjects: Sequence[str]) -> list[CopyRecord]:
    """All of these subjects, in any state: which Accounts hold them."""
    found: list[CopyRecord] = []
    for some_marks, piece in chunks(subjects):
        found += table.select(conn, f"WHERE {table.columns[0]} IN ({some_marks})", piece)
    return found


def is_alive(conn: Connection, table: CopyTable, subject: str, *, lock: bool = False) -> bool:
    """Whether copies of it may be kept. `lock`: within a write; that stays so until its end."""
    return not table.alive or bool(conn.execute(table.alive + (" /*FOR SHARE*/" if lock else ""), (subject,)))


def save_copy(conn: Connection, table: CopyTable, copy: CopyRecord) -> bool:
    """Writes the row. False when a later generation wrote it or its subject is gone; then only purges are scheduled.

    What the row held before and holds no more is purged: the name of a finished copy, the session of an upload that
    another session replaces. So is what a refused row brought.
    """
    if not is_alive(conn, table, copy.subject, lock=True):
        _purge_unkept(conn, copy, None)
        return False
    before = _locked(conn, table, copy.key)
    if before is not None and before.generation > copy.generation:
        _purge_unkept(conn, copy, before)
        return False
    key, rest = table.columns[:3], table.columns[3:]
    conn.execute(
        f"INSERT INTO {table.name} ({table.listed}) VALUES ({marks(len(table.columns))})"
        f" ON CONFLICT ({', '.join(key)}) DO UPDATE SET {', '.join(f'{each} = excluded.{each}' for each in rest)}"
        f" WHERE {table.name}.generation <= excluded.generation",
        table.values(copy),
    )
    if conn.changed() == 0:
        # Two first rows at once, and the other came first with the later generation.
        _purge_unkept(conn, copy, _locked(conn, table, copy.key))
        return False
    if before is not None:
        _purge_unkept(conn, before, copy)
    invalidate(conn, table.topic, copy.key.text)
    return True


def _locked(conn: Connection, table: CopyTable, key: CopyKey) -> CopyRecord | None:
    return table.find(conn, f"WHERE {table.by_key} /*FOR UPDATE*/", key)


def _purge_unkept(conn: Connection, gone: CopyRecord, kept: CopyRecord | None) -> None:
    """Schedules what `gone` holds at Google and `kept` does not."""
    if gone.state == "uploading":
        # A session that became a finished copy is used up; only one that another session replaces is left over.
        replaced = kept is None or (kept.state == "uploading" and kept.upload_url != gone.upload_url)
        if gone.upload_url is not None and replaced:
            schedule_purge(conn, gone.account, gone.name, conn.now(), gone.upload_url)
    elif gone.name and (kept is None or kept.name != gone.name):
        delay = REPLACED_SECONDS if gone.state == "active" else 0.0
        schedule_purge(conn, gone.account, gone.name, conn.now(), delay=delay)


def mark_lost(conn: Connection, table: CopyTable, key: CopyKey, name: str, now: float) -> bool:
    """Removes the row if it still has this name, and has the name purged; False when another took its place."""
    rows = conn.execute(
        f"DELETE FROM {table.name} WHERE {table.by_key} AND name = ? RETURNING upload_url", (*key, name)
    )
    if not rows:
        return False
    schedule_purge(conn, key.account, name, now, rows[0][0])
    invalidate(conn, table.topic, key.text)
    return True


def purge_where(conn: Connection, table: CopyTable, condition: str, params: Sequence[object], now: float) -> None:
    """Removes the copies that fulfil `condition` (SQL), and has what they hold purged."""
    key = ", ".join(table.columns[:3])
    for subject, form, account, name, upload_url in conn.execute(
        f"DELETE FROM {table.name} WHERE {condition} RETURNING {key}, name, upload_url", params
    ):
        if name or upload_url is not None:
            schedule_purge(conn, account, name, now, upload_url)
        invalidate(conn, table.topic, CopyKey(subject, form, account).text)


def note_uses(conn: Connection, table: CopyTable, uses: Iterable[tuple[CopyKey, float]]) -> None:
    """(key, used at): a use time never goes back."""
    # In one order, so that two processes with the same rows cannot wait for each other.
    for key, used_at in sorted(uses):
        conn.execute(
            f"UPDATE {table.name} SET used_at = ? WHERE {table.by_key} AND used_at < ?", (used_at, *key, used_at)
        )


def evictable(conn: Connection, table: CopyTable, account: str, used_before: float, limit: int) -> list[CopyRecord]:
    """ACTIVE ones of the account that were not used since, least recently used first."""
    return table.select(
        conn,
        "WHERE account = ? AND state = 'active' AND used_at < ? ORDER BY used_at LIMIT ?",
        (account, used_before, limit),
    )


def expiring(conn: Connection, table: CopyTable, before: float, used_after: float, limit: int) -> list[CopyRecord]:
    """ACTIVE ones whose time ends before `before` (upstream's clock) and that were used since `used_after`."""
    return table.select(
        conn,
        "WHERE state = 'active' AND expires_at < ? AND used_at > ? ORDER BY expires_at LIMIT ?",
        (before, used_after, limit),
    )


def expire_copies(conn: Connection, table: CopyTable, before: float, limit: int) -> list[str]:
    """Removes rows whose time at Google ended before `before`: there is nothing left to purge. The account of each."""
    accounts = []
    for copy in table.select(conn, "WHERE expires_at < ? ORDER BY expires_at LIMIT ?", (before, limit)):
        conn.execute(
            f"DELETE FROM {table.name} WHERE {table.by_key} AND name = ? AND expires_at < ?",
            (*copy.key, copy.name, before),
        )
        if conn.changed():
            accounts.append(copy.account)
            invalidate(conn, table.topic, copy.key.text)
    return accounts


def unfinished(conn: Connection, table: CopyTable, limit: int) -> list[CopyRecord]:
    """Uploading or processing: what a process that died may have left."""
    return table.select(conn, "WHERE state IN ('uploading', 'processing') LIMIT ?", (limit,))


# ── what is to be purged ─────────────────────────────────────────────────────────────────────────────────────────────


def schedule_purge(
    conn: Connection, account: str, name: str, now: float, upload_url: str | None = None, *, delay: float = 0.0
) -> None:
    """A name at Google to delete, or a session to cancel, from `delay` seconds on until `purge_done`."""
    conn.execute(
        "INSERT INTO doomed (account, name, upload_url, attempts, doomed_at, due_at) VALUES (?, ?, ?, 0, ?, ?)"
        " ON CONFLICT (account, name, upload_url) DO NOTHING",
        (account, name, upload_url or "", now, now + delay),
    )


def unschedule_purge(conn: Connection, account: str, name: str) -> None:
    """A copy's row holds this name now."""
    conn.execute("DELETE FROM doomed WHERE account = ? AND name = ?", (account, name))


def accounts_due(conn: Connection, now: float) -> list[str]:
    """At which something is to be purged."""
    return [str(row[0]) for row in conn.execute("SELECT DISTINCT account FROM doomed WHERE due_at <= ?", (now,))]


def due_purges(conn: Connection, now: float, limit: int, *, account: str | None = None) -> list[Purge]:
    """What has waited longest first; at one account, where it is given."""
    whose, values = ("", ()) if account is None else (" AND account = ?", (account,))
    return PURGES.select(conn, f"WHERE due_at <= ?{whose} ORDER BY due_at, id LIMIT ?", (now, *values, limit))


def purges_of(conn: Connection, copies: Sequence[CopyRecord]) -> list[Purge]:
    """Those among the scheduled ones that are of what these copies held at Google."""
    found: list[Purge] = []
    for copy in copies:
        found += PURGES.select(conn, "WHERE account = ? AND name = ?", (copy.account, copy.name))
    return found


def count_purges(conn: Connection) -> dict[str, int]:
    """How many names and sessions are still to be purged at each account."""
    return {row[0]: row[1] for row in conn.execute("SELECT account, count(*) FROM doomed GROUP BY account")}


def oldest_purges(conn: Connection) -> dict[str, float]:
    """Since when the oldest of them waits at each account."""
    return {row[0]: row[1] for row in conn.execute("SELECT account, min(doomed_at) FROM doomed GROUP BY account")}


def postpone_purge(conn: Connection, purge_id: int, until: float) -> None:
    """It is due again at `until`."""
    conn.execute("UPDATE doomed SET due_at = ? WHERE id = ?", (until, purge_id))


def purge_done(conn: Connection, purge_id: int) -> None:
    """It is gone at Google."""
    conn.execute("DELETE FROM doomed WHERE id = ?", (purge_id,))
