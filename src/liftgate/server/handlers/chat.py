"""`/v1/chat/completions`."""

from __future__ import annotations

from liftgate.engine.relay import in_band
from liftgate.errors import InvalidRequest
from liftgate.server.bodies import LARGE
from liftgate.server.request import Request
from liftgate.server.responses import Response, StreamedResponse

PATIENCE = 0.5
"""Seconds before it is watched whether the client is still there: most answers are sooner."""


async def count_tokens(request: Request) -> Response:
    """How many tokens the same body would send, files included; nothing is generated."""
    request.query("key")
    body = await request.json_object()
    with request.while_connected(PATIENCE):
        return Response(await request.gateway.chat.count(request.owner, body, large=request.held >= LARGE))


async def create_completion(request: Request) -> Response:
    """A client that goes away ends the call at Gemini, streamed or not. A model in the path goes before the body's."""
    named = request.params.get("model")
    request.query("key", *(("api-version",) if named else ()))
    body = await request.json_object()
    if named:
        body["model"] = named
    chat = request.gateway.chat
    stream = body.get("stream")
    if stream is not None and not isinstance(stream, bool):
        raise InvalidRequest("Invalid type for 'stream': expected a boolean.", param="stream", code="invalid_type")
    with request.while_connected(PATIENCE):
        if not stream:
            return Response(await chat.complete(request.owner, body, large=request.held >= LARGE))
        # Awaiting it raises what goes wrong before the first event: that is still a status (DESIGN.md 5.7).
        events = await chat.stream(request.owner, body, large=request.held >= LARGE)
    if events.opened:
        request.let_go()
    return StreamedResponse(aiter(events), events.aclose, in_band=in_band)
