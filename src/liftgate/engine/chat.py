"""Chat completions: which files, which deployment, page them in, translate, call, fold the answer. Streamed and not.

The two forms differ in how the answer leaves and in nothing else: the same needs, translation, router and fold. A
replica that Gemini lost is repaired inside one attempt; the client sees only an answer (DESIGN.md 2.7).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import msgspec

from liftgate import ids
from liftgate.engine.needs import Needed, Needs
from liftgate.engine.signatures import Signatures
from liftgate.errors import InternalError, InvalidRequest, LiftgateError, UpstreamFileLost
from liftgate.gemini.stream import GeminiStream
from liftgate.openai.error_body import error_body
from liftgate.records import Deployment, Owner
from liftgate.replicas.parts import Parts
from liftgate.router.attempts import Router
from liftgate.settings import Settings
from liftgate.sse import DONE, PING, event
from liftgate.translate.answer import AnswerFold, completion
from liftgate.translate.chat_chunks import ChunkEncoder
from liftgate.translate.chat_request import ChatTranslation, tool_call_ids, translate_chat
from liftgate.translate.model_facts import facts_for

log = logging.getLogger("liftgate")

T = TypeVar("T")

PING_SECONDS = 15.0
"""Silence after which a comment line keeps a stream's connection alive."""

DENIAL_PAUSES = (0.5, 1.0, 2.0)
"""Seconds between tries when Gemini denies a file that was uploaded a moment ago (GEMINI.md 6, pitfall 17)."""

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class _Call:
    """A request before a deployment is chosen. `deadline`: on the monotonic clock. `repaired`: accounts at which its
    files were made again, which happens once."""

    owner: Owner
    request: Mapping[str, Any]
    model: str
    needs: Sequence[Needed]
    signatures: Mapping[str, str]
    deadline: float
    repaired: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Opened:
    """A stream whose first event has come."""

    stream: GeminiStream
    fold: AnswerFold
    encoder: ChunkEncoder
    first: list[bytes]
    hold: ExitStack

    async def close(self) -> None:
        """Idempotent."""
        self.hold.close()
        await self.stream.close()


class EventStream:
    """A chat's answer as SSE blocks. `aclose()` cancels the upstream, also when nothing was read yet."""

    def __init__(self, blocks: AsyncGenerator[bytes, None], close: Callable[[], Awaitable[None]]) -> None:
        self._blocks = blocks
        self._close = close

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._blocks

    async def aclose(self) -> None:
        await self._blocks.aclose()
        await self._close()


