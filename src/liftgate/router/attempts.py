"""The router: runs an attempt on one deployment after another until one answers, or no more tries are worth it.

    failure                                  what follows
    the request's own fault, not retryable   raised at once, on no account repeated
    the deployment's key is rejected, or     other deployments only, for this request, then the fallback model names
    Google has no such model (any more)
    the prompt is too long for the model     the models of `longer`, where there are any
    what upstream says is not of Gemini's    as with a rejected key: it would answer the same
    anything else that is retryable          another deployment at once; where none is left, the same ones after a wait
    num_retries used up                      the fallback model names, one after the other, then the error
    a wait would outlast the deadline        the error at once, with its retry_after

The wait is exponential with full jitter, and never shorter than what upstream asked for.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Protocol, TypeVar

from liftgate.backoff import CALLS
from liftgate.clock import Clock
from liftgate.deployments import Deployment
from liftgate.errors import ConfigError, LiftgateError, ModelNotFound, UpstreamKeyRejected, UpstreamProtocolError
from liftgate.measurements import Measurements
from liftgate.router.choose import Randomness, choose, no_affinity
from liftgate.router.health import Health, model_is_gone
from liftgate.settings.sections import ModelNames
from liftgate.settings.wildcards import STAR, provider_of, served_by_wildcard

log = logging.getLogger("liftgate.router")

T = TypeVar("T")

MATCHED_NAMES = 1024
"""Names served by a wildcard that are remembered: clients choose them, so there must be an end."""
HOPELESS = (UpstreamKeyRejected, UpstreamProtocolError)
"""What the same deployment would say again."""
ANY_MODEL = "*"
"""The key of LiteLLM's `fallbacks` that stands for every model name without an entry of its own."""
TOO_LONG = "context_length_exceeded"
"""OpenAI's code for a prompt that has more tokens than the model takes."""


class RouterSettings(Protocol):
    """What acts of `router_settings`: times in seconds, retries over the whole group of a model name."""

    @property
    def num_retries(self) -> int: ...
    @property
    def cooldown_time(self) -> float: ...
    @property
    def allowed_fails(self) -> int: ...
    @property
    def fallbacks(self) -> Sequence[Mapping[str, Sequence[str]]]: ...


