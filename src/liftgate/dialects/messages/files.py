"""Files and models in Anthropic's words: what a client asks for, the objects, and the pages of their lists
(docs/protocol/anthropic.md, "Files").
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol

from liftgate.ask.model_facts import facts_for
from liftgate.errors import InvalidRequest
from liftgate.json_types import JsonObject
from liftgate.records import FileRecord
from liftgate.whole_numbers import whole_number

SHORTEST_LIFE, LONGEST_LIFE = 3600, 7_776_000
"""Seconds: the bounds of `expires_in_seconds`."""
LONGEST_NAME = 255
LARGEST_PAGE = 1000
USUAL_PAGE = 20
MOST_IDS = 100

_FORBIDDEN = re.compile(r'[<>:"|?*\\/\x00-\x1f\x7f]')
_BORN = "2023-06-27T00:00:00Z"
"""Gemini tells no creation time, and the field must have one."""


class Named(Protocol):
    """A model that is served. `name`: the public one; `upstream`: the model at Google."""

    @property
    def name(self) -> str: ...
    @property
    def upstream(self) -> str: ...


def read_life(value: str) -> int:
    """Seconds, of `expires_in_seconds`. Raises InvalidRequest."""
    seconds = whole_number(value)
    if seconds is None or not SHORTEST_LIFE <= seconds <= LONGEST_LIFE:
        raise InvalidRequest(
            f"Expected an integer from {SHORTEST_LIFE} to {LONGEST_LIFE}, but got '{value[:20]}'.",
            param="expires_in_seconds",
        )
    return seconds


def check_name(name: str) -> None:
    """Raises InvalidRequest for a filename that Anthropic's API does not take. `name`: without directories."""
    if len(name) > LONGEST_NAME:
        raise InvalidRequest(
            f"The filename has {len(name)} characters; {LONGEST_NAME} are the most that is allowed.", param="file"
        )
    if found := _FORBIDDEN.search(name):
        raise InvalidRequest(f"The filename holds a character that is not allowed: {found[0]!r}.", param="file")


def read_limit(value: str | None) -> int:
    if value is None:
        return USUAL_PAGE
    number = whole_number(value)
    if number is None or not 1 <= number <= LARGEST_PAGE:
        raise InvalidRequest(f"Expected an integer from 1 to {LARGEST_PAGE}, but got '{value[:20]}'.", param="limit")
    return number


def file_object(file: FileRecord) -> JsonObject:
    return {
        "id": file.id,
        "type": "file",
        "filename": file.filename,
        "mime_type": file.mime_type,
        "size_bytes": file.bytes,
        "created_at": _time(file.created_at),
        "downloadable": True,
        "expires_at": None if file.expires_at is None else _time(file.expires_at),
    }


def file_deleted(file_id: str) -> JsonObject:
    return {"id": file_id, "type": "file_deleted"}


def page(objects: Sequence[JsonObject], *, has_more: bool, next_page: str | None = None) -> JsonObject:
    """With the keys of every generation of clients: with some of them, the others stop behind the first page."""
    return {
        "data": list(objects),
        "has_more": has_more,
        "first_id": objects[0]["id"] if objects else None,
        "last_id": objects[-1]["id"] if objects else None,
        "next_page": next_page,
    }


def model_object(model: Named) -> JsonObject:
    facts = facts_for(model.upstream)
    return {
        "id": model.name,
        "type": "model",
        "display_name": model.name,
        "created_at": _BORN,
        "max_input_tokens": facts.input_tokens,
        "max_tokens": facts.output_tokens,
        "capabilities": None,
        "lifecycle": "active",
        "line": None,
        "deprecated_at": None,
        "retires_at": None,
    }


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
