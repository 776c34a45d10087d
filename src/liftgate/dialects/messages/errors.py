"""Anthropic's names and sentences for what goes wrong, and its error envelope: for a status's body and inside a stream
(docs/protocol/anthropic.md, "Errors").
"""

from __future__ import annotations

import re

from liftgate import errors
from liftgate.dialects.dialect import JSON, OUR_LIST, ErrorBody, of_class, with_our_list
from liftgate.errors import (
    AuthenticationFailed,
    InvalidRequest,
    LiftgateError,
    MissingParameter,
    ModelNotFound,
    NotFound,
    UpstreamUnavailable,
    shortened,
)
from liftgate.json_types import JsonObject

TYPES: dict[type[LiftgateError], str] = {
    errors.LiftgateError: "api_error",
    errors.RequestError: "invalid_request_error",
    errors.AuthenticationFailed: "authentication_error",
    errors.PermissionDenied: "permission_error",
    errors.NotFound: "not_found_error",
    errors.RequestTimeout: "timeout_error",
    errors.Conflict: "conflict_error",
    errors.TooLarge: "request_too_large",
    errors.RateLimited: "rate_limit_error",
    errors.UpstreamKeyRejected: "authentication_error",
    errors.UpstreamRateLimited: "rate_limit_error",
    errors.UpstreamTimeout: "timeout_error",
}
"""`type` of a class; others have that of the class they are of."""

OVERLOADED = 529
"""Anthropic's own status for a model that is busy."""
LONGEST_PAUSE = 60.0
"""Seconds. Anthropic's clients sleep as long as an answer says, however long that is."""

THREAD_REFUSED = "thread_unsupported_request"
TOO_LONG = "context_length_exceeded"
_LISTED = 40
"""Names of models that a 404 tells, at most."""
_INDEX = re.compile(r"\[(\d+)\]")
_QUOTED_PATH = re.compile(r"'[a-z_][\w.]*\[\d[\w.\[\]]*'")
_OPENAIS_HINT = re.compile(r" \(HINT: [^)]*OpenAI[^)]*\)")


class Anthropic:
    """How Anthropic's API tells errors, on every route that it has."""

    name = "anthropic"
    json_type = JSON

    def error(self, error: LiftgateError) -> ErrorBody:
        overloaded = isinstance(error, UpstreamUnavailable) and error.http_status == 503
        status = OVERLOADED if overloaded else error.http_status
        shown: JsonObject = {
            "type": "overloaded_error" if overloaded else type_of(type(error)),
            "message": in_anthropics_words(error),
        }
        if error.code == THREAD_REFUSED:
            shown["details"] = {"error_code": THREAD_REFUSED, "unsupported": []}
        return ErrorBody(status, {"type": "error", "error": shown}, longest_pause=LONGEST_PAUSE, tells_request=True)


ANTHROPIC = Anthropic()


def type_of(kind: type[LiftgateError]) -> str:
    return of_class(TYPES, kind)


def in_anthropics_words(error: LiftgateError) -> str:
    """The sentence; some are matched by clients. A field's path has dots only: `messages.0.content`."""
    path = _INDEX.sub(r".\1", error.param or "")
    if isinstance(error, MissingParameter):
        return f"{path}: Field required"
    if isinstance(error, InvalidRequest) and error.code == "unknown_parameter" and path:
        return f"{path}: Extra inputs are not permitted"
    if isinstance(error, ModelNotFound):
        return _not_served(error)
    if isinstance(error, AuthenticationFailed) and error.code is None:
        return "x-api-key header is required. Authorization: Bearer does as well."
    message = with_our_list(_OPENAIS_HINT.sub("", error.message))
    message = _QUOTED_PATH.sub(lambda found: _INDEX.sub(r".\1", found[0]), message)
    if error.code == TOO_LONG and isinstance(error, InvalidRequest):
        return f"prompt is too long: {message}"
    named = not path or path == "id" or path in message or "`" in message
    # What is not found stands at a place only where a body names it.
    placed = isinstance(error, InvalidRequest) or (isinstance(error, NotFound) and "." in path)
    return f"{path}: {message}" if placed and not named else message


def _not_served(error: ModelNotFound) -> str:
    if error.provider:
        return f"model: {error.message}"
    served = [name for name in error.served if "*" not in name]
    names = [shortened(name, 80) for name in served[:_LISTED]]
    more = ", …" if len(served) > _LISTED else ""
    known = f" This gateway serves: {', '.join(names)}{more}." if names else ""
    if len(served) < len(error.served):
        known += f" {OUR_LIST}"
    alias = " An operator can have one of them answer this name (model_group_alias)." if names else ""
    return f"model: {shortened(error.model)} is not served here.{known}{alias}"
