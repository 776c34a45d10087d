"""Every recorded exchange, both ways: the request said in OpenAI's words comes out as it was recorded, the answer comes
out valid and whole, streamed or not, and what was answered can be said again."""

from __future__ import annotations

import copy
import itertools
import json
from typing import Any

import msgspec

from asking import translate_chat
from evidence import needs_recordings
from gemini_normal_form import has_call_ids, normal_request, without_call_ids
from liftgate.answer.choice import Head
from liftgate.answer.fold import AnswerFold
from liftgate.ask.media import ResolvedFile
from liftgate.ask.model_facts import facts_for
from liftgate.dialects.chat.chunks import ChunkEncoder, ChunkWriter
from liftgate.dialects.chat.completion import completion
from liftgate.dialects.chat.media import find_media
from liftgate.dialects.chat.question import ChatQuestion
from liftgate.sse import EventDecoder
from openai_schema import errors
from openai_stream import comparable, put_together
from translate_exchanges import Exchange, Inexpressible, exchanges, said_in_openai

pytestmark = needs_recordings

PLACES = ("index", "content_index", "call_index")
"""What says where a part of extra_content.google.parts stood."""


def _translated(exchange: Exchange) -> tuple[dict[str, Any], ChatQuestion]:
    wanted = normal_request(exchange.request)
    said = said_in_openai(wanted, exchange.model, stream=exchange.streamed)
    files = {param: ResolvedFile(uri=uri, mime_type=mime_type) for param, (uri, mime_type) in said.uris.items()}
    before = copy.deepcopy(said.request)
    needs = find_media(said.request, inline_limit=10**9).needs
    assert {need.param for need in needs} <= set(files)
    translation = translate_chat(said.request, facts=facts_for(exchange.model), files=files, signatures={})
    assert said.request == before, "the caller's request is not changed"
    return wanted, translation


def _fold(translation: ChatQuestion) -> AnswerFold[ChatQuestion]:
    numbers = itertools.count()
    return AnswerFold(Head("1", "public-name", 1760000000), translation, new_call_id=lambda: f"call_{next(numbers)}")


def _answered(exchange: Exchange) -> list[tuple[Exchange, ChatQuestion]]:
    try:
        return [(exchange, _translated(exchange)[1])]
    except Inexpressible:
        return []


def test_recorded_requests_said_in_openai_form_come_out_as_recorded() -> None:
    equal, unsaid = 0, []
    for exchange in exchanges():
        try:
            wanted, translation = _translated(exchange)
        except Inexpressible as reason:
            unsaid.append((exchange.name, str(reason)))
            continue
        made = normal_request(translation.body)
        if not has_call_ids(wanted):
            wanted, made = without_call_ids(wanted), without_call_ids(made)
        assert made == wanted, exchange.name
        assert translation.dropped == (), exchange.name
        equal += 1
    # Calls without results (2), words behind a call, videoMetadata without a video, uniqueItems in a strict schema (2).
    assert len(unsaid) == 6, unsaid
    assert equal == 489


def test_recorded_answers_give_valid_completions_that_lose_nothing() -> None:
    checked = 0
    for exchange, translation in itertools.chain.from_iterable(map(_answered, exchanges())):
        fold = _fold(translation)
        for reply in exchange.replies:
            fold.feed(reply)
        fold.end()
        answer = completion(fold.answer)
        assert errors("CreateChatCompletionResponse", answer) == [], exchange.name
        assert msgspec.json.decode(msgspec.json.encode(answer)) == answer
        signatures = dict(fold.take_signatures())
        for index, choice in enumerate(answer["choices"]):
            _nothing_is_lost(exchange, choice, signatures, index)
        usage = answer["usage"]
        assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
        last = exchange.replies[-1]["usageMetadata"]
        if "promptTokenCount" in last:  # one recording has no counts but thoughts
            assert usage["total_tokens"] == last["totalTokenCount"], exchange.name
        checked += 1
    assert checked == 489


def _parts(exchange: Exchange, index: int) -> list[dict[str, Any]]:
    return [
        part
        for reply in exchange.replies
        for candidate in reply["candidates"]
        if candidate.get("index", 0) == index
        for part in candidate["content"].get("parts", [])
    ]


def _nothing_is_lost(exchange: Exchange, choice: dict[str, Any], signatures: dict[str, str], index: int) -> None:
    message, parts = choice["message"], _parts(exchange, index)
    google = message.get("extra_content", {}).get("google", {})
    raw = google.get("parts", [])
    bare = [{key: value for key, value in each.items() if key not in PLACES} for each in raw]
    served = {part["functionResponse"]["name"] for part in parts if "functionResponse" in part}
    texts = [part["text"] for part in parts if "text" in part and not part.get("thought")]
    assert (message["content"] or "") == "".join(texts), exchange.name
    assert message.get("reasoning_content", "") == "".join(p["text"] for p in parts if p.get("thought")), exchange.name
    calls = iter(message.get("tool_calls", []))
    images = iter(message.get("images", []))
    for part in parts:
        signature = part.get("thoughtSignature")
        if "functionCall" in part and part["functionCall"]["name"] not in served:
            call = next(calls)
            assert call["function"]["name"] == part["functionCall"]["name"]
            assert json.loads(call["function"]["arguments"]) == part["functionCall"].get("args", {})
            assert signatures.get(call["id"]) == signature, exchange.name
            continue
        if "inlineData" in part and part["inlineData"]["mimeType"].startswith("image/"):
            image = next(images)
            assert image["image_url"]["url"].endswith(part["inlineData"]["data"])
            assert image.get("extra_content", {}).get("google", {}).get("thought_signature") == signature
            continue
        if "text" not in part and "inlineData" not in part:
            assert part in bare, exchange.name
        if signature:
            assert signature in (google.get("thought_signature"), *(p.get("thoughtSignature") for p in raw))
    assert next(calls, None) is None and next(images, None) is None
    _metadata_is_kept(exchange, choice, google, index)


