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

ReadOne: TypeAlias = Callable[[Reading, str, object], None]


def given_to(ask: Ask) -> set[str]:
    """What a request of another API gave, by its name in LiteLLM's words."""
    return ask.given | {name for field, name in _TRANSLATED.items() if field in ask.generation}


def read_open(reading: Reading, given: set[str], read: ReadOne) -> None:
    """Reads `ask.defaults` but for what is `given`, by its name in LiteLLM's words. Fields of `extra_body` are taken
    one by one."""
    ask = reading.ask
    given = given.union(*(names for names in _ONE_MEANING if given & names))
    left = {name: value for name, value in ask.defaults.items() if value is not None and name not in given}
    body = ask.defaults.get("extra_body")
    if isinstance(body, Mapping):
        left["extra_body"] = {name: value for name, value in body.items() if name not in given}
    others = {name: value for name, value in reading.parameters.items() if value is not None}
    reading.parameters = {**left, **left.get("extra_body", {}), **others}
    translated, ask.gemini, own = dict(ask.generation), {}, ask.gemini
    for name, value in left.items():
        read(reading, name, value)
    ask.gemini = _under(ask.gemini, translated, own, chosen="tool_choice" in given)


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
