"""Gemini's File resource as a value: parsed, with times in seconds and the hash in hex.

The wire form is docs/protocol/gemini.md, "The File resource". Not our File: that one is `records.FileRecord`, of which
this describes a copy.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from liftgate.errors import UpstreamProtocolError, shortened
from liftgate.gemini.status import LONGEST_SENTENCE

_HEX = re.compile(r"[0-9a-f]{64}\Z")


@dataclass(frozen=True, slots=True)
class GeminiFile:
    """`size` in bytes; `sha256` in lower-case hex, None where Gemini gave none; `expires_at`, `created_at` in seconds
    since the epoch on Google's clock; `state` ACTIVE, PROCESSING, FAILED, or "" where Gemini gave none; `error` why it
    FAILED; `display_name` "" where it has none."""

    name: str
    uri: str
    mime_type: str
    size: int
    state: str
    sha256: str | None = None
    expires_at: float | None = None
    error: str | None = None
    created_at: float | None = None
    display_name: str = ""


def parse(file: Mapping[str, object]) -> GeminiFile:
    """A File resource's JSON object → GeminiFile; UpstreamProtocolError names the field that is not of the contract."""
    name = _text(file, "name")
    if not name:
        raise UpstreamProtocolError("Gemini described a file without its `name`.")
    state = _text(file, "state")
    return GeminiFile(
        name=name,
        uri=_text(file, "uri"),
        mime_type=_text(file, "mimeType"),
        size=_size(file),
        state="" if state == "STATE_UNSPECIFIED" else state,
        sha256=_sha256(file),
        expires_at=parse_time(_text(file, "expirationTime"), "expirationTime"),
        error=_error(file),
        created_at=parse_time(_text(file, "createTime"), "createTime"),
        display_name=_text(file, "displayName"),
    )


def parse_time(text: str, field: str) -> float | None:
    """RFC 3339 with 0 to 9 fraction digits → seconds since the epoch; "" → None."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError("no time zone")
        return moment.timestamp()
    except (ValueError, OverflowError) as error:
        raise UpstreamProtocolError(f"Gemini sent a `{field}` that is no time: {text[:80]!r}.") from error


def _text(file: Mapping[str, object], field: str) -> str:
    value = file.get(field)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise UpstreamProtocolError(f"Gemini sent a file whose `{field}` is no string.")
    return value


def _size(file: Mapping[str, object]) -> int:
    """`sizeBytes` is an int64, so a string in JSON; proto3 leaves a zero out."""
    value = file.get("sizeBytes", 0)
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise UpstreamProtocolError("Gemini sent a file whose `sizeBytes` is no number.")
    try:
        return int(value)
    except ValueError as error:
        raise UpstreamProtocolError(f"Gemini sent a file whose `sizeBytes` is {str(value)[:40]!r}.") from error


def _sha256(file: Mapping[str, object]) -> str | None:
    """`sha256Hash` is the base64 of the ASCII hex digest, not of the digest (docs/protocol/gemini.md, "The File
    resource")."""
    value = _text(file, "sha256Hash")
    if not value:
        return None
    try:
        digest = base64.b64decode(value, validate=True).decode("ascii").lower()
    except (binascii.Error, ValueError):
        digest = ""
    if not _HEX.match(digest):
        raise UpstreamProtocolError(f"Gemini sent a `sha256Hash` that is no hash: {value[:100]!r}.")
    return digest


def _error(file: Mapping[str, object]) -> str | None:
    error = file.get("error")
    if not isinstance(error, Mapping):
        return None
    words = shortened(str(error.get("message") or ""), LONGEST_SENTENCE)
    return words or shortened(f"error {error.get('code', 'without a code')}")
