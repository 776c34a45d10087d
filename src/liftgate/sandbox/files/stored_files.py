"""The files that the sandbox holds: their resource, their project, their quota, their end.

Bytes are on disk, one file each in the keep directory; this module never reads them. Expiry is applied lazily from
a heap, so that no request scans what is stored.
"""

import base64
import heapq
import secrets
import time
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from liftgate.sandbox.clock import NANOSECONDS, MovableClock, rfc3339
from liftgate.sandbox.media.media_facts import MediaFacts
from liftgate.sandbox.settings import SandboxSettings, Unverified
from liftgate.sandbox.wire.json_types import JsonObject

ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
# Google's expirationTime counts from the start of the upload and lies a little before createTime + 48 h.
EXPIRY_LEAD_NS = 17_402_345


def new_file_id() -> str:
    """As generated ids look in recordings: 12 of [a-z0-9]."""
    return "".join(secrets.choice(ALPHABET) for _ in range(12))


@dataclass
class StoredFile:
    """One File. Times in nanoseconds on the sandbox's clock; `ready_at` is real monotonic seconds."""

    id: str
    project: str
    mime_type: str
    size: int
    sha256: str
    path: Path
    created_ns: int
    expires_ns: int
    shown_expires_ns: int = 0
    """What expirationTime says, where a fault makes the file end at another time."""
    display_name: str = ""
    ready_at: float | None = 0.0
    """When processing ends; None never."""
    processing: float = 0.0
    error: JsonObject | None = None
    source: str = "UPLOADED"
    shown_sha256: str | None = None
    forbidden_left: int = 0
    video_seconds: float | None = None
    facts: tuple[str, MediaFacts, str | None] | None = None
    """The MIME type they were read as, what they are, and what was heard."""
    sequence: int = 0

    @property
    def state(self) -> str:
        if self.ready_at is None or time.monotonic() < self.ready_at:
            return "PROCESSING"
        return "FAILED" if self.error else "ACTIVE"

    @property
    def updated_ns(self) -> int:
        done = self.processing if self.state != "PROCESSING" else 0.0
        return self.created_ns + int(done * NANOSECONDS)

    def resource(self, base: str, switches: Unverified) -> JsonObject:
        """The File as JSON, in the order of the recordings."""
        state = self.state
        shown: JsonObject = {"name": f"files/{self.id}"}
        if self.display_name:
            shown["displayName"] = self.display_name
        shown |= {
            "mimeType": self.mime_type,
            "sizeBytes": str(self.size),
            "createTime": rfc3339(self.created_ns, 6),
            "updateTime": rfc3339(self.updated_ns, 6),
            "expirationTime": rfc3339(self.shown_expires_ns or self.expires_ns, 9),
        }
        digest = self.sha256 if self.shown_sha256 is None else self.shown_sha256
        if digest and switches.sha256_present:
            shown["sha256Hash"] = base64.b64encode(digest.encode()).decode()
        shown["uri"] = f"{base}/v1beta/files/{self.id}"
        if self.source == "GENERATED":
            shown["downloadUri"] = f"{base}/v1beta/files/{self.id}:download?alt=media"
        if switches.state_present:
            shown["state"] = state
        shown["source"] = self.source
        if state == "FAILED":
            shown["error"] = self.error
        if state == "ACTIVE" and self.video_seconds is not None:
            shown["videoMetadata"] = {
                "videoDuration": f"{self.video_seconds:g}s",
                "videoThumbnailBytes": base64.b64encode(THUMBNAIL).decode(),
            }
        return shown


# A GIF of one pixel: Google sends a JPEG of 320×180, which no client looks into.
THUMBNAIL = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b")


@dataclass
class Project:
    bytes: int = 0
    sequences: list[int] = field(default_factory=list)
    by_sequence: dict[int, StoredFile] = field(default_factory=dict)


class FileShelf:
    """All files of all projects."""

    def __init__(self, settings: SandboxSettings, clock: MovableClock):
        self.settings = settings
        self.clock = clock
        self.by_id: dict[str, StoredFile] = {}
        self.projects: dict[str, Project] = {}
        self._ends: list[tuple[int, str]] = []
        self._sequence = 0

    def project(self, name: str) -> Project:
        return self.projects.setdefault(name, Project())

    def room(self, project: str) -> int:
        """Bytes that the project may still store."""
        self.expire()
        return self.settings.quota_bytes - self.project(project).bytes

    def add(self, file: StoredFile) -> StoredFile:
        self._sequence += 1
        file.sequence = self._sequence
        project = self.project(file.project)
        project.bytes += file.size
        project.sequences.append(file.sequence)
        project.by_sequence[file.sequence] = file
        self.by_id[file.id] = file
        heapq.heappush(self._ends, (file.expires_ns, file.id))
        return file

    def find(self, file_id: str, project: str) -> StoredFile | None:
        """The live file, or None when it is missing, expired, or another project's."""
        self.expire()
        file = self.by_id.get(file_id)
        return file if file is not None and file.project == project else None

    def taken(self, file_id: str) -> bool:
        self.expire()
        return file_id in self.by_id

    def remove(self, file: StoredFile) -> None:
        del self.by_id[file.id]
        project = self.projects[file.project]
        project.bytes -= file.size
        del project.by_sequence[file.sequence]
        del project.sequences[bisect_left(project.sequences, file.sequence)]
        file.path.unlink(missing_ok=True)

    def remove_later(self, file: StoredFile, expires_ns: int) -> None:
        """Let the file end at another time than it says."""
        file.expires_ns = expires_ns
        heapq.heappush(self._ends, (expires_ns, file.id))

    def expire(self) -> None:
        now = self.clock.now_ns()
        while self._ends and self._ends[0][0] <= now:
            ends, file_id = heapq.heappop(self._ends)
            file = self.by_id.get(file_id)
            if file is not None and file.expires_ns == ends:
                self.remove(file)

    def page(
        self, project: str, size: int, after: int | None, *, newest_first: bool
    ) -> tuple[list[StoredFile], int | None]:
        """Up to `size` files past the sequence number `after`, and the number to go on from (None at the end)."""
        self.expire()
        shelf = self.project(project)
        order = shelf.sequences
        if newest_first:
            end = len(order) if after is None else bisect_left(order, after)
            chosen = order[max(0, end - size) : end][::-1]
            more = end - size > 0
        else:
            start = 0 if after is None else bisect_right(order, after)
            chosen = order[start : start + size]
            more = start + size < len(order)
        return [shelf.by_sequence[number] for number in chosen], chosen[-1] if more else None

    def everything(self) -> Iterator[StoredFile]:
        self.expire()
        yield from self.by_id.values()

    def clear(self) -> None:
        for file in list(self.by_id.values()):
            self.remove(file)
        self.projects.clear()
        self._ends.clear()
