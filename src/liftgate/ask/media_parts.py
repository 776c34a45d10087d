"""Media, from a client's words to Gemini's part, in any API: what a reference is, what stands beside it, which of a
request's media need I/O, and what a file that was resolved becomes.

Films at YouTube come out in the spelling that Gemini takes (docs/protocol/gemini.md, "What goes wrong"):
`https://www.youtube.com/watch?v=…`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from urllib.parse import parse_qs, urlsplit

from liftgate import media_types
from liftgate.ask import checks
from liftgate.ask.builder import Ask
from liftgate.ask.inline_data import checked_base64, read_data, text_data
from liftgate.ask.media import Media, MediaFound, MediaKind
from liftgate.errors import FileNotFound, InvalidRequest, MissingParameter
from liftgate.json_types import JsonObject
from liftgate.media_types import bare, is_text
from liftgate.names import LONGEST_URL, begins_like_an_id, is_file_url

DETAIL = {
    "auto": None,
    "low": "LOW",
    "medium": "MEDIUM",
    "high": "HIGH",
    "original": "ULTRA_HIGH",
    "ultra_high": "ULTRA_HIGH",
}
"""What OpenAI's APIs say of an image → Gemini's media resolution."""
TYPE_KEYS = ("format", "mime_type", "content_type")
WEB = re.compile(r"https?://", re.IGNORECASE)
"""Schemes and hosts have no case (RFC 3986, 6.2.2.1)."""
_HOST = re.compile(
    r"https?://(?:[\w-]+\.)*(?:youtube(?:-nocookie|kids)?\.com|youtube\.googleapis\.com|youtu\.be)\.?(?::\d+)?(?:[/?#]|\Z)",
    re.IGNORECASE,
)
_TAKEN = re.compile(
    r"https://(?:(?:(?:www|m)\.)?youtube\.com/(?:watch\?(?:[^#]*&)?v=[\w-]|shorts/[\w-]|live/[\w-])|youtu\.be/[\w-])"
)
_BY_PATH = ("shorts", "live", "embed", "v", "e", "watch")
_ID = re.compile(r"[\w-]{1,64}\Z", re.ASCII)
_ORDER = ("LOW", "MEDIUM", "HIGH")


# ── what a reference is ───────────────────────────────────────────────────────────────────────


def naming_key(part: JsonObject, where: str, names: Sequence[str]) -> str:
    """The one of these keys that refers to the file. Builders of forms send "" for what they have not. Raises
    MissingParameter, which names the first, and InvalidRequest for several."""
    given = [key for key in names if part.get(key) is not None]
    named = [key for key in given if part[key] != ""] or given[:1]
    if not named:
        raise MissingParameter(f"{where}.{names[0]}")
    if len(named) > 1:
        raise InvalidRequest(
            f"Invalid '{where}': give either {named[0]} or {named[1]}, not both.", param=where, code="invalid_value"
        )
    return named[0]


def reference(value: object, param: str) -> str:
    """A file's id, an address or data, without the white space around it: addresses are read so everywhere (WHATWG's
    URL standard, 4.4), and ids come out of files and shells with a line's end. Raises InvalidRequest for what is no
    text, and for an empty one."""
    text = checks.string(value, param, empty=False)
    if text[0].isspace() or (len(text) <= LONGEST_URL and text[-1].isspace()):
        text = checks.string(text.strip(), param, empty=False)
    return text


def kind_of(ref: str, param: str) -> tuple[MediaKind, str]:
    """What a reference is, and the reference as it is used from here on."""
    if begins_like_an_id(ref):
        return "file_id", ref
    if ref[:5].lower() == "data:":
        return "inline", ref
    if ref[:5].lower() == "gs://":
        return "pass", ref
    if not WEB.match(ref):
        return "file_id", ref
    watched = film(ref, param)
    if watched is not None:
        return "pass", watched
    return ("file_id" if is_file_url(ref) else "url"), ref


def not_a_url(param: str, ref: str) -> InvalidRequest:
    return InvalidRequest(
        f"Invalid '{param}'. Expected a valid URL or a data URL, but got {checks.shown(ref)}.",
        param=param,
        code="invalid_value",
    )


def film(url: str, param: str) -> str | None:
    """The URL of the one film that this is, None for what is not at YouTube. Raises InvalidRequest for what is there
    and no single film: a list, a channel, a search."""
    if len(url) > LONGEST_URL or not _HOST.match(url):
        return None
    if _TAKEN.match(url):
        return url
    name = _id_in(url)
    if name is None:
        raise InvalidRequest(
            f"Invalid '{param}'. It is at YouTube and no single film: Gemini takes "
            "'https://www.youtube.com/watch?v=…'.",
            param=param,
            code="invalid_value",
        )
    return f"https://www.youtube.com/watch?v={name}"


def _id_in(url: str) -> str | None:
    parts = urlsplit(url)
    steps = [step for step in parts.path.split("/") if step]
    query = parse_qs(parts.query)
    if (parts.hostname or "").rstrip(".").endswith("youtu.be"):
        found = steps[0] if len(steps) == 1 else ""
    elif steps == ["watch"]:
        found = query.get("v", [""])[0]
    elif steps == ["attribution_link"]:
        inner = query.get("u", [""])[0]
        return _id_in("https://www.youtube.com" + inner) if inner.startswith("/watch") else None
    else:
        found = steps[1] if len(steps) == 2 and steps[0] in _BY_PATH else ""
        if steps[:1] == ["embed"] and found == "videoseries":
            return None
    return found if _ID.match(found) else None


# ── what stands beside it ────────────────────────────────────────────────────────────────────


def explicit_type(owner: JsonObject, where: str) -> str | None:
    """What the caller says that it is, for Gemini to believe."""
    if len(owner) == 1:
        return None  # its name alone, as most parts are
    for key in TYPE_KEYS:
        if value := owner.get(key):
            param = f"{where}.{key}"
            mime_type = media_types.explicit(checks.string(value, param))
            if mime_type is None:
                raise InvalidRequest(
                    f"Invalid '{param}'. Expected a MIME type such as 'audio/wav', but got {checks.shown(value)}.",
                    param=param,
                    code="invalid_value",
                )
            return None if mime_type == media_types.OCTET_STREAM else mime_type
    return None


def read_detail(value: object, param: str) -> str | None:
    """`Media.resolution` of a detail; None and "" are `auto`."""
    return None if value is None or value == "" else DETAIL[checks.choice(value, param, DETAIL)]


def video_metadata(owner: JsonObject, where: str) -> JsonObject | None:
    """`video_metadata` {fps, start_offset, end_offset}, in either spelling, → Gemini's videoMetadata; offsets as "2s"
    or seconds."""
    name = "video_metadata" if owner.get("video_metadata") is not None else "videoMetadata"
    value = owner.get(name)
    if value is None:
        return None
    where = f"{where}.{name}"
    found: JsonObject = {}
    for key, each in checks.mapping(value, where).items():
        param = f"{where}.{key}"
        match key:
            case _ if each is None:
                continue
            case "fps":
                found["fps"] = _frames(each, param)
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
    return f"{checks.number(value, param, 0, 10**9):.9f}".rstrip("0").rstrip(".") + "s"


def _frames(value: object, param: str) -> float:
    """In a second."""
    if not (frames := checks.number(value, param, 0, 24)):
        raise InvalidRequest(f"Invalid '{param}': expected more than 0, at most 24.", param=param, code="invalid_value")
    return frames


def read_audio(part: JsonObject, where: str, *, place_of_urls: str) -> Media:
    """OpenAI's `input_audio` {data, format}. `place_of_urls`: where a URL belongs instead, for the error's sentence."""
    where_audio = f"{where}.input_audio"
    audio = checks.mapping(checks.required(part, "input_audio", where), where_audio)
    for key, value in audio.items():
        if key not in ("data", "format") and value is not None:
            raise checks.unknown(f"{where_audio}.{key}")
    param = f"{where_audio}.data"
    data = checks.string(checks.required(audio, "data", where_audio), param, empty=False)
    declared = audio.get("format")
    if declared:
        given = checks.string(declared, f"{where_audio}.format")
        declared = media_types.explicit(given, sound=True)
        if declared is None:
            raise checks.invalid_value(f"{where_audio}.format", given, ("wav", "mp3", "flac", "ogg", "aac", "m4a"))
    ref, mime_type = read_data(data, param, declared=declared, place_of_urls=place_of_urls)
    return Media(param, "inline", ref, mime_type)


def read_known(
    part: JsonObject, where: str, read: Callable[[JsonObject, str], Media | None], types: Collection[str]
) -> Media:
    """The media of a part that must be one of these types. Raises MissingParameter and InvalidRequest."""
    media = read(part, where)
    if media is None:
        if part.get("type") is None:
            raise MissingParameter(f"{where}.type")
        raise checks.invalid_value(f"{where}.type", part["type"], types)
    return media


# ── which media need I/O ──────────────────────────────────────────────────────────────────────


def sort_out(read: Mapping[str, Media], earlier: Sequence[Media], *, inline_limit: int) -> MediaFound:
    """Which media need I/O: every file id, every URL that Gemini does not fetch by itself, and so much inline data, the
    largest first, that what stays in the request has at most `inline_limit` bytes: Google limits a request, not a part.

    `earlier`: images of earlier answers. They go last, because Gemini knows them as data, with their signatures.
    """
    found = (*read.values(), *earlier)
    inline = [media for media in found if media.kind == "inline"]
    if not inline:
        return MediaFound([media for media in found if media.kind != "pass"], inline_limit, read)
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


# ── Gemini's part ─────────────────────────────────────────────────────────────────────────────


def media_part(ask: Ask, media: Media) -> JsonObject:
    """Raises FileNotFound for a file that was not resolved, InvalidRequest for data that is no base64."""
    part = data_part(ask, media)
    if media.video is not None:
        part["videoMetadata"] = media.video
    if media.resolution is not None:
        if ask.facts.part_resolution:
            part["mediaResolution"] = {"level": f"MEDIA_RESOLUTION_{media.resolution}"}
        else:
            _raise_resolution(ask, media.resolution)
    return part


def data_part(ask: Ask, media: Media) -> JsonObject:
    """The part without its side fields."""
    resolved = ask.files.get(media.param)
    if resolved is not None:
        if resolved.uri is not None:
            return {"fileData": {"mimeType": resolved.mime_type, "fileUri": resolved.uri}}
        return {"inlineData": {"mimeType": resolved.mime_type, "data": resolved.data or ""}}
    if media.kind == "pass":
        data = {"fileUri": media.ref}
        return {"fileData": data if media.mime_type is None else {"mimeType": media.mime_type, **data}}
    if media.kind != "inline":
        raise FileNotFound(media.ref[:200], param=media.param)
    assert media.mime_type is not None, "inline data is read with its type"
    encoded = checked_base64(media)
    if is_text(media.mime_type):
        encoded = text_data(encoded, media.mime_type)
    return {"inlineData": {"mimeType": bare(media.mime_type), "data": encoded}}


def _raise_resolution(ask: Ask, asked: str) -> None:
    """Models before Gemini 3 have one resolution per request: the highest that a part asks for."""
    asked = asked if asked in _ORDER else "HIGH"
    if ask.resolution is None or _ORDER.index(asked) > _ORDER.index(ask.resolution):
        ask.resolution = asked
