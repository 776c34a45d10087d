"""`/v1/uploads`: create, add parts, complete, cancel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from liftgate.dialects.openai_files import check_purpose, openai_file, read_life, read_models
from liftgate.errors import InvalidRequest, MissingParameter, TooLarge
from liftgate.files.part_store import MOST_PARTS, PART_BYTES, PartArrival
from liftgate.json_types import JsonMapping, JsonObject
from liftgate.records import FileRecord, NewFile, UploadRecord
from liftgate.server.bodies import SMALL
from liftgate.server.multipart import MAX_FIELD_BYTES, Fields, FilePart, boundary_of, read_form
from liftgate.server.query import check_known, given
from liftgate.server.request import Request
from liftgate.server.responses import Response, json_response
from liftgate.sizes import announced
from liftgate.whole_numbers import as_whole

T = TypeVar("T")

_TYPES: Mapping[type, str] = {str: "a string", int: "an integer", dict: "an object", list: "an array"}


async def create_upload(request: Request) -> Response:
    request.query("key")
    body = await _body(request, "filename", "purpose", "bytes", "mime_type", "expires_after")
    purpose = _value(body, "purpose", str)
    check_purpose(purpose)
    size = _value(body, "bytes", int)
    new = NewFile(
        filename=_value(body, "filename", str),
        mime_type=_value(body, "mime_type", str),
        size=size,
        purpose=purpose,
        life_seconds=None if body.get("expires_after") is None else read_life(_value(body, "expires_after", dict)),
    )
    return json_response(_shown(await request.gateway.uploads.create(request.owner, new, size)))


async def add_part(request: Request) -> Response:
    """The bytes go from the socket to the spool; the answer follows their durability."""
    request.query("key")
    boundary = boundary_of(request.header(b"content-type"), "data")
    length = request.content_length
    if length is not None and length > PART_BYTES + MAX_FIELD_BYTES:
        raise TooLarge(announced("part size", PART_BYTES, length), param="data")
    part = await request.gateway.uploads.begin_part(request.owner, request.params["upload_id"])
    found = False

    def open_part(_: FilePart, before: Fields) -> PartArrival:
        nonlocal found
        check_known(name for name, _ in before)
        found = True
        return part

    try:
        fields = await read_form(request.pieces(), boundary, length, file_field="data", open_file=open_part)
        check_known(name for name, _ in fields)
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
    models = read_models(body.get("target_model_names"))
    upload, file = await request.gateway.files.complete_upload(
        request.owner, request.params["upload_id"], part_ids, md5, models
    )
    return json_response(_shown(upload, file))


async def cancel_upload(request: Request) -> Response:
    request.query("key")
    return json_response(_shown(await request.gateway.uploads.cancel(request.owner, request.params["upload_id"])))


def _shown(upload: UploadRecord, file: FileRecord | None = None) -> JsonObject:
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


async def _body(request: Request, *allowed: str) -> JsonMapping:
    """The JSON object, of fields that are known."""
    body = await request.json_object(SMALL)
    check_known(given(body), *allowed)
    return body


def _value(body: JsonMapping, name: str, kind: type[T]) -> T:
    value = body.get(name)
    if value is None:
        raise MissingParameter(name)
    if kind is int:
        value = as_whole(value)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise _wrong_type(name, kind)
    return value


def _wrong_type(name: str, kind: type) -> InvalidRequest:
    return InvalidRequest(f"Invalid type for '{name}': expected {_TYPES[kind]}.", param=name, code="invalid_type")
