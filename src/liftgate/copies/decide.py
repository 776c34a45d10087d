"""What a replica's row means for somebody who needs the file now. Pure: a row and the time in, a verdict out.

The table of states, events and who may act is in docs/architecture.md.
"""

from __future__ import annotations

from dataclasses import dataclass

from liftgate.records import ReplicaRecord


@dataclass(frozen=True, slots=True)
class Live:
    """Usable at once."""

    replica: ReplicaRecord


@dataclass(frozen=True, slots=True)
class Await:
    """All bytes are at Gemini, which is still processing them."""

    replica: ReplicaRecord


@dataclass(frozen=True, slots=True)
class Resume:
    """An upload was begun; its session may still be alive."""

    replica: ReplicaRecord


@dataclass(frozen=True, slots=True)
class Make:
    """There is nothing to build on. `discard` names what may still lie at Gemini and is of no use."""

    discard: ReplicaRecord | None = None


@dataclass(frozen=True, slots=True)
class Refuse:
    """Gemini has refused this file a short while ago, and would again."""

    reason: str


Verdict = Live | Await | Resume | Make | Refuse


def decide(
    replica: ReplicaRecord | None, *, now: float, upstream_now: float, margin: float, failed_for: float
) -> Verdict:
    """`now`: the time, by the database's clock. `upstream_now`: on Gemini's clock, which `expires_at` is written in.
    `margin`: a replica that expires within so many seconds is not handed out. `failed_for`: how many seconds a FAILED
    verdict of Gemini's stands.
    """
    if replica is None:
        return Make()
    if replica.state == "failed":
        if now - replica.used_at < failed_for:
            return Refuse(replica.error or "Gemini could not process the file.")
        return Make(discard=replica)
    if replica.expires_at is not None and replica.expires_at - upstream_now <= margin:
        return Make(discard=replica)
    if replica.state == "active":
        return Live(replica)
    if replica.state == "processing":
        return Await(replica)
    if replica.upload_url is None:
        # Named, but the session's URL was never saved: no byte can have been sent.
        return Make(discard=replica)
    return Resume(replica)
