"""What Messages alone needs to know of a request: while it is read, and for its answer."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from liftgate.ask.builder import Ask
from liftgate.ask.question import Question
from liftgate.ask.seal import Seal
from liftgate.json_types import JsonMapping, JsonObject


class Reading(msgspec.Struct):
    """A request that is being read. `hosted`: the names of the tools that Google runs. `thinking`, `effort`: as the
    client gave them, read together once both are known. `thinks`: its answer has thinking blocks."""

    ask: Ask
    parameters: JsonMapping
    counting: bool = False
    hosted: list[str] = []
    runs_code: bool = False
    thinking: JsonObject | None = None
    effort: str | None = None
    thinks: bool = False


class MessagesQuestion(Question, frozen=True):
    """`thinks`: the client asked for thinking, so thoughts and signatures are shown. `family`: of the model. `seal`
    gives the owner's."""

    thinks: bool = False
    family: str = ""
    seal: Callable[[], Seal] | None = None

    @property
    def fails_on_other(self) -> bool:
        return True
