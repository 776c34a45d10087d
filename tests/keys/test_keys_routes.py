"""`/key/…` by the wire, on both engines: made, shown once, listed, changed, blocked, replaced, removed."""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import openai
import pytest

from gateways import MODEL, SandboxServer, gateway_server, settings_for
from key_calls import ask, client_for, make, refusal
from liftgate.settings import AuthSettings
from owners_doors import KEYS
from owners_house import filled, send

HELLO: list[Any] = [{"role": "user", "content": "Hello"}]


def chat(url: str, key: str, model: str = MODEL) -> str:
    answer = client_for(url, key).chat.completions.create(model=model, messages=HELLO)
    return answer.choices[0].message.content or ""


def test_a_key_is_made_shown_once_and_used(gateway: str, served: tuple[str, Path]) -> None:
    made = make(gateway, key_alias="ci", metadata={"team": "blue"}, models=[MODEL], duration="1h", user_id="ann")
    assert re.fullmatch(r"sk-[a-z0-9]{32}", made["key"])
    assert made["token"] == made["token_id"] == hashlib.sha256(made["key"].encode()).hexdigest()
    assert made["key_name"] == "sk-..." + made["key"][-4:]
    assert (made["key_alias"], made["metadata"], made["models"]) == ("ci", {"team": "blue"}, [MODEL])
    assert made["user_id"] == made["owner"] == "ann"
    assert made["expires"] > made["created_at"]
    assert chat(gateway, made["key"])

    info = ask(gateway, "GET", f"/key/info?key={made['key']}")
    assert info["info"]["token"] == made["token"]
    assert made["key"] not in str(info["info"])
    assert ask(gateway, "GET", f"/key/info?key={made['token']}")["info"] == info["info"]
    own = ask(gateway, "GET", "/key/info", key=made["key"])
    assert own == {"key": made["key_name"], "info": info["info"]}
    if (file := served[1] / "catalog.db").exists():
        with sqlite3.connect(file) as catalogue:
            assert made["key"] not in "\n".join(catalogue.iterdump())


def test_keys_of_one_owner_see_one_set_of_files_and_others_do_not(gateway: str) -> None:
    first, second, other = make(gateway, user_id="ann"), make(gateway, user_id="ann"), make(gateway)
    file = client_for(gateway, first["key"]).files.create(file=b"shared", purpose="user_data")
    for key in (second["key"], "sk-ann"):
        assert client_for(gateway, key).files.content(file.id).content == b"shared"
    assert other["owner"] == other["id"]
    with pytest.raises(openai.NotFoundError):
        client_for(gateway, other["key"]).files.retrieve(file.id)


def test_delete_block_and_unblock_act_at_once(gateway: str) -> None:
    made = make(gateway, key_alias="short")
    client = client_for(gateway, made["key"])
    assert client.models.list().data
    blocked = ask(gateway, "POST", "/key/block", {"key": made["key"]})
    assert blocked["blocked"] is True and blocked["token"] == made["token"]
    with pytest.raises(openai.AuthenticationError) as caught:
        client.models.list()
    assert (caught.value.code, caught.value.type) == ("key_blocked", "invalid_request_error")
    assert ask(gateway, "POST", "/key/unblock", {"key": made["token"]})["blocked"] is False
    assert client.models.list().data
    assert ask(gateway, "POST", "/key/delete", {"keys": [made["key"]]}) == {"deleted_keys": [made["key"]]}
    with pytest.raises(openai.AuthenticationError) as gone:
        client.models.list()
    assert gone.value.code == "invalid_api_key"
    assert refusal(gateway, "GET", f"/key/info?key={made['key']}").status == 404


def test_delete_by_alias_is_all_or_none(gateway: str) -> None:
    one, two = make(gateway, key_alias="one"), make(gateway, key_alias="two")
    refused = refusal(gateway, "POST", "/key/delete", {"keys": [one["key"], "sk-not-there-at-all"]})
    assert (refused.status, refused.error["code"]) == (404, "key_not_found")
    assert "sk-not-there-at-all" not in refused.error["message"]
    assert client_for(gateway, one["key"]).models.list().data
    ask(gateway, "POST", "/key/delete", {"keys": [one["token"]], "key_aliases": ["two"]})
    for key in (one, two):
        assert refusal(gateway, "GET", "/v1/models", key=key["key"]).status == 401


