"""The one fold: Gemini's replies, streamed or whole → events and, at the end, one completion.

A whole reply is a stream of one object. Ids and times are given, never made here, but for the audio's, which
follows the completion's. The choices' ends are said in `end()`, because Gemini may go on after a finishReason
(tools that it runs).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from liftgate.answer import gemini_json as upstream
from liftgate.answer.choice import BROKEN, Choice
from liftgate.answer.events import Closing, Event, Finish, Usage
from liftgate.answer.logprobs import token_logprobs
from liftgate.answer.parts import PartReader
from liftgate.dialects.chat.question import ChatQuestion
from liftgate.dialects.chat.usage import chat_usage, service_tier
from liftgate.errors import UpstreamAnswerBroken, UpstreamDisconnected, shortened

__all__ = ["AnswerFold", "Event", "completion"]

MAX_CHOICES = 128
_PLAIN = frozenset({"content", "index"})


class AnswerFold:
    """Feed it each GenerateContentResponse in order, then `end()` it.

    `created`: unix seconds. `model`: the public name. `new_call_id` gives the ids of tool calls.
    `inline_signatures` puts thought signatures on the calls themselves, for callers who keep no store.
    """

    def __init__(
        self,
        translation: ChatQuestion,
        *,
        completion_id: str,
        created: int,
        model: str,
        new_call_id: Callable[[], str],
        inline_signatures: bool = False,
    ) -> None:
        self.translation = translation
        self.completion_id = completion_id
        self.created = created
        self.model = model
        self.service_tier = "default"
        self.system_fingerprint: str | None = None
        self.choices: dict[int, Choice] = {}
        self.usage_metadata: dict[str, Any] = {}
        self._heard = False
        self._parts = PartReader(
            translation,
            completion_id=completion_id,
            created=created,
            new_call_id=new_call_id,
            inline_signatures=inline_signatures,
        )

    def feed(self, chunk: Mapping[str, Any]) -> list[Event]:
        """The events that one upstream object brings. Raises UpstreamProtocolError for what is not of the contract."""
        if type(chunk) is not dict:
            raise upstream.wrong("its root", "an object", chunk)
        if not self._heard:
            self._first(chunk)
        events: list[Event] = []
        candidates = chunk.get("candidates")
        if candidates is not None:
            if type(candidates) is not list:
                raise upstream.wrong("candidates", "an array", candidates)
            for place, candidate in enumerate(candidates):
                if type(candidate) is not dict:
                    raise upstream.wrong(f"candidates[{place}]", "an object", candidate)
                self._candidate(candidate, place, events)
        usage = chunk.get("usageMetadata")
        if usage is not None:
            if type(usage) is not dict:
                raise upstream.wrong("usageMetadata", "an object", usage)
            self.usage_metadata = usage
        if "promptFeedback" in chunk:
            self._feedback(chunk)
        return events

    def check_unbroken(self) -> None:
        """Raises UpstreamAnswerBroken when Gemini has given a choice up for a reason that lies in no content."""
        for choice in self.choices.values():
            if choice.native_finish in BROKEN:
                said = f": {shortened(choice.finish_message)}" if choice.finish_message else "."
                raise UpstreamAnswerBroken(f"Gemini gave its answer up ({choice.native_finish}){said}")

    def _first(self, chunk: dict[str, Any]) -> None:
        self._heard = True
        self.system_fingerprint = upstream.string(chunk, "modelVersion", "its root")
        usage = upstream.mapping(chunk, "usageMetadata", "its root")
        if usage:
            self.service_tier = service_tier(usage)

    def _candidate(self, candidate: dict[str, Any], place: int, events: list[Event]) -> None:
        index = candidate.get("index") or 0
        choice = self.choices.get(index) if type(index) is int else None
        if choice is None:
            choice = self._new_choice(candidate, place)
        content = candidate.get("content")
        more = not _PLAIN.issuperset(candidate)
        if more:
            choice.take_metadata(candidate, f"candidates[{place}]")
        logprobs = candidate.get("logprobsResult") if more else None
        if logprobs is not None:
            found = upstream.mapping(candidate, "logprobsResult", f"candidates[{place}]") or {}
            logprobs = token_logprobs(found, f"candidates[{place}].logprobsResult")
            choice.logprobs = choice.logprobs or []
            choice.logprobs += logprobs
        if content is not None:
            if type(content) is not dict:
                raise upstream.wrong(f"candidates[{place}].content", "an object", content)
            parts = content.get("parts")
            if parts is not None:
                if type(parts) is not list:
                    raise upstream.wrong(f"candidates[{place}].content.parts", "an array", parts)
                for number, part in enumerate(parts):
                    if type(part) is dict and len(part) == 1 and type(text := part.get("text")) is str:
                        if text:
                            choice.say(text, logprobs, events)
                            logprobs = None
                        choice.part_starts.append(choice.length - len(text))
                    else:
                        at = f"candidates[{place}].content.parts[{number}]"
                        self._parts.take(choice, part, at, events)
        if logprobs:
            choice.say("", logprobs, events)

    def _new_choice(self, candidate: dict[str, Any], place: int) -> Choice:
        index = upstream.count(candidate, "index", f"candidates[{place}]")
        if index >= MAX_CHOICES:
            raise upstream.wrong(f"candidates[{place}].index", f"a number below {MAX_CHOICES}", index)
        if index not in self.choices:
            self.choices[index] = Choice(index)
        return self.choices[index]

    def take_signatures(self) -> list[tuple[str, str]]:
        """(tool call id, base64 signature) seen since the last call; to be stored before the ids go out."""
        taken, self._parts.signatures = self._parts.signatures, []
        return taken

    def _feedback(self, chunk: dict[str, Any]) -> None:
        feedback = upstream.mapping(chunk, "promptFeedback", "its root")
        if not feedback:
            return
        choice = self.choices.setdefault(0, Choice(0))
        choice.prompt_feedback = feedback
        reason = upstream.string(feedback, "blockReason", "promptFeedback")
        upstream.string(feedback, "blockReasonMessage", "promptFeedback")
        choice.blocked = choice.blocked or bool(reason)

    def end(self) -> list[Event]:
        """The last events: what closes each choice, its end, and the usage where it was asked for.

        Raises UpstreamDisconnected when a choice has no end, or when there is none at all: a cut answer is never whole.
        Raises what `check_unbroken` does.
        """
        self.check_unbroken()
        if not self.choices:
            raise UpstreamDisconnected("Gemini's answer ended without a candidate.")
        events: list[Event] = []
        for _, choice in sorted(self.choices.items()):
            if choice.native_finish is None and not choice.blocked:
                raise UpstreamDisconnected("Gemini's answer broke off before its end.")
            if delta := self._closing(choice, events):
                choice.start(events, text=choice.content == "")
                events.append(Closing(choice.index, delta))
            if not choice.started:
                choice.start(events, text=choice.content == "")
            events.append(Finish(choice.index, choice.finish_reason))
        if self.translation.include_usage:
            events.append(Usage(chat_usage(self.usage_metadata)))
        return events

    def _closing(self, choice: Choice, events: list[Event]) -> dict[str, Any]:
        delta: dict[str, Any] = {}
        if choice.pcm:
            self._parts.flush_audio(choice, events, last=True)
        if choice.started and not choice.text and choice.content == "":
            delta["content"] = ""
        if (refusal := choice.refusal) is not None:
            delta["refusal"] = refusal
        if annotations := choice.annotations():
            delta["annotations"] = annotations
        if extra := choice.extra_content():
            delta["extra_content"] = extra
        return delta


def completion(fold: AnswerFold) -> dict[str, Any]:
    """The `chat.completion` object of a fold whose `end()` was called."""
    body: dict[str, Any] = {
        "id": fold.completion_id,
        "object": "chat.completion",
        "created": fold.created,
        "model": fold.model,
        "choices": [_choice(fold, choice) for _, choice in sorted(fold.choices.items())],
        "usage": chat_usage(fold.usage_metadata),
        "service_tier": fold.service_tier,
    }
    if fold.system_fingerprint is not None:
        body["system_fingerprint"] = fold.system_fingerprint
    return body


def _choice(fold: AnswerFold, choice: Choice) -> dict[str, Any]:
    message: dict[str, Any] = {
        "role": "assistant",
        "content": choice.content,
        "refusal": choice.refusal,
        "annotations": choice.annotations(),
    }
    if choice.reasoning:
        message["reasoning_content"] = "".join(choice.reasoning)
    if choice.legacy_call is not None:
        message["function_call"] = choice.legacy_call
    if choice.calls:
        message["tool_calls"] = choice.calls
    if choice.images:
        message["images"] = choice.images
    if choice.pcm:
        message["audio"] = choice.audio_message(fold.translation.audio_format, fold.created)
    if extra := choice.extra_content():
        message["extra_content"] = extra
    logprobs = None if choice.logprobs is None else {"content": choice.logprobs, "refusal": None}
    return {
        "index": choice.index,
        "message": message,
        "logprobs": logprobs,
        "finish_reason": choice.finish_reason,
    }
