"""Parameters of a deployment hold where a request leaves them open, whichever API it is of."""

from __future__ import annotations

from typing import Any

import pytest

from asking import translate_chat
from liftgate.ask import generation, tools
from liftgate.ask.body import Conversation, finish
from liftgate.ask.builder import Ask, Reader
from liftgate.ask.model_facts import facts_for
from liftgate.ask.question import Question
from liftgate.ask.tool_choice import choose
from liftgate.dialects.chat.fields import REQUEST
from liftgate.dialects.chat.request import read_defaults
from liftgate.errors import InvalidRequest
from liftgate.settings.litellm_tables import DEFAULTS

HI = [{"role": "user", "content": "Hi"}]
SEARCH: list[dict[str, Any]] = [{"googleSearch": {}}]
SAFE = [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]


def chat(request: dict[str, Any], defaults: dict[str, Any], model: str = "gemini-2.5-flash") -> dict[str, Any]:
    found = translate_chat(
        {"messages": HI, **request}, facts=facts_for(model), files={}, signatures={}, defaults=defaults
    )
    body = dict(found.body)
    body.pop("contents")
    return body


READERS: dict[str, Reader] = {
    "max_output_tokens": generation.read_token_limit,
    "stop_sequences": generation.read_stop,
    "warmth": generation.read_temperature,
}


def toy(request: dict[str, Any], defaults: dict[str, Any], model: str = "gemini-2.5-flash") -> dict[str, Any]:
    """An API of three parameters, `tools` of names, and `must_call`."""
    ask = Ask(facts_for(model), defaults=defaults, default_reader=read_defaults)
    talk = Conversation(ask)
    talk.add_user([{"text": "Hi"}])
    talk.finish()
    for index, name in enumerate(request.get("tools", [])):
        tools.declare(ask, {"name": name}, f"tools[{index}]", schema="input")
    if "effort" in request:
        generation.think_with_effort(ask, request["effort"], "effort")
    for name, value in request.items():
        if name in READERS:
            READERS[name](ask, value, name)
    if "must_call" in request:
        ask.given.add("tool_choice")
    ask.read_defaults()
    if "must_call" in request:
        choose(ask, "ANY" if request["must_call"] else "NONE", "must_call")
    body = dict(finish(ask, Question).body)
    body.pop("contents")
    return body


