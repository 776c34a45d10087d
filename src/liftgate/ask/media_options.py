"""What a caller says of a file beside naming it, in any API: what type it is, and which part of a film is meant."""

from __future__ import annotations

import re

from liftgate import media_types
from liftgate.ask import checks
from liftgate.ask.inline_data import bad_data, read_data
from liftgate.ask.media import Media
from liftgate.errors import InvalidRequest
from liftgate.json_types import JsonObject

TYPE_KEYS = ("format", "mime_type", "content_type")


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


def video_metadata(owner: JsonObject, where: str) -> JsonObject | None:
    """`video_metadata` {fps, start_offset, end_offset} → Gemini's videoMetadata; offsets as "2s" or seconds."""
    value = owner.get("video_metadata")
    if value is None:
        return None
    where = f"{where}.video_metadata"
    found: JsonObject = {}
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
        said = checks.string(declared, f"{where_audio}.format")
        declared = media_types.explicit(said, sound=True)
        if declared is None:
            raise checks.invalid_value(f"{where_audio}.format", said, ("wav", "mp3", "flac", "ogg", "aac", "m4a"))
    if data[:8].lower().startswith(("http://", "https://")):
        raise bad_data(param, f"It is a URL: audio behind a URL goes into {place_of_urls}.")
    ref, mime_type = read_data(data, param, declared=declared)
    return Media(param, "inline", ref, mime_type)
