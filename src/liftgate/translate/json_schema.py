"""A client's JSON Schema → what Gemini takes: its JSON Schema subset, or its older OpenAPI-like Schema.

Keywords by GEMINI.md 2.6. What can be said another way is rewritten (`const` is an `enum` of one), annotations
stay, and with `strict` what cannot be said is refused: a promise is not quietly weakened. Recursion is bounded, not
trusted, and so is what `$ref`s make of a small schema.
"""

from __future__ import annotations

from operator import is_
from typing import Any

from liftgate.errors import InvalidRequest, UnsupportedParameter
from liftgate.translate import checks
from liftgate.translate.checks import Place

MAX_DEPTH = 64
MAX_EXPANDED = 10_000
"""Values that all `$ref`s of a schema may put in their places: a chain of a few can name 2ⁿ of them."""
_LONG_TEXT = 64
"""Characters of text that count as one value."""

UNSAYABLE = frozenset(
    {
        "not", "if", "then", "else", "patternProperties", "dependentSchemas", "dependentRequired", "dependencies",
        "contains", "minContains", "maxContains", "propertyNames", "unevaluatedProperties", "unevaluatedItems",
        "uniqueItems", "multipleOf", "$dynamicRef", "$recursiveRef",
    }
)  # fmt: skip
"""Keywords that constrain and that Gemini's JSON Schema has no word for."""

_SUBSCHEMAS = ("items", "additionalProperties")
_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_MAPS = ("properties", "$defs", "definitions")

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


def json_schema(schema: object, param: checks.At, *, strict: bool, depth: int = 0) -> Any:
    """For `responseJsonSchema` and `parametersJsonSchema`. The same object comes back where nothing changes."""
    if isinstance(schema, bool):
        return schema
    found = checks.mapping(schema, param)
    if depth > MAX_DEPTH:
        raise _too_deep(param)
    if strict:
        _refuse_unsayable(found, param)
    changed = _changed_within(found, param, strict=strict, depth=depth + 1)
    if isinstance(const := found.get("const"), str | int | float) and not isinstance(const, bool):
        changed["enum"] = [const]
    if not changed:
        return found
    merged = {**found, **changed}
    if "enum" in changed:
        merged.pop("const", None)
    return merged


def _changed_within(schema: dict[str, Any], param: checks.At, *, strict: bool, depth: int) -> dict[str, Any]:
    """The keywords whose subschemas became others."""
    changed: dict[str, Any] = {}
    for key, value in schema.items():
        new: Any = value
        if key in _SUBSCHEMAS and isinstance(value, dict):
            new = json_schema(value, Place(param, key), strict=strict, depth=depth)
        elif key in _LISTS and isinstance(value, list):
            at = Place(param, key)
            made = [json_schema(each, Place(at, i), strict=strict, depth=depth) for i, each in enumerate(value)]
            new = value if all(map(is_, made, value)) else made
        elif key in _MAPS and isinstance(value, dict):
            at = Place(param, key)
            named = {
                name: json_schema(each, Place(at, name), strict=strict, depth=depth) for name, each in value.items()
            }
            new = value if all(named[name] is each for name, each in value.items()) else named
        if new is not value:
            changed[key] = new
    return changed


def _refuse_unsayable(schema: dict[str, Any], param: checks.At) -> None:
    if not UNSAYABLE.isdisjoint(schema):
        key = next(key for key in schema if key in UNSAYABLE)
        raise UnsupportedParameter(
            f"Invalid schema: '{key}' cannot be enforced by Gemini, so it is not permitted in a strict schema.",
            param=str(Place(param, key)),
        )


def schema_subset(schema: object, param: str) -> dict[str, Any]:
    """For `responseSchema` and `parameters` of models without JSON Schema; `$ref` is replaced by what it names.

    Raises UnsupportedParameter, naming the keyword, for what Schema cannot say, and for a `$ref` that contains itself;
    InvalidRequest for more than MAX_DEPTH levels, and where `$ref`s stand for more than MAX_EXPANDED values.
    """
    root = checks.mapping(schema, param)
    return _Subset(root).convert(root, param, (), 0)


