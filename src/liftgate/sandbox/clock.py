"""The sandbox's own time: real time plus an offset that tests move.

Every answer's `Date`, every timestamp of a File and every expiry follow it. Delays and processing times do not:
they are real seconds, because a test cannot wait for an offset.
"""

import time
from datetime import UTC, datetime
from email.utils import formatdate

NANOSECONDS = 1_000_000_000


class MovableClock:
    """Wall time in nanoseconds since 1970 with a movable offset."""

    def __init__(self) -> None:
        self._offset_ns = 0

    def now_ns(self) -> int:
        return time.time_ns() + self._offset_ns

    def now(self) -> float:
        return self.now_ns() / NANOSECONDS

    def advance(self, seconds: float) -> None:
        """Move forward (or back, when negative) by sandbox seconds."""
        self._offset_ns += int(seconds * NANOSECONDS)

    def set(self, epoch_seconds: float) -> None:
        """Make it `epoch_seconds` after 1970 now; time runs on from there."""
        self._offset_ns = int(epoch_seconds * NANOSECONDS) - time.time_ns()

    def reset(self) -> None:
        self._offset_ns = 0

    def http_date(self) -> str:
        return formatdate(self.now(), usegmt=True)


def rfc3339(at_ns: int, digits: int) -> str:
    """`at_ns` as Google writes it: UTC with `digits` fractional digits (6 for create times, 9 for expirations)."""
    seconds, fraction = divmod(at_ns, NANOSECONDS)
    stem = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{stem}.{fraction:09d}"[: len(stem) + 1 + digits] + "Z"
