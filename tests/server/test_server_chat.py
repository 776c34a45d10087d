"""`/v1/chat/completions` and `/v1/models` over the wire: both forms of an answer, with files, judged by the schemas."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest

from openai_schema import check, check_answer
from raw_http import Answer
from running import MODEL, Running

HELLO: dict[str, Any] = {"model": MODEL, "messages": [{"role": "user", "content": "hello there"}]}


def events(answer: Answer) -> list[dict[str, Any]]:
    """The decoded `data:` of each block but the last, which must be [DONE]."""
    blocks = [block for block in answer.body.decode().split("\n\n") if block and not block.startswith(":")]
    assert blocks[-1] == "data: [DONE]"
    assert all(block.startswith("data: ") and "\n" not in block for block in blocks)
    return [json.loads(block.removeprefix("data: ")) for block in blocks[:-1]]


def test_an_answer_passes_the_schema(gateway: Running) -> None:
    answer = gateway.post("/v1/chat/completions", HELLO)
    assert answer.status == 200
    assert answer.headers["x-request-id"].startswith("req_")
    assert "hello there" in answer.json()["choices"][0]["message"]["content"]
    check_answer("POST", "/chat/completions", 200, answer.json())


def test_every_chunk_of_a_stream_passes_the_schema_and_they_make_the_answer(gateway: Running) -> None:
    answer = gateway.post("/v1/chat/completions", {**HELLO, "stream": True})
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["x-request-id"].startswith("req_")
    chunks = events(answer)
    text = "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks if chunk["choices"])
    assert text == gateway.post("/v1/chat/completions", HELLO).json()["choices"][0]["message"]["content"]
    for chunk in chunks:
        check("CreateChatCompletionStreamResponse", chunk)


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/chat/completions"])
def test_stream_may_be_null_or_false(gateway: Running, path: str) -> None:
    for stream in (None, False):
        assert gateway.post(path, {**HELLO, "stream": stream}).json()["object"] == "chat.completion"


def test_a_file_is_heard_by_the_model_with_the_official_client(gateway: Running) -> None:
    with gateway.client() as client:
        made = client.files.create(file=("notes.txt", b"the cat sat on the mat"), purpose="user_data")
        messages: list[Any] = [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What does it say?"},
                    {"type": "file", "file": {"file_id": made.id}},
                ],
            }
        ]
        answer = client.chat.completions.create(model=MODEL, messages=messages)
        assert "the cat sat on the mat" in (answer.choices[0].message.content or "")
        stream = client.chat.completions.create(model=MODEL, messages=messages, stream=True)
        text = "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
        assert "the cat sat on the mat" in text
        client.files.delete(made.id)
        with pytest.raises(openai.NotFoundError, match=f"No such File object: {made.id}"):
            client.chat.completions.create(model=MODEL, messages=messages)


def test_a_parameter_that_cannot_be_honoured_is_refused_or_dropped(gateway: Running) -> None:
    more = {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}}
    refused = gateway.post("/v1/chat/completions", {**HELLO, **more})
    assert (refused.status, refused.error()["code"]) == (400, "unsupported_parameter")
    assert gateway.post("/v1/chat/completions", {**HELLO, **more, "drop_params": True}).status == 200


def test_a_stream_that_breaks_at_gemini_tells_it_in_band(gateway: Running) -> None:
    chunk = {"candidates": [{"content": {"role": "model", "parts": [{"text": "half a"}]}}]}
    gateway.order("scripts", chunks=[chunk], end="reset")
    with gateway.client() as client, pytest.raises(openai.APIError) as caught:
        for part in client.chat.completions.create(model=MODEL, messages=HELLO["messages"], stream=True):
            assert part.choices[0].delta.content in ("half a", "", None)
    assert isinstance(caught.value.body, dict) and caught.value.body["type"] == "upstream_error"


def test_models_pass_the_schema(gateway: Running) -> None:
    for path in ("/models", f"/models/{MODEL}"):
        answer = gateway.call("GET", "/v1" + path)
        check_answer("GET", path, 200, answer.json())
        assert gateway.call("GET", path).json() == answer.json()


HALVES: dict[str, tuple[dict[str, Any], str]] = {
    "content": ({"messages": [{"role": "user", "content": "a\ud83d"}]}, "messages[0].content"),
    "part": (
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "\ude00"}]}]},
        "messages[0].content[0].text",
    ),
    "arguments": ({"messages": [], "tools": [{"function": {"name": "\ud800\ud800"}}]}, "tools[0].function.name"),
    "name": ({"metadata": {"a\udfffb": "x"}}, "metadata.a?b"),
}


@pytest.mark.parametrize("case", HALVES)
def test_half_of_a_character_is_named(gateway: Running, case: str) -> None:
    """What JSON.stringify makes of a text that was cut within an emoji."""
    fields, param = HALVES[case]
    answer = gateway.post("/v1/chat/completions", {"model": MODEL, **fields})
    assert (answer.status, answer.json()["error"]["param"]) == (400, param)
    assert "half of a character" in answer.json()["error"]["message"]


def test_a_whole_emoji_in_escapes_passes(gateway: Running) -> None:
    body = json.dumps({"model": MODEL, "messages": [{"role": "user", "content": "\U0001f600"}]})
    assert "\\ud83d" in body
    assert gateway.post("/v1/chat/completions", json.loads(body)).status == 200


@pytest.mark.parametrize("method", ["generateContent", "streamGenerateContent?alt=sse", "countTokens"])
def test_a_models_method_without_a_version(gateway: Running, method: str) -> None:
    """Where LiteLLM's `gemini/` asks when its api_base is the gateway's bare address."""
    body = {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}
    native = {"x-goog-api-key": "sk-ann"}
    target = f"/models/{MODEL}:{method}"
    with_version = gateway.post(f"/v1beta{target}", body, native)
    without = gateway.post(target, body, native)
    assert without.status == with_version.status == 200
    assert without.headers["content-type"] == with_version.headers["content-type"]
    assert gateway.post(f"/models/{MODEL}:generateContent", body).status == 405
