"""Limits of owners, by LiteLLM's `/user/…` and `/team/…`: for all keys of an owner together, the config's too."""

from __future__ import annotations

import asyncio
import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import openai
import pytest

from gateways import MODEL, SandboxServer, gateway_server, settings_for
from key_calls import BODY, CHAT, Refused, ask, client_for, make, refusal, spend
from liftgate.catalog.connection import Connection
from liftgate.catalog.database import open_database
from liftgate.catalog.rows.allowances import OWNER_IDS
from liftgate.catalog.rows.owner_limits import insert_owner
from liftgate.clock import SystemClock
from liftgate.keys.terms import Terms, written
from liftgate.records import OwnerLimits
from owners_doors import OWNERS
from owners_house import filled, send
from waiting import until

ASKED = [
    (CHAT, BODY),
    (CHAT, {**BODY, "stream": True}),
    ("/v1/responses", {"model": MODEL, "input": "Hi"}),
    ("/v1/messages", BODY),
    (f"/v1beta/models/{MODEL}:generateContent", {"contents": [{"parts": [{"text": "Hi"}]}]}),
    (f"/v1beta/models/{MODEL}:streamGenerateContent", {"contents": [{"parts": [{"text": "Hi"}]}]}),
]


def team(url: str, name: str, **fields: Any) -> dict[str, Any]:
    made: dict[str, Any] = ask(url, "POST", "/team/new", {"team_id": name, **fields})
    return made


def info(url: str, name: str, key: str = "sk-master") -> dict[str, Any]:
    found: dict[str, Any] = ask(url, "GET", f"/team/info?team_id={name}", key=key)
    return found


def test_the_keys_of_a_team_share_its_limit(gateway: str) -> None:
    team(gateway, "shared", rpm_limit=3, team_alias="The shared ones")
    keys = [make(gateway, team_id="shared")["key"] for _ in range(2)]
    for at in range(3):
        assert ask(gateway, "POST", CHAT, BODY, keys[at % 2])["choices"]
    for key in keys:
        with pytest.raises(openai.RateLimitError) as caught:
            client_for(gateway, key).chat.completions.create(model=MODEL, messages=BODY["messages"])
        assert "3 requests per minute reached for the owner 'shared'" in caught.value.message
        assert caught.value.response.headers["x-ratelimit-remaining-requests"] == "0"
    # A key of its own, and of another owner, is not of them.
    for other in (make(gateway), make(gateway, team_id="others")):
        assert ask(gateway, "POST", CHAT, BODY, other["key"])["choices"]


def test_every_door_counts_for_the_owner(gateway: str) -> None:
    team(gateway, "doors", rpm_limit=0)
    key = make(gateway, team_id="doors")["key"]
    for path, body in ASKED:
        refused = refusal(gateway, "POST", path, body, key)
        assert refused.status == 429 and "the owner 'doors'" in refused.error["message"], path
        assert refused.headers["x-should-retry"] == "false"


def test_a_response_in_the_background_counts_for_the_owner(gateway: str) -> None:
    team(gateway, "behind", rpm_limit=0)
    made = make(gateway, team_id="behind")["key"]
    ask(gateway, "POST", "/user/new", {"user_id": "bob", "rpm_limit": 0, "auto_create_key": False})
    for key in (made, "sk-bob"):
        try:
            begun = ask(gateway, "POST", "/v1/responses", {"model": MODEL, "input": "Hi", "background": True}, key)
        except Refused as refused:
            assert refused.status == 429
            continue
        end = time.monotonic() + 20
        while (got := ask(gateway, "GET", f"/v1/responses/{begun['id']}", key=key))["status"] != "failed":
            assert got["status"] in ("queued", "in_progress") and time.monotonic() < end
        assert "the owner" in got["error"]["message"]
    ask(gateway, "POST", "/user/delete", {"user_ids": ["bob"]})


