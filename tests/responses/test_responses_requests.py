"""What a request's items, parts, files, tools and fields become at Gemini, over the wire."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from gateways import SandboxServer, client_for
from responses_rig import answer, events, refusal, sent, user

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
PNG_URL = "data:image/png;base64," + base64.b64encode(PNG).decode()
MP4 = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"
WAV = (
    b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\xc0\x5d\x00\x00\x80\xbb\x00\x00\x02\x00\x10\x00data"
)
WEATHER: dict[str, Any] = {
    "type": "function",
    "name": "weather",
    "description": "The weather of a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


def call_item(call_id: str = "call_1", **more: Any) -> dict[str, Any]:
    return {"type": "function_call", "call_id": call_id, "name": "weather", "arguments": '{"city":"Ulm"}', **more}


def output_item(call_id: str = "call_1", output: Any = "sunny") -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": call_id, "output": output}


# ── the conversation ─────────────────────────────────────────────────────────────────────────────


def test_a_conversation_becomes_contents_and_an_instruction(gateway: str, sandbox: SandboxServer) -> None:
    answer(
        gateway,
        instructions="Be brief.",
        input=[
            {"role": "developer", "content": "Be kind."},
            {"role": "user", "content": "Hello"},
            {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA", "content": None},
            {
                "type": "message", "id": "msg_1", "status": "completed", "role": "assistant", "phase": "final_answer",
                "content": [
                    {"type": "output_text", "text": "Hi", "annotations": [], "logprobs": []},
                    {"type": "refusal", "refusal": "No."},
                ],
            },
            user({"type": "input_text", "text": "And?"}),
        ],
    )  # fmt: skip
    body = sent(sandbox)
    assert body["systemInstruction"]["parts"] == [{"text": "Be brief."}, {"text": "Be kind."}]
    assert body["contents"] == [
        {"role": "user", "parts": [{"text": "Hello"}]},
        {"role": "model", "parts": [{"text": "Hi"}, {"text": "No."}]},
        {"role": "user", "parts": [{"text": "And?"}]},
    ]


def test_calls_without_another_item_between_are_one_turn(gateway: str, sandbox: SandboxServer) -> None:
    """Results come by either of a call's two ids, in any order; a reasoning item between changes nothing."""
    items = [
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": "Let me look."},
        call_item("call_a", id="fc_a", status="completed"),
        {"type": "reasoning", "id": "rs_2", "summary": [{"type": "summary_text", "text": "hm"}]},
        call_item("call_b"),
        output_item("fc_b", '{"sky":"grey"}'),
        output_item("call_a"),
        call_item("call_c"),
        output_item("call_c", [{"type": "input_text", "text": "dry"}]),
    ]
    answer(gateway, input=items, tools=[WEATHER])
    contents = sent(sandbox)["contents"]
    assert [content["role"] for content in contents] == ["user", "model", "user", "model", "user"]
    assert [next(iter(part)) for part in contents[1]["parts"]] == ["text", "functionCall", "functionCall"]
    assert contents[1]["parts"][1]["functionCall"] == {"id": "call_a", "name": "weather", "args": {"city": "Ulm"}}
    responses = [part["functionResponse"] for content in (contents[2], contents[4]) for part in content["parts"]]
    assert responses == [
        {"id": "call_a", "name": "weather", "response": {"output": "sunny"}},
        {"id": "call_b", "name": "weather", "response": {"sky": "grey"}},
        {"id": "call_c", "name": "weather", "response": {"output": "dry"}},
    ]


def test_a_call_id_may_come_again_in_a_later_turn(gateway: str, sandbox: SandboxServer) -> None:
    """Some clients count their calls from one in each turn; within a turn it would be ambiguous."""
    turn = [call_item(), output_item()]
    answer(gateway, input=[{"role": "user", "content": "x"}, *turn, *turn], tools=[WEATHER])
    assert [content["role"] for content in sent(sandbox)["contents"]] == ["user", "model", "user", "model", "user"]
    error = refusal(gateway, input=[call_item(), call_item(), output_item()], tools=[WEATHER])
    assert error["param"] == "input[1].call_id"