def _metadata_is_kept(exchange: Exchange, choice: dict[str, Any], google: dict[str, Any], index: int) -> None:
    message = choice["message"]
    candidates = [c for reply in exchange.replies for c in reply["candidates"] if c.get("index", 0) == index]
    native = [c["finishReason"] for c in candidates if "finishReason" in c][-1]
    expected = {"STOP": "tool_calls" if message.get("tool_calls") else "stop", "MAX_TOKENS": "length"}
    assert choice["finish_reason"] == expected.get(native, "content_filter")
    if native not in expected:
        assert google["finish_reason"] == native
    for candidate in candidates:
        for segment in (s["segment"] for s in candidate.get("groundingMetadata", {}).get("groundingSupports", [])):
            said = [a["url_citation"] for a in message["annotations"]]
            texts = [message["content"][each["start_index"] : each["end_index"]] for each in said]
            linked = any("web" in chunk for chunk in google["grounding_metadata"]["groundingChunks"])
            assert not linked or segment["text"] in texts, exchange.name
        for name in ("safetyRatings", "urlContextMetadata"):
            if candidate.get(name):
                assert candidate[name] in google.values()


def test_recorded_answers_streamed_and_whole_are_the_same() -> None:
    for exchange, translation in itertools.chain.from_iterable(map(_answered, exchanges())):
        fold, whole = _fold(_streaming(translation)), _fold(translation)
        encoder, writer, sent, chunks = ChunkEncoder(), ChunkWriter(fold.answer), b"", []
        encoder.begin(fold.answer)
        for reply in exchange.replies:
            events = fold.feed(reply)
            chunks += writer.chunks(events)
            sent += encoder.encode(events)
        events = fold.end()
        chunks += writer.chunks(events)
        sent += encoder.encode(events)
        whole.feed(_in_one(exchange.replies))
        whole.end()
        answer = completion(whole.answer)
        assert [json.loads(data) for data in EventDecoder().feed(sent)] == chunks, exchange.name
        for chunk in chunks:
            assert errors("CreateChatCompletionStreamResponse", chunk) == [], exchange.name
        assert chunks[-1]["choices"] == [] and chunks[-1]["usage"] == answer["usage"], exchange.name
        together = put_together(chunks)
        for choice in answer["choices"]:
            made = together[choice["index"]]
            assert comparable(made["message"], streamed=True) == comparable(choice["message"], streamed=False)
            assert made["finish_reason"] == choice["finish_reason"]


def _streaming(translation: ChatQuestion) -> ChatQuestion:
    return ChatQuestion(
        body=translation.body,
        stream=True,
        include_usage=True,
        function_names=translation.function_names,
        mcp=translation.mcp,
    )


def _in_one(replies: list[dict[str, Any]]) -> dict[str, Any]:
    """The whole reply that would have said what the stream's replies said."""
    merged: dict[str, Any] = {}
    candidates: dict[int, dict[str, Any]] = {}
    for reply in replies:
        merged.update({key: value for key, value in reply.items() if key != "candidates"})
        for candidate in reply["candidates"]:
            into = candidates.setdefault(candidate.get("index", 0), {"content": {"role": "model", "parts": []}})
            into.update({key: value for key, value in candidate.items() if key != "content"})
            into["content"]["parts"] += candidate["content"].get("parts", [])
    return {**merged, "candidates": list(candidates.values())}


def test_recorded_answers_sent_back_are_what_gemini_said() -> None:
    """What a client appends to its history becomes the model's own parts again, each signature in its place."""
    for exchange, translation in itertools.chain.from_iterable(map(_answered, exchanges())):
        fold = _fold(translation)
        for reply in exchange.replies:
            fold.feed(reply)
        fold.end()
        message = completion(fold.answer)["choices"][0]["message"]
        if message["refusal"]:
            continue  # nothing was said that could be said again
        results = [
            {"role": "tool", "tool_call_id": call["id"], "content": "done"} for call in message.get("tool_calls", [])
        ]
        request = {"messages": [{"role": "user", "content": "Go."}, message, *results]}
        facts = facts_for("gemini-2.5-flash")  # demands no signature, so that none is made up
        again = translate_chat(request, facts=facts, files={}, signatures=dict(fold.take_signatures()))
        made = without_call_ids(normal_request(again.body))["contents"][1]["parts"]
        parts = _parts(exchange, 0) or [{"text": ""}]
        turn = {"contents": [{"role": "model", "parts": parts}]}
        wanted = without_call_ids(normal_request(turn))["contents"][0]["parts"]
        thoughts = "".join(part["text"] for part in wanted if part.get("thought"))
        first = [{"text": thoughts, "thought": True}] if thoughts else []
        assert made == first + [part for part in wanted if not part.get("thought")], exchange.name
