"""Events of an answer → `chat.completion.chunk` objects, and their bytes as SSE blocks, in OpenAI's order
(docs/protocol/openai.md, "Streams").

Role first, then deltas, then an empty delta with the finish_reason, then the usage, then `[DONE]`. A stream that breaks
off has no `[DONE]`: a cut answer never looks whole.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from liftgate.answer import audio
from liftgate.answer.choice import Answer, Choice
from liftgate.answer.events import Blob, Call, Counted, Ended, Event, Speech, Text, Thought, plain_texts
from liftgate.dialects.chat import completion as form
from liftgate.dialects.chat.completion import ID, audio_id, chat_usage, service_tier
from liftgate.dialects.chat.question import ChatQuestion
from liftgate.dialects.openai_choice import logprobs
from liftgate.dialects.openai_errors import error_body
from liftgate.errors import LiftgateError
from liftgate.json_types import JsonObject
from liftgate.large_bodies import STEP, Body, encoded, grown
from liftgate.sse import DONE, PING, events_alike
from liftgate.sse import event as sse_event

_encode = msgspec.json.Encoder().encode

ALIGNED = 6
"""Audio goes out in whole samples and whole base64 groups, so that pieces decode alone and joined."""


class _Written(msgspec.Struct):
    """How far one choice has gone out. `pcm`: audio that waits for a whole group; None before there was any."""

    images: int = 0
    calls: int = 0
    pcm: bytes | None = None


class ChunkWriter:
    """The chunks of one stream, as objects."""

    def __init__(self, answer: Answer[ChatQuestion]) -> None:
        self._answer = answer
        self._question = answer.question
        self._choices: dict[int, _Written] = {}
        self._head: JsonObject = {}

    def chunks(self, events: Sequence[Event]) -> list[JsonObject]:
        return [chunk for event in events for chunk in self.of_event(event)]

    def of_event(self, event: Event) -> list[JsonObject]:
        match event:
            case Text():
                chunk = self._chunk(event.index, {"content": event.text})
                if event.logprobs is not None:
                    chunk["choices"][0]["logprobs"] = {"content": logprobs(event.logprobs), "refusal": None}
                return [*self.open_choice(event.index, text=True), chunk]
            case Thought():
                return [*self.open_choice(event.index), self._chunk(event.index, {"reasoning_content": event.text})]
            case Call() | Blob() | Speech():
                open_choice = self.open_choice(event.index)
                delta = self._delta(event, self._choices[event.index])
                return [*open_choice, self._chunk(event.index, delta)] if delta else open_choice
            case Ended():
                return self._end(self._answer.choices[event.index])
            case Counted() if self._question.include_usage:
                return [{**(self._head or self._make_head()), "choices": [], "usage": self.usage()}]
        return []

    def usage(self) -> JsonObject:
        """What Google has counted so far."""
        return chat_usage(self._answer.counts, self._answer.dollars)

    def open_choice(self, index: int, *, text: bool = False) -> list[JsonObject]:
        """The role, before the choice's first chunk, whatever that is; `text`: it begins with content."""
        if index in self._choices:
            return []
        self._choices[index] = _Written()
        delta: JsonObject = {"role": "assistant", "content": None}
        return [self._chunk(index, {"role": "assistant", "content": "", "refusal": None} if text else delta)]

    def _delta(self, event: Call | Blob | Speech, written: _Written) -> JsonObject:
        if isinstance(event, Call):
            if self._question.legacy_functions and not event.id:
                return {"function_call": form.function_call(event)}
            written.calls += 1
            return {"tool_calls": [{"index": written.calls - 1, **form.tool_call(event, self._question)}]}
        if isinstance(event, Blob):
            written.images += 1
            return {"images": [form.image(event, written.images - 1)]}
        piece = self._audio(written, event.index)
        pcm = (written.pcm or b"") + event.pcm
        size = len(pcm) - len(pcm) % ALIGNED
        if size:
            piece["data"] = audio.encode(pcm[:size])
        written.pcm = pcm[size:]
        return {"audio": piece} if piece else {}

    def _audio(self, written: _Written, index: int) -> JsonObject:
        """What the choice's first piece of audio says before its data."""
        if written.pcm is not None:
            return {}
        return {"id": audio_id(self._answer, index), "expires_at": self._answer.head.created}

    def _end(self, choice: Choice) -> list[JsonObject]:
        """What is known only now, and the finish_reason."""
        index, chunks = choice.index, []
        written = self._choices.get(index)
        if written is not None and written.pcm is not None:
            last: JsonObject = {"data": audio.encode(written.pcm)} if written.pcm else {}
            chunks.append(self._chunk(index, {"audio": {**last, "transcript": form.transcript(choice)}}))
        delta: JsonObject = {}
        empty = not choice.has_text and form.content(choice) == ""
        if written is not None and empty:
            delta["content"] = ""
        if (refusal := form.refusal(choice)) is not None:
            delta["refusal"] = refusal
        if annotations := form.url_citations(choice):
            delta["annotations"] = annotations
        if extra := form.extra_content(choice, self._question):
            delta["extra_content"] = extra
        chunks += self.open_choice(index, text=empty)
        if delta:
            chunks.append(self._chunk(index, delta))
        finish = self._chunk(index, {})
        finish["choices"][0]["finish_reason"] = form.finish_reason(choice, legacy=self._question.legacy_functions)
        return [*chunks, finish]

    def _chunk(self, index: int, delta: JsonObject) -> JsonObject:
        choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": None}
        chunk: JsonObject = {**(self._head or self._make_head()), "choices": [choice]}
        if self._question.include_usage:
            chunk["usage"] = None
        return chunk

    def _make_head(self) -> JsonObject:
        """What all chunks have in common; it is known once the answer has begun."""
        answer = self._answer
        self._head = {
            "id": ID + answer.head.id,
            "object": "chat.completion.chunk",
            "created": answer.head.created,
            "model": answer.head.model,
            "service_tier": service_tier(answer.service_tier),
        }
        if answer.model_version is not None:
            self._head["system_fingerprint"] = answer.model_version
        return self._head


