"""What happens in an answer, as neutral values. Every API's JSON and streams are written from these.

`index` is the choice's. Text is neither cut nor merged: one part of Gemini's, one event. The order of a choice's events
is the order in which Gemini gave them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import msgspec

from liftgate.json_types import JsonObject
from liftgate.large_bodies import STEP


class TokenLogprob(msgspec.Struct, frozen=True):
    """One step of decoding: the token, its natural logarithm (minus infinity for 'never'), and its rivals."""

    token: str
    logprob: float
    top: tuple[TokenLogprob, ...] = ()


class Position(msgspec.Struct, frozen=True, gc=False):
    """Where something stands in its choice: `text`, the characters of content before it, and `calls`, the function
    calls before it."""

    text: int
    calls: int


class Text(msgspec.Struct, frozen=True):
    """Content. `logprobs`: those of the whole upstream object, on its first text; None where it had none."""

    index: int
    text: str
    logprobs: list[TokenLogprob] | None = None


class Thought(msgspec.Struct, frozen=True, gc=False):
    """A summary of the model's thoughts, or a piece of one."""

    index: int
    text: str


class Call(msgspec.Struct, frozen=True):
    """A function that the client is to call, whole: Gemini does not send arguments in pieces.

    `name`: as the client declared it. `id`: ours, random; empty where the client takes no ids. `signature`: the
    thought signature of this part, base64.
    """

    index: int
    name: str
    args: JsonObject
    id: str
    position: Position
    signature: str | None = None


class Blob(msgspec.Struct, frozen=True):
    """An image that the model made. `data`: base64, as it came."""

    index: int
    mime_type: str
    data: str
    position: Position
    signature: str | None = None


class Speech(msgspec.Struct, frozen=True):
    """Spoken audio: 16-bit little-endian samples. `rate`: samples a second. `transcription`: Gemini's object of that
    name, where the part had one."""

    index: int
    pcm: bytes
    rate: int
    channels: int
    position: Position
    transcription: JsonObject | None = None


class Signature(msgspec.Struct, frozen=True):
    """The thought signature of a part that is neither a call nor an image, behind the event of that part; base64."""

    index: int
    value: str
    position: Position


class GooglePart(msgspec.Struct, frozen=True):
    """A part for which there is no neutral value, as Gemini wrote it: code that Google ran and what came of it, a tool
    that Google called, a draft of an image."""

    index: int
    part: JsonObject
    position: Position


class Ended(msgspec.Struct, frozen=True, gc=False):
    """The choice's end. `reason`: Gemini's finishReason; None where the prompt was blocked and there is no answer."""

    index: int
    reason: str | None
    message: str | None = None


class Counted(msgspec.Struct, frozen=True):
    """The last event of all. `usage`: Gemini's usageMetadata, whole, as it came last; `answer.counts` reads it."""

    usage: JsonObject


ChoiceEvent = Text | Thought | Call | Blob | Speech | Signature | GooglePart
"""What a choice consists of."""

Event = ChoiceEvent | Ended | Counted

SHOWN = (Text, Thought, Call, Blob, Speech)
"""What every API has a form for. A stream has begun when the first of these is there."""


def plain_texts(events: Sequence[Event], at: int, *, large: bool) -> list[str]:
    """The first choice's texts that stand from `at` on, one behind the other, with nothing beside them; of a large
    answer one of them, and none that is long."""
    texts: list[str] = []
    for event in islice(events, at, at + 1 if large else None):
        if type(event) is not Text or event.index or event.logprobs is not None or not event.text:
            break
        texts.append(event.text)
    return [] if large and texts and len(texts[0]) > STEP else texts
