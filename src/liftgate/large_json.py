"""Large JSON, read in steps, so that no single call holds up the other threads for long.

What a C library does in one call nothing else in the process can interrupt. So a large text is looked through in
windows: whatever is small goes to msgspec as it is, long strings go there in pieces, and what is made of them is what
msgspec makes of the whole. A body is bounded in what cannot be cut: the number of its values.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from liftgate.errors import InvalidRequest
from liftgate.large_bodies import STEP, Body, grown, joined

LONG = STEP // 4
"""Bytes of a string that is decoded by itself. Space of half a step lies in no string that is shorter."""
DEEPEST = 900
"""msgspec's own bound is what the interpreter's stack has left."""
MOST_VALUES = 250_000
"""Values and keys of one body. 3,000 messages have 20,000; 512 functions with 100 parameters each, 205,000."""
LONGEST_WIDE = 16 * 1024 * 1024
"""Bytes of a string that is not ASCII: it is widened by one call where a wider character comes late. No model reads as
much text; data is base64, and that is ASCII."""

_decode = msgspec.json.Decoder().decode

_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|["{}\[\],]', re.DOTALL)
"""Possessive: to go back into a string is never right, and to be able to costs 160 bytes for each of its escapes."""
_IN_STRING = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)
_WHOLE_ESCAPES = re.compile(rb"[^\\]*+(?:\\(?:u[0-9a-fA-F]{4}|[^u])[^\\]*+)*+", re.DOTALL)
_HIGH = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}\Z")
_LOW = re.compile(rb"\\u[dD][c-fC-F][0-9a-fA-F]{2}")
_SPACE = b" \t\r\n"


def decoded(body: Body) -> Any:
    """What msgspec's decoder returns and raises for the whole; InvalidRequest for what is beyond the bounds."""
    return _Reader(body, _decode, keep=True).value()


def decoded_text(text: str) -> Any:
    """What a text holds that may be JSON, read in steps too. Raises what msgspec's decoder raises, also for what is
    beyond the bounds of a body."""
    if len(text) <= STEP:
        return _decode(text)
    try:
        return decoded(grown(text[at : at + STEP].encode() for at in range(0, len(text), STEP)))
    except InvalidRequest as error:
        raise msgspec.DecodeError("JSON has more values than a body may have") from error


def checked(body: Body, decode: Callable[[bytes], Any] = _decode) -> Any:
    """As `decoded`, with empty strings for long ones: for who asks only whether it is JSON and of which kind."""
    return _Reader(body, decode, keep=False).value()


def tokens(body: Body) -> Iterator[tuple[int, int]]:
    """[start, stop) of each string with its quotes, each bracket and each comma, of what may be JSON."""
    at, size = 0, len(body)
    while at < size:
        end = min(at + STEP, size)
        for found in _TOKEN.finditer(body, at, end):
            start, at = found.span()
            if at - start == 1 and body[start] == 0x22:
                at = _string_end(body, start)
                yield start, at
                break
            yield start, at
        else:
            at = end


def _string_end(body: Body, start: int) -> int:
    """Behind the closing quote of the string that begins at `start`. Raises DecodeError where there is none."""
    at, size = start + 1, len(body)
    while at < size:
        end = min(at + STEP, size)
        # Where nothing is escaped, as in base64, to look for a byte is much quicker than the pattern.
        if body.find(b"\\", at, end) < 0:
            quote = body.find(b'"', at, end)
            if quote >= 0:
                return quote + 1
            at = end
            continue
        found = _IN_STRING.match(body, at, end)
        assert found is not None, "it matches the empty text"
        if found.end() < size and body[found.end()] == 0x22:
            return found.end() + 1
        if found.end() == at:
            break
        at = found.end()
    raise msgspec.DecodeError("JSON is malformed: a string does not end")


@dataclass(slots=True)
class _Frame:
    """An open array or object. `item`: where the member that is read begins. `group`: where the members begin that were
    not decoded yet, `waiting` of them. `large`: the places and values in the member that is read."""

    start: int
    is_object: bool
    item: int
    group: int
    waiting: int = 0
    large: list[tuple[int, int, object]] = field(default_factory=list)
    members: Any = None


