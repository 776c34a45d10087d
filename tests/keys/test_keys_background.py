"""A response in the background waits for its place under its limits; what can never be had fails it in its sentence."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import openai
import pytest

from gateways import MODEL, SandboxServer
from key_calls import ask, client_for, make
from processes import GatewayProcess, gateway_processes, write_config
from waiting import until

CHAT = {"model": MODEL, "messages": [{"role": "user", "content": "Hello"}]}
RESPONSE = {"model": MODEL, "input": "Hi", "background": True}
ONE_AT_A_TIME = ({"max_parallel_requests": 1}, {"max_budget": 0.2})
"""Without max_tokens a call can cost 65,536 tokens of output, $0.164."""
WAITS = "waits for its place"


def ended(url: str, key: str, response_id: str) -> dict[str, Any]:
    found: dict[str, Any] = {}

    def over() -> bool:
        found.update(ask(url, "GET", f"/v1/responses/{response_id}", key=key))
        return found["status"] not in ("queued", "in_progress")

    until(over)
    return found


def asked(sandbox: SandboxServer) -> int:
    """How often Google was asked for an answer, streamed or not."""
    operations = sandbox.stats()["operations"]
    return int(operations.get("generate", 0) + operations.get("stream", 0))


@contextmanager
def another_call(url: str, key: str, sandbox: SandboxServer) -> Iterator[None]:
    """It runs until the block is left, and is answered then."""
    sandbox.control("faults", {"kind": "stall", "operation": "generate", "after_bytes": 0, "times": 1})
    before = sandbox.stats()["in_flight"]
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(ask, url, "POST", "/v1/chat/completions", CHAT, key)
        try:
            until(lambda: sandbox.stats()["in_flight"] > before)
            yield
        finally:
            sandbox.control("faults", method="DELETE")
        assert running.result()["choices"]


@pytest.mark.parametrize("limit", ONE_AT_A_TIME, ids=lambda limit: str(*limit))
def test_it_waits_until_others_have_ended(
    gateway: str, sandbox: SandboxServer, limit: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "liftgate.engine")
    key = make(gateway, **limit)["key"]
    client = client_for(gateway, key)
    with another_call(gateway, key, sandbox):
        sent = asked(sandbox)
        made = client.responses.create(model=MODEL, input="Hi", background=True)
        given_up = client.responses.create(model=MODEL, input="Hi", background=True)
        streamed = client.responses.create(model=MODEL, input="Hi", background=True, stream=True)
        first = next(streamed)
        until(lambda: caplog.text.count(WAITS) == 3)
        assert client.responses.retrieve(made.id).status == "in_progress"
        assert client.responses.cancel(given_up.id).status == "cancelled"
        assert asked(sandbox) == sent
    assert ended(gateway, key, made.id)["status"] == "completed"
    events = [first, *streamed]
    assert [each.sequence_number for each in events] == list(range(len(events)))
    assert events[0].type == "response.created" and events[-1].type == "response.completed"
    assert ended(gateway, key, given_up.id)["status"] == "cancelled"
    assert asked(sandbox) == sent + 2


@pytest.mark.parametrize(
    ("limit", "sentence"),
    [
        ({"max_budget": 0.00001}, "Budget of $0.00001 of the key"),
        ({"max_parallel_requests": 0}, "The limit of requests at one time is 0"),
        ({"tpm_limit": 0}, "The limit of tokens per minute is 0"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_what_can_never_be_had_fails_it_at_once(
    gateway: str, sandbox: SandboxServer, limit: dict[str, Any], sentence: str, stream: bool
) -> None:
    key = make(gateway, **limit)["key"]
    sent = asked(sandbox)
    client = client_for(gateway, key)
    if stream:
        with pytest.raises(openai.APIError, match=re.escape(sentence)):
            list(client.responses.create(model=MODEL, input="Hi", background=True, stream=True))
    else:
        failed = ended(gateway, key, client.responses.create(model=MODEL, input="Hi", background=True).id)
        assert failed["status"] == "failed" and sentence in failed["error"]["message"]
    assert asked(sandbox) == sent


@pytest.mark.full
def test_a_rate_lets_it_in_when_its_minute_is_over(gateway: str) -> None:
    key = make(gateway, tpm_limit=300)["key"]
    client = client_for(gateway, key)
    made = [
        client.responses.create(model=MODEL, input="Hi", background=True, max_output_tokens=200).id for _ in range(2)
    ]
    end = time.monotonic() + 200
    while any((client.responses.retrieve(each)).status in ("queued", "in_progress") for each in made):
        assert time.monotonic() < end
        time.sleep(0.5)
    assert {client.responses.retrieve(each).status for each in made} <= {"completed", "incomplete"}


@pytest.mark.full
def test_one_that_waits_goes_on_at_another_process_when_its_own_is_killed(
    sandbox: SandboxServer, tmp_path: Path, database_url: str
) -> None:
    """More often than a response is begun again: waiting is no attempt."""
    prompt: dict[str, Any] = {"lease_seconds": 2, "lease_renew_seconds": 0.5}
    config = write_config(tmp_path / "config.yaml", sandbox.url, database_url=database_url, **prompt)
    with gateway_processes(config, tmp_path / "data", 5) as [first, *others]:
        key = make(first.url, max_parallel_requests=1)["key"]
        with another_call(first.url, key, sandbox):
            made = ask(others[0].url, "POST", "/v1/responses", RESPONSE, key)
            for _ in range(3):
                until(lambda: any(waits(each) for each in (first, *others)))
                if waits(first):
                    break  # It has the other call, and stays.
                next(each for each in others if waits(each)).kill()
        assert ended(first.url, key, made["id"])["status"] == "completed"


def waits(gateway: GatewayProcess) -> bool:
    return gateway.process.poll() is None and WAITS in gateway.log.read_text()
