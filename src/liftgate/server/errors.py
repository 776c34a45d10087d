"""An error as an answer: its status, its headers and its body in the dialect of the path (DESIGN.md 5.8).

The only place where an error meets HTTP. `x-should-retry: false` tells OpenAI's clients, which would repeat any 408,
409, 429 and 5xx twice, that repeating cannot help (OPENAI.md 6.5).
"""

from __future__ import annotations

import math
from typing import Any

import msgspec

from liftgate.errors import LiftgateError, MethodNotAllowed, RangeNotSatisfiable
from liftgate.openai.error_body import error_body
from liftgate.server.asgi import Header
from liftgate.server.dialects import Dialect
from liftgate.server.responses import JSON, Response

_encode = msgspec.json.Encoder().encode


def error_response(error: LiftgateError, dialect: Dialect = "openai") -> Response:
    """The answer that tells `error` to the caller."""
    body = google_status(error) if dialect == "gemini" else error_body(error)
    return Response(_encode(body), status=error.http_status, headers=[JSON, *_headers(error)])


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


def _headers(error: LiftgateError) -> list[Header]:
    status = error.http_status
    headers: list[Header] = []
    if error.retry_after is not None:
        headers.append((b"retry-after", b"%d" % max(1, math.ceil(error.retry_after))))
    if not error.retryable and (status >= 500 or status in (408, 409, 429)):
        headers.append((b"x-should-retry", b"false"))
    if status == 401:
        headers.append((b"www-authenticate", b'Bearer realm="Liftgate"'))
    if isinstance(error, MethodNotAllowed):
        headers.append((b"allow", ", ".join(error.allowed).encode()))
    if isinstance(error, RangeNotSatisfiable):
        headers.append((b"content-range", b"bytes */%d" % error.total))
    return headers
