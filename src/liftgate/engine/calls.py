"""One call of a model in any dialect, from what came to what is sent for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

import msgspec

from liftgate.answer.choice import Head
from liftgate.ask.media import MediaFound
from liftgate.ask.model_facts import ModelFacts, facts_for
from liftgate.ask.question import Question
from liftgate.days import date_on
from liftgate.dialects.dialect import Dialect
from liftgate.engine.attempt import RequestFiles
from liftgate.json_types import JsonMapping, JsonObject
from liftgate.large_bodies import Body, encoded
from liftgate.records import Owner

Q = TypeVar("Q", bound=Question)

encode = msgspec.json.Encoder().encode


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


async def written_apart(body: JsonObject) -> Body:
    """What is sent of a large call."""
    return await asyncio.to_thread(encoded, body)


def facts_on(model: str, day: float) -> ModelFacts:
    """`day`: of unix time."""
    return facts_for(model, date_on(int(day)))
