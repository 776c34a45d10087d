"""What Liftgate asks of a place for blobs. Implemented by `local.LocalBlobs` and `objects.ObjectBlobs`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from liftgate.blobs.spool import Spool
from liftgate.byte_source import ByteSource
from liftgate.errors import InternalError, Unavailable


@dataclass(frozen=True, slots=True)
class StoredBlob:
    """What a store holds under a key. When it came is not asked: the store's clock is not ours."""

    id: str
    bytes: int


class BlobMissing(InternalError):
    """The store does not have the bytes that the catalogue says it has: none, fewer, or others."""

    def __init__(self, blob_id: str, *, of: str = "this file") -> None:
        super().__init__(f"The stored bytes of {of} are missing or damaged.")
        self.blob_id = blob_id


class StoreAway(Unavailable):
    """The store does not answer, or refuses us. `reason`: half a sentence for who runs the gateway, no secret."""

    def __init__(self, reason: str) -> None:
        super().__init__("The storage for files does not answer; try again later.")
        self.reason = reason


MARK, TURN = "liftgate-store", "liftgate-turn"
"""Notes in a store: whose it is, and what the last sweep left. Their names can never be a blob's."""


class StoreNotes(Protocol):
    """Small texts in the store beside the blobs, which no listing of blobs has. All raise Unavailable.

    `place` names the store in messages: a directory or an address, without a secret.
    """

    @property
    def place(self) -> str: ...
    @property
    def body(self) -> str:
        """Which directory it physically is: a copy of it has another one. "" for what only its address names."""

    async def read(self, name: str) -> str | None: ...

    async def write(self, name: str, text: str, *, only_new: bool = False) -> None:
        """`only_new`: where there is one by then, it stays; who writes looks afterwards."""


class BlobStore(Protocol):
    """Bytes under random keys of `liftgate.ids`; a key is written once and never changed.

    `store` is started beside the writing of the spool and returns when all of it is durable. If it fails or is
    cancelled, pieces may be left under the key: its caller deletes them, and sweeps find those of a crash. It raises
    SpoolDiscarded when the writer gave up, StorageFull and Unavailable.
    `open` does no I/O; its source raises BlobMissing when read.
    `delete` of what is not there is fine.
    `check` raises StoreAway where it cannot be listed or written; at a start, not for each request.
    `list` yields in no promised order, and nothing that is not named like a blob. What is being written may be in it.
    """

    @property
    def notes(self) -> StoreNotes: ...
    async def store(self, blob_id: str, spool: Spool) -> None: ...
    def open(self, blob_id: str, size: int) -> ByteSource: ...
    async def delete(self, blob_id: str) -> None: ...
    async def check(self) -> None: ...
    def list(self) -> AsyncIterator[StoredBlob]: ...
    async def close(self) -> None: ...
