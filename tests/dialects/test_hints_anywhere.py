"""`cache_control`, a hint for Anthropic's cache, stands wherever clients put it: at the request (OpenRouter's automatic
caching), its tools and their functions (LiteLLM), calls, messages and parts. It changes nothing, at any door.
"""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from gateways import MODEL, SandboxServer
from raw_http import call

HINT = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
CHAT, RESPONSES, MESSAGES = "/v1/chat/completions", "/v1/responses", "/v1/messages"
SCHEMA = {"type": "object", "properties": {}}
FUNCTION = {"name": "f", "parameters": SCHEMA}
CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
BODIES: dict[str, tuple[str, dict[str, Any], tuple[tuple[str | int, ...], ...]]] = {
    "chat": (
        CHAT,
        {
            "tools": [{"type": "function", "function": FUNCTION}, {"type": "custom", "custom": {"name": "c"}}],
            "messages": [
                {"role": "system", "content": [{"type": "text", "text": "s"}]},
                {"role": "user", "content": [{"type": "text", "text": "u"}]},
                {"role": "assistant", "content": None, "tool_calls": [CALL]},
                {"role": "tool", "tool_call_id": "c", "content": [{"type": "text", "text": "t"}]},
            ],
        },
        (
            (),
            ("tools", 0),
            ("tools", 0, "function"),
            ("tools", 1),
            ("tools", 1, "custom"),
            ("messages", 0),
            ("messages", 0, "content", 0),
            ("messages", 1),
            ("messages", 1, "content", 0),
            ("messages", 2),
            ("messages", 2, "tool_calls", 0),
            ("messages", 2, "tool_calls", 0, "function"),
            ("messages", 3),
            ("messages", 3, "content", 0),
        ),
    ),
    "chat, the older list": (
        CHAT,
        {"functions": [FUNCTION], "messages": [{"role": "user", "content": "u"}]},
        ((), ("functions", 0)),
    ),
    "chat, Google's tools": (
        CHAT,
        {
            "tools": [{"googleSearch": {}}, {"type": "url_context"}],
            "messages": [{"role": "user", "content": "u"}],
        },
        (("tools", 0), ("tools", 0, "googleSearch"), ("tools", 1)),
    ),
    "responses": (
        RESPONSES,
        {
            "store": False,
            "tools": [{"type": "function", **FUNCTION}, {"type": "custom", "name": "c"}],
            "input": [
                {"role": "user", "content": [{"type": "input_text", "text": "u"}]},
                {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
                {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_text", "text": "t"}]},
            ],
        },
        (
            (),
            ("tools", 0),
            ("tools", 1),
            ("input", 0),
            ("input", 0, "content", 0),
            ("input", 1),
            ("input", 2),
            ("input", 2, "output", 0),
        ),
    ),
    "responses, hosted tools": (
        RESPONSES,
        {"store": False, "tools": [{"type": "web_search"}, {"type": "code_interpreter", "container": {"type": "auto"}}],
         "input": "u"},
        (("tools", 0), ("tools", 1)),
    ),
    "messages": (
        MESSAGES,
        {
            "max_tokens": 9,
            "system": [{"type": "text", "text": "s"}],
            "tools": [{"name": "f", "input_schema": SCHEMA}],
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": "u"}]},
                {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "f", "input": {}}]},
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "r"}]},
            ],
        },
        (
            (),
            ("system", 0),
            ("tools", 0),
            ("messages", 0, "content", 0),
            ("messages", 1, "content", 0),
            ("messages", 2, "content", 0),
        ),
    ),
}  # fmt: skip
"""Name → the path, a body, and the objects of it that may have the hint."""


def sent(sandbox: SandboxServer, url: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """What Google gets."""
    headers = {"Authorization": "Bearer sk-ann", "Content-Type": "application/json"}
    answer = call(url, "POST", path, json.dumps({"model": MODEL, **body}).encode(), headers)
    assert answer.status == 200, answer.body
    got: dict[str, Any] = sandbox.control("bodies")["bodies"][-1]["body"]
    return got


@pytest.mark.parametrize("name", BODIES)
def test_the_hint_changes_nothing_wherever_it_stands(sandbox: SandboxServer, url: str, name: str) -> None:
    path, body, places = BODIES[name]
    plain = sent(sandbox, url, path, body)
    for place in places:
        hinted: Any = copy.deepcopy(body)
        owner = hinted
        for step in place:
            owner = owner[step]
        owner.update(HINT)
        assert sent(sandbox, url, path, hinted) == plain, place


@pytest.mark.parametrize("path", [CHAT, RESPONSES])
def test_where_litellm_would_put_it_is_passed_over(sandbox: SandboxServer, url: str, path: str) -> None:
    body = {"messages": [{"role": "user", "content": "u"}]} if path == CHAT else {"input": "u", "store": False}
    points = {"cache_control_injection_points": [{"location": "message", "role": "system"}]}
    assert sent(sandbox, url, path, body | points) == sent(sandbox, url, path, body)
