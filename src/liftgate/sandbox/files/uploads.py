"""The upload server: `POST /upload/{version}/files`, resumable and multipart.

Speaks the protocol of docs/protocol/gemini.md, "Resumable upload", "Multipart upload". Data requests need no key: the
session id is the credential. Where Google's behaviour is not known, a switch of `Unverified` decides.
"""

import re

from liftgate.sandbox.files.filing import file_upload, final_reply
from liftgate.sandbox.files.spool import Spool
from liftgate.sandbox.files.upload_sessions import UploadSession, new_upload_id
from liftgate.sandbox.media import media_types
from liftgate.sandbox.requests.refusals import Refusal, UploadRefusal, storage_full
from liftgate.sandbox.state import SandboxState
from liftgate.sandbox.wire.http import JSON_TYPE, TEXT, VARY, Exchange, Hangup, Reply, upload_reply
from liftgate.sandbox.wire.json_types import JsonObject
from liftgate.sandbox.wire.strict_json import parse_request

FILE_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
METADATA_LIMIT = 1 << 20


def commands_of(exchange: Exchange) -> tuple[str, ...]:
    """The words of X-Goog-Upload-Command."""
    text = exchange.headers.get("x-goog-upload-command", "")
    return tuple(word.strip().lower() for word in text.split(",") if word.strip())


def operation_of(exchange: Exchange) -> str:
    """The name under which faults and counters know this upload request."""
    commands = commands_of(exchange)
    if "upload_id" in exchange.query:
        for word, operation in (
            ("finalize", "upload.finalize"),
            ("query", "upload.query"),
            ("cancel", "upload.cancel"),
        ):
            if word in commands:
                return operation
        return "upload.chunk"
    if exchange.headers.get("x-goog-upload-protocol", "").lower() == "multipart" or exchange.headers.get(
        "content-type", ""
    ).startswith("multipart/"):
        return "upload.multipart"
    return "upload.start"


async def start(state: SandboxState, exchange: Exchange, key: str, project: str) -> Reply:
    """`start`: checks what can be checked now, and opens a session on the caller's own origin."""
    protocol = exchange.headers.get("x-goog-upload-protocol", "").lower()
    if protocol != "resumable" or commands_of(exchange) != ("start",):
        raise UploadRefusal(400, "Invalid upload request: expected X-Goog-Upload-Protocol resumable and command start.")
    body = await exchange.body(METADATA_LIMIT)
    if body is None:
        raise UploadRefusal(400, "The metadata is too large.")
    session = open_session(state, exchange, key, project, body)
    url = f"{exchange.origin}{exchange.path}?upload_id={session.id}&upload_protocol=resumable"
    if "key" in exchange.query:
        url += f"&key={exchange.query['key']}"
    return upload_reply(
        200,
        b"",
        TEXT,
        ("x-guploader-uploadid", session.id),
        ("x-goog-upload-status", "active"),
        ("x-goog-upload-url", url),
        ("x-goog-upload-control-url", url),
        ("x-goog-upload-chunk-granularity", str(state.settings.granularity)),
        ("x-goog-upload-header-content-type", JSON_TYPE),
        ("x-goog-upload-header-vary", VARY[1]),
        (
            "x-goog-upload-header-x-google-esf-cloud-client-params",
            'backend_service_name: "generativelanguage.googleapis.com" backend_fully_qualified_method: '
            '"google.ai.generativelanguage.v1beta.FileService.CreateFile"',
        ),
        ("x-goog-upload-header-x-google-session-info", "GgQYECgLIAE6IxIhc2FuZGJveA=="),
        ("x-goog-upload-header-x-google-backends", "unix:sandbox"),
        ("x-goog-upload-header-x-google-security-signals", "FRAMEWORK=ONE_PLATFORM,ENV=sandbox"),
        ("x-goog-upload-header-x-google-gfe-backend-request-cost", "29.4115"),
    )


