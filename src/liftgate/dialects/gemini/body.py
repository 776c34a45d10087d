"""A request in Gemini's own form as bytes: where it names files and models, and the same bytes with other names there.

Nothing is decoded and written again, so what Liftgate does not know passes as it came. Free-form values (the arguments
of a function call, schemas) are the client's own and are not looked into. Everything that names a file is found,
however its key is escaped and however often it stands there: what Google would read is what is judged.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from liftgate.errors import InvalidRequest
from liftgate.large_bodies import LARGE, STEP, Body, contains, grown
from liftgate.large_json import checked, tokens

FILE_KEYS = frozenset({"fileUri", "file_uri"})
MIME_KEYS = frozenset({"mimeType", "mime_type"})
REFUSED = {
    "cachedContent": "cached contents",
    "cached_content": "cached contents",
    "fileSearch": "file search stores",
    "file_search": "file search stores",
    "fileSearchStoreNames": "file search stores",
    "file_search_store_names": "file search stores",
}
"""What Gemini keeps by name: it needs an owner and one account first (docs/architecture.md, "Decisions")."""

FREE = frozenset(
    {
        *("args", "response", "partMetadata", "part_metadata", "parameters"),
        *("parametersJsonSchema", "parameters_json_schema", "responseSchema", "response_schema"),
        *("responseJsonSchema", "response_json_schema", "_responseJsonSchema"),
    }
)
LONGEST_NAME = 64 * 1024
MOST_STEPS = 16
"""Of a path: Gemini's own have nine at most."""
LONGEST_STEP = 64

MODEL_PATHS = frozenset(
    {("model",), ("generateContentRequest", "model"), ("generate_content_request", "model"), ("requests", "model")}
)

_WORDS = (b"ile_uri", b"ileUri", b"ached", b"ileSearch", b"ile_search", b"model")
_ODD_ESCAPE = re.compile(rb'\\[^"\\/bfnrt]')
"""An escape that can stand for a letter: then a key may not look like itself."""
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[{}\[\],]', re.DOTALL)
"""Possessive: to go back into a string is never right, and to be able to costs 160 bytes for each of its escapes."""
_NOTHING = re.compile(rb'\s*:\s*(?:null|""|\[\s*\])')

# Only whether it is JSON matters here, so a number that no float can hold is Google's to judge.
_decode = msgspec.json.Decoder(float_hook=len).decode


@dataclass(frozen=True, slots=True)
class Named:
    """A string of the body: `text`, at [start, stop) with its quotes."""

    start: int
    stop: int
    text: str


@dataclass(frozen=True, slots=True)
class NamedFile(Named):
    """A file's URI. `path`: its place, which no other file of the body has: `contents[0].parts[1].fileData.fileUri`.
    `mime_type`: the type beside it."""

    path: str
    mime_type: Named | None


@dataclass(frozen=True, slots=True)
class GeminiBody:
    """`refused`: the first key that names what cannot pass."""

    raw: Body
    files: Sequence[NamedFile] = ()
    models: Sequence[Named] = ()
    refused: str | None = None

    def with_names(self, names: Mapping[int, str]) -> Body:
        """The body with other strings at the `start` of some; the same bytes where nothing changes."""
        if not names:
            return self.raw
        pieces: list[Body | memoryview] = []
        at, large = 0, len(self.raw) > LARGE
        raw = memoryview(self.raw) if large else self.raw
        types = (each.mime_type for each in self.files if each.mime_type is not None)
        # A type that stands beside two URIs is one string.
        places = {each.start: each for each in (*self.files, *self.models, *types)}
        for _, named in sorted(places.items()):
            if named.start in names:
                pieces += [raw[at : named.start], json.dumps(names[named.start]).encode()]
                at = named.stop
        pieces.append(raw[at:])
        return grown(pieces) if large else b"".join(pieces)


