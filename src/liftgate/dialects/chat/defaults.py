"""Parameters that an operator gave a deployment, in LiteLLM's words: they hold where a request of any API leaves them
open.

They are read into the same `Ask` by the readers of chat's parameters, whose names they have. What a client gave in
Gemini's own fields or under another name counts as given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from liftgate.ask import gemini_fields
from liftgate.ask.builder import Ask
from liftgate.dialects.chat.question import Reading
from liftgate.json_types import JsonObject

_ONE_MEANING = (
    frozenset({"max_tokens", "max_completion_tokens"}),
    frozenset({"reasoning_effort", "thinking"}),
    frozenset({"tools", "functions"}),
    frozenset({"tool_choice", "function_call"}),
)
"""Names for one thing: a request that gives one of them has given it."""

_TRANSLATED = {
    "temperature": "temperature",
    "topP": "top_p",
    "topK": "top_k",
    "maxOutputTokens": "max_tokens",
    "stopSequences": "stop",
    "seed": "seed",
}

_CHOICES = frozenset({"tool_choice", "function_call"})

ReadOne: TypeAlias = Callable[[Reading, str, object], None]


def given_to(ask: Ask) -> set[str]:
    """What a request of another API gave, by its name in LiteLLM's words."""
    return ask.given | {name for field, name in _TRANSLATED.items() if field in ask.generation}


def read_open(reading: Reading, given: set[str], read: ReadOne) -> None:
    """Reads `ask.defaults` but for what is `given`, by its name in LiteLLM's words. Fields of `extra_body` are taken
    one by one. A default that this request cannot have is left out: its client never said it."""
    ask = reading.ask
    given = given.union(*(names for names in _ONE_MEANING if given & names))
    left = {name: value for name, value in ask.defaults.items() if value is not None and name not in given}
    body = ask.defaults.get("extra_body")
    if isinstance(body, Mapping):
        left["extra_body"] = {name: value for name, value in body.items() if name not in given}
    others = {name: value for name, value in reading.parameters.items() if value is not None}
    more = left.get("extra_body")
    reading.parameters = {**left, **(more if isinstance(more, Mapping) else {}), **others}
    if reading.parameters.get("logprobs") is not True:
        left.pop("top_logprobs", None)
    translated, ask.gemini, own = dict(ask.generation), {}, ask.gemini
    drop, ask.drop_params = ask.drop_params, True
    for name, value in left.items():
        read(reading, name, value)
    ask.drop_params = drop
    ask.gemini = _under(ask.gemini, translated, own, chosen="tool_choice" in given)
    if not _CHOICES.isdisjoint(left):
        _choose_among_what_is_there(reading, left)


def _choose_among_what_is_there(reading: Reading, left: JsonObject) -> None:
    """A choice of the operator's is none where the request has no tools, or not the function that it names."""
    ask = reading.ask
    for name in _CHOICES.intersection(left):
        choice = left[name]
        named = choice.get("name") or _named(choice) if isinstance(choice, Mapping) else None
        if not (ask.declarations or ask.google_tools) or (isinstance(named, str) and named not in ask.function_names):
            reading.parameters = {key: value for key, value in reading.parameters.items() if key != name}


def _named(choice: Mapping[str, object]) -> object:
    function = choice.get("function")
    return function.get("name") if isinstance(function, Mapping) else None


def _under(defaults: JsonObject, translated: JsonObject, own: JsonObject, *, chosen: bool) -> JsonObject:
    """Gemini's own fields of the defaults under what the request gave: the generation config that its parameters were
    `translated` to, a tool that it has `chosen`, and Gemini's `own` fields."""
    if not defaults:
        return own
    under = gemini_fields.merged(own, defaults)
    if "generationConfig" in defaults:
        under = gemini_fields.merged(under, {"generationConfig": translated})
    if chosen and "toolConfig" in defaults:
        under["toolConfig"] = {key: each for key, each in under["toolConfig"].items() if key != "functionCallingConfig"}
    return gemini_fields.merged(under, own)
