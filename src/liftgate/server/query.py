"""The query of a URL as handlers see it, and what its parameters and a body's fields have alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, cast
from urllib.parse import parse_qs, parse_qsl

from liftgate.errors import InvalidRequest, UnknownParameter
from liftgate.json_types import JsonMapping
from liftgate.whole_numbers import whole_number

MOST_FIELDS = 64
MOST_LISTED = 256
"""Where a parameter may stand several times."""


def first_value(query_string: bytes, name: str) -> str:
    """The first value of one parameter, its bytes as Latin-1; empty when there is none."""
    if name.encode() + b"=" not in query_string:
        return ""
    return parse_qs(query_string.decode("latin-1"), encoding="latin-1").get(name, [""])[0]


def read_query(query_string: bytes, allowed: Sequence[str], lists: Sequence[str] = ()) -> dict[str, str]:
    """The values by their names; empty ones count as not given. Those of `lists` may stand several times, and are
    joined by commas. Raises InvalidRequest for a name that is in neither."""
    found: dict[str, str] = {}
    try:
        most = MOST_LISTED if lists else MOST_FIELDS
        pairs = parse_qsl(query_string.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=most)
    except (UnicodeDecodeError, ValueError):
        raise InvalidRequest("The query of the URL cannot be read.") from None
    for name, value in pairs:
        if name in lists:
            found[name] = f"{found[name]},{value}" if name in found else value
            continue
        if name not in allowed:
            raise UnknownParameter(name)
        if name in found:
            raise InvalidRequest(f"Duplicate parameter: '{name}'.", param=name, code="duplicate_parameter")
        found[name] = value
    return {name: value for name, value in found.items() if value}


def check_known(names: Iterable[str], *known: str) -> None:
    """Raises UnknownParameter for the first of these fields that is none of `known`: nothing that a client sends is
    dropped in silence."""
    for name in names:
        if name not in known:
            raise UnknownParameter(name)


def given(body: JsonMapping) -> list[str]:
    """The names of fields where null counts as absent."""
    return [name for name, value in body.items() if value is not None]


def read_limit(value: str | None, usual: int, largest: int, code: str | None = None) -> int:
    """How many a page of OpenAI's lists has at most. `code`: of the refusal."""
    number = usual if value is None else whole_number(value)
    if number is None or not 1 <= number <= largest:
        raise InvalidRequest(
            f"Invalid 'limit': expected an integer from 1 to {largest}, but got '{(value or '')[:20]}' instead.",
            param="limit",
            code=code,
        )
    return number


def read_order(value: str | None) -> Literal["asc", "desc"]:
    """Of OpenAI's lists: newest first where the query is silent."""
    if value not in (None, "asc", "desc"):
        raise InvalidRequest(
            f"Invalid value: '{value[:20]}'. Supported values are: 'asc' and 'desc'.",
            param="order",
            code="invalid_value",
        )
    return cast(Literal["asc", "desc"], value or "desc")
