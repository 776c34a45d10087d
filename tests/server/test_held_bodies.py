"""The JSON bodies that a process holds at the same time are bounded in bytes, and what fits is served as ever."""

from __future__ import annotations

import json
from typing import Any

import pytest

from raw_http import Answer, call, connect, head, read_answer
from running import MODEL, Running, eventually

LIMIT = 1024 * 1024
PATHS = {
    "chat": "/v1/chat/completions",
    "count": "/v1/chat/completions/input_tokens",
    "native": f"/v1beta/models/{MODEL}:generateContent",
    "native stream": f"/v1beta/models/{MODEL}:streamGenerateContent?alt=sse",
    "native count": f"/v1beta/models/{MODEL}:countTokens",
}
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def options() -> dict[str, Any]:
    return {"ours": "{max_body_bytes: 1MiB, decoded_bytes_limit: 1MiB}"}


def body(way: str, size: int, *, stream: bool = False) -> bytes:
    text = "x" * size
    if way in ("chat", "count"):
        asked = {
            "model": MODEL,
            "messages": [{"role": "user", "content": text}],
            **({"stream": True} if stream else {}),
        }
        return json.dumps(asked).encode()
    return json.dumps({"contents": [{"role": "user", "parts": [{"text": text}]}]}).encode()


def post(gateway: Running, way: str, size: int) -> Answer:
    return call(gateway.base, "POST", PATHS[way], body(way, size), JSON)


@pytest.mark.parametrize("way", PATHS)
def test_what_does_not_fit_beside_others_is_asked_to_come_again(gateway: Running, way: str) -> None:
    large = body(way, 700_000)
    with connect(gateway.base) as slow:
        slow.sendall(head("POST", PATHS[way], {**JSON, "Content-Length": str(len(large))}) + large[:-1])
        answer = post(gateway, way, 700_000)
        while answer.status == 200:
            # The slow one may not have been read yet.
            answer = post(gateway, way, 700_000)
        assert answer.status == 503
        assert int(answer.headers["retry-after"]) >= 1
        if way.startswith("native"):
            assert answer.json()["error"]["status"] == "UNAVAILABLE"
        else:
            assert answer.error()["type"] == "service_unavailable_error"
        assert "decoded_bytes_limit" in answer.json()["error"]["message"]
        assert post(gateway, way, 10).status == 200, "small ones go on"
        slow.sendall(large[-1:])
        assert read_answer(slow, "POST").status == 200
    assert post(gateway, way, 700_000).status == 200


GARBAGE = b"x" * 900_000


@pytest.mark.parametrize("way", PATHS)
def test_what_was_held_is_given_back(gateway: Running, way: str) -> None:
    for _ in range(4):
        assert eventually(lambda: post(gateway, way, 900_000).status == 200), "after one that left"
        assert eventually(lambda: post(gateway, way, 900_000).status == 200), "after one that was answered"
        # Not JSON; Gemini's own method without a name in it is Google's to refuse.
        assert eventually(lambda: call(gateway.base, "POST", PATHS[way], GARBAGE, JSON).status == 400)
        with connect(gateway.base) as leaving:
            leaving.sendall(head("POST", PATHS[way], {**JSON, "Content-Length": "1000000"}) + b"x" * 900_000)


def test_a_stream_gives_its_body_back_when_it_has_begun(gateway: Running) -> None:
    chunk = {"candidates": [{"content": {"role": "model", "parts": [{"text": "half"}]}}]}
    assert eventually(lambda: post(gateway, "chat", 900_000).status == 200), "what an earlier test left is given back"
    gateway.order("scripts", chunks=[chunk, chunk], delays=[0.0, 1.0])
    large = body("chat", 700_000, stream=True)
    with connect(gateway.base) as stream:
        stream.sendall(head("POST", PATHS["chat"], {**JSON, "Content-Length": str(len(large))}) + large)
        assert b"200" in stream.recv(100)
        assert post(gateway, "chat", 700_000).status == 200