@pytest.mark.parametrize(
    ("request_body", "defaults", "expected"),
    [
        ({}, {"temperature": 0.3, "max_tokens": 7}, {"generationConfig": {"temperature": 0.3, "maxOutputTokens": 7}}),
        ({"temperature": 1}, {"temperature": 0.3}, {"generationConfig": {"temperature": 1}}),
        ({"temperature": None}, {"temperature": 0.3}, {"generationConfig": {"temperature": 0.3}}),
        ({"max_completion_tokens": 5}, {"max_tokens": 7}, {"generationConfig": {"maxOutputTokens": 5}}),
        ({"max_tokens": 5}, {"max_completion_tokens": 7}, {"generationConfig": {"maxOutputTokens": 5}}),
        ({"extra_body": {"temperature": 1}}, {"temperature": 0.3}, {"generationConfig": {"temperature": 1}}),
        ({}, {"extra_body": {"top_k": 3}}, {"generationConfig": {"topK": 3}}),
        (
            {"extra_body": {"top_k": 4}},
            {"extra_body": {"top_k": 3, "seed": 1}},
            {"generationConfig": {"topK": 4, "seed": 1}},
        ),
        ({"top_k": 4}, {"extra_body": {"top_k": 3}}, {"generationConfig": {"topK": 4}}),
        ({"safetySettings": SAFE}, {"safety_settings": []}, {"safetySettings": SAFE}),
        (
            {"temperature": 1},
            {"generation_config": {"temperature": 0, "topP": 0.5}},
            {"generationConfig": {"temperature": 1, "topP": 0.5}},
        ),
        ({"logprobs": True}, {"top_logprobs": 2}, {"generationConfig": {"responseLogprobs": True, "logprobs": 2}}),
        (
            {"seed": 4, "stop": "x"},
            {"additional_drop_params": ["seed"]},
            {"generationConfig": {"stopSequences": ["x"]}},
        ),
        ({"additional_drop_params": ["seed"]}, {"seed": 4, "top_p": 1}, {"generationConfig": {"topP": 1}}),
        ({}, {"tools": SEARCH}, {"tools": SEARCH}),
        ({"tools": []}, {"tools": SEARCH}, {}),
        ({"n": 1}, {"n": 2}, {}),
        ({"response_format": {"type": "text"}}, {"response_format": {"type": "json_object"}}, {}),
    ],
)
def test_a_chat_request_wins_over_the_deployments_defaults(
    request_body: dict[str, Any], defaults: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert chat(request_body, defaults) == expected


@pytest.mark.parametrize(
    ("request_body", "defaults", "expected"),
    [
        ({}, {"temperature": 0.3, "max_tokens": 7}, {"generationConfig": {"temperature": 0.3, "maxOutputTokens": 7}}),
        ({"warmth": 1}, {"temperature": 0.3, "seed": 2}, {"generationConfig": {"temperature": 1, "seed": 2}}),
        ({"max_output_tokens": 5}, {"max_completion_tokens": 7}, {"generationConfig": {"maxOutputTokens": 5}}),
        ({"stop_sequences": ["a"]}, {"stop": "b"}, {"generationConfig": {"stopSequences": ["a"]}}),
        (
            {"effort": "none"},
            {"reasoning_effort": "low"},
            {"generationConfig": {"thinkingConfig": {"thinkingBudget": 0}}},
        ),
        (
            {"effort": "none"},
            {"thinking": {"type": "enabled"}},
            {"generationConfig": {"thinkingConfig": {"thinkingBudget": 0}}},
        ),
        (
            {"warmth": 1},
            {"generation_config": {"temperature": 0, "topP": 0.5}},
            {"generationConfig": {"temperature": 1, "topP": 0.5}},
        ),
        ({}, {"extra_body": {"safety_settings": SAFE}}, {"safetySettings": SAFE}),
        ({}, {"tools": SEARCH}, {"tools": SEARCH}),
        ({"tools": ["f"]}, {"tools": SEARCH}, {"tools": [{"functionDeclarations": [{"name": "f"}]}]}),
        (
            {"must_call": True},
            {"tools": [{"type": "function", "function": {"name": "g"}}], "tool_choice": "none"},
            {
                "tools": [{"functionDeclarations": [{"name": "g"}]}],
                "toolConfig": {"functionCallingConfig": {"mode": "ANY"}},
            },
        ),
    ],
)
def test_defaults_hold_for_an_api_that_knows_none_of_their_names(
    request_body: dict[str, Any], defaults: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert toy(request_body, defaults) == expected


@pytest.mark.parametrize(
    ("request_body", "param"),
    [
        ({"max_output_tokens": 0}, "max_output_tokens"),
        ({"stop_sequences": ["a", ""]}, "stop_sequences[1]"),
        ({"warmth": "hot"}, "warmth"),
        ({"effort": "xhigh"}, "effort"),
        ({"must_call": True}, "must_call"),
        ({"tools": ["a b"]}, "tools[0].name"),
    ],
)
def test_errors_name_the_callers_own_parameter(request_body: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as error:
        toy(request_body, {}, "gemini-3-flash-preview")
    assert error.value.param == param
    assert param in error.value.message


@pytest.mark.parametrize("name", sorted(DEFAULTS))
def test_every_default_that_the_settings_take_is_a_parameter_of_chat(name: str) -> None:
    fields = {row.field for row in REQUEST if row.fate == "mapped"}
    assert name in fields | {"generation_config", "labels", "safety_settings", "tool_config"}
