"""`/v1/files`: create, list, retrieve, delete."""

from __future__ import annotations

from dataclasses import replace

from liftgate.dialects.openai_files import openai_file, openai_file_deleted, openai_file_list
from liftgate.engine.files import Creation
from liftgate.errors import MissingParameter, TooLarge
from liftgate.files.filename import clean_filename
from liftgate.records import NewFile
from liftgate.server.auditing import by_of
from liftgate.server.conditions import check_change, etag_of, may_change
from liftgate.server.file_form import check_provider, read_fields
from liftgate.server.multipart import MAX_FIELD_BYTES, Fields, FilePart, boundary_of, read_form
from liftgate.server.query import read_limit, read_order
from liftgate.server.request import Request
from liftgate.server.responses import Response, json_response
from liftgate.sizes import announced

SELECTORS = ("custom_llm_provider", "provider", "model", "target_model_names", "key")
"""LiteLLM's ways to say where a file is; here it is in one place, so they choose nothing. `key` was used already."""

LARGEST_PAGE = 10_000
_AROUND_THE_FILE = 2 * MAX_FIELD_BYTES


async def create_file(request: Request) -> Response:
    """The bytes go from the socket to the spool; the answer follows their durability."""
    query = _selectors(request)
    boundary = boundary_of(request.header(b"content-type"))
    check_length(request)
    creation: Creation | None = None
    begun = NewFile()

    def open_file(found: FilePart, before: Fields) -> Creation:
        nonlocal creation, begun
        given = read_fields(before)
        models = given.models or tuple(name for name in [query.get("model", "")] if name)
        begun = NewFile(
            filename=clean_filename(found.filename),
            mime_type=found.mime_type,
            # Only a copy that grows with the file needs to know; others are spared a guess that may be wrong.
            size=found.size if models else None,
            models=models,
        )
        creation = request.gateway.files.begin(request.owner, begun)
        return creation

    try:
        fields = await read_form(
            request.pieces(), boundary, request.content_length, file_field="file", open_file=open_file
        )
        asked = read_fields(fields)
        if creation is None:
            raise MissingParameter("file")
        if not asked.purpose:
            raise MissingParameter("purpose")
        new = replace(begun, purpose=asked.purpose, life_seconds=asked.life_seconds, models=asked.models)
        file = await creation.commit(new)
    except BaseException:
        if creation is not None:
            await creation.abort()
        raise
    return json_response(openai_file(file))


async def list_files(request: Request) -> Response:
    query = _selectors(request, "purpose", "limit", "order", "after")
    page = await request.gateway.files.list(
        request.owner,
        purpose=query.get("purpose"),
        after=query.get("after"),
        order=read_order(query.get("order")),
        limit=read_limit(query.get("limit"), LARGEST_PAGE, LARGEST_PAGE),
    )
    return json_response(openai_file_list(page.files, has_more=page.has_more))


async def retrieve_file(request: Request) -> Response:
    _selectors(request)
    return json_response(openai_file(await request.gateway.files.retrieve(request.owner, request.params["file_id"])))


async def delete_file(request: Request) -> Response:
    _selectors(request)
    file_id = request.params["file_id"]
    if not may_change(request):
        check_change(request, etag_of(await request.gateway.files.retrieve(request.owner, file_id)))
    await request.gateway.files.delete(request.owner, file_id, by_of(request))
    return json_response(openai_file_deleted(file_id))


def _selectors(request: Request, *more: str) -> dict[str, str]:
    query = request.query(*SELECTORS, *more)
    for value in (query.get("custom_llm_provider"), query.get("provider"), request.header(b"custom-llm-provider")):
        check_provider(value or "")
    return query


def check_length(request: Request) -> None:
    """A body that cannot hold an allowed file is refused before any of it is read."""
    largest = request.gateway.settings.limits.largest_file(request.owner)
    length = request.content_length
    if length is not None and length > largest + _AROUND_THE_FILE:
        raise TooLarge(announced("file size", largest, length), param="file")
