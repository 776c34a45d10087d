"""A text in any encoding, as Gemini reads it: in UTF-8. The stored bytes stay what they are; this is what is sent.

`for_gemini` looks at all of a text once, because its size and hash are wanted before its first byte is sent. The same
bytes always give the same text, so another process can go on with an upload that this one began.
"""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from liftgate.byte_source import PIECE, ByteSource
from liftgate.media_types import charset_of, is_text
from liftgate.text_encoding import SAMPLE, SHIFT, encoding_of


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What Gemini is sent of a file: bytes and their hash (hex)."""

    source: ByteSource
    sha256: str


async def for_gemini(source: ByteSource, sha256: str, mime_type: str) -> Outgoing:
    """The file as it is, unless it is a text that is not in UTF-8. `mime_type` as `media_types.resolve` gave it."""
    if not is_text(mime_type):
        return Outgoing(source, sha256)
    encoding = await _encoding(source, charset_of(mime_type))
    if encoding is None:
        return Outgoing(source, sha256)
    size, digest = 0, hashlib.sha256()
    async for piece in _converted(source, encoding, 0):
        size += len(piece)
        digest.update(piece)
    return Outgoing(_InUtf8(source, encoding, size), digest.hexdigest())


def text_for_gemini(data: bytes, mime_type: str) -> bytes:
    """The same for bytes that are all here."""
    if not is_text(mime_type):
        return data
    encoding = charset_of(mime_type)
    if encoding is None:
        odd = _first_odd(data)
        if odd is None and b"\x00" not in data[:SAMPLE]:
            return data
        encoding = encoding_of(data[:SAMPLE], called_text=True)
        if encoding == "utf-8":
            encoding = None if odd is None else encoding_of(_around(data, odd), called_text=True)
    return data if encoding in (None, "utf-8") else _text(data.decode(encoding, "replace"))


async def _encoding(source: ByteSource, charset: str | None) -> str | None:
    """What it must be converted from; None for UTF-8, and for what is no text after all."""
    if charset is not None:
        return charset
    head = b""
    decoder = codecs.getincrementaldecoder("utf-8")()
    at = 0
    async for piece in source.read(0, source.size):
        if len(head) < SAMPLE:
            head += piece[: SAMPLE - len(head)]
        odd = _first_odd(piece, decoder, at + len(piece) >= source.size)
        if odd is not None:
            found = encoding_of(head, called_text=True)
            # A text whose beginning is plain ASCII shows only here what it is written in.
            if found == "utf-8":
                found = encoding_of(_around(piece, odd), called_text=True)
            if found != "utf-8" or not piece.startswith(SHIFT, odd):
                return found
        at += len(piece)
    found = encoding_of(head, called_text=True)
    return None if found == "utf-8" else found


def _first_odd(piece: bytes, decoder: codecs.IncrementalDecoder | None = None, final: bool = True) -> int | None:
    """Where something stands that UTF-8 does not have, or that begins characters of ISO-2022; None: nowhere."""
    try:
        (decoder or codecs.getincrementaldecoder("utf-8")()).decode(piece, final)
    except UnicodeDecodeError as odd:
        return odd.start
    shift = piece.find(SHIFT)
    return None if shift < 0 else shift


def _around(piece: bytes, odd: int) -> bytes:
    return piece[max(0, odd - 64) : odd + SAMPLE]


def _text(text: str) -> bytes:
    return text.removeprefix("\ufeff").encode("utf-8", "replace")


async def _converted(source: ByteSource, encoding: str, start: int) -> AsyncIterator[bytes]:
    """The text from the byte `start` of its UTF-8 on, in pieces of at most `PIECE`."""
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    at, first = 0, True
    async for piece in source.read(0, source.size):
        text = decoder.decode(piece)
        converted = _text(text) if first else text.encode("utf-8", "replace")
        first = first and not text
        passed_over = max(0, start - at)
        at += len(converted)
        for place in range(passed_over, len(converted), PIECE):
            yield converted[place : place + PIECE]
    last = decoder.decode(b"", True).encode("utf-8", "replace")
    if rest := last[max(0, start - at) :]:
        yield rest


class _InUtf8:
    """A source over another. What is read in order is converted once; a step back begins at the beginning."""

    def __init__(self, source: ByteSource, encoding: str, size: int) -> None:
        self._source = source
        self._encoding = encoding
        self._size = size

    @property
    def size(self) -> int:
        return self._size

    async def read(self, start: int, stop: int) -> AsyncIterator[bytes]:
        at = start
        async for piece in _converted(self._source, self._encoding, start):
            if at + len(piece) >= stop:
                yield piece[: stop - at]
                return
            at += len(piece)
            yield piece
