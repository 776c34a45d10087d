"""Files in the catalogue: committed, found, listed, deleted, expired. Each function is the body of one transaction.

The owner is part of every key: a foreign file is simply not there, and neither is an expired one. Every change of an
owner's files takes the owner's row first, so two of them never run at once and the counters are exact.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from liftgate.catalog.connection import Connection, invalidate, storable
from liftgate.catalog.rows.blobs import BlobPart, insert_blob, is_whole, live_blob, orphan_blob, replace_bytes
from liftgate.catalog.rows.unknown import claim
from liftgate.catalog.steady import steady
from liftgate.catalog.table import BareTable, Table, marks
from liftgate.errors import Conflict, FileNotFound, InvalidRequest, TooLarge
from liftgate.records import BlobRecord, FileRecord, FileStatus, Owner
from liftgate.sizes import exact_size

ALIVE = "(expires_at IS NULL OR expires_at > ?)"
OVER = "(expires_at IS NOT NULL AND expires_at <= ? AND expires_at - coalesce(lag, 0) <= ?)"
"""Whether it may be removed: its time is over by the database's clock, which clients see, and on the steady clock,
which no jump moves. In between it is hidden."""
CHOSEN = ("filename", "mime_type", "purpose", "alias", "display_name")
INDEXED = ("mime_type", "purpose", "alias")
LONGEST_INDEXED = 255
UNLISTED = "inline"
"""The purpose of files that a client did not make as such: media sent inside a chat. They live for two days after
their last use."""
KEPT = "response"
"""The same for media of stored responses, which go with the last of these."""
HIDDEN = (UNLISTED, KEPT)
"""The purposes that no listing shows."""
LISTED = f"purpose NOT IN ({marks(len(HIDDEN))})"
"""Of a file that listings show; its values are `HIDDEN`."""
CARRIED = "carry|"
"""What the lease is called by which a process says that it goes on carrying a file; the rest is the file's id."""
NOT_CARRIED = (
    "The file is stored. Gemini could not be reached to carry it there at once; a request that needs it will carry it."
)
REMEMBERED_SECONDS = 86_400
"""How long a deleted file still works as the `after` of a listing."""


def owner_usage(conn: Connection, owner: Owner) -> tuple[int, int]:
    """(files, bytes) from the counters, whatever the number of files."""
    rows = conn.execute("SELECT files, bytes FROM owners WHERE owner = ?", (owner,))
    return (rows[0][0], rows[0][1]) if rows else (0, 0)


FILES = Table(
    name="files",
    record=FileRecord,
    also=("lag",),
    owner="owner",
    refers={"blob_id": "blobs"},
    texts=(
        *("id", "filename", "mime_type", "sha256", "purpose", "status", "status_details", "alias"),
        "display_name",
    ),
    erased_by="erase_owner, one by one with all that belongs to each",
)
REMOVED_FILES = BareTable(
    # Where a deleted file stood in its owner's list.
    name="removed_files",
    also=("id", "owner", "created_at", "removed_at"),
    owner="owner",
    texts=("id",),
)
OWNERS = BareTable(
    name="owners",
    also=("owner", "files", "bytes"),
    owner="owner",
    stored=lambda conn, owner: owner_usage(conn, owner)[1],
)


def commit_file(
    conn: Connection,
    file: FileRecord,
    blob: BlobRecord,
    *,
    owner_limit: int | None,
    parts: Sequence[BlobPart] = (),
    looked_at: Mapping[str, bool] | None = None,
) -> FileRecord:
    """Makes a file of bytes that are already durable in the object store under `blob.id` (or as `parts`, in order).

    Bytes that the owner already has are shared: the returned file then names another blob, and the caller deletes what
    it stored itself. `looked_at`: blobs whose stored bytes were read, and whether they are whole; raises
    `DuplicateFound` for one that is not in it. One that is not whole gets the bytes that came, which the caller keeps
    then. None: all are believed to be whole. Raises `TooLarge` over `owner_limit` bytes, `Conflict` for a taken alias,
    `InvalidRequest` for a text that no database can hold, `Unavailable` when a sweep has taken what was stored.
    """
    check_texts(file)
    _, used = lock_owner(conn, file.owner)
    if owner_limit is not None and used + file.bytes > owner_limit:
        _expire(conn, file.owner, file.created_at, 1000)
        used = owner_usage(conn, file.owner)[1]
        if used + file.bytes > owner_limit:
            raise TooLarge(
                f"The file has {exact_size(file.bytes)}, and {used} of your {exact_size(owner_limit)} are used.",
                code="storage_quota_exceeded",
            )
    if file.alias is not None:
        _free_alias(conn, file.owner, file.alias, file.created_at)
    shared = live_blob(conn, blob.owner, blob.sha256, blob.bytes)
    if shared is None:
        if not parts:
            claim(conn, blob.id)
        insert_blob(conn, blob, parts)
    elif looked_at is not None and not is_whole(shared, looked_at):
        if not parts:
            claim(conn, blob.id)
        replace_bytes(conn, shared, parts or [BlobPart(blob.id, blob.bytes)])
    stored = replace(file, blob_id=shared or blob.id)
    FILES.insert(conn, stored, lag=None if file.expires_at is None else file.created_at - steady(conn))
    conn.execute("UPDATE owners SET files = files + 1, bytes = bytes + ? WHERE owner = ?", (file.bytes, file.owner))
    return stored