def test_update_changes_what_it_names_and_null_clears(gateway: str) -> None:
    made = make(gateway, key_alias="before", models=["other"], tags=["a"], duration="30d")
    with pytest.raises(openai.PermissionDeniedError):
        chat(gateway, made["key"])
    changed = ask(gateway, "POST", "/key/update", {"key": made["key"], "models": [MODEL], "key_alias": "after"})
    assert (changed["models"], changed["key_alias"], changed["tags"]) == ([MODEL], "after", ["a"])
    assert changed["expires"] == made["expires"]
    assert chat(gateway, made["key"])
    ask(gateway, "POST", "/key/update", {"key": made["token"], "models": None, "duration": "-1", "metadata": {"x": 1}})
    info = ask(gateway, "GET", f"/key/info?key={made['key']}")["info"]
    assert (info["models"], info["expires"], info["metadata"]) == ([], None, {"x": 1})


def test_regenerate_keeps_the_key_and_the_old_secret_for_its_grace(gateway: str) -> None:
    made = make(gateway, key_alias="ring", models=[MODEL])
    file = client_for(gateway, made["key"]).files.create(file=b"kept", purpose="user_data")
    again = ask(gateway, "POST", "/key/regenerate", {"key": made["key"], "grace_period": "1h"})
    assert again["key"] != made["key"] and again["id"] == made["id"] and again["models"] == [MODEL]
    for key in (made["key"], again["key"]):
        assert client_for(gateway, key).files.content(file.id).content == b"kept"
    at_once = ask(gateway, "POST", f"/key/{again['token']}/regenerate", {})
    for key in (made["key"], again["key"]):
        assert refusal(gateway, "GET", "/v1/models", key=key).status == 401
    assert client_for(gateway, at_once["key"]).files.content(file.id).content == b"kept"
    own = ask(gateway, "POST", "/key/regenerate", {"key": at_once["key"], "new_key": "sk-of-my-own-choice-1"})
    assert own["key"] == "sk-of-my-own-choice-1" and chat(gateway, "sk-of-my-own-choice-1")


def test_a_former_secret_blocks_its_key_and_changes_nothing_else(gateway: str) -> None:
    """It is good in its time of grace, and may be the one that is in wrong hands."""
    made = make(gateway)
    now = ask(gateway, "POST", "/key/regenerate", {"key": made["key"], "grace_period": "1h"})
    for path, body in (
        ("/key/update", {"key": made["key"], "rpm_limit": 5}),
        ("/key/regenerate", {"key": made["token"]}),
        ("/key/delete", {"keys": [made["key"]]}),
    ):
        refused = refusal(gateway, "POST", path, body)
        assert (refused.status, refused.error["code"]) == (404, "key_not_found")
        assert now["key_name"] in refused.error["message"] and now["token"] in refused.error["message"]
        assert made["key"] not in refused.error["message"]
    assert ask(gateway, "POST", "/key/block", {"key": made["key"]})["token"] == now["token"]
    for key in (made["key"], now["key"]):
        assert refusal(gateway, "GET", "/v1/models", key=key).error["code"] == "key_blocked"
    assert ask(gateway, "POST", "/key/unblock", {"key": made["token"]})["blocked"] is False
    assert chat(gateway, now["key"]) and chat(gateway, made["key"])


@pytest.mark.parametrize("kind", ["key", "team"])
def test_a_limit_that_stood_in_metadata_goes_with_it(gateway: str, kind: str) -> None:
    noted = {"model_rpm_limit": {MODEL: "7"}, "model_tpm_limit": {MODEL: 9}, "x": 1}
    named = {"team_id": f"noted-{id(gateway)}"}
    if kind == "key":
        named = {"key": make(gateway, metadata=noted)["key"]}
    else:
        ask(gateway, "POST", "/team/new", {**named, "metadata": noted})
    told = ask(gateway, "POST", f"/{kind}/update", {**named, "model_tpm_limit": {MODEL: 8}})
    assert (told["model_rpm_limit"], told["model_tpm_limit"]) == ({MODEL: 7}, {MODEL: 8})
    told = ask(gateway, "POST", f"/{kind}/update", {**named, "metadata": {"x": 2}})
    # What was said of a field itself since then stays.
    assert (told["model_rpm_limit"], told["model_tpm_limit"]) == ({}, {MODEL: 8})


