"""A gateway as the SDK's engine: files go up in parts that another run can go on with, and chats are asked there."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from types import TracebackType
from typing import Generic, Self, TypeVar
from urllib.parse import quote, urlencode

import aiohttp

from liftgate.clock import SystemClock
from liftgate.dialects.openai_files import read_models
from liftgate.errors import InvalidRequest, MissingParameter, UpstreamTimeout
from liftgate.json_types import JsonMapping, JsonObject, loaded
from liftgate.records import NewFile
from liftgate.sdk.calls import RETRIES, TIMEOUT, Call, check_provider
from liftgate.sdk.engine import ChunkSource, EventSource, Listing, Source, StoredFile
from liftgate.sdk.file_input import FileTypes, local_path, open_input
from liftgate.sdk.remote.downloading import RemoteBytes, file_path
from liftgate.sdk.remote.gateway_client import FILE, Address, GatewayClient, encoded
from liftgate.sdk.remote.gateway_errors import GatewayRefused, in_stream
from liftgate.sdk.remote.upload_source import GivenBytes, LocalFile, UploadSource
from liftgate.sdk.remote.upload_state import UploadStates, state_dir
from liftgate.sdk.remote.uploading import Silent, Upload, upload
from liftgate.sdk.response_results import ENDS, DeleteResponseResult, ResponsesAPIResponse, ResponsesEvent
from liftgate.sdk.results import FileDeleted, FileList, FileObject, ModelResponse, ModelResponseStream, Result
from liftgate.sdk.retry import Attempts
from liftgate.sse import EventDecoder

E = TypeVar("E", bound=Result)


class RemoteEngine:
    """`defaults` fill in what a call does not say. Which gateway it is, and the key, are the client's."""

    def __init__(self, address: Address, defaults: Call) -> None:
        self._gateway = GatewayClient(address, defaults.headers)
        self._defaults = defaults
        self._clock = SystemClock()
        self._states = UploadStates(state_dir(os.environ))

    async def __aenter__(self) -> Self:
        await self._gateway.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._gateway.__aexit__(kind, error, trace)

    # ── files ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def create_file(self, file: FileTypes, new: NewFile, call: Call) -> FileObject:
        call = self._settled(call, body=True)
        models = _models(call.body)
        async with open_input(file) as given:
            path = local_path(file)
            source: UploadSource = GivenBytes(given.filename, given.source)
            if path is not None and await asyncio.to_thread(path.is_file):
                source = await asyncio.to_thread(LocalFile.from_path, path)
            new = replace(new, filename=given.filename, mime_type=given.mime_type, size=source.size, models=models)
            asked = Upload(self._gateway, source, new, Silent())
            async with _limit(call.timeout):
                found = await upload(asked, self._states)
            self._states.forget(asked.identity)
        return FileObject(**found)

    async def retrieve_file(self, file_id: str, call: Call) -> FileObject:
        return FileObject(**await self._ask("GET", file_path(file_id), self._settled(call), has=FILE))

    async def list_files(self, listing: Listing, call: Call) -> FileList:
        asked = {
            "purpose": listing.purpose,
            "limit": listing.limit,
            "after": listing.after,
            "order": listing.order,
        }
        query = urlencode({name: value for name, value in asked.items() if value is not None})
        return FileList(**await self._ask("GET", f"/files?{query}", self._settled(call), has=("data",)))

    async def delete_file(self, file_id: str, call: Call) -> FileDeleted:
        return FileDeleted(**await self._ask("DELETE", file_path(file_id), self._settled(call), has=("id",)))

    async def open_file(self, file_id: str, call: Call) -> StoredFile:
        call = self._settled(call)
        found = await self._ask("GET", file_path(file_id), call, has=FILE)
        path, (_, timeout) = file_path(file_id) + "/content", self._attempts(call)
        async with _limit(timeout), self._gateway.open("HEAD", path, about=file_id, silence=timeout) as answer:
            mime_type, etag = answer.headers.get("Content-Type", ""), answer.headers.get("ETag", "")
        return StoredFile(
            str(found["filename"]), mime_type, RemoteBytes(self._gateway, file_id, int(found["bytes"]), etag)
        )

    # ── chat ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def chat(self, request: JsonObject, call: Call) -> ModelResponse | ChunkSource:
        call = self._settled(call)
        if request.get("stream"):
            return await self._stream("/chat/completions", request, call, ModelResponseStream)
        return ModelResponse(**await self._ask("POST", "/chat/completions", call, request, has=("choices",)))

    async def respond(self, request: JsonObject, call: Call) -> ResponsesAPIResponse | EventSource:
        call = self._settled(call)
        if request.get("stream"):
            return await self._stream("/responses", request, call, ResponsesEvent)
        return ResponsesAPIResponse(**await self._ask("POST", "/responses", call, request, has=("output",)))

    async def retrieve_response(self, response_id: str, call: Call) -> ResponsesAPIResponse:
        found = await self._ask("GET", _response_path(response_id), self._settled(call), has=("output",))
        return ResponsesAPIResponse(**found)

    async def delete_response(self, response_id: str, call: Call) -> DeleteResponseResult:
        return DeleteResponseResult(**await self._ask("DELETE", _response_path(response_id), self._settled(call)))

    async def _stream(self, path: str, request: JsonObject, call: Call, kind: type[E]) -> Source[E]:
        attempts, timeout = self._attempts(call)
        stream = _Pieces(self._gateway, path, encoded(request), timeout, kind)
        try:
            async with _limit(timeout):
                await attempts.run(stream.begin)
        except BaseException:
            await stream.close()
            raise
        return stream

    async def count_tokens(self, request: JsonObject, call: Call) -> int:
        call = self._settled(call)
        counted = await self._ask("POST", "/chat/completions/input_tokens", call, request, has=("input_tokens",))
        return int(counted["input_tokens"])

    # ── calls ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _settled(self, call: Call, *, body: bool = False) -> Call:
        """The call with the client's defaults. InvalidRequest names what one call may not say."""
        check_provider(call.provider)
        refused = {
            "api_key": call.api_key,
            "api_base": call.api_base,
            "extra_headers": call.headers,
            "extra_body": None if body else call.body,
        }
        for name, value in refused.items():
            if value is not None and value != {}:
                raise InvalidRequest(
                    f"{name!r} cannot be given to one call of a gateway; give it to Liftgate(base_url=…).", param=name
                )
        return call.over(self._defaults)

    def _attempts(self, call: Call) -> tuple[Attempts, float]:
        timeout = TIMEOUT if call.timeout is None else call.timeout
        retries = RETRIES if call.retries is None else call.retries
        return Attempts(self._clock, retries=retries, deadline=self._clock.monotonic() + timeout), timeout

    async def _ask(
        self, method: str, path: str, call: Call, document: JsonMapping | None = None, *, has: Sequence[str] = ()
    ) -> JsonObject:
        attempts, timeout = self._attempts(call)
        async with _limit(timeout):
            return await attempts.run(lambda: self._gateway.ask(method, path, document, has=has, silence=timeout))


