"""One file from this machine to the gateway: in one piece when it is small, in parts that can be resumed otherwise.

The parts are OpenAI's uploads (OPENAI.md 2, 6.4), one after the other and each acknowledged before the next. A broken
connection costs the part that was under way; on a bad line the parts become smaller, and larger again when it is good.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from liftgate.cli.chat.models import check_models
from liftgate.cli.failures import Failure, Refused, Unreachable
from liftgate.cli.files.local_file import Changed, LocalFile
from liftgate.cli.files.progress import Transfer
from liftgate.cli.files.upload_state import Unfinished, UploadState, UploadStates
from liftgate.cli.remote import Remote
from liftgate.clock import SystemClock
from liftgate.media_types import OCTET_STREAM

T = TypeVar("T")

MIB = 1024 * 1024
PART, LARGEST_PART, SMALLEST_PART = 16 * MIB, 64 * MIB, MIB // 4
PARTS = 128
"""A file larger than so many parts of 16 MiB has larger ones."""

GOOD_PARTS = 12
"""After so many in a row the parts grow again."""

TRIES = 7
"""Of one part in a row, with growing pauses: half a minute in all."""

LONGEST_PAUSE = 15.0

REMEMBERED_SECONDS = 3600.0
"""How long a File that was stored and not told is taken for the one that the same command asks for."""

STALL_SECONDS = 60.0
COMPLETE_SECONDS = 1800.0
"""Putting parts together may read all of them again."""

POLL_SECONDS = (0.3, 5.0)
WAIT_SECONDS = 3900.0
"""A little longer than the gateway itself gives a file on its way to Gemini."""

PASSING = frozenset({408, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for besides the bytes. `expires_after`: seconds."""

    purpose: str = "user_data"
    models: tuple[str, ...] = ()
    expires_after: int | None = None


async def upload(
    remote: Remote, file: LocalFile, wish: Wish, transfer: Transfer, states: UploadStates
) -> dict[str, Any]:
    """The File object, which is remembered until `states.forget(identity_of(…))`. Raises Failure; what the gateway has
    of a large file is remembered then.
    """
    with states.of(identity_of(remote, file, wish), file.path) as state:
        begun = state.load(SystemClock().now())
        found = None
        if begun is not None:
            try:
                found = await _go_on(remote, file, wish, transfer, state, begun)
            except Refused as refused:
                if refused.status != 404 and refused.param not in ("upload_id", "part_ids"):
                    raise
                # It ended there, or is not known any more: this is a new upload then.
                state.forget()
        if found is None:
            await check_models(remote, wish.models, str(file.path))
        if found is None and file.size > PART:
            begun = await _create(remote, file, wish)
            found = await _in_parts(remote, file, wish, transfer, state, begun)
        elif found is None:
            found = await _whole(remote, file, wish, transfer)
        state.save(Unfinished(str(file.real), "", SystemClock().now() + REMEMBERED_SECONDS, str(found["id"])))
        return found


def identity_of(remote: Remote, file: LocalFile, wish: Wish) -> tuple[object, ...]:
    """What makes two uploads the same one."""
    return (
        *(remote.address.url, hashlib.sha256(remote.address.api_key.encode()).hexdigest()),
        *(file.real, file.size, file.mtime_ns, wish.purpose, wish.models, wish.expires_after),
    )


async def _go_on(
    remote: Remote, file: LocalFile, wish: Wish, transfer: Transfer, state: UploadState, begun: Unfinished
) -> dict[str, Any]:
    if begun.file_id:
        transfer.resumed(file.size)
        return await remote.ask("GET", f"/files/{begun.file_id}", about=str(file.path))
    return await _in_parts(remote, file, wish, transfer, state, begun)


async def _in_parts(
    remote: Remote, file: LocalFile, wish: Wish, transfer: Transfer, state: UploadState, begun: Unfinished
) -> dict[str, Any]:
    try:
        return await _Parts(remote, file, wish, transfer, state, begun).go_on()
    except Changed:
        # Nobody will go on with it: the file of that time is not there any more.
        state.forget()
        with suppress(Failure):
            await remote.ask("POST", f"/uploads/{begun.upload_id}/cancel", {}, about=str(file.path))
        raise


