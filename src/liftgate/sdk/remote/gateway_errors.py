"""What went wrong at a gateway, as errors of Liftgate's tree: what it answered, or that it cannot be reached."""

from __future__ import annotations

from collections.abc import Mapping

from liftgate import errors
from liftgate.errors import LiftgateError
from liftgate.json_types import JsonMapping, loaded

SHOWN_BODY = 300
GONE_BEHIND_A_PROXY = (502, 503, 504)

_BY_STATUS: Mapping[int, type[LiftgateError]] = {
    400: errors.InvalidRequest,
    401: errors.AuthenticationFailed,
    403: errors.PermissionDenied,
    404: errors.NotFound,
    408: errors.RequestTimeout,
    409: errors.Conflict,
    412: errors.PreconditionFailed,
    413: errors.TooLarge,
    415: errors.UnsupportedEncoding,
    416: errors.RangeNotSatisfiable,
    429: errors.RateLimited,
    500: errors.InternalError,
    502: errors.UpstreamDisconnected,
    503: errors.Unavailable,
    504: errors.UpstreamTimeout,
    507: errors.StorageFull,
}
_BY_CODE: Mapping[tuple[int, str], type[LiftgateError]] = {
    (400, "unsupported_parameter"): errors.UnsupportedParameter,
    (400, "missing_required_parameter"): errors.MissingParameter,
    (400, "unknown_parameter"): errors.UnknownParameter,
    (400, "unsupported_file"): errors.FileUnusable,
    (404, "model_not_found"): errors.ModelNotFound,
    (429, "upstream_rate_limited"): errors.UpstreamRateLimited,
    (503, "file_not_ready"): errors.FileNotReady,
    (503, "upstream_unavailable"): errors.UpstreamUnavailable,
}
_BY_TYPE: Mapping[str, int] = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "rate_limit_error": 429,
    "server_error": 500,
    "upstream_error": 502,
    "service_unavailable_error": 503,
}
_PASSING = frozenset({408, 429, 500, 502, 503, 504})


class GatewayUnreachable(errors.UpstreamDisconnected):
    """No answer of the gateway, or a broken one."""

    default_code = "gateway_unreachable"


class GatewayRefused(LiftgateError):
    """An answer with a status that has no class of its own, or of what is no gateway."""

    type = "api_error"
    answered = 500

    @property
    def http_status(self) -> int:
        return self.answered


class SourceChanged(errors.InvalidRequest):
    """The file is another one now: what was sent of it is of no use."""


def refusal(
    status: int, message: str, *, param: str = "", code: str = "", retry_after: float | None = None
) -> LiftgateError:
    """An error of the class that the gateway's own had, as far as its answer tells."""
    kind = _BY_CODE.get((status, code)) or _BY_STATUS.get(status) or GatewayRefused
    # Some classes make their sentence themselves; here it is there already.
    error = kind.__new__(kind, message)
    LiftgateError.__init__(error, message, param=param or None, code=code or None, retry_after=retry_after)
    if isinstance(error, GatewayRefused):
        error.answered = status
    return error


def in_stream(event: JsonMapping) -> LiftgateError | None:
    """The failure that a stream carries in place of a chunk."""
    error = event.get("error")
    if not isinstance(error, dict):
        return None
    message = str(error.get("message") or "the stream ended with an error")
    status = _BY_TYPE.get(str(error.get("type")), 500)
    return refusal(status, message, param=str(error.get("param") or ""), code=str(error.get("code") or ""))


def may_pass(error: LiftgateError) -> bool:
    """Whether the same request may succeed in a while."""
    return isinstance(error, GatewayUnreachable) or error.http_status in _PASSING


def read_refusal(body: bytes) -> tuple[str, str, str] | None:
    """(message, param, code) of OpenAI's error body; None for what no gateway answers."""
    try:
        error = loaded(body)["error"]
        message = str(error["message"])
        if "type" in error:
            return message, str(error.get("param") or ""), str(error.get("code") or "")
    except (ValueError, LookupError, TypeError, AttributeError):
        pass
    return None


def words_of(body: bytes) -> str:
    """What an answer that is no gateway's says, to be shown."""
    try:
        return str(loaded(body)["error"]["message"])
    except (ValueError, LookupError, TypeError):
        return body[:SHOWN_BODY].decode("utf-8", "replace").strip()
