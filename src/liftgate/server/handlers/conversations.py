"""`/v1/conversations`: a list of items that responses go on from."""

from __future__ import annotations

from functools import partial

from liftgate.ask import checks
from liftgate.dialects.responses.parameters import check_metadata
from liftgate.engine.conversations import Conversation
from liftgate.errors import MissingParameter
from liftgate.json_types import JsonObject
from liftgate.large_bodies import LARGE, encoded
from liftgate.server.bodies import SMALL
from liftgate.server.handlers.responses import INCLUDE, check_include, item_list, items_limit
from liftgate.server.large_answers import large_response
from liftgate.server.query import check_known, given, read_order
from liftgate.server.request import Request
from liftgate.server.responses import JSON, Response, json_response

MOST_ITEMS = 20
"""That one request may add."""


async def create_conversation(request: Request) -> Response:
    request.query("key")
    body = await _body(request, "metadata", "items")
    metadata = _metadata(body)
    items = _items([] if body.get("items") is None else body["items"])
    large = request.held >= LARGE
    return json_response(
        _written(await request.gateway.conversations.create(request.owner, metadata, items, large=large))
    )


async def retrieve_conversation(request: Request) -> Response:
    request.query("key")
    return json_response(_written(await request.gateway.conversations.retrieve(request.owner, _id(request))))


async def update_conversation(request: Request) -> Response:
    request.query("key")
    body = await _body(request, "metadata")
    if "metadata" not in body:
        raise MissingParameter("metadata")
    metadata = _metadata(body)
    return json_response(_written(await request.gateway.conversations.update(request.owner, _id(request), metadata)))


async def delete_conversation(request: Request) -> Response:
    request.query("key")
    await request.gateway.conversations.delete(request.owner, _id(request))
    return json_response({"id": _id(request), "object": "conversation.deleted", "deleted": True})


async def create_items(request: Request) -> Response:
    images = check_include(request.query("key", lists=INCLUDE))
    body = await _body(request, "items")
    if body.get("items") is None:
        raise MissingParameter("items")
    items = _items(body["items"])
    large = request.held >= LARGE
    added = await request.gateway.conversations.add(request.owner, _id(request), items, large=large, images=images)
    return await _large(item_list(added, has_more=False))


async def list_items(request: Request) -> Response:
    query = request.query("key", "limit", "order", "after", lists=INCLUDE)
    images = check_include(query)
    page = await request.gateway.conversations.items(
        request.owner,
        _id(request),
        after=query.get("after"),
        limit=items_limit(query.get("limit")),
        order=read_order(query.get("order")),
        images=images,
    )
    return await _large(item_list(page.items, has_more=page.has_more))


async def retrieve_item(request: Request) -> Response:
    images = check_include(request.query("key", lists=INCLUDE))
    item_id = request.params["item_id"]
    item = await request.gateway.conversations.item(request.owner, _id(request), item_id, images=images)
    return await _large(item)


async def delete_item(request: Request) -> Response:
    request.query("key")
    left = await request.gateway.conversations.remove(request.owner, _id(request), request.params["item_id"])
    return json_response(_written(left))


def _id(request: Request) -> str:
    return request.params["conversation_id"]


async def _body(request: Request, *known: str) -> JsonObject:
    """Clients send none where they have nothing to say."""
    # Items hold what a model is told; all else is names.
    most = None if "items" in known else SMALL
    body = await request.json_object(most) if request.unread else {}
    check_known(given(body), *known)
    return body


def _metadata(body: JsonObject) -> JsonObject:
    value = body.get("metadata")
    return {} if value is None else check_metadata(value, "metadata")


def _items(value: object) -> list[object]:
    return checks.array(value, "items", most=MOST_ITEMS)


def _written(conversation: Conversation) -> JsonObject:
    return {
        "id": conversation.id,
        "object": "conversation",
        "created_at": int(conversation.created_at),
        "metadata": conversation.metadata,
    }


async def _large(value: JsonObject) -> Response:
    """Of items, which may hold images."""
    return await large_response(partial(encoded, value), (JSON,))
