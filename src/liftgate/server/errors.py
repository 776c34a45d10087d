"""An error as an answer: its status, its headers and its body in the dialect of the path (DESIGN.md 5.8).

The only place where an error meets HTTP. `x-should-retry: false` tells OpenAI's clients, which would repeat any 408,
409, 429 and 5xx twice, that repeating cannot help (OPENAI.md 6.5).
"""

from __future__ import annotations

import math

import msgspec

from liftgate.dialects.gemini.errors import google_status
from liftgate.dialects.openai_errors import error_body
from liftgate.errors import LiftgateError, MethodNotAllowed, RangeNotSatisfiable, UnsupportedEncoding
from liftgate.server.asgi import Header
from liftgate.server.dialects import Dialect
from liftgate.server.responses import JSON, JSON_UTF8, Response

_encode = msgspec.json.Encoder().encode


def error_response(error: LiftgateError, dialect: Dialect = "openai") -> Response:
    """The answer that tells `error` to the caller."""
    body, kind = (google_status(error), JSON_UTF8) if dialect == "gemini" else (error_body(error), JSON)
    return Response(_encode(body), status=error.http_status, headers=[kind, *_headers(error)])


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
    if isinstance(error, UnsupportedEncoding):
        headers.append((b"accept-encoding", ", ".join(error.readable).encode()))
    if isinstance(error, RangeNotSatisfiable):
        headers.append((b"content-range", b"bytes */%d" % error.total))
    return headers
