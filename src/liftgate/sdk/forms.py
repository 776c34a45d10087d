"""How an API's answers become results of the SDK, for `direct` and `durable`: what is any API's, and chat's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeAlias, TypeVar

import msgspec

from liftgate.answer.choice import Answer
from liftgate.answer.events import Counted, Event
from liftgate.ask.builder import Ask
from liftgate.ask.media import MediaFound
from liftgate.ask.question import Question
from liftgate.dialects.chat.chunks import ChunkWriter
from liftgate.dialects.chat.completion import completion
from liftgate.dialects.chat.dialect import CHAT
from liftgate.dialects.chat.question import ChatQuestion
from liftgate.json_types import JsonMapping
from liftgate.sdk.results import ModelResponse, ModelResponseStream
from liftgate.settings.sections import LimitSettings

Q = TypeVar("Q", bound=Question)
R = TypeVar("R")
P = TypeVar("P")

Write: TypeAlias = Callable[[Sequence[Event]], list[P]]
"""Events of an answer → pieces of a stream."""


@dataclass(frozen=True, slots=True)
class Form(Generic[Q, R, P]):
    """One request's API. `media`, `call_ids` and `read` are a dialect's; `result` makes a whole answer's, `write` what
    makes a stream's pieces, once its answer has begun."""

    request: JsonMapping
    call_prefix: str
    media: Callable[[JsonMapping], MediaFound]
    call_ids: Callable[[JsonMapping], Sequence[str]]
    read: Callable[[JsonMapping, Ask], Q]
    result: Callable[[Answer[Q]], R]
    write: Callable[[Answer[Q]], Write[P]]


ChatForm: TypeAlias = Form[ChatQuestion, ModelResponse, ModelResponseStream]

INLINE_LIMIT = LimitSettings().inline_limit


def chat_form(request: JsonMapping) -> ChatForm:
    """Thought signatures travel inside the messages, as nothing is kept."""
    return Form(
        request,
        CHAT.call_prefix,
        partial(CHAT.media, inline_limit=INLINE_LIMIT),
        lambda request: (),
        lambda request, ask: msgspec.structs.replace(CHAT.read(request, ask), inline_signatures=True),
        chat_result,
        chunks_of,
    )


def chat_result(answer: Answer[ChatQuestion]) -> ModelResponse:
    return ModelResponse(**completion(answer))


def chunks_of(answer: Answer[ChatQuestion]) -> Write[ModelResponseStream]:
    writer = ChunkWriter(answer)

    def write(events: Sequence[Event]) -> list[ModelResponseStream]:
        chunks = [ModelResponseStream(**chunk) for chunk in writer.chunks(events)]
        if chunks and any(type(event) is Counted for event in events):
            chunks[-1]._hidden_params = {"usage": writer.usage()}
        return chunks

    return write
