"""Who asks, as audit events have it."""

from __future__ import annotations

from liftgate.audit import By
from liftgate.server.origin import client_of
from liftgate.server.request import Request


def by_of(request: Request) -> By:
    return By(request.caller.name, client_of(request))
