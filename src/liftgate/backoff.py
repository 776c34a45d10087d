"""The one growing pause between tries, and the times that Google sets for files: each stands here once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

_MOST_DOUBLINGS = 60


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pauses in seconds that double from `first` to `longest`."""

    first: float
    longest: float

    def pause(self, number: int, asked: float | None = None) -> float:
        """The pause of this number, counted from 0. `asked`: what the other side asked for, which is the least."""
        growing = min(self.longest, self.first * 2.0 ** min(number, _MOST_DOUBLINGS))
        return max(growing, asked or 0.0)

    def pauses(self) -> Iterator[float]:
        """One after the other, without end."""
        return map(self.pause, count())


# ── Google ─────────────────────────────────────────────────────────────────────────────────────────────────────────

RETENTION_SECONDS = 48 * 3600
"""How long Google keeps a file (docs/protocol/gemini.md, "Limits and types")."""
YOUNG_SECONDS = 60.0
"""A file younger than this that Gemini denies may only not have reached all of Google's servers
(docs/protocol/gemini.md, "What goes wrong"): it is asked for again before it counts as lost."""
YOUNG_PAUSES = (0.5, 1.0, 2.0)
"""The pauses before it is asked for again in a chat."""
UPLOADED_PAUSES = (0.25, 0.5, 1.0)
"""The same, right behind its upload."""
POLLS = Backoff(0.25, 4.0)
"""While Gemini processes a file."""
POLLS_WITHOUT_STATE = 5
"""A file of which Gemini tells no state is ACTIVE after so many polls."""
CALLS = Backoff(0.5, 8.0)
"""Between tries of one call to Gemini, and before a doubtful upload is asked for."""
LONGEST_WAIT = 60.0
"""A longer wait that Gemini asks for is the caller's to decide, who may have another account."""

# ── ours ───────────────────────────────────────────────────────────────────────────────────────────────────────────

WHOLE_UPLOADS = Backoff(1.0, 8.0)
"""Between uploads of one file, where Gemini stored other bytes or lost them."""
PREFETCHES = Backoff(1.0, 30.0)
"""Between tries to take a file to where it was asked for at its upload."""
TRANSACTIONS = Backoff(0.005, 0.25)
"""Between tries of a transaction that another one, or a broken connection, ended."""
COLLECTOR = Backoff(1.0, 60.0)
"""Between tries to hand spans to a collector that takes none."""
PLACES = Backoff(0.5, 5.0)
"""Between tries of a response in the background to get a place under its key's limits."""
REACHES = Backoff(0.05, 2.0)
"""Between tries to reach the database."""
