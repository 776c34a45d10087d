"""Every answer of the gateway under OpenAI's published schema, for many requests; a stream says what the whole says."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from chat_wire import (
    FLASH,
    PAINTING,
    SIGNING,
    SPEAKING,
    chunks_of,
    hello,
    post,
    put_together,
    streamed,
)
from gateways import SandboxServer
from openai_schema import check

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="
PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}, "kind": {"enum": ["a", "b"]}},
    "required": ["name", "age", "kind"],
    "additionalProperties": False,
}
LOOK = {"type": "function", "function": {"name": "look", "description": "Looks.", "parameters": PERSON, "strict": True}}
LISTEN = {"type": "function", "function": {"name": "listen", "parameters": {"type": "object", "properties": {}}}}
CALLS = (
    'call look({"name": "n", "age": 3, "kind": "a"}) call listen({}) call look({"name": "ж", "age": 4, "kind": "b"})'
)


def _content(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(parts)}]}


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


IMAGE = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}", "detail": "low"}}
AUDIO = {
    "type": "input_audio",
    "input_audio": {"data": base64.b64encode(b"RIFF" + bytes(60)).decode(), "format": "wav"},
}
PDF = base64.b64encode(b"%PDF-1.4\n1 0 obj<</Type/Page>>endobj").decode()
CALLED = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"name": "n"}'}}
HISTORY = [
    {"role": "system", "content": "Be brief."},
    {"role": "developer", "content": [_text("Be kind.")]},
    {"role": "user", "content": "look"},
    {"role": "assistant", "content": None, "tool_calls": [CALLED, {**CALLED, "id": "call_2"}]},
    {"role": "tool", "tool_call_id": "call_2", "content": "nothing"},
    {"role": "tool", "tool_call_id": "call_1", "content": [_text('{"seen": "a lake"}')]},
]
LEGACY = [
    {"role": "user", "content": "look"},
    {"role": "assistant", "content": None, "function_call": {"name": "look", "arguments": "{}"}},
    {"role": "function", "name": "look", "content": "a lake"},
]
FUNCTION = {"name": "look", "parameters": {"type": "object", "properties": {}}}

REQUESTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "sampling": {"temperature": 0.3, "top_p": 0.9, "seed": -5, "stop": ["zzz"], "max_completion_tokens": 500},
    "labels": {"user": "u", "metadata": {"a": "b"}, "safety_identifier": "s", "prompt_cache_key": "k", "store": False},
    "cut short": {"max_tokens": 3},
    "stopped": {"messages": [{"role": "user", "content": "one two stop three"}], "stop": "stop"},
    "n": {"n": 4},
    "logprobs": {"logprobs": True, "top_logprobs": 3},
    "n and logprobs": {"n": 2, "logprobs": True},
    "json object": {"response_format": {"type": "json_object"}},
    "json schema": {"response_format": {"type": "json_schema", "json_schema": {"name": "p", "schema": PERSON}}},
    "strict json schema": {
        "response_format": {"type": "json_schema", "json_schema": {"name": "p", "schema": PERSON, "strict": True}}
    },
    "reasoning": {"reasoning_effort": "low"},
    "no reasoning": {"reasoning_effort": "none"},
    "thinking": {"thinking": {"type": "enabled", "budget_tokens": 2048}},
    "tools unused": {"tools": [LOOK, LISTEN]},
    "parallel calls": {"messages": [{"role": "user", "content": CALLS}], "tools": [LOOK, LISTEN]},
    "signed calls": {"model": SIGNING, "messages": [{"role": "user", "content": CALLS}], "tools": [LOOK, LISTEN]},
    "reasoned calls": {
        "model": SIGNING,
        "messages": [{"role": "user", "content": CALLS}],
        "tools": [LOOK, LISTEN],
        "reasoning_effort": "high",
    },
    "forced": {"tools": [LOOK], "tool_choice": "required"},
    "named": {"tools": [LISTEN, LOOK], "tool_choice": {"type": "function", "function": {"name": "look"}}},
    "none": {"tools": [LOOK], "tool_choice": "none"},
    "allowed": {
        "tools": [LISTEN, LOOK],
        "tool_choice": {
            "type": "allowed_tools",
            "allowed_tools": {"mode": "required", "tools": [{"type": "function", "function": {"name": "look"}}]},
        },
    },
    "custom tool": {"tools": [{"type": "custom", "custom": {"name": "shell"}}], "tool_choice": "required"},
    "functions": {"functions": [FUNCTION], "function_call": {"name": "look"}},
    "legacy history": {"messages": LEGACY, "functions": [FUNCTION]},
    "history": {"messages": HISTORY, "tools": [LOOK]},
    "signed history": {"model": SIGNING, "messages": HISTORY, "tools": [LOOK]},
    "search": {"web_search_options": {}, "messages": [{"role": "user", "content": "Où est la gare de Zürich ?"}]},
    "google tools": {"tools": [{"type": "code_execution"}, {"urlContext": {}}], **_content(_text("https://a.org 2+2"))},
    "image in": _content(_text("what"), IMAGE),
    "audio in": _content(AUDIO),
    "pdf in": _content({"type": "file", "file": {"file_data": PDF, "filename": "a.pdf"}}),
    "video link": _content({"type": "video_url", "video_url": {"url": "https://youtu.be/abc"}}),
    "image in the instructions": {"messages": [{"role": "system", "content": [_text("See:"), IMAGE]}]},
    "audio out": {"model": SPEAKING, "modalities": ["audio"], "audio": {"voice": "verse", "format": "pcm16"}},
    "image out": {"model": PAINTING, "modalities": ["image", "text"]},
    "native fields": {"generation_config": {"topK": 3}, "safety_settings": [], "google": {"labels": {"a": "b"}}},
    "service tier": {"service_tier": "default"},
    "characters beyond": {"messages": [{"role": "user", "content": 'né € 😀 \u2028 \ud7ff \u0000 \\ " </script>'}]},
}


def _same(message: dict[str, Any], *, streamed: bool) -> dict[str, Any]:
    """A message without what is random or of one form only: ids, `index` of calls, a stream's missing nulls."""
    found = json.loads(json.dumps({"refusal": None, "annotations": [], **message}))
    for call in found.get("tool_calls", []):
        assert call.pop("id").startswith("call_")
        if streamed:
            del call["index"]
    if audio := found.get("audio"):
        assert audio.pop("id").startswith("audio_")
        del audio["expires_at"]
        audio["data"] = base64.b64decode(audio["data"])
    for image in found.get("images") or ():
        image.pop("index", None)
    return dict(found)