class ChunkEncoder:
    """The SSE encoder of one stream. A plain text delta is put between bytes that were made once."""

    large = False
    _writer: ChunkWriter

    def __init__(self) -> None:
        self._templates: dict[int, tuple[bytes, bytes]] = {}

    def begin(self, answer: Answer[ChatQuestion]) -> None:
        self._writer = ChunkWriter(answer)

    def encode(self, events: Sequence[Event]) -> Body:
        large = self.large
        if not large and (texts := plain_texts(events, 0, large=False)) and len(texts) == len(events):
            return self._texts(0, texts)
        blocks: list[Body] = []
        for event in events:
            if type(event) is Text and event.logprobs is None and (not large or len(event.text) <= STEP):
                blocks.append(self._texts(event.index, [event.text]))
            elif large:
                for chunk in self._writer.of_event(event):
                    blocks += (b"data: ", encoded(chunk), b"\n\n")
            else:
                blocks += [sse_event(_encode(chunk)) for chunk in self._writer.of_event(event)]
        if large:
            return grown(blocks)
        return blocks[0] if len(blocks) == 1 else b"".join(blocks)

    def ping(self) -> bytes:
        return PING

    def end(self) -> bytes:
        return DONE

    def error(self, error: LiftgateError) -> bytes:
        return sse_event(_encode(error_body(error)))

    def _texts(self, index: int, texts: list[str]) -> bytes:
        """A chunk for each."""
        begin = b""
        if (template := self._templates.get(index)) is None:
            begin = b"".join([sse_event(_encode(chunk)) for chunk in self._writer.open_choice(index, text=True)])
            template = self._template(index)
        before, after = template
        chunks = events_alike(before, texts, after)
        return begin + chunks if begin else chunks

    def _template(self, index: int) -> tuple[bytes, bytes]:
        """What stands before a text, and behind it."""
        # The mark cannot occur elsewhere: quotes inside the ids and names are escaped by the encoder.
        (chunk,) = self._writer.of_event(Text(index, ""))
        head, _, rest = _encode(chunk).partition(b'"delta":{"content":""}')
        self._templates[index] = b'data: %b"delta":{"content":' % head, b"}%b\n\n" % rest
        return self._templates[index]
