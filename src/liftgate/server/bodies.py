"""How many bytes of JSON bodies this process holds, all requests together, and what becomes of large ones.

A body is held until its request is answered: decoded it takes several times its size. What takes long is done in a
thread, so that the event loop goes on.
"""

from __future__ import annotations

from typing import Any

import msgspec

from liftgate.errors import InvalidRequest, Unavailable
from liftgate.large_bodies import LARGE, Body
from liftgate.large_json import decoded
from liftgate.records import Owner
from liftgate.server.lone_surrogates import lone_surrogate, no_text

SMALL = 4 * 1024 * 1024
"""Bytes of a body that holds names and numbers, and nothing that is told to a model."""
UNCOUNTED = 64 * 1024
"""Bytes of a body that count for nothing: connections bound how many of these there are."""
RETRY_AFTER = 5.0
BYTE_ORDER_MARK = b"\xef\xbb\xbf"

BAD_JSON = (
    "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP library "
    "correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON.)"
)

decode_json = msgspec.json.Decoder().decode
NO_JSON = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)
"""What decoders raise."""


class HeldBodies:
    """`limit`: bytes, over the process. `most`: of one owner, so that there is room for others."""

    def __init__(self, limit: int, most: int) -> None:
        self._limit = limit
        self._most = most
        self._held = 0
        self._of: dict[Owner, int] = {}

    def hold(self, size: int, owner: Owner) -> None:
        """Raises Unavailable where there is no room; else to be given back by `let_go`."""
        of_owner = self._of.get(owner, 0) + size
        if self._held + size > self._limit or of_owner > self._most:
            whole = self._held + size > self._limit
            raise Unavailable(
                f"The gateway holds as many bytes of requests as it may {'' if whole else 'of one owner '}at the moment"
                f" ({self._limit if whole else self._most}, decoded_bytes_limit). Try again shortly.",
                retry_after=RETRY_AFTER,
            )
        self._held += size
        self._of[owner] = of_owner

    def let_go(self, size: int, owner: Owner) -> None:
        self._held -= size
        self._of[owner] = self._of.get(owner, 0) - size
        if not self._of[owner]:
            del self._of[owner]


def without_mark(body: Body) -> Body:
    """Without UTF-8's byte order mark, which a reader of JSON may pass over (RFC 8259, 8.1). A bytearray is changed."""
    if not body.startswith(BYTE_ORDER_MARK):
        return body
    if isinstance(body, bytes):
        return body[len(BYTE_ORDER_MARK) :]
    del body[: len(BYTE_ORDER_MARK)]
    return body


def decoded_once(body: Body) -> Any:
    """What a large body's JSON is, for a thread. Raises as `large_json.decoded`; else the body is empty then: what is
    freed here is not freed on the event loop."""
    body = without_mark(body)
    value = decoded(body)
    if isinstance(body, bytearray):
        body.clear()
    return value


def read_again(body: Body) -> Any:
    """What a body that is no JSON as it stands may be all the same. Raises InvalidRequest, which says what it knows."""
    if len(body) >= LARGE:
        raise InvalidRequest(BAD_JSON)
    body = without_mark(body)
    try:
        return decode_json(body)
    except NO_JSON:
        at = lone_surrogate(body)
    raise InvalidRequest(BAD_JSON) if at is None else no_text(at)
