"""What is remembered of an upload until its File has been shown, so that the same command goes on where it stopped.

One small JSON file per (gateway, key, local file as it is, what was asked for) in the user's state directory, and a
lock beside it that a running upload holds. It holds an upload's id and those of its parts: no key, none of the bytes.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from liftgate.errors import Conflict
from liftgate.json_types import loaded

KEPT_SECONDS = 7 * 86_400.0
"""A gateway forgets an unfinished upload much sooner."""


def state_dir(environ: Mapping[str, str]) -> Path:
    """Where this platform keeps what a program remembers of its runs. Nothing can be made there for a user who has no
    home, such as one without a name in a container."""
    known = environ.get("HOME") or os.path.expanduser("~")
    home = Path(os.devnull if known == "~" else known)
    if environ.get("XDG_STATE_HOME"):
        return Path(environ["XDG_STATE_HOME"]) / "liftgate"
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "liftgate"
    return home / ".local" / "state" / "liftgate"


def can_remember(directory: Path) -> bool:
    """Whether a `state_dir` is there, or can be made, and can be written."""
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError:
        return False
    return os.access(directory, os.W_OK | os.X_OK)


@dataclass(slots=True)
class Unfinished:
    """`parts`: (id, bytes) of the parts that the gateway has, in the file's order. `expires_at`: the upload's end.
    `file_id`: of the File that it became, until that is shown.
    """

    upload_id: str
    expires_at: float
    file_id: str = ""
    parts: list[tuple[str, int]] = field(default_factory=list)

    @property
    def position(self) -> int:
        return sum(size for _, size in self.parts)


class UploadStates:
    """The directory of them. Where it cannot be written, uploads work and cannot be resumed."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory / "uploads"

    def prune(self, now: float) -> None:
        """Forgets what is too old to be of use."""
        try:
            for entry in self._directory.iterdir():
                if now - entry.stat().st_mtime > KEPT_SECONDS:
                    entry.unlink()
        except OSError:
            return

    @contextmanager
    def open(self, identity: tuple[object, ...] | None, about: str) -> Iterator[UploadState]:
        """Held by one process at a time; without an `identity` nothing is remembered. Raises Conflict when another one
        uploads the same file there."""
        if identity is None:
            yield UploadState(None)
            return
        name = _name(identity)
        try:
            self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = os.open(self._directory / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError:
            yield UploadState(None)
            return
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise Conflict(f"{about}: another liftgate is uploading this file at the moment.") from None
            state = UploadState(self._directory / f"{name}.json")
            try:
                yield state
            finally:
                if not state.kept:
                    (self._directory / f"{name}.lock").unlink(missing_ok=True)
        finally:
            os.close(lock)

    def forget(self, identity: tuple[object, ...] | None) -> None:
        """Its File has been shown."""
        if identity is None:
            return
        for suffix in ("json", "lock"):
            try:
                (self._directory / f"{_name(identity)}.{suffix}").unlink(missing_ok=True)
            except OSError:
                return


def _name(identity: tuple[object, ...]) -> str:
    return hashlib.sha256(json.dumps(identity, default=str).encode()).hexdigest()[:32]


class UploadState:
    """One of them. `kept`: whether there is something to resume."""

    def __init__(self, place: Path | None) -> None:
        self._place = place

    @property
    def kept(self) -> bool:
        return self._place is not None and self._place.exists()

    def load(self, now: float) -> Unfinished | None:
        """None where there is nothing, or nothing that can still be used."""
        if self._place is None:
            return None
        try:
            found = loaded(self._place.read_bytes())
            parts = [(str(part_id), int(size)) for part_id, size in found["parts"]]
            texts = (str(found["upload_id"]), float(found["expires_at"]), str(found["file_id"]))
            state = Unfinished(*texts, parts)
        except (OSError, ValueError, LookupError, TypeError):
            return None
        return state if state.expires_at > now else None

    def save(self, state: Unfinished) -> None:
        if self._place is None:
            return
        beside = self._place.with_suffix(".new")
        try:
            beside.touch(mode=0o600)
            beside.write_text(json.dumps(asdict(state)))
            beside.replace(self._place)
        except OSError:
            # A full disk costs the resumption, not the upload.
            beside.unlink(missing_ok=True)

    def forget(self) -> None:
        if self._place is not None:
            self._place.unlink(missing_ok=True)
