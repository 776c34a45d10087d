"""What a request's head says of the message: where its body ends, whom it is for, and which of its fields may count.

The one place that decides framing (RFC 9112, 3.2 and 6). httptools has taken the bytes apart and refused what is no
HTTP; what it lets through is judged here, before anything else sees the request.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from liftgate.errors import InvalidRequest
from liftgate.server.asgi import Header
from liftgate.whole_numbers import whole_number

CHUNKED = -1
"""As a length: the body says itself where it ends."""

SINGLE = frozenset(
    {
        # RFC 9112, 3.2 and RFC 9110, 8.6: two of them are two messages to two readers.
        *(b"host", b"content-length"),
        # A caller with two keys is two callers: a proxy may have judged the other one.
        *(b"authorization", b"x-goog-api-key", b"api-key", b"x-api-key"),
        # What the bytes are: a second reading would store another file.
        *(b"content-type", b"content-range"),
        # RFC 9110, 14.2 and 13.1: conditions of one value, and the ranges they guard.
        *(b"range", b"if-range", b"if-modified-since", b"if-unmodified-since"),
        # Who asks, for the policies that judge it.
        *(b"origin", b"access-control-request-method"),
        # Choices of a dialect, each of one value.
        *(b"custom-llm-provider", b"anthropic-version", b"x-server-timeout", b"idempotency-key"),
    }
)
"""Fields of one value that decide something here. Two of them, equal ones too, are refused."""

_SINGLE_PREFIX = b"x-goog-upload-"
_HOST = re.compile(rb"(?:[A-Za-z0-9._~%-]*|\[[A-Za-z0-9:.%_~-]+\])(?::[0-9]*)?")
_TOKEN = re.compile(rb"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


class Refused(InvalidRequest):
    """The front answers with `status` itself, and the connection ends: where the message ends is not certain."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self._status = status

    @property
    def http_status(self) -> int:
        return self._status


def combined(headers: Sequence[Header]) -> dict[bytes, bytes]:
    """The fields by name, of which at least one came twice: lists are joined (RFC 9110, 5.3). Raises Refused."""
    fields: dict[bytes, bytes] = {}
    for name, value in headers:
        before = fields.get(name)
        if before is None:
            fields[name] = value
        elif name in SINGLE or name.startswith(_SINGLE_PREFIX):
            raise Refused(400, f"The header {name.decode('latin-1')} came more than once.")
        else:
            fields[name] = before + (b"; " if name == b"cookie" else b", ") + value
    return fields


def body_length(fields: dict[bytes, bytes], *, http_1_0: bool) -> int:
    """Bytes of body behind this head, or CHUNKED. Raises Refused for framing that two readers could read differently.

    A length beside an encoding, two lengths, and lengths that are no numbers never come here: the parser refuses them.
    """
    if b"transfer-encoding" in fields:
        _check_encoding(fields[b"transfer-encoding"], http_1_0)
        return CHUNKED
    length = fields.get(b"content-length")
    if length is None:
        return 0
    return int(length) if len(length) < 19 else whole_number(length.strip().decode("latin-1")) or 0


def check_host(host: bytes | None, *, http_1_0: bool) -> None:
    """Raises Refused where HTTP/1.1 needs one and has none, and for what is no host (RFC 9112, 3.2)."""
    if host is None:
        if not http_1_0:
            raise Refused(400, "The request has no Host header.")
    elif not _HOST.fullmatch(host.strip()):
        raise Refused(400, "The Host header names no host.")


def check_expect(value: bytes, *, http_1_0: bool) -> bool:
    """Whether the client waits for `100 Continue`. Raises Refused for what else it expects (RFC 9110, 10.1.1)."""
    if http_1_0:
        return False
    if value.strip().lower() != b"100-continue":
        raise Refused(417, "The only expectation that can be met is '100-continue'.")
    return True


def _check_encoding(value: bytes, http_1_0: bool) -> None:
    if http_1_0:
        raise Refused(400, "A request of HTTP/1.0 cannot have a Transfer-Encoding.")
    codings = [coding.strip().lower() for coding in value.split(b",")]
    if codings == [b"chunked"]:
        return
    names = [coding.partition(b";")[0].strip() for coding in codings]
    if not all(_TOKEN.fullmatch(name) for name in names) or codings[-1] != b"chunked" or b"chunked" in names[:-1]:
        raise Refused(400, "The Transfer-Encoding does not say where the body ends: it must end in one 'chunked'.")
    raise Refused(501, f"The transfer coding {names[0].decode('ascii')} is not implemented; send it chunked only.")
