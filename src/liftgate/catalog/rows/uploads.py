"""Uploads in parts, of OpenAI's kind and of Gemini's (resumable sessions at our own front), until they become files.

A part is an object in the store that is durable before its row. Completing is idempotent: the transaction that makes
the file also marks the upload, so a repeated or concurrent completion gives the same file. Keys that have no use any
more are handed to the caller, who deletes the objects; what a crash leaves is unknown to the catalogue, and swept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from liftgate.catalog.connection import Connection, storable
from liftgate.catalog.rows.blobs import BlobPart
from liftgate.catalog.rows.files import check_texts, commit_file, get_file, lock_owner
from liftgate.catalog.rows.unknown import claim
from liftgate.catalog.steady import steady
from liftgate.catalog.table import Table
from liftgate.errors import InvalidRequest, RateLimited, Unavailable, UploadNotFound
from liftgate.records import BlobRecord, FileRecord, Owner, UploadPart, UploadRecord, UploadStatus

KEPT_SECONDS = 7 * 86_400
"""How long an upload that ended can still be asked for."""
PART_LIFE_SECONDS = 3600.0
"""An upload lives so long after its last part at least: a heavy file on a slow line takes longer than OpenAI's hour."""
OVER = "((lag IS NOT NULL OR expires_at <= ?) AND expires_at - coalesce(lag, 0) <= ?)"
"""As `_seen` has it: of the time by the database's clock, and of the steady time."""


def pending_bytes(conn: Connection, owner: Owner) -> int:
    """What came of the owner's unfinished uploads. Parts that were sent again count as far as the file has bytes."""
    [(total,)] = conn.execute(
        "SELECT sum(CASE WHEN bytes < received THEN bytes ELSE received END) FROM uploads"
        f" WHERE status = 'pending' AND NOT {OVER} AND owner = ?",
        (conn.now(), steady(conn), owner),
    )
    return int(total or 0)


def count_open(conn: Connection) -> dict[str, int]:
    """Uploads that have not ended, by their kind."""
    return {
        row[0]: row[1]
        for row in conn.execute(
            f"SELECT kind, count(*) FROM uploads WHERE status = 'pending' AND NOT {OVER} GROUP BY kind",
            (conn.now(), steady(conn)),
        )
    }


UPLOADS = Table(
    name="uploads",
    record=UploadRecord,
    unused=("md5",),
    owner="owner",
    refers={"file_id": "files"},
    texts=(
        *("id", "kind", "filename", "purpose", "mime_type", "status", "secret_hash", "alias", "display_name"),
        *("completion", "md5"),
    ),
    stored=pending_bytes,
)
UPLOAD_PARTS = Table(
    name="upload_parts",
    record=UploadPart,
    unused=("md5",),
    objects={"key": "bytes"},
    refers={"upload_id": "uploads"},
    texts=("id", "sha256", "md5"),
    through="upload_id",
    counted_by="uploads",
)


class MoreCame(Unavailable):
    """Raised inside a transaction, which is undone: a session of Gemini's has bytes that its file was to be made
    without. They were acknowledged, so its parts are to be looked at again."""

    def __init__(self) -> None:
        super().__init__("More bytes came to this upload while it was finalized; query it and go on.", retry_after=1)


@dataclass(frozen=True, slots=True)
class Finished:
    """The file, and the keys of objects that are not needed any more."""

    file: FileRecord
    unused: tuple[str, ...]


def begin_upload(conn: Connection, upload: UploadRecord, *, life: float, most: int) -> UploadRecord:
    """Inserts it to live for `life` seconds from now on, by the database's clock, where the owner has fewer than `most`
    that have not ended; those whose time is over have. Of its uploads that came to nothing as many are remembered.
    Raises `RateLimited`, and as `insert_upload`.
    """
    lock_owner(conn, upload.owner)
    now, at = conn.now(), steady(conn)
    [(pending,)] = conn.execute(
        f"SELECT count(*) FROM uploads WHERE status = 'pending' AND NOT {OVER} AND owner = ?", (now, at, upload.owner)
    )
    if pending >= most:
        raise RateLimited(
            f"You have {pending} unfinished uploads, and at most {most} are allowed (max_pending_uploads). Complete or "
            "cancel some of them; those that are left alone expire.",
        )
    conn.execute(
        "DELETE FROM uploads WHERE id IN (SELECT id FROM uploads WHERE owner = ? AND status IN ('cancelled', 'expired')"
        " ORDER BY created_at DESC LIMIT 1000 OFFSET ?)",
        (upload.owner, most),
    )
    begun = replace(upload, created_at=now, expires_at=now + life, lag=now - at)
    insert_upload(conn, begun)
    return begun