def _check_chunk(chunk: dict[str, Any]) -> None:
    """The published schema of a chunk has no word for custom tools; that of a whole answer has, and is borrowed."""
    chunk = json.loads(json.dumps(chunk))
    for choice in chunk["choices"]:
        for call in choice["delta"].get("tool_calls", ()):
            if call.get("type") == "custom":
                check(
                    "ChatCompletionMessageCustomToolCall", {key: each for key, each in call.items() if key != "index"}
                )
                call["type"] = "function"
    check("CreateChatCompletionStreamResponse", chunk)


def _adds_up(usage: dict[str, Any]) -> None:
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert usage["completion_tokens_details"]["reasoning_tokens"] <= usage["completion_tokens"]
    for details, most in (
        ("prompt_tokens_details", "prompt_tokens"),
        ("completion_tokens_details", "completion_tokens"),
    ):
        assert all(0 <= count <= usage[most] for count in usage[details].values()), usage


@pytest.mark.parametrize("name", REQUESTS)
def test_both_forms_of_an_answer_are_valid_and_say_the_same(name: str, url: str) -> None:
    body = {**hello(), **REQUESTS[name]}
    status, _, whole = post(url, body)
    assert status == 200, whole
    check("CreateChatCompletionResponse", whole)
    chunks = chunks_of(streamed(url, {**body, "stream_options": {"include_usage": True}}))
    for chunk in chunks:
        _check_chunk(chunk)
    told = put_together(chunks)
    assert sorted(told) == [choice["index"] for choice in whole["choices"]]
    for choice in whole["choices"]:
        pieces = told[choice["index"]]
        assert pieces["finish_reason"] == choice["finish_reason"]
        assert _same(pieces["message"], streamed=True) == _same(choice["message"], streamed=False)
        logprobs = choice["logprobs"] and choice["logprobs"]["content"]
        assert pieces["logprobs"] == logprobs
    assert chunks[-1]["usage"] == whole["usage"]
    _adds_up(whole["usage"])
    assert {whole["model"], *(chunk["model"] for chunk in chunks)} == {body["model"]}


REPLIES: dict[str, tuple[dict[str, Any], str, str | None]] = {
    "blocked prompt": ({"promptFeedback": {"blockReason": "SAFETY"}}, "content_filter", None),
    "withheld": ({"candidates": [{"content": {}, "finishReason": "SAFETY"}]}, "content_filter", None),
    "partial text": (
        {"candidates": [{"content": {"parts": [{"text": "half"}]}, "finishReason": "RECITATION"}]},
        "content_filter",
        "half",
    ),
    "thought everything away": (
        {"candidates": [{"content": {"role": "model"}, "finishReason": "MAX_TOKENS"}]},
        "length",
        "",
    ),
    "a call without arguments": (
        {"candidates": [{"content": {"parts": [{"functionCall": {"name": "look"}}]}, "finishReason": "STOP"}]},
        "tool_calls",
        None,
    ),
    "other": ({"candidates": [{"finishReason": "OTHER"}]}, "content_filter", None),
    "no counts": ({"candidates": [{"content": {"parts": [{"text": "x"}]}, "finishReason": "STOP"}]}, "stop", "x"),
    "decimals for counts": (
        {
            "candidates": [{"content": {"parts": [{"text": "x"}]}, "finishReason": "STOP", "index": 0.0}],
            "usageMetadata": {"promptTokenCount": 5.0, "candidatesTokenCount": "3", "totalTokenCount": 8.0},
        },
        "stop",
        "x",
    ),
    "a reason of tomorrow": (
        {"candidates": [{"content": {"parts": [{"text": "x"}]}, "finishReason": "NEW_REASON"}], "newField": {"a": 1}},
        "content_filter",
        "x",
    ),
}


@pytest.mark.parametrize("name", REPLIES)
def test_unusual_replies_are_valid_too(name: str, url: str, sandbox: SandboxServer) -> None:
    response, reason, content = REPLIES[name]
    sandbox.control("scripts", {"response": response, "times": 2})
    body = hello(tools=[LOOK])
    status, _, whole = post(url, body)
    assert status == 200, whole
    check("CreateChatCompletionResponse", whole)
    chunks = chunks_of(streamed(url, body))
    for chunk in chunks:
        _check_chunk(chunk)
    told = put_together(chunks)[0]
    choice = whole["choices"][0]
    assert choice["finish_reason"] == told["finish_reason"] == reason
    assert choice["message"]["content"] == told["message"].get("content") == content
    assert _same(told["message"], streamed=True) == _same(choice["message"], streamed=False)


def test_the_requests_are_many_and_of_every_model() -> None:
    assert len(REQUESTS) >= 35
    assert {REQUESTS[name].get("model", FLASH) for name in REQUESTS} == {FLASH, SIGNING, SPEAKING, PAINTING}
