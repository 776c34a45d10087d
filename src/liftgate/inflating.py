"""A Content-Encoding undone as the bytes come: of bodies that clients send, and of what is fetched for them."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

READABLE = ("gzip", "deflate")

_GZIP, _ZLIB, _RAW = 31, 15, -15
_GZIPS_FIRST, _DEFLATED = 0x1F, 8


def codings_of(encoding: str) -> list[str]:
    """The codings that a Content-Encoding names, in lower case, without `identity` and the `x-` of old ones."""
    names = [name.strip().lower().removeprefix("x-") for name in encoding.split(",")]
    return [name for name in names if name not in ("", "identity")]


class Inflater:
    """`coding`: of READABLE; "": whichever of them it is, as browsers read what servers send. `most`: bytes of a piece
    that it gives. `whole`: it stands behind the end of what was packed."""

    def __init__(self, coding: str, most: int) -> None:
        self._coding = coding
        self._most = most
        self._stream: zlib._Decompress | None = None
        self.whole = False

    def feed(self, packed: bytes) -> Iterator[bytes]:
        """Raises zlib.error for what is not packed so."""
        pending = False
        while packed or pending:
            if self.whole:
                self._begin_member()
            if self._stream is None:
                self._stream = zlib.decompressobj(self._form(packed[0]))
            content = self._stream.decompress(packed, self._most)
            packed = self._stream.unconsumed_tail
            # What the last bytes stand for may be more than one piece.
            pending = len(content) == self._most and not self._stream.eof
            if self._stream.eof:
                self.whole = True
                packed = self._stream.unused_data
            if content:
                yield content

    def _form(self, first: int) -> int:
        """By the first byte: half of all programs call raw DEFLATE `deflate`, without zlib's frame round it, which
        always begins with an 8 in the lower half (RFC 1950, 2.2). No raw block begins as gzip does (RFC 1951, 3.2.3).
        """
        if self._coding == "gzip" or (not self._coding and first == _GZIPS_FIRST):
            return _GZIP
        return _ZLIB if first & 0x0F == _DEFLATED else _RAW

    def _begin_member(self) -> None:
        """gzip may have several, one behind the other (RFC 1952, 2.2)."""
        if self._coding == "deflate":
            raise zlib.error("something stands behind the end")
        self._stream, self.whole = None, False