def test_a_key_of_the_config_is_its_owners_too(gateway: str) -> None:
    made = ask(gateway, "POST", "/user/new", {"user_id": "ann", "rpm_limit": 2, "auto_create_key": False})
    assert "key" not in made and made["rpm_limit"] == 2 and made["user_id"] == made["owner"] == "ann"
    beside = make(gateway, user_id="ann")["key"]
    assert ask(gateway, "POST", CHAT, BODY, "sk-ann")["choices"]
    assert ask(gateway, "POST", CHAT, BODY, beside)["choices"]
    for key in ("sk-ann", beside):
        for path, body in ASKED:
            assert refusal(gateway, "POST", path, body, key).status == 429
    # Files are no calls of models.
    assert client_for(gateway, "sk-ann").files.create(file=b"x", purpose="user_data").id
    ask(gateway, "POST", "/user/update", {"user_id": "ann", "rpm_limit": None})
    assert ask(gateway, "POST", CHAT, BODY, "sk-ann")["choices"]
    ask(gateway, "POST", "/user/delete", {"user_ids": ["ann"]})
    assert ask(gateway, "POST", CHAT, BODY, "sk-ann")["choices"]
    assert refusal(gateway, "POST", CHAT, BODY, beside).status == 401
    assert len(list(client_for(gateway, "sk-ann").files.list())) == 1


def test_a_budget_of_the_owner_is_spent_by_all_its_keys_and_never_passed(gateway: str) -> None:
    team(gateway, "thrifty", max_budget=0.0005, budget_duration="1mo")
    keys = [make(gateway, team_id="thrifty", max_budget=1)["key"] for _ in range(3)]
    with ThreadPoolExecutor(6) as pool:
        costs = list(pool.map(lambda at: spend(gateway, keys[at % 3]), range(6)))
    assert 0 < sum(costs) <= 0.0005
    refused = None
    end = time.monotonic() + 20
    while refused is None or refused.error["limit_source"] == "in_flight":
        assert time.monotonic() < end
        time.sleep(0.02)
        try:
            costs.append(spend(gateway, keys[0]))
            refused = refusal(gateway, "POST", CHAT, BODY, keys[0])
        except AssertionError:
            continue
    assert (refused.error["limit_source"], refused.error["code"]) == ("owner", "insufficient_quota")
    assert "Budget of $0.0005 per 1mo of the owner 'thrifty'" in refused.error["message"]
    shown, *by_key = settled(gateway, "thrifty", keys)
    assert shown["spend"] == shown["budgets"][0]["spend"] and shown["spend"] <= 0.0005
    assert sum(each["spend"] for each in by_key) == pytest.approx(shown["spend"], abs=1e-9)
    assert shown["budget_reset_at"].endswith("01T00:00:00.000Z")


def settled(url: str, name: str, keys: list[str]) -> list[dict[str, Any]]:
    """What is known of the owner and of its keys, once nothing is held any more."""
    found: list[dict[str, Any]] = []

    def nothing_held() -> bool:
        found[:] = [info(url, name)["team_info"], *(ask(url, "GET", "/key/info", key=key)["info"] for key in keys)]
        return not any(each["budgets"][0]["held"] for each in found)

    until(nothing_held)
    return found


def test_a_user_in_a_team_is_bounded_by_both(gateway: str) -> None:
    team(gateway, "wide", max_parallel_requests=5)
    made = ask(
        gateway, "POST", "/user/new", {"user_id": "eve", "max_budget": 0, "models": [MODEL], "key_alias": "eve's"}
    )
    assert made["key_alias"] == "eve's" and made["models"] == [MODEL] and made["user_id"] == "eve"
    assert "the owner 'eve'" in refusal(gateway, "POST", CHAT, BODY, made["key"]).error["message"]
    both = make(gateway, user_id="eve", team_id="wide")["key"]
    assert "the owner 'eve'" in refusal(gateway, "POST", CHAT, BODY, both).error["message"]
    ask(gateway, "POST", "/user/update", {"user_id": "eve", "max_budget": 1})
    assert ask(gateway, "POST", CHAT, BODY, both)["choices"]
    ask(gateway, "POST", "/team/update", {"team_id": "wide", "max_parallel_requests": 0})
    assert "the owner 'wide'" in refusal(gateway, "POST", CHAT, BODY, both).error["message"]
    assert ask(gateway, "POST", CHAT, BODY, made["key"])["choices"]


