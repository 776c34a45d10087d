"""A model that Google ended: the error says when, and what follows; at each door of the gateway, and in the SDK."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

import liftgate
from gateways import SandboxServer, client_for, deployments, sandbox_server
from liftgate.ask.model_dates import RETIREMENTS, ended
from liftgate.errors import NotFound
from liftgate.sandbox.app import SandboxSettings
from owners_house import send

ENDED = {
    "gemini-1.5-flash": ("2025-09-29", "gemini-3.5-flash-lite"),
    "gemini-2.0-flash": ("2026-06-01", "gemini-3.1-flash-lite"),
    "gemini-3-pro-preview": ("2026-03-09", "gemini-3.1-pro-preview"),
}
"""By name: the day, and what a caller should ask instead today (docs/protocol/gemini.md, "Models")."""

HI: Any = [{"role": "user", "content": "hi"}]
NATIVE = {"contents": [{"parts": [{"text": "hi"}]}]}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxServer]:
    """One that has ended them, as Google has."""
    with sandbox_server(SandboxSettings(models=("gemini-flash-latest",), any_model=False)) as server:
        yield server


@pytest.fixture(scope="module")
def changes(sandbox: SandboxServer) -> dict[str, Any]:
    return {"deployments": deployments(sandbox.url, model="*")}


def says(message: str, model: str) -> None:
    assert f"models/{model} is not found" in message, message
    day, successor = ENDED[model]
    assert f"Google ended {model} on {day}" in message and successor in message, message


@pytest.mark.parametrize("model", ["gemini-2.0-flash", "gemini-3-pro-preview"])
@pytest.mark.parametrize("stream", [False, True])
def test_chat_says_when_and_what_follows(url: str, model: str, stream: bool) -> None:
    import openai

    with client_for(url) as client:
        file = client.files.create(file=("a.txt", b"with a file"), purpose="user_data")
        part: Any = [{"type": "text", "text": "?"}, {"type": "file", "file": {"file_id": file.id}}]
        with_file: Any = [{"role": "user", "content": part}]
        for messages in (HI, with_file):
            with pytest.raises(openai.NotFoundError) as caught:
                client.chat.completions.create(model=model, messages=messages, stream=stream)
            says(caught.value.message, model)
            assert caught.value.code == "model_not_found"


@pytest.mark.parametrize("method", ["generateContent", "streamGenerateContent", "countTokens"])
def test_native_says_it_too(url: str, method: str) -> None:
    key = {"x-goog-api-key": "sk-ann"}
    body = json.dumps(NATIVE).encode()
    answer = send(url, "POST", f"/v1beta/models/gemini-2.0-flash:{method}", body, key)
    error = json.loads(answer.body)["error"]
    assert (answer.status, error["status"]) == (404, "NOT_FOUND")
    says(error["message"], "gemini-2.0-flash")


def test_the_sdk_says_it_too(sandbox: SandboxServer) -> None:
    with liftgate.Liftgate(api_key="k", api_base=sandbox.url) as client:
        for call in (
            lambda: client.completion("gemini-2.0-flash", HI),
            lambda: list(client.completion("gemini-2.0-flash", HI, stream=True)),
            lambda: client.token_counter("gemini-2.0-flash", messages=HI),
        ):
            with pytest.raises(NotFound) as caught:
                call()
            says(caught.value.message, "gemini-2.0-flash")


def test_a_model_that_never_was_has_no_end(url: str, sandbox: SandboxServer) -> None:
    with client_for(url) as client, pytest.raises(Exception, match="is not found") as caught:
        client.chat.completions.create(model="gemini-9-flash", messages=HI)
    assert "Google ended" not in str(caught.value)


@pytest.mark.parametrize("model", RETIREMENTS)
def test_nothing_has_ended_before_its_day(model: str) -> None:
    ends = RETIREMENTS[model].ends
    assert ended(model, date.fromordinal(ends.toordinal() - 1)) is None
    told = ended(f"models/{model}", ends)
    assert told is not None and ends.isoformat() in told


def test_what_follows_lives() -> None:
    """A successor that has ended too is passed over."""
    told = ended("gemini-1.5-flash", date(2026, 12, 2))
    assert told == "Google ended gemini-1.5-flash on 2025-09-29; what follows it is gemini-3.5-flash-lite."
