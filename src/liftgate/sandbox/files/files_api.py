"""files.get, files.list, files.delete and the download of generated files.

Every file is looked up in the caller's project only; missing, expired and foreign files are one and the same 403.
"""

import base64
import binascii
from collections.abc import AsyncGenerator

from liftgate.sandbox.files.stored_files import StoredFile
from liftgate.sandbox.requests.prompt import usable_file
from liftgate.sandbox.requests.refusals import Refusal, field_wrong, file_forbidden
from liftgate.sandbox.state import SandboxState
from liftgate.sandbox.wire.http import ALT_SVC, VARY, Exchange, Reply, api_reply

PAGE_DEFAULT, PAGE_MOST = 10, 100


def get_file(state: SandboxState, project: str, file_id: str) -> Reply:
    file = usable_file(state, file_id, project, "files.get")
    return api_reply(200, file.resource(state.settings.public_base, state.switches))


def list_files(state: SandboxState, exchange: Exchange, project: str) -> Reply:
    """A page; `nextPageToken` is missing on the last one."""
    text = exchange.query.get("pageSize", exchange.query.get("page_size", "0")) or "0"
    if not text.lstrip("-").isdigit():
        raise Refusal(400, f"Invalid value at 'page_size' (TYPE_INT32), \"{text}\"")
    size = min(int(text), PAGE_MOST) or PAGE_DEFAULT
    if size < 0:
        raise field_wrong("ListFilesRequest.page_size", "page_size must not be negative.")
    token = exchange.query.get("pageToken", exchange.query.get("page_token", ""))
    files, more = state.files.page(project, size, _after(token), newest_first=state.switches.list_order == "newest")
    if not files:
        return api_reply(200, {} if state.switches.list_empty == "{}" else {"files": []})
    body: dict[str, object] = {"files": [file.resource(state.settings.public_base, state.switches) for file in files]}
    if more is not None:
        body["nextPageToken"] = base64.urlsafe_b64encode(b"page-after:%d" % more).decode()
    return api_reply(200, body)


def _after(token: str) -> int | None:
    if not token:
        return None
    try:
        word, _, number = base64.urlsafe_b64decode(token).partition(b":")
        if word == b"page-after":
            return int(number)
    except (binascii.Error, ValueError):
        pass
    raise Refusal(400, "Invalid page token.")


def delete_file(state: SandboxState, project: str, file_id: str) -> Reply:
    file = state.files.find(file_id, project)
    if file is None:
        raise file_forbidden(file_id, state.switches.delete_missing)
    state.files.remove(file)
    return api_reply(200, {})


def redirect_download(state: SandboxState, exchange: Exchange, project: str, version: str, file_id: str) -> Reply:
    """302 to the download server, with Google's odd body."""
    _generated(state, project, file_id)
    place = f"{exchange.origin}/download/{version}/files/{file_id}:download?alt=media"
    return api_reply(302, Refusal(302, "Unknown Error.").body(), ("location", place))


def download(state: SandboxState, exchange: Exchange, project: str, file_id: str) -> Reply:
    file = _generated(state, project, file_id)
    headers = [
        ("content-type", file.mime_type),
        ("x-guploader-uploadid", f"AJjja9{file.sha256[:48]}"),
        ("content-disposition", "attachment"),
        VARY,
        ("content-length", str(file.size)),
        ("expires", state.clock.http_date()),
        ("cache-control", "private, max-age=0"),
        ("x-goog-hash", f"crc32c={base64.b64encode(crc32c(file.path.read_bytes()).to_bytes(4, 'big')).decode()}"),
        ("server", "UploadServer"),
        ALT_SVC,
    ]
    return Reply(200, headers, _content(file))


def _generated(state: SandboxState, project: str, file_id: str) -> StoredFile:
    file = usable_file(state, file_id, project, "files.download")
    if file.source != "GENERATED":
        code = state.switches.download_of_uploaded
        if code == 403:
            raise file_forbidden(file_id)
        raise Refusal(code, f"File {file_id} is not a generated file and cannot be downloaded.")
    return file


async def _content(file: StoredFile) -> AsyncGenerator[bytes, None]:
    with file.path.open("rb") as stream:
        while piece := stream.read(1 << 18):
            yield piece


def crc32c(data: bytes) -> int:
    """Castagnoli's CRC, bit by bit: generated files are small."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF
