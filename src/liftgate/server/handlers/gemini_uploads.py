"""`/upload/v1beta/files`: Gemini's uploads, resumable and in one request (docs/protocol/gemini.md, "Resumable upload",
"Multipart upload").

`X-Goog-Upload-Status` says what the client may do: `active` go on, `final` it is decided (the File, or an error that
trying again does not mend), `cancelled` it is over. An answer without it is a failure that may pass: the clients ask
again, so it never goes with one that is final, and they would take it for success on one that is not
(docs/protocol/gemini.md, "Google's own clients").
"""

from __future__ import annotations

from dataclasses import replace

from liftgate.dialects.gemini.errors import GEMINI
from liftgate.dialects.gemini.files import gemini_file, read_metadata
from liftgate.engine.files import Creation
from liftgate.errors import InvalidRequest, LiftgateError, RequestError, RequestTimeout, UploadNotFound
from liftgate.files.filename import decoded_name
from liftgate.files.sessions import GRANULARITY, OffsetGap, UploadIncomplete
from liftgate.media_types import says_nothing
from liftgate.names import bare_file
from liftgate.records import FileRecord, NewFile, UploadRecord
from liftgate.server.asgi import Header
from liftgate.server.errors import error_response
from liftgate.server.origin import origin_of
from liftgate.server.related import MAX_METADATA, read_related, related_boundary
from liftgate.server.request import Request
from liftgate.server.responses import Response, google_json
from liftgate.whole_numbers import LARGEST, whole_number

TEXT: Header = (b"content-type", b"text/plain; charset=utf-8")
PARAMETERS = ("key", "alt", "upload_id", "upload_protocol", "uploadType", "prettyPrint", "$alt", "$prettyPrint")


async def upload_file(request: Request) -> Response:
    """A start, a whole upload, or, with an `upload_id`, which needs no key, the next request of a session."""
    query = request.query(*PARAMETERS)
    secret = query.get("upload_id")
    if secret is not None:
        return await _of_session(request, secret)
    protocol = request.header(b"x-goog-upload-protocol").lower() or query.get("upload_protocol", "").lower()
    protocol = protocol or query.get("uploadType", "").lower()
    if protocol == "multipart" or request.header(b"content-type").lower().startswith("multipart/"):
        return await _in_one(request)
    if protocol != "resumable" or _commands(request) != {"start"}:
        raise InvalidRequest(
            "Expected an upload that begins with X-Goog-Upload-Protocol: resumable and X-Goog-Upload-Command: start, or"
            " one of multipart/related."
        )
    return await _start(request)


# ── whole ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def _in_one(request: Request) -> Response:
    creation: Creation | None = None
    new = NewFile()

    def open_media(described: bytes, mime_type: str) -> Creation:
        nonlocal creation, new
        # What it says of its size is no promise that anything depends on.
        new = replace(_described(request, described, mime_type), size=None)
        creation = request.gateway.files.begin(request.owner, new)
        return creation

    try:
        await read_related(request.pieces(), related_boundary(request.header(b"content-type")), open_media)
        assert creation is not None, "the form has its media, or was refused"
        file = await creation.commit(new)
    except BaseException as error:
        if creation is not None:
            await creation.abort()
        if isinstance(error, RequestError) and not isinstance(error, RequestTimeout):
            return _refused(error)
        raise
    return _finished(file)


# ── resumable ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def _start(request: Request) -> Response:
    body = bytes(await request.body(MAX_METADATA))
    new = _described(request, body, request.header(b"x-goog-upload-header-content-type"))
    new = replace(new, size=_total(request, new))
    if new.size == 0:
        # Checked at the start: Google's JavaScript client never sends the end of an upload of nothing.
        return _refused(InvalidRequest("The file is empty: it has 0 bytes.", param="file", code="empty_file"))
    if new.alias is not None:
        try:
            await request.gateway.sessions.check_name(request.owner, new.alias)
        except RequestError as taken:
            return _refused(taken)
    secret = await request.gateway.sessions.start(request.owner, new)
    url = f"{origin_of(request)}{request.path}?upload_id={secret}&upload_protocol=resumable".encode()
    headers = [
        TEXT,
        (b"x-goog-upload-status", b"active"),
        (b"x-goog-upload-url", url),
        (b"x-goog-upload-control-url", url),
        (b"x-goog-upload-chunk-granularity", b"%d" % GRANULARITY),
    ]
    return Response(b"", headers=headers)