def test_who_sees_and_changes_what(gateway: str) -> None:
    team(gateway, "seen", rpm_limit=9, metadata={"a": 1})
    mine = make(gateway, team_id="seen")["key"]
    other = make(gateway, team_id="blind")["key"]
    reader, manager = (make(gateway, key_type=kind)["key"] for kind in ("read_only", "management"))
    for key in ("sk-master", reader, manager, mine):
        shown = info(gateway, "seen", key)
        assert shown["team_id"] == "seen" and shown["team_info"]["rpm_limit"] == 9
        assert [each["team_id"] for each in shown["keys"]] == ["seen"] and "key" not in shown["keys"][0]
    assert ask(gateway, "GET", "/team/info", key=mine)["team_id"] == "seen"
    assert ask(gateway, "GET", "/user/info", key="sk-bob")["user_id"] == "bob"
    missing = refusal(gateway, "GET", "/team/info?team_id=nobody", key=other)
    hidden = refusal(gateway, "GET", "/team/info?team_id=seen", key=other)
    assert missing.status == hidden.status == 404
    assert hidden.error["message"].replace("seen", "nobody") == missing.error["message"]
    for key in (mine, "sk-ann", reader):
        for what in ("new", "update", "delete"):
            assert refusal(gateway, "POST", f"/team/{what}", {"team_id": "seen"}, key).status == 403
    for key in (mine, "sk-ann"):
        assert refusal(gateway, "GET", "/team/list", key=key).status == 403
    listed = ask(gateway, "GET", "/user/list?page_size=100", key=reader)
    assert "seen" in [each["user_id"] for each in listed["users"]] and listed["total"] == len(listed["users"])


@pytest.mark.parametrize("door", OWNERS)
def test_nobody_else_learns_whether_an_owner_has_limits(gateway: str, door: str) -> None:
    wanted = OWNERS[door]
    told = []
    at = list(OWNERS).index(door)
    ask(gateway, "POST", "/user/new", {"user_id": f"there-{at}", "auto_create_key": False})
    for name in (f"there-{at}", f"never-{at}"):
        answer = send(
            gateway,
            wanted.method,
            wanted.path.replace("{}", name),
            None if wanted.body is None else json.dumps(filled(wanted.body, name)).encode(),
            {"Authorization": "Bearer sk-bob", "Content-Type": "application/json"},
        )
        assert answer.status == (404 if "info" in door else 403)
        told.append(answer.without(name))
    assert told[0] == told[1]


@pytest.mark.parametrize(
    ("path", "body", "status", "param"),
    [
        ("/team/new", {"team_id": "x", "rpm_limit": -1}, 400, "rpm_limit"),
        ("/team/new", {"team_id": "x", "max_budget": "much"}, 400, "max_budget"),
        ("/team/new", {"team_id": "master"}, 400, "team_id"),
        ("/team/new", {"team_id": ["x"]}, 400, "team_id"),
        ("/team/new", {"team_id": "x", "models": ["a"]}, 400, "models"),
        ("/team/new", {"team_id": "x", "guardrails": ["a"]}, 400, "guardrails"),
        ("/team/new", {"team_id": "x", "nope": 1}, 400, "nope"),
        ("/user/new", {"user_id": "x", "auto_create_key": "no"}, 400, "auto_create_key"),
        ("/user/new", {"user_id": "x", "duration": "soon"}, 400, "duration"),
        ("/user/update", {"rpm_limit": 1}, 400, "user_id"),
        ("/user/update", {"user_id": "no one", "rpm_limit": 1}, 404, None),
        ("/team/delete", {"team_ids": ["no one"]}, 404, None),
        ("/team/delete", {}, 400, "team_ids"),
        ("/team/delete", {"user_ids": ["x"]}, 400, "user_ids"),
    ],
)
def test_what_cannot_be_is_refused_by_name(
    gateway: str, path: str, body: dict[str, Any], status: int, param: str | None
) -> None:
    refused = refusal(gateway, "POST", path, body)
    assert (refused.status, refused.error["param"]) == (status, param)
    assert refusal(gateway, "GET", "/team/info?team_id=x").status == 404


