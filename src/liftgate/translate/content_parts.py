"""One content part of a chat message, read: text, or media with what it refers to.

Both phases read parts with the functions here, so that what phase one announced is what phase two looks up. A part's
`where` is its path, `messages[0].content[1]`; a media's `param` is the path of the value that names the file.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Collection
from typing import Any, Literal

import msgspec

from liftgate import media_types
from liftgate.errors import InvalidRequest, MissingParameter
from liftgate.translate import checks

Found = Literal["file_id", "inline", "url", "pass"]

WEB = re.compile(r"https?://", re.IGNORECASE)
"""Schemes and hosts have no case (RFC 3986, 6.2.2.1)."""
GOOGLE_FILE = re.compile(r"(?i:https://generativelanguage\.googleapis\.com)/(?:v\w+/)?files/[^/?#]+\Z")
OUR_FILE = re.compile(r"(?i:https?)://[^/?#]+/v1(?:beta)?/files/[^/?#]+\Z")
"""A native URI under any host's name: the gateway's own doors give such."""
YOUTUBE = re.compile(r"(?i:https://(?:(?:www|m)\.)?youtube\.com)/(?:watch\?|shorts/|live/)|(?i:https://youtu\.be)/")
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_="
_SNIFFED = 4096
"""Characters of base64 that are looked at to tell what the data is."""
_DATA_URL_HEAD = 1024
"""Characters of a data URL before its comma, at most."""

DETAIL = {
    "auto": None,
    "low": "LOW",
    "medium": "MEDIUM",
    "high": "HIGH",
    "original": "ULTRA_HIGH",
    "ultra_high": "ULTRA_HIGH",
}
AUDIO_FORMATS = {"pcm16": "audio/l16", "pcm": "audio/l16", "mp3": "audio/mpeg"}

IGNORED_KEYS = frozenset({"type", "cache_control", "prompt_cache_breakpoint"})
_OVERRIDES = ("format", "mime_type", "content_type")
_MEDIA_KEYS = frozenset({"detail", "video_metadata", *_OVERRIDES})
_FILE_KEYS = _MEDIA_KEYS | {"file_id", "file_data", "file_url", "filename"}
_LINKED_KEYS = _MEDIA_KEYS | {"url"}


class Media(msgspec.Struct, frozen=True):
    """A part's file: how it was named (`kind`), the name or base64 text (`ref`), and what the part says of it.

    `pass` is a URI that Gemini reads by itself. `mime_type` is the caller's word, else the filename's, else None.
    """

    param: str
    kind: Found
    ref: str
    mime_type: str | None = None
    filename: str | None = None
    resolution: str | None = None
    video: dict[str, Any] | None = None

    def __repr__(self) -> str:
        return f"Media({self.param!r}, {self.kind!r})"

    @property
    def inline_bytes(self) -> int:
        """The size of inline data in bytes, from the length of its text."""
        return len(self.ref) * 3 // 4


def read_media(part: dict[str, Any], where: str) -> Media | None:
    """The media of a part, or None for a part that is no media. Raises InvalidRequest for one that cannot be read."""
    kind = part.get("type")
    reader = READERS.get(kind) if isinstance(kind, str) else None
    return None if reader is None else reader(part, where)


def _file(part: dict[str, Any], where: str) -> Media:
    value = checks.required(part, "file", where)
    where = f"{where}.file"
    file = checks.mapping(value, where)
    _only(file, where, _FILE_KEYS)
    named = [key for key in ("file_id", "file_data", "file_url") if file.get(key) is not None]
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
    mime_type = _declared(file, where) or (media_types.from_filename(filename) if filename else None)
    kind: Found = "inline"
    if named[0] != "file_data":
        kind = "file_id" if named[0] == "file_id" and OUR_FILE.match(ref) else _kind(ref)
    if kind == "inline":
        ref, mime_type = _inline(ref, param, mime_type)
    elif named[0] == "file_url" and kind == "file_id" and not WEB.match(ref):
        raise _not_a_url(param, ref)
    return Media(param, kind, ref, mime_type, filename, _resolution(file, where), _video(file, where))


def _linked(name: str) -> Callable[[dict[str, Any], str], Media]:
    """A reader of `{"type": name, name: {"url": …}}`; a bare string in the object's place is taken as the URL."""

    def read(part: dict[str, Any], where: str) -> Media:
        value = checks.required(part, name, where)
        where = f"{where}.{name}"
        linked = {"url": value} if isinstance(value, str) else checks.mapping(value, where)
        _only(linked, where, _LINKED_KEYS)
        param = f"{where}.url"
        ref = checks.string(checks.required(linked, "url", where), param, empty=False)
        kind, mime_type = _kind(ref), _declared(linked, where)
        if kind == "inline":
            ref, mime_type = _inline(ref, param, mime_type)
        elif kind == "file_id" and not (WEB.match(ref) or ref.startswith(("file-", "files/"))):
            raise _not_a_url(param, ref)
        return Media(param, kind, ref, mime_type, None, _resolution(linked, where), _video(linked, where))

    return read


def _audio(part: dict[str, Any], where: str) -> Media:
    where_audio = f"{where}.input_audio"
    audio = checks.mapping(checks.required(part, "input_audio", where), where_audio)
    _only(audio, where_audio, {"data", "format"})
    param = f"{where_audio}.data"
    data = checks.string(checks.required(audio, "data", where_audio), param, empty=False)
    declared = audio.get("format")
    mime_type = None
    if declared is not None:
        declared = checks.string(declared, f"{where_audio}.format", empty=False).lower()
        named = AUDIO_FORMATS.get(declared, declared if "/" in declared else f"audio/{declared}")
        mime_type = media_types.normalise(named)
        if not mime_type:
            raise checks.invalid_value(f"{where_audio}.format", declared, ("wav", "mp3", "flac", "ogg", "aac", "m4a"))
    ref, mime_type = _inline(data, param, mime_type)
    return Media(param, "inline", ref, mime_type)


