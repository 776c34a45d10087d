"""`/v1/files/{id}/content`: the bytes, whole or a range, with what caches and download managers ask for.

And `/liftgate/files/{id}/preview`: a PDF's, for a frame of the page.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import cast
from urllib.parse import quote

from liftgate.byte_source import PIECE, ByteSource
from liftgate.errors import InvalidRequest, PermissionDenied
from liftgate.media_types import bare
from liftgate.records import FileRecord
from liftgate.server.asgi import Header
from liftgate.server.conditions import etag_of, range_of, unchanged
from liftgate.server.handlers.files import SELECTORS
from liftgate.server.handlers.generate import PATIENCE
from liftgate.server.request import Request
from liftgate.server.responses import Response, StreamedResponse

CACHING: Header = (b"cache-control", b"private, no-cache")
PDF = "application/pdf"
IN_A_FRAME: tuple[Header, ...] = (
    (b"content-security-policy", b"sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
"""A PDF that is shown inside the page has an origin of its own, and loads nothing."""
AS_CODE = frozenset(
    {"script", "style", "xslt", "worker", "sharedworker", "serviceworker", "audioworklet", "paintworklet"}
)
"""For what a browser may ask, by its `Sec-Fetch-Dest`, that would make the bytes a part of a page."""


async def file_content(request: Request) -> Response:
    """200, 206, 304, 412 or 416. The ETag is the bytes' SHA-256, so it is strong and never changes for an id."""
    request.query(*SELECTORS)
    return await content_of(request, request.params["file_id"])


async def preview(request: Request) -> Response:
    """A PDF, to be shown where it stands: no browser shows one that comes as an attachment. The browser's own reader
    shows it, apart from the page."""
    request.query("key")
    file = await request.gateway.files.retrieve(request.owner, request.params["file_id"])
    if file.mime_type != PDF:
        raise InvalidRequest(
            f"File {file.id} is no PDF ({bare(file.mime_type)}). Take it from /v1/files/{file.id}/content.",
            code="unsupported_file",
        )
    response = await content_of(request, file.id)
    inline = (b"content-disposition", b"inline" + disposition(file.filename).removeprefix("attachment").encode("ascii"))
    response.headers = [*(each for each in response.headers if each[0] != b"content-disposition"), inline, *IN_A_FRAME]
    return response


async def content_of(request: Request, file_id: str) -> Response:
    """The bytes of a File, as the request's headers ask for them. Raises FileNotFound, PreconditionFailed,
    RangeNotSatisfiable, and PermissionDenied for a page that would run them."""
    if request.header(b"sec-fetch-dest").lower() in AS_CODE:
        # The page's policy lets it load code of its own origin, and here that would be anybody's.
        raise PermissionDenied(
            "A page does not run files, or take them for its style. Download it, or fetch its bytes."
        )
    file, source = await request.gateway.files.open(request.owner, file_id)
    etag = etag_of(file)
    if unchanged(request, etag):
        return Response(b"", status=304, headers=[(b"etag", etag.encode()), CACHING])
    wanted = range_of(request, etag, file.bytes)
    start, stop = wanted or (0, file.bytes)
    headers = _headers(file, etag, stop - start)
    if wanted:
        headers.append((b"content-range", b"bytes %d-%d/%d" % (start, stop - 1, file.bytes)))
    pieces, first = await _begun(request, source, start, stop)
    return StreamedResponse(pieces, pieces.aclose, status=206 if wanted else 200, headers=headers, first=first)


async def _begun(request: Request, source: ByteSource, start: int, stop: int) -> tuple[AsyncGenerator[bytes], bytes]:
    """The bytes that the answer has, and the first piece of them: what cannot be had is a status, also for a HEAD."""
    head = request.method == "HEAD"
    pieces = cast("AsyncGenerator[bytes]", source.read(start, min(stop, PIECE) if head else stop))
    try:
        with request.while_connected(PATIENCE):
            first = await anext(pieces, b"")
    except BaseException:
        await pieces.aclose()
        raise
    if head:
        await pieces.aclose()
        first = b""
    return pieces, first


def _headers(file: FileRecord, etag: str, length: int) -> list[Header]:
    return [
        (b"content-type", file.mime_type.encode("ascii", "replace")),
        (b"content-length", b"%d" % length),
        (b"content-disposition", disposition(file.filename).encode("ascii")),
        (b"etag", etag.encode()),
        (b"accept-ranges", b"bytes"),
        CACHING,
        # What a user uploaded must never run as a page of this origin.
        (b"x-content-type-options", b"nosniff"),
    ]


def disposition(filename: str) -> str:
    """RFC 6266: a plain name for old clients, and RFC 5987's form where it has other characters."""
    plain = "".join(c if " " <= c <= "~" and c not in '"\\%;' else "_" for c in filename)
    value = f'attachment; filename="{plain}"'
    return value if plain == filename else f"{value}; filename*=UTF-8''{quote(filename, safe='')}"
