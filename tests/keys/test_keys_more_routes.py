"""LiteLLM's further routes of keys and models: many at once, spend that is set back, a team's own key, model groups."""

from __future__ import annotations

import time

import pytest

from gateways import MODEL
from key_calls import Refused, ask, make, refusal, settled

CHAT = {"model": MODEL, "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 20}


def test_spend_is_set_back_and_the_key_goes_on(gateway: str) -> None:
    key = make(gateway, max_budget=0.0002, budget_limits=[{"budget_duration": "1d", "max_budget": 0.0002}])["key"]
    refused = None
    end = time.monotonic() + 60
    while refused is None or refused.error["limit_source"] == "in_flight":
        assert time.monotonic() < end
        try:
            ask(gateway, "POST", "/v1/chat/completions", CHAT, key)
        except Refused as error:
            refused = error
            time.sleep(0.02)
    assert "Budget of $0.0002" in refused.error["message"]
    info = settled(gateway, key)
    spent = info["spend"]
    digest = info["token"]
    refused = refusal(gateway, "POST", f"/key/{digest}/reset_spend", {"reset_to": 1})
    assert (refused.status, refused.error["param"]) == (400, "reset_to")
    told = ask(gateway, "POST", f"/key/{digest}/reset_spend", {"reset_to": 0})
    assert told["previous_spend"] == pytest.approx(spent, abs=1e-9) and told["spend"] == 0
    assert (told["key_hash"], told["max_budget"]) == (digest, 0.0002)
    assert [each["spend"] for each in told["budgets"]] == [0, 0]
    assert ask(gateway, "POST", "/v1/chat/completions", CHAT, key)["choices"]
    assert 0 < settled(gateway, key)["spend"] < 0.0002


def test_spend_that_is_set_back_fills_no_other_budget(gateway: str) -> None:
    """Of several budgets each has spent its own: that of a day less than that for good."""
    key = make(gateway, max_budget=1)["key"]
    for _ in range(3):
        ask(gateway, "POST", "/v1/chat/completions", CHAT, key)
    more = {"budget_limits": [{"budget_duration": "1d", "max_budget": 1}], "model_max_budget": {MODEL: 1}}
    ask(gateway, "POST", "/key/update", {"key": key, **more})
    ask(gateway, "POST", "/v1/chat/completions", CHAT, key)
    in_all, of_day, of_model = (each["spend"] for each in settled(gateway, key)["budgets"])
    assert in_all == pytest.approx(4 * of_day) and of_model == of_day > 0
    told = ask(gateway, "POST", f"/key/{key}/reset_spend", {"reset_to": 2 * of_day})
    assert [each["spend"] for each in told["budgets"]] == pytest.approx([2 * of_day, of_day, of_day])
    told = ask(gateway, "POST", f"/key/{key}/reset_spend", {"reset_to": 0})
    assert [each["spend"] for each in told["budgets"]] == [0, 0, 0]


def test_spend_of_one_model_is_set_back_too(gateway: str) -> None:
    key = make(gateway, model_max_budget={MODEL: 0.0001})["key"]
    ask(gateway, "POST", "/v1/chat/completions", CHAT, key)
    spent = settled(gateway, key)["budgets"][0]["spend"]
    assert refusal(gateway, "POST", "/v1/chat/completions", CHAT, key).error["code"] == "insufficient_quota"
    told = ask(gateway, "POST", f"/key/{key}/reset_spend", {"reset_to": 0})
    assert (told["previous_spend"], told["budgets"][0]["spend"]) == (spent, 0)
    assert ask(gateway, "POST", "/v1/chat/completions", CHAT, key)["choices"]


ROUTES = (
    *("/key/generate", "/key/update", "/key/delete", "/key/none/regenerate", "/key/bulk_update", "/v2/key/info"),
    *("/user/new", "/user/delete", "/team/update"),
)


@pytest.mark.parametrize("path", ROUTES)
def test_a_body_is_no_larger_than_names_and_numbers_need(gateway: str, path: str) -> None:
    refused = refusal(gateway, "POST", path, {"keys": ["k" * 5_000_000]})
    assert (refused.status, refused.error["code"]) == (413, "request_too_large")


def test_spend_that_nothing_bounds_is_not_set(gateway: str) -> None:
    made = make(gateway)
    refused = refusal(gateway, "POST", f"/key/{made['key']}/reset_spend", {"reset_to": 0})
    assert (refused.status, refused.error["code"]) == (400, "no_budget")
    for body, param in (({}, "reset_to"), ({"reset_to": "much"}, "reset_to"), ({"to": 0}, "to")):
        refused = refusal(gateway, "POST", f"/key/{made['key']}/reset_spend", body)
        assert (refused.status, refused.error["param"]) == (400, param)
    assert refusal(gateway, "POST", "/key/sk-not-there/reset_spend", {"reset_to": 0}).status == 404


def test_many_keys_are_changed_each_for_itself(gateway: str) -> None:
    first, second = make(gateway)["key"], make(gateway)["key"]
    items = [
        {"key": first, "rpm_limit": 7, "tags": ["a"]},
        {"key": "sk-not-there-at-all"},
        {"key": second, "max_budget": -1},
        {"key": second, "max_budget": 3},
    ]
    told = ask(gateway, "POST", "/key/bulk_update", {"keys": items})
    assert told["total_requested"] == 4
    assert [each["key"] for each in told["successful_updates"]] == [first, second]
    assert told["successful_updates"][0]["key_info"]["rpm_limit"] == 7
    missing, wrong = told["failed_updates"]
    assert missing["failed_reason"].startswith("No such key") and "max_budget" in wrong["failed_reason"]
    assert ask(gateway, "GET", "/key/info", key=second)["info"]["max_budget"] == 3
    for body, param in (
        ({}, "keys"),
        ({"keys": []}, "keys"),
        ({"keys": [1]}, "keys[0]"),
        ({"keys": [{}], "x": 1}, "x"),
    ):
        refused = refusal(gateway, "POST", "/key/bulk_update", body)
        assert (refused.status, refused.error["param"]) == (400, param)


def test_a_service_account_is_a_teams_and_no_users(gateway: str) -> None:
    path = "/key/service-account/generate"
    made = ask(gateway, "POST", path, {"team_id": "robots", "key_alias": f"robot-{id(gateway)}", "rpm_limit": 5})
    assert (made["owner"], made["team_id"], made["user_id"], made["rpm_limit"]) == ("robots", "robots", None, 5)
    assert ask(gateway, "POST", "/v1/chat/completions", CHAT, made["key"])["choices"]
    for body, param in (({}, "team_id"), ({"team_id": "robots", "user_id": "eve"}, "user_id")):
        refused = refusal(gateway, "POST", path, body)
        assert (refused.status, refused.error["param"]) == (400, param)


@pytest.mark.parametrize("path", ["/key/bulk_update", "/key/service-account/generate", "/key/{}/reset_spend"])
def test_only_managers_may(gateway: str, path: str) -> None:
    made = make(gateway)
    for key in (made["key"], "sk-ann", make(gateway, key_type="read_only")["key"]):
        assert refusal(gateway, "POST", path.replace("{}", made["token"]), {}, key).status == 403


def test_groups_of_models_have_the_facts_of_their_entries(gateway: str) -> None:
    [group] = ask(gateway, "GET", f"/model_group/info?model_group={MODEL}")["data"]
    [entry] = ask(gateway, "GET", "/v1/model/info")["data"]
    facts = {name: value for name, value in entry["model_info"].items() if name not in ("id", "db_model")}
    assert group == {**facts, "model_group": MODEL, "providers": ["gemini"], "tpm": None, "rpm": None}
    assert ask(gateway, "GET", "/model_group/info?model_group=other")["data"] == []
    narrow = make(gateway, models=["other"])["key"]
    assert ask(gateway, "GET", "/model_group/info", key=narrow)["data"] == []
