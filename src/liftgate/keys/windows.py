"""When a budget begins anew: computed from the clock at each admission, so there is no job that could be late. Pure.

`1d` begins at midnight, `1w` on Monday, `1mo` on the first, in the gateway's time zone; other numbers of days, weeks
and months are counted on from there. Hours, minutes and seconds are counted from the making of the key.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from liftgate.durations import SECONDS, read_duration

FOREVER = (0.0, None)


def window_of(duration: str | None, now: float, counted_from: float, zone: ZoneInfo) -> tuple[float, float | None]:
    """(begin, end) of the window in which `now` lies; no end without a duration. All are seconds since the epoch."""
    if duration is None:
        return FOREVER
    number, unit = read_duration(duration, "budget_duration")
    if unit == "mo":
        today = datetime.fromtimestamp(now, zone).date()
        first = (today.year * 12 + today.month - 1) // number * number
        return _midnight(_month(first), zone), _midnight(_month(first + number), zone)
    if unit in ("d", "w"):
        days = number * (7 if unit == "w" else 1)
        origin = datetime.fromtimestamp(counted_from, zone).date()
        if unit == "w":
            origin -= timedelta(days=origin.weekday())
        passed = (datetime.fromtimestamp(now, zone).date() - origin).days // days * days
        begin = origin + timedelta(days=passed)
        return _midnight(begin, zone), _midnight(begin + timedelta(days=days), zone)
    length = number * SECONDS[unit]
    begun = counted_from + (now - counted_from) // length * length
    return begun, begun + length


def _month(number: int) -> date:
    return date(number // 12, number % 12 + 1, 1)


def _midnight(day: date, zone: ZoneInfo) -> float:
    return datetime.combine(day, time(), zone).timestamp()
