"""A whole answer → `chat.completion` (docs/protocol/openai.md, "Chat"), and what a stream's last chunks say like it: of
a choice, and the usage, in OpenAI's names.

What OpenAI's message has no slot for stays whole in extra_content.google.parts, at its place in the content
(`content_index`, in characters; `call_index`, behind so many calls), so that it can be sent back.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from liftgate.answer import audio
from liftgate.answer.choice import Answer, Choice
from liftgate.answer.counts import Counts
from liftgate.answer.events import Blob, Call, GooglePart, Position, Signature, Speech, Thought
from liftgate.dialects.chat.question import ChatQuestion
from liftgate.dialects.openai_choice import google_extra, logprobs
from liftgate.json_types import JsonObject
from liftgate.large_bodies import behind_head

_json = msgspec.json.Encoder()

ID = "chatcmpl-"

_DETAIL = {
    "AUDIO": "audio_tokens",
    "TEXT": "text_tokens",
    "IMAGE": "image_tokens",
    # OpenAI has no slot for these; it counts their pages and frames as images.
    "VIDEO": "image_tokens",
    "DOCUMENT": "image_tokens",
}
TIERS = {"standard": "default", "flex": "flex", "priority": "priority"}

FINISH: Mapping[str, str] = {"STOP": "stop", "MAX_TOKENS": "length", "CONTINUATION": "length"}
"""Every other reason is `content_filter`: Gemini withheld or broke off the answer, and it must not pass for a whole
one. Gemini's own reason stands in extra_content.google.finish_reason."""


def completion(answer: Answer[ChatQuestion]) -> JsonObject:
    """The object of an answer whose fold has ended."""
    head = answer.head
    choices: list[JsonObject] = []
    for choice in answer.in_order():  # a comprehension is a function's call, of which a chat has enough
        choices.append(_choice(answer, choice))
    body: JsonObject = {
        "id": ID + head.id,
        "object": "chat.completion",
        "created": head.created,
        "model": head.model,
        "choices": choices,
        "usage": chat_usage(answer.counts, answer.dollars),
        "service_tier": service_tier(answer.service_tier),
    }
    if answer.model_version is not None:
        body["system_fingerprint"] = answer.model_version
    return body


def _choice(answer: Answer[ChatQuestion], choice: Choice) -> JsonObject:
    question = answer.question
    answered = choice.length > 0
    message: JsonObject = {
        "role": "assistant",
        "content": choice.text if answered else content(choice),
        "refusal": None if answered else refusal(choice),
        "annotations": url_citations(choice),
    }
    if not choice.plain:
        _more(answer, choice, message)
    if extra := extra_content(choice, question):
        message["extra_content"] = extra
    return {
        "index": choice.index,
        "message": message,
        "logprobs": None if choice.logprobs is None else {"content": logprobs(choice.logprobs), "refusal": None},
        "finish_reason": finish_reason(choice, legacy=question.legacy_functions),
    }


def _more(answer: Answer[ChatQuestion], choice: Choice, message: JsonObject) -> None:
    """What a message of nothing but text does not have."""
    question = answer.question
    if thoughts := [each.text for each in choice.events if isinstance(each, Thought)]:
        message["reasoning_content"] = "".join(thoughts)
    calls = choice.calls
    if calls and question.legacy_functions:
        message["function_call"] = function_call(calls[0])
        calls = calls[1:]
    if calls:
        message["tool_calls"] = [tool_call(each, question) for each in calls]
    if blobs := [each for each in choice.events if isinstance(each, Blob)]:
        message["images"] = [image(each, index) for index, each in enumerate(blobs)]
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
        "transcript": transcript(choice),
    }


def audio_id(answer: Answer[ChatQuestion], index: int) -> str:
    """It follows the completion's id."""
    return f"audio_{answer.head.id}_{index}" if index else f"audio_{answer.head.id}"


# ── what a stream's last chunks say too ───────────────────────────────────────────────────────────────


def content(choice: Choice) -> str | None:
    """The message's content: null where there is something else instead, "" where there is nothing."""
    if choice.has_text:
        return choice.text
    if finish_reason(choice) == "content_filter" or any(
        isinstance(each, Call | Blob | Speech) for each in choice.events
    ):
        return None
    return ""


def finish_reason(choice: Choice, *, legacy: bool = False) -> str:
    """`legacy`: a call is a `function_call`."""
    reason = FINISH.get(choice.finish_reason or "", "content_filter")
    if reason == "stop" and choice.calls:
        return "function_call" if legacy else "tool_calls"
    return reason


def refusal(choice: Choice) -> str | None:
    """Why nothing is there to read, in Gemini's words where it has any."""
    if choice.has_text or finish_reason(choice) != "content_filter":
        return None
    return choice.refusal("Gemini gave no answer")


