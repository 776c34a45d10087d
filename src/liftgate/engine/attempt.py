"""Tries a request at one deployment after another: brings its files there, calls it, and makes again what Gemini lost
of them (`heal`). The client sees only an answer (docs/architecture.md, "Copies").

Knows neither OpenAI's nor Gemini's form of a request: the caller says what to try with the files' URIs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import TypeAlias, TypeVar

import msgspec

from liftgate.ask import checks
from liftgate.ask.media import Media, ResolvedFile
from liftgate.ask.model_dates import with_its_end
from liftgate.ask.suspects import Suspect, inline_suspects, named
from liftgate.clock import Clock
from liftgate.days import day_of
from liftgate.deployments import Account, Deployment
from liftgate.engine.heal import Healing
from liftgate.engine.meter import CallRecord, bringing, noted_call
from liftgate.engine.needs import Needed, Needs
from liftgate.errors import FileNotReady, InvalidRequest, LiftgateError, NotFound, UpstreamFileLost
from liftgate.gemini.status import classify, lost_file
from liftgate.records import CopyRecord
from liftgate.router.attempts import Router

T = TypeVar("T")
Use: TypeAlias = Callable[[Deployment, Mapping[str, ResolvedFile]], Awaitable[T]]
"""Asks a deployment, with what became of each file by the parameter that names it. It may be called more than once."""

LEAST_SECONDS = 0.001
"""That a call may be given."""
TOO_DEEP = "The body is nested too deeply: what is made of it for Gemini cannot be written."


class RequestFiles(msgspec.Struct, frozen=True):
    """What a request needs at whichever deployment serves it. `group`: the deployments of its model. `deadline`: on the
    monotonic clock. `healed`: what was done about lost files, by account. `media`: the parts of the request that may
    hold data."""

    group: Sequence[Deployment]
    needs: Sequence[Needed]
    deadline: float
    healed: dict[str, Healing] = msgspec.field(default_factory=dict)
    media: Mapping[str, Media] = {}


class Attempts:
    def __init__(self, needs: Needs, router: Router, clock: Clock) -> None:
        self._needs = needs
        self._router = router
        self._clock = clock
        self._timed = any(deployment.timeout for deployment in router.all_deployments())

    def left(self, wanted: RequestFiles, deployment: Deployment | None = None) -> float:
        """Seconds to the deadline, or what this deployment is given of them; never 0."""
        left = wanted.deadline - self._clock.monotonic()
        if left < LEAST_SECONDS:
            left = LEAST_SECONDS
        return min(left, deployment.timeout) if deployment is not None and deployment.timeout else left

    def limit(self, group: Sequence[Deployment], limit: float) -> float:
        """Seconds that a call may take: the gateway's `limit`, or more where one of the deployments is given more."""
        return max([limit, *(each.timeout for each in group if each.timeout)]) if self._timed else limit

    def run(self, model: str, wanted: RequestFiles, use: Use[T]) -> Awaitable[T]:
        """What `use` returns at the first deployment of `model` that gives an answer; those that hold the files already
        come first. Raises what `at` and `Router.run` do.
        """

        def attempt(deployment: Deployment) -> Awaitable[T]:
            return self.at(deployment, wanted, use)

        if not wanted.needs:
            return self._router.run(model, attempt, group=wanted.group, deadline=wanted.deadline)
        running = self._router.run(
            model,
            attempt,
            group=wanted.group,
            affinity=lambda deployment: self._needs.affinity(wanted.needs, deployment.account),
            deadline=wanted.deadline,
        )
        return running if len(wanted.group) == 1 else self._located(wanted, running)

    async def _located(self, wanted: RequestFiles, running: Coroutine[object, object, T]) -> T:
        """Awaits `running` after the catalogue was asked which of the accounts hold the files."""
        call = noted_call()
        locating = self._needs.locate(wanted.needs, (deployment.account for deployment in wanted.group))
        try:
            await (locating if call is None else bringing(call, locating))
        except BaseException:
            running.close()
            raise
        return await running

    async def at(self, deployment: Deployment, wanted: RequestFiles, use: Use[T]) -> T:
        """What `use` returns.

        Raises what `use` does; a file that Gemini goes on denying is named as the client knows it, and of a model that
        Google has ended the error says when, and what follows.
        """
        call = noted_call()
        if call is not None:
            call.tries_at(deployment)
        try:
            if wanted.needs:
                return await self._with_files(deployment, wanted, use, call)
            try:
                return await use(deployment, {})
            except UpstreamFileLost as lost:
                raise _without_files(lost) from lost
            except (InvalidRequest, NotFound) as refused:
                raise self._explained(refused, deployment, wanted, {}) from None
            except RecursionError:
                raise InvalidRequest(TOO_DEEP) from None
        except BaseException as error:
            if call is not None:
                call.note_failure(deployment, error)
            raise

    async def _with_files(
        self,
        deployment: Deployment,
        wanted: RequestFiles,
        use: Use[T],
        call: CallRecord | None,
    ) -> T:
        account = deployment.account
        while True:
            resolving = self._needs.resolve(wanted.needs, account, deadline=wanted.deadline)
            files, copies = await (resolving if call is None else bringing(call, resolving))
            if call is not None and call.ticket is not None:
                call.blobs = {copy.uri: copy.subject for copy in copies}
            try:
                return await use(deployment, files)
            except UpstreamFileLost as lost:
                if not copies:
                    raise _without_files(lost) from lost
                past = wanted.healed.setdefault(account.name, Healing())
                healing = self._needs.healer.heal(past, copies, lost, account, wanted.deadline)
                if not await (healing if call is None else bringing(call, healing)):
                    raise _denied(lost, wanted.needs, copies, account) from lost
            except (InvalidRequest, NotFound) as refused:
                raise self._explained(refused, deployment, wanted, files) from None
            except RecursionError:
                raise InvalidRequest(TOO_DEEP) from None

    def _explained(
        self,
        refused: InvalidRequest | NotFound,
        deployment: Deployment,
        wanted: RequestFiles,
        files: Mapping[str, ResolvedFile],
    ) -> LiftgateError:
        """Google's word, with what is known here of the files or of the model that it is about."""
        if isinstance(refused, NotFound):
            return with_its_end(refused, deployment.model, day_of(self._clock.now()))
        return named(refused, _suspects(wanted, files))


