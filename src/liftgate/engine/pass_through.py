"""Gemini's own methods for clients that speak Gemini: the files they name are brought to where the model runs.

The body passes byte for byte but for two kinds of names: files of the owner become the copies that stand for them,
and the public name of the model becomes Google's. Affinity, tries at other deployments and the repair of a lost copy
are shared with chat (`attempt`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from liftgate.ask.media import Media, MediaFound, ResolvedFile
from liftgate.copies.services import Services
from liftgate.deployments import Deployment
from liftgate.dialects.gemini.body import REFUSED, GeminiBody, Named, NamedFile, read_body
from liftgate.dialects.gemini.stream_forms import Elements, Events
from liftgate.engine.admission import admitted, begin_asking
from liftgate.engine.attempt import Attempts, RequestFiles, silence
from liftgate.engine.meter import CallRecord, bringing, current
from liftgate.engine.needs import Needed, Needs
from liftgate.engine.operations import OPERATIONS
from liftgate.engine.reported import said_apart
from liftgate.engine.unreported import characters_in, reckon_by_length
from liftgate.errors import InvalidRequest, LiftgateError, ModelNotFound, UpstreamDisconnected, let_go, shortened
from liftgate.gemini.client import EVENTS
from liftgate.gemini.stream import GeminiStream
from liftgate.gemini_json import checked_apart, checked_object
from liftgate.keys.asking import asked_model
from liftgate.large_bodies import LARGE, STEP, Body
from liftgate.media_types import explicit, is_taken
from liftgate.names import bare_model, claims_a_file, is_google_host, model_path
from liftgate.records import Owner
from liftgate.router.attempts import Router
from liftgate.settings import Settings

log = logging.getLogger("liftgate.engine")

COUNT = "countTokens"
METHODS = frozenset({"generateContent", COUNT, "embedContent", "batchEmbedContents"})
STREAM = "streamGenerateContent"
NUMBERS = ";enum-encoding=int"
"""What clients of Google's older generated libraries put behind their `$alt`: enums are numbers then."""


@dataclass(frozen=True, slots=True)
class GeminiRequest:
    """`model`: the public name. `origin`: our own address as the client sees it, whose File URIs are ours too.
    `timeout`: what the client gives it, in seconds."""

    owner: Owner
    model: str
    body: Body
    origin: str
    timeout: float | None = None


@dataclass(frozen=True, slots=True)
class _Call:
    model: str
    body: GeminiBody
    files: RequestFiles


@dataclass(frozen=True, slots=True)
class GeminiAnswer:
    """`tier`: the one that Google served it in, as its header says."""

    body: Body
    tier: str | None


class PassedStream:
    """Gemini's events as they come, the first one included; their JSON is not touched. `aclose()` cancels the upstream.

    `events`: server-sent ones, as Google separates them and without comments, on which its SDK breaks; else elements of
    a JSON array. A failure stands inside, as Google writes one. `call`: what is noted of it at its end."""

    def __init__(
        self, stream: GeminiStream, first: Sequence[Body], hold: ExitStack, *, events: bool, call: CallRecord | None
    ) -> None:
        self._stream = stream
        self._hold = hold
        self._form = Events() if events else Elements()
        self._call = call
        self._last = first[-1]
        self._blocks = self._relay(first, self._form)

    def __aiter__(self) -> AsyncGenerator[bytes, None]:
        return self._blocks

    async def aclose(self) -> None:
        """Idempotent."""
        await self._blocks.aclose()
        self._hold.close()
        await self._stream.close()
        if (call := self._call) is not None:
            # Each event counts tokens from the beginning: only the last one has to be read.
            call.chunks, last = self._stream.came, self._last
            call.answered(last if len(last) < LARGE else await asyncio.to_thread(said_apart, last))

    def in_band(self, error: LiftgateError) -> bytes:
        """`error` inside the stream, and the end behind it."""
        return self._form.error(error)

    async def _relay(self, batch: Sequence[Body], form: Events | Elements) -> AsyncGenerator[bytes, None]:
        try:
            while batch:
                if (call := self._call) is not None and call.sent is not None and not self._stream.large:
                    # Google has not said yet what was used.
                    call.given += characters_in(batch)
                good: list[Body] = []
                try:
                    if self._stream.large:
                        for data in batch:
                            async for piece in _in_steps(form, data):
                                yield piece
                    else:
                        good.extend(form.one(checked_object(data)) for data in batch)
                finally:
                    if good:
                        yield b"".join(good)
                if call is not None:
                    call.begin_wait()
                batch = await self._stream.batch()
                if call is not None:
                    call.note_events()
                self._last = batch[-1] if batch else self._last
        except LiftgateError as error:
            log.warning("a stream of Gemini's own API broke: %s", error.message)
            if self._call is not None:
                self._call.record_error(error)
            let_go(error)
            yield self.in_band(error)
            return
        if end := form.end():
            yield end


