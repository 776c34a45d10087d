"""A question about an hour of video is refused before it is sent where $0.10 are left, at every door."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from gateways import MODEL, SandboxServer
from key_calls import ask, client_for, make, refusal
from test_keys_budgets import VIDEO, spent


def hour_of_video() -> bytes:
    """An MP4 whose header says that it lasts an hour."""
    mvhd = struct.pack(">4s4xII II", b"mvhd", 0, 0, 1000, 3_600_000) + bytes(80)
    mvhd = struct.pack(">I", len(mvhd) + 4) + mvhd
    moov = struct.pack(">I4s", len(mvhd) + 8, b"moov") + mvhd
    return struct.pack(">I4s4sI4s", 20, b"ftyp", b"isom", 512, b"isom") + moov


def test_an_hour_of_video_is_refused_before_it_is_sent(gateway: str, sandbox: SandboxServer) -> None:
    poor, rich = make(gateway, max_budget=0.10, user_id="v"), make(gateway, max_budget=1.0, user_id="v")
    client = client_for(gateway, poor["key"])
    file = client.files.create(file=("hour.mp4", hour_of_video(), "video/mp4"), purpose="user_data")
    question: Any = {
        "model": MODEL,
        "max_tokens": 50,
        "messages": [
            {
                "role": "user",
                "content": [{"type": "text", "text": "What is said?"}, {"type": "file", "file": {"file_id": file.id}}],
            }
        ],
    }
    sent = sandbox.stats()["operations"].get("generate", 0)
    with pytest.raises(openai.RateLimitError) as caught:
        client.chat.completions.create(**question)
    assert sandbox.stats()["operations"].get("generate", 0) == sent
    error: Any = caught.value.body
    assert error["needed"] > 3600 * 263 * VIDEO and error["spent"] == 0
    native = {
        "contents": [
            {"parts": [{"text": "?"}, {"fileData": {"fileUri": f"files/{file.id[5:]}", "mimeType": "video/mp4"}}]}
        ]
    }
    assert refusal(gateway, "POST", f"/v1beta/models/{MODEL}:generateContent", native, poor["key"]).status == 429
    assert sandbox.stats()["operations"].get("generate", 0) == sent
    counts = sandbox.stats()["operations"]["countTokens"]
    for _ in range(2):
        answer = client_for(gateway, rich["key"]).chat.completions.create(**question)
    assert answer.usage is not None and answer.usage.prompt_tokens > 900_000
    # What a file comes to is asked once.
    assert sandbox.stats()["operations"]["countTokens"] == counts
    assert spent(gateway, rich["key"]) == pytest.approx(2 * 0.284, abs=0.01)


def video_doors(file_id: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """A question about a File at each door, whole and streamed."""
    chat = [{"type": "text", "text": "?"}, {"type": "file", "file": {"file_id": file_id}}]
    item = {"role": "user", "content": [{"type": "input_file", "file_id": file_id}]}
    block = {"type": "document", "source": {"type": "file", "file_id": file_id}}
    named = {"fileUri": f"files/{file_id[5:]}", "mimeType": "video/mp4"}
    for stream in (False, True):
        more = {"model": MODEL, "stream": stream}
        yield "/v1/chat/completions", {"messages": [{"role": "user", "content": chat}], "max_tokens": 50, **more}
        yield "/v1/responses", {"input": [item], "max_output_tokens": 50, **more}
        yield "/v1/messages", {"messages": [{"role": "user", "content": [block]}], "max_tokens": 50, **more}
        method = "streamGenerateContent" if stream else "generateContent"
        yield f"/v1beta/models/{MODEL}:{method}", {"contents": [{"parts": [{"fileData": named}]}]}


def test_an_hour_of_video_is_refused_at_every_door(gateway: str, sandbox: SandboxServer) -> None:
    key = make(gateway, max_budget=0.10)["key"]
    file = client_for(gateway, key).files.create(file=("hour.mp4", hour_of_video(), "video/mp4"), purpose="user_data")
    before = sandbox.stats()["operations"]
    for path, body in video_doors(file.id):
        refused = refusal(gateway, "POST", path, body, key)
        assert refused.status == 429 and "Budget of $0.1 of the key" in refused.error["message"], (path, refused)
        assert refused.headers["x-should-retry"] == "false"
    waiting = {"model": MODEL, "input": next(body["input"] for path, body in video_doors(file.id) if "input" in body)}
    made = ask(gateway, "POST", "/v1/responses", {**waiting, "background": True}, key)
    while made["status"] in ("queued", "in_progress"):
        made = ask(gateway, "GET", f"/v1/responses/{made['id']}", key=key)
    assert made["status"] == "failed" and "Budget of $0.1 of the key" in made["error"]["message"]
    after = sandbox.stats()["operations"]
    assert [after.get(name, 0) - before.get(name, 0) for name in ("generate", "stream")] == [0, 0]
    # Its first count serves every door.
    assert after["countTokens"] - before.get("countTokens", 0) == 1
    assert spent(gateway, key) == 0
