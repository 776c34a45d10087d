"""A read and resolved file → Gemini's part: fileData or inlineData, with what the caller said about it beside it."""

from __future__ import annotations

from liftgate.ask.builder import Ask
from liftgate.ask.inline_data import checked_base64, text_data
from liftgate.ask.media import Media
from liftgate.errors import FileNotFound
from liftgate.json_types import JsonObject
from liftgate.media_types import bare, is_text

_ORDER = ("LOW", "MEDIUM", "HIGH")


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
