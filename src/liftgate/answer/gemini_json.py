"""Reading Gemini's JSON: each value is of the type that the contract says, or UpstreamProtocolError names its place.

null counts as absent everywhere, as in proto3's JSON.
"""

from __future__ import annotations

from liftgate.errors import UpstreamProtocolError
from liftgate.json_types import JsonObject, kind

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
    """A number that is not negative; 0 when absent, as proto3 leaves zeros out. int64 may come as a string."""
    value = owner.get(key)
    if type(value) is int and 0 <= value < _INT64:
        return value
    if value is None:
        return 0
    if type(value) is str and value.isdecimal() and value.isascii() and len(value) < 20:
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
