"""A history that has more tokens than the model takes, without its first turns: as few as must be left out."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec

from liftgate.answer.counts import PromptCount
from liftgate.ask.model_facts import ModelFacts
from liftgate.ask.question import Question, without_turns
from liftgate.errors import InvalidRequest
from liftgate.gemini.sentences import tokens_allowed
from liftgate.json_types import JsonObject
from liftgate.router.attempts import TOO_LONG

log = logging.getLogger("liftgate.engine")

Q = TypeVar("Q", bound=Question)


async def truncated(
    question: Q, refused: InvalidRequest, facts: ModelFacts, count: Callable[[JsonObject], Awaitable[PromptCount]]
) -> Q:
    """`question` without as few of its first turns as fit, by Gemini's own `count`, which is asked once for each
    halving of them. Raises `refused` where it is about something else, where the client lets no turns be left out, and
    where the last turn alone has too many tokens."""
    turns = question.turns
    low, high = 1, len(turns) - 1
    allowed = tokens_allowed(refused.message) or facts.input_tokens
    if refused.code != TOO_LONG or high < 1 or allowed is None:
        raise refused
    if (await count(without_turns(question.body, turns, high))).total > allowed:
        raise refused
    while low < high:
        middle = (low + high) // 2
        if (await count(without_turns(question.body, turns, middle))).total > allowed:
            low = middle + 1
        else:
            high = middle
    log.info("%d of %d turns are left out: the model takes %d tokens", low, len(turns), allowed)
    return msgspec.structs.replace(question, body=without_turns(question.body, turns, low))