def insert_upload(conn: Connection, upload: UploadRecord) -> None:
    """Raises `InvalidRequest` for a text that no database can hold."""
    check_texts(upload)
    UPLOADS.insert(conn, upload)


def get_upload(conn: Connection, owner: Owner, upload_id: str, now: float) -> UploadRecord | None:
    """In whatever state it is; one whose time is over is `expired` before any sweep."""
    if not storable(upload_id):
        return None
    upload = UPLOADS.find(conn, "WHERE id = ? AND owner = ?", (upload_id, owner))
    return None if upload is None else _seen(conn, upload, now)


def get_upload_by_secret(conn: Connection, secret_hash: str, now: float) -> UploadRecord | None:
    """The session of Gemini's whose capability has this SHA-256 (hex)."""
    upload = UPLOADS.find(conn, "WHERE secret_hash = ?", (secret_hash,))
    return None if upload is None else _seen(conn, upload, now)


def _seen(conn: Connection, upload: UploadRecord, now: float) -> UploadRecord:
    if upload.status != "pending":
        return upload
    over = upload.lag is not None or upload.expires_at <= now
    if over and upload.expires_at - (upload.lag or 0.0) <= steady(conn):
        return replace(upload, status="expired")
    return upload


def _locked(conn: Connection, upload_id: str, now: float) -> UploadRecord:
    """Takes the row until the end of the transaction, so that parts, completion and cancelling come one at a time."""
    upload = UPLOADS.find(conn, "WHERE id = ? /*FOR UPDATE*/", (upload_id,))
    if upload is None:
        raise UploadNotFound(upload_id)
    return _seen(conn, upload, now)


def _not_open(upload: UploadRecord) -> InvalidRequest:
    return InvalidRequest(f"Upload {upload.id} is {upload.status}.", param="upload_id")


def check_room(upload: UploadRecord) -> None:
    """Raises InvalidRequest where the upload has had enough: a part may be sent again under another id when its answer
    was lost, but not without end."""
    if upload.received > 2 * (upload.bytes or 0):
        raise InvalidRequest(
            f"Upload {upload.id} was to have {upload.bytes} bytes and was sent {upload.received}.", param="data"
        )


def add_part(conn: Connection, part: UploadPart, now: float) -> bool:
    """Adds a part whose object is durable, and lets the upload live on for the next one. False: its `start` is not
    where the session stands (`received`), and the caller deletes the object. Raises `UploadNotFound`, and
    `InvalidRequest` when the upload has ended, `Unavailable` when a sweep has taken the object."""
    upload = _locked(conn, part.upload_id, now)
    if upload.status != "pending":
        raise _not_open(upload)
    if part.start is not None and part.start != upload.received:
        return False
    if part.start is None:
        check_room(upload)
    claim(conn, part.key)
    UPLOAD_PARTS.insert(conn, part)
    expires_at, lag = _prolonged(conn, upload, now)
    conn.execute(
        "UPDATE uploads SET received = received + ?, expires_at = ?, lag = ? WHERE id = ?",
        (part.bytes, expires_at, lag, part.upload_id),
    )
    return True


def _prolonged(conn: Connection, upload: UploadRecord, now: float) -> tuple[float, float | None]:
    """`expires_at` and `lag` once a part has come."""
    if upload.lag is None:
        return max(upload.expires_at, now + PART_LIFE_SECONDS), None
    behind = now - steady(conn)
    # Which is later is asked of the steady clock, since the other may have jumped.
    if PART_LIFE_SECONDS + now - behind > upload.expires_at - upload.lag:
        return now + PART_LIFE_SECONDS, behind
    return upload.expires_at, upload.lag


def parts_of(conn: Connection, upload_id: str) -> list[UploadPart]:
    """A Gemini session's by offset, OpenAI's by age; none once the upload has ended."""
    return UPLOAD_PARTS.select(conn, "WHERE upload_id = ? ORDER BY start, created_at, id", (upload_id,))


def count_parts(conn: Connection, upload_id: str) -> int:
    [(count,)] = conn.execute("SELECT count(*) FROM upload_parts WHERE upload_id = ?", (upload_id,))
    return int(count)


