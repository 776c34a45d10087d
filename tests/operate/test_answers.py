"""What an operator's mistakes do to what is kept beside files: responses, conversations, runs in the background with
their events, keys, spend."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest

from drill import Site, eventually, gateway_at, in_catalogue, swept
from gateways import MODEL, SandboxServer
from liftgate.catalog.schema import newest_schema, shapes
from raw_http import Answer, call

HOUR, DAY = 3600.0, 86_400.0
ANN = {"Authorization": "Bearer sk-ann"}
MASTER = {"Authorization": "Bearer sk-master-of-the-drill"}
CHAT = {"model": MODEL, "messages": [{"role": "user", "content": "hello"}]}
COUNTING = {"spend": True, "usage_write_seconds": 0.2, "use_write_seconds": 0.2}


@pytest.fixture
def answering(site: Site, sandbox: SandboxServer) -> Site:
    return replace(site, api_base=sandbox.url)


def ask(url: str, method: str, target: str, body: object = None, key: dict[str, str] = ANN) -> Answer:
    return call(url, method, target, None if body is None else json.dumps(body).encode(), key)


def asked(url: str, method: str, target: str, body: object = None, key: dict[str, str] = ANN) -> Any:
    answer = ask(url, method, target, body, key)
    assert answer.status == 200, (target, answer.body)
    return answer.json()


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def spent(url: str) -> float:
    found: float = asked(url, "GET", "/global/spend", key=MASTER)["spend"]
    return found


@dataclass
class Kept:
    """What was acknowledged: ids of responses and of conversations, frames of runs that were streamed, keys, and the
    dollars of all calls."""

    responses: list[str] = field(default_factory=list)
    conversations: dict[str, int] = field(default_factory=dict)
    frames: dict[str, bytes] = field(default_factory=dict)
    keys: list[str] = field(default_factory=list)
    dollars: float = 0.0

    def make(self, url: str) -> None:
        first = asked(url, "POST", "/v1/responses", {"model": MODEL, "input": "one"})
        second = {"model": MODEL, "input": "two", "previous_response_id": first["id"]}
        talk = asked(url, "POST", "/v1/conversations", {"items": [{"role": "user", "content": "hi"}]})["id"]
        third = {"model": MODEL, "input": "three", "conversation": talk}
        made = [first, *(asked(url, "POST", "/v1/responses", body) for body in (second, third))]
        self.responses += [each["id"] for each in made]
        self.conversations[talk] = len(self.items(url, talk))
        body = {"model": MODEL, "input": "four", "background": True, "stream": True}
        streamed = ask(url, "POST", "/v1/responses", body)
        assert streamed.status == 200
        run = json.loads(streamed.body.split(b"data: ", 1)[1].split(b"\n", 1)[0])["response"]["id"]
        self.responses.append(run)
        self.frames[run] = streamed.body
        key = asked(url, "POST", "/key/generate", {"user_id": "kate", "max_budget": 5, "rpm_limit": 1000}, MASTER)
        self.keys.append(key["key"])
        answer = ask(url, "POST", "/v1/chat/completions", CHAT, bearer(key["key"]))
        assert answer.status == 200
        self.dollars += float(answer.headers["x-liftgate-response-cost"])
        ended = json.loads(streamed.body.rsplit(b"data: ", 1)[1].split(b"\n", 1)[0])["response"]
        self.dollars += sum(each["usage"]["cost"] for each in (*made, ended))

    @staticmethod
    def items(url: str, talk: str) -> list[Any]:
        found: list[Any] = asked(url, "GET", f"/v1/conversations/{talk}/items?limit=100")["data"]
        return found

    def check(self, url: str, *, streams: bool = True) -> None:
        for each in self.responses:
            assert asked(url, "GET", f"/v1/responses/{each}")["status"] == "completed"
            assert asked(url, "GET", f"/v1/responses/{each}/input_items")["data"]
        for talk, count in self.conversations.items():
            assert len(self.items(url, talk)) == count
        for run, frames in self.frames.items() if streams else ():
            assert ask(url, "GET", f"/v1/responses/{run}?stream=true").body == frames
        for key in self.keys:
            assert ask(url, "GET", "/v1/models", key=bearer(key)).status == 200
        assert eventually(lambda: spent(url) == pytest.approx(self.dollars))

    def go_on(self, url: str) -> None:
        """From each response, and in each conversation; nothing of it is stored."""
        for each in self.responses:
            body = {"model": MODEL, "input": "and?", "previous_response_id": each, "store": False}
            self.dollars += asked(url, "POST", "/v1/responses", body)["usage"]["cost"]
        for talk in self.conversations:
            body = {"model": MODEL, "input": "and?", "conversation": talk, "store": False}
            self.dollars += asked(url, "POST", "/v1/responses", body)["usage"]["cost"]


def test_what_is_made_while_the_clock_is_behind_is_kept(answering: Site) -> None:
    """By 40 days, more than responses are kept: the steady clock went on before, and does not go back."""
    kept = Kept()
    with answering.gateway(**COUNTING) as gateway:
        kept.make(gateway.url)
        in_catalogue(answering.url, f"UPDATE steady_clock SET steady = steady + {40 * DAY}")
        kept.responses.clear()
        kept.frames.clear()
        kept.make(gateway.url)
        swept(answering, 4)
        kept.check(gateway.url)
        kept.go_on(gateway.url)
        kept.check(gateway.url)


@pytest.mark.parametrize("kind", ["sqlite-local"])
@pytest.mark.parametrize(
    "days", [3, -40, pytest.param(-3, marks=pytest.mark.full), pytest.param(40, marks=pytest.mark.full)]
)
def test_a_clock_that_is_set_right(answering: Site, days: int) -> None:
    """Under the gateway, and by a restart. What clients keep here has no end that they were told."""
    kept = Kept()
    with gateway_at(answering, days * DAY, **COUNTING) as (url, clock):
        kept.make(url)
        swept(answering, 3)
        kept.check(url)
        clock.advance(-days * DAY)
        swept(answering, 3)
        kept.check(url)
        kept.make(url)
        kept.go_on(url)
    with gateway_at(answering, **COUNTING) as (url, _):
        swept(answering, 3)
        kept.check(url)


PAGE = {"Sec-Fetch-Site": "same-origin", "X-Liftgate-Page": "1", "Content-Type": "application/json"}
SHORT = ("keys", "allowances", "usage_journals", "replies", "reply_items", "reply_events", "conversations")
"""Of the tables, those that the reduced set takes away: one of each noun."""


Door = tuple[str, str, object, dict[str, str]]


def answers_well(url: str, door: Door) -> bool:
    return ask(url, *door).status == 200


def doors_of(kept: Kept) -> dict[str, Door]:
    """All that reads or writes what `Kept` has, and beside it what does not."""
    made, talk, run = bearer(kept.keys[0]), next(iter(kept.conversations)), next(iter(kept.frames))
    reads = {
        **{path: ANN for path in ("/v1/files", "/liftgate/files", "/v1beta/files", "/v1/models", "/liftgate/accounts")},
        **{f"/v1/responses/{each}{rest}": ANN for each in kept.responses for rest in ("", "/input_items")},
        f"/v1/responses/{run}?stream=true": ANN,
        f"/v1/conversations/{talk}": ANN,
        f"/v1/conversations/{talk}/items": ANN,
        **{path: MASTER for path in ("/key/list", "/key/aliases", "/user/list", "/global/spend", "/liftgate/usage")},
        **{path: MASTER for path in (f"/key/info?key={kept.keys[0]}", "/spend/keys", "/global/activity")},
        "/v1/files?limit=1": made,
    }
    turn = {"model": MODEL, "input": "x"}
    writes = {
        "respond": ("/v1/responses", turn, ANN),
        "respond, in the background": ("/v1/responses", {**turn, "background": True}, ANN),
        "go on": ("/v1/responses", {**turn, "previous_response_id": kept.responses[0]}, ANN),
        "go on in a conversation": ("/v1/responses", {**turn, "conversation": talk, "store": False}, ANN),
        "begin a conversation": ("/v1/conversations", {}, ANN),
        "make a key": ("/key/generate", {"max_budget": 1}, MASTER),
        "chat": ("/v1/chat/completions", CHAT, ANN),
        "chat with limits": ("/v1/chat/completions", CHAT, made),
        "sign in": ("/liftgate/session", {"key": "sk-ann"}, PAGE),
    }
    return {path: ("GET", path, None, key) for path, key in reads.items()} | {
        name: ("POST", *asked) for name, asked in writes.items()
    }


def altered(site: Site, change: str) -> None:
    if site.url.startswith("sqlite"):
        with closing(sqlite3.connect(site.url.removeprefix("sqlite://"), isolation_level=None, timeout=20)) as raw:
            raw.execute(f"ALTER TABLE {change}")
        return
    with psycopg.connect(site.url, autocommit=True) as connection:
        connection.execute(f"ALTER TABLE liftgate.{change}".encode())


ALL = pytest.mark.full


@pytest.mark.parametrize("what", ["some", pytest.param("all", marks=ALL), pytest.param("columns", marks=ALL)])
def test_a_part_of_the_schema_that_is_gone(answering: Site, what: str) -> None:
    """Every door answers as before or 503, never that a thing is not there or a key is wrong; what mends it ends it."""
    kept = Kept()
    # Nothing is written by itself meanwhile but what is spent.
    with answering.gateway(**COUNTING, cache_stale_seconds=600) as gateway:
        kept.make(gateway.url)
        doors = doors_of(kept)
        assert {name: ask(gateway.url, *door).status for name, door in doors.items()} == dict.fromkeys(doors, 200)
        changes: list[tuple[str, str]] = []
        for shape in shapes(newest_schema()):
            table = shape.name
            if what == "columns":
                changes += [
                    (f"{table} RENAME COLUMN {column} TO gone", f"{table} RENAME COLUMN gone TO {column}")
                    for column in shape.columns
                ]
            elif what == "all" or table in SHORT:
                changes.append((f"{table} RENAME TO gone", f"gone RENAME TO {table}"))
        for away, back in changes:
            altered(answering, away)
            found = {name: ask(gateway.url, *door).status for name, door in doors.items()}
            ready = ask(gateway.url, "GET", "/health/readiness").status
            altered(answering, back)
            assert ready == 503, away
            assert set(found.values()) <= {200, 503}, (away, found)
            assert eventually(lambda: ask(gateway.url, "GET", "/health/readiness").status == 200), away
        for name, door in doors.items():
            # What limits had out while they could not be asked comes back a moment later.
            assert eventually(partial(answers_well, gateway.url, door)), name
        # What the doors asked is spent too.
        before = spent(gateway.url)
        kept.dollars = before
        kept.check(gateway.url, streams=False)
        assert "Traceback" not in gateway.log.read_text()


def test_an_old_backup_is_as_of_its_moment(answering: Site, tmp_path: Path) -> None:
    """What came since is unknown, and what was deleted since is there again: the command says so of keys. What a killed
    gateway had in its journal is spent whatever the catalogue knew of it."""
    kept, since = Kept(), Kept()
    local = answering.blob_store == "local"
    with answering.gateway(**COUNTING) as gateway:
        kept.make(gateway.url)
        deleted, blocked = (asked(gateway.url, "POST", "/key/generate", {}, MASTER)["key"] for _ in range(2))
        kept.check(gateway.url)
        answering.admin("backup", tmp_path / "backup")
    with answering.gateway(**COUNTING | {"usage_write_seconds": 600}) as gateway:
        since.make(gateway.url)
        asked(gateway.url, "POST", "/key/delete", {"keys": [deleted]}, MASTER)
        asked(gateway.url, "POST", "/key/block", {"key": blocked}, MASTER)
        assert eventually(lambda: spent(gateway.url) == pytest.approx(kept.dollars + since.dollars))
        gateway.kill()
    where = answering if local else replace(answering, directory=tmp_path / "new", database_url="", blob_store="local")
    said = where.admin("restore", tmp_path / "backup", *(["--replace"] if local else [])).stdout
    assert "3 keys made at run time as of" in said and "keys list" in said
    with where.gateway(**COUNTING) as gateway:
        if local:
            kept.dollars += since.dollars
        kept.check(gateway.url, streams=False)
        for each in since.responses:
            assert ask(gateway.url, "GET", f"/v1/responses/{each}").status == 404
        for key, status in ((since.keys[0], 401), (deleted, 200), (blocked, 200)):
            assert ask(gateway.url, "GET", "/v1/models", key=bearer(key)).status == status
        kept.go_on(gateway.url)
        kept.make(gateway.url)
        kept.check(gateway.url, streams=False)


def test_nodes_whose_settings_differ_serve_what_each_acknowledged(answering: Site) -> None:
    """One counts spend and knows a master key, the other does neither; what is made at one acts at the other."""
    kept = Kept()
    with (
        answering.gateway(**COUNTING) as one,
        answering.gateway(spend=False, cache_stale_seconds=1, keys=[{"name": "ann", "key": "sk-ann"}]) as other,
    ):
        kept.make(one.url)
        for each in kept.responses:
            assert asked(other.url, "GET", f"/v1/responses/{each}")["status"] == "completed"
        for talk, count in kept.conversations.items():
            assert len(kept.items(other.url, talk)) == count
        # A limit that was given at one holds at the other, which counts no spend.
        made = bearer(asked(one.url, "POST", "/key/generate", {"rpm_limit": 2}, MASTER)["key"])
        found = [ask(url, "POST", "/v1/chat/completions", CHAT, made).status for url in (other.url, one.url, other.url)]
        assert found == [200, 200, 429]
        begun = asked(other.url, "POST", "/v1/responses", {"model": MODEL, "input": "x", "background": True})["id"]
        assert eventually(lambda: asked(one.url, "GET", f"/v1/responses/{begun}")["status"] == "completed")
        asked(one.url, "POST", "/key/delete", {"keys": [kept.keys.pop()]}, MASTER)
        # Who is not known at one node is known at the other.
        assert ask(other.url, "GET", "/v1/models", key=bearer("sk-bob")).status == 401
        assert ask(one.url, "GET", "/v1/models", key=bearer("sk-bob")).status == 200
