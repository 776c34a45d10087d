"""Calls of LiteLLM's documents for keys, users, teams and spend, as they stand there, with `requests`."""

from __future__ import annotations

import re
import time
from typing import Any

import openai
import pytest
import requests

from gateways import MODEL
from key_calls import client_for
from liftgate.settings.sections import CountingSettings

MASTER = {"Authorization": "Bearer sk-master", "Content-Type": "application/json"}


@pytest.fixture(scope="module")
def changes() -> dict[str, Any]:
    return {"counting": CountingSettings(spend=True)}


def post(url: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = requests.post(url + path, headers=MASTER, json=body, timeout=30)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def get(url: str, path: str, by: str = "sk-master", **params: str | int) -> Any:
    answer = requests.get(url + path, headers={"Authorization": f"Bearer {by}"}, params=params, timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ({"models": ["gpt-4"], "duration": "20m", "metadata": {"user": "i@b.ai"}}, {"metadata": {"user": "i@b.ai"}}),
        ({"models": ["my-free-tier"], "aliases": {"gpt-4": "my-free-tier"}}, {"aliases": {"gpt-4": "my-free-tier"}}),
        ({"max_budget": 0, "user_id": "krrish3@berri.ai"}, {"max_budget": 0, "user_id": "krrish3@berri.ai"}),
        ({"team_id": "core-infra", "max_budget": 10, "budget_duration": "30d"}, {"max_budget": 10}),
        ({"max_budget": "10", "rpm_limit": "4"}, {"max_budget": 10, "rpm_limit": 4}),
        ({"max_budget": "1E+2", "soft_budget": ".5"}, {"max_budget": 100, "soft_budget": 0.5}),
        ({"rpm_limit": 4.0, "model_tpm_limit": {MODEL: 9.0}}, {"rpm_limit": 4, "model_tpm_limit": {MODEL: 9}}),
        ({"max_parallel_requests": 10, "tpm_limit": 20, "rpm_limit": 4}, {"max_parallel_requests": 10}),
        (
            {"model_max_budget": {"gpt-4o": {"budget_limit": "0.0000001", "time_period": "1d"}}},
            {"model_max_budget": {"gpt-4o": {"budget_limit": 1e-7, "time_period": "1d"}}},
        ),
        ({"metadata": {"model_rpm_limit": {"gpt-4": 2}}}, {"model_rpm_limit": {"gpt-4": 2}}),
        (
            {"model_rpm_limit": {"gpt-4": 3}, "metadata": {"model_tpm_limit": {"gpt-4": 2}}},
            {"model_rpm_limit": {"gpt-4": 3}, "model_tpm_limit": {"gpt-4": 2}},
        ),
        ({"budget_limits": [{"budget_duration": "24h", "max_budget": 10}]}, {"rpm_limit": None}),
        ({"soft_budget": 0.001, "metadata": {"soft_budget_alerting_emails": ["a@b.c"]}}, {"soft_budget": 0.001}),
        ({"allowed_routes": ["/chat/*", "/embeddings"]}, {"allowed_routes": ["/chat/*", "/embeddings"]}),
        ({"models": [], "aliases": {}, "config": {}, "spend": 0, "permissions": {}, "guardrails": []}, {"models": []}),
    ],
)
def test_a_key_is_made_as_the_documents_say(url: str, body: dict[str, Any], shown: dict[str, Any]) -> None:
    made = post(url, "/key/generate", body)
    assert made["key"].startswith("sk-") and {name: made[name] for name in shown} == shown
    info = get(url, "/key/info", key=made["key"])["info"]
    assert {name: info[name] for name in shown} == shown and "key" not in info


