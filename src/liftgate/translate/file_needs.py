"""Phase one: which parts of a chat request need I/O before it can be translated.

It reads only parts that are media and costs nothing for a conversation of strings. The engine turns each need into a
`ResolvedFile` and hands them to `chat_request.translate_chat`, keyed by `FileNeed.param`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from liftgate.translate.content_parts import Media, read_media


@dataclass(frozen=True, slots=True)
class FileNeed:
    """One part that needs I/O. Compared and hashed by its place in the request, never by its content.

    `ref`: a file's id, Gemini name or URI (`file_id`), a URL to fetch (`url`), or base64 of either alphabet, maybe with
    line breaks (`inline`; `inline_data` decodes it). `mime_type`: what the part declares, normalised, else what its
    filename says, else None: look it up.
    """

    param: str
    kind: Literal["file_id", "inline", "url"] = field(compare=False)
    ref: str = field(compare=False, repr=False)
    mime_type: str | None = field(default=None, compare=False)
    filename: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class ResolvedFile:
    """What became of a need: a URI that Gemini takes, or base64 data. Exactly one of the two."""

    mime_type: str
    uri: str | None = None
    data: str | None = field(default=None, repr=False)


class MediaFound(msgspec.Struct, frozen=True):
    """What phase one found: the needs in the request's order, and `room`, the bytes of data that may still be put into
    the request itself."""

    needs: Sequence[FileNeed]
    room: int


def file_needs(request: Mapping[str, Any], *, inline_limit: int) -> list[FileNeed]:
    """The needs of `find_media`."""
    return list(find_media(request, inline_limit=inline_limit).needs)


def find_media(request: Mapping[str, Any], *, inline_limit: int) -> MediaFound:
    """Every file id, every URL that Gemini does not fetch by itself, and so much inline data, the largest first, that
    what stays in the request has at most `inline_limit` bytes: Google limits a request, not a part.

    Raises InvalidRequest for a media part that cannot be read; anything else that is wrong with the request is left
    for phase two to say.
    """
    messages = request.get("messages")
    if type(messages) is not list:
        return MediaFound((), inline_limit)
    found: list[Media] = []
    earlier: list[Media] = []
    for index, message in enumerate(messages):
        if type(message) is not dict:
            continue
        content = message.get("content")
        if type(content) is list:
            for place, part in enumerate(content):
                if type(part) is dict and part.get("type") != "text":
                    media = read_media(part, f"messages[{index}].content[{place}]")
                    if media is not None and media.kind != "pass":
                        found.append(media)
        if "images" in message:
            earlier += _earlier_images(message["images"], f"messages[{index}].images")
    if not found and not earlier:
        return MediaFound((), inline_limit)
    return _apportioned(found, earlier, inline_limit)


def _earlier_images(images: object, where: str) -> Iterator[Media]:
    """Images of earlier answers, as `assistant` reads them; what is wrong with them it says."""
    for place, image in enumerate(images if type(images) is list else ()):
        linked = image.get("image_url") if type(image) is dict else None
        url = linked.get("url") if type(linked) is dict else None
        if type(url) is str and url[:5].lower() == "data:":
            media = read_media({"type": "image_url", "image_url": linked}, f"{where}[{place}]")
            if media is not None:
                yield media


def _apportioned(found: list[Media], earlier: list[Media], inline_limit: int) -> MediaFound:
    """Who stays. Images of earlier answers go last, because Gemini knows them as data, with their signatures."""
    inline = [media for media in (*found, *earlier) if media.kind == "inline"]
    size = sum(media.inline_bytes for media in inline)
    leaving: set[str] = set()
    if size > inline_limit:
        order = [media for group in (found, earlier) for media in sorted(group, key=_largest_first)]
        for media in order:
            if media.kind == "inline" and size > inline_limit:
                leaving.add(media.param)
                size -= media.inline_bytes
    needs = [_need(media) for media in (*found, *earlier) if media.kind != "inline" or media.param in leaving]
    return MediaFound(needs, inline_limit - size)


def _largest_first(media: Media) -> int:
    return -media.inline_bytes


def _need(media: Media) -> FileNeed:
    assert media.kind != "pass", "what Gemini reads by itself needs nothing"
    return FileNeed(media.param, media.kind, media.ref, media.mime_type, media.filename)
