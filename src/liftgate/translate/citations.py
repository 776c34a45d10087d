"""Grounding and citation metadata → `url_citation` annotations, with offsets in characters of the message's content.

Gemini counts UTF-8 bytes, leaves a start of 0 out, and counts from the start of a part whose number it does not
reliably say (GEMINI.md 2.7). A segment carries its own text, so each offset is checked against that and mended by
it.
"""

from __future__ import annotations

from typing import Any

from liftgate.translate import upstream


def url_citations(
    content: str, part_starts: list[int], grounding: dict[str, Any] | None, citations: dict[str, Any] | None, place: str
) -> list[dict[str, Any]]:
    """`part_starts`: where each part's text begins in `content`, in characters, by Gemini's part number."""
    found: list[dict[str, Any]] = []
    text = _Text(content, part_starts)
    if grounding:
        at = f"{place}.groundingMetadata"
        chunks = upstream.mappings(grounding, "groundingChunks", at)
        for support in upstream.mappings(grounding, "groundingSupports", at):
            start, end = text.segment(upstream.mapping(support, "segment", f"{at}.groundingSupports[]") or {}, at)
            for number in upstream.counts(support, "groundingChunkIndices", f"{at}.groundingSupports[]"):
                if number < len(chunks) and (source := _source(chunks[number], f"{at}.groundingChunks[{number}]")):
                    found.append(_citation(start, end, *source))
    if citations:
        at = f"{place}.citationMetadata"
        for each in (
            *upstream.mappings(citations, "citationSources", at),
            *upstream.mappings(citations, "citations", at),
        ):
            if uri := upstream.string(each, "uri", at):
                start, end = text.segment(each, at)
                found.append(_citation(start, end, uri, upstream.string(each, "title", at) or uri))
    return found


def _citation(start: int, end: int, url: str, title: str) -> dict[str, Any]:
    return {
        "type": "url_citation",
        "url_citation": {"start_index": start, "end_index": end, "url": url, "title": title},
    }


def _source(chunk: dict[str, Any], place: str) -> tuple[str, str] | None:
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

    def segment(self, segment: dict[str, Any], place: str) -> tuple[int, int]:
        start = upstream.count(segment, "startIndex", place)
        end = max(start, upstream.count(segment, "endIndex", place))
        said = upstream.string(segment, "text", place)
        whole = self._characters(0, start, end)
        if said is None or self._content[slice(*whole)] == said:
            return whole
        number = upstream.count(segment, "partIndex", place)
        if number < len(self._part_starts):
            before = len(self._content[: self._part_starts[number]].encode("utf-8", "replace"))
            within = self._characters(before, start, end)
            if self._content[slice(*within)] == said:
                return within
        at = self._content.find(said)
        return (at, at + len(said)) if said and at >= 0 else whole

    def _characters(self, before: int, start: int, end: int) -> tuple[int, int]:
        """Byte offsets behind `before` bytes → characters, kept within the content."""
        first = len(self._bytes[: before + start].decode("utf-8", "ignore"))
        return first, max(first, len(self._bytes[: before + end].decode("utf-8", "ignore")))
