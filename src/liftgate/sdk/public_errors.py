"""What a caller of the SDK catches: each failure is one of LiteLLM's and OpenAI's exceptions and a LiftgateError.

The class is made when an error is first raised, so that `import liftgate` and calls that succeed never load `openai`.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from liftgate import errors
from liftgate.dialects.openai_errors import type_of
from liftgate.json_types import JsonObject

if TYPE_CHECKING:
    from liftgate.exceptions import ProviderError

CONTEXT_CODE = "context_length_exceeded"
_CONTEXT_WORDS = "exceeds the maximum number of tokens"
"""Google's own words for a prompt that is too long (docs/protocol/gemini.md, "Errors")."""


def public_error(error: errors.LiftgateError, model: object = None) -> errors.LiftgateError:
    """The error with its facts, as an instance of its own class and of the public one. One that is public already
    comes back as it is."""
    from liftgate.exceptions import ProviderError

    if isinstance(error, ProviderError):
        return error
    public: Any = _public_class(error)
    own: Any = type(error)
    kind = _combined(public, own)
    shown: errors.LiftgateError = kind.__new__(kind, *error.args)
    shown.args = error.args
    body = {"message": error.message, "type": type_of(own), "param": error.param, "code": error.code}
    response = _response(error, body)
    shown.__dict__.update(
        {
            "llm_provider": "gemini",
            "model": model if isinstance(model, str) else None,
            "response": response,
            "request": getattr(response, "request", None),
            "request_id": None,
            "num_retries": None,
            "max_retries": None,
            "type": type_of(own),
            "body": body,
            **error.__dict__,
        }
    )
    return shown


def _public_class(error: errors.LiftgateError) -> type[ProviderError]:
    from liftgate import exceptions as public

    if isinstance(error, errors.InvalidRequest):
        return _bad_request(error)
    for kind, name in _CLASSES:
        if isinstance(error, kind):
            found: type[ProviderError] = getattr(public, name)
            return found
    status = error.http_status
    if status == 503:
        return public.ServiceUnavailableError
    if status == 502:
        return public.BadGatewayError
    if status >= 500:
        return public.InternalServerError
    return public.BadRequestError if status == 400 else public.APIStatusError


def _bad_request(error: errors.InvalidRequest) -> type[ProviderError]:
    from liftgate import exceptions as public

    if isinstance(error, errors.UnsupportedParameter):
        return public.UnsupportedParamsError
    return public.ContextWindowExceededError if is_too_long(error) else public.BadRequestError


def is_too_long(error: errors.LiftgateError) -> bool:
    """Whether the prompt has more tokens than the model takes."""
    words = error.upstream.message if error.upstream else ""
    return error.code == CONTEXT_CODE or _CONTEXT_WORDS in words


_CLASSES: tuple[tuple[type[errors.LiftgateError], str], ...] = (
    (errors.AuthenticationFailed, "AuthenticationError"),
    (errors.UpstreamKeyRejected, "AuthenticationError"),
    (errors.PermissionDenied, "PermissionDeniedError"),
    (errors.NotFound, "NotFoundError"),
    (errors.UpstreamFileLost, "NotFoundError"),
    (errors.Conflict, "ConflictError"),
    (errors.RequestTimeout, "Timeout"),
    (errors.UpstreamTimeout, "Timeout"),
    (errors.RateLimited, "RateLimitError"),
    (errors.UpstreamRateLimited, "RateLimitError"),
    (errors.UpstreamDisconnected, "APIConnectionError"),
    (errors.UpstreamProtocolError, "APIConnectionError"),
    (errors.InternalError, "InternalServerError"),
)


@cache
def _combined(public: Any, kind: Any) -> Any:
    """A class that is both. Named as the public one: that is what a traceback should say."""
    return type(public.__name__, (public, kind), {"__module__": public.__module__, "__reduce__": _reduce})


def _reduce(error: errors.LiftgateError) -> tuple[object, ...]:
    public, kind = type(error).__bases__
    return _rebuilt, (public, kind, error.args, {**error.__dict__, "response": None, "request": None})


def _rebuilt(public: Any, kind: Any, args: tuple[object, ...], state: JsonObject) -> Exception:
    combined = _combined(public, kind)
    error: Exception = combined.__new__(combined, *args)
    error.args = args
    error.__dict__.update(state)
    return error


def _response(error: errors.LiftgateError, body: JsonObject) -> object:
    """The HTTP response that OpenAI's client would have had, in the class of its HTTP library; None without one."""
    if (http := _http_library()) is None:
        return None
    headers = {} if error.retry_after is None else {"retry-after": f"{error.retry_after:g}"}
    request = http.Request("POST", "https://generativelanguage.googleapis.com")
    return http.Response(error.http_status, headers=headers, json={"error": body}, request=request)


@cache
def _http_library() -> Any:
    from importlib import import_module

    for name in ("httpx2", "httpx"):
        try:
            return import_module(name)
        except ImportError:
            continue
    return None
