"""What clients keep for us and must be able neither to read nor to change: bytes under a seal, as a text."""

from __future__ import annotations

from typing import Protocol


class Seal(Protocol):
    """One owner's. No other owner's opens what it has sealed."""

    def close(self, value: bytes) -> str: ...

    def open(self, text: str) -> bytes | None:
        """None for what another seal has closed, for what was changed, and for anything else."""
        ...
