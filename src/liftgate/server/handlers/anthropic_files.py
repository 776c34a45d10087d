"""`/v1/files` in Anthropic's form: create, list, retrieve, read, delete. The Files are those of every other door."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from mimetypes import MimeTypes

from liftgate.dialects.messages.files import (
    MOST_IDS,
    check_name,
    file_deleted,
    file_object,
    page,
    read_life,
    read_limit,
)
from liftgate.engine.files import Creation, FilePage
from liftgate.errors import InvalidRequest, MissingParameter, UnknownParameter
from liftgate.files.filename import UNNAMED, clean_filename
from liftgate.magic_bytes import HEAD
from liftgate.media_types import bare, resolve
from liftgate.records import FileRecord, NewFile
from liftgate.server.auditing import by_of
from liftgate.server.conditions import check_change, etag_of, may_change
from liftgate.server.handlers.content import content_of
from liftgate.server.handlers.files import check_length
from liftgate.server.handlers.messages import BETA
from liftgate.server.multipart import Fields, FilePart, boundary_of, read_form
from liftgate.server.request import Request
from liftgate.server.responses import Response, json_response

_COMMON = (BETA, "key")
_PAGES = ("limit", "page", "after_id", "before_id")
_EXTENSIONS = MimeTypes(())


class _Incoming:
    """A File on its way in, and the beginning of its bytes, by which one without a name gets an extension."""

    def __init__(self, creation: Creation, new: NewFile) -> None:
        self.creation = creation
        self._new = new
        self._head = b""

    async def write(self, piece: bytes | memoryview) -> None:
        if len(self._head) < HEAD:
            self._head += bytes(piece[: HEAD - len(self._head)])
        await self.creation.write(piece)

    def named(self) -> NewFile:
        if self._new.filename:
            return self._new
        mime_type = resolve(declared=self._new.mime_type, filename=None, head=self._head)
        return replace(self._new, filename=f"unnamed{_EXTENSIONS.guess_extension(bare(mime_type)) or ''}")


async def create_file(request: Request) -> Response:
    """The bytes go from the socket to the spool; the answer follows their durability."""
    request.query(*_COMMON)
    boundary = boundary_of(request.header(b"content-type"))
    check_length(request)
    incoming: _Incoming | None = None

    def open_file(found: FilePart, before: Fields) -> _Incoming:
        nonlocal incoming
        _life_in(before)
        filename = clean_filename(found.filename)
        if filename == UNNAMED:
            filename = ""
        check_name(filename)
        new = NewFile(filename=filename, mime_type=found.mime_type)
        incoming = _Incoming(request.gateway.files.begin(request.owner, new), new)
        return incoming

    try:
        fields = await read_form(
            request.pieces(), boundary, request.content_length, file_field="file", open_file=open_file
        )
        life = _life_in(fields)
        if incoming is None:
            raise MissingParameter("file")
        file = await incoming.creation.commit(replace(incoming.named(), life_seconds=life))
    except BaseException:
        if incoming is not None:
            await incoming.creation.abort()
        raise
    return json_response(file_object(file))


def _life_in(fields: Sequence[tuple[str, str]]) -> int | None:
    """The one field that there is beside the file."""
    life = None
    for name, value in fields:
        if name != "expires_in_seconds":
            raise UnknownParameter(name)
        life = read_life(value)
    return life


async def list_files(request: Request) -> Response:
    """Newest first. Pages are asked for by `page` or `after_id`, as each generation of clients does."""
    query = request.query(*_COMMON, *_PAGES, lists=("ids[]",))
    if (wanted := query.get("ids[]")) is not None:
        if other := next((name for name in _PAGES if name in query), None):
            raise InvalidRequest("It cannot be given beside 'ids[]'.", param=other)
        found = await _named(request, wanted.split(","))
        return json_response(page([file_object(file) for file in found], has_more=False))
    limit = read_limit(query.get("limit"))
    places = [name for name in ("page", "after_id", "before_id") if name in query]
    if len(places) > 1:
        raise InvalidRequest(f"It cannot be given beside '{places[0]}'.", param=places[1])
    before = query.get("before_id")
    listed = await _page(request, limit, query.get("page") or query.get("after_id"), before)
    objects = [file_object(file) for file in listed.files]
    following = objects[-1]["id"] if objects and (listed.has_more or before is not None) else None
    return json_response(page(objects, has_more=listed.has_more, next_page=following))


async def _page(request: Request, limit: int, after: str | None, before: str | None) -> FilePage:
    files = request.gateway.files
    if before is None:
        return await files.list(request.owner, after=after, limit=limit)
    newer = await files.list(request.owner, after=before, limit=limit, order="asc")
    return FilePage(newer.files[::-1], newer.has_more)


async def _named(request: Request, wanted: Sequence[str]) -> list[FileRecord]:
    """Those of these ids that the owner has."""
    if len(wanted) > MOST_IDS:
        raise InvalidRequest(f"At most {MOST_IDS} ids can be asked for at once.", param="ids")
    found = [await request.gateway.files.find(request.owner, file_id) for file_id in dict.fromkeys(wanted)]
    there = [file for file in found if file is not None]
    return sorted(there, key=lambda file: (file.created_at, file.id), reverse=True)


async def retrieve_file(request: Request) -> Response:
    request.query(*_COMMON)
    return json_response(file_object(await request.gateway.files.retrieve(request.owner, request.params["file_id"])))


async def file_content(request: Request) -> Response:
    request.query(*_COMMON)
    return await content_of(request, request.params["file_id"])


async def delete_file(request: Request) -> Response:
    request.query(*_COMMON)
    file_id = request.params["file_id"]
    if not may_change(request):
        check_change(request, etag_of(await request.gateway.files.retrieve(request.owner, file_id)))
    await request.gateway.files.delete(request.owner, file_id, by_of(request))
    return json_response(file_deleted(file_id))
