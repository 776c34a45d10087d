"""One content part of a chat message, read: text, or media with what it refers to.

Both phases read parts with the functions here, so that what phase one announced is what phase two looks up. A part's
`where` is its path, `messages[0].content[1]`; a media's `param` is the path of the value that names the file.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from liftgate import media_types
from liftgate.ask import checks
from liftgate.ask.inline_data import read_data
from liftgate.ask.media import Media, MediaKind, read_detail
from liftgate.ask.media_options import TYPE_KEYS, explicit_type, read_audio, video_metadata
from liftgate.ask.references import WEB, kind_of, not_a_url
from liftgate.errors import InvalidRequest, MissingParameter
from liftgate.json_types import JsonObject
from liftgate.names import is_file_uri

IGNORED_KEYS = frozenset({"type", "cache_control", "prompt_cache_breakpoint"})
_MEDIA_KEYS = frozenset({"detail", "video_metadata", *TYPE_KEYS})
_FILE_KEYS = _MEDIA_KEYS | {"file_id", "file_data", "file_url", "filename"}
_LINKED_KEYS = _MEDIA_KEYS | {"url"}


def read_media(part: JsonObject, where: str) -> Media | None:
    """The media of a part, or None for a part that is no media. Raises InvalidRequest for one that cannot be read."""
    kind = part.get("type")
    reader = READERS.get(kind) if isinstance(kind, str) else None
    return None if reader is None else reader(part, where)


def _file(part: JsonObject, where: str) -> Media:
    value = checks.required(part, "file", where)
    where = f"{where}.file"
    file = checks.mapping(value, where)
    _refuse_unknown_keys(file, where, _FILE_KEYS)
    given = [key for key in ("file_id", "file_data", "file_url") if file.get(key) is not None]
    # Builders of forms send empty strings for what they have not.
    named = [key for key in given if file[key] != ""] or given[:1]
    if not named:
        raise MissingParameter(f"{where}.file_id")
    if len(named) > 1:
        raise InvalidRequest(
            f"Invalid '{where}': give either {named[0]} or {named[1]}, not both.", param=where, code="invalid_value"
        )
    filename = file.get("filename")
    if filename is not None:
        filename = checks.string(filename, f"{where}.filename")
    param = f"{where}.{named[0]}"
    ref = checks.string(file[named[0]], param, empty=False)
    mime_type = explicit_type(file, where)
    kind: MediaKind = "inline"
    if named[0] != "file_data":
        kind, ref = ("file_id", ref) if named[0] == "file_id" and is_file_uri(ref) else kind_of(ref, param)
    if kind == "inline":
        ref, mime_type = read_data(ref, param, said=mime_type, filename=filename)
    elif kind == "pass" and mime_type is None and filename:
        mime_type = media_types.from_filename(filename)
    elif named[0] == "file_url" and kind == "file_id" and not WEB.match(ref):
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
        ref = checks.string(checks.required(linked, "url", where), param, empty=False)
        (kind, ref), mime_type = kind_of(ref, param), explicit_type(linked, where)
        if kind == "inline":
            ref, mime_type = read_data(ref, param, said=mime_type)
        elif kind == "file_id" and not (WEB.match(ref) or ref.startswith(("file-", "files/"))):
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
