"""What all callers together may spend, by the wire: never passed by whatever key and door, told in each API."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import openai
import pytest
import yaml

import liftgate
from gateways import MODEL, SandboxServer, gateway_server, settings_for
from key_calls import BODY, CHAT, MASTER, ask, client_for, make, refusal, spend
from liftgate.settings import Settings, StorageSettings
from liftgate.settings.sections import BudgetSettings, CountingSettings
from processes import admin_spend, gateway_processes, write_config
from raw_http import call
from waiting import until

NATIVE = {"contents": [{"parts": [{"text": "Hi"}]}]}
DOLLARS = 0.0008
SECOND_WINDOW = 5
DOORS = (
    (CHAT, BODY),
    (CHAT, {**BODY, "stream": True}),
    (f"/openai/deployments/{MODEL}/chat/completions", BODY),
    ("/v1/responses", {"model": MODEL, "input": "Hi"}),
    ("/v1/responses", {"model": MODEL, "input": "Hi", "stream": True, "store": False}),
    ("/v1/messages", BODY),
    ("/v1/messages", {**BODY, "stream": True}),
    (f"/v1beta/models/{MODEL}:generateContent", NATIVE),
    (f"/v1beta/models/{MODEL}:streamGenerateContent?alt=sse", NATIVE),
)


def bounded(sandbox: SandboxServer, data_dir: Path, database_url: str, dollars: float = DOLLARS) -> Settings:
    return replace(
        settings_for(sandbox, data_dir),
        storage=StorageSettings(data_dir=data_dir, database_url=database_url),
        budgets=BudgetSettings(
            max_budget=int(dollars * 1e9), budget_duration="1mo", of_provider=(SECOND_WINDOW * 10**9, "1d")
        ),
        counting=CountingSettings(spend=True, metrics=True, usage_write_seconds=0.3),
    )


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def house(
    request: pytest.FixtureRequest, make_database: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str]:
    """Where the gateways of this module keep what they know: a data directory and a database's URL."""
    return tmp_path_factory.mktemp("bounded"), make_database(request.param)


@pytest.fixture(scope="module")
def spent_out(house: tuple[Path, str], sandbox: SandboxServer) -> Iterator[tuple[str, float]]:
    """A gateway whose callers have spent its budget together, and how much that was."""
    with gateway_server(bounded(sandbox, *house)) as url:
        keys = [MASTER, "sk-ann", "sk-bob", *(make(url, user_id=f"u{at}", max_budget=1)["key"] for at in range(2))]
        with ThreadPoolExecutor(len(keys)) as pool:
            costs = list(pool.map(lambda key: spend(url, key), keys))
        # What was only in flight comes back.
        until(lambda: not any(each["held"] for each in shown(url)["budgets"]))
        costs.append(spend(url, MASTER))
        yield url, sum(costs)


def shown(url: str, key: str = MASTER) -> dict[str, Any]:
    found: dict[str, Any] = ask(url, "GET", "/global/spend", key=key)
    return found


def test_all_callers_together_never_pass_it_and_spend_it_to_its_end(spent_out: tuple[str, float]) -> None:
    url, total = spent_out
    assert DOLLARS - (300 * 0.30e-6 + 20 * 2.50e-6) < total <= DOLLARS
    found = shown(url)
    assert (found["max_budget"], found["budget_duration"]) == (DOLLARS, "1mo")
    assert found["budget_reset_at"].endswith("01T00:00:00.000Z")
    assert [each["spend"] for each in found["budgets"]] == pytest.approx([total, total], abs=1e-9)
    assert found["spend"] == pytest.approx(total, abs=1e-9)
    # Of one owner only what is its own is told.
    mine = shown(url, "sk-ann")
    assert mine["budgets"] == [] and mine["max_budget"] == 0 and 0 < mine["spend"] < total


@pytest.mark.parametrize(("path", "body"), DOORS)
@pytest.mark.parametrize("key", [MASTER, "sk-bob"])
def test_a_refusal_says_that_it_is_the_gateways_budget(
    spent_out: tuple[str, float], sandbox: SandboxServer, path: str, body: dict[str, Any], key: str
) -> None:
    sent = sandbox.stats()["operations"]["generate"]
    refused = refusal(spent_out[0], "POST", path, body, key)
    assert refused.status == 429 and sandbox.stats()["operations"]["generate"] == sent
    said = refused.error["message"]
    assert f"Budget of ${DOLLARS} per 1mo of the gateway: $" in said
    assert "It begins anew at " in said and said.endswith("-01T00:00:00Z.")
    assert refused.headers["x-should-retry"] == "false" and int(refused.headers["retry-after"]) >= 1
    if "v1beta" in path:
        assert refused.error["status"] == "RESOURCE_EXHAUSTED"
    elif "messages" in path:
        assert refused.error["type"] == "rate_limit_error"
    else:
        assert (refused.error["code"], refused.error["limit_source"]) == ("insufficient_quota", "gateway")
        assert refused.error["limit"] == DOLLARS and refused.error["spent"] <= DOLLARS