async def wait_until_ready(remote: Remote, found: dict[str, Any], name: str) -> dict[str, Any]:
    """The File once it is at Gemini. Raises Refused when Gemini refused it, Failure when it was given up."""
    pause, last = POLL_SECONDS
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            while found.get("status") == "uploaded":
                await asyncio.sleep(pause)
                pause = min(pause * 1.5, last)
                found = await remote.ask("GET", f"/files/{found['id']}", about=name)
    except TimeoutError:
        raise Failure(f"{name}: {found['id']} is stored, and is still not at Gemini.") from None
    if found.get("status") == "error":
        raise Refused(200, f"{name}: {found['id']} is stored, and Gemini refused it: {found.get('status_details')}")
    if found.get("status_details"):
        raise Failure(f"{name}: {found['id']} is not at Gemini. {found['status_details']}")
    return found


async def _whole(remote: Remote, file: LocalFile, wish: Wish, transfer: Transfer) -> dict[str, Any]:
    fields = {"purpose": wish.purpose}
    if wish.models:
        fields["target_model_names"] = ",".join(wish.models)
    if wish.expires_after is not None:
        fields |= {"expires_after[anchor]": "created_at", "expires_after[seconds]": str(wish.expires_after)}
    form = _Form(fields, "file", file.name)
    digest = hashlib.sha256()
    found = await _send(remote, "/files", form, file, (0, file.size), transfer, digest.update)
    await _compare(remote, file, found, digest.hexdigest())
    return found


async def _compare(remote: Remote, file: LocalFile, found: dict[str, Any], sha256: str) -> None:
    """What is stored must be what was read: the ETag of a File's content is its SHA-256. Raises Failure."""
    path = f"/files/{found['id']}"
    async with remote.open("HEAD", path + "/content", about=str(file.path)) as answer:
        stored = answer.headers.get("ETag", "").strip('"')
    if stored != sha256:
        await remote.ask("DELETE", path, about=str(file.path))
        raise Failure(f"{file.path}: what arrived was not what was sent (SHA-256 differs); it was removed again.")


async def _create(remote: Remote, file: LocalFile, wish: Wish) -> Unfinished:
    document: dict[str, Any] = {
        "filename": file.name,
        "purpose": wish.purpose,
        "bytes": file.size,
        "mime_type": OCTET_STREAM,
    }
    if wish.expires_after is not None:
        document["expires_after"] = {"anchor": "created_at", "seconds": wish.expires_after}
    made = await remote.ask("POST", "/uploads", document, about=str(file.path))
    return Unfinished(str(file.real), str(made["id"]), float(made["expires_at"]))


