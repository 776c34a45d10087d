"""The multipart upload of docs/protocol/gemini.md, "Multipart upload": metadata and bytes in one `multipart/related`
request.

Read as it comes, so that a large file is not held in memory; only the metadata part and the length of a boundary are.
"""

import re
from collections.abc import AsyncIterator

from liftgate.sandbox.files.filing import file_upload
from liftgate.sandbox.files.uploads import METADATA_LIMIT, open_session
from liftgate.sandbox.requests.refusals import UploadRefusal
from liftgate.sandbox.state import SandboxState
from liftgate.sandbox.wire.http import Exchange, Hangup, Reply

_BOUNDARY = re.compile(r'boundary="?([^";,]+)"?', re.IGNORECASE)
_TYPE = re.compile(rb"(?im)^content-type:\s*([^\r\n]+)")


async def upload(state: SandboxState, exchange: Exchange, key: str, project: str) -> Reply:
    """Metadata first, then the bytes; the answer is that of a finalize."""
    found = _BOUNDARY.search(exchange.headers.get("content-type", ""))
    if found is None:
        raise UploadRefusal(400, "Multipart upload without a boundary.")
    delimiter = b"--" + found.group(1).encode()
    pieces = exchange.pieces()
    metadata, headers, rest = await _opening(pieces, delimiter)
    part_type = _TYPE.search(headers)
    if part_type is not None:
        exchange.headers.setdefault("x-goog-upload-header-content-type", part_type.group(1).decode("latin-1").strip())
    session = open_session(state, exchange, key, project, metadata)
    try:
        closed = False
        tail = rest
        while not closed:
            end = tail.find(b"\r\n" + delimiter)
            if end >= 0:
                await session.spool.append(tail[:end])
                closed = True
                continue
            keep = len(delimiter) + 2
            await session.spool.append(tail[:-keep])
            tail = tail[-keep:]
            piece = await anext(pieces, None)
            if piece is None:
                raise UploadRefusal(400, "The multipart body ends without its closing boundary.")
            tail += piece
            _check_size(state, session.spool.size)
        await exchange.drain()
        await session.spool.flush()
    except (Hangup, UploadRefusal):
        session.end("terminated")
        raise
    finally:
        state.stats.uploaded(session.id, exchange.body_received)
    session.total = None
    return await file_upload(state, session, exchange.plan)


def _check_size(state: SandboxState, size: int) -> None:
    if size > state.settings.max_file_bytes:
        raise UploadRefusal(400, f"The file exceeds the maximum of {state.settings.max_file_bytes} bytes.")


async def _opening(pieces: AsyncIterator[bytes], delimiter: bytes) -> tuple[bytes, bytes, bytes]:
    """(metadata, headers of the second part, the first of its bytes)."""
    buffer = b""
    async for piece in pieces:
        buffer += piece
        parts = buffer.split(delimiter, 2)
        if len(parts) == 3 and b"\r\n\r\n" in parts[2]:
            metadata = parts[1].partition(b"\r\n\r\n")[2].rstrip(b"\r\n")
            headers, _, rest = parts[2].partition(b"\r\n\r\n")
            return metadata, headers, rest
        if len(buffer) > METADATA_LIMIT + len(piece):
            break
    raise UploadRefusal(400, "The multipart body has no metadata part and media part.")
