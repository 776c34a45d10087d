"""The turns of a conversation that is read item by item.

Items that follow one another on the model's side (a message, its calls, what Google's tools did) are one turn of the
model's; a reasoning item between them changes nothing. Results are put to their calls by `call_id`.
"""

from __future__ import annotations

from collections.abc import Sequence

from liftgate.ask import checks
from liftgate.ask.body import Conversation
from liftgate.ask.media import Media
from liftgate.ask.tool_results import Call, Round, call_part
from liftgate.dialects.responses.native import NO_NATIVES, Native, Natives
from liftgate.dialects.responses.sealed import Kept
from liftgate.errors import InvalidRequest, shortened
from liftgate.json_types import JsonObject

_NOTHING = Native()


class Turns:
    """`parts`, `calls`: of the model's turn that is being read; `messages`: the last part of each of its messages."""

    __slots__ = ("_ids", "_natives", "_where", "ask", "calls", "kept", "messages", "parts", "talk")

    def __init__(self, talk: Conversation, natives: Natives = NO_NATIVES) -> None:
        self.talk = talk
        self.ask = talk.ask
        self.parts: list[JsonObject] = []
        self.calls: list[Call] = []
        self.messages: list[JsonObject] = []
        self.kept: Kept | None = None
        self._ids: set[str] = set()
        self._where = ""
        self._natives = natives

    def open_seals(self, listed: Sequence[object]) -> None:
        """What the reasoning items among them carry, which may stand behind what it belongs to."""
        if any(type(item) is dict and item.get("encrypted_content") for item in listed):
            self.kept = Kept(self.ask.seal(), self.ask.facts.family)
            self.kept.take(listed)
            if unread := self.kept.unread:
                self.ask.notes.append(
                    f"'encrypted_content' of {unread} reasoning items is dropped: it was not made for this owner here."
                )

    def signature(self, call_id: str) -> str | None:
        """The sealed one goes before the one that is kept here. None where there is none that this model takes."""
        sealed = self.kept.calls.get(call_id) if self.kept is not None else None
        if sealed is not None:
            return sealed or None
        native = self._natives.get(call_id)
        if native is not None and not native.suits(self.ask.facts.family):
            return None
        return self.ask.signatures.get(call_id)

    def native(self, item: JsonObject) -> Native:
        """What is kept here of an item, as far as this model takes it."""
        native = self._natives.get(item_id) if self._natives and isinstance(item_id := item.get("id"), str) else None
        return native if native is not None and native.suits(self.ask.facts.family) else _NOTHING

    def say_native(self, item: JsonObject) -> bool:
        """Says Gemini's own parts of an item, where they are known."""
        item_id = item.get("id")
        sealed = self.kept.parts.get(item_id) if self.kept is not None and isinstance(item_id, str) else None
        parts = self.native(item).parts if sealed is None else sealed
        for part in parts:
            self.say(part)
        return bool(parts)

    def say(self, part: JsonObject) -> None:
        """A part of the model's turn, which begins with it where none has begun."""
        if not self.parts:
            self._end_round()
        self.parts.append(part)

    def call(self, call_id: str, name: str, args: JsonObject, where: str) -> None:
        if call_id in self._ids:
            raise InvalidRequest(
                f"Invalid '{where}.call_id': {checks.shown(call_id)} is used twice.",
                param=f"{where}.call_id",
                code="invalid_value",
            )
        call = Call(call_id, name)
        self._where = self._where or where
        self.say(call_part(self.ask, call, args, self.signature(call_id), first=not self.calls))
        self.calls.append(call)
        self._ids.add(call_id)

    def end_turn(self) -> None:
        """The model's turn is over: what follows is another's."""
        if self.parts:
            spoken = [part for part in self.parts if part != {"text": ""}] or self.parts[:1]
            self.talk.add_model(spoken, Round(self._where, self.calls) if self.calls else None)
            self.parts, self.calls, self.messages, self._ids, self._where = [], [], [], set(), ""

    def end(self) -> None:
        self.end_turn()
        self._end_round()

    def user(self, parts: list[JsonObject]) -> None:
        self.end_turn()
        self._end_round()
        self.talk.add_user(parts)

    def result(self, call_id: str, response: JsonObject, media: list[Media]) -> None:
        self.end_turn()
        waiting = self.talk.round
        place = waiting.waiting(call_id) if waiting is not None else None
        if waiting is None or place is None:
            raise InvalidRequest(
                f"No tool call found for function call output with call_id {shortened(call_id)}.", param="input"
            )
        waiting.answer(self.ask, place, response, media)

    def _end_round(self) -> None:
        if self.talk.round is not None and (missing := self.talk.round.missing()):
            raise InvalidRequest(f"No tool output found for function call {shortened(missing[0])}.", param="input")
        self.talk.end_round()
