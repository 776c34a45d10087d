"""A toy API: `POST /toy`. One module and one table of routes are all that it needs.

{"model": "m", "ask": "What is this?", "file": "file-…", "stream": true}  →  {"toy": "…", "tokens": 7}
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from liftgate.answer.choice import Answer, Head
from liftgate.answer.events import Ended, Event, Text
from liftgate.ask.body import Conversation, finish
from liftgate.ask.builder import Ask
from liftgate.ask.media import Media, MediaFound
from liftgate.ask.media_parts import media_part
from liftgate.ask.question import Question
from liftgate.dialects.dialect import NO_SIGNATURES, ErrorBody
from liftgate.errors import LiftgateError
from liftgate.json_types import JsonMapping, JsonObject
from liftgate.server.handlers.generate import answer_in
from liftgate.server.routes import Route, Table


class ToyEncoder:
    large = False

    def begin(self, answer: Answer[Question]) -> None:
        self._answer = answer

    def encode(self, events: Sequence[Event]) -> bytes:
        said = [{"say": each.text} for each in events if isinstance(each, Text)]
        ends = [{"end": each.reason, **_tokens(self._answer)} for each in events if isinstance(each, Ended)]
        return b"".join(b"data: %b\n\n" % json.dumps(each).encode() for each in [*said, *ends])

    def ping(self) -> bytes:
        return b"data: {}\n\n"

    def end(self) -> bytes:
        return b"event: over\n\n"

    def error(self, error: LiftgateError) -> bytes:
        return b"event: oh\ndata: %b\n\n" % json.dumps(TOY.error(error).body).encode()


class Toy:
    name = "toy"
    json_type = b"application/toy+json"
    call_prefix = "toy-"
    rising_ids = False
    signatures = NO_SIGNATURES

    def media(self, request: JsonMapping, *, inline_limit: int = 0) -> MediaFound:
        named = request.get("file")
        return MediaFound([Media("file", "file_id", named)] if named else (), inline_limit)

    def call_ids(self, request: JsonMapping) -> Sequence[str]:
        return ()

    def read(self, request: JsonMapping, ask: Ask) -> Question:
        talk = Conversation(ask)
        talk.add_user([{"text": request["ask"]}, *(media_part(ask, each) for each in self.media(request).needs)])
        talk.finish()
        ask.read_defaults()
        return finish(ask, Question)

    def whole(self, answer: Answer[Question]) -> JsonObject:
        return {"toy": "".join(choice.text for choice in answer.in_order()), **_tokens(answer)}

    def encoder(self, head: Head, request: JsonMapping) -> ToyEncoder:
        return ToyEncoder()

    def error(self, error: LiftgateError) -> ErrorBody:
        return ErrorBody(error.http_status, {"oh": type(error).__name__, "where": error.param})


def _tokens(answer: Answer[Question]) -> JsonObject:
    return {"tokens": answer.counts.prompt + answer.counts.answer}


TOY = Toy()
TABLE = Table(TOY, (((Route("/toy", {"POST": answer_in(TOY)}),), ("",)),), paths=("/toy",))
