"""Everything that can go wrong, one tree by meaning.

An error knows what it means (its class), which request field or file is at fault, whether trying again can help,
and what the upstream said. It does not know how it is shown: each API's names, and sentences of its own, stand in its
dialect.

    LiftgateError
    ├── RequestError                 the caller can mend it; never retried
    │   ├── InvalidRequest           400  a value, a field, the JSON, the multipart body
    │   │   ├── MissingParameter
    │   │   ├── UnsupportedParameter      the model or Liftgate cannot do it; drop_params drops it
    │   │   └── FileUnusable              this file cannot be used so: empty, failed processing, wrong type
    │   ├── AuthenticationFailed     401
    │   ├── PermissionDenied         403
    │   ├── NotFound                 404
    │   │   ├── FileNotFound
    │   │   ├── UploadNotFound
    │   │   ├── ModelNotFound
    │   │   └── RouteNotFound
    │   ├── MethodNotAllowed         405
    │   ├── RequestTimeout           408  the body stopped coming
    │   ├── Conflict                 409
    │   ├── PreconditionFailed       412
    │   ├── TooLarge                 413
    │   ├── UnsupportedEncoding      415  the body's Content-Encoding
    │   └── RangeNotSatisfiable      416
    ├── RateLimited                  429  ours (a quota) or the upstream's
    │   ├── RateReached                   a key's requests or tokens in a minute, or requests at one time
    │   └── BudgetReached                 a key's money
    │       └── BudgetInFlight            what is missing is held for calls that are running
    ├── InternalError                500  a defect of ours
    ├── Unavailable                  503  try again later: catalogue away, file not ready, shutting down
    │   ├── LimitsAway                    whether a key's limits let it in
    │   └── FileNotReady
    ├── StorageFull                  507
    └── UpstreamError                what Gemini did, when it is not the request's fault
        ├── UpstreamKeyRejected      401  the key that Liftgate holds; another deployment may do
        ├── UpstreamRateLimited      429
        ├── UpstreamUnavailable      500, 503: Google's own status is kept
        ├── UpstreamTimeout          504
        ├── UpstreamDisconnected     502  the connection broke, before or within the answer
        ├── UpstreamAnswerBroken     502  Gemini ended its answer for a reason that lies in no content
        ├── UpstreamProtocolError    502  an answer that is not of the contract
        ├── UpstreamFileLost         internal: the copy is not there any more; repaired, never shown
        └── UpstreamStorageFull      internal: the project's 20 GB are used; copies are evicted, then 503

Configuration mistakes are `ConfigError`, shown on the terminal at start.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

LONGEST_NAME = 200
LONGEST_MESSAGE = 4000
"""Characters that an error may repeat of a name, and that its sentence may have: a caller chooses both."""


def shortened(text: str, most: int = LONGEST_NAME) -> str:
    """As an error may quote it: never a whole payload."""
    return text if len(text) <= most else text[: most - 1] + "…"


@dataclass(frozen=True, slots=True)
class UpstreamFacts:
    """What Google answered: HTTP status, `error.status`, `error.message`, and the `details` list as it came."""

    status: int
    google_status: str = ""
    message: str = ""
    details: tuple[dict[str, Any], ...] = field(default=(), repr=False)


def let_go(error: BaseException) -> None:
    """Drops the tracebacks of an error that was answered, and of what led to it.

    Where a frame of a traceback holds the error too, in a local or on an object, both would keep all that the frames
    hold, a request's body among it, until a collector comes by.
    """
    waiting: list[BaseException | None] = [error]
    seen: set[int] = set()
    while waiting:
        each = waiting.pop()
        if each is not None and id(each) not in seen:
            seen.add(id(each))
            each.__traceback__ = None
            waiting += (each.__cause__, each.__context__, *getattr(each, "exceptions", ()))


class LiftgateError(Exception):
    """Any failure that is told to a caller.

    `status`: HTTP status. `param`: the path of the field at fault. `code`: a word for programs. `retryable`: the same
    request may succeed later or elsewhere. `retry_after`: seconds, when known. `message`: a plain sentence, which an
    API may replace by its own.
    """

    status: ClassVar[int] = 500
    default_code: ClassVar[str | None] = None
    retryable: ClassVar[bool] = False
    worth_repeating: ClassVar[bool] = False
    """Whether the caller may try again where we do not."""

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        retry_after: float | None = None,
        upstream: UpstreamFacts | None = None,
    ) -> None:
        self.message = shortened(message, LONGEST_MESSAGE)
        super().__init__(self.message)
        self.param = None if param is None else shortened(param)
        self.code = code if code is not None else self.default_code
        self.retry_after = retry_after
        self.upstream = upstream

    def again(self) -> Self:
        """The same, to be raised where this one is kept: what is raised refers to the frames that it passes, and what
        those keep must not refer to it."""
        twin = type(self).__new__(type(self), *self.args)
        twin.__dict__.update(self.__dict__)
        return twin

    @property
    def http_status(self) -> int:
        """The status to answer with; `UpstreamUnavailable` keeps Google's own."""
        return self.status

    @property
    def status_code(self) -> int:
        """`http_status` by the name that OpenAI's and LiteLLM's exceptions have for it."""
        return self.http_status


