"""Schemas that JSON Schema has and Google's reader of it refuses: a name in `required` without a property, definitions
that stand further in, loops without an end. What Google refuses is in the sandbox, with the reports of it.

The schemas are those that clients and MCP servers send: OpenAI's own linked list for strict output, a filter of AND and
OR, any JSON, a model's schema that was put into a function's parameters.
"""

from __future__ import annotations

import copy
import itertools
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import jsonschema
import pytest

from gateways import SandboxServer, gateway_server, settings_for
from growth import steps
from liftgate.ask.json_schema import json_schema
from raw_http import Answer, call

MODEL, OLDER = "gemini-3.5-flash", "gemini-2.5-flash"
TEXT, NULL = {"type": "string"}, {"type": "null"}


def thing(required: str = "", /, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties} | ({"required": required.split()} if required else {})


def ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/$defs/{name}"}


FILTER = {"anyOf": [TEXT, ref("And"), ref("Not")]}
JSON_VALUE = {"anyOf": [TEXT, {"type": "array", "items": ref("J")}]}
CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a name without a property": (
        thing("a b", a=TEXT),
        thing("a b", a=TEXT, b={}),
    ),
    "a name, and no properties": (
        {"type": "object", "required": ["url"]},
        thing("url", url={}),
    ),
    "one of two names, as choices": (
        {**thing(a=TEXT, b=TEXT), "anyOf": [{"required": ["a"]}, {"required": ["b"]}]},
        {
            **thing(a=TEXT, b=TEXT),
            "anyOf": [
                {"required": ["a"], "properties": {"a": {}}},
                {"required": ["b"], "properties": {"b": {}}},
            ],
        },
    ),
    "a name without a property, in a definition": (
        {**thing(a=ref("A")), "$defs": {"A": thing("x")}},
        {**thing(a=ref("A")), "$defs": {"A": thing("x", x={})}},
    ),
    "a list whose next may be null": (
        {**thing("l", l=ref("N")), "$defs": {"N": thing("v next", v=TEXT, next={"anyOf": [ref("N"), NULL]})}},
        {**thing("l", l=ref("N")), "$defs": {"N": thing("v", v=TEXT, next={"anyOf": [ref("N"), NULL]})}},
    ),
    "the whole in itself": (
        thing("no", no={"anyOf": [{"$ref": "#"}, NULL]}),
        thing(no={"anyOf": [{"$ref": "#"}, NULL]}),
    ),
    "a filter of filters": (
        {
            **thing("f", f=ref("F")),
            "$defs": {"F": FILTER, "And": thing("l r", l=ref("F"), r=ref("F")), "Not": thing("of", of=ref("F"))},
        },
        {
            **thing("f", f=ref("F")),
            "$defs": {"F": FILTER, "And": thing(l=ref("F"), r=ref("F")), "Not": thing(of=ref("F"))},
        },
    ),
    "any JSON": (
        {
            **thing("v", v=ref("J")),
            "$defs": {"J": {"anyOf": [*JSON_VALUE["anyOf"], {"type": "object", "additionalProperties": ref("J")}]}},
        },
        {
            **thing("v", v=ref("J")),
            "$defs": {"J": {"anyOf": [*JSON_VALUE["anyOf"], {"type": "object", "additionalProperties": True}]}},
        },
    ),
    "a list of at least one": (
        thing("c", c={"type": "array", "minItems": 1, "items": {"$ref": "#"}}),
        thing("c", c={"type": "array", "items": {"$ref": "#"}}),
    ),
    "a loop by a name in an older draft": (
        {"items": {"$ref": "#/definitions/N"}, "definitions": {"N": thing("n", n={"$ref": "#/definitions/N"})}},
        {"items": ref("N"), "$defs": {"N": thing(n=ref("N"))}},
    ),
    "a loop that is closed by a choice alone": (
        {**thing(a=ref("A")), "$defs": {"A": thing("b c", b=ref("B"), c=ref("B")), "B": {"anyOf": [ref("A"), TEXT]}}},
        {**thing(a=ref("A")), "$defs": {"A": thing(b=ref("B"), c=ref("B")), "B": {"anyOf": [ref("A"), TEXT]}}},
    ),
    "definitions in a property": (
        thing(p={**thing(x=ref("X")), "$defs": {"X": thing(y=ref("Y")), "Y": TEXT}}),
        {
            **thing(p={**thing(x=ref("X")), "$defs": {"X": thing(y=ref("Y")), "Y": TEXT}}),
            "$defs": {"X": thing(y=ref("Y")), "Y": TEXT},
        },
    ),
    "definitions in a property, beside the whole's": (
        {**thing(p={**thing(x=ref("X"), y=ref("Y")), "$defs": {"X": NULL, "Y": NULL}}), "$defs": {"X": TEXT}},
        {
            **thing(p={**thing(x=ref("X"), y=ref("Y")), "$defs": {"X": NULL, "Y": NULL}}),
            "$defs": {"X": TEXT, "Y": NULL},
        },
    ),
    "what zod shows once": (
        thing(a={"type": "array", "items": TEXT}, b={"$ref": "#/properties/a/items"}, c={"$ref": "#/properties/a"}),
        {
            **thing(a={"type": "array", "items": TEXT}, b=ref("properties_a_items"), c=ref("properties_a")),
            "$defs": {"properties_a": {"type": "array", "items": TEXT}, "properties_a_items": TEXT},
        },
    ),
    "what zod shows once, in a list": (
        {**thing(a={"anyOf": [NULL, TEXT]}, b={"$ref": "#/properties/a/anyOf/1"}), "definitions": {"D": NULL}},
        {
            **thing(a={"anyOf": [NULL, TEXT]}, b=ref("properties_a_anyOf_1")),
            "$defs": {"properties_a_anyOf_1": TEXT, "D": NULL},
        },
    ),
    "what zod shows once and contains itself": (
        thing("e", e=thing("l v", l={"$ref": "#/properties/e"}, v=TEXT)),
        {
            **thing("e", e=thing("v", l=ref("properties_e"), v=TEXT)),
            "$defs": {"properties_e": thing("v", l=ref("properties_e"), v=TEXT)},
        },
    ),
    "a place in a definition": (
        {**thing(a={"$ref": "#/$defs/A/properties/x"}), "$defs": {"A": thing(x=ref("B")), "B": TEXT}},
        {
            **thing(a=ref("defs_A_properties_x")),
            "$defs": {"A": thing(x=ref("B")), "B": TEXT, "defs_A_properties_x": ref("B")},
        },
    ),
    "a definition that takes anything": (
        {**thing(a=ref("Any"), b={**ref("Any"), "title": "t"}), "$defs": {"Any": True}},
        {**thing(a=ref("Any"), b={"title": "t"}), "$defs": {"Any": True}},
    ),
}
"""Name → what a client sends, and what Gemini gets."""

