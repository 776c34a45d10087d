"""`disable_parallel_tool_use`: at most one call in an answer, whole and streamed, and a history that shows it."""

from __future__ import annotations

from typing import Any

from gateways import SandboxServer
from messages_rig import LOOK, MODEL, assistant, built, events, message, user

TURN = {"name": "turn", "input_schema": {"type": "object"}}
CALLS: list[dict[str, Any]] = [{"functionCall": {"name": name, "args": {}}} for name in ("look", "turn", "look")]
REPLY = {"candidates": [{"content": {"role": "model", "parts": CALLS}, "finishReason": "STOP", "index": 0}]}


def test_one_call_at_most(gateway: str, sandbox: SandboxServer) -> None:
    for kind in ("auto", "any"):
        asked: dict[str, Any] = {
            "tools": [LOOK, TURN],
            "tool_choice": {"type": kind, "disable_parallel_tool_use": True},
        }
        sandbox.control("scripts", {"response": REPLY, "model": MODEL, "times": 2})
        for found in (message(gateway, **asked), built(events(gateway, **asked))):
            (used,) = [block for block in found["content"] if block["type"] == "tool_use"]
            assert used["name"] == "look" and found["stop_reason"] == "tool_use"
            result = user({"type": "tool_result", "tool_use_id": used["id"], "content": "1"})
            more = message(gateway, messages=[user("x"), assistant(used), result], tools=[LOOK, TURN])
            assert more["stop_reason"] == "end_turn"


def test_several_calls_where_one_is_not_asked_for(gateway: str, sandbox: SandboxServer) -> None:
    for choice in ({"type": "auto"}, {"type": "auto", "disable_parallel_tool_use": False}):
        sandbox.control("scripts", {"response": REPLY, "model": MODEL})
        found = message(gateway, tools=[LOOK, TURN], tool_choice=choice)
        assert [block["name"] for block in found["content"] if block["type"] == "tool_use"] == ["look", "turn", "look"]
