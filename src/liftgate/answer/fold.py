"""The one fold: Gemini's replies, streamed or whole → events, and an answer that is whole at the end.

A whole reply is a stream of one object. Ids and times are given, never made here. The choices' ends come in `end()`,
because Gemini may go on after a finishReason (tools that it runs). A part that has no neutral value stays as Gemini
wrote it, at its position among the others, so that it can be sent back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic

from liftgate import gemini_json as upstream
from liftgate.answer import audio
from liftgate.answer.choice import BROKEN, Answer, Asked, Choice, Head, Q
from liftgate.answer.events import (
    Blob,
    Call,
    ChoiceEvent,
    Counted,
    Ended,
    Event,
    GooglePart,
    Signature,
    Speech,
    Text,
    Thought,
)
from liftgate.answer.logprobs import token_logprobs
from liftgate.errors import UpstreamAnswerBroken, UpstreamDisconnected, shortened
from liftgate.json_types import JsonMapping, JsonObject
from liftgate.large_bodies import Body

MAX_CHOICES = 128
TRIES = 3
"""After so many events that were not plain, no more of a stream's are taken to be."""
_PLAIN = frozenset({"content", "index"})


class AnswerFold(Generic[Q]):
    """Feed it each GenerateContentResponse in order, then `end()` it. `new_call_id` gives the ids of function calls.

    Of a `large` question the body is not kept: Gemini has it, and a stream of minutes need not. Its answer is large,
    too, as far as it repeats what was asked.
    """

    def __init__(self, head: Head, question: Q, new_call_id: Callable[[], str], large: bool = False) -> None:
        asked = question.without_body() if large else question
        self.answer = Answer(head, asked)
        self.answer.large = large
        self._choices = self.answer.choices
        self._begun = False
        self._tries = TRIES
        self._uncounted: Body | None = None
        self._new_call_id = new_call_id
        self._parts: PartReader | None = None  # an answer of texts needs none

    def feed(self, chunk: JsonMapping) -> list[Event]:
        """The events that one upstream object brings. Raises UpstreamProtocolError for what is not of the contract."""
        if type(chunk) is not dict:
            raise upstream.wrong("its root", "an object", chunk)
        if not self._begun:
            self._begin(chunk)
        events: list[Event] = []
        if (candidates := chunk.get("candidates")) is not None:
            if type(candidates) is not list:
                raise upstream.wrong("candidates", "an array", candidates)
            place = 0
            for candidate in candidates:
                if type(candidate) is not dict:
                    raise upstream.wrong(f"candidates[{place}]", "an object", candidate)
                self._candidate(candidate, place, events)
                place += 1  # noqa: SIM113 - for the few that there are, an `enumerate` costs more
        usage = chunk.get("usageMetadata")
        if usage is not None:
            if type(usage) is not dict:
                raise upstream.wrong("usageMetadata", "an object", usage)
            self.answer.usage = usage
            self._uncounted = None
            if not self.answer.response_id:
                self.answer.take_names(chunk)
        if "promptFeedback" in chunk:
            self._feedback(chunk)
        return events

    def feed_events(self, batch: Sequence[Body]) -> list[Event]:
        """As `feed`, of several as they came. What plain ones count is read later (`read_counts`)."""
        events: list[Event] = []
        at = 0
        while at < len(batch):
            if self._tries and self.answer.response_id:
                if parts := upstream.plain_parts(batch[at:]):
                    self._take_plain(parts, events)
                    at += len(parts)
                    self._uncounted = batch[at - 1]
                    continue
                self._tries -= 1
            events += self.feed(upstream.decoded(batch[at]))
            at += 1
        return events

    def _take_plain(self, parts: Sequence[upstream.PlainPart], events: list[Event]) -> None:
        choice = self._choices.get(0) or self._new_choice({}, 0)
        length, starts = choice.length, choice.part_starts
        found: list[ChoiceEvent] = []
        for part in parts:
            starts.append(length)
            if part.thought:
                choice.plain = False
                found.append(Thought(0, part.text))
            else:
                length += len(part.text)
                found.append(Text(0, part.text))
        choice.length = length
        choice.events += found
        events += found

    def read_counts(self) -> None:
        """Takes what the latest event counted."""
        if self._uncounted is None:
            return
        chunk = upstream.decoded_or_none(self._uncounted)
        self._uncounted = None
        if chunk is not None:
            self.answer.usage = chunk["usageMetadata"]

    def check_unbroken(self) -> None:
        """Raises UpstreamAnswerBroken when Gemini has given a choice up for a reason that lies in no content."""
        for choice in self._choices.values():
            native = choice.finish_reason
            if native in BROKEN or (native == "OTHER" and self.answer.question.fails_on_other):
                why = f": {shortened(choice.finish_message)}" if choice.finish_message else "."
                raise UpstreamAnswerBroken(f"Gemini gave its answer up ({native}){why}")

    def take_signatures(self) -> list[tuple[str, str]]:
        """(call id, base64 signature) of the calls since the last time; to be stored before the ids go out."""
        parts = self._parts
        if parts is None or not parts.signatures:
            return []
        taken, parts.signatures = parts.signatures, []
        return taken

    def end(self, *, whole: bool = False) -> list[Event]:
        """The last events: each choice's end, and the counts.

        `whole`: one JSON text was the answer, so nothing can have broken off: content without a reason to end is taken
        as it stands. Raises UpstreamDisconnected for a choice of a stream that has no end, for one that says nothing,
        and when there is none at all. Raises UpstreamProtocolError, and what `check_unbroken` does.
        """
        self.read_counts()
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
                choice.cite()
            events.append(Ended(choice.index, choice.finish_reason, choice.finish_message))
        events.append(Counted(self.answer.usage))
        return events

    def end_whole(self) -> None:
        """The end of an answer that came in one piece. Raises what is wrong with all of it, its counts included."""
        self.end(whole=True)
        self.answer.count()

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
                number = 0
                for part in parts:
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
                        self._reader().take(choice, part, at, events)
                    number += 1  # noqa: SIM113 - as above
        if logprobs:
            event = Text(choice.index, "", logprobs)
            choice.events.append(event)
            events.append(event)

    def _reader(self) -> PartReader:
        if self._parts is None:
            self._parts = PartReader(self.answer.question, self._new_call_id)
        return self._parts

    def _new_choice(self, candidate: JsonObject, place: int) -> Choice:
        index = upstream.count(candidate, "index", f"candidates[{place}]")
        if index >= MAX_CHOICES:
            raise upstream.wrong(f"candidates[{place}].index", f"a number below {MAX_CHOICES}", index)
        if index not in self._choices:
            self._choices[index] = Choice(index)
        return self._choices[index]

    def _feedback(self, chunk: JsonObject) -> None:
        if feedback := upstream.mapping(chunk, "promptFeedback", "its root"):
            self._choices.setdefault(0, Choice(0)).take_feedback(feedback)


