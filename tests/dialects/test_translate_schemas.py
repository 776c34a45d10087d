"""JSON Schemas: what Gemini's subset says is kept, what it says otherwise rewritten, what it cannot say refused."""

from __future__ import annotations

import copy
from typing import Any

import msgspec
import pytest

from liftgate.ask.json_schema import json_schema
from liftgate.ask.schema_subset import schema_subset
from liftgate.errors import InvalidRequest, UnsupportedParameter

TREE: dict[str, Any] = {
    "$defs": {"Node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}}},
    "$ref": "#/$defs/Node",
}


def test_schema_within_the_subset_is_sent_as_it_is() -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"type": ["string", "null"], "pattern": "^x"}, "b": {"anyOf": [{"$ref": "#/$defs/B"}]}},
        "$defs": {"B": {"enum": [1, 2]}},
        "additionalProperties": False,
    }
    assert json_schema(schema, "p", strict=True) is schema


def test_const_is_an_enum_of_one_wherever_it_stands() -> None:
    schema = {"oneOf": [{"properties": {"kind": {"const": "a", "type": "string"}}}, {"items": {"const": 3}}]}
    assert json_schema(schema, "p", strict=True) == {
        "oneOf": [{"properties": {"kind": {"enum": ["a"], "type": "string"}}}, {"items": {"enum": [3]}}]
    }
    assert schema["oneOf"][1] == {"items": {"const": 3}}, "the caller's schema is not changed"


@pytest.mark.parametrize("keyword", ["not", "if", "patternProperties", "uniqueItems", "multipleOf", "contains"])
def test_keyword_that_gemini_cannot_hold_is_refused_when_strict(keyword: str) -> None:
    schema = {"type": "object", "properties": {"a": {keyword: {}}}}
    with pytest.raises(UnsupportedParameter) as error:
        json_schema(schema, "response_format.json_schema.schema", strict=True)
    assert error.value.param == f"response_format.json_schema.schema.properties.a.{keyword}"
    assert json_schema(schema, "p", strict=False) is schema


def test_cycles_are_sent_where_json_schema_is_taken() -> None:
    assert json_schema(TREE, "p", strict=True) is TREE


def test_older_models_get_references_resolved_and_types_spelled_out() -> None:
    schema = {
        "type": "object",
        "$defs": {"P": {"type": "object", "properties": {"x": {"type": "integer", "minimum": 1}}, "title": "P"}},
        "properties": {
            "p": {"$ref": "#/$defs/P", "description": "where"},
            "n": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "t": {"type": ["number", "null"]},
            "e": {"enum": ["a", "b", None]},
            "l": {"type": "array", "items": {"type": "boolean"}, "maxItems": 3},
        },
        "required": ["p"],
        "additionalProperties": False,
    }
    assert schema_subset(schema, "p") == {
        "type": "OBJECT",
        "propertyOrdering": ["p", "n", "t", "e", "l"],
        "properties": {
            "p": {
                "type": "OBJECT",
                "title": "P",
                "description": "where",
                "properties": {"x": {"type": "INTEGER", "minimum": 1}},
                "propertyOrdering": ["x"],
            },
            "n": {"type": "STRING", "nullable": True},
            "t": {"type": "NUMBER", "nullable": True},
            "e": {"type": "STRING", "enum": ["a", "b"], "nullable": True},
            "l": {"type": "ARRAY", "items": {"type": "BOOLEAN"}, "maxItems": 3},
        },
        "required": ["p"],
    }


