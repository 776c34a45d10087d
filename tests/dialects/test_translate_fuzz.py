"""Mutated requests and answers: nothing comes out but a translation or one of our typed errors, raised where the fault
was seen. There is no catch-all in the translator that could hide another exception; this test has none either.
"""

from __future__ import annotations

import itertools
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from answer_examples import ANSWER_EXAMPLES
from asking import translate_chat
from evidence import RECORDINGS
from gemini_normal_form import normal_request
from liftgate.answer.choice import Head
from liftgate.answer.counts import read_total
from liftgate.answer.fold import AnswerFold
from liftgate.ask.json_call import JsonCall
from liftgate.ask.media import ResolvedFile
from liftgate.ask.model_facts import FAMILIES, NEWEST
from liftgate.dialects.chat.answer_table import ANSWER
from liftgate.dialects.chat.chunks import ChunkEncoder
from liftgate.dialects.chat.completion import completion
from liftgate.dialects.chat.media import find_media
from liftgate.dialects.chat.question import ChatQuestion
from liftgate.dialects.chat.request import DEPENDENT, READERS, tool_call_ids
from liftgate.errors import (
    LiftgateError,
    RequestError,
    UpstreamAnswerBroken,
    UpstreamDisconnected,
    UpstreamProtocolError,
)
from mutating import Dice, mutated
from openai_schema import errors
from translate_exchanges import Inexpressible, exchanges, said_in_openai
from wire_examples import EXAMPLES, HI

FACTS = [family.facts for family in FAMILIES] + [NEWEST]
KEYS = [
    "type", "text", "content", "role", "id", "name", "parts", "index", "google", "thoughtSignature", "functionCall",
    "inlineData", "format", "extra_content", "tool_calls", "additional_drop_params", "drop_params", "generation_config",
]  # fmt: skip


def _requests() -> list[dict[str, Any]]:
    found = [{"model": "m", "messages": HI, **example.request} for example in EXAMPLES]
    for exchange in exchanges() if RECORDINGS.is_dir() else []:
        try:
            said = said_in_openai(normal_request(exchange.request), exchange.model, stream=exchange.streamed)
        except Inexpressible:
            continue
        if len(msgspec.json.encode(said.request)) < 20_000:
            found.append(said.request)
    return found


def _answers() -> list[list[dict[str, Any]]]:
    found = [[example.reply] for example in ANSWER_EXAMPLES]
    found += [exchange.replies for exchange in exchanges()] if RECORDINGS.is_dir() else []
    return [replies for replies in found if len(msgspec.json.encode(replies)) < 20_000]


def _request_case(request: dict[str, Any], dice: Dice) -> bool:
    """True when it was translated."""
    facts, drop = dice.one(FACTS), dice.below(2) == 0
    try:
        needs = find_media(request, inline_limit=dice.one([0, 10**9])).needs
        files = {need.param: ResolvedFile("audio/wav", uri="u") for need in needs}
        signatures = dict.fromkeys(tool_call_ids(request), "c2ln")
        translation = translate_chat(request, facts=facts, files=files, signatures=signatures, drop_params=drop)
    except RequestError as error:
        assert error.message and error.http_status in (400, 404)
        assert len(error.message) < 3000
        return False
    msgspec.json.encode(translation.body)
    assert isinstance(translation.body["contents"], list) and translation.body["contents"]
    return True


def _answer_case(replies: list[Any], dice: Dice, *, check: bool) -> bool:
    numbers = itertools.count()
    question = ChatQuestion(
        body={},
        stream=dice.below(2) == 0,
        include_usage=True,
        legacy_functions=dice.below(4) == 0,
        mcp=dice.below(4) == 0,
        custom_tools=frozenset({"f"} if dice.below(4) == 0 else ()),
        one_call=dice.below(4) == 0,
        client_names={"f": "21st"} if dice.below(4) == 0 else {},
        json_call=JsonCall("f", "a") if dice.below(4) == 0 else None,
    )
    fold = AnswerFold(Head("c", "m", 1), question, new_call_id=lambda: f"call_{next(numbers)}")  # fmt: skip
    encoder = ChunkEncoder()
    encoder.begin(fold.answer)
    try:
        for reply in replies:
            encoder.encode(fold.feed(reply))
        encoder.encode(fold.end())
    except (UpstreamProtocolError, UpstreamDisconnected, UpstreamAnswerBroken) as error:
        assert error.message
        return False
    answer = completion(fold.answer)
    msgspec.json.encode(answer)
    usage = answer["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    if check:
        assert errors("CreateChatCompletionResponse", answer) == []
    return True


def _requests_run(cases: range) -> None:
    seeds = _requests()
    done = 0
    for number in cases:
        dice = Dice(f"request {number}")
        mutant = mutated(dice.one(seeds), dice, KEYS)
        try:
            done += _request_case(mutant, dice)
        except LiftgateError as error:
            pytest.fail(f"case {number}: {error!r}")
    assert done > len(cases) // 20, "most mutants must not be refused for one and the same reason"


def _answers_run(cases: range) -> None:
    seeds = _answers()
    done = 0
    for number in cases:
        dice = Dice(f"answer {number}")
        done += _answer_case(mutated(dice.one(seeds), dice, KEYS), dice, check=number % 20 == 0)
    assert done > len(cases) // 20


def test_mutated_requests_give_bodies_or_typed_errors() -> None:
    _requests_run(range(3000))


def test_mutated_answers_give_completions_or_typed_errors() -> None:
    _answers_run(range(3000))


@pytest.mark.full
def test_hundred_thousand_mutated_requests() -> None:
    _requests_run(range(3000, 103_000))


@pytest.mark.full
def test_hundred_thousand_mutated_answers() -> None:
    _answers_run(range(3000, 103_000))


_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=8)
    | st.sampled_from(KEYS),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(deadline=None, max_examples=300, derandomize=True)
@given(st.sampled_from(sorted({*READERS, *DEPENDENT})), _json)
def test_any_json_as_a_parameter_gives_a_body_or_a_typed_error(name: str, value: Any) -> None:
    _request_case({"messages": HI, name: value}, Dice(name))


@settings(deadline=None, max_examples=300, derandomize=True)
@given(st.sampled_from(["role", "content", "tool_calls", "function_call", "extra_content", "images", "audio"]), _json)
def test_any_json_in_an_assistant_message_gives_a_body_or_a_typed_error(name: str, value: Any) -> None:
    _request_case({"messages": [*HI, {"role": "assistant", "content": "x", name: value}]}, Dice(name))


_FIELDS = sorted({row.field.rsplit(".", 1)[1] for row in ANSWER})


@settings(deadline=None, max_examples=300, derandomize=True)
@given(st.sampled_from(_FIELDS), _json)
def test_any_json_as_an_answer_field_gives_a_completion_or_a_typed_error(name: str, value: Any) -> None:
    part = {"text": "x", name: value} if name != "text" else {name: value}
    candidate = {"content": {"parts": [part, {name: value}]}, "finishReason": "STOP", name: value}
    _answer_case([{"candidates": [candidate], name: value}, {name: value}], Dice(name), check=False)


@pytest.mark.parametrize("reply", [None, [], {}, {"totalTokens": None}, {"totalTokens": "x"}, {"totalTokens": -1}])
def test_wrong_token_count_is_a_protocol_error(reply: Any) -> None:
    with pytest.raises(UpstreamProtocolError):
        read_total(reply)