def test_an_expired_key_is_refused_and_says_so(gateway: str) -> None:
    made = make(gateway, duration="1s")
    refused = None
    while refused is None or refused.error["code"] != "expired_key":
        try:
            ask(gateway, "GET", "/v1/models", key=made["key"])
        except Exception:
            refused = refusal(gateway, "GET", "/v1/models", key=made["key"])
            assert refused.status == 401
    assert ask(gateway, "GET", f"/key/list?status=expired&user_id={made['id']}")["keys"] == [made["token"]]
    assert ask(gateway, "GET", f"/key/list?status=active&user_id={made['id']}")["keys"] == []


def test_list_pages_searches_and_sorts(gateway: str) -> None:
    made = [make(gateway, key_alias=f"build-{n}", user_id="odd" if n % 2 else "even") for n in range(5)]
    every = ask(gateway, "GET", "/key/list?search=build&size=2&page=3&sort_by=key_alias&sort_order=asc")
    assert every == {"keys": [made[4]["token"]], "total_count": 5, "current_page": 3, "total_pages": 3}
    whole = ask(gateway, "GET", "/key/list?return_full_object=true&user_id=odd&sort_by=created_at&sort_order=asc")
    assert [key["key_alias"] for key in whole["keys"]] == ["build-1", "build-3"]
    assert all("sk-..." in key["key_name"] and "key" not in key for key in whole["keys"])
    assert ask(gateway, "GET", "/key/list?search=LD-3")["keys"] == [made[3]["token"]]
    assert ask(gateway, "GET", "/key/list?search=%25")["keys"] == []
    assert ask(gateway, "GET", f"/key/list?key_hash={made[0]['token']}")["total_count"] == 1
    for query in ("size=101", "size=0", "page=x", "sort_by=secret", "status=odd", "nope=1"):
        assert refusal(gateway, "GET", f"/key/list?{query}").status == 400, query


@pytest.mark.parametrize("none", ["0s", "0h", "0", 0, "", None])
def test_no_time_of_grace_is_none(gateway: str, none: object) -> None:
    made = make(gateway)
    again = ask(gateway, "POST", "/key/regenerate", {"key": made["key"], "grace_period": none})
    assert again["old_key_good_until"] is None
    assert refusal(gateway, "GET", "/v1/models", key=made["key"]).status == 401


def test_what_no_key_can_be_called_is_no_key(gateway: str) -> None:
    """PostgreSQL takes no NUL, not even to look for it."""
    digest = "%00" + "0" * 63
    for method, path, body in (
        ("GET", f"/key/info?key={digest}", None),
        ("POST", f"/key/{digest}/regenerate", {}),
        ("POST", f"/key/{digest}/reset_spend", {"reset_to": 0}),
    ):
        assert refusal(gateway, method, path, body).error["code"] == "key_not_found", path
    assert ask(gateway, "GET", f"/key/list?key_hash={digest}")["keys"] == []


def test_aliases_are_paged_and_searched(gateway: str) -> None:
    for n in range(3):
        make(gateway, key_alias=f"Nightly_{n}", team_id="night" if n else "day")
    make(gateway, team_id="night")
    found = {"total_count": 3, "current_page": 1, "total_pages": 1, "size": 50}
    assert ask(gateway, "GET", "/key/aliases?search=nightly_") == {
        "aliases": ["Nightly_0", "Nightly_1", "Nightly_2"], **found
    }  # fmt: skip
    assert ask(gateway, "GET", "/key/aliases?search=NIGHT&page=2&size=2") == {
        "aliases": ["Nightly_2"], "total_count": 3, "current_page": 2, "total_pages": 2, "size": 2
    }  # fmt: skip
    assert ask(gateway, "GET", "/key/aliases?team_id=night")["aliases"] == ["Nightly_1", "Nightly_2"]
    for nothing in ("search=nightly%25", "search=a%00b", "team_id=%00", "team_id=nobody", "search=nightly&page=9"):
        assert ask(gateway, "GET", f"/key/aliases?{nothing}")["aliases"] == [], nothing
    for query in ("size=101", "size=0", "page=x", "nope=1"):
        assert refusal(gateway, "GET", f"/key/aliases?{query}").status == 400, query


