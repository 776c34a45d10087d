"""Data that a request brings along: base64 → its bytes, piece by piece, so that 50 MB block nobody for long; and what
lies behind a URL.

`content_parts` looks at the beginning only; here all of it is read, wherever the bytes themselves are wanted.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator

from liftgate.as_utf8 import text_for_gemini
from liftgate.ask.media import Media
from liftgate.errors import FileUnusable, InvalidRequest
from liftgate.media_types import is_taken, resolve, unusable

PIECE = 1024 * 1024
"""Characters decoded at a time."""
_END = "= \r\n\t"

_MEDIA = {"image": "an image", "audio": "a recording", "video": "a video"}


def decoded_pieces(need: Media) -> Iterator[bytes]:
    """The decoded bytes. Standard and URL-safe alphabets, with and without padding and line breaks.

    Raises InvalidRequest, with the parameter's path, for anything else.
    """
    text, stop = need.ref, len(need.ref)
    while stop and not (end := text[max(0, stop - PIECE) : stop].rstrip(_END)):
        stop = max(0, stop - PIECE)
    if stop:
        stop += len(end) - min(PIECE, stop)
    alternative = (
        b"-_" if any(text.find(c, at, at + PIECE) >= 0 for c in "-_" for at in range(0, stop, PIECE)) else b"+/"
    )
    held = ""
    for start in range(0, stop, PIECE):
        piece = held + "".join(text[start : min(start + PIECE, stop)].split())
        whole = len(piece) & ~3
        held = piece[whole:]
        if whole:
            yield _decoded(piece[:whole], alternative, need)
    if held:
        yield _decoded(held + "=" * (-len(held) % 4), alternative, need)


def text_data(data: str, mime_type: str) -> str:
    """Base64 of a text, in one line → base64 of the same in UTF-8, which Gemini reads."""
    alternative = b"-_" if "-" in data or "_" in data else b"+/"
    raw = base64.b64decode(data + "=" * (-len(data) % 4), altchars=alternative)
    text = text_for_gemini(raw, mime_type)
    return data if text is raw else base64.b64encode(text).decode()


def type_behind(need: Media, declared: str | None, filename: str | None, head: bytes) -> str:
    """What lies behind a URL is, by its first bytes, what the server declares, and its name. Raises FileUnusable for
    what Gemini does not take, and for a web page where a picture, a recording or a film was meant."""
    if need.mime_type is not None:
        return need.mime_type
    filename = need.filename or filename
    mime_type = resolve(declared=declared, filename=filename, head=head)
    if not is_taken(mime_type):
        raise unusable(f"What lies behind '{need.param}' ({filename!r})", mime_type, param=need.param)
    is_page = mime_type == "text/html" or head.lstrip()[:14].lower().startswith((b"<!doctype html", b"<html"))
    if need.medium is not None and is_page:
        raise FileUnusable(
            f"What lies behind '{need.param}' is a web page, not {_MEDIA[need.medium]}.",
            param=need.param,
            code="invalid_image_url",
        )
    return mime_type


def _decoded(text: str, alternative: bytes, need: Media) -> bytes:
    try:
        return base64.b64decode(text, altchars=alternative, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidRequest(
            f"Invalid '{need.param}'. Expected base64-encoded data.", param=need.param, code="invalid_value"
        ) from None
