"""Fields as OpenAI and its clients write them, at every door that translates them, against a Gemini that refuses
what Google refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chat_wire import PAINTING
from doors import STREAMS, Ask, Refused
from gateways import SandboxServer
from shapes import GO, NEW, OLD, called, calling, function, gemini_calls, generated, last_body, parts, result

# ── T8: Gemini's own fields win once ─────────────────────────────────────────────────────────────────────────────────


def test_nested_native_fields_in_either_spelling(ask: Ask, sandbox: SandboxServer) -> None:
    for google in ({"thinking_config": {"include_thoughts": False}}, {"thinkingConfig": {"includeThoughts": False}}):
        ask(model=NEW, messages=[GO], reasoning_effort="low", extra_body={"google": google})
        config = last_body(sandbox)["generationConfig"]
        assert config == {"thinkingConfig": {"thinkingLevel": "LOW", "includeThoughts": False}}


def test_the_tier_in_either_spelling(ask: Ask, sandbox: SandboxServer) -> None:
    for google in ({"service_tier": "priority"}, {"serviceTier": "priority"}):
        ask(model=NEW, messages=[GO], service_tier="flex", extra_body={"google": google})
        assert last_body(sandbox)["serviceTier"] == "priority"


@pytest.mark.parametrize(
    ("request_fields", "native", "expected"),
    [
        (
            {"reasoning_effort": "low"},
            {"thinking_config": {"thinking_budget": 0}},
            ("thinkingConfig", {"thinkingBudget": 0}),
        ),
        ({"max_tokens": 5}, {"generation_config": {"max_output_tokens": 7}}, ("maxOutputTokens", 7)),
        ({"stop": ["a"]}, {"stop_sequences": ["b"]}, ("stopSequences", ["b"])),
        ({"temperature": 1}, {"generationConfig": {"temperature": None}}, ("temperature", 1)),
    ],
)
def test_the_callers_value_wins(
    ask: Ask, sandbox: SandboxServer, request_fields: dict[str, Any], native: dict[str, Any], expected: tuple[str, Any]
) -> None:
    ask(model=OLD, messages=[GO], **request_fields, **native)
    config = last_body(sandbox)["generationConfig"]
    name, value = expected
    got = config[name]
    assert (got if not isinstance(value, dict) else {key: got[key] for key in value}) == value
    assert "thinkingLevel" not in json.dumps(config)


def test_a_schema_of_the_callers_own_replaces_ours(ask: Ask, sandbox: SandboxServer) -> None:
    schema = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}}
    own = {"type": "OBJECT", "properties": {"snake_case": {"type": "STRING"}}}
    ask(model=NEW, messages=[GO], response_format=schema, response_schema=own)
    config = last_body(sandbox)["generationConfig"]
    assert config == {"responseMimeType": "application/json", "responseSchema": own}


# ── S11, S12: LiteLLM's own spellings ────────────────────────────────────────────────────────────────────────────────

RECIPES = {"type": "array", "items": {"type": "object", "properties": {"name": {"type": "string"}}}}
GOOGLES = {"type": "ARRAY", "items": {"type": "STRING"}}


@pytest.mark.parametrize("kind", ["json_object", "json_schema"])
def test_a_response_schema_is_the_schema_of_the_answer(ask: Ask, sandbox: SandboxServer, kind: str) -> None:
    form = {"type": kind, "response_schema": RECIPES, "enforce_validation": True}
    choice = ask(model=NEW, messages=[GO], response_format=form)[0]
    assert isinstance(json.loads(choice["message"]["content"]), list)
    config = last_body(sandbox)["generationConfig"]
    assert config == {"responseMimeType": "application/json", "responseJsonSchema": RECIPES}


def test_a_response_schema_in_googles_words_stays_one(ask: Ask, sandbox: SandboxServer) -> None:
    choice = ask(model=NEW, messages=[GO], response_format={"type": "json_object", "response_schema": GOOGLES})[0]
    assert isinstance(json.loads(choice["message"]["content"]), list)
    assert last_body(sandbox)["generationConfig"]["responseSchema"] == GOOGLES


def test_a_response_schema_beside_functions(ask: Ask) -> None:
    form = {"type": "json_object", "response_schema": RECIPES}
    choice = ask(model=OLD, messages=[GO], tools=[function("f")], response_format=form)[0]
    assert choice["finish_reason"] in ("stop", "tool_calls")


@pytest.mark.parametrize(
    ("form", "param"),
    [
        ({"type": "text", "response_schema": RECIPES}, "response_format.response_schema"),
        ({"type": "json_object", "response_schema": "RECIPES"}, "response_format.response_schema"),
        (
            {"type": "json_schema", "response_schema": RECIPES, "json_schema": {"name": "n", "schema": RECIPES}},
            "response_format.response_schema",
        ),
    ],
)
def test_a_response_schema_where_none_belongs(ask: Ask, form: dict[str, Any], param: str) -> None:
    with pytest.raises(Refused) as refused:
        ask(model=NEW, messages=[GO], response_format=form)
    assert refused.value.error["param"] == param


@pytest.mark.parametrize(
    "form",
    [
        {"type": "json_object"},
        {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}},
        {"type": "json_object", "response_schema": {"type": "object"}},
    ],
    ids=["object", "schema", "litellm's"],
)
def test_json_from_a_model_that_makes_images_is_refused_by_name_or_dropped(
    ask: Ask, sandbox: SandboxServer, form: dict[str, Any]
) -> None:
    with pytest.raises(Refused) as refused:
        ask(model=PAINTING, messages=[GO], response_format=form)
    assert (refused.value.status, refused.value.error["param"]) == (400, "response_format")
    assert ask(model=PAINTING, messages=[GO], response_format=form, drop_params=True)[0]["message"]["content"]
    assert "responseMimeType" not in last_body(sandbox).get("generationConfig", {})
    assert ask(model=PAINTING, messages=[GO], response_format={"type": "text"})


@pytest.mark.parametrize("effort", ["disable", {"effort": "disable"}])
def test_a_disabled_effort_is_none(ask: Ask, sandbox: SandboxServer, effort: Any) -> None:
    ask(model=OLD, messages=[GO], reasoning_effort=effort)
    assert last_body(sandbox)["generationConfig"] == {"thinkingConfig": {"thinkingBudget": 0}}
    with pytest.raises(Refused) as refused:
        ask(model=NEW, messages=[GO], reasoning_effort=effort)
    assert refused.value.error["param"] == "reasoning_effort"


# ── T10: null is absent ──────────────────────────────────────────────────────────────────────────────────────────────

NULLS: list[dict[str, Any]] = [
    {"messages": [{**GO, "tool_calls": None, "function_call": None, "refusal": None, "audio": None, "x": None}]},
    {"messages": [{"role": "system", "content": "S", "tool_call_id": None}, GO]},
    {"messages": [{"role": "user", "content": [{"type": "text", "text": "x", "image_url": None, "file": None}]}]},
    {
        "messages": [
            GO,
            {**calling({**called("f"), "index": None, "custom": None}), "x": None},
            {**result("1"), "tool_calls": None, "x": None},
        ]
    },
    {"tools": [{**function("f", parameters=None, strict=None, x=None), "custom": None}]},
    {"tools": [function("f", parameters={"type": "object", "description": None, "properties": {"a": {"enum": None}}})]},
    {"tools": [function("f"), {"googleSearch": {"x": None}, "codeExecution": None, "type": None}]},
    {"response_format": {"type": "text", "json_schema": None, "x": None}},
    {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}, "x": None}}},
    {"stop": None, "google": {"thinking_config": None}, "generation_config": {"temperature": None, "x": None}},
    {"messages": [GO, {"role": "assistant", "content": "a", "extra_content": {"google": None}, "images": None}, GO]},
    {"messages": [GO, {**calling({**called("f"), "type": None}), "content": None}, result("1")]},
    {"reasoning_effort": {"effort": None, "summary": None}},
]


@pytest.mark.parametrize("place", range(len(NULLS)))
def test_null_counts_as_absent(ask: Ask, place: int) -> None:
    choice = ask(**{"model": NEW, "messages": [GO], **NULLS[place]})[0]
    assert choice["finish_reason"] == "stop"


def test_what_is_not_null_is_still_unknown(ask: Ask) -> None:
    with pytest.raises(Refused) as refused:
        ask(model=NEW, messages=[{**GO, "tool_calls": []}])
    assert refused.value.error["param"] == "messages[0].tool_calls"


# ── T11: reasons that lie in no content ──────────────────────────────────────────────────────────────────────────────

BROKEN = ("MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS")


def broken(reason: str, *said: dict[str, Any]) -> dict[str, Any]:
    return {"response": {"candidates": [{**parts(*said, finish=reason), "finishMessage": "Malformed: f("}]}}


@pytest.mark.parametrize("reason", BROKEN)
@pytest.mark.parametrize("said", [[], [{"text": "Let me"}]])
def test_a_broken_answer_is_asked_for_once_more(
    ask: Ask, sandbox: SandboxServer, reason: str, said: list[dict[str, Any]]
) -> None:
    before = generated(sandbox)
    sandbox.control("scripts", broken(reason, *said))
    sandbox.control("scripts", {"response": {"candidates": [parts(*gemini_calls("f"))]}})
    choice = ask(model=NEW, messages=[GO], tools=[function("f")])[0]
    assert choice["finish_reason"] == "tool_calls" and not choice["message"]["content"]
    assert generated(sandbox) == before + 2


def test_a_second_broken_answer_is_an_error_that_may_be_tried_again(ask: Ask, sandbox: SandboxServer) -> None:
    before = generated(sandbox)
    for _ in range(3):
        sandbox.control("scripts", broken("MALFORMED_FUNCTION_CALL"))
    with pytest.raises(Refused) as refused:
        ask(model=NEW, messages=[GO], tools=[function("f")])
    assert refused.value.status == 502 and refused.value.error["code"] == "upstream_answer_broken"
    assert "MALFORMED_FUNCTION_CALL" in refused.value.error["message"]
    assert generated(sandbox) == before + 2


@pytest.mark.parametrize("ask", STREAMS, indirect=True)
def test_a_break_behind_what_was_sent_is_told_in_the_stream(ask: Ask, sandbox: SandboxServer) -> None:
    before = generated(sandbox)
    begun = {"candidates": [{"content": {"role": "model", "parts": [{"text": "Let me"}]}, "index": 0}]}
    sandbox.control("scripts", {"chunks": [begun, broken("MALFORMED_FUNCTION_CALL")["response"]], "delays": [0, 0.3]})
    with pytest.raises(Refused) as refused:
        ask(model=NEW, messages=[GO], tools=[function("f")])
    assert refused.value.status is None and refused.value.chunks
    assert generated(sandbox) == before + 1


# ── D5, ids ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_whole_numbers_in_either_spelling(ask: Ask, sandbox: SandboxServer) -> None:
    numbers = {"n": 2.0, "seed": 5.0, "max_tokens": 20.0, "top_k": 20.0, "top_logprobs": 2.0, "logprobs": True}
    ask(model=OLD, messages=[GO], **numbers)
    config = last_body(sandbox)["generationConfig"]
    assert config["candidateCount"] == 2 and config["seed"] == 5 and config["topK"] == 20 and config["logprobs"] == 2
    ask(model=OLD, messages=[GO], max_completion_tokens=9.0, thinking={"type": "enabled", "budget_tokens": 128.0})
    config = last_body(sandbox)["generationConfig"]
    assert config["maxOutputTokens"] == 9 and config["thinkingConfig"]["thinkingBudget"] == 128
    with pytest.raises(Refused) as refused:
        ask(model=OLD, messages=[GO], n=1.5)
    assert refused.value.error["param"] == "n"


def test_calls_without_ids(ask: Ask, sandbox: SandboxServer) -> None:
    """Google's own OpenAI layer gives "" (docs/protocol/gemini.md, "Google's OpenAI layer")."""
    history = [
        GO,
        calling(called("f", "{}", ""), called("g", "{}", "")),
        {**result("2", ""), "name": "g"},
        result("1", ""),
    ]
    for model in (OLD, NEW):
        ask(model=model, messages=history, tools=[function("f"), function("g")])
        responses = [part["functionResponse"] for part in last_body(sandbox)["contents"][2]["parts"]]
        assert [(each["name"], each["response"]) for each in responses] == [
            ("f", {"output": "1"}),
            ("g", {"output": "2"}),
        ]
        assert all("id" not in each for each in responses)
    with pytest.raises(Refused):
        ask(model=OLD, messages=[*history, result("3", "")])


