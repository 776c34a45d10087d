"""One call of a model in any dialect, from what came to what is sent for it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import date
from functools import partial
from typing import Generic, TypeVar

import msgspec

from liftgate import ids
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
    """What came. `large`: to read the request takes long, which is then done in threads."""

    dialect: Dialect[Q]
    owner: Owner
    request: JsonMapping
    head: Head
    media: MediaFound
    large: bool


class Ready(msgspec.Struct, Generic[Q], frozen=True):
    """A call, with the Files that it names and the signatures that it needs, before a deployment is chosen."""

    call: Call[Q]
    files: RequestFiles
    signatures: Mapping[str, str]


def fold_of(call: Call[Q], question: Q) -> AnswerFold[Q]:
    if call.large:
        # Gemini has it; a stream that runs for minutes need not keep it.
        question = msgspec.structs.replace(question, body={})
    return AnswerFold(call.head, question, new_call_id=partial(ids.new_call_id, call.dialect.call_prefix))


async def encoded_for(call: Call[Q], body: JsonObject) -> Body:
    return await asyncio.to_thread(encoded, body) if call.large else _encode(body)


def facts_on(model: str, day: int) -> ModelFacts:
    """`day`: of unix time."""
    return facts_for(model, date.fromordinal(EPOCH + day))
