"""The limits of a key, or of an owner, one by one, as they are kept and enforced. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from liftgate.deployments import Deployment
from liftgate.errors import ModelNotFound
from liftgate.keys.terms import Terms

Kind = Literal["requests", "tokens", "parallel", "usd"]
Source = Literal["key", "owner", "gateway"]
FindGroup = Callable[[str], Sequence[Deployment]]
"""The deployments that are meant by a public name. Raises ModelNotFound."""
NANO = 1_000_000_000
UNBOUNDED = 1 << 62
"""The amount of a budget that refuses nothing: what is spent of it is counted, for a soft budget that stands alone."""
PLANS = 256
"""Models whose limits are remembered: behind a wildcard callers choose their names."""


@dataclass(frozen=True, slots=True)
class Limit:
    """`id`: under which its state is kept. `subject`: the id of the key or of the owner, or "gateway". `amount`: of
    requests or tokens in a minute, of requests at one time, or of nano-dollars. `model`: the only one that counts; ""
    for all. `duration`: of a budget's window, None without an end. `counted_from`: from when such windows are counted.
    `name`: of the key or the owner, which `source` says; "" of the gateway."""

    id: str
    subject: str
    kind: Kind
    amount: int
    name: str
    model: str = ""
    duration: str | None = None
    counted_from: float = 0.0
    source: Source = "key"

    @property
    def is_bounded(self) -> bool:
        return self.amount < UNBOUNDED

    @property
    def whose(self) -> str:
        return f"the {self.source} {self.name!r}" if self.name else f"the {self.source}"


@dataclass(frozen=True, slots=True)
class Plan:
    """The limits that concern one model. `at_once`: what a call takes at its beginning; `asking`: those that are asked
    when it is known what Google will be. `covers`: whether there are such; `has_budget`: whether one of them is a
    budget; `only_budget`: what is asked, where it is one budget and nothing else. `counts_tokens`: whether what a
    call came to matters to one of `rates`."""

    at_once: tuple[tuple[Limit, int], ...]
    asking: tuple[Limit, ...]
    rates: tuple[Limit, ...]
    # What follows from `asking` is worked out once, not by each call.
    covers: bool = field(init=False)
    has_budget: bool = field(init=False)
    only_budget: Limit | None = field(init=False)
    counts_tokens: bool = field(init=False)

    def __post_init__(self) -> None:
        budgets = [each for each in self.asking if each.kind == "usd"]
        only = budgets[0] if budgets and len(self.asking) == 1 else None
        object.__setattr__(self, "covers", bool(self.asking))
        object.__setattr__(self, "has_budget", bool(budgets))
        object.__setattr__(self, "only_budget", only)
        object.__setattr__(self, "counts_tokens", bool(self.rates))


def plan_of(mine: Sequence[Limit]) -> Plan:
    """`mine`: those that concern the model."""
    return Plan(
        at_once=tuple((each, 1) for each in mine if each.kind in ("parallel", "requests")),
        asking=tuple(each for each in mine if each.kind in ("tokens", "usd") and each.is_bounded),
        rates=tuple(each for each in mine if each.kind in ("requests", "tokens")),
    )


def together(plans: Sequence[Plan]) -> Plan:
    """Of a key and its owners: all of them hold."""
    if len(plans) == 1:
        return plans[0]
    return Plan(
        at_once=tuple(each for plan in plans for each in plan.at_once),
        asking=tuple(each for plan in plans for each in plan.asking),
        rates=tuple(each for plan in plans for each in plan.rates),
    )


def names_of(model: str, deployments: FindGroup) -> list[str]:
    """All that a model is called by: an alias of the config is the model that it stands for."""
    return [model, *(each.model_name for each in _group(model, deployments))]


def _group(model: str, deployments: FindGroup) -> Sequence[Deployment]:
    try:
        return deployments(model)
    except ModelNotFound:
        return ()


def _served(model: str, deployments: FindGroup) -> set[tuple[str, str]]:
    """What stands behind a name, however that is spelled: the same for two names of one model."""
    return {(each.model_name, each.model) for each in _group(model, deployments)}


def matcher(patterns: Sequence[str]) -> Callable[[str], bool]:
    """Whether a text is one of `patterns`, in which `*` stands for any characters."""
    plain = frozenset(each for each in patterns if "*" not in each)
    starred = [each.split("*") for each in patterns if "*" in each]
    return lambda text: text in plain or any(_fits(pieces, text) for pieces in starred)


def _fits(pieces: Sequence[str], text: str) -> bool:
    """Whether `text` is these pieces with anything between. No expression: its work would grow with each star."""
    first, *middle, last = pieces
    if not text.startswith(first) or len(text) < len(first) + len(last):
        return False
    at, end = len(first), len(text) - len(last)
    for piece in middle:
        at = text.find(piece, at, end)
        if at < 0:
            return False
        at += len(piece)
    return text.endswith(last)


class Bounds:
    """All limits of one key, of one owner, or of the gateway. `plans`: those that are known, by model. `soft_told`: the
    beginning of the window of which the log says that its soft budget is spent."""

    __slots__ = ("aliases", "limits", "name", "plans", "soft_budget", "soft_told", "source")

    def __init__(self, subject: str, name: str, counted_from: float, terms: Terms, source: Source = "key") -> None:
        self.name = name
        self.source = source
        self.limits = tuple(_limits(subject, name, counted_from, terms, source))
        """In the order in which they are named where several are reached."""
        self.aliases: Mapping[str, str] = terms.aliases
        self.soft_budget = terms.soft_budget
        self.soft_told: float | None = None
        self.plans: dict[str, Plan] = {}

    def plan(self, model: str, deployments: FindGroup) -> Plan:
        """For a model, by the public name."""
        plan = self.plans.get(model)
        if plan is None:
            if len(self.plans) >= PLANS:
                self.plans.clear()
            mine = [each for each in self.limits if not each.model or self._concerns(each.model, model, deployments)]
            plan = self.plans[model] = plan_of(mine)
        return plan

    def _concerns(self, limited: str, model: str, deployments: FindGroup) -> bool:
        """Whether what is limited as `limited`, by a pattern or by any name of a model, is this one too."""
        means = (limited, self.aliases.get(limited, limited))
        if any(map(matcher(means), names_of(model, deployments))):
            return True
        served = _served(model, deployments)
        return any(not served.isdisjoint(_served(name, deployments)) for name in means)


def _limits(subject: str, name: str, counted_from: float, terms: Terms, source: Source) -> Iterator[Limit]:
    def limit(kind: Kind, amount: int, model: str = "", duration: str | None = None) -> Limit:
        limit_id = "|".join((subject, kind, duration or "", model))
        return Limit(limit_id, subject, kind, amount, name, model, duration, counted_from, source)

    if terms.max_parallel_requests is not None:
        yield limit("parallel", terms.max_parallel_requests)
    if terms.rpm_limit is not None:
        yield limit("requests", terms.rpm_limit)
    for model, amount in terms.model_rpm_limit.items():
        yield limit("requests", amount, model)
    if terms.tpm_limit is not None:
        yield limit("tokens", terms.tpm_limit)
    for model, amount in terms.model_tpm_limit.items():
        yield limit("tokens", amount, model)
    budgets: dict[str | None, int] = {}
    if terms.max_budget is not None:
        budgets[terms.budget_duration] = terms.max_budget
    for budget in terms.budget_limits:
        budgets[budget.duration] = min(budget.amount, budgets.get(budget.duration, budget.amount))
    if not budgets and terms.soft_budget is not None:
        budgets[terms.budget_duration] = UNBOUNDED
    for duration, nanos in budgets.items():
        yield limit("usd", nanos, duration=duration)
    for model, budget in terms.model_max_budget.items():
        yield limit("usd", budget.amount, model, budget.duration)
