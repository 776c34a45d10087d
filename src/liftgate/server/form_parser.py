"""defnull's push parser for multipart forms, which reads lines of a boundary with spaces behind it, too.

RFC 2046, 5.1.1 lets mail gateways and clients pad these lines (`transport-padding`); the parser ends in an error there,
and everything before it has been handed on by then. So another parser goes on with the line as it was meant: forms
without padding, which is all but a few, pay nothing for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from multipart import (  # type: ignore[import-untyped]
    MultipartError,
    MultipartSegment,
    ParserLimitReached,
    PushMultipartParser,
)

MAX_PARTS = 64
MAX_PADDING = 1024
_LINE_ENDS = (b"\r\n", b"--")


class FormParser:
    """`parse` gives the parser's events: a MultipartSegment, its bytes in pieces, None where it ends."""

    def __init__(self, boundary: str) -> None:
        self._boundary = boundary
        self._delimiter = b"\r\n--" + boundary.encode("ascii")
        self._parser = self._made()
        # The last bytes that were parsed: a boundary's line may begin there. The first line has no line before it.
        self._behind = b"\r\n"
        # A boundary's line that has spaces and no end yet.
        self._padded: bytes | None = None
        self._parts = 0
        self._in_part = False

    def parse(self, data: bytes) -> Iterator[Any]:
        """Raises MultipartError, and ParserLimitReached for too many parts."""
        if self._padded is not None:
            line, self._padded = self._padded + data, None
            data = self._unpadded(line)
        while data:
            try:
                yield from self._events(data)
                self._behind = (self._behind + data[-self._kept :])[-self._kept :]
                return
            except ParserLimitReached:
                raise
            except MultipartError as error:
                if "after" not in str(error):
                    raise
                line = self._behind + data
            data = self._unpadded(line)
            if self._in_part:
                self._in_part = False
                yield None

    def close(self) -> None:
        """Raises MultipartError where the form has not ended."""
        if self._padded is not None:
            raise MultipartError("Unexpected end of multipart stream.")
        self._parser.close()

    @property
    def _kept(self) -> int:
        return len(self._delimiter) + 2

    def _made(self) -> PushMultipartParser:
        # It reads every byte of a header as Latin-1; `multipart` knows better.
        return PushMultipartParser(
            self._boundary,
            max_header_size=8192,
            max_header_count=16,
            max_segment_count=MAX_PARTS,
            header_charset="latin-1",
        )

    def _events(self, data: bytes) -> Iterator[Any]:
        for event in self._parser.parse(data):
            if isinstance(event, MultipartSegment):
                self._in_part = True
                self._parts += 1
                if self._parts > MAX_PARTS:
                    raise ParserLimitReached("Maximum segment count exceeded")
            elif event is None:
                self._in_part = False
            yield event

    def _unpadded(self, data: bytes) -> bytes:
        """The boundary's line that the parser ended at, without its padding, and what stands behind it; nothing while
        the line has not ended. Raises MultipartError where it is no such line."""
        at = data.find(self._delimiter)
        while at >= 0 and data[at + len(self._delimiter) : at + self._kept] in _LINE_ENDS:
            at = data.find(self._delimiter, at + 1)
        rest = data[at + len(self._delimiter) :]
        line = rest.lstrip(b" \t")
        if at >= 0 and 0 < len(rest) - len(line) <= MAX_PADDING:
            if line.startswith(b"\r\n"):
                self._parser = self._made()
                self._behind = b"\r\n"
                return self._delimiter[2:] + line
            if line in (b"", b"\r"):
                self._padded = data[at:]
                return b""
        raise MultipartError("Unexpected bytes after boundary")
