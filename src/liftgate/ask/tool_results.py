"""One round of tool calls and their results → functionResponse parts, in the order of the calls.

Gemini wants a response for every call, all in one content. Files in a result go inside the response where the model
takes their type there, else into a user content behind it (docs/protocol/gemini.md, "Parts").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from liftgate.ask import checks
from liftgate.ask.builder import Ask
from liftgate.ask.media import Media
from liftgate.ask.media_parts import data_part, media_part
from liftgate.errors import shortened
from liftgate.json_types import JsonObject
from liftgate.large_bodies import holds
from liftgate.large_json import decoded_text

SKIP_SIGNATURE = "skip_thought_signature_validator"
"""Google's documented value for a call whose signature is not to be had."""

RAW_ARGUMENTS = "arguments"
"""The one argument of a call whose arguments are no JSON object."""

_OWN_KEYS = frozenset({"output", "error"})


@dataclass(frozen=True, slots=True)
class Call:
    """A call of the history. `id` is None where the API's results match by name, and "" from servers that give none:
    then a result is for the first call of its `name` that waits, or for the first that waits."""

    id: str | None
    name: str


@dataclass(slots=True)
class Round:
    """The calls of one turn of the model's, at `where` in the request, and the results that came."""

    where: str
    calls: list[Call]
    responses: dict[int, JsonObject] = field(default_factory=dict)
    media: list[JsonObject] = field(default_factory=list)
    _by_id: dict[str, int] = field(init=False)
    _by_name: dict[str, list[int]] = field(default_factory=dict)
    _first: int = 0

    def __post_init__(self) -> None:
        self._by_id = {call.id: place for place, call in enumerate(self.calls) if call.id}

    def waiting(self, call_id: str) -> int | None:
        """The place of the call of this id, if it has no result yet."""
        place = self._by_id.get(call_id)
        return None if place in self.responses else place

    def waiting_by_name(self, name: str) -> int | None:
        """The place of the first call of this name without a result."""
        if not self._by_name:
            for place in range(len(self.calls) - 1, -1, -1):
                self._by_name.setdefault(self.calls[place].name, []).append(place)
        places = self._by_name.get(name, [])
        while places and places[-1] in self.responses:
            places.pop()
        return places[-1] if places else None

    def waiting_without_id(self, name: object) -> int | None:
        """The place of the call without an id that a result without one is for."""
        place = self.waiting_by_name(name) if isinstance(name, str) else None
        if place is not None and self.calls[place].id == "":
            return place
        while self._first < len(self.calls) and (self.calls[self._first].id or self._first in self.responses):
            self._first += 1
        return self._first if self._first < len(self.calls) else None

    def missing(self) -> list[str]:
        """The ids, or else the names, of calls without a result."""
        return [call.id or call.name for place, call in enumerate(self.calls) if place not in self.responses]

    def answer(self, ask: Ask, place: int, response: JsonObject, media: Sequence[Media]) -> None:
        """Enters the result of the call at `place`: what the function gave, and the files among it."""
        call = self.calls[place]
        made: JsonObject = {"name": ask.sent_name(call.name), "response": response}
        if call.id:
            made["id"] = call.id
        for each in media:
            part = data_part(ask, each)
            if _mime_type(part) in ask.facts.result_media:
                made.setdefault("parts", []).append(part)
            else:
                self.media.append(media_part(ask, each))
        self.responses[place] = {"functionResponse": made}

    def contents(self) -> list[JsonObject]:
        """The user contents that hold the results, once none is missing."""
        found: list[JsonObject] = [
            {"role": "user", "parts": [self.responses[place] for place in sorted(self.responses)]}
        ]
        if self.media:
            found.append({"role": "user", "parts": self.media})
        return found


def call_part(ask: Ask, call: Call, args: JsonObject, signature: str | None, *, first: bool) -> JsonObject:
    """The model's part of a call. Only the first call of a turn is checked for its thought signature (parallel calls
    come with one); where none is known, Gemini is asked to skip that check."""
    made: JsonObject = {"name": ask.sent_name(call.name), "args": args}
    part: JsonObject = {"functionCall": {"id": call.id, **made} if call.id else made}
    if signature is None and first and ask.facts.signatures:
        signature = SKIP_SIGNATURE
        called = call.id or f"the call of {call.name}"
        ask.notes.append(f"No thought signature is known for {shortened(called)}; Gemini's check of it is skipped.")
    if signature is not None:
        part["thoughtSignature"] = signature
    return part


def _mime_type(part: JsonObject) -> str | None:
    found: str | None = next(iter(part.values())).get("mimeType")
    return found


def response_of(texts: Sequence[str]) -> JsonObject:
    """A JSON object stands for itself; anything else is the function's `output`, as Google's contract has it.

    No key of a result may mean to Gemini what it does not mean to its tool: `$ref` names a file of the response and is
    refused, `output` and `error` hide what stands beside them.
    """
    if len(texts) == 1 and texts[0].lstrip()[:1] in ("{", "["):
        text = texts[0]
        try:
            parsed = decoded_text(text)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return {"output": text}
        if (holds(text, "$ref") or holds(text, "\\u")) and _refers(parsed):
            return {"output": text}
        if isinstance(parsed, dict) and (_OWN_KEYS.isdisjoint(parsed) or _OWN_KEYS.issuperset(parsed)):
            return parsed
        return {"output": parsed}
    if len(texts) <= 1:
        return {"output": texts[0] if texts else ""}
    return {"output": list(texts)}


def _refers(value: object) -> bool:
    """Whether a key anywhere in it is `$ref`."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            if "$ref" in each:
                return True
            waiting.extend(each.values())
        elif isinstance(each, list):
            waiting.extend(each)
    return False


def read_arguments(called: JsonObject, at: str) -> JsonObject:
    """`called.arguments`, a text."""
    given = called.get("arguments")
    return arguments_in("" if given is None else checks.string(given, f"{at}.arguments"))


def arguments_in(text: str) -> JsonObject:
    """What a model generated may be no JSON object (OpenAI's own warning); it is then sent whole, as one text."""
    if not text.strip():
        return {}
    try:
        args = decoded_text(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return {RAW_ARGUMENTS: text}
    if args is None:
        return {}
    return args if isinstance(args, dict) else {RAW_ARGUMENTS: text}
