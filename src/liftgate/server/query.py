"""The query of a URL as handlers see it."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import parse_qs, parse_qsl

from liftgate.errors import InvalidRequest

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
            raise InvalidRequest(f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter")
        if name in found:
            raise InvalidRequest(f"Duplicate parameter: '{name}'.", param=name, code="duplicate_parameter")
        found[name] = value
    return {name: value for name, value in found.items() if value}