class _Subset:
    """One conversion; holds the root for its `$ref`s, and how much more they may stand for."""

    def __init__(self, root: dict[str, Any]) -> None:
        self._root = root
        self._room = MAX_EXPANDED

    def convert(self, schema: object, param: checks.At, within: tuple[str, ...], depth: int) -> dict[str, Any]:
        if isinstance(schema, bool):
            raise self._cannot(param, str(schema).lower())
        node = checks.mapping(schema, param)
        if depth > MAX_DEPTH:
            raise _too_deep(param)
        if (ref := node.get("$ref")) is not None:
            target = self._target(ref, param, within)
            self._room -= _values(target, self._room)
            if self._room < 0:
                raise InvalidRequest(
                    f"Invalid schema: its '$ref's stand for more than {MAX_EXPANDED} values.",
                    param=str(Place(param, "$ref")),
                    code="invalid_json_schema",
                )
            beside = {key: value for key, value in node.items() if key != "$ref"}
            return self.convert({**target, **beside}, param, (*within, str(ref)), depth + 1)
        out: dict[str, Any] = {}
        for key, value in node.items():
            self._keyword(out, key, value, param, within, depth)
        return out

    def _keyword(
        self, out: dict[str, Any], key: str, value: object, param: checks.At, within: tuple[str, ...], depth: int
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

    def _type(self, out: dict[str, Any], value: object, at: Place) -> None:
        names = value if isinstance(value, list) else [value]
        kinds = [checks.string(name, at) for name in names]
        if "null" in kinds and len(kinds) > 1:
            out["nullable"] = True
            kinds = [name for name in kinds if name != "null"]
        if len(kinds) == 1:
            out["type"] = kinds[0].upper()
        elif kinds:
            out["anyOf"] = [{"type": name.upper()} for name in kinds]

    def _enum(self, out: dict[str, Any], values: list[Any], at: Place) -> None:
        texts = [value for value in values if value is not None]
        if len(texts) < len(values):
            out["nullable"] = True
        if not all(isinstance(value, str) for value in texts):
            raise self._cannot(at, "enum of anything but strings")
        if texts:
            out["enum"] = texts
            out.setdefault("type", "STRING")

    def _any_of(self, out: dict[str, Any], value: list[Any], at: Place, within: tuple[str, ...], depth: int) -> None:
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

    def _target(self, ref: object, param: checks.At, within: tuple[str, ...]) -> dict[str, Any]:
        at = Place(param, "$ref")
        name = checks.string(ref, at)
        if name in within:
            raise UnsupportedParameter(
                f"Invalid schema: {checks.shown(name)} contains itself, which this model's schemas cannot say.",
                param=str(at),
            )
        found: object = self._root
        for step in name.removeprefix("#").strip("/").split("/"):
            step = step.replace("~1", "/").replace("~0", "~")
            if not step:
                continue
            found = found.get(step) if isinstance(found, dict) else None
        if not name.startswith("#") or not isinstance(found, dict):
            raise InvalidRequest(
                f"Invalid schema: '$ref' {checks.shown(name)} names nothing in it.",
                param=str(at),
                code="invalid_json_schema",
            )
        return found

    def _cannot(self, param: checks.At, what: str) -> UnsupportedParameter:
        return UnsupportedParameter(
            f"Invalid schema: this model's schemas cannot say {checks.shown(what)}.", param=str(param)
        )


def _values(schema: object, most: int) -> int:
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


def _too_deep(param: checks.At) -> InvalidRequest:
    return InvalidRequest(
        f"Invalid schema: more than {MAX_DEPTH} levels of nesting.", param=str(param), code="invalid_json_schema"
    )
