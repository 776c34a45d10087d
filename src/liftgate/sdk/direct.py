"""The SDK without a gateway: straight to Gemini, nothing kept. A file's id is Gemini's URI and lives for 48 hours.

What only a kept file can do (its bytes back, another expiry, another key) is refused in words that say where it can be
had. `Direct` is an `engine.Engine`; it remembers which files are ACTIVE, so that a second chat asks nothing more.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from itertools import count
from types import TracebackType
from typing import Self, TypeVar

from liftgate.ask.media import Media, MediaFound, ResolvedFile
from liftgate.ask.suspects import inline_suspects, named
from liftgate.backoff import POLLS, POLLS_WITHOUT_STATE, YOUNG_PAUSES, YOUNG_SECONDS
from liftgate.clock import Clock, SystemClock
from liftgate.errors import (
    FileNotReady,
    FileUnusable,
    InvalidRequest,
    LiftgateError,
    UnsupportedParameter,
    UpstreamFileLost,
    UpstreamTimeout,
)
from liftgate.gemini.client import GeminiClient
from liftgate.gemini.files import GeminiFile
from liftgate.gemini.status import lost_file
from liftgate.json_types import JsonObject
from liftgate.records import NewFile
from liftgate.sdk import direct_media
from liftgate.sdk.calls import Call, connect
from liftgate.sdk.direct_call import DirectCall, P, Q, R, RecentSignatures
from liftgate.sdk.direct_failures import FileOutOfReach, for_caller
from liftgate.sdk.direct_files import PURPOSE, file_name, file_object, file_suspects, file_type, is_file_name, page_of
from liftgate.sdk.engine import ChunkSource, EventSource, Listing, Source, StoredFile
from liftgate.sdk.file_input import FileTypes, open_input
from liftgate.sdk.forms import Form, chat_form
from liftgate.sdk.response_results import DeleteResponseResult, ResponsesAPIResponse
from liftgate.sdk.results import FileDeleted, FileList, FileObject, ModelResponse
from liftgate.sdk.retry import Attempts, Exchange

T = TypeVar("T")

PAGE_SIZE = 100
REMEMBERED = 10_000
MARGIN = 60.0
"""Seconds before a remembered file's end from which it is asked for again."""
FOREVER = 366 * 86_400.0
_NEEDS_STATE = "cannot be used here, where nothing is kept: use a gateway, or Liftgate(data_dir=…)."