def check_texts(record: object) -> None:
    """Of a file or an upload: texts that clients chose. Raises `InvalidRequest` naming the one that cannot be kept."""
    for field in CHOSEN:
        text: str | None = getattr(record, field)
        if not storable(text):
            raise InvalidRequest(f"'{field}' holds a character that cannot be stored.", param=field)
        if text is not None and field in INDEXED and len(text.encode()) > LONGEST_INDEXED:
            raise InvalidRequest(f"'{field}' is longer than {LONGEST_INDEXED} bytes.", param=field)


def lock_owner(conn: Connection, owner: Owner) -> tuple[int, int]:
    """Takes the owner's row until the end of the transaction; its (files, bytes)."""
    [(files, used)] = conn.execute(
        "INSERT INTO owners (owner, files, bytes) VALUES (?, 0, 0)"
        " ON CONFLICT (owner) DO UPDATE SET files = owners.files RETURNING files, bytes",
        (owner,),
    )
    return files, used


def _free_alias(conn: Connection, owner: Owner, alias: str, now: float) -> None:
    for file_id, over in conn.execute(
        f"SELECT id, {OVER} FROM files WHERE owner = ? AND alias = ?", (now, steady(conn), owner, alias)
    ):
        if not over:
            raise Conflict(f"A file named '{alias}' already exists.", param="name")
        _delete(conn, owner, file_id, now)


def get_file(conn: Connection, owner: Owner, file_id: str, now: float) -> FileRecord | None:
    if not storable(file_id):
        return None
    return FILES.find(conn, f"WHERE id = ? AND owner = ? AND {ALIVE}", (file_id, owner, now))


def get_file_by_alias(conn: Connection, owner: Owner, alias: str, now: float) -> FileRecord | None:
    if not storable(alias):
        return None
    return FILES.find(conn, f"WHERE owner = ? AND alias = ? AND {ALIVE}", (owner, alias, now))


def file_of_blob(conn: Connection, blob_id: str) -> FileRecord | None:
    """Any file with these bytes, whoever's: for the gateway's own work on a blob, never for a client's request."""
    return FILES.find(conn, "WHERE blob_id = ? LIMIT 1", (blob_id,))


def list_files(
    conn: Connection,
    owner: Owner,
    *,
    purpose: str | None,
    after: str | None,
    limit: int,
    descending: bool,
    now: float,
) -> tuple[list[FileRecord], bool]:
    """A page by (created_at, id), and whether there is more. `after`: the id of the last file of the page before;
    one that was deleted since still works for a day. Raises `FileNotFound` for any other."""
    if purpose in HIDDEN:
        return [], False
    direction, beyond = ("DESC", "<") if descending else ("ASC", ">")
    conditions = ["owner = ?"]
    values: list[object] = [owner]
    if purpose is not None:
        if not storable(purpose):
            return [], False
        conditions.append("purpose = ?")
        values.append(purpose)
    else:
        conditions.append(LISTED)
        values += HIDDEN
    if after is not None:
        conditions.append(f"(created_at, id) {beyond} (?, ?)")
        values += [position(conn, owner, after), after]
    found = FILES.select(
        conn,
        f"WHERE {' AND '.join(conditions)} AND {ALIVE} ORDER BY created_at {direction}, id {direction} LIMIT ?",
        (*values, now, limit + 1),
    )
    return found[:limit], len(found) > limit


def position(conn: Connection, owner: Owner, file_id: str) -> float:
    """When it was created, also of one that was deleted within a day. Raises `FileNotFound` for any other."""
    if storable(file_id):
        for table in ("files", "removed_files"):
            rows = conn.execute(f"SELECT created_at FROM {table} WHERE id = ? AND owner = ?", (file_id, owner))
            if rows:
                return float(rows[0][0])
    raise FileNotFound(file_id, param="after")


def delete_file(conn: Connection, owner: Owner, file_id: str, now: float) -> FileRecord | None:
    """Removes it and gives what it was; None when it is not there.

    With the last file of a blob the blob is orphaned and its copies at Gemini are purged.
    """
    if get_file(conn, owner, file_id, now) is None:
        return None
    lock_owner(conn, owner)
    return _delete(conn, owner, file_id, now)


