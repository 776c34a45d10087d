"""Messages as a dialect: `MESSAGES`, and `COUNTED` for a count of tokens, which needs no `max_tokens`."""

from __future__ import annotations

from collections.abc import Sequence

from liftgate.answer.choice import Answer, Head
from liftgate.ask.builder import Ask
from liftgate.ask.media import MediaFound
from liftgate.dialects.dialect import NO_SIGNATURES
from liftgate.dialects.messages.answer import whole
from liftgate.dialects.messages.errors import Anthropic
from liftgate.dialects.messages.media import find_media
from liftgate.dialects.messages.question import MessagesQuestion
from liftgate.dialects.messages.request import check_beginning, read_message
from liftgate.dialects.messages.stream import MessageEncoder
from liftgate.dialects.messages.turns import tool_use_ids
from liftgate.json_types import JsonMapping, JsonObject


class Messages(Anthropic):
    call_prefix = "toolu_"
    rising_ids = False
    signatures = NO_SIGNATURES

    def __init__(self, *, counting: bool = False) -> None:
        self._counting = counting

    def media(self, request: JsonMapping, *, inline_limit: int) -> MediaFound:
        """Also looks at what must be there at all, before anything else is done."""
        check_beginning(request, counting=self._counting)
        return find_media(request, inline_limit=inline_limit)

    def call_ids(self, request: JsonMapping) -> Sequence[str]:
        return tool_use_ids(request)

    def read(self, request: JsonMapping, ask: Ask) -> MessagesQuestion:
        return read_message(request, ask, counting=self._counting)

    def whole(self, answer: Answer[MessagesQuestion]) -> JsonObject:
        return whole(answer)

    def encoder(self, head: Head, request: JsonMapping) -> MessageEncoder:
        return MessageEncoder(head)


MESSAGES = Messages()
COUNTED = Messages(counting=True)
