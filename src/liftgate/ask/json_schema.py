"""A client's JSON Schema → the JSON Schema that Gemini takes (docs/protocol/gemini.md, "Schemas").

What has another spelling is rewritten (`const` is an `enum` of one; what stands beside a `$ref` goes into what it
names; words of other drafts are in `schema_drafts`, what Google refuses in `schema_limits`), annotations stay, and with
`strict` what has none is refused: a promise is not quietly weakened. Recursion is bounded, not trusted, and so is what
`$ref`s make of a small schema.
"""

from __future__ import annotations

from operator import is_
from typing import Any

from liftgate.ask import checks
from liftgate.ask.checks import Place
from liftgate.ask.schema_drafts import definitions_of, gathered, in_todays_words, moved
from liftgate.ask.schema_limits import definitions_lifted, loops_opened, places_defined, required_are_named
from liftgate.ask.schema_refs import (
    MAX_DEPTH,
    NAMES,
    NULL_IS_A_VALUE,
    Definitions,
    NamesNothing,
    count_values,
    elsewhere,
    too_deep,
)
from liftgate.errors import UnsupportedParameter
from liftgate.json_types import JsonObject

UNSAYABLE = frozenset(
    {
        "not", "if", "then", "else", "patternProperties", "dependentSchemas", "dependentRequired", "dependencies",
        "contains", "minContains", "maxContains", "propertyNames", "unevaluatedProperties", "unevaluatedItems",
        "uniqueItems", "multipleOf", "$dynamicRef", "$recursiveRef",
    }
)  # fmt: skip
"""Keywords that constrain and that Gemini's JSON Schema has no word for."""

_SUBSCHEMAS = frozenset(
    {
        "items", "additionalProperties", "additionalItems", "not", "if", "then", "else", "contains", "propertyNames",
        "unevaluatedItems", "unevaluatedProperties",
    }
)  # fmt: skip
_LISTS = frozenset({"anyOf", "oneOf", "allOf", "prefixItems", "items"})
_MAPS = frozenset({"properties", "$defs", "definitions", "patternProperties", "dependentSchemas"})
_DEFINITIONS = ("$defs", "definitions")
_ROOM = 4
"""How many times its own size a schema may grow by what is put in the place of its `$ref`s."""
_BESIDE_ROOT = frozenset({"title"})
"""Recorded with 200 beside `$ref` and `$defs`."""
_BESIDE_CYCLE = frozenset({"description", "default"})
"""What Google says may stand beside a `$ref` (anomalyco/opencode#12295)."""


def json_schema(schema: object, param: str, *, strict: bool) -> Any:
    """For `responseJsonSchema` and `parametersJsonSchema`. The same object comes back where nothing changes."""
    try:
        return _Reading(schema, strict=strict).whole(param)
    except NamesNothing:
        lifted = definitions_lifted(schema) if isinstance(schema, dict) else None
        if lifted is None:
            raise
    return _Reading(lifted, strict=strict).whole(param)


