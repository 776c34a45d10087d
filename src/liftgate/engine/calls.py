"""One call of a model in any dialect, from what came to what is sent for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import date
from typing import Generic, TypeVar

import msgspec

from liftgate.answer.choice import Head
from liftgate.answer.fold import AnswerFold
from liftgate.ask.media import MediaFound
from liftgate.ask.model_facts import ModelFacts, facts_for
from liftgate.ask.question import Question
from liftgate.dialects.dialect import Dialect
from liftgate.engine.attempt import RequestFiles
from liftgate.json_types import JsonMapping, JsonObject
from liftgate.large_bodies import Body, encoded
from liftgate.records import Owner

Q = TypeVar("Q", bound=Question)

EPOCH = date(1970, 1, 1).toordinal()

_encode = msgspec.json.Encoder().encode


class Call(msgspec.Struct, Generic[Q], frozen=True):
    """What came. `large`: to read the request takes long, which is then done in threads. `new_call_id`: ids of function
    calls in its answer."""

    dialect: Dialect[Q]
    owner: Owner
    request: JsonMapping
    head: Head
    media: MediaFound
    large: bool
    new_call_id: Callable[[], str]


class Ready(msgspec.Struct, Generic[Q], frozen=True):
    """A call, with the Files that it names and the signatures that it needs, before a deployment is chosen."""

    call: Call[Q]
    files: RequestFiles
    signatures: Mapping[str, str]


async def written(call: Call[Q], body: JsonObject) -> Body:
    """What is sent of the call."""
    return await asyncio.to_thread(encoded, body) if call.large else _encode(body)


def new_fold(call: Call[Q], question: Q) -> AnswerFold[Q]:
    """Of a large question without its body: Gemini has it, and a stream of minutes need not keep it. Its answer is
    large, too, as far as it repeats what was asked."""
    asked = msgspec.structs.replace(question, body={}) if call.large else question
    fold = AnswerFold(call.head, asked, new_call_id=call.new_call_id)
    fold.answer.large = call.large
    return fold


def end_whole(fold: AnswerFold[Q]) -> None:
    """The end of an answer that came in one piece. Raises what is wrong with all of it."""
    fold.end(whole=True)
    fold.answer.counts  # noqa: B018 - what is wrong with them is this attempt's failure


def facts_on(model: str, day: int) -> ModelFacts:
    """`day`: of unix time."""
    return facts_for(model, date.fromordinal(EPOCH + day))
