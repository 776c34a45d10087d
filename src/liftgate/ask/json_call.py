"""JSON output beside functions, on models that take one or the other (the 2.x: python-genai#867).

The wanted JSON becomes one more function: the model must call something, a function of the client's or this one, and
this one's arguments are shown as the message's content. It is what agent frameworks do by hand with their "final
result" tools, and recorded to work; the schema is held to as a function's parameters are.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec

from liftgate.ask.schema_refs import MAX_DEPTH, NO_SCHEMAS
from liftgate.json_types import JsonMapping, JsonObject

_encode = msgspec.json.Encoder().encode

_NAME = "final_answer"
_DESCRIPTION = (
    "Gives the final answer to the user. Call it, and nothing beside it, when no other function has to be called first."
)
_KEY = "answer"
_ANY_OBJECT = {"type": "string", "description": "The answer: one JSON object, as text."}
_DEFINITIONS = ("$defs", "definitions")


class JsonCall(msgspec.Struct, frozen=True):
    """The function that stands for JSON output. `key`: the argument that holds the answer, None where all of them are
    it; `text`: it is JSON already."""

    name: str
    key: str | None = None
    text: bool = False

    def content(self, args: JsonMapping) -> str:
        """The JSON that the model gave."""
        value = args if self.key is None else args.get(self.key)
        return value if self.text and isinstance(value, str) else _encode(value).decode()


def json_function(generation: JsonMapping, names: Collection[str]) -> tuple[JsonCall, JsonObject]:
    """The function and its declaration. `generation` may hold a schema; `names` are taken by other functions."""
    name = _NAME
    while name in names:
        name += "_"
    target, schema = "parametersJsonSchema", generation.get("responseJsonSchema")
    if (older := generation.get("responseSchema")) is not None:
        target, schema = "parameters", older
    if schema is None:
        target = "parameters"  # which every model takes
        call, parameters = JsonCall(name, _KEY, text=True), _holding(_ANY_OBJECT)
    elif isinstance(schema, dict) and str(schema.get("type")).lower() == "object":
        call, parameters = JsonCall(name), schema
    else:
        call, parameters = JsonCall(name, _KEY), _holding(schema)
    return call, {"name": name, "description": _DESCRIPTION, target: parameters}


def _holding(schema: object) -> JsonObject:
    """Arguments are an object; what the schema refers to stays where its references look for it. One that refers to
    itself becomes a definition, as Google knows no other place by which to name it."""
    whole = schema if isinstance(schema, dict) else {}
    shared = {key: whole[key] for key in _DEFINITIONS if isinstance(whole.get(key), dict)}
    held = {key: value for key, value in whole.items() if key not in shared}
    name = _NAME
    while name in shared.get("$defs", ()):
        name += "_"
    itself = f"#/$defs/{name}"
    named = {key: _naming(value, itself) for key, value in (("$defs", {}), *shared.items(), ("", held))}
    if named[""] != held or any(named[key] != value for key, value in shared.items()):
        named["$defs"][name] = named.pop("")
        return {"type": "object", "properties": {_KEY: {"$ref": itself}}, "required": [_KEY], **named}
    return {"type": "object", "properties": {_KEY: held}, "required": [_KEY], **shared}


def _naming(value: Any, itself: str, depth: int = 0) -> Any:
    """With what names the whole schema naming `itself`; beyond what a schema may be deep all is a client's own."""
    if depth > 4 * MAX_DEPTH or not isinstance(value, dict | list):
        return value
    if isinstance(value, list):
        return [_naming(each, itself, depth + 1) for each in value]
    made: JsonObject = {}
    for key, each in value.items():
        if key == "$ref" and each == "#":
            made[key] = itself
        else:
            made[key] = each if key in NO_SCHEMAS else _naming(each, itself, depth + 1)
    return made