class _Parts:
    """One upload in parts, from where `begun` is to its File."""

    def __init__(
        self,
        remote: Remote,
        file: LocalFile,
        wish: Wish,
        transfer: Transfer,
        state: UploadState,
        begun: Unfinished,
    ) -> None:
        self._remote = remote
        self._file = file
        self._wish = wish
        self._transfer = transfer
        self._state = state
        self._begun = begun
        self._largest = min(max(PART, -(-file.size // PARTS // MIB) * MIB), LARGEST_PART)
        self._size = self._largest
        self._good = 0
        self._hash = hashlib.sha256()

    async def go_on(self) -> dict[str, Any]:
        begun, file = self._begun, self._file
        self._state.save(begun)
        if begun.parts:
            self._transfer.resumed(begun.position)
            async with aclosing(file.read(0, begun.position, self._hash.update)) as pieces:
                async for _ in pieces:
                    pass
        while begun.position < file.size:
            begun.parts.append(await self._patiently(self._part))
            self._state.save(begun)
        done = await self._patiently(self._complete)
        found: dict[str, Any] = done["file"]
        self._state.forget()
        await _compare(self._remote, file, found, self._hash.hexdigest())
        return found

    async def _part(self) -> tuple[str, int]:
        """(id, bytes) of the next part, which the gateway has."""
        start = self._begun.position
        stop = min(start + self._size, self._file.size)
        digest = self._hash.copy()
        form = _Form({}, "data", "upload")
        path = f"/uploads/{self._begun.upload_id}/parts"
        made = await _send(self._remote, path, form, self._file, (start, stop), self._transfer, digest.update)
        self._hash = digest
        self._good += 1
        if self._good % GOOD_PARTS == 0:
            self._size = min(self._size * 2, self._largest)
        return str(made["id"]), stop - start

    async def _complete(self) -> dict[str, Any]:
        path = f"/uploads/{self._begun.upload_id}/complete"
        part_ids = [part_id for part_id, _ in self._begun.parts]
        document: dict[str, Any] = {"part_ids": part_ids}
        if self._wish.models:
            document["target_model_names"] = list(self._wish.models)
        return await self._remote.ask("POST", path, document, about=str(self._file.path), silence=COMPLETE_SECONDS)

    async def _patiently(self, step: Callable[[], Awaitable[T]]) -> T:
        """The step, again after what may pass. Both steps may be repeated: an unused part is nobody's."""
        for attempt in range(1, TRIES):
            try:
                return await step()
            except (Refused, Unreachable) as failure:
                if isinstance(failure, Refused) and failure.status not in PASSING:
                    raise
                self._good = 0
                self._size = max(self._size // 8, SMALLEST_PART)
                self._transfer.phase("the connection broke, trying again")
                waiting = failure.retry_after if isinstance(failure, Refused) else None
                await asyncio.sleep(min(waiting or 0.2 * 3 ** (attempt - 1), LONGEST_PAUSE))
                self._transfer.phase("")
        return await step()


class _Form:
    """A multipart body with one file, which is the last part, so that its length is known from the headers."""

    def __init__(self, fields: dict[str, str], name: str, filename: str) -> None:
        boundary = f"liftgate-{secrets.token_hex(16)}"
        lines = []
        for field, value in fields.items():
            lines += [f"--{boundary}", f'Content-Disposition: form-data; name="{field}"', "", value]
        quoted = filename.translate({ord('"'): "%22", ord("\r"): "%0D", ord("\n"): "%0A"})
        lines += [f"--{boundary}", f'Content-Disposition: form-data; name="{name}"; filename="{quoted}"']
        # What it is the gateway tells from its bytes and its name, as for every client.
        lines += [f"Content-Type: {OCTET_STREAM}", "", ""]
        self.head = "\r\n".join(lines).encode()
        self.tail = f"\r\n--{boundary}--\r\n".encode()
        self.content_type = f"multipart/form-data; boundary={boundary}"


async def _send(
    remote: Remote,
    path: str,
    form: _Form,
    file: LocalFile,
    span: tuple[int, int],
    transfer: Transfer,
    seen: Callable[[bytes], object],
) -> dict[str, Any]:
    """Posts these bytes of the file. Raises Unreachable when the gateway stops taking them."""
    start, stop = span
    failed: list[Failure] = []

    async def body() -> AsyncIterator[bytes]:
        position = start
        yield form.head
        try:
            async with aclosing(file.read(start, stop, seen)) as pieces:
                async for piece in pieces:
                    yield piece
                    position += len(piece)
                    transfer.at(position)
                    stalled.reschedule(asyncio.get_running_loop().time() + STALL_SECONDS)
            if stop == file.size:
                file.check_unchanged()
        except Failure as failure:
            # It would be told as a broken connection otherwise.
            failed.append(failure)
            raise
        yield form.tail
        # From here on it is the answer that is waited for.
        stalled.reschedule(None)

    length = len(form.head) + stop - start + len(form.tail)
    headers = {"Content-Type": form.content_type, "Content-Length": str(length)}
    about = str(file.path)
    try:
        async with (
            asyncio.timeout(STALL_SECONDS) as stalled,
            remote.open("POST", path, about=about, headers=headers, body=body()) as answer,
        ):
            return remote.decoded(await answer.read())
    except TimeoutError:
        raise Unreachable(f"{about}: {remote.address.url} takes no more bytes.") from None
    except Unreachable:
        if failed:
            raise failed[0] from None
        raise
