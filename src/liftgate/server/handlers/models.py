"""`/v1/models`: the public names of the deployments, and Google's behind a wildcard."""

from __future__ import annotations

from liftgate.json_types import JsonObject
from liftgate.server.handlers.generate import PATIENCE
from liftgate.server.request import Request
from liftgate.server.responses import Response, json_response

CREATED = 1687882411
"""Gemini tells no creation time; this is the one OpenAI's own oldest model has, and the schema wants an integer."""


async def list_models(request: Request) -> Response:
    with request.while_connected(PATIENCE):
        listed = await request.gateway.models.list()
    return json_response({"object": "list", "data": [_model(model.name) for model in listed]})


async def retrieve_model(request: Request) -> Response:
    with request.while_connected(PATIENCE):
        found = await request.gateway.models.retrieve(request.params["model"])
    return json_response(_model(found.name))


def _model(name: str) -> JsonObject:
    return {"id": name, "object": "model", "created": CREATED, "owned_by": "google"}
