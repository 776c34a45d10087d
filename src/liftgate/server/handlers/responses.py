"""`/v1/responses`: an answer that is stored unless `store` is false, and what is asked of it afterwards."""

from __future__ import annotations

import asyncio
from functools import partial

from liftgate.dialects.responses.compaction import Compaction
from liftgate.dialects.responses.dialect import Counted
from liftgate.dialects.responses.fields import INCLUDED
from liftgate.engine.turns import Turn
from liftgate.errors import InvalidRequest
from liftgate.json_types import JsonObject
from liftgate.large_bodies import LARGE, encoded
from liftgate.server.handlers.generate import PATIENCE, asks_for_stream, input_tokens, streamed
from liftgate.server.large_answers import large_response
from liftgate.server.query import read_limit, read_order
from liftgate.server.request import Request
from liftgate.server.responses import JSON, Response, StreamedResponse, json_response
from liftgate.whole_numbers import whole_number

LARGEST_PAGE = 100
PAGE = 20
INCLUDE = ("include", "include[]")


async def create_response(request: Request) -> Response:
    request.query("key", "beta")
    body = await request.json_object()
    stream = asks_for_stream(body)
    owner, large = request.owner, request.held >= LARGE
    generate, replies = request.gateway.generate, request.gateway.replies
    with request.while_connected(PATIENCE):
        turn = await replies.begin(owner, body, large=large)
        large = turn.large
        if body.get("background") is True:
            return await _in_background(request, turn, stream=stream)
        dialect = turn.dialect
        if not stream:
            whole = await generate.complete(dialect, owner, turn.request, large=large)
            response = await asyncio.to_thread(dialect.whole, whole) if whole.large else dialect.whole(whole)
            written = await replies.keep(owner, turn, response, whole) if turn.keeps else None
            return Response(written) if written is not None else await _written(response, large=whole.large)
        # What goes wrong before the first event is raised here, and is still a status (docs/architecture.md,
        # "Decisions").
        events = await generate.stream(dialect, owner, turn.request, large=large)
    encoder = dialect.encoder(events.head, turn.request)
    if turn.keeps:
        events = replies.keep_at_end(owner, turn, events)
    answer = streamed(request, events, encoder)
    if not turn.keeps and events.answer is not None:
        request.let_go()
    return answer


async def _in_background(request: Request, turn: Turn, *, stream: bool) -> Response:
    """Taken in: it goes on whether or not its reader stays."""
    begun = await request.gateway.background.begin(request.owner, turn, stream=stream)
    return await _followed(request, begun.id, -1) if stream else await _written(begun.response, large=turn.large)


async def _followed(request: Request, response_id: str, after: int) -> Response:
    background, seconds = request.gateway.background, request.gateway.settings.jobs.stream_ping_seconds
    frames = await background.follow(request.owner, response_id, after=after, ping_seconds=seconds)
    if frames is None:
        await request.gateway.replies.get(request.owner, response_id)
        raise InvalidRequest(
            "This response was not created in the background, and only such a one can be streamed again.",
            param="stream",
        )
    return StreamedResponse(frames, frames.aclose)


async def _written(response: JsonObject, *, large: bool) -> Response:
    if large:
        return await large_response(partial(encoded, response), (JSON,))
    return json_response(response)


async def count_tokens(request: Request) -> Response:
    """How many tokens the same body would send, with the turns before it; nothing is generated or stored."""
    request.query("key", "beta")
    body = await request.json_object()
    with request.while_connected(PATIENCE):
        large = request.held >= LARGE
        turn = await request.gateway.replies.begin(request.owner, body, keeps=False, large=large)
        dialect = Counted(turn.items, turn.natives, keeps=True)
        found = await request.gateway.generate.count(dialect, request.owner, turn.request, large=turn.large)
        return json_response(input_tokens(found.total))


