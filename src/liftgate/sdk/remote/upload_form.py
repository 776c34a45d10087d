"""One POST of a span of a file's bytes in a form, as they are read from where they are."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing

from liftgate.errors import LiftgateError
from liftgate.json_types import JsonObject
from liftgate.media_types import OCTET_STREAM
from liftgate.records import NewFile
from liftgate.sdk.remote.gateway_client import GatewayClient
from liftgate.sdk.remote.gateway_errors import GatewayUnreachable
from liftgate.sdk.remote.upload_source import UploadSource

STALL_SECONDS = 60.0


class Form:
    """A multipart body with one file, which is the last part, so that its length is known from the headers."""

    def __init__(self, fields: dict[str, str], name: str, new: NewFile) -> None:
        boundary = f"liftgate-{secrets.token_hex(16)}"
        lines = []
        for field, value in fields.items():
            lines += [f"--{boundary}", f'Content-Disposition: form-data; name="{field}"', "", value]
        quoted = new.filename.translate({ord('"'): "%22", ord("\r"): "%0D", ord("\n"): "%0A"})
        lines += [f"--{boundary}", f'Content-Disposition: form-data; name="{name}"; filename="{quoted}"']
        # Without a type the gateway finds it by bytes and name, as for every client.
        lines += [f"Content-Type: {new.mime_type or OCTET_STREAM}", "", ""]
        self.head = "\r\n".join(lines).encode()
        self.tail = f"\r\n--{boundary}--\r\n".encode()
        self.content_type = f"multipart/form-data; boundary={boundary}"


async def send(
    gateway: GatewayClient,
    path: str,
    form: Form,
    source: UploadSource,
    span: tuple[int, int],
    *,
    at: Callable[[int], None],
    seen: Callable[[bytes], object],
) -> JsonObject:
    """Posts the bytes of this span; `at` is called with the position, `seen` with each piece. Raises
    GatewayUnreachable when the gateway stops taking them."""
    start, stop = span
    failed: list[Exception] = []

    async def body() -> AsyncIterator[bytes]:
        position = start
        yield form.head
        try:
            async with aclosing(source.read(start, stop, seen)) as pieces:
                async for piece in pieces:
                    yield piece
                    position += len(piece)
                    at(position)
                    stalled.reschedule(asyncio.get_running_loop().time() + STALL_SECONDS)
            if stop == source.size:
                source.check_unchanged()
        except (LiftgateError, OSError) as failure:
            # Otherwise it would look like a broken connection.
            failed.append(failure)
            raise
        yield form.tail
        # From here on it is the answer that is waited for.
        stalled.reschedule(None)

    length = len(form.head) + stop - start + len(form.tail)
    headers = {"Content-Type": form.content_type, "Content-Length": str(length)}
    try:
        async with (
            asyncio.timeout(STALL_SECONDS) as stalled,
            gateway.open("POST", path, about=source.about, headers=headers, body=body()) as answer,
        ):
            return gateway.decoded(await answer.read())
    except TimeoutError:
        raise GatewayUnreachable(f"{source.about}: {gateway.address.url} takes no more bytes.") from None
    except (GatewayUnreachable, OSError):
        if failed:
            raise failed[0] from None
        raise
