"""Signing in to the page: a key becomes a cookie, which counts for our own page only and ends with its key."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateways import SandboxServer, client_for, gateway_server, settings_for
from liftgate.engine.sign_ins import opened, sealed
from liftgate.gateway import Gateway
from liftgate.server.app import build_app
from liftgate.settings import AuthSettings, ServerSettings, Settings, StorageSettings
from moved_clock import MovedClock
from raw_http import Answer, call
from serving import serve

PAGE = {"Sec-Fetch-Site": "same-origin", "X-Liftgate-Page": "1", "Content-Type": "application/json"}
SESSION = "/liftgate/session"


def sign_in(url: str, key: str, **more: str) -> Answer:
    return call(url, "POST", SESSION, b'{"key": "%s"}' % key.encode(), {**PAGE, **more})


def cookie(answer: Answer) -> str:
    """`name=value`, as a browser sends it back."""
    return answer.headers["set-cookie"].partition(";")[0]


def get(url: str, path: str, cookie: str, **headers: str) -> Answer:
    return call(url, "GET", path, None, {"Cookie": cookie, "Sec-Fetch-Site": "same-origin", **headers})


def settings_of(sandbox: SandboxServer, tmp_path: Path, database_url: str = "", **changes: Any) -> Settings:
    return settings_for(
        sandbox, tmp_path, storage=StorageSettings(data_dir=tmp_path, database_url=database_url), **changes
    )


def test_a_key_becomes_a_cookie_that_acts_for_its_owner_until_it_signs_out(
    sandbox: SandboxServer, tmp_path: Path, database_url: str
) -> None:
    with gateway_server(settings_of(sandbox, tmp_path, database_url)) as url, client_for(url) as ann:
        mine = ann.files.create(file=("mine.txt", b"Ann's"), purpose="user_data").id
        assert call(url, "GET", SESSION).json() == {"signed_in": False, "keys": True}
        made = sign_in(url, "sk-ann")
        assert made.status == 200 and (made.json()["owner"], made.json()["master"]) == ("ann", False)
        attributes = {part.strip() for part in made.headers["set-cookie"].split(";")[1:]}
        assert attributes == {"Path=/", "Max-Age=43200", "HttpOnly", "SameSite=Strict"}
        assert made.headers["cache-control"] == "no-store"
        anns = cookie(made)
        assert [file["id"] for file in get(url, "/v1/files", anns).json()["data"]] == [mine]
        assert get(url, SESSION, anns).json()["owner"] == "ann"
        # Another owner's page sees nothing of it, and a key of the request goes before the cookie.
        bobs = cookie(sign_in(url, "sk-bob"))
        assert get(url, f"/v1/files/{mine}", bobs).status == 404
        assert get(url, f"/v1/files/{mine}", anns, Authorization="Bearer sk-bob").status == 404
        assert get(url, f"/v1/files/{mine}", anns, Authorization="Bearer sk-wrong").status == 401
        gone = call(url, "DELETE", SESSION, None, {**PAGE, "Cookie": anns})
        assert gone.status == 200 and "Max-Age=0" in gone.headers["set-cookie"]
        over = get(url, "/v1/files", anns)
        assert over.status == 401 and over.error()["code"] == "sign_in_over"
        assert get(url, "/v1/files", bobs).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:1"},
    ],
)
def test_a_cookie_counts_for_our_own_page_only(
    sandbox: SandboxServer, tmp_path: Path, headers: Mapping[str, str]
) -> None:
    with gateway_server(settings_of(sandbox, tmp_path)) as url:
        mine = cookie(sign_in(url, "sk-ann"))
        for method, path, body in (
            ("GET", "/v1/files", None),
            ("GET", SESSION, None),
            ("POST", "/v1/uploads", b"{}"),
            ("DELETE", "/v1/files/file-x", None),
            ("DELETE", SESSION, None),
            ("POST", SESSION, b'{"key": "sk-bob"}'),
        ):
            asked = call(url, method, path, body, {"Cookie": mine, "X-Liftgate-Page": "1", **headers})
            assert asked.status == 403, (method, path)
            assert "set-cookie" not in asked.headers
        assert get(url, "/v1/files", mine).status == 200


def test_a_tab_that_shows_another_owner_may_neither_look_nor_act(sandbox: SandboxServer, tmp_path: Path) -> None:
    """A browser's tabs share its cookie: what one of them shows may be somebody else's by now."""
    auth = AuthSettings(master_key="sk-master", keys={"sk-ann": "ann", "sk-zoe": "Zoë & Co. 100%"})
    with gateway_server(settings_of(sandbox, tmp_path, auth=auth)) as url:
        for key, own, others in (
            ("sk-ann", "ann", ("bob", "Ann", "an", "ann,ann", "Zo%C3%AB%20%26%20Co.%20100%25")),
            ("sk-zoe", "Zo%C3%AB%20%26%20Co.%20100%25", ("ann", "Zo")),
        ):
            mine = cookie(sign_in(url, key))
            assert get(url, "/v1/files", mine, **{"X-Liftgate-Owner": own}).status == 200
            for shown in others:
                for method, path, body in (
                    ("GET", "/v1/files", None),
                    ("POST", "/v1/uploads", b'{"filename": "a", "bytes": 1, "mime_type": "text/plain"}'),
                    ("DELETE", "/v1/files/file-x", None),
                ):
                    asked = call(url, method, path, body, {**PAGE, "Cookie": mine, "X-Liftgate-Owner": shown})
                    assert (asked.status, asked.error()["code"]) == (401, "sign_in_over"), (shown, method)
        # A request with a key of its own is never a page's.
        bearer = {"Authorization": "Bearer sk-ann", "X-Liftgate-Owner": "bob"}
        assert call(url, "GET", "/v1/files", None, bearer).status == 200


def test_what_changes_something_needs_the_pages_header(sandbox: SandboxServer, tmp_path: Path) -> None:
    with gateway_server(settings_of(sandbox, tmp_path)) as url:
        mine = cookie(sign_in(url, "sk-ann"))
        form = {"Cookie": mine, "Sec-Fetch-Site": "same-origin"}
        for method, path in (("POST", "/v1/uploads"), ("DELETE", "/v1/files/file-x"), ("DELETE", SESSION)):
            assert call(url, method, path, b"{}", form).status == 403
        assert call(url, "POST", SESSION, b'{"key": "sk-ann"}', {"Sec-Fetch-Site": "same-origin"}).status == 403


def test_on_plain_http_the_origin_decides_where_browsers_say_no_more(sandbox: SandboxServer, tmp_path: Path) -> None:
    with gateway_server(settings_of(sandbox, tmp_path)) as url:
        host = url.removeprefix("http://")
        page = {"X-Liftgate-Page": "1", "Host": host, "Origin": url}
        made = call(url, "POST", SESSION, b'{"key": "sk-ann"}', page)
        assert made.status == 200 and cookie(made).startswith(f"liftgate-{host.rpartition(':')[2]}=")
        mine = {"Cookie": cookie(made), "Host": host}
        assert call(url, "GET", "/v1/files", None, mine).status == 200
        assert call(url, "POST", "/v1/uploads", b"{}", {**mine, **page}).status == 400
        assert call(url, "POST", "/v1/uploads", b"{}", {**mine, "X-Liftgate-Page": "1"}).status == 403


def test_behind_https_the_cookie_is_bound_to_the_host(sandbox: SandboxServer, tmp_path: Path) -> None:
    server = ServerSettings(public_base_url="https://gate.example/llm")
    with gateway_server(settings_of(sandbox, tmp_path, server=server)) as url:
        made = sign_in(url, "sk-ann", Origin="https://gate.example")
        assert cookie(made).startswith("__Host-liftgate=") and "; Secure" in made.headers["set-cookie"]
        assert get(url, "/v1/files", cookie(made)).status == 200


def test_a_cookie_that_was_planted_is_never_taken_over(sandbox: SandboxServer, tmp_path: Path) -> None:
    with gateway_server(settings_of(sandbox, tmp_path)) as url:
        known = cookie(sign_in(url, "sk-bob"))
        name, _, value = known.partition("=")
        made = sign_in(url, "sk-ann", Cookie=known)
        assert cookie(made).partition("=")[2] != value
        assert get(url, "/v1/files", known).status == 401
        chosen = f"{name}={'A' * 43}"
        assert cookie(sign_in(url, "sk-ann", Cookie=chosen)) != chosen
        assert get(url, "/v1/files", chosen).status == 401


def test_cookies_of_other_programs_are_no_hindrance(sandbox: SandboxServer, tmp_path: Path) -> None:
    with gateway_server(settings_of(sandbox, tmp_path)) as url:
        mine = cookie(sign_in(url, "sk-ann"))
        for around in (f'a={{"b": 1}}; {mine}; c=d', f"x; =; ;;{mine}", f"liftgate=; {mine}", f"é=ü; {mine}"):
            assert get(url, "/v1/files", around.encode().decode("latin-1")).status == 200
        for nothing in ("a=b", mine + "x" * 60, mine.replace("=", "2="), ""):
            assert get(url, "/v1/files", nothing).status == 401


def test_a_sign_in_ends_with_its_key_and_other_keys_go_on(sandbox: SandboxServer, tmp_path: Path) -> None:
    settings = settings_of(sandbox, tmp_path)
    server = ServerSettings(public_base_url="https://gate.example")
    with gateway_server(replace(settings, server=server)) as url:
        anns, bobs = cookie(sign_in(url, "sk-ann")), cookie(sign_in(url, "sk-bob"))
    fewer = AuthSettings(master_key="sk-master", keys={"sk-bob": "bob"})
    with gateway_server(replace(settings, auth=fewer, server=server)) as url:
        assert get(url, "/v1/files", anns).status == 401
        assert get(url, SESSION, anns).json() == {"signed_in": False, "keys": True}
        assert get(url, "/v1/files", bobs).status == 200


def test_wrong_keys_are_counted_by_address_and_a_right_one_waits_too(sandbox: SandboxServer, tmp_path: Path) -> None:
    server = ServerSettings(trusted_proxies=("127.0.0.1",))
    with gateway_server(settings_of(sandbox, tmp_path, server=server)) as url:
        guesser = "198.51.100.9, 203.0.113.7"
        for number in range(10):
            # Some proxies write the port too, another one for each connection.
            port = f":{5000 + number}" if number % 2 else ""
            assert sign_in(url, "sk-guess", **{"X-Forwarded-For": guesser + port}).status == 401
        for key, before in (("sk-guess", ""), ("sk-ann", "192.0.2.1, ")):
            refused = sign_in(url, key, **{"X-Forwarded-For": before + "203.0.113.7"})
            assert refused.status == 429 and 1 <= float(refused.headers["retry-after"]) <= 60
        assert sign_in(url, "sk-ann", **{"X-Forwarded-For": "203.0.113.8"}).status == 200


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"key": 5}', b'{"key": ""}', b'{"key": "sk-ann", "more": 1}'])
def test_a_body_without_a_key_is_refused(sandbox: SandboxServer, tmp_path: Path, body: bytes) -> None:
    with gateway_server(settings_of(sandbox, tmp_path)) as url:
        assert call(url, "POST", SESSION, body, PAGE).status == 400
        assert call(url, "POST", SESSION, b'{"key": "%s"}' % (b"k" * 20_000), PAGE).status == 413


def test_the_catalogue_tells_neither_the_cookie_nor_the_key(sandbox: SandboxServer, tmp_path: Path) -> None:
    with gateway_server(settings_of(sandbox, tmp_path)) as url:
        value = cookie(sign_in(url, "sk-ann")).partition("=")[2]
        with closing(sqlite3.connect(tmp_path / "catalog.db")) as catalogue:
            [row] = catalogue.execute("SELECT * FROM sign_ins").fetchall()
        assert value not in map(str, row)
        assert not any(b"sk-ann" in (each if isinstance(each, bytes) else str(each).encode()) for each in row)


def test_the_oldest_of_very_many_sign_ins_ends(sandbox: SandboxServer, tmp_path: Path) -> None:
    with gateway_server(settings_of(sandbox, tmp_path)) as url:
        first = cookie(sign_in(url, "sk-ann"))
        bobs = cookie(sign_in(url, "sk-bob"))
        last = [cookie(sign_in(url, "sk-ann")) for _ in range(100)][-1]
        assert [get(url, "/v1/files", each).status for each in (first, last, bobs)] == [401, 200, 200]


def test_without_keys_everybody_on_this_machine_is_in(sandbox: SandboxServer, tmp_path: Path) -> None:
    with gateway_server(settings_of(sandbox, tmp_path, auth=AuthSettings())) as url:
        for answer in (call(url, "GET", SESSION), sign_in(url, "any-key")):
            assert answer.json() == {
                "signed_in": True,
                "keys": False,
                "owner": "local",
                "master": True,
                "files": True,
                "spend": False,
                "largest_file": 2 << 30,
            }
            assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("key", [b"", b"k", b"ends in zeros\0\0\x80", b"x" * 63, b"x" * 64, "ключ".encode()])
def test_a_sealed_key_is_opened_by_its_cookie_alone(key: bytes) -> None:
    kept = sealed(key, "a" * 43)
    assert opened(kept, "a" * 43) == key and opened(kept, "b" * 43) != key
    assert len(kept) % 64 == 0 and (not key or key not in kept)


def test_pages_that_cors_lets_in_are_let_in_with_a_key_only(sandbox: SandboxServer, tmp_path: Path) -> None:
    with gateway_server(settings_of(sandbox, tmp_path, server=ServerSettings(cors_origins=("*",)))) as url:
        mine = cookie(sign_in(url, "sk-ann"))
        theirs = {"Origin": "http://127.0.0.1:9", "Sec-Fetch-Site": "same-site", "X-Liftgate-Page": "1"}
        for method, path in (("GET", "/v1/files"), ("DELETE", "/v1/files/file-x"), ("GET", SESSION)):
            refused = call(url, method, path, None, {"Cookie": mine, **theirs})
            assert refused.status == 403 and "access-control-allow-credentials" not in refused.headers
        assert call(url, "GET", "/v1/files", None, {"Authorization": "Bearer sk-ann", **theirs}).status == 200


def test_a_clock_that_was_ahead_lets_no_sign_in_last_longer(sandbox: SandboxServer, tmp_path: Path) -> None:
    clock = MovedClock()
    with serve(build_app(Gateway(settings_of(sandbox, tmp_path), clock=clock))) as url:
        before = cookie(sign_in(url, "sk-ann"))
        clock.advance(3 * 86_400)
        made = cookie(sign_in(url, "sk-ann"))
        assert get(url, "/v1/files", made).status == 200
        clock.advance(-3 * 86_400)
        assert get(url, "/v1/files", made).status == 401
        # The clean-up of that clock has ended the one before it as well.
        assert get(url, "/v1/files", before).status == 401
        assert get(url, "/v1/files", cookie(sign_in(url, "sk-ann"))).status == 200
