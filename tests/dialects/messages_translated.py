"""Messages without a wire: an answer folded whole and streamed, under a real seal."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from liftgate.answer.choice import Head
from liftgate.answer.fold import AnswerFold
from liftgate.ask.builder import Ask
from liftgate.ask.model_facts import facts_for
from liftgate.ask.seal import Seal
from liftgate.dialects.messages.dialect import MESSAGES
from liftgate.dialects.messages.question import MessagesQuestion
from liftgate.sealing import seal_of
from messages_rig import built, read_events

MODEL = "gemini-3-flash-preview"
SEAL = seal_of(b"x" * 32, "ann")


def own_seal() -> Seal:
    return SEAL


def read(request: Mapping[str, Any], model: str = MODEL, **given: Any) -> MessagesQuestion:
    """As the engine does it."""
    found = MESSAGES.media(request, inline_limit=10**6)
    MESSAGES.call_ids(request)
    return MESSAGES.read(request, Ask(facts_for(model), media=found.read, seal=own_seal, **given))


def asked(**more: Any) -> dict[str, Any]:
    return {"model": "m", "max_tokens": 4000, "messages": [{"role": "user", "content": "x"}], **more}


def _fold(question: MessagesQuestion) -> AnswerFold[MessagesQuestion]:
    numbers = itertools.count()
    new_id: Callable[[], str] = lambda: f"toolu_{next(numbers)}"  # noqa: E731
    return AnswerFold(Head("1", "m", 1760000000), question, new_call_id=new_id)


def whole(question: MessagesQuestion, replies: Iterable[Any]) -> dict[str, Any]:
    fold = _fold(question)
    for reply in replies:
        fold.feed(reply)
    fold.end(whole=True)
    found: dict[str, Any] = json.loads(json.dumps(MESSAGES.whole(fold.answer)))
    return found


def streamed(question: MessagesQuestion, replies: Iterable[Any]) -> bytes:
    fold = _fold(question)
    encoder = MESSAGES.encoder(fold.answer.head, {})
    frames = bytearray()
    begun = False
    for reply in replies:
        events = fold.feed(reply)
        if not begun:
            encoder.begin(fold.answer)
            begun = True
        frames += encoder.encode(events)
    events = fold.end(whole=True)
    if not begun:
        encoder.begin(fold.answer)
    return bytes(frames + encoder.encode(events) + encoder.end())


def built_of(body: bytes) -> dict[str, Any]:
    return built(list(read_events(body)))
