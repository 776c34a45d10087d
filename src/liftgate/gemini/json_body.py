"""What upstream answers, read as JSON: whatever comes is a value or a typed error.

The one place that decodes it. A page with status 200, half an answer, bytes that are no UTF-8, numbers beyond any
type, nesting beyond any stack: all of that is no JSON of Gemini's.
"""

from __future__ import annotations

from typing import Any

import msgspec

from liftgate import large_json
from liftgate.errors import InvalidRequest, UpstreamProtocolError
from liftgate.large_bodies import Body

LARGE = 256 * 1024
"""Bytes of an answer from which on work with it leaves the event loop."""

_decode = msgspec.json.Decoder().decode

_GARBAGE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def decoded(data: Body) -> Any:
    """Raises UpstreamProtocolError."""
    try:
        return _decode(data)
    except _GARBAGE as error:
        raise UpstreamProtocolError("Gemini answered with something that is no JSON.") from error


def decoded_or_none(data: Body) -> Any:
    """None for what is no JSON, where that is an answer too."""
    try:
        return _decode(data)
    except _GARBAGE:
        return None


def checked_object(data: Body) -> Body:
    """The same bytes, which are a JSON object, as all of Gemini's answers are. Raises UpstreamProtocolError."""
    if not isinstance(decoded(data), dict):
        raise UpstreamProtocolError("Gemini answered with JSON that is no object.")
    return data


def decoded_apart(data: Body) -> Any:
    """As `decoded`, for a thread: in steps, but for what no steps are known for. A bytearray is empty then."""
    try:
        value = large_json.decoded(data)
    except InvalidRequest:
        # Bounds of requests, which answers may exceed: a hundred embeddings have 300,000 numbers.
        value = decoded(data)
    except _GARBAGE as error:
        raise UpstreamProtocolError("Gemini answered with something that is no JSON.") from error
    if isinstance(data, bytearray):
        data.clear()
    return value


def check_apart(data: Body) -> None:
    """As `checked_object`, for a thread."""
    try:
        value = large_json.checked(data)
    except InvalidRequest:
        value = decoded(data)
    except _GARBAGE as error:
        raise UpstreamProtocolError("Gemini answered with something that is no JSON.") from error
    if not isinstance(value, dict):
        raise UpstreamProtocolError("Gemini answered with JSON that is no object.")