# ── D1: metadata that a stream brings in pieces ──────────────────────────────────────────────────────────────────────


def said(text: str, finish: str | None = None, **metadata: Any) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": [{"text": text}]}, "index": 0, **metadata}
    return {"candidates": [candidate if finish is None else {**candidate, "finishReason": finish}]}


def cited(*spans: tuple[int, int, str], name: str = "citationSources") -> dict[str, Any]:
    return {"citationMetadata": {name: [{"startIndex": a, "endIndex": b, "uri": uri} for a, b, uri in spans]}}


A, B = (0, 3, "https://a.example/1"), (4, 7, "https://b.example/2")
IN_PIECES = {
    "each its own": [cited(A), cited(B)],
    "the first again": [cited(A), cited(A, B)],
    "the last event without": [cited(A, B), {}],
    "both at the end": [{}, cited(A, B)],
    "by the other name": [cited(A, name="citations"), cited(B, name="citations")],
}


@pytest.mark.parametrize("ask", STREAMS, indirect=True)
@pytest.mark.parametrize("pieces", IN_PIECES)
def test_citations_of_a_stream(ask: Ask, sandbox: SandboxServer, pieces: str) -> None:
    first, last = IN_PIECES[pieces]
    sandbox.control("scripts", {"chunks": [said("one ", **first), said("two", "STOP", **last)]})
    message = ask(model=OLD, messages=[GO])[0]["message"]
    found = [each["url_citation"] for each in message["annotations"]]
    assert [(each["start_index"], each["end_index"], each["url"]) for each in found] == [A, B]
    kept = message["extra_content"]["google"]["citation_metadata"]
    assert [len(each) for each in kept.values()] == [2]


