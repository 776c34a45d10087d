"""One file to a gateway: in one piece when it is small, in parts that can be resumed otherwise.

The parts are OpenAI's uploads (docs/protocol/openai.md, "Uploads", 6.4), one after the other and each acknowledged
before the next. A broken connection costs the part that was under way; on a bad line the parts become smaller, and
larger again when it is good.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Protocol, TypeVar
from urllib.parse import quote

from liftgate.backoff import Backoff
from liftgate.clock import SystemClock
from liftgate.errors import FileUnusable, LiftgateError, NotFound, Unavailable
from liftgate.json_types import JsonObject
from liftgate.media_types import OCTET_STREAM
from liftgate.records import NewFile
from liftgate.sdk.remote.gateway_client import FILE, GatewayClient
from liftgate.sdk.remote.gateway_errors import GatewayRefused, SourceChanged, may_pass
from liftgate.sdk.remote.upload_form import Form, send
from liftgate.sdk.remote.upload_source import UploadSource
from liftgate.sdk.remote.upload_state import Unfinished, UploadState, UploadStates

T = TypeVar("T")

MIB = 1024 * 1024
PART, LARGEST_PART, SMALLEST_PART = 16 * MIB, 64 * MIB, MIB // 4
PARTS = 128
"""A file larger than so many parts of 16 MiB has larger ones."""

GOOD_PARTS = 12
"""After so many in a row the parts grow again."""

TRIES = 7
"""Of one part in a row, with growing pauses: half a minute in all."""

PAUSES = Backoff(0.5, 15.0)

REMEMBERED_SECONDS = 3600.0
"""How long a File that was stored and not shown is taken for the one that the same command asks for."""

COMPLETE_SECONDS = 1800.0
"""Putting parts together may read all of them again."""

POLLS = Backoff(0.25, 5.0)
WAIT_SECONDS = 3900.0
"""A little longer than the gateway itself gives a file on its way to Gemini."""


class Transfer(Protocol):
    """Who is notified of how far it is: `at` is the position in bytes, `phase` names what is waited for meanwhile."""

    def at(self, position: int) -> None: ...
    def resumed(self, position: int) -> None: ...
    def phase(self, text: str) -> None: ...


class Silent:
    """Shows nothing."""

    def at(self, position: int) -> None: ...
    def resumed(self, position: int) -> None: ...
    def phase(self, text: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Upload:
    """What is to be done: these bytes, as this file, at that gateway."""

    gateway: GatewayClient
    source: UploadSource
    new: NewFile
    transfer: Transfer

    @property
    def about(self) -> str:
        return self.source.about

    @property
    def identity(self) -> tuple[object, ...] | None:
        """What makes two uploads the same one."""
        file, address, new = self.source.identity, self.gateway.address, self.new
        if file is None:
            return None
        key = hashlib.sha256(address.api_key.encode()).hexdigest()
        return (address.url, key, *file, new.filename, new.purpose, new.models, new.life_seconds)

    async def send(
        self, path: str, form: Form, span: tuple[int, int], has: Sequence[str], seen: Callable[[bytes], object]
    ) -> JsonObject:
        found = await send(self.gateway, path, form, self.source, span, at=self.transfer.at, seen=seen)
        return self.gateway.with_fields(found, has)


async def upload(asked: Upload, states: UploadStates) -> JsonObject:
    """The File object, which is remembered until `states.forget(asked.identity)`. What the gateway has of a large file
    is remembered when it fails. Raises LiftgateError, and OSError where the file cannot be read.
    """
    with states.open(asked.identity, asked.about) as state:
        begun = state.load(SystemClock().now())
        found = None
        if begun is not None:
            try:
                found = await _go_on(asked, state, begun)
            except LiftgateError as refused:
                if not isinstance(refused, NotFound) and refused.param not in ("upload_id", "part_ids"):
                    raise
                # It ended there, or is not known any more: this is a new upload then.
                state.forget()
        if found is None:
            await check_models(asked)
        if found is None and asked.source.size > PART:
            found = await _in_parts(asked, state, await _create(asked))
        elif found is None:
            found = await _whole(asked)
        state.save(Unfinished("", SystemClock().now() + REMEMBERED_SECONDS, str(found["id"])))
        return found


async def check_models(asked: Upload) -> None:
    """Before a byte is sent: raises where the gateway does not serve a model, or Google does not have it."""
    for model in asked.new.models:
        await asked.gateway.ask("GET", f"/models/{quote(model, safe='')}", about=asked.about)


async def _go_on(asked: Upload, state: UploadState, begun: Unfinished) -> JsonObject:
    if begun.file_id:
        asked.transfer.resumed(asked.source.size)
        return await asked.gateway.ask("GET", f"/files/{begun.file_id}", has=FILE, about=asked.about)
    return await _in_parts(asked, state, begun)


async def _in_parts(asked: Upload, state: UploadState, begun: Unfinished) -> JsonObject:
    try:
        return await _Parts(asked, state, begun).go_on()
    except SourceChanged:
        # It cannot be gone on with: the file of that time is not there any more.
        state.forget()
        with suppress(LiftgateError):
            await asked.gateway.ask("POST", f"/uploads/{begun.upload_id}/cancel", {}, about=asked.about)
        raise


async def wait_until_ready(gateway: GatewayClient, found: JsonObject, about: str) -> JsonObject:
    """The File once it is at Gemini. Raises FileUnusable when Gemini refused it, Unavailable when it was given up."""
    polls = POLLS.pauses()
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            while found.get("status") == "uploaded":
                await asyncio.sleep(next(polls))
                found = await gateway.ask("GET", f"/files/{found['id']}", has=FILE, about=about)
    except TimeoutError:
        raise Unavailable(f"{about}: {found['id']} is stored, and is still not at Gemini.") from None
    if found.get("status") == "error":
        raise FileUnusable(f"{about}: {found['id']} is stored, and Gemini refused it: {found.get('status_details')}")
    if found.get("status_details"):
        raise Unavailable(f"{about}: {found['id']} is not at Gemini. {found['status_details']}")
    return found


async def _whole(asked: Upload) -> JsonObject:
    new = asked.new
    fields = {"purpose": new.purpose}
    if new.models:
        fields["target_model_names"] = ",".join(new.models)
    if new.life_seconds is not None:
        fields |= {"expires_after[anchor]": "created_at", "expires_after[seconds]": str(new.life_seconds)}
    form = Form(fields, "file", new)
    digest = hashlib.sha256()
    found = await asked.send("/files", form, (0, asked.source.size), FILE, digest.update)
    await _compare(asked, found, digest.hexdigest())
    return found


async def _compare(asked: Upload, found: JsonObject, sha256: str) -> None:
    """What is stored must be what was read: the ETag of a File's content is its SHA-256. Raises GatewayRefused."""
    path = f"/files/{found['id']}"
    async with asked.gateway.open("HEAD", path + "/content", about=asked.about) as answer:
        stored = answer.headers.get("ETag", "").strip('"')
    if stored != sha256:
        await asked.gateway.ask("DELETE", path, about=asked.about)
        raise GatewayRefused(
            f"{asked.about}: what arrived was not what was sent (SHA-256 differs); it was removed again."
        )


