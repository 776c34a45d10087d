"""What was used and spent, as it is told: `/liftgate/usage`, LiteLLM's routes, the command line; and to whom."""

from __future__ import annotations

import base64
import io
import json
import wave
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gateways import MODEL, SandboxServer, gateway_server, sandbox_server, settings_for
from liftgate.server.routes import SPEND_ROUTES
from liftgate.settings import CountingSettings, RouterSettings
from processes import GatewayProcess, admin_spend, gateway_processes, write_config
from raw_http import call
from running import eventually
from test_meter import hello, reply

USAGE = {"promptTokenCount": 1000, "candidatesTokenCount": 10, "thoughtsTokenCount": 30, "cachedContentTokenCount": 400}
NANOS = 600 * 300 + 400 * 30 + 40 * 2500
PRO = {"promptTokenCount": 100, "promptTokensDetails": [{"modality": "VIDEO", "tokenCount": 90}]}
PRO_NANOS = 100 * 1250
ANN, BOB, MASTER = ({"Authorization": f"Bearer sk-{name}"} for name in ("ann", "bob", "master"))
Seen = dict[str, Any]
WRONG_COUNTS: list[Any] = ["10", 1.5, -1, True, [], 10**30]


class Rig:
    def __init__(self, url: str, sandbox: SandboxServer) -> None:
        self.url = url
        self.sandbox = sandbox

    def chat(self, who: dict[str, str], usage: Seen, model: str = MODEL, status: int = 200) -> None:
        answer = {**reply("two", finish="STOP"), "usageMetadata": usage}
        self.sandbox.control(
            "scripts",
            {"response": answer} if status == 200 else {"status": status, "body": {"error": {"code": status}}},
        )
        body = json.dumps({**hello(), "model": model}).encode()
        assert call(self.url, "POST", "/v1/chat/completions", body, who).status == status

    def get(self, path: str, who: dict[str, str] = MASTER, status: int = 200) -> Any:
        answer = call(self.url, "GET", path, b"", who)
        assert answer.status == status, answer.body
        return answer.json()


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Ann asked flash three times, once of it in vain, and pro once; Bob asked flash once."""
    with sandbox_server() as sandbox:
        settings = settings_for(
            sandbox,
            tmp_path_factory.mktemp("usage"),
            router=RouterSettings(num_retries=0, allowed_fails=10**6),
            counting=CountingSettings(spend=True, usage_write_seconds=0.1),
        )
        [flash] = settings.deployments
        pro = replace(flash, id="pro", model_name="gemini-2.5-pro", model="gemini-2.5-pro")
        odd = replace(flash, id="odd", model_name="odd", model="gemini-of-no-list")
        with gateway_server(replace(settings, deployments=(flash, pro, odd))) as url:
            rig = Rig(url, sandbox)
            made = call(
                url, "POST", "/key/generate", json.dumps({"user_id": "ann", "key_alias": "ci"}).encode(), MASTER
            ).json()
            rig.chat(ANN, USAGE)
            rig.chat({"Authorization": f"Bearer {made['key']}"}, USAGE)
            rig.chat(ANN, {}, status=400)
            rig.chat(ANN, PRO, "gemini-2.5-pro")
            rig.chat(BOB, USAGE)
            assert eventually(lambda: rig.get("/liftgate/usage?by=")["total"]["requests"] == 5)
            yield rig


def test_usage_is_told_by_key_owner_model_and_day(rig: Rig) -> None:
    found = rig.get("/liftgate/usage")
    assert (found["scope"], found["has_more"], found["by"]) == ("all owners", False, ["key", "owner", "model", "day"])
    rows = {(row["key_name"], row["owner"], row["model"]): row for row in found["data"]}
    assert set(rows) == {
        ("ann", "ann", MODEL), ("ci", "ann", MODEL), ("ann", "ann", "gemini-2.5-pro"), ("bob", "bob", MODEL),
    }  # fmt: skip
    first = rows["ann", "ann", MODEL]
    assert (first["requests"], first["failed"], first["unpriced"]) == (2, 1, 0)
    assert (first["input_tokens"], first["cached_tokens"]) == (1000, 400)
    assert (first["output_tokens"], first["reasoning_tokens"], first["total_tokens"]) == (10, 30, 1040)
    assert first["cost"] == NANOS / 1e9
    pro = rows["ann", "ann", "gemini-2.5-pro"]
    assert (pro["video_tokens"], pro["cost"]) == (90, PRO_NANOS / 1e9)
    assert found["total"]["cost"] == (3 * NANOS + PRO_NANOS) / 1e9
    ci = rows["ci", "ann", MODEL]["key"]
    assert ci.startswith("key_")
    [of_key] = rig.get(f"/liftgate/usage?by=owner&key_id={ci}")["data"]
    assert (of_key["requests"], of_key["cost"]) == (1, NANOS / 1e9)
    assert rig.get("/liftgate/usage?by=model&end=2020-01-01&start=2019-01-01")["data"] == []


def test_a_key_sees_its_owners_own_and_learns_of_no_other(rig: Rig) -> None:
    mine = rig.get("/liftgate/usage?by=owner", ANN)
    assert mine["scope"] == "ann" and [row["owner"] for row in mine["data"]] == ["ann"]
    assert mine["total"]["requests"] == 4
    for query in ("owner=bob", "owner=nobody", "owner=bob&key_id=bob", "key_id=bob"):
        other = rig.get(f"/liftgate/usage?by=owner&{query}", ANN)
        assert (other["data"], other["total"]["requests"]) == ([], 0), query
    for route in (each for each in SPEND_ROUTES if "GET" in each.handlers):
        for name in ("user_id", "api_key", "team_ids"):
            for value in ("bob", "nobody"):
                days = "start_date=2020-01-01&end_date=2999-01-01" if "report" in route.path else ""
                answer = call(rig.url, "GET", f"{route.path}?{days}&{name}={value}", b"", ANN)
                assert "bob" not in answer.body.decode().replace(f"'{value}'", ""), route.path
        text = call(rig.url, "GET", f"{route.path}?{days}", b"", ANN).body.decode()
        assert "bob" not in text, route.path
        call_without = call(rig.url, "GET", route.path, b"", {})
        assert call_without.status == 401


def test_litellms_routes_tell_the_same_sums(rig: Rig) -> None:
    ann, bob = (2 * NANOS + PRO_NANOS) / 1e9, NANOS / 1e9
    assert rig.get("/global/spend")["spend"] == ann + bob
    users = {each["user_id"]: each["spend"] for each in rig.get("/spend/users")}
    assert users == {"ann": ann, "bob": bob}
    assert rig.get("/spend/users?user_id=bob") == [{"user_id": "bob", "spend": bob}]
    keys = {each["key_alias"]: each["spend"] for each in rig.get("/spend/keys")}
    assert keys == {"ann": (NANOS + PRO_NANOS) / 1e9, "ci": NANOS / 1e9, "bob": bob}
    assert len(rig.get("/spend/keys?limit=1")) == 1
    models = {each["model"]: each["total_spend"] for each in rig.get("/global/spend/models")}
    assert models == {MODEL: 3 * NANOS / 1e9, "gemini-2.5-pro": PRO_NANOS / 1e9}
    [day] = rig.get("/spend/logs?start_date=2020-01-01&end_date=2999-01-01")
    assert (day["spend"], day["users"], day["models"]) == (ann + bob, users, models)
    [report] = rig.get("/global/spend/report?start_date=2020-01-01&end_date=2999-01-01")
    assert report["group_by_day"] == day["startTime"]
    teams = {team["team_name"]: team for team in report["teams"]}
    assert teams["ann"]["total_spend"] == ann and {each["model"] for each in teams["ann"]["metadata"]} == set(models)
    by_key = rig.get("/global/spend/report?start_date=2020-01-01&end_date=2999-01-01&group_by=api_key")
    assert {each["api_key"]: each["total_cost"] for each in by_key}["bob"] == bob
    activity = rig.get("/user/daily/activity?start_date=2020-01-01&end_date=2999-01-01")
    [result] = activity["results"]
    assert result["metrics"]["spend"] == activity["metadata"]["total_spend"] == ann + bob
    assert (result["metrics"]["successful_requests"], result["metrics"]["failed_requests"]) == (4, 1)
    assert result["breakdown"]["models"][MODEL]["metrics"]["prompt_tokens"] == 3000


def test_litellms_routes_of_the_last_thirty_days_tell_the_same_sums(rig: Rig) -> None:
    """In the forms that LiteLLM 1.108 answers in; its dates have no year, and its spend is rounded to cents."""
    ann, bob = (2 * NANOS + PRO_NANOS) / 1e9, NANOS / 1e9
    keys = rig.get("/global/spend/keys")
    assert {each["key_alias"]: each["total_spend"] for each in keys} == {
        "ann": (NANOS + PRO_NANOS) / 1e9, "ci": bob, "bob": bob
    }  # fmt: skip
    assert keys[0]["key_alias"] == "ann", "the dearest is the first"
    assert set(keys[0]) == {"api_key", "key_alias", "key_name", "total_spend"}
    assert rig.get("/global/spend/keys?limit=1") == keys[:1]
    teams = rig.get("/global/spend/teams")
    [day] = teams["daily_spend"]
    assert (day["ann"], day["bob"], teams["teams"]) == (ann, bob, ["ann", "bob"])
    assert teams["total_spend_per_team"] == [
        {"team_id": "ann", "total_spend": ann}, {"team_id": "bob", "total_spend": bob}
    ]  # fmt: skip
    whole = rig.get("/global/activity")
    written = date.fromisoformat(day["date"]).strftime("%b %d")
    assert whole == {
        "daily_data": [{"date": written, "api_requests": 5, "total_tokens": 3 * 1040 + 100}],
        "sum_api_requests": 5,
        "sum_total_tokens": 3 * 1040 + 100,
    }
    models = {
        each["model"]: (each["sum_api_requests"], each["sum_total_tokens"])
        for each in rig.get("/global/activity/model")
    }
    assert models == {MODEL: (4, 3120), "gemini-2.5-pro": (1, 100)}
    assert rig.get("/global/activity?start_date=2020-01-01&end_date=2020-01-02")["daily_data"] == []
    # Thirty days before it there was no day.
    assert rig.get("/global/activity?end_date=0001-01-01")["daily_data"] == []
    assert rig.get("/liftgate/usage?end=0001-01-30")["start"] == "0001-01-01"
    assert rig.get("/global/activity", BOB)["sum_api_requests"] == 1


def ten_seconds() -> str:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(1)
        sound.setframerate(8000)
        sound.writeframes(bytes([128]) * 80_000)
    return base64.b64encode(file.getvalue()).decode()


def calculated(rig: Rig, body: Seen, who: dict[str, str] = ANN, status: int = 200) -> Seen:
    answer = call(rig.url, "POST", "/spend/calculate", json.dumps(body).encode(), who)
    assert answer.status == status, answer.body
    told: Seen = answer.json()
    return told if status == 200 else told["error"]


def test_what_a_prompt_will_cost(rig: Rig) -> None:
    """What Google counts of it, at the list's prices: $0.30 for a million tokens of text, $1.00 of sound."""
    asked = hello()
    counted = call(rig.url, "POST", "/v1/chat/completions/input_tokens", json.dumps(asked).encode(), ANN).json()
    assert calculated(rig, asked) == {"cost": counted["input_tokens"] * 300 / 1e9}
    assert calculated(rig, {**asked, "model": "gemini-2.5-pro"}) == {"cost": counted["input_tokens"] * 1250 / 1e9}
    spoken = {"type": "input_audio", "input_audio": {"data": ten_seconds(), "format": "wav"}}
    heard = {**asked, "messages": [{"role": "user", "content": [spoken]}]}
    counted = call(rig.url, "POST", "/v1/chat/completions/input_tokens", json.dumps(heard).encode(), ANN).json()
    assert calculated(rig, heard)["cost"] > counted["input_tokens"] * 900 / 1e9, "sound is dearer than text"


