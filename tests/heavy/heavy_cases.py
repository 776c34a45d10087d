"""What a hostile input is, and what counts as taking it well."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from heavy_wire import Outcome, Piece, google_error, openai_error


@dataclass(frozen=True)
class Ids:
    """What a case finds prepared, made for it alone. Ann's: `upload` expects 8 bytes and has `parts` of 4 and 4,
    `completed` was completed of such, `cancelled` cancelled; `foreign` is Bob's, with `foreign_part`. `session` expects
    16 bytes and has 8; `finished` and `ended` are sessions after their finalize and their cancel (as targets).
    """

    upload: str = ""
    parts: tuple[str, str] = ("", "")
    completed: str = ""
    completed_parts: tuple[str, str] = ("", "")
    cancelled: str = ""
    foreign: str = ""
    foreign_part: str = ""
    session: str = ""
    finished: str = ""
    ended: str = ""


CLOSED = 0


@dataclass(frozen=True)
class Case:
    """`make` gives what is sent. Each has one right outcome: `passes` is 200 (odd, but nothing forbids it), `closes` a
    close without an answer (the client ended first or dawdled), `status` the one that the contract names, else 400.
    """

    name: str
    make: Callable[[Ids], Sequence[Piece]]
    dialect: Literal["openai", "gemini"] = "openai"
    eof: bool = False
    passes: bool = False
    closes: bool = False
    status: int | None = None
    method: str = "POST"
    needs: Sequence[str] = field(default=())

    @property
    def right(self) -> int:
        if self.status is not None:
            return self.status
        return CLOSED if self.closes else 200 if self.passes else 400

    def verdict(self, outcome: Outcome) -> str | None:
        """What is wrong with the outcome; None when it is as it should be."""
        if outcome.status == -1:
            return f"hung or broke off: {outcome.body[:100]!r}"
        if outcome.status != self.right:
            return f"{outcome.status} in place of {self.right}: {outcome.body[:200]!r}"
        if outcome.status < 400 or (outcome.body == b"" and self.method == "HEAD"):
            return None
        wrong = google_error(outcome) if self.dialect == "gemini" else openai_error(outcome)
        return f"{outcome.status}, {wrong}: {outcome.body[:200]!r}" if wrong else None


def sent(name: str, *pieces: Piece, **more: object) -> Case:
    """A case that needs nothing prepared."""
    return Case(name, lambda ids: pieces, **more)  # type: ignore[arg-type]
