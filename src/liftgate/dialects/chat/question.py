"""What chat alone needs to know of a chat completion: while it is read, and for its answer."""

from __future__ import annotations

import msgspec

from liftgate.ask.builder import Ask
from liftgate.ask.question import Question
from liftgate.json_types import JsonMapping
from liftgate.set_plainly import set_plainly


@set_plainly
class Reading(msgspec.Struct):
    """A request that is being read. `parameters`: all of them, those of `extra_body` too, for the few readers that
    depend on another."""

    ask: Ask
    parameters: JsonMapping
    stream: bool = False
    audio_format: str = "wav"
    legacy_functions: bool = False


class ChatQuestion(Question, frozen=True):
    """`stream`: the answer goes out in chunks; `include_usage`: the last of them has the usage. `audio_format`: `wav`
    or `pcm16`. `legacy_functions`: functions came in `functions`, so calls go out as `function_call`.
    `inline_signatures` puts thought signatures on the calls themselves, for callers who keep no store."""

    stream: bool = False
    include_usage: bool = False
    audio_format: str = "wav"
    legacy_functions: bool = False
    inline_signatures: bool = False

    @property
    def call_ids(self) -> bool:
        return not self.legacy_functions
