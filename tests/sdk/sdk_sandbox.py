"""What the SDK's tests share: the sandbox as they ask it, and the messages they send."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from gateways import SandboxServer

ROOT = Path(__file__).parents[2]
RECORDING = ROOT / "examples" / "recording.wav"
MODEL = "gemini-2.0-flash"
QUESTION = "What is in this recording?"


class Sandbox(SandboxServer):
    """What these tests often ask of it."""

    def files(self) -> list[dict[str, Any]]:
        files: list[dict[str, Any]] = self.control("files")["files"]
        return files

    def count(self, operation: str) -> int:
        return int(self.stats()["operations"].get(operation, 0))

    def fault(self, **order: Any) -> None:
        self.control("faults", order)

    def last_body(self) -> dict[str, Any]:
        """The latest generate request as Gemini got it."""
        body: dict[str, Any] = self.control("bodies")["bodies"][-1]["body"]
        return body


def asking(*file_ids: str, text: str = QUESTION, **more: str) -> list[dict[str, Any]]:
    """Messages that ask about files; `more` goes into each file part (`format`, `filename`)."""
    parts: list[dict[str, Any]] = [{"type": "text", "text": text}]
    parts += [{"type": "file", "file": {"file_id": file_id, **more}} for file_id in file_ids]
    return [{"role": "user", "content": parts}]


def engines_threads() -> set[threading.Thread]:
    """Of the engines in this process: their loops, their work and their catalogues. The sandbox and other tests have
    threads here too, which come and go as they like."""
    return {each for each in threading.enumerate() if each.name.startswith(("liftgate", "catalogue"))}
