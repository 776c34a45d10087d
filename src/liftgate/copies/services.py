"""What the modules of this room share: the parts they work with, and the words for what is wanted."""

from __future__ import annotations

import copy
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import msgspec

from liftgate.byte_source import ByteSource
from liftgate.catalog.connection import replica_key
from liftgate.catalog.database import Database
from liftgate.clock import Clock
from liftgate.errors import FileNotFound, LiftgateError
from liftgate.gemini.client import GeminiClient
from liftgate.media_types import bare
from liftgate.records import Account, FileRecord
from liftgate.settings import JobSettings
from liftgate.tasks import Tasks

OpenBlob = Callable[[str, int], Awaitable[ByteSource]]
"""(blob id, bytes) → where its bytes are read from."""

Key = tuple[str, str, str]
"""(blob id, MIME type, account name)"""


@dataclass(frozen=True, slots=True)
class Parts:
    """Constructed by `gateway.py`, once. `holder` names this process in leases; `accounts` are those of the config."""

    db: Database
    open_blob: OpenBlob
    client: GeminiClient
    clock: Clock
    tasks: Tasks
    settings: JobSettings
    accounts: Mapping[str, Account]
    holder: str


class Wanted(msgspec.Struct, frozen=True):
    """A File as a request needs it: `mime_type` is the message's `format` where it gives one."""

    file: FileRecord
    mime_type: str

    def key(self, account: Account) -> Key:
        return (self.file.blob_id, self.mime_type, account.name)

    @property
    def described(self) -> str:
        """As its owner knows it."""
        return f"File {self.file.id} ({self.file.filename!r}, {bare(self.mime_type)})"

    def about(self, error: LiftgateError) -> LiftgateError:
        """The same error, saying which file it is about; FileNotFound does."""
        if isinstance(error, FileNotFound):
            return error
        named = copy.copy(error)
        named.message = f"{self.described}: {error.message}"
        named.args = (named.message,)
        return named


LEASES = "replica|"
"""What the names of replicas' leases begin with; the rest is `replica_key`."""


def lease_name(key: Key) -> str:
    return LEASES + replica_key(*key)
