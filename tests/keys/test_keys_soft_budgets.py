"""Soft budgets by the wire: they refuse nothing, and the log says when one is spent; limits while the clock jumps."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import openai
import pytest

from gateways import MODEL, SandboxServer, deployments, settings_for
from key_calls import ask, client_for, make, refusal
from liftgate.gateway import Gateway
from liftgate.server.app import build_app
from liftgate.settings.sections import BudgetSettings
from moved_clock import MovedClock
from serving import serve

BELIEVED = 1.1
"""Seconds after which no process goes by a refusal of before (`keys/allowance.CLOSED`)."""
LEAST = 0.000_000_1
"""US dollars; a chat costs more."""
BODY: dict[str, Any] = {"model": MODEL, "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 20}


def chat(url: str, key: str) -> None:
    client_for(url, key).chat.completions.create(model=MODEL, messages=BODY["messages"], max_tokens=20)


def told(caplog: pytest.LogCaptureFixture, name: str, times: int) -> list[str]:
    """The lines, once there are so many: a call is settled when its answer is out."""
    until = time.monotonic() + 10
    while len(found := lines(caplog, name)) < times and time.monotonic() < until:
        time.sleep(0.02)
    return found


def lines(caplog: pytest.LogCaptureFixture, name: str) -> list[str]:
    said = [record.getMessage() for record in caplog.records if record.name == "liftgate.keys"]
    return [line for line in said if name in line and "soft budget" in line]


@pytest.mark.parametrize("beside", [{}, {"max_budget": 5}, {"max_budget": 5, "budget_duration": "1mo"}], ids=str)
@pytest.mark.parametrize("whose", ["key", "owner"])
def test_a_soft_budget_refuses_nothing_and_is_told_by_the_call_that_spends_it(
    gateway: str, caplog: pytest.LogCaptureFixture, whose: str, beside: dict[str, Any]
) -> None:
    name, terms = f"{whose}-{len(beside)}", {"soft_budget": LEAST, **beside}
    if whose == "key":
        key = make(gateway, key_alias=name, **terms)["key"]
    else:
        ask(gateway, "POST", "/team/new", {"team_id": name, **terms})
        key = make(gateway, team_id=name)["key"]
    assert not lines(caplog, name)
    chat(gateway, key)
    assert told(caplog, name, 1) == [f"the {whose} '{name}' has spent its soft budget of $0.0000001"]
    chat(gateway, key)
    assert len(lines(caplog, name)) == 1

    def shown() -> dict[str, Any]:
        if whose == "key":
            found: dict[str, Any] = ask(gateway, "GET", "/key/info", key=key)["info"]
            return found
        of_team: dict[str, Any] = ask(gateway, "GET", f"/team/info?team_id={name}")["team_info"]
        return of_team

    found = shown()
    assert found["soft_budget"] == LEAST and found["spend"] > LEAST
    assert [each["max_budget"] for each in found["budgets"]] == [beside.get("max_budget")]


def test_a_soft_budget_alone_lets_in_what_has_no_price(sandbox: SandboxServer, tmp_path: Path) -> None:
    [priced] = deployments(sandbox.url)
    free = replace(priced, id="free", model_name="free", priced_as="unheard-of")
    budgets = BudgetSettings(unpriced_within_budget=False)
    with serve(build_app(Gateway(settings_for(sandbox, tmp_path, deployments=(priced, free), budgets=budgets)))) as url:
        soft, hard = (make(url, **{name: 1})["key"] for name in ("soft_budget", "max_budget"))
        asked = {**BODY, "model": "free"}
        assert refusal(url, "POST", "/v1/chat/completions", asked, hard).error["code"] == "unpriced_model"
        assert ask(url, "POST", "/v1/chat/completions", asked, soft)["choices"]


def test_a_soft_budget_of_a_window_is_told_in_each_of_them(
    sandbox: SandboxServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock = MovedClock()
    with serve(build_app(Gateway(settings_for(sandbox, tmp_path), clock=clock))) as url:
        key = make(url, key_alias="monthly", soft_budget=LEAST, budget_duration="1mo")["key"]
        chat(url, key)
        assert len(told(caplog, "monthly", 1)) == 1
        clock.advance(40 * 86_400)

        chat(url, key)
        assert len(told(caplog, "monthly", 2)) == 2
        chat(url, key)
        assert len(lines(caplog, "monthly")) == 2


@pytest.mark.parametrize("limit", ["rpm_limit", "model_rpm_limit"])
def test_a_rate_holds_while_the_clock_jumps_ahead_and_back(sandbox: SandboxServer, tmp_path: Path, limit: str) -> None:
    clock = MovedClock()

    def jump(seconds: float) -> None:
        clock.advance(seconds)
        time.sleep(BELIEVED)

    with serve(build_app(Gateway(settings_for(sandbox, tmp_path), clock=clock))) as url:
        key = make(url, key_alias="jumps", **{limit: {MODEL: 2} if limit.startswith("model") else 2})["key"]

        def let_in() -> int:
            found = 0
            for _ in range(5):
                try:
                    chat(url, key)
                    found += 1
                except openai.RateLimitError as error:
                    assert 0 < float(error.response.headers["retry-after"]) <= 63
            return found

        assert let_in() == 2
        jump(3600)
        assert let_in() == 2
        jump(-3600)
        assert let_in() == 0
        jump(63)
        assert let_in() == 2


def test_a_budget_holds_while_the_clock_jumps_back(sandbox: SandboxServer, tmp_path: Path) -> None:
    clock = MovedClock()
    with serve(build_app(Gateway(settings_for(sandbox, tmp_path), clock=clock))) as url:
        key = make(url, max_budget=0.0002, budget_duration="1d")["key"]

        def spend_all() -> int:
            found = 0
            while found < 50:
                try:
                    chat(url, key)
                    found += 1
                except openai.RateLimitError as error:
                    if error.response.headers.get("x-should-retry") == "false":
                        return found
            raise AssertionError("it is never refused")

        found = [spend_all()]
        for days in (1, -1, 1):
            clock.advance(days * 86_400)
            time.sleep(BELIEVED)
            found.append(spend_all())
        # What was spent ahead of time counts when the clock is back, and no longer than that day.
        assert found[0] > 1 and found[2] <= 1
        assert abs(found[1] - found[0]) <= 1 >= abs(found[3] - found[0])


def test_a_limit_of_one_is_told_in_the_singular(gateway: str) -> None:
    key = make(gateway, key_alias="single", rpm_limit=1)["key"]
    chat(gateway, key)
    refused = refusal(gateway, "POST", "/v1/chat/completions", BODY, key).error["message"]
    assert refused.startswith("Rate limit of 1 request per minute reached for the key 'single': 1 is used.")
