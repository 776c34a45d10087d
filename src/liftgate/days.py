"""Days in UTC, as prices, facts of models and rows of usage are dated by."""

from __future__ import annotations

from datetime import date

DAY = 86_400
"""Seconds. A time since the epoch, divided by it, is the number of its day."""

_EPOCH = date(1970, 1, 1).toordinal()


def date_on(day: int) -> date:
    """`day`: its number."""
    return date.fromordinal(_EPOCH + day)


def day_of(seconds: float) -> date:
    """`seconds`: since the epoch."""
    return date_on(int(seconds // DAY))
