"""What work on copies, files and requests needs of the process: opened once, by `gateway.open_services`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from liftgate.blobs.store import BlobStore
from liftgate.byte_source import ByteSource
from liftgate.catalog.database import Database
from liftgate.clock import Clock
from liftgate.deployments import Account
from liftgate.gemini.client import GeminiClient
from liftgate.gemini.upload_session import UploadSession
from liftgate.measurements import Measurements
from liftgate.records import CopyKey
from liftgate.settings import JobSettings
from liftgate.tasks import Tasks

OpenBlob = Callable[[str, int], Awaitable[ByteSource]]
"""(blob id, bytes) → where its bytes are read from."""


@dataclass(frozen=True, slots=True)
class Services:
    """`db`: the catalogue; `blobs`: the object store; `open_blob` reads from both. `client` asks Gemini. `tasks` run
    until they are drained. `accounts` are those of the config, by name. `holder` names this process in leases.
    `measurements`: records what is worth counting. `sending`: the upload sessions that this process carries on.
    """

    db: Database
    blobs: BlobStore
    open_blob: OpenBlob
    client: GeminiClient
    clock: Clock
    tasks: Tasks
    settings: JobSettings
    accounts: Mapping[str, Account]
    holder: str
    measurements: Measurements = field(default_factory=Measurements)
    sending: dict[CopyKey, UploadSession] = field(default_factory=dict)
