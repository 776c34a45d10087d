"""Events of the fold → `chat.completion.chunk` objects, and their bytes as SSE blocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from liftgate.translate.answer import AnswerFold, Event


def chunk_blocks(fold: AnswerFold, events: Sequence[Event]) -> list[dict[str, Any]]:
    """One dict per chunk, in OpenAI's order (OPENAI.md 3.3)."""
    raise NotImplementedError


class ChunkEncoder:
    """The SSE encoder of one stream; `[DONE]` is the caller's."""

    def __init__(self, fold: AnswerFold) -> None:
        self._fold = fold

    def encode(self, events: Sequence[Event]) -> bytes:
        """Whole `data:` blocks, b"" for no events."""
        raise NotImplementedError
