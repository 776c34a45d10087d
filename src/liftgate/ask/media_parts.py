"""A read and resolved media → Gemini's part: fileData or inlineData, with what the caller said about it beside it."""

from __future__ import annotations

from typing import Any

from liftgate.ask.draft import Draft
from liftgate.ask.inline_data import text_data
from liftgate.ask.media import Media
from liftgate.dialects.chat.content_parts import checked_base64
from liftgate.errors import FileNotFound
from liftgate.media_types import bare, is_text

_ORDER = ("LOW", "MEDIUM", "HIGH")


def media_part(draft: Draft, media: Media) -> dict[str, Any]:
    """Raises FileNotFound for a need that nobody resolved, InvalidRequest for data that is no base64."""
    part = data_part(draft, media)
    if media.video is not None:
        part["videoMetadata"] = media.video
    if media.resolution is not None:
        if draft.facts.part_resolution:
            part["mediaResolution"] = {"level": f"MEDIA_RESOLUTION_{media.resolution}"}
        else:
            _raise_resolution(draft, media.resolution)
    return part


def data_part(draft: Draft, media: Media) -> dict[str, Any]:
    """The part without its side fields."""
    resolved = draft.files.get(media.param)
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


def _raise_resolution(draft: Draft, asked: str) -> None:
    """Models before Gemini 3 have one resolution per request: the highest that a part asks for."""
    asked = asked if asked in _ORDER else "HIGH"
    if draft.resolution is None or _ORDER.index(asked) > _ORDER.index(draft.resolution):
        draft.resolution = asked