async def compact(request: Request) -> Response:
    """The history in fewer tokens: nothing of it is stored."""
    request.query("key", "beta")
    body = await request.json_object()
    large = request.held >= LARGE
    with request.while_connected(PATIENCE):
        turn = await request.gateway.replies.begin(request.owner, body, keeps=False, large=large)
        dialect = Compaction(turn.items, turn.natives, keeps=True)
        whole = await request.gateway.generate.complete(dialect, request.owner, turn.request, large=turn.large)
        large = whole.large
        compacted = await asyncio.to_thread(dialect.whole, whole) if large else dialect.whole(whole)
        return await _written(compacted, large=large)


async def retrieve_response(request: Request) -> Response:
    query = request.query("key", "beta", "stream", "starting_after", "include_obfuscation", lists=INCLUDE)
    include = _included(query)
    _flag(query, "include_obfuscation")
    after = _number(query, "starting_after")
    response_id = request.params["response_id"]
    if _flag(query, "stream"):
        return await _followed(request, response_id, after)
    response = await request.gateway.replies.get(request.owner, response_id, include=include)
    # As large as its answer, or as the request that it repeats.
    return await _written(response, large=True)


async def delete_response(request: Request) -> Response:
    request.query("key", "beta")
    response_id = request.params["response_id"]
    await request.gateway.background.delete(request.owner, response_id)
    return json_response({"id": response_id, "object": "response", "deleted": True})


async def cancel_response(request: Request) -> Response:
    request.query("key", "beta")
    response_id = request.params["response_id"]
    response = await request.gateway.background.cancel(request.owner, response_id)
    if response is None:
        await request.gateway.replies.get(request.owner, response_id)
        raise InvalidRequest("Cannot cancel a synchronous response.")
    return await _written(response, large=True)


async def list_input_items(request: Request) -> Response:
    query = request.query("key", "beta", "limit", "order", "after", lists=INCLUDE)
    images = check_include(query)
    page = await request.gateway.replies.input_items(
        request.owner,
        request.params["response_id"],
        after=query.get("after"),
        limit=items_limit(query.get("limit")),
        order=read_order(query.get("order")),
        images=images,
    )
    return await _written(item_list(page.items, has_more=page.has_more), large=True)


def item_list(items: list[JsonObject], *, has_more: bool) -> JsonObject:
    return {
        "object": "list",
        "data": items,
        "first_id": items[0]["id"] if items else "",
        "last_id": items[-1]["id"] if items else "",
        "has_more": has_more,
    }


def items_limit(value: str | None) -> int:
    return read_limit(value, PAGE, LARGEST_PAGE, "invalid_value")


def check_include(query: dict[str, str]) -> bool:
    """Whether images of the input are to be shown as they came. What a request asked to see of its answer is there
    without being asked for again."""
    return "message.input_image.image_url" in _included(query)


def _included(query: dict[str, str]) -> list[str]:
    named = [word for name in INCLUDE for word in query.get(name, "").split(",") if word]
    for index, word in enumerate(named):
        if word not in INCLUDED:
            raise InvalidRequest(f"Invalid value: '{word[:80]}'.", param=f"include[{index}]", code="invalid_value")
        if word == "reasoning.encrypted_content":
            raise InvalidRequest(
                "Encrypted content cannot be requested for persisted responses.", param=f"include[{index}]"
            )
    return named


def _number(query: dict[str, str], name: str) -> int:
    """Of an event; -1 where none is named."""
    value = query.get(name)
    number = -1 if value is None else whole_number(value)
    if number is None or (value is not None and number < 0):
        raise InvalidRequest(
            f"Invalid '{name}': expected the number of an event, but got '{(value or '')[:20]}' instead.",
            param=name,
            code="invalid_value",
        )
    return number


def _flag(query: dict[str, str], name: str) -> bool:
    value = query.get(name, "false").lower()
    if value not in ("true", "false", "1", "0"):
        raise InvalidRequest(f"Invalid type for '{name}': expected a boolean.", param=name, code="invalid_type")
    return value in ("true", "1")
