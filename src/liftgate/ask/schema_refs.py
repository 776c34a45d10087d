"""What a schema's `$ref`s name, and how much they may stand for: shared by both forms of schema."""

from __future__ import annotations

from typing import Any

from liftgate.ask import checks
from liftgate.errors import InvalidRequest

MAX_DEPTH = 64
NULL_IS_A_VALUE = frozenset({"default", "const", "example"})
"""Keywords whose null says something; any other that is null is not there."""
_LONG_TEXT = 64
"""Characters of text that count as one value."""


def target_of(name: str, root: dict[str, Any]) -> dict[str, Any] | None:
    """The subschema that `#/…` names in `root`; None where there is none, or where the name is of another kind."""
    if not name.startswith("#") or (name != "#" and not name.startswith("#/")):
        return None
    found: object = root
    for step in name[2:].split("/") if len(name) > 2 else ():
        found = found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else None


def count_values(schema: object, most: int) -> int:
    """How many values a schema has, counting on from `most` no further."""
    counted, waiting = 0, [schema]
    while waiting and counted <= most:
        value = waiting.pop()
        counted += 1
        if isinstance(value, str):
            counted += len(value) // _LONG_TEXT
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            waiting += value.values()
            counted += sum(len(key) // _LONG_TEXT for key in value)
    return counted


def too_deep(param: checks.At) -> InvalidRequest:
    return InvalidRequest(
        f"Invalid schema: more than {MAX_DEPTH} levels of nesting.", param=str(param), code="invalid_json_schema"
    )
