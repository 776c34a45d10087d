"""What is measured beside calls: recorded where it happens, counted by the listener (`metrics/recorder`). Without a
listener a measurement costs a look at an attribute.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

Name = Literal[
    "uploads",
    "upload_bytes",
    "upload_seconds",
    "replica_lookups",
    "page_ins",
    "page_in_bytes",
    "page_in_seconds",
    "evictions",
    "renewals",
    "deletions",
    "leases_held",
    "leases_lost",
    "cooldowns",
    "upstream_refusals",
    "catalog_seconds",
    "blob_seconds",
    "job_seconds",
]
"""Of a metric, without `liftgate_` and what its kind appends."""

Listener = Callable[[Name, tuple[str, ...], float], None]
"""(name, its labels in the order of the metric's, amount)."""


class Measurements:
    """Of one gateway. Everything is recorded on the event loop."""

    def __init__(self) -> None:
        self.listener: Listener | None = None

    @property
    def enabled(self) -> bool:
        """Whether there is a listener. Code that must read a clock to measure asks first."""
        return self.listener is not None

    def record(self, name: Name, *labels: str, by: float = 1.0) -> None:
        """`by`: how many, how much, or seconds."""
        if self.listener is not None:
            self.listener(name, labels, by)
