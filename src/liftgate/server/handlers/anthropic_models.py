"""`/v1/models` in Anthropic's form."""

from __future__ import annotations

from liftgate.dialects.messages.files import model_object, page, read_limit
from liftgate.errors import InvalidRequest
from liftgate.server.handlers.generate import PATIENCE
from liftgate.server.handlers.messages import BETA
from liftgate.server.request import Request
from liftgate.server.responses import Response, json_response


async def list_models(request: Request) -> Response:
    """All that are served are `active`."""
    query = request.query("limit", "after_id", "before_id", BETA, "key", lists=("lifecycle[]",))
    wanted = query.get("lifecycle[]", "active").split(",")
    limit = read_limit(query.get("limit"))
    with request.while_connected(PATIENCE):
        served = await request.gateway.models.list()
    found = [model_object(model) for model in served] if "active" in wanted else []
    names = [each["id"] for each in found]
    start, stop = 0, len(found)
    if (after := query.get("after_id")) is not None:
        start = _place(names, after, "after_id") + 1
    if (before := query.get("before_id")) is not None:
        stop = _place(names, before, "before_id")
        start = max(start, stop - limit)
        return json_response(page(found[start:stop], has_more=start > 0))
    return json_response(page(found[start : start + limit], has_more=start + limit < stop))


async def retrieve_model(request: Request) -> Response:
    request.query(BETA, "key")
    with request.while_connected(PATIENCE):
        return json_response(model_object(await request.gateway.models.retrieve(request.params["model"])))


def _place(names: list[str], name: str, param: str) -> int:
    try:
        return names.index(name)
    except ValueError:
        raise InvalidRequest(f"No model of this list has the id '{name[:100]}'.", param=param) from None