ENDING: dict[str, dict[str, Any]] = {
    "a tree": {**thing("t", t=ref("T")), "$defs": {"T": thing("v c", v=TEXT, c={"type": "array", "items": ref("T")})}},
    "an optional next": {**thing("n", n=ref("N")), "$defs": {"N": thing("v", v=TEXT, next=ref("N"))}},
    "one definition twice": {**thing("a b", a=ref("A"), b=ref("A")), "$defs": {"A": thing("x", x=TEXT)}},
    "names that are values": {**thing(a={"enum": [{"required": ["x"]}], "default": {"$ref": "#/no"}})},
    "a required that is no list": thing(a={"type": "string", "required": True}),
}


@pytest.mark.parametrize("name", ENDING)
def test_what_google_takes_stays_as_it_is(name: str) -> None:
    assert json_schema(ENDING[name], "p", strict=False) is ENDING[name]


@pytest.mark.parametrize("name", CASES)
def test_a_clients_schema_is_never_changed(name: str) -> None:
    schema = CASES[name][0]
    before = copy.deepcopy(schema)
    json_schema(schema, "p", strict=True)
    assert schema == before


@pytest.mark.parametrize("name", [name for name in CASES if "definitions" not in name])
def test_whatever_was_right_is_right(name: str) -> None:
    """As an independent reader has it: what is opened takes more, and nothing that was taken is refused."""
    given, sent = (jsonschema.Draft202012Validator(schema) for schema in CASES[name])
    leaves: list[Any] = [None, "x", 5, {}]
    names = "abvfnlrc"
    wholes = [{key: leaf} for key in names for leaf in leaves] + [
        {one: left, two: right} for one, two in itertools.pairwise("abvnextlrc") for left in leaves for right in leaves
    ]
    for value in [*leaves, *wholes, {"l": {"v": "x", "next": None}}, {"no": None}, {"f": {"l": "x", "r": "y"}}]:
        assert sent.is_valid(value) or not given.is_valid(value), value


def test_no_search_grows_faster_than_the_schema() -> None:
    """Each definition in a loop with all before it, and each named twice."""

    def schema(count: int) -> dict[str, Any]:
        before = {f"D{i}": thing("l r m", l=ref(f"D{i + 1}"), r=ref(f"D{i + 1}"), m=ref("D0")) for i in range(count)}
        return {**thing("a", a=ref("D0")), "$defs": {**before, f"D{count}": {"anyOf": [ref("D0"), TEXT]}}}

    def cost(given: dict[str, Any]) -> int:
        return steps(lambda: json_schema(given, "p", strict=False))

    def pointed(count: int) -> dict[str, Any]:
        """Places of one name but for what a name may not have, so that each needs another."""
        lists = {f"p{'-' * i}": {"type": "array", "items": TEXT} for i in range(count)}
        return thing(**lists, **{f"q{i}": {"$ref": f"#/properties/p{'-' * i}/items"} for i in range(count)})

    assert cost(schema(200)) < 14 * cost(schema(20))
    assert cost(pointed(200)) < 14 * cost(pointed(20))


# ── at every door ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def url(sandbox: SandboxServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    settings = settings_for(sandbox, tmp_path_factory.mktemp("gateway"))
    deployment = settings.deployments[0]
    named = tuple(replace(deployment, id=name, model_name=name, model=name) for name in (MODEL, OLDER))
    with gateway_server(replace(settings, deployments=named)) as base:
        yield base


