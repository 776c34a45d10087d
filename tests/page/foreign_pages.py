"""A server of somebody else's, as an origin of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Pages:
    """Serves `bodies` by their path."""

    def __init__(self, bodies: Mapping[str, str]) -> None:
        self.bodies = dict(bodies)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = self.bodies.get(scope["path"], "").encode()
        kind = b"text/javascript" if scope["path"].endswith(".js") else b"text/html; charset=utf-8"
        headers = [(b"content-type", kind), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200 if body else 404, "headers": headers})
        await send({"type": "http.response.body", "body": body})
