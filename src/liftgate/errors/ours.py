"""What is Liftgate's own: limits, a defect, and what it cannot do at the moment."""

from __future__ import annotations

from liftgate.errors.error import LiftgateError
from liftgate.json_types import JsonObject


class RateLimited(LiftgateError):
    """A quota of Liftgate's own (an owner's bytes, say) is used up."""

    status = 429
    default_code = "rate_limit_exceeded"


class RateReached(RateLimited):
    """A key's or an owner's limit for a minute, or for one time. `kind`: `requests` or `tokens`."""

    worth_repeating = True

    def __init__(self, message: str, *, kind: str, code: str | None = None, retry_after: float | None) -> None:
        super().__init__(message, code=code, retry_after=retry_after)
        self.kind = kind


class NothingAllowed(RateReached):
    """The limit is 0: it lets nothing in, ever."""

    worth_repeating = False


class BudgetReached(RateLimited):
    """A key's or an owner's money. `facts`: for programs, as the answer has them."""

    default_code = "insufficient_quota"

    def __init__(self, message: str, *, facts: JsonObject, retry_after: float | None) -> None:
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
    """Whether a key's limits let the call in cannot be read at the moment. No other deployment could."""

    retryable = False
    worth_repeating = True


class FileNotReady(Unavailable):
    """A file is still on its way to Gemini or being processed there; the message names it."""

    default_code = "file_not_ready"


class StorageFull(LiftgateError):
    """No space left where blobs are kept; nothing of the request was stored."""

    status = 507
    default_code = "insufficient_storage"
