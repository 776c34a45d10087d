"""Words of older drafts of JSON Schema, of OpenAPI and of Google's own Schema, in those of JSON Schema that Gemini
reads (docs/protocol/gemini.md, "Schemas"): nothing is lost by it, and what stays would be passed over.
"""

from __future__ import annotations

from liftgate.json_types import JsonMapping, JsonObject

_GOOGLES = {name.upper(): name for name in ("string", "number", "integer", "boolean", "array", "object", "null")}
"""The types of Google's Schema."""
_PLACES = {"definitions": "#/definitions/", "components": "#/components/schemas/"}
"""Where definitions stand in other dialects → how a `$ref` names them: drafts up to 7, and OpenAPI."""
OURS = "#/$defs/"


def moved(root: JsonMapping) -> dict[str, str]:
    """The keyword of each place with definitions that go into `$defs` → how `$ref`s name them."""
    found: dict[str, str] = {}
    taken = set(root["$defs"]) if isinstance(root.get("$defs"), dict) else set[str]()
    for keyword, prefix in _PLACES.items():
        names = definitions_of(root, keyword)
        if names and taken.isdisjoint(names):
            taken |= names.keys()
            found[keyword] = prefix
    return found


def definitions_of(root: JsonMapping, keyword: str) -> JsonObject:
    """The definitions under a keyword of the root; none where it holds something else."""
    value = root.get(keyword)
    if keyword == "components" and isinstance(value, dict):
        value = value.get("schemas")
    return value if isinstance(value, dict) else {}


def gathered(root: JsonObject, places: JsonMapping) -> JsonObject:
    """The root with the definitions of these places in `$defs`."""
    own = root.get("$defs")
    all_of_them: JsonObject = dict(own) if isinstance(own, dict) else {}
    for keyword in places:
        all_of_them |= definitions_of(root, keyword)
    return {**{key: value for key, value in root.items() if key not in places}, "$defs": all_of_them}


def in_todays_words(schema: JsonObject, places: dict[str, str]) -> JsonObject:
    """One schema, whose subschemas were read already; the same object where nothing changes."""
    changed: JsonObject = {}
    if (kind := schema.get("type")) is not None and (named := _type(kind)) is not kind:
        changed["type"] = named
    if isinstance(ref := schema.get("$ref"), str) and (renamed := _reference(ref, places)) is not ref:
        changed["$ref"] = renamed
    gone: set[str] = {"type"} if changed.get("type", kind) == "TYPE_UNSPECIFIED" else set()
    if isinstance(tuple_of := schema.get("items"), list):
        gone |= {"items", "additionalItems"}
        if tuple_of:
            changed.setdefault("prefixItems", tuple_of)
        if (others := schema.get("additionalItems")) is not None:
            changed["items"] = others
            gone.discard("items")
    if isinstance(schema.get("nullable"), bool):
        gone.add("nullable")
    if not changed and not gone:
        return schema
    result = {key: value for key, value in {**schema, **changed}.items() if key not in gone}
    return _or_null(result) if schema.get("nullable") is True else result


def _reference(ref: str, places: JsonMapping) -> str:
    """By where the definition stands now; the very same where that has not changed."""
    base, mark, fragment = ref.partition("#")
    for prefix in places.values():
        if (mark + fragment).startswith(prefix):
            return base + OURS + (mark + fragment).removeprefix(prefix)
    return ref


def _type(kind: object) -> object:
    """In JSON Schema's letters; the very same where it is so already."""
    if isinstance(kind, str):
        return _GOOGLES.get(kind, kind)
    if isinstance(kind, list) and any(isinstance(each, str) and each in _GOOGLES for each in kind):
        return [_GOOGLES.get(each, each) if isinstance(each, str) else each for each in kind]
    return kind


def _or_null(schema: JsonObject) -> JsonObject:
    """OpenAPI 3.0's `nullable: true`: what the schema says, or null."""
    kind = schema.get("type")
    if "enum" in schema or "const" in schema:
        # Null among an enum's values is not known to be taken; a choice is recorded.
        inner = {key: schema[key] for key in ("type", "format", "enum", "const") if key in schema}
        rest = {key: value for key, value in schema.items() if key not in inner}
        return schema if "anyOf" in rest else {**rest, "anyOf": [inner, {"type": "null"}]}
    for choices in ("anyOf", "oneOf"):
        if isinstance(schema.get(choices), list) and kind is None:
            return {**schema, choices: [*schema[choices], {"type": "null"}]}
    if isinstance(kind, str) and kind != "null":
        return {**schema, "type": [kind, "null"]}
    if isinstance(kind, list) and "null" not in kind:
        return {**schema, "type": [*kind, "null"]}
    return schema