class _Reading:
    """One schema; holds the root for its `$ref`s, and how much more they may stand for."""

    def __init__(self, root: object, *, strict: bool) -> None:
        self._given = root
        self._root: JsonObject = root if isinstance(root, dict) else {}
        self._definitions = Definitions(self._root)
        self._places = moved(self._root)
        self._strict = strict
        self._room: int | None = None
        self._refers = self._points = False

    def whole(self, param: str) -> object:
        made = self.read(self._given, param, ("#",), 0)
        if self._points and (placed := places_defined(self._root, _ROOM)) is not None:
            made = _Reading(placed, strict=self._strict).read(placed, param, ("#",), 0)
        return loops_opened(made) if self._refers and isinstance(made, dict) else made

    def read(self, schema: object, param: checks.At, within: tuple[str, ...], depth: int) -> object:
        """`within`: the names of what this stands in."""
        if isinstance(schema, bool):
            return schema
        found = checks.mapping(schema, param)
        if depth > MAX_DEPTH:
            raise too_deep(param)
        if None in found.values():
            found = {key: value for key, value in found.items() if value is not None or key in NULL_IS_A_VALUE}
        if "$ref" in found:
            self._refers = True
            if self._definitions.target(checks.string(found["$ref"], Place(param, "$ref"))) is None:
                raise NamesNothing(Place(param, "$ref"), found["$ref"])
        while "$ref" in found and len(found) > 1 and (merged := self._merged(found, param, within, depth)) is not found:
            within, found = (*within, str(found["$ref"])), merged
        self._points = self._points or ("$ref" in found and elsewhere(str(found["$ref"])))
        if self._strict:
            _refuse_unsayable(found, param)
        changed = self._changed_within(found, param, within, depth)
        if isinstance(const := found.get("const"), str | int | float) and not isinstance(const, bool):
            changed["enum"] = [const]
        whole = {**found, **changed} if changed else found
        if "enum" in changed:
            whole.pop("const", None)
        whole = required_are_named(in_todays_words(whole, self._places))
        return gathered(whole, self._places) if depth == 0 and self._places else whole

    def _changed_within(self, schema: JsonObject, param: checks.At, within: tuple[str, ...], depth: int) -> JsonObject:
        """The keywords whose subschemas became others."""
        changed: JsonObject = {}
        for key, value in schema.items():
            new: object = value
            if key in _SUBSCHEMAS and isinstance(value, dict):
                new = self.read(value, Place(param, key), within, depth + 1)
            elif key in _LISTS and isinstance(value, list):
                at = Place(param, key)
                made = [self.read(each, Place(at, i), within, depth + 1) for i, each in enumerate(value)]
                new = value if all(map(is_, made, value)) else made
            elif key in _MAPS and isinstance(value, dict):
                prefix = f"#/{key}/" if depth == 0 and key in _DEFINITIONS else None
                new = self._named(value, Place(param, key), within, depth, prefix)
            elif key == "components" and depth == 0 and key in self._places:
                at = Place(Place(param, key), "schemas")
                new = {"schemas": self._named(definitions_of(schema, key), at, within, depth, self._places[key])}
            if new is not value:
                changed[key] = new
        return changed

    def _named(
        self, schemas: JsonObject, at: Place, within: tuple[str, ...], depth: int, prefix: str | None
    ) -> JsonObject:
        """Schemas by name; the same object where none changes. `prefix`: of what `$ref`s call them, of definitions."""
        named = {
            name: self.read(each, Place(at, name), within if prefix is None else ("#", prefix + name), depth + 1)
            for name, each in schemas.items()
        }
        return schemas if all(named[name] is each for name, each in schemas.items()) else named

    def _merged(self, node: JsonObject, param: checks.At, within: tuple[str, ...], depth: int) -> JsonObject:
        """A node with a `$ref` and neighbours as one without, or the very node where it may stay.

        What contains itself, and what would make the schema too large, is named by a choice of one instead, beside
        which anything may stand.
        """
        name = checks.string(node["$ref"], Place(param, "$ref"))  # what a merged one names may be no text
        beside = {key: value for key, value in node.items() if key != "$ref"}
        words = {key for key in beside if not key.startswith("$")}
        if words <= (_BESIDE_ROOT if depth == 0 and "$defs" in node else frozenset()):
            return node
        target = self._definitions.target(name)
        if target is None:
            raise NamesNothing(Place(param, "$ref"), name)
        if name not in within and depth < MAX_DEPTH // 2 and self._has_room(target):
            return _both(target, beside)
        if words <= _BESIDE_CYCLE:
            return node
        self._points = self._points or elsewhere(name)
        return {**beside, "allOf" if "anyOf" in beside else "anyOf": [{"$ref": name}]}

    def _has_room(self, target: JsonObject) -> bool:
        if self._room is None:
            self._room = _ROOM * count_values(self._root, 100_000)
        self._room -= count_values(target, self._room)
        return self._room >= 0


def _both(target: JsonObject, beside: JsonObject) -> JsonObject:
    """What the reference names and what stands beside it, which is the nearer word. Its own names stay where it is."""
    merged = {**{key: value for key, value in target.items() if key not in NAMES}, **beside}
    if isinstance(target.get("properties"), dict) and isinstance(beside.get("properties"), dict):
        merged["properties"] = target["properties"] | beside["properties"]
    if isinstance(target.get("required"), list) and isinstance(beside.get("required"), list):
        named = (name for name in (*target["required"], *beside["required"]) if isinstance(name, str))
        merged["required"] = list(dict.fromkeys(named))
    return merged


def _refuse_unsayable(schema: JsonObject, param: checks.At) -> None:
    if not UNSAYABLE.isdisjoint(schema):
        key = next(key for key in schema if key in UNSAYABLE)
        raise UnsupportedParameter(
            f"Invalid schema: '{key}' cannot be enforced by Gemini, so it is not permitted in a strict schema.",
            param=str(Place(param, key)),
        )
