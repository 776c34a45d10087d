"""The media of a request, before it is read as a whole: which files it needs, by the sources of its blocks.

Images and documents may stand in a message, in a tool's result, and in a document that is made of blocks. Both phases
read a source with the function here, so that what phase one announced is what phase two looks up.
"""

from __future__ import annotations

from liftgate.ask import checks
from liftgate.ask.inline_data import read_data
from liftgate.ask.media import Media, MediaFound, MediaKind
from liftgate.ask.media_parts import kind_of, not_a_url, reference, sort_out
from liftgate.errors import InvalidRequest
from liftgate.json_types import JsonMapping, JsonObject
from liftgate.names import begins_like_a_file, is_file_url

MEDIA = ("image", "document")
_SOURCES = {
    "image": ("base64", "url", "file"),
    "document": ("base64", "url", "file", "text", "content"),
}
_DEEPEST = 4
"""Levels of blocks within blocks."""


def find_media(request: JsonMapping, *, inline_limit: int) -> MediaFound:
    """The files of a request. Raises InvalidRequest for a source that cannot be read; anything else that is wrong with
    the request is left to its reading."""
    messages = request.get("messages")
    read: dict[str, Media] = {}
    for index, message in enumerate(messages if type(messages) is list else ()):
        if type(message) is dict and type(content := message.get("content")) is list:
            _in_blocks(content, f"messages[{index}].content", read, _DEEPEST)
    if not read:
        return MediaFound((), inline_limit)
    return sort_out(read, (), inline_limit=inline_limit)


def _in_blocks(content: list[object], where: str, read: dict[str, Media], levels: int) -> None:
    for place, block in enumerate(content):
        kind = block.get("type") if type(block) is dict else None
        if type(block) is not dict or kind == "text" or levels == 0:
            continue
        at = f"{where}[{place}]"
        if kind in MEDIA:
            if (media := read_source(block, at)) is not None:
                read[at] = media
            elif type(inner := block["source"].get("content")) is list:
                _in_blocks(inner, f"{at}.source.content", read, levels - 1)
        elif kind == "tool_result" and type(inner := block.get("content")) is list:
            _in_blocks(inner, f"{at}.content", read, levels - 1)
        elif kind == "container_upload" and type(block.get("file_id")) is str:
            read[at] = uploaded(block, at)


def read_source(block: JsonObject, where: str) -> Media | None:
    """The file of an image or a document; None where its source is a text or blocks. Raises InvalidRequest."""
    at = f"{where}.source"
    source = checks.mapping(checks.required(block, "source", where), at)
    if source.get("type") == "file" and type(file_id := source.get("file_id")) is str and file_id:
        file_id = file_id.strip()
        return Media(f"{at}.file_id", "file_id", file_id, medium="image" if block["type"] == "image" else None)
    kind = checks.choice(checks.required(source, "type", at), f"{at}.type", _SOURCES[block["type"]])
    medium = "image" if block["type"] == "image" else None
    if kind == "base64":
        declared = checks.string(checks.required(source, "media_type", at), f"{at}.media_type", empty=False)
        data = checks.string(checks.required(source, "data", at), f"{at}.data", empty=False)
        place = "the 'url' of a source of type 'url'"
        ref, mime_type = read_data(data, f"{at}.data", declared=declared, place_of_urls=place)
        return Media(f"{at}.data", "inline", ref, mime_type, medium=medium)
    if kind == "file":
        return Media(f"{at}.file_id", "file_id", _file_id(source, at), medium=medium)
    if kind == "url":
        return _linked(source, at, medium)
    return None


def uploaded(block: JsonObject, where: str) -> Media:
    return Media(f"{where}.file_id", "file_id", _file_id(block, where))


def _file_id(owner: JsonObject, where: str) -> str:
    return reference(checks.required(owner, "file_id", where), f"{where}.file_id")


def _linked(source: JsonObject, at: str, medium: str | None) -> Media:
    param = f"{at}.url"
    url = reference(checks.required(source, "url", at), param)
    if url[:5].lower() == "data:":
        ref, mime_type = read_data(url, param)
        return Media(param, "inline", ref, mime_type, medium=medium)
    kind: MediaKind
    kind, ref = ("file_id", url) if is_file_url(url) else kind_of(url, param)
    if kind == "file_id" and not is_file_url(url):
        if begins_like_a_file(url):
            raise InvalidRequest(
                f"Invalid '{param}'. It is the id of a file: give it as {{'type': 'file', 'file_id': …}}.",
                param=param,
                code="invalid_value",
            )
        raise not_a_url(param, url)
    return Media(param, kind, ref, medium=medium)