def test_what_costs_nothing_is_served_all_the_same(spent_out: tuple[str, float]) -> None:
    url = spent_out[0]
    client = client_for(url, "sk-ann")
    assert client.files.create(file=b"x", purpose="user_data").id and client.models.list().data
    assert ask(url, "POST", CHAT + "/input_tokens", BODY, "sk-bob")["input_tokens"] == 2


def test_metrics_tell_what_is_left_of_it(spent_out: tuple[str, float]) -> None:
    url, total = spent_out
    text = call(url, "GET", "/metrics", b"", {"Authorization": f"Bearer {MASTER}"}).body.decode()
    found = dict(line.rsplit(" ", 1) for line in text.splitlines() if line.startswith("liftgate_gateway_budget"))
    assert float(found['liftgate_gateway_budget_usd{window="1mo"}']) == DOLLARS
    assert float(found['liftgate_gateway_budget_left_usd{window="1mo"}']) == pytest.approx(DOLLARS - total, abs=1e-9)
    assert float(found['liftgate_gateway_budget_usd{window="1d"}']) == SECOND_WINDOW
    assert len(found) == 6


def test_another_start_goes_on_from_what_was_spent_and_more_of_it_acts(
    house: tuple[Path, str], spent_out: tuple[str, float], sandbox: SandboxServer
) -> None:
    """A second node here, which has the budget raised; the first one stays as it was."""
    with gateway_server(bounded(sandbox, *house, dollars=1.0)) as url:
        assert shown(url)["budgets"][0]["spend"] == pytest.approx(spent_out[1], abs=1e-9)
        assert ask(url, "POST", CHAT, BODY, "sk-ann")["choices"]
    assert refusal(spent_out[0], "POST", CHAT, BODY, "sk-ann").error["limit_source"] == "gateway"


def test_litellms_settings_act_in_a_started_gateway(sandbox: SandboxServer, tmp_path: Path) -> None:
    config = write_config(tmp_path / "config.yaml", sandbox.url)
    document = yaml.safe_load(config.read_text())
    document["litellm_settings"] = {"max_budget": 0.0001, "budget_duration": "30d"}
    document["router_settings"] = {"provider_budget_config": {"gemini": {"budget_limit": 3, "time_period": "1d"}}}
    config.write_text(yaml.safe_dump(document))
    with gateway_processes(config, tmp_path / "data") as [gateway]:
        assert spend(gateway.url, "sk-ann") > 0
        found = shown(gateway.url)
        # It is not counted by day here; what the budget knows is told.
        assert found["spend"] == found["budgets"][0]["spend"] > 0
        assert [(each["max_budget"], each["budget_duration"]) for each in found["budgets"]] == [
            (0.0001, "30d"),
            (3, "1d"),
        ]
        assert gateway.stop() == 0
    told = json.loads(admin_spend(config, tmp_path / "data", "--json"))
    assert told["data"] == [] and [each["spend"] for each in told["budgets"]] == [found["spend"]] * 2
    with gateway_processes(config, tmp_path / "data", 1, "--max_budget", "5") as [gateway]:
        assert ask(gateway.url, "POST", CHAT, BODY, "sk-ann")["choices"]


def test_the_sdk_in_process_is_held_to_it_without_any_key(sandbox: SandboxServer, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    entry = {
        "model_name": MODEL,
        "litellm_params": {"model": f"gemini/{MODEL}", "api_key": "k", "api_base": sandbox.url},
    }
    config.write_text(yaml.safe_dump({"model_list": [entry], "liftgate_settings": {"max_budget": "$0.0001"}}))
    client = liftgate.Liftgate(data_dir=tmp_path / "data", config=config)
    try:
        assert client.completion(**BODY).choices
        for stream in (False, True):
            with pytest.raises(openai.RateLimitError, match=r"Budget of \$0\.0001 of the gateway"):
                while True:
                    for _ in client.completion(**BODY, stream=stream):
                        pass
        assert client.create_file(b"x", purpose="user_data").id
    finally:
        client.close()
