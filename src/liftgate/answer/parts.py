"""The parts of an answer that are more than plain text: thoughts, calls, media, and what Google's own tools did.

What has no neutral value stays as Gemini wrote it, at its position among the others, so that it can be sent back.
"""

from __future__ import annotations

from collections.abc import Callable

from liftgate.answer import audio
from liftgate.answer import gemini_json as upstream
from liftgate.answer.choice import Asked, Choice
from liftgate.answer.events import (
    Blob,
    Call,
    ChoiceEvent,
    Event,
    GooglePart,
    Signature,
    Speech,
    Text,
    Thought,
)
from liftgate.json_types import JsonObject


class PartReader:
    """Reads one answer's parts into its choices. `signatures` gathers (call id, signature) as they come."""

    def __init__(self, question: Asked, *, new_call_id: Callable[[], str]) -> None:
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