def test_many_keys_are_told_of_at_once(gateway: str) -> None:
    first, second, third = (make(gateway, key_alias=f"many-{n}", max_budget=n) for n in range(1, 4))
    named = [second["key"], "sk-nobodys-key-at-all", first["token"], "0" * 64]
    told = ask(gateway, "POST", "/v2/key/info", {"keys": named, "key_aliases": ["many-3", "many-2", "x"]})
    assert told["key"] == named
    assert [each["token"] for each in told["info"]] == [second["token"], first["token"], third["token"]]
    for each in told["info"]:
        assert each == ask(gateway, "GET", f"/key/info?key={each['token']}")["info"]
    assert ask(gateway, "POST", "/v2/key/info", {"keys": []}) == {"key": [], "info": []}
    for body, param in (
        ({}, "keys"),
        ({"keys": "sk-x"}, "keys"),
        ({"keys": [1]}, "keys[0]"),
        ({"keys": [f"sk-{n}" for n in range(101)]}, "keys"),
        ({"key": "sk-x"}, "key"),
    ):
        refused = refusal(gateway, "POST", "/v2/key/info", body)
        assert (refused.status, refused.error["param"]) == (400, param), body


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"guardrails": ["pii"]}, "guardrails"),
        ({"enforced_params": ["user"]}, "enforced_params"),
        ({"model": ["x"]}, "model"),
        ({"models": "gemini"}, "models"),
        ({"models": [1]}, "models[0]"),
        ({"models": [None]}, "models"),
        ({"duration": "1 day"}, "duration"),
        ({"duration": "0d"}, "duration"),
        ({"duration": 30}, "duration"),
        ({"duration": "999999999d"}, "duration"),
        ({"key": "short"}, "key"),
        ({"key": "sk-short"}, "key"),
        ({"key": "sk-has white space in it"}, "key"),
        ({"key": "sk-${KEY_OF_THE_TEAM}"}, "key"),
        ({"key": "sk-$KEY_OF_THE_TEAM_1"}, "key"),
        ({"key": "sk-%KEY_OF_THE_TEAM%"}, "key"),
        ({"key": "sk-<the-key-of-the-team>"}, "key"),
        ({"key": "sk-your-api-key-here"}, "key"),
        ({"key": "sk-xxxxxxxxxxxxxxxx"}, "key"),
        ({"key_type": "root"}, "key_type"),
        ({"allowed_routes": ["chat"]}, "allowed_routes[0]"),
        ({"metadata": []}, "metadata"),
        ({"metadata": {"x": "y" * 20_000}}, "metadata"),
        ({"aliases": {"a": 1}}, "aliases.a"),
        ({"user_id": "master"}, "user_id"),
        ({"team_id": "local"}, "team_id"),
        ({"key_alias": "a\u0000b"}, "key_alias"),
        ({"blocked": "yes"}, "blocked"),
    ],
)
def test_what_cannot_be_is_refused_by_name(gateway: str, body: dict[str, Any], param: str) -> None:
    refused = refusal(gateway, "POST", "/key/generate", body)
    assert (refused.status, refused.error["param"]) == (400, param)
    assert param in refused.error["message"]


def test_a_field_that_asks_for_nothing_is_taken(gateway: str) -> None:
    made = make(gateway, guardrails=[], permissions={}, config={}, spend=0, auto_rotate=False, organization_id=None)
    assert chat(gateway, made["key"])


