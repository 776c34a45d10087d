"""What Google's reader of JSON Schema refuses though JSON Schema has it, said so that it is taken
(docs/protocol/gemini.md, "Schemas"): one refused schema among eighty tools is a 400 for every turn.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from operator import is_
from typing import Any, NamedTuple

from liftgate.ask.schema_refs import MAX_DEPTH, NO_SCHEMAS, Definitions, count_values, elsewhere
from liftgate.json_types import JsonObject

_DEFINITIONS = ("$defs", "definitions")
_UNNAMED = re.compile(r"[^A-Za-z0-9_]+")
_CHOICES = ("anyOf", "oneOf", "allOf")
_ROUNDS = 8
"""How often loops are looked for again once some are opened. Only those through choices alone need a second time."""


def required_are_named(schema: JsonObject) -> JsonObject:
    """Every name of `required` has a property: one of any value says the same. The same object where all have."""
    required, properties = schema.get("required"), schema.get("properties", {})
    if not (isinstance(required, list) and isinstance(properties, dict)):
        return schema
    missing: JsonObject = {name: {} for name in required if isinstance(name, str) and name not in properties}
    return {**schema, "properties": {**properties, **missing}} if missing else schema


def definitions_lifted(root: JsonObject) -> JsonObject | None:
    """The root with the definitions that stand further in, as a schema has that was put into another one; its own
    count first. None where there are none."""
    lifted: dict[str, JsonObject] = {}
    for node in _nodes(root):
        for keyword in _DEFINITIONS:
            if node is not root and isinstance(named := node.get(keyword), dict):
                found = lifted.setdefault(keyword, {})
                found.update({name: each for name, each in named.items() if name not in found})
    for keyword, found in lifted.items():
        if isinstance(own := root.get(keyword), dict):
            found.update(own)
    return {**root, **lifted} if lifted else None


def places_defined(root: JsonObject, room: int) -> JsonObject | None:
    """The root where each place that a `$ref` points to and that is no definition is one too. None where there is
    none, or where they would make the schema more than `room` times as large."""
    places = {ref for node in _nodes(root) if isinstance(ref := node.get("$ref"), str) and elsewhere(ref)}
    taken = {name for keyword in _DEFINITIONS if isinstance(node := root.get(keyword), dict) for name in node}
    names: dict[str, str] = {}
    counts: dict[str, int] = {}  # of one name, so that many alike are not counted from the first again
    for place in sorted(places):
        name = called = _UNNAMED.sub("_", place.partition("#")[2]).strip("_")
        while name in taken:
            counts[called] = counts.get(called, 1) + 1
            name = f"{called}_{counts[called]}"
        taken.add(name)
        names[place] = name
    named = _renamed(root, {place: f"#/$defs/{name}" for place, name in names.items()})
    definitions = Definitions(named)
    found = {name: target for place, name in names.items() if (target := definitions.target(place)) is not None}
    left = room * count_values(root, 100_000)
    for target in found.values():
        left -= count_values(target, left)
    if left < 0 or not found:
        return None
    given = named.get("$defs")
    return {**named, "$defs": {**(given if isinstance(given, dict) else {}), **found}}


def _renamed(value: Any, names: dict[str, str], depth: int = 0) -> Any:
    """With other `$ref`s for those of `names`."""
    if depth > 4 * MAX_DEPTH or not isinstance(value, dict | list):  # no schema is deeper
        return value
    if isinstance(value, list):
        return [_renamed(each, names, depth + 1) for each in value]
    made: JsonObject = {}
    for key, each in value.items():
        if key == "$ref" and isinstance(each, str):
            made[key] = names.get(each, each)
        else:
            made[key] = each if key in NO_SCHEMAS else _renamed(each, names, depth + 1)
    return made


class _Way(NamedTuple):
    """What of an object leads on without a choice: the name of a required property, or a keyword."""

    node: JsonObject
    keyword: str
    name: str = ""


def loops_opened(root: JsonObject) -> JsonObject:
    """A schema that contains itself without end has an end: the property in which it does is no more required, values
    of a map are free, a list may be empty. The same object where every loop has an end."""
    opened: dict[int, list[_Way]] = {}
    for _ in range(_ROUNDS):
        found = list(_closing(root, opened))
        if not found:
            break
        for way in found:
            opened.setdefault(id(way.node), []).append(way)
    return _rebuilt(root, opened) if opened else root


def _closing(root: JsonObject, opened: dict[int, list[_Way]]) -> Iterator[_Way]:
    """For each loop without an end the way that closes it; a search in depth, without recursion."""
    definitions = Definitions(root)
    starts = [root]
    for node in _nodes(root):
        if isinstance(name := node.get("$ref"), str) and (target := definitions.target(name)) is not None:
            starts.append(target)
    done: set[int] = set()
    for start in starts:
        # Each step: where it stands, what led there, and what leads on.
        path: list[tuple[JsonObject, _Way | None, Iterator[tuple[str, _Way | None]]]] = []
        on_path: dict[int, int] = {}
        following: tuple[JsonObject, _Way | None] | None = (start, None) if id(start) not in done else None
        while following or path:
            if following:
                node, way = following
                on_path[id(node)] = len(path)
                path.append((node, way, _references(node, None, opened)))
            name, way = next(path[-1][2], ("", None))
            following = None
            if not name:
                left = id(path.pop()[0])
                on_path.pop(left, None)
                done.add(left)
            elif (target := definitions.target(name)) is not None and id(target) not in done:
                if (since := on_path.get(id(target))) is None:
                    following = (target, way)
                elif ways := [each for each in (*(step[1] for step in path[since + 1 :]), way) if each]:
                    yield ways[-1]


def _references(node: object, way: _Way | None, opened: dict[int, list[_Way]]) -> Iterator[tuple[str, _Way | None]]:
    """The `$ref`s that whatever fits the node must go on to, with the last way that can be opened."""
    if not isinstance(node, dict):
        return
    if isinstance(name := node.get("$ref"), str) and name:
        yield name, way
    ways = [*opened.get(id(node), ())]
    required, properties = node.get("required"), node.get("properties")
    if isinstance(required, list) and isinstance(properties, dict):
        for name in dict.fromkeys(each for each in required if isinstance(each, str)):
            if (onward := _Way(node, "required", name)) not in ways:
                yield from _references(properties.get(name), onward, opened)
    for keyword in _CHOICES:
        for each in node[keyword] if isinstance(node.get(keyword), list) else ():
            yield from _references(each, way, opened)
    least = node.get("minItems")
    for keyword, inner in (("additionalProperties", True), ("items", isinstance(least, int) and least > 0)):
        if inner and (onward := _Way(node, keyword)) not in ways:
            yield from _references(node.get(keyword), onward, opened)


def _rebuilt(value: Any, opened: dict[int, list[_Way]], depth: int = 0) -> Any:
    """With the ways opened; the same object where nothing changes."""
    if depth > 4 * MAX_DEPTH or not isinstance(value, dict | list):  # no schema is deeper
        return value
    if isinstance(value, list):
        made = [_rebuilt(each, opened, depth + 1) for each in value]
        return value if all(map(is_, made, value)) else made
    new: JsonObject = {
        key: each if key in NO_SCHEMAS else _rebuilt(each, opened, depth + 1) for key, each in value.items()
    }
    ways = opened.get(id(value), ())
    for way in ways:
        if way.keyword == "required":
            new["required"] = [name for name in new["required"] if name != way.name]
            if not new["required"]:
                del new["required"]
        elif way.keyword == "items":
            del new["minItems"]
        else:
            new["additionalProperties"] = True
    return new if ways or any(new[key] is not each for key, each in value.items()) else value


def _nodes(root: JsonObject) -> Iterator[JsonObject]:
    """All objects of a schema, its root first; also maps of schemas, which no caller takes for one by mistake."""
    waiting: list[object] = [root]
    for value in waiting:
        if isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            yield value
            waiting += [each for key, each in value.items() if key not in NO_SCHEMAS]