def ask(url: str, path: str, body: dict[str, Any]) -> Answer:
    headers = {"Authorization": "Bearer sk-ann", "Content-Type": "application/json"}
    return call(url, "POST", path, json.dumps({"model": MODEL, **body}).encode(), headers)


HI = [{"role": "user", "content": "Hi"}]


def doors(schema: dict[str, Any]) -> dict[str, tuple[str, dict[str, Any]]]:
    function = {"name": "f", "parameters": schema, "strict": True}
    form = {"type": "json_schema", "name": "n", "schema": schema, "strict": True}
    chat, responses, messages = "/v1/chat/completions", "/v1/responses", "/v1/messages"
    return {
        "tools": (chat, {"messages": HI, "tools": [{"type": "function", "function": function}]}),
        "response_format": (
            chat,
            {"messages": HI, "response_format": {"type": "json_schema", "json_schema": {**form, "type": None}}},
        ),
        "a response's tools": (responses, {"input": "Hi", "store": False, "tools": [{"type": "function", **function}]}),
        "a response's form": (responses, {"input": "Hi", "store": False, "text": {"format": form}}),
        "a message's tools": (
            messages,
            {"messages": HI, "max_tokens": 9, "tools": [{"name": "f", "input_schema": schema}]},
        ),
        "a message's form": (
            messages,
            {"messages": HI, "max_tokens": 9, "output_config": {"format": {"type": "json_schema", "schema": schema}}},
        ),
    }


def sent_schema(body: dict[str, Any]) -> Any:
    if "tools" in body:
        return body["tools"][0]["functionDeclarations"][0]["parametersJsonSchema"]
    return body["generationConfig"]["responseJsonSchema"]


@pytest.mark.parametrize("name", CASES)
def test_google_takes_it_at_every_door(sandbox: SandboxServer, url: str, name: str) -> None:
    given, expected = CASES[name]
    for door, (path, body) in doors(given).items():
        sandbox.control("scripts", {"response": {"candidates": [{"content": {"parts": [{"text": "{}"}]}}]}})
        answer = ask(url, path, body)
        assert answer.status == 200, (door, answer.body)
        assert sent_schema(sandbox.control("bodies")["bodies"][-1]["body"]) == expected, door


@pytest.mark.parametrize(
    "name",
    ["#/$defs/Gone", "https://example.com/point.json", "#gone", "#/properties/z", "#/properties/a/items/0", "#/type/0"],
)
def test_a_name_of_nothing_is_told_with_its_place(url: str, name: str) -> None:
    for door, (path, body) in doors(thing(a={"type": "array", "items": {"$ref": name}})).items():
        answer = ask(url, path, body)
        assert answer.status == 400, door
        text = answer.body.decode()
        assert "names nothing in it" in text, door
        assert "properties.a.items.$ref" in text, door


def test_a_name_without_a_property_in_googles_own_words(sandbox: SandboxServer, url: str) -> None:
    """A form in Google's types is sent as its Schema, in which each property has a type."""
    inner = {"type": "OBJECT", "properties": {"x": {"type": "STRING"}}, "required": ["y"]}
    schema = {"type": "OBJECT", "properties": {"a": {"type": "STRING"}, "b": inner}, "required": ["a", "c"]}
    form = {"type": "json_object", "response_schema": schema}
    answer = ask(url, "/v1/chat/completions", {"messages": HI, "response_format": form})
    assert answer.status == 200, answer.body
    got = sandbox.control("bodies")["bodies"][-1]["body"]["generationConfig"]["responseSchema"]
    assert got["required"] == ["a"]
    assert "required" not in got["properties"]["b"]


MALFORMED: dict[str, dict[str, Any]] = {
    "definitions that are none": {"type": "array", "items": {"$ref": "#"}, "$defs": True},
    "definitions that are none, in the older word": {"type": "array", "items": {"$ref": "#"}, "definitions": ["x"]},
    "a name that is no text behind one that is": {
        **thing(a={**ref("A"), "title": "t"}),
        "$defs": {"A": {"$ref": {"x": 1}, "description": "d"}},
    },
    "required names that are no text": {**thing(a=TEXT), "required": ["a", ["b"], None, 5]},
    "required names that are no list": {**thing(a={"$ref": "#"}), "required": True, "minItems": "3"},
    "properties that are none": {"required": ["a"], "properties": ["a"]},
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_no_schema_is_refused_or_passed_on_and_no_fault(url: str, name: str) -> None:
    beside = {"tools": [{"type": "function", "function": {"name": "f"}}]}
    for model in (MODEL, OLDER):
        for path, body in doors(MALFORMED[name]).values():
            answer = ask(url, path, {**beside, **body, "model": model})
            assert answer.status in (200, 400), answer.body
    googles = {"type": "json_object", "response_schema": {**MALFORMED[name], "type": "OBJECT"}}
    answer = ask(url, "/v1/chat/completions", {"messages": HI, "response_format": googles})
    assert answer.status in (200, 400), answer.body
