"""A client's JSON Schema → Gemini's older OpenAPI-like Schema, for models that do not take JSON Schema
(docs/protocol/gemini.md, "Schemas").

What has another spelling is rewritten, `$ref` is replaced by what it names, and what has none is refused by
name. Recursion is bounded, not trusted, and so is what `$ref`s make of a small schema.
"""

from __future__ import annotations

from liftgate.ask import checks
from liftgate.ask.checks import Place
from liftgate.ask.schema_refs import MAX_DEPTH, NULL_IS_A_VALUE, Definitions, NamesNothing, count_values, too_deep
from liftgate.errors import InvalidRequest, UnsupportedParameter
from liftgate.json_types import JsonObject

MAX_EXPANDED = 10_000
"""Values that all `$ref`s of a schema may put in their places: a chain of a few can name 2ⁿ of them."""

_PLAIN = frozenset(
    {
        "format", "title", "description", "nullable", "minItems", "maxItems", "minProperties", "maxProperties",
        "minimum", "maximum", "minLength", "maxLength", "pattern", "required", "propertyOrdering", "default", "example",
    }
)  # fmt: skip
"""Keywords that Schema takes as they are."""
_ANNOTATIONS = frozenset(
    {
        "$schema", "$id", "$anchor", "$comment", "$defs", "definitions", "examples", "deprecated", "readOnly",
        "writeOnly", "contentEncoding", "contentMediaType", "strict",
    }
)  # fmt: skip


def schema_subset(schema: object, param: str) -> JsonObject:
    """For `responseSchema` and `parameters` of models without JSON Schema; `$ref` is replaced by what it names.

    Raises UnsupportedParameter, naming the keyword, for what Schema cannot say, and for a `$ref` that contains itself;
    InvalidRequest for more than MAX_DEPTH levels, and where `$ref`s stand for more than MAX_EXPANDED values.
    """
    root = checks.mapping(schema, param)
    return _Subset(root).convert(root, param, (), 0)


class _Subset:
    """One conversion; holds the root for its `$ref`s, and how much more they may stand for."""

    def __init__(self, root: JsonObject) -> None:
        self._definitions = Definitions(root)
        self._room = MAX_EXPANDED

    def convert(self, schema: object, param: checks.At, within: tuple[str, ...], depth: int) -> JsonObject:
        if isinstance(schema, bool):
            raise self._cannot(param, str(schema).lower())
        node = checks.mapping(schema, param)
        if depth > MAX_DEPTH:
            raise too_deep(param)
        if (ref := node.get("$ref")) is not None:
            target = self._target(ref, param, within)
            self._room -= count_values(target, self._room)
            if self._room < 0:
                raise InvalidRequest(
                    f"Invalid schema: its '$ref's stand for more than {MAX_EXPANDED} values.",
                    param=str(Place(param, "$ref")),
                    code="invalid_json_schema",
                )
            beside = {key: value for key, value in node.items() if key != "$ref"}
            return self.convert({**target, **beside}, param, (*within, str(ref)), depth + 1)
        out: JsonObject = {}
        for key, value in node.items():
            if value is None and key not in NULL_IS_A_VALUE:
                continue
            self._keyword(out, key, value, param, within, depth)
        if isinstance(required := out.get("required"), list):
            # A name without a property is Google's 400, and Schema has no word for a property of any value.
            properties = out.get("properties", {})
            out["required"] = [name for name in required if isinstance(name, str) and name in properties]
            if not out["required"]:
                del out["required"]
        return out

    def _keyword(
        self, out: JsonObject, key: str, value: object, param: checks.At, within: tuple[str, ...], depth: int
    ) -> None:
        if key in _PLAIN:
            out[key] = value
            return
        if key in _ANNOTATIONS:
            return
        at = Place(param, key)
        if key == "type":
            self._type(out, value, at)
        elif key == "enum":
            self._enum(out, checks.array(value, at), at)
        elif key == "const":
            self._enum(out, [value], at)
        elif key == "items":
            out["items"] = self.convert(value, at, within, depth + 1)
        elif key == "properties":
            found = checks.mapping(value, at)
            out["properties"] = {n: self.convert(each, Place(at, n), within, depth + 1) for n, each in found.items()}
            out.setdefault("propertyOrdering", list(found))
        elif key in ("anyOf", "oneOf"):
            self._any_of(out, checks.array(value, at, least=1), at, within, depth)
        elif key == "allOf" and isinstance(value, list) and len(value) == 1:
            for inner, each in self.convert(value[0], Place(at, 0), within, depth + 1).items():
                out.setdefault(inner, each)
        elif key == "additionalProperties" and isinstance(value, bool):
            # Schema knows no open objects: Gemini returns the named properties only, which `false` asks for.
            return
        else:
            raise self._cannot(at, key)

    def _type(self, out: JsonObject, value: object, at: Place) -> None:
        names = value if isinstance(value, list) else [value]
        kinds = [checks.string(name, at) for name in names]
        if "null" in kinds and len(kinds) > 1:
            out["nullable"] = True
            kinds = [name for name in kinds if name != "null"]
        if len(kinds) == 1:
            out["type"] = kinds[0].upper()
        elif kinds:
            out["anyOf"] = [{"type": name.upper()} for name in kinds]

    def _enum(self, out: JsonObject, values: list[object], at: Place) -> None:
        texts = [value for value in values if value is not None]
        if len(texts) < len(values):
            out["nullable"] = True
        if not all(isinstance(value, str) for value in texts):
            raise self._cannot(at, "enum of anything but strings")
        if texts:
            out["enum"] = texts
            out.setdefault("type", "STRING")

    def _any_of(self, out: JsonObject, value: list[object], at: Place, within: tuple[str, ...], depth: int) -> None:
        choices = [
            self.convert(each, Place(at, i), within, depth + 1)
            for i, each in enumerate(value)
            if not (isinstance(each, dict) and each.get("type") == "null")
        ]
        if len(choices) < len(value):
            out["nullable"] = True
        if len(choices) == 1:
            for inner, each in choices[0].items():
                out.setdefault(inner, each)
        elif choices:
            out["anyOf"] = choices

    def _target(self, ref: object, param: checks.At, within: tuple[str, ...]) -> JsonObject:
        at = Place(param, "$ref")
        name = checks.string(ref, at)
        if name in within:
            raise UnsupportedParameter(
                f"Invalid schema: {checks.shown(name)} contains itself, which this model's schemas cannot say.",
                param=str(at),
            )
        found = self._definitions.target(name)
        if found is None:
            raise NamesNothing(at, name)
        return found

    def _cannot(self, param: checks.At, what: str) -> UnsupportedParameter:
        return UnsupportedParameter(
            f"Invalid schema: this model's schemas cannot say {checks.shown(what)}.", param=str(param)
        )