def open_session(state: SandboxState, exchange: Exchange, key: str, project: str, body: bytes) -> UploadSession:
    """A checked session for a start or multipart request with this metadata."""
    wanted: JsonObject = parse_request(body or b"{}", "CreateFileRequest").get("file", {})
    mime_type = exchange.headers.get("x-goog-upload-header-content-type") or wanted.get("mimeType", "")
    if state.switches.mime_checked_at_upload and mime_type and not media_types.storable(mime_type):
        raise Refusal(400, f"Unsupported MIME type: {mime_type}")
    custom_id = _custom_id(wanted.get("name", ""))
    display_name = wanted.get("displayName", "")
    if not display_name and state.switches.file_name_header:
        display_name = exchange.headers.get("x-goog-upload-file-name", "")
    if len(display_name) > 512:
        raise Refusal(400, "* CreateFileRequest.file.display_name: must be at most 512 characters.\n")
    total = _announced_length(state, exchange)
    if state.switches.quota_checked_at == "start" and (total or 0) > state.files.room(project):
        raise storage_full(state.settings.quota_bytes)
    upload_id = new_upload_id()
    session = UploadSession(
        id=upload_id,
        key=key,
        project=project,
        mime_type=mime_type or "application/octet-stream",
        display_name=display_name,
        custom_id=custom_id if state.switches.custom_name_honoured else "",
        total=total,
        spool=Spool(state.directory / f"upload-{upload_id[6:38]}", state.settings.granularity),
    )
    state.keep(session)
    return session


def _custom_id(name: str) -> str:
    if not name:
        return ""
    file_id = name.removeprefix("files/")
    if not name.startswith("files/") or not FILE_ID.fullmatch(file_id):
        raise Refusal(
            400,
            "* CreateFileRequest.file.name: must be 'files/' and up to 40 lowercase alphanumeric characters or dashes; "
            "it must not begin or end with a dash.\n",
        )
    return file_id


def _announced_length(state: SandboxState, exchange: Exchange) -> int | None:
    text = exchange.headers.get("x-goog-upload-header-content-length")
    if text is None:
        if state.switches.unknown_total == "400" and operation_of(exchange) == "upload.start":
            raise UploadRefusal(400, "Missing X-Goog-Upload-Header-Content-Length.")
        return None
    if not text.isdigit():
        raise UploadRefusal(400, "Invalid X-Goog-Upload-Header-Content-Length.")
    if int(text) > state.settings.max_file_bytes:
        raise Refusal(400, f"The file size {text} exceeds the maximum of {state.settings.max_file_bytes} bytes.")
    return int(text)


async def data(state: SandboxState, exchange: Exchange, session: UploadSession) -> Reply:
    """One of upload, finalize, query, cancel on a session."""
    commands = commands_of(exchange)
    known = {"upload", "finalize"} if commands and commands[0] in ("upload", "finalize") else {"query", "cancel"}
    if not commands or not set(commands) <= known or (commands[0] in ("query", "cancel") and len(commands) > 1):
        raise UploadRefusal(400, f"Unknown upload command: {', '.join(commands)}")
    if "upload" not in commands:
        await exchange.drain()
    turn = await session.take_turn(state.switches.chunk_kept_after_cut)
    if exchange.plan.first("terminated") is not None and session.state == "active":
        session.end("terminated")
    if commands == ("query",):
        return _query(state, session)
    if commands == ("cancel",):
        return _cancel(state, session)
    if session.state == "final" and "finalize" in commands and state.switches.finalize_resend == "body":
        await exchange.drain()
        return final_reply(session)
    if session.state == "cancelled":
        raise UploadRefusal(410, "Upload has been cancelled.", "cancelled")
    if session.state != "active":
        raise _terminated(state)
    if "upload" in commands:
        await _receive(state, exchange, session, turn, last="finalize" in commands)
    elif _offset(exchange, session.spool.size) != session.spool.size:
        raise _wrong_offset(state, session, _offset(exchange, session.spool.size))
    if "finalize" not in commands:
        return upload_reply(200, b"", TEXT, ("x-goog-upload-status", "active"), ("x-guploader-uploadid", session.id))
    return await file_upload(state, session, exchange.plan)


