"""OpenAI's names for what goes wrong, and its error envelope: for a status's body and inside a stream
(docs/protocol/openai.md, "Errors").

Always the four keys, never anything nested, more only of a budget; the headers are the server's affair.
"""

from __future__ import annotations

from liftgate import errors
from liftgate.dialects.dialect import JSON, ErrorBody, of_class, with_our_list
from liftgate.errors import LiftgateError
from liftgate.json_types import JsonObject

TYPES: dict[type[LiftgateError], str] = {
    errors.LiftgateError: "server_error",
    errors.RequestError: "invalid_request_error",
    errors.RateLimited: "rate_limit_error",
    errors.BudgetReached: "insufficient_quota",
    errors.Unavailable: "service_unavailable_error",
    errors.UpstreamError: "upstream_error",
    errors.UpstreamKeyRejected: "authentication_error",
    errors.UpstreamRateLimited: "rate_limit_error",
    errors.UpstreamUnavailable: "service_unavailable_error",
}
"""`type` of a class; others have that of the class they are of."""


class OpenAI:
    """How OpenAI's API tells errors, on every route that it has."""

    name = "openai"
    json_type = JSON

    def error(self, error: LiftgateError) -> ErrorBody:
        return ErrorBody(error.http_status, error_body(error))


OPENAI = OpenAI()


def error_body(error: LiftgateError) -> JsonObject:
    """`{"error": {"message", "type", "param", "code"}}`; `param` and `code` may be None, `code` is never a number. Of a
    budget also what it is and when it begins anew."""
    code = None if error.code is None else str(error.code)
    message = with_our_list(error.message)
    kind = error.kind if isinstance(error, errors.RateReached) else type_of(type(error))
    body: JsonObject = {"message": message, "type": kind, "param": error.param, "code": code}
    if isinstance(error, errors.BudgetReached):
        body |= error.facts
    return {"error": body}


def type_of(kind: type[LiftgateError]) -> str:
    return of_class(TYPES, kind)
