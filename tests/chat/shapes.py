"""Requests and replies of chats with tools, as several tests write them, and what the sandbox saw of them."""

from __future__ import annotations

from typing import Any

from gateways import SandboxServer

OLD, NEW, NEWER, LITE, OLDEST = (
    "gemini-2.5-flash",
    "gemini-3.5-flash",
    "gemini-3.8-flash",
    "gemini-3.5-flash-lite",
    "gemini-2.0-flash",
)
GO = {"role": "user", "content": "go"}


def function(name: str, **more: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, **more}}


def called(name: str, arguments: str = "{}", call_id: str = "c1") -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def result(content: Any, call_id: str = "c1") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": content}


def calling(*calls: dict[str, Any]) -> dict[str, Any]:
    return {"role": "assistant", "content": None, "tool_calls": list(calls)}


def parts(*found: dict[str, Any], finish: str = "STOP", index: int = 0) -> dict[str, Any]:
    return {"content": {"role": "model", "parts": list(found)}, "finishReason": finish, "index": index}


def gemini_calls(*names: str) -> list[dict[str, Any]]:
    return [{"functionCall": {"name": name, "args": {"n": place}}} for place, name in enumerate(names)]


def last_body(sandbox: SandboxServer) -> dict[str, Any]:
    body: dict[str, Any] = sandbox.control("bodies")["bodies"][-1]["body"]
    return body


def generated(sandbox: SandboxServer) -> int:
    found = sandbox.stats()["operations"]
    return int(found.get("generate", 0) + found.get("stream", 0))
