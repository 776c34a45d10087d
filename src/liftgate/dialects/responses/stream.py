"""Events → the stream's frames, in the order that OpenAI's clients enforce (docs/protocol/openai.md).

Each frame is `event:` and `data:` with a number that rises by one. `created` and `in_progress` come first, also before
a silence; the last frame carries the whole Response.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import msgspec

from liftgate.answer.choice import Answer, Head
from liftgate.answer.events import Counted, Ended, Event, Speech, Text, plain_texts
from liftgate.dialects.openai_errors import type_of
from liftgate.dialects.responses.answer import ended_response, ending
from liftgate.dialects.responses.echo import echoed, response
from liftgate.dialects.responses.output import Output
from liftgate.dialects.responses.question import ResponsesQuestion
from liftgate.errors import FileNotFound, LiftgateError, RateLimited, RequestError, UpstreamRateLimited
from liftgate.json_types import JsonMapping, JsonObject
from liftgate.large_bodies import Body, encoded, grown
from liftgate.sse import PING, events_alike
from liftgate.unheld import unheld

_encode = msgspec.json.Encoder().encode

_DELTA = (
    b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta",%b,"content_index":0,"logprobs":[],'
)


class _Delta(msgspec.Struct, gc=False):
    """What a piece of a message has for itself."""

    sequence_number: int
    delta: str


class ResponseWriter(ABC):
    """The order and the numbers of the events; what becomes of one, `emit` decides."""

    def __init__(self, head: Head, request: JsonMapping, first: int = 0) -> None:
        """`first`: the number of the first event, where others came before."""
        self._head = head
        self._request = {**request, "input": None}  # a stream of minutes need not keep it
        self._number = first
        self._output: Output | None = None
        self._tier: str | None = None

    @abstractmethod
    def emit(self, kind: str, fields: JsonObject) -> None:
        """One event of this type, under the next number. `fields` may change afterwards."""

    def begin(self, answer: Answer[ResponsesQuestion]) -> None:
        self._answer = answer
        self._tier = answer.service_tier
        self._output = Output(answer, unheld(self.emit))
        self._created()

    def take(self, event: Event) -> None:
        output = self._output
        assert output is not None, "the answer has begun"
        if isinstance(event, (Ended, Speech)):
            pass  # the end goes out with the counts
        elif isinstance(event, Counted):
            ended = ending(self._answer.first)
            whole = ended_response(self._answer, output, ended)
            self.emit(f"response.{ended.event}", {"response": whole})
        elif event.index == 0:
            output.take(event)

    def fail(self, error: LiftgateError) -> None:
        """As an event of both forms, flat and nested, and as a response that failed."""
        self._created()
        code = None if error.code is None else str(error.code)
        facts: JsonObject = {"code": code, "message": error.message, "param": error.param}
        nested = {"type": type_of(type(error)), **facts}
        self.emit("error", {**facts, "error": nested})
        self._end("failed", failure_of(error))

    def cancel(self) -> None:
        """The end of an answer that was given up because a client asked for it: no type of event is about that alone,
        and readers wait for one that ends the stream."""
        self._created()
        self._end("cancelled", None)

    def _end(self, status: str, error: JsonObject | None) -> None:
        items = self._output.items if self._output is not None else []
        state: JsonObject = {"status": status, "error": error, "output": items}
        self.emit("response.failed", {"response": response(self._head, echoed(self._request), state, tier=self._tier)})

    def _created(self) -> None:
        if self._number:
            return
        echo = echoed(self._request) if self._output is None else self._answer.question.echo
        begun = response(self._head, echo, {"status": "in_progress", "output": []}, tier=self._tier)
        shared = self._shared(begun)
        for kind in ("response.created", "response.in_progress"):
            self.emit(kind, {"response": shared})

    def _shared(self, value: JsonObject) -> object:
        """A value that two events have."""
        return value


class ResponseEvents(ResponseWriter):
    """Events as values."""

    def __init__(self, head: Head, request: JsonMapping) -> None:
        super().__init__(head, request)
        self._made: list[JsonObject] = []

    def events(self, events: Sequence[Event]) -> list[JsonObject]:
        for event in events:
            self.take(event)
        made, self._made = self._made, []
        return made

    def emit(self, kind: str, fields: JsonObject) -> None:
        event = {"type": kind, "sequence_number": self._number, **fields}
        self._made.append(msgspec.to_builtins(event))  # a copy
        self._number += 1


class ResponseEncoder(ResponseWriter):
    """Events as frames. Plain pieces of text are encoded together, with what was made once for their message."""

    large = False

    def __init__(self, head: Head, request: JsonMapping, first: int = 0) -> None:
        super().__init__(head, request, first)
        self._frames: list[Body] = []
        self._before = b""
        self._of: object = None

    def encode(self, events: Sequence[Event]) -> Body:
        self._write(events)
        return self.take_frames()

    def frames(self, events: Sequence[Event]) -> list[Body]:
        """As `encode`, one by one."""
        for event in events:
            self._write([event])
        return self.listed()

    def _write(self, events: Sequence[Event]) -> None:
        output = self._output
        assert output is not None, "the answer has begun"
        at = 0
        while at < len(events):
            if self._of is output.open is not None and (texts := plain_texts(events, at, large=self.large)):
                self._frames.append(self._texts(output, texts))
                at += len(texts)
                continue
            event = events[at]
            self.take(event)
            if type(event) is Text and event.text and event.index == 0:
                self._look_at_message(output)
            at += 1

    def _texts(self, output: Output, texts: Sequence[str]) -> bytes:
        """Pieces of the message that is open."""
        output.add(texts)
        first, self._number = self._number, self._number + len(texts)
        return events_alike(self._before, [*map(_Delta, range(first, self._number), texts)], b"\n\n", b"{")

    def ping(self) -> Body:
        self._created()
        return self.take_frames() or PING

    def end(self) -> bytes:
        return b""

    def error(self, error: LiftgateError) -> Body:
        self.fail(error)
        return self.take_frames()

    def emit(self, kind: str, fields: JsonObject) -> None:
        event = {"type": kind, "sequence_number": self._number, **fields}
        if self.large:
            self._frames.append(grown((b"event: %b\ndata: " % kind.encode(), encoded(event), b"\n\n")))
        else:
            self._frames.append(b"event: %b\ndata: %b\n\n" % (kind.encode(), _encode(event)))
        self._number += 1

    def _shared(self, value: JsonObject) -> object:
        return value if self.large else msgspec.Raw(_encode(value))

    def take_frames(self) -> Body:
        frames = self.listed()
        if len(frames) == 1:
            return frames[0]
        return grown(frames) if self.large else b"".join(frames)

    def listed(self) -> list[Body]:
        """What was written since the last time, frame by frame."""
        frames, self._frames = self._frames, []
        return frames

    def _look_at_message(self, output: Output) -> None:
        """What all pieces of the message that is open have."""
        opened = output.open
        assert opened is not None
        if self._of is not opened:
            self._of = opened
            self._before = _DELTA % _encode(opened.place)[1:-1]


def preamble(head: Head, request: JsonMapping) -> list[Body]:
    """The events of a response in the background before the first of its answer: created, queued, in progress. In
    steps, as the request may be large."""
    encoder = ResponseEncoder(head, request)
    encoder.large = True
    queued = {"response": waiting_response(head, request, "queued")}
    encoder.emit("response.created", queued)
    encoder.emit("response.queued", queued)
    encoder.emit("response.in_progress", {"response": waiting_response(head, request, "in_progress")})
    return encoder.listed()


def waiting_response(head: Head, request: JsonMapping, status: str, error: LiftgateError | None = None) -> JsonObject:
    """Of a response without an answer, which has no usage."""
    state: JsonObject = {"status": status, "output": [], "error": None if error is None else failure_of(error)}
    whole = response(head, echoed(request), state)
    del whole["usage"]
    return whole


def failure_of(error: LiftgateError) -> JsonObject:
    """The `error` of a Response, with what an error has beside it in the API."""
    return {"type": type_of(type(error)), "code": failure_code(error), "message": error.message, "param": error.param}


def failure_code(error: LiftgateError) -> str:
    """One of the codes that a Response's error may have."""
    if isinstance(error, RateLimited | UpstreamRateLimited):
        return "rate_limit_exceeded"
    if isinstance(error, FileNotFound):
        return "image_file_not_found"
    return "invalid_prompt" if isinstance(error, RequestError) else "server_error"
