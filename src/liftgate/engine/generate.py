"""Chat completions: which files, which deployment, page them in, translate, call, fold the answer. Streamed, not, and
counted.

The forms differ in how the answer leaves and in nothing else: the same needs, translation, router and fold.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import ExitStack
from datetime import date
from functools import lru_cache, partial
from typing import Any, TypeVar

import msgspec

from liftgate import ids
from liftgate.answer.choice import Head
from liftgate.answer.fold import AnswerFold
from liftgate.ask.media import Media, MediaFound, ResolvedFile
from liftgate.ask.model_facts import ModelFacts, facts_for
from liftgate.copies.services import Parts
from liftgate.dialects.chat.chunks import ChunkEncoder
from liftgate.dialects.chat.completion import completion
from liftgate.dialects.chat.defaults import with_defaults
from liftgate.dialects.chat.question import ChatQuestion
from liftgate.dialects.chat.request import tool_call_ids, translate_chat
from liftgate.dialects.chat.tokens import count_answer, count_request
from liftgate.engine.attempt import Attempts, Carried, silence
from liftgate.engine.needs import Needs
from liftgate.engine.relay import EventStream, Opened, Opening, Relay, abandon, blocks_of
from liftgate.engine.signatures import Signatures
from liftgate.errors import InvalidRequest, LiftgateError, UnsupportedParameter, UpstreamDisconnected
from liftgate.gemini.json_body import decoded
from liftgate.gemini.unbroken import unbroken
from liftgate.large_bodies import Body, encoded
from liftgate.records import Deployment, Owner
from liftgate.router.attempts import Router
from liftgate.settings import Settings
from liftgate.settings.sections import LOCAL

log = logging.getLogger("liftgate.engine")

T = TypeVar("T")

_encode = msgspec.json.Encoder().encode

KNOWN_MODELS = 1024
DAY = 86_400
EPOCH = date(1970, 1, 1).toordinal()


class _Call(msgspec.Struct, frozen=True):
    """A request before a deployment is chosen."""

    owner: Owner
    request: Mapping[str, Any]
    model: str
    carried: Carried
    signatures: Mapping[str, str]
    media: Mapping[str, Media]
    large: bool


class Chat:
    def __init__(self, parts: Parts, router: Router, needs: Needs, signatures: Signatures, settings: Settings) -> None:
        self._client = parts.client
        self._clock = parts.clock
        self._tasks = parts.tasks
        self._router = router
        self._needs = needs
        self._signatures = signatures
        self._settings = settings
        self._attempts = Attempts(needs, router, parts.clock)
        self._relay = Relay(signatures, ping_seconds=settings.jobs.stream_ping_seconds)
        # A wildcard in `model_list` lets clients name models, so there must be an end to what is remembered.
        self._facts_for = lru_cache(KNOWN_MODELS)(_facts_on)
        self._one_owner = len(set(settings.auth.owners().values()) or {LOCAL}) == 1

    async def complete(self, owner: Owner, request: Mapping[str, Any], *, large: bool = False) -> bytes:
        """The JSON of a `chat.completion`. Raises what `errors` has. `large`: to translate it takes long, which is then
        done in threads."""
        found = await self._found(request) if large else self._needs.found(request)
        return await self._routed(await self._call(owner, request, found, large=large), self._generate)

    async def stream(self, owner: Owner, request: Mapping[str, Any], *, large: bool = False) -> EventStream:
        """Awaiting gives the stream when its first event is there, or raises: so a failure before that is a status.

        After 15 s of fetching and page-in the stream is given without it, with comment lines until it comes
        (DESIGN.md 7).
        """
        found = await self._found(request) if large else self._needs.found(request)
        if not found.needs:
            return self._relay.of(await self._open(owner, request, found, large=large))
        opening: Opening = self._tasks.start(self._opened(owner, request, found, large=large), name="open stream")
        try:
            await asyncio.wait({opening}, timeout=self._settings.jobs.stream_commit_seconds)
        except asyncio.CancelledError:
            await abandon(opening)
            raise
        if not opening.done():
            return self._relay.of_late(opening)
        outcome = opening.result()
        if isinstance(outcome, LiftgateError):
            raise outcome.again()
        return self._relay.of(outcome)

    async def count(self, owner: Owner, request: Mapping[str, Any], *, large: bool = False) -> bytes:
        """The JSON of OpenAI's token count, for the very request that `complete` would send."""
        found = await self._found(request) if large else self._needs.found(request)
        return await self._routed(await self._call(owner, request, found, large=large), self._count)

    # ── before a deployment is chosen ────────────────────────────────────────────────────────────

    async def _found(self, request: Mapping[str, Any]) -> MediaFound:
        return await asyncio.to_thread(self._needs.found, request)

    async def _call(self, owner: Owner, request: Mapping[str, Any], found: MediaFound, *, large: bool) -> _Call:
        begun = self._clock.monotonic()
        model = request.get("model")
        if not isinstance(model, str) or not model:
            raise InvalidRequest("you must provide a model parameter")
        self._router.deployments(model)
        deadline = begun + self._timeout(request, model)
        call_ids = await asyncio.to_thread(tool_call_ids, request) if large else tool_call_ids(request)
        signatures = await self._signatures.load(owner, call_ids) if call_ids else {}
        needs = await self._needs.of(owner, found, seconds=deadline - self._clock.monotonic()) if found.needs else ()
        return _Call(owner, request, model, Carried(needs, deadline, media=found.read), signatures, found.read, large)

    def _timeout(self, request: Mapping[str, Any], model: str) -> float:
        """LiteLLM's `timeout` in the body, within the gateway's own. Seconds."""
        limit = self._attempts.limit(model, self._settings.router.timeout)
        asked = request.get("timeout")
        return min(float(asked), limit) if isinstance(asked, int | float) and asked > 0 else limit

    def _routed(self, call: _Call, use: Callable[[_Call, Deployment, ChatQuestion], Awaitable[T]]) -> Awaitable[T]:
        def at(deployment: Deployment, files: Mapping[str, ResolvedFile]) -> Awaitable[T]:
            return use(call, deployment, self._translated(call, deployment, files))

        async def at_length(deployment: Deployment, files: Mapping[str, ResolvedFile]) -> T:
            return await use(call, deployment, await asyncio.to_thread(self._translated, call, deployment, files))

        return self._attempts.run(call.model, call.carried, at_length if call.large else at)

    # ── one attempt at one deployment ────────────────────────────────────────────────────────────

    def _translated(self, call: _Call, deployment: Deployment, files: Mapping[str, ResolvedFile]) -> ChatQuestion:
        request = with_defaults(call.request, deployment.defaults) if deployment.defaults else call.request
        asked = request.get("drop_params")
        translation = translate_chat(
            request,
            facts=self._facts_for(deployment.model, int(self._clock.now()) // DAY),
            files=files,
            signatures=call.signatures,
            media=call.media,
            drop_params=asked if isinstance(asked, bool) else self._settings.drop_params or deployment.drop_params,
        )
        for note in translation.notes:
            log.warning("%s: %s", call.model, note)
        for dropped in translation.dropped:
            log.info("%s: %s was dropped: %s", call.model, dropped.param, dropped.reason)
        if translation.kept_names:
            self._check_kept(call, translation.kept_names[0])
        return translation

    def _check_kept(self, call: _Call, param: str) -> None:
        """Cached contents and file search stores are Gemini's own names, of one account and of nobody in particular:
        they pass where there is one owner and one account, so that no other's can be named and none is missed.
        """
        if not self._one_owner:
            raise UnsupportedParameter(
                f"Unsupported parameter: '{param}'. What it names is kept at Gemini and has no owner there, and this "
                "gateway serves several.",
                param=param,
            )
        if len({deployment.account.name for deployment in self._router.deployments(call.model)}) > 1:
            raise UnsupportedParameter(
                f"Unsupported parameter: '{param}'. What it names is kept at Gemini under one account, and "
                f"'{call.model}' is served from several.",
                param=param,
            )

    async def _generate(self, call: _Call, deployment: Deployment, translation: ChatQuestion) -> bytes:
        body = await asyncio.to_thread(encoded, translation.body) if call.large else _encode(translation.body)

        async def folded() -> AnswerFold[ChatQuestion]:
            raw = await self._client.generate(deployment, body, timeout=self._attempts.left(call.carried, deployment))
            fold = self._fold(call, translation)
            fold.feed(decoded(raw))
            fold.end(whole=True)
            fold.answer.counts  # noqa: B018 - what is wrong with them is this attempt's failure
            return fold

        fold = await unbroken(folded)
        if signatures := fold.take_signatures():
            await self._signatures.save(call.owner, signatures)
        return _encode(completion(fold.answer))

    async def _count(self, call: _Call, deployment: Deployment, translation: ChatQuestion) -> bytes:
        counted = count_request(translation, deployment.model)
        body = await asyncio.to_thread(encoded, counted) if call.large else _encode(counted)
        timeout = self._attempts.left(call.carried, deployment)
        raw = await self._client.call(deployment, "countTokens", body, timeout=timeout)
        return _encode(count_answer(decoded(raw)))

    async def _opened(
        self, owner: Owner, request: Mapping[str, Any], found: MediaFound, *, large: bool
    ) -> Opened | LiftgateError:
        try:
            return await self._open(owner, request, found, large=large)
        except LiftgateError as error:
            return error

    async def _open(self, owner: Owner, request: Mapping[str, Any], found: MediaFound, *, large: bool) -> Opened:
        return await self._routed(await self._call(owner, request, found, large=large), self._begin)

    async def _begin(self, call: _Call, deployment: Deployment, translation: ChatQuestion) -> Opened:
        body = await asyncio.to_thread(encoded, translation.body) if call.large else _encode(translation.body)
        return await unbroken(partial(self._begin_once, call, deployment, translation, body))

    async def _begin_once(self, call: _Call, deployment: Deployment, translation: ChatQuestion, body: Body) -> Opened:
        """A stream up to its first event that says something."""
        stream = await self._client.open_stream(
            deployment,
            body,
            timeout=self._attempts.left(call.carried),
            idle_timeout=silence(deployment, self._settings.router.stream_timeout),
        )
        fold = self._fold(call, translation)
        encoder = ChunkEncoder(fold.answer)
        try:
            first = b""
            batch = await stream.batch()
            if not batch:
                raise UpstreamDisconnected("Gemini's answer ended before it had begun.")
            while batch and not first:
                first = blocks_of(batch, fold, encoder)
                fold.check_unbroken()
                if not first:
                    batch = await stream.batch()
        except BaseException:
            await stream.close()
            raise
        hold = ExitStack()
        hold.enter_context(self._router.hold(deployment))
        return Opened(call.owner, stream, fold, encoder, first, hold)

    def _fold(self, call: _Call, translation: ChatQuestion) -> AnswerFold[ChatQuestion]:
        if call.large:
            # Gemini has it; a stream that runs for minutes need not keep it.
            translation = msgspec.structs.replace(translation, body={})
        head = Head(ids.token(), call.model, int(self._clock.now()))
        return AnswerFold(head, translation, new_call_id=ids.new_call_id)


def _facts_on(model: str, day: int) -> ModelFacts:
    """`day`: of unix time."""
    return facts_for(model, date.fromordinal(EPOCH + day))
