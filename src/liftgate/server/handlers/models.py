"""`/v1/models`: the public names of the deployments."""

from __future__ import annotations

from typing import Any

from liftgate.server.request import Request
from liftgate.server.responses import Response, json_response

CREATED = 1687882411
"""Gemini tells no creation time; this is the one OpenAI's own oldest model has, and the schema wants an integer."""


async def list_models(request: Request) -> Response:
    return json_response({"object": "list", "data": [_model(name) for name in request.gateway.models.list()]})


async def retrieve_model(request: Request) -> Response:
    return json_response(_model(request.gateway.models.retrieve(request.params["model"])))


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": CREATED, "owned_by": "google"}
