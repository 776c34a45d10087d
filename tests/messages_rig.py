"""Messages over the wire, each answer and event judged by the types of Anthropic's own client."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

from pydantic import TypeAdapter

from gateways import SandboxServer

MODELS = (MODEL, SIGNED, UNFILLED) = ("gemini-2.5-flash", "gemini-3-flash-preview", "gemini-3.8-flash")
KEY = {"x-api-key": "sk-ann", "anthropic-version": "2023-06-01"}
LOOK = {"name": "look", "input_schema": {"type": "object", "properties": {"at": {"type": "string"}}}}
COUNTS = {"promptTokenCount": 9, "candidatesTokenCount": 2, "thoughtsTokenCount": 3, "totalTokenCount": 14}


@cache
def _types() -> tuple[TypeAdapter[Any], TypeAdapter[Any]]:
    """Of a message and of an event. Three thousand modules: only where one is judged."""
    from anthropic.types import Message, RawMessageStreamEvent

    return TypeAdapter(Message), TypeAdapter(RawMessageStreamEvent)


@dataclass(frozen=True)
class Answer:
    """An answer's bytes as they came."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def call(gateway: str, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] = KEY) -> Answer:
    address = urlsplit(gateway)
    connection = HTTPConnection(address.hostname or "", address.port, timeout=60)
    try:
        connection.request(method, path, body or None, dict(headers))
        response = connection.getresponse()
        found = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, found, response.read())
    finally:
        connection.close()


def post(gateway: str, path: str = "/v1/messages", key: Mapping[str, str] = KEY, **body: Any) -> Answer:
    sent = {"model": MODEL, "max_tokens": 4000, "messages": [user("x")], **body}
    sent = {name: value for name, value in sent.items() if value is not ...}
    return call(gateway, "POST", path, json.dumps(sent).encode(), {"content-type": "application/json", **key})


def user(*content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content[0] if isinstance(content[0], str) else list(content)}


def assistant(*content: Any) -> dict[str, Any]:
    return {**user(*content), "role": "assistant"}


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def message(gateway: str, **body: Any) -> dict[str, Any]:
    """A whole answer, which is a valid Message."""
    got = post(gateway, **body)
    assert got.status == 200, got.body
    found: dict[str, Any] = got.json()
    check_message(found)
    return found


def check_message(found: dict[str, Any]) -> None:
    """By the client's types, and by what clients hold a message to beyond them."""
    _types()[0].validate_python(found, strict=False)
    assert found["id"].startswith("msg_")
    blocks = found["content"]
    assert not blocks or blocks[-1]["type"] != "thinking"
    used = any(block["type"] == "tool_use" for block in blocks)
    assert found["stop_reason"] != "end_turn" or not used


def events(gateway: str, **body: Any) -> list[dict[str, Any]]:
    got = post(gateway, stream=True, **body)
    assert got.status == 200, got.body
    return list(read_events(got.body))


def read_events(body: bytes) -> Iterator[dict[str, Any]]:
    """Each frame has its `event:` line, and its data are valid."""
    for frame in body.removesuffix(b"\n\n").split(b"\n\n"):
        name, data = frame.split(b"\n")
        found: dict[str, Any] = json.loads(data.removeprefix(b"data: "))
        assert name == b"event: " + found["type"].encode()
        if found["type"] not in ("ping", "error"):
            _types()[1].validate_python(found)
        yield found


def built(told: list[dict[str, Any]]) -> dict[str, Any]:
    """The Message that a stream builds up, by the order that clients enforce."""
    told = [each for each in told if each["type"] != "ping"]
    assert (told[0]["type"], told[-1]["type"], told[-2]["type"]) == ("message_start", "message_stop", "message_delta")
    found: dict[str, Any] = told[0]["message"]
    blocks: list[dict[str, Any]] = found["content"]
    pieces: list[str] = []
    is_open = False
    for each in told[1:-2]:
        if each["type"] == "content_block_start":
            assert not is_open and each["index"] == len(blocks)
            is_open, pieces = True, []
            blocks.append(each["content_block"])
        elif each["type"] == "content_block_delta":
            assert is_open and each["index"] == len(blocks) - 1
            _grow(blocks[-1], each["delta"], pieces)
        else:
            assert each["type"] == "content_block_stop" and is_open and each["index"] == len(blocks) - 1
            is_open = False
    assert not is_open
    found |= told[-2]["delta"]
    found["usage"] |= told[-2]["usage"]
    return found


def _grow(block: dict[str, Any], delta: dict[str, Any], pieces: list[str]) -> None:
    match delta["type"]:
        case "text_delta":
            block["text"] += delta["text"]
        case "thinking_delta":
            block["thinking"] += delta["thinking"]
        case "signature_delta":
            block["signature"] = delta["signature"]
        case "citations_delta":
            block["citations"] = [*block.get("citations", ()), delta["citation"]]
        case "input_json_delta":
            pieces.append(delta["partial_json"])
            block["input"] = json.loads("".join(pieces))
        case other:
            raise AssertionError(other)


def both(gateway: str, sandbox: SandboxServer, said: dict[str, Any], **body: Any) -> dict[str, Any]:
    """The answer to a scripted reply, whole; a stream with each part in a chunk of its own says the same."""
    sandbox.control("scripts", {"response": said})
    whole = message(gateway, **body)
    candidate = said["candidates"][0]
    last = {key: value for key, value in candidate.items() if key != "content"}
    parts = [
        {"candidates": [{"content": {"parts": [each], "role": "model"}}]} for each in candidate["content"]["parts"]
    ]
    sandbox.control("scripts", {"chunks": [*parts, {"candidates": [last], "usageMetadata": said["usageMetadata"]}]})
    assert without_ids(built(events(gateway, **body))) == without_ids(whole)
    return whole


def without_ids(found: dict[str, Any]) -> Any:
    """Each id by the place where it is met first; what is sealed names ids."""
    seen: dict[str, str] = {}

    def named(key: str, value: Any) -> Any:
        if isinstance(value, dict):
            return {each: named(each, one) for each, one in value.items()}
        if isinstance(value, list):
            return [named(key, each) for each in value]
        if key in ("id", "tool_use_id"):
            return seen.setdefault(value, f"{len(seen)}")
        return len(value) if key in ("signature", "encrypted_content") and isinstance(value, str) else value

    return named("", found)


def reply(*parts: dict[str, Any], reason: str | None = "STOP", **more: Any) -> dict[str, Any]:
    ended = {} if reason is None else {"finishReason": reason}
    content = {"role": "model", "parts": list(parts)}
    return {"candidates": [{"content": content, "index": 0, **ended, **more}], "usageMetadata": COUNTS}


def refused(got: Answer, status: int = 400) -> dict[str, Any]:
    """The error of an answer, in Anthropic's envelope with the request's id."""
    assert got.status == status, got.body
    body = got.json()
    assert (body["type"], body["request_id"]) == ("error", got.headers["request-id"])
    found: dict[str, Any] = body["error"]
    return found


def sent(sandbox: SandboxServer) -> Any:
    """The body that Gemini got last."""
    return sandbox.control("bodies")["bodies"][-1]["body"]
