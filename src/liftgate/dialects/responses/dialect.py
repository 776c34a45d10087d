"""Responses as a dialect: `RESPONSES`, and one with a history for each request that goes on with earlier turns."""

from __future__ import annotations

from collections.abc import Sequence

from liftgate.answer.choice import Answer, Head
from liftgate.ask import checks
from liftgate.ask.builder import Ask
from liftgate.ask.media import MediaFound
from liftgate.dialects.dialect import NO_SIGNATURES
from liftgate.dialects.openai_errors import OpenAI
from liftgate.dialects.responses.answer import whole
from liftgate.dialects.responses.items import call_ids
from liftgate.dialects.responses.media import find_media
from liftgate.dialects.responses.native import NO_NATIVES, Natives
from liftgate.dialects.responses.question import ResponsesQuestion
from liftgate.dialects.responses.request import check_beginning, read_response, refuse_earlier, refuse_keeping
from liftgate.dialects.responses.stream import ResponseEncoder
from liftgate.json_types import JsonMapping, JsonObject

PERSONALITY = "personality"
"""A word of OpenAI's count, which no request for an answer has: it puts more into the instructions there."""


class WithHistory(OpenAI):
    """What goes on with earlier turns. `history`: their items, oldest first; the request's own input follows them.
    `natives`: what Gemini wants back with them. `keeps`: the answer is kept where the client does not forbid it, and
    what the request names of earlier ones was found. Without it such requests are refused: nothing is lost silently."""

    call_prefix = "call_"
    rising_ids = True

    def __init__(
        self,
        history: Sequence[JsonObject] = (),
        natives: Natives = NO_NATIVES,
        *,
        keeps: bool = False,
    ) -> None:
        self.signatures = {key: each.signature for key, each in natives.items()} if natives else NO_SIGNATURES
        self._history = history
        self._natives = natives
        self._keeps = keeps

    def media(self, request: JsonMapping, *, inline_limit: int) -> MediaFound:
        """Also looks at what must be there at all, before anything else is done."""
        if not self._keeps:  # who finds what it goes on from has looked
            check_beginning(request)
        return find_media(request, self._history, inline_limit=inline_limit)

    def call_ids(self, request: JsonMapping) -> Sequence[str]:
        given = call_ids(request.get("input"))
        return [*call_ids(self._history), *given] if self._history else given


class Responses(WithHistory):
    def read(self, request: JsonMapping, ask: Ask) -> ResponsesQuestion:
        question = read_response(request, ask, self._history, self._natives)
        if not self._keeps:
            self._refuse_state(request)
        return question

    def _refuse_state(self, request: JsonMapping) -> None:
        refuse_earlier(request)
        refuse_keeping(request)

    def whole(self, answer: Answer[ResponsesQuestion]) -> JsonObject:
        return whole(answer)

    def encoder(self, head: Head, request: JsonMapping) -> ResponseEncoder:
        return ResponseEncoder(head, request)


class Counted(Responses):
    """For a count of tokens, of which nothing is kept in any case."""

    def read(self, request: JsonMapping, ask: Ask) -> ResponsesQuestion:
        if (style := request.get(PERSONALITY)) is not None:
            checks.string(style, PERSONALITY)
            request = {name: value for name, value in request.items() if name != PERSONALITY}
        return super().read(request, ask)

    def _refuse_state(self, request: JsonMapping) -> None:
        refuse_earlier(request)


RESPONSES = Responses()
COUNTED = Counted()