def test_the_life_of_a_key(url: str) -> None:
    key = post(url, "/key/generate", {"key_alias": "life", "user_id": "ishaan"})["key"]
    updated = post(url, "/key/update", {"key": key, "models": [MODEL], "max_budget": 5, "budget_duration": "1mo"})
    assert updated["key"] == key and updated["models"] == [MODEL]
    client = client_for(url, key)
    client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "Hi"}], max_tokens=10)
    with pytest.raises(openai.PermissionDeniedError) as denied:
        client.chat.completions.create(model="gpt-4", messages=[{"role": "user", "content": "Hi"}])
    assert denied.value.code == "key_model_access_denied"
    assert post(url, "/key/block", {"key": key})["blocked"] is True
    with pytest.raises(openai.AuthenticationError):
        client.models.list()
    assert post(url, "/key/unblock", {"key": key})["blocked"] is False
    before = get(url, "/key/info", key=key)["info"]["spend"]
    renewed = post(url, f"/key/{key}/regenerate", {"max_budget": 100, "metadata": {"team": "core-infra"}})
    assert renewed["max_budget"] == 100 and renewed["key"] != key
    # What was spent stays.
    end = time.monotonic() + 20
    while (spent := get(url, "/key/info", renewed["key"])["info"]["spend"]) == 0:
        assert time.monotonic() < end
    assert spent >= before
    graced = post(url, "/key/regenerate", {"key": renewed["key"], "grace_period": "24h"})
    for good in (graced["key"], renewed["key"]):
        assert client_for(url, good).models.list().data
    page = get(url, "/key/list", page=1, size=10, user_id="ishaan", return_full_object="true")
    assert (page["total_count"], page["current_page"], page["total_pages"]) == (1, 1, 1)
    assert page["keys"][0]["key_alias"] == "life" and page["keys"][0]["token"] == graced["token_id"]
    end = time.monotonic() + 20
    for named in (graced["key"], graced["token"], graced["id"]):
        while not (days := get(url, "/spend/logs", api_key=named)):
            assert time.monotonic() < end, "it was never counted"
        assert days[0]["spend"] == pytest.approx(spent, abs=1e-9) and days[0]["models"][MODEL] == days[0]["spend"]
    day = days[0]["startTime"]
    report = get(url, "/global/spend/report", start_date=day, end_date=day, api_key=graced["key"])
    assert report[0]["teams"][0]["total_spend"] == pytest.approx(spent, abs=1e-9)
    assert get(url, "/spend/logs", api_key="sk-nobodys-key-at-all") == []
    assert post(url, "/key/delete", {"key_aliases": ["life"]})["deleted_keys"] == ["life"]
    with pytest.raises(openai.AuthenticationError):
        client_for(url, graced["key"]).models.list()


def test_users_and_teams(url: str) -> None:
    made = post(url, "/user/new", {"user_email": "a@b.c", "user_role": "internal_user", "max_budget": 10})
    assert made["key"].startswith("sk-") and made["user_id"] and made["max_budget"] == 10
    assert get(url, "/user/info", user_id=made["user_id"])["user_info"]["max_budget"] == 10
    team = post(url, "/team/new", {"team_alias": "my-new-team_4", "max_budget": 0.000000001, "budget_duration": "1d"})
    key = post(url, "/key/generate", {"team_id": team["team_id"]})["key"]
    with pytest.raises(openai.RateLimitError) as caught:
        client_for(url, key, retries=3).chat.completions.create(
            model=MODEL, messages=[{"role": "user", "content": "Hi"}]
        )
    assert caught.value.code == "insufficient_quota" and team["team_id"] in caught.value.message
    assert team["team_id"] in [each["team_id"] for each in get(url, "/team/list")]
    assert get(url, "/user/list", page=1, page_size=1)["total"] >= 2


