"""The Range header: which bytes of a file are asked for (RFC 9110, 14)."""

from __future__ import annotations

import re

from liftgate.errors import RangeNotSatisfiable

_ONE = re.compile(r"bytes=(\d*)-(\d*)\Z", re.ASCII)


def wanted_range(value: str, total: int) -> tuple[int, int] | None:
    """[start, stop) of the one range in `value`; None: the whole file.

    Several ranges and what is no byte range are ignored, as the RFC allows. Raises RangeNotSatisfiable.
    """
    match = _ONE.match(value.replace(" ", "").lower())
    if not match or match[1] == match[2] == "":
        return None
    first, last = match[1], match[2]
    if not first:
        length = int(last)
        if length == 0:
            raise RangeNotSatisfiable(total)
        return max(0, total - length), total
    start = int(first)
    if last and int(last) < start:
        return None
    if start >= total:
        raise RangeNotSatisfiable(total)
    return start, min(total, int(last) + 1) if last else total
