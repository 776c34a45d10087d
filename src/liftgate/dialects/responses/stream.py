"""Events → the stream's frames, in the order that OpenAI's clients enforce (docs/protocol/openai.md).

Each frame is `event:` and `data:` with a number that rises by one. `created` and `in_progress` come first, also before
a silence; the last frame carries the whole Response.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from liftgate.answer.choice import Answer, Head
from liftgate.answer.events import Counted, Ended, Event, Speech, Text
from liftgate.dialects.openai_errors import type_of
from liftgate.dialects.responses.answer import ended_response, ending
from liftgate.dialects.responses.echo import echoed, response
from liftgate.dialects.responses.output import Output
from liftgate.dialects.responses.question import ResponsesQuestion
from liftgate.errors import FileNotFound, LiftgateError, RateLimited, RequestError, UpstreamRateLimited
from liftgate.json_types import JsonMapping, JsonObject
from liftgate.sse import PING

_encode = msgspec.json.Encoder().encode


class ResponseEncoder:
    """A plain piece of text is put between bytes that were made once for its message."""

    def __init__(self, head: Head, request: JsonMapping) -> None:
        self._head = head
        self._request = request
        self._number = 0
        self._frames: list[bytes] = []
        self._template = (b"", b"")
        self._of: object = None
        self._tier: str | None = None

    def begin(self, answer: Answer[ResponsesQuestion]) -> None:
        self._answer = answer
        self._tier = answer.service_tier
        self._output = Output(answer, self._emit)
        self._created()

    def encode(self, events: Sequence[Event]) -> bytes:
        output = self._output
        for event in events:
            if type(event) is Text and event.logprobs is None and self._of is output.open is not None:
                output.add(event.text)
                before, after = self._template
                self._frames.append(b'%b%d%b%b,"logprobs":[]}\n\n' % (before, self._number, after, _encode(event.text)))
                self._number += 1
            elif isinstance(event, Ended | Speech):
                pass  # the end is told with the counts
            elif isinstance(event, Counted):
                ended = ending(self._answer.choices[0])
                whole = ended_response(self._answer, output, ended)
                self._emit(f"response.{ended.event}", {"response": whole})
            elif event.index == 0:
                output.take(event)
                if type(event) is Text:
                    self._make_template()
        return self._taken()

    def ping(self) -> bytes:
        self._created()
        return self._taken() or PING

    def end(self) -> bytes:
        return b""

    def error(self, error: LiftgateError) -> bytes:
        """As an event of both forms, flat and nested, and as a response that failed."""
        self._created()
        code = None if error.code is None else str(error.code)
        facts: JsonObject = {"code": code, "message": error.message, "param": error.param}
        nested = {"type": type_of(type(error)), **facts}
        self._emit("error", {**facts, "error": nested})
        failure: JsonObject = {**nested, "code": failure_code(error)}
        output = getattr(self, "_output", None)
        items = output.items if output is not None else []
        state: JsonObject = {"status": "failed", "error": failure, "output": items}
        self._emit("response.failed", {"response": response(self._head, echoed(self._request), state, tier=self._tier)})
        return self._taken()

    def _created(self) -> None:
        if self._number:
            return
        begun = response(self._head, echoed(self._request), {"status": "in_progress", "output": []}, tier=self._tier)
        raw = msgspec.Raw(_encode(begun))
        for kind in ("response.created", "response.in_progress"):
            self._emit(kind, {"response": raw})

    def _emit(self, kind: str, fields: JsonObject) -> None:
        data = _encode({"type": kind, "sequence_number": self._number, **fields})
        self._frames.append(b"event: %b\ndata: %b\n\n" % (kind.encode(), data))
        self._number += 1

    def _taken(self) -> bytes:
        frames, self._frames = self._frames, []
        return frames[0] if len(frames) == 1 else b"".join(frames)

    def _make_template(self) -> None:
        opened = self._output.open
        assert opened is not None
        if self._of is opened:
            return
        self._of = opened
        kind = b"response.output_text.delta"
        place = _encode({**opened.place, "content_index": 0})[1:-1]
        self._template = (
            b'event: %b\ndata: {"type":"%b","sequence_number":' % (kind, kind),
            b',%b,"delta":' % place,
        )


def failure_code(error: LiftgateError) -> str:
    """One of the codes that a Response's error may have."""
    if isinstance(error, RateLimited | UpstreamRateLimited):
        return "rate_limit_exceeded"
    if isinstance(error, FileNotFound):
        return "image_file_not_found"
    return "invalid_prompt" if isinstance(error, RequestError) else "server_error"
