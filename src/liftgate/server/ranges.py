"""The Range header: which bytes of a file are asked for (RFC 9110, 14)."""

from __future__ import annotations

import re

from liftgate.errors import RangeNotSatisfiable
from liftgate.whole_numbers import whole_number

_ONE = re.compile(r"bytes=(\d*)-(\d*)\Z", re.ASCII)


def wanted_range(value: str, total: int) -> tuple[int, int] | None:
    """[start, stop) of the one range in `value`; None: the whole file.

    Several ranges and what is no byte range are ignored, as the RFC allows. Raises RangeNotSatisfiable.
    """
    match = _ONE.match(value.replace(" ", "").lower())
    if not match or match[1] == match[2] == "":
        return None
    first, last = whole_number(match[1]), whole_number(match[2])
    if first is None:
        if not last:
            raise RangeNotSatisfiable(total)
        return max(0, total - last), total
    if last is not None and _digits(match[2]) < _digits(match[1]):
        return None
    if first >= total:
        raise RangeNotSatisfiable(total)
    return first, total if last is None else min(total, last + 1)


def _digits(text: str) -> tuple[int, str]:
    """Orders numbers that are too long to be read as numbers."""
    digits = text.lstrip("0")
    return len(digits), digits
