"""Chats over a socket as tests see them: raw answers and streams, the published schemas, and the sandbox's counters."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from openai.lib.streaming._deltas import accumulate_delta

from gateways import SandboxServer
from liftgate.deployments import Account, Deployment
from liftgate.settings import JobSettings, RouterSettings, ServerSettings, Settings, StorageSettings
from waiting import eventually as eventually

DEADLINE = 60.0
PATH = "/v1/chat/completions"

FLASH = "gemini-2.5-flash"
SIGNING = "gemini-3.5-flash"
SPEAKING = "gemini-2.5-flash-preview-tts"
PAINTING = "gemini-2.5-flash-image"
MODELS = (FLASH, SIGNING, SPEAKING, PAINTING)


def chat_settings(
    sandbox: SandboxServer, data_dir: Path, *, keys: tuple[str, ...] = ("key-a",), models: tuple[str, ...] = MODELS
) -> Settings:
    """Every model on an account per key, no retries, short silences; one owner, `local`."""
    accounts = [Account(name=f"account-{key}", api_keys=(key,), api_base=sandbox.url) for key in keys]
    return Settings(
        deployments=tuple(
            Deployment(f"{model}-{account.name}", model, model, account, account.api_keys[0])
            for model in models
            for account in accounts
        ),
        storage=StorageSettings(data_dir=data_dir),
        server=ServerSettings(drain_seconds=0.5),
        router=RouterSettings(num_retries=0, allowed_fails=10**6, stream_timeout=20),
        jobs=JobSettings(stream_commit_seconds=0.3, stream_ping_seconds=0.1, sweep_seconds=5),
    )


def hello(text: str = "hello there", **more: Any) -> dict[str, Any]:
    return {"model": FLASH, "messages": [{"role": "user", "content": text}], **more}


def about_file(file_id: str, **more: Any) -> dict[str, Any]:
    part = {"type": "file", "file": {"file_id": file_id}}
    return {"model": FLASH, "messages": [{"role": "user", "content": [{"type": "text", "text": "?"}, part]}], **more}


def reply(text: str, *, finish: str | None = None) -> dict[str, Any]:
    """A GenerateContentResponse of one text."""
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": [{"text": text}]}, "index": 0}
    return {"candidates": [candidate if finish is None else {**candidate, "finishReason": finish}]}


@contextmanager
def sent(url: str, body: dict[str, Any], *, path: str = PATH) -> Iterator[HTTPConnection]:
    """A request that was written and not yet answered; leaving the block is a client that goes away."""
    parts = urlsplit(url)
    assert parts.hostname
    connection = HTTPConnection(parts.hostname, parts.port, timeout=DEADLINE)
    try:
        connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        yield connection
    finally:
        connection.close()


@contextmanager
def answering(url: str, body: dict[str, Any]) -> Iterator[HTTPResponse]:
    """The head of an answer has come; leaving closes the connection."""
    with sent(url, body) as connection:
        response = connection.getresponse()
        try:
            yield response
        finally:
            response.close()


def post(url: str, body: dict[str, Any], *, path: str = PATH) -> tuple[int, dict[str, str], Any]:
    """Status, headers in lower case, and the JSON."""
    with sent(url, body, path=path) as connection:
        response = connection.getresponse()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return response.status, headers, json.loads(response.read())


def blocks(response: HTTPResponse) -> Iterator[str]:
    """The SSE blocks as they come, comments among them."""
    lines: list[str] = []
    while line := response.readline():
        if line == b"\n":
            yield "".join(lines)
            lines.clear()
        else:
            lines.append(line.decode())


def streamed(url: str, body: dict[str, Any]) -> list[str]:
    """All blocks of a stream that was answered with 200, without the comments."""
    with answering(url, {**body, "stream": True}) as response:
        assert response.status == 200, response.read()
        return [block.rstrip("\n") for block in blocks(response) if not block.startswith(":")]


def chunks_of(found: list[str]) -> list[dict[str, Any]]:
    """The chunks of a whole stream: it ends with [DONE] and has no error."""
    assert found[-1] == "data: [DONE]", found[-1]
    assert all(block.startswith("data: ") and "\n" not in block for block in found)
    return [json.loads(block.removeprefix("data: ")) for block in found[:-1]]


def error_in(found: list[str]) -> dict[str, Any]:
    """The error that ends a broken stream: nothing follows it, no [DONE] and no finish_reason came before it."""
    *before, last = [json.loads(block.removeprefix("data: ")) for block in found if block != "data: [DONE]"]
    assert "data: [DONE]" not in found
    assert not any(choice["finish_reason"] for chunk in before for choice in chunk["choices"])
    error: dict[str, Any] = last["error"]
    assert set(last) == {"error"} and set(error) == {"message", "type", "param", "code"}
    return error


def put_together(chunks: list[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """By choice: {"message", "finish_reason", "logprobs"}, by the official client's own rule for deltas."""
    choices: dict[int, dict[str, Any]] = {}
    for chunk in copy.deepcopy(chunks):
        for each in chunk["choices"]:
            choice = choices.setdefault(each["index"], {"message": {}, "finish_reason": None, "logprobs": None})
            assert choice["finish_reason"] is None, "nothing follows the finish_reason"
            choice["message"] = accumulate_delta(choice["message"], each["delta"])
            choice["finish_reason"] = each["finish_reason"]
            if each["logprobs"] is not None:
                choice["logprobs"] = (choice["logprobs"] or []) + each["logprobs"]["content"]
    return choices