def test_what_an_answer_did_cost(rig: Rig) -> None:
    usage = {
        "prompt_tokens": 1000, "completion_tokens": 40, "total_tokens": 1040,
        "prompt_tokens_details": {"cached_tokens": 400}, "completion_tokens_details": {"reasoning_tokens": 30},
    }  # fmt: skip
    answer = {"id": "chatcmpl-1", "object": "chat.completion", "model": MODEL, "choices": [], "usage": usage}
    assert calculated(rig, {"completion_response": answer}) == {"cost": NANOS / 1e9}
    assert calculated(rig, {"completion_response": {**answer, "service_tier": "default"}}) == {"cost": NANOS / 1e9}
    del answer["model"]
    assert calculated(rig, {"model": MODEL, "completion_response": answer}) == {"cost": NANOS / 1e9}
    sound = {"prompt_tokens": 100, "completion_tokens": 0, "prompt_tokens_details": {"audio_tokens": 30}}
    heard = calculated(rig, {"completion_response": {"model": MODEL, "usage": sound}})
    assert heard == {"cost": (30 * 1000 + 70 * 300) / 1e9}


@pytest.mark.parametrize(
    "usage",
    [
        # As libraries write it that know decimals only; then a Response's, and a Message's.
        {
            "prompt_tokens": 1000.0, "completion_tokens": 40.0, "prompt_tokens_details": {"cached_tokens": 400.0},
            "completion_tokens_details": None,
        },
        {
            "input_tokens": 1000, "input_tokens_details": {"cached_tokens": 400}, "output_tokens": 40,
            "output_tokens_details": {"reasoning_tokens": 30}, "total_tokens": 1040,
        },
        {
            "input_tokens": 600, "cache_read_input_tokens": 400, "cache_creation_input_tokens": 0, "output_tokens": 40,
            "output_tokens_details": {"thinking_tokens": 30}, "service_tier": "standard", "server_tool_use": None,
        },
    ],
)  # fmt: skip
def test_an_answer_of_any_api_did_cost_the_same(rig: Rig, usage: dict[str, Any]) -> None:
    assert calculated(rig, {"completion_response": {"model": MODEL, "usage": usage}}) == {"cost": NANOS / 1e9}


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        ({}, 400, "completion_response"),
        ({"model": MODEL}, 400, "messages"),
        ({"completion_response": "chatcmpl-1"}, 400, "completion_response"),
        ({"completion_response": {"usage": {}}}, 400, "model"),
        ({"completion_response": {"model": MODEL}}, 400, "completion_response.usage"),
        (
            {"completion_response": {"model": MODEL, "usage": {"prompt_tokens_details": 1}}},
            400,
            "completion_response.usage.prompt_tokens_details",
        ),
        ({"completion_response": {"model": "none", "usage": {}}}, 404, None),
        ({"completion_response": {"model": MODEL, "usage": {}}}, 400, "completion_response.usage.prompt_tokens"),
        *(
            (
                {"completion_response": {"model": MODEL, "usage": {"prompt_tokens": 9, "completion_tokens": wrong}}},
                400,
                "completion_response.usage.completion_tokens",
            )
            for wrong in WRONG_COUNTS
        ),
        (
            {
                "completion_response": {
                    "model": MODEL,
                    "usage": {"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": "8"}},
                }
            },
            400,
            "completion_response.usage.prompt_tokens_details.cached_tokens",
        ),
        ({"completion_response": {"model": "odd", "usage": {"prompt_tokens": 1}}}, 400, "model"),
    ],
)
def test_what_has_no_price_is_refused(body: Seen, status: int, param: str | None, rig: Rig) -> None:
    refused = calculated(rig, body, status=status)
    assert param is None or refused["param"] == param


