"""All that one sandbox holds, in one object that is passed to every handler and that in-process tests may read.

`SandboxState` does nothing but hold, find who is calling, and start anew.
"""

import shutil
import tempfile
from collections import OrderedDict
from pathlib import Path

from liftgate.sandbox.clock import MovableClock
from liftgate.sandbox.faults import Faults
from liftgate.sandbox.files.stored_files import FileShelf
from liftgate.sandbox.files.upload_sessions import UploadSession
from liftgate.sandbox.requests.model_facts import ModelFacts, known_family
from liftgate.sandbox.requests.refusals import key_invalid, key_missing
from liftgate.sandbox.scripts import Scripts
from liftgate.sandbox.settings import SandboxSettings
from liftgate.sandbox.stats import Stats
from liftgate.sandbox.wire.http import Exchange

SESSIONS_KEPT = 10_000


class SandboxState:
    """Clock, files, sessions, faults, scripts, counters and switches of one sandbox."""

    def __init__(self, settings: SandboxSettings):
        self.settings = settings
        self.switches = settings.unverified
        self.clock = MovableClock()
        self.files = FileShelf(settings, self.clock)
        self.sessions: OrderedDict[str, UploadSession] = OrderedDict()
        self.faults = Faults()
        self.scripts = Scripts()
        self.stats = Stats()
        self.models = {name: ModelFacts.named(name) for name in settings.models}
        self._directory = settings.keep_bytes
        self._temporary: Path | None = None

    def model(self, name: str) -> ModelFacts | None:
        """One that is listed, or of a family that is known; None for any other name."""
        listed = self.models.get(name)
        return listed or (ModelFacts.named(name) if self.settings.any_model and known_family(name) else None)

    @property
    def directory(self) -> Path:
        """Where bytes are kept; made at first use."""
        if self._directory is None:
            self._temporary = self._directory = Path(tempfile.mkdtemp(prefix="gemini-sandbox-"))
        self._directory.mkdir(parents=True, exist_ok=True)
        return self._directory

    def project_of(self, key: str) -> str:
        """The project of an API key; Google's refusal for a key that is not valid."""
        known = self.settings.projects.get(key)
        if known is not None:
            return known
        if not self.settings.open_keys or not key or key.startswith("invalid"):
            raise key_invalid()
        return f"project-of-{key}"

    def caller(self, exchange: Exchange) -> tuple[str, str]:
        """(key, project) of a request."""
        key = exchange.headers.get("x-goog-api-key", exchange.query.get("key"))
        if key is None:
            raise key_missing()
        return key, self.project_of(key)

    def keep(self, session: UploadSession) -> None:
        """Remember a session; the oldest ended ones are forgotten beyond a bound."""
        self.sessions[session.id] = session
        while len(self.sessions) > SESSIONS_KEPT:
            oldest = next(iter(self.sessions.values()))
            if oldest.state == "active":
                break
            del self.sessions[oldest.id]

    def reset(self) -> None:
        """As it was at the start: no files, sessions, faults, scripts or counts; real time; the first switches."""
        for session in self.sessions.values():
            if session.state == "active":
                session.turn += 1
                session.end("terminated")
        self.sessions.clear()
        self.files.clear()
        self.faults.clear()
        self.scripts.clear()
        self.clock.reset()
        self.stats = Stats()
        self.switches = self.settings.unverified

    def close(self) -> None:
        """Drop what is open, and the bytes when their directory is our own."""
        for session in self.sessions.values():
            session.turn += 1
            session.spool.close()
        self.faults.clear()
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)
            self._temporary = self._directory = None