def silence(deployment: Deployment, default: float) -> float:
    """Seconds that a stream of this deployment may be silent, its beginning included."""
    return deployment.stream_timeout or (min(default, deployment.timeout) if deployment.timeout else default)


def _without_files(lost: UpstreamFileLost) -> LiftgateError:
    """The error that a lost file means where none of our files can be its cause."""
    if lost.upstream is None:
        return lost
    kind = classify(lost.upstream, names_file=False)
    return kind(lost.upstream.message or lost.message, retry_after=lost.retry_after, upstream=lost.upstream)


def _suspects(wanted: RequestFiles, files: Mapping[str, ResolvedFile]) -> list[Suspect]:
    """All files of a request, as Gemini knows them."""
    found = list(inline_suspects(wanted.media, files))
    for each in wanted.needs:
        if each.wanted is not None:
            found.append(Suspect(each.need.param, each.wanted.described, files[each.need.param].mime_type))
    return found


def _denied(
    lost: UpstreamFileLost, needs: Sequence[Needed], copies: Sequence[CopyRecord], account: Account
) -> LiftgateError:
    """The denial of a file, by the id and name that its owner knows."""
    name = lost_file(lost)
    if name is None:
        return _without_files(lost)
    error: LiftgateError = lost
    if lost.upstream is not None and lost.upstream.status == 400:
        error = FileNotReady("Gemini is still processing it. Try again shortly.", retry_after=10)
    denied = {each.key for each in copies if each.name == name}
    for each in needs:
        if each.wanted is not None and each.wanted.key(account) in denied:
            return each.wanted.about(error)
    return error


def asked_timeout(value: object, limit: float) -> float:
    """Seconds that a call may take by its own `timeout`, `limit` at most. Raises InvalidRequest."""
    return min(checks.number(value, "timeout", LEAST_SECONDS, checks.INT32_MAX), limit)
