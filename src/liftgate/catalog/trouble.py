"""What keeps an open catalogue from being used: logged once, and for damage held against every later call.

An engine's session reports here what its driver raised. A catalogue that is damaged is not written to again, because
each write could spread the damage; what it says may be wrong, so it is not read either. One whose schema is not as it
was made is read, and not written to.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable

from liftgate.errors import Unavailable

AGAIN_SECONDS = 60.0
"""How long a reason that was logged is not logged again."""
MOST_REASONS = 32
SCHEMA_SECONDS = 10.0
"""When a caller may try again whose write met a schema that was changed."""

log = logging.getLogger("liftgate.catalog")


def away() -> Unavailable:
    """What callers get; the reason is for the log, since it names files, hosts and tables."""
    return Unavailable("The catalogue is not available at the moment.", retry_after=1)


class Trouble:
    """Of one open catalogue; `where` names it in the log, without a secret. `newest`: it is to have the newest schema.
    Used by every thread of it."""

    def __init__(self, where: str, *, newest: bool = True) -> None:
        self._where = where
        self._newest = newest
        self._logged: dict[str, float] = {}
        self._damaged_until = 0.0
        self._faults = ""
        self._judged_at = -math.inf
        self._opened = False

    def opened(self) -> None:
        """From here on reasons are logged; what kept it from being opened is reported by the one who tried."""
        self._opened = True

    @property
    def judges(self) -> bool:
        """Whether the schema is looked at: once it is up to date."""
        return self._opened and self._newest

    @property
    def is_strange(self) -> bool:
        """Whether the last look at the schema found it changed."""
        return bool(self._faults)

    def tell(self, reason: str) -> Unavailable:
        """Logs the reason, unless it was logged a moment ago; what to raise."""
        now = time.monotonic()
        if self._opened and self._logged.get(reason, -math.inf) < now - AGAIN_SECONDS:
            if len(self._logged) >= MOST_REASONS:
                self._logged.clear()
            self._logged[reason] = now
            log.error("the catalogue %s cannot be used: %s", self._where, reason)
        return away()

    def damaged(self, reason: str, seconds: float) -> Unavailable:
        """As `tell`; and for so many seconds (inf: until the end of the process) every call is refused."""
        self._damaged_until = time.monotonic() + seconds
        return self.tell(reason)

    def judge(self, look: Callable[[], str]) -> str:
        """What `look` finds wrong with its schema (`schema_check`), "" for nothing: writes are refused until a later
        look finds nothing. Of looks at one time the one that began last counts."""
        began = time.monotonic()
        faults = look()
        if began < self._judged_at:
            return faults
        self._judged_at = began
        if faults:
            self.tell(f"its schema {faults}")
        elif self._faults:
            log.warning("the schema of the catalogue %s is again as it was made", self._where)
        self._faults = faults
        return faults

    def check_schema(self, look: Callable[[], str]) -> None:
        """For an operator: judges, and raises Unavailable that tells the faults."""
        if faults := self.judge(look):
            raise Unavailable(f"The catalogue takes no writes: its schema {faults}.", retry_after=SCHEMA_SECONDS)

    def check_write(self) -> None:
        """As `check`; and while its schema is not as it was made."""
        self.check()
        if self._faults:
            # How it was changed is no business of every caller's.
            raise Unavailable(
                "The catalogue takes no writes at the moment: its schema was changed."
                " The log and /health/readiness say how.",
                retry_after=SCHEMA_SECONDS,
            )

    def check(self) -> None:
        """Raises Unavailable while the catalogue is known to be damaged."""
        if time.monotonic() < self._damaged_until:
            raise away()
