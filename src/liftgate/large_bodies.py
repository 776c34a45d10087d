"""Large bodies, looked through and written in steps, so that no single call holds up the other threads for long.

What a C library does in one call nothing else in the process can interrupt. Memory grows in place, by `+=` on a
bytearray, because to join is one call too.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

import msgspec

Body: TypeAlias = bytes | bytearray

LARGE = 256 * 1024
"""Bytes of JSON from which on work with it leaves the event loop."""
STEP = 256 * 1024
"""Bytes or characters that one call is given."""

_encode = msgspec.json.Encoder().encode


def contains(body: Body, word: bytes) -> bool:
    """`word in body`."""
    return any(body.find(word, at, at + STEP + len(word)) >= 0 for at in range(0, len(body), STEP))


def holds(text: str, word: str) -> bool:
    """`word in text`."""
    return any(text.find(word, at, at + STEP + len(word)) >= 0 for at in range(0, len(text), STEP))


def joined(pieces: Iterable[str]) -> str:
    """One text. It grows in place: CPython does that for a local name in a `for` loop, where nothing else refers to
    the text."""
    text = ""
    for piece in pieces:
        text += piece
    return text


def grown(pieces: Iterable[Body | memoryview]) -> bytearray:
    """All of them in one, which grows in place."""
    whole = bytearray()
    for piece in pieces:
        for at in range(0, len(piece), STEP):
            whole += piece[at : at + STEP]
    return whole


def behind(text: str, at: int) -> str:
    """`text[at:]`."""
    if len(text) - at <= STEP:
        return text[at:]
    return joined(text[start : start + STEP] for start in range(at, len(text), STEP))


def behind_head(head: str, text: str) -> str:
    """`head + text`."""
    if len(text) <= STEP:
        return head + text
    return joined((head, *(text[at : at + STEP] for at in range(0, len(text), STEP))))


def encoded(value: object) -> bytearray:
    """What msgspec's encoder returns."""
    whole = bytearray()
    _write(value, whole)
    return whole


def _write(value: Any, whole: bytearray) -> None:
    if _fits(value, STEP) >= 0:
        whole += _encode(value)
    elif isinstance(value, str):
        whole += b'"'
        for at in range(0, len(value), STEP):
            whole += _encode(value[at : at + STEP])[1:-1]
        whole += b'"'
    elif isinstance(value, dict):
        between = b"{"
        for key, each in value.items():
            whole += between
            _write(key, whole)
            whole += b":"
            _write(each, whole)
            between = b","
        whole += b"}"
    else:
        between = b"["
        for each in value:
            whole += between
            _write(each, whole)
            between = b","
        whole += b"]"


def fits(value: object, size: int) -> bool:
    """Whether so many characters may be enough to write it. Takes no longer where it is larger."""
    return _fits(value, size) >= 0


def _fits(value: object, left: int) -> int:
    """What is left of so many characters when `value` is written; less than 0 where it does not fit."""
    if isinstance(value, str):
        return left - len(value)
    left -= 16
    if isinstance(value, dict):
        for key, each in value.items():
            left = _fits(each, left - len(key))
            if left < 0:
                break
    elif isinstance(value, list | tuple):
        for each in value:
            left = _fits(each, left)
            if left < 0:
                break
    return left
