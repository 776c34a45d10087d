"""OpenAI's uploads: parts in any order and side by side, put together by the list of their ids.

Any process takes the next part, before or after a restart: what was acknowledged is in the object store and has a row.
A foreign upload is not there, in the same words as one that never was. Contract: docs/protocol/openai.md, "Uploads".
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from liftgate import ids
from liftgate.catalog.connection import Connection
from liftgate.catalog.rows.files import get_file
from liftgate.catalog.rows.uploads import begin_upload, cancel, check_room, get_upload, parts_of
from liftgate.errors import InvalidRequest, UploadNotFound
from liftgate.files.arrival import too_large
from liftgate.files.filename import clean_filename
from liftgate.files.part_store import PartArrival, PartStore
from liftgate.media_types import explicit
from liftgate.records import FileRecord, NewFile, Owner, UploadPart, UploadRecord

LIFE_SECONDS = 3600
"""OpenAI's hour; each part moves the end on (`catalog.rows.uploads.PART_LIFE_SECONDS`)."""


class Uploads:
    def __init__(self, parts: PartStore) -> None:
        self._parts = parts
        self._ingest = parts.ingest
        self._db = parts.ingest.db

    async def create(self, owner: Owner, new: NewFile, size: int) -> UploadRecord:
        """An upload of exactly `size` bytes. Raises InvalidRequest, and TooLarge for more than the owner's largest file
        or what is left of the quota."""
        if size < 1:
            raise InvalidRequest(
                f"Invalid 'bytes': expected an integer from 1 on, but got {size} instead.",
                param="bytes",
                code="empty_file" if size == 0 else "invalid_value",
            )
        if new.mime_type.strip() and explicit(new.mime_type) is None:
            raise InvalidRequest(
                "Invalid 'mime_type'. Expected a MIME type such as 'video/mp4'.",
                param="mime_type",
                code="invalid_value",
            )
        largest = self._ingest.limits.largest_file(owner)
        if size > largest:
            raise too_large(size, largest, param="bytes", exact=True)
        await self._ingest.quotas.admit(owner, size, param="bytes", exact=True)
        upload = UploadRecord(
            id=ids.new_upload_id(),
            owner=owner,
            kind="openai",
            filename=clean_filename(new.filename, param="filename"),
            purpose=new.purpose,
            mime_type=new.mime_type,
            bytes=size,
            created_at=0.0,
            expires_at=0.0,
            file_expires_after=new.life_seconds,
        )
        most = self._ingest.limits.max_pending_uploads
        return await self._db.write(lambda conn: begin_upload(conn, upload, life=LIFE_SECONDS, most=most), storing=True)

    async def begin_part(self, owner: Owner, upload_id: str) -> PartArrival:
        """Raises UploadNotFound, and InvalidRequest when the upload takes no more."""
        upload = await self._db.read(lambda conn: get_upload(conn, owner, upload_id, conn.now()))
        if upload is None or upload.kind != "openai":
            raise UploadNotFound(upload_id)
        if upload.status != "pending":
            raise InvalidRequest(f"Upload {upload_id} is {upload.status}.", param="upload_id")
        check_room(upload)
        await self._ingest.quotas.admit(owner, 0, param="data")
        return self._parts.begin(upload, start=None)

    async def complete(
        self, owner: Owner, upload_id: str, part_ids: Sequence[str], md5: str | None, *, for_gemini: bool = False
    ) -> tuple[UploadRecord, FileRecord]:
        """The File of these parts, in their order. With the same parts again: the same answer. `for_gemini`: it is to
        be carried there at once, so one that Gemini does not take raises FileUnusable and the upload stays.

        Raises UploadNotFound; InvalidRequest for parts that are not the upload's, a sum that is not its bytes, another
        md5, or an upload that has ended; TooLarge when the owner's quota is used up, after which it can be tried again.
        """
        completion = hashlib.sha256("\n".join(part_ids).encode("utf-8", "backslashreplace")).hexdigest()
        upload, parts = await self._db.read(partial(_found, owner=owner, upload_id=upload_id))
        if upload.status == "completed":
            return upload, await self._find_completed(upload, completion)
        if upload.status != "pending":
            raise InvalidRequest(f"Upload {upload_id} is {upload.status}.", param="upload_id")
        ordered = _ordered(upload, parts, part_ids)
        file = await self._parts.assemble(upload, ordered, md5=md5, completion=completion, for_gemini=for_gemini)
        return replace(upload, status="completed", file_id=file.id, completion=completion), file

    async def _find_completed(self, upload: UploadRecord, completion: str) -> FileRecord:
        if upload.completion != completion:
            raise InvalidRequest(f"Upload {upload.id} was completed before, with other parts.", param="part_ids")
        file = await self._db.read(lambda conn: get_file(conn, upload.owner, upload.file_id or "", conn.now()))
        if file is None:
            raise InvalidRequest(f"The file of upload {upload.id} was deleted.", param="upload_id")
        return file

    async def cancel(self, owner: Owner, upload_id: str) -> UploadRecord:
        """Raises UploadNotFound, and InvalidRequest for one that is completed or expired. Again is fine."""

        def work(conn: Connection) -> tuple[UploadRecord, list[str]]:
            _found(conn, owner, upload_id)
            return cancel(conn, owner, upload_id, conn.now())

        upload, keys = await self._db.write(work)
        self._parts.forget(upload_id)
        self._parts.delete(keys)
        return upload


def _found(conn: Connection, owner: Owner, upload_id: str) -> tuple[UploadRecord, list[UploadPart]]:
    now = conn.now()
    # The parts first: an upload that is pending after that had all of them.
    parts = parts_of(conn, upload_id) if get_upload(conn, owner, upload_id, now) else []
    upload = get_upload(conn, owner, upload_id, now)
    if upload is None or upload.kind != "openai":
        raise UploadNotFound(upload_id)
    return upload, parts


def _ordered(upload: UploadRecord, parts: Sequence[UploadPart], part_ids: Sequence[str]) -> list[UploadPart]:
    if not part_ids:
        raise InvalidRequest("'part_ids' is empty: an upload is completed with at least one part.", param="part_ids")
    if len(set(part_ids)) != len(part_ids):
        raise InvalidRequest("'part_ids' names a part twice.", param="part_ids")
    known = {part.id: part for part in parts}
    unknown = next((part_id for part_id in part_ids if part_id not in known), None)
    if unknown is not None:
        raise InvalidRequest(f"Upload {upload.id} has no part {unknown!r}.", param="part_ids", code="part_not_found")
    ordered = [known[part_id] for part_id in part_ids]
    total = sum(part.bytes for part in ordered)
    if total != upload.bytes:
        raise InvalidRequest(
            f"The parts have {total} bytes in all, and the upload was created for {upload.bytes}.",
            param="part_ids",
            code="size_mismatch",
        )
    return ordered
