"""Many calls at once at several processes, by the wire: a budget is spent to its end and never passed, a rate is exact,
and kills in between lose nothing and count nothing twice. The sizes that are promised are tried in full runs."""

from __future__ import annotations

import asyncio
import bisect
import math
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random  # noqa: TID251 - moments, not ids

import aiohttp
import pytest

from gateways import MODEL, SandboxServer
from key_calls import ask, make
from processes import GatewayProcess, gateway_processes, write_config
from raw_http import call

CHAT = {"model": MODEL, "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 10}
NANOS = 20 * 300 + 10 * 2500
"""What a call costs: gemini-2.5-flash, 20 tokens in and 10 out (docs/protocol/gemini.md, "Prices")."""
ANSWER = {
    "candidates": [{"content": {"role": "model", "parts": [{"text": "yes"}]}, "finishReason": "STOP", "index": 0}],
    "usageMetadata": {"promptTokenCount": 20, "candidatesTokenCount": 10, "totalTokenCount": 30},
}
MOST_AWAY = 2000
"""Answers that the limits cannot be asked: more are a fault, and not a busy machine."""
PARALLEL = 8
"""Calls at one time at a process that is killed."""
MASTER = {"Authorization": "Bearer sk-master"}


@contextmanager
def drilled(
    sandbox: SandboxServer, place: Path, database_url: str, count: int, max_budget: float | None = None
) -> Iterator[list[GatewayProcess]]:
    """`count` gateways whose calls cost `NANOS` each. `max_budget`: of all callers together, in US dollars."""
    sandbox.control("scripts", {"response": ANSWER, "times": None})
    try:
        config = write_config(
            place / "config.yaml",
            sandbox.url,
            database_url=database_url,
            metrics=True,
            spend=True,
            usage_write_seconds=1,
            use_write_seconds=1,
            **({} if max_budget is None else {"max_budget": max_budget}),  # type: ignore[arg-type]
        )
        with gateway_processes(config, place / "data", count) as gateways:
            yield gateways
    finally:
        sandbox.control("scripts", method="DELETE")


@dataclass
class Run:
    """`answered`, `refused`: by all callers. `away`: calls whose limits nobody could say. `lost`: calls whose answer
    never came. `until`: refusals in a row after which a caller gives up; between them others may give back what they
    hold and do not use. `seconds`: after which all of them do. `times`: of each call that was answered, its beginning
    and its end. `victim` is killed in the moment in which so many were answered."""

    key: str
    until: float = 3
    pause: float = 1.2
    seconds: float = math.inf
    answered: int = 0
    refused: int = 0
    lost: int = 0
    asked: int = 0
    away: int = 0
    kill_at: int = -1
    victim: GatewayProcess | None = None
    times: list[tuple[float, float]] = field(default_factory=list)

    async def all(self, urls: Sequence[str], parallel: int) -> None:
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as session:
            await asyncio.gather(*(self._caller(session, url) for url in urls for _ in range(parallel)))

    async def _caller(self, session: aiohttp.ClientSession, url: str) -> None:
        refusals = 0
        end = time.monotonic() + self.seconds
        while refusals < self.until and (began := time.monotonic()) < end:
            self.asked += 1
            try:
                async with session.post(
                    f"{url}/v1/chat/completions", json=CHAT, headers={"Authorization": f"Bearer {self.key}"}
                ) as answer:
                    status = answer.status
                    await answer.read()
            except (aiohttp.ClientError, OSError):
                self.lost += 1
                return
            if status == 200:
                self.answered, refusals = self.answered + 1, 0
                self.times.append((began, time.monotonic()))
                if self.answered == self.kill_at and self.victim is not None:
                    self.victim.process.send_signal(signal.SIGKILL)
            elif status == 503:
                # A machine that is busy with other things: the limits could not be asked in time, and Google was not.
                assert answer.headers["retry-after"] and self.away < MOST_AWAY
                self.away += 1
                await asyncio.sleep(self.pause)
            else:
                assert status == 429, status
                self.refused, refusals = self.refused + 1, refusals + 1
                await asyncio.sleep(self.pause)


def writes(gateways: Sequence[GatewayProcess]) -> float:
    """Transactions of all of them that wrote. They share a directory, so each tells of all."""
    text = call(gateways[0].url, "GET", "/metrics", b"", MASTER).body.decode()
    return sum(
        float(line.rsplit(" ", 1)[1])
        for line in text.splitlines()
        if line.startswith("liftgate_catalog_seconds_count") and 'kind="write"' in line
    )


def budgeted(url: str, dollars: float) -> str:
    """A key with a budget, whose user and team have one too."""
    ask(url, "POST", "/team/new", {"team_id": "all", "max_budget": dollars})
    ask(url, "POST", "/user/new", {"user_id": "one", "max_budget": dollars, "auto_create_key": False})
    return str(make(url, user_id="one", team_id="all", max_budget=dollars)["key"])


def budgets_of(url: str, key: str) -> dict[str, tuple[int, int]]:
    """Of each: nano-dollars that are spent, and that are held."""
    found = {
        "key": ask(url, "GET", "/key/info", key=key)["info"],
        "user": ask(url, "GET", "/user/info?user_id=one")["user_info"],
        "team": ask(url, "GET", "/team/info?team_id=all")["team_info"],
        "gateway": ask(url, "GET", "/global/spend"),
    }
    first = {whose: info["budgets"][0] for whose, info in found.items()}
    return {whose: (round(each["spend"] * 1e9), round(each["held"] * 1e9)) for whose, each in first.items()}


def settled_budgets(url: str, key: str) -> dict[str, int]:
    """Nano-dollars that are spent of each, once nothing is held for calls any more."""
    end = time.monotonic() + 90
    while True:
        found = budgets_of(url, key)
        if not any(held for _, held in found.values()):
            return {whose: spent for whose, (spent, _) in found.items()}
        assert time.monotonic() < end, found
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("processes", "parallel", "calls", "share"),
    [
        (2, 8, 200, 0.85),
        pytest.param(4, 64, 1_000, 0.85, marks=pytest.mark.full),
        pytest.param(2, 64, 1_000, 0.85, marks=pytest.mark.full),
        pytest.param(4, 64, 100_000, 0.99, marks=pytest.mark.full),
    ],
)
def test_budgets_are_spent_to_their_end_and_never_passed(
    sandbox: SandboxServer, tmp_path: Path, database_url: str, processes: int, parallel: int, calls: int, share: float
) -> None:
    """Of the key, of its user, of its team and of the gateway, all as large: a call takes of all of them or of none."""
    dollars = calls * NANOS / 1e9
    with drilled(sandbox, tmp_path, database_url, processes, max_budget=dollars) as gateways:
        urls = [each.url for each in gateways]
        run = Run(budgeted(urls[0], dollars))
        before, began = writes(gateways), time.monotonic()
        asyncio.run(run.all(urls, parallel))
        seconds, written = time.monotonic() - began, writes(gateways) - before
        assert run.lost == 0 and share * calls <= run.answered <= calls
        exact = run.answered * NANOS
        assert settled_budgets(urls[0], run.key) == {"key": exact, "user": exact, "team": exact, "gateway": exact}
        # 20 a second and process of limits; beside them what the jobs write.
        assert written <= processes * (20 * seconds + 5 * seconds + 20), (written, seconds)


