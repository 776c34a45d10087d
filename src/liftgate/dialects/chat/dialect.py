"""Chat completions as a dialect: `CHAT`."""

from __future__ import annotations

from liftgate.answer.choice import Head
from liftgate.dialects.chat.chunks import ChunkEncoder
from liftgate.dialects.chat.completion import completion
from liftgate.dialects.chat.media import find_media
from liftgate.dialects.chat.request import read_chat, tool_call_ids
from liftgate.dialects.dialect import NO_SIGNATURES
from liftgate.dialects.openai_errors import OpenAI
from liftgate.json_types import JsonMapping


class Chat(OpenAI):
    call_prefix = "call_"
    rising_ids = False
    signatures = NO_SIGNATURES

    media = staticmethod(find_media)
    call_ids = staticmethod(tool_call_ids)
    read = staticmethod(read_chat)
    whole = staticmethod(completion)

    def encoder(self, head: Head, request: JsonMapping) -> ChunkEncoder:
        return ChunkEncoder()


CHAT = Chat()
