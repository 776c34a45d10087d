"""Limits of one model: by each name that it is called by, and no other's. With the money that a key spent in all."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import openai
import pytest

from gateways import MODEL, SandboxServer, deployments
from key_calls import Refused, ask, client_for, make, refusal, settled
from liftgate.settings.sections import CountingSettings, ModelNames

PRO = "gemini-2.5-pro"
CHAT = "/v1/chat/completions"


@pytest.fixture(scope="module")
def changes(sandbox: SandboxServer) -> dict[str, Any]:
    """Two models, an alias of the first, and a wildcard."""
    served = (
        *deployments(sandbox.url),
        *(
            replace(deployments(sandbox.url, (key,), model)[0], model_name=name)
            for key, name, model in (("key-b", PRO, PRO), ("key-c", "google/*", "*"))
        ),
    )
    return {
        "deployments": served,
        "names": ModelNames(aliases={"fast": MODEL}),
        "counting": CountingSettings(spend=True),
    }


def chat(model: str, **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 20, **more}


@pytest.mark.parametrize(
    ("limited", "asked", "others"),
    [
        (MODEL, ["fast"], [PRO, "google/gemini-2.5-flash"]),
        ("fast", ["fast", MODEL], [PRO, "google/gemini-2.5-flash"]),
        ("gemini-2.5-*", ["fast", MODEL, PRO], ["google/gemini-2.5-flash"]),
        ("*flash", ["fast", MODEL, "google/gemini-2.5-flash"], [PRO]),
        ("*", ["fast", PRO, "google/gemini-2.5-flash"], []),
        ("google/*", ["google/gemini-2.5-flash"], [MODEL]),
        (
            "google/gemini-2.5-flash",
            ["google/gemini-2.5-flash", "google/models/gemini-2.5-flash"],
            ["google/gemini-2.5-pro", MODEL],
        ),
    ],
)
def test_a_limit_holds_for_every_name_of_its_model(url: str, limited: str, asked: list[str], others: list[str]) -> None:
    for limit in ({"model_rpm_limit": {limited: 0}}, {"model_max_budget": {limited: 0}}):
        key = make(url, **limit)["key"]
        for name in asked:
            refused = refusal(url, "POST", CHAT, chat(name), key)
            assert refused.status == 429 and f"for the model {limited}" in refused.error["message"]
        for name in others:
            assert ask(url, "POST", CHAT, chat(name), key)["choices"]


def test_an_alias_of_the_key_is_bounded_as_the_model_it_stands_for(url: str) -> None:
    key = make(url, aliases={"mine": "fast"}, model_max_budget={MODEL: 0})["key"]
    assert refusal(url, "POST", CHAT, chat("mine"), key).status == 429


@pytest.mark.parametrize("limit", ["model_rpm_limit", "model_tpm_limit", "model_max_budget"])
def test_what_a_key_calls_a_model_can_be_limited_by_that_name(url: str, limit: str) -> None:
    key = make(url, aliases={"mine": "fast", PRO: MODEL}, **{limit: {"mine": 0}})["key"]
    for name in ("mine", "fast", MODEL, PRO):
        refused = refusal(url, "POST", CHAT, chat(name), key)
        assert refused.status == 429 and "for the model mine" in refused.error["message"]
    assert ask(url, "POST", CHAT, chat("google/gemini-2.5-flash"), key)["choices"]


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ({"budget_limit": 0.0001, "time_period": "1d"}, {"budget_limit": 0.0001, "time_period": "1d"}),
        ({"max_budget": 0.0001, "budget_duration": "1mo"}, {"budget_limit": 0.0001, "time_period": "1mo"}),
        ({"budget_limit": 0.0001}, {"budget_limit": 0.0001, "time_period": None}),
        (0.0001, {"budget_limit": 0.0001, "time_period": None}),
    ],
)
def test_a_budget_of_one_model_leaves_the_others(url: str, sent: object, shown: dict[str, Any]) -> None:
    made = make(url, model_max_budget={MODEL: sent}, max_budget=1)
    assert made["model_max_budget"] == {MODEL: shown}
    key = made["key"]
    spent = 0.0
    while True:
        try:
            usage = ask(url, "POST", CHAT, chat(MODEL), key)["usage"]
        except Refused as refused:
            error = refused.error
            break
        spent += usage["cost"]
    assert 0 < spent <= 0.0001
    assert error["code"] == "insufficient_quota" and f"for the model {MODEL}" in error["message"]
    assert error["limit"] == 0.0001 and error["spent"] == pytest.approx(spent, abs=1e-9)
    other = ask(url, "POST", CHAT, chat(PRO), key)["usage"]["cost"]
    info = settled(url, key)
    general, of_model = info["budgets"]
    assert "model" not in general and of_model["model"] == MODEL
    assert of_model["budget_duration"] == shown["time_period"]
    assert of_model["spend"] == pytest.approx(spent, abs=1e-9)
    assert info["spend"] == general["spend"] == pytest.approx(spent + other, abs=1e-9)


@pytest.mark.parametrize(
    "wrong",
    [
        [1],
        *({MODEL: each} for each in (-1, "-1", "much", "1e9999", True, None, {}, {"budget_limit": None}, 1e300)),
        {MODEL: {"budget_limit": 1, "time_period": "soon"}},
        {MODEL: {"budget_limit": 1, "budget_duration": "1d"}},
        {MODEL: {"budget_limit": 1, "rpm_limit": 1}},
        {"": 1},
    ],
)
def test_a_budget_that_cannot_be_is_refused_by_name(url: str, wrong: object) -> None:
    refused = refusal(url, "POST", "/key/generate", {"model_max_budget": wrong})
    assert refused.status == 400 and refused.error["param"].startswith("model_max_budget")


@pytest.mark.parametrize("fields", [{}, {"key_alias": "spends"}, {"model_max_budget": {MODEL: 1}}])
def test_a_key_without_a_budget_of_its_own_shows_what_was_counted(url: str, fields: dict[str, Any]) -> None:
    key = make(url, **fields)["key"]
    cost = ask(url, "POST", CHAT, chat(MODEL), key)["usage"]["cost"]
    assert cost > 0
    end = time.monotonic() + 20
    while ask(url, "GET", "/key/info", key=key)["info"]["spend"] != pytest.approx(cost, abs=1e-9):
        assert time.monotonic() < end, "it was never counted"
        ask(url, "GET", "/liftgate/usage")  # what was counted so far is written for who asks


def test_a_client_that_left_gives_its_place_back_before_its_cost_is_known(url: str, sandbox: SandboxServer) -> None:
    key = make(url, max_parallel_requests=1, max_budget=10)["key"]
    sandbox.control("faults", {"kind": "stall", "operation": "generate", "after_bytes": 0, "times": 1})
    sandbox.control("faults", {"kind": "stall", "operation": "countTokens", "after_bytes": 0, "times": 1})
    try:
        with pytest.raises(openai.APITimeoutError):
            client_for(url, key, timeout=0.5).chat.completions.create(
                model=MODEL, messages=[{"role": "user", "content": "Hello"}], max_tokens=20
            )
        end = time.monotonic() + 20
        while True:
            try:
                assert ask(url, "POST", CHAT, chat(MODEL), key)["choices"]
                break
            except Refused as refused:
                assert refused.status == 429 and time.monotonic() < end
        # Google has not said yet what it was asked.
        assert ask(url, "GET", "/key/info", key=key)["info"]["budgets"][0]["held"] > 0
    finally:
        sandbox.control("faults", method="DELETE")


def test_what_may_be_asked_by_a_name_is_found_by_it(url: str) -> None:
    """An alias of the config may be asked where the model that it stands for may, and one of the key as well."""
    key = make(url, models=[MODEL], aliases={"mine": "fast", "theirs": PRO})["key"]
    for name in (MODEL, "fast", "mine"):
        assert ask(url, "POST", CHAT, chat(name), key)["choices"]
        assert ask(url, "GET", f"/v1/models/{name}", key=key)["id"] == name
        assert ask(url, "GET", f"/v1beta/models/{name}", key=key)["name"] == f"models/{name}"
    for name in (PRO, "theirs", "google/gemini-2.5-pro"):
        assert refusal(url, "POST", CHAT, chat(name), key).status == 403
        for path in (f"/v1/models/{name}", f"/v1beta/models/{name}"):
            assert refusal(url, "GET", path, key=key).status == 404
    assert {each["id"] for each in ask(url, "GET", "/v1/models", key=key)["data"]} == {MODEL, "fast"}
    only = make(url, models=["fast"])["key"]
    assert {each["id"] for each in ask(url, "GET", "/v1/models", key=only)["data"]} == {"fast"}
    assert refusal(url, "POST", CHAT, chat(MODEL), only).status == 403