async def _in_steps(form: Events | Elements, data: Body) -> AsyncGenerator[bytes, None]:
    """A large event, or one behind it."""
    await asyncio.to_thread(checked_apart, data)
    written = await asyncio.to_thread(form.one, data)
    for at in range(0, len(written), STEP):
        yield bytes(written[at : at + STEP])


class PassThrough:
    def __init__(self, services: Services, router: Router, needs: Needs, settings: Settings) -> None:
        self._client = services.client
        self._clock = services.clock
        self._router = router
        self._needs = needs
        self._settings = settings
        self._attempts = Attempts(needs, router, services.clock)
        self._upstreams = frozenset(
            filter(None, (_place(deployment.account.api_base) for deployment in settings.deployments))
        )

    async def call(self, request: GeminiRequest, method: str, *, enum_numbers: bool = False) -> GeminiAnswer:
        """With `enum_numbers` its enums are numbers."""
        call = await self._call(request, method)
        noted = current.get()

        async def at(deployment: Deployment, files: Mapping[str, ResolvedFile]) -> GeminiAnswer:
            body = await _body_at(call, deployment, files)
            timeout = self._attempts.left(call.files, deployment)
            called = f"{method}?$alt=json{NUMBERS}" if enum_numbers else method
            tier: list[str] = []
            if noted is not None:
                if method == COUNT:
                    noted.begin_wait()
                elif (admitting := begin_asking(noted, deployment, body)) is not None:
                    await admitting
            raw = await self._client.call(deployment, called, body, timeout=timeout, tier=tier)
            if noted is not None:
                noted.note_answer()
            said = checked_object(raw) if len(raw) < LARGE else await asyncio.to_thread(checked_apart, raw)
            if noted is not None:
                noted.answered(said)
                if noted.usage is None and method != COUNT:
                    reckon_by_length(noted)
                noted.tier = tier[0] if tier else ""
            return GeminiAnswer(raw, tier[0] if tier else None)

        return await self._attempts.run(call.model, call.files, at)

    async def stream(self, request: GeminiRequest, *, events: bool, enum_numbers: bool = False) -> PassedStream:
        """Given when its first event is there, so that a failure before that is a status (docs/architecture.md,
        "Decisions"). `events`: server-sent ones, else Google's JSON array; Gemini is asked for events in any case, but
        for numbers in the form that the client has asked for: that is the one which is recorded."""
        call = await self._call(request, STREAM)
        method = f"{STREAM}?$alt={'sse' if events else 'json'}{NUMBERS}" if enum_numbers else EVENTS
        noted = current.get()

        async def at(deployment: Deployment, files: Mapping[str, ResolvedFile]) -> PassedStream:
            body = await _body_at(call, deployment, files)
            if noted is not None and (admitting := begin_asking(noted, deployment, body)) is not None:
                await admitting
            stream = await self._client.open_stream(
                deployment,
                body,
                timeout=self._attempts.left(call.files),
                idle_timeout=silence(deployment, self._settings.router.stream_timeout),
                method=method,
            )
            try:
                batch = await stream.batch()
                if noted is not None:
                    noted.note_answer()
                if stream.large:
                    for data in batch:
                        await asyncio.to_thread(checked_apart, data)
                first = batch if stream.large else [checked_object(data) for data in batch]
                if not first:
                    raise UpstreamDisconnected("Gemini's answer ended before it had begun.")
                if noted is not None:
                    noted.note_first(first)
            except BaseException:
                await stream.close()
                raise
            hold = ExitStack()
            hold.enter_context(self._router.hold(deployment))
            return PassedStream(stream, first, hold, events=events, call=noted)

        return await self._attempts.run(call.model, call.files, at)

    async def _call(self, request: GeminiRequest, method: str) -> _Call:
        begun = self._clock.monotonic()
        if (noted := current.get()) is not None:
            noted.is_asked(OPERATIONS.get(method, "generate_content"), request.model, streamed=method == STREAM)
        model = asked_model(request.model, self._router.deployments)
        if (admitting := admitted(model, self._router.deployments)) is not None:
            await admitting
        try:
            group = self._router.deployments(model)
        except ModelNotFound as missing:
            missing.method = method
            raise
        limit = self._attempts.limit(group, self._settings.router.timeout)
        deadline = begun + (min(limit, request.timeout) if request.timeout else limit)
        large = len(request.body) > LARGE
        body = await asyncio.to_thread(read_body, request.body) if large else read_body(request.body)
        if body.refused is not None:
            raise InvalidRequest(
                f"'{body.refused}' is not supported here: Liftgate keeps no {REFUSED[body.refused]} yet.",
                param=body.refused,
            )
        if body.models:
            _check_models(body.models, request.model, group)
        needs = [
            Media(named.path, "file_id", named.text, _explicit(named))
            for named in body.files
            if self._is_files(named.text, request.origin)
        ]
        found: Sequence[Needed] = ()
        if needs:
            seconds = deadline - self._clock.monotonic()
            finding = self._needs.find_files(request.owner, MediaFound(needs, 0), seconds=seconds)
            found = await (finding if noted is None else bringing(noted, finding))
        return _Call(model, body, RequestFiles(group, found, deadline))

    def _is_files(self, uri: str, origin: str) -> bool:
        """Whether it claims to be a File of Gemini's or of ours: then it must be one of the owner's. Others (YouTube,
        `gs://`, any address of the web) are Google's to fetch."""
        text = uri.strip()
        if claims_a_file(text):
            return True
        place = _place(text)
        if place is None:
            return False
        if is_google_host(place[0]):
            return True
        return place in self._upstreams or place == _place(origin)


