"""The ways in which a peer loses or corrupts chat data (docs/protocol/openai.md, "LiteLLM"), each held here as it
should be."""

from __future__ import annotations

import base64
import copy
import itertools
import json
from typing import Any

import pytest

from asking import translate_chat
from liftgate.answer.choice import Head
from liftgate.answer.fold import AnswerFold
from liftgate.ask.media import ResolvedFile
from liftgate.ask.model_facts import facts_for
from liftgate.dialects.chat.chunks import ChunkWriter
from liftgate.dialects.chat.completion import completion
from liftgate.dialects.chat.media import find_media
from liftgate.dialects.chat.question import ChatQuestion
from liftgate.errors import FileNotFound, InvalidRequest, UnsupportedParameter, UpstreamDisconnected
from openai_stream import put_together

HI = {"role": "user", "content": "Hi"}
F = {"type": "function", "function": {"name": "f"}}
G = {"type": "function", "function": {"name": "g"}}


def translated(request: dict[str, Any], model: str = "gemini-2.5-flash", **more: Any) -> ChatQuestion:
    arguments = {"files": {}, "signatures": {}, **more}
    return translate_chat({"messages": [HI], **request}, facts=facts_for(model), **arguments)


def folded(*replies: dict[str, Any], **question: Any) -> AnswerFold[ChatQuestion]:
    numbers = itertools.count(1)
    fold = AnswerFold(Head("1", "m", 1), ChatQuestion(body={}, **question), new_call_id=lambda: f"call_{next(numbers)}")
    for reply in replies:
        fold.feed(reply)
    return fold


def answered(*replies: dict[str, Any], **question: Any) -> dict[str, Any]:
    fold = folded(*replies, **question)
    fold.end()
    return completion(fold.answer)


def streamed(*replies: dict[str, Any], **question: Any) -> list[dict[str, Any]]:
    fold = folded(stream=True, **question)
    writer = ChunkWriter(fold.answer)
    chunks = [chunk for reply in replies for chunk in writer.chunks(fold.feed(reply))]
    return chunks + writer.chunks(fold.end())


def candidate(*parts: dict[str, Any], index: int = 0, finish: str | None = "STOP") -> dict[str, Any]:
    found: dict[str, Any] = {"content": {"role": "model", "parts": list(parts)}, "index": index}
    return found if finish is None else {**found, "finishReason": finish}


def reply(*candidates: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"candidates": list(candidates), **more}


def test_call_without_args_is_a_call_without_arguments() -> None:
    answer = answered(reply(candidate({"functionCall": {"name": "f"}})))
    assert answer["choices"][0]["message"]["tool_calls"][0]["function"] == {"name": "f", "arguments": "{}"}


def test_answer_without_usage_has_zero_counts() -> None:
    usage = answered(reply(candidate({"text": "x"})))["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"]) == (0, 0, 0)


def test_blocked_prompt_without_usage_is_a_content_filter() -> None:
    answer = answered({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}})
    assert answer["choices"][0]["finish_reason"] == "content_filter"


def test_text_before_a_safety_stop_is_kept_and_so_are_the_other_choices() -> None:
    answer = answered(reply(candidate({"text": "Half"}, finish="SAFETY"), candidate({"text": "Whole"}, index=1)))
    said = [(each["finish_reason"], each["message"]["content"]) for each in answer["choices"]]
    assert said == [("content_filter", "Half"), ("stop", "Whole")]


def test_call_cut_by_the_length_is_reported_as_length() -> None:
    answer = answered(reply(candidate({"functionCall": {"name": "f"}}, finish="MAX_TOKENS")))
    assert answer["choices"][0]["finish_reason"] == "length"


def test_details_of_a_cached_prompt_are_totals_and_never_negative() -> None:
    usage = answered(
        reply(
            candidate({"text": "x"}),
            usageMetadata={
                "promptTokenCount": 1000,
                "cachedContentTokenCount": 900,
                "promptTokensDetails": [
                    {"modality": "TEXT", "tokenCount": 10},
                    {"modality": "AUDIO", "tokenCount": 990},
                ],
                "cacheTokensDetails": [{"modality": "TEXT", "tokenCount": 900}],
            },
        )
    )["usage"]
    assert usage["prompt_tokens_details"] == {"cached_tokens": 900, "audio_tokens": 990, "text_tokens": 10}


