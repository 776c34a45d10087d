"""LiteLLM's exceptions, by the names and at the place that its users' `except` clauses have them.

    from liftgate.exceptions import RateLimitError      # or liftgate.RateLimitError

Each is a subclass of OpenAI's exception of the same meaning where the `openai` package is installed, so
`except openai.RateLimitError` works too. Every failure of the SDK is one of these and a `LiftgateError` of
`liftgate.errors` at once. The tree and the attributes are those of LiteLLM's `exceptions.py` (docs/protocol/openai.md,
"LiteLLM").
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import openai as tree
else:
    try:
        import openai as tree
    except ImportError:
        from liftgate import exception_tree as tree

__all__ = [
    "APIConnectionError",
    "APIError",
    "APIResponseValidationError",
    "AuthenticationError",
    "BadGatewayError",
    "BadRequestError",
    "BlockedPiiEntityError",
    "BudgetExceededError",
    "ConflictError",
    "ContentPolicyViolationError",
    "ContextWindowExceededError",
    "GuardrailRaisedException",
    "ImageFetchError",
    "InternalServerError",
    "InvalidRequestError",
    "JSONSchemaValidationError",
    "LiteLLMUnknownProvider",
    "MidStreamFallbackError",
    "NotFoundError",
    "OpenAIError",
    "PermissionDeniedError",
    "RateLimitError",
    "RejectedRequestError",
    "ServiceUnavailableError",
    "Timeout",
    "UnprocessableEntityError",
    "UnsupportedParamsError",
]

OpenAIError = tree.OpenAIError


class ProviderError(Exception):
    """What all of LiteLLM's exceptions carry, and how each can be made by hand, in a test say.

    `status_code`: HTTP status. `response`: the HTTP response in the class of OpenAI's client, None where that is not
    installed. `body`: OpenAI's error object.
    """

    _status = 500
    message: str
    llm_provider: str | None
    model: str | None
    num_retries: int | None
    max_retries: int | None

    def __init__(
        self,
        message: str,
        llm_provider: str | None = "gemini",
        model: str | None = None,
        response: object = None,
        *,
        num_retries: int | None = None,
        max_retries: int | None = None,
        body: object = None,
        **more: object,
    ) -> None:
        Exception.__init__(self, message)
        self.__dict__.update(
            {
                "message": message,
                "llm_provider": llm_provider,
                "model": model,
                "status_code": self._status,
                "response": response,
                "request": getattr(response, "_request", None),
                "request_id": None,
                "num_retries": num_retries,
                "max_retries": max_retries,
                "body": body,
                "code": None,
                "param": None,
                "type": None,
                **more,
            }
        )

    def __reduce__(self) -> tuple[object, ...]:
        # A response is of another library, and need not be one that can be pickled.
        state = {**self.__dict__, "response": None, "request": None}
        return _made, (type(self), self.args, state)


def _made(kind: type[BaseException], args: tuple[object, ...], state: dict[str, object]) -> BaseException:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class BadRequestError(ProviderError, tree.BadRequestError):
    _status = 400


class UnsupportedParamsError(BadRequestError):
    """A parameter that the model, or Liftgate, cannot act on."""


class ContextWindowExceededError(BadRequestError):
    """More input tokens than the model takes."""


class ContentPolicyViolationError(BadRequestError):
    """Google refused the request for what it says. An answer that was blocked has a finish_reason instead."""


class InvalidRequestError(BadRequestError):
    """OpenAI's older name; nothing raises it."""


class AuthenticationError(ProviderError, tree.AuthenticationError):
    _status = 401


class PermissionDeniedError(ProviderError, tree.PermissionDeniedError):
    _status = 403


class NotFoundError(ProviderError, tree.NotFoundError):
    _status = 404


class ConflictError(ProviderError, tree.ConflictError):
    _status = 409


class UnprocessableEntityError(ProviderError, tree.UnprocessableEntityError):
    _status = 422


class RateLimitError(ProviderError, tree.RateLimitError):
    _status = 429


class Timeout(ProviderError, tree.APITimeoutError):
    _status = 408


class APIConnectionError(ProviderError, tree.APIConnectionError):
    _status = 500


class APIError(ProviderError, tree.APIError):
    """Made with the status first, as LiteLLM's is: `APIError(500, message)`."""

    def __init__(self, status_code: int, message: str, *more: Any, **named: Any) -> None:
        super().__init__(message, *more, **named)
        self.__dict__["status_code"] = status_code


class APIStatusError(ProviderError, tree.APIStatusError):
    """A status that has no class of its own."""


class ServiceUnavailableError(APIStatusError):
    _status = 503


class BadGatewayError(APIStatusError):
    _status = 502


class InternalServerError(ProviderError, tree.InternalServerError):
    _status = 500


class APIResponseValidationError(ProviderError, tree.APIResponseValidationError):
    _status = 500


class JSONSchemaValidationError(APIResponseValidationError):
    """LiteLLM's, for its own check of answers; nothing here raises it."""


class ImageFetchError(BadRequestError):
    """LiteLLM's, for a picture that it could not fetch; nothing here raises it: a BadRequestError names the part."""


class RejectedRequestError(BadRequestError):
    """LiteLLM's, for a guard that refused a request; nothing here raises it."""


class LiteLLMUnknownProvider(BadRequestError):
    """LiteLLM's; nothing here raises it: every model is of Google AI Studio."""


class MidStreamFallbackError(ServiceUnavailableError):
    """LiteLLM's, for a stream that another model went on with; nothing here raises it."""


class GuardrailRaisedException(Exception):
    """LiteLLM's; nothing here raises it, and a guardrail that is asked for is refused."""


class BlockedPiiEntityError(Exception):
    """LiteLLM's; nothing here raises it."""


class BudgetExceededError(Exception):
    """LiteLLM's, for its spend limit. The SDK has none, and refuses to be given one."""

    def __init__(self, current_cost: float, max_budget: float, message: str | None = None) -> None:
        self.current_cost = current_cost
        self.max_budget = max_budget
        self.message = message or f"Budget has been exceeded! Current cost: {current_cost}, Max budget: {max_budget}"
        super().__init__(self.message)
