"""Phase one: which parts of a chat request need I/O before it can be translated.

It reads only parts that are media and costs nothing for a conversation of strings. The engine turns each need into a
`ResolvedFile` and hands them to `chat_request.translate_chat`, keyed by `FileNeed.param`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec

from liftgate.dialects.chat.content_parts import Media, read_media


class FileNeed(msgspec.Struct, frozen=True, eq=False):
    """One part that needs I/O. `param` is its place in the request, which no other need has.

    `ref`: a file's id, Gemini name or URI (`file_id`), a URL to fetch (`url`), or base64 of either alphabet, maybe with
    line breaks (`inline`; `inline_data` decodes it). `mime_type`: of inline data its type; else what the caller says
    explicitly, or None: look it up. `medium`: `image`, `video` or `audio` where the part is of one.
    """

    param: str
    kind: Literal["file_id", "inline", "url"]
    ref: str
    mime_type: str | None = None
    filename: str | None = None
    medium: str | None = None

    def __repr__(self) -> str:
        return f"FileNeed({self.param!r}, {self.kind!r})"


class ResolvedFile(msgspec.Struct, frozen=True):
    """What became of a need: a URI that Gemini takes, or base64 data. Exactly one of the two."""

    mime_type: str
    uri: str | None = None
    data: str | None = None

    def __repr__(self) -> str:
        return f"ResolvedFile({self.mime_type!r}, {self.uri!r})"


class MediaFound(msgspec.Struct, frozen=True):
    """What phase one found: the needs in the request's order, and `room`, the bytes of data that may still be put into
    the request itself. `read`: the media parts of `content` by their path, so that phase two need not read them again.
    """

    needs: Sequence[FileNeed]
    room: int
    read: Mapping[str, Media] = {}


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
    read: dict[str, Media] = {}
    earlier: list[Media] = []
    for index, message in enumerate(messages):
        if type(message) is not dict:
            continue
        content = message.get("content")
        if type(content) is list:
            for place, part in enumerate(content):
                if type(part) is dict and part.get("type") != "text":
                    where = f"messages[{index}].content[{place}]"
                    media = read_media(part, where)
                    if media is not None:
                        read[where] = media
        if "images" in message:
            earlier += _earlier_images(message["images"], f"messages[{index}].images")
    if not read and not earlier:
        return MediaFound((), inline_limit)
    found = (*read.values(), *earlier)
    inline = [media for media in found if media.kind == "inline"]
    leaving, room = _leaving(inline, earlier, inline_limit)
    needs = [
        FileNeed(media.param, media.kind, media.ref, media.mime_type, media.filename, media.medium)
        for media in found
        if media.kind != "pass" and (media.kind != "inline" or media.param in leaving)
    ]
    return MediaFound(needs, room, read)


def _earlier_images(images: object, where: str) -> Iterator[Media]:
    """Images of earlier answers, as `assistant` reads them; what is wrong with them it says."""
    for place, image in enumerate(images if type(images) is list else ()):
        linked = image.get("image_url") if type(image) is dict else None
        url = linked.get("url") if type(linked) is dict else None
        if type(url) is str and url[:5].lower() == "data:":
            media = read_media({"type": "image_url", "image_url": linked}, f"{where}[{place}]")
            if media is not None:
                yield media


def _leaving(inline: list[Media], earlier: list[Media], inline_limit: int) -> tuple[set[str], int]:
    """Which inline data must leave the request, and the bytes that are free then. Images of earlier answers go last,
    because Gemini knows them as data, with their signatures.
    """
    size = sum(media.inline_bytes for media in inline)
    leaving: set[str] = set()
    if size > inline_limit:
        last = {media.param for media in earlier}
        for media in sorted(inline, key=lambda media: (media.param in last, -media.inline_bytes)):
            if size > inline_limit:
                leaving.add(media.param)
                size -= media.inline_bytes
    return leaving, inline_limit - size
