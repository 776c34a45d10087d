"""Grounding and citation metadata → what an answer cites, with offsets in characters of its content.

Gemini counts UTF-8 bytes, leaves a start of 0 out, and counts from the start of a part whose number it does not
reliably say (docs/protocol/gemini.md, "Answers"). A segment carries its own text, so each offset is checked against
that and mended by it.
"""

from __future__ import annotations

from itertools import accumulate, pairwise

import msgspec

from liftgate import gemini_json as upstream
from liftgate.json_types import JsonObject

_STEP = 1024
"""Bytes of the content between two places whose offsets in characters are known."""
_CONTINUATION = bytes(range(0x80, 0xC0))
"""The bytes of UTF-8 that begin no character."""
_SEARCHES = 64
"""Segments that are looked for in the whole content, at most: Gemini's offsets are right for nearly all."""


class Citation(msgspec.Struct, frozen=True):
    """`start`, `end`: characters of the content. `title`: the URL where the source has none."""

    start: int
    end: int
    url: str
    title: str


def read_citations(
    content: str, part_starts: list[int], grounding: JsonObject | None, citations: JsonObject | None, place: str
) -> list[Citation]:
    """`part_starts`: where each part's text begins in `content`, in characters, by Gemini's part number. Raises
    UpstreamProtocolError."""
    found: list[Citation] = []
    text = _Text(content, part_starts)
    if grounding:
        at = f"{place}.groundingMetadata"
        chunks = upstream.mappings(grounding, "groundingChunks", at)
        for support in upstream.mappings(grounding, "groundingSupports", at):
            start, end = text.segment(upstream.mapping(support, "segment", f"{at}.groundingSupports[]") or {}, at)
            for number in upstream.counts(support, "groundingChunkIndices", f"{at}.groundingSupports[]"):
                if number < len(chunks) and (source := _source(chunks[number], f"{at}.groundingChunks[{number}]")):
                    found.append(Citation(start, end, *source))
    if citations:
        at = f"{place}.citationMetadata"
        for each in (
            *upstream.mappings(citations, "citationSources", at),
            *upstream.mappings(citations, "citations", at),
        ):
            if uri := upstream.string(each, "uri", at):
                start, end = text.segment(each, at)
                found.append(Citation(start, end, uri, upstream.string(each, "title", at) or uri))
    return found


def _source(chunk: JsonObject, place: str) -> tuple[str, str] | None:
    """(url, title) of a chunk; None for a source without an address (a document of a file search)."""
    for kind, address in (("web", "uri"), ("maps", "uri"), ("retrievedContext", "uri"), ("image", "sourceUri")):
        source = upstream.mapping(chunk, kind, place)
        if source is not None and (url := upstream.string(source, address, f"{place}.{kind}")):
            return url, upstream.string(source, "title", f"{place}.{kind}") or url
    return None


class _Text:
    """The content, its bytes, and where its parts begin."""

    def __init__(self, content: str, part_starts: list[int]) -> None:
        self._content = content
        self._bytes = content.encode("utf-8", "replace")
        self._part_starts = part_starts
        self._searches = _SEARCHES
        self._known: list[int] = []
        self._part_bytes: list[int] = []

    def segment(self, segment: JsonObject, place: str) -> tuple[int, int]:
        start = upstream.count(segment, "startIndex", place)
        end = max(start, upstream.count(segment, "endIndex", place))
        cited = upstream.string(segment, "text", place)
        whole = self._characters(0, start, end)
        if cited is None or self._is_at(whole, cited):
            return whole
        number = upstream.count(segment, "partIndex", place)
        if number < len(self._part_starts):
            within = self._characters(self._part_start(number), start, end)
            if self._is_at(within, cited):
                return within
        if not cited or not self._searches:
            return whole
        self._searches -= 1
        at = self._content.find(cited)
        return (at, at + len(cited)) if at >= 0 else whole

    def _is_at(self, span: tuple[int, int], cited: str) -> bool:
        return span[1] - span[0] == len(cited) and self._content.startswith(cited, span[0])

    def _characters(self, before: int, start: int, end: int) -> tuple[int, int]:
        """Byte offsets behind `before` bytes → characters, kept within the content."""
        first = self._character_of(before + start)
        return first, max(first, self._character_of(before + end))

    def _character_of(self, offset: int) -> int:
        """Characters that are whole before so many bytes."""
        offset = min(offset, len(self._bytes))
        if len(self._bytes) == len(self._content):
            return offset
        step = offset // _STEP
        begun = self._begun()[step] + len(self._bytes[step * _STEP : offset].translate(None, _CONTINUATION))
        cut = offset < len(self._bytes) and self._bytes[offset] in _CONTINUATION
        return begun - 1 if cut else begun

    def _begun(self) -> list[int]:
        """Characters that begin before each `_STEP` bytes."""
        if not self._known:
            steps = range(0, len(self._bytes), _STEP)
            counts = (len(self._bytes[at : at + _STEP].translate(None, _CONTINUATION)) for at in steps)
            self._known = [0, *accumulate(counts)]
        return self._known

    def _part_start(self, number: int) -> int:
        """Bytes of the content before a part."""
        if not self._part_bytes:
            spans = pairwise((0, *self._part_starts))
            self._part_bytes = list(accumulate(len(self._content[a:b].encode("utf-8", "replace")) for a, b in spans))
        return self._part_bytes[number]
