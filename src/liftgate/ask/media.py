"""The files that a request names or brings along: what was read of each, and what it became.

A dialect reads its content parts into `Media`. The engine turns those that need I/O into a `ResolvedFile`, by their
place in the request; what is made of them for Gemini stands in `media_parts`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, TypeAlias

import msgspec

from liftgate.json_types import JsonObject
from liftgate.names import gemini_resource

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


class AnyFile(Mapping[str, ResolvedFile]):
    """Whatever a request names, for a reading of which nothing is sent."""

    def __getitem__(self, param: str) -> ResolvedFile:
        return ResolvedFile(mime_type="text/plain", uri=gemini_resource("any"))

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


class MediaFound(msgspec.Struct, frozen=True):
    """What a request has of files. `needs`: those that need I/O, in the request's order. `budget`: the bytes of data
    that may still be put into the request itself. `read`: the media of content parts by the part's path, so that they
    need not be read again.
    """

    needs: Sequence[Media]
    budget: int
    read: Mapping[str, Media] = {}
