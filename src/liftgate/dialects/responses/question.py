"""What Responses alone needs to know of a request: while it is read, and for its answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import msgspec

from liftgate.ask.builder import Ask
from liftgate.ask.question import Question
from liftgate.ask.seal import Seal
from liftgate.json_types import JsonMapping, JsonObject

NO_ECHO: JsonMapping = MappingProxyType({})
NO_NAMESPACES: Mapping[str, tuple[str, str]] = MappingProxyType({})


class Reading(msgspec.Struct):
    """A request that is being read. `namespaces`: a function's flat name → its namespace and its name in it."""

    ask: Ask
    parameters: JsonMapping
    namespaces: dict[str, tuple[str, str]] = {}
    hosted: list[str] = []
    """The tools of `tools` that Google runs, by their type."""
    attached: list[JsonObject] = []
    """Parts of files that a tool names: they go before the conversation."""


class Shown(msgspec.Struct, frozen=True, gc=False):
    """What the client asked to see of an answer, by `include` and `reasoning`."""

    summary: bool = False
    logprobs: bool = False
    sources: bool = False
    outputs: bool = False
    results: bool = False
    sealed: bool = False


NOTHING_SHOWN = Shown()


class ResponsesQuestion(Question, frozen=True):
    """`echo`: what the Response object repeats of the request. `shown`: what of the answer. `namespaces`: as in
    `Reading`. `stored`: the client lets its answer be kept. `runs_code`: images in the answer are made by code that
    Google ran. `family`: of the model. `seal` gives the owner's. `turn_starts`: `turns`, where the client
    lets the first be left out."""

    echo: JsonMapping = NO_ECHO
    shown: Shown = NOTHING_SHOWN
    namespaces: Mapping[str, tuple[str, str]] = NO_NAMESPACES
    stored: bool = False
    runs_code: bool = False
    family: str = ""
    seal: Callable[[], Seal] | None = None
    turn_starts: tuple[int, ...] = ()

    @property
    def turns(self) -> tuple[int, ...]:
        return self.turn_starts

    @property
    def fails_on_other(self) -> bool:
        return True

    @property
    def keeps_signatures(self) -> bool:
        return self.stored
