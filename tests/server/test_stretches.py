"""What takes long, though it grows as its input, leaves the event loop: at each door where much can come at once, in
requests, in answers, and in what is stored of both."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from gateways import MODEL, SandboxServer, settings_for
from liftgate.gateway import Gateway
from liftgate.server.app import build_app
from liftgate.settings import RouterSettings
from raw_http import Answer, call
from serving import serve
from stretches import Stretches
from test_large_answers import ANN, CHAT, GOOGLES, NATIVE, SAID, reply, upstream

MANY = 8_000
LONG = "x" * 40
MOST = 6_000
"""Calls without a break. What is not large, up to 256 KiB, is worked on at once."""
TEXTS: tuple[str, ...] = ("small", *[LONG] * MANY)
ANTHROPICS = {"x-api-key": "sk-ann", "anthropic-version": "2023-06-01"}
SOURCES = [{"web": {"uri": f"https://a.example/{at}", "title": "a"}} for at in range(MANY // 2)]
SUPPORTS = [{"segment": {"endIndex": 1, "text": "a"}, "groundingChunkIndices": [at]} for at in range(MANY // 2)]
CALLS = [{"functionCall": {"name": "f", "args": {"at": LONG}}} for at in range(MANY // 2)]


@dataclass(frozen=True)
class Watched:
    url: str
    stretches: Stretches

    def ask(self, method: str, door: str, body: object = None, headers: dict[str, str] = ANN) -> Answer:
        answer = call(self.url, method, door, None if body is None else json.dumps(body).encode(), headers)
        assert answer.status == 200, answer.body[:500]
        return answer

    def longest(self, work: Callable[[], object]) -> int:
        self.stretches.longest = 0
        work()
        self.ask("GET", "/health/liveness")  # another round has passed
        return self.stretches.longest


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    with pytest.MonkeyPatch.context() as patch, upstream() as url:
        patch.setitem(SAID, "small", [reply({"text": "hi"})])
        patch.setitem(SAID, "parts", [reply(*[{"text": f"{LONG}{at} "} for at in range(MANY)])])
        patch.setitem(SAID, "calls", [reply(*CALLS)])
        cited = reply({"text": "a" * 100})
        cited["candidates"][0]["groundingMetadata"] = {"groundingChunks": SOURCES, "groundingSupports": SUPPORTS}
        patch.setitem(SAID, "sources", [cited])
        made = settings_for(
            SandboxServer(url), tmp_path_factory.mktemp("stretches"), router=RouterSettings(num_retries=0)
        )
        stretches = Stretches(build_app(Gateway(made)))
        with serve(stretches) as base:
            yield Watched(base, stretches)


def items(first: str = "small") -> list[dict[str, Any]]:
    return [{"role": "user", "content": text} for text in (first, *[LONG] * MANY)]


def parts(count: int) -> list[dict[str, Any]]:
    return [{"type": "input_text", "text": text} for text in ("small", *[LONG] * count)]


def response(given: object, **more: object) -> dict[str, Any]:
    return {"model": MODEL, "input": given, **more}


def message(content: object, **more: object) -> dict[str, Any]:
    return {"model": MODEL, "max_tokens": 10, "messages": [{"role": "user", "content": content}], **more}


def chat(content: object, **more: object) -> dict[str, Any]:
    return {"model": MODEL, "messages": [{"role": "user", "content": content}], **more}


Body = dict[str, Any]
ASKED: dict[str, tuple[str, dict[str, str], Callable[[], Body]]] = {
    "chat": (CHAT, ANN, lambda: {"model": MODEL, "messages": items()}),
    "chat, streamed": (CHAT, ANN, lambda: {"model": MODEL, "messages": items(), "stream": True}),
    "a response": ("/v1/responses", ANN, lambda: response(items())),
    "a response, streamed": ("/v1/responses", ANN, lambda: response(items(), stream=True)),
    "a response that is not stored": ("/v1/responses", ANN, lambda: response(items(), store=False)),
    "a response in the background": ("/v1/responses", ANN, lambda: response(items(), background=True, stream=True)),
    "a response of many parts": ("/v1/responses", ANN, lambda: response([{"role": "user", "content": parts(MANY)}])),
    "a message": ("/v1/messages", ANTHROPICS, lambda: message([{"type": "text", "text": each} for each in TEXTS])),
    "a message, streamed": (
        "/v1/messages",
        ANTHROPICS,
        lambda: message([{"type": "text", "text": each} for each in TEXTS], stream=True),
    ),
    "Gemini's own": (
        f"{NATIVE}:generateContent",
        GOOGLES,
        lambda: {"contents": [{"parts": [{"text": each} for each in TEXTS]}]},
    ),
    "a conversation": (
        "/v1/conversations",
        ANN,
        lambda: {"items": [{"role": "user", "content": parts(MANY // 20)} for _ in range(20)]},
    ),
}


@pytest.mark.parametrize("what", ASKED)
def test_a_request_of_much(watched: Watched, what: str) -> None:
    door, headers, body = ASKED[what]
    assert watched.longest(lambda: watched.ask("POST", door, body(), headers)) < MOST


OWN = {"contents": [{"role": "user", "parts": [{"text": "parts"}]}]}
ANSWERED: dict[str, tuple[str, dict[str, str], Body]] = {
    "chat, streamed": (CHAT, ANN, chat("parts", stream=True)),
    "chat with sources": (CHAT, ANN, chat("sources")),
    "chat with sources, streamed": (CHAT, ANN, chat("sources", stream=True)),
    "calls, streamed": (CHAT, ANN, chat("calls", stream=True)),
    "a response": ("/v1/responses", ANN, response("calls")),
    "a response, streamed": ("/v1/responses", ANN, response("parts", stream=True)),
    "a response with sources, streamed": ("/v1/responses", ANN, response("sources", stream=True)),
    "a response in the background": ("/v1/responses", ANN, response("parts", stream=True, background=True)),
    "a message, streamed": ("/v1/messages", ANTHROPICS, message("parts", stream=True)),
    "a message with sources": ("/v1/messages", ANTHROPICS, message("sources")),
    "Gemini's own, streamed": (f"{NATIVE}:streamGenerateContent?alt=sse", GOOGLES, OWN),
}


@pytest.mark.parametrize("what", ANSWERED)
def test_an_answer_of_much(watched: Watched, what: str) -> None:
    door, headers, body = ANSWERED[what]
    assert watched.longest(lambda: watched.ask("POST", door, body, headers)) < MOST


def test_what_is_stored_of_much(watched: Watched) -> None:
    kept = watched.ask("POST", "/v1/responses", response(items())).json()["id"]
    named = watched.ask("POST", "/v1/responses", response("calls")).json()["id"]
    begun = {"items": [{"role": "user", "content": parts(MANY // 20)} for _ in range(20)]}
    talk = watched.ask("POST", "/v1/conversations", begun).json()["id"]
    for method, door, body in (
        ("POST", "/v1/responses", response("x", previous_response_id=kept)),
        ("POST", "/v1/responses", response("x", previous_response_id=kept, stream=True)),
        ("POST", "/v1/responses", response("x", previous_response_id=kept, background=True, stream=True)),
        ("GET", f"/v1/responses/{named}", None),
        ("GET", f"/v1/responses/{kept}/input_items?limit=100", None),
        ("POST", "/v1/responses", response("x", conversation=talk)),
        ("POST", f"/v1/conversations/{talk}/items", begun),
        ("GET", f"/v1/conversations/{talk}/items?limit=100", None),
    ):
        longest = watched.longest(partial(watched.ask, method, door, body))
        assert longest < MOST, (method, door, body, longest)
