"""Schemas in the words of older drafts, of OpenAPI and of Google's own Schema reach Gemini in those that it reads; the
same schema says the same at every door.

What Gemini reads of JSON Schema, and nothing else: docs/protocol/gemini.md, "Schemas".
"""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from gateways import MODEL, SandboxServer
from liftgate.ask.json_schema import json_schema
from raw_http import call

STRING, NULL = {"type": "string"}, {"type": "null"}
NODE = {"type": "object", "properties": {"n": {"$ref": "#/definitions/N"}}}
CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "Google's types": (
        {"type": "OBJECT", "properties": {"a": {"type": "ARRAY", "items": {"type": "INTEGER"}}}},
        {"type": "object", "properties": {"a": {"type": "array", "items": {"type": "integer"}}}},
    ),
    "Google's types in the depth alone": (
        {"type": "object", "properties": {"a": {"anyOf": [{"type": "STRING"}, {"type": "NULL"}]}}},
        {"type": "object", "properties": {"a": {"anyOf": [STRING, NULL]}}},
    ),
    "Google's types in a list": ({"type": ["STRING", "NULL"]}, {"type": ["string", "null"]}),
    "a type that is not said": ({"properties": {"a": {"type": "TYPE_UNSPECIFIED"}}}, {"properties": {"a": {}}}),
    "nullable": ({"type": "string", "nullable": True}, {"type": ["string", "null"]}),
    "not nullable": ({"type": "string", "nullable": False}, {"type": "string"}),
    "nullable in Google's letters": ({"type": "NUMBER", "nullable": True}, {"type": ["number", "null"]}),
    "nullable of several": (
        {"type": ["string", "integer"], "nullable": True},
        {"type": ["string", "integer", "null"]},
    ),
    "nullable twice": ({"type": ["string", "null"], "nullable": True}, {"type": ["string", "null"]}),
    "nullable of no type": ({"nullable": True, "description": "d"}, {"description": "d"}),
    "a nullable choice": ({"anyOf": [STRING], "nullable": True}, {"anyOf": [STRING, NULL]}),
    "a nullable other choice": ({"oneOf": [STRING], "nullable": True}, {"oneOf": [STRING, NULL]}),
    "a nullable enum": (
        {"type": "string", "enum": ["a"], "nullable": True, "description": "d"},
        {"description": "d", "anyOf": [{"type": "string", "enum": ["a"]}, NULL]},
    ),
    "a nullable constant": (
        {"const": "a", "nullable": True},
        {"anyOf": [{"enum": ["a"]}, NULL]},
    ),
    "a tuple": (
        {"type": "array", "items": [STRING, {"type": "number"}]},
        {"type": "array", "prefixItems": [STRING, {"type": "number"}]},
    ),
    "a tuple of no more": (
        {"type": "array", "items": [STRING], "additionalItems": False},
        {"type": "array", "items": False, "prefixItems": [STRING]},
    ),
    "a tuple and more": (
        {"type": "array", "items": [STRING], "additionalItems": {"type": "STRING", "nullable": True}},
        {"type": "array", "items": {"type": ["string", "null"]}, "prefixItems": [STRING]},
    ),
    "a tuple of nothing": ({"type": "array", "items": []}, {"type": "array"}),
    "definitions": (
        {"properties": {"a": {"$ref": "#/definitions/A"}}, "definitions": {"A": STRING}},
        {"properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": STRING}},
    ),
    "definitions by an address": (
        {
            "$id": "https://a.example/s",
            "items": {"$ref": "https://a.example/s#/definitions/A"},
            "definitions": {"A": NULL},
        },
        {"$id": "https://a.example/s", "items": {"$ref": "https://a.example/s#/$defs/A"}, "$defs": {"A": NULL}},
    ),
    "definitions of a cycle": (
        {"properties": {"a": {"$ref": "#/definitions/N"}}, "definitions": {"N": NODE}},
        {
            "properties": {"a": {"$ref": "#/$defs/N"}},
            "$defs": {"N": {"type": "object", "properties": {"n": {"$ref": "#/$defs/N"}}}},
        },
    ),
    "definitions beside others": (
        {
            "anyOf": [{"$ref": "#/definitions/A"}, {"$ref": "#/$defs/B"}],
            "definitions": {"A": STRING},
            "$defs": {"B": NULL},
        },
        {"anyOf": [{"$ref": "#/$defs/A"}, {"$ref": "#/$defs/B"}], "$defs": {"B": NULL, "A": STRING}},
    ),
    "OpenAPI's components": (
        {
            "properties": {"a": {"$ref": "#/components/schemas/A"}},
            "components": {"schemas": {"A": {"type": "STRING", "nullable": True}}},
        },
        {"properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": {"type": ["string", "null"]}}},
    ),
}
"""Name → what a client sends, and what Gemini gets."""

