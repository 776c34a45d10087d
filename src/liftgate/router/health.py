"""What this process has learnt about one deployment: in flight, failures in a row, cooling until when. Pure state.

Per process on purpose (docs/architecture.md, "Decisions"): what is wrong is learnt from an answer or two, and nothing
is to be shared. Times are on the monotonic clock that the caller reads.
"""

from __future__ import annotations

from dataclasses import dataclass

from liftgate.errors import (
    LiftgateError,
    NotFound,
    UpstreamError,
    UpstreamFileLost,
    UpstreamKeyRejected,
    UpstreamRateLimited,
    UpstreamStorageFull,
    UpstreamUnavailable,
)

WINDOW = 60.0
"""Seconds in which `allowed_fails` are counted, as LiteLLM counts them by the minute."""
LONGEST_COOLING = 600.0
"""Seconds. A daily quota may say 'in nine hours'; it is asked again before that, as quotas are raised."""

COOLS_AT_ONCE = (UpstreamRateLimited, UpstreamUnavailable, UpstreamKeyRejected)
"""429, 5xx and a rejected key are the deployment's own word, and so is a model that is gone; of breaks and time-outs it
takes `allowed_fails`."""

NOT_THE_DEPLOYMENT = (UpstreamFileLost, UpstreamStorageFull)
"""About the files at an account: chat without them works there."""


def model_is_gone(error: LiftgateError) -> bool:
    """Whether upstream says that it has no such model: where we chose the name, the request is not at fault."""
    return type(error) is NotFound and error.upstream is not None


@dataclass(slots=True)
class Health:
    """`cooling_until`: avoided while others are there. `closed_until`: upstream asked not to be called before then."""

    in_flight: int = 0
    failures: int = 0
    first_failure: float = 0.0
    cooling_until: float = 0.0
    closed_until: float = 0.0

    def is_cooling(self, now: float) -> bool:
        return now < self.cooling_until

    def succeeded(self) -> None:
        self.failures = 0
        self.cooling_until = self.closed_until = 0.0

    def failed(self, error: LiftgateError, now: float, *, cooldown_time: float, allowed_fails: int) -> None:
        """Counts a failure that is the deployment's, and none that is the request's, a file's or ours."""
        gone = model_is_gone(error)
        if not gone and (not isinstance(error, UpstreamError) or isinstance(error, NOT_THE_DEPLOYMENT)):
            return
        if not self.failures or now - self.first_failure > WINDOW:
            self.failures, self.first_failure = 0, now
        self.failures += 1
        if error.retry_after is not None:
            self.closed_until = max(self.closed_until, now + min(error.retry_after, LONGEST_COOLING))
            self.cooling_until = max(self.cooling_until, self.closed_until)
        if gone or isinstance(error, COOLS_AT_ONCE) or self.failures > allowed_fails:
            self.cooling_until = max(self.cooling_until, now + cooldown_time)
