"""An error as an answer: its status, its headers and its body in the dialect of the path (docs/architecture.md, "How
data flows").

The only place where an error meets HTTP. `x-should-retry: false` tells OpenAI's clients, which would repeat any 408,
409, 429 and 5xx twice, that repeating cannot help (docs/protocol/openai.md, "Retries of clients").
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from liftgate.dialects.dialect import ErrorBody, Errors
from liftgate.dialects.openai_errors import OPENAI
from liftgate.errors import InvalidRequest, LiftgateError, MethodNotAllowed, RangeNotSatisfiable, UnsupportedEncoding
from liftgate.server.asgi import Header
from liftgate.server.exchange import STATUS_LINES
from liftgate.server.responses import Response

_encode = msgspec.json.Encoder().encode


def error_response(error: LiftgateError, dialect: Errors = OPENAI, request_id: str = "") -> Response:
    """The answer that tells `error` to the caller of the request of this id."""
    written = dialect.error(error)
    headers = [(b"content-type", dialect.json_type), *_headers(error, written)]
    return Response(_error_bytes(written, request_id), status=written.status, headers=headers)


class Refused(InvalidRequest):
    """The front answers with `status` itself, and the connection ends: where the message ends is not certain."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self._status = status

    @property
    def http_status(self) -> int:
        return self._status


def last_answer(
    error: LiftgateError, dialect: Errors, request_id: str, more: Sequence[Header]
) -> tuple[bytes, bytes, bytes]:
    """The same as a status line, the rest of the head, and the body, of a request that no application answers; the
    connection ends behind it. `more`: headers of its own."""
    written = dialect.error(error)
    body = _error_bytes(written, request_id)
    answer: list[Header] = [
        (b"content-type", dialect.json_type),
        (b"content-length", b"%d" % len(body)),
        (b"connection", b"close"),
        *more,
    ]
    head = b"".join([b"%b: %b\r\n" % header for header in answer])
    return STATUS_LINES[written.status], head + b"\r\n", body


def _error_bytes(written: ErrorBody, request_id: str) -> bytes:
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