class _Pieces(Generic[E]):
    """A `Source` over the gateway's server-sent events. `kind`: what each is."""

    def __init__(self, gateway: GatewayClient, path: str, body: bytes, silence: float, kind: type[E]) -> None:
        self._gateway = gateway
        self._path = path
        self._kind = kind
        self._body = body
        self._silence = silence
        self._stack = AsyncExitStack()
        self._answer: aiohttp.ClientResponse | None = None
        self._decoder = EventDecoder()
        self._done = False

    async def begin(self) -> None:
        opening = self._gateway.open(
            "POST",
            self._path,
            headers={"Content-Type": "application/json"},
            body=self._body,
            silence=self._silence,
        )
        self._answer = await self._stack.enter_async_context(opening)

    async def batch(self) -> list[E]:
        if self._answer is None or self._done:
            await self.close()
            return []
        pieces: list[E] = []
        while not pieces and not self._done:
            try:
                piece = await self._answer.content.readany()
            except (aiohttp.ClientError, TimeoutError) as error:
                raise self._gateway.unreachable(error) from error
            if not piece:
                raise self._gateway.unreachable(ConnectionResetError())
            pieces = self._pieces(piece)
        return pieces

    def _pieces(self, piece: bytes) -> list[E]:
        pieces: list[E] = []
        for event in self._decoder.feed(piece):
            if event == b"[DONE]":
                self._done = True
                break
            try:
                body = loaded(event)
            except ValueError:
                raise GatewayRefused("The gateway's stream holds what is no JSON.") from None
            if error := in_stream(body):
                raise error
            pieces.append(self._kind(**body))
            # A stream of Responses has no [DONE] behind its last event.
            self._done = self._done or body.get("type") in ENDS
        return pieces

    async def close(self) -> None:
        self._done = True
        await self._stack.aclose()


def _response_path(response_id: str) -> str:
    if not response_id:
        raise MissingParameter("response_id")
    return f"/responses/{quote(response_id, safe='')}"


@asynccontextmanager
async def _limit(timeout: float | None) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(timeout):
            yield
    except TimeoutError as error:
        raise UpstreamTimeout(f"Not done within the timeout of {timeout:g} s.") from error


def _models(body: JsonMapping) -> tuple[str, ...]:
    if unknown := sorted(set(body) - {"target_model_names"}):
        raise InvalidRequest(f"'extra_body' has no {unknown[0]!r}; it may have target_model_names.", param=unknown[0])
    return read_models(body.get("target_model_names"))