def test_items_of_googles_tools_and_empty_turns_are_taken_back(gateway: str, sandbox: SandboxServer) -> None:
    image = base64.b64encode(PNG).decode()
    answer(
        gateway,
        input=[
            {"role": "user", "content": "Go"},
            {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search"}},
            {
                "type": "code_interpreter_call", "id": "ci_1", "status": "completed", "container_id": "c",
                "code": "1+1", "outputs": [{"type": "logs", "logs": "2"}],
            },
            {"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": image},
            {"type": "message", "role": "assistant", "content": []},
            {"role": "user", "content": "More"},
        ],
    )  # fmt: skip
    assert sent(sandbox)["contents"][1]["parts"] == [
        {"text": "```python\n1+1\n```\n2"},
        {"inlineData": {"mimeType": "image/png", "data": image}},
    ]


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([{"role": "user", "content": "x"}, output_item("call_z")], "No tool call found for function call output"),
        ([call_item(), {"role": "user", "content": "x"}], "No tool output found for function call call_1."),
        ([call_item()], "No tool output found for function call call_1."),
        ([call_item(), output_item(), output_item()], "No tool call found for function call output"),
    ],
)
def test_calls_and_results_belong_together(gateway: str, items: list[Any], message: str) -> None:
    error = refusal(gateway, input=items, tools=[WEATHER])
    assert error["param"] == "input" and error["message"].startswith(message)


# ── files ────────────────────────────────────────────────────────────────────────────────────────


def test_a_file_may_stand_at_every_place(gateway: str, sandbox: SandboxServer) -> None:
    """By its id in a user's, a developer's message, a tool's result and a container; by data, by every kind of part."""
    with client_for(gateway) as client:
        video = client.files.create(file=("clip.mp4", MP4), purpose="user_data").id
        text = client.files.create(file=("a.txt", b"hello"), purpose="user_data").id
        image = client.files.create(file=("a.png", PNG), purpose="vision").id
    data = "data:text/plain;base64," + base64.b64encode(b"inline").decode()
    body = {
        "input": [
            {"role": "developer", "content": [{"type": "input_file", "file_id": text}]},
            user(
                {"type": "input_file", "file_id": video},
                {"type": "input_video", "file_id": video},
                {"type": "input_video", "video_url": "https://www.youtube.com/watch?v=abc"},
                {"type": "input_image", "file_id": image, "detail": "auto"},
                {"type": "input_image", "image_url": PNG_URL, "detail": "low"},
                {"type": "input_file", "file_data": data, "filename": "b.txt"},
                {"type": "input_file", "file_data": base64.b64encode(b"bare").decode(), "filename": "c.txt"},
                {"type": "input_audio", "input_audio": {"data": base64.b64encode(WAV).decode(), "format": "wav"}},
                {"type": "input_text", "text": "What are these?"},
            ),
            call_item(),
            output_item("call_1", [{"type": "input_text", "text": "see"}, {"type": "input_file", "file_id": text}]),
        ],
        "tools": [WEATHER],
    }
    for got in (answer(gateway, **body), events(gateway, **body)[-1]["response"]):
        assert got["status"] == "completed" and got["output"]
    contents = sent(sandbox)["contents"]
    kinds = [(part.get("fileData") or part.get("inlineData") or {}).get("mimeType") for part in contents[1]["parts"]]
    assert kinds == [
        "video/mp4", "video/mp4", None, "image/png", "image/png", "text/plain", "text/plain", "audio/wav", None,
    ]  # fmt: skip
    assert contents[0]["parts"][0]["fileData"]["mimeType"] == "text/plain"
    assert "text/plain" in json.dumps(contents[3:]) and "functionResponse" in contents[3]["parts"][0]
    code = {"type": "code_interpreter", "container": {"type": "auto", "file_ids": [text]}}
    answer(gateway, input="Sum it up", tools=[code])
    body = sent(sandbox)
    assert body["tools"] == [{"codeExecution": {}}]
    assert body["contents"][0]["parts"][0]["fileData"]["mimeType"] == "text/plain"


def test_a_large_file_in_the_request_goes_another_way(gateway: str, sandbox: SandboxServer) -> None:
    """More than a request to Google may hold becomes a copy there."""
    data = "data:text/plain;base64," + base64.b64encode(b"line\n" * 4_200_000).decode()
    answer(gateway, input=[user({"type": "input_file", "file_data": data, "filename": "big.txt"})])
    assert "fileData" in sent(sandbox)["contents"][0]["parts"][0]