class PartReader:
    """Reads one answer's parts into its choices. `signatures` gathers (call id, signature) as they come."""

    def __init__(self, question: Asked, new_call_id: Callable[[], str]) -> None:
        self._question = question
        self._new_call_id = new_call_id
        self.signatures: list[tuple[str, str]] = []

    def take(self, choice: Choice, part: object, place: str, events: list[Event]) -> None:
        """One part into the choice, and its events."""
        if type(part) is not dict:
            raise upstream.wrong(place, "an object", part)
        choice.part_starts.append(choice.length)
        signature = upstream.string(part, "thoughtSignature", place)
        text = upstream.string(part, "text", place)
        if text is not None:
            if part.get("thought") is True:
                if text:
                    _add(choice, Thought(choice.index, text), events)
            elif text:
                choice.length += len(text)
                _add(choice, Text(choice.index, text), events)
        elif (call := upstream.mapping(part, "functionCall", place)) is not None:
            self._call(choice, part, call, f"{place}.functionCall", events)
            return
        elif (blob := upstream.mapping(part, "inlineData", place)) is not None:
            self._blob(choice, part, blob, place, events)
            return
        elif any(value is not None for key, value in part.items() if key not in ("thought", "thoughtSignature")):
            _keep(choice, {key: value for key, value in part.items() if value is not None}, events)
            return
        if signature:
            _add(choice, Signature(choice.index, signature, choice.position), events)

    def _call(self, choice: Choice, part: JsonObject, called: JsonObject, place: str, events: list[Event]) -> None:
        name = upstream.string(called, "name", place)
        if not name:
            raise upstream.wrong(f"{place}.name", "a function's name", called.get("name"))
        args = upstream.mapping(called, "args", place) or {}
        signature: str | None = part.get("thoughtSignature")
        question = self._question
        if (json_call := question.json_call) is not None and name == json_call.name:
            if not choice.has_text:  # a second answer would make no JSON of the first
                text = json_call.content(args)
                choice.length += len(text)
                _add(choice, Text(choice.index, text), events)
            return
        name = question.client_names.get(name, name)
        if question.mcp and name not in question.function_names:
            _keep(choice, part, events)  # Google called its MCP server itself; the client must not call it again
            return
        if question.one_call and choice.calls:
            choice.left_out.append(name)
            return
        call_id = self._new_call_id() if question.call_ids or choice.calls else ""
        if signature and call_id:
            self.signatures.append((call_id, signature))
        call = Call(choice.index, name, args, call_id, choice.position, signature or None)
        choice.calls.append(call)
        _add(choice, call, events)

    def _blob(self, choice: Choice, part: JsonObject, blob: JsonObject, place: str, events: list[Event]) -> None:
        mime_type = upstream.string(blob, "mimeType", f"{place}.inlineData") or ""
        data = upstream.string(blob, "data", f"{place}.inlineData") or ""
        signature: str | None = part.get("thoughtSignature")
        if part.get("thought") is True:
            _keep(choice, part, events)  # a draft that the model made for itself
        elif mime_type.startswith("image/"):
            _add(choice, Blob(choice.index, mime_type, data, choice.position, signature or None), events)
        elif audio.is_pcm(mime_type):
            pcm = audio.pcm_bytes(data, f"{place}.inlineData.data")
            transcription = upstream.mapping(part, "audioTranscription", "audioTranscription")
            if transcription is not None:
                upstream.string(transcription, "text", "audioTranscription")
            rate, channels = audio.form_of(mime_type)
            _add(choice, Speech(choice.index, pcm, rate, channels, choice.position, transcription), events)
            if signature:
                _add(choice, Signature(choice.index, signature, choice.position), events)
        else:
            _keep(choice, part, events)


def _add(choice: Choice, event: ChoiceEvent, events: list[Event]) -> None:
    choice.events.append(event)
    events.append(event)
    choice.plain = choice.plain and type(event) is Text


def _keep(choice: Choice, part: JsonObject, events: list[Event]) -> None:
    _add(choice, GooglePart(choice.index, part, choice.position), events)
