"""Chat completions as a dialect: `CHAT`."""

from __future__ import annotations

from collections.abc import Sequence

from liftgate.answer.choice import Answer, Head
from liftgate.ask.media import MediaFound
from liftgate.dialects.chat.chunks import ChunkEncoder
from liftgate.dialects.chat.completion import completion
from liftgate.dialects.chat.defaults import with_defaults
from liftgate.dialects.chat.media import find_media
from liftgate.dialects.chat.question import ChatQuestion
from liftgate.dialects.chat.request import tool_call_ids, translate_chat
from liftgate.dialects.dialect import Given
from liftgate.dialects.openai_errors import OpenAI
from liftgate.json_types import JsonMapping, JsonObject


class Chat(OpenAI):
    call_prefix = "call_"

    def media(self, request: JsonMapping, *, inline_limit: int) -> MediaFound:
        return find_media(request, inline_limit=inline_limit)

    def call_ids(self, request: JsonMapping) -> Sequence[str]:
        return tool_call_ids(request)

    def read(self, request: JsonMapping, given: Given) -> ChatQuestion:
        """`drop_params` of the request goes before the gateway's."""
        if given.defaults:
            request = with_defaults(request, given.defaults)
        asked = request.get("drop_params")
        return translate_chat(
            request,
            facts=given.facts,
            files=given.files,
            signatures=given.signatures,
            media=given.media,
            drop_params=asked if isinstance(asked, bool) else given.drop_params,
        )

    def whole(self, answer: Answer[ChatQuestion]) -> JsonObject:
        return completion(answer)

    def encoder(self, head: Head, request: JsonMapping) -> ChunkEncoder:
        return ChunkEncoder()


CHAT = Chat()
