"""What an operator's mistakes do to what is kept beside files: responses, conversations, runs in the background with
their events, keys, spend."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from drill import Site, eventually, gateway_at, in_catalogue, swept
from gateways import MODEL, SandboxServer, sandbox_server
from raw_http import Answer, call

HOUR, DAY = 3600.0, 86_400.0
ANN = {"Authorization": "Bearer sk-ann"}
MASTER = {"Authorization": "Bearer sk-master-of-the-drill"}
CHAT = {"model": MODEL, "messages": [{"role": "user", "content": "hello"}]}
COUNTING = {"spend": True, "usage_write_seconds": 0.2, "use_write_seconds": 0.2}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxServer]:
    with sandbox_server() as server:
        yield server


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
