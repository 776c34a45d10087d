"""Mutated Messages requests and Gemini answers: nothing comes out but a translation or one of our typed errors."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from answer_examples import ANSWER_EXAMPLES
from evidence import RECORDINGS
from liftgate.ask.builder import Ask
from liftgate.ask.media import ResolvedFile
from liftgate.ask.model_facts import FAMILIES, NEWEST
from liftgate.dialects.messages.dialect import COUNTED, MESSAGES
from liftgate.dialects.messages.errors import ANTHROPIC
from liftgate.errors import (
    LiftgateError,
    RequestError,
    UpstreamAnswerBroken,
    UpstreamDisconnected,
    UpstreamProtocolError,
)
from messages_rig import check_message, without_ids
from messages_translated import asked, built_of, own_seal, read, streamed, whole
from mutating import Dice, mutated
from translate_exchanges import exchanges

FACTS = [family.facts for family in FAMILIES] + [NEWEST]
KEYS = [
    "type", "text", "content", "role", "id", "name", "source", "input", "signature", "thinking", "tool_use_id", "data",
    "file_id", "url", "media_type", "citations", "cache_control", "title", "is_error", "drop_params",
    "encrypted_content",
    "parts", "functionCall", "thoughtSignature", "groundingMetadata", "toolCall", "executableCode", "finishReason",
]  # fmt: skip
SIGNED = whole(
    read(asked(tools=[{"name": "f", "input_schema": {}}], thinking={"type": "adaptive"})),
    [
        {
            "candidates": [
                {
                    "content": {"parts": [{"functionCall": {"name": "f"}, "thoughtSignature": "c2ln"}]},
                    "finishReason": "STOP",
                }
            ]
        }
    ],
)["content"]


def source(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": kind, "source": fields}


PNG = "iVBORw0KGgoAAAANSUhEUg=="
USER: list[dict[str, Any]] = [
    {"type": "text", "text": "x", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
    source("image", type="base64", media_type="image/png", data=PNG),
    source("image", type="url", url="https://a.example/x.png"),
    source("document", type="file", file_id="file-" + "a" * 24),
    {**source("document", type="text", media_type="text/plain", data="x"), "title": "t", "context": "c"},
    source(
        "document", type="content", content=[{"type": "text", "text": "x"}, source("image", type="file", file_id="f")]
    ),
    {"type": "search_result", "source": "s", "title": "t", "content": [{"type": "text", "text": "x"}]},
    {"type": "container_upload", "file_id": "file-" + "a" * 24},
]
MODEL_TURN: list[dict[str, Any]] = [
    {"type": "redacted_thinking", "data": "x"},
    {"type": "text", "text": "x", "citations": None},
    {"type": "server_tool_use", "id": "srvtoolu_1", "name": "code_execution", "input": {"code": "print(1)"}},
    {
        "type": "code_execution_tool_result",
        "tool_use_id": "srvtoolu_1",
        "content": {"type": "code_execution_result", "stdout": "1", "stderr": "", "return_code": 0, "content": []},
    },
    {"type": "server_tool_use", "id": "srvtoolu_2", "name": "web_search", "input": {"query": "x"}},
    {
        "type": "web_search_tool_result",
        "tool_use_id": "srvtoolu_2",
        "content": [{"type": "web_search_result", "url": "u", "title": "t", "encrypted_content": "e"}],
    },
    *SIGNED,
    {"type": "tool_use", "id": "toolu_9", "name": "g", "input": {"a": 1}},
]
RESULTS: list[dict[str, Any]] = [
    {"type": "tool_result", "tool_use_id": SIGNED[-1]["id"], "content": [USER[0], USER[3]], "is_error": True},
    {"type": "tool_result", "tool_use_id": "toolu_9"},
    {"type": "text", "text": "x"},
]
TOOLS: list[dict[str, Any]] = [
    {
        "name": "f",
        "description": "d",
        "input_schema": {"type": "object", "properties": {"a": {"const": 1}}},
        "strict": False,
    },
    {"type": "custom", "name": "g", "input_schema": {"type": "object"}, "input_examples": [{"a": 1}]},
    {"type": "web_search_20250305", "name": "web_search", "max_uses": 1},
    {"type": "web_fetch_20250910", "name": "web_fetch"},
    {"type": "code_execution_20250522", "name": "code_execution"},
    {"type": "bash_20250124", "name": "bash"},
    {"type": "text_editor_20250728", "name": "str_replace_based_edit_tool", "max_characters": 10},
    {"type": "memory_20250818", "name": "memory"},
]
FIELDS: dict[str, Any] = {
    "system": [{"type": "text", "text": "x"}],
    "thinking": {"type": "enabled", "budget_tokens": 1024, "display": "omitted"},
    "output_config": {"effort": "low", "format": {"type": "json_schema", "schema": {"type": "object"}}},
    "tool_choice": {"type": "tool", "name": "f"},
    "stop_sequences": ["x"],
    "temperature": 1,
    "top_p": 0.5,
    "top_k": 1,
    "metadata": {"user_id": "x"},
    "service_tier": "standard_only",
    "speed": "fast",
    "context_management": {"edits": []},
    "inference_geo": "global",
    "safety_settings": [],
    "additional_drop_params": ["tools[*].strict"],
}
REQUESTS: list[dict[str, Any]] = [
    asked(),
    asked(messages=[{"role": "user", "content": USER[:7]}]),
    asked(messages=[{"role": "user", "content": USER}], tools=TOOLS),
    asked(
        messages=[
            {"role": "user", "content": "x"},
            {"role": "assistant", "content": MODEL_TURN},
            {"role": "user", "content": RESULTS},
            {"role": "system", "content": "x"},
            {"role": "assistant", "content": "x"},
        ],
        tools=TOOLS,
    ),
    asked(tools=TOOLS, **FIELDS),
    *(asked(**{name: value}) for name, value in FIELDS.items() if name != "tool_choice"),
]


def answers() -> list[list[dict[str, Any]]]:
    found = [[example.reply] for example in ANSWER_EXAMPLES]
    found += [exchange.replies for exchange in exchanges()] if RECORDINGS.is_dir() else []
    return [replies for replies in found if len(msgspec.json.encode(replies)) < 20_000]


def request_case(request: dict[str, Any], dice: Dice) -> bool:
    """True when it was translated."""
    facts, drop = dice.one(FACTS), dice.below(2) == 0
    dialect = COUNTED if dice.below(4) == 0 else MESSAGES
    try:
        found = dialect.media(request, inline_limit=dice.one([0, 10**9]))
        files = {need.param: ResolvedFile("audio/wav", uri="u") for need in found.needs}
        signatures = dict.fromkeys(dialect.call_ids(request), "c2ln")
        question = dialect.read(
            request, Ask(facts, files, signatures, found.read if dice.below(2) else {}, drop, seal=own_seal)
        )
    except RequestError as error:
        told = ANTHROPIC.error(error)
        assert told.status in (400, 404) and 0 < len(told.body["error"]["message"]) < 3000
        return False
    msgspec.json.encode(question.body)
    assert isinstance(question.body["contents"], list) and question.body["contents"]
    assert all(content["parts"] for content in question.body["contents"])
    return True


def answer_case(replies: list[Any], dice: Dice) -> bool:
    thinking = {"thinking": {"type": "adaptive"}} if dice.below(2) else {}
    question = read(asked(tools=[{"name": "f", "input_schema": {}}], **thinking))
    try:
        found = whole(question, replies)
    except (UpstreamProtocolError, UpstreamDisconnected, UpstreamAnswerBroken) as error:
        assert error.message
        return False
    check_message(found)
    assert without_ids(built_of(streamed(question, replies))) == without_ids(found)
    return True


def requests_run(cases: range) -> None:
    done = 0
    for number in cases:
        dice = Dice(f"message {number}")
        mutant = mutated(dice.one(REQUESTS), dice, KEYS)
        try:
            done += request_case(mutant, dice)
        except LiftgateError as error:
            pytest.fail(f"case {number}: {error!r}")
    assert done > len(cases) // 20, "most mutants must not be refused for one and the same reason"


def answers_run(cases: range) -> None:
    seeds = answers()
    done = 0
    for number in cases:
        dice = Dice(f"answer {number}")
        done += answer_case(mutated(dice.one(seeds), dice, KEYS), dice)
    assert done > len(cases) // 20


@pytest.mark.parametrize("request_", REQUESTS)
def test_what_is_mutated_is_translated_as_it_is(request_: dict[str, Any]) -> None:
    needed = MESSAGES.media(request_, inline_limit=10**6).needs
    files = {each.param: ResolvedFile("image/png", uri="u") for each in needed}
    assert read(request_, files=files).body["contents"]


def test_mutated_requests_give_bodies_or_typed_errors() -> None:
    requests_run(range(2000))


def test_mutated_answers_give_valid_messages_or_typed_errors() -> None:
    answers_run(range(1000))


@pytest.mark.full
def test_hundred_thousand_mutated_requests() -> None:
    requests_run(range(2000, 102_000))


@pytest.mark.full
def test_hundred_thousand_mutated_answers() -> None:
    answers_run(range(1000, 101_000))
