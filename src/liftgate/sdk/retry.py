"""One call of the SDK where there is no router: what it works with, and how it is tried again.

Only what is retryable by its class is, with growing pauses, to a deadline.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random  # noqa: TID251 - jitter; ids come from liftgate.ids
from typing import TYPE_CHECKING, TypeVar

from liftgate.backoff import CALLS
from liftgate.clock import Clock
from liftgate.deployments import Account
from liftgate.errors import LiftgateError, UpstreamFileLost, UpstreamStorageFull
from liftgate.json_types import JsonMapping

if TYPE_CHECKING:
    from liftgate.gemini.client import GeminiClient

T = TypeVar("T")


class Attempts:
    """`retries` further tries; `deadline` on the clock's monotonic time."""

    def __init__(self, clock: Clock, *, retries: int, deadline: float) -> None:
        self._clock = clock
        self._retries = retries
        self._deadline = deadline
        self._jitter = Random()

    @property
    def left(self) -> float:
        """Seconds to the deadline; a little above 0 when it has passed, so that the next wait ends at once."""
        return max(0.001, self._deadline - self._clock.monotonic())

    async def run(self, call: Callable[[], Awaitable[T]]) -> T:
        """The call's result, or its last error. A pause that Google asks for and that does not fit ends the tries."""
        for attempt in range(self._retries):
            try:
                return await call()
            except LiftgateError as error:
                pause = self._pause(attempt, error)
                hopeless = not error.retryable or isinstance(error, UpstreamFileLost | UpstreamStorageFull)
                if hopeless or pause >= self.left:
                    raise
            await self._clock.sleep(pause)
        return await call()

    def _pause(self, attempt: int, error: LiftgateError) -> float:
        return max(CALLS.pause(attempt) * self._jitter.uniform(0.75, 1.0), error.retry_after or 0.0)


@dataclass(frozen=True, slots=True)
class Exchange:
    """`body`: the caller's extra_body."""

    client: GeminiClient
    account: Account
    attempts: Attempts
    clock: Clock
    body: JsonMapping
