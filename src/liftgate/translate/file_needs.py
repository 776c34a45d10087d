"""Phase one: which parts of a chat request need I/O before it can be translated.

It reads only parts that are media and costs nothing for a conversation of strings. The engine turns each need into a
`ResolvedFile` and hands them to `chat_request.translate_chat`, keyed by `FileNeed.param`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from liftgate.translate.content_parts import Media, read_media


@dataclass(frozen=True, slots=True)
class FileNeed:
    """One part that needs I/O. Compared and hashed by its place in the request, never by its content.

    `ref`: a file's id, Gemini name or URI (`file_id`), a URL to fetch (`url`), or base64 of either alphabet, without
    line breaks (`inline`). `mime_type`: what the part declares, normalised, else what its filename says, else None:
    look it up.
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


def file_needs(request: Mapping[str, Any], *, inline_limit: int) -> list[FileNeed]:
    """Every file id, inline data of more than `inline_limit` bytes, and URLs that Gemini does not fetch by itself.

    Raises InvalidRequest for a media part that cannot be read; anything else that is wrong with the request is left
    for phase two to say.
    """
    messages = request.get("messages")
    if type(messages) is not list:
        return []
    needs: list[FileNeed] = []
    for index, message in enumerate(messages):
        if type(message) is not dict:
            continue
        content = message.get("content")
        if type(content) is not list:
            continue
        for place, part in enumerate(content):
            if type(part) is dict and part.get("type") != "text":
                media = read_media(part, f"messages[{index}].content[{place}]")
                if media is not None and (need := _need(media, inline_limit)):
                    needs.append(need)
    return needs


def _need(media: Media, inline_limit: int) -> FileNeed | None:
    if media.kind == "pass" or (media.kind == "inline" and media.inline_bytes <= inline_limit):
        return None
    ref = media.ref
    if media.kind == "inline" and any(space in ref for space in "\n\r \t"):
        ref = "".join(ref.split())
    return FileNeed(media.param, media.kind, ref, media.mime_type, media.filename)
