"""Turns, calls and results that OpenAI takes, at every door that translates them, against a Gemini that refuses
what Google refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from doors import Ask
from gateways import SandboxServer
from shapes import GO, LITE, NEW, NEWER, OLD, called, calling, function, gemini_calls, last_body, parts, result

# ── T1: at most one call ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("extra", [{"parallel_tool_calls": False}, {"extra_body": {"parallel_tool_calls": False}}])
def test_one_call_at_most(ask: Ask, sandbox: SandboxServer, extra: dict[str, Any]) -> None:
    sandbox.control("scripts", {"response": {"candidates": [parts({"text": "hm"}, *gemini_calls("a", "b", "a"))]}})
    tools = [function("a"), {"type": "custom", "custom": {"name": "b"}}]
    choice = ask(model=NEW, messages=[GO], tools=tools, **extra)[0]
    (call,) = choice["message"]["tool_calls"]
    assert call["function"] == {"name": "a", "arguments": '{"n":0}'}
    assert choice["finish_reason"] == "tool_calls" and choice["message"]["content"] == "hm"
    assert choice["message"]["extra_content"]["google"]["calls_left_out"] == ["b", "a"]
    shown = calling({key: value for key, value in call.items() if key != "index"})
    more = ask(model=NEW, messages=[GO, shown, result("1", call["id"])], tools=tools, **extra)
    assert more[0]["finish_reason"] == "stop"


def test_one_call_in_each_of_several_choices(ask: Ask, sandbox: SandboxServer) -> None:
    candidates = [parts(*gemini_calls("a", "b"), index=0), parts(*gemini_calls("b", "a"), index=1)]
    sandbox.control("scripts", {"response": {"candidates": candidates}})
    choices = ask(model=OLD, messages=[GO], tools=[function("a"), function("b")], n=2, parallel_tool_calls=False)
    assert [[call["function"]["name"] for call in choices[at]["message"]["tool_calls"]] for at in (0, 1)] == [
        ["a"],
        ["b"],
    ]


def test_one_call_where_they_come_in_several_events(ask: Ask, sandbox: SandboxServer) -> None:
    first = {"candidates": [{"content": {"role": "model", "parts": gemini_calls("a")}, "index": 0}]}
    rest = {"candidates": [parts(*gemini_calls("b"))]}
    sandbox.control("scripts", {"chunks": [first, rest]})
    sandbox.control("scripts", {"response": {"candidates": [parts(*gemini_calls("a", "b"))]}})
    choice = ask(model=OLD, messages=[GO], tools=[function("a"), function("b")], parallel_tool_calls=False)[0]
    assert [call["function"]["name"] for call in choice["message"]["tool_calls"]] == ["a"]


def test_the_older_form_has_room_for_one(ask: Ask, sandbox: SandboxServer) -> None:
    sandbox.control("scripts", {"response": {"candidates": [parts(*gemini_calls("a", "b"))]}})
    choice = ask(model=OLD, messages=[GO], functions=[{"name": "a"}, {"name": "b"}])[0]
    assert choice["message"]["function_call"]["name"] == "a" and not choice["message"].get("tool_calls")
    assert choice["finish_reason"] == "function_call"


def test_several_calls_where_nobody_asks_for_one(ask: Ask, sandbox: SandboxServer) -> None:
    sandbox.control("scripts", {"response": {"candidates": [parts(*gemini_calls("a", "b"))]}})
    for more in ({"parallel_tool_calls": True}, {}):
        sandbox.control("scripts", {"response": {"candidates": [parts(*gemini_calls("a", "b"))]}})
        choice = ask(model=OLD, messages=[GO], tools=[function("a"), function("b")], **more)[0]
        assert len(choice["message"]["tool_calls"]) == 2
        assert "calls_left_out" not in json.dumps(choice)


# ── T2: orders of turns ──────────────────────────────────────────────────────────────────────────────────────────────

SYSTEM = {"role": "system", "content": "S"}
SAID = {"role": "assistant", "content": "Let me see."}
ROUND = [calling(called("f")), result("1")]
ORDERS: dict[str, list[dict[str, Any]]] = {
    "opens with a call": [SYSTEM, *ROUND],
    "opens with a call, no instruction": ROUND,
    "cut from a longer one": [SYSTEM, *ROUND, {"role": "assistant", "content": "1"}, GO],
    "opens with words and a call": [{**calling(called("f")), "content": "hm"}, result("1")],
    "opens with words, then a call": [SYSTEM, SAID, *ROUND],
    "opens with the older call": [
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "function", "name": "f", "content": "1"},
    ],
    "opens with words": [SAID, GO],
    "several of each in a row": [GO, GO, SAID, SAID, *ROUND, *ROUND, GO, GO],
    "ends with the assistant": [GO, SAID],
    "ends with the assistant twice": [GO, SAID, SAID],
    "ends with an empty assistant": [GO, {"role": "assistant", "content": ""}],
    "only the assistant": [SAID],
    "ends with the assistant behind a round": [GO, *ROUND, SAID],
    "instructions in the middle": [GO, SAID, SYSTEM, {"role": "developer", "content": "D"}, GO],
    "instructions between calls and results": [GO, ROUND[0], SYSTEM, ROUND[1]],
    "instructions at the end": [GO, *ROUND, SYSTEM],
    "instructions behind the assistant": [GO, SAID, SYSTEM],
    "instructions only": [SYSTEM, SYSTEM],
    "results in another order": [GO, calling(called("f"), called("g", "{}", "c2")), result("2", "c2"), result("1")],
}


@pytest.mark.parametrize("model", [OLD, NEW, NEWER, LITE])
@pytest.mark.parametrize("order", ORDERS)
def test_orders_of_turns(ask: Ask, sandbox: SandboxServer, order: str, model: str) -> None:
    choice = ask(model=model, messages=ORDERS[order], tools=[function("f"), function("g")])[0]
    assert choice["message"]["content"] and choice["finish_reason"] == "stop"
    contents = last_body(sandbox)["contents"]
    if order.startswith("ends with the assistant") or order in (
        "only the assistant",
        "instructions behind the assistant",
    ):
        assert (contents[-1]["role"] == "user") is (model in (NEWER, LITE))
    if "a call" in order:
        assert contents[0]["role"] == "user"


def test_an_instruction_stays_one_where_the_user_speaks(ask: Ask, sandbox: SandboxServer) -> None:
    ask(model=NEW, messages=ORDERS["cut from a longer one"], tools=[function("f")])
    body = last_body(sandbox)
    assert body["systemInstruction"] == {"parts": [{"text": "S"}]}
    assert body["contents"][0] == {"role": "user", "parts": [{"text": ""}]}


def test_an_instruction_alone_stands_in_one_place_in_every_turn(ask: Ask, sandbox: SandboxServer) -> None:
    """So that what the model saw in the first turn is the beginning of the second."""
    ask(model=NEW, messages=[SYSTEM], tools=[function("f")])
    first = last_body(sandbox)
    ask(model=NEW, messages=[SYSTEM, *ROUND], tools=[function("f")])
    second = last_body(sandbox)
    assert second["contents"][: len(first["contents"])] == first["contents"]
    assert first.get("systemInstruction") == second.get("systemInstruction")


# ── T3: what a model once said must be sayable again ─────────────────────────────────────────────────────────────────

UNREADABLE = [
    '{"a": "tru',
    '{"a":1}{"b":2}',
    "[1,2]",
    '"x"',
    "5",
    "true",
    "not json",
    '{"a":NaN}',
    '{"a":"\\ud83d"}',
    "{'a':1}",
]
UNREADABLE += ["[" * 200]


@pytest.mark.parametrize("arguments", UNREADABLE)
def test_arguments_that_are_no_object(ask: Ask, sandbox: SandboxServer, arguments: str) -> None:
    for model in (OLD, NEW):
        ask(model=model, messages=[GO, calling(called("f", arguments)), result("1"), GO], tools=[function("f")])
        assert last_body(sandbox)["contents"][1]["parts"][0]["functionCall"]["args"] == {"arguments": arguments}
    legacy = {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": arguments}}
    ask(model=OLD, messages=[GO, legacy, {"role": "function", "name": "f", "content": "1"}])
    assert last_body(sandbox)["contents"][1]["parts"][0]["functionCall"]["args"] == {"arguments": arguments}


@pytest.mark.parametrize("arguments", ["", "  ", "null", "{}"])
def test_arguments_that_are_none(ask: Ask, sandbox: SandboxServer, arguments: str) -> None:
    ask(model=OLD, messages=[GO, calling(called("f", arguments)), result("1")])
    assert last_body(sandbox)["contents"][1]["parts"][0]["functionCall"]["args"] == {}


# ── T4: results whose keys mean something to Gemini ──────────────────────────────────────────────────────────────────

TEXTS = [
    '{"schema":{"$ref":"#/$defs/A","$defs":{"A":{}}}}',
    '{"tools":[{"parameters":{"properties":{"a":{"$ref":"x"}}}}]}',
    '[{"$ref": 1}]',
    '{"\\u0024ref":"#/a"}',
    '{"$ref":"a","$ref":"b"}',
]
WRAPPED = ['{"output":1,"code":0}', '{"error":"no","detail":"d"}', '{"output":null,"x":1}']
PLAIN = ['{"a":1}', '{"output":"x","error":null}', '{"refs":["$ref"]}', '{"$defs":{"A":{}}}']


@pytest.mark.parametrize("content", TEXTS)
def test_a_result_with_a_reference(ask: Ask, sandbox: SandboxServer, content: str) -> None:
    for given in (content, [{"type": "text", "text": content}]):
        ask(model=NEW, messages=[GO, calling(called("f")), result(given)], tools=[function("f")])
        assert last_body(sandbox)["contents"][2]["parts"][0]["functionResponse"]["response"] == {"output": content}


@pytest.mark.parametrize("content", [*WRAPPED, *PLAIN])
def test_a_result_keeps_all_that_it_says(ask: Ask, sandbox: SandboxServer, content: str) -> None:
    ask(model=OLD, messages=[GO, calling(called("f")), result(content)])
    response = last_body(sandbox)["contents"][2]["parts"][0]["functionResponse"]["response"]
    assert response == ({"output": json.loads(content)} if content in WRAPPED else json.loads(content))


WAV = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQAAAAA="

# ── F7: files in tool results ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "part",
    [
        {"type": "input_audio", "input_audio": {"data": WAV, "format": "wav"}},
        {"type": "audio_url", "audio_url": {"url": f"data:audio/wav;base64,{WAV}"}},
        {"type": "file", "file": {"file_data": f"data:audio/wav;base64,{WAV}"}},
        {"type": "video_url", "video_url": {"url": "https://www.youtube.com/watch?v=abcdefghijk"}},
    ],
    ids=["input_audio", "audio_url", "file_data", "youtube"],
)
@pytest.mark.parametrize("model", [OLD, NEW, NEWER])
def test_sound_and_video_in_a_result(ask: Ask, sandbox: SandboxServer, model: str, part: dict[str, Any]) -> None:
    content = [{"type": "text", "text": "here"}, part]
    choice = ask(model=model, messages=[GO, calling(called("f")), result(content)], tools=[function("f")])[0]
    assert choice["finish_reason"] == "stop"
    responses, media = last_body(sandbox)["contents"][2:]
    assert [list(each) for each in responses["parts"]] == [["functionResponse"]]
    assert "parts" not in responses["parts"][0]["functionResponse"]
    assert media["role"] == "user" and ("inlineData" in media["parts"][0] or "fileData" in media["parts"][0])


# ── answers with nothing to say in content ───────────────────────────────────────────────────────────────────────────

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="
SILENT: dict[str, dict[str, Any]] = {
    "an image": {"candidates": [parts({"inlineData": {"mimeType": "image/png", "data": PNG}})]},
    "a filter": {"candidates": [{"content": {}, "finishReason": "SAFETY"}]},
    "a filter of images": {"candidates": [{"finishReason": "IMAGE_SAFETY"}]},
    "a blocked prompt": {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}},
}


@pytest.mark.parametrize("name", SILENT)
def test_an_answer_comes_back_with_the_fields_that_every_client_keeps(
    ask: Ask, sandbox: SandboxServer, name: str
) -> None:
    sandbox.control("scripts", {"response": SILENT[name]})
    message = ask(model=NEW, messages=[GO])[0]["message"]
    kept = {key: message[key] for key in ("role", "content")}
    assert ask(model=NEW, messages=[GO, kept, GO])[0]["finish_reason"] == "stop"
    assert last_body(sandbox)["contents"][1] == {"role": "model", "parts": [{"text": ""}]}
