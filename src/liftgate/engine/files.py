"""Files as their owners see them: create, retrieve, list, read, delete.

A File that is asked for often is served from memory; deleting it is immediate here and within a second on other nodes.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from liftgate.audit import By, note
from liftgate.byte_source import ByteSource
from liftgate.catalog.database import Connection
from liftgate.catalog.rows import files as rows
from liftgate.copies.kinds.files import delete_file
from liftgate.copies.kinds.head_start import HeadStart
from liftgate.copies.purge import PurgeAtOnce
from liftgate.copies.services import Services
from liftgate.deployments import Account
from liftgate.engine.prefetch import Prefetch
from liftgate.errors import FileNotFound, InvalidRequest, LiftgateError
from liftgate.files.arrival import FileArrival, Ingest
from liftgate.files.read import FileBytes
from liftgate.files.uploads import Uploads
from liftgate.gemini.upload_session import CHUNK
from liftgate.keys.asking import asked_model
from liftgate.magic_bytes import HEAD
from liftgate.media_types import is_taken, is_text, resolve, unusable
from liftgate.names import gemini_resource, id_in, is_file_id, resource_of
from liftgate.records import FileRecord, NewFile, Owner, UploadRecord
from liftgate.router.attempts import Router

log = logging.getLogger("liftgate.engine")

CACHED_FILES = 100_000
PAGE_LIMIT = 10_000


@dataclass(frozen=True, slots=True)
class FilePage:
    files: list[FileRecord]
    has_more: bool


class Files:
    def __init__(
        self,
        services: Services,
        purge: PurgeAtOnce,
        ingest: Ingest,
        uploads: Uploads,
        prefetch: Prefetch,
        router: Router,
    ) -> None:
        self._db = services.db
        self._open_blob = services.open_blob
        self._clock = services.clock
        self._settings = services.settings
        self._ingest = ingest
        self._uploads = uploads
        self._prefetch = prefetch
        self._router = router
        self._purge = purge
        self._known: OrderedDict[tuple[Owner, str], FileRecord] = OrderedDict()
        self._changes = 0
        self._owners_of: dict[str, Owner] = {}
        services.db.watch(self._on_change)

    def begin(self, owner: Owner, new: NewFile) -> Creation:
        """A File about to arrive. An unknown model raises ModelNotFound before a byte is read."""
        accounts = self.accounts_of(new.models)
        # The size is a guess: fields may follow the file. What is stored must not depend on it.
        return Creation(self, self._prefetch, self._ingest.begin(owner), new, accounts)

    def accounts_of(self, models: Sequence[str]) -> list[Account]:
        """Where these models run, each account once. Raises ModelNotFound, and PermissionDenied for one that the
        request's key may not ask."""
        find = self._router.deployments
        deployments = [find(asked_model(name, find))[0] for name in models]
        return list({deployment.account.name: deployment.account for deployment in deployments}.values())

    async def complete_upload(
        self, owner: Owner, upload_id: str, part_ids: Sequence[str], md5: str | None, models: Sequence[str]
    ) -> tuple[UploadRecord, FileRecord]:
        """`Uploads.complete`, and the File is taken to where these models run. An unknown model raises ModelNotFound
        before anything is done."""
        self.accounts_of(models)
        upload, file = await self._uploads.complete(owner, upload_id, part_ids, md5, for_gemini=bool(models))
        return upload, await self.prefetch_to(file, models) if models else file

    async def prefetch_to(self, file: FileRecord, models: Sequence[str]) -> FileRecord:
        """Begins to take a stored File to where these models run; what it is from then on. Raises ModelNotFound, and
        FileUnusable for one that Gemini does not take."""
        accounts = self.accounts_of(models)
        if not is_taken(file.mime_type):
            raise unusable(f"File {file.id} ({file.filename!r})", file.mime_type, param="target_model_names")
        await self._db.write(lambda conn: rows.set_file_status(conn, file.id, "uploaded", None))
        pending = replace(file, status="uploaded", status_details=None)
        self._prefetch.start(pending, accounts, ())
        return pending

    async def retrieve(self, owner: Owner, file_id: str) -> FileRecord:
        """Raises FileNotFound, in the same words for a foreign, a deleted and an impossible id."""
        file = await self.find(owner, file_id)
        if file is None:
            raise FileNotFound(file_id)
        return file

    async def find(self, owner: Owner, file_id: str) -> FileRecord | None:
        file = self.known(owner, file_id)
        if file is not None or not is_file_id(file_id):
            return file
        changes = self._changes
        file = await self._db.read(lambda conn: rows.get_file(conn, owner, file_id, conn.now()))
        if file is not None and not is_taken(file.mime_type):
            file = await self._looked_at_again(file)
        if file is not None and changes == self._changes:
            # Only what no change can have overtaken: a deleted File that is remembered would be there for ever.
            self._remember(file)
        return file

    async def _looked_at_again(self, file: FileRecord) -> FileRecord:
        """With the type that today's rule gives it: what was stored earlier may be called by a name that Gemini does
        not take though its bytes tell a better one."""
        try:
            source = await self._open_blob(file.blob_id, file.bytes)
            head = b"".join([piece async for piece in source.read(0, min(HEAD, file.bytes))])
        except LiftgateError:
            return file
        return replace(file, mime_type=resolve(declared=file.mime_type, filename=file.filename, head=head))

    def known(self, owner: Owner, file_id: str) -> FileRecord | None:
        """What memory has of it, if that still holds; `find` also asks the catalogue."""
        file = self._known.get((owner, file_id))
        if file is None or (file.expires_at is not None and file.expires_at <= self._db.now()):
            return None
        if self._db.watcher.deaf_since is not None and self._stale():
            return None
        return file

    async def named(self, owner: Owner, spelling: str) -> FileRecord | None:
        """The File that a client means by an id, a Gemini name (`files/x`), its `x` or a URI; None where it has none.

        Only names that Liftgate gave, or that the owner chose, are looked for: a copy's name belongs to no owner.
        """
        name = resource_of(spelling)
        found = await self.find(owner, id_in(spelling))
        if found is not None or name is None or is_file_id(name):
            return found
        return await self._aliased(owner, gemini_resource(name))

    async def _aliased(self, owner: Owner, alias: str) -> FileRecord | None:
        return await self._db.read(lambda conn: rows.get_file_by_alias(conn, owner, alias, conn.now()))

    async def list(
        self,
        owner: Owner,
        *,
        purpose: str | None = None,
        after: str | None = None,
        limit: int = PAGE_LIMIT,
        order: Literal["asc", "desc"] = "desc",
    ) -> FilePage:
        if not 1 <= limit <= PAGE_LIMIT:
            raise InvalidRequest(
                f"Invalid 'limit': expected an integer from 1 to {PAGE_LIMIT}, but got {limit} instead.", param="limit"
            )

        def work(conn: Connection) -> tuple[list[FileRecord], bool]:
            return rows.list_files(
                conn,
                owner,
                purpose=purpose,
                after=after,
                limit=limit,
                descending=order == "desc",
                now=conn.now(),
            )

        return FilePage(*await self._db.read(work))

    async def delete(self, owner: Owner, file_id: str, by: By) -> None:
        """Its copies at Gemini go at once, or as soon as Gemini can be reached; its bytes after the sweep's grace."""
        purges = await self._db.write(lambda conn: delete_file(conn, owner, file_id))
        if purges is None:
            raise FileNotFound(file_id)
        note(log, "file_deleted", by, file=file_id, owner=owner)
        self._purge.begin(purges)

    async def open(self, owner: Owner, file_id: str) -> tuple[FileRecord, ByteSource]:
        """Its bytes; whoever reads all of them gets either those that were stored or an error (`FileBytes`)."""
        file = await self.retrieve(owner, file_id)
        source = await self._open_blob(file.blob_id, file.bytes)
        return file, FileBytes(file, source, self._ingest.threads)

    def _stale(self) -> bool:
        """While no changes of other processes arrive, memory is believed for a time: they cannot change much then."""
        since = self._db.stale_since()
        return since is not None and self._clock.monotonic() - since > self._settings.cache_stale_seconds

    def _remember(self, file: FileRecord) -> None:
        key = (file.owner, file.id)
        self._known[key] = file
        self._owners_of[file.id] = file.owner
        if len(self._known) > CACHED_FILES:
            (_, oldest), _ = self._known.popitem(last=False)
            self._owners_of.pop(oldest, None)

    def _forget(self, file_id: str) -> None:
        owner = self._owners_of.pop(file_id, None)
        if owner is not None:
            self._known.pop((owner, file_id), None)

    def _on_change(self, topic: str, key: str) -> None:
        if topic == "file":
            self._changes += 1
            self._forget(key)
        elif topic == "*":
            self._changes += 1
            self._known.clear()
            self._owners_of.clear()