class Router:
    """All deployments and their health in this process."""

    def __init__(
        self,
        deployments: Sequence[Deployment],
        settings: RouterSettings,
        clock: Clock,
        rng: Randomness,
        names: ModelNames | None = None,
        measurements: Measurements | None = None,
    ) -> None:
        self._settings = settings
        self._measurements = measurements or Measurements()
        self._clock = clock
        self._rng = rng
        self._groups: dict[str, list[Deployment]] = {}
        self._health: dict[str, Health] = {}
        for deployment in deployments:
            if deployment.id in self._health:
                raise ConfigError(f"model_list has two deployments with the id {deployment.id!r}.")
            self._groups.setdefault(deployment.model_name, []).append(deployment)
            self._health[deployment.id] = Health()
        self._wildcards = [deployment for deployment in deployments if STAR in deployment.model_name]
        self._matched: dict[str, list[Deployment]] = {}
        self._names = names or ModelNames()
        self._listed = [name for name in self._groups if name not in self._names.aliases]
        self._listed += [name for name in self._names.aliases if name not in self._names.hidden]
        self._groups |= {name: list(self.deployments(meant)) for name, meant in self._names.aliases.items()}
        self._fallbacks = self._checked(settings.fallbacks)
        for others in self._names.longer.values():
            for name in others:
                self._check_fallback(name)

    def model_names(self) -> list[str]:
        """The public names, in the order of the config; then their aliases."""
        return self._listed

    def all_deployments(self) -> list[Deployment]:
        """As they are configured, each once, by the name that it has there."""
        groups = (group for name, group in self._groups.items() if name not in self._names.aliases)
        return [deployment for group in groups for deployment in group]

    def deployments(self, model_name: str) -> Sequence[Deployment]:
        """Those of one public name, else of the closest wildcard with the model filled in; ModelNotFound."""
        group = self._groups.get(model_name) or self._matched.get(model_name)
        if group is None:
            group = served_by_wildcard(self._wildcards, model_name) if self._wildcards else []
            if not group:
                raise ModelNotFound(model_name, provider_of(model_name, self._names.left_out))
            if len(self._matched) >= MATCHED_NAMES:
                self._matched.clear()
            self._matched[model_name] = group
        return group

    def failures(self, deployment: Deployment) -> int:
        """How often it failed, while it is left alone for that; else 0."""
        health = self._health[deployment.id]
        return health.failures if health.is_cooling(self._clock.monotonic()) else 0

    def health(self, deployment: Deployment) -> Health:
        """As it stands now; to be read only."""
        return self._health[deployment.id]

    @contextmanager
    def hold(self, deployment: Deployment) -> Iterator[None]:
        """Counts a stream as in flight while it runs on after its attempt has returned."""
        health = self._health[deployment.id]
        health.in_flight += 1
        try:
            yield
        finally:
            health.in_flight -= 1

    async def run(
        self,
        model_name: str,
        attempt: Callable[[Deployment], Awaitable[T]],
        *,
        group: Sequence[Deployment] = (),
        affinity: Callable[[Deployment], int] = no_affinity,
        deadline: float,
    ) -> T:
        """What `attempt` returns for the first deployment on which it succeeds.

        `group`: the deployments of that name, where the caller has them. `affinity`: how much of what the request needs
        is already there; more is preferred. `deadline`: a moment on the
        clock's `monotonic()`, after which nothing more is begun; an attempt that runs keeps it by itself.
        ModelNotFound, or what the last attempt raised (of several, one that is not about a rejected key).
        """
        group = group or self.deployments(model_name)
        deployment = group[0] if len(group) == 1 else self._pick(group, affinity)
        run: _Run | None = None
        while True:
            health = self._health[deployment.id]
            health.in_flight += 1
            failures = health.failures
            try:
                result = await attempt(deployment)
            except LiftgateError as error:
                self._learn(deployment, health, error)
                if run is None:
                    names = self._names_after(error, model_name)
                    if not names:
                        raise
                    run = _Run(self._clock, self._rng, self._health, deadline, model_name, names)
                    run.go_on(self._settings.num_retries)
                elif not _goes_on(error) and error.code != TOO_LONG:
                    raise
                run.failed(deployment, error)
            else:
                if failures and failures == health.failures:
                    # Begun after the last failure; an older exchange that ends well proves nothing about now.
                    health.succeeded()
                return result
            finally:
                health.in_flight -= 1
            deployment = await self._next(run, affinity)

    async def _next(self, run: _Run, affinity: Callable[[Deployment], int]) -> Deployment:
        """Who is tried after a failure, once that is due. Raises the error where nobody is left."""
        while run.name is not None:
            candidates = await run.candidates(self.deployments(run.name))
            if candidates is not None:
                return self._pick(candidates, affinity)
            run.go_on(self._settings.num_retries)
        raise run.error.again()

    def _names_after(self, error: LiftgateError, model_name: str) -> Sequence[str]:
        """The model names whose deployments are tried after the first failure; none where nothing can help."""
        meant = self._names.aliases.get(model_name, model_name)
        if error.code == TOO_LONG:
            return self._names.longer.get(model_name) or self._names.longer.get(meant) or ()
        if not _goes_on(error):
            return ()
        fallbacks = self._fallbacks
        return [model_name, *(fallbacks.get(model_name) or fallbacks.get(meant) or fallbacks.get(ANY_MODEL, ()))]

    def _learn(self, deployment: Deployment, health: Health, error: LiftgateError) -> None:
        """What a failure says of the deployment."""
        settings = self._settings
        now = self._clock.monotonic()
        was_cooling = health.is_cooling(now)
        log.debug("%s failed: %s: %s", deployment.id, type(error).__name__, error.message)
        if not was_cooling and isinstance(error, UpstreamKeyRejected):
            log.warning("%s: %s", deployment.where or deployment.id, error.message)
        if model_is_gone(error):
            if STAR in deployment.model_name:
                # The client chose the name.
                return
            log.warning("%s: %s", deployment.where or deployment.id, error.message)
        health.failed(
            error,
            now,
            cooldown_time=settings.cooldown_time,
            allowed_fails=settings.allowed_fails,
        )
        if not was_cooling and health.is_cooling(now):
            self._measurements.record("cooldowns", deployment.id, type(error).__name__)

    def _pick(self, candidates: Sequence[Deployment], affinity: Callable[[Deployment], int]) -> Deployment:
        return choose(candidates, self._health, affinity, self._clock.monotonic(), self._rng)

    def _checked(self, fallbacks: Sequence[Mapping[str, Sequence[str]]]) -> dict[str, tuple[str, ...]]:
        known: dict[str, tuple[str, ...]] = {}
        for entry in fallbacks:
            for model_name, others in entry.items():
                for name in (model_name, *others):
                    if name != ANY_MODEL or name != model_name:
                        self._check_fallback(name)
                known[model_name] = tuple(others)
        return known

    def _check_fallback(self, name: str) -> None:
        try:
            self.deployments(name)
        except ModelNotFound as error:
            raise ConfigError(f"fallbacks: {name!r} is no model_name.") from error


