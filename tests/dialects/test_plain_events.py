"""A stream's plain events are read by a quicker way, which must see what the other sees: in recorded answers, in
damaged ones, and where only the quicker one could look away."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from typing import Any

import pytest

from evidence import needs_recordings
from liftgate.answer.choice import METADATA, Head
from liftgate.answer.events import Event
from liftgate.answer.fold import AnswerFold
from liftgate.dialects.chat.question import ChatQuestion
from liftgate.errors import LiftgateError, UpstreamProtocolError
from liftgate.gemini_json import plain_parts
from mutating import Dice, mutated
from translate_exchanges import exchanges

USAGE = {"promptTokenCount": 5, "candidatesTokenCount": 9}
KEYS = ["text", "thought", "parts", "index", "content", "finishReason", "usageMetadata", "candidates", *METADATA]


def reply(*parts: object, **more: object) -> dict[str, Any]:
    candidate = {"content": {"role": "model", "parts": list(parts)}, "index": 0, **more}
    return {"candidates": [candidate], "usageMetadata": USAGE, "modelVersion": "m", "responseId": "r"}


def _fold() -> AnswerFold[ChatQuestion]:
    numbers = itertools.count()
    question = ChatQuestion(body={}, stream=True, include_usage=True)
    return AnswerFold(Head("1", "m", 1760000000), question, new_call_id=lambda: f"call_{next(numbers)}")


def _is_plain(event: object) -> bool:
    return bool(plain_parts([json.dumps(event).encode()]))


def _facts(fold: AnswerFold[Any]) -> object:
    answer = fold.answer
    named = answer.response_id, answer.served_by, answer.model_version, answer.service_tier
    return answer.choices, answer.usage, named, fold.take_signatures()


def _one_by_one(replies: Sequence[Any]) -> tuple[Any, ...]:
    """What each reply brings, decoded as a whole answer is; or the first error."""
    fold, brought = _fold(), list[Sequence[Event]]()
    for each in replies:
        try:
            brought.append(fold.feed(json.loads(json.dumps(each))))
        except LiftgateError as error:
            return brought, type(error), error.message
    return brought, _facts(fold)


def _as_they_came(replies: Sequence[Any]) -> object:
    fold, brought = _fold(), list[Sequence[Event]]()
    for each in replies:
        try:
            brought.append(fold.feed_events([json.dumps(each, ensure_ascii=False).encode()]))
        except LiftgateError as error:
            return brought, type(error), error.message
    fold.read_counts()
    return brought, _facts(fold)


@needs_recordings
def test_recorded_streams_say_the_same_as_they_come() -> None:
    plain = others = 0
    for exchange in exchanges():
        for end in range(1, len(exchange.replies) + 1):
            replies = exchange.replies[:end]
            assert _as_they_came(replies) == _one_by_one(replies), exchange.name
        for each in exchange.replies[1:-1]:
            is_plain = _is_plain(each)
            plain, others = plain + is_plain, others + (not is_plain)
    assert plain > 4 * others  # it is worth the while


@needs_recordings
def test_damaged_streams_say_the_same_as_they_come() -> None:
    seeds = [each for each in exchanges() if len(each.replies) > 1 and len(json.dumps(each.replies)) < 20_000]
    for number in range(1_500):
        dice = Dice(f"plain {number}")
        replies = mutated(dice.one(seeds).replies, dice, KEYS)
        assert _as_they_came(replies) == _one_by_one(replies), number


@pytest.mark.parametrize("field", [*METADATA, "finishReason", "finishMessage", "logprobsResult", "new"])
def test_what_a_candidate_says_beside_is_not_passed_over(field: str) -> None:
    assert not _is_plain(reply({"text": "a"}, **{field: "x"}))


@pytest.mark.parametrize("more", [{"thoughtSignature": "c2ln"}, {"functionCall": {"name": "f"}}, {"new": 1}])
def test_a_part_that_says_more_is_kept_whole(more: dict[str, object]) -> None:
    assert _is_plain(reply({"text": "a"}))
    assert not _is_plain(reply({"text": "a", **more}))


def test_bytes_that_are_no_text_are_found_where_nothing_is_read() -> None:
    fold = _fold()
    fold.feed_events([json.dumps(reply({"text": "a"})).encode()])
    with pytest.raises(UpstreamProtocolError):
        fold.feed_events([json.dumps(reply({"text": "b"})).encode().replace(b'"r"', b'"\xff"')])


TEXT, CALL = reply({"text": "a"}), reply({"functionCall": {"name": "f", "args": {}}})
OTHERS = {
    "calls": CALL,
    "nothing": reply({"text": ""}),
    "several": reply({"text": "b"}, {"text": "c"}),
    "another choice": reply({"text": "b"}, index=1),
    "counts alone": {"usageMetadata": {**USAGE, "candidatesTokenCount": 12}},
    "nothing counted": {"candidates": TEXT["candidates"]},
    "feedback": {**TEXT, "promptFeedback": {"safetyRatings": []}},
    "a thought": reply({"text": "b", "thought": True}),
}


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("times", [1, 5])
def test_other_events_among_plain_ones_are_read_as_well(other: str, times: int) -> None:
    replies = [TEXT, *[OTHERS[other], TEXT] * times, OTHERS[other], TEXT, TEXT]
    assert _as_they_came(replies) == _one_by_one(replies)
    together = _fold()
    events = together.feed_events([json.dumps(each).encode() for each in replies])
    together.read_counts()
    one_by_one, facts = _one_by_one(replies)
    assert (events, _facts(together)) == ([event for each in one_by_one for event in each], facts)
