"""A whole answer → `chat.completion` (docs/protocol/openai.md, "Chat")."""

from __future__ import annotations

from liftgate.answer import audio
from liftgate.answer.choice import Answer, Choice
from liftgate.answer.events import Blob, Speech, Thought
from liftgate.dialects.chat import choice as form
from liftgate.dialects.chat.question import ChatQuestion
from liftgate.dialects.chat.usage import chat_usage, service_tier
from liftgate.dialects.openai_choice import logprobs
from liftgate.json_types import JsonObject

ID = "chatcmpl-"


def completion(answer: Answer[ChatQuestion]) -> JsonObject:
    """The object of an answer whose fold has ended."""
    head = answer.head
    body: JsonObject = {
        "id": ID + head.id,
        "object": "chat.completion",
        "created": head.created,
        "model": head.model,
        "choices": [_choice(answer, choice) for choice in answer.in_order()],
        "usage": chat_usage(answer.counts),
        "service_tier": service_tier(answer.service_tier),
    }
    if answer.model_version is not None:
        body["system_fingerprint"] = answer.model_version
    return body


def _choice(answer: Answer[ChatQuestion], choice: Choice) -> JsonObject:
    question = answer.question
    said = choice.length > 0
    message: JsonObject = {
        "role": "assistant",
        "content": choice.text if said else form.content(choice),
        "refusal": None if said else form.refusal(choice),
        "annotations": form.url_citations(choice),
    }
    if not choice.plain:
        _more(answer, choice, message)
    if extra := form.extra_content(choice, question):
        message["extra_content"] = extra
    return {
        "index": choice.index,
        "message": message,
        "logprobs": None if choice.logprobs is None else {"content": logprobs(choice.logprobs), "refusal": None},
        "finish_reason": form.finish_reason(choice, legacy=question.legacy_functions),
    }


def _more(answer: Answer[ChatQuestion], choice: Choice, message: JsonObject) -> None:
    """What a message of nothing but text does not have."""
    question = answer.question
    if thoughts := [each.text for each in choice.events if isinstance(each, Thought)]:
        message["reasoning_content"] = "".join(thoughts)
    calls = choice.calls
    if calls and question.legacy_functions:
        message["function_call"] = form.function_call(calls[0])
        calls = calls[1:]
    if calls:
        message["tool_calls"] = [form.tool_call(each, question) for each in calls]
    if blobs := [each for each in choice.events if isinstance(each, Blob)]:
        message["images"] = [form.image(each, index) for index, each in enumerate(blobs)]
    if speech := [each for each in choice.events if isinstance(each, Speech)]:
        message["audio"] = _audio(answer, choice, speech)


def _audio(answer: Answer[ChatQuestion], choice: Choice, speech: list[Speech]) -> JsonObject:
    pcm = b"".join(each.pcm for each in speech)
    if answer.question.audio_format == "wav":
        pcm = audio.wav(pcm, rate=speech[0].rate, channels=speech[0].channels)
    return {
        "id": audio_id(answer, choice.index),
        "data": audio.encode(pcm),
        "expires_at": answer.head.created,
        "transcript": form.transcript(choice),
    }


def audio_id(answer: Answer[ChatQuestion], index: int) -> str:
    """It follows the completion's id."""
    return f"audio_{answer.head.id}_{index}" if index else f"audio_{answer.head.id}"
