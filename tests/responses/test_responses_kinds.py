"""What clients of chat met with and had mended, at the door of Responses: one rule in one place serves each API."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from gateways import MODEL, SandboxServer, client_for
from responses_rig import answer, events, post, refusal, sent, user

NEW, NEWER = "gemini-3.5-flash", "gemini-3.8-flash"
GO = {"role": "user", "content": "go"}
F: dict[str, Any] = {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}}
NOTE = {"type": "custom", "name": "note"}
USAGE = {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2}
WAV = base64.b64decode("UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQAAAAA=")
PNG = b"\x89PNG\r\n\x1a\n" + bytes(24)
CODED = PNG + b"\xff\xfb\xef\xbe\xff"
"""Its base64 has both signs that are no letters, and an end."""


def called(name: str = "f", arguments: Any = "{}", call_id: str = "c1") -> dict[str, Any]:
    return {"type": "function_call", "call_id": call_id, "name": name, "arguments": arguments}


def result(output: Any = "1", call_id: str = "c1") -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": call_id, "output": output}


def says(*parts: dict[str, Any], finish: str = "STOP", **more: Any) -> dict[str, Any]:
    candidate = {"content": {"role": "model", "parts": list(parts)}, "finishReason": finish, **more}
    return {"response": {"candidates": [candidate], "usageMetadata": USAGE}}


def data_url(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def types(sandbox: SandboxServer) -> list[str | None]:
    parts = [part for content in sent(sandbox)["contents"] for part in content["parts"]]
    return [part[kind].get("mimeType") for part in parts for kind in ("fileData", "inlineData") if kind in part]


@pytest.fixture(autouse=True)
def no_scripts_left(sandbox: SandboxServer) -> Any:
    yield
    sandbox.control("scripts", method="DELETE")
    sandbox.control("faults", method="DELETE")


# ── turns, calls and results (T1 to T4, F7) ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("tools", [[F], [F, {"type": "web_search"}], [F, NOTE]], ids=len)
def test_one_call_at_most(gateway: str, sandbox: SandboxServer, tools: list[Any], stream: bool) -> None:
    calls = [{"functionCall": {"name": "f", "args": {"n": place}}} for place in range(3)]
    sandbox.control("scripts", says({"text": "hm"}, *calls))
    asked: dict[str, Any] = {"model": NEW, "input": "x", "tools": tools, "parallel_tool_calls": False}
    got = events(gateway, **asked)[-1]["response"] if stream else answer(gateway, **asked)
    assert [item["type"] for item in got["output"]] == ["message", "function_call"]
    assert json.loads(got["output"][1]["arguments"]) == {"n": 0} and got["parallel_tool_calls"] is False
    more = [GO, *got["output"], result(call_id=got["output"][1]["call_id"])]
    assert answer(gateway, **{**asked, "input": more})["status"] == "completed"


SAID = {"role": "assistant", "content": "Let me see."}
ROUND = [called(), result()]
ORDERS: dict[str, list[dict[str, Any]]] = {
    "opens with a call": ROUND,
    "an instruction, then a call": [{"role": "system", "content": "S"}, *ROUND],
    "opens with words": [SAID, GO],
    "opens with words, then a call": [SAID, *ROUND],
    "ends with the assistant": [GO, SAID],
    "ends with the assistant twice": [GO, SAID, SAID],
    "ends with the assistant behind a round": [GO, *ROUND, SAID],
    "ends with an empty assistant": [GO, {"role": "assistant", "content": ""}],
    "ends with a reasoning item": [GO, {"type": "reasoning", "id": "rs_1", "summary": []}],
    "only the assistant": [SAID],
    "an instruction between call and result": [GO, ROUND[0], {"role": "developer", "content": "D"}, ROUND[1]],
    "an instruction at the end": [GO, *ROUND, {"role": "system", "content": "D"}],
    "an instruction alone": [{"role": "system", "content": "D"}],
    "rounds in a row": [GO, *ROUND, called(call_id="c2"), result(call_id="c2"), GO, GO],
}


@pytest.mark.parametrize("model", [MODEL, NEW, NEWER])
def test_orders_of_turns(gateway: str, sandbox: SandboxServer, model: str) -> None:
    for order, items in ORDERS.items():
        assert answer(gateway, model=model, input=items, tools=[F])["status"] == "completed", order
        contents = sent(sandbox)["contents"]
        assert contents[0]["role"] == "user" or not any("functionCall" in str(each) for each in contents), order
        assert contents[-1]["role"] == "user" or model != NEWER, order


@pytest.mark.parametrize(
    "text", ['{"a": "tru', '{"a":1}{"b":2}', "[1]", '"x"', "5", "not json", '{"a":NaN}', '{"a":"\\ud83d"}', "[" * 200]
)
def test_arguments_that_are_no_object(gateway: str, sandbox: SandboxServer, text: str) -> None:
    answer(gateway, input=[GO, called(arguments=text), result()], tools=[F])
    assert sent(sandbox)["contents"][1]["parts"][0]["functionCall"]["args"] == {"arguments": text}
    custom = {"type": "custom_tool_call", "call_id": "c1", "name": "note", "input": text}
    answer(gateway, input=[GO, custom, {**result(), "type": "custom_tool_call_output"}], tools=[NOTE])
    assert sent(sandbox)["contents"][1]["parts"][0]["functionCall"]["args"] == {"input": text}


@pytest.mark.parametrize("text", ["", "  ", "null", "{}", None])
def test_arguments_that_are_none(gateway: str, sandbox: SandboxServer, text: str | None) -> None:
    answer(gateway, input=[GO, called(arguments=text), result()], tools=[F])
    assert sent(sandbox)["contents"][1]["parts"][0]["functionCall"]["args"] == {}


@pytest.mark.parametrize(
    ("text", "response"),
    [
        ('{"schema":{"$ref":"#/$defs/A","$defs":{"A":{}}}}', None),
        ('[{"$ref": 1}]', None),
        ('{"\\u0024ref":"#/a"}', None),
        ('{"output":1,"code":0}', {"output": {"output": 1, "code": 0}}),
        ('{"error":"no","detail":"d"}', {"output": {"error": "no", "detail": "d"}}),
        ('{"refs":["$ref"]}', {"refs": ["$ref"]}),
    ],
)
def test_a_result_whose_keys_mean_something_to_gemini(
    gateway: str, sandbox: SandboxServer, text: str, response: Any
) -> None:
    for output in (text, [{"type": "input_text", "text": text}]):
        answer(gateway, model=NEW, input=[GO, called(), result(output)], tools=[F])
        made = sent(sandbox)["contents"][2]["parts"][0]["functionResponse"]["response"]
        assert made == (response or {"output": text})


@pytest.mark.parametrize(
    "part",
    [
        {"type": "input_audio", "input_audio": {"data": base64.b64encode(WAV).decode(), "format": "wav"}},
        {"type": "input_file", "file_data": data_url("audio/wav", WAV)},
        {"type": "input_video", "video_url": "https://www.youtube.com/watch?v=abcdefghijk"},
    ],
    ids=["audio", "file", "youtube"],
)
@pytest.mark.parametrize("model", [MODEL, NEW, NEWER])
def test_sound_and_video_in_a_result(gateway: str, sandbox: SandboxServer, model: str, part: dict[str, Any]) -> None:
    answer(gateway, model=model, input=[GO, called(), result([{"type": "input_text", "text": "t"}, part])], tools=[F])
    responses, media = sent(sandbox)["contents"][2:]
    assert "parts" not in responses["parts"][0]["functionResponse"] and media["role"] == "user"
    image = {"type": "input_image", "image_url": data_url("image/png", PNG)}
    answer(gateway, model=model, input=[GO, called(), result([image])], tools=[F])
    inside = "parts" in sent(sandbox)["contents"][2]["parts"][0]["functionResponse"]
    assert inside is (model != MODEL)


# ── tools and schemas (T5, T7, T9, T12) ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("tools", "switched"),
    [
        ([F, {"type": "web_search"}], True),
        ([{"type": "google_search"}, F], True),
        ([F, {"type": "code_interpreter"}], True),
        ([NOTE, {"type": "web_search_preview"}], True),
        ([{"type": "namespace", "name": "s", "tools": [F]}, {"type": "url_context"}], True),
        ([F, NOTE], False),
        ([{"type": "web_search"}, {"type": "code_interpreter"}], False),
        (
            [F, {"type": "mcp", "server_label": "m", "server_url": "https://a.example", "require_approval": "never"}],
            False,
        ),
    ],
    ids=str,
)
def test_googles_tools_beside_functions(gateway: str, sandbox: SandboxServer, tools: list[Any], switched: bool) -> None:
    got = post(gateway, {"model": NEW, "input": "x", "tools": tools, "store": False})
    assert got.status == 200, got.body
    assert ("includeServerSideToolInvocations" in sent(sandbox).get("toolConfig", {})) is switched


@pytest.mark.parametrize("name", ["21st_magic", "-x", "0", "1" * 64])
def test_a_name_that_gemini_refuses(gateway: str, sandbox: SandboxServer, name: str) -> None:
    named = {**F, "name": name}
    tools = [named, {**F, "name": "_" + name.lstrip("_")}]
    for choice in (
        {"type": "function", "name": name},
        {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": name}]},
    ):
        (call,) = answer(gateway, model=NEW, input="x", tools=tools, tool_choice=choice)["output"]
        assert call["name"] == name
    last = events(gateway, model=NEW, input="x", tools=tools, tool_choice=choice)[-1]["response"]["output"]
    assert [item["name"] for item in last] == [name]
    answer(gateway, model=NEW, input=[GO, call, result(call_id=call["call_id"])], tools=tools)
    body = sent(sandbox)
    sent_names = [each["name"] for each in body["tools"][0]["functionDeclarations"]]
    assert len(set(sent_names)) == 2 and name not in sent_names
    assert body["contents"][1]["parts"][0]["functionCall"]["name"] == sent_names[0]
    assert body["contents"][2]["parts"][0]["functionResponse"]["name"] == sent_names[0]
    (item,) = answer(gateway, input="x", tools=[{**NOTE, "name": name}], tool_choice="required")["output"]
    assert (item["type"], item["name"]) == ("custom_tool_call", name)
    space = {"type": "namespace", "name": "9s", "tools": [named]}
    (item,) = answer(gateway, input="x", tools=[space], tool_choice="required")["output"]
    assert (item["namespace"], item["name"]) == ("9s", name)


@pytest.mark.parametrize("name", ["with space", "größe", "a/b", "x" * 300])
def test_a_name_of_another_models_history(gateway: str, sandbox: SandboxServer, name: str) -> None:
    answer(gateway, input=[GO, called(name), result()])
    contents = sent(sandbox)["contents"]
    assert contents[1]["parts"][0]["functionCall"]["name"] == contents[2]["parts"][0]["functionResponse"]["name"]
    assert refusal(gateway, input="x", tools=[{**F, "name": name}])["param"] == "tools[0].name"


REFERRING: dict[str, Any] = {
    "type": "object",
    "properties": {"a": {"$ref": "#/$defs/X", "type": "string", "examples": ["x"]}, "b": {"$ref": "#/$defs/X"}},
    "$defs": {"X": {"type": "string", "enum": ["x", "y"]}},
}
SPELLED_OUT = {"type": "string", "enum": ["x", "y"], "examples": ["x"]}


@pytest.mark.parametrize("place", ["parameters", "output_schema", "namespace", "text"])
def test_neighbours_of_a_reference_wherever_a_schema_stands(gateway: str, sandbox: SandboxServer, place: str) -> None:
    asked = _with_schema(place, REFERRING)
    answer(gateway, model=NEW, input="x", **asked)
    body = sent(sandbox)
    declared = body["tools"][0]["functionDeclarations"][0] if "tools" in body else body["generationConfig"]
    key = "parametersJsonSchema" if place in ("parameters", "namespace") else "responseJsonSchema"
    assert declared[key]["properties"] == {"a": SPELLED_OUT, "b": {"$ref": "#/$defs/X"}}
    wrong = {"type": "object", "properties": {"a": {"$ref": "#/$defs/none", "title": "T"}}}
    assert refusal(gateway, model=NEW, input="x", **_with_schema(place, wrong))["param"].endswith("properties.a.$ref")


def _with_schema(place: str, schema: dict[str, Any]) -> dict[str, Any]:
    if place == "text":
        return {"text": {"format": {"type": "json_schema", "name": "n", "schema": schema}}}
    if place == "namespace":
        return {"tools": [{"type": "namespace", "name": "s", "tools": [{**F, "parameters": schema}]}]}
    return {"tools": [{**F, place: schema}]}


@pytest.mark.parametrize("model", [MODEL, "gemini-2.0-flash", NEW])
@pytest.mark.parametrize("stream", [False, True])
def test_json_beside_functions(gateway: str, model: str, stream: bool) -> None:
    schema = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    form = {"format": {"type": "json_schema", "name": "n", "schema": schema}}
    asked: dict[str, Any] = {"model": model, "input": "x", "tools": [F], "text": form}
    got = events(gateway, **asked)[-1]["response"] if stream else answer(gateway, **asked)
    assert json.loads(got["output"][-1]["content"][0]["text"]).keys() == {"name"}
    (call,) = answer(gateway, **asked, tool_choice="required")["output"]
    assert call["type"] == "function_call" and call["name"] == "f"


# ── fields (T6, T8, T10, D5) ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("model", [NEW, NEWER])
@pytest.mark.parametrize("field", [{"presence_penalty": 0.5}, {"frequency_penalty": 1.0}, {"top_logprobs": 2}], ids=str)
def test_what_a_model_excludes_is_refused_by_name_or_dropped(gateway: str, model: str, field: dict[str, Any]) -> None:
    assert refusal(gateway, model=model, input="x", **field)["param"] == next(iter(field))
    answer(gateway, model=model, input="x", drop_params=True, **field)


@pytest.mark.parametrize("kind", [{"type": "json_object"}, {"type": "json_schema", "name": "x", "schema": {}}], ids=str)
def test_json_from_a_model_that_makes_images_is_refused_by_name_or_dropped(
    gateway: str, sandbox: SandboxServer, kind: dict[str, Any]
) -> None:
    model = "gemini-2.5-flash-image"
    assert refusal(gateway, input="x", model=model, text={"format": kind})["param"] == "text.format"
    answer(gateway, input="x", model=model, text={"format": kind}, drop_params=True)
    assert "responseMimeType" not in sent(sandbox).get("generationConfig", {})


@pytest.mark.parametrize("field", [{"candidate_count": 2}, {"generation_config": {"candidateCount": 2}}], ids=str)
def test_several_answers_have_no_form(gateway: str, field: dict[str, Any]) -> None:
    assert refusal(gateway, input="x", **field)["param"] == "candidate_count"


@pytest.mark.parametrize(
    "own",
    [
        {"thinking_config": {"include_thoughts": False}},
        {"google": {"thinking_config": {"include_thoughts": False}, "labels": None}},
        {"google": {"generationConfig": {"thinkingConfig": {"includeThoughts": False}}}},
        {"generation_config": {"thinking_config": {"include_thoughts": False}}},
        {"generationConfig": {"thinkingConfig": {"includeThoughts": False}}},
    ],
    ids=str,
)
def test_geminis_own_fields_win_in_either_spelling(gateway: str, sandbox: SandboxServer, own: dict[str, Any]) -> None:
    answer(gateway, model=NEW, input="x", reasoning={"effort": "low", "summary": "auto"}, **own)
    config = sent(sandbox)["generationConfig"]
    assert config == {"thinkingConfig": {"thinkingLevel": "LOW", "includeThoughts": False}}


@pytest.mark.parametrize(
    ("google", "param"),
    [
        ({"contents": []}, "google.contents"),
        ({"foo": 1}, "google.foo"),
        ("x", "google"),
        ({"tools": []}, "google.tools"),
    ],
    ids=str,
)
def test_what_is_no_field_of_geminis_is_refused_by_its_place(gateway: str, google: Any, param: str) -> None:
    assert refusal(gateway, input="x", google=google)["param"] == param


NULLS = dict.fromkeys(("name", "tool_calls", "refusal", "annotations", "logprobs", "file_id", "detail", "foo"))


def test_null_is_absent_in_every_object(gateway: str) -> None:
    text = {"type": "input_text", "text": "x"}
    image = {"type": "input_image", "image_url": data_url("image/png", PNG)}
    items = [
        {**GO, **NULLS},
        {"role": "assistant", "content": [{"type": "output_text", "text": "x", **NULLS}], **NULLS},
        user({**text, **NULLS}, {**image, **NULLS}),
        {**called("f"), "namespace": None, "id": None, "status": None, "foo": None},
        {**result(), "id": None, "status": None, "foo": None},
    ]
    container = {"type": "auto", "file_ids": None, "memory_limit": None, "network_policy": None, "foo": None}
    tools = [
        {**F, "description": None, "strict": None, "defer_loading": None, "output_schema": None, "foo": None},
        {**NOTE, "description": None, "format": None, "foo": None},
        {"type": "web_search", "filters": None, "user_location": None, "search_context_size": None, "foo": None},
        {"type": "code_interpreter", "container": container, "foo": None},
    ]
    form = {"format": {"type": "text", "name": None, "foo": None}, "verbosity": None, "foo": None}
    reasoning = dict.fromkeys(("effort", "summary", "generate_summary", "foo"))
    answer(gateway, input=items, tools=tools, text=form, reasoning=reasoning, foo=None, google=None, messages=None)
    choice = {"type": "function", "name": "f", "foo": None}
    events(
        gateway, input="x", tools=tools[:1], tool_choice=choice, stream_options={"include_obfuscation": None, "x": None}
    )


def test_whole_numbers_in_either_spelling(gateway: str, sandbox: SandboxServer) -> None:
    answer(gateway, input="x", max_output_tokens=20.0, top_logprobs=2.0, max_tool_calls=3.0, top_k=20.0)
    config = sent(sandbox)["generationConfig"]
    assert (config["maxOutputTokens"], config["logprobs"], config["topK"]) == (20, 2, 20)
    assert refusal(gateway, input="x", max_output_tokens=20.5)["param"] == "max_output_tokens"


# ── ends and citations (T11, D1, D15) ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("reason", ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "OTHER"])
def test_an_end_that_lies_in_no_content_is_tried_again(
    gateway: str, sandbox: SandboxServer, reason: str, stream: bool
) -> None:
    sandbox.control("scripts", says(finish=reason))
    got = events(gateway, input="x")[-1]["response"] if stream else answer(gateway, input="x")
    assert got["status"] == "completed" and got["output"][0]["content"][0]["text"]


@pytest.mark.parametrize("reason", [None, "FINISH_REASON_UNSPECIFIED"])
def test_a_whole_answer_without_an_end_is_whole(gateway: str, sandbox: SandboxServer, reason: str | None) -> None:
    said = says({"text": "x"})
    said["response"]["candidates"][0]["finishReason"] = reason
    sandbox.control("scripts", said)
    assert answer(gateway, input="x")["output"][0]["content"][0]["text"] == "x"


def test_citations_that_a_stream_brings_in_pieces(gateway: str, sandbox: SandboxServer) -> None:
    cited = [
        {"startIndex": 0, "endIndex": 3, "uri": "https://a.example/1"},
        {"startIndex": 4, "endIndex": 7, "uri": "https://b.example/2"},
    ]
    first = says({"text": "one "}, citationMetadata={"citationSources": cited[:1]})["response"]
    del first["candidates"][0]["finishReason"]
    last = says({"text": "two"}, citationMetadata={"citationSources": cited})["response"]
    sandbox.control("scripts", {"chunks": [first, last]})
    told = events(gateway, input="x")
    added = [each["annotation"] for each in told if each["type"] == "response.output_text.annotation.added"]
    assert [each["url"] for each in added] == [each["uri"] for each in cited]
    assert told[-1]["response"]["output"][0]["content"][0]["annotations"] == added
    sandbox.control("scripts", says({"text": "one two"}, citationMetadata={"citationSources": cited}))
    assert answer(gateway, input="x")["output"][0]["content"][0]["annotations"] == added


# ── files (F3 to F6, F10 to F14, F17) ────────────────────────────────────────────────────────────────────────────────

FILES = [
    ("main.rs", "application/rls-services+xml", b"fn main() {}\n", "text/plain"),
    ("v.ts", "application/octet-stream", (b"\x47\x40\x00\x10" + bytes(184)) * 5, "video/mpeg"),
    ("shot.txt", "text/plain", PNG, "image/png"),
    ("logo.svg", "image/svg+xml", b'<svg xmlns="http://www.w3.org/2000/svg"/>', "text/plain"),
    ("blob", "application/octet-stream", "hello\n".encode("utf-16"), "text/plain"),
    ("x.bin", "application/octet-stream", b"\x01\x02\x03\x00\xff", None),
    ("a.gif", "image/gif", b"GIF89a\x01\x00\x01\x00\x00\x00\x00;", None),
]


@pytest.mark.parametrize(("name", "declared", "content", "found"), FILES, ids=[name for name, *_ in FILES])
def test_a_file_has_one_type(
    gateway: str, sandbox: SandboxServer, name: str, declared: str, content: bytes, found: str | None
) -> None:
    with client_for(gateway) as client:
        stored = client.files.create(file=(name, content, declared), purpose="user_data").id
    for part, key in (
        ({"type": "input_file", "file_data": data_url(declared, content), "filename": name}, "file_data"),
        ({"type": "input_image", "image_url": data_url(declared, content)}, "image_url"),
        ({"type": "input_file", "file_id": stored}, "file_id"),
    ):
        if found is not None:
            answer(gateway, input=[user(part)])
            assert types(sandbox) == [found], part
            continue
        before = len(sandbox.control("bodies")["bodies"])
        error = refusal(gateway, input=[user(part)])
        assert (error["param"], error["code"]) == (f"input[0].content[0].{key}", "unsupported_file")
        assert len(sandbox.control("bodies")["bodies"]) == before, "nothing was sent"


@pytest.mark.parametrize(
    "part",
    [
        {"type": "input_image", "image_url": data_url("application/octet-stream", PNG), "format": "png"},
        {"type": "input_file", "file_data": base64.b64encode(PNG).decode(), "format": ".PNG"},
        {"type": "input_file", "file_id": "", "file_url": "", "file_data": data_url("image/png", PNG), "filename": ""},
        {"type": "input_image", "image_url": data_url('image/png;name="a,b.png"', PNG), "file_id": "", "detail": ""},
    ],
    ids=["word", "extension", "empty strings", "quoted comma"],
)
def test_types_and_parts_as_clients_spell_them(gateway: str, sandbox: SandboxServer, part: dict[str, Any]) -> None:
    answer(gateway, input=[user(part)])
    assert types(sandbox) == ["image/png"]


@pytest.mark.parametrize(
    ("url", "mime_type", "sent_data"),
    [
        ("data:text/csv,a,b%0A1,2", "text/csv", b"a,b\n1,2"),
        ("data:,gr%C3%BCn", "text/plain", "grün".encode()),
        ("data:image/svg+xml;utf8,<svg xmlns='x'/>", "text/plain", b"<svg xmlns='x'/>"),
        ("data:text/plain;charset=iso-8859-1,caf%E9", "text/plain", "café".encode()),
        (data_url("image/png", CODED).replace("/", "%2F").replace("data:image%2F", "data:image/"), "image/png", CODED),
        (data_url("image/png", CODED).replace("+", "%2b").replace("=", "%3D"), "image/png", CODED),
        (data_url("image/png", CODED).replace(";base64", ";base64;name=a.png"), "image/png", CODED),
        (data_url("image/png", CODED).replace("image/png;", ""), "image/png", CODED),
    ],
    ids=["csv", "nothing said", "svg", "charset", "escaped slashes", "escaped end", "a parameter behind", "no type"],
)
@pytest.mark.parametrize("door", ["chat", "responses", "messages"])
def test_data_urls_in_every_spelling(
    gateway: str, sandbox: SandboxServer, door: str, url: str, mime_type: str, sent_data: bytes
) -> None:
    if door == "responses":
        answer(gateway, input=[user({"type": "input_file", "file_data": url})])
    else:
        block = {"type": "document", "source": {"type": "url", "url": url}}
        part = block if door == "messages" else {"type": "image_url", "image_url": {"url": url}}
        body = {"model": MODEL, "max_tokens": 100, "messages": [{"role": "user", "content": [part]}]}
        path = "/v1/messages" if door == "messages" else "/v1/chat/completions"
        assert post(gateway, body, path).status == 200
    data = sent(sandbox)["contents"][-1]["parts"][-1]["inlineData"]
    assert (data["mimeType"], base64.b64decode(data["data"])) == (mime_type, sent_data)


@pytest.mark.parametrize(
    "url", ["data:image/png,iVBORw0KGgo=", "data:application/pdf,JVBERi0xLjQ=", "data:audio/wav,%52%49%46%46%FF"]
)
def test_what_is_no_text_is_not_written_out(gateway: str, url: str) -> None:
    assert "base64" in refusal(gateway, input=[user({"type": "input_file", "file_data": url})])["message"]


@pytest.mark.parametrize("url", ["https://a.example/x.mp3", "HTTPS://a.example/x.mp3", "gs://bucket/x.mp3"])
def test_a_url_where_data_belong_says_where_it_goes(gateway: str, url: str) -> None:
    for part, param in (
        ({"type": "input_file", "file_data": url}, "file_data"),
        ({"type": "input_audio", "input_audio": {"data": url, "format": "mp3"}}, "input_audio.data"),
    ):
        error = refusal(gateway, input=[user(part)])
        assert "It is a URL" in error["message"] and "'file_url'" in error["message"]
        assert error["param"] == f"input[0].content[0].{param}"


@pytest.mark.parametrize(
    "url", ["http://www.youtube.com/watch?v=abcdefghijk", "https://www.youtube.com/embed/abcdefghijk"]
)
def test_a_film_at_youtube_in_any_spelling(gateway: str, sandbox: SandboxServer, url: str) -> None:
    for part in (
        {"type": "input_video", "video_url": url},
        {"type": "input_file", "file_url": url},
        {"type": "input_image", "image_url": url},
    ):
        answer(gateway, input=[user(part)])
        uri = sent(sandbox)["contents"][0]["parts"][0]["fileData"]["fileUri"]
        assert uri == "https://www.youtube.com/watch?v=abcdefghijk"
    error = refusal(gateway, input=[user({"type": "input_video", "video_url": "https://www.youtube.com/@x"})])
    assert error["param"] == "input[0].content[0].video_url"


@pytest.mark.parametrize(
    ("message", "name", "code"),
    [
        ("Unsupported MIME type: audio/flac", "b.flac", "unsupported_file"),
        ("The document has no pages.", "c.pdf", None),
    ],
)
def test_a_refusal_names_the_file(
    gateway: str, sandbox: SandboxServer, message: str, name: str, code: str | None
) -> None:
    contents = {"a.txt": b"text", "b.flac": b"no signature", "c.pdf": b"%PDF-1.4\n"}
    with client_for(gateway) as client:
        ids = {each: client.files.create(file=(each, data), purpose="user_data").id for each, data in contents.items()}
    parts = [{"type": "input_file", "file_id": each} for each in ids.values()]
    body = {"error": {"code": 400, "message": message, "status": "INVALID_ARGUMENT"}}
    place = list(ids).index(name)
    for items, at in (
        ([user(*parts)], f"input[0].content[{place}].file_id"),
        ([GO, called(), result(parts)], f"input[2].output[{place}].file_id"),
    ):
        for operation in ("generate", "stream", "countTokens"):
            order = {"kind": "status", "operation": operation, "code": 400, "body": body}
            sandbox.control("faults", order)
            path = "/v1/responses/input_tokens" if operation == "countTokens" else "/v1/responses"
            asked = {"model": MODEL, "input": items, "tools": [F], "stream": operation == "stream", "store": False}
            got = post(
                gateway,
                {k: v for k, v in asked.items() if "tokens" not in path or k in ("model", "input", "tools")},
                path,
            )
            error = got.json()["error"]
            assert (got.status, error["param"], error["code"]) == (400, at, code)
            assert ids[name] in error["message"] and f"'{name}'" in error["message"]
