"""`/v1/chat/completions`."""

from __future__ import annotations

from liftgate.dialects.chat.dialect import CHAT
from liftgate.dialects.chat.usage import token_count
from liftgate.server.bodies import LARGE
from liftgate.server.handlers.generate import PATIENCE, answers
from liftgate.server.request import Request
from liftgate.server.responses import Response, json_response

create_completion = answers(CHAT)


async def count_tokens(request: Request) -> Response:
    """How many tokens the same body would send, files included; nothing is generated."""
    request.query("key")
    body = await request.json_object()
    with request.while_connected(PATIENCE):
        tokens = await request.gateway.generate.count(CHAT, request.owner, body, large=request.held >= LARGE)
        return json_response(token_count(tokens))
