"""The two forms in which Google streams: an array of JSON, and server-sent events. An event at a time, and the end."""

from __future__ import annotations

import msgspec

from liftgate.dialects.gemini.errors import GEMINI
from liftgate.errors import LiftgateError
from liftgate.large_bodies import STEP, Body, contains, grown

_encode = msgspec.json.Encoder().encode

_LF = ord("\n")
"""A number: it is looked for ten times as fast as bytes are."""


class Elements:
    """Google's array, an element at a time (docs/protocol/gemini.md, "Streams")."""

    def __init__(self) -> None:
        self._between = b"["

    def one(self, data: Body) -> Body:
        between, self._between = self._between, b"\n,\r\n"
        return between + data if len(data) <= STEP else grown((between, data))

    def end(self) -> bytes:
        return b"[]" if self._between == b"[" else b"\n]"

    def error(self, error: LiftgateError) -> bytes:
        """The stream breaks off here: the error, and the end behind it."""
        return bytes(self.one(_encode(GEMINI.error(error).body))) + self.end()


class Events:
    """Google's server-sent events: nothing behind the last one."""

    def one(self, data: Body) -> Body:
        if len(data) > STEP and not contains(data, b"\n"):
            return grown((b"data: ", data, b"\r\n\r\n"))
        if _LF in data:
            data = data.replace(b"\n", b"\r\ndata: ")
        return b"data: " + data + b"\r\n\r\n"

    def end(self) -> bytes:
        return b""

    def error(self, error: LiftgateError) -> bytes:
        """The stream breaks off here: the error, and the end behind it."""
        return bytes(self.one(_encode(GEMINI.error(error).body))) + self.end()
