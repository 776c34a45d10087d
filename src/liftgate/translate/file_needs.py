"""Phase one: which parts of a chat request need I/O before it can be translated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class FileNeed:
    """One part that needs I/O. Compared and hashed by its place in the request, never by its content."""

    param: str
    kind: Literal["file_id", "inline", "url"] = field(compare=False)
    ref: str = field(compare=False, repr=False)
    mime_type: str | None = field(default=None, compare=False)
    filename: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class ResolvedFile:
    """What became of a need: a URI that Gemini takes, or base64 data."""

    mime_type: str
    uri: str | None = None
    data: str | None = field(default=None, repr=False)


def file_needs(request: Mapping[str, Any], *, inline_limit: int) -> list[FileNeed]:
    """The parts that need I/O: every file id, inline data of more than `inline_limit` bytes, URLs Gemini does not fetch."""
    raise NotImplementedError
