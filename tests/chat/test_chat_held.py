"""What real clients and people's reports tried on chat and found right: sizes, shapes and orders that must stay so."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chat_wire import FLASH, SIGNING, chunks_of, hello, post, put_together, streamed
from gateways import SandboxServer
from shapes import GO, called, calling, function, last_body, parts, result

USER = {"role": "user", "content": "x"}


def ok(url: str, **body: Any) -> dict[str, Any]:
    status, _, found = post(url, {"model": FLASH, "messages": [GO], **body})
    assert status == 200, found
    answered: dict[str, Any] = found
    return answered


def refused(url: str, **body: Any) -> dict[str, Any]:
    status, _, found = post(url, {"model": FLASH, "messages": [GO], **body})
    assert status == 400, found
    error: dict[str, Any] = found["error"]
    return error


# ── tools ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_as_many_tools_as_google_takes(url: str, sandbox: SandboxServer) -> None:
    for number in (130, 512):
        ok(url, tools=[function(f"f{place}") for place in range(number)])
        assert len(last_body(sandbox)["tools"][0]["functionDeclarations"]) == number
    error = refused(url, tools=[function(f"f{place}") for place in range(600)])
    assert (error["param"], error["code"]) == ("tools", "array_above_max_length")


def test_names_of_tools(url: str, sandbox: SandboxServer) -> None:
    names = ["a.b", "a:b", "a-b", "x" * 65, "x" * 128]
    ok(url, tools=[function(name) for name in names])
    assert [each["name"] for each in last_body(sandbox)["tools"][0]["functionDeclarations"]] == names
    assert refused(url, tools=[function("f"), function("g"), function("f")])["param"] == "tools[2].function.name"
    for name in ("a b", "a/b", "größe", "", "x" * 129):
        assert refused(url, tools=[function("f"), function(name)])["param"] == "tools[1].function.name"


def test_schemas_with_unusual_names_sizes_and_depths(url: str, sandbox: SandboxServer) -> None:
    names = ["$ref", "type", "not", "", "a b", "properties", "größe"]
    deep: dict[str, Any] = {"type": "string"}
    for _ in range(30):
        deep = {"type": "object", "properties": {"a": deep}}
    for schema in (
        {"type": "object", "properties": {name: {"type": "string"} for name in names}},
        deep,
        {"type": "object", "properties": {"a": {"type": "string", "format": "uri"}, "b": {"type": "array"}}},
    ):
        ok(url, model=SIGNING, tools=[function("f", parameters=schema, description="d" * 30_000)])
        (declared,) = last_body(sandbox)["tools"][0]["functionDeclarations"]
        assert declared["parametersJsonSchema"] == schema and declared["description"].startswith("<30000 characters")


def test_numbers_of_any_size_stay_exact_both_ways(url: str, sandbox: SandboxServer) -> None:
    large = 10**30 + 1
    ok(url, messages=[GO, calling(called("f", json.dumps({"a": large}))), result(json.dumps({"a": large}))])
    contents = last_body(sandbox)["contents"]
    assert contents[1]["parts"][0]["functionCall"]["args"] == {"a": large}
    assert contents[2]["parts"][0]["functionResponse"]["response"] == {"a": large}
    said = {"functionCall": {"name": "f", "args": {"a": large}}}
    sandbox.control("scripts", {"response": {"candidates": [parts(said)]}})
    (call,) = ok(url, tools=[function("f")])["choices"][0]["message"]["tool_calls"]
    assert call["function"]["arguments"] == json.dumps({"a": large}, separators=(",", ":"))


@pytest.mark.parametrize(
    ("content", "response"),
    [
        ("[1,2]", {"output": [1, 2]}),
        ("5", {"output": "5"}),
        ("plain $ref words", {"output": "plain $ref words"}),
        ('{"a": ', {"output": '{"a": '}),
        ('{"a":1,"a":2}', {"a": 2}),
        ("", {"output": ""}),
        (json.dumps({"a": ["x"] * 20_000}), {"a": ["x"] * 20_000}),
        ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], {"output": ["a", "b"]}),
    ],
    ids=lambda value: str(value)[:20],
)
def test_results_of_any_form(url: str, sandbox: SandboxServer, content: Any, response: Any) -> None:
    ok(url, messages=[GO, calling(called("f")), result(content)])
    assert last_body(sandbox)["contents"][2]["parts"][0]["functionResponse"]["response"] == response


@pytest.mark.parametrize(
    ("messages", "param"),
    [
        ([GO, calling(called("f")), result("1"), result("1")], "messages[3].role"),
        ([GO, calling(called("f"))], "messages[1].tool_calls"),
        ([GO, calling(called("f")), GO], "messages[1].tool_calls"),
        ([GO, result("1")], "messages[1].role"),
    ],
    ids=["twice", "missing at the end", "missing", "orphaned"],
)
def test_results_that_no_call_waits_for(url: str, messages: list[Any], param: str) -> None:
    error = refused(url, messages=messages)
    assert error["type"] == "invalid_request_error" and "call" in error["message"]
    assert error["param"].startswith(param.partition(".")[0]), error


def test_a_choice_among_tools_in_every_form(url: str, sandbox: SandboxServer) -> None:
    tools = [function("f"), function("g")]
    named = {"type": "function", "function": {"name": "g"}}
    for choice, config in (
        ("none", {"mode": "NONE"}),
        ("auto", None),
        ("required", {"mode": "ANY"}),
        (named, {"mode": "ANY", "allowedFunctionNames": ["g"]}),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [named]}},
            {"mode": "ANY", "allowedFunctionNames": ["g"]},
        ),
    ):
        ok(url, tools=tools, tool_choice=choice)
        assert last_body(sandbox).get("toolConfig", {}).get("functionCallingConfig") == config, choice
    assert refused(url, tool_choice="required")["param"] == "tool_choice"


# ── messages and parameters ──────────────────────────────────────────────────────────────────────────────────────────


def test_long_conversations_and_long_texts(url: str, sandbox: SandboxServer) -> None:
    ok(url, messages=[USER] * 3)
    ok(url, messages=[USER, {"role": "assistant", "content": "y"}] * 1500 + [USER])
    assert len(last_body(sandbox)["contents"]) == 3001
    ok(url, messages=[{"role": "user", "content": "word " * 600_000}])
    assert last_body(sandbox)["contents"][0]["parts"][0]["text"].startswith("<3000000 characters")


@pytest.mark.parametrize(
    "message",
    [
        {"role": "user", "content": [{"type": "text", "text": ""}, {"type": "text", "text": "x"}]},
        {"role": "system", "content": ""},
        {"role": "developer", "content": "D", "name": "n"},
        {**calling(called("f")), "refusal": None, "audio": None, "function_call": None, "name": None},
    ],
    ids=["an empty text", "an empty system", "a developer", "nulls beside calls"],
)
def test_empty_texts_and_names_are_taken(url: str, message: dict[str, Any]) -> None:
    more = [{**result("1"), "name": "f"}] if message["role"] == "assistant" else []
    ok(url, messages=[GO, message, *more, GO])


def test_parameters_at_their_ends(url: str, sandbox: SandboxServer) -> None:
    for number in range(6):
        ok(url, stop=["s"] * number)
        assert len(last_body(sandbox).get("generationConfig", {}).get("stopSequences", [])) == number
    for seed in (2**63 - 1, -(2**63), 2**31):
        ok(url, seed=seed)
        first = last_body(sandbox)["generationConfig"]["seed"]
        ok(url, seed=seed)
        assert -(2**31) <= first < 2**31 and first == last_body(sandbox)["generationConfig"]["seed"]
    ok(url, max_tokens=9, max_completion_tokens=9)
    assert last_body(sandbox)["generationConfig"] == {"maxOutputTokens": 9}
    assert refused(url, max_tokens=7, max_completion_tokens=9)["param"] == "max_tokens"
    words = ("n", "stop", "seed", "temperature", "tools", "tool_choice", "response_format", "max_tokens", "user", "foo")
    ok(url, **dict.fromkeys(words))


# ── answers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def said(text: str, *, index: int | None = 0, finish: str | None = None) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": [{"text": text}]}}
    candidate |= {} if index is None else {"index": index}
    return {"candidates": [candidate | ({} if finish is None else {"finishReason": finish})]}


def test_choices_come_in_turns(url: str, sandbox: SandboxServer) -> None:
    pieces = [
        said("a", index=0),
        said("x", index=1),
        said("b", index=0, finish="STOP"),
        said("y", index=1, finish="STOP"),
    ]
    sandbox.control("scripts", {"chunks": pieces})
    choices = put_together(chunks_of(streamed(url, hello(n=2))))
    assert {index: choice["message"]["content"] for index, choice in choices.items()} == {0: "ab", 1: "xy"}


@pytest.mark.parametrize(
    "pieces",
    [
        [said("a", index=None), said("b", index=None, finish="STOP")],
        [said("a", finish="STOP"), said("b", finish="STOP")],
        [
            said("a"),
            {"candidates": [{"finishReason": "STOP", "index": 0}]} | {},
            {"usageMetadata": {"totalTokenCount": 3}},
        ],
        [said("a"), said("b"), said("", finish="STOP")],
    ],
    ids=["without an index", "an end in every chunk", "an end of its own", "an empty last text"],
)
def test_ends_and_indexes_as_google_sends_them(url: str, sandbox: SandboxServer, pieces: list[Any]) -> None:
    sandbox.control("scripts", {"chunks": pieces})
    (choice,) = put_together(chunks_of(streamed(url, hello()))).values()
    text = "".join(
        part.get("text", "")
        for each in pieces
        for c in each.get("candidates", [])
        for part in c.get("content", {}).get("parts", [])
    )
    assert (choice["message"]["content"], choice["finish_reason"]) == (text, "stop")


def test_calls_of_a_stream_whose_end_says_stop(url: str, sandbox: SandboxServer) -> None:
    """Each under its own index and id; the end comes in a chunk of its own, the usage in another without choices."""
    call = {"functionCall": {"name": "f", "args": {}}}
    counts = {"promptTokenCount": 1, "candidatesTokenCount": 1, "thoughtsTokenCount": 5, "totalTokenCount": 7}
    calls = {"candidates": [{"content": {"role": "model", "parts": [call, call, call]}, "index": 0}]}
    sandbox.control("scripts", {"chunks": [calls, {**said("", finish="STOP"), "usageMetadata": counts}]})
    chunks = chunks_of(streamed(url, hello(tools=[function("f")], stream_options={"include_usage": True})))
    made = [each for chunk in chunks for choice in chunk["choices"] for each in choice["delta"].get("tool_calls") or []]
    started = [each for each in made if each.get("id")]
    assert [each["index"] for each in started] == [0, 1, 2] and len({each["id"] for each in started}) == 3
    *_, last, usage = chunks
    assert last["choices"][0]["finish_reason"] == "tool_calls" and last["choices"][0]["delta"] == {}
    assert usage["choices"] == [] and usage["usage"]["completion_tokens"] == 6


@pytest.mark.parametrize("reason", ["MAX_TOKENS", "SAFETY"])
def test_an_end_without_a_word(url: str, sandbox: SandboxServer, reason: str) -> None:
    """Only thoughts, or nothing: one choice all the same."""
    thought = {"text": "hm", "thought": True}
    candidate = {"content": {"parts": [thought]} if reason == "MAX_TOKENS" else {}, "finishReason": reason, "index": 0}
    sandbox.control("scripts", {"response": {"candidates": [candidate]}})
    (choice,) = ok(url)["choices"]
    if reason == "MAX_TOKENS":
        assert (choice["finish_reason"], choice["message"]["content"]) == ("length", "")
    else:
        assert (choice["finish_reason"], choice["message"]["content"]) == ("content_filter", None)
        assert "SAFETY" in choice["message"]["refusal"]


@pytest.mark.parametrize("text", ["a\u2028b\u2029c", "a\x85b\x0cc\x1c", 'a\\"b\nc\r\nd', "\U0001f600" * 3])
def test_characters_that_break_lines_elsewhere(url: str, sandbox: SandboxServer, text: str) -> None:
    for form in ({"response": said(text, finish="STOP")}, {"chunks": [said(text), said("", finish="STOP")]}):
        sandbox.control("scripts", form)
        if "response" in form:
            assert ok(url)["choices"][0]["message"]["content"] == text
        else:
            (choice,) = put_together(chunks_of(streamed(url, hello()))).values()
            assert choice["message"]["content"] == text
