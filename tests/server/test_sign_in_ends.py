"""When a browser's sign-in is over: by its age, unused, and with its key, at every process."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from gateways import SandboxServer, gateway_server, settings_for
from liftgate.gateway import Gateway
from liftgate.server.app import build_app
from liftgate.settings import ServerSettings, StorageSettings
from moved_clock import MovedClock
from raw_http import Answer, call
from serving import serve

PAGE = {"Sec-Fetch-Site": "same-origin", "X-Liftgate-Page": "1", "Content-Type": "application/json"}
MASTER = {"Authorization": "Bearer sk-master", "Content-Type": "application/json"}
SESSION = "/liftgate/session"
PATIENCE = 10.0
HALF_AN_HOUR = 30 * 60


def sign_in(url: str, key: str) -> str:
    made = call(url, "POST", SESSION, json.dumps({"key": key}).encode(), PAGE)
    assert made.status == 200, made.body
    return made.headers["set-cookie"].partition(";")[0]


def look(url: str, cookie: str, path: str = "/v1/files") -> Answer:
    return call(url, "GET", path, None, {"Cookie": cookie, "Sec-Fetch-Site": "same-origin"})


def ask(url: str, path: str, **body: Any) -> dict[str, Any]:
    answer = call(url, "POST", path, json.dumps(body).encode(), MASTER)
    assert answer.status == 200, answer.body
    found: dict[str, Any] = answer.json()
    return found


def test_it_is_over_half_an_hour_after_the_last_request_and_after_twelve_hours_in_any_case(
    sandbox: SandboxServer, tmp_path: Path
) -> None:
    clock = MovedClock()
    with serve(build_app(Gateway(settings_for(sandbox, tmp_path), clock=clock))) as url:
        left = sign_in(url, "sk-bob")
        used = sign_in(url, "sk-ann")
        for _ in range(25):
            clock.advance(HALF_AN_HOUR - 120)
            assert look(url, used).status == 200
        assert look(url, left).error()["code"] == "sign_in_over"
        # The 25 looks took 11 h 40 min; the last use is fresh when its day is over.
        clock.advance(HALF_AN_HOUR - 120)
        assert look(url, used).error()["code"] == "sign_in_over"
        assert look(url, used, SESSION).json() == {"signed_in": False, "keys": True}


def test_it_is_over_at_every_process_however_its_key_ends(
    sandbox: SandboxServer, tmp_path: Path, database_url: str
) -> None:
    settings = settings_for(
        sandbox,
        tmp_path,
        storage=StorageSettings(data_dir=tmp_path, database_url=database_url),
        # Over https a cookie has the same name at every port.
        server=ServerSettings(public_base_url="https://gate.example"),
    )
    with gateway_server(settings) as one, gateway_server(settings) as other:
        ask(one, "/user/new", user_id="someone")
        team = ask(one, "/team/new", team_alias="team")["team_id"]
        made = {
            "/key/delete": ask(one, "/key/generate"),
            "/key/block": ask(one, "/key/generate"),
            "/key/regenerate": ask(one, "/key/generate"),
            "/key/update": ask(one, "/key/generate"),
            "/user/delete": ask(one, "/key/generate", user_id="someone"),
            "/team/delete": ask(one, "/key/generate", team_id=team),
            "": ask(one, "/key/generate"),
        }
        cookies = {ending: sign_in(other, key["key"]) for ending, key in made.items()}
        for cookie in cookies.values():
            assert [look(url, cookie).status for url in (one, other)] == [200, 200]
        ask(one, "/key/delete", keys=[made["/key/delete"]["key"]])
        ask(one, "/key/block", key=made["/key/block"]["key"])
        ask(one, "/key/regenerate", key=made["/key/regenerate"]["key"])
        ask(one, "/key/update", key=made["/key/update"]["key"], duration="1s")
        ask(one, "/user/delete", user_ids=["someone"])
        ask(one, "/team/delete", team_ids=[team])
        kept = cookies.pop("")
        for ending, cookie in cookies.items():
            for url in (one, other):
                deadline = time.monotonic() + PATIENCE
                while (over := look(url, cookie)).status != 401:
                    assert time.monotonic() < deadline, ending
                error = over.error()
                assert (error["code"], "sk-" in error["message"]) == ("sign_in_over", False), (ending, error)
                assert look(url, cookie, SESSION).json() == {"signed_in": False, "keys": True}, ending
        assert [look(url, kept).status for url in (one, other)] == [200, 200]
        assert call(one, "DELETE", SESSION, None, {**PAGE, "Cookie": kept}).status == 200
        assert [look(url, kept).status for url in (one, other)] == [401, 401]
