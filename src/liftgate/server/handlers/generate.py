"""An answer of a model, whole or streamed, in any dialect."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec

from liftgate.answer.choice import Answer
from liftgate.ask.question import Question
from liftgate.dialects.dialect import Dialect, Encoder
from liftgate.engine.answer_stream import AnswerStream
from liftgate.errors import InvalidRequest
from liftgate.json_types import JsonMapping, JsonObject
from liftgate.large_bodies import LARGE, Body, encoded
from liftgate.server.event_stream import event_blocks
from liftgate.server.large_answers import large_response
from liftgate.server.request import Request
from liftgate.server.responses import Response, StreamedResponse, json_response

Q = TypeVar("Q", bound=Question)

PATIENCE = 0.5
"""Seconds after which the handler watches whether the client is still there: most answers come sooner."""

_encode = msgspec.json.Encoder().encode


def input_tokens(tokens: int) -> JsonObject:
    """As OpenAI says it (docs/protocol/openai.md, "Counting tokens")."""
    return {"object": "response.input_tokens", "input_tokens": tokens}


def answer_in(dialect: Dialect[Q], *allowed: str) -> Callable[[Request], Awaitable[Response]]:
    """The handler of a route where models are asked in this API. A client that goes away ends the call at Gemini,
    streamed or not. A model in the path goes before the body's. `allowed`: parameters of the query that have no
    effect."""
    json_type = ((b"content-type", dialect.json_type),)

    async def answer(request: Request) -> Response:
        named = request.params.get("model")
        request.query("key", *allowed, *(("api-version",) if named else ()))
        body = await request.json_object()
        if named:
            body["model"] = named
        stream = asks_for_stream(body)
        generate, large = request.gateway.generate, request.held >= LARGE
        with request.while_connected(PATIENCE):
            if not stream:
                whole = await generate.complete(dialect, request.owner, body, large=large)
                if whole.large:
                    return await large_response(lambda: _written(dialect, whole), json_type)
                return Response(_encode(dialect.whole(whole)), json_type)
            # What goes wrong before the first event is raised here, and is still a status (docs/architecture.md,
            # "Decisions").
            events = await generate.stream(dialect, request.owner, body, large=large)
        answer = streamed(request, events, dialect.encoder(events.head, body))
        if events.answer is not None:
            request.let_go()
        return answer

    return answer


def streamed(request: Request, events: AnswerStream[Q], encoder: Encoder[Q]) -> StreamedResponse:
    seconds = request.gateway.settings.jobs.stream_ping_seconds
    large = request.held >= LARGE
    blocks = event_blocks(events, encoder, request.deadlines, ping_seconds=seconds, large=large)

    async def close() -> None:
        await blocks.aclose()
        await events.aclose()

    return StreamedResponse(blocks, close, in_band=encoder.error)


def asks_for_stream(body: JsonMapping) -> bool:
    stream = body.get("stream")
    if stream is not None and not isinstance(stream, bool):
        raise InvalidRequest("Invalid type for 'stream': expected a boolean.", param="stream", code="invalid_type")
    return stream is True


def count_in(
    dialect: Dialect[Q], *allowed: str, form: Callable[[int], JsonObject] = input_tokens
) -> Callable[[Request], Awaitable[Response]]:
    """The handler of a route that says how many tokens the same body would send, files included; nothing is
    generated. `form`: the answer that says it."""

    async def count(request: Request) -> Response:
        request.query("key", *allowed)
        body = await request.json_object()
        with request.while_connected(PATIENCE):
            found = await request.gateway.generate.count(dialect, request.owner, body, large=request.held >= LARGE)
            return json_response(form(found.total))

    return count


def _written(dialect: Dialect[Q], whole: Answer[Q]) -> Body:
    """For a thread, which frees the answer, too."""
    body = encoded(dialect.whole(whole))
    whole.choices.clear()
    return body
