"""Base64 that a request brings along → its bytes, piece by piece, so that 50 MB block nobody for long.

`content_parts` looks at the beginning only; here all of it is read, wherever the bytes themselves are wanted.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator

from liftgate.errors import InvalidRequest
from liftgate.translate.file_needs import FileNeed

PIECE = 1024 * 1024
"""Characters decoded at a time."""


def decoded_pieces(need: FileNeed) -> Iterator[bytes]:
    """The decoded bytes. Standard and URL-safe alphabets, with and without padding and line breaks.

    Raises InvalidRequest, with the parameter's path, for anything else.
    """
    text = need.ref.rstrip("= \r\n\t")
    alternative = b"-_" if "-" in text or "_" in text else b"+/"
    held = ""
    for start in range(0, len(text), PIECE):
        piece = held + "".join(text[start : start + PIECE].split())
        whole = len(piece) & ~3
        held = piece[whole:]
        if whole:
            yield _decoded(piece[:whole], alternative, need)
    if held:
        yield _decoded(held + "=" * (-len(held) % 4), alternative, need)


def _decoded(text: str, alternative: bytes, need: FileNeed) -> bytes:
    try:
        return base64.b64decode(text, altchars=alternative, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidRequest(
            f"Invalid '{need.param}'. Expected base64-encoded data.", param=need.param, code="invalid_value"
        ) from None