def test_first_citation_is_there_with_every_source_in_characters() -> None:
    grounding = {
        "groundingChunks": [{"web": {"uri": "https://a", "title": "A"}}, {"web": {"uri": "https://b", "title": "B"}}],
        "groundingSupports": [{"segment": {"endIndex": 5, "text": "äöü"[:2] + "x"}, "groundingChunkIndices": [0, 1]}],
    }
    answer = answered(reply({**candidate({"text": "äöx y"}), "groundingMetadata": grounding}))
    cited = [each["url_citation"] for each in answer["choices"][0]["message"]["annotations"]]
    assert [(each["start_index"], each["end_index"], each["url"]) for each in cited] == [
        (0, 3, "https://a"),
        (0, 3, "https://b"),
    ]


def test_streamed_audio_arrives_and_joins_to_the_same_samples() -> None:
    pcm = bytes(range(250)) * 7
    pieces = [pcm[:100], pcm[100:101], pcm[101:900], pcm[900:]]
    mime_type = "audio/L16;codec=pcm;rate=24000"
    parts = [{"inlineData": {"mimeType": mime_type, "data": base64.b64encode(piece).decode()}} for piece in pieces]
    replies = [reply(candidate(part, finish=None)) for part in parts] + [reply(candidate())]
    chunks = streamed(*replies, audio_format="pcm16")
    audio = put_together(chunks)[0]["message"]["audio"]
    assert base64.b64decode(audio["data"]) == pcm
    assert audio["id"] == "audio_1"
    sent = [each["choices"][0]["delta"].get("audio", {}).get("data") for each in chunks]
    alone = [base64.b64decode(data) for data in sent if data]
    assert b"".join(alone) == pcm
    assert all(len(piece) % 2 == 0 for piece in alone)


def test_every_streamed_choice_has_its_role_and_its_end() -> None:
    chunks = streamed(
        reply(candidate({"text": "a"}, finish=None), candidate({"text": "b"}, index=1, finish=None)),
        reply(candidate({"text": "A"}), candidate({"text": "B"}, index=1, finish="MAX_TOKENS")),
    )
    together = put_together(chunks)
    assert {index: (each["message"]["content"], each["finish_reason"]) for index, each in together.items()} == {
        0: ("aA", "stop"),
        1: ("bB", "length"),
    }


@pytest.mark.parametrize(
    "replies",
    [
        [reply(candidate({"text": "a"}, finish=None))],
        [reply(candidate({"text": "a"}), candidate({"text": "b"}, index=1, finish=None))],
        [reply()],
        [{"usageMetadata": {"promptTokenCount": 1}}],
        [],
    ],
    ids=["no finish", "one of two", "no candidates", "usage only", "nothing"],
)
def test_answer_without_an_end_is_never_a_whole_one(replies: list[dict[str, Any]]) -> None:
    fold = folded(*replies)
    with pytest.raises(UpstreamDisconnected):
        fold.end()


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        ({"text": "a"}, "stop"),
        ({"functionCall": {"name": "f", "args": {}}}, "tool_calls"),
        ({"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}, "stop"),
        ({"executableCode": {"language": "PYTHON", "code": "1"}}, "stop"),
    ],
)
def test_whole_content_without_a_reason_to_end_is_an_answer(part: dict[str, Any], reason: str) -> None:
    """One JSON text cannot have broken off; 0 are recorded, and Google's own SDKs take them for successes."""
    fold = folded(reply(candidate(part, finish=None)))
    fold.end(whole=True)
    assert completion(fold.answer)["choices"][0]["finish_reason"] == reason


@pytest.mark.parametrize(
    "answer",
    [
        reply(),
        reply(candidate({"text": ""}, finish=None)),
        reply({"content": {}, "index": 0}),
        reply(candidate({"text": "thinking", "thought": True}, finish=None)),
        reply(candidate({"text": "a"}), {"content": {"role": "model"}, "index": 1}),
    ],
    ids=["no candidates", "an empty text", "no parts", "only thoughts", "one of two"],
)
def test_a_whole_answer_that_says_nothing_is_none(answer: dict[str, Any]) -> None:
    fold = folded(answer)
    with pytest.raises(UpstreamDisconnected):
        fold.end(whole=True)


