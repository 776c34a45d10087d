"""Times as LiteLLM's users write them: `30s`, `30m`, `30h`, `30d`, `1w`, `1mo`. Pure."""

from __future__ import annotations

import re

from liftgate.errors import InvalidRequest

_DURATION = re.compile(r"(\d{1,9})(s|m|h|d|w|mo)\Z", re.ASCII)
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400, "mo": 30 * 86_400}
NOTHING = (None, "", 0, "0", *(f"0{unit}" for unit in SECONDS))
LONGEST = 100 * 366 * 86_400


def read_duration(value: object, param: str) -> tuple[int, str]:
    """(number, unit). Raises InvalidRequest."""
    found = _DURATION.match(value) if isinstance(value, str) else None
    if found is None or int(found[1]) == 0:
        raise InvalidRequest(
            f"Invalid value for '{param}': expected a number and one of s, m, h, d, w, mo, such as '30d' or '1mo'.",
            param=param,
        )
    if int(found[1]) * SECONDS[found[2]] > LONGEST:
        raise InvalidRequest(f"Invalid value for '{param}': a hundred years are the most.", param=param)
    return int(found[1]), found[2]


def seconds_of(value: object, param: str) -> float:
    """Its length, a month counted as 30 days. Raises InvalidRequest."""
    number, unit = read_duration(value, param)
    return float(number * SECONDS[unit])


def grace_of(value: object, param: str) -> float:
    """As `seconds_of`, of a time that there may be none of."""
    return 0.0 if value in NOTHING else seconds_of(value, param)
