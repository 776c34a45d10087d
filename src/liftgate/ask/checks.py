"""Reading a client's JSON: each value is of the type and range it must be, or an error in OpenAI's words names its
path.

Nothing is converted and nothing is defaulted here; wording from docs/protocol/openai.md, "Errors".
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, TypeAlias

from liftgate.errors import InvalidRequest, MissingParameter, UnknownParameter, shortened
from liftgate.json_types import JsonObject, kind
from liftgate.whole_numbers import as_whole

INT32_MAX = 2**31 - 1
_SHOWN = 64
"""Characters of a wrong value that an error repeats: never a whole payload."""


class Place:
    """A path in the request whose text is made for an error only: under long nested names the texts of all levels
    together would have many times the request's size. `step`: a key, or an index.
    """

    __slots__ = ("_above", "_step")

    def __init__(self, above: At, step: str | int) -> None:
        self._above = above
        self._step = step

    def __str__(self) -> str:
        steps: list[str] = []
        at: At = self
        while isinstance(at, Place):
            steps.append(f".{at._step}" if isinstance(at._step, str) else f"[{at._step}]")
            at = at._above
        return shortened(at + "".join(reversed(steps)))


At: TypeAlias = str | Place


def invalid_type(param: At, expected: str, value: object) -> InvalidRequest:
    param = shortened(str(param))
    return InvalidRequest(
        f"Invalid type for '{param}': expected {expected}, but got {kind(value)} instead.",
        param=param,
        code="invalid_type",
    )


def invalid_value(param: At, value: object, allowed: Collection[str]) -> InvalidRequest:
    names = [f"'{name}'" for name in allowed]
    known = " and ".join(names) if len(names) < 3 else ", ".join(names[:-1]) + f", and {names[-1]}"
    return InvalidRequest(
        f"Invalid value: {shown(value)}. Supported values are: {known}.", param=str(param), code="invalid_value"
    )


def shown(value: object) -> str:
    """A value as an error may repeat it. Of one that holds others no more than its kind: it may be large, and deep."""
    if isinstance(value, list | dict):
        return kind(value)
    text = value if isinstance(value, str) else repr(value)
    return f"'{text}'" if len(text) <= _SHOWN else f"'{text[:_SHOWN]}…'"


def unknown(param: At, known: Iterable[str] = ()) -> UnknownParameter:
    """`known`: names of which one may have been meant, if it is two edits away at most."""
    param = shortened(str(param))
    near = min(((_edits(param, name), name) for name in known), default=(3, "")) if len(param) <= _SHOWN else (3, "")
    meant = f" Did you mean '{near[1]}'?" if near[0] <= 2 else ""
    return UnknownParameter(param, meant)


def _edits(one: str, other: str) -> int:
    """How many characters have to be put in, taken out or changed to make one of the other."""
    row = list(range(len(other) + 1))
    for number, letter in enumerate(one, 1):
        last, row[0] = row[0], number
        for place, expected in enumerate(other, 1):
            last, row[place] = row[place], min(last + (letter != expected), row[place] + 1, row[place - 1] + 1)
    return row[-1]


def string(value: object, param: At, *, empty: bool = True, most: int | None = None) -> str:
    if not isinstance(value, str):
        raise invalid_type(param, "a string", value)
    if not value and not empty:
        param = str(param)
        raise InvalidRequest(
            f"Invalid '{param}': empty string. Expected a string with minimum length 1, "
            "but got an empty string instead.",
            param=param,
            code="empty_string",
        )
    if most is not None and len(value) > most:
        param = str(param)
        raise InvalidRequest(
            f"Invalid '{param}': string too long. Expected a string with maximum length {most}, "
            f"but got a string with length {len(value)} instead.",
            param=param,
            code="string_above_max_length",
        )
    return value


def choice(value: object, param: At, allowed: Collection[str]) -> str:
    if not isinstance(value, str):
        raise invalid_type(param, f"one of {', '.join(allowed)}", value)
    if value not in allowed:
        raise invalid_value(param, value, allowed)
    return value


def boolean(value: object, param: At) -> bool:
    if not isinstance(value, bool):
        raise invalid_type(param, "a boolean", value)
    return value


def integer(value: object, param: At, low: int, high: int) -> int:
    """A whole number, also one spelled 20.0, as Google's own clients and others write them."""
    value = as_whole(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise invalid_type(param, "an integer", value)
    if value > high:
        raise _range(param, "integer", "above maximum", "<=", high, value)
    if value < low:
        raise _range(param, "integer", "below minimum", ">=", low, value)
    return value


def number(value: object, param: At, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise invalid_type(param, "a decimal", value)
    if value < low:
        raise _range(param, "decimal", "below minimum", ">=", low, value)
    if not value <= high:  # also what is not a number
        raise _range(param, "decimal", "above maximum", "<=", high, value)
    return value


def _range(param: At, what: str, where: str, sign: str, bound: float, value: float) -> InvalidRequest:
    param = str(param)
    got: object = value if abs(value) < 1e18 else "a number out of range"
    said = str(bound) if isinstance(bound, int) else f"{bound:g}"
    return InvalidRequest(
        f"Invalid '{param}': {what} {where} value. Expected a value {sign} {said}, but got {got} instead.",
        param=param,
        code=f"{what}_above_max_value" if sign == "<=" else f"{what}_below_min_value",
    )


def mapping(value: object, param: At) -> JsonObject:
    if not isinstance(value, dict):
        raise invalid_type(param, "an object", value)
    return value


def array(value: object, param: At, *, least: int = 0, most: int | None = None) -> list[Any]:
    if not isinstance(value, list):
        raise invalid_type(param, "an array", value)
    if len(value) < least:
        param = str(param)
        raise InvalidRequest(
            f"Invalid '{param}': empty array. Expected an array with minimum length {least}, "
            "but got an empty array instead.",
            param=param,
            code="empty_array",
        )
    if most is not None and len(value) > most:
        param = str(param)
        raise InvalidRequest(
            f"Invalid '{param}': array too long. Expected an array with maximum length {most}, "
            f"but got an array with length {len(value)} instead.",
            param=param,
            code="array_above_max_length",
        )
    return value


def asks_for_nothing(value: object) -> bool:
    """Whether a parameter that cannot act need not: builders of forms send what is empty, or off."""
    return value is False or value in ("", [], {})


def required(owner: JsonObject, key: str, param: str) -> Any:
    """The value under `key`; null counts as missing, as everywhere in OpenAI's API."""
    value = owner.get(key)
    if value is None:
        raise MissingParameter(f"{param}.{key}" if param else key)
    return value
