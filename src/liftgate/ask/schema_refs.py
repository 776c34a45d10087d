"""What a schema's `$ref`s name, and how much they may stand for: shared by both forms of schema."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote, urljoin

from liftgate.ask import checks
from liftgate.errors import InvalidRequest
from liftgate.json_types import JsonObject

MAX_DEPTH = 64
NULL_IS_A_VALUE = frozenset({"default", "const", "example"})
"""Keywords whose null says something; any other that is null is not there."""
_ANCHORS = ("$anchor", "$dynamicAnchor")
NAMES = frozenset({*_ANCHORS, "$id"})
"""Keywords by which a `$ref` may name what has them."""
NO_SCHEMAS = frozenset({"const", "default", "enum", "examples"})
"""Keywords whose values are a client's own, whatever they look like."""
_LONG_TEXT = 64
"""Characters of text that count as one value."""


_DEFINITION = re.compile(r"[^#]*#/(?:\$defs|definitions|components/schemas)/[^/]*\Z")


def elsewhere(name: str) -> bool:
    """Whether a `$ref` points into the schema and to no definition, as zod writes what it has shown before
    (`#/properties/a/items`). Google knows definitions, anchors, ids and the whole."""
    return "#/" in name and not _DEFINITION.match(name)


class Definitions:
    """What the `$ref`s of one schema may name: by a pointer into it, an `$anchor` in it, or the `$id` of a part of it.
    Any of them may be written as a URI's fragment is, `#/$defs/a%20b`."""

    def __init__(self, root: JsonObject) -> None:
        self._root = root
        self._named: dict[str, JsonObject] | None = None

    def target(self, name: str) -> JsonObject | None:
        """None where nothing in the schema has this name."""
        base, _, fragment = name.partition("#")
        start = self._by_name(base) if base else self._root
        if start is None or not fragment:
            return start
        if fragment.startswith("/"):
            return _pointed(start, fragment) or _pointed(start, unquote(fragment))
        return self._by_name("#" + unquote(fragment))

    def _by_name(self, name: str) -> JsonObject | None:
        if self._named is None:
            self._named = dict(_names(self._root))
        if name in self._named:
            return self._named[name]
        own = self._root.get("$id")
        try:
            return self._named.get(urljoin(own, name)) if isinstance(own, str) else None
        except ValueError:  # no address
            return None


def _pointed(start: JsonObject, pointer: str) -> JsonObject | None:
    found: object = start
    for step in pointer[1:].split("/"):
        if isinstance(found, list):
            found = found[int(step)] if step.isdecimal() and int(step) < len(found) else None
        else:
            found = found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, dict) else None
    if isinstance(found, bool):
        return {} if found else {"not": {}}
    return found if isinstance(found, dict) else None


def _names(root: JsonObject) -> Iterator[tuple[str, JsonObject]]:
    """`#anchor` and `$id` of each part. Of two of one name the outer and earlier one counts, so it comes last."""
    found: list[tuple[str, JsonObject]] = []
    waiting: list[object] = [root]
    for value in waiting:
        if isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            found += [(f"#{value[key]}", value) for key in _ANCHORS if isinstance(value.get(key), str)]
            found += [(value["$id"].removesuffix("#"), value)] if isinstance(value.get("$id"), str) else []
            waiting += [each for key, each in value.items() if key not in NO_SCHEMAS]
    yield from reversed(found)


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


class NamesNothing(InvalidRequest):
    """A `$ref` names nothing in its schema; `param` says where it stands."""

    default_code = "invalid_json_schema"

    def __init__(self, param: checks.At, name: str) -> None:
        super().__init__(f"Invalid schema: '$ref' {checks.shown(name)} names nothing in it.", param=str(param))


def too_deep(param: checks.At) -> InvalidRequest:
    return InvalidRequest(
        f"Invalid schema: more than {MAX_DEPTH} levels of nesting.", param=str(param), code="invalid_json_schema"
    )
