"""`/metrics`, for Prometheus."""

from __future__ import annotations

from liftgate.errors import InvalidRequest, PermissionDenied
from liftgate.server.request import Request
from liftgate.server.responses import Response


async def show_metrics(request: Request) -> Response:
    """They tell of all owners."""
    if not request.caller.sees_all_owners:
        raise PermissionDenied(
            "Metrics are for the master key, and for keys of the types management and read_only.", code="not_allowed"
        )
    metrics = request.gateway.metrics
    if metrics is None:
        raise InvalidRequest("This gateway counts no metrics. `metrics: true` in liftgate_settings does it.")
    kind, body = await metrics.answer(request.header(b"accept"))
    return Response(body, headers=((b"content-type", kind),))
