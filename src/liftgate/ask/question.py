"""What the answer's side must know of a question that was read, in whichever API it was asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Self

import msgspec

from liftgate.ask.json_call import JsonCall
from liftgate.json_types import JsonObject
from liftgate.names import model_path

NOTHING_ALIASED: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Dropped:
    """A parameter that was left out because the caller allowed it, and why."""

    param: str
    reason: str


class Question(msgspec.Struct, frozen=True):
    """Gemini's request, and what reading its answer needs. A dialect that needs more has a subclass of its own.

    `body`: Gemini's JSON in camelCase, without `model`. `notes`: sentences for a warning. `kept_names`: parameters that
    name something kept at Gemini under one account (cached contents, search stores). `function_names` are those that
    the client declared, `custom_tools` those of them that take free text; `client_names` gives those that were sent
    under another name. `one_call`: the client takes one call in an answer at most. `json_call`: the function whose
    arguments are the answer's text. `mcp`: Google may call functions by itself.
    """

    body: JsonObject
    dropped: tuple[Dropped, ...] = ()
    notes: tuple[str, ...] = ()
    kept_names: tuple[str, ...] = ()
    function_names: frozenset[str] = frozenset()
    custom_tools: frozenset[str] = frozenset()
    one_call: bool = False
    client_names: Mapping[str, str] = NOTHING_ALIASED
    json_call: JsonCall | None = None
    mcp: bool = False

    @property
    def call_ids(self) -> bool:
        """Whether the client gets the ids of function calls, and gives them back with the results."""
        return True

    @property
    def turns(self) -> Sequence[int]:
        """Where among `body`'s contents the turns begin that may be left out, oldest first, when there are too many
        tokens; the last entry is the beginning of the turn that must stay. Empty: none may be left out."""
        return ()

    def without_body(self) -> Self:
        """The same for its answer's side, once Gemini has the body."""
        return msgspec.structs.replace(self, body={})

    @property
    def fails_on_other(self) -> bool:
        """Whether an answer that Google ended for an unknown reason is an error in this API, and not a filter's end."""
        return False

    @property
    def keeps_signatures(self) -> bool:
        """Whether thought signatures of its calls may be stored; else they are known for an hour at most."""
        return True


def without_turns(body: JsonObject, turns: Sequence[int], left_out: int) -> JsonObject:
    """`body` without the first of the turns that begin at `turns`: so many are `left_out`."""
    contents = body["contents"]
    return {**body, "contents": [*contents[: turns[0]], *contents[turns[left_out] :]]}


def count_body(body: JsonObject, model: str) -> JsonObject:
    """The body of countTokens for a body of generateContent (docs/protocol/gemini.md, "Counting tokens"); `model` is
    Google's name, with or without `models/`."""
    return {"generateContentRequest": {"model": model_path(model), **body}}