class _Reader:
    def __init__(self, body: Body, decode: Callable[[bytes], Any], *, keep: bool) -> None:
        self._body = body
        self._decode = decode
        self._keep = keep
        self._frames = [_Frame(0, False, 0, 0)]
        self._left = MOST_VALUES

    def value(self) -> Any:
        body = self._body
        for start, stop in tokens(body):
            first = body[start]
            if first == 0x22:
                if stop - start > LONG:
                    self._frames[-1].large.append((start, stop, self._string(start, stop)))
            elif first == 0x2C:
                self._end_member(start)
            elif first in b"{[":
                self._count()
                if len(self._frames) > DEEPEST:
                    raise msgspec.DecodeError("JSON is malformed: nested too deeply")
                self._frames.append(_Frame(start, first == 0x7B, stop, stop))
            else:
                self._close(stop, first == 0x7D)
        if len(self._frames) > 1:
            raise msgspec.DecodeError("Input data was truncated")
        # The whole is the one member of an array that is not written.
        whole = self._frames[0]
        if whole.members is None and not whole.large and not whole.waiting:
            return self._decode(self._cut(0, len(body)))
        self._end_member(len(body))
        self._flush(whole, len(body))
        if len(whole.members) != 1:
            raise msgspec.DecodeError("JSON is malformed: trailing characters")
        return whole.members[0]

    def _count(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise InvalidRequest(
                f"The body has more than {MOST_VALUES} values. Send long lists of numbers and the like as a file."
            )

    def _end_member(self, stop: int) -> None:
        frame = self._frames[-1]
        self._count()
        if frame.large:
            self._flush(frame, frame.item - 1)
            self._add_large(frame, stop)
            frame.group = stop + 1
        else:
            frame.waiting += 1
            if stop - frame.group > STEP:
                if frame.waiting > 1:
                    # What came before this one is small; this one alone may be long, by the space in it.
                    frame.waiting -= 1
                    self._flush(frame, frame.item - 1)
                    frame.group, frame.waiting = frame.item, 1
                self._flush(frame, stop)
                frame.group = stop + 1
        frame.item = stop + 1

    def _close(self, stop: int, is_object: bool) -> None:
        frame = self._frames[-1]
        if len(self._frames) == 1 or frame.is_object != is_object:
            raise msgspec.DecodeError("JSON is malformed: a bracket that was not opened")
        if stop - frame.start <= STEP and frame.members is None and not frame.large:
            # It is decoded with what stands round it.
            self._frames.pop()
            return
        if frame.members is None and not frame.large and not frame.waiting and self._is_space(frame.item, stop - 1):
            frame.members = {} if is_object else []
        else:
            self._end_member(stop - 1)
            self._flush(frame, stop - 1)
        self._frames.pop()
        self._frames[-1].large.append((frame.start, stop, frame.members))

    def _flush(self, frame: _Frame, stop: int) -> None:
        """Decodes the members that wait, up to `stop`."""
        if frame.members is None:
            frame.members = {} if frame.is_object else []
        if not frame.waiting:
            return
        found = self._decoded(frame, self._cut(frame.group, stop))
        if len(found) != frame.waiting and (not frame.is_object or not found):
            raise msgspec.DecodeError("JSON is malformed: a value is missing")
        self._add(frame, found)
        frame.waiting = 0

    def _add_large(self, frame: _Frame, stop: int) -> None:
        """Decodes the member up to `stop`, with something small in the place of what is decoded already."""
        text, at = bytearray(), frame.item
        key: str | None = None
        for number, (begin, end, value) in enumerate(frame.large):
            text += self._cut(at, begin)
            if frame.is_object and number == 0 and not text.strip(_SPACE):
                key = value if isinstance(value, str) else None
            text += b'""' if self._body[begin] == 0x22 else b"[]"
            at = end
        text += self._cut(at, stop)
        found = self._decoded(frame, bytes(text))
        if len(found) != 1:
            raise msgspec.DecodeError("JSON is malformed: a value is missing")
        value = frame.large[-1][2]
        if frame.is_object:
            [(small_key, small)] = found.items()
            is_value = key is None or len(frame.large) > 1
            found = {small_key if key is None else key: value if is_value else small}
        else:
            found = [value]
        frame.large = []
        self._add(frame, found)

    def _add(self, frame: _Frame, found: Any) -> None:
        if frame.is_object:
            frame.members.update(found)
        else:
            frame.members.extend(found)

    def _decoded(self, frame: _Frame, text: bytes) -> Any:
        return self._decode(b"{%b}" % text if frame.is_object else b"[%b]" % text)

    def _cut(self, start: int, stop: int) -> bytes:
        """A part of the body; of much space at its ends, a little. A number that is longer than a step is none."""
        body = self._body
        while stop - start > STEP and self._is_space(start, start + STEP // 2):
            start += STEP // 2
        while stop - start > STEP and self._is_space(stop - STEP // 2, stop):
            stop -= STEP // 2
        if stop - start > 2 * STEP:
            return self._without_space(start, stop)
        return bytes(memoryview(body)[start:stop])

    def _without_space(self, start: int, stop: int) -> bytes:
        """A part that is long by the space between its tokens: one character of it for each stretch of half a step."""
        whole = bytearray()
        for at in range(start, stop, STEP // 2):
            end = min(at + STEP // 2, stop)
            whole += b" " if self._is_space(at, end) else self._body[at:end]
            if len(whole) > 4 * STEP:
                raise msgspec.DecodeError("JSON is malformed: a number is too long")
        return bytes(whole)

    def _is_space(self, start: int, stop: int) -> bool:
        return all(not self._body[at : min(at + STEP, stop)].strip(_SPACE) for at in range(start, stop, STEP))

    def _string(self, start: int, stop: int) -> str:
        pieces = self._pieces(start, stop)
        if self._keep:
            return joined(pieces)
        for _ in pieces:
            pass
        return ""

    def _pieces(self, start: int, stop: int) -> Iterator[str]:
        """A long string, decoded in pieces that end neither in an escape nor in a character."""
        at, end = start + 1, stop - 1
        while at < end:
            cut = self._safe(at, end)
            piece: str = self._decode(b'"%b"' % bytes(memoryview(self._body)[at:cut]))
            if end - start > LONGEST_WIDE and not piece.isascii():
                raise InvalidRequest(
                    f"A text of the body is longer than {LONGEST_WIDE} bytes. Send it as a file.",
                    code="string_above_max_length",
                )
            yield piece
            at = cut

    def _safe(self, at: int, end: int) -> int:
        if end - at <= STEP:
            return end
        body = self._body
        cut = at + STEP
        if body.find(b"\\", at, cut) >= 0:
            found = _WHOLE_ESCAPES.match(body, at, cut)
            assert found is not None, "it matches the empty text"
            cut = found.end()
            if _HIGH.search(body[max(at, cut - 6) : cut]) and _LOW.match(body, cut, min(cut + 6, end)):
                cut += 6
        back = cut
        while back > at and cut - back < 4 and body[back] & 0xC0 == 0x80:
            back -= 1
        if body[back] & 0xC0 != 0x80:
            cut = back
        if cut <= at:
            raise msgspec.DecodeError("JSON is malformed: invalid character in a string")
        return cut