@pytest.mark.parametrize(
    ("schema", "param"),
    [
        (TREE, "p.properties.next.$ref"),
        ({"properties": {"a": {"not": {}}}}, "p.properties.a.not"),
        ({"enum": [1, 2]}, "p.enum"),
        ({"additionalProperties": {"type": "string"}}, "p.additionalProperties"),
        ({"exclusiveMinimum": 1}, "p.exclusiveMinimum"),
        ({"$ref": "#/$defs/Gone"}, "p.$ref"),
    ],
)
def test_what_the_older_schema_cannot_say_is_refused_by_its_path(schema: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as error:
        schema_subset(schema, "p")
    assert error.value.param == param


def test_endless_nesting_is_an_error_and_no_recursion_fault() -> None:
    schema: dict[str, Any] = {}
    for _ in range(500):
        schema = {"items": schema}
    for convert in (lambda: json_schema(schema, "p", strict=False), lambda: schema_subset(schema, "p")):
        with pytest.raises(InvalidRequest, match="levels of nesting"):
            convert()


X = {"type": "string", "enum": ["x", "y"]}
P: dict[str, Any] = {"type": "object", "properties": {"n": {"type": "string"}}, "required": ["n"]}
BESIDE: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "at the root, from zod": (
        {"$ref": "#/definitions/P", "definitions": {"P": P}, "$schema": "s"},
        {**P, "$defs": {"P": P}, "$schema": "s"},
    ),
    "at the root, recorded": (
        {"$ref": "#/$defs/P", "$defs": {"P": P}, "title": "T"},
        {"$ref": "#/$defs/P", "$defs": {"P": P}, "title": "T"},
    ),
    "a reference to a reference": (
        {"$defs": {"X": X, "Y": {"$ref": "#/$defs/X"}}, "items": {"$ref": "#/$defs/Y", "title": "t"}},
        {"$defs": {"X": X, "Y": {"$ref": "#/$defs/X"}}, "items": {**X, "title": "t"}},
    ),
    "of a name with a slash": (
        {"$defs": {"a/b": X}, "items": {"$ref": "#/$defs/a~1b", "description": "d"}},
        {"$defs": {"a/b": X}, "items": {**X, "description": "d"}},
    ),
    "of a name as URIs have it": (
        {"definitions": {"List<a b>": X}, "items": {"$ref": "#/definitions/List%3Ca%20b%3E", "title": "t"}},
        {"$defs": {"List<a b>": X}, "items": {**X, "title": "t"}},
    ),
    "of a name with a percent sign": (
        {"$defs": {"100%25": X}, "items": {"$ref": "#/$defs/100%25", "title": "t"}},
        {"$defs": {"100%25": X}, "items": {**X, "title": "t"}},
    ),
    "by an anchor": (
        {"$defs": {"X": {"$anchor": "x", **X}}, "items": {"$ref": "#x", "title": "t"}},
        {"$defs": {"X": {"$anchor": "x", **X}}, "items": {**X, "title": "t"}},
    ),
    "by an id": (
        {"$defs": {"X": {"$id": "T", **X}}, "items": {"$ref": "T", "title": "t"}},
        {"$defs": {"X": {"$id": "T", **X}}, "items": {**X, "title": "t"}},
    ),
    "by the whole's address": (
        {
            "$id": "https://a.example/s",
            "$defs": {"X": X},
            "items": {"$ref": "https://a.example/s#/$defs/X", "title": "t"},
        },
        {"$id": "https://a.example/s", "$defs": {"X": X}, "items": {**X, "title": "t"}},
    ),
    "by an address beside the whole's": (
        {
            "$id": "https://a.example/s",
            "$defs": {"X": {"$id": "https://a.example/x", **X}},
            "items": {"$ref": "x", "title": "t"},
        },
        {
            "$id": "https://a.example/s",
            "$defs": {"X": {"$id": "https://a.example/x", **X}},
            "items": {**X, "title": "t"},
        },
    ),
    "more properties": (
        {"$defs": {"P": P}, "items": {"$ref": "#/$defs/P", "properties": {"m": X}, "required": ["m", "n"]}},
        {"$defs": {"P": P}, "items": {**P, "properties": {**P["properties"], "m": X}, "required": ["n", "m"]}},
    ),
    "another place of the schema": (
        {"properties": {"a": X, "b": {"$ref": "#/properties/a", "title": "t"}}},
        {"properties": {"a": X, "b": {**X, "title": "t"}}},
    ),
    "the whole, with words that Google takes": (
        {"properties": {"a": {"$ref": "#", "description": "d"}}},
        {"properties": {"a": {"$ref": "#", "description": "d"}}},
    ),
    "the whole, with a type": (
        {"properties": {"a": {"$ref": "#", "type": "object"}}},
        {"properties": {"a": {"type": "object", "anyOf": [{"$ref": "#"}]}}},
    ),
}


@pytest.mark.parametrize("case", BESIDE)
def test_what_stands_beside_a_reference_goes_into_what_it_names(case: str) -> None:
    given, expected = BESIDE[case]
    before = copy.deepcopy(given)
    assert json_schema(given, "s", strict=False) == expected
    assert given == before


def test_a_cycle_by_names_ends() -> None:
    node = {"$anchor": "n", "type": "object", "properties": {"next": {"$ref": "#n", "title": "t"}}}
    sent = json_schema({"$defs": {"N": node}, "items": {"$ref": "#n", "title": "t"}}, "s", strict=False)
    assert len(msgspec.json.encode(sent)) < 4 * len(msgspec.json.encode(node))
    _no_neighbours(sent)


NO_NAMES = ["//[", "#no", "no", "https://[x/s#/a", "#/%zz", "https://a.example/s#/$defs/no", "#value", "#/$defs/X/y"]


@pytest.mark.parametrize("beside", [{}, {"title": "t"}, {"description": "d", "default": "x"}])
@pytest.mark.parametrize("name", NO_NAMES)
def test_a_name_of_nothing_is_refused_whatever_it_looks_like(name: str, beside: dict[str, str]) -> None:
    for own in ("https://a.example/s", "http://[", 5):
        schema = {"$id": own, "$defs": {"X": X}, "default": {"$anchor": "value"}, "items": {"$ref": name, **beside}}
        for convert in (lambda given: json_schema(given, "p", strict=False), lambda given: schema_subset(given, "p")):
            with pytest.raises(InvalidRequest) as error:
                convert({**schema, "type": "array"})
            assert error.value.param == "p.items.$ref"


def test_cycles_with_neighbours_end() -> None:
    node = {"$ref": "#/$defs/B", "title": "b"}
    schema = {
        "$defs": {
            "A": {"type": "object", "properties": {"b": node}},
            "B": {"type": "object", "properties": {"a": {"$ref": "#/$defs/A", "title": "a"}}},
        },
        "properties": {"a": {"$ref": "#/$defs/A", "title": "t"}},
    }
    sent = json_schema(schema, "s", strict=True)
    assert len(msgspec.json.encode(sent)) < 4 * len(msgspec.json.encode(schema))
    _no_neighbours(sent)


def test_a_chain_of_references_does_not_grow_beyond_measure() -> None:
    defs: dict[str, Any] = {"D0": {"type": "string"}}
    for place in range(1, 40):
        both = {"$ref": f"#/$defs/D{place - 1}", "title": "t"}
        defs[f"D{place}"] = {"type": "object", "properties": {"l": dict(both), "r": dict(both)}}
    schema = {"$defs": defs, "properties": {"top": {"$ref": "#/$defs/D39", "title": "t"}}}
    sent = json_schema(schema, "s", strict=False)
    assert len(msgspec.json.encode(sent)) < 10 * len(msgspec.json.encode(schema))
    _no_neighbours(sent)


def _no_neighbours(value: Any) -> None:
    """Beside a `$ref` stands at most what Google names in its refusal."""
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            assert value.keys() <= {"$ref", "description", "default"}
        for each in value.values():
            _no_neighbours(each)
    elif isinstance(value, list):
        for each in value:
            _no_neighbours(each)
