"""Secrets that must not be read in what is written: those that this gateway knows, and what looks like one."""

from __future__ import annotations

import re
from collections.abc import Iterable

SHORTEST = 6
HIDDEN = "***"
_LOOKS = (
    (r"AIza[0-9A-Za-z_-]{30,}", "AIza"),
    (r"(?<![0-9A-Za-z])sk-(?:[^\s\"'\\&,;<>(){}\[\]|`#?/]|/(?!re(?:generate|set_spend)\b)){13,}", "sk-"),
    (r"sk-[0-9A-Za-z_-]{16,}", "sk-"),
    (r"(?i:bearer)\s+[0-9A-Za-z._~+/=-]{8,}", "earer"),
    (r"(?<=[?&]key=)[^&\s\"']+", "key="),
)
"""(what a secret looks like, what stands in every text that holds one). The first `sk-` is any that can be made at run
time (`keys/values.secret`), whose end is not to be left over; the other one also stands behind letters."""


_CAPABILITY = re.compile(
    r"(?<![\w-])(?=[\w-]*[A-Z])(?=[\w-]*[a-z])(?=[\w-]*[0-9])[0-9A-Za-z_-]{40,}(?![\w-])", re.ASCII
)
"""A long word of both cases and digits: a cookie, the id of an upload session. No id and no digest of ours is one."""


_URL_PASSWORD = re.compile(r"(?<=://)[^/\s:@\"'\\]*:[^/\s@\"'\\]+(?=@)")
_HEADER = re.compile(
    r"\b((?:set-)?cookie|(?:proxy-)?authorization|x-goog-api-key|x-api-key|api-key)"
    r"((?:\\?[\"']?\s*[:=]\s*b?\\?[\"']?|\\?[\"']\s*,\s*b?\\?[\"'])(?:Basic |Bearer )?)([^\s\"'\\][^\r\n\"'\\]*)",
    re.IGNORECASE,
)
_FIELD = re.compile(
    r"(\\?[\"'](?:[\w-]*(?:secret|password|api[_-]?key|private[_-]?key)|(?:access|refresh|auth|id|session)[_-]?token)"
    r"\\?[\"']\s*:\s*b?\\?[\"'])([^\"'\\]+)",
    re.IGNORECASE,
)
_PARAMETER = re.compile(
    r"((?<![\w-])(?:[\w-]*(?:signature|credential|secret|password|security-token|access[_-]?token|api[_-]?key)"
    r"|sig|token|upload_id)=)(?!\*)([^\s&\"'\\,;)]+)",
    re.IGNORECASE,
)
"""What stands where a secret does, whatever it looks like: in a URL before its host, behind a header's name, behind a
parameter's, behind the name of a field of JSON. Of a signed URL of an object store it is the signature, of a connection
string the password."""


class Redactor:
    """`secrets`: those of this gateway; shorter ones than `SHORTEST` are words, and stay."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        # The longest first: one key may be the beginning of another.
        known = sorted({secret for secret in secrets if len(secret) >= SHORTEST}, key=len, reverse=True)
        marks = (*(mark for _, mark in _LOOKS), "EARER")
        # Where a secret stands, so does the mark within it: of ten thousand keys most need no look of their own.
        self._marks = (*marks, *(secret for secret in known if not any(mark in secret for mark in marks)))
        self._secrets = re.compile("|".join([*map(re.escape, known), *(pattern for pattern, _ in _LOOKS)]))

    def clean(self, text: str) -> str:
        for mark in self._marks:
            if mark in text:
                return self._secrets.sub(HIDDEN, text)
        return text

    def clean_message(self, text: str) -> str:
        """As `clean`, for messages, which may repeat what a caller sent or a library says: without what looks like a
        capability, or stands where a secret does."""
        text = _CAPABILITY.sub(HIDDEN, text)
        if "@" in text:
            text = _URL_PASSWORD.sub(HIDDEN, text)
        if "=" in text:
            text = _PARAMETER.sub(rf"\1{HIDDEN}", text)
        return self.clean(_FIELD.sub(rf"\1{HIDDEN}", _HEADER.sub(rf"\1\2{HIDDEN}", text)))