def _delete(conn: Connection, owner: Owner, file_id: str, now: float) -> FileRecord | None:
    rows = conn.execute(f"DELETE FROM files WHERE id = ? AND owner = ? RETURNING {FILES.listed}", (file_id, owner))
    if not rows:
        return None
    [file] = FILES.records(rows)
    conn.execute("UPDATE owners SET files = files - 1, bytes = bytes - ? WHERE owner = ?", (file.bytes, owner))
    conn.execute(
        "INSERT INTO removed_files (id, owner, created_at, removed_at) VALUES (?, ?, ?, ?)",
        (file.id, owner, file.created_at, now),
    )
    if not conn.execute("SELECT 1 FROM files WHERE blob_id = ? LIMIT 1", (file.blob_id,)):
        orphan_blob(conn, file.blob_id, now)
    invalidate(conn, "file", file.id)
    return file


def set_file_status(conn: Connection, file_id: str, status: FileStatus, details: str | None) -> None:
    if details is not None and not storable(details):
        details = details.replace("\x00", "").encode("utf-8", "replace").decode()
    conn.execute("UPDATE files SET status = ?, status_details = ? WHERE id = ?", (status, details, file_id))
    invalidate(conn, "file", file_id)


def find_hidden(conn: Connection, owner: Owner, purpose: str, sha256: str, size: int, now: float) -> FileRecord | None:
    """The owner's file of a purpose of `HIDDEN` with these bytes."""
    return FILES.find(
        conn,
        "WHERE owner = ? AND purpose = ? AND blob_id IN (SELECT id FROM blobs"
        f" WHERE owner = ? AND sha256 = ? AND bytes = ? AND orphaned_at IS NULL) AND {ALIVE} LIMIT 1",
        (owner, purpose, owner, sha256, size, now),
    )


def prolong_unlisted(conn: Connection, file_id: str, expires_at: float) -> None:
    """It was used again, so it lives longer."""
    conn.execute(
        "UPDATE files SET expires_at = ?, lag = ? WHERE id = ? AND purpose = ?",
        (expires_at, conn.now() - steady(conn), file_id, UNLISTED),
    )
    invalidate(conn, "file", file_id)


def settle_pending(conn: Connection, before: float, limit: int) -> int:
    """Files created before `before` whose copy is waited for and whose upload no process carries on; how many.

    They are durable, so `processed`, with a word where no copy is there; or `error`, where Gemini refused them.
    """
    rows = conn.execute(
        "SELECT id, (SELECT error FROM replicas WHERE replicas.blob_id = files.blob_id AND state = 'failed' LIMIT 1),"
        " (SELECT 1 FROM replicas WHERE replicas.blob_id = files.blob_id AND state = 'active' LIMIT 1)"
        " FROM files WHERE status = 'uploaded' AND created_at < ? AND NOT EXISTS (SELECT 1 FROM replicas"
        " WHERE replicas.blob_id = files.blob_id AND replicas.state IN ('uploading', 'processing'))"
        " AND NOT EXISTS (SELECT 1 FROM leases WHERE leases.name = ? || files.id AND leases.expires_at > ?) LIMIT ?",
        (before, CARRIED, conn.now(), limit),
    )
    for file_id, refusal, active in rows:
        if refusal is not None:
            set_file_status(conn, file_id, "error", refusal)
        else:
            set_file_status(conn, file_id, "processed", None if active else NOT_CARRIED)
    return len(rows)


def expire_files(conn: Connection, now: float, limit: int) -> list[FileRecord]:
    """Removes files whose time is over, oldest first, exactly as `delete_file` does; at most `limit`."""
    conn.execute("DELETE FROM removed_files WHERE removed_at < ?", (now - REMEMBERED_SECONDS,))
    return _expire(conn, None, now, limit)


def _expire(conn: Connection, owner: Owner | None, now: float, limit: int) -> list[FileRecord]:
    whose, values = ("owner = ? AND ", (owner,)) if owner is not None else ("", ())
    due = conn.execute(
        f"SELECT owner, id FROM files WHERE {whose}{OVER} ORDER BY expires_at LIMIT ?",
        (*values, now, steady(conn), limit),
    )
    removed = []
    locked = None
    # Owners in one order everywhere, so that two sweeps cannot wait for each other.
    for of, file_id in sorted(due):
        if of != locked:
            lock_owner(conn, of)
            locked = of
        if (file := _delete(conn, of, file_id, now)) is not None:
            removed.append(file)
    return removed


def delete_some(conn: Connection, owner: Owner, now: float, limit: int) -> int:
    """Deletes at most `limit` files of the owner, and takes the owner's row; how many."""
    lock_owner(conn, owner)
    rows = conn.execute("SELECT id FROM files WHERE owner = ? LIMIT ?", (owner, limit))
    for (file_id,) in rows:
        _delete(conn, owner, file_id, now)
    return len(rows)


def owners(conn: Connection) -> list[tuple[Owner, int, int]]:
    """(owner, files, bytes) of everybody who ever stored something, by name."""
    return [(row[0], row[1], row[2]) for row in conn.execute("SELECT owner, files, bytes FROM owners ORDER BY owner")]