async def _create(asked: Upload) -> Unfinished:
    new = asked.new
    document: JsonObject = {
        "filename": new.filename,
        "purpose": new.purpose,
        "bytes": asked.source.size,
        "mime_type": new.mime_type or OCTET_STREAM,
    }
    if new.life_seconds is not None:
        document["expires_after"] = {"anchor": "created_at", "seconds": new.life_seconds}
    made = await asked.gateway.ask("POST", "/uploads", document, has=("id", "expires_at"), about=asked.about)
    return Unfinished(str(made["id"]), float(made["expires_at"]))


class _Parts:
    """One upload in parts, from where `begun` is to its File."""

    def __init__(self, asked: Upload, state: UploadState, begun: Unfinished) -> None:
        self._asked = asked
        self._state = state
        self._begun = begun
        self._largest = min(max(PART, -(-asked.source.size // PARTS // MIB) * MIB), LARGEST_PART)
        self._size = self._largest
        self._good = 0
        self._hash = hashlib.sha256()

    async def go_on(self) -> JsonObject:
        begun, source = self._begun, self._asked.source
        self._state.save(begun)
        if begun.parts:
            self._asked.transfer.resumed(begun.position)
            async with aclosing(source.read(0, begun.position, self._hash.update)) as pieces:
                async for _ in pieces:
                    pass
        while begun.position < source.size:
            begun.parts.append(await self._patiently(self._part))
            self._state.save(begun)
        done = await self._patiently(self._complete)
        found = self._asked.gateway.with_fields(done["file"], FILE)
        self._state.forget()
        await _compare(self._asked, found, self._hash.hexdigest())
        return found

    async def _part(self) -> tuple[str, int]:
        """(id, bytes) of the next part, which the gateway has."""
        start = self._begun.position
        stop = min(start + self._size, self._asked.source.size)
        digest = self._hash.copy()
        form = Form({}, "data", NewFile("upload"))
        path = f"/uploads/{self._begun.upload_id}/parts"
        made = await self._asked.send(path, form, (start, stop), ("id",), digest.update)
        self._hash = digest
        self._good += 1
        if self._good % GOOD_PARTS == 0:
            self._size = min(self._size * 2, self._largest)
        return str(made["id"]), stop - start

    async def _complete(self) -> JsonObject:
        path = f"/uploads/{self._begun.upload_id}/complete"
        part_ids = [part_id for part_id, _ in self._begun.parts]
        document: JsonObject = {"part_ids": part_ids}
        if self._asked.new.models:
            document["target_model_names"] = list(self._asked.new.models)
        gateway, about = self._asked.gateway, self._asked.about
        return await gateway.ask("POST", path, document, has=("file",), about=about, silence=COMPLETE_SECONDS)

    async def _patiently(self, step: Callable[[], Awaitable[T]]) -> T:
        """The step, again after what may pass. Both steps may be repeated: an unused part belongs to no File."""
        for attempt in range(TRIES - 1):
            try:
                return await step()
            except LiftgateError as failure:
                if not may_pass(failure):
                    raise
                self._good = 0
                self._size = max(self._size // 8, SMALLEST_PART)
                self._asked.transfer.phase("the connection broke, trying again")
                await asyncio.sleep(min(failure.retry_after or PAUSES.pause(attempt), PAUSES.longest))
                self._asked.transfer.phase("")
        return await step()
