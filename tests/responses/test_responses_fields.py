"""What a request's fields become, and what is refused by name, over the wire."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateways import MODEL, SandboxServer
from responses_rig import answer, events, post, refusal, sent, user

SEARCH = {"type": "web_search"}
WEATHER = {"type": "function", "name": "weather", "parameters": {"type": "object", "properties": {}}}
SERVER = {"type": "mcp", "server_label": "s", "server_url": "https://a.example/mcp", "require_approval": "never"}


def test_fields_become_generation_config_and_are_repeated(gateway: str, sandbox: SandboxServer) -> None:
    schema = {
        "type": "object",
        "properties": {"n": {"type": "integer"}},
        "required": ["n"],
        "additionalProperties": False,
    }
    form = {"type": "json_schema", "name": "count", "schema": schema, "strict": True}
    given = {
        "temperature": 0.5, "top_p": 0.9, "max_output_tokens": 300, "metadata": {"a": "b"}, "user": "u",
        "safety_identifier": "s", "prompt_cache_key": "k", "truncation": "disabled", "parallel_tool_calls": True,
    }  # fmt: skip
    nothing: dict[str, Any] = {
        "previous_response_id": None,
        "conversation": None,
        "include": [],
        "tools": [],
        "background": False,
    }
    got = answer(
        gateway, input="x", text={"format": form, "verbosity": "low"}, client_metadata={"a": 1},
        reasoning={"effort": "low", "summary": "auto"}, **given, **nothing,
    )  # fmt: skip
    config = sent(sandbox)["generationConfig"]
    assert (config["temperature"], config["topP"], config["maxOutputTokens"]) == (0.5, 0.9, 300)
    assert config["responseMimeType"] == "application/json" and config["responseJsonSchema"]["required"] == ["n"]
    assert config["thinkingConfig"] == {"thinkingBudget": 1024, "includeThoughts": True}
    assert {key: got[key] for key in given} == given
    assert got["text"]["format"]["schema"] == schema and got["reasoning"] == {"effort": "low", "summary": "auto"}
    assert json.loads(got["output"][-1]["content"][0]["text"]).keys() == {"n"}
    answer(gateway, input="x", reasoning={"effort": "low"})
    assert sent(sandbox)["generationConfig"]["thinkingConfig"] == {"thinkingBudget": 1024}


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        ({"input": "x", "store": "yes"}, "store", "invalid_type"),
        ({"input": "x", "previous_response_id": "resp_1"}, "previous_response_id", "previous_response_not_found"),
        ({"input": "x", "background": True}, "background", "unsupported_parameter"),
        ({"input": "x", "truncation": "soup"}, "truncation", "invalid_value"),
        ({"input": "x", "timeout": "soon"}, "timeout", "invalid_type"),
        ({"input": "x", "timeout": True}, "timeout", "invalid_type"),
        ({"input": "x", "timeout": 0}, "timeout", "decimal_below_min_value"),
        ({"input": "x", "timeout": 1e300}, "timeout", "decimal_above_max_value"),
        ({"input": "x", "include": ["soup"]}, "include[0]", "invalid_value"),
        ({"input": "x", "bogus": 1}, "bogus", "unknown_parameter"),
        ({"input": [{"role": "user", "content": "x", "bogus": 1}]}, "input[0].bogus", "unknown_parameter"),
        ({"input": [{"type": "soup"}]}, "input[0].type", "invalid_value"),
        ({"input": [{"type": "compaction_trigger"}]}, "input[0].type", "unsupported_parameter"),
        ({"input": [user({"type": "soup"})]}, "input[0].content[0].type", "invalid_value"),
        ({"input": [user({"text": "x"})]}, "input[0].content[0].type", "missing_required_parameter"),
        ({"input": [{"type": "message", "content": "x"}]}, "input[0].role", "missing_required_parameter"),
        ({"messages": [], "input": "x"}, "messages", "unsupported_parameter"),
        ({"input": "x", "response_format": {"type": "text"}}, "response_format", "unsupported_parameter"),
        ({}, "input", "missing_required_parameter"),
        ({"input": []}, None, None),
        ({"input": ""}, None, None),
        ({"input": 7}, "input", "invalid_type"),
        ({"input": "x", "model": None}, "model", "missing_required_parameter"),
        ({"input": "x", "temperature": 9}, "temperature", "decimal_above_max_value"),
        ({"input": "x", "max_tool_calls": 0}, "max_tool_calls", "integer_below_min_value"),
        ({"input": "x", "metadata": {str(n): "" for n in range(17)}}, "metadata", "object_above_max_properties"),
        ({"input": "x", "candidate_count": 2}, "candidate_count", None),
        ({"input": "x", "safety_identifier": "x" * 129}, "safety_identifier", "string_above_max_length"),
        ({"input": "x", "tools": [{"type": "namespace", "name": "n", "tools": []}]}, "tools[0].tools", "empty_array"),
        ({"input": "x", "tools": [{**SEARCH, "user_location": "Ulm"}]}, "tools[0].user_location", "invalid_type"),
        ({"input": "x", "tools": [{**SEARCH, "user_location": {"city": 5}}]}, "tools[0].user_location.city", None),
        ({"input": "x", "tools": [{**SERVER, "headers": {"A": 5}}]}, "tools[0].headers.A", "invalid_type"),
    ],
)
def test_what_is_wrong_is_refused_by_name(
    gateway: str, body: dict[str, Any], param: str | None, code: str | None
) -> None:
    error = refusal(gateway, **body)
    assert error["param"] == param and (code is None or error["code"] == code)


def test_ids_of_what_is_not_kept_are_not_found(gateway: str) -> None:
    assert (
        refusal(gateway, 404, input="x", conversation="conv_1")["message"] == "Conversation with id 'conv_1' not found."
    )
    assert refusal(gateway, 404, input="x", prompt={"id": "pmpt_1"})["message"] == "Prompt with id 'pmpt_1' not found."
    for item in ({"type": "item_reference", "id": "msg_1"}, {"id": "msg_1"}, {"type": None, "id": "msg_1"}):
        message = refusal(gateway, 404, input=[{"role": "user", "content": "x"}, item])["message"]
        assert message.startswith("Item with id 'msg_1' not found.")


def test_the_tokens_of_a_request_are_counted(gateway: str) -> None:
    body = {"model": MODEL, "input": "Hello", "store": False}
    for more in ({}, {"personality": "friendly"}):
        got = post(gateway, {**body, **more}, "/v1/responses/input_tokens").json()
        assert got["object"] == "response.input_tokens" and got["input_tokens"] > 0
    wrong = post(gateway, {**body, "personality": 5}, "/v1/responses/input_tokens").json()["error"]
    assert (wrong["param"], wrong["code"]) == ("personality", "invalid_type")
    assert refusal(gateway, input="x", personality="friendly")["code"] == "unknown_parameter"


@pytest.mark.parametrize(
    ("name", "meant"), [("stor", "store"), ("inputs", "input"), ("tempurature", "temperature"), ("bogus", None)]
)
def test_a_name_that_was_nearly_right_is_told(gateway: str, name: str, meant: str | None) -> None:
    told = f" Did you mean '{meant}'?" if meant else ""
    error = refusal(gateway, input="x", **{name: True})
    assert error["message"] == f"Unknown parameter: '{name}'.{told}"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ([{"type": "code_interpreter"}], [{"type": "code_interpreter", "container": {"type": "auto"}}]),
        ([{"type": "google_search"}, {"type": "url_context"}], []),
        ([SEARCH, {"type": "googleMaps"}], [SEARCH]),
        ([{**SEARCH, "user_location": None, "filters": None}], [SEARCH]),
    ],
)
def test_tools_are_repeated_as_far_as_clients_know_their_types(
    gateway: str, given: list[dict[str, Any]], shown: list[dict[str, Any]]
) -> None:
    assert answer(gateway, input="x", tools=given)["tools"] == shown
    assert all(each["response"]["tools"] == shown for each in events(gateway, input="x", tools=given)[:2])


@pytest.mark.parametrize("kind", ["web_search", "web_search_2025_08_26", "web_search_preview"])
def test_a_search_that_is_chosen_is_repeated_under_the_one_name_that_a_choice_has(gateway: str, kind: str) -> None:
    got = answer(gateway, input="x", tools=[{"type": kind}], tool_choice={"type": kind})
    assert got["tool_choice"] == {"type": "web_search_preview"} and got["tools"] == [{"type": kind}]


@pytest.mark.parametrize("model", [MODEL, "gemini-3.5-flash"])
@pytest.mark.parametrize(
    "hosted",
    [{"type": "web_search"}, {"type": "code_interpreter", "container": {"type": "auto"}}],
    ids=lambda t: t["type"],
)
def test_no_tool_is_none_of_googles_either(
    gateway: str, sandbox: SandboxServer, model: str, hosted: dict[str, Any]
) -> None:
    answer(gateway, model=model, input="x", tools=[hosted], tool_choice="none")
    assert {"tools", "toolConfig"}.isdisjoint(sent(sandbox))
    answer(gateway, model=model, input="x", tools=[hosted, WEATHER], tool_choice="none")
    body = sent(sandbox)
    assert [list(tool) for tool in body["tools"]] == [["functionDeclarations"]]
    assert body["toolConfig"] == {"functionCallingConfig": {"mode": "NONE"}}


def test_googles_tools_alone_are_allowed_beside_a_strict_function(gateway: str, sandbox: SandboxServer) -> None:
    strict = {**WEATHER, "strict": True}
    allowed = {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "web_search"}]}
    answer(gateway, input="x", tools=[strict, {"type": "web_search"}], tool_choice=allowed)
    body = sent(sandbox)
    assert body["tools"] == [{"googleSearch": {}}] and "toolConfig" not in body


OTHER = {**SERVER, "server_label": "t"}


@pytest.mark.parametrize(
    ("tools", "choice", "param", "words"),
    [
        ([SERVER], {"type": "mcp"}, "tool_choice.server_label", "Missing required parameter"),
        ([SERVER], {"type": "mcp", "server_label": "other"}, "tool_choice.server_label", "is not among the tools"),
        ([SERVER], {"type": "mcp", "server_label": "s", "name": "look"}, "tool_choice.name", "by itself"),
        ([SERVER, OTHER], {"type": "mcp", "server_label": "s"}, "tool_choice.server_label", "by itself"),
        ([{**SEARCH, "external_web_access": False}], SEARCH, "tool_choice.type", "is not among the tools"),
        ([SERVER], {"type": "computer"}, "tool_choice.type", "'web_search'"),
    ],
)  # fmt: skip
def test_a_hosted_tool_that_is_not_there_is_no_choice(
    gateway: str, tools: list[Any], choice: dict[str, Any], param: str, words: str
) -> None:
    error = refusal(gateway, input="x", tools=tools, tool_choice=choice)
    assert error["param"] == param and words in error["message"]


def test_the_only_mcp_server_is_a_choice(gateway: str) -> None:
    answer(gateway, input="x", tools=[SERVER], tool_choice={"type": "mcp", "server_label": "s", "name": None})


SPACE = {"type": "namespace", "name": "n", "description": "d"}


@pytest.mark.parametrize("tool", [WEATHER, {"type": "custom", "name": "note"}], ids=lambda tool: tool["type"])
def test_a_tool_may_say_that_its_calls_are_waited_for(gateway: str, tool: dict[str, Any]) -> None:
    for said in (False, None):
        whole = {**tool, "async": said, "defer_loading": False, "allowed_callers": ["direct"]}
        answer(gateway, input="x", tools=[whole, {**SPACE, "tools": [whole]}])
    at_once = {**tool, "async": True}
    assert refusal(gateway, input="x", tools=[at_once])["param"] == "tools[0].async"
    assert refusal(gateway, input="x", tools=[{**SPACE, "tools": [at_once]}])["param"] == "tools[0].tools[0].async"


def test_a_call_of_the_history_may_say_that_it_was_waited_for(gateway: str) -> None:
    for said in (True, False, None):
        call = {"type": "function_call", "call_id": "c", "name": "weather", "arguments": "{}", "async": said}
        answer(gateway, input=[call, {"type": "function_call_output", "call_id": "c", "output": "sun"}])


def test_a_server_of_tools_is_asked_by_its_address_alone(gateway: str) -> None:
    answer(gateway, input="x", tools=[{**SERVER, "allowed_callers": ["direct"], "tunnel_id": None}])
    for key, value in (("tunnel_id", "t"), ("connector_id", "connector_gmail"), ("allowed_callers", ["programmatic"])):
        error = refusal(gateway, input="x", tools=[{**SERVER, key: value}])
        assert (error["param"], error["code"]) == (f"tools[0].{key}", "unsupported_parameter")


@pytest.mark.parametrize("role", ["user", "developer", "system"])
def test_a_message_without_parts_is_an_empty_text(gateway: str, sandbox: SandboxServer, role: str) -> None:
    answer(gateway, input=[{"role": role, "content": []}, {"role": "user", "content": "x"}])
    body = sent(sandbox)
    where = body["contents"][0] if role == "user" else body["systemInstruction"]
    assert where["parts"] == [{"text": ""}] and body["contents"][-1]["parts"] == [{"text": "x"}]


SO_ANYWAY: tuple[tuple[str, Any, Any], ...] = (
    ("image", {"context_compression": "auto"}, {"context_compression": "enabled"}),
    ("image", {"context_compression": "disabled"}, {"context_compression": "auto", "else": 1}),
    ("background_options", {"completion_window": "soonest", "continuation_id": None}, {"completion_window": "2h"}),
    ("background_options", {}, {"continuation_id": "x"}),
    ("access_programs", {"cyber": "standard"}, {"cyber": "daybreak_red"}),
    ("context_management", [], [{"type": "compaction", "compact_threshold": 1000}]),
)


@pytest.mark.parametrize(("name", "so", "other"), SO_ANYWAY)
def test_what_is_so_anyway_may_be_said(gateway: str, name: str, so: Any, other: Any) -> None:
    answer(gateway, input="x", **{name: so})
    assert refusal(gateway, input="x", **{name: other})["param"] == name


def test_a_compaction_takes_what_is_so_anyway(gateway: str) -> None:
    body: dict[str, Any] = {"model": MODEL, "input": "x", "image": {"context_compression": "auto"}}
    assert post(gateway, body, path="/v1/responses/compact").status == 200
    body["image"] = {"context_compression": "enabled"}
    got = post(gateway, body, path="/v1/responses/compact")
    assert (got.status, got.json()["error"]["param"]) == (400, "image")


def test_a_safety_identifier_may_be_as_long_as_a_sha512(gateway: str) -> None:
    got = post(gateway, {"model": MODEL, "input": "x", "safety_identifier": "f" * 128})
    assert got.status == 200 and got.json()["safety_identifier"] == "f" * 128
    assert refusal(gateway, input="x", safety_identifier="f" * 129)["param"] == "safety_identifier"
