"""The limits of a key, one by one, as they are kept and enforced. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from liftgate.keys.terms import Terms

Kind = Literal["requests", "tokens", "parallel", "usd"]
NANO = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Limit:
    """`id`: under which its state is kept. `amount`: of requests or tokens in a minute, of requests at one time, or of
    nano-dollars. `model`: the only one that counts; "" for all. `duration`: of a budget's window, None without an end.
    `counted_from`: from when such windows are counted. `whose`: the name of the key."""

    id: str
    key_id: str
    kind: Kind
    amount: int
    whose: str
    model: str = ""
    duration: str | None = None
    counted_from: float = 0.0


@dataclass(frozen=True, slots=True)
class Plan:
    """The limits that concern one model. `at_once`: what a call takes at its beginning; `asking`: those that are asked
    when it is known what Google will be."""

    at_once: tuple[tuple[Limit, int], ...]
    asking: tuple[Limit, ...]
    rates: tuple[Limit, ...]
    has_budget: bool


def plan_of(limits: Iterable[Limit], names: Collection[str]) -> Plan:
    """`names`: all that the model is called by."""
    mine = [each for each in limits if not each.model or each.model in names]
    return Plan(
        at_once=tuple((each, 1) for each in mine if each.kind in ("parallel", "requests")),
        asking=tuple(each for each in mine if each.kind in ("tokens", "usd")),
        rates=tuple(each for each in mine if each.kind in ("requests", "tokens")),
        has_budget=any(each.kind == "usd" for each in mine),
    )


def limits_of(key_id: str, whose: str, counted_from: float, terms: Terms) -> tuple[Limit, ...]:
    """In the order in which they are told where several are reached."""
    return tuple(_limits(key_id, whose, counted_from, terms))


def _limits(key_id: str, whose: str, counted_from: float, terms: Terms) -> Iterator[Limit]:
    def limit(kind: Kind, amount: int, model: str = "", duration: str | None = None) -> Limit:
        return Limit(
            "|".join((key_id, kind, duration or "", model)), key_id, kind, amount, whose, model, duration, counted_from
        )

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
    for duration, nanos in budgets.items():
        yield limit("usd", nanos, duration=duration)
    for model, budget in terms.model_max_budget.items():
        yield limit("usd", budget.amount, model, budget.duration)
