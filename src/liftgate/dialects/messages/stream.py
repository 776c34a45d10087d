"""Events → the stream's frames, in the order that Anthropic's clients enforce (docs/protocol/anthropic.md, "Streams").

Each frame is `event:` and `data:` of one type. `message_start` comes with Gemini's first event; before it, and in any
silence, there are pings. The counts at the beginning are those of Gemini's first event; `message_delta` has the last
ones.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from liftgate.answer.choice import Answer, Head
from liftgate.answer.counts import Counts
from liftgate.answer.events import Counted, Ended, Event, Text, plain_texts
from liftgate.dialects.messages.answer import ending, message, usage_of
from liftgate.dialects.messages.errors import ANTHROPIC
from liftgate.dialects.messages.output import Output
from liftgate.dialects.messages.question import MessagesQuestion
from liftgate.errors import LiftgateError, UpstreamProtocolError
from liftgate.json_types import JsonObject
from liftgate.large_bodies import Body, encoded, grown
from liftgate.sse import events_alike
from liftgate.unheld import unheld

_encode = msgspec.json.Encoder().encode

PING = b'event: ping\ndata: {"type":"ping"}\n\n'
_STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
_TEXT = (
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,"delta":{"type":"text_delta","text":'
)
_NOT_ENDED: JsonObject = {"stop_reason": None, "stop_sequence": None, "stop_details": None}


class MessageEncoder:
    """A plain piece of text goes between bytes that are the same for all."""

    large = False

    def __init__(self, head: Head) -> None:
        self._head = head
        self._frames: list[Body] = []

    def begin(self, answer: Answer[MessagesQuestion]) -> None:
        self._answer = answer
        self._output = Output(self._head.id, answer.question, unheld(self._emit))
        usage = usage_of(answer, counts=_first_counts(answer))
        self._emit("message_start", {"message": message(self._head, [], _NOT_ENDED, usage)})

    def encode(self, events: Sequence[Event]) -> Body:
        output = self._output
        at = 0
        while at < len(events):
            event, block = events[at], output.open
            if block is not None and block["type"] == "text" and (texts := plain_texts(events, at, large=self.large)):
                output.texts += texts
                self._frames.append(events_alike(_TEXT % (len(output.blocks) - 1), texts, b"}}\n\n"))
                at += len(texts)
                continue
            if isinstance(event, Counted):
                self._end()
            elif type(event) is Text:
                if event.text and event.index == 0:
                    output.text(event.text)
            elif not isinstance(event, Ended) and event.index == 0:
                output.take(event)
            at += 1
        return self._taken()

    def ping(self) -> Body:
        return self._taken() + PING

    def end(self) -> bytes:
        return b""

    def error(self, error: LiftgateError) -> Body:
        self._emit("error", {"error": ANTHROPIC.error(error).body["error"]})
        return self._taken()

    def _end(self) -> None:
        answer, output = self._answer, self._output
        choice = answer.first
        ended = ending(choice, calls=bool(choice.calls))
        output.finish(choice)
        self._emit("message_delta", {"delta": ended.delta, "usage": usage_of(answer, output.searches)})
        self._frames.append(_STOP)

    def _emit(self, kind: str, fields: JsonObject) -> None:
        event = {"type": kind, **fields}
        if self.large:
            self._frames += (b"event: %b\ndata: " % kind.encode(), encoded(event), b"\n\n")
        else:
            self._frames.append(b"event: %b\ndata: %b\n\n" % (kind.encode(), _encode(event)))

    def _taken(self) -> Body:
        frames, self._frames = self._frames, []
        if len(frames) == 1:
            return frames[0]
        return grown(frames) if self.large else b"".join(frames)


def _first_counts(answer: Answer[MessagesQuestion]) -> Counts:
    """None but the last ones must be right."""
    try:
        return answer.counts
    except UpstreamProtocolError:
        return Counts({})
