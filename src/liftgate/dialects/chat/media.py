"""The media of a chat request: one content part, read, and which files the whole request needs.

Both phases read parts with the functions here, so that what phase one announced is what phase two looks up. A part's
`where` is its path, `messages[0].content[1]`; a media's `param` is the path of the value that names the file. Finding
them reads only parts that are media, and costs nothing for a conversation of strings.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from liftgate import media_types
from liftgate.ask import checks
from liftgate.ask.inline_data import read_data
from liftgate.ask.media import Media, MediaFound, MediaKind
from liftgate.ask.media_parts import (
    TYPE_KEYS,
    WEB,
    explicit_type,
    kind_of,
    naming_key,
    not_a_url,
    read_audio,
    read_detail,
    reference,
    sort_out,
    video_metadata,
)
from liftgate.json_types import JsonMapping, JsonObject
from liftgate.names import FILE_ID, begins_like_a_file, is_file_uri

IGNORED_KEYS = frozenset({"type", "cache_control", "prompt_cache_breakpoint"})
_MEDIA_KEYS = frozenset({"detail", "video_metadata", "videoMetadata", *TYPE_KEYS})
_FILE_KEYS = _MEDIA_KEYS | {"file_id", "file_data", "file_url", "filename"}
_LINKED_KEYS = _MEDIA_KEYS | {"url"}


def read_media(part: JsonObject, where: str) -> Media | None:
    """The media of a part, or None for a part that is no media. Raises InvalidRequest for one that cannot be read."""
    kind = part.get("type")
    reader = READERS.get(kind) if isinstance(kind, str) else None
    return None if reader is None else reader(part, where)


def _file(part: JsonObject, where: str) -> Media:
    value = part.get("file")
    if type(value) is dict and len(value) == 1 and type(ref := value.get("file_id")) is str and ref.startswith(FILE_ID):
        ref = ref.rstrip()
        # An id alone, as in most parts: no step below finds anything in it.
        return Media(f"{where}.file.file_id", "file_id", ref)
    value = checks.required(part, "file", where)
    where = f"{where}.file"
    file = checks.mapping(value, where)
    _refuse_unknown_keys(file, where, _FILE_KEYS)
    key = naming_key(file, where, ("file_id", "file_data", "file_url"))
    filename = file.get("filename")
    if filename is not None:
        filename = checks.string(filename, f"{where}.filename")
    param = f"{where}.{key}"
    ref = reference(file[key], param)
    mime_type = explicit_type(file, where)
    kind: MediaKind = "inline"
    if key != "file_data":
        kind, ref = ("file_id", ref) if key == "file_id" and is_file_uri(ref) else kind_of(ref, param)
    if kind == "inline":
        ref, mime_type = read_data(ref, param, given=mime_type, filename=filename, place_of_urls="'file_url'")
    elif kind == "pass" and mime_type is None and filename:
        mime_type = media_types.from_filename(filename)
    elif key == "file_url" and kind == "file_id" and not WEB.match(ref):
        raise not_a_url(param, ref)
    resolution = read_detail(file.get("detail"), f"{where}.detail")
    return Media(param, kind, ref, mime_type, filename, resolution, video_metadata(file, where))


def _linked(name: str) -> Callable[[JsonObject, str], Media]:
    """A reader of `{"type": name, name: {"url": …}}`; a bare string in the object's place is taken as the URL."""

    def read(part: JsonObject, where: str) -> Media:
        value = checks.required(part, name, where)
        where = f"{where}.{name}"
        linked = {"url": value} if isinstance(value, str) else checks.mapping(value, where)
        _refuse_unknown_keys(linked, where, _LINKED_KEYS)
        param = f"{where}.url"
        ref = reference(checks.required(linked, "url", where), param)
        (kind, ref), mime_type = kind_of(ref, param), explicit_type(linked, where)
        if kind == "inline":
            ref, mime_type = read_data(ref, param, given=mime_type)
        elif kind == "file_id" and not (WEB.match(ref) or begins_like_a_file(ref)):
            raise not_a_url(param, ref)
        medium = name.removesuffix("_url")
        resolution = read_detail(linked.get("detail"), f"{where}.detail")
        return Media(param, kind, ref, mime_type, None, resolution, video_metadata(linked, where), medium)

    return read


def _audio(part: JsonObject, where: str) -> Media:
    return read_audio(part, where, place_of_urls="a part of type 'audio_url'")


READERS: dict[str, Callable[[JsonObject, str], Media]] = {
    "file": _file,
    "image_url": _linked("image_url"),
    "video_url": _linked("video_url"),
    "audio_url": _linked("audio_url"),
    "input_audio": _audio,
}


def _refuse_unknown_keys(owner: JsonObject, where: str, known: Collection[str]) -> None:
    for key, value in owner.items():
        if key not in known and value is not None:
            raise checks.unknown(f"{where}.{key}")


def find_media(request: JsonMapping, *, inline_limit: int) -> MediaFound:
    """The files of a request. Raises InvalidRequest for a media part that cannot be read; anything else that is wrong
    with the request is left to its reading."""
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
    return sort_out(read, earlier, inline_limit=inline_limit)


def _earlier_images(images: object, where: str) -> Iterator[Media]:
    """Images of earlier answers, as `assistant` reads them, which also says what is wrong with them."""
    for place, image in enumerate(images if type(images) is list else ()):
        linked = image.get("image_url") if type(image) is dict else None
        url = linked.get("url") if type(linked) is dict else None
        if type(url) is str and url[:5].lower() == "data:":
            media = read_media({"type": "image_url", "image_url": linked}, f"{where}[{place}]")
            if media is not None:
                yield media
