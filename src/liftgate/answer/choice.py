"""One choice of an answer as it grows: what was said, shown, called and found so far.

The fold writes into it part by part; its message and its end are read from it once Gemini has finished.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from liftgate.answer import audio, citations
from liftgate.answer import gemini_json as upstream
from liftgate.answer.events import Event, Start, TextDelta
from liftgate.answer.metadata import Gathered

FINISH: Mapping[str, str] = {"STOP": "stop", "MAX_TOKENS": "length", "CONTINUATION": "length"}
"""Every other reason is `content_filter`: Gemini withheld or broke off the answer, and it must not pass for a whole
one. The native reason stands in extra_content.google.finish_reason."""

BROKEN = frozenset(
    {
        "MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS",
        "MISSING_THOUGHT_SIGNATURE",
    }
)  # fmt: skip
"""Reasons that lie in no content: another try may do, and a client must not take them for a filter's."""

_RAW_FIELDS = {
    "safetyRatings": "safety_ratings",
    "citationMetadata": "citation_metadata",
    "groundingMetadata": "grounding_metadata",
    "urlContextMetadata": "url_context_metadata",
    "continuationToken": "continuation_token",
}


class Choice(msgspec.Struct):
    """State of the candidate `index`."""

    index: int
    started: bool = False
    blocked: bool = False
    """The prompt was: there is no answer and will be none."""
    text: list[str] = []
    length: int = 0
    part_starts: list[int] = []
    reasoning: list[str] = []
    calls: list[dict[str, Any]] = []
    legacy_call: dict[str, Any] | None = None
    left_out: list[str] = []
    """Names of further calls, where the client takes one."""
    images: list[dict[str, Any]] = []
    parts: list[dict[str, Any]] = []
    """Entries of extra_content.google.parts."""
    pcm: list[bytes] = []
    pcm_bytes: int = 0
    audio_form: tuple[int, int] = (audio.DEFAULT_RATE, 1)
    audio_id: str = ""
    audio_out: int = 0
    """Bytes of audio that have gone out in a stream."""
    audio_said: bool = False
    transcript: list[str] = []
    logprobs: list[dict[str, Any]] | None = None
    extra: dict[str, Any] = {}
    gathered: dict[str, Gathered] = {}
    native_finish: str | None = None
    finish_message: str | None = None
    prompt_feedback: dict[str, Any] | None = None

    def start(self, events: list[Event], *, text: bool = False) -> None:
        """Before the choice's first event, whatever it is."""
        if not self.started:
            self.started = True
            events.append(Start(self.index, text))

    def say(self, text: str, logprobs: list[dict[str, Any]] | None, events: list[Event]) -> None:
        if not self.started:
            self.start(events, text=True)
        self.text.append(text)
        self.length += len(text)
        events.append(TextDelta(self.index, text, logprobs))

    def take_metadata(self, candidate: dict[str, Any], place: str) -> None:
        """The candidate's fields beside content; later ones complete earlier ones."""
        if (reason := upstream.string(candidate, "finishReason", place)) and reason != "FINISH_REASON_UNSPECIFIED":
            self.native_finish = reason
        if message := upstream.string(candidate, "finishMessage", place):
            self.finish_message = message
        if _RAW_FIELDS.keys().isdisjoint(candidate):
            return
        for field, name in _RAW_FIELDS.items():
            value = candidate.get(field)
            if not value:
                continue
            if field == "safetyRatings":
                upstream.mappings(candidate, field, place)
            elif field == "continuationToken":
                upstream.string(candidate, field, place)
            else:
                found = upstream.mapping(candidate, field, place) or {}
                gathered = self.gathered.get(name)
                if gathered is None:
                    gathered = self.gathered[name] = Gathered()
                    self.extra[name] = gathered.fields
                gathered.take(found)
                continue
            self.extra[name] = value

    @property
    def content(self) -> str | None:
        """The message's content: null where something else was said instead, "" where nothing was."""
        if self.text:
            return "".join(self.text)
        if self.calls or self.legacy_call or self.images or self.pcm or self.finish_reason == "content_filter":
            return None
        return ""

    @property
    def finish_reason(self) -> str:
        native = self.native_finish or ""
        reason = FINISH.get(native, "content_filter")
        if reason == "stop" and self.legacy_call is not None:
            return "function_call"
        return "tool_calls" if reason == "stop" and self.calls else reason

    @property
    def refusal(self) -> str | None:
        """Why nothing is there to read, in Gemini's words where it has any."""
        if self.text or self.finish_reason != "content_filter":
            return None
        feedback = self.prompt_feedback or {}
        said = upstream.string(feedback, "blockReasonMessage", "promptFeedback") or self.finish_message
        if said:
            return said
        if block := upstream.string(feedback, "blockReason", "promptFeedback"):
            return f"Gemini blocked the prompt: {block}."
        return f"Gemini gave no answer: {self.native_finish}."

    def annotations(self) -> list[dict[str, Any]]:
        if not self.extra:
            return []
        grounding, cited = self.extra.get("grounding_metadata"), self.extra.get("citation_metadata")
        if not grounding and not cited:
            return []
        return citations.url_citations(
            "".join(self.text), self.part_starts, grounding, cited, f"candidates[{self.index}]"
        )

    def extra_content(self) -> dict[str, Any] | None:
        """`{"google": {…}}`, or None when everything was said elsewhere."""
        if self.native_finish == "STOP" and not (self.extra or self.parts or self.prompt_feedback or self.left_out):
            return None
        google = dict(self.extra)
        if self.prompt_feedback:
            google["prompt_feedback"] = self.prompt_feedback
        if self.native_finish not in (None, "STOP", "MAX_TOKENS"):
            google["finish_reason"] = self.native_finish
            if self.finish_message:
                google["finish_message"] = self.finish_message
        if self.left_out:
            google["calls_left_out"] = self.left_out
        parts = self.parts
        only = parts[0] if len(parts) == 1 else {}
        if set(only) == {"content_index", "thoughtSignature"} and only["content_index"] == self.length:
            # One signature, at the end of the text: Google's own convention has a name for that.
            google["thought_signature"] = parts[0]["thoughtSignature"]
        elif parts:
            google["parts"] = [{"index": index, **part} for index, part in enumerate(parts)]
        return {"google": google} if google else None

    def audio_message(self, form: str, expires_at: int) -> dict[str, Any]:
        """`message.audio` of a whole answer."""
        pcm = b"".join(self.pcm)
        rate, channels = self.audio_form
        data = audio.wav(pcm, rate=rate, channels=channels) if form == "wav" else pcm
        return {
            "id": self.audio_id,
            "data": audio.encode(data),
            "expires_at": expires_at,
            "transcript": "".join(self.transcript),
        }
