"""Data that a part brings along, as a data URL or bare base64: its base64 and its type, told from its beginning."""

from __future__ import annotations

import binascii
import re

from liftgate.errors import InvalidRequest
from liftgate.large_bodies import behind
from liftgate.media_types import is_taken, resolve, unusable
from liftgate.signatures import HEAD, sniff

_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_="
_GLANCE = 256
_SNIFFED = 4 * HEAD // 3 + 4
"""Characters of base64 that are looked at to tell what the data is: a few for a signature, all of these otherwise."""
_HEAD_CHARACTERS = 1024
"""Of a data URL before its comma, at most. A comma may stand in quotes: `name="a,b.txt"`."""
_LONGEST_ID = 64
_DATA_URL = re.compile(r"""data:((?:[^,"]|"[^"]*")*),""", re.IGNORECASE)
_NAME = re.compile(r""";\s*(?:file)?name\s*=\s*(?:"([^"]*)"|([^;]*))""", re.IGNORECASE)


def read_data(
    text: str, param: str, *, said: str | None = None, declared: str | None = None, filename: str | None = None
) -> tuple[str, str]:
    """A data URL or bare base64 → (base64, type). `said`: the caller's explicit type, which wins; `declared`: what else
    is said of it. Only the beginning is looked at: the data may be large, and who decodes it sees the rest.

    Raises InvalidRequest for what is neither, FileUnusable for a type that Gemini does not take.
    """
    if text[:5].lower() == "data:":
        head = _DATA_URL.match(text[:_HEAD_CHARACTERS])
        parts = head[1] if head is not None else ""
        if head is None or not re.search(r";\s*base64\s*\Z", parts, re.IGNORECASE):
            raise bad_data(param, "Expected a base64-encoded data URL, such as 'data:audio/wav;base64,UklGR…'.")
        text = behind(text, head.end())
        declared = declared or parts
        named = _NAME.search(parts)
        filename = filename or (named and (named[1] or named[2])) or None
    elif len(text) <= _LONGEST_ID and text.startswith(("file-", "files/")):
        raise bad_data(param, "It is the id of a file: that goes into 'file_id'.")
    beginning = "".join(text[:_SNIFFED].split())
    if not beginning:
        raise bad_data(param, "It is empty.")
    if beginning.encode("utf-8", "replace").translate(None, _BASE64):
        raise bad_data(param, "It is not base64.")
    return text, said or _type_of(beginning, param, declared, filename)


def bad_data(param: str, why: str) -> InvalidRequest:
    return InvalidRequest(f"Invalid '{param}'. {why}", param=param, code="invalid_value")


def _type_of(beginning: str, param: str, declared: str | None, filename: str | None) -> str:
    head = _decoded(beginning[:_GLANCE])
    found = sniff(head)
    if found is None or found.refined_by:
        head = _decoded(beginning)[:HEAD]
        mime_type = resolve(declared=declared, filename=filename, head=head)
    else:
        mime_type = found.mime_type
    if not is_taken(mime_type):
        name = f" ({filename!r})" if filename else ""
        raise unusable(f"The data of '{param}'{name}", mime_type, param=param)
    return mime_type


def _decoded(text: str) -> bytes:
    plain = text.rstrip("=").replace("-", "+").replace("_", "/").replace("=", "A").encode()
    padding = b"=" * (-len(plain) % 4)
    return binascii.a2b_base64(plain + padding if len(padding) < 3 else plain[:-1])
