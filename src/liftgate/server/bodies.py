"""How many bytes of JSON bodies this process holds, all requests together, and what becomes of large ones.

A body is held until its request is answered: decoded it takes several times its size. What takes long is done in a
thread, so that the event loop goes on.
"""

from __future__ import annotations

from typing import Any

from liftgate.errors import Unavailable
from liftgate.large_bodies import Body
from liftgate.large_json import decoded

LARGE = 256 * 1024
"""Bytes of a body from which on work with it leaves the event loop."""
UNCOUNTED = 64 * 1024
"""Bytes of a body that count for nothing: connections bound how many of these there are."""
RETRY_AFTER = 5.0


class HeldBodies:
    """`limit`: bytes, over the process."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held = 0

    def hold(self, size: int) -> None:
        """Raises Unavailable where there is no room; else to be given back by `let_go`."""
        if self._held + size > self._limit:
            raise Unavailable(
                f"The gateway holds as many bytes of requests as it may at the moment ({self._limit}, "
                "decoded_bytes_limit). Try again shortly.",
                retry_after=RETRY_AFTER,
            )
        self._held += size

    def let_go(self, size: int) -> None:
        self._held -= size


def decoded_once(body: Body) -> Any:
    """What a large body's JSON is, for a thread. Raises as `large_json.decoded`; else the body is empty then: what is
    freed here is not freed on the event loop."""
    value = decoded(body)
    if isinstance(body, bytearray):
        body.clear()
    return value
