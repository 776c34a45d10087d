"""The rules by which limits are let out, as steps of several processes: never more than the limit, whoever dies."""

from __future__ import annotations

from datetime import datetime
from random import Random  # noqa: TID251 - a fixed course of events
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from liftgate.keys.pools import Request, Standing, answer_request, read_pool
from liftgate.keys.windows import window_of


class Row:
    """The row of one limit."""

    def __init__(self, kind: str, amount: int, life: float = 30.0) -> None:
        self.kind = kind
        self.amount = amount
        self.life = life
        self.state: str | None = None
        self.numbers: dict[str, int] = {}

    def ask(self, holder: str, now: float, *, again: bool = False, **said: Any) -> Standing:
        number = self.numbers[holder] = self.numbers.get(holder, 0) + (not again)
        request = Request("l", "k", self.kind, self.amount, holder, number, life=self.life, **said)
        self.state, told = answer_request(self.state, request, now)
        return told


def test_what_is_out_and_spent_is_never_more_than_the_budget() -> None:
    row = Row("usd", 1000)
    rng = Random(7)
    out: dict[str, int] = dict.fromkeys("abcd", 0)
    spent = 0
    for step in range(5000):
        holder = rng.choice("abcd")
        used = rng.randint(0, out[holder]) if rng.random() < 0.3 else 0
        spent += used
        out[holder] -= used
        needed = rng.randint(0, 30)
        told = row.ask(holder, step * 0.01, settled=used, held=out[holder], needed=needed, wished=needed * 3)
        out[holder] += told.granted
        assert told.spent == spent and told.out == sum(out.values())
        assert spent + sum(out.values()) <= 1000
    assert spent > 900


def test_a_request_that_is_repeated_acts_once() -> None:
    row = Row("usd", 100)
    row.ask("a", 0, needed=40)
    first = row.ask("a", 1, settled=10, held=30, needed=20)
    again = row.ask("a", 2, settled=10, held=30, needed=20, again=True)
    assert (first.spent, first.granted, first.out) == (again.spent, again.granted, again.out) == (10, 20, 50)


def test_what_a_dead_process_held_is_spent_and_one_that_lives_takes_it_back() -> None:
    row = Row("usd", 100, life=30)
    assert row.ask("a", 0, needed=60).granted == 60
    assert row.ask("b", 29, needed=60).granted == 40
    dead = row.ask("b", 31, held=40)
    assert (dead.spent, dead.out) == (60, 40)
    back = row.ask("a", 32, settled=5, held=0)
    assert (back.spent, back.out) == (5, 40)


def test_the_places_of_a_dead_process_are_free() -> None:
    row = Row("parallel", 3, life=1.5)
    assert row.ask("a", 0, needed=3).granted == 3
    assert row.ask("b", 1.4, needed=1).granted == 0
    assert row.ask("b", 1.6, needed=3).granted == 3


def test_a_new_window_begins_with_nothing_spent_and_keeps_what_is_out() -> None:
    row = Row("usd", 100)
    row.ask("a", 0, needed=50, begin=0.0)
    row.ask("a", 1, settled=40, held=10, begin=0.0)
    told = row.ask("a", 100, held=10, needed=200, begin=100.0)
    assert (told.spent, told.granted, told.out) == (0, 90, 100)
    # Who comes with an old clock does not bring the old window back.
    assert row.ask("b", 101, needed=10, begin=0.0).granted == 0


def test_a_lower_limit_acts_on_what_is_there() -> None:
    row = Row("usd", 100)
    row.ask("a", 0, needed=80)
    row.amount = 50
    told = row.ask("a", 1, settled=30, held=0, needed=30)
    assert told.granted == 20
    assert read_pool(row.state).spent == 30


@pytest.mark.parametrize("amount", [1, 10, 600])
def test_no_minute_has_more_than_the_rate(amount: int) -> None:
    row = Row("requests", amount)
    rng = Random(3)
    used: list[float] = []
    now = 1000.3
    while now < 1400:
        now += rng.random() * 0.7
        told = row.ask(rng.choice("ab"), now, needed=rng.randint(1, 40))
        # At the last moment at which a cell may be used.
        used += [int(told.now) + 1.5] * told.granted
    assert len(used) > amount
    for begin in used:
        assert sum(begin <= at < begin + 60 for at in used) <= amount


