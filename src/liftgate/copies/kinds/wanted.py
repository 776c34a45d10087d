"""A File as a request needs it: what `kinds/files` makes copies of."""

from __future__ import annotations

import copy

import msgspec

from liftgate.deployments import Account
from liftgate.errors import FileNotFound, FileUnusable, LiftgateError
from liftgate.media_types import bare
from liftgate.records import CopyKey, FileRecord


class Wanted(msgspec.Struct, frozen=True):
    """`mime_type` is the message's `format` where it gives one."""

    file: FileRecord
    mime_type: str

    def key(self, account: Account) -> CopyKey:
        # For every file of every chat: the class itself would take three times as long.
        return tuple.__new__(CopyKey, (self.file.blob_id, self.mime_type, account.name))

    @property
    def label(self) -> str:
        return self.file.id

    @property
    def facts(self) -> str:
        return f"{self.file.bytes} bytes, {self.mime_type}"

    @property
    def described(self) -> str:
        """As its owner knows it."""
        return f"File {self.file.id} ({self.file.filename!r}, {bare(self.mime_type)})"

    def about(self, error: LiftgateError) -> LiftgateError:
        """The same error, naming the file; FileNotFound does."""
        if isinstance(error, FileNotFound):
            return error
        named = copy.copy(error)
        named.message = f"{self.described}: {error.message}"
        named.args = (named.message,)
        return named

    def gone(self) -> FileNotFound:
        return FileNotFound(self.file.id)

    def refused(self, reason: str) -> FileUnusable:
        return FileUnusable(reason, code="file_processing_failed")