def _terminated(state: SandboxState) -> UploadRefusal:
    header = "final" if state.switches.terminated_header == "final" else ""
    return UploadRefusal(400, "Upload has already been terminated.", header)


def _wrong_offset(state: SandboxState, session: UploadSession, offset: int) -> UploadRefusal:
    header = "active" if state.switches.wrong_offset_header == "active" else ""
    text = f"Invalid offset: expected {session.spool.size}, got {offset}"
    return UploadRefusal(state.switches.wrong_offset_status, text, header)


def _offset(exchange: Exchange, default: int) -> int:
    text = exchange.headers.get("x-goog-upload-offset")
    if text is None:
        return default
    if not text.isdigit():
        raise UploadRefusal(400, "Invalid X-Goog-Upload-Offset.")
    return int(text)


def _query(state: SandboxState, session: UploadSession) -> Reply:
    if not state.switches.query_supported:
        raise UploadRefusal(400, "Unknown upload command: query")
    if session.state == "cancelled":
        raise UploadRefusal(410, "Upload has been cancelled.", "cancelled")
    if session.state == "terminated":
        raise _terminated(state)
    if session.state == "final":
        if state.switches.query_final_returns_body:
            return final_reply(session)
        return upload_reply(200, b"", TEXT, ("x-goog-upload-status", "final"))
    return upload_reply(
        200,
        b"",
        TEXT,
        ("x-goog-upload-status", "active"),
        ("x-goog-upload-size-received", str(session.spool.size)),
        ("x-guploader-uploadid", session.id),
    )


def _cancel(state: SandboxState, session: UploadSession) -> Reply:
    if session.state == "final":
        raise UploadRefusal(400, "Upload has already been finalized.")
    if session.state == "terminated":
        raise _terminated(state)
    if session.state == "active":
        session.end("cancelled")
    return upload_reply(state.switches.cancel_status, b"", TEXT, ("x-goog-upload-status", "cancelled"))


async def _receive(state: SandboxState, exchange: Exchange, session: UploadSession, turn: int, *, last: bool) -> None:
    """Keep the body of an `upload`; what stays when the connection breaks is a switch."""
    size = session.spool.size
    offset = _offset(exchange, 0)
    if offset > size or (offset < size and state.switches.resent_bytes == "refuse"):
        raise _wrong_offset(state, session, offset)
    granularity = state.settings.granularity
    strict = not last and state.switches.misaligned_chunk == "400"
    if strict and (exchange.content_length or 0) % granularity:
        raise _misaligned(exchange.content_length or 0, granularity)
    limit = state.settings.max_file_bytes if session.total is None else session.total
    if offset + (exchange.content_length or 0) > limit:
        session.end("terminated")
        raise UploadRefusal(400, f"Upload exceeds the announced size of {limit} bytes.", "final")
    skip = size - offset
    session.spool.begin_chunk()
    session.in_chunk = True
    try:
        async for piece in exchange.pieces():
            async with session.lock:
                if session.turn != turn or session.state != "active":
                    raise Hangup("another request took the session over")
                await session.spool.append(piece[skip:] if skip else piece)
            skip = max(0, skip - len(piece))
            if session.spool.size > limit:
                session.end("terminated")
                raise UploadRefusal(400, f"Upload exceeds the announced size of {limit} bytes.", "final")
        async with session.lock:
            if session.turn != turn:
                raise Hangup("another request took the session over")
            await session.spool.flush()
            if strict and exchange.body_received % granularity:
                await session.settle("none")
                raise _misaligned(exchange.body_received, granularity)
            session.in_chunk = False
    except Hangup:
        async with session.lock:
            if session.turn == turn:
                await session.settle(state.switches.chunk_kept_after_cut)
        raise
    finally:
        state.stats.uploaded(session.id, exchange.body_received)


def _misaligned(size: int, granularity: int) -> UploadRefusal:
    return UploadRefusal(400, f"Chunk size {size} is not a multiple of granularity {granularity}", "active")
