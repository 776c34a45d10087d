"""Files as a kind of copy: a blob, as a MIME type, at an Account, where Google calls it `files/…`."""

from __future__ import annotations

from functools import partial

from liftgate.blobs.store import BlobMissing
from liftgate.catalog.connection import Connection
from liftgate.catalog.rows import copies as rows
from liftgate.catalog.rows import files
from liftgate.copies.kind import Making
from liftgate.copies.kinds.page_in import PageIn
from liftgate.copies.kinds.wanted import Wanted
from liftgate.copies.services import Services
from liftgate.deployments import Account
from liftgate.gemini.upload_rules import finished_file
from liftgate.names import FILES
from liftgate.records import CopyKey, CopyRecord, Owner

DOUBTED_BLOBS = 10_000


class FileCopies:
    """The kind (`copies.kind.Kind`)."""

    table = rows.FILE_COPIES
    prefix = FILES

    def __init__(self, services: Services) -> None:
        self._services = services
        # Blobs whose bytes were found missing or damaged. They are hashed before anything of them is sent again.
        self._doubted: set[str] = set()

    def key(self, subject: Wanted, account: Account) -> CopyKey:
        return subject.key(account)

    async def find_subject(self, copy: CopyRecord) -> Wanted | None:
        file = await self._services.db.read(partial(files.file_of_blob, blob_id=copy.subject))
        return None if file is None else Wanted(file, copy.form)

    async def make(self, making: Making[Wanted]) -> CopyRecord:
        blob_id = making.subject.file.blob_id
        page_in = PageIn(self._services, making, doubted=blob_id in self._doubted)
        try:
            made = await page_in.run()
        except BlobMissing:
            if len(self._doubted) >= DOUBTED_BLOBS:
                self._doubted.clear()
            self._doubted.add(blob_id)
            raise
        self._doubted.discard(blob_id)
        return made

    async def delete(self, account: Account, name: str, upload_url: str) -> None:
        client = self._services.client
        if upload_url:
            # Only then can it not be finalized any more.
            await client.cancel(account, upload_url)
            # It may have been final already, under a name of Google's own choice.
            finished = finished_file(await client.query(account, upload_url))
            if finished is not None and finished.name != name:
                await client.delete_file(account, finished.name)
        if name:
            await client.delete_file(account, name)


def delete_file(conn: Connection, owner: Owner, file_id: str) -> list[rows.Purge] | None:
    """What of the File's copies is to be purged once it is deleted; None when it is not there."""
    now = conn.now()
    file = files.get_file(conn, owner, file_id, now)
    copies = rows.copies_of(conn, rows.FILE_COPIES, [file.blob_id]) if file is not None else []
    if files.delete_file(conn, owner, file_id, now) is None:
        return None
    return rows.purges_of(conn, copies)
