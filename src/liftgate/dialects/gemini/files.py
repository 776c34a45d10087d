"""Files in Gemini's words: the metadata of an upload, and the File resource that shows one.

The metadata are `{"file": {…}}`, a CreateFileRequest as proto3 JSON (docs/protocol/gemini.md, "Resumable upload").
Both spellings of a name are one field; what only Google sets is taken and without effect, as there; any other field is
refused in Google's words. Google's own shell examples write it with single quotes, and Google takes that.
"""

from __future__ import annotations

import base64
import json
import re
from datetime import UTC, datetime

from liftgate.errors import InvalidRequest, shortened
from liftgate.json_types import JsonObject, loaded
from liftgate.names import gemini_name, may_be_chosen
from liftgate.records import FileRecord, NewFile
from liftgate.whole_numbers import whole_number

GEMINI_ROOT = "https://generativelanguage.googleapis.com/v1beta/"
MAX_DISPLAY_NAME = 512
_SET = {"name": "name", "displayName": "display_name", "mimeType": "mime_type", "sizeBytes": "size_bytes"}
_OUTPUT = ("createTime", "updateTime", "expirationTime", "sha256Hash", "uri", "downloadUri", "state", "source", "error")
_OUTPUT_SNAKE = ("create_time", "update_time", "expiration_time", "sha256_hash", "download_uri")
_QUOTED = re.compile(r""""(?:[^"\\]++|\\.)*+(")?|'(?:[^'\\]++|\\.)*+(')?""", re.DOTALL)
"""A text in either quotes; without its end it reaches to the body's, so that each character is read once."""


def read_metadata(body: bytes) -> NewFile:
    """Name, display name, type and size, as far as they are given. Raises InvalidRequest naming the field."""
    request = _object(_json(body) if body.strip() else {}, "")
    for unknown in request.keys() - {"file"}:
        raise _unknown(unknown, "")
    described = request.get("file")
    file = _object({} if described is None else described, "file")
    spelled = {snake: camel for camel, snake in _SET.items()}
    found: JsonObject = {}
    for key, value in file.items():
        field = spelled.get(key, key)
        if field not in _SET and field not in _OUTPUT and field not in _OUTPUT_SNAKE:
            raise _unknown(key, " at 'file'")
        if value is not None:
            found[field] = value
    display_name = _text(found, "displayName")
    if len(display_name) > MAX_DISPLAY_NAME:
        raise InvalidRequest(
            f"file.displayName must be at most {MAX_DISPLAY_NAME} characters.", param="file.displayName"
        )
    return NewFile(
        mime_type=_text(found, "mimeType"), size=_size(found), alias=_name(found), display_name=display_name or None
    )


def _name(found: JsonObject) -> str | None:
    name = _text(found, "name")
    if name and not may_be_chosen(name):
        raise InvalidRequest(
            "file.name must be 'files/' and 1 to 40 characters that are lowercase alphanumeric or dashes (-), without a"
            " dash at the beginning or end.",
            param="file.name",
        )
    return name or None


def _size(found: JsonObject) -> int | None:
    """An int64: a number, or a string of digits (the JavaScript client)."""
    value = found.get("sizeBytes")
    if value is None:
        return None
    size = None if isinstance(value, bool) or not isinstance(value, int | str) else whole_number(str(value))
    if size is None:
        raise InvalidRequest("Invalid value at 'file.size_bytes' (TYPE_INT64).", param="file.sizeBytes")
    return size


def _text(found: JsonObject, field: str) -> str:
    value = found.get(field, "")
    if not isinstance(value, str):
        raise InvalidRequest(f"Invalid value at 'file.{_SET[field]}' (TYPE_STRING).", param=f"file.{field}")
    return value


def _object(value: object, where: str) -> JsonObject:
    if not isinstance(value, dict):
        raise InvalidRequest(f"Invalid JSON payload received. '{where or 'request'}' must be an object.")
    return value


def _unknown(name: str, where: str) -> InvalidRequest:
    return InvalidRequest(f'Invalid JSON payload received. Unknown name "{shortened(name)}"{where}: Cannot find field.')


def _json(body: bytes) -> object:
    try:
        text = body.decode("utf-8-sig")
        try:
            return loaded(text)
        except json.JSONDecodeError:
            return loaded(_QUOTED.sub(_double_quoted, text))
    except ValueError:
        raise InvalidRequest("Invalid JSON payload received.") from None


def _double_quoted(found: re.Match[str]) -> str:
    if found.lastindex is None:
        raise ValueError("a text without an end")
    if found[1]:
        return found[0]
    return json.dumps(found[0][1:-1].replace("\\'", "'"), ensure_ascii=False)


def gemini_file(file: FileRecord) -> JsonObject:
    """Gemini's File resource (docs/protocol/gemini.md, "The File resource"): canonical URI, int64 as string,
    `sha256Hash` base64 of the hex digits."""
    name = file.alias or gemini_name(file.id)
    body: JsonObject = {
        "name": name,
        "mimeType": file.mime_type,
        "sizeBytes": str(file.bytes),
        "createTime": _timestamp(file.created_at),
        "updateTime": _timestamp(file.created_at),
        "sha256Hash": base64.b64encode(file.sha256.encode()).decode(),
        "uri": GEMINI_ROOT + name,
        # Google has it for files that can be downloaded, which ours can, and its SDK refuses to without it.
        "downloadUri": f"{GEMINI_ROOT}{name}:download?alt=media",
        "state": "FAILED" if file.status == "error" else "ACTIVE",
        "source": "UPLOADED",
    }
    if file.display_name is not None:
        body["displayName"] = file.display_name
    if file.expires_at is not None:
        body["expirationTime"] = _timestamp(file.expires_at)
    if file.status == "error":
        details = file.status_details or "The file could not be processed."
        body["error"] = {"code": 13, "message": details.replace(file.id, name)}
    return body


def _timestamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
