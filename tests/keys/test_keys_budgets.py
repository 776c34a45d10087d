"""Money by the wire: refused before it is spent, settled as Google counted, told in a sentence and in facts."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletion

from gateways import MODEL, SandboxServer, gateway_server, settings_for
from key_calls import Refused, ask, client_for, make, refusal, settled
from liftgate.engine.call_record import CallRecord
from liftgate.settings.sections import CountingSettings
from processes import gateway_processes, write_config
from waiting import until

IN, OUT, VIDEO = 0.30e-6, 2.50e-6, 0.30e-6
"""US dollars a token of gemini-2.5-flash (docs/protocol/gemini.md, "Prices")."""


def chat(url: str, key: str, text: str = "Hello", **more: Any) -> float:
    """What it costs, in US dollars."""
    answer: ChatCompletion = client_for(url, key).chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": text}], **more
    )
    assert answer.usage is not None
    return answer.usage.prompt_tokens * IN + answer.usage.completion_tokens * OUT


def spent(url: str, key: str) -> float:
    """Once all that was settled is told."""
    return float(settled(url, key)["budgets"][0]["spend"])


def test_a_budget_is_never_passed_and_spent_to_its_end(gateway: str) -> None:
    key = make(gateway, max_budget=0.0008, key_alias=f"small-{id(gateway)}")["key"]
    total = 0.0
    while True:
        try:
            total += chat(gateway, key, max_tokens=20)
        except openai.RateLimitError as over:
            error: Any = over.body
            headers = over.response.headers
            break
    assert 0.0008 - (300 * IN + 20 * OUT) < total <= 0.0008
    assert spent(gateway, key) == pytest.approx(total, abs=1e-9)
    assert (error["code"], error["type"]) == ("insufficient_quota", "insufficient_quota")
    assert (error["limit_source"], error["limit"], error["resets_at"]) == ("key", 0.0008, None)
    assert error["spent"] == pytest.approx(total, abs=1e-9)
    assert error["spent"] + error["needed"] > 0.0008
    assert "Budget of $0.0008" in error["message"]
    # It would be in vain, and the official client does not do it.
    assert headers["x-should-retry"] == "false" and "retry-after" not in headers
    retrying = client_for(gateway, key, retries=5)
    with pytest.raises(openai.RateLimitError):
        retrying.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "Hello"}], max_tokens=20)
    refused = refusal(
        gateway, "POST", f"/v1beta/models/{MODEL}:generateContent", {"contents": [{"parts": [{"text": "x"}]}]}, key
    )
    assert (refused.status, refused.error["status"]) == (429, "RESOURCE_EXHAUSTED")


@pytest.mark.parametrize(("dollars", "told"), [(0.0000001, "$0.0000001"), (0.000000001, "$0.000000001"), (0, "$0")])
def test_a_very_small_budget_is_told_as_what_it_is(gateway: str, dollars: float, told: str) -> None:
    key = make(gateway, max_budget=dollars)["key"]
    refused = refusal(gateway, "POST", "/v1/chat/completions", body_of("Hello"), key)
    assert f"Budget of {told} of" in refused.error["message"]


def test_a_window_says_when_it_begins_anew(gateway: str) -> None:
    key = make(
        gateway, max_budget=0.0001, budget_duration="1d", budget_limits=[{"budget_duration": "1mo", "max_budget": 5}]
    )["key"]
    now = datetime.now(UTC)  # noqa: TID251 - the gateway's day is the real one
    refused = refusal(gateway, "POST", "/v1/chat/completions", body_of("Hello"), key)
    midnight = datetime(now.year, now.month, now.day, tzinfo=UTC) + timedelta(days=1)
    assert refused.error["resets_at"] in (midnight.timestamp(), (midnight + timedelta(days=1)).timestamp())
    assert int(refused.headers["retry-after"]) <= 86_400
    info = ask(gateway, "GET", "/key/info", key=key)["info"]
    assert [each["budget_duration"] for each in info["budgets"]] == ["1d", "1mo"]
    assert info["budgets"][1]["budget_reset_at"][8:] == "01T00:00:00.000Z"
    assert info["budget_reset_at"] == info["budgets"][0]["budget_reset_at"] and info["spend"] == 0


def body_of(text: str, **more: Any) -> dict[str, Any]:
    return {"model": MODEL, "messages": [{"role": "user", "content": text}], **more}


def test_what_an_answer_cost_is_shown_as_soon_as_it_is_there(gateway: str, sandbox: SandboxServer) -> None:
    """At the process that gave it, wherever a budget is shown; others know of it a second later."""
    make_team = {"team_id": f"shown-{id(gateway)}", "max_budget": 1}
    ask(gateway, "POST", "/team/new", make_team)
    made = make(gateway, max_budget=1, team_id=make_team["team_id"])
    usage = {"promptTokenCount": 1000, "candidatesTokenCount": 100, "totalTokenCount": 1100}
    parts = {"candidates": [{"content": {"role": "model", "parts": [{"text": "yes"}]}, "finishReason": "STOP"}]}
    sandbox.control("scripts", {"response": {**parts, "usageMetadata": usage}, "times": None})
    key, body = made["key"], body_of("Hello", max_tokens=100)
    try:
        for number, (path, sent) in enumerate(
            [
                ("/v1/chat/completions", body),
                ("/v1/messages", body),
                ("/v1/responses", {"model": MODEL, "input": "Hello", "max_output_tokens": 100}),
                (f"/v1beta/models/{MODEL}:generateContent", {"contents": [{"parts": [{"text": "Hello"}]}]}),
            ],
            1,
        ):
            ask(gateway, "POST", path, sent, key)
            dollars = pytest.approx(number * (1000 * IN + 100 * OUT), abs=1e-12)
            assert ask(gateway, "GET", "/key/info", key=key)["info"]["spend"] == dollars, path
            assert ask(gateway, "GET", f"/key/info?key={key}")["info"]["spend"] == dollars
            assert ask(gateway, "POST", "/v2/key/info", {"keys": [key]})["info"][0]["spend"] == dollars
            assert ask(gateway, "GET", "/team/info", key=key)["team_info"]["spend"] == dollars
    finally:
        sandbox.control("scripts", method="DELETE")


def test_what_is_in_flight_is_told_from_what_is_spent(gateway: str, sandbox: SandboxServer) -> None:
    key = make(gateway, max_budget=0.2)["key"]
    sandbox.control("faults", {"kind": "stall", "operation": "generate", "after_bytes": 0, "times": 1})
    before = sandbox.stats()["in_flight"]
    with ThreadPoolExecutor(1) as pool:
        # Without max_tokens it can cost 65,536 tokens of output, $0.164.
        running = pool.submit(chat, gateway, key)
        until(lambda: sandbox.stats()["in_flight"] != before)
        refused = refusal(gateway, "POST", "/v1/chat/completions", body_of("Hello"), key)
        sandbox.control("faults", method="DELETE")
        running.result()
    assert (refused.error["limit_source"], refused.error["code"]) == ("in_flight", "insufficient_quota")
    assert "x-should-retry" not in refused.headers and 1 <= int(refused.headers["retry-after"]) <= 5
    while True:
        try:
            chat(gateway, key)
            break
        except openai.RateLimitError as later:
            assert isinstance(later.body, dict) and later.body["limit_source"] == "in_flight"
            time.sleep(0.05)
    assert spent(gateway, key) < 0.001


def test_what_costs_nothing_is_let_in_with_nothing_left(gateway: str) -> None:
    key = make(gateway, max_budget=0)["key"]
    assert refusal(gateway, "POST", "/v1/chat/completions", body_of("Hello"), key).status == 429
    client = client_for(gateway, key)
    assert client.files.create(file=b"x", purpose="user_data").id and client.models.list().data
    counted = ask(gateway, "POST", "/v1/chat/completions/input_tokens", body_of("Hello"), key)
    assert counted["input_tokens"] == 2


def test_a_budget_that_is_raised_acts_at_once_and_keeps_what_was_spent(gateway: str) -> None:
    made = make(gateway, max_budget=0.0001)
    cost = chat(gateway, made["key"], max_tokens=5)
    ask(gateway, "POST", "/key/update", {"key": made["key"], "max_budget": 1})
    cost += chat(gateway, made["key"], max_tokens=500)
    assert spent(gateway, made["key"]) == pytest.approx(cost, abs=1e-9)
    info = ask(gateway, "GET", "/key/info", key=made["key"])["info"]
    assert (info["max_budget"], info["budgets"][0]["max_budget"]) == (1, 1)


@pytest.mark.parametrize(
    ("name", "wide", "narrow"), [("max_budget", 1, 1e-5), ("rpm_limit", 100, 1), ("tpm_limit", 10**6, 0)]
)
def test_a_limit_that_is_changed_acts_at_once_both_ways(gateway: str, name: str, wide: int, narrow: float) -> None:
    """Below what is used already, and while what was let out is in memory; a refusal of a moment ago is forgotten."""
    key = make(gateway, **{name: wide})["key"]
    for _ in range(3):
        for _ in range(3):
            chat(gateway, key, max_tokens=5)
        ask(gateway, "POST", "/key/update", {"key": key, name: narrow})
        for _ in range(2):
            assert refusal(gateway, "POST", "/v1/chat/completions", body_of("Hello", max_tokens=5), key).status == 429
        ask(gateway, "POST", "/key/update", {"key": key, name: wide})


def test_every_dialect_pays_from_one_budget(gateway: str) -> None:
    key = make(gateway, max_budget=1)["key"]
    body = body_of("Hello", max_tokens=20)
    ask(gateway, "POST", "/v1/chat/completions", body, key)
    one = spent(gateway, key)
    assert one > 0
    ask(gateway, "POST", "/v1/messages", body, key)
    ask(gateway, "POST", "/v1/responses", {"model": MODEL, "input": "Hello", "max_output_tokens": 20}, key)
    native = {"contents": [{"parts": [{"text": "Hello"}]}], "generationConfig": {"maxOutputTokens": 20}}
    ask(gateway, "POST", f"/v1beta/models/{MODEL}:generateContent", native, key)
    for chunk in client_for(gateway, key).chat.completions.create(**body, stream=True):
        assert chunk.id
    assert spent(gateway, key) == pytest.approx(5 * one, rel=0.01)


def test_an_answer_that_google_does_not_give_costs_nothing(gateway: str, sandbox: SandboxServer) -> None:
    key = make(gateway, max_budget=1)["key"]
    sandbox.control("faults", {"kind": "status", "operation": "generate", "code": 400, "times": 1})
    assert refusal(gateway, "POST", "/v1/chat/completions", body_of("Hello"), key).status == 400
    assert spent(gateway, key) == 0


class Ended:
    """A listener of the meter."""

    def __init__(self) -> None:
        self.calls: list[CallRecord] = []

    def ended(self, call: CallRecord) -> None:
        if call.operation:
            self.calls.append(call)


def test_what_a_budget_refuses_was_never_sent_and_costs_nothing(sandbox: SandboxServer, tmp_path: Path) -> None:
    heard = Ended()
    settings = settings_for(sandbox, tmp_path, counting=CountingSettings(spend=True))
    with gateway_server(settings, listeners=[heard]) as url:
        key = make(url, max_budget=0.0001)["key"]
        for body in (body_of("Hello"), body_of("Hello", stream=True)):
            assert refusal(url, "POST", "/v1/chat/completions", body, key).status == 429
        native = {"contents": [{"parts": [{"text": "Hello"}]}]}
        assert refusal(url, "POST", f"/v1beta/models/{MODEL}:generateContent", native, key).status == 429
        while len(heard.calls) < 3:
            time.sleep(0.01)
    assert [(call.outcome, call.cost, call.reckoned) for call in heard.calls] == [("refused", 0, None)] * 3


def cost_of(answer: dict[str, Any]) -> float:
    return float(answer["usage"]["prompt_tokens"] * IN + answer["usage"]["completion_tokens"] * OUT)


@pytest.mark.full
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_many_at_once_at_several_processes_never_pass_a_budget(
    kind: str, sandbox: SandboxServer, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """64 at a time at each of 4 processes on PostgreSQL, and of 2 on SQLite, against about a thousand chats."""
    ours = {"database_url": request.getfixturevalue("postgres_url")} if kind == "postgres" else {}
    config = write_config(tmp_path / "config.yaml", sandbox.url, **ours)
    count = 4 if kind == "postgres" else 2
    with gateway_processes(config, tmp_path / "data", count) as gateways:
        urls = [each.url for each in gateways]
        body = body_of("Hello", max_tokens=20)
        one = cost_of(ask(urls[0], "POST", "/v1/chat/completions", body, make(urls[0], max_budget=1)["key"]))
        budget = round(1000 * one, 6)
        key = make(urls[0], max_budget=budget)["key"]

        def caller(number: int) -> float:
            total, refusals = 0.0, 0
            while refusals < 3:
                try:
                    total += cost_of(ask(urls[number % count], "POST", "/v1/chat/completions", body, key))
                except Refused as refused:
                    assert refused.status == 429
                    refusals += 1
                    time.sleep(1.2)
            return total

        with ThreadPoolExecutor(64 * count) as pool:
            total = sum(pool.map(caller, range(64 * count)))
        assert 0.9 * budget <= total <= budget
        assert spent(urls[0], key) == pytest.approx(total, abs=1e-9)
