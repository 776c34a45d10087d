"""An error as an answer: its status, its headers and its body in the dialect of the path (docs/architecture.md, "How
data flows").

The only place where an error meets HTTP. `x-should-retry: false` tells OpenAI's clients, which would repeat any 408,
409, 429 and 5xx twice, that repeating cannot help (docs/protocol/openai.md, "Retries of clients").
"""

from __future__ import annotations

import math

import msgspec

from liftgate.dialects.dialect import ErrorBody, Errors
from liftgate.dialects.openai_errors import OPENAI
from liftgate.errors import LiftgateError, MethodNotAllowed, RangeNotSatisfiable, UnsupportedEncoding
from liftgate.server.asgi import Header
from liftgate.server.responses import Response

_encode = msgspec.json.Encoder().encode


def error_response(error: LiftgateError, dialect: Errors = OPENAI, request_id: str = "") -> Response:
    """The answer that tells `error` to the caller of the request of this id."""
    written = dialect.error(error)
    headers = [(b"content-type", dialect.json_type), *_headers(error, written)]
    return Response(error_bytes(written, request_id), status=written.status, headers=headers)


def error_bytes(written: ErrorBody, request_id: str) -> bytes:
    return _encode({**written.body, "request_id": request_id} if written.tells_request else written.body)


def _headers(error: LiftgateError, written: ErrorBody) -> list[Header]:
    headers: list[Header] = []
    status, pause, longest = written.status, error.retry_after, written.longest_pause
    if pause is not None:
        seconds = pause if longest is None else min(pause, longest)
        headers.append((b"retry-after", b"%d" % max(1, math.ceil(seconds))))
    # A client that asks twice more after pauses that are too short is refused twice more.
    in_vain = pause is not None and longest is not None and pause > 2 * longest
    if (in_vain or not (error.retryable or error.worth_repeating)) and (status >= 500 or status in (408, 409, 429)):
        headers.append((b"x-should-retry", b"false"))
    if status == 401:
        headers.append((b"www-authenticate", b'Bearer realm="Liftgate"'))
    if isinstance(error, MethodNotAllowed) and status == error.status:
        headers.append((b"allow", ", ".join(error.allowed).encode()))
    if isinstance(error, UnsupportedEncoding):
        headers.append((b"accept-encoding", ", ".join(error.readable).encode()))
    if isinstance(error, RangeNotSatisfiable):
        headers.append((b"content-range", b"bytes */%d" % error.total))
    return headers
