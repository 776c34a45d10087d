"""Chat completions as a dialect: `CHAT`."""

from __future__ import annotations

from collections.abc import Sequence

from liftgate.answer.choice import Answer, Head
from liftgate.ask.builder import Ask
from liftgate.ask.media import MediaFound
from liftgate.dialects.chat.chunks import ChunkEncoder
from liftgate.dialects.chat.completion import completion
from liftgate.dialects.chat.media import find_media
from liftgate.dialects.chat.question import ChatQuestion
from liftgate.dialects.chat.request import read_chat, tool_call_ids
from liftgate.dialects.dialect import NO_SIGNATURES
from liftgate.dialects.openai_errors import OpenAI
from liftgate.json_types import JsonMapping, JsonObject


class Chat(OpenAI):
    call_prefix = "call_"
    signatures = NO_SIGNATURES

    def media(self, request: JsonMapping, *, inline_limit: int) -> MediaFound:
        return find_media(request, inline_limit=inline_limit)

    def call_ids(self, request: JsonMapping) -> Sequence[str]:
        return tool_call_ids(request)

    def read(self, request: JsonMapping, ask: Ask) -> ChatQuestion:
        return read_chat(request, ask)

    def whole(self, answer: Answer[ChatQuestion]) -> JsonObject:
        return completion(answer)

    def encoder(self, head: Head, request: JsonMapping) -> ChunkEncoder:
        return ChunkEncoder()


CHAT = Chat()
