"""The files that a request names or brings along: what was read of each, and what it became.

A dialect reads its content parts into `Media`. The engine turns those that need I/O into a `ResolvedFile`, by their
place in the request; what is made of them for Gemini stands in `media_parts`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Literal, TypeAlias

import msgspec

from liftgate.ask import checks
from liftgate.json_types import JsonObject

DETAIL = {
    "auto": None,
    "low": "LOW",
    "medium": "MEDIUM",
    "high": "HIGH",
    "original": "ULTRA_HIGH",
    "ultra_high": "ULTRA_HIGH",
}
"""What OpenAI's APIs say of an image → Gemini's media resolution."""

MediaKind: TypeAlias = Literal["file_id", "inline", "url", "pass"]


class Media(msgspec.Struct, frozen=True, eq=False):
    """One file of a request. `param` is the path of the value that names it, which no other file of the request has.

    `ref`, by `kind`: a file's id, Gemini name or URI (`file_id`), a URL to fetch (`url`), a URI that Gemini reads by
    itself (`pass`), or base64 of either alphabet, maybe with line breaks (`inline`; `inline_data` decodes it).
    `mime_type`: of inline data its type; else what the caller says explicitly, or None: look it up. `medium`: `image`,
    `video` or `audio` where the part is of one. `resolution` and `video` (Gemini's videoMetadata): what the caller says
    beside it.
    """

    param: str
    kind: MediaKind
    ref: str
    mime_type: str | None = None
    filename: str | None = None
    resolution: str | None = None
    video: JsonObject | None = None
    medium: str | None = None

    def __repr__(self) -> str:
        return f"Media({self.param!r}, {self.kind!r})"

    @property
    def inline_bytes(self) -> int:
        """The size of inline data in bytes, from the length of its text."""
        return len(self.ref) * 3 // 4


class ResolvedFile(msgspec.Struct, frozen=True):
    """What became of a file: a URI that Gemini takes, or base64 data. Exactly one of the two."""

    mime_type: str
    uri: str | None = None
    data: str | None = None

    def __repr__(self) -> str:
        return f"ResolvedFile({self.mime_type!r}, {self.uri!r})"


class MediaFound(msgspec.Struct, frozen=True):
    """What a request has of files. `needs`: those that need I/O, in the request's order. `budget`: the bytes of data
    that may still be put into the request itself. `read`: the media of content parts by the part's path, so that they
    need not be read again.
    """

    needs: Sequence[Media]
    budget: int
    read: Mapping[str, Media] = {}


def read_detail(value: object, param: str) -> str | None:
    """`Media.resolution` of a detail; None and "" are `auto`."""
    return None if value is None or value == "" else DETAIL[checks.choice(value, param, DETAIL)]


def sort_out(read: Mapping[str, Media], earlier: Sequence[Media], *, inline_limit: int) -> MediaFound:
    """Which media need I/O: every file id, every URL that Gemini does not fetch by itself, and so much inline data, the
    largest first, that what stays in the request has at most `inline_limit` bytes: Google limits a request, not a part.

    `earlier`: images of earlier answers. They go last, because Gemini knows them as data, with their signatures.
    """
    found = (*read.values(), *earlier)
    inline = [media for media in found if media.kind == "inline"]
    leaving, budget = _leaving(inline, earlier, inline_limit)
    needs = [media for media in found if media.kind != "pass" and (media.kind != "inline" or media.param in leaving)]
    return MediaFound(needs, budget, read)


def _leaving(inline: Sequence[Media], earlier: Sequence[Media], inline_limit: int) -> tuple[Collection[str], int]:
    """Which inline data must leave the request, and the bytes that are free then."""
    size = sum(media.inline_bytes for media in inline)
    leaving: set[str] = set()
    if size > inline_limit:
        last = {media.param for media in earlier}
        for media in sorted(inline, key=lambda media: (media.param in last, -media.inline_bytes)):
            if size > inline_limit:
                leaving.add(media.param)
                size -= media.inline_bytes
    return leaving, inline_limit - size
