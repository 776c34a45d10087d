"""`/v1/uploads`: create, add parts, complete, cancel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from liftgate.dialects.file_objects import check_purpose, openai_file
from liftgate.errors import InvalidRequest, MissingParameter, TooLarge
from liftgate.files.incoming_part import MOST_PARTS, PART_BYTES, IncomingPart
from liftgate.files.uploads import NewUpload
from liftgate.records import FileRecord, UploadRecord
from liftgate.server.file_form import LONGEST_LIFE, MAX_MODELS, SHORTEST_LIFE
from liftgate.server.multipart import MAX_FIELD_BYTES, Fields, FilePart, boundary_of, read_form
from liftgate.server.request import Request
from liftgate.server.responses import Response, json_response

T = TypeVar("T")

_TYPES: Mapping[type, str] = {str: "a string", int: "an integer", dict: "an object", list: "an array"}


async def create_upload(request: Request) -> Response:
    request.query("key")
    body = await _body(request, "filename", "purpose", "bytes", "mime_type", "expires_after")
    purpose = _value(body, "purpose", str)
    check_purpose(purpose)
    wanted = NewUpload(
        filename=_value(body, "filename", str),
        purpose=purpose,
        bytes=_value(body, "bytes", int),
        mime_type=_value(body, "mime_type", str),
        expires_after=_life(body),
    )
    return json_response(_shown(await request.gateway.uploads.create(request.owner, wanted)))


async def add_part(request: Request) -> Response:
    """The bytes go from the socket to the spool; the answer follows their durability."""
    request.query("key")
    boundary = boundary_of(request.header(b"content-type"), "data")
    length = request.content_length
    if length is not None and length > PART_BYTES + MAX_FIELD_BYTES:
        raise TooLarge(f"Maximum part size ({PART_BYTES} bytes) exceeded ({length} bytes sent).", param="data")
    part = await request.gateway.uploads.begin_part(request.owner, request.params["upload_id"])
    found = False

    def open_part(_: FilePart, before: Fields) -> IncomingPart:
        nonlocal found
        _refuse(before)
        found = True
        return part

    try:
        _refuse(await read_form(request.pieces(), boundary, length, file_field="data", open_file=open_part))
        if not found:
            raise MissingParameter("data")
        if not part.size:
            raise InvalidRequest("The part is empty: it has 0 bytes.", param="data", code="empty_file")
        stored = await part.commit()
    except BaseException:
        await part.abort()
        raise
    assert stored is not None, "a part without an offset fits anywhere"
    return json_response(
        {
            "id": stored.id,
            "object": "upload.part",
            "created_at": int(stored.created_at),
            "upload_id": stored.upload_id,
        }
    )


async def complete_upload(request: Request) -> Response:
    request.query("key")
    body = await _body(request, "part_ids", "md5", "target_model_names")
    part_ids = _value(body, "part_ids", list)
    for place, part_id in enumerate(part_ids):
        if not isinstance(part_id, str):
            raise _wrong_type(f"part_ids[{place}]", str)
    if len(part_ids) > MOST_PARTS:
        raise InvalidRequest(f"'part_ids' names more than {MOST_PARTS} parts.", param="part_ids")
    md5 = None if body.get("md5") is None else _value(body, "md5", str)
    models = _models(body)
    upload, file = await request.gateway.files.complete_upload(
        request.owner, request.params["upload_id"], part_ids, md5, models
    )
    return json_response(_shown(upload, file))


async def cancel_upload(request: Request) -> Response:
    request.query("key")
    return json_response(_shown(await request.gateway.uploads.cancel(request.owner, request.params["upload_id"])))


def _shown(upload: UploadRecord, file: FileRecord | None = None) -> dict[str, Any]:
    """OpenAI's Upload object; `file` is null until it is completed."""
    return {
        "id": upload.id,
        "object": "upload",
        "bytes": upload.bytes,
        "created_at": int(upload.created_at),
        "expires_at": int(upload.expires_at),
        "filename": upload.filename,
        "purpose": upload.purpose,
        "status": upload.status,
        "file": None if file is None else openai_file(file),
    }


async def _body(request: Request, *allowed: str) -> Mapping[str, Any]:
    """The JSON object, of fields that are known: nothing a client sent is dropped in silence."""
    body = await request.json_object()
    unknown = next((name for name in body if name not in allowed), None)
    if unknown is not None:
        raise InvalidRequest(f"Unknown parameter: '{unknown}'.", param=unknown, code="unknown_parameter")
    return body


def _value(body: Mapping[str, Any], name: str, kind: type[T]) -> T:
    value = body.get(name)
    if value is None:
        raise MissingParameter(name)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise _wrong_type(name, kind)
    return value


def _wrong_type(name: str, kind: type) -> InvalidRequest:
    return InvalidRequest(f"Invalid type for '{name}': expected {_TYPES[kind]}.", param=name, code="invalid_type")


def _models(body: Mapping[str, Any]) -> list[str]:
    """LiteLLM's `target_model_names`, here as for `POST /v1/files`: names with commas between, or an array of names."""
    given = body.get("target_model_names") or []
    names = given.split(",") if isinstance(given, str) else given
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise _wrong_type("target_model_names", list)
    if len(names) > MAX_MODELS:
        raise InvalidRequest(f"'target_model_names' names more than {MAX_MODELS} models.", param="target_model_names")
    return list(dict.fromkeys(name.strip() for name in names if name.strip()))


def _life(body: Mapping[str, Any]) -> int | None:
    given = body.get("expires_after")
    if given is None:
        return None
    if not isinstance(given, dict):
        raise _wrong_type("expires_after", dict)
    unknown = next((name for name in given if name not in ("anchor", "seconds")), None)
    if unknown is not None:
        name = f"expires_after.{unknown}"
        raise InvalidRequest(f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter")
    for name in ("anchor", "seconds"):
        if given.get(name) is None:
            raise MissingParameter(f"expires_after.{name}")
    anchor, seconds = given["anchor"], given["seconds"]
    if anchor != "created_at":
        raise InvalidRequest(
            f"Invalid value: '{anchor}'. Supported values are: 'created_at'.",
            param="expires_after.anchor",
            code="invalid_value",
        )
    if not isinstance(seconds, int) or isinstance(seconds, bool) or not SHORTEST_LIFE <= seconds <= LONGEST_LIFE:
        raise InvalidRequest(
            f"Invalid 'expires_after.seconds': expected an integer from {SHORTEST_LIFE} to {LONGEST_LIFE}.",
            param="expires_after.seconds",
        )
    return seconds


def _refuse(fields: Fields) -> None:
    for name, _ in fields:
        raise InvalidRequest(f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter")