def test_cells_that_come_back_are_free_and_those_that_were_more_are_counted() -> None:
    row = Row("tokens", 1000)
    assert row.ask("a", 10.0, needed=900).granted == 900
    assert row.ask("b", 10.5, needed=200).granted == 100
    assert row.ask("a", 11.0, corrections={10: -800}, needed=500).granted == 500
    told = row.ask("a", 12.0, corrections={11: 400}, needed=100)
    assert (told.granted, told.spent) == (0, 1100)
    assert told.free_at == 72.0


def test_it_is_told_when_enough_is_free() -> None:
    row = Row("requests", 3)
    for at in (5, 6, 8):
        assert row.ask("a", float(at), needed=1).granted == 1
    assert row.ask("a", 9.0, needed=1).free_at == 67.0
    assert row.ask("a", 9.0, needed=2).free_at == 68.0
    assert row.ask("a", 9.0, needed=9).free_at == 70.0
    assert row.ask("a", 67.0, needed=1).granted == 1


BERLIN = ZoneInfo("Europe/Berlin")


def at(zone: ZoneInfo, *when: int) -> float:
    return datetime(*when, tzinfo=zone).timestamp()  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("duration", "now", "begin", "end"),
    [
        ("1d", (2026, 3, 29, 12), (2026, 3, 29), (2026, 3, 30)),  # a day of 23 hours
        ("1d", (2026, 10, 25, 23), (2026, 10, 25), (2026, 10, 26)),  # one of 25
        ("1d", (2026, 1, 1), (2026, 1, 1), (2026, 1, 2)),
        ("1w", (2026, 11, 28), (2026, 11, 23), (2026, 11, 30)),
        ("1mo", (2026, 2, 28, 23, 59), (2026, 2, 1), (2026, 3, 1)),
        ("1mo", (2026, 12, 31), (2026, 12, 1), (2027, 1, 1)),
        ("3mo", (2026, 5, 15), (2026, 4, 1), (2026, 7, 1)),
        ("12mo", (2026, 5, 15), (2026, 1, 1), (2027, 1, 1)),
        ("30d", (2026, 3, 15), (2026, 3, 2), (2026, 4, 1)),
        ("1h", (2026, 1, 31, 9, 30), (2026, 1, 31, 9), (2026, 1, 31, 10)),
    ],
)
def test_windows_follow_the_calendar_of_the_zone(
    duration: str, now: tuple[int, ...], begin: tuple[int, ...], end: tuple[int, ...]
) -> None:
    made = at(BERLIN, 2026, 1, 31) if duration == "30d" else at(BERLIN, 2026, 1, 31, 7)
    found = window_of(duration, at(BERLIN, *now), made, BERLIN)
    assert found == (at(BERLIN, *begin), at(BERLIN, *end))


def test_without_a_duration_a_budget_is_for_ever() -> None:
    assert window_of(None, 5e9, 0, BERLIN) == (0.0, None)


DAYS = 3 * 86_400


@pytest.mark.parametrize("kind", ["parallel", "usd"])
def test_what_a_clock_that_was_ahead_let_out_comes_back_when_its_holder_is_dead(kind: str) -> None:
    """Its process was killed, and the clock set right: not only in three days."""
    row = Row(kind, 3, life=30)
    assert row.ask("a", DAYS, needed=3).granted == 3
    assert row.ask("b", 0, needed=1).granted == 0
    told = row.ask("b", 31, needed=3)
    assert (told.granted, told.spent) == ((3, 0) if kind == "parallel" else (0, 3))


def test_a_window_that_a_clock_ahead_began_ends_when_that_of_today_does() -> None:
    row, day = Row("usd", 100), 86_400.0
    row.ask("a", 10, needed=70, begin=0.0)
    row.ask("a", 20, settled=70, begin=0.0)
    ahead = row.ask("a", DAYS + 10, needed=60, begin=float(DAYS))
    assert (ahead.spent, ahead.granted) == (0, 60)
    # What was spent in it is not forgotten, and does not shut the key out until then.
    back = row.ask("a", 30, settled=60, needed=50, begin=0.0)
    assert (back.spent, back.granted) == (60, 40)
    tomorrow = row.ask("a", day + 5, settled=40, needed=80, begin=day)
    assert (tomorrow.spent, tomorrow.granted) == (40, 60)
    assert row.ask("a", 2 * day + 5, held=60, needed=40, begin=2 * day).granted == 40


def test_a_clock_that_is_behind_lets_out_no_second_budget() -> None:
    row = Row("usd", 100)
    row.ask("a", DAYS, needed=100, begin=float(DAYS - 10))
    assert row.ask("a", DAYS + 1, settled=100, begin=float(DAYS - 10)).spent == 100
    assert row.ask("b", 5, needed=10, begin=0.0).granted == 0