def read_body(body: Body) -> GeminiBody:
    """Raises InvalidRequest for a body that may name something and is no JSON object."""
    large = len(body) > LARGE
    if large:
        odd = any(_ODD_ESCAPE.search(body, at, at + STEP + 1) for at in range(0, len(body), STEP))
        if not odd and not any(contains(body, word) for word in _WORDS):
            return GeminiBody(body)
    elif not any(word in body for word in _WORDS) and not _ODD_ESCAPE.search(body):
        return GeminiBody(body)
    try:
        value = checked(body, _decode) if large else _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidRequest(f"Invalid JSON payload received. {error}") from None
    if not isinstance(value, dict):
        raise InvalidRequest("Invalid JSON payload received. Expected an object.")
    return _Scan(body).result()


@dataclass(slots=True)
class _Frame:
    """An object or array that is open. `path`: the first keys that lead to it, as many as `MODEL_PATHS` tell apart.
    `index`: of the element that an array is at."""

    path: tuple[str, ...]
    is_object: bool
    free: bool
    key: str | None = None
    index: int = 0
    mime_type: Named | None = None
    files: list[tuple[Named, str]] = field(default_factory=list)

    def step(self) -> str:
        """What leads from here into the value that is being read."""
        if not self.is_object:
            return f"[{self.index}]"
        key = self.key or ""
        return f".{key}" if len(key) <= LONGEST_STEP else f".{key[:LONGEST_STEP]}…"


class _Scan:
    """One pass over the tokens of what is known to be JSON."""

    def __init__(self, body: Body) -> None:
        self._body = body
        self._files: list[NamedFile] = []
        self._paths: set[str] = set()
        self._models: list[Named] = []
        self._refused: str | None = None
        self._frames = [_Frame((), False, False)]

    def result(self) -> GeminiBody:
        found = map(re.Match.span, _TOKEN.finditer(self._body)) if len(self._body) <= LARGE else tokens(self._body)
        for start, stop in found:
            first = self._body[start]
            if first == 0x22:
                self._string(start, stop)
            elif first in b"{[":
                self._open(first == 0x7B)
            elif first in b"}]":
                self._close()
            else:
                self._frames[-1].key = None
                self._frames[-1].index += 1
        return GeminiBody(self._body, self._files, self._models, self._refused)

    def _open(self, is_object: bool) -> None:
        parent = self._frames[-1]
        path = parent.path if parent.key is None or len(parent.path) > 1 else (*parent.path, parent.key)
        self._frames.append(_Frame(path, is_object, parent.free or parent.key in FREE))

    def _close(self) -> None:
        frame = self._frames.pop()
        self._files += [
            NamedFile(named.start, named.stop, named.text, path, frame.mime_type) for named, path in frame.files
        ]

    def _string(self, start: int, stop: int) -> None:
        frame = self._frames[-1]
        if frame.free:
            return
        if frame.is_object and frame.key is None:
            frame.key = self._text(start, stop)
            if frame.key in REFUSED and self._refused is None and not _NOTHING.match(self._body, stop):
                self._refused = frame.key
        elif frame.key in FILE_KEYS:
            frame.files.append((Named(start, stop, self._text(start, stop)), self._path()))
        elif frame.key in MIME_KEYS:
            frame.mime_type = Named(start, stop, self._text(start, stop))
        elif frame.key == "model" and (*frame.path, "model") in MODEL_PATHS:
            self._models.append(Named(start, stop, self._text(start, stop)))

    def _path(self) -> str:
        """Where the value stands that is being read. Keys may be given twice, and a path of no end is cut: then a
        number tells it from the others."""
        frames = self._frames[1:]  # the first holds the body itself
        path = "".join(frame.step() for frame in frames[:MOST_STEPS]).removeprefix(".")
        if path in self._paths or len(frames) > MOST_STEPS:
            path = f"{path}#{len(self._paths)}"
        self._paths.add(path)
        return path

    def _text(self, start: int, stop: int) -> str:
        if stop - start > LONGEST_NAME:
            raise InvalidRequest(
                f"A key of the body, or the name of a file, a type or a model, is longer than {LONGEST_NAME} bytes."
            )
        literal = self._body[start:stop]
        text: str = json.loads(literal) if b"\\" in literal else literal[1:-1].decode()
        return text
