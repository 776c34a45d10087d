"""The elements of a JSON array as they come: Google's streams without `alt=sse` (docs/protocol/gemini.md,
"Streams")."""

from __future__ import annotations

import re

from liftgate.large_bodies import Body

_MARK = re.compile(rb'["{}\[\]]')
_IN_TEXT = re.compile(rb'["\\]')


class ElementDecoder:
    """Bytes in any pieces → each object or array that is an element, as it was written. What stands between them is
    passed over. An object that stands alone, as errors do, is an element too.

    It is never `ripe` (`sse.EventDecoder`): only clients of Google's oldest libraries have such streams.

    `rest()`, at the end: what came and is not whole; never empty where the array was not closed.
    """

    ripe = False

    def __init__(self) -> None:
        self._waiting = bytearray()
        # `_at`: from where on it was not looked at. `_start`: of the element that is open, where `_depth` is not 0.
        self._at = self._start = self._depth = 0
        self._in_text = self._opened = self._closed = False

    def feed(self, piece: bytes) -> list[bytes]:
        waiting = self._waiting
        waiting += piece
        found: list[bytes] = []
        while (mark := (_IN_TEXT if self._in_text else _MARK).search(waiting, self._at)) is not None:
            if waiting[mark.start()] == 0x5C:
                if mark.end() == len(waiting):
                    # What it escapes is still to come.
                    self._at = mark.start()
                    break
                self._at = mark.end() + 1
                continue
            self._at = mark.end()
            if waiting[mark.start()] == 0x22:
                self._in_text = not self._in_text
            elif self._bracket(waiting[mark.start()], mark.start()):
                found.append(bytes(waiting[self._start : self._at]))
        else:
            self._at = len(waiting)
        if self._opened or self._closed:
            done = self._start if self._depth else self._at
            del waiting[:done]
            self._at -= done
            self._start = 0
        return found

    def ripened(self) -> list[Body]:
        return []

    def rest(self) -> bytes:
        if self._closed:
            return b""
        return bytes(self._waiting).strip() or (b"[" if self._opened else b"")

    def _bracket(self, character: int, at: int) -> bool:
        """Whether an element ends with it."""
        opens = character in b"{["
        if self._depth:
            self._depth += 1 if opens else -1
            if self._depth == 0 and not self._opened:
                self._closed = True
            return self._depth == 0
        if character == 0x5B and not self._opened:
            self._opened = True
        elif opens:
            self._start, self._depth = at, 1
        elif character == 0x5D:
            self._closed = True
        return False