SAME: dict[str, dict[str, Any]] = {
    "names of properties": {
        "type": "object",
        "properties": {name: STRING for name in ("nullable", "definitions", "components", "items", "type", "OBJECT")},
    },
    "two definitions of one name": {
        "properties": {"a": {"$ref": "#/definitions/A"}, "b": {"$ref": "#/$defs/A"}},
        "definitions": {"A": STRING},
        "$defs": {"A": NULL},
    },
    "values": {"enum": ["STRING", "OBJECT"], "default": {"type": "STRING", "nullable": True}},
    "a list and a word that stands for nothing there": {"type": "array", "items": STRING, "additionalItems": False},
    "definitions that are none": {"type": "object", "definitions": []},
}


@pytest.mark.parametrize("name", CASES)
def test_words_of_other_drafts_become_todays(name: str) -> None:
    schema, expected = CASES[name]
    before = json.dumps(schema)
    assert json_schema(schema, "p", strict=False) == expected
    assert json.dumps(schema) == before, "a client's schema is never changed"


@pytest.mark.parametrize("name", SAME)
def test_what_only_looks_so_stays_as_it_is(name: str) -> None:
    assert json_schema(SAME[name], "p", strict=False) is SAME[name]


@pytest.mark.parametrize(
    "name", ["a tuple", "a tuple of no more", "definitions", "definitions of a cycle", "definitions beside others"]
)
def test_the_same_values_are_right_by_both_drafts(name: str) -> None:
    """As an independent reader of them has it."""
    older, newer = CASES[name]
    inner: tuple[Any, ...] = ("x", 5, {"n": {}}, {"n": 5})
    values = [None, "x", 5, [], ["x"], ["x", 5], ["x", "y"], [5], {}, *({"a": each} for each in inner)]
    for value in values:
        is_right = jsonschema.Draft7Validator(older).is_valid(value)
        assert jsonschema.Draft202012Validator(newer).is_valid(value) == is_right, value


# ── at every door ────────────────────────────────────────────────────────────────────────────────────────────────────

SENT = {"type": "OBJECT", "properties": {"a": {"$ref": "#/definitions/A"}}, "definitions": {"A": {"type": "STRING"}}}
GOT = {"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": {"type": "string"}}}
LOWER = {**SENT, "type": "object"}
"""A whole schema in Google's types is sent as Google's Schema where it is the form of an answer."""


def of_tool(body: dict[str, Any]) -> Any:
    return body["tools"][0]["functionDeclarations"][0]["parametersJsonSchema"]


def of_answer(body: dict[str, Any]) -> Any:
    return body["generationConfig"]["responseJsonSchema"]


HI = [{"role": "user", "content": "Hi"}]
F = {"name": "f", "parameters": SENT}
DOORS: dict[str, tuple[str, dict[str, Any], Any]] = {
    "tools": ("/v1/chat/completions", {"messages": HI, "tools": [{"type": "function", "function": F}]}, of_tool),
    "functions": ("/v1/chat/completions", {"messages": HI, "functions": [F]}, of_tool),
    "response_format": (
        "/v1/chat/completions",
        {
            "messages": HI,
            "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": LOWER}},
        },
        of_answer,
    ),
    "response_schema": (
        "/v1/chat/completions",
        {"messages": HI, "response_format": {"type": "json_object", "response_schema": LOWER}},
        of_answer,
    ),
    "a response's tools": (
        "/v1/responses",
        {"input": "Hi", "store": False, "tools": [{"type": "function", **F}]},
        of_tool,
    ),
    "a response's form": (
        "/v1/responses",
        {"input": "Hi", "store": False, "text": {"format": {"type": "json_schema", "name": "n", "schema": LOWER}}},
        of_answer,
    ),
    "a message's tools": (
        "/v1/messages",
        {"messages": HI, "max_tokens": 9, "tools": [{"name": "f", "input_schema": LOWER}]},
        of_tool,
    ),
}


@pytest.mark.parametrize("name", DOORS)
def test_every_door_reads_them(sandbox: SandboxServer, url: str, name: str) -> None:
    path, body, found = DOORS[name]
    headers = {"Authorization": "Bearer sk-ann", "Content-Type": "application/json"}
    answer = call(url, "POST", path, json.dumps({"model": MODEL, **body}).encode(), headers)
    assert answer.status == 200, answer.body
    assert found(sandbox.control("bodies")["bodies"][-1]["body"]) == GOT
