"""What a copy's row means for whoever needs the copy now. Pure: a row and the time in, a verdict out.

The table of states, events and who may act is in docs/architecture.md.
"""

from __future__ import annotations

from dataclasses import dataclass

from liftgate.records import CopyRecord


@dataclass(frozen=True, slots=True)
class Usable:
    """Usable at once."""

    copy: CopyRecord


@dataclass(frozen=True, slots=True)
class Await:
    """All bytes are at Gemini, which is still processing them."""

    copy: CopyRecord


@dataclass(frozen=True, slots=True)
class Resume:
    """An upload was begun; its session may still be alive."""

    copy: CopyRecord


@dataclass(frozen=True, slots=True)
class Make:
    """There is nothing to build on."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """Gemini has refused this file a short while ago, and would again."""

    reason: str


Verdict = Usable | Await | Resume | Make | Refuse


def decide(copy: CopyRecord | None, *, now: float, upstream_now: float, margin: float, failed_for: float) -> Verdict:
    """What to do with a copy that has this row. `now`: the database's time. `upstream_now`: on Gemini's clock, as
    `expires_at` is. `margin`: seconds; a copy that expires sooner is not handed out. `failed_for`: seconds for which
    Gemini's FAILED stands."""
    if copy is None:
        return Make()
    if copy.state == "failed":
        if now - copy.used_at < failed_for:
            return Refuse(copy.error or "Gemini could not process the file.")
        return Make()
    if copy.expires_at is not None and copy.expires_at - upstream_now <= margin:
        return Make()
    if copy.state == "active":
        return Usable(copy)
    if copy.state == "processing":
        return Await(copy)
    if copy.upload_url is None:
        # Named, but the session's URL was never saved: no byte can have been sent.
        return Make()
    return Resume(copy)