def grounded(sources: str, *supports: tuple[int, int, list[int]]) -> dict[str, Any]:
    chunks = [{"web": {"uri": f"https://{each}.example", "title": each}} for each in sources]
    segments = [{"segment": {"startIndex": a, "endIndex": b}, "groundingChunkIndices": at} for a, b, at in supports]
    return {"groundingMetadata": {"groundingChunks": chunks, "groundingSupports": segments, "webSearchQueries": ["q"]}}


GROUNDED = {
    "each its own": [grounded("a", (0, 3, [0])), grounded("b", (4, 7, [0]))],
    "all so far": [grounded("a", (0, 3, [0])), grounded("ab", (0, 3, [0]), (4, 7, [1]))],
    "a source again": [grounded("ab", (0, 3, [0])), grounded("b", (4, 7, [0]))],
    "supports alone": [grounded("ab"), grounded("", (0, 3, [0]), (4, 7, [1]))],
    "at once": [{}, grounded("ab", (0, 3, [0]), (4, 7, [1]))],
}


@pytest.mark.parametrize("ask", STREAMS, indirect=True)
@pytest.mark.parametrize("pieces", GROUNDED)
def test_grounding_of_a_stream(ask: Ask, sandbox: SandboxServer, pieces: str) -> None:
    first, last = GROUNDED[pieces]
    sandbox.control("scripts", {"chunks": [said("one ", **first), said("two", "STOP", **last)]})
    message = ask(model=OLD, messages=[GO])[0]["message"]
    found = [each["url_citation"] for each in message["annotations"]]
    assert [(each["start_index"], each["url"]) for each in found] == [
        (0, "https://a.example"),
        (4, "https://b.example"),
    ]
    assert message["extra_content"]["google"]["grounding_metadata"]["webSearchQueries"] == ["q"]


