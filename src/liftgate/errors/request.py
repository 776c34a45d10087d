"""What the caller can mend: the request's own faults, none of which is retried."""

from __future__ import annotations

from liftgate.errors.error import LiftgateError, shortened


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


class UnknownParameter(InvalidRequest):
    """A field, or a parameter of a query, that there is not. `more`: what may have been meant."""

    default_code = "unknown_parameter"

    def __init__(self, param: str, more: str = "") -> None:
        super().__init__(f"Unknown parameter: '{shortened(param)}'.{more}", param=param)


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


class ItemNotFound(NotFound):
    """Of a stored response or a conversation."""

    def __init__(self, item_id: str, *, param: str | None = None) -> None:
        super().__init__(f"Item with id '{shortened(item_id)}' not found.", param=param)


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
        super().__init__(self.sentence(allowed))
        self.allowed = allowed
        self.nowhere = nowhere

    @staticmethod
    def sentence(allowed: tuple[str, ...]) -> str:
        return f"Only {' or '.join(allowed)} requests are accepted."


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
