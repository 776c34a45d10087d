"""Parameters and tools, as Gemini gets them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateways import SandboxServer
from messages_rig import LOOK, MODEL, SIGNED, UNFILLED, assistant, message, post, refused, sent, user

SEARCH = {"type": "web_search_20260318", "name": "web_search"}


def generation(gateway: str, sandbox: SandboxServer, **body: Any) -> dict[str, Any]:
    message(gateway, **body)
    found: dict[str, Any] = sent(sandbox)["generationConfig"]
    return found


def test_sampling_and_length(gateway: str, sandbox: SandboxServer) -> None:
    got = generation(gateway, sandbox, max_tokens=100, temperature=0.5, top_p=0.9, top_k=40, stop_sequences=["a", "b"])
    assert got == {"maxOutputTokens": 100, "temperature": 0.5, "topP": 0.9, "topK": 40, "stopSequences": ["a", "b"]}
    newer = {"x-api-key": "sk-ann", "anthropic-version": "2026-10-21", "anthropic-beta": "unknown-2030-01-01,other"}
    assert post(gateway, key=newer, temperature=1.0).status == 200


@pytest.mark.parametrize(("model", "limit"), [(MODEL, 65_536), (SIGNED, 65_536)])
def test_a_limit_above_the_models_is_the_models(gateway: str, sandbox: SandboxServer, model: str, limit: int) -> None:
    assert generation(gateway, sandbox, model=model, max_tokens=128_000)["maxOutputTokens"] == limit


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"max_tokens": ...}, "max_tokens: Field required"),
        ({"messages": ...}, "messages: Field required"),
        ({"model": ...}, "model: Field required"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": "1"}, "max_tokens"),
        ({"stop_sequences": list("abcdef")}, "stop_sequences"),
        ({"temperature": 3}, "temperature"),
        ({"foo": 1}, "foo: Extra inputs are not permitted"),
        ({"output_config": {"effort": "huge"}}, "output_config.effort"),
        ({"output_config": {"format": {"type": "xml"}}}, "output_config.format.type"),
        ({"thinking": {"type": "enabled", "budget_tokens": 1}}, "thinking.budget_tokens"),
        ({"thinking": {"type": "enabled", "budget_tokens": 4000}}, "`thinking.budget_tokens`"),
        ({"thinking": {"type": "sometimes"}}, "thinking.type"),
        ({"service_tier": "gold"}, "service_tier"),
        ({"speed": "warp"}, "speed"),
        ({"timeout": "soon"}, "timeout"),
        ({"timeout": 0}, "timeout"),
        ({"tools": [{"name": "f"}]}, "tools.0.input_schema: Field required"),
        ({"tools": [{"type": "quantum_20260101", "name": "q"}]}, "tools.0.type"),
        ({"tools": [LOOK, LOOK]}, "declared twice"),
        ({"tool_choice": {"type": "any"}}, "tool_choice"),
        ({"tools": [LOOK], "tool_choice": {"type": "tool", "name": "none"}}, "tool_choice.name"),
        ({"tools": [{**LOOK, "allowed_callers": ["code_execution_20260120"]}]}, "allowed_callers"),
        ({"model": "gemini-2.5-flash-image"}, "not served"),
        ({"messages": "x"}, "messages"),
    ],
)
def test_what_is_wrong_is_named(gateway: str, body: dict[str, Any], words: str) -> None:
    got = post(gateway, **body)
    found = refused(got, 404 if "not served" in words else 400)
    assert words in found["message"].replace("[", ".").replace("]", ""), found


# ── thinking ─────────────────────────────────────────────────────────────────────────────────────

SHOWN = {"includeThoughts": True}


@pytest.mark.parametrize(
    ("model", "thinking", "effort", "config"),
    [
        (MODEL, {"type": "enabled", "budget_tokens": 2000}, None, {"thinkingBudget": 2000, **SHOWN}),
        (MODEL, {"type": "enabled", "budget_tokens": 60_000}, None, {"thinkingBudget": 24_576, **SHOWN}),
        (MODEL, {"type": "enabled", "budget_tokens": 2000, "display": "omitted"}, None, {"thinkingBudget": 2000}),
        (MODEL, {"type": "adaptive"}, None, {"thinkingBudget": -1, **SHOWN}),
        (MODEL, {"type": "adaptive"}, "low", {"thinkingBudget": 1024, **SHOWN}),
        (MODEL, {"type": "between_tools"}, None, {"thinkingBudget": -1, **SHOWN}),
        (MODEL, {"type": "disabled"}, None, {"thinkingBudget": 0}),
        (MODEL, {"type": "disabled"}, "high", {"thinkingBudget": 0}),
        (MODEL, None, "medium", {"thinkingBudget": 8192}),
        (MODEL, None, "max", {"thinkingBudget": 24_576}),
        (SIGNED, {"type": "enabled", "budget_tokens": 2000}, "high", {"thinkingBudget": 2000, **SHOWN}),
        (SIGNED, {"type": "adaptive"}, None, SHOWN),
        (SIGNED, {"type": "adaptive"}, "xhigh", {"thinkingLevel": "HIGH", **SHOWN}),
        (SIGNED, {"type": "disabled"}, None, {"thinkingLevel": "MINIMAL"}),
        (SIGNED, None, "low", {"thinkingLevel": "LOW"}),
        (UNFILLED, {"type": "disabled"}, None, {"thinkingLevel": "LOW"}),
    ],
)
def test_thinking_is_a_budget_or_a_level(
    gateway: str, sandbox: SandboxServer, model: str, thinking: Any, effort: str | None, config: dict[str, Any]
) -> None:
    more = {} if effort is None else {"output_config": {"effort": effort}}
    got = generation(gateway, sandbox, model=model, max_tokens=65_000, thinking=thinking, **more)
    assert got["thinkingConfig"] == config


# ── the form of the answer, the service ──────────────────────────────────────────────────────────

SCHEMA = {
    "type": "object",
    "properties": {"n": {"type": "integer", "exclusiveMinimum": 0, "default": 1}, "s": {"type": "string"}},
    "required": ["n"],
}


@pytest.mark.parametrize("name", ["output_config", "output_format"])
def test_a_schema_goes_as_it_is(gateway: str, sandbox: SandboxServer, name: str) -> None:
    form = {"type": "json_schema", "schema": SCHEMA}
    got = generation(gateway, sandbox, **{name: {"format": form} if name == "output_config" else form})
    assert (got["responseMimeType"], got["responseJsonSchema"]) == ("application/json", SCHEMA)


@pytest.mark.parametrize(
    ("body", "tier"),
    [
        ({"service_tier": "auto"}, None),
        ({"service_tier": "standard_only"}, "standard"),
        ({"speed": "standard"}, None),
        ({"speed": "fast"}, "priority"),
        ({"inference_geo": "global", "container": None, "mcp_servers": [], "diagnostics": {}}, None),
    ],
)
def test_the_service(gateway: str, sandbox: SandboxServer, body: dict[str, Any], tier: str | None) -> None:
    message(gateway, **body)
    assert sent(sandbox).get("serviceTier") == tier


# ── tools ────────────────────────────────────────────────────────────────────────────────────────


def test_a_function_keeps_its_schema(gateway: str, sandbox: SandboxServer) -> None:
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **SCHEMA, "additionalProperties": False}
    tool = {
        "name": "f", "description": "D", "input_schema": schema, "input_examples": [{"n": 1}], "strict": True,
        "eager_input_streaming": True, "defer_loading": False, "cache_control": {"type": "ephemeral"},
    }  # fmt: skip
    message(gateway, tools=[tool, {**LOOK, "type": "custom"}])
    body = sent(sandbox)
    one, two = body["tools"][0]["functionDeclarations"]
    assert one["parametersJsonSchema"] == schema and two["name"] == "look"
    assert one["description"] == 'D\nExamples of its input:\n{"n":1}'
    assert body["toolConfig"]["functionCallingConfig"]["mode"] == "VALIDATED"


@pytest.mark.parametrize(
    ("kind", "required", "properties"),
    [
        ("bash_20250124", None, {"command", "restart"}),
        ("text_editor_20250124", ["command", "path"],
         {"command", "path", "view_range", "file_text", "old_str", "new_str", "insert_line"}),
        ("text_editor_20250728", ["command", "path"],
         {"command", "path", "view_range", "file_text", "old_str", "new_str", "insert_line", "insert_text"}),
        ("memory_20250818", ["command"],
         {"command", "path", "view_range", "file_text", "old_str", "new_str", "insert_line", "insert_text", "old_path",
          "new_path"}),
    ],
)  # fmt: skip
def test_tools_of_the_client_are_declared_with_their_input(
    gateway: str, sandbox: SandboxServer, kind: str, required: list[str] | None, properties: set[str]
) -> None:
    asked = [user('call t({"command": "view", "path": "/memories"})')]
    got = message(gateway, messages=asked, tools=[{"type": kind, "name": "t"}])
    (declared,) = sent(sandbox)["tools"][0]["functionDeclarations"]
    schema = declared["parametersJsonSchema"]
    assert (set(schema["properties"]), schema.get("required")) == (properties, required) and declared["description"]
    assert got["stop_reason"] == "tool_use"


@pytest.mark.parametrize(
    ("tool", "name"),
    [
        (SEARCH, "googleSearch"),
        ({**SEARCH, "max_uses": 3, "response_inclusion": "full"}, "googleSearch"),
        ({"type": "web_search_20250305", "name": "web_search"}, "googleSearch"),
        ({"type": "web_fetch_20250910", "name": "web_fetch", "max_content_tokens": 5, "max_uses": 1}, "urlContext"),
        ({"type": "code_execution_20250825", "name": "code_execution"}, "codeExecution"),
    ],
)
def test_tools_that_google_runs(gateway: str, sandbox: SandboxServer, tool: dict[str, Any], name: str) -> None:
    message(gateway, tools=[tool])
    assert sent(sandbox)["tools"] == [{name: {}}]
    message(gateway, model=SIGNED, tools=[LOOK, tool])
    assert sent(sandbox)["toolConfig"]["includeServerSideToolInvocations"] is True


@pytest.mark.parametrize("key", ["allowed_domains", "blocked_domains", "user_location"])
def test_a_filter_of_a_search_is_refused_unless_it_may_be_dropped(
    gateway: str, sandbox: SandboxServer, key: str
) -> None:
    tool = {**SEARCH, key: {"type": "approximate", "city": "Ulm"} if key == "user_location" else ["a.example"]}
    assert key in refused(post(gateway, tools=[tool]))["message"]
    message(gateway, tools=[tool], drop_params=True)
    assert sent(sandbox)["tools"] == [{"googleSearch": {}}]


@pytest.mark.parametrize(
    ("choice", "config"),
    [
        ({"type": "auto"}, None),
        ({"type": "any"}, {"mode": "ANY"}),
        ({"type": "none"}, {"mode": "NONE"}),
        ({"type": "tool", "name": "look"}, {"mode": "ANY", "allowedFunctionNames": ["look"]}),
        ({"type": "any", "disable_parallel_tool_use": False}, {"mode": "ANY"}),
    ],
)
def test_the_choice_among_tools(
    gateway: str, sandbox: SandboxServer, choice: dict[str, Any], config: dict[str, Any] | None
) -> None:
    message(gateway, tools=[LOOK], tool_choice=choice)
    body = sent(sandbox)
    assert body.get("toolConfig", {}).get("functionCallingConfig") == config and body["tools"]


def test_the_only_tool_may_be_chosen_though_google_runs_it(gateway: str, sandbox: SandboxServer) -> None:
    choice = {"type": "tool", "name": "web_search"}
    message(gateway, tools=[SEARCH], tool_choice=choice)
    assert "toolConfig" not in sent(sandbox)
    refused(post(gateway, model=SIGNED, tools=[SEARCH, LOOK], tool_choice=choice))


@pytest.mark.parametrize("model", [MODEL, SIGNED])
def test_no_tool_is_none_of_googles_either(gateway: str, sandbox: SandboxServer, model: str) -> None:
    message(gateway, model=model, tools=[SEARCH], tool_choice={"type": "none"})
    assert {"tools", "toolConfig"}.isdisjoint(sent(sandbox))
    message(gateway, model=model, tools=[SEARCH, LOOK], tool_choice={"type": "none"})
    body = sent(sandbox)
    assert [list(tool) for tool in body["tools"]] == [["functionDeclarations"]]
    assert body["toolConfig"] == {"functionCallingConfig": {"mode": "NONE"}}


def test_a_thread_is_refused_so_that_the_whole_history_comes(gateway: str) -> None:
    for drop in (False, True):
        got = refused(post(gateway, thread={"type": "create"}, drop_params=drop))
        assert got["type"] == "invalid_request_error"
        assert got["details"] == {"error_code": "thread_unsupported_request", "unsupported": []}


def test_an_alias_answers_an_anthropic_name(gateway: str, sandbox: SandboxServer) -> None:
    assert message(gateway, model="claude-haiku-4-5")["model"] == "claude-haiku-4-5"
    error = refused(post(gateway, model="claude-opus-9"), 404)
    assert error["type"] == "not_found_error" and MODEL in error["message"] and "claude-haiku-4-5" in error["message"]


def test_what_the_newest_thinking_may_say(gateway: str, sandbox: SandboxServer) -> None:
    for binding in ({}, {"prefix_mismatch_behavior": "error"}, {"prefix_mismatch_behavior": "drop_block"}, None):
        thinking = {"type": "adaptive", "display": "updates", "block_binding": binding}
        assert generation(gateway, sandbox, thinking=thinking)["thinkingConfig"]["includeThoughts"] is True
    got = refused(post(gateway, thinking={"type": "adaptive", "block_binding": {"x": 1}}))
    assert got["message"] == "thinking.block_binding.x: Extra inputs are not permitted"


def system(content: Any = ..., **more: Any) -> dict[str, Any]:
    return {"role": "system", **more} | ({} if content is ... else {"content": content})


def test_a_system_message_goes_with_the_next_user_message_where_it_says_so(
    gateway: str, sandbox: SandboxServer
) -> None:
    turns = [user("one"), system("brief", clear_at="next_user_message"), assistant("1")]
    message(gateway, messages=turns)
    assert "brief" in json.dumps(sent(sandbox))
    message(gateway, messages=[*turns, user("two")])
    assert "brief" not in json.dumps(sent(sandbox))
    for clear_at in ("never", None):
        turns[1]["clear_at"] = clear_at
        message(gateway, messages=[*turns, user("two")])
        assert "brief" in json.dumps(sent(sandbox))


def test_a_system_message_may_set_the_effort_of_its_turn(gateway: str, sandbox: SandboxServer) -> None:
    def level(*messages: Any, **more: Any) -> Any:
        found = generation(gateway, sandbox, model=SIGNED, messages=list(messages), **more)
        return found.get("thinkingConfig", {}).get("thinkingLevel")

    low = system(output_config={"effort": "low"})
    assert level(user("x"), low, output_config={"effort": "high"}) == "LOW"
    assert level(user("x"), low, user("y"), output_config={"effort": "high"}) == "HIGH"
    assert level(user("x"), system("text", output_config={}), output_config={"effort": "high"}) == "HIGH"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (system(), "messages.1.content: Field required"),
        (system(output_config={}), "messages.1.content: Field required"),
        (system(output_config={"effort": "huge"}), "messages.1.output_config.effort: "),
        (system("x", output_config={"format": {}}), "messages.1.output_config.format: Extra inputs"),
        (system("x", clear_at="soon"), "messages.1.clear_at: "),
        (
            system([{"type": "tool_addition", "tool": {"type": "tool_reference", "name": "f"}}]),
            "'messages.1.content.0' is a 'tool_addition': Gemini gets all tools at once",
        ),
        (system([{"type": "thinking", "thinking": "x"}]), "messages.1.content.0.type: Invalid value: 'thinking'"),
    ],
)
def test_what_a_system_message_may_not_say_is_named(gateway: str, given: dict[str, Any], words: str) -> None:
    assert words in refused(post(gateway, messages=[user("x"), given]))["message"]
    if given.get("clear_at"):
        refused(post(gateway, messages=[{**user("x"), "clear_at": "never"}]))


def test_a_path_is_named_once_and_with_dots(gateway: str) -> None:
    got = refused(post(gateway, stop_sequences=["a", ""]))
    assert got["message"].startswith("Invalid 'stop_sequences.1': empty string.") and "[" not in got["message"]


def test_a_file_that_is_not_there_is_told_with_its_place(gateway: str) -> None:
    block = {"type": "image", "source": {"type": "file", "file_id": "file_nope"}}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": [block]}
    call = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}
    for messages, at in (
        ([user(block)], "messages.0.content.0.source.file_id"),
        ([user("x"), assistant(call), user(result)], "messages.2.content.0.content.0.source.file_id"),
    ):
        got = refused(post(gateway, messages=messages), 404)
        assert (got["type"], got["message"]) == ("not_found_error", f"{at}: No such File object: file_nope")