async def _of_session(request: Request, secret: str) -> Response:
    sessions = request.gateway.sessions
    try:
        upload = await sessions.find(secret)
    except UploadNotFound:
        return _text(404, "Invalid or missing session ID", b"final")
    request.owner = upload.owner
    commands = _commands(request)
    if commands == {"query"}:
        upload = await sessions.settled(upload)
        return _standing(upload) if upload.status == "pending" else await _ended(request, upload)
    if commands == {"cancel"}:
        return await _cancel(request, upload)
    if not commands or not commands <= {"upload", "finalize"}:
        return _text(400, f"Invalid upload command: {request.header(b'x-goog-upload-command')[:80]!r}")
    try:
        return await _send(request, upload, commands)
    except OffsetGap as gap:
        return _text(409, gap.message, b"active")
    except UploadIncomplete as missing:
        return _text(400, missing.message, b"active")
    except RequestTimeout:
        raise
    except RequestError as refused:
        # A body that cannot be read ends no session.
        goes_on = (await sessions.find(secret)).status == "pending"
        return _refused(refused, b"active" if goes_on else b"final")


async def _send(request: Request, upload: UploadRecord, commands: set[str]) -> Response:
    sessions = request.gateway.sessions
    if upload.status == "pending" and "upload" in commands:
        try:
            offset = _offset(request)
        except InvalidRequest as wrong:
            return _text(400, wrong.message, b"active")
        upload = await sessions.receive(upload, offset, request.pieces())
    if upload.status != "pending":
        return await _ended(request, upload)
    if "finalize" not in commands:
        return _standing(upload)
    return _finished(await sessions.finalize(upload))


async def _cancel(request: Request, upload: UploadRecord) -> Response:
    sessions = request.gateway.sessions
    upload = await sessions.settled(upload)
    if upload.status == "completed":
        return _text(400, "Upload has already been terminated.", b"final")
    if upload.status == "pending":
        await sessions.cancel(upload)
    return _text(200, "", b"cancelled")


async def _ended(request: Request, upload: UploadRecord) -> Response:
    """A finalize whose answer was lost is asked for again: its File, as long as that is there."""
    if upload.status == "completed":
        file = await request.gateway.sessions.file_of(upload)
        return _text(400, "Upload has already been terminated.", b"final") if file is None else _finished(file)
    return _text(410, f"The upload session is {upload.status}.", b"cancelled")


# ── answers ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _standing(upload: UploadRecord) -> Response:
    received = (b"x-goog-upload-size-received", b"%d" % upload.received)
    return Response(b"", headers=[TEXT, (b"x-goog-upload-status", b"active"), received])


def _finished(file: FileRecord) -> Response:
    response = google_json({"file": gemini_file(file)})
    response.headers = [*response.headers, (b"x-goog-upload-status", b"final")]
    return response


def _refused(error: LiftgateError, upload_status: bytes = b"final") -> Response:
    response = error_response(error, GEMINI)
    response.headers = [*response.headers, (b"x-goog-upload-status", upload_status)]
    return response


def _text(status: int, text: str, upload_status: bytes = b"") -> Response:
    headers = [TEXT, (b"x-goog-upload-status", upload_status)] if upload_status else [TEXT]
    return Response(text.encode(), status=status, headers=headers)


# ── headers ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _commands(request: Request) -> set[str]:
    words = request.header(b"x-goog-upload-command").split(",")
    return {word.strip().lower() for word in words if word.strip()}


def _offset(request: Request) -> int:
    return _number(request, b"x-goog-upload-offset", "X-Goog-Upload-Offset")


def _total(request: Request, new: NewFile) -> int | None:
    name = b"x-goog-upload-header-content-length"
    if not request.header(name):
        return new.size
    return _number(request, name, "X-Goog-Upload-Header-Content-Length")


def _number(request: Request, header: bytes, shown: str) -> int:
    number = whole_number(request.header(header))
    if number is None or number == LARGEST:
        raise InvalidRequest(f"The header {shown} must be a number of bytes.", param=shown)
    return number


def _mime_type(declared: str) -> str:
    """Google stores what is well-formed and refuses the rest; what our types know by another spelling comes later."""
    if not declared.isascii() or not declared.isprintable() or len(declared) > 255:
        raise InvalidRequest(f"Unsupported MIME type: {declared[:80]!r}", param="mimeType")
    return declared


def _described(request: Request, body: bytes, mime_type: str) -> NewFile:
    """What the metadata say; the type is `mime_type` where one is given outside of them."""
    metadata = read_metadata(body)
    declared = metadata.mime_type if says_nothing(mime_type) else mime_type
    return replace(metadata, filename=_file_name(request, metadata), mime_type=_mime_type(declared or mime_type))


def _file_name(request: Request, metadata: NewFile) -> str:
    """The header has the name on disk; the JavaScript client writes it in Latin-1, the others in UTF-8, .NET in encoded
    words."""
    name = decoded_name(request.headers.get(b"x-goog-upload-file-name", b"").strip())
    return name or metadata.display_name or bare_file(metadata.alias or "")