READERS: dict[str, Callable[[dict[str, Any], str], Media]] = {
    "file": _file,
    "image_url": _linked("image_url"),
    "video_url": _linked("video_url"),
    "audio_url": _linked("audio_url"),
    "input_audio": _audio,
}


def _kind(ref: str) -> Found:
    if ref.startswith("file-"):
        return "file_id"
    if ref[:5].lower() == "data:":
        return "inline"
    if ref[:5].lower() == "gs://" or YOUTUBE.match(ref):
        return "pass"
    if WEB.match(ref):
        return "file_id" if GOOGLE_FILE.match(ref) else "url"
    return "file_id"


def _not_a_url(param: str, ref: str) -> InvalidRequest:
    return InvalidRequest(
        f"Invalid '{param}'. Expected a valid URL or a data URL, but got {checks.shown(ref)}.",
        param=param,
        code="invalid_value",
    )


def _declared(owner: dict[str, Any], where: str) -> str | None:
    if len(owner) == 1:
        return None  # its name alone, as most parts are
    for key in _OVERRIDES:
        if (value := owner.get(key)) is not None:
            param = f"{where}.{key}"
            mime_type = media_types.normalise(checks.string(value, param, empty=False))
            if not mime_type:
                raise InvalidRequest(
                    f"Invalid '{param}'. Expected a MIME type such as 'audio/wav', but got {checks.shown(value)}.",
                    param=param,
                    code="invalid_value",
                )
            return None if mime_type == media_types.OCTET_STREAM else mime_type
    return None


def _inline(text: str, param: str, mime_type: str | None) -> tuple[str, str | None]:
    """A data URL or bare base64 → (base64, MIME type). The caller's MIME type wins over the URL's.

    Only the beginning is looked at: the data may be large, and who decodes it sees the rest.
    """
    if text[:5].lower() == "data:":
        comma = text.find(",", 0, _DATA_URL_HEAD)
        declared, _, parameters = text[5 : max(comma, 0)].partition(";")
        if comma < 0 or "base64" not in parameters.lower():
            raise _bad_data(param, "Expected a base64-encoded data URL, such as 'data:audio/wav;base64,UklGR…'.")
        text = text[comma + 1 :]
        mime_type = mime_type or media_types.normalise(declared) or None
    beginning = "".join(text[:_SNIFFED].split())
    if not beginning:
        raise _bad_data(param, "It is empty.")
    if beginning.encode("utf-8", "replace").translate(None, _BASE64):
        raise _bad_data(param, "It is not base64.")
    if mime_type in (None, media_types.OCTET_STREAM):
        mime_type = media_types.sniff(binascii.a2b_base64(_whole_groups(beginning))) or mime_type
    return text, mime_type


def _whole_groups(text: str) -> bytes:
    plain = text.rstrip("=").replace("-", "+").replace("_", "/").replace("=", "A").encode()
    return plain[: len(plain) & ~3]


def checked_base64(media: Media) -> str:
    """The whole of inline data as one line of base64, either alphabet. Raises InvalidRequest for anything else."""
    text = media.ref
    junk = text.encode("utf-8", "replace").translate(None, _BASE64)
    if junk:
        text = "".join(text.split())
    padding = text.find("=")
    padded = 0 if padding < 0 else len(text) - padding
    wrong_length = (len(text) - padded) % 4 == 1 or (padded and len(text) % 4) or len(text) == padded
    if junk.strip() or padded > 2 or text.count("=") != padded or wrong_length:
        raise _bad_data(media.param, "It is not base64.")
    return text


def _bad_data(param: str, why: str) -> InvalidRequest:
    return InvalidRequest(f"Invalid '{param}'. {why}", param=param, code="invalid_value")


def _resolution(owner: dict[str, Any], where: str) -> str | None:
    detail = owner.get("detail")
    return None if detail is None else DETAIL[checks.choice(detail, f"{where}.detail", DETAIL)]


def _video(owner: dict[str, Any], where: str) -> dict[str, Any] | None:
    """`video_metadata` {fps, start_offset, end_offset} → Gemini's videoMetadata; offsets as "2s" or seconds."""
    value = owner.get("video_metadata")
    if value is None:
        return None
    where = f"{where}.video_metadata"
    found: dict[str, Any] = {}
    for key, each in checks.mapping(value, where).items():
        param = f"{where}.{key}"
        match key:
            case _ if each is None:
                continue
            case "fps":
                found["fps"] = checks.number(each, param, 0.0, 24.0)
            case "start_offset" | "startOffset":
                found["startOffset"] = _duration(each, param)
            case "end_offset" | "endOffset":
                found["endOffset"] = _duration(each, param)
            case _:
                raise checks.unknown(param)
    return found or None


def _duration(value: object, param: str) -> str:
    if isinstance(value, str):
        if not re.fullmatch(r"\d{1,9}(\.\d{1,9})?s", value):
            raise InvalidRequest(
                f"Invalid '{param}': expected seconds such as '2.5s', but got {checks.shown(value)}.",
                param=param,
                code="invalid_value",
            )
        return value
    return f"{checks.number(value, param, 0, 10**9):g}s"


def _only(owner: dict[str, Any], where: str, known: Collection[str]) -> None:
    for key in owner:
        if key not in known:
            raise checks.unknown(f"{where}.{key}")
