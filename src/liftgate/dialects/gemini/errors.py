"""Google's names and sentences for what goes wrong: google.rpc.Status in JSON, in an answer of its own or inside a
stream.
"""

from __future__ import annotations

from liftgate import errors
from liftgate.dialects.dialect import ErrorBody, of_class
from liftgate.errors import (
    FileNotFound,
    LiftgateError,
    MethodNotAllowed,
    ModelNotFound,
    NotFound,
    PermissionDenied,
    shortened,
)
from liftgate.json_types import JsonObject
from liftgate.large_bodies import fits
from liftgate.names import gemini_model, resource_of

STATUSES: dict[type[LiftgateError], str] = {
    errors.LiftgateError: "INTERNAL",
    errors.RequestError: "INVALID_ARGUMENT",
    errors.FileUnusable: "FAILED_PRECONDITION",
    errors.AuthenticationFailed: "UNAUTHENTICATED",
    errors.PermissionDenied: "PERMISSION_DENIED",
    errors.NotFound: "NOT_FOUND",
    errors.MethodNotAllowed: "UNIMPLEMENTED",
    errors.RequestTimeout: "DEADLINE_EXCEEDED",
    errors.Conflict: "ALREADY_EXISTS",
    errors.PreconditionFailed: "FAILED_PRECONDITION",
    errors.TooLarge: "INVALID_ARGUMENT",
    errors.RangeNotSatisfiable: "OUT_OF_RANGE",
    errors.RateLimited: "RESOURCE_EXHAUSTED",
    errors.Unavailable: "UNAVAILABLE",
    errors.StorageFull: "RESOURCE_EXHAUSTED",
    errors.UpstreamError: "UNAVAILABLE",
    errors.UpstreamKeyRejected: "UNAUTHENTICATED",
    errors.UpstreamRateLimited: "RESOURCE_EXHAUSTED",
    errors.UpstreamTimeout: "DEADLINE_EXCEEDED",
    errors.UpstreamStorageFull: "RESOURCE_EXHAUSTED",
}
"""`status` of a class; others have that of the class they are of."""

MOST_DETAILS = 8 * 1024
"""Characters of Google's details that are handed on: a field violation repeats the name that the caller sent."""


class Gemini:
    """How Google's API tells errors, on every route that it has."""

    name = "gemini"
    json_type = b"application/json; charset=UTF-8"

    def error(self, error: LiftgateError) -> ErrorBody:
        """google.rpc.Status as Google's HTTP front writes it (docs/protocol/gemini.md, "Errors")."""
        error = in_googles_words(error)
        status: JsonObject = {
            "code": error.http_status,
            "message": error.message,
            "status": status_of(type(error)),
        }
        upstream = error.upstream
        # Where the status is ours, Google's sentence is about something of ours too, such as the key that we hold.
        if upstream is not None and upstream.status == error.http_status:
            status["status"] = upstream.google_status or status["status"]
            if upstream.details and fits(upstream.details, MOST_DETAILS):
                status["details"] = list(upstream.details)
        return ErrorBody(error.http_status, {"error": status})


GEMINI = Gemini()


def status_of(kind: type[LiftgateError]) -> str:
    return of_class(STATUSES, kind)


def in_googles_words(error: LiftgateError) -> LiftgateError:
    """The error that Google's API has for the same thing; most are the same."""
    if isinstance(error, FileNotFound):
        # Google does not tell a File that is not there from one that is not the caller's (docs/protocol/gemini.md,
        # "Errors").
        name = resource_of(error.file_id) or error.file_id
        return PermissionDenied(f"You do not have permission to access the File {name} or it may not exist.")
    if isinstance(error, ModelNotFound) and not (error.provider and error.method):
        asked = f", or is not supported for {error.method}" if error.method else ""
        return NotFound(
            f"{gemini_model(shortened(error.model))} is not found for API version v1beta{asked}. "
            "Call ModelService.ListModels to see the list of available models and their supported methods."
        )
    return error.nowhere if isinstance(error, MethodNotAllowed) else error