def url_citations(choice: Choice) -> list[JsonObject]:
    if not choice.citations:
        return []
    return [
        {
            "type": "url_citation",
            "url_citation": {"start_index": each.start, "end_index": each.end, "url": each.url, "title": each.title},
        }
        for each in choice.citations
    ]


def extra_content(choice: Choice, question: ChatQuestion) -> JsonObject | None:
    """`{"google": {…}}`, or None when everything has a slot of its own."""
    if choice.plain and choice.finish_reason == "STOP" and not (choice.metadata or choice.prompt_feedback):
        return None
    google = google_extra(choice)
    parts = [] if choice.plain else _parts(choice, question)
    only = parts[0] if len(parts) == 1 else {}
    if set(only) == {"content_index", "thoughtSignature"} and only["content_index"] == choice.length:
        # One signature, at the end of the text: Google's own convention has a name for that.
        google["thought_signature"] = only["thoughtSignature"]
    elif parts:
        google["parts"] = [{"index": index, **part} for index, part in enumerate(parts)]
    return {"google": google} if google else None


def _parts(choice: Choice, question: ChatQuestion) -> list[JsonObject]:
    found: list[JsonObject] = []
    for event in choice.events:
        match event:
            case Signature():
                found.append({**_place(event.position, question), "thoughtSignature": event.value})
            case GooglePart():
                found.append({**_place(event.position, question), **event.part})
            case Speech() if event.transcription is not None:
                found.append({**_place(event.position, question), "audioTranscription": event.transcription})
            case Call(id="", signature=str()):
                found.append({**_place(event.position, question), "thoughtSignature": event.signature})
    return found


def _place(position: Position, question: ChatQuestion) -> dict[str, int]:
    calls = position.calls
    if calls and not question.legacy_functions:
        return {"content_index": position.text, "call_index": calls}
    return {"content_index": position.text}


def function_call(call: Call) -> JsonObject:
    """`function_call` of a request with `functions`."""
    return {"name": call.name, "arguments": _json.encode(call.args).decode()}


def tool_call(call: Call, question: ChatQuestion) -> JsonObject:
    """Without the `index` that it has in a chunk."""
    made: JsonObject
    if call.name in question.custom_tools:
        given = call.args.get("input")
        text = given if isinstance(given, str) and len(call.args) == 1 else _json.encode(call.args).decode()
        made = {"id": call.id, "type": "custom", "custom": {"name": call.name, "input": text}}
    else:
        made = {"id": call.id, "type": "function", "function": function_call(call)}
    if call.signature and question.inline_signatures:
        made["extra_content"] = {"google": {"thought_signature": call.signature}}
    return made


def image(blob: Blob, index: int) -> JsonObject:
    """`index`: among the images of its choice."""
    made: JsonObject = {
        "index": index,
        "type": "image_url",
        "image_url": {"url": behind_head(f"data:{blob.mime_type};base64,", blob.data)},
        "content_index": blob.position.text,
    }
    if blob.signature:
        made["extra_content"] = {"google": {"thought_signature": blob.signature}}
    return made


def transcript(choice: Choice) -> str:
    speech = [each.transcription for each in choice.events if isinstance(each, Speech) and each.transcription]
    return "".join(each.get("text") or "" for each in speech)


def chat_usage(counts: Counts, dollars: float | None = None) -> JsonObject:
    """So that it adds up; an answer without counts has zeros. `prompt_tokens` holds the prompt and what Google's tools
    put into it, `completion_tokens` the answer and the thoughts; `total_tokens` is their sum. Details never exceed what
    they are a part of, and are never negative. `dollars`: what it cost, a field beside OpenAI's where it is shown."""
    prompt = counts.prompt + counts.tools
    completion = counts.answer + counts.thoughts
    cached = counts.cached
    prompt_details = {"cached_tokens": cached if cached < prompt else prompt, "audio_tokens": 0}
    completion_details = {
        "reasoning_tokens": counts.thoughts,
        "audio_tokens": 0,
        "accepted_prediction_tokens": 0,
        "rejected_prediction_tokens": 0,
    }
    if counts.prompt_by:
        _add(prompt_details, counts.prompt_by, prompt)
    if counts.tools_by:
        _add(prompt_details, counts.tools_by, prompt)
    if counts.answer_by:
        _add(completion_details, counts.answer_by, completion)
    usage: JsonObject = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": prompt_details,
        "completion_tokens_details": completion_details,
    }
    if dollars is not None:
        usage["cost"] = dollars
    return usage


def _add(details: dict[str, int], by_modality: Mapping[str, int], most: int) -> None:
    for modality, count in by_modality.items():
        name = _DETAIL.get(modality)
        if name is not None:
            count += details.get(name, 0)
            details[name] = count if count < most else most


def service_tier(google: str | None) -> str:
    """The tier that served, in OpenAI's names; `default` when Gemini does not say."""
    return TIERS.get((google or "").lower(), "default")
