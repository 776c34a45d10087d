"""The one fold: Gemini's replies, streamed or whole → events, and an answer that is whole at the end.

A whole reply is a stream of one object. Ids and times are given, never made here. The choices' ends come in `end()`,
because Gemini may go on after a finishReason (tools that it runs).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic

from liftgate.answer import gemini_json as upstream
from liftgate.answer.choice import BROKEN, Answer, Choice, Head, Q
from liftgate.answer.citations import read_citations
from liftgate.answer.events import Counted, Ended, Event, Text
from liftgate.answer.logprobs import token_logprobs
from liftgate.answer.parts import PartReader
from liftgate.errors import UpstreamAnswerBroken, UpstreamDisconnected, shortened
from liftgate.json_types import JsonObject

MAX_CHOICES = 128
_PLAIN = frozenset({"content", "index"})


class AnswerFold(Generic[Q]):
    """Feed it each GenerateContentResponse in order, then `end()` it. `new_call_id` gives the ids of function calls."""

    def __init__(self, head: Head, question: Q, *, new_call_id: Callable[[], str]) -> None:
        self.answer = Answer(head, question)
        self._choices = self.answer.choices
        self._begun = False
        self._parts = PartReader(question, new_call_id=new_call_id)

    def feed(self, chunk: Mapping[str, Any]) -> list[Event]:
        """The events that one upstream object brings. Raises UpstreamProtocolError for what is not of the contract."""
        if type(chunk) is not dict:
            raise upstream.wrong("its root", "an object", chunk)
        if not self._begun:
            self._begin(chunk)
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
            self.answer.usage = usage
        if "promptFeedback" in chunk:
            self._feedback(chunk)
        return events

    def check_unbroken(self) -> None:
        """Raises UpstreamAnswerBroken when Gemini has given a choice up for a reason that lies in no content."""
        for choice in self._choices.values():
            if choice.finish_reason in BROKEN:
                why = f": {shortened(choice.finish_message)}" if choice.finish_message else "."
                raise UpstreamAnswerBroken(f"Gemini gave its answer up ({choice.finish_reason}){why}")

    def take_signatures(self) -> list[tuple[str, str]]:
        """(call id, base64 signature) of the calls since the last time; to be stored before the ids go out."""
        taken, self._parts.signatures = self._parts.signatures, []
        return taken

    def end(self, *, whole: bool = False) -> list[Event]:
        """The last events: each choice's end, and the counts.

        `whole`: one JSON text was the answer, so nothing can have broken off: content without a reason to end is taken
        as it stands. Raises UpstreamDisconnected for a choice of a stream that has no end, for one that says nothing,
        and when there is none at all. Raises UpstreamProtocolError, and what `check_unbroken` does.
        """
        self.check_unbroken()
        if not self._choices:
            raise UpstreamDisconnected("Gemini's answer ended without a candidate.")
        events: list[Event] = []
        for choice in self.answer.in_order():
            if choice.finish_reason is None and whole and choice.says_something:
                choice.finish_reason = "STOP"
            if choice.finish_reason is None and not choice.blocked:
                raise UpstreamDisconnected("Gemini's answer broke off before its end.")
            if choice.metadata:
                _cite(choice)
            events.append(Ended(choice.index, choice.finish_reason, choice.finish_message))
        events.append(Counted(self.answer.usage))
        return events

    def _begin(self, chunk: JsonObject) -> None:
        self._begun = True
        self.answer.model_version = upstream.string(chunk, "modelVersion", "its root")
        if usage := upstream.mapping(chunk, "usageMetadata", "its root"):
            self.answer.service_tier = upstream.string(usage, "serviceTier", "usageMetadata")

    def _candidate(self, candidate: JsonObject, place: int, events: list[Event]) -> None:
        index = candidate.get("index") or 0
        choice = self._choices.get(index) if type(index) is int else None
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
                        choice.part_starts.append(choice.length)
                        if text:
                            event = Text(choice.index, text, logprobs)
                            logprobs = None
                            choice.length += len(text)
                            choice.events.append(event)
                            events.append(event)
                    else:
                        at = f"candidates[{place}].content.parts[{number}]"
                        self._parts.take(choice, part, at, events)
        if logprobs:
            event = Text(choice.index, "", logprobs)
            choice.events.append(event)
            events.append(event)

    def _new_choice(self, candidate: JsonObject, place: int) -> Choice:
        index = upstream.count(candidate, "index", f"candidates[{place}]")
        if index >= MAX_CHOICES:
            raise upstream.wrong(f"candidates[{place}].index", f"a number below {MAX_CHOICES}", index)
        if index not in self._choices:
            self._choices[index] = Choice(index)
        return self._choices[index]

    def _feedback(self, chunk: JsonObject) -> None:
        feedback = upstream.mapping(chunk, "promptFeedback", "its root")
        if not feedback:
            return
        choice = self._choices.setdefault(0, Choice(0))
        choice.prompt_feedback = feedback
        reason = upstream.string(feedback, "blockReason", "promptFeedback")
        upstream.string(feedback, "blockReasonMessage", "promptFeedback")
        choice.blocked = choice.blocked or bool(reason)


def _cite(choice: Choice) -> None:
    grounding, cited = choice.metadata.get("groundingMetadata"), choice.metadata.get("citationMetadata")
    if grounding or cited:
        place = f"candidates[{choice.index}]"
        choice.citations = read_citations(choice.text, choice.part_starts, grounding, cited, place)
