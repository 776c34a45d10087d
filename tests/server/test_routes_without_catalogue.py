"""PostgreSQL is away, gone or silent: every route serves what needs no catalogue, or is a 503 in its API's words.

Nobody with a good key is taken for a stranger, nothing is done by half, and all of it works again afterwards.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from gateways import MODEL, gateway_server, sandbox_server, settings_for
from liftgate.server.routes import TABLES
from liftgate.settings import CountingSettings, StorageSettings
from postgres_cluster import PostgresCluster
from raw_http import Answer, call
from running import eventually, form_request

CHAT: dict[str, Any] = {"model": MODEL, "messages": [{"role": "user", "content": "Hi"}]}
MESSAGES = {**CHAT, "max_tokens": 20}
NATIVE = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
RESPONSE = {"model": MODEL, "input": "Hi"}
ITEMS = {"items": [{"type": "message", "role": "user", "content": "hello"}]}
UPLOAD = {"filename": "a", "purpose": "user_data", "bytes": 4, "mime_type": "text/plain"}
PART = b'--b0undary\r\nContent-Disposition: form-data; name="data"; filename="x"\r\n\r\nabcd\r\n--b0undary--\r\n'
FORM = {"Content-Type": "multipart/form-data; boundary=b0undary"}
RESUMABLE = {"X-Goog-Upload-Protocol": "resumable", "X-Goog-Upload-Command": "start"}
PAGE = {"Sec-Fetch-Site": "same-origin", "X-Liftgate-Page": "1"}
DAYS = "?start_date=2026-01-01&end_date=2026-01-02"
MASTER = "sk-master"
EVERYBODY = ("master", "known", "management", "never seen")
OVER = ("openai POST /v1/responses/{response_id}/cancel",)
"""Refused when all is well, too: the response has ended by then."""
AT_ONCE = 128
"""Requests at one time: each may wait for a silent catalogue as long as its deadline says."""


@dataclass(frozen=True)
class Call:
    """`place`: API, method and route. `path`: in place of the route's, which may have names in it. `serves`: it needs
    no catalogue. `is_public`: nor a key."""

    place: str
    path: str = ""
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)
    serves: bool = False
    is_public: bool = False

    def send(self, url: str, key: str) -> Answer:
        api, method, route = self.place.split(" ")
        named = {
            "openai": {"Authorization": f"Bearer {key}"},
            "gemini": {"x-goog-api-key": key},
            "anthropic": {"x-api-key": key, "anthropic-version": "2023-06-01"},
        }[api]
        body = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        headers = {"Content-Type": "application/json", **named, **self.headers}
        sent = b"" if self.body is None and method == "POST" else None if self.body is None else body
        return call(url, method, self.path or route, sent, headers)


def ask(url: str, method: str, path: str, body: object = None, key: str = MASTER) -> Any:
    answer = Call(f"openai {method} {path}", body=body).send(url, key)
    assert answer.status == 200, answer.body
    return answer.json()


def make(url: str, **fields: object) -> str:
    return str(ask(url, "POST", "/key/generate", fields)["key"])


def models() -> Iterator[Call]:
    """What asks models, and what is said of them."""
    for place, path, body in (
        ("openai POST /v1/chat/completions", "", CHAT),
        ("openai POST /v1/engines/{model:path}/chat/completions", f"/v1/engines/{MODEL}/chat/completions", CHAT),
        (
            "openai POST /openai/deployments/{model:path}/chat/completions",
            f"/openai/deployments/{MODEL}/chat/completions",
            CHAT,
        ),
        ("openai POST /v1/responses", "", {**RESPONSE, "store": False}),
        ("anthropic POST /v1/messages", "", MESSAGES),
    ):
        for stream in (False, True):
            yield Call(place, path, {**body, "stream": stream}, serves=True)
    for method in ("generateContent", "streamGenerateContent?alt=sse", "countTokens"):
        path = f"/v1beta/models/{MODEL}:{method}"
        yield Call("gemini POST /v1beta/models/{model:path}:{method}", path, NATIVE, serves=True)
    for place, body in (
        ("openai POST /v1/chat/completions/input_tokens", CHAT),
        ("openai POST /v1/responses/input_tokens", RESPONSE),
        ("openai POST /v1/responses/compact", RESPONSE),
        ("openai POST /spend/calculate", CHAT),
        ("anthropic POST /v1/messages/count_tokens", CHAT),
    ):
        yield Call(place, body=body, serves=True)
    for place in ("openai GET /v1/models", "gemini GET /v1beta/models", "anthropic GET /v1/models"):
        yield Call(place, serves=True)
        yield Call(place + "/{model:path}", f"{place.rpartition(' ')[2]}/{MODEL}", serves=True)
    for what in ("v1/model/info", "v1/model_group/info", "health", "metrics", "liftgate/health"):
        yield Call(f"openai GET /{what}", serves=True)


def files(url: str) -> Iterator[Call]:
    stored = [uploaded(url, b"%d" % number) for number in range(5)]
    pdf = uploaded(url, b"%PDF-1.4\n%%EOF", "a.pdf")
    for number, (api, fields) in enumerate((("openai", {"purpose": "user_data"}), ("anthropic", {}))):
        new = form_request(fields, b"more")[2]
        yield Call(f"{api} GET /v1/files")
        yield Call(f"{api} POST /v1/files", body=new, headers=FORM)
        yield Call(f"{api} GET /v1/files/{{file_id}}", f"/v1/files/{stored[0]}")
        yield Call(f"{api} GET /v1/files/{{file_id}}/content", f"/v1/files/{stored[0]}/content")
        yield Call(f"{api} DELETE /v1/files/{{file_id}}", f"/v1/files/{stored[1 + number]}")
    first, last = (each.removeprefix("file-") for each in (stored[0], stored[4]))
    yield Call("gemini GET /v1beta/files")
    yield Call("gemini GET /v1beta/files/{name}", f"/v1beta/files/{first}")
    yield Call("gemini GET /v1beta/files/{name}:download", f"/v1beta/files/{first}:download?alt=media")
    yield Call("gemini DELETE /v1beta/files/{name}", f"/v1beta/files/{last}")
    yield Call("gemini POST /upload/v1beta/files", body={}, headers=RESUMABLE)
    begun, ended, whole = (ask(url, "POST", "/v1/uploads", UPLOAD)["id"] for _ in range(3))
    part = call(url, "POST", f"/v1/uploads/{whole}/parts", PART, {**FORM, "Authorization": f"Bearer {MASTER}"})
    complete = {"part_ids": [part.json()["id"]]}
    yield Call("openai POST /v1/uploads", body=UPLOAD)
    yield Call("openai POST /v1/uploads/{upload_id}/parts", f"/v1/uploads/{begun}/parts", PART, FORM)
    yield Call("openai POST /v1/uploads/{upload_id}/complete", f"/v1/uploads/{whole}/complete", complete)
    yield Call("openai POST /v1/uploads/{upload_id}/cancel", f"/v1/uploads/{ended}/cancel")
    yield Call("openai GET /liftgate/files")
    for what, of in (("", stored[0]), ("/copies", stored[0]), ("/preview", pdf)):
        yield Call(f"openai GET /liftgate/files/{{file_id}}{what}", f"/liftgate/files/{of}{what}")


def stored_answers(url: str) -> Iterator[Call]:
    kept, left = (ask(url, "POST", "/v1/responses", RESPONSE)["id"] for _ in range(2))
    behind = ask(url, "POST", "/v1/responses", {**RESPONSE, "background": True})["id"]
    talk, gone, shorter = (ask(url, "POST", "/v1/conversations", ITEMS)["id"] for _ in range(3))
    item, other = (ask(url, "GET", f"/v1/conversations/{each}/items")["data"][0]["id"] for each in (talk, shorter))
    of_one, of_talk = "/v1/responses/{response_id}", "/v1/conversations/{conversation_id}"
    yield Call("openai POST /v1/responses", body=RESPONSE)
    yield Call("openai POST /v1/responses", body={**RESPONSE, "background": True})
    yield Call(f"openai GET {of_one}", f"/v1/responses/{kept}")
    yield Call(f"openai GET {of_one}/input_items", f"/v1/responses/{kept}/input_items")
    yield Call(f"openai DELETE {of_one}", f"/v1/responses/{left}")
    yield Call(f"openai POST {of_one}/cancel", f"/v1/responses/{behind}/cancel")
    yield Call("openai POST /v1/conversations", body={})
    yield Call(f"openai GET {of_talk}", f"/v1/conversations/{talk}")
    yield Call(f"openai POST {of_talk}", f"/v1/conversations/{talk}", {"metadata": {"a": "b"}})
    yield Call(f"openai DELETE {of_talk}", f"/v1/conversations/{gone}")
    yield Call(f"openai GET {of_talk}/items", f"/v1/conversations/{talk}/items")
    yield Call(f"openai POST {of_talk}/items", f"/v1/conversations/{talk}/items", ITEMS)
    yield Call(f"openai GET {of_talk}/items/{{item_id}}", f"/v1/conversations/{talk}/items/{item}")
    yield Call(f"openai DELETE {of_talk}/items/{{item_id}}", f"/v1/conversations/{shorter}/items/{other}")


def keys_and_owners(url: str) -> Iterator[Call]:
    keys = [make(url, key_alias=f"alias-{number}", max_budget=1) for number in range(9)]
    yield Call("openai POST /key/generate", body={"key_alias": "new"})
    yield Call("openai POST /key/service-account/generate", body={"team_id": "team-a"})
    # The master key's own is the config's.
    yield Call("openai GET /key/info", serves=True)
    yield Call("openai GET /key/info", f"/key/info?key={keys[0]}")
    yield Call("openai POST /v2/key/info", body={"keys": [keys[0]]})
    for what in ("list", "list?return_full_object=true", "aliases"):
        yield Call(f"openai GET /key/{what.partition('?')[0]}", f"/key/{what}")
    yield Call("openai POST /key/update", body={"key": keys[1], "max_budget": 2})
    changes = [{"key": keys[1], "tags": ["a"]}, {"key": keys[0], "tags": ["b"]}]
    yield Call("openai POST /key/bulk_update", body={"keys": changes})
    yield Call("openai POST /key/delete", body={"keys": [keys[2]]})
    yield Call("openai POST /key/delete", body={"key_aliases": ["alias-8"]})
    for what, key in (("block", keys[3]), ("unblock", keys[4]), ("regenerate", keys[5])):
        yield Call(f"openai POST /key/{what}", body={"key": key})
    yield Call("openai POST /key/{key}/regenerate", f"/key/{keys[6]}/regenerate")
    yield Call("openai POST /key/{key}/reset_spend", f"/key/{keys[7]}/reset_spend", {"reset_to": 0})
    for noun in ("user", "team"):
        named = f"{noun}_id"
        for name in "ab":
            ask(url, "POST", f"/{noun}/new", {named: f"{noun}-{name}", "max_budget": 1, "auto_create_key": False})
        yield Call(f"openai POST /{noun}/new", body={named: f"{noun}-new", "max_budget": 1})
        yield Call(f"openai POST /{noun}/update", body={named: f"{noun}-a", "max_budget": 2})
        yield Call(f"openai POST /{noun}/delete", body={f"{named}s": [f"{noun}-b"]})
        for what in ("info", f"info?{named}={noun}-a", "list"):
            yield Call(f"openai GET /{noun}/{what.partition('?')[0]}", f"/{noun}/{what}")


def spend_and_page(url: str) -> Iterator[Call]:
    for what in (
        *("spend/logs", "spend/keys", "spend/users", "global/spend", "global/activity", "global/activity/model"),
        *(f"global/spend/{what}" for what in ("models", "keys", "teams", "report")),
        *("user/daily/activity", "team/daily/activity", "liftgate/usage", "liftgate/accounts"),
    ):
        yield Call(f"openai GET /{what}", f"/{what}{DAYS}" if what == "global/spend/report" else "")
    for what in ("/health/liveness", "/health/liveliness", "/ui", "/", "/liftgate/session"):
        yield Call(f"openai GET {what}", serves=True, is_public=True)
    yield Call("openai GET /health/readiness", is_public=True)
    asset = call(url, "GET", "/ui").body.decode().partition("/ui/")[2].partition('"')[0]
    yield Call("openai GET /ui/{name}", f"/ui/{asset}", serves=True, is_public=True)
    yield Call("openai POST /liftgate/session", body={"key": MASTER}, headers=PAGE, is_public=True)
    yield Call("openai DELETE /liftgate/session", headers=PAGE, serves=True, is_public=True)


def uploaded(url: str, content: bytes, name: str = "a.txt") -> str:
    headers = {"Authorization": f"Bearer {MASTER}"}
    made = call(url, *form_request({"purpose": "user_data"}, content, name=name, headers=headers))
    return str(made.json()["id"])


def places() -> set[str]:
    """Of every route, with the first of its prefixes."""
    found: dict[int, str] = {}
    for table in TABLES:
        for group, prefixes in table.groups:
            for route in group:
                for method in route.handlers:
                    found.setdefault(
                        hash((id(route), method)), f"{table.dialect.name} {method} {prefixes[0]}{route.path}"
                    )
    return set(found.values())


@contextmanager
def away(cluster: PostgresCluster, how: str) -> Iterator[None]:
    """It cannot be reached, or it does not answer."""
    if how == "silent":
        cluster.pause(on=True)
    else:
        cluster.stop(at_once=True)
    try:
        yield
    finally:
        if how == "silent":
            cluster.pause(on=False)
        else:
            cluster.start()


def rows(database_url: str) -> dict[str, Counter[str]]:
    """All that is in the catalogue but for what jobs and journals write by themselves: a sweep notes bytes whose file
    was refused."""
    by_itself = (
        "unknown_objects",
        "leases",
        "usage",
        "usage_journals",
        "store",
        "steady",
        "counters",
        "arriving",
        "file_usage",
    )
    with psycopg.connect(database_url) as connection:
        names = connection.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'liftgate'")
        return {
            name: Counter(map(repr, connection.execute(f'SELECT * FROM liftgate."{name}"'.encode())))
            for (name,) in names.fetchall()
            if name not in by_itself
        }


def check_away(one: Call, answer: Answer, who: str) -> None:
    assert answer.status not in (401, 500, 502, 504), (one.place, who, answer.body)
    if answer.status == 503:
        assert int(answer.headers["retry-after"]) >= 1, one.place
        told = answer.json()
        api = one.place.partition(" ")[0]
        if api == "gemini":
            assert (told["error"]["code"], told["error"]["status"]) == (503, "UNAVAILABLE")
        else:
            kind = "api_error" if api == "anthropic" else "service_unavailable_error"
            assert told["error"]["type"] == kind, one.place
            assert (told.get("type") == "error") == (api == "anthropic")
        assert "x-should-retry" not in answer.headers
    if who == "management" and answer.status == 403:
        return
    expected = (
        one.serves and (one.is_public or who != "never seen") and not (who == "known" and "key/info" in one.place)
    )
    if who == "master" or not one.serves:
        assert (answer.status < 400) == expected, (one.place, one.path, who, answer.status, answer.body)


def ask_all(url: str, asked: Sequence[Call], key: str) -> list[Answer]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda one: one.send(url, key), asked))


@pytest.mark.parametrize(
    ("how", "who", "seconds"),
    [
        ("gone", EVERYBODY, 0.0),
        ("silent", ("master",), 0.0),
        *(pytest.param(how, EVERYBODY, 20.0, marks=pytest.mark.full) for how in ("gone", "silent")),
    ],
)
def test_every_route_while_the_catalogue_is_away(tmp_path: Path, how: str, who: Sequence[str], seconds: float) -> None:
    cluster = PostgresCluster()
    try:
        cluster.start()
        database_url = cluster.create_database(schema=True)
        with sandbox_server() as sandbox:
            settings = settings_for(
                sandbox,
                tmp_path,
                storage=StorageSettings(data_dir=tmp_path, database_url=database_url),
                counting=CountingSettings(spend=True, metrics=True),
            )
            with gateway_server(settings) as url:
                parts: tuple[Callable[[str], Iterator[Call]], ...]
                parts = (files, stored_answers, keys_and_owners, spend_and_page)
                asked = [*models(), *(each for part in parts for each in part(url))]
                assert {each.place for each in asked} == places()
                callers = {
                    "master": MASTER,
                    "known": make(url),
                    "management": make(url, key_type="management"),
                    "never seen": make(url),
                }
                ask(url, "GET", "/v1/models", key=callers["known"])
                ask(url, "GET", "/key/list", key=callers["management"])
                until_at_rest(database_url)
                before = rows(database_url)
                began = time.monotonic()
                with away(cluster, how):
                    while True:
                        for caller in who:
                            for one, answer in zip(asked, ask_all(url, asked, callers[caller]), strict=True):
                                check_away(one, answer, caller)
                        if time.monotonic() - began >= seconds:
                            break
                assert eventually(lambda: call(url, "GET", "/health/readiness").status == 200, seconds=60)
                assert rows(database_url) == before
                for one in asked:
                    # Each thread finds its own way back to the database.
                    end = time.monotonic() + 30
                    while (answer := one.send(url, MASTER)).status == 503 and time.monotonic() < end:
                        time.sleep(0.1)
                    assert answer.status < 400 or one.place in OVER, (one.place, answer.status, answer.body)
    finally:
        cluster.remove()


def until_at_rest(database_url: str) -> None:
    """What was begun in the background is stored, and what is written now and then is."""
    before: dict[str, Counter[str]] = {}
    while before != (before := rows(database_url)):
        time.sleep(1)
