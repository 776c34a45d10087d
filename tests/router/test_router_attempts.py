"""The router with deployments that are functions: what is tried, in which order, after which wait."""

from __future__ import annotations

import asyncio
import random  # noqa: TID251 - fixed seeds are the point
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import pytest

from liftgate.deployments import Account, Deployment
from liftgate.errors import (
    ConfigError,
    FileUnusable,
    InvalidRequest,
    LiftgateError,
    ModelNotFound,
    NotFound,
    Unavailable,
    UpstreamDisconnected,
    UpstreamFileLost,
    UpstreamKeyRejected,
    UpstreamProtocolError,
    UpstreamRateLimited,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from liftgate.router.attempts import MATCHED_NAMES, Router
from liftgate.router.choose import Randomness


@dataclass
class HandClock:
    """Time that moves only when somebody sleeps."""

    time: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds


@dataclass
class Dice:
    """Throws the given numbers in turn, for ever."""

    throws: Sequence[float] = (0.5,)
    count: int = 0

    def random(self) -> float:
        self.count += 1
        return self.throws[(self.count - 1) % len(self.throws)]


@dataclass(frozen=True)
class RouterSettings:
    num_retries: int = 2
    cooldown_time: float = 5.0
    allowed_fails: int = 3
    fallbacks: tuple[Mapping[str, tuple[str, ...]], ...] = ()


def deployment(name: str, model_name: str = "gemini") -> Deployment:
    account = Account(name=f"account-{name}", api_keys=("k",), api_base="http://localhost")
    return Deployment(id=name, model_name=model_name, model="gemini-2.5-flash", account=account, api_key="k")


class Upstream:
    """Answers of deployments by id: an error is raised, None is success. The last of a list stays."""

    def __init__(self, **answers: list[LiftgateError | None] | LiftgateError | None) -> None:
        self.answers = {name: list(plan) if isinstance(plan, list) else [plan] for name, plan in answers.items()}
        self.asked: list[str] = []

    async def __call__(self, where: Deployment) -> str:
        self.asked.append(where.id)
        plan = self.answers.get(where.id, [None])
        answer = plan.pop(0) if len(plan) > 1 else plan[0]
        if answer is not None:
            raise answer
        return where.id


def router_of(
    *names: str,
    settings: RouterSettings | None = None,
    clock: HandClock | None = None,
    dice: Randomness | None = None,
    more: Sequence[Deployment] = (),
) -> Router:
    deployments = [*(deployment(name) for name in names), *more]
    return Router(deployments, settings or RouterSettings(), clock or HandClock(), dice or Dice())


def run(
    router: Router,
    attempt: Callable[[Deployment], Awaitable[str]],
    *,
    affinity: Callable[[Deployment], int] = lambda where: 0,
    deadline: float = 1600.0,
    model_name: str = "gemini",
) -> str:
    return asyncio.run(router.run(model_name, attempt, affinity=affinity, deadline=deadline))


def a_first(where: Deployment) -> int:
    """The affinity of a request whose files are at deployment a."""
    return 1 if where.id == "a" else 0


def test_router_unknown_model_name_is_not_found() -> None:
    with pytest.raises(ModelNotFound) as caught:
        run(router_of("a"), Upstream(), model_name="gpt-4")
    assert caught.value.model == "gpt-4"


def test_router_lists_names_in_order_and_deployments_of_a_name() -> None:
    router = router_of("a", "b", more=[deployment("c", "other")])
    assert router.model_names() == ["gemini", "other"]
    assert [d.id for d in router.deployments("gemini")] == ["a", "b"]


@pytest.mark.parametrize(
    "error",
    [
        InvalidRequest("bad"),
        NotFound("no model"),
        FileUnusable("no"),
        pytest.param(LiftgateError("a defect"), id="defect"),
    ],
)
def test_router_failure_that_no_try_can_mend_is_never_repeated(error: LiftgateError) -> None:
    clock, upstream = HandClock(), Upstream(a=error, b=error, c=error)
    settings = RouterSettings(fallbacks=({"gemini": ("other",)},))
    router = router_of("a", "b", settings=settings, clock=clock, more=[deployment("c", "other")])
    with pytest.raises(type(error)) as caught:
        run(router, upstream)
    assert caught.value is error
    assert len(upstream.asked) == 1
    assert clock.slept == []
    assert not router.health(router.deployments("gemini")[0]).is_cooling(clock.time)


def test_router_garbage_is_asked_of_each_other_deployment_and_of_none_twice() -> None:
    """What is no answer of Gemini's (a page of a proxy, say) would come again from the same place."""
    odd = UpstreamProtocolError("odd")
    clock, upstream = HandClock(), Upstream(a=odd)
    assert run(router_of("a", "b", clock=clock, dice=Dice((0.1, 0.9))), upstream) == "b"
    assert (upstream.asked, clock.slept) == (["a", "b"], [])
    upstream = Upstream(a=odd, b=odd, c=odd)
    settings = RouterSettings(num_retries=5, fallbacks=({"gemini": ("other",)},))
    router = router_of("a", "b", settings=settings, clock=clock, more=[deployment("c", "other")])
    with pytest.raises(UpstreamProtocolError):
        run(router, upstream)
    assert (sorted(upstream.asked), clock.slept) == (["a", "b", "c"], [])


def test_router_of_two_failures_the_one_that_says_more_is_told() -> None:
    upstream = Upstream(a=UpstreamUnavailable("busy"), b=UpstreamProtocolError("odd"))
    with pytest.raises(UpstreamUnavailable):
        run(router_of("a", "b", settings=RouterSettings(num_retries=1)), upstream)


def test_router_unexpected_exception_passes_and_nothing_stays_in_flight() -> None:
    async def attempt(where: Deployment) -> str:
        raise ZeroDivisionError

    router = router_of("a")
    with pytest.raises(ZeroDivisionError):
        run(router, attempt)
    assert router.health(router.deployments("gemini")[0]).in_flight == 0


def test_router_cancelled_attempt_is_not_repeated_and_not_in_flight() -> None:
    asked: list[str] = []

    async def attempt(where: Deployment) -> str:
        asked.append(where.id)
        await asyncio.Event().wait()
        return where.id

    async def scenario() -> None:
        async with asyncio.timeout(0.01):
            await router.run("gemini", attempt, deadline=1600.0)

    router = router_of("a", "b")
    with pytest.raises(TimeoutError):
        asyncio.run(scenario())
    assert len(asked) == 1
    assert [router.health(d).in_flight for d in router.deployments("gemini")] == [0, 0]


def test_router_another_deployment_is_tried_at_once() -> None:
    clock, upstream = HandClock(), Upstream(a=UpstreamRateLimited("429", retry_after=30.0))
    router = router_of("a", "b", clock=clock, dice=Dice((0.1, 0.9)))
    assert run(router, upstream) == "b"
    assert upstream.asked == ["a", "b"]
    assert clock.slept == []


def test_router_single_deployment_backs_off_with_full_jitter() -> None:
    clock = HandClock()
    upstream = Upstream(a=[UpstreamUnavailable("503"), UpstreamDisconnected("gone"), None])
    assert run(router_of("a", clock=clock, dice=Dice((0.5, 0.25))), upstream) == "a"
    # The n-th ceiling is 0.5 s · 2ⁿ.
    assert clock.slept == [0.5 * 0.5, 0.25 * 1.0]


def test_router_back_off_never_exceeds_its_cap() -> None:
    clock = HandClock()
    settings = RouterSettings(num_retries=8)
    with pytest.raises(UpstreamTimeout):
        run(router_of("a", settings=settings, clock=clock, dice=Dice((1.0,))), Upstream(a=UpstreamTimeout("slow")))
    assert clock.slept == [0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0, 8.0]


def test_router_num_retries_bounds_the_tries_over_the_group() -> None:
    upstream = Upstream(**{name: UpstreamUnavailable("503") for name in "abcdef"})
    with pytest.raises(UpstreamUnavailable):
        run(router_of(*"abcdef"), upstream)
    assert len(upstream.asked) == 3
    assert len(set(upstream.asked)) == 3


def test_router_no_retries_means_one_try() -> None:
    upstream = Upstream(a=UpstreamUnavailable("503"), b=UpstreamUnavailable("503"))
    with pytest.raises(UpstreamUnavailable):
        run(router_of("a", "b", settings=RouterSettings(num_retries=0)), upstream)
    assert len(upstream.asked) == 1


def test_router_waits_as_long_as_upstream_asked() -> None:
    clock = HandClock()
    upstream = Upstream(a=[UpstreamRateLimited("429", retry_after=20.0), None])
    assert run(router_of("a", clock=clock), upstream) == "a"
    assert clock.slept == [20.0]


def test_router_waits_for_the_deployment_that_opens_first() -> None:
    clock = HandClock()
    upstream = Upstream(
        a=[UpstreamRateLimited("429", retry_after=20.0), None], b=[UpstreamRateLimited("429", retry_after=7.0), None]
    )
    assert run(router_of("a", "b", clock=clock), upstream) == "b"
    assert clock.slept == [7.0]


def test_router_wait_beyond_the_deadline_ends_at_once_with_retry_after() -> None:
    clock, upstream = HandClock(), Upstream(a=UpstreamRateLimited("429", retry_after=48.0))
    with pytest.raises(UpstreamRateLimited) as caught:
        run(router_of("a", clock=clock), upstream, deadline=1010.0)
    assert caught.value.retry_after == 48.0
    assert upstream.asked == ["a"]
    assert clock.slept == []


def test_router_nothing_is_begun_after_the_deadline() -> None:
    clock, asked = HandClock(), []

    async def slow(where: Deployment) -> str:
        asked.append(where.id)
        clock.time += 700.0
        raise UpstreamTimeout("slow")

    with pytest.raises(UpstreamTimeout):
        run(router_of("a", "b", clock=clock), slow)
    assert len(asked) == 1


def test_router_rejected_key_is_not_retried_there() -> None:
    clock, upstream = HandClock(), Upstream(a=UpstreamKeyRejected("key"))
    with pytest.raises(UpstreamKeyRejected):
        run(router_of("a", clock=clock), upstream)
    assert upstream.asked == ["a"]
    assert clock.slept == []


def test_router_rejected_key_goes_to_other_deployments_only() -> None:
    upstream = Upstream(a=UpstreamKeyRejected("key"), b=[UpstreamUnavailable("503"), None])
    assert run(router_of("a", "b"), upstream, affinity=a_first) == "b"
    assert upstream.asked == ["a", "b", "b"]


def test_router_rejected_key_does_not_hide_what_the_others_said() -> None:
    upstream = Upstream(a=UpstreamRateLimited("429", retry_after=3600.0), b=UpstreamKeyRejected("key"))
    with pytest.raises(UpstreamRateLimited) as caught:
        run(router_of("a", "b"), upstream, affinity=a_first)
    assert upstream.asked == ["a", "b"]
    assert caught.value.retry_after == 3600.0


def test_router_prefers_affinity_then_least_in_flight_then_chance() -> None:
    router = router_of("a", "b", "c", dice=Dice((0.9, 0.1, 0.5)))
    assert run(router, Upstream(), affinity=lambda where: {"a": 1, "b": 0, "c": 2}[where.id]) == "c"
    a, b, c = router.deployments("gemini")
    with router.hold(b), router.hold(c), router.hold(c):
        assert run(router, Upstream()) == "a"
        assert run(router, Upstream(), affinity=lambda where: 1 if where.id == "c" else 0) == "c"
        with router.hold(a), router.hold(a):
            assert run(router, Upstream()) == "b"
    assert run(router_of("a", "b", "c", dice=Dice((0.9, 0.1, 0.5))), Upstream()) == "b"


@pytest.mark.parametrize("working", [range(100, 200), range(199, 200)], ids=["half", "one"])
def test_router_spreads_over_what_works_of_a_large_group(working: range) -> None:
    """Of many deployments a few are drawn: none is forgotten, and one that cools waits while others are there."""
    names = [f"d{number}" for number in range(200)]
    good = [names[number] for number in working]
    router = router_of(*names, settings=RouterSettings(num_retries=200), dice=random.Random(1))
    bad: dict[str, list[LiftgateError | None]] = {n: [UpstreamKeyRejected("key")] for n in names if n not in good}
    upstream = Upstream(**bad)

    async def scenario() -> None:
        # The clock stands still, so what was rejected once cools to the end.
        for _ in range(len(names)):
            await router.run("gemini", upstream, deadline=1600.0)
        upstream.asked.clear()
        for _ in range(2000):
            await router.run("gemini", upstream, deadline=1600.0)

    asyncio.run(scenario())
    counts = [upstream.asked.count(name) for name in good]
    assert min(counts) > 0
    assert max(counts) < 3 * 2000 / len(good)
    assert sum(counts) > 1900


def test_router_concurrent_requests_spread_over_the_deployments() -> None:
    asked: list[str] = []

    async def attempt(where: Deployment) -> str:
        asked.append(where.id)
        await asyncio.sleep(0)
        return where.id

    async def scenario() -> None:
        await asyncio.gather(*(router.run("gemini", attempt, deadline=1600.0) for _ in range(12)))

    router = router_of("a", "b", "c")
    asyncio.run(scenario())
    assert {name: asked.count(name) for name in "abc"} == {"a": 4, "b": 4, "c": 4}


@contextmanager
def held(router: Router, where: Deployment) -> Iterator[int]:
    with router.hold(where):
        yield router.health(where).in_flight


def test_router_hold_counts_a_stream_and_lets_go_on_failure() -> None:
    router = router_of("a")
    (a,) = router.deployments("gemini")
    with pytest.raises(ValueError, match="stream"), held(router, a) as counted:
        assert counted == 1
        raise ValueError("stream")
    assert router.health(a).in_flight == 0


@pytest.mark.parametrize("error", [UpstreamRateLimited("429"), UpstreamUnavailable("503"), UpstreamKeyRejected("key")])
def test_router_cools_at_once_after_429_5xx_and_a_rejected_key(error: LiftgateError) -> None:
    clock = HandClock()
    router = router_of("a", "b", clock=clock)
    upstream = Upstream(a=[error, None])
    run(router, upstream, affinity=a_first)
    assert [run(router, upstream, affinity=a_first) for _ in range(3)] == ["b"] * 3
    clock.time += 5.0
    assert run(router, upstream, affinity=a_first) == "a"


def test_router_cools_for_retry_after_when_that_is_longer() -> None:
    clock = HandClock()
    router = router_of("a", "b", clock=clock)
    upstream = Upstream(a=[UpstreamRateLimited("429", retry_after=30.0), None])
    run(router, upstream, affinity=a_first)
    clock.time += 29.0
    assert run(router, upstream, affinity=a_first) == "b"
    clock.time += 1.0
    assert run(router, upstream, affinity=a_first) == "a"


def test_router_cools_after_more_than_allowed_fails_of_the_network() -> None:
    clock = HandClock()
    settings = RouterSettings(allowed_fails=2)
    router = router_of("a", "b", settings=settings, clock=clock)
    upstream = Upstream(a=UpstreamDisconnected("gone"))
    for _ in range(3):
        assert run(router, upstream, affinity=a_first) == "b"
    assert upstream.asked == ["a", "b"] * 3
    assert run(router, upstream, affinity=a_first) == "b"
    assert upstream.asked[-2:] == ["b", "b"]


def test_router_failures_that_are_far_apart_do_not_add_up() -> None:
    clock = HandClock()
    settings = RouterSettings(allowed_fails=1)
    router = router_of("a", "b", settings=settings, clock=clock)
    upstream = Upstream(a=UpstreamDisconnected("gone"))
    for _ in range(4):
        run(router, upstream, affinity=a_first)
        clock.time += 61.0
    assert upstream.asked == ["a", "b"] * 4


@pytest.mark.parametrize("error", [Unavailable("catalogue away"), UpstreamFileLost("gone")])
def test_router_what_is_not_the_deployments_fault_does_not_cool_it(error: LiftgateError) -> None:
    clock = HandClock()
    router = router_of("a", clock=clock, settings=RouterSettings(allowed_fails=0, num_retries=0))
    with pytest.raises(type(error)):
        run(router, Upstream(a=error))
    assert not router.health(router.deployments("gemini")[0]).is_cooling(clock.time)


def test_router_all_cooling_are_tried_all_the_same() -> None:
    clock = HandClock()
    router = router_of("a", "b", clock=clock, settings=RouterSettings(num_retries=1))
    with pytest.raises(UpstreamUnavailable):
        run(router, Upstream(a=UpstreamUnavailable("503"), b=UpstreamUnavailable("503")))
    assert run(router, Upstream()) in ("a", "b")


def test_router_success_ends_the_cooling() -> None:
    clock = HandClock()
    router = router_of("a", clock=clock)
    assert run(router, Upstream(a=[UpstreamUnavailable("503"), None])) == "a"
    assert not router.health(router.deployments("gemini")[0]).is_cooling(clock.time)


def test_router_exchange_begun_before_a_failure_does_not_end_the_cooling() -> None:
    clock = HandClock()
    router = router_of("a", clock=clock, settings=RouterSettings(num_retries=0))

    async def scenario() -> None:
        failed = asyncio.Event()

        async def long_one(where: Deployment) -> str:
            await failed.wait()
            return where.id

        async with asyncio.TaskGroup() as group:
            group.create_task(router.run("gemini", long_one, deadline=1600.0))
            await asyncio.sleep(0)
            with pytest.raises(UpstreamRateLimited):
                await router.run("gemini", Upstream(a=UpstreamRateLimited("429", retry_after=30.0)), deadline=1600.0)
            failed.set()

    asyncio.run(scenario())
    assert router.health(router.deployments("gemini")[0]).is_cooling(clock.time + 29.0)


def test_router_falls_back_to_other_model_names_in_order() -> None:
    clock = HandClock()
    settings = RouterSettings(num_retries=1, fallbacks=({"gemini": ("second", "third")},))
    more = [deployment("s", "second"), deployment("t", "third")]
    upstream = Upstream(a=UpstreamTimeout("slow"), s=UpstreamTimeout("slow"))
    assert run(router_of("a", settings=settings, clock=clock, more=more), upstream) == "t"
    assert upstream.asked == ["a", "a", "s", "s", "t"]


def test_router_star_falls_back_for_names_without_an_entry() -> None:
    settings = RouterSettings(num_retries=0, fallbacks=({"*": ("second",)},))
    upstream = Upstream(a=UpstreamTimeout("slow"))
    assert run(router_of("a", settings=settings, more=[deployment("s", "second")]), upstream) == "s"


def test_router_fallback_after_a_wait_that_would_be_too_long() -> None:
    clock = HandClock()
    settings = RouterSettings(fallbacks=({"gemini": ("second",)},))
    upstream = Upstream(a=UpstreamRateLimited("429", retry_after=86_000.0))
    assert run(router_of("a", settings=settings, clock=clock, more=[deployment("s", "second")]), upstream) == "s"
    assert clock.slept == []


def test_router_unknown_fallback_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match="'nowhere'"):
        router_of("a", settings=RouterSettings(fallbacks=({"gemini": ("nowhere",)},)))


def test_router_two_deployments_with_one_id_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match="'a'"):
        router_of("a", "a")


def test_router_wildcard_serves_what_no_name_has_word_for_word() -> None:
    router = router_of("a", more=[replace(deployment("w", "gemini/*"), model="gemini/*")])
    models: list[str] = []

    async def attempt(where: Deployment) -> str:
        models.append(where.model)
        return where.id

    assert run(router, attempt, model_name="gemini/gemini-2.5-pro") == "w"
    assert run(router, attempt, model_name="gemini") == "a"
    assert models == ["gemini-2.5-pro", "gemini-2.5-flash"]
    first, second = (router.deployments("gemini/gemini-2.5-pro")[0] for _ in range(2))
    assert first is second
    with pytest.raises(ModelNotFound):
        router.deployments("gpt-4")


def test_router_names_matched_by_a_wildcard_are_not_kept_for_ever() -> None:
    router = router_of(more=[deployment("w", "*")])
    for number in range(3 * MATCHED_NAMES):
        (served,) = router.deployments(f"model-{number}")
        assert router.health(served).in_flight == 0
    assert router.model_names() == ["*"]
