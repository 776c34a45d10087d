"""A Content-Encoding undone as the bytes come: of bodies that clients send, and of what is fetched for them."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

READABLE = ("gzip", "deflate")

_GZIP, _ZLIB, _RAW = 31, 15, -15


def codings_of(encoding: str) -> list[str]:
    """The codings that a Content-Encoding names, in lower case, without `identity` and the `x-` of old ones."""
    names = [name.strip().lower().removeprefix("x-") for name in encoding.split(",")]
    return [name for name in names if name not in ("", "identity")]


class Inflater:
    """`coding`: of READABLE. `most`: bytes of a piece that it gives. `whole`: it stands behind the end of what was
    packed."""

    def __init__(self, coding: str, most: int) -> None:
        self._coding = coding
        self._most = most
        self._stream = zlib.decompressobj(_GZIP if coding == "gzip" else _ZLIB)
        self._begun = False
        self.whole = False

    def feed(self, packed: bytes) -> Iterator[bytes]:
        """Raises zlib.error for what is not packed so."""
        while packed:
            if self.whole:
                self._begin_member()
            try:
                content = self._stream.decompress(packed, self._most)
            except zlib.error:
                # Half of all programs call raw DEFLATE so, without zlib's frame round it.
                if self._begun or self._coding == "gzip":
                    raise
                self._stream = zlib.decompressobj(_RAW)
                content = self._stream.decompress(packed, self._most)
            self._begun = True
            packed = self._stream.unconsumed_tail
            if self._stream.eof:
                self.whole = True
                packed = self._stream.unused_data
            if content:
                yield content

    def _begin_member(self) -> None:
        """gzip may have several, one behind the other (RFC 1952, 2.2)."""
        if self._coding != "gzip":
            raise zlib.error("something stands behind the end")
        self._stream = zlib.decompressobj(_GZIP)
        self.whole = False
