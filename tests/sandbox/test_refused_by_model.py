"""What Google refuses and the sandbox must too: orders of turns, results, tools beside functions, what a model lacks.

Sentences as they are reported (docs/protocol/gemini.md, "Models", and the issues named in `turn_rules`, `tool_rules`,
`model_facts`). The sandbox serves the newer models here by being told their names.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sandbox_wire import Answer, Wire

OLD, NEW, NEWER = "gemini-2.5-flash", "gemini-3.5-flash", "gemini-3.8-flash"
MODELS = (
    *(OLD, "gemini-2.0-flash", NEW, NEWER, "gemini-3.5-flash-lite", "gemini-3.6-flash", "gemini-3-pro-preview"),
    *("gemini-3.1-pro-preview", "gemini-flash-latest", "gemini-pro-latest", "gemini-4-argon", "gemini-4-hydrogen"),
)
SKIP = {"thoughtSignature": "skip_thought_signature_validator"}
USER = {"role": "user", "parts": [{"text": "go"}]}
CALL = {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}, **SKIP}]}
RESULT = {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"n": 1}}}]}
SAID = {"role": "model", "parts": [{"text": "Let me see."}]}
FUNCTION = {"functionDeclarations": [{"name": "f"}]}
FIRST_CALL = (
    "Please ensure that function call turn comes immediately after a user turn or after a function response turn."
)
LAST_TURN = "Requests ending with a model turn are not supported."
SWITCH = "Please enable tool_config.include_server_side_tool_invocations to use Built-in tools with Function calling."


@pytest.fixture
def wire(make_sandbox: Callable[..., Wire]) -> Iterator[Wire]:
    yield make_sandbox(models=MODELS)


def generate(wire: Wire, model: str, *contents: dict[str, Any], **more: Any) -> Answer:
    return wire.call("POST", f"/v1beta/models/{model}:generateContent", {"contents": list(contents), **more})


def result(response: Any, *parts: dict[str, Any]) -> dict[str, Any]:
    whole = {"name": "f", "response": response} | ({"parts": list(parts)} if parts else {})
    return {"role": "user", "parts": [{"functionResponse": whole}]}


def inline(mime_type: str) -> dict[str, Any]:
    return {"inlineData": {"mimeType": mime_type, "data": "UklGRiQAAABXQVZFZm10IA=="}}


@pytest.mark.parametrize("model", [OLD, NEW, NEWER])
@pytest.mark.parametrize("before", [[], [SAID]])
def test_a_function_call_before_the_first_user_turn(wire: Wire, model: str, before: list[dict[str, Any]]) -> None:
    assert generate(wire, model, *before, CALL, RESULT).message == FIRST_CALL
    empty = {"role": "user", "parts": [{"text": ""}]}
    assert generate(wire, model, empty, *before, CALL, RESULT).status == 200


@pytest.mark.parametrize("model", MODELS)
def test_a_trailing_model_turn(wire: Wire, model: str) -> None:
    answer = generate(wire, model, USER, SAID)
    taken = model in (OLD, "gemini-2.0-flash", NEW, "gemini-3-pro-preview", "gemini-3.1-pro-preview")
    if taken or model == "gemini-pro-latest":
        assert answer.status == 200
    else:
        assert (answer.status, answer.message) == (400, LAST_TURN)


@pytest.mark.parametrize("model", ["gemini-3.6-flash", NEWER, NEW, OLD])
def test_parts_behind_a_function_response(wire: Wire, model: str) -> None:
    refused = model in ("gemini-3.6-flash", NEWER)
    behind = {"role": "user", "parts": [*RESULT["parts"], {"text": "and"}]}
    before = {"role": "user", "parts": [{"text": "and"}, *RESULT["parts"]]}
    assert generate(wire, model, USER, CALL, behind).status == (400 if refused else 200)
    assert generate(wire, model, USER, CALL, before).status == 200
    assert generate(wire, model, USER, CALL, RESULT, USER).status == 200


@pytest.mark.parametrize(
    "response", [{"$ref": "#/a"}, {"a": {"b": [{"$ref": "x"}]}}, {"$ref": 1}, {"a": [[{"$ref": {}}]]}]
)
def test_a_reference_in_a_result(wire: Wire, response: dict[str, Any]) -> None:
    answer = generate(wire, OLD, USER, CALL, result(response))
    assert answer.status == 400
    assert answer.message.endswith("does not match to a display_name in the function_response.parts.")
    assert generate(wire, OLD, USER, CALL, result({"output": '{"$ref": "#/a"}'})).status == 200


@pytest.mark.parametrize("mime_type", ["audio/wav", "audio/mpeg", "video/mp4"])
def test_audio_and_video_in_a_result(wire: Wire, mime_type: str) -> None:
    answer = generate(wire, NEW, USER, CALL, result({}, inline(mime_type)))
    assert (answer.status, answer.message) == (400, "Request contains an invalid argument.")
    assert generate(wire, NEW, USER, CALL, RESULT, {"role": "user", "parts": [inline(mime_type)]}).status == 200
    assert generate(wire, NEW, USER, CALL, result({}, inline("image/png"))).status == 200


@pytest.mark.parametrize("tool", ["googleSearch", "google_search", "codeExecution", "urlContext", "googleMaps"])
def test_googles_tools_beside_functions(wire: Wire, tool: str) -> None:
    together: list[list[dict[str, Any]]] = [[FUNCTION, {tool: {}}], [{**FUNCTION, tool: {}}]]
    for tools in together:
        assert generate(wire, NEW, USER, tools=tools).message == SWITCH
        switched = {"includeServerSideToolInvocations": True}
        assert generate(wire, NEW, USER, tools=tools, toolConfig=switched).status == 200
    assert generate(wire, NEW, USER, tools=[{tool: {}}, {"codeExecution": {}}]).status == 200
    assert generate(wire, NEW, USER, tools=[FUNCTION, {"mcpServers": [{"name": "m"}]}]).status == 200


@pytest.mark.parametrize("model", [NEW, NEWER, "gemini-3-pro-preview", "gemini-3.1-pro-preview", "gemini-flash-latest"])
def test_several_candidates(wire: Wire, model: str) -> None:
    answer = generate(wire, model, USER, generationConfig={"candidateCount": 2})
    assert (answer.status, answer.message) == (400, "Multiple candidates is not enabled for this model")
    assert generate(wire, model, USER, generationConfig={"candidateCount": 1}).status == 200
    assert len(generate(wire, OLD, USER, generationConfig={"candidateCount": 2}).json()["candidates"]) == 2


@pytest.mark.parametrize("model", [OLD, "gemini-2.0-flash"])
def test_json_beside_functions(wire: Wire, model: str) -> None:
    json_out = {"responseMimeType": "application/json"}
    answer = generate(wire, model, USER, tools=[FUNCTION], generationConfig=json_out)
    assert answer.message == "Function calling with a response mime type: 'application/json' is unsupported"
    assert generate(wire, model, USER, generationConfig=json_out).status == 200
    assert generate(wire, NEW, USER, tools=[FUNCTION], generationConfig=json_out).status == 200
    for tool in ("googleSearch", "codeExecution", "urlContext"):
        answer = generate(wire, model, USER, tools=[{tool: {}}], generationConfig=json_out)
        assert answer.message == "Tool use with a response mime type: 'application/json' is unsupported"
        assert generate(wire, NEW, USER, tools=[{tool: {}}], generationConfig=json_out).status == 200


@pytest.mark.parametrize("model", ["gemma-3-27b-it", "gemma-3n-e4b-it", "gemini-2.5-flash-image"])
def test_json_of_models_without_it(wire: Wire, model: str) -> None:
    json_out = {"responseMimeType": "application/json"}
    assert generate(wire, model, USER, generationConfig=json_out).status == 400
    assert generate(wire, model, USER).status == 200


@pytest.mark.parametrize("field", ["presencePenalty", "frequencyPenalty"])
def test_penalties(wire: Wire, field: str) -> None:
    assert generate(wire, OLD, USER, generationConfig={field: 1}).message == f"Penalty is not enabled for models/{OLD}"
    assert generate(wire, NEWER, USER, generationConfig={field: 1}).status == 400
    assert generate(wire, OLD, USER, generationConfig={field: 0}).status == 200
    assert generate(wire, "gemini-2.0-flash", USER, generationConfig={field: 1}).status == 200


LEVELS = {
    NEW: "MINIMAL LOW MEDIUM HIGH",
    "gemini-3-pro-preview": "LOW HIGH",
    "gemini-pro-latest": "LOW MEDIUM HIGH",
    NEWER: "LOW MEDIUM HIGH",
    "gemini-4-argon": "LOW MEDIUM HIGH",
    "gemini-4-hydrogen": "LOW MEDIUM HIGH XHIGH",
    OLD: "",
}


@pytest.mark.parametrize("model", LEVELS)
def test_thinking_levels(wire: Wire, model: str) -> None:
    for level in ("MINIMAL", "LOW", "MEDIUM", "HIGH", "XHIGH"):
        answer = generate(wire, model, USER, generationConfig={"thinkingConfig": {"thinkingLevel": level}})
        assert answer.status == (200 if level in LEVELS[model].split() else 400), level
    budget = generate(wire, model, USER, generationConfig={"thinkingConfig": {"thinkingBudget": 1024}})
    assert budget.status == (400 if model.startswith("gemini-4") else 200)


X = {"$defs": {"X": {"type": "string"}}, "type": "object"}
REFERENCES: dict[str, tuple[dict[str, Any], bool]] = {
    "alone": ({"$ref": "#/$defs/X"}, True),
    "description and default": ({"$ref": "#/$defs/X", "description": "d", "default": "x"}, True),
    "type": ({"$ref": "#/$defs/X", "type": "string"}, False),
    "examples": ({"$ref": "#/$defs/X", "examples": ["x"]}, False),
    "in a list": ({"anyOf": [{"$ref": "#/$defs/X", "title": "t"}]}, False),
    "in items": ({"type": "array", "items": {"$ref": "#/$defs/X", "enum": ["x"]}}, False),
    "a property of that name": ({"type": "object", "properties": {"$ref": {"type": "string"}}}, True),
}


@pytest.mark.parametrize("name", REFERENCES)
def test_neighbours_of_a_reference(wire: Wire, name: str) -> None:
    schema, right = REFERENCES[name]
    whole = X | {"properties": {"a": schema}}
    declared = [{"functionDeclarations": [{"name": "f", "parametersJsonSchema": whole}]}]
    answer = generate(wire, NEW, USER, tools=declared)
    assert answer.status == (200 if right else 400)
    if not right:
        assert answer.message.startswith("$ref 'X' was set alongside unsupported fields.")
    config = {"responseMimeType": "application/json", "responseJsonSchema": whole}
    assert generate(wire, NEW, USER, generationConfig=config).status == answer.status


LOOP = "ref loops are only supported if they include optional or nullable property values, or a potentially-zero-length"
N = {"$ref": "#/$defs/N"}


def loop(carrier: dict[str, Any], *required: str) -> dict[str, Any]:
    node = {"type": "object", "properties": {"n": carrier}, "required": list(required)}
    return {"type": "object", "properties": {"a": N}, "$defs": {"N": node}}


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no definition": ({"type": "object", "properties": {"a": N}}, "reference to undefined schema at properties.a"),
    "no definitions": ({"$ref": "#/$defs/a", "$defs": []}, "reference to undefined schema at top-level"),
    "an address": ({"items": {"$ref": "https://x.example/y"}}, "reference to undefined schema at items"),
    "in a choice": (
        {"properties": {"a": {"anyOf": [{"type": "null"}, N]}}},
        "reference to undefined schema at properties.a.anyOf.1",
    ),
    "a place that is no definition": (
        {"properties": {"a": {"type": "string"}, "b": {"$ref": "#/properties/a"}}},
        "reference to undefined schema at properties.b",
    ),
    "no property": ({"required": ["x"]}, "schema at top-level requires unspecified property 'x'"),
    "no property further in": (
        {"properties": {"u": {"items": {"required": ["x"], "properties": {}}}}},
        "schema at properties.u.items requires unspecified property 'x'",
    ),
    "a required loop": (loop(N, "n"), LOOP),
    "a required loop or null": (loop({"anyOf": [N, {"type": "null"}]}, "n"), LOOP),
    "a list of one": (loop({"type": "array", "items": N, "minItems": 1}, "n"), LOOP),
    "a map": (loop({"type": "object", "additionalProperties": N}, "n"), LOOP),
}
TAKEN: dict[str, dict[str, Any]] = {
    "an optional loop": loop(N),
    "a list": loop({"type": "array", "items": N}, "n"),
    "a list or null": loop({"anyOf": [{"type": "array", "items": N}, {"type": "null"}]}, "n"),
    "an older word for definitions": {
        "properties": {"a": {"$ref": "#/definitions/a%20b"}},
        "definitions": {"a b": {"type": "string"}},
    },
    "the whole": {"type": "object", "properties": {"a": {"$ref": "#"}}},
    "an anchor": {"properties": {"a": {"$ref": "#x"}}, "$defs": {"X": {"$anchor": "x", "type": "string"}}},
    "no type, a boolean, an empty enum": {"properties": {"a": True, "b": {"enum": []}}},
}
"""Asked of Google by others in 2026; the 400s and 200s are theirs."""


@pytest.mark.parametrize("name", [*REFUSED, *TAKEN])
def test_schemas_that_google_refuses(wire: Wire, name: str) -> None:
    schema, words = REFUSED[name] if name in REFUSED else (TAKEN[name], None)
    declared = [{"functionDeclarations": [{"name": "f", "parametersJsonSchema": schema}]}]
    config = {"responseMimeType": "application/json", "responseJsonSchema": schema}
    for answer in (generate(wire, NEW, USER, tools=declared), generate(wire, NEW, USER, generationConfig=config)):
        if words:
            assert (answer.status, answer.message.startswith(words)) == (400, True), answer.message
        else:
            assert answer.status == 200, answer.message


TWICE = {
    "scalar": {"thinkingConfig": {"includeThoughts": True, "include_thoughts": False}},
    "list": {"stopSequences": ["a"], "stop_sequences": ["b"]},
    "number": {"maxOutputTokens": 5, "max_output_tokens": 6},
}


@pytest.mark.parametrize("name", TWICE)
def test_one_value_in_two_spellings(wire: Wire, name: str) -> None:
    assert generate(wire, NEW, USER, generationConfig=TWICE[name]).status == 400
