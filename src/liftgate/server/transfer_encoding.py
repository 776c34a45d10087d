"""The Content-Transfer-Encoding of a form's part: what mail libraries write (Ansible's `uri`), undone as it comes.

RFC 7578, 4.7 deprecates it for forms; what is kept undecoded would be another file than the one that was sent.
"""

from __future__ import annotations

import binascii
import re
from typing import Protocol

from liftgate.errors import InvalidRequest, shortened

_AS_IT_IS = ("", "7bit", "8bit", "binary")
_NOT_PACKED = ("", "identity")
_LONGEST_LINE = 8192
_WHITESPACE = b" \t\r\n"
_BAD_ESCAPE = re.compile(rb"=(?![0-9A-Fa-f]{2}|[ \t]*\r?\n|[ \t]*\Z)")
_LINE_END_SPACE = re.compile(rb"[ \t]+(?=\r?\n|\Z)")


class Decoder(Protocol):
    """Raises InvalidRequest for bytes that are not of the encoding."""

    def feed(self, data: bytes) -> bytes: ...
    def end(self) -> bytes: ...


def decoder_of(encoding: str | None, packed: str | None, part: str) -> Decoder | None:
    """None: the bytes are as they are. `encoding`, `packed`: the part's Content-Transfer-Encoding and Content-Encoding.
    `part`: its name, for errors. Raises InvalidRequest for an unknown one, and for what is packed: no client packs a
    part by itself, and whether its file or the form is meant is not certain.
    """
    coding = (packed or "").strip().lower()
    if coding not in _NOT_PACKED:
        raise InvalidRequest(
            f"Unsupported Content-Encoding of the part '{part}': '{shortened(coding)}'. Send the bytes as they are; "
            "the whole body may be packed.",
            param=part,
        )
    word = (encoding or "").strip().lower()
    if word in _AS_IT_IS:
        return None
    if word == "base64":
        return _Base64(part)
    if word == "quoted-printable":
        return _QuotedPrintable(part)
    raise InvalidRequest(
        f"Unsupported Content-Transfer-Encoding of the part '{part}': '{shortened(word)}'. Send the bytes as they are.",
        param=part,
    )


class _Base64:
    def __init__(self, part: str) -> None:
        self._part = part
        self._rest = b""

    def feed(self, data: bytes) -> bytes:
        letters = self._rest + data.translate(None, _WHITESPACE)
        # The last four wait: they may have padding, behind which nothing may come.
        whole = max(0, (len(letters) - 1) // 4 * 4)
        self._rest = letters[whole:]
        return self._decoded(letters[:whole], padded=False)

    def end(self) -> bytes:
        return self._decoded(self._rest + b"=" * (-len(self._rest) % 4), padded=True)

    def _decoded(self, letters: bytes, *, padded: bool) -> bytes:
        try:
            if b"=" in letters and not padded:
                raise binascii.Error
            return binascii.a2b_base64(letters, strict_mode=True) if letters else b""
        except binascii.Error:
            raise _broken(self._part, "base64") from None


class _QuotedPrintable:
    def __init__(self, part: str) -> None:
        self._part = part
        self._rest = b""

    def feed(self, data: bytes) -> bytes:
        text = self._rest + data
        cut = text.rfind(b"\n") + 1
        self._rest = text[cut:]
        if len(self._rest) > _LONGEST_LINE:
            raise _broken(self._part, "quoted-printable")
        return self._decoded(text[:cut])

    def end(self) -> bytes:
        return self._decoded(self._rest)

    def _decoded(self, text: bytes) -> bytes:
        if _BAD_ESCAPE.search(text):
            raise _broken(self._part, "quoted-printable")
        return binascii.a2b_qp(_LINE_END_SPACE.sub(b"", text))


def _broken(part: str, encoding: str) -> InvalidRequest:
    return InvalidRequest(
        f"The part '{part}' is not the {encoding} that its Content-Transfer-Encoding says.", param=part
    )
