"""How far Google's clock is from ours, per account, learnt from the `Date` of its answers.

The expiration of a file is on Google's clock (docs/architecture.md, "Copies"). The last answer counts: `Date` has whole
seconds, so the skew is right to about a second plus the answer's way, which the margin before an expiration covers, and
a clock that jumps is followed at once, which an average would not do.
"""

from __future__ import annotations

from email.utils import parsedate_to_datetime

from liftgate.clock import Clock


class UpstreamTime:
    """Skews by account name."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._skews: dict[str, float] = {}
        self._heard: dict[str, str] = {}

    def learn(self, account: str, date: str | None) -> None:
        """Takes the `Date` header of an answer that has just come; one that cannot be read teaches nothing."""
        if date is None or self._heard.get(account) == date:
            # The same second again: nothing new, and reading a date costs more than the rest of a call's bookkeeping.
            return
        self._heard[account] = date
        try:
            moment = parsedate_to_datetime(date).timestamp()
        except (ValueError, OverflowError):
            return
        # Somewhere within the second that it names.
        self._skews[account] = moment + 0.5 - self._clock.now()

    def now(self, account: str) -> float:
        """Seconds since the epoch on the clock of this account's upstream; ours until it has answered once."""
        return self._clock.now() + self._skews.get(account, 0.0)
