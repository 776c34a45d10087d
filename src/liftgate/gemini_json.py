"""Gemini's JSON, read: bytes → values, each of the type that the contract says, or UpstreamProtocolError.

The one place that decodes it. A page with status 200, half an answer, bytes that are no UTF-8, numbers beyond any type,
nesting beyond any stack: all of that is no JSON of Gemini's. null counts as absent everywhere, as in proto3's JSON.
"""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal

import msgspec

from liftgate import large_json
from liftgate.errors import InvalidRequest, UpstreamProtocolError
from liftgate.json_types import JsonObject, kind
from liftgate.large_bodies import Body

_decode = msgspec.json.Decoder().decode

_GARBAGE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def decoded(data: Body) -> Any:
    """Raises UpstreamProtocolError."""
    try:
        return _decode(data)
    except _GARBAGE as error:
        if data.startswith(BOM_UTF8):
            return decoded(data[len(BOM_UTF8) :])
        raise UpstreamProtocolError(f"Gemini answered with something that is no {what_is_not(data)}.") from error


class _Object(msgspec.Struct, gc=False):
    """One of which nothing is read yet."""


class PlainPart(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    text: Annotated[str, msgspec.Meta(min_length=1)]
    thought: bool = False


class _PlainContent(msgspec.Struct, gc=False):
    parts: tuple[PlainPart]


class _PlainCandidate(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    content: _PlainContent
    index: Literal[0] = 0


class _PlainEvent(msgspec.Struct, gc=False, rename={"_counts": "usageMetadata", "_feedback": "promptFeedback"}):
    """An event of a stream that has nothing but a piece of text and counts, as nearly all have."""

    candidates: tuple[_PlainCandidate]
    _counts: _Object
    _feedback: None = None


_decode_plain = msgspec.json.Decoder(_PlainEvent).decode


def plain_parts(batch: Sequence[Body]) -> list[PlainPart]:
    """The parts of the first events, of as many as are plain: at half the cost of `decoded`."""
    found: list[PlainPart] = []
    try:
        # What is passed over is not read as text otherwise.
        b"".join(batch).decode()
        for data in batch:
            found.append(_decode_plain(data).candidates[0].content.parts[0])
    except _GARBAGE:
        pass
    return found


def what_is_not(data: Body, wanted: str = "JSON") -> str:
    """Behind "something that is no": what was wanted, and what came where that is seen."""
    packed = data.startswith(b"\x1f\x8b")
    return f"{wanted}: it is packed (gzip), which was not asked for" if packed else wanted


def decoded_or_none(data: Body) -> Any:
    """None for what is no JSON, where that is an answer too."""
    try:
        return _decode(data)
    except _GARBAGE:
        return None


def checked_object(data: Body) -> Body:
    """The same bytes, which are a JSON object, as all of Gemini's answers are. Raises UpstreamProtocolError."""
    _check_kind(decoded(data))
    return data


def decoded_apart(data: Body) -> Any:
    """As `decoded`, for a thread: in steps, but for what no steps are known for. A bytearray is empty then."""
    value = _in_steps(large_json.decoded, data)
    if isinstance(data, bytearray):
        data.clear()
    return value


def checked_apart(data: Body) -> JsonObject:
    """As `checked_object`, for a thread: the object, with empty strings for long ones."""
    return _check_kind(_in_steps(large_json.checked, data))


def _in_steps(read: Callable[[Body], object], data: Body) -> Any:
    try:
        return read(data)
    except InvalidRequest:
        # Bounds of requests, which answers may exceed: a hundred embeddings have 300,000 numbers.
        return decoded(data)
    except _GARBAGE as error:
        raise UpstreamProtocolError("Gemini answered with something that is no JSON.") from error


def _check_kind(value: object) -> JsonObject:
    if not isinstance(value, dict):
        raise UpstreamProtocolError("Gemini answered with JSON that is no object.")
    return value


_INT64 = 2**63


def wrong(place: str, expected: str, value: object) -> UpstreamProtocolError:
    return UpstreamProtocolError(f"Gemini's answer has {kind(value)} at {place}, where {expected} belongs.")


def mapping(owner: JsonObject, key: str, place: str) -> JsonObject | None:
    value = owner.get(key)
    if value is not None and type(value) is not dict:
        raise wrong(f"{place}.{key}", "an object", value)
    return value


def mappings(owner: JsonObject, key: str, place: str) -> list[JsonObject]:
    """A list of objects; empty when absent."""
    value = owner.get(key)
    if value is None:
        return []
    if type(value) is not list:
        raise wrong(f"{place}.{key}", "an array", value)
    for each in value:
        if type(each) is not dict:
            raise wrong(f"{place}.{key}[]", "an object", each)
    return value


def string(owner: JsonObject, key: str, place: str) -> str | None:
    value = owner.get(key)
    if value is not None and type(value) is not str:
        raise wrong(f"{place}.{key}", "a string", value)
    return value


def count(owner: JsonObject, key: str, place: str) -> int:
    """A number that is not negative; 0 when absent, as proto3 leaves zeros out. int64 may come as a string, and
    a whole number as a decimal."""
    value = owner.get(key)
    if type(value) is int and 0 <= value < _INT64:
        return value
    if value is None:
        return 0
    is_text = type(value) is str and value.isdecimal() and value.isascii() and len(value) < 20
    if is_text or (type(value) is float and value.is_integer()):
        value = int(value)
    if type(value) is not int or not 0 <= value < _INT64:
        raise wrong(f"{place}.{key}", "a count", value)
    return value


def counts(owner: JsonObject, key: str, place: str) -> list[int]:
    value = owner.get(key)
    if value is None:
        return []
    if type(value) is not list:
        raise wrong(f"{place}.{key}", "an array", value)
    return [count({"": each}, "", f"{place}.{key}[]") for each in value]


def number(owner: JsonObject, key: str, place: str) -> float:
    value = owner.get(key)
    if value is None:
        return 0.0
    if type(value) is str and value in ("-Infinity", "Infinity", "NaN"):  # proto3's JSON for what JSON cannot say
        return float(value)
    if type(value) is not float and type(value) is not int:
        raise wrong(f"{place}.{key}", "a number", value)
    return float(value) if abs(value) < 1e300 else float("-inf")