def test_usage_chunk_has_no_choices_and_comes_last() -> None:
    chunks = streamed(reply(candidate({"text": "a"}), usageMetadata={"promptTokenCount": 3}), include_usage=True)
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["prompt_tokens"] == 3
    assert all(chunk["usage"] is None for chunk in chunks[:-1])


def test_audio_without_format_is_recognised_by_its_bytes() -> None:
    part = {"type": "input_audio", "input_audio": {"data": base64.b64encode(b"fLaC" + bytes(20)).decode()}}
    body = translated({"messages": [{"role": "user", "content": [part]}]}).body
    assert body["contents"][0]["parts"][0]["inlineData"]["mimeType"] == "audio/flac"


def test_unknown_part_is_an_error_even_with_drop_params() -> None:
    part = {"type": "input_file", "input_file": {}}
    with pytest.raises(InvalidRequest) as error:
        translated({"messages": [{"role": "user", "content": [part]}]}, drop_params=True)
    assert error.value.param == "messages[0].content[0].type"


def test_file_in_a_system_message_reaches_the_model() -> None:
    system = {"role": "system", "content": [{"type": "text", "text": "S"}, _named("file-abc")]}
    request = {"messages": [system, HI]}
    [need] = find_media(request, inline_limit=0).needs
    body = translated(request, files={need.param: ResolvedFile("text/plain", uri="u")}).body
    assert body["systemInstruction"] == {"parts": [{"text": "S"}]}
    assert body["contents"][0]["parts"] == [{"fileData": {"mimeType": "text/plain", "fileUri": "u"}}]


def test_instruction_is_said_by_the_user_where_nothing_else_can_hold_it() -> None:
    """A conversation of instructions only, and a model that takes no system instruction."""
    only = translated({"messages": [{"role": "system", "content": "S"}]}).body
    assert only == {"contents": [{"role": "user", "parts": [{"text": "S"}]}]}
    body = translated({"messages": [{"role": "system", "content": "S"}, HI]}, "gemma-3-27b-it").body
    assert body == {"contents": [{"role": "user", "parts": [{"text": text}]} for text in ("S", "Hi")]}


@pytest.mark.parametrize(("model", "nested"), [("gemini-3-flash-preview", True), ("gemini-2.5-flash", False)])
def test_file_in_a_tool_result_reaches_the_model(model: str, nested: bool) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    result = {"role": "tool", "tool_call_id": "c", "content": [{"type": "text", "text": "See"}, _named("file-abc")]}
    request = {"messages": [HI, {"role": "assistant", "tool_calls": [call]}, result]}
    [need] = find_media(request, inline_limit=0).needs
    resolved = {need.param: ResolvedFile("image/png", uri="u")}
    contents = translated(request, model, files=resolved).body["contents"]
    file = {"fileData": {"mimeType": "image/png", "fileUri": "u"}}
    response = contents[2]["parts"][0]["functionResponse"]
    assert response["response"] == {"output": "See"}
    assert response.get("parts") == ([file] if nested else None)
    assert contents[3:] == ([] if nested else [{"role": "user", "parts": [file]}])


def test_unknown_tool_is_an_error_that_names_it() -> None:
    with pytest.raises(InvalidRequest) as error:
        translated({"tools": [{"type": "time_machine"}]})
    assert error.value.param == "tools[0].type"


def test_search_and_functions_travel_together() -> None:
    body = translated({"tools": [F, {"type": "web_search"}]}).body
    assert body["tools"] == [{"functionDeclarations": [{"name": "f"}]}, {"googleSearch": {}}]


def test_penalties_are_refused_where_the_model_has_none() -> None:
    with pytest.raises(UnsupportedParameter) as error:
        translated({"frequency_penalty": 0.5}, "gemini-3-flash-preview")
    assert error.value.param == "frequency_penalty"
    dropped = translated({"frequency_penalty": 0.5}, "gemini-3-flash-preview", drop_params=True).dropped
    assert [each.param for each in dropped] == ["frequency_penalty"]


def test_empty_arguments_are_no_arguments() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": ""}}
    turns = [HI, {"role": "assistant", "tool_calls": [call]}, {"role": "tool", "tool_call_id": "c", "content": ""}]
    contents = translated({"messages": turns}).body["contents"]
    assert contents[1]["parts"][0]["functionCall"]["args"] == {}
    assert contents[2]["parts"][0]["functionResponse"]["response"] == {"output": ""}


