"""The parts of an answer that are more than plain text: thoughts, calls, media, and what Google's own tools did.

What OpenAI's message has no slot for stays whole in extra_content.google.parts, at the place in the content where it
stood (`content_index`, in characters; `call_index`, behind so many calls), so that it can be sent back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from liftgate.answer import audio
from liftgate.answer import gemini_json as upstream
from liftgate.answer.choice import Choice
from liftgate.answer.events import AudioDelta, Event, ImageDelta, LegacyCall, ReasoningDelta, ToolCall
from liftgate.dialects.chat.question import ChatQuestion

_json = msgspec.json.Encoder()
ALIGNED = 6
"""Audio goes out in whole samples and whole base64 groups, so that pieces decode alone and joined."""


class PartReader:
    """Reads one answer's parts into its choices. `signatures` gathers (tool call id, signature) as they come."""

    def __init__(
        self,
        translation: ChatQuestion,
        *,
        completion_id: str,
        created: int,
        new_call_id: Callable[[], str],
        inline_signatures: bool,
    ) -> None:
        self._translation = translation
        self._completion_id = completion_id
        self._created = created
        self._new_call_id = new_call_id
        self._inline_signatures = inline_signatures
        self.signatures: list[tuple[str, str]] = []

    def take(self, choice: Choice, part: object, place: str, events: list[Event]) -> None:
        """One part into the choice, and its event."""
        if type(part) is not dict:
            raise upstream.wrong(place, "an object", part)
        choice.part_starts.append(choice.length)
        signature = upstream.string(part, "thoughtSignature", place)
        text = upstream.string(part, "text", place)
        if text is not None:
            self._text(choice, part, text, events)
        elif (call := upstream.mapping(part, "functionCall", place)) is not None:
            self._call(choice, part, call, f"{place}.functionCall", events)
            return
        elif (blob := upstream.mapping(part, "inlineData", place)) is not None:
            self._blob(choice, part, blob, place, events)
            return
        elif any(value is not None for key, value in part.items() if key not in ("thought", "thoughtSignature")):
            _keep(choice, {key: value for key, value in part.items() if value is not None})
            return
        if signature:
            _keep(choice, {"thoughtSignature": signature})

    def _text(self, choice: Choice, part: dict[str, Any], text: str, events: list[Event]) -> None:
        if part.get("thought") is True:
            if text:
                choice.start(events)
                choice.reasoning.append(text)
                events.append(ReasoningDelta(choice.index, text))
        elif text:
            choice.say(text, None, events)

    def _call(
        self, choice: Choice, part: dict[str, Any], called: dict[str, Any], place: str, events: list[Event]
    ) -> None:
        name = upstream.string(called, "name", place)
        if not name:
            raise upstream.wrong(f"{place}.name", "a function's name", called.get("name"))
        args = upstream.mapping(called, "args", place) or {}
        signature: str | None = part.get("thoughtSignature")
        translation = self._translation
        if (json_call := translation.json_call) is not None and name == json_call.name:
            if not choice.text:  # a second answer would make no JSON of the first
                choice.say(json_call.content(args), None, events)
            return
        name = translation.client_names.get(name, name)
        if translation.mcp and name not in translation.function_names:
            _keep(choice, part)  # Google called its MCP server itself; the client must not call it again
            return
        if translation.one_call and (choice.calls or choice.legacy_call):
            choice.left_out.append(name)
            return
        choice.start(events)
        if translation.legacy_functions and choice.legacy_call is None and not choice.calls:
            choice.legacy_call = {"name": name, "arguments": _json.encode(args).decode()}
            if signature:
                _keep(choice, {"thoughtSignature": signature})
            events.append(LegacyCall(choice.index, choice.legacy_call))
            return
        call_id = self._new_call_id()
        call = _custom(call_id, name, args) if name in translation.custom_tools else _function(call_id, name, args)
        if signature:
            self.signatures.append((call_id, signature))
            if self._inline_signatures:
                call["extra_content"] = {"google": {"thought_signature": signature}}
        choice.calls.append(call)
        events.append(ToolCall(choice.index, len(choice.calls) - 1, call))

    def _blob(
        self, choice: Choice, part: dict[str, Any], blob: dict[str, Any], place: str, events: list[Event]
    ) -> None:
        mime_type = upstream.string(blob, "mimeType", f"{place}.inlineData") or ""
        data = upstream.string(blob, "data", f"{place}.inlineData") or ""
        signature: str | None = part.get("thoughtSignature")
        if part.get("thought") is True:
            _keep(choice, part)  # a draft that the model made for itself
        elif mime_type.startswith("image/"):
            image: dict[str, Any] = {
                "index": len(choice.images),
                "type": "image_url",
                "image_url": {"url": f"data:{mime_type};base64,{data}"},
                "content_index": choice.length,
            }
            if signature:
                image["extra_content"] = {"google": {"thought_signature": signature}}
            choice.images.append(image)
            choice.start(events)
            events.append(ImageDelta(choice.index, image))
        elif audio.is_pcm(mime_type):
            if not choice.pcm:
                choice.audio_form = audio.form_of(mime_type)
            self._audio(choice, part, audio.pcm_bytes(data, f"{place}.inlineData.data"), events)
            if signature:
                _keep(choice, {"thoughtSignature": signature})
        else:
            _keep(choice, part)

    def _audio(self, choice: Choice, part: dict[str, Any], pcm: bytes, events: list[Event]) -> None:
        if not choice.pcm:
            number = f"_{choice.index}" if choice.index else ""
            choice.audio_id = "audio_" + self._completion_id.removeprefix("chatcmpl-") + number
        choice.pcm.append(pcm)
        choice.pcm_bytes += len(pcm)
        transcription = upstream.mapping(part, "audioTranscription", "audioTranscription")
        if transcription is not None:
            choice.transcript.append(upstream.string(transcription, "text", "audioTranscription") or "")
            _keep(choice, {"audioTranscription": transcription})
        choice.start(events)
        self.flush_audio(choice, events, last=False)

    def flush_audio(self, choice: Choice, events: list[Event], *, last: bool) -> None:
        """The audio that has not gone out yet, but for an incomplete group before the end. Only streams need it."""
        if not self._translation.stream:
            return
        waiting = choice.pcm_bytes - choice.audio_out
        size = waiting if last else waiting - waiting % ALIGNED
        delta: dict[str, Any] = {}
        if not choice.audio_said:
            choice.audio_said = True
            delta = {"id": choice.audio_id, "expires_at": self._created}
        if size:
            delta["data"] = audio.encode(_tail(choice.pcm, waiting)[:size])
            choice.audio_out += size
        if last:
            delta["transcript"] = "".join(choice.transcript)
        if delta:
            events.append(AudioDelta(choice.index, delta))


def _keep(choice: Choice, part: dict[str, Any]) -> None:
    place = {"content_index": choice.length}
    if choice.calls:
        place["call_index"] = len(choice.calls)
    choice.parts.append({**place, **part})


def _function(call_id: str, name: str, args: dict[str, Any]) -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": _json.encode(args).decode()}}


def _custom(call_id: str, name: str, args: dict[str, Any]) -> dict[str, Any]:
    said = args.get("input")
    text = said if isinstance(said, str) and len(args) == 1 else _json.encode(args).decode()
    return {"id": call_id, "type": "custom", "custom": {"name": name, "input": text}}


def _tail(pieces: list[bytes], size: int) -> bytes:
    """The last `size` bytes of the pieces."""
    found: list[bytes] = []
    for piece in reversed(pieces):
        found.append(piece)
        size -= len(piece)
        if size <= 0:
            break
    joined = b"".join(reversed(found))
    return joined[-size:] if size < 0 else joined
