"""Conditional requests (RFC 9110, 13): the one place that judges If-Match, If-None-Match and If-Range.

A File's bytes never change, so their tag is strong, and there is no date of a change: conditions with dates are
ignored, as the RFC has it where there is none.
"""

from __future__ import annotations

import re

from liftgate.errors import PreconditionFailed
from liftgate.records import FileRecord
from liftgate.server.ranges import wanted_range
from liftgate.server.request import Request

_GUARDS = {b"if-match", b"if-none-match"}
_TAG = re.compile(r'(W/)?("[^"]*")')


def etag_of(file: FileRecord) -> str:
    """Of its bytes, and of the File: it is deleted, and never changed."""
    return f'"{file.sha256}"'


def may_change(request: Request) -> bool:
    """Whether no condition stands before a request that changes something; else `check_change` has to judge it."""
    return not _GUARDS & request.headers.keys()


def check_change(request: Request, etag: str) -> None:
    """Raises PreconditionFailed where the caller wants to change something else than this."""
    if unchanged(request, etag):
        # Of a method that changes something, a tag that is known is no reason to answer 304 (RFC 9110, 13.1.2).
        raise PreconditionFailed(etag, "If-None-Match")


def unchanged(request: Request, etag: str) -> bool:
    """Whether the answer is 304: the caller has these bytes. Raises PreconditionFailed where it insists on others."""
    required = request.header(b"if-match")
    if required and required != "*" and ("", etag) not in _TAG.findall(required):
        raise PreconditionFailed(etag)
    known = request.header(b"if-none-match")
    # Weak tags count here: they stand for the same bytes too.
    return known == "*" or etag in [tag for _, tag in _TAG.findall(known)]


def range_of(request: Request, etag: str, total: int) -> tuple[int, int] | None:
    """[start, stop) that is asked for; None: the whole. Raises RangeNotSatisfiable."""
    condition = request.header(b"if-range")
    if request.method != "GET" or (condition and condition != etag):
        return None
    return wanted_range(request.header(b"range"), total)
