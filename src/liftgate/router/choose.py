"""The order among deployments of one name: affinity first, then least in flight, then chance. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from liftgate.deployments import Deployment
from liftgate.router.health import Health


class Randomness(Protocol):
    """`random.Random` is one."""

    def random(self) -> float: ...


DRAWN = 8
"""Of a larger group so many are looked at: the least busy of a few by chance is nearly the least busy of all, and what
a choice costs does not grow with the group."""


def no_affinity(deployment: Deployment) -> int:
    return 0


def choose(
    candidates: Sequence[Deployment],
    health: Mapping[str, Health],
    affinity: Callable[[Deployment], int],
    now: float,
    rng: Randomness,
) -> Deployment:
    """One of `candidates` (at least one). Cooling ones only when all are, those that are soon open again first."""
    if len(candidates) == 1:
        return candidates[0]
    if len(candidates) > DRAWN and affinity is no_affinity:
        drawn = [candidates[int(rng.random() * len(candidates))] for _ in range(DRAWN)]
        if any(not health[deployment.id].is_cooling(now) for deployment in drawn):
            candidates = drawn
    ready = [deployment for deployment in candidates if not health[deployment.id].is_cooling(now)]

    def rank(deployment: Deployment) -> tuple[float, int, int, float]:
        known = health[deployment.id]
        closed = 0.0 if ready else max(0.0, known.closed_until - now)
        return closed, -affinity(deployment), known.in_flight, rng.random()

    return min(ready or candidates, key=rank)
