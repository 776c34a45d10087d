"""Data that a request brings along, as a data URL or bare base64: its type, read from its beginning; all of it, as one
line of base64; its bytes, piece by piece, so that 50 MB do not block the event loop for long. Also what lies behind a
URL.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

from liftgate.as_utf8 import text_for_gemini
from liftgate.ask.media import Media
from liftgate.errors import FileUnusable, InvalidRequest
from liftgate.large_bodies import behind
from liftgate.magic_bytes import HEAD, sniff
from liftgate.media_types import bare, is_taken, is_text, resolve, says_nothing, unusable
from liftgate.names import begins_like_a_file

_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_="
_GLANCE = 256
_SNIFFED = 4 * HEAD // 3 + 4
"""Characters of base64 that are looked at to tell what the data is: a few for a signature, all of these otherwise."""
_HEAD_CHARACTERS = 1024
"""Of a data URL before its comma, at most. A comma may stand in quotes: `name="a,b.txt"`."""
_LONGEST_ID = 64
_BASE64_MARK = re.compile(r"(?:\A|;)\s*base64\s*(?:;|\Z)", re.IGNORECASE)
_ESCAPED = re.compile(r"%(2[bf0]|3d|0[ad])", re.IGNORECASE)
"""Of base64 what an encoder of URLs escapes."""
_MOST_ESCAPED = 4 * 1024 * 1024
"""Characters that are read so; more would hold up other requests, and are refused for their `%`."""
_NOT_BASE64 = "It is not base64."
_EXPECTED = "Expected a base64-encoded data URL, such as 'data:audio/wav;base64,UklGR…'."
_DATA_URL = re.compile(r"""data:((?:[^,"]|"[^"]*")*),""", re.IGNORECASE)
_URL = re.compile(r"(?:https?|gs|s3|ftp|file)://", re.IGNORECASE)
_NAME = re.compile(r""";\s*(?:file)?name\s*=\s*(?:"([^"]*)"|([^;]*))""", re.IGNORECASE)
PIECE = 1024 * 1024
"""Characters decoded at a time."""
_END = "= \r\n\t"

_MEDIA = {"image": "an image", "audio": "a recording", "video": "a video"}
_OF_TIME = ("audio", "video")


def read_data(
    text: str,
    param: str,
    *,
    given: str | None = None,
    declared: str | None = None,
    filename: str | None = None,
    place_of_urls: str = "",
) -> tuple[str, str]:
    """A data URL or bare base64 → (base64, type). Only its beginning is read: the data may be large, and whoever
    decodes it sees the rest. `given`: the type that the caller stated for Gemini, which wins; `declared`: the type that
    stands with the data; `place_of_urls`: where a URL belongs instead, for the sentence of the error.

    Raises InvalidRequest for what is neither, FileUnusable for a type that Gemini does not take.
    """
    text = text.lstrip() if text[:1].isspace() else text
    if text[:5].lower() == "data:":
        head = _DATA_URL.match(text[:_HEAD_CHARACTERS])
        if head is None:
            raise bad_data(param, _EXPECTED)
        parts, text = head[1], behind(text, head.end())
        declared = declared or _BASE64_MARK.sub(";", parts)
        if _BASE64_MARK.search(parts) is None:
            text = _written_out(text, param, declared)
        elif len(text) <= _MOST_ESCAPED and "%" in text:
            text = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
        named = _NAME.search(parts)
        filename = filename or (named and (named[1] or named[2])) or None
    if len(text) <= _LONGEST_ID and begins_like_a_file(text):
        raise bad_data(param, "It is the id of a file: that goes into 'file_id'.")
    beginning = "".join(text[:_SNIFFED].split())
    if not beginning:
        raise bad_data(param, "It is empty.")
    if beginning.encode("utf-8", "replace").translate(None, _BASE64):
        is_url = place_of_urls and _URL.match(beginning)
        raise bad_data(param, f"It is a URL: that goes into {place_of_urls}." if is_url else _NOT_BASE64)
    return text, given or _type_of(beginning, param, declared, filename)


def _written_out(text: str, param: str, declared: str) -> str:
    """What stands in a data URL as it is, but for `%XX` (RFC 2397) → base64. It is text: a picture that says so is
    base64 by a client that forgot to say that. Raises InvalidRequest."""
    if len(text) > PIECE:
        raise bad_data(param, _EXPECTED)
    raw = unquote_to_bytes(text)
    if (
        says_nothing(declared.partition(";")[0].strip())
        and not raw.translate(None, _BASE64)
        and sniff(_beginning_of(text[:_GLANCE]))
    ):
        raise bad_data(param, _EXPECTED)
    if not is_text(resolve(declared=declared, filename=None, head=raw[:HEAD])):
        raise bad_data(param, _EXPECTED)
    return base64.b64encode(raw).decode()


def bad_data(param: str, why: str) -> InvalidRequest:
    return InvalidRequest(f"Invalid '{param}'. {why}", param=param, code="invalid_value")


def _type_of(beginning: str, param: str, declared: str | None, filename: str | None) -> str:
    head = _beginning_of(beginning[:_GLANCE])
    found = sniff(head)
    if found is None or found.refined_by:
        head = _beginning_of(beginning)[:HEAD]
        mime_type = resolve(declared=declared, filename=filename, head=head)
    else:
        mime_type = found.mime_type
    if not is_taken(mime_type):
        name = f" ({filename!r})" if filename else ""
        raise unusable(f"The data of '{param}'{name}", mime_type, param=param)
    return mime_type


def _beginning_of(text: str) -> bytes:
    plain = text.rstrip("=").replace("-", "+").replace("_", "/").replace("=", "A").encode()
    padding = b"=" * (-len(plain) % 4)
    return binascii.a2b_base64(plain + padding if len(padding) < 3 else plain[:-1])


def checked_base64(media: Media) -> str:
    """The whole of inline data as one line of base64, either alphabet. Raises InvalidRequest for anything else."""
    text = media.ref
    junk = text.encode("utf-8", "replace").translate(None, _BASE64)
    if junk:
        text = "".join(text.split())
    padding = text.find("=")
    padded = 0 if padding < 0 else len(text) - padding
    wrong_length = (len(text) - padded) % 4 == 1 or (padded and len(text) % 4) or len(text) == padded
    if junk.strip() or padded > 2 or text.count("=") != padded or wrong_length:
        raise bad_data(media.param, _NOT_BASE64)
    return text


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
    what Gemini does not take, for a web page where a picture, a recording or a film was meant, and for any text where
    one of the two last was."""
    if need.mime_type is not None:
        return need.mime_type
    filename = need.filename or filename
    mime_type = resolve(declared=declared, filename=filename, head=head)
    if not is_taken(mime_type):
        raise unusable(f"What lies behind '{need.param}' ({filename!r})", mime_type, param=need.param)
    instead = ""
    if mime_type == "text/html" or head.lstrip()[:14].lower().startswith((b"<!doctype html", b"<html")):
        instead = "a web page"
    elif need.medium in _OF_TIME and (is_text(mime_type) or mime_type == "application/json"):
        # A playlist, or the words of a server that has no such file.
        instead = f"text ({bare(mime_type)})"
    if need.medium is not None and instead:
        raise FileUnusable(
            f"What lies behind '{need.param}' is {instead}, not {_MEDIA[need.medium]}.",
            param=need.param,
            code="invalid_image_url",
        )
    return mime_type


def _decoded(text: str, alternative: bytes, need: Media) -> bytes:
    try:
        return base64.b64decode(text, altchars=alternative, validate=True)
    except (binascii.Error, ValueError):
        raise bad_data(need.param, _NOT_BASE64) from None