@pytest.mark.parametrize("ask", STREAMS, indirect=True)
def test_read_urls_of_a_stream(ask: Ask, sandbox: SandboxServer) -> None:
    urls = [{"retrievedUrl": f"https://{each}.example", "urlRetrievalStatus": "OK"} for each in "ab"]
    pieces: list[dict[str, Any]] = [{"urlContextMetadata": {"urlMetadata": [url]}} for url in urls]
    sandbox.control("scripts", {"chunks": [said("x", **pieces[0]), said("y", "STOP", **pieces[1])]})
    message = ask(model=OLD, messages=[GO])[0]["message"]
    assert message["extra_content"]["google"]["url_context_metadata"] == {"urlMetadata": urls}


@pytest.mark.parametrize("model", ["gemma-3-27b-it", "gemini-2.5-flash-image"])
@pytest.mark.parametrize("kind", ["json_object", "json_schema"])
def test_json_output_of_models_without_it(ask: Ask, sandbox: SandboxServer, model: str, kind: str) -> None:
    form = {"type": kind, "json_schema": {"name": "n", "schema": {"type": "object"}}}
    asked = {"model": model, "messages": [GO], "response_format": form if kind == "json_schema" else {"type": kind}}
    with pytest.raises(Refused) as refused:
        ask(**asked)
    assert (refused.value.status, refused.value.error["param"]) == (400, "response_format")
    ask(**asked, drop_params=True)
    assert "responseMimeType" not in last_body(sandbox).get("generationConfig", {})


@pytest.mark.parametrize("guess", ["def f(): pass", [{"type": "text", "text": "def f(): pass"}]])
def test_a_guess_at_the_answer_changes_nothing(ask: Ask, sandbox: SandboxServer, guess: Any) -> None:
    """Editors send the text that is to be changed, with each edit."""
    ask(model=NEW, messages=[GO], prediction={"type": "content", "content": guess})
    sent = last_body(sandbox)
    ask(model=NEW, messages=[GO])
    assert last_body(sandbox) == sent