class Direct:
    """`defaults` fill in what a call does not say; `environ` is read at each call."""

    def __init__(self, defaults: Call, environ: Mapping[str, str], clock: Clock | None = None) -> None:
        self._defaults = defaults
        self._environ = environ
        self._clock = clock or SystemClock()
        self._clients: dict[tuple[tuple[str, str], ...], GeminiClient] = {}
        self._signatures = RecentSignatures()
        self._active: OrderedDict[tuple[str, str], GeminiFile] = OrderedDict()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        clients, self._clients = list(self._clients.values()), {}
        for client in clients:
            await client.close()

    @asynccontextmanager
    async def _exchange(
        self, call: Call, *, file_id: str | None = None, endless: bool = False
    ) -> AsyncIterator[Exchange]:
        """Ends with the call's timeout; `endless`: without one where the caller gave none, as an upload of 2 GB may
        take hours while each of its steps has a deadline of its own.
        """
        call = call.over(self._defaults)
        connection = connect(call, self._environ)
        timeout = FOREVER if endless and call.timeout is None else connection.timeout
        attempts = Attempts(self._clock, retries=connection.retries, deadline=self._clock.monotonic() + timeout)
        headers = tuple(sorted(connection.headers.items()))
        if headers not in self._clients:
            self._clients[headers] = GeminiClient(self._clock, headers=connection.headers)
        try:
            async with asyncio.timeout(timeout):
                yield Exchange(self._clients[headers], connection.account, attempts, self._clock, call.body)
        except LiftgateError as error:
            raise for_caller(error, file_id) from error
        except TimeoutError as error:
            raise UpstreamTimeout(f"Not done within the timeout of {timeout:g} s.") from error

    # ── files ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def create_file(self, file: FileTypes, new: NewFile, call: Call) -> FileObject:
        if new.life_seconds is not None:
            raise UnsupportedParameter(
                "'expires_after' cannot be used here: Google keeps every file for 48 hours. It works through a "
                "gateway, or with Liftgate(data_dir=…).",
                param="expires_after",
            )
        async with open_input(file) as given:
            call = replace(call, headers={**given.headers, **call.headers})
            async with self._exchange(call, endless=True) as at:
                metadata = {"displayName": given.filename[:512], **at.body}
                made = await direct_media.sent(at, given.source, given.mime_type, metadata)
                if made.state == "ACTIVE":
                    self._remember(at.account.name, made)
                return file_object(made, new.purpose)

    async def retrieve_file(self, file_id: str, call: Call) -> FileObject:
        async with self._exchange(_bodiless(call), file_id=file_id) as at:
            return file_object(await self._get(at, file_name(file_id)), PURPOSE)

    async def list_files(self, listing: Listing, call: Call) -> FileList:
        """Google pages and orders as it likes, so all its pages are read before ours is cut out of them."""
        files: list[GeminiFile] = []
        token = ""
        async with self._exchange(_bodiless(call)) as at:
            while True:
                page, token = await at.attempts.run(partial(at.client.list_files, at.account, PAGE_SIZE, token))
                files += page
                if not token:
                    return page_of(files, listing)

    async def delete_file(self, file_id: str, call: Call) -> FileDeleted:
        async with self._exchange(_bodiless(call), file_id=file_id) as at:
            # Google answers alike for a file that is gone and one that never was: only asking first tells.
            file = await self._get(at, file_name(file_id))
            self._active.pop((at.account.name, file.name), None)
            await at.attempts.run(lambda: at.client.delete_file(at.account, file.name))
            return FileDeleted(id=file.uri or file_id, object="file", deleted=True)

    async def open_file(self, file_id: str, call: Call) -> StoredFile:
        async with self._exchange(_bodiless(call), file_id=file_id) as at:
            file = await self._get(at, file_name(file_id))
        raise UnsupportedParameter(
            f"Gemini does not give back the bytes of an uploaded file ({file.name}). A gateway does, and so does "
            "Liftgate(data_dir=…): there the file itself is kept.",
            param="file_id",
            code="file_content_unavailable",
        )

    async def _get(self, at: Exchange, name: str) -> GeminiFile:
        return await at.attempts.run(lambda: at.client.get_file(at.account, name))

    # ── chat ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def chat(self, request: JsonObject, call: Call) -> ModelResponse | ChunkSource:
        return await self._answer(chat_form(request), call)

    async def respond(self, request: JsonObject, call: Call) -> ResponsesAPIResponse | EventSource:
        from liftgate.sdk.response_forms import responses_form

        return await self._answer(responses_form(_stored_nowhere(request)), call)

    async def retrieve_response(self, response_id: str, call: Call) -> ResponsesAPIResponse:
        raise UnsupportedParameter(f"'get_responses' {_NEEDS_STATE}", param="response_id")

    async def delete_response(self, response_id: str, call: Call) -> DeleteResponseResult:
        raise UnsupportedParameter(f"'delete_responses' {_NEEDS_STATE}", param="response_id")

    async def _answer(self, form: Form[Q, R, P], call: Call) -> R | Source[P]:
        async with self._exchange(call) as at:
            asked, translation = await self._translated(at, form)
            if form.request.get("stream"):
                return await self._patiently(at, asked, lambda: asked.open(translation, at.attempts.left))
            return await self._patiently(at, asked, lambda: asked.complete(translation, at.attempts.left))

    async def count_tokens(self, request: JsonObject, call: Call) -> int:
        async with self._exchange(call) as at:
            asked, translation = await self._translated(at, chat_form(request))
            return await self._patiently(at, asked, lambda: asked.count(translation, at.attempts.left))

    async def _translated(self, at: Exchange, form: Form[Q, R, P]) -> tuple[DirectCall[Q, R, P], Q]:
        asked = DirectCall(at.client, at.account, self._clock, form, at.body, self._signatures)
        found = form.media(form.request)
        files = await self._resolved(at, found) if found.needs else {}
        asked.named = {file_name(need.ref): need for need in found.needs if need.kind == "file_id"}
        asked.suspects = [*inline_suspects(found.read, files), *file_suspects(found.needs, files)]
        return asked, asked.translate(files)

    async def _resolved(self, at: Exchange, found: MediaFound) -> dict[str, ResolvedFile]:
        """What stands for each need's parameter. What the message says of the type wins over what Gemini's File has."""
        files: dict[str, ResolvedFile] = {}
        for need in found.needs:
            if need.kind == "file_id":
                file = await self._named(at, need)
                files[need.param] = ResolvedFile(need.mime_type or file_type(file, need), uri=file.uri)
            elif need.kind == "inline":
                files[need.param] = await self._once_ready(at, await direct_media.carried(at, need))
        if urls := [need for need in found.needs if need.kind == "url"]:
            budget = found.budget
            async with direct_media.open_fetcher() as fetcher:
                for need in urls:
                    fetched = await direct_media.fetch_media(at, fetcher, need, budget)
                    if isinstance(fetched, GeminiFile):
                        fetched = await self._once_ready(at, fetched)
                    budget -= len(fetched.data or "") * 3 // 4
                    files[need.param] = fetched
        return files

    async def _once_ready(self, at: Exchange, file: GeminiFile) -> ResolvedFile:
        file = await self._ready(at, file.name)
        return ResolvedFile(file.mime_type, uri=file.uri)

    async def _named(self, at: Exchange, need: Media) -> GeminiFile:
        if not is_file_name(need.ref):
            raise InvalidRequest(
                f"{need.ref[:200]!r} is neither a file's id nor something that Gemini reads by itself: send the data, "
                "or upload it with create_file.",
                param=need.param,
            )
        return await self._ready(at, need.ref, need.param)

    async def _ready(self, at: Exchange, file_id: str, param: str = "file_id") -> GeminiFile:
        """The file once Gemini says ACTIVE. FileUnusable with Gemini's reason; FileNotReady at the deadline; `param`
        says where the caller names it."""
        name = file_name(file_id)
        known = self._active.get((at.account.name, name))
        if known is not None and (known.expires_at or 0.0) - MARGIN > at.client.upstream_now(at.account):
            return known
        for poll in count():
            try:
                file = await self._get(at, name)
            except UpstreamFileLost as error:
                raise FileOutOfReach(file_id, error.upstream, param=param) from error
            if file.state == "FAILED":
                raise FileUnusable(f"Gemini could not process the file {file_id!r}: {file.error}", param=param)
            if file.state == "ACTIVE" or (not file.state and poll >= POLLS_WITHOUT_STATE):
                self._remember(at.account.name, file)
                return file
            pause = POLLS.pause(poll)
            if pause >= at.attempts.left:
                break
            await self._clock.sleep(pause)
        raise FileNotReady(f"Gemini is still processing the file {file_id!r} ({file.mime_type}).", param=param)

    def _remember(self, account: str, file: GeminiFile) -> None:
        self._active[account, file.name] = file
        if len(self._active) > REMEMBERED:
            self._active.popitem(last=False)

    async def _patiently(self, at: Exchange, asked: DirectCall[Q, R, P], call: Callable[[], Awaitable[T]]) -> T:
        """Tries again where Gemini denies a file that it took a moment ago. A refusal names the file it is about."""
        pauses = iter(YOUNG_PAUSES)
        while True:
            try:
                return await at.attempts.run(call)
            except InvalidRequest as refused:
                raise named(refused, asked.suspects) from None
            except UpstreamFileLost as error:
                place, pause = (at.account.name, lost_file(error) or ""), next(pauses, None)
                file = self._active.get(place)
                age = at.client.upstream_now(at.account) - (file.created_at or 0.0) if file else YOUNG_SECONDS
                if pause is None or age >= YOUNG_SECONDS:
                    self._active.pop(place, None)
                    if (need := asked.named.get(place[1])) is not None:
                        raise FileOutOfReach(need.ref, error.upstream, param=need.param) from error
                    raise
            await self._clock.sleep(pause)


def _stored_nowhere(request: JsonObject) -> JsonObject:
    """A request of Responses where nothing can be kept. Raises UnsupportedParameter for one that needs it."""
    for name in ("previous_response_id", "conversation", "background"):
        if request.get(name):
            raise UnsupportedParameter(f"'{name}' {_NEEDS_STATE}", param=name)
    if request.get("store"):
        raise UnsupportedParameter(f"'store' {_NEEDS_STATE}", param="store")
    return {**request, "store": False}


def _bodiless(call: Call) -> Call:
    if call.body:
        raise InvalidRequest("'extra_body' acts on create_file and completion only.", param="extra_body")
    return call