@pytest.mark.parametrize(
    ("part", "param"),
    [
        ({"type": "input_file", "file_id": "file-" + "0" * 24}, "file_id"),
        ({"type": "input_image", "file_id": "file-" + "0" * 24}, "file_id"),
        ({"type": "input_video", "video_url": "file-" + "0" * 24}, "video_url"),
    ],
)
def test_a_file_that_is_not_there_is_named(gateway: str, part: dict[str, Any], param: str) -> None:
    error = refusal(gateway, 404, input=[user(part)])
    assert error["param"] == f"input[0].content[0].{param}"
    error = refusal(gateway, 404, input=[call_item(), output_item(output=[part])], tools=[WEATHER])
    assert error["param"] == f"input[1].output[0].{param}"


def test_a_foreign_file_is_no_file(gateway: str) -> None:
    with client_for(gateway, "sk-bob") as bob:
        foreign = bob.files.create(file=("b.txt", b"of bob"), purpose="user_data").id
    missing = refusal(gateway, 404, input=[user({"type": "input_file", "file_id": "file-" + "0" * 24})])
    found = refusal(gateway, 404, input=[user({"type": "input_file", "file_id": foreign})])
    assert found["message"].replace(foreign, "file-" + "0" * 24) == missing["message"]


# ── tools ────────────────────────────────────────────────────────────────────────────────────────


def test_tools_become_declarations_and_googles_tools(gateway: str, sandbox: SandboxServer) -> None:
    space = {"type": "namespace", "name": "crm", "description": "d", "tools": [{**WEATHER, "name": "find"}]}
    plain = {"type": "custom", "name": "note", "description": "Free text.", "format": {"type": "text"}}
    got = answer(gateway, input="x", tools=[WEATHER, space, plain], tool_choice={"type": "function", "name": "weather"})
    body = sent(sandbox)
    assert [each["name"] for each in body["tools"][0]["functionDeclarations"]] == ["weather", "crm__find", "note"]
    config = body["toolConfig"]["functionCallingConfig"]
    assert config == {"mode": "ANY", "allowedFunctionNames": ["weather"]}
    assert [item["type"] for item in got["output"]] == ["function_call"]
    assert got["tools"][0] == {**WEATHER, "strict": True} and got["tool_choice"] == {
        "type": "function",
        "name": "weather",
    }
    got = answer(gateway, input="x", tools=[space], tool_choice="required")
    assert (got["output"][0]["namespace"], got["output"][0]["name"]) == ("crm", "find")
    got = answer(gateway, input="x", tools=[plain], tool_choice={"type": "custom", "name": "note"})
    assert got["output"][0]["type"] == "custom_tool_call" and isinstance(got["output"][0]["input"], str)
    search = {
        "type": "web_search",
        "search_context_size": "low",
        "user_location": {"type": "approximate", "city": "Ulm"},
    }
    answer(gateway, input="x", tools=[search])
    assert sent(sandbox)["tools"] == [{"googleSearch": {}}]
    answer(
        gateway, input="x", tools=[{"type": "web_search", "external_web_access": False}, WEATHER], tool_choice="auto"
    )
    assert [list(each) for each in sent(sandbox)["tools"]] == [["functionDeclarations"]]


@pytest.mark.parametrize(
    ("tools", "param"),
    [
        ([{"type": "function", "function": {"name": "a"}}], "tools[0].name"),
        ([{"type": "function", "name": "a", "defer_loading": True}], "tools[0].defer_loading"),
        ([{"type": "function", "name": "a", "allowed_callers": ["programmatic"]}], "tools[0].allowed_callers"),
        ([{"type": "custom", "name": "a", "format": {"type": "grammar", "grammar": {}}}], "tools[0].format"),
        ([{"type": "web_search", "filters": {"allowed_domains": ["a.example"]}}], "tools[0].filters.allowed_domains"),
        ([{"type": "code_interpreter", "container": "cntr_1"}], "tools[0].container"),
        ([{"type": "mcp", "server_label": "a", "server_url": "https://a.example"}], "tools[0].require_approval"),
        ([{"type": "image_generation"}], "tools[0]"),
        ([{"type": "local_shell"}], "tools[0].type"),
        ([{"type": "computer_use_preview"}], "tools[0].type"),
        ([{"type": "soup"}], "tools[0].type"),
    ],
)
def test_what_gemini_cannot_do_as_asked_is_refused_by_name(gateway: str, tools: list[Any], param: str) -> None:
    assert refusal(gateway, input="x", tools=tools)["param"] == param
