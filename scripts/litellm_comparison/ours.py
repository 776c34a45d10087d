"""The same cases through Liftgate's translator: what would be sent, and what is given or raised."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from litellm_comparison.cases import URI
from litellm_comparison.replies import candidate, reply, text

from liftgate.answer.choice import Head
from liftgate.answer.fold import AnswerFold
from liftgate.ask.builder import Ask
from liftgate.ask.media import ResolvedFile
from liftgate.ask.model_facts import facts_for
from liftgate.dialects.chat.chunks import ChunkWriter
from liftgate.dialects.chat.completion import completion
from liftgate.dialects.chat.media import find_media
from liftgate.dialects.chat.question import ChatQuestion
from liftgate.dialects.chat.request import read_chat
from liftgate.dialects.messages.dialect import MESSAGES
from liftgate.dialects.openai_errors import error_body
from liftgate.errors import LiftgateError
from liftgate.gemini.status import error_of, event_error
from liftgate.sealing import seal_of
from liftgate.sse import EventDecoder


def run(case: dict[str, Any]) -> dict[str, Any]:
    """`sent`, and `answer` or `chunks` or `error`. A file by its id is at the account, by its record a WAV."""
    request = case["request"]
    found: dict[str, Any] = {"sent": None}
    if case.get("api") == "messages":
        return _run_messages(case, found)
    try:
        needs = find_media(request, inline_limit=10**7).needs
        files = {need.param: ResolvedFile(need.mime_type or "audio/wav", uri=URI) for need in needs}
        translation = read_chat(request, Ask(facts_for(request["model"]), files))
        found["sent"] = json.loads(json.dumps(translation.body))
        _answer(case, translation, found)
    except LiftgateError as error:
        found["error"] = {
            "class": type(error).__name__,
            "status": error.http_status,
            "retry_after": error.retry_after,
            **error_body(error)["error"],
        }
    return found


def _run_messages(case: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """As `run`; `answer` or `events` in Anthropic's form."""
    request = case["request"]
    seal = seal_of(b"comparison" * 4, "owner")
    try:
        media = MESSAGES.media(request, inline_limit=10**7)
        files = {need.param: ResolvedFile("audio/wav", uri=URI) for need in media.needs}
        question = MESSAGES.read(request, Ask(facts_for(request["model"]), files, media=media.read, seal=lambda: seal))
        found["sent"] = json.loads(json.dumps(question.body))
        fold = AnswerFold(Head("1", request["model"], 1), question, new_call_id=lambda: "toolu_1")
        replies = case.get("chunks") or [case.get("reply") or reply(candidate(text("ok")))]
        if not request.get("stream"):
            for each in replies:
                fold.feed(each)
            fold.end(whole=True)
            found["answer"] = json.loads(json.dumps(MESSAGES.whole(fold.answer)))
            return found
        encoder = MESSAGES.encoder(fold.answer.head, request)
        events = [event for each in replies for event in fold.feed(each)]
        encoder.begin(fold.answer)
        frames = bytes(encoder.encode([*events, *fold.end()]))
        found["events"] = [json.loads(data) for data in EventDecoder().feed(frames)]
    except LiftgateError as error:
        found["error"] = {"class": type(error).__name__, "status": error.http_status}
    return found


def _answer(case: dict[str, Any], translation: ChatQuestion, found: dict[str, Any]) -> None:
    fold = AnswerFold(
        Head("1", case["request"]["model"], 1),
        msgspec.structs.replace(translation, inline_signatures=True),
        new_call_id=lambda: "call_1",
    )
    if case.get("status", 200) != 200:
        raise error_of(case["status"], {}, json.dumps(case["reply"]).encode(), names_file=False)
    if "chunks" not in case:
        fold.feed(case.get("reply") or reply(candidate(text("ok"))))
        fold.end(whole=True)
        found["answer"] = completion(fold.answer)
        return
    writer = ChunkWriter(fold.answer)
    found["chunks"] = []
    for chunk in case["chunks"]:
        if error := event_error(json.dumps(chunk).encode(), names_file=False):
            raise error
        found["chunks"] += writer.chunks(fold.feed(chunk))
    found["chunks"] += writer.chunks(fold.end())