def test_who_is_there_already_keeps_everything(gateway: str) -> None:
    ask(gateway, "POST", "/user/new", {"user_id": "twice", "rpm_limit": 5})
    for path, name in (("/user/new", "user_id"), ("/team/new", "team_id")):
        refused = refusal(gateway, "POST", path, {name: "twice", "rpm_limit": 6})
        assert (refused.status, refused.error["code"]) == (409, "owner_exists")
    shown = ask(gateway, "GET", "/user/info?user_id=twice")
    assert shown["user_info"]["rpm_limit"] == 5 and len(shown["keys"]) == 1


def test_the_first_limit_of_all_that_came_unheard_acts(sandbox: SandboxServer, tmp_path: Path) -> None:
    """Another process made it while this one could not hear: the announcement is gone."""

    def unheard(conn: Connection) -> None:
        insert_owner(conn, OwnerLimits(OWNER_IDS + "late", "late", None, 0.0, 0.0, written(Terms(rpm_limit=0))))
        conn.execute("DELETE FROM invalidations")
        conn.announce("files", "after the gap")

    async def elsewhere() -> None:
        database = await open_database(f"sqlite://{tmp_path}/catalog.db", clock=SystemClock())
        try:
            await database.write(unheard)
        finally:
            await database.close()

    with gateway_server(settings_for(sandbox, tmp_path)) as url:
        key = make(url, team_id="late")["key"]
        assert ask(url, "POST", CHAT, BODY, key)["choices"]
        asyncio.run(elsewhere())
        deadline = time.monotonic() + 10
        with pytest.raises(Refused) as caught:
            while time.monotonic() < deadline:
                ask(url, "POST", CHAT, BODY, key)
                time.sleep(0.02)
        assert caught.value.status == 429


def test_an_owners_keys_are_those_that_name_it_wherever_they_are_asked_for(gateway: str) -> None:
    """LiteLLM's: what is of a team is what has its `team_id`, whoever owns it."""
    team(gateway, "band", rpm_limit=9)
    ask(gateway, "POST", "/user/new", {"user_id": "flo", "auto_create_key": False})
    make(gateway, team_id="band", key_alias="the band's")
    make(gateway, team_id="band", user_id="flo", key_alias="flo's in the band")
    make(gateway, user_id="flo", key_alias="flo's")
    make(gateway, key_alias="of nobody", metadata={"team_id": "band", "made_by": "x"})
    joined = make(gateway, user_id="flo", key_alias="flo's, who joins")
    left = make(gateway, user_id="flo", team_id="band", key_alias="flo's, who leaves")
    ask(gateway, "POST", "/key/update", {"key": joined["key"], "team_id": "band"})
    ask(gateway, "POST", "/key/update", {"key": left["key"], "team_id": None})
    of_band = ["flo's in the band", "flo's, who joins", "the band's"]
    of_flo = ["flo's", "flo's in the band", "flo's, who joins", "flo's, who leaves"]

    def aliases(keys: list[dict[str, Any]]) -> list[str]:
        return sorted(each["key_alias"] for each in keys)

    for query, names in (("team_id=band", of_band), ("user_id=flo", of_flo)):
        listed = ask(gateway, "GET", f"/key/list?{query}&size=100&return_full_object=true")
        assert aliases(listed["keys"]) == names and listed["total_count"] == len(names)
    assert ask(gateway, "GET", "/key/aliases?team_id=band")["aliases"] == of_band
    assert aliases(info(gateway, "band")["keys"]) == of_band
    assert aliases(ask(gateway, "GET", "/user/info?user_id=flo")["keys"]) == of_flo
    ask(gateway, "POST", "/team/delete", {"team_ids": ["band"]})
    assert aliases(ask(gateway, "GET", "/user/info?user_id=flo")["keys"]) == ["flo's", "flo's, who leaves"]
    assert refusal(gateway, "GET", "/v1/models", key=joined["key"]).status == 401
    assert ask(gateway, "GET", "/key/aliases?search=of nobody".replace(" ", "%20"))["aliases"] == ["of nobody"]
