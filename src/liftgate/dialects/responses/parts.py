"""One content part of an input item, read: text, or media with what it refers to.

Both phases read parts with the functions here, so that what phase one announced is what phase two looks up. A part's
`where` is its path, `input[0].content[1]`; a media's `param` is the path of the value that names the file.
"""

from __future__ import annotations

from collections.abc import Callable

from liftgate import media_types
from liftgate.ask import checks
from liftgate.ask.builder import Ask
from liftgate.ask.inline_data import read_data
from liftgate.ask.media import Media, MediaKind
from liftgate.ask.media_parts import (
    TYPE_KEYS,
    WEB,
    explicit_type,
    kind_of,
    media_part,
    naming_key,
    not_a_url,
    read_audio,
    read_detail,
    read_known,
    reference,
    video_metadata,
)
from liftgate.json_types import JsonObject
from liftgate.names import begins_like_a_file, is_file_uri

IGNORED_KEYS = frozenset({"type", "prompt_cache_breakpoint", "cache_control"})
_OPTIONS = frozenset({"detail", "video_metadata", "videoMetadata", *TYPE_KEYS})
_KEYS = {
    "input_text": IGNORED_KEYS | {"text"},
    "input_image": IGNORED_KEYS | _OPTIONS | {"image_url", "file_id"},
    "input_file": IGNORED_KEYS | _OPTIONS | {"file_id", "file_data", "file_url", "filename"},
    "input_video": IGNORED_KEYS | _OPTIONS | {"video_url", "file_id"},
    "input_audio": IGNORED_KEYS | {"input_audio"},
}
TYPES = tuple(_KEYS)


def read_media(part: JsonObject, where: str) -> Media | None:
    """The media of a part, or None for a part that is no media. Raises InvalidRequest for one that cannot be read."""
    kind = part.get("type")
    reader = _READERS.get(kind) if isinstance(kind, str) else None
    return None if reader is None else reader(part, where)


def read_part(ask: Ask, part: object, where: str) -> JsonObject:
    """Gemini's part of a text or of media."""
    found = part if type(part) is dict else checks.mapping(part, where)
    if found.get("type") == "input_text":
        if len(found) == 2 and type(text := found.get("text")) is str:
            return {"text": text}
        return {"text": read_text(ask, found, where)}
    return media_part(ask, media_of(ask, found, where))


def media_of(ask: Ask, part: JsonObject, where: str) -> Media:
    """The media of a part that is no text."""
    media = ask.media.get(where) or read_known(part, where, read_media, TYPES)
    ask.refuse_unknown_keys(part, where, _KEYS[part["type"]])
    return media


def read_text(ask: Ask, part: JsonObject, where: str) -> str:
    ask.refuse_unknown_keys(part, where, _KEYS["input_text"])
    return checks.string(checks.required(part, "text", where), f"{where}.text")


def _one_of(part: JsonObject, where: str, names: tuple[str, ...]) -> tuple[str, str, str]:
    """The one key that refers to the file: it, its path, its text."""
    key = naming_key(part, where, names)
    param = f"{where}.{key}"
    return key, param, reference(part[key], param)


def _file(part: JsonObject, where: str) -> Media:
    key, param, ref = _one_of(part, where, ("file_id", "file_data", "file_url"))
    filename = part.get("filename")
    if filename is not None:
        filename = checks.string(filename, f"{where}.filename")
    mime_type = explicit_type(part, where)
    kind: MediaKind = "inline"
    if key != "file_data":
        kind, ref = ("file_id", ref) if key == "file_id" and is_file_uri(ref) else kind_of(ref, param)
        if key == "file_url" and kind == "file_id" and not _is_address(ref):
            raise not_a_url(param, ref)
    if kind == "inline":
        ref, mime_type = read_data(ref, param, given=mime_type, filename=filename, place_of_urls="'file_url'")
    elif kind == "pass" and mime_type is None and filename:
        mime_type = media_types.from_filename(filename)
    resolution = read_detail(part.get("detail"), f"{where}.detail")
    return Media(param, kind, ref, mime_type, filename, resolution, video_metadata(part, where))


def _linked(key: str) -> Callable[[JsonObject, str], Media]:
    """A reader of `{"type": …, key: "https://… or data:…", "file_id": …}`."""
    medium = key.removesuffix("_url")

    def read(part: JsonObject, where: str) -> Media:
        named, param, ref = _one_of(part, where, (key, "file_id"))
        mime_type = explicit_type(part, where)
        kind: MediaKind
        kind, ref = ("file_id", ref) if named == "file_id" and is_file_uri(ref) else kind_of(ref, param)
        if kind == "inline":
            ref, mime_type = read_data(ref, param, given=mime_type)
        elif named != "file_id" and kind == "file_id" and not _is_address(ref):
            raise not_a_url(param, ref)
        resolution = read_detail(part.get("detail"), f"{where}.detail")
        return Media(param, kind, ref, mime_type, None, resolution, video_metadata(part, where), medium)

    return read


def _is_address(ref: str) -> bool:
    return bool(WEB.match(ref)) or begins_like_a_file(ref)


def _audio(part: JsonObject, where: str) -> Media:
    return read_audio(part, where, place_of_urls="'file_url' of a part of type 'input_file'")


_READERS: dict[str, Callable[[JsonObject, str], Media]] = {
    "input_file": _file,
    "input_image": _linked("image_url"),
    "input_video": _linked("video_url"),
    "input_audio": _audio,
}
