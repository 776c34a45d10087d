"""OpenAI's tree of exceptions, for environments without the `openai` package: the same names over one another.

Where the package is there, `liftgate.exceptions` builds on the real ones and this module is not loaded.
"""

from __future__ import annotations


class OpenAIError(Exception):
    pass


class APIError(OpenAIError):
    pass


class APIResponseValidationError(APIError):
    pass


class APIConnectionError(APIError):
    pass


class APITimeoutError(APIConnectionError):
    pass


class APIStatusError(APIError):
    pass


class BadRequestError(APIStatusError):
    pass


class AuthenticationError(APIStatusError):
    pass


class PermissionDeniedError(APIStatusError):
    pass


class NotFoundError(APIStatusError):
    pass


class ConflictError(APIStatusError):
    pass


class UnprocessableEntityError(APIStatusError):
    pass


class RateLimitError(APIStatusError):
    pass


class InternalServerError(APIStatusError):
    pass