def test_a_secret_and_an_alias_are_one_keys(gateway: str) -> None:
    made = make(gateway, key="sk-my-own-secret-0001", key_alias="mine")
    assert made["key"] == "sk-my-own-secret-0001"
    for body, param in (
        ({"key": "sk-my-own-secret-0001"}, "key"),
        ({"key_alias": "mine"}, "key_alias"),
    ):
        refused = refusal(gateway, "POST", "/key/generate", body)
        assert (refused.status, refused.error["param"]) == (409, param)
    other = make(gateway, key_alias="other")
    assert refusal(gateway, "POST", "/key/update", {"key": other["key"], "key_alias": "mine"}).status == 409
    again = {"key": other["key"], "new_key": "sk-my-own-secret-0001"}
    assert refusal(gateway, "POST", "/key/regenerate", again).status == 409


MANAGING = [
    ("POST", "/key/generate"),
    ("GET", "/key/list"),
    ("GET", "/key/aliases"),
    ("POST", "/v2/key/info"),
    ("POST", "/key/update"),
    ("POST", "/key/delete"),
    ("POST", "/key/block"),
    ("POST", "/key/unblock"),
    ("POST", "/key/regenerate"),
    ("POST", "/key/x/regenerate"),
]


@pytest.mark.parametrize("kind", ["config", "default", "llm_api", "read_only"])
def test_only_the_master_key_and_management_keys_change_keys(gateway: str, kind: str) -> None:
    key = "sk-ann" if kind == "config" else make(gateway, key_type=kind)["key"]
    for method, path in MANAGING:
        body = None if method == "GET" else {"key": key, "keys": [key]}
        if kind == "read_only" and path in ("/key/list", "/key/aliases", "/v2/key/info"):
            told = ask(gateway, method, path, body and {"keys": [key]}, key)
            assert told.get("total_count", 1) >= 1 and len(told.get("info", "1")) == 1
            continue
        refused = refusal(gateway, method, path, body, key)
        assert refused.status == 403, path
    other = make(gateway)
    path = f"/key/info?key={other['token']}"
    if kind == "read_only":
        assert ask(gateway, "GET", path, key=key)["info"]["token"] == other["token"]
    else:
        assert refusal(gateway, "GET", path, key=key).status == 403
    assert ask(gateway, "GET", "/key/info", key=key)["info"]["blocked"] is False


def test_a_management_key_makes_keys_and_asks_no_model(gateway: str) -> None:
    manager = make(gateway, key_type="management", key_alias="ops")
    made = ask(gateway, "POST", "/key/generate", {"models": [MODEL]}, manager["key"])
    assert made["created_by"] == "ops" and chat(gateway, made["key"])
    with pytest.raises(openai.PermissionDeniedError) as caught:
        chat(gateway, manager["key"])
    assert caught.value.code == "route_not_allowed"
    ask(gateway, "POST", "/key/delete", {"keys": [made["key"]]}, manager["key"])


def test_the_key_of_the_config_tells_of_itself(gateway: str) -> None:
    assert ask(gateway, "GET", "/key/info", key="sk-ann")["info"]["owner"] == "ann"
    assert ask(gateway, "GET", "/key/info")["info"]["owner"] == "master"


def test_who_may_not_see_all_keys_is_told_which_keys_may(gateway: str) -> None:
    refused = refusal(gateway, "GET", "/key/list", key="sk-ann")
    assert (refused.status, refused.error["code"]) == (403, "not_allowed")
    assert "read_only" in refused.error["message"] and "made" not in refused.error["message"]


def test_without_keys_there_is_nobody_to_make_one(sandbox: SandboxServer, tmp_path: Path) -> None:
    with gateway_server(replace(settings_for(sandbox, tmp_path), auth=AuthSettings())) as url:
        refused = refusal(url, "POST", "/key/generate", {})
        assert (refused.status, refused.error["code"]) == (403, "not_allowed")


@pytest.mark.parametrize("door", KEYS)
def test_nobody_else_learns_whether_a_key_is_there(gateway: str, door: str) -> None:
    wanted = KEYS[door]
    told = []
    for token in (make(gateway)["token"], "0" * 64):
        answer = send(
            gateway,
            wanted.method,
            wanted.path.replace("{}", token),
            None if wanted.body is None else json.dumps(filled(wanted.body, token)).encode(),
            {"Authorization": "Bearer sk-bob", "Content-Type": "application/json"},
        )
        assert answer.status == 403
        told.append(answer.without(token))
    assert told[0] == told[1]
