"""JSON Schemas: what Gemini's subset says is kept, what it says otherwise rewritten, what it cannot say refused."""

from __future__ import annotations

from typing import Any

import pytest

from liftgate.errors import InvalidRequest, UnsupportedParameter
from liftgate.translate.json_schema import json_schema
from liftgate.translate.schema_subset import schema_subset

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