@pytest.mark.parametrize("path", ["/user/daily/activity", "/team/daily/activity"])
def test_a_script_that_goes_on_to_the_next_page_counts_nothing_twice(path: str, rig: Rig) -> None:
    first, second = (rig.get(f"{path}?page={page}&page_size=10") for page in (1, 2))
    assert first == rig.get(f"{path}?start_date=2020-01-01%2000:00:00") and first["metadata"]["total_spend"] > 0
    assert (second["results"], second["metadata"]["page"], second["metadata"]["total_spend"]) == ([], 2, 0)


def test_teams_by_day(rig: Rig) -> None:
    ann, bob = (2 * NANOS + PRO_NANOS) / 1e9, NANOS / 1e9

    def spent(query: str, who: dict[str, str] = MASTER) -> Seen:
        found = rig.get(f"/team/daily/activity?{query}", who)
        entities = found["results"][0]["breakdown"]["entities"] if found["results"] else {}
        assert found["metadata"]["total_spend"] == pytest.approx(
            sum(each["metrics"]["spend"] for each in entities.values()), abs=1e-12
        )
        return {team: each["metrics"]["spend"] for team, each in entities.items()}

    assert spent("") == spent("team_ids=ann,bob") == spent("exclude_team_ids=nobody") == {"ann": ann, "bob": bob}
    assert spent("team_ids=ann") == spent("exclude_team_ids=bob") == spent("team_ids=ann,nobody") == {"ann": ann}
    assert spent("team_ids=nobody") == spent("team_ids=ann&exclude_team_ids=ann") == {}
    assert spent("", ANN) == spent("team_ids=ann,bob", ANN) == {"ann": ann}
    assert spent("team_ids=bob", ANN) == spent("team_ids=nobody", ANN) == {}
    assert spent("model=gemini-2.5-pro") == {"ann": PRO_NANOS / 1e9}
    [day] = rig.get("/team/daily/activity?team_ids=ann")["results"]
    keys = day["breakdown"]["entities"]["ann"]["api_key_breakdown"]
    assert {each["metadata"]["key_alias"]: each["metrics"]["api_requests"] for each in keys.values()} == {
        "ann": 3, "ci": 1
    }  # fmt: skip


