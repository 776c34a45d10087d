"""What the fold says about an answer as it grows. Streams are written from these, whole answers from the fold itself.

Values only; `index` is the choice's. Text is never cut or merged here: one upstream part, one event.
"""

from __future__ import annotations

from typing import Any

import msgspec


class Start(msgspec.Struct, frozen=True, gc=False):
    """The choice's first sign of life; `text`: it begins with content."""

    index: int
    text: bool


class TextDelta(msgspec.Struct, frozen=True):
    """Content; `logprobs` are those of this upstream object, if any."""

    index: int
    text: str
    logprobs: list[dict[str, Any]] | None = None


class ReasoningDelta(msgspec.Struct, frozen=True, gc=False):
    index: int
    text: str


class ToolCall(msgspec.Struct, frozen=True):
    """A whole call, OpenAI's form without `index`; Gemini does not send arguments in pieces."""

    index: int
    position: int
    call: dict[str, Any]


class LegacyCall(msgspec.Struct, frozen=True):
    """`function_call` of a request with `functions`."""

    index: int
    call: dict[str, Any]


class ImageDelta(msgspec.Struct, frozen=True):
    index: int
    image: dict[str, Any]


class AudioDelta(msgspec.Struct, frozen=True):
    """Keys of `message.audio` to be appended; `data` is base64 of a multiple of three bytes, but for the last."""

    index: int
    audio: dict[str, Any]


class Closing(msgspec.Struct, frozen=True):
    """What is known only at the end: refusal, annotations, extra_content; `content` is "" where nothing was said."""

    index: int
    delta: dict[str, Any]


class Finish(msgspec.Struct, frozen=True, gc=False):
    index: int
    reason: str


class Usage(msgspec.Struct, frozen=True):
    usage: dict[str, Any]


Event = Start | TextDelta | ReasoningDelta | ToolCall | LegacyCall | ImageDelta | AudioDelta | Closing | Finish | Usage