class ConfigError(Exception):
    """The configuration cannot be used; the message names the file, the key and what is expected."""


# ── the request's own fault ────────────────────────────────────────────────────────────────────────────────────────


class RequestError(LiftgateError):
    """The caller can mend it."""

    status = 400


class InvalidRequest(RequestError):
    """A value, a field, the JSON or the multipart body is wrong; `param` names where."""


class MissingParameter(InvalidRequest):
    """A required parameter is not there."""

    default_code = "missing_required_parameter"

    def __init__(self, param: str) -> None:
        super().__init__(f"Missing required parameter: '{shortened(param)}'.", param=param)


class UnsupportedParameter(InvalidRequest):
    """The model, or Liftgate, cannot do what this parameter asks; `drop_params` drops it."""

    default_code = "unsupported_parameter"


class FileUnusable(InvalidRequest):
    """This file cannot be used so; the message names its id, filename and MIME type."""

    default_code = "unsupported_file"


class AuthenticationFailed(RequestError):
    """No key, or a wrong one."""

    status = 401
    default_code = "invalid_api_key"


class PermissionDenied(RequestError):
    """The key is known and may not do this."""

    status = 403


class NotFound(RequestError):
    """What is named does not exist for this owner."""

    status = 404


class FileNotFound(NotFound):
    """`file_id`: as the caller named it. A foreign file gives exactly the same as one that never was."""

    def __init__(self, file_id: str, *, param: str | None = "id") -> None:
        super().__init__(f"No such File object: {shortened(file_id)}", param=param)
        self.file_id = file_id


class UploadNotFound(NotFound):
    def __init__(self, upload_id: str) -> None:
        super().__init__(f"No such Upload object: {shortened(upload_id)}", param="upload_id")


class ModelNotFound(NotFound):
    default_code = "model_not_found"

    def __init__(self, model: str, provider: str | None = None) -> None:
        """`provider`: whose model it is, where it is another's than Google AI Studio's. `served`: the names that are
        there. `method`: Gemini's own, where one was called."""
        why = "does not exist or you do not have access to it."
        if provider:
            why = f"is another provider's ({provider}), and this gateway serves models of Google AI Studio only."
        super().__init__(f"The model `{shortened(model)}` {why}")
        self.model = model
        self.provider = provider
        self.served: tuple[str, ...] = ()
        self.method = ""


class RouteNotFound(NotFound):
    def __init__(self, method: str, path: str, reason: str = "") -> None:
        """`reason`: a sentence, where more is known than that nothing is there."""
        super().__init__(f"Invalid URL ({method} {shortened(path)}){f': {reason}' if reason else ''}")


class MethodNotAllowed(RequestError):
    """`allowed`: methods. `nowhere`: what it is in an API that has one answer for all that it does not serve."""

    status = 405
    default_code = "method_not_supported"

    def __init__(self, allowed: tuple[str, ...], nowhere: RouteNotFound) -> None:
        names = " or ".join(allowed)
        super().__init__(f"Only {names} requests are accepted.")
        self.allowed = allowed
        self.nowhere = nowhere


class RequestTimeout(RequestError):
    """The request's body stopped coming."""

    status = 408


class Conflict(RequestError):
    """The thing is in a state that does not allow this, or its name is taken."""

    status = 409


class PreconditionFailed(RequestError):
    """The caller wants the file only if it is another one than it is."""

    status = 412
    default_code = "precondition_failed"

    def __init__(self, etag: str, header: str = "If-Match") -> None:
        says = "is not one" if header == "If-Match" else "is one"
        super().__init__(f"The file {says} that {header} names: its tag is {etag}.", param=header)


