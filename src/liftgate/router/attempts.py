"""The router: runs an attempt on one deployment after another until one answers, or no more tries are worth it.

    failure                                  what follows
    the request's own fault, not retryable   raised at once, on no account repeated
    the deployment's key is rejected         other deployments only, for this request
    anything else that is retryable          another deployment at once; where none is left, the same ones after a wait
    num_retries used up                      the fallback model names, one after the other, then the error
    a wait would outlast the deadline        the error at once, with its retry_after

The wait is exponential with full jitter, and never shorter than what upstream asked for.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Protocol, TypeVar

from liftgate.clock import Clock
from liftgate.errors import ConfigError, LiftgateError, ModelNotFound, UpstreamKeyRejected
from liftgate.records import Deployment
from liftgate.router.choose import Randomness, choose, no_affinity
from liftgate.router.health import Health
from liftgate.settings.wildcards import STAR, served_by_wildcard

T = TypeVar("T")

FIRST_WAIT = 0.5
LONGEST_WAIT = 8.0
"""Seconds: the ceiling of the n-th wait is FIRST_WAIT · 2ⁿ, at most this."""
MATCHED_NAMES = 1024
"""Names served by a wildcard that are remembered: clients choose them, so there must be an end."""
ANY_MODEL = "*"
"""The key of LiteLLM's `fallbacks` that stands for every model name without an entry of its own."""


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
        self, deployments: Sequence[Deployment], settings: RouterSettings, clock: Clock, rng: Randomness
    ) -> None:
        self._settings = settings
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
        self._fallbacks = self._checked(settings.fallbacks)

    def model_names(self) -> list[str]:
        """The public names, in the order of the config."""
        return list(self._groups)

    def deployments(self, model_name: str) -> Sequence[Deployment]:
        """Those of one public name, else of the closest wildcard with the model filled in; ModelNotFound."""
        group = self._groups.get(model_name) or self._matched.get(model_name)
        if group is None:
            group = served_by_wildcard(self._wildcards, model_name) if self._wildcards else []
            if not group:
                raise ModelNotFound(model_name)
            if len(self._matched) >= MATCHED_NAMES:
                self._matched.clear()
            self._matched[model_name] = group
        return group

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
        affinity: Callable[[Deployment], int] = no_affinity,
        deadline: float,
    ) -> T:
        """What `attempt` returns for the first deployment on which it succeeds.

        `affinity`: how much of what the request needs is already there; more is preferred. `deadline`: a moment on the
        clock's `monotonic()`, after which nothing more is begun; an attempt that runs keeps it by itself.
        ModelNotFound, or what the last attempt raised (of several, one that is not about a rejected key).
        """
        group = self.deployments(model_name)
        first = group[0] if len(group) == 1 else self._pick(group, affinity)
        try:
            return await self._try(first, attempt)
        except LiftgateError as error:
            if not error.retryable:
                raise
            run = _Run(self._clock, self._rng, self._health, deadline)
            run.failed(first, error)
        group_names = [model_name, *self._fallbacks.get(model_name, self._fallbacks.get(ANY_MODEL, ()))]
        for name in group_names:
            run.tries_left = self._settings.num_retries + (0 if name == model_name else 1)
            while (candidates := await run.candidates(self.deployments(name))) is not None:
                deployment = self._pick(candidates, affinity)
                try:
                    return await self._try(deployment, attempt)
                except LiftgateError as error:
                    if not error.retryable:
                        raise
                    run.failed(deployment, error)
        raise run.error.again()

    async def _try(self, deployment: Deployment, attempt: Callable[[Deployment], Awaitable[T]]) -> T:
        health = self._health[deployment.id]
        health.in_flight += 1
        failures = health.failures
        try:
            result = await attempt(deployment)
        except LiftgateError as error:
            settings = self._settings
            health.failed(
                error,
                self._clock.monotonic(),
                cooldown_time=settings.cooldown_time,
                allowed_fails=settings.allowed_fails,
            )
            raise
        finally:
            health.in_flight -= 1
        if failures and failures == health.failures:
            # Begun after the last failure; an older exchange that ends well proves nothing about now.
            health.succeeded()
        return result

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
            raise ConfigError(f"router_settings.fallbacks names {name!r}, which is no model_name.") from error


class _Run:
    """One request after its first failure."""

    def __init__(self, clock: Clock, rng: Randomness, health: Mapping[str, Health], deadline: float) -> None:
        self._clock = clock
        self._rng = rng
        self._health = health
        self._deadline = deadline
        self._failed: set[str] = set()
        self._rejected: set[str] = set()
        self._waits = 0
        self._error: LiftgateError | None = None
        self.tries_left = 0

    @property
    def error(self) -> LiftgateError:
        assert self._error is not None, "asked before a failure"
        return self._error

    def failed(self, deployment: Deployment, error: LiftgateError) -> None:
        self._failed.add(deployment.id)
        if isinstance(error, UpstreamKeyRejected):
            self._rejected.add(deployment.id)
        if self._error is None or not isinstance(error, UpstreamKeyRejected):
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
        wait = self._rng.random() * min(LONGEST_WAIT, FIRST_WAIT * 2.0**self._waits)
        wait = max(wait, min(self._health[d.id].closed_until for d in usable) - now)
        if now + wait >= self._deadline:
            return None
        self._waits += 1
        self._failed.clear()
        await self._clock.sleep(wait)
        return usable
