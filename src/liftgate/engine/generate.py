"""Answers of the models, in any dialect: finds the files, chooses a deployment, pages the files in, reads the request,
calls Gemini, folds its answer. Streamed, whole, or only counted.

The three forms differ only in how the answer leaves. The face that asked writes it in the call's dialect.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import lru_cache, partial
from typing import TypeAlias, TypeVar

import msgspec

from liftgate import ids
from liftgate.answer.choice import Answer, Head
from liftgate.answer.counts import PromptCount, read_counted
from liftgate.answer.fold import AnswerFold
from liftgate.ask.builder import Ask
from liftgate.ask.media import AnyFile, MediaFound, ResolvedFile
from liftgate.ask.model_facts import ModelFacts
from liftgate.ask.question import Question, count_body
from liftgate.copies.services import Services
from liftgate.days import DAY
from liftgate.deployments import Deployment
from liftgate.dialects.dialect import NO_SIGNATURES, Dialect
from liftgate.engine.admission import admitted, begin_asking
from liftgate.engine.answer_stream import AnswerStream, LateStream, StartedStream, StreamTask, abandon
from liftgate.engine.attempt import Attempts, RequestFiles, asked_timeout, silence
from liftgate.engine.calls import Call, Ready, encode, facts_on, written_apart
from liftgate.engine.kept_names import check_kept
from liftgate.engine.meter import bringing, noted_call
from liftgate.engine.needs import Needs
from liftgate.engine.seals import Seals
from liftgate.engine.signatures import Signatures
from liftgate.engine.truncation import truncated
from liftgate.errors import InvalidRequest, LiftgateError, ModelNotFound, UpstreamAnswerBroken
from liftgate.gemini.replies import note_broken, unbroken
from liftgate.gemini_json import decoded, decoded_apart
from liftgate.json_types import JsonMapping, JsonObject
from liftgate.keys.asking import asked_model, asking_key, sees_model
from liftgate.large_bodies import LARGE, Body
from liftgate.records import Owner
from liftgate.router.attempts import Router
from liftgate.settings import Settings
from liftgate.settings.sections import LOCAL

log = logging.getLogger("liftgate.engine")

Q = TypeVar("Q", bound=Question)
T = TypeVar("T")
ResolvedFiles: TypeAlias = Mapping[str, ResolvedFile]

KNOWN_MODELS = 1024


class Generate:
    """`default_reader`: what reads a deployment's defaults into an `Ask` (see there)."""

    def __init__(
        self,
        services: Services,
        router: Router,
        needs: Needs,
        signatures: Signatures,
        seals: Seals,
        settings: Settings,
        default_reader: Callable[[Ask], None],
    ) -> None:
        self._client = services.client
        self._clock = services.clock
        self._tasks = services.tasks
        self._router = router
        self._needs = needs
        self._signatures = signatures
        self._seals = seals
        self._settings = settings
        self._default_reader = default_reader
        self._attempts = Attempts(needs, router, services.clock)
        # A wildcard in `model_list` lets clients name models, so there must be an end to what is remembered.
        self._facts_for = lru_cache(KNOWN_MODELS)(facts_on)
        self._one_owner = len(set(settings.auth.owners().values()) or {LOCAL}) == 1

    async def complete(
        self, dialect: Dialect[Q], owner: Owner, request: JsonMapping, *, large: bool = False, head: Head | None = None
    ) -> Answer[Q]:
        """The whole answer. Raises any of `errors`. `large`: reading the request takes long, so it is done in threads.
        `head`: the answer's, where the client was promised it before."""
        if (noted := noted_call()) is not None:
            noted.is_asked("chat", request.get("model"), user=request.get("user"))
        call = await self._call(dialect, owner, request, large, head)
        ready = self._ready(call) or await self._prepare(call)
        return await self._attempts.run(
            ready.call.head.model, ready.files, partial(self._ask, ready, self._answer_once)
        )

    async def stream(
        self, dialect: Dialect[Q], owner: Owner, request: JsonMapping, *, large: bool = False, head: Head | None = None
    ) -> AnswerStream[Q]:
        """Returns after the first event, or, where files are paged in, after `stream_commit_seconds` at most
        (docs/architecture.md, "Decisions"). A failure before that is raised, so that it becomes an HTTP status."""
        if (noted := noted_call()) is not None:
            noted.is_asked("chat", request.get("model"), streamed=True, user=request.get("user"))
        call = await self._call(dialect, owner, request, large, head)
        return await self._stream_when_started(call) if call.media.needs else await self._start_stream(call)

    async def count(
        self, dialect: Dialect[Q], owner: Owner, request: JsonMapping, *, large: bool = False
    ) -> PromptCount:
        """The tokens of the very request that `complete` would send."""
        if (noted := noted_call()) is not None:
            noted.is_asked("count_tokens", request.get("model"))
        ready = await self._prepare(await self._call(dialect, owner, request, large))
        return await self._attempts.run(ready.call.head.model, ready.files, partial(self._count_at, ready))

    # ── before a deployment is chosen ────────────────────────────────────────────────────────────

    async def check(self, dialect: Dialect[Q], owner: Owner, request: JsonMapping, *, large: bool = False) -> Head:
        """The head of an answer that is made later. Raises what is wrong with the request (its model, the Files that it
        names, its fields) and what limits refuse of it."""
        call = await self._call(dialect, owner, request, large)
        named = [need for need in call.media.needs if need.kind == "file_id"]  # nothing is fetched or stored
        media = MediaFound(named, call.media.budget, call.media.read)
        ready = await self._prepare(msgspec.structs.replace(call, media=media))
        await self._question(ready, ready.files.group[0], AnyFile())
        return call.head

    async def _call(
        self, dialect: Dialect[Q], owner: Owner, request: JsonMapping, large: bool, head: Head | None = None
    ) -> Call[Q]:
        """A call before its deployment is chosen. Raises what its media, its model and its limits refuse."""
        find, most = dialect.media, self._settings.limits.inline_limit
        media = await asyncio.to_thread(find, request, inline_limit=most) if large else find(request, inline_limit=most)
        model = request.get("model")
        if not isinstance(model, str) or not model:
            raise InvalidRequest("you must provide a model parameter")
        if asking_key() is not None or ((noted := noted_call()) is not None and noted.ticket is not None):
            model = asked_model(model, self._router.deployments)
            if (admitting := admitted(model, self._router.deployments)) is not None:
                await admitting
        head = head or Head(ids.answer_token(self._clock.now, dialect.rising_ids), model, int(self._clock.now()))
        return Call(dialect, owner, request, head, media, large, partial(ids.new_call_id, dialect.call_prefix))

    def _ready(self, call: Call[Q]) -> Ready[Q] | None:
        """Of a call that needs nothing but a deployment; None for others, which `_prepare` prepares."""
        if call.large or call.media.needs or call.dialect.call_ids(call.request):
            return None
        return Ready(call, self._wanted(call), NO_SIGNATURES)

    async def _prepare(self, call: Call[Q]) -> Ready[Q]:
        wanted = self._wanted(call)
        find, known = call.dialect.call_ids, call.dialect.signatures
        call_ids = await asyncio.to_thread(find, call.request) if call.large else find(call.request)
        signatures = await self._signatures.load(call.owner, call_ids, known) if call_ids else NO_SIGNATURES
        if call.media.needs:
            left = wanted.deadline - self._clock.monotonic()
            finding = self._needs.find_files(call.owner, call.media, seconds=left)
            noted = noted_call()
            needs = await (finding if noted is None else bringing(noted, finding))
            wanted = msgspec.structs.replace(wanted, needs=needs)
        return Ready(call, wanted, signatures)

    def _wanted(self, call: Call[Q]) -> RequestFiles:
        begun = self._clock.monotonic()
        try:
            group = self._router.deployments(call.head.model)
        except ModelNotFound as error:
            group_of = self._router.deployments
            error.served = tuple(name for name in self._router.model_names() if sees_model(name, group_of))
            raise
        return RequestFiles(group, (), begun + self._timeout(call.request, group), media=call.media.read)

    def _timeout(self, request: JsonMapping, group: Sequence[Deployment]) -> float:
        """LiteLLM's `timeout` in the body, within the gateway's own. Seconds. Raises InvalidRequest."""
        limit = self._attempts.limit(group, self._settings.router.timeout)
        asked = request.get("timeout")
        return limit if asked is None else asked_timeout(asked, limit)

    async def _stream_when_started(self, call: Call[Q]) -> AnswerStream[Q]:
        task: StreamTask[Q] = self._tasks.start(self._stream_or_error(call), name="start stream")
        try:
            await asyncio.wait({task}, timeout=self._settings.jobs.stream_commit_seconds)
        except asyncio.CancelledError:
            await abandon(task)
            raise
        if not task.done():
            return LateStream(call.head, task)
        outcome = task.result()
        if isinstance(outcome, LiftgateError):
            raise outcome.again()
        return outcome

    async def _stream_or_error(self, call: Call[Q]) -> StartedStream[Q] | LiftgateError:
        try:
            return await self._start_stream(call)
        except LiftgateError as error:
            return error

    async def _start_stream(self, call: Call[Q]) -> StartedStream[Q]:
        ready = self._ready(call) or await self._prepare(call)
        return await self._attempts.run(call.head.model, ready.files, partial(self._ask, ready, self._stream_once))

    # ── one attempt at one deployment ────────────────────────────────────────────────────────────

    async def _answer_once(self, ready: Ready[Q], deployment: Deployment, question: Q, body: Body) -> Answer[Q]:
        noted = noted_call()
        if noted is not None and (admitting := begin_asking(noted, deployment, body, question.body)) is not None:
            await admitting
        raw = await self._client.generate(deployment, body, timeout=self._attempts.left(ready.files, deployment))
        if noted is not None:
            noted.note_answer()
        call = ready.call
        fold = AnswerFold(call.head, question, call.new_call_id, call.large)
        large = len(raw) >= LARGE
        if large:
            fold.answer.large = True
            await asyncio.to_thread(lambda: fold.feed(decoded_apart(raw)))
        else:
            fold.feed(decoded(raw))
        if noted is not None:
            noted.answered_in(fold.answer)
        await asyncio.to_thread(fold.end_whole) if large else fold.end_whole()
        answer = fold.answer
        if signatures := fold.take_signatures():
            await self._signatures.save(call.owner, signatures, stored=question.keeps_signatures)
        answer.ended_at = int(self._clock.now())
        if noted is not None and self._settings.counting.spend:
            answer.dollars = noted.dollars()
        return answer

    async def _count_at(self, ready: Ready[Q], deployment: Deployment, files: ResolvedFiles) -> PromptCount:
        question = await self._question(ready, deployment, files)
        return await self._count(ready, deployment, question.body)

    async def _count(self, ready: Ready[Q], deployment: Deployment, asked: JsonObject) -> PromptCount:
        counted = count_body(asked, deployment.model)
        body = await written_apart(counted) if ready.call.large else encode(counted)
        if (noted := noted_call()) is not None:
            noted.begin_wait()
        left = self._attempts.left(ready.files, deployment)
        raw = await self._client.call(deployment, "countTokens", body, timeout=left)
        if noted is not None:
            noted.note_answer()
        return read_counted(deployment.id, deployment.model, decoded(raw))

    async def _ask(
        self,
        ready: Ready[Q],
        send: Callable[[Ready[Q], Deployment, Q, Body], Awaitable[T]],
        deployment: Deployment,
        files: ResolvedFiles,
    ) -> T:
        """What `send` returns. An answer that Gemini gave up is asked for once more, as by `unbroken`. Where it finds
        too many tokens and the client lets turns be left out, it is asked again without the first of them."""
        large = ready.call.large
        # Around each step of a small one a coroutine would be a part of what it costs.
        question = await self._question(ready, deployment, files) if large else self._read(ready, deployment, files)
        body = await written_apart(question.body) if large else encode(question.body)
        try:
            try:
                return await send(ready, deployment, question, body)
            except UpstreamAnswerBroken as error:
                note_broken(error)
            return await send(ready, deployment, question, body)
        except InvalidRequest as refused:
            question = await truncated(
                question, refused, self._facts(deployment), partial(self._count, ready, deployment)
            )
        body = await written_apart(question.body) if large else encode(question.body)
        return await unbroken(partial(send, ready, deployment, question, body))

    async def _stream_once(self, ready: Ready[Q], deployment: Deployment, question: Q, body: Body) -> StartedStream[Q]:
        noted = noted_call()
        if noted is not None and (admitting := begin_asking(noted, deployment, body, question.body)) is not None:
            await admitting
        stream = await self._client.open_stream(
            deployment,
            body,
            timeout=self._attempts.left(ready.files),
            idle_timeout=silence(deployment, self._settings.router.stream_timeout),
        )
        call = ready.call
        fold = AnswerFold(call.head, question, call.new_call_id, call.large)
        started = StartedStream(stream, fold, call.owner, self._signatures, self._clock, noted)
        started.tells_cost = self._settings.counting.spend
        try:
            await started.start()
        except BaseException:
            await started.aclose()
            raise
        started.hold.enter_context(self._router.hold(deployment))
        return started

    async def _question(self, ready: Ready[Q], deployment: Deployment, files: ResolvedFiles) -> Q:
        """As `_read`, in a thread where that takes long."""
        if ready.call.large:
            return await asyncio.to_thread(self._read, ready, deployment, files)
        return self._read(ready, deployment, files)

    def _read(self, ready: Ready[Q], deployment: Deployment, files: ResolvedFiles) -> Q:
        call = ready.call
        ask = Ask(
            self._facts(deployment),
            files,
            ready.signatures,
            call.media.read,
            self._settings.drop_params or deployment.drop_params,
            deployment.defaults,
            self._default_reader,
            partial(self._seals.seal_of, call.owner),
        )
        question = call.dialect.read(call.request, ask)
        model = call.head.model
        for note in question.notes:
            log.warning("%s: %s", model, note)
        for dropped in question.dropped:
            log.info("%s: %s was dropped: %s", model, dropped.param, dropped.reason)
        if question.kept_names:
            check_kept(model, ready.files.group, question.kept_names[0], one_owner=self._one_owner)
        return question

    def _facts(self, deployment: Deployment) -> ModelFacts:
        return self._facts_for(deployment.model, self._clock.now() // DAY)
