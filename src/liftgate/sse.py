"""Server-sent events: any chunking of bytes into the `data` of events, and back.

Only what the two APIs use: `data:` lines, LF/CR/CRLF, comments. Gemini separates events with CRLF CRLF
(docs/protocol/gemini.md, "Streams"), OpenAI with LF LF.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections.abc import Sequence

import msgspec

from liftgate.large_bodies import STEP, Body, contains, grown

DONE = b"data: [DONE]\n\n"
PING = b": ping\n\n"

LARGE = STEP

_encode_lines = msgspec.json.Encoder().encode_lines
_LF, _CR = b"\n\r"
"""Numbers: a byte is looked for ten times as fast by its number as by a text of it."""
_LINE_END = re.compile(rb"[\r\n]")
_BLANK_ENDS = (b"\r\n\r\n", b"\n\n", b"\r\r", b"\n\r\n", b"\r\n\n")
_BLANK_LINE = (b"\n\n", b"\n\r", b"\r\r")
"""One of these is where two ends of lines meet, whichever of LF, CR and CRLF they are."""


def event(data: bytes) -> bytes:
    """One event with a single `data` line; `data` holds no line break."""
    return b"data: " + data + b"\n\n"


def events_alike(before: bytes, values: Sequence[object], after: bytes, opening: bytes = b"") -> bytes:
    """An event for each of `values`, at least one, as JSON between bytes that all events have. `opening`: what each
    begins with, which is left out."""
    # One to a line, and none has a line end of its own: JSON writes that as \n.
    lines = _encode_lines(values)[len(opening) : -1]
    return before + lines.replace(b"\n" + opening, after + before) + after


class EventDecoder:
    """Bytes in any pieces → the data of each complete event.

    `feed()` returns the events completed by a piece; `rest()` returns what stands behind the last complete event, so
    that a bare JSON error at the end of a stream is not lost.

    An event of more than `LARGE` bytes takes long to put together: `feed` then returns nothing and sets `ripe`, and
    `ripened()`, which is for a thread, returns what `feed` would have. Who called it sets `ripe` back.
    """

    ripe = False

    def __init__(self) -> None:
        self._waiting: list[bytes] = []
        self._edge = b""

    def feed(self, piece: bytes) -> list[bytes]:
        buffer = piece
        if self._waiting:
            # An event of many pieces is put together once, when its end is here.
            self._waiting.append(piece)
            seen = self._edge + piece
            if not any(end in seen for end in _BLANK_LINE):
                self._edge = seen[-2:]
                return []
            if sum(map(len, self._waiting)) > LARGE:
                self.ripe = True
                return []
            buffer = b"".join(self._waiting)
        # As Gemini writes it: lines of data, each with a blank one behind it, and no other line end.
        end = buffer.rfind(b"\r\n\r\n")
        if end < 0 or buffer[:6] != b"data: ":
            return self._feed_any(buffer)
        events, tail = buffer[6:end].split(b"\r\n\r\ndata: "), buffer[end + 4 :]
        texts = b"".join(events) + tail
        if _LF in texts or _CR in texts:
            return self._feed_any(buffer)
        if tail or self._waiting:
            self._wait_behind(tail)
        return events

    def _feed_any(self, buffer: bytes) -> list[bytes]:
        """The same, whatever its line ends."""
        # A CR at the very end may be half of a CRLF.
        held = b""
        if buffer[-1:] == b"\r":
            buffer, held = buffer[:-1], b"\r"
        if _CR in buffer:
            buffer = buffer.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *blocks, tail = buffer.split(b"\n\n")
        self._wait_behind(tail + held)
        return [data for block in blocks if (data := _data(block)) is not None]

    def _wait_behind(self, tail: bytes) -> None:
        self._waiting = [tail] if tail else []
        self._edge = tail[-2:]

    def ripened(self) -> list[Body]:
        last = len(self._waiting[-1]) + 2
        whole = grown(self._waiting)
        self._waiting = []
        rest = bytes(whole[-last:])
        del whole[-last:]
        first = _LINE_END.search(rest)
        plain = whole.startswith(b"data: ") and not contains(whole, b"\n") and not contains(whole, b"\r")
        if not plain or first is None or not rest.startswith(_BLANK_ENDS, first.start()):
            return [*self.feed(bytes(whole) + rest)]
        # One line of data and its end, which is all that a large event ever was.
        del whole[: len(b"data: ")]
        whole += rest[: first.start()]
        return [whole, *self.feed(rest[first.start() :].lstrip(b"\r\n"))]

    def rest(self) -> bytes:
        return b"".join(self._waiting).strip()


def _data(block: bytes) -> bytes | None:
    if block[:6] == b"data: " and _LF not in block:
        return block[6:]
    block = block.lstrip(b"\n")
    if block.startswith(b"data: ") and _LF not in block:
        return block[6:]
    block = block.removeprefix(BOM_UTF8)  # one may stand at the beginning of a stream
    lines = [line for line in block.split(b"\n") if line and not line.startswith(b":")]
    data = [line[5:].removeprefix(b" ") for line in lines if line.startswith(b"data:")]
    if data:
        return b"\n".join(data)
    # What is no SSE field at all is handed on whole: Google's backends have sent bare JSON errors in event streams.
    return b"\n".join(lines) if lines and lines[0].startswith((b"{", b"[")) else None