RANGES = [
    route.path
    for route in SPEND_ROUTES
    if route.path.startswith(("/spend/logs", "/global/activity", "/user/daily", "/team/daily", "/global/spend/report"))
]


def test_a_last_day_alone_counts_from_a_month_before_it(rig: Rig) -> None:
    assert rig.get("/liftgate/usage?end=2020-03-01")["start"] == "2020-01-31"


@pytest.mark.parametrize(
    ("path", "param"),
    [
        ("/liftgate/usage?by=colour", "by"),
        ("/liftgate/usage?by=day,day", "by"),
        ("/liftgate/usage?start=yesterday", "start"),
        ("/spend/logs?start_date=1.1.2026", "start_date"),
        ("/spend/logs?summarize=false", "summarize"),
        ("/spend/logs?request_id=req_1", "request_id"),
        ("/spend/keys?limit=-1", "limit"),
        ("/global/spend/keys?limit=ten", "limit"),
        ("/global/spend/models?limit=1.5", "limit"),
        ("/global/activity?start_date=today", "start_date"),
        ("/team/daily/activity?end_date=today", "end_date"),
        ("/team/daily/activity?end_date=2026-11-011", "end_date"),
        ("/user/daily/activity?start_date=2026-11-01x", "start_date"),
        ("/user/daily/activity?page=none", "page"),
        ("/team/daily/activity?page=0", "page"),
        ("/user/daily/activity?page_size=1001", "page_size"),
        ("/liftgate/usage?start=2026-11-28&end=2026-11-27", "end"),
        ("/liftgate/usage?start=2999-01-01&end=2026-11-27&by=day", "end"),
        *((f"{path}?start_date=2026-11-28&end_date=2026-11-27", "end_date") for path in RANGES),
        ("/global/spend/report", "start_date"),
        ("/global/spend/report?start_date=2026-01-01&end_date=2026-01-02&group_by=customer", "group_by"),
    ],
)
def test_what_cannot_be_told_is_refused_by_name(path: str, param: str, rig: Rig) -> None:
    assert rig.get(path, status=400)["error"]["param"] == param


