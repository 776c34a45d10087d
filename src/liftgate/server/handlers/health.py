"""`/health/…`: is the process alive, and can it serve. Neither needs a key.

Readiness tells which of the catalogue's tables somebody has changed, and how; other reasons are for the log.
"""

from __future__ import annotations

from liftgate.server.request import Request
from liftgate.server.responses import Response, json_response


async def liveness(request: Request) -> Response:
    return json_response({"status": "alive"})


async def readiness(request: Request) -> Response:
    """503 while the catalogue cannot be reached, so that a load balancer sends requests elsewhere."""
    await request.gateway.ready()
    return json_response({"status": "ready"})