def test_wherever_a_key_is_shown_it_says_what_it_has_spent(url: str) -> None:
    """As LiteLLM's own answers do: `spend`, and when the budget begins anew."""
    made = post(url, "/key/generate", {"max_budget": 1, "budget_duration": "1d", "key_alias": "shown"})
    key = made["key"]
    assert made["spend"] == 0 and made["budget_reset_at"] is not None
    client_for(url, key).chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": "Hi"}], max_tokens=10
    )
    spent = get(url, "/key/info", key=key)["info"]["spend"]
    assert spent > 0
    page = get(url, "/key/list", key_alias="shown", return_full_object="true")["keys"]
    changed = post(url, "/key/bulk_update", {"keys": [{"key": key, "tags": ["x"]}]})["successful_updates"]
    answers = [
        page[0],
        changed[0]["key_info"],
        post(url, "/key/update", {"key": key, "max_budget": 2}),
        post(url, "/key/block", {"key": key}),
        post(url, "/key/unblock", {"key": key}),
        post(url, "/key/regenerate", {"key": key}),
    ]
    for shown in answers:
        assert (shown["spend"], shown["budget_reset_at"]) == (spent, made["budget_reset_at"])
    reset = post(url, f"/key/{answers[-1]['key']}/reset_spend", {"reset_to": 0})
    assert (reset["spend"], reset["previous_spend"]) == (0, spent)


@pytest.mark.parametrize("noun", ["user", "team"])
def test_wherever_an_owner_is_shown_it_says_what_it_has_spent(url: str, noun: str) -> None:
    named = {f"{noun}_id": f"shown-{noun}"}
    made = post(url, f"/{noun}/new", {**named, "max_budget": 1, "budget_duration": "1mo"})
    assert made["spend"] == 0 and made["budget_reset_at"].endswith("-01T00:00:00.000Z")
    key = post(url, "/key/generate", named)["key"]
    ask = client_for(url, key).chat.completions.create
    ask(model=MODEL, messages=[{"role": "user", "content": "Hi"}], max_tokens=10)
    info = get(url, f"/{noun}/info", **named)
    spent = info[f"{noun}_info"]["spend"]
    assert spent > 0 and spent in [each["spend"] for each in info["keys"]]
    listed = get(url, f"/{noun}/list")
    updated = post(url, f"/{noun}/update", {**named, "max_budget": 2})
    for shown in (updated, updated["data"], *(listed["users"] if noun == "user" else listed)):
        if shown[f"{noun}_id"] == named[f"{noun}_id"]:
            assert (shown["spend"], shown["budget_reset_at"]) == (spent, made["budget_reset_at"])
    # One that has keys and no limits has spent all the same.
    free = post(url, "/key/generate", {f"{noun}_id": f"free-{noun}"})["key"]
    ask = client_for(url, free).chat.completions.create
    ask(model=MODEL, messages=[{"role": "user", "content": "Hi"}], max_tokens=10)
    for by in ("sk-master", free):
        assert get(url, f"/{noun}/info", by, **{f"{noun}_id": f"free-{noun}"})[f"{noun}_info"]["spend"] > 0


@pytest.mark.parametrize(
    ("fields", "expected", "says"),
    [
        ({"max_budget": 1e-9}, "RateLimitError", "Budget of $0.000000001 of the key"),
        ({"rpm_limit": 0}, "RateLimitError", "The limit of requests per minute is 0"),
        ({"models": ["gpt-4"]}, "PermissionDeniedError", "may not ask the model"),
    ],
)
def test_anthropics_client_reads_a_refusal_and_does_not_repeat_it(
    url: str, fields: dict[str, Any], expected: str, says: str
) -> None:
    import anthropic  # 3,000 modules, for this test alone

    made = post(url, "/key/generate", fields)
    with (
        anthropic.Anthropic(base_url=url, api_key=made["key"], max_retries=3) as client,
        pytest.raises(getattr(anthropic, expected), match=re.escape(says)) as caught,
    ):
        client.messages.create(model=MODEL, max_tokens=5, messages=[{"role": "user", "content": "Hi"}])
    assert isinstance(caught.value.body, dict) and caught.value.body["type"] == "error"
    assert get(url, "/liftgate/usage", key_id=made["id"])["total"]["requests"] == 1