class UnsupportedEncoding(RequestError):
    """The body has a Content-Encoding that is not read; `readable` are those that are."""

    status = 415
    default_code = "unsupported_content_encoding"

    def __init__(self, encoding: str, readable: tuple[str, ...]) -> None:
        super().__init__(
            f"The Content-Encoding '{shortened(encoding)}' of the body is not supported; send it as it is, or as one "
            f"of: {', '.join(readable)}.",
            param="Content-Encoding",
        )
        self.readable = readable


class TooLarge(RequestError):
    """A body, a file or a quota is exceeded; the message gives both numbers in bytes."""

    status = 413
    default_code = "file_too_large"


class RangeNotSatisfiable(RequestError):
    """The Range header names no byte of the file; `total` is its size in bytes."""

    status = 416

    def __init__(self, total: int) -> None:
        super().__init__(f"The requested range is outside the file, which has {total} bytes.")
        self.total = total


# ── ours ───────────────────────────────────────────────────────────────────────────────────────────────────────────


class RateLimited(LiftgateError):
    """A quota of Liftgate's own (an owner's bytes, say) is used up."""

    status = 429
    default_code = "rate_limit_exceeded"


class RateReached(RateLimited):
    """A key's own limit for a minute, or for one time. `kind`: `requests` or `tokens`."""

    worth_repeating = True

    def __init__(self, message: str, *, kind: str, code: str | None = None, retry_after: float) -> None:
        super().__init__(message, code=code, retry_after=retry_after)
        self.kind = kind


class BudgetReached(RateLimited):
    """A key's own money. `facts`: for programs, as the answer has them."""

    default_code = "insufficient_quota"

    def __init__(self, message: str, *, facts: dict[str, Any], retry_after: float | None) -> None:
        super().__init__(message, retry_after=retry_after)
        self.facts = facts


class BudgetInFlight(BudgetReached):
    """It would do, once calls that are running have ended."""

    worth_repeating = True


class InternalError(LiftgateError):
    """A defect of Liftgate's; the message says no more than that, the log has the rest."""

    def __init__(self, message: str = "The server had an error while processing your request.") -> None:
        super().__init__(message)


class Unavailable(LiftgateError):
    """Not now: the catalogue is away, the gateway is shutting down, nothing is free."""

    status = 503
    retryable = True


class LimitsAway(Unavailable):
    """Nobody can say at the moment whether a key's limits let the call in. No other deployment could."""

    retryable = False
    worth_repeating = True


class FileNotReady(Unavailable):
    """A file is still on its way to Gemini or being processed there; the message names it."""

    default_code = "file_not_ready"


class StorageFull(LiftgateError):
    """No space left where blobs are kept; nothing of the request was stored."""

    status = 507
    default_code = "insufficient_storage"


# ── Gemini's ───────────────────────────────────────────────────────────────────────────────────────────────────────


class UpstreamError(LiftgateError):
    """Gemini failed and the request is not at fault; another try or another deployment may do."""

    status = 502
    retryable = True


class UpstreamKeyRejected(UpstreamError):
    """Google does not accept the key of this deployment. Not retried there; another deployment may do."""

    status = 401
    default_code = "upstream_api_key_invalid"


class UpstreamRateLimited(UpstreamError):
    status = 429
    default_code = "rate_limit_exceeded"


class UpstreamUnavailable(UpstreamError):
    """500, 503 and their like: Google's own status is kept."""

    status = 503
    default_code = "upstream_unavailable"

    @property
    def http_status(self) -> int:
        return self.upstream.status if self.upstream and self.upstream.status >= 500 else self.status


class UpstreamTimeout(UpstreamError):
    status = 504
    default_code = "upstream_timeout"


class UpstreamDisconnected(UpstreamError):
    default_code = "upstream_disconnected"


class UpstreamAnswerBroken(UpstreamError):
    """Gemini gave its answer up for a reason that lies in no content, such as a call that it could not form.

    It was asked once more already where nothing had gone out yet; the status tells a client that it may try again.
    """

    default_code = "upstream_answer_broken"
    retryable = False


class UpstreamProtocolError(UpstreamError):
    """An answer that is not of the contract: no JSON, no upload URL, a wrong hash."""

    default_code = "upstream_protocol_error"
    retryable = False


class UpstreamFileLost(UpstreamError):
    """Gemini does not know a file that was named to it (403, 404) or will not use it (400, not ACTIVE)."""

    default_code = "upstream_file_lost"


class UpstreamStorageFull(UpstreamError):
    """The Google project's `file_storage_bytes` are used up."""

    status = 503
    default_code = "upstream_storage_full"
