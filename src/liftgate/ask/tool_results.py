"""One round of tool calls and their results → functionResponse parts, in the order of the calls.

Gemini wants a response for every call, all in one content. Files in a result go inside the response where the model
takes their type there, else into a user content behind it (GEMINI.md 2.3).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec

from liftgate.ask import checks
from liftgate.ask.draft import Draft
from liftgate.ask.media import Media
from liftgate.ask.media_parts import data_part, media_part
from liftgate.errors import InvalidRequest

_OWN_KEYS = frozenset({"output", "error"})


@dataclass(frozen=True, slots=True)
class Call:
    """A call of the history; `id` is None in the legacy form, which matches by name, and "" from servers that give
    none: then a result is for the first call of its `name` that waits, or for the first that waits."""

    id: str | None
    name: str


@dataclass(slots=True)
class Round:
    """The calls of one assistant message and the results that came."""

    index: int
    calls: list[Call]
    responses: dict[int, dict[str, Any]] = field(default_factory=dict)
    media: list[dict[str, Any]] = field(default_factory=list)
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

    def contents(self) -> list[dict[str, Any]]:
        """Raises InvalidRequest, in OpenAI's words, when a call has no result."""
        if missing := [call.id or call.name for place, call in enumerate(self.calls) if place not in self.responses]:
            raise InvalidRequest(
                "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
                "'tool_call_id'. The following tool_call_ids did not have response messages: "
                + ", ".join(missing)[:500],
                param=f"messages[{self.index}]",
            )
        found: list[dict[str, Any]] = [
            {"role": "user", "parts": [self.responses[place] for place in sorted(self.responses)]}
        ]
        if self.media:
            found.append({"role": "user", "parts": self.media})
        return found


def read_result(
    draft: Draft, calls: Round, message: dict[str, Any], where: str, texts: list[str], media: list[Media]
) -> None:
    """Enters one tool or function message into the round."""
    if message["role"] == "tool":
        wanted = checks.string(checks.required(message, "tool_call_id", where), f"{where}.tool_call_id")
        at = f"{where}.tool_call_id"
        place = calls.waiting(wanted) if wanted else calls.waiting_without_id(message.get("name"))
    else:
        wanted = checks.string(checks.required(message, "name", where), f"{where}.name")
        at = f"{where}.name"
        place = calls.waiting_by_name(wanted)
    if place is None:
        raise InvalidRequest(
            f"Invalid '{at}': {checks.shown(wanted)} is no call of the preceding assistant message that waits for "
            "a result.",
            param=at,
            code="invalid_value",
        )
    call = calls.calls[place]
    response: dict[str, Any] = {"name": draft.sent_name(call.name), "response": _response(texts)}
    if call.id:
        response["id"] = call.id
    for each in media:
        part = data_part(draft, each)
        if _mime_type(part) in draft.facts.result_media:
            response.setdefault("parts", []).append(part)
        else:
            calls.media.append(media_part(draft, each))
    calls.responses[place] = {"functionResponse": response}


def _mime_type(part: dict[str, Any]) -> str | None:
    found: str | None = next(iter(part.values())).get("mimeType")
    return found


def _response(texts: list[str]) -> dict[str, Any]:
    """A JSON object stands for itself; anything else is the function's `output`, as Google's contract has it.

    No key of a result may mean to Gemini what it does not mean to its tool: `$ref` names a file of the response and is
    refused, `output` and `error` hide what stands beside them.
    """
    if len(texts) == 1 and texts[0].lstrip()[:1] in ("{", "["):
        text = texts[0]
        try:
            parsed = msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return {"output": text}
        if ("$ref" in text or "\\u" in text) and _refers(parsed):
            return {"output": text}
        if isinstance(parsed, dict) and (_OWN_KEYS.isdisjoint(parsed) or _OWN_KEYS.issuperset(parsed)):
            return parsed
        return {"output": parsed}
    if len(texts) <= 1:
        return {"output": texts[0] if texts else ""}
    return {"output": texts}


def _refers(value: Any) -> bool:
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