def _goes_on(error: LiftgateError) -> bool:
    """Whether another deployment may answer."""
    return error.retryable or model_is_gone(error) or isinstance(error, UpstreamProtocolError)


class _Run:
    """One request for `asked` after its first failure. `name`: the model name whose deployments are tried, of `names`;
    None behind them. `tries_left`: of it."""

    def __init__(
        self,
        clock: Clock,
        rng: Randomness,
        health: Mapping[str, Health],
        deadline: float,
        asked: str,
        names: Iterable[str],
    ) -> None:
        self._clock = clock
        self._rng = rng
        self._health = health
        self._deadline = deadline
        self._failed: set[str] = set()
        self._rejected: set[str] = set()
        self._waits = 0
        self._error: LiftgateError | None = None
        self._asked = asked
        self._names = iter(names)
        self.name: str | None = None
        self.tries_left = 0

    def go_on(self, retries: int) -> None:
        """To the next name. Of the one that was asked for a try is behind it."""
        self.name = next(self._names, None)
        self.tries_left = retries if self.name == self._asked else retries + 1

    @property
    def error(self) -> LiftgateError:
        assert self._error is not None, "asked before a failure"
        return self._error

    def failed(self, deployment: Deployment, error: LiftgateError) -> None:
        self._failed.add(deployment.id)
        hopeless = isinstance(error, HOPELESS) or model_is_gone(error) or error.code == TOO_LONG
        if hopeless:
            self._rejected.add(deployment.id)
        if self._error is None or not hopeless:
            # Without its frames, one of which holds this.
            self._error = error.again()

    async def candidates(self, group: Sequence[Deployment]) -> Sequence[Deployment] | None:
        """Who may be tried next, after the wait that this takes; None when this group has no more to give."""
        usable = [deployment for deployment in group if deployment.id not in self._rejected]
        now = self._clock.monotonic()
        if not usable or self.tries_left <= 0 or now >= self._deadline:
            return None
        self.tries_left -= 1
        fresh = [d for d in usable if d.id not in self._failed and not self._health[d.id].is_cooling(now)]
        if fresh:
            return fresh
        wait = self._rng.random() * CALLS.pause(self._waits)
        wait = max(wait, min(self._health[d.id].closed_until for d in usable) - now)
        if now + wait >= self._deadline:
            return None
        self._waits += 1
        self._failed.clear()
        await self._clock.sleep(wait)
        return usable