class Chat:
    def __init__(self, parts: Parts, router: Router, needs: Needs, signatures: Signatures, settings: Settings) -> None:
        self._client = parts.client
        self._clock = parts.clock
        self._tasks = parts.tasks
        self._router = router
        self._needs = needs
        self._signatures = signatures
        self._settings = settings

    async def complete(self, owner: Owner, request: Mapping[str, Any]) -> bytes:
        """The JSON of a `chat.completion`. Raises what `errors` has."""
        call = await self._call(owner, request)
        return await self._routed(call, self._complete_at)

    async def stream(self, owner: Owner, request: Mapping[str, Any]) -> EventStream:
        """Awaiting gives the stream when its first event is there, or raises: so a failure before that is a status.

        After 15 s of page-in the stream is given without it, with comment lines until it comes (DESIGN.md 7).
        """
        call = await self._call(owner, request)
        if not call.needs:
            return self._relayed(call, await self._routed(call, self._open_at))
        opening = self._tasks.start(self._routed(call, self._open_at), name="open stream")
        try:
            await asyncio.wait({opening}, timeout=self._settings.jobs.stream_commit_seconds)
        except asyncio.CancelledError:
            opening.cancel()
            raise
        if opening.done():
            return self._relayed(call, opening.result())
        return EventStream(self._relay_late(call, opening), partial(_abandon, opening))

    # ── before a deployment is chosen ────────────────────────────────────────────────────────────

    async def _call(self, owner: Owner, request: Mapping[str, Any]) -> _Call:
        model = request.get("model")
        if not isinstance(model, str) or not model:
            raise InvalidRequest("you must provide a model parameter")
        self._router.deployments(model)
        call_ids = tool_call_ids(request)
        return _Call(
            owner=owner,
            request=request,
            model=model,
            needs=await self._needs.of(owner, request),
            signatures=await self._signatures.load(owner, call_ids) if call_ids else {},
            deadline=self._clock.monotonic() + self._timeout(request),
        )

    def _timeout(self, request: Mapping[str, Any]) -> float:
        """LiteLLM's `timeout` in the body, within the gateway's own. Seconds."""
        limit = self._settings.router.timeout
        asked = request.get("timeout")
        return min(float(asked), limit) if isinstance(asked, int | float) and asked > 0 else limit

    async def _routed(self, call: _Call, attempt: Callable[[_Call, Deployment], Awaitable[T]]) -> T:
        if not call.needs:
            return await self._router.run(call.model, partial(attempt, call), deadline=call.deadline)
        candidates = self._router.deployments(call.model)
        if len(candidates) > 1:
            await self._needs.locate(call.needs, (deployment.account for deployment in candidates))
        return await self._router.run(
            call.model,
            partial(attempt, call),
            affinity=lambda deployment: self._needs.affinity(call.needs, deployment.account),
            deadline=call.deadline,
        )

    # ── one attempt at one deployment ────────────────────────────────────────────────────────────

    async def _complete_at(self, call: _Call, deployment: Deployment) -> bytes:
        return await self._with_files(call, deployment, self._generate)

    async def _generate(self, call: _Call, deployment: Deployment, translation: ChatTranslation) -> bytes:
        raw = await self._client.generate(deployment, _encode(translation.body), timeout=self._left(call))
        fold = self._fold(call, translation)
        fold.feed(_decode(raw))
        fold.end()
        if signatures := fold.take_signatures():
            await self._signatures.save(call.owner, signatures)
        return _encode(completion(fold))

    async def _open_at(self, call: _Call, deployment: Deployment) -> _Opened:
        return await self._with_files(call, deployment, self._open)

    async def _open(self, call: _Call, deployment: Deployment, translation: ChatTranslation) -> _Opened:
        stream = await self._client.open_stream(
            deployment,
            _encode(translation.body),
            timeout=self._left(call),
            idle_timeout=self._settings.router.stream_timeout,
        )
        try:
            first = await stream.batch()
        except BaseException:
            await stream.close()
            raise
        fold = self._fold(call, translation)
        hold = ExitStack()
        hold.enter_context(self._router.hold(deployment))
        return _Opened(stream, fold, ChunkEncoder(fold), first, hold)

    async def _with_files(
        self,
        call: _Call,
        deployment: Deployment,
        use: Callable[[_Call, Deployment, ChatTranslation], Awaitable[T]],
    ) -> T:
        """Translates for this deployment with its replicas, and repairs once what Gemini denies."""
        account = deployment.account
        pauses = iter(DENIAL_PAUSES)
        while True:
            files, replicas = (
                ({}, []) if not call.needs else await self._needs.resolve(call.needs, account, deadline=call.deadline)
            )
            translation = translate_chat(
                call.request,
                facts=facts_for(deployment.model),
                files=files,
                signatures=call.signatures,
                drop_params=self._drops(call, deployment),
            )
            for note in translation.notes:
                log.warning("%s: %s", call.model, note)
            for dropped in translation.dropped:
                log.info("%s: %s was dropped: %s", call.model, dropped.param, dropped.reason)
            try:
                return await use(call, deployment, translation)
            except UpstreamFileLost as lost:
                if not replicas:
                    raise
                if self._needs.fresh(replicas, account) and (pause := next(pauses, None)) is not None:
                    await self._clock.sleep(pause)
                elif account.name in call.repaired:
                    raise
                else:
                    await self._needs.repair(replicas, lost)
                    call.repaired.add(account.name)

    def _drops(self, call: _Call, deployment: Deployment) -> bool:
        asked = call.request.get("drop_params")
        return asked if isinstance(asked, bool) else self._settings.drop_params or deployment.drop_params

    def _fold(self, call: _Call, translation: ChatTranslation) -> AnswerFold:
        return AnswerFold(
            translation,
            completion_id=ids.new_completion_id(),
            created=int(self._clock.now()),
            model=call.model,
            new_call_id=ids.new_call_id,
        )

    def _left(self, call: _Call) -> float:
        return max(0.001, call.deadline - self._clock.monotonic())

    # ── relaying ─────────────────────────────────────────────────────────────────────────────────

    def _relayed(self, call: _Call, opened: _Opened) -> EventStream:
        return EventStream(self._relay(call, opened), opened.close)

    async def _relay_late(self, call: _Call, opening: asyncio.Task[_Opened]) -> AsyncGenerator[bytes, None]:
        while not opening.done():
            yield PING
            await asyncio.wait({opening}, timeout=PING_SECONDS)
        try:
            opened = opening.result()
        except LiftgateError as error:
            yield event(_encode(error_body(error)))
            return
        async for block in self._relay(call, opened):
            yield block

    async def _relay(self, call: _Call, opened: _Opened) -> AsyncGenerator[bytes, None]:
        stream, fold, encoder = opened.stream, opened.fold, opened.encoder
        batch = opened.first
        try:
            while batch:
                blocks = [encoder.encode(fold.feed(_decode(data))) for data in batch]
                if signatures := fold.take_signatures():
                    await self._signatures.save(call.owner, signatures)
                if block := b"".join(blocks):
                    yield block
                while True:
                    try:
                        async with asyncio.timeout(PING_SECONDS):
                            batch = await stream.batch()
                        break
                    except TimeoutError:
                        yield PING
            yield encoder.encode(fold.end()) + DONE
        except LiftgateError as error:
            yield event(_encode(error_body(error)))
        except Exception:
            # The 200 is out: the client must still learn that this is no regular end.
            log.exception("a stream failed")
            yield event(_encode(error_body(InternalError())))
        finally:
            await opened.close()


async def _abandon(opening: asyncio.Task[_Opened]) -> None:
    opening.cancel()
    await asyncio.wait({opening})
    if not opening.cancelled() and opening.exception() is None:
        await opening.result().close()
