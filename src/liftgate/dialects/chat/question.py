"""What the answer to a chat completion needs beside what every API's answer needs."""

from __future__ import annotations

from liftgate.ask.question import Question


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
