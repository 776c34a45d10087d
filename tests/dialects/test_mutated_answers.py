"""Recorded answers that were damaged: a typed error, or the same answer streamed and whole, as a completion and as a
Response. `test_messages_fuzz` has the same for Messages.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from evidence import needs_recordings
from liftgate.answer.choice import Head
from liftgate.answer.fold import AnswerFold
from liftgate.dialects.chat.chunks import ChunkEncoder
from liftgate.dialects.chat.completion import completion
from liftgate.dialects.chat.question import ChatQuestion
from liftgate.dialects.responses.dialect import Responses
from liftgate.errors import UpstreamAnswerBroken, UpstreamDisconnected, UpstreamProtocolError
from liftgate.sse import EventDecoder
from messages_translated import read as read_message
from messages_translated import whole as whole_message
from mutating import Dice, mutated
from openai_schema import errors
from openai_stream import comparable, put_together
from responses_rig import in_order, read_events
from test_responses_recordings import question_of
from translate_exchanges import Exchange, exchanges

BROKEN = (UpstreamProtocolError, UpstreamDisconnected, UpstreamAnswerBroken)
KEYS = ["text", "thought", "parts", "index", "content", "thoughtSignature", "functionCall", "inlineData", "candidates"]
LARGEST = 20_000
"""Bytes of a recording: what damages places finds them all in a smaller one."""

Found = tuple[Any, Any]
"""The answer, whole and as its stream says it."""


def _fold(question: Any) -> AnswerFold[Any]:
    numbers = itertools.count()
    return AnswerFold(Head("1", "m", 1760000000), question, new_call_id=lambda: f"call_{next(numbers)}")


def _fed(fold: AnswerFold[Any], replies: list[Any]) -> None:
    for reply in replies:
        fold.feed(reply)
    fold.end(whole=True)


def as_completion(exchange: Exchange, replies: list[Any], *, check: bool) -> Found:
    whole, streamed = (_fold(ChatQuestion(body={}, stream=stream, include_usage=True)) for stream in (False, True))
    encoder, decoder, chunks = ChunkEncoder(), EventDecoder(), list[Any]()
    _fed(whole, replies)
    answer = completion(whole.answer)
    encoder.begin(streamed.answer)
    body = b"".join(encoder.encode(streamed.feed_events([msgspec.json.encode(reply)])) for reply in replies)
    body += encoder.encode(streamed.end(whole=True))
    chunks = [json.loads(event) for event in decoder.feed(body) if event != b"[DONE]"]
    if check:
        assert errors("CreateChatCompletionResponse", answer) == []
    built = put_together(chunks)
    said = [
        (each["index"], comparable(each["message"], streamed=False), each["finish_reason"])
        for each in answer["choices"]
    ]
    heard = [
        (index, comparable(each["message"], streamed=True), each["finish_reason"]) for index, each in built.items()
    ]
    return (said, answer["usage"]), (sorted(heard, key=lambda each: each[0]), chunks[-1]["usage"])


def as_response(exchange: Exchange, replies: list[Any], *, check: bool) -> Found:
    whole, streamed = (_fold(question_of(exchange)) for _ in range(2))
    _fed(whole, replies)
    response = Responses().whole(whole.answer)
    encoder = Responses().encoder(streamed.answer.head, {"model": "m", "input": "x"})
    encoder.begin(streamed.answer)
    body = b"".join(encoder.encode(streamed.feed_events([msgspec.json.encode(reply)])) for reply in replies)
    told = read_events(body + encoder.encode(streamed.end(whole=True)))
    in_order(told)
    if check:
        assert errors("Response", response) == []
    return json.loads(json.dumps(response)), told[-1]["response"]


FORMS: dict[str, Callable[..., Found]] = {"chat": as_completion, "responses": as_response}


def run(form: str, cases: range) -> None:
    seeds = [each for each in exchanges() if len(msgspec.json.encode(each.replies)) < LARGEST]
    right = 0
    for number in cases:
        dice = Dice(f"{form} {number}")
        exchange = dice.one(seeds)
        replies = mutated(exchange.replies, dice, KEYS)
        try:
            whole, streamed = FORMS[form](exchange, replies, check=number % 20 == 0)
        except BROKEN as error:
            assert error.message, f"{form} {number}"
            continue
        assert streamed == whole, f"{form} {number}: {exchange.name}"
        right += 1
    assert right > len(cases) // 20, "most mutants must not be broken for one and the same reason"


@needs_recordings
@pytest.mark.parametrize("form", FORMS)
def test_damaged_answers_are_typed_errors_or_the_same_streamed_and_whole(form: str) -> None:
    run(form, range({"chat": 800, "responses": 200}[form]))


@needs_recordings
@pytest.mark.full
@pytest.mark.parametrize("form", FORMS)
def test_many_damaged_answers(form: str) -> None:
    run(form, range(800, 20_800))


@pytest.mark.parametrize("index", [1, 2, 127])
def test_a_response_without_a_first_candidate_is_broken(index: int) -> None:
    """Met as a damaged recording: each API whose answer is one says so, streamed and whole."""
    reply = {"candidates": [{"content": {"parts": [{"text": "x"}]}, "index": index, "finishReason": "STOP"}]}
    exchange = Exchange("one", "m", False, {"contents": []}, [reply])
    with pytest.raises(UpstreamAnswerBroken, match="no first candidate"):
        as_response(exchange, [reply], check=False)
    streamed = _fold(question_of(exchange))
    encoder = Responses().encoder(streamed.answer.head, {"model": "m", "input": "x"})
    encoder.begin(streamed.answer)
    encoder.encode(streamed.feed(reply))
    with pytest.raises(UpstreamAnswerBroken, match="no first candidate"):
        encoder.encode(streamed.end())
    question = read_message({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]})
    with pytest.raises(UpstreamAnswerBroken, match="no first candidate"):
        whole_message(question, [reply])