async def _body_at(call: _Call, deployment: Deployment, files: Mapping[str, ResolvedFile]) -> Body:
    names: dict[int, str] = {}
    for named in call.body.files:
        sent = files.get(named.path)
        if sent is None or sent.uri is None:
            continue
        names[named.start] = sent.uri
        # Google's clients repeat what was declared at the upload, which may be what Gemini does not take.
        if named.mime_type is not None and named.mime_type.text != sent.mime_type:
            names[named.mime_type.start] = sent.mime_type
    upstream = model_path(deployment.model)
    same = ("", upstream, deployment.model)
    names |= {named.start: upstream for named in call.body.models if named.text not in same}
    large = len(call.body.raw) > LARGE
    return await asyncio.to_thread(call.body.with_names, names) if large else call.body.with_names(names)


def _check_models(models: Sequence[Named], model: str, group: Sequence[Deployment]) -> None:
    """Raises InvalidRequest where the body names another model than the path: which of the two Google would ask is not
    known, and by default its transcoder takes the body's, which `model_list` need not have."""
    known = {"", model, *(deployment.model for deployment in group)}
    for named in models:
        if named.text not in known and bare_model(named.text) not in known:
            raise InvalidRequest(
                f"The body names the model '{shortened(named.text)}', and the path '{shortened(model)}'. Ask a model "
                "by the path; the body's 'model' may be left out.",
                param="model",
            )


def _explicit(named: NamedFile) -> str | None:
    """The type beside a file's URI, where Gemini takes it; else the File's own is meant."""
    given = explicit(named.mime_type.text) if named.mime_type is not None else None
    return given if given is not None and is_taken(given) else None


def _place(url: str) -> tuple[str, int | None] | None:
    """(host, port) of a URL with a host; the port None where it is the scheme's own."""
    try:
        parts = urlsplit(url)
        host, port = unquote(parts.hostname or "").lower().rstrip("."), parts.port
    except ValueError:
        return None
    return (host, None if port in (80, 443) else port) if host else None