class Creation:
    """A File on its way in. `write` its bytes, then `commit` or `abort`."""

    def __init__(
        self, files: Files, prefetch: Prefetch, arrival: FileArrival, new: NewFile, accounts: list[Account]
    ) -> None:
        self._files = files
        self._prefetch = prefetch
        self._arrival = arrival
        self._new = new
        self._accounts = accounts
        self._head_starts: list[HeadStart] = []
        self.write = arrival.write
        if accounts:
            arrival.on_head = self._begin_head_start

    def _begin_head_start(self, head: bytes) -> None:
        size = self._new.size
        # A file of one chunk gains nothing: that chunk carries the finalize, which must wait for the commit.
        if size is None or size <= CHUNK:
            return
        mime_type = resolve(declared=self._new.mime_type, filename=self._new.filename, head=head)
        # All of a text must be here before it is known whether it is sent as it is.
        if is_text(mime_type) or not is_taken(mime_type):
            return
        source = self._arrival.spool
        self._head_starts = [
            self._prefetch.begin_head_start(source, account, mime_type, size) for account in self._accounts
        ]

    async def commit(self, new: NewFile) -> FileRecord:
        """Durable from here on. `new`: all that is known now, where more came behind the file. `status` is `uploaded`
        while a copy that was asked for is on its way. Raises FileUnusable where one was asked for and Gemini does
        not take the file.
        """
        known = {account.name for account in self._accounts}
        self._accounts += [account for account in self._files.accounts_of(new.models) if account.name not in known]
        file = await self._arrival.commit(new, status="uploaded" if self._accounts else "processed")
        if self._accounts:
            self._prefetch.start(file, self._accounts, self._head_starts)
        return file

    async def abort(self) -> None:
        """Nothing of it is kept. Idempotent. Gemini's session ends in the background."""
        for upload in self._head_starts:
            self._prefetch.cancel_head_start(upload)
        await self._arrival.abort()