def test_a_gateway_that_does_not_count_says_how_it_would(tmp_path: Path) -> None:
    with sandbox_server() as sandbox, gateway_server(settings_for(sandbox, tmp_path)) as url:
        answer = call(url, "GET", "/liftgate/usage", b"", MASTER)
    assert answer.status == 400 and "spend: true" in answer.json()["error"]["message"]


def ask_flash(gateway: GatewayProcess, sandbox: SandboxServer) -> None:
    sandbox.control("scripts", {"response": {**reply("two", finish="STOP"), "usageMetadata": USAGE}})
    answer = call(gateway.url, "POST", "/v1/chat/completions", json.dumps(hello()).encode(), ANN)
    assert answer.status == 200 and answer.headers["x-liftgate-response-cost"] == "0.000292000"


def test_a_killed_gateways_spend_is_counted_by_the_next_start_and_told_on_the_command_line(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    with sandbox_server() as sandbox:
        config = write_config(tmp_path / "config.yaml", sandbox.url, spend=True, usage_write_seconds=3600)
        with gateway_processes(config, data_dir, 2) as gateways:
            for gateway in gateways:
                for _ in range(3):
                    ask_flash(gateway, sandbox)
            for gateway in gateways:
                # At once: one that lives on adds up what the other has left.
                gateway.process.kill()
            for gateway in gateways:
                gateway.kill()
        assert json.loads(admin_spend(config, data_dir, "--json"))["data"] == []
        with gateway_processes(config, data_dir) as [gateway]:

            def counted() -> bool:
                found = call(gateway.url, "GET", "/liftgate/usage?by=", b"", MASTER).json()
                return bool(found["total"]["requests"] == 6)

            # The dead ones may hold the lease of this job for a while.
            assert eventually(counted, seconds=60)
            ask_flash(gateway, sandbox)
            assert gateway.stop() == 0
        shown = admin_spend(config, data_dir, "--by", "owner", "--by", "model")
        assert f"{7 * NANOS / 1e9:.6f}" in shown and "ann" in shown
        [row] = json.loads(admin_spend(config, data_dir, "--json", "--by", "key", "--owner", "ann"))["data"]
        assert (row["key"], row["requests"], row["cost"]) == ("ann", 7, 7 * NANOS / 1e9)
        assert json.loads(admin_spend(config, data_dir, "--json", "--until", "2020-01-01"))["data"] == []
        assert not list((data_dir / "spend").iterdir())
