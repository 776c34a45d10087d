"""Requests and tokens in a minute, and requests at one time, by the wire: exact, told in headers, read right."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from http.client import HTTPException
from typing import Any

import openai
import pytest

from gateways import MODEL, SandboxServer
from key_calls import Refused, ask, client_for, make, refusal
from processes import GatewayProcess, gateway_processes, write_config
from raw_http import call
from waiting import until

HELLO: list[Any] = [{"role": "user", "content": "Hello"}]
BODY = {"model": MODEL, "messages": HELLO, "max_tokens": 10}


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def two(
    request: pytest.FixtureRequest,
    sandbox: SandboxServer,
    make_database: Callable[[str], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[list[GatewayProcess]]:
    """Two gateways on one catalogue."""
    directory = tmp_path_factory.mktemp("two")
    url = make_database(request.param)
    ours = {"database_url": url} if url else {}
    config = write_config(directory / "config.yaml", sandbox.url, **ours)
    with gateway_processes(config, directory / "data", 2) as gateways:
        yield gateways


def outcomes(urls: list[str], key: str, number: int, body: dict[str, Any] = BODY) -> list[int]:
    """The statuses of so many chats, all at the same time, shared out over the gateways."""

    def one(at: int) -> int:
        try:
            ask(urls[at % len(urls)], "POST", "/v1/chat/completions", body, key)
        except Refused as refused:
            assert refused.status == 429, refused
            return refused.status
        return 200

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(one, range(number)))


def test_a_rate_is_exact_and_its_answers_tell_what_is_left(url: str) -> None:
    made = make(url, rpm_limit=3, key_alias="slow")
    client = client_for(url, made["key"])
    left = []
    for _ in range(3):
        raw = client.chat.completions.with_raw_response.create(model=MODEL, messages=HELLO)
        assert raw.headers["x-ratelimit-limit-requests"] == "3"
        assert 1 <= int(raw.headers["x-ratelimit-reset-requests"].removesuffix("s")) <= 62
        left.append(raw.headers["x-ratelimit-remaining-requests"])
    assert left == ["2", "1", "0"]
    with pytest.raises(openai.RateLimitError) as caught:
        client.chat.completions.create(model=MODEL, messages=HELLO)
    assert (caught.value.code, caught.value.type) == ("rate_limit_exceeded", "requests")
    assert "3 requests per minute" in caught.value.message and "'slow'" in caught.value.message
    headers = caught.value.response.headers
    assert 1 <= int(headers["retry-after"]) <= 62
    assert headers["x-ratelimit-remaining-requests"] == "0"
    assert "x-should-retry" not in headers
    # Files are no requests to models.
    assert list(client.files.list()) == []


def test_every_door_to_a_model_counts_in_its_own_form(url: str) -> None:
    key = make(url, rpm_limit=1)["key"]
    body = {"contents": [{"parts": [{"text": "Hi"}]}]}
    assert ask(url, "POST", f"/v1beta/models/{MODEL}:generateContent", body, key)["candidates"]
    refused = refusal(url, "POST", f"/v1beta/models/{MODEL}:streamGenerateContent?alt=sse", body, key)
    assert (refused.status, refused.error["code"], refused.error["status"]) == (429, 429, "RESOURCE_EXHAUSTED")
    assert int(refused.headers["retry-after"]) >= 1
    for path in ("/v1/chat/completions", f"/openai/deployments/{MODEL}/chat/completions"):
        assert refusal(url, "POST", path, {**BODY, "stream": True}, key).status == 429
    assert refusal(url, "POST", "/v1/responses", {"model": MODEL, "input": "Hi"}, key).status == 429
    anthropic = refusal(url, "POST", "/v1/messages", BODY, key)
    assert (anthropic.status, anthropic.error["type"]) == (429, "rate_limit_error")


def test_a_response_in_the_background_counts_once_and_is_refused_when_it_is_asked_for(url: str) -> None:
    key = make(url, rpm_limit=2, max_parallel_requests=1, max_budget=1)["key"]
    client = client_for(url, key)
    for _ in range(2):
        made = client.responses.create(model=MODEL, input="Hi", background=True, max_output_tokens=20)
        while (status := client.responses.retrieve(made.id).status) in ("queued", "in_progress"):
            time.sleep(0.02)
        assert status in ("completed", "incomplete")
    for stream in (False, True):
        refused = refusal(
            url, "POST", "/v1/responses", {"model": MODEL, "input": "Hi", "background": True, "stream": stream}, key
        )
        assert (refused.status, refused.error["code"]) == (429, "rate_limit_exceeded")
        assert int(refused.headers["retry-after"]) >= 1
    assert refusal(url, "POST", "/v1/chat/completions", BODY, key).status == 429


def test_a_rate_of_one_model_leaves_the_others(url: str) -> None:
    key = make(url, model_rpm_limit={MODEL: 1}, rpm_limit=100)["key"]
    ask(url, "POST", "/v1/chat/completions", BODY, key)
    refused = refusal(url, "POST", "/v1/chat/completions", BODY, key)
    assert refused.status == 429 and MODEL in refused.error["message"]
    assert refusal(url, "POST", "/v1/chat/completions", {**BODY, "model": "other"}, key).status == 404


def test_a_refused_request_takes_nothing_of_the_other_limits(url: str) -> None:
    key = make(url, rpm_limit=3, model_rpm_limit={MODEL: 1})["key"]
    ask(url, "POST", "/v1/chat/completions", BODY, key)
    for _ in range(5):
        refusal(url, "POST", "/v1/chat/completions", BODY, key)
    ask(url, "POST", "/key/update", {"key": key, "model_rpm_limit": None})
    time.sleep(1.1)  # for as long as a refusal is believed, and what came back is on its way
    assert outcomes([url], key, 4).count(200) == 2


def test_of_several_limits_the_one_that_lasts_longest_is_told(url: str, sandbox: SandboxServer) -> None:
    """`Retry-After` is when the request would be let in, and not when one of them would let it."""
    key = make(url, rpm_limit=1, max_parallel_requests=1)["key"]
    said = {"candidates": [{"content": {"role": "model", "parts": [{"text": "one "}]}, "index": 0}]}
    sandbox.control("scripts", {"chunks": [said, said], "delays": [0, 20]})
    client = client_for(url, key)
    with client.chat.completions.create(model=MODEL, messages=HELLO, stream=True) as stream:
        next(iter(stream))
        for _ in range(2):
            refused = refusal(url, "POST", "/v1/chat/completions", BODY, key)
            assert refused.error["code"] == "rate_limit_exceeded" and int(refused.headers["retry-after"]) > 30
    sandbox.control("scripts", method="DELETE")
    key = make(url, rpm_limit=1, model_rpm_limit={MODEL: 0})["key"]
    never = make(url, max_budget=0, budget_limits=[{"budget_duration": "1h", "max_budget": 0}])["key"]
    for closed in (key, never):
        for _ in range(2):
            refused = refusal(url, "POST", "/v1/chat/completions", BODY, closed)
            assert "retry-after" not in refused.headers and refused.headers["x-should-retry"] == "false"


@pytest.mark.parametrize(
    "closed", [{"max_budget": 0}, {"model_max_budget": {MODEL: 0}}, {"tpm_limit": 0}, {"model_tpm_limit": {MODEL: 0}}]
)
def test_a_request_that_money_or_tokens_refuse_is_none_of_the_minutes_requests(
    url: str, closed: dict[str, Any]
) -> None:
    key = make(url, rpm_limit=2, **closed)["key"]
    gemini = {"contents": [{"parts": [{"text": "Hi"}]}]}
    for _ in range(2):
        for path, body in (
            ("/v1/chat/completions", BODY),
            ("/v1/chat/completions", {**BODY, "stream": True}),
            ("/v1/responses", {"model": MODEL, "input": "Hi"}),
            ("/v1/messages", BODY),
            (f"/v1beta/models/{MODEL}:generateContent", gemini),
            (f"/v1beta/models/{MODEL}:streamGenerateContent?alt=sse", gemini),
        ):
            refused = refusal(url, "POST", path, body, key)
            assert refused.status == 429 and "2 requests per minute" not in refused.error["message"], refused
    ask(url, "POST", "/key/update", {"key": key, **dict.fromkeys(closed)})
    time.sleep(1.3)  # for as long as a refusal is believed, and what came back is on its way
    assert outcomes([url], key, 4).count(200) == 2


def test_what_is_left_of_a_minutes_tokens_is_told_without_what_was_only_held(url: str) -> None:
    """An answer of few tokens leaves nearly all of them, however many its request could have come to."""
    key, left = make(url, tpm_limit=100_000)["key"], 100_000
    native = {"contents": [{"parts": [{"text": "Hi"}]}]}
    doors: list[tuple[str, dict[str, Any], tuple[str, str]]] = [
        ("/v1/chat/completions", {"model": MODEL, "messages": HELLO}, ("usage", "total_tokens")),
        ("/v1/responses", {"model": MODEL, "input": "Hi"}, ("usage", "total_tokens")),
        (f"/v1beta/models/{MODEL}:generateContent", native, ("usageMetadata", "totalTokenCount")),
    ]
    for path, body, (usage, total) in doors:
        headers = {"Authorization": f"Bearer {key}", "x-goog-api-key": key}
        answer = call(url, "POST", path, json.dumps(body).encode(), headers)
        left -= answer.json()[usage][total]
        assert (answer.status, answer.headers["x-ratelimit-remaining-tokens"]) == (200, str(left)), path
    wrong = {"model": MODEL, "messages": HELLO, "max_tokens": -1}
    refused = call(url, "POST", "/v1/chat/completions", json.dumps(wrong).encode(), {"Authorization": f"Bearer {key}"})
    assert (refused.status, refused.headers["x-ratelimit-remaining-tokens"]) == (400, str(left))


@pytest.mark.parametrize("tool", ["codeExecution", "urlContext", "googleSearch"])
def test_a_tool_of_googles_takes_no_whole_minute(url: str, tool: str) -> None:
    """It may bring as much into the prompt as the model takes, which money is held for; a few thousand are likely."""
    key = make(url, tpm_limit=100_000)["key"]
    ask(url, "POST", "/v1/chat/completions", BODY, key)
    native = {"contents": [{"parts": [{"text": "Hi"}]}], "tools": [{tool: {}}]}
    for _ in range(2):
        assert ask(url, "POST", f"/v1beta/models/{MODEL}:generateContent", native, key)["candidates"]


def test_tokens_of_a_minute_are_what_google_counted(url: str) -> None:
    key = make(url, tpm_limit=600)["key"]
    client = client_for(url, key)
    used = 0
    while used < 400:
        raw = client.chat.completions.with_raw_response.create(model=MODEL, messages=HELLO, max_tokens=60)
        usage = raw.parse().usage
        assert usage is not None
        used += usage.total_tokens
        assert int(raw.headers["x-ratelimit-limit-tokens"]) == 600
    with pytest.raises(openai.RateLimitError) as caught:
        client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "word " * 100}])
    assert (caught.value.type, caught.value.code) == ("tokens", "rate_limit_exceeded")


@pytest.mark.parametrize("limits", [{"tpm_limit": 10_000}, {"max_budget": 0.001}])
def test_what_refuses_a_large_request_is_left_for_a_small_one_elsewhere(
    two: list[GatewayProcess], limits: dict[str, Any]
) -> None:
    """It is not lent to a process in which it serves nobody."""
    first, second = two[0].url, two[1].url
    key = make(first, **limits)["key"]
    ask(first, "POST", "/v1/chat/completions", BODY, key)
    time.sleep(1.5)
    large = {**BODY, "max_tokens": 20_000}
    for _ in range(3):
        assert refusal(first, "POST", "/v1/chat/completions", large, key).status == 429
        assert ask(second, "POST", "/v1/chat/completions", BODY, key)["choices"]
        time.sleep(1.5)


@pytest.mark.parametrize("limit", [1, 20])
def test_a_rate_is_exact_over_processes(two: list[GatewayProcess], limit: int) -> None:
    urls = [gateway.url for gateway in two]
    key = make(urls[0], rpm_limit=limit)["key"]
    first = outcomes(urls, key, 48)
    assert first.count(200) == limit
    assert outcomes(urls, key, 16).count(200) == 0


def in_flight(sandbox: SandboxServer) -> int:
    return int(sandbox.stats()["in_flight"])


@contextmanager
def held(sandbox: SandboxServer, url: str, key: str, number: int) -> Iterator[list[Future[int]]]:
    """So many chats that Google has and does not answer before the end."""
    before = in_flight(sandbox)
    sandbox.control("faults", {"kind": "stall", "operation": "generate", "after_bytes": 0, "times": number})
    with ThreadPoolExecutor(number) as pool:
        chats = [pool.submit(lambda: outcomes([url], key, 1)[0]) for _ in range(number)]
        try:
            until(lambda: in_flight(sandbox) == before + number)
            yield chats
        finally:
            sandbox.control("faults", method="DELETE")


def test_requests_at_one_time_are_counted_over_processes(two: list[GatewayProcess], sandbox: SandboxServer) -> None:
    urls = [gateway.url for gateway in two]
    key = make(urls[0], max_parallel_requests=3)["key"]
    with held(sandbox, urls[0], key, 3) as chats:
        assert outcomes(urls, key, 8) == [429] * 8
        refused = refusal(urls[1], "POST", "/v1/chat/completions", BODY, key)
    assert [each.result() for each in chats] == [200, 200, 200]
    assert (refused.error["type"], refused.error["code"]) == ("requests", "parallel_limit_exceeded")
    assert "3 requests at one time" in refused.error["message"] and refused.headers["retry-after"] == "1"
    # They are free again as soon as they end, for others soon after.
    assert outcomes(urls[:1], key, 3) == [200, 200, 200]
    until(lambda: outcomes(urls[1:], key, 3) == [200, 200, 200])


def test_a_client_that_leaves_gives_its_place_back(url: str, sandbox: SandboxServer) -> None:
    key = make(url, max_parallel_requests=1)["key"]
    sandbox.control("faults", {"kind": "stall", "operation": "generate", "after_bytes": 0, "times": 1})
    impatient = client_for(url, key, timeout=1.0)
    with pytest.raises(openai.APITimeoutError):
        impatient.chat.completions.create(model=MODEL, messages=HELLO)
    sandbox.control("faults", method="DELETE")
    until(lambda: outcomes([url], key, 1) == [200])


def test_the_places_of_a_killed_process_are_free(two: list[GatewayProcess], sandbox: SandboxServer) -> None:
    """The last test of these two gateways: one of them is gone then."""
    doomed, other = two
    before = in_flight(sandbox)
    key = make(other.url, max_parallel_requests=2)["key"]
    sandbox.control("faults", {"kind": "stall", "operation": "generate", "after_bytes": 0, "times": 2})

    def cut() -> None:
        with suppress(OSError, HTTPException):
            ask(doomed.url, "POST", "/v1/chat/completions", BODY, key)

    with ThreadPoolExecutor(2) as pool:
        for _ in range(2):
            pool.submit(cut)
        until(lambda: in_flight(sandbox) == before + 2)
        assert refusal(other.url, "POST", "/v1/chat/completions", BODY, key).status == 429
        doomed.kill()
    sandbox.control("faults", method="DELETE")
    until(lambda: outcomes([other.url], key, 2) == [200, 200])
