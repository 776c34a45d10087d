"""The routes of Responses, and a request over the wire whose body or events are judged by OpenAI's schema."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

from gateways import MODEL, SandboxServer
from liftgate.sse import EventDecoder
from openai_schema import check_answer, check_event

KEY = {"Authorization": "Bearer sk-ann"}


@dataclass(frozen=True)
class Answer:
    """An answer's bytes as they came."""

    status: int
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def call(gateway: str, method: str, path: str, body: object = None, headers: dict[str, str] = KEY) -> Answer:
    address = urlsplit(gateway)
    connection = HTTPConnection(address.hostname or "", address.port, timeout=60)
    try:
        data = None if body is None else json.dumps(body).encode()
        connection.request(method, path, data, {"Content-Type": "application/json", **headers})
        response = connection.getresponse()
        return Answer(response.status, response.read())
    finally:
        connection.close()


def post(gateway: str, body: dict[str, Any], path: str = "/v1/responses", key: dict[str, str] = KEY) -> Answer:
    return call(gateway, "POST", path, body, key)


def answer(gateway: str, **body: Any) -> dict[str, Any]:
    """The Response object of a request that is stored nowhere."""
    got = post(gateway, {"model": MODEL, "store": False, **body})
    assert got.status == 200, got.body
    found: dict[str, Any] = got.json()
    check_answer("POST", "/responses", 200, found)
    return found


def refusal(gateway: str, status: int = 400, **body: Any) -> dict[str, Any]:
    """The error of a request, which is the same streamed and not."""
    got = [post(gateway, {"model": MODEL, "store": False, **body, "stream": stream}) for stream in (False, True)]
    assert [each.status for each in got] == [status, status], [each.body for each in got]
    check_answer("POST", "/responses", status, got[0].json())
    assert got[0].json() == got[1].json()
    found: dict[str, Any] = got[0].json()["error"]
    return found


def events(gateway: str, **body: Any) -> list[dict[str, Any]]:
    """The events of a stream, each valid and numbered."""
    got = post(gateway, {"model": MODEL, "store": False, "stream": True, **body})
    assert got.status == 200, got.body
    return read_events(got.body)


def read_events(body: bytes) -> list[dict[str, Any]]:
    found = [json.loads(data) for data in EventDecoder().feed(body)]
    assert [each["sequence_number"] for each in found] == list(range(len(found)))
    for each in found:
        check_event(each)
    frames = [frame for frame in body.split(b"\n\n") if frame and not frame.startswith(b":")]
    assert [frame.split(b"\n")[0] for frame in frames] == [b"event: " + each["type"].encode() for each in found]
    return found


def in_order(told: list[dict[str, Any]]) -> None:
    """One item after the other, each opened and closed once under its own number, and the last frame has them all."""
    assert [each["type"] for each in told[:2]] == ["response.created", "response.in_progress"]
    response, open_id = told[0]["response"], None
    done: list[dict[str, Any]] = []
    for each in told[2:-1]:
        if each["type"] == "response.output_item.added":
            assert open_id is None and each["output_index"] == len(done)
            open_id = each["item"]["id"]
        elif each["type"] == "response.output_item.done":
            assert each["item"]["id"] == open_id and each["output_index"] == len(done)
            done.append(each["item"])
            open_id = None
        else:
            assert (each["item_id"], each["output_index"]) == (open_id, len(done))
    last = told[-1]["response"]
    assert open_id is None and last["id"] == response["id"]
    assert [item["id"] for item in last["output"]] == [item["id"] for item in done]


def sent(sandbox: SandboxServer) -> Any:
    """The body that Gemini got last."""
    return sandbox.control("bodies")["bodies"][-1]["body"]


def user(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"type": "message", "role": "user", "content": list(parts)}
