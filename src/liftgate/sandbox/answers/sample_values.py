"""A minimal instance of a schema, either Google's OpenAPI subset or JSON Schema.

Unconstrained strings are filled with a text that the caller gives (the computed answer), everything else with the
smallest value that is valid.
"""

import re
from typing import Any

from liftgate.sandbox.requests.refusals import Refusal
from liftgate.sandbox.wire.json_types import JsonObject

FORMATS = {
    "date-time": "2026-01-01T00:00:00Z",
    "date": "2026-01-01",
    "time": "00:00:00Z",
    "duration": "PT1S",
    "email": "someone@example.com",
    "hostname": "example.com",
    "ipv4": "127.0.0.1",
    "ipv6": "::1",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}
PATTERN_GUESSES = (
    "",
    "0",
    "1",
    "a",
    "A",
    "00",
    "aa",
    "AA",
    "a1",
    "A1",
    "0.0",
    "-1",
    "2026-01-01",
    "abc",
    "123",
    "a@b.cc",
)
DEEPEST = 12


def sample(schema: JsonObject, text: str) -> Any:
    """An instance of `schema`; strings without constraints say `text`. Raises Refusal for one that it cannot satisfy,
    or that is none."""
    try:
        return _Sampler(schema, text).value(schema, 0)
    except (ValueError, TypeError, AttributeError, LookupError, re.error) as error:
        raise Refusal(400, f"The sandbox finds no value for this schema: {error}") from None


class _Sampler:
    def __init__(self, root: JsonObject, text: str):
        self.root = root
        self.text = text

    def value(self, schema: object, depth: int) -> object:
        if depth > DEEPEST:
            raise ValueError("the schema recurses through required properties")
        if not isinstance(schema, dict):
            return self.text
        for name in ("$ref", "ref"):
            if name in schema:
                return self.value(self._referred(schema[name]), depth + 1)
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return self._typed_enum(schema)
        for name in ("anyOf", "oneOf"):
            if schema.get(name):
                return self._any(schema[name], depth)
        if schema.get("allOf"):
            merged: JsonObject = {}
            for part in schema["allOf"]:
                merged |= part
            return self.value(merged, depth + 1)
        return self._typed(schema, depth)

    def _any(self, choices: list[object], depth: int) -> object:
        for choice in choices:
            try:
                return self.value(choice, depth + 1)
            except ValueError:
                continue
        raise ValueError("no alternative of the schema can be satisfied")

    def _typed_enum(self, schema: JsonObject) -> object:
        first = schema["enum"][0]
        if str(schema.get("type", "")).upper() in ("INTEGER", "NUMBER") and isinstance(first, str):
            return float(first) if "." in first else int(first)
        return first

    def _typed(self, schema: JsonObject, depth: int) -> object:
        kinds = schema.get("type") or ("object" if "properties" in schema else "string")
        kind = str(kinds[0] if isinstance(kinds, list) else kinds).lower()
        if kind == "object":
            return self._object(schema, depth)
        if kind == "array":
            return self._array(schema, depth)
        if kind in ("integer", "number"):
            return _number(schema, whole=kind == "integer")
        if kind == "boolean":
            return True
        return None if kind == "null" else self._string(schema)

    def _referred(self, reference: str) -> object:
        if reference.startswith("#"):
            node: JsonObject = self.root
            for step in filter(None, reference[1:].split("/")):
                node = node.get(step.replace("~1", "/").replace("~0", "~"), {})
            return node
        for name in ("$defs", "defs", "definitions"):
            if reference in self.root.get(name, {}):
                return self.root[name][reference]
        return {}

    def _object(self, schema: JsonObject, depth: int) -> JsonObject:
        properties = schema.get("properties", {})
        required = schema.get("required", [])
        order = schema.get("propertyOrdering", [])
        names = [name for name in order if name in properties] + [name for name in properties if name not in order]
        result: JsonObject = {}
        for name in names:
            try:
                result[name] = self.value(properties[name], depth + 1)
            except ValueError:
                if name in required:
                    raise
        for name in required:
            if name not in result:
                result[name] = self.value(schema.get("additionalProperties") or {}, depth + 1)
        return result

    def _array(self, schema: JsonObject, depth: int) -> list[object]:
        fixed = [self.value(item, depth + 1) for item in schema.get("prefixItems", [])]
        items = schema.get("items", {})
        least = int(schema.get("minItems", 0))
        most = int(schema.get("maxItems", max(1, least)))
        try:
            while len(fixed) < max(least, min(1, most)) and items is not False:
                fixed.append(self.value(items, depth + 1))
        except ValueError:
            if least:
                raise
        return fixed

    def _string(self, schema: JsonObject) -> str:
        pattern = schema.get("pattern")
        if pattern:
            for guess in PATTERN_GUESSES:
                if re.search(pattern, guess) and len(guess) >= int(schema.get("minLength", 0)):
                    return guess
            raise ValueError(f"no text found for the pattern {pattern!r}")
        if schema.get("format") in FORMATS:
            return FORMATS[schema["format"]]
        text = self.text.ljust(int(schema.get("minLength", 0)), ".")
        return text[: int(schema["maxLength"])] if "maxLength" in schema else text


def _number(schema: JsonObject, *, whole: bool) -> int | float:
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    step = schema.get("multipleOf", 1 if whole else 0.5)
    value: float = 0 if low is None else low
    if low is None and high is not None and high < 0:
        value = high
    if value == schema.get("exclusiveMinimum"):
        value += step
    if value == schema.get("exclusiveMaximum"):
        value -= step
    return int(value) if whole else float(value)