@pytest.mark.full
def test_a_large_rate_is_exact(sandbox: SandboxServer, tmp_path: Path, database_url: str) -> None:
    """No 60 seconds, wherever they begin, have more, and all of it can be had in each of them."""
    with drilled(sandbox, tmp_path, database_url, 4) as gateways:
        urls = [each.url for each in gateways]
        run = Run(make(urls[0], rpm_limit=1000)["key"], until=math.inf, pause=0.3, seconds=130)
        asyncio.run(run.all(urls, 64))
        # Each was let in between its beginning and its end.
        ends = sorted(end for _, end in run.times)
        for began, _ in run.times:
            within = [each for each in run.times if each[0] >= began and each[1] <= began + 60]
            assert len(within) <= 1000
        assert bisect.bisect(ends, ends[0] + 59) >= 990
        assert run.answered >= 2 * 990


@pytest.mark.full
@pytest.mark.parametrize("kills", [5, 200])
def test_kills_lose_nothing_and_count_nothing_twice(
    sandbox: SandboxServer, tmp_path: Path, database_url: str, kills: int
) -> None:
    """Of the budget, what a killed process held may count on top, lest it be passed; of the journal no line is missing
    of a call that was answered, and nothing is there twice."""
    chance = Random(kills)
    with drilled(sandbox, tmp_path, database_url, 1, max_budget=1000) as [stays]:
        key = budgeted(stays.url, 1000)
        asked = answered = 0
        for _ in range(kills):
            victim = GatewayProcess(tmp_path / "config.yaml", tmp_path / "data")
            try:
                victim.wait_ready()
                run = Run(key)
                asyncio.run(killed(run, victim, chance.randint(1, 60)))
            finally:
                with suppress(ProcessLookupError):
                    victim.kill()
            asked += run.asked
            answered += run.answered
        # Every dead journal is added by whoever lives.
        least = answered * NANOS
        usage = settled_usage(stays.url, key, least)
        assert least <= usage <= asked * NANOS
        assert usage % NANOS == 0
        for whose, (spent, held) in budgets_of(stays.url, key).items():
            assert spent + held >= answered * NANOS, whose
        assert ask(stays.url, "POST", "/v1/chat/completions", CHAT, key)["choices"]


async def killed(run: Run, victim: GatewayProcess, after: int) -> None:
    """Kills it when so many calls were answered, whatever else is under way."""
    run.kill_at, run.victim = after, victim
    await run.all([victim.url], PARALLEL)


def settled_usage(url: str, key: str, least: int) -> int:
    """Nano-dollars that are counted of the key, once the journals of the dead are added."""
    key_id: str = ask(url, "GET", "/key/info", key=key)["info"]["id"]
    end, before = time.monotonic() + 120, -1
    while True:
        now: int = round(ask(url, "GET", f"/liftgate/usage?by=key&key_id={key_id}")["total"]["cost"] * 1e9)
        if now == before and now >= least:
            return int(now)
        assert time.monotonic() < end, (now, least)
        before = now
        time.sleep(0.5)