def note_completion(conn: Connection, upload_id: str, completion: str, now: float) -> None:
    """Before `finish` in its transaction. Raises `InvalidRequest` when it was completed with something else."""
    upload = _locked(conn, upload_id, now)
    if upload.status == "completed" and upload.completion != completion:
        raise InvalidRequest(f"Upload {upload_id} was completed before, with other parts.", param="part_ids")
    conn.execute("UPDATE uploads SET completion = ? WHERE id = ?", (completion, upload_id))


def finish(
    conn: Connection,
    upload_id: str,
    file: FileRecord,
    blob: BlobRecord,
    parts: Sequence[BlobPart],
    *,
    owner_limit: int | None,
    looked_at: Mapping[str, bool] | None = None,
) -> Finished:
    """Makes the file: of `parts` in this order (a manifest), or of the object `blob.id` when there are none. It is made
    at the file's `created_at`.

    An upload that is completed already gives its file again, and nothing of `parts` is unused then: they are its own.
    As with `commit_file` the caller compares blob ids, and deletes an object of `blob.id` that the file does not use.
    Raises `UploadNotFound`, `InvalidRequest` when it was cancelled, expired or its file deleted, or when a part is not
    the upload's, `MoreCame`, and what `commit_file` raises.
    """
    upload = _locked(conn, upload_id, file.created_at)
    if upload.status == "completed":
        done = get_file(conn, upload.owner, upload.file_id or "", file.created_at)
        if done is None:
            raise InvalidRequest(f"The file of upload {upload_id} was deleted.", param="upload_id")
        return Finished(done, ())
    if upload.status != "pending":
        raise _not_open(upload)
    own = {row[0] for row in conn.execute("DELETE FROM upload_parts WHERE upload_id = ? RETURNING key", (upload_id,))}
    if not own.issuperset(part.key for part in parts):
        raise InvalidRequest(f"A part does not belong to upload {upload_id}.", param="part_ids")
    if upload.kind == "gemini" and len(own) > len(parts):
        raise MoreCame
    stored = commit_file(conn, file, blob, owner_limit=owner_limit, parts=parts, looked_at=looked_at)
    conn.execute("UPDATE uploads SET status = 'completed', file_id = ? WHERE id = ?", (stored.id, upload_id))
    kept = stored.blob_id == blob.id or not (looked_at or {}).get(stored.blob_id, True)
    used = {part.key for part in parts} if kept else set()
    return Finished(stored, tuple(sorted(own - used)))


def cancel(conn: Connection, owner: Owner, upload_id: str, now: float) -> tuple[UploadRecord, list[str]]:
    """Ends it without a file: (the upload, keys to delete). Cancelling again is fine.

    Raises `UploadNotFound`, and `InvalidRequest` for one that is completed or expired.
    """
    if get_upload(conn, owner, upload_id, now) is None:
        raise UploadNotFound(upload_id)
    upload = _locked(conn, upload_id, now)
    if upload.status not in ("pending", "cancelled"):
        raise _not_open(upload)
    return replace(upload, status="cancelled"), _end(conn, upload_id, "cancelled")


def expire_uploads(conn: Connection, now: float, limit: int) -> list[str]:
    """Ends those whose time is over, forgets those that ended long ago; the keys of objects to delete."""
    keys: list[str] = []
    due = conn.execute(
        f"SELECT id FROM uploads WHERE status = 'pending' AND {OVER} ORDER BY expires_at LIMIT ?",
        (now, steady(conn), limit),
    )
    for (upload_id,) in sorted(due):
        if _locked(conn, upload_id, now).status == "expired":
            keys += _end(conn, upload_id, "expired")
    conn.execute(
        "DELETE FROM uploads WHERE id IN"
        " (SELECT id FROM uploads WHERE status IN ('completed', 'cancelled', 'expired')"
        " AND expires_at - coalesce(lag, 0) < ? LIMIT ?)",
        (steady(conn) - KEPT_SECONDS, limit),
    )
    return keys


def _end(conn: Connection, upload_id: str, status: UploadStatus) -> list[str]:
    rows = conn.execute("DELETE FROM upload_parts WHERE upload_id = ? RETURNING key", (upload_id,))
    conn.execute("UPDATE uploads SET status = ? WHERE id = ?", (status, upload_id))
    return [row[0] for row in rows]