def test_thinking_can_be_switched_off() -> None:
    body = translated({"thinking": {"type": "disabled"}}).body
    assert body["generationConfig"]["thinkingConfig"] == {"thinkingBudget": 0}


def test_an_error_never_repeats_the_payload() -> None:
    file = {"type": "file", "file": {"file_data": "é" * 4_000_000, "format": "audio/wav"}}
    with pytest.raises(InvalidRequest) as error:
        translated({"messages": [{"role": "user", "content": [file]}]})
    assert len(error.value.message) < 200
    assert error.value.param == "messages[0].content[0].file.file_data"


def test_a_file_that_nobody_resolved_is_not_found_by_its_path() -> None:
    with pytest.raises(FileNotFound) as error:
        translated({"messages": [{"role": "user", "content": [_named("file-gone")]}]})
    assert error.value.param == "messages[0].content[0].file.file_id"


def test_the_callers_messages_are_not_changed() -> None:
    request = {"messages": [{"role": "user", "content": [_named("file-abc")]}], "extra_body": {"topK": 1}}
    request["additional_drop_params"] = ["extra_body.topK"]
    before = copy.deepcopy(request)
    files = {"messages[0].content[0].file.file_id": ResolvedFile("text/plain", uri="u")}
    translated(request, files=files)
    assert request == before


def test_plain_answer_has_no_vendor_fields() -> None:
    answer = answered(reply(candidate({"text": "Hi"}), modelVersion="v", responseId="r"))
    assert set(answer) == {
        "id", "object", "created", "model", "choices", "usage", "service_tier", "system_fingerprint",
    }  # fmt: skip
    assert set(answer["choices"][0]["message"]) == {"role", "content", "refusal", "annotations"}


def test_signatures_do_not_swell_ids_and_come_out_for_the_store() -> None:
    signature = base64.b64encode(bytes(5000)).decode()
    fold = folded(reply(candidate({"functionCall": {"name": "f"}, "thoughtSignature": signature})))
    assert fold.take_signatures() == [("call_1", signature)]
    assert fold.take_signatures() == []
    fold.end()
    assert signature not in json.dumps(completion(fold.answer))


def test_signature_may_travel_on_the_call_for_callers_without_a_store() -> None:
    fold = AnswerFold(Head("c", "m", 1), ChatQuestion(body={}, inline_signatures=True), new_call_id=lambda: "call_1")
    fold.feed(reply(candidate({"functionCall": {"name": "f"}, "thoughtSignature": "c2ln"})))
    fold.end()
    call = completion(fold.answer)["choices"][0]["message"]["tool_calls"][0]
    assert call["extra_content"] == {"google": {"thought_signature": "c2ln"}}
    result = {"role": "tool", "tool_call_id": "call_1", "content": "x"}
    turns = [HI, completion(fold.answer)["choices"][0]["message"], result]
    part = translated({"messages": turns}, "gemini-3-flash-preview").body["contents"][1]["parts"][0]
    assert part["thoughtSignature"] == "c2ln"


def test_missing_signature_is_skipped_with_a_note_on_the_first_call_only() -> None:
    calls = [{"id": f"c{i}", "type": "function", "function": {"name": "f", "arguments": "{}"}} for i in range(2)]
    results = [{"role": "tool", "tool_call_id": f"c{i}", "content": "x"} for i in (1, 0)]
    request = {"messages": [HI, {"role": "assistant", "tool_calls": calls}, *results]}
    translation = translated(request, "gemini-3-pro-preview")
    parts = translation.body["contents"][1]["parts"]
    assert [part.get("thoughtSignature") for part in parts] == ["skip_thought_signature_validator", None]
    assert len(translation.notes) == 1
    assert "c0" in translation.notes[0]
    responses = translation.body["contents"][2]["parts"]
    assert [part["functionResponse"]["id"] for part in responses] == ["c0", "c1"]
    assert translated(request, "gemini-2.5-flash").notes == ()


def _named(file_id: str) -> dict[str, Any]:
    return {"type": "file", "file": {"file_id": file_id}}
