"""Claude Code's own wire form: what it sends beside what Anthropic's SDKs do, over a whole loop of tools."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from gateways import SandboxServer
from messages_rig import (
    KEY,
    LOOK,
    MODEL,
    SIGNED,
    assistant,
    built,
    message,
    post,
    read_events,
    refused,
    sent,
    text,
    user,
)

BETAS = (
    "claude-code-20250219,interleaved-thinking-2025-05-14,context-management-2025-06-27,"
    "prompt-caching-scope-2026-01-05,mid-conversation-system-2026-04-07,effort-2025-11-24"
)
HEADERS = {
    "authorization": "Bearer sk-ann",
    "anthropic-version": "2023-06-01",
    "anthropic-beta": BETAS,
    "anthropic-dangerous-direct-browser-access": "true",
    "user-agent": "claude-cli/2.1.197 (external, sdk-cli)",
    "x-app": "cli",
    "x-stainless-helper-method": "stream",
}
CACHED = {"cache_control": {"type": "ephemeral"}}
SYSTEM = [
    text("x-anthropic-billing-header: cc_version=2.1.197.e12; cc_entrypoint=sdk-cli;"),
    {**text("You are an agent."), **CACHED},
    {**text("You work with tools."), "cache_control": {"type": "ephemeral", "ttl": "1h", "scope": "global"}},
]
AGENTS = {"role": "system", "content": "Available agents: none"}
TURN: dict[str, Any] = {
    "name": "turn",
    "input_schema": {"type": "object", "properties": {}},
    "eager_input_streaming": True,
}
ASKED: dict[str, Any] = {
    "max_tokens": 32_000,
    "system": SYSTEM,
    "tools": [LOOK, TURN],
    "metadata": {"user_id": json.dumps({"device_id": "d", "account_uuid": "", "session_id": "s"})},
    "thinking": {"type": "adaptive"},
    "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
    "output_config": {"effort": "high"},
}


def asked(gateway: str, **body: Any) -> dict[str, Any]:
    got = post(gateway, "/v1/messages?beta=true", HEADERS, stream=True, **{**ASKED, **body})
    assert got.status == 200, got.body
    return built(list(read_events(got.body)))


def result(call: dict[str, Any], content: Any, **more: Any) -> dict[str, Any]:
    return {"tool_use_id": call["id"], "type": "tool_result", "content": content, **more}


@pytest.mark.parametrize("model", [MODEL, SIGNED])
def test_a_loop_of_parallel_tools_whose_results_come_as_they_end(
    gateway: str, sandbox: SandboxServer, model: str
) -> None:
    reminder = text("<system-reminder>Today is Sunday.</system-reminder>")
    messages: list[Any] = [user(reminder, {**text('call look({"at": "door"}) and call turn()'), **CACHED})]
    if model == MODEL:
        messages.insert(1, AGENTS)
        sandbox.control("scripts", {"chunks": [_calls()]})
    one = asked(gateway, model=model, messages=messages)
    calls = [each for each in one["content"] if each["type"] == "tool_use"]
    assert [each["name"] for each in calls] == ["look", "turn"] and one["stop_reason"] == "tool_use"
    messages[0]["content"][1].pop("cache_control")
    given = [result(calls[1], "Exit code 1", is_error=True), result(calls[0], "ok", is_error=False, **CACHED)]
    messages += [assistant(*one["content"]), user(*given, text("Go on."))]
    assert asked(gateway, model=model, messages=messages)["stop_reason"] == "end_turn"
    responses = [part["functionResponse"] for part in sent(sandbox)["contents"][-2]["parts"]]
    assert [each["name"] for each in responses] == ["look", "turn"]
    assert [each["response"] for each in responses] == [{"output": "ok"}, {"error": "Exit code 1"}]


def _calls() -> dict[str, Any]:
    calls = [{"functionCall": {"name": "look", "args": {"at": "door"}}}, {"functionCall": {"name": "turn", "args": {}}}]
    ended = {"content": {"role": "model", "parts": calls}, "finishReason": "STOP"}
    return {"candidates": [ended], "usageMetadata": {"promptTokenCount": 1, "totalTokenCount": 2}}


def test_what_differs_between_conversations_does_not_stand_in_front_of_all_that_is_equal(
    gateway: str, sandbox: SandboxServer
) -> None:
    for path in ("/v1/messages", "/v1/messages/count_tokens"):
        found = []
        for hashed in ("e12", "84c"):
            system = [text(f"x-anthropic-billing-header: cc_version=2.1.197.{hashed};"), *SYSTEM[1:]]
            assert post(gateway, path, system=system, max_tokens=... if "count" in path else 9).status == 200
            body = sent(sandbox)
            found.append(body.get("generateContentRequest", body)["systemInstruction"])
        assert found[0] == found[1] == {"parts": [{"text": each["text"]} for each in SYSTEM[1:]]}
    message(gateway, system=SYSTEM[:1])
    assert "systemInstruction" not in sent(sandbox)
    message(gateway, system=[text("Explain the line x-anthropic-billing-header: of a request.")])
    assert "billing" in sent(sandbox)["systemInstruction"]["parts"][0]["text"]


def test_tools_that_a_search_of_the_clients_found(gateway: str, sandbox: SandboxServer) -> None:
    """The client keeps tools back until the model asks for them; Gemini has all that are declared."""
    search = {"type": "tool_use", "id": "toolu_1", "name": "ToolSearch", "input": {"query": "select:look"}}
    found: list[dict[str, Any]] = [
        {"type": "tool_reference", "tool_name": "look"},
        {"type": "tool_reference", "tool_name": "turn", **CACHED},
    ]
    tools: list[dict[str, Any]] = [
        {**LOOK, "defer_loading": True},
        {**TURN, "defer_loading": True},
        {**LOOK, "name": "ToolSearch"},
    ]
    messages = [user("x"), assistant(search), user(result(search, found), text("Tool loaded."))]
    for model in (MODEL, SIGNED):
        asked(gateway, model=model, messages=messages, tools=tools)
        body = sent(sandbox)
        (response,) = body["contents"][2]["parts"]
        assert response["functionResponse"]["response"] == {"output": ["Tool: look", "Tool: turn"]}
        declared = [each["name"] for each in body["tools"][0]["functionDeclarations"]]
        assert declared == ["look", "turn", "ToolSearch"]
    for wrong, words in (
        ({}, "tool_name: Field required"),
        ({"tool_name": 5}, "tool_name"),
        ({"foo": 1}, "foo: Extra"),
    ):
        messages[2] = user(result(search, [{**found[0], "tool_name": None, **wrong}]))
        assert f"messages.2.content.0.content.0.{words}" in refused(post(gateway, messages=messages))["message"]


def test_a_search_of_tools_that_anthropic_ran_is_left_out_of_the_history(gateway: str, sandbox: SandboxServer) -> None:
    references = [{"type": "tool_reference", "tool_name": "look"}]
    for content in (
        {"type": "tool_search_tool_search_result", "tool_references": references},
        {"type": "tool_search_tool_result_error", "error_code": "unavailable"},
    ):
        searched = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "tool_search_tool_regex", "input": {}}
        got = {"type": "tool_search_tool_result", "tool_use_id": "srvtoolu_1", "content": content}
        message(gateway, messages=[user("x"), assistant(searched, got, text("a")), user("y")], tools=[LOOK])
        assert sent(sandbox)["contents"][1]["parts"] == [{"text": "a"}]


IN_USERS = {"text", "image", "document", "search_result", "container_upload", "tool_result"}


def test_a_wrong_block_names_what_may_stand_in_its_place(gateway: str) -> None:
    call = {"type": "tool_use", "id": "a", "name": "look", "input": {}}
    inner = user({"type": "tool_result", "tool_use_id": "a", "content": [{"type": "tool_result"}]})
    cases: list[tuple[list[Any], set[str], set[str]]] = [
        ([user({"type": "video"})], IN_USERS, {"tool_use", "tool_reference"}),
        ([user({"type": "tool_use"})], IN_USERS, {"tool_use", "thinking"}),
        ([user("x"), assistant({"type": "audio"})], {"tool_use", "thinking"}, {"tool_result", "search_result"}),
        ([user("x"), assistant({"type": "tool_result"})], {"text", "image"}, {"tool_result", "container_upload"}),
        ([user("x"), assistant(call), inner], {"tool_reference", "document"}, {"tool_result", "tool_use"}),
    ]
    for messages, may, never in cases:
        told = refused(post(gateway, messages=messages))["message"]
        listed = set(re.findall("'([a-z_]+)'", told.partition("Supported")[2]))
        assert may <= listed and not never & listed, told


@pytest.mark.parametrize(
    ("body", "begins"),
    [
        ({"messages": [user([])]}, "Invalid type for 'messages.0.content.0'"),
        ({"messages": [{"role": "user", "content": 5}]}, "Invalid type for 'messages.0.content'"),
        ({"system": [5]}, "Invalid type for 'system.0'"),
        ({"tools": [None]}, "Invalid type for 'tools.0'"),
        ({"tools": [{"type": "computer_20250124", "name": "c"}]}, "tools.0.type: Unsupported tool: 'tools.0' is"),
        ({"max_tokens": 10**20}, "Invalid 'max_tokens': integer above maximum value. Expected a value <= 2147483647"),
    ],
)
def test_paths_are_told_as_anthropic_writes_them(gateway: str, body: dict[str, Any], begins: str) -> None:
    assert refused(post(gateway, **body))["message"].startswith(begins)


@pytest.mark.parametrize(
    "path", ["/anthropic/v1/messages", "/api/event_logging/batch", "/api/hello", "/v1/v1/messages"]
)
def test_a_path_that_leads_nowhere_is_told_in_anthropics_form(gateway: str, path: str) -> None:
    assert refused(post(gateway, path, {**KEY}), 404)["type"] == "not_found_error"
