"""Streams as OpenAI sends them: the golden ones, and the official client's own assembling of ours."""

from __future__ import annotations

import itertools
import json
from typing import Any

from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletionChunk

from evidence import evidence
from liftgate.answer.choice import Head
from liftgate.answer.fold import AnswerFold
from liftgate.dialects.chat.chunks import ChunkEncoder, ChunkWriter
from liftgate.dialects.chat.question import ChatQuestion
from liftgate.sse import DONE, EventDecoder
from openai_schema import errors
from openai_stream import put_together

GROUNDING = {
    "groundingChunks": [{"web": {"uri": "https://a.example", "title": "A"}}],
    "groundingSupports": [{"segment": {"endIndex": 3, "text": "Hel"}, "groundingChunkIndices": [0]}],
}


def _fold(**question: Any) -> AnswerFold[ChatQuestion]:
    numbers = itertools.count(1)
    return AnswerFold(
        Head("abc123", "gemini-2.5-flash", 1760000000),
        ChatQuestion(body={}, stream=True, **question),
        new_call_id=lambda: f"call_{next(numbers)}",
    )


def _reply(*parts: dict[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": list(parts)}, "index": 0}
    return {"candidates": [candidate if finish is None else {**candidate, "finishReason": finish}], **more}


def _golden(name: str) -> bytes:
    return evidence(f"openai/{name}").read_bytes()


def _sent(fold: AnswerFold[ChatQuestion], *replies: dict[str, Any]) -> bytes:
    encoder = ChunkEncoder()
    encoder.begin(fold.answer)
    pieces = [encoder.encode(fold.feed(reply)) for reply in replies]
    return b"".join([*pieces, encoder.encode(fold.end()), DONE])


def test_text_stream_is_the_golden_one_byte_for_byte() -> None:
    usage = {"promptTokenCount": 9, "candidatesTokenCount": 2}
    sent = _sent(
        _fold(include_usage=True), _reply({"text": "Hel"}), _reply({"text": "lo!"}, finish="STOP", usageMetadata=usage)
    )
    assert sent == _golden("golden-chat-text.sse")


def test_tool_stream_says_what_the_golden_one_says() -> None:
    """Gemini sends a call whole, so its arguments come in one piece; everything else is the same."""
    weather = {"functionCall": {"name": "get_weather", "args": {"city": "Paris"}}}
    time = {"functionCall": {"name": "get_time"}}
    sent = _sent(_fold(), _reply(weather), _reply(time, finish="STOP"))
    ours, golden = (
        [json.loads(data) for data in EventDecoder().feed(stream) if data != b"[DONE]"]
        for stream in (sent, _golden("golden-chat-tools.sse"))
    )
    assert put_together(ours) == put_together(golden)
    assert ours[0] == golden[0]
    assert ours[-1] == golden[-1]


def test_the_official_client_assembles_everything_that_a_stream_carries() -> None:
    fold = _fold(include_usage=True)
    writer = ChunkWriter(fold.answer)
    replies = [
        _reply({"text": "Hm.", "thought": True}),
        _reply({"text": "Hel"}),
        _reply({"text": "lo", "thoughtSignature": "c2ln"}),
        _reply({"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}),
        _reply({"functionCall": {"name": "f", "args": {"a": 1}}}, {"functionCall": {"name": "g"}}),
        _reply(finish="STOP", usageMetadata={"promptTokenCount": 3, "candidatesTokenCount": 4}),
    ]
    replies[-1]["candidates"][0]["groundingMetadata"] = GROUNDING
    chunks = [chunk for reply in replies for chunk in writer.chunks(fold.feed(reply))]
    chunks += writer.chunks(fold.end())
    state: ChatCompletionStreamState[None] = ChatCompletionStreamState()
    for chunk in chunks:
        assert errors("CreateChatCompletionStreamResponse", chunk) == []
        state.handle_chunk(ChatCompletionChunk.model_validate(chunk))
    final = state.get_final_completion()
    message = final.choices[0].message
    assert message.content == "Hello"
    assert [(call.id, call.function.name, call.function.arguments) for call in message.tool_calls or []] == [
        ("call_1", "f", '{"a":1}'),
        ("call_2", "g", "{}"),
    ]
    assert final.choices[0].finish_reason == "tool_calls"
    extra = message.to_dict()
    assert extra["reasoning_content"] == "Hm."
    assert extra["images"] != []
    google: Any = extra["extra_content"]
    assert google["google"]["thought_signature"] == "c2ln"
    assert google["google"]["grounding_metadata"] == GROUNDING
    assert message.annotations is not None
    assert message.annotations[0].url_citation.url == "https://a.example"
    assert final.usage is not None
    assert final.usage.total_tokens == 7


def test_every_chunk_carries_the_same_head() -> None:
    fold = _fold()
    writer = ChunkWriter(fold.answer)
    chunks = writer.chunks(fold.feed(_reply({"text": "a"}, modelVersion="v", usageMetadata={"serviceTier": "flex"})))
    chunks += writer.chunks(fold.feed(_reply({"text": "b"}, finish="STOP", modelVersion="w")))
    chunks += writer.chunks(fold.end())
    heads = [{key: value for key, value in chunk.items() if key != "choices"} for chunk in chunks]
    assert all(head == heads[0] for head in heads)
    assert (heads[0]["system_fingerprint"], heads[0]["service_tier"]) == ("v", "flex")


def test_filtered_stream_keeps_its_text_and_tells_the_native_reason() -> None:
    fold = _fold()
    writer = ChunkWriter(fold.answer)
    chunks = writer.chunks(fold.feed(_reply({"text": "Half"})))
    chunks += writer.chunks(fold.feed(_reply(finish="PROHIBITED_CONTENT")))
    chunks += writer.chunks(fold.end())
    made = put_together(chunks)[0]
    assert made["message"]["content"] == "Half"
    assert made["message"]["extra_content"]["google"]["finish_reason"] == "PROHIBITED_CONTENT"
    assert made["finish_reason"] == "content_filter"
