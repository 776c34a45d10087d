"""An error as Google writes one: google.rpc.Status in JSON, in an answer of its own or inside a stream."""

from __future__ import annotations

from typing import Any

from liftgate.errors import LiftgateError


def google_status(error: LiftgateError) -> dict[str, Any]:
    """google.rpc.Status as Google's HTTP front writes it (GEMINI.md 1.9)."""
    status: dict[str, Any] = {"code": error.http_status, "message": error.message, "status": error.google_status}
    upstream = error.upstream
    # Where the status is ours, what Google said was about something of ours too, such as the key that we hold.
    if upstream is not None and upstream.status == error.http_status:
        status["status"] = upstream.google_status or error.google_status
        if upstream.details:
            status["details"] = list(upstream.details)
    return {"error": status}
