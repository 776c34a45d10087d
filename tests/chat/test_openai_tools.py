"""Tools and schemas that OpenAI takes, at every door that translates them, against a Gemini that refuses
what Google refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from doors import Ask, Refused
from gateways import SandboxServer
from shapes import GO, NEW, OLD, OLDEST, called, calling, function, last_body, parts, result

# ── T5: Google's tools beside functions ──────────────────────────────────────────────────────────────────────────────

SPELLINGS: list[dict[str, Any]] = [
    {"tools": [function("f"), {"googleSearch": {}}]},
    {"tools": [{"google_search": {}}, function("f")]},
    {"tools": [function("f"), {"type": "web_search"}]},
    {"tools": [function("f"), {"type": "code_interpreter"}]},
    {"tools": [function("f"), {"urlContext": {}, "codeExecution": {}}]},
    {"tools": [{"functionDeclarations": [{"name": "f"}], "googleMaps": {}}]},
    {"tools": [function("f")], "web_search_options": {}},
    {"functions": [{"name": "f"}], "web_search_options": {}},
    {"tools": [{"type": "custom", "custom": {"name": "f"}}, {"type": "google_search"}]},
    {"tools": [function("f"), {"googleSearch": {}}], "tool_choice": "none"},
    {"tools": [function("f"), {"googleSearch": {}}], "tool_choice": "required"},
    {"tools": [function("f")], "extra_body": {"web_search_options": {}}},
    {"tools": [function("f")], "extra_body": {"google": {"tools": [{"google_search": {}}]}}},
    {"google": {"tools": [{"functionDeclarations": [{"name": "9f"}]}]}, "tools": [{"urlContext": {}}]},
]


@pytest.mark.parametrize("asked", SPELLINGS, ids=[str(place) for place in range(len(SPELLINGS))])
def test_googles_tools_beside_functions(ask: Ask, sandbox: SandboxServer, asked: dict[str, Any]) -> None:
    ask(model=NEW, messages=[GO], **asked)
    assert last_body(sandbox)["toolConfig"]["includeServerSideToolInvocations"] is True


@pytest.mark.parametrize(
    "asked",
    [
        {"tools": [function("f")]},
        {"tools": [{"googleSearch": {}}, {"codeExecution": {}}]},
        {"web_search_options": {}},
        {"tools": [function("f"), {"mcpServers": [{"name": "m"}]}]},
        {
            "tools": [function("f"), {"googleSearch": {}}],
            "tool_config": {"include_server_side_tool_invocations": True},
        },
    ],
)
def test_the_switch_is_nowhere_else_and_once(ask: Ask, sandbox: SandboxServer, asked: dict[str, Any]) -> None:
    ask(model=NEW, messages=[GO], **asked)
    switches = [key for key in last_body(sandbox).get("toolConfig", {}) if "nvocations" in key]
    assert switches == (["includeServerSideToolInvocations"] if "tool_config" in asked else [])


@pytest.mark.parametrize("tools", [[{"googleSearch": {}}], [{"type": "web_search"}, {"urlContext": {}}]])
def test_a_choice_among_googles_tools_alone(ask: Ask, sandbox: SandboxServer, tools: list[dict[str, Any]]) -> None:
    """Gemini 2.x refuses the choice where no function is declared; Gemini 3 takes it."""
    asked: dict[str, Any] = {"messages": [GO], "tools": tools}
    ask(model=OLD, tool_choice="none", **asked)
    assert "tools" not in last_body(sandbox) and "toolConfig" not in last_body(sandbox)
    for choice in ("auto", None):
        ask(model=OLD, tool_choice=choice, **asked)
        assert "tools" in last_body(sandbox) and "toolConfig" not in last_body(sandbox)
    with pytest.raises(Refused) as refused:
        ask(model=OLD, tool_choice="required", **asked)
    assert refused.value.error["param"] == "tool_choice"
    ask(model=OLD, tool_choice="required", drop_params=True, **asked)
    assert "toolConfig" not in last_body(sandbox)
    ask(model=NEW, tool_choice="required", **asked)
    assert last_body(sandbox)["toolConfig"] == {"functionCallingConfig": {"mode": "ANY"}}


def test_a_choice_of_the_callers_own_that_is_no_object(ask: Ask) -> None:
    with pytest.raises(Refused) as refused:
        ask(model=OLD, messages=[GO], tools=[function("9f")], tool_config={"functionCallingConfig": ["ANY"]})
    assert refused.value.status in (400, None)


# ── T7: names that Google refuses ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["21st_magic", "-x", "0", ".a", "1" * 64])
def test_a_name_that_gemini_refuses(ask: Ask, sandbox: SandboxServer, name: str) -> None:
    tools = [function(name), function("_" + name.lstrip("_")), function("g")]
    forced = {"type": "function", "function": {"name": name}}
    choice = ask(model=NEW, messages=[GO], tools=tools, tool_choice=forced)[0]
    (call,) = choice["message"]["tool_calls"]
    assert call["function"]["name"] == name
    body = last_body(sandbox)
    sent = [each["name"] for each in body["tools"][0]["functionDeclarations"]]
    assert len(set(sent)) == 3 and body["toolConfig"]["functionCallingConfig"]["allowedFunctionNames"] == [sent[0]]
    shown = calling({key: value for key, value in call.items() if key != "index"})
    ask(model=NEW, messages=[GO, shown, result("1", call["id"])], tools=tools)
    contents = last_body(sandbox)["contents"]
    assert contents[1]["parts"][0]["functionCall"]["name"] == sent[0]
    assert contents[2]["parts"][0]["functionResponse"]["name"] == sent[0]


def test_such_a_name_in_the_other_forms(ask: Ask, sandbox: SandboxServer) -> None:
    name = "3d"
    custom = {"type": "custom", "custom": {"name": name}}
    choice = ask(model=OLD, messages=[GO], tools=[custom], tool_choice=custom)[0]
    assert choice["message"]["tool_calls"][0]["custom"]["name"] == name
    allowed = {"mode": "required", "tools": [{"type": "function", "function": {"name": name}}]}
    asked = {"tool_choice": {"type": "allowed_tools", "allowed_tools": allowed}}
    choice = ask(model=OLD, messages=[GO], tools=[function("g"), function(name)], **asked)[0]
    assert choice["message"]["tool_calls"][0]["function"]["name"] == name
    choice = ask(model=OLD, messages=[GO], functions=[{"name": name}], function_call={"name": name})[0]
    assert choice["message"]["function_call"]["name"] == name
    native = [{"functionDeclarations": [{"name": name}]}]
    choice = ask(model=OLD, messages=[GO], tools=native, tool_choice="required")[0]
    assert choice["message"]["tool_calls"][0]["function"]["name"] == name
    calling_config = {"mode": "ANY", "allowedFunctionNames": [name]}
    given = {"tool_config": {"functionCallingConfig": calling_config}}
    choice = ask(model=OLD, messages=[GO], tools=[function("g"), function(name)], **given)[0]
    assert choice["message"]["tool_calls"][0]["function"]["name"] == name


@pytest.mark.parametrize("name", ["9lives", "with space", "größe", "a/b", "x" * 300])
def test_a_name_of_another_models_history(ask: Ask, sandbox: SandboxServer, name: str) -> None:
    ask(model=OLD, messages=[GO, calling(called(name)), result("1")])
    sent = last_body(sandbox)["contents"]
    assert sent[1]["parts"][0]["functionCall"]["name"] == sent[2]["parts"][0]["functionResponse"]["name"]


# ── T9: neighbours of a reference ────────────────────────────────────────────────────────────────────────────────────

REFERRING: dict[str, Any] = {
    "type": "object",
    "properties": {
        "a": {"$ref": "#/$defs/X", "type": "string", "examples": ["x"]},
        "b": {"$ref": "#/$defs/X", "description": "d", "title": "B"},
        "c": {"type": "array", "items": {"$ref": "#/$defs/Node", "title": "C"}},
        "d": {"$ref": "#/$defs/X"},
    },
    "$defs": {
        "X": {"type": "string", "enum": ["x", "y"]},
        "Node": {
            "type": "object",
            "properties": {"next": {"$ref": "#/$defs/Node", "title": "N"}, "same": {"$ref": "#/$defs/Node"}},
        },
    },
}


def test_neighbours_of_references(ask: Ask, sandbox: SandboxServer) -> None:
    ask(model=NEW, messages=[GO], tools=[function("f", parameters=REFERRING)])
    sent = last_body(sandbox)["tools"][0]["functionDeclarations"][0]["parametersJsonSchema"]
    assert sent["properties"]["a"] == {"type": "string", "enum": ["x", "y"], "examples": ["x"]}
    assert sent["properties"]["b"]["enum"] == ["x", "y"] and sent["properties"]["b"]["description"] == "d"
    assert sent["properties"]["d"] == {"$ref": "#/$defs/X"}
    schema = {"type": "json_schema", "json_schema": {"name": "n", "schema": REFERRING}}
    ask(model=NEW, messages=[GO], response_format=schema)
    assert last_body(sandbox)["generationConfig"]["responseJsonSchema"] == sent


@pytest.mark.parametrize("keyword", ["items", "prefixItems", "additionalItems", "not", "contains", "patternProperties"])
def test_neighbours_wherever_a_schema_stands(ask: Ask, sandbox: SandboxServer, keyword: str) -> None:
    inner: Any = {"$ref": "#/$defs/X", "title": "T"}
    if keyword in ("items", "prefixItems"):
        inner = [inner]
    elif keyword == "patternProperties":
        inner = {"^a": inner}
    schema = {"type": "object", "properties": {"a": {keyword: inner}}, "$defs": {"X": {"type": "string"}}}
    ask(model=NEW, messages=[GO], tools=[function("f", parameters=schema)])
    sent = last_body(sandbox)["tools"][0]["functionDeclarations"][0]["parametersJsonSchema"]
    assert json.dumps({"type": "string", "title": "T"}) in json.dumps(sent["properties"]) and "$ref" not in str(sent)


@pytest.mark.parametrize("reference", ["#/$defs/none", "https://a.example/schema", 1, {"a": 1}])
def test_a_reference_that_names_nothing(ask: Ask, reference: Any) -> None:
    schema = {"type": "object", "properties": {"a": {"$ref": reference, "title": "T"}}}
    for asked in (
        {"tools": [function("f", parameters=schema)]},
        {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}},
        {"response_format": {"type": "json_object", "response_schema": schema}},
    ):
        with pytest.raises(Refused) as refused:
            ask(model=NEW, messages=[GO], **asked)
        assert refused.value.status == 400 and refused.value.error["param"].endswith("properties.a.$ref")


# ── T12: JSON output beside functions ────────────────────────────────────────────────────────────────────────────────

PERSON: dict[str, Any] = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
}
AS_PERSON = {"type": "json_schema", "json_schema": {"name": "person", "schema": PERSON, "strict": True}}


@pytest.mark.parametrize("model", [OLD, OLDEST, NEW])
@pytest.mark.parametrize("legacy", [False, True])
def test_json_beside_functions(ask: Ask, model: str, legacy: bool) -> None:
    """A turn in which the model calls a function, and one in which it answers."""
    given: dict[str, Any] = {"functions": [{"name": "f"}]} if legacy else {"tools": [function("f")]}
    wanted = {"model": model, "response_format": AS_PERSON, **given}
    asked = {"role": "user", "content": "call f({})"}
    choice = ask(messages=[asked], **wanted)[0]
    assert choice["finish_reason"] == ("function_call" if legacy else "tool_calls")
    if legacy:
        shown = {"role": "assistant", "content": None, "function_call": choice["message"]["function_call"]}
        answered: dict[str, Any] = {"role": "function", "name": "f", "content": "1"}
    else:
        call = {key: value for key, value in choice["message"]["tool_calls"][0].items() if key != "index"}
        shown, answered = calling(call), result("1", call["id"])
    choice = ask(messages=[asked, shown, answered], **wanted)[0]
    assert choice["finish_reason"] == "stop" and not choice["message"].get("tool_calls")
    found = json.loads(choice["message"]["content"])
    assert isinstance(found["name"], str) and isinstance(found["age"], int)


@pytest.mark.parametrize(
    ("form", "kind"),
    [
        ({"type": "json_object"}, dict),
        (
            {
                "type": "json_schema",
                "json_schema": {"name": "n", "schema": {"type": "array", "items": {"type": "integer"}}},
            },
            list,
        ),
        (
            {
                "type": "json_schema",
                "json_schema": {"name": "n", "schema": {"$ref": "#/$defs/P", "$defs": {"P": PERSON}}},
            },
            dict,
        ),
    ],
)
def test_json_of_any_shape_beside_functions(ask: Ask, sandbox: SandboxServer, form: dict[str, Any], kind: type) -> None:
    args = (
        {"answer": '{"a":1}'} if form["type"] == "json_object" else {"answer": [1] if kind is list else {"name": "n"}}
    )
    reply = {"functionCall": {"name": "final_answer_", "args": args}}
    sandbox.control("scripts", {"response": {"candidates": [parts(reply)]}})
    tools = [function("final_answer"), function("g")]
    choice = ask(model=OLD, messages=[GO], response_format=form, tools=tools)[0]
    assert isinstance(json.loads(choice["message"]["content"]), kind) and choice["finish_reason"] == "stop"
    body = last_body(sandbox)
    assert "generationConfig" not in body and body["toolConfig"] == {"functionCallingConfig": {"mode": "ANY"}}


def test_a_form_that_contains_itself_beside_functions(ask: Ask, sandbox: SandboxServer) -> None:
    """The form stands in an argument then: what names the whole names the form, and not all arguments."""
    own = {"all": {"$ref": "#"}, "$ref": {"enum": ["#"]}}
    choices = [{"type": "string"}, {"$ref": "#"}, {"$ref": "#/$defs/N"}]
    schema = {
        "type": "array",
        "items": {"anyOf": choices},
        "$defs": {"N": {"type": "object", "properties": own}, "final_answer": {"type": "null"}},
    }
    form = {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}
    sandbox.control("scripts", {"response": {"candidates": [parts({"functionCall": {"name": "final_answer"}})]}})
    ask(model=OLD, messages=[GO], response_format=form, tools=[function("g")])
    sent = last_body(sandbox)["tools"][0]["functionDeclarations"][0]["parametersJsonSchema"]
    here = {"$ref": "#/$defs/final_answer_"}
    assert sent["properties"] == {"answer": here}
    assert sent["$defs"] == {
        "N": {"type": "object", "properties": {**own, "all": here}},
        "final_answer": {"type": "null"},
        "final_answer_": {"type": "array", "items": {"anyOf": [choices[0], here, choices[2]]}},
    }


@pytest.mark.parametrize("choice_of_tools", ["none", "required", {"type": "function", "function": {"name": "f"}}])
def test_json_beside_a_choice_among_functions(ask: Ask, choice_of_tools: Any) -> None:
    asked = {"messages": [GO], "tools": [function("f")], "tool_choice": choice_of_tools, "response_format": AS_PERSON}
    choice = ask(model=OLD, **asked)[0]
    if choice_of_tools == "none":
        assert set(json.loads(choice["message"]["content"])) == {"name", "age"}
    else:
        assert choice["finish_reason"] == "tool_calls"
        assert choice["message"]["tool_calls"][0]["function"]["name"] == "f"


def test_native_json_beside_functions(ask: Ask) -> None:
    native = {"generation_config": {"response_mime_type": "application/json", "response_json_schema": PERSON}}
    choice = ask(model=OLD, messages=[GO], tools=[function("f")], **native)[0]
    assert set(json.loads(choice["message"]["content"])) == {"name", "age"}


# ── JSON output beside Google's tools alone ──────────────────────────────────────────────────────────────────────────

FORM = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object", "properties": {}}}}
ALONE: dict[str, dict[str, Any]] = {
    "search": {"tools": [{"googleSearch": {}}]},
    "an OpenAI name": {"tools": [{"type": "web_search"}]},
    "options": {"web_search_options": {}},
    "code and pages": {"tools": [{"codeExecution": {}}, {"type": "url_context"}]},
    "functions that may not be called": {"tools": [{"googleSearch": {}}, function("a")], "tool_choice": "none"},
}


@pytest.mark.parametrize("form", [FORM, {"type": "json_object"}])
@pytest.mark.parametrize("name", ALONE)
def test_json_beside_googles_tools(ask: Ask, sandbox: SandboxServer, name: str, form: dict[str, Any]) -> None:
    ask(model=NEW, messages=[GO], response_format=form, **ALONE[name])
    assert last_body(sandbox)["generationConfig"]["responseMimeType"] == "application/json"
    with pytest.raises(Refused) as error:
        ask(model=OLD, messages=[GO], response_format=form, **ALONE[name])
    assert (error.value.status, error.value.error["param"]) == (400, "response_format")
    ask(model=OLD, messages=[GO], response_format=form, drop_params=True, **ALONE[name])
    assert "responseMimeType" not in last_body(sandbox).get("generationConfig", {})
