"""What upstream answers, read as JSON: whatever comes is a value or a typed error.

The one place that decodes it. A page with status 200, half an answer, bytes that are no UTF-8, numbers beyond any
type, nesting beyond any stack: all of that is no JSON of Gemini's.
"""

from __future__ import annotations

from typing import Any

import msgspec

from liftgate.errors import UpstreamProtocolError

_decode = msgspec.json.Decoder().decode

_GARBAGE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def decoded(data: bytes) -> Any:
    """Raises UpstreamProtocolError."""
    try:
        return _decode(data)
    except _GARBAGE as error:
        raise UpstreamProtocolError("Gemini answered with something that is no JSON.") from error


def decoded_or_none(data: bytes) -> Any:
    """None for what is no JSON, where that is an answer too."""
    try:
        return _decode(data)
    except _GARBAGE:
        return None


def checked_object(data: bytes) -> bytes:
    """The same bytes, which are a JSON object, as all of Gemini's answers are. Raises UpstreamProtocolError."""
    if not isinstance(decoded(data), dict):
        raise UpstreamProtocolError("Gemini answered with JSON that is no object.")
    return data
