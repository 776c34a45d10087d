"""What a caller reads whose limit is reached. Pure."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from liftgate.errors import BudgetInFlight, BudgetReached, LiftgateError, NothingAllowed, RateReached
from liftgate.keys.allowance import Refusal
from liftgate.keys.limits import NANO

SOON = 2.0
"""Seconds after which a budget that is only in flight is worth another try."""


def lasts(refusal: Refusal) -> float:
    """Seconds until it may be let in; without an end where it never is."""
    pause = refused(refusal).retry_after
    return math.inf if pause is None else pause


def refused(refusal: Refusal) -> LiftgateError:
    """In a sentence: which limit, whose, what is used, when it is worth another try."""
    limit, standing = refusal.limit, refusal.standing
    whose = limit.whose
    of_model = f" for the model {limit.model}" if limit.model else ""
    if limit.kind == "usd":
        return _over_budget(refusal, whose + of_model)
    if not limit.amount:
        counted = "requests at one time" if limit.kind == "parallel" else f"{limit.kind} per minute"
        return NothingAllowed(
            f"The limit of {counted} is 0 for {whose}{of_model}.",
            kind="tokens" if limit.kind == "tokens" else "requests",
            retry_after=None,
        )
    if limit.kind == "parallel":
        return RateReached(
            f"Limit of {_counted(limit.amount, 'requests')} at one time reached for {whose}: "
            f"{_are(standing.out)} running. Try again when one has ended.",
            kind="requests",
            code="parallel_limit_exceeded",
            retry_after=1,
        )
    wait = max(1.0, standing.free_at - standing.now)
    return RateReached(
        f"Rate limit of {_counted(limit.amount, limit.kind)} per minute reached for {whose}{of_model}: "
        f"{_are(standing.spent)} used{f', {_are(refusal.amount)} needed' if limit.kind == 'tokens' else ''}. "
        f"Try again in {math.ceil(wait)} s.",
        kind=limit.kind,
        retry_after=wait,
    )


def _over_budget(refusal: Refusal, whose: str) -> BudgetReached:
    limit, standing, ends_at = refusal.limit, refusal.standing, refusal.ends_at
    in_flight = limit.amount - standing.spent >= refusal.amount
    window = f" per {limit.duration}" if limit.duration else ""
    resets = f" It begins anew at {_iso(ends_at)}." if ends_at is not None else ""
    held = (
        f" and {dollars(standing.out)} are held for requests that are running or about to begin" if standing.out else ""
    )
    sentence = (
        f"Budget of {dollars(limit.amount)}{window} of {whose}: {dollars(standing.spent)} are spent{held}, "
        f"and this request can cost up to {dollars(refusal.amount)}."
    )
    wait = SOON if in_flight else None if ends_at is None else max(1.0, ends_at - standing.now)
    more = " What they do not use comes back: try again in a moment." if in_flight else resets
    kind = BudgetInFlight if in_flight else BudgetReached
    return kind(
        sentence + more,
        facts={
            "limit_source": "in_flight" if in_flight else limit.source,
            "limit": limit.amount / NANO,
            "spent": standing.spent / NANO,
            "needed": refusal.amount / NANO,
            "resets_at": None if ends_at is None else int(ends_at),
        },
        retry_after=wait,
    )


def _counted(number: int, what: str) -> str:
    return f"{number} {what.removesuffix('s') if number == 1 else what}"


def _are(number: int) -> str:
    return f"{number} {'is' if number == 1 else 'are'}"


def dollars(nanos: int) -> str:
    whole, part = divmod(nanos, NANO)
    return f"${whole:,}.{part:09d}".rstrip("0").rstrip(".")


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
