"""A request that may go on from earlier ones, and the rows that its response becomes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import msgspec

from liftgate.answer.choice import Answer
from liftgate.catalog.rows import replies as rows
from liftgate.catalog.rows.reply_items import ItemRow
from liftgate.catalog.rows.reply_settings import Setting
from liftgate.dialects.responses import kept_items, whole_items
from liftgate.dialects.responses.answer import natives_of
from liftgate.dialects.responses.dialect import Responses
from liftgate.dialects.responses.items import native_key
from liftgate.dialects.responses.native import NO_NATIVES, Native, Natives, written
from liftgate.dialects.responses.question import ResponsesQuestion
from liftgate.json_types import JsonObject
from liftgate.large_bodies import Body
from liftgate.records import Owner

NATIVES = "natives"
"""In a request that is stored until it is made: what Gemini wants back with each item of its input."""

Encode: TypeAlias = Callable[[object], Body]

_REPEATED = ("instructions", "tools", "text")
"""Of the Response object, what clients send again with every turn."""
_PLAIN = {"format": {"type": "text"}, "verbosity": "medium"}
_LARGE_SETTING = 1024
"""Bytes from which one is stored apart from its response: two rows more for the first of them, one for each further."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A request, and what it goes on from. `request`: with the items themselves in place of references. `items`: those
    of the turns before, oldest first. `natives`: what Gemini wants back with these. `depth`: how many turns they are,
    in a chain. `keeps`: the response is stored, and added to the conversation that it goes on from. `given`: the input
    as it is stored, where results were moved next to their calls. `large`: reading all of this takes long, so it is
    done in threads."""

    request: JsonObject
    keeps: bool
    items: Sequence[JsonObject] = ()
    natives: Natives = field(default_factory=lambda: NO_NATIVES)
    previous_id: str | None = None
    depth: int = 0
    conversation_id: str | None = None
    given: object = None
    large: bool = False

    @property
    def dialect(self) -> Responses:
        if not self.items and not self.natives:
            return _KEEPING
        return Responses(self.items, self.natives, keeps=True)


_KEEPING = Responses(keeps=True)


class NewReply:
    """The rows of a response in the making. `items`: copies, which may be changed until `made` is called, none of
    which names or brings a file where they are `only_words`."""

    def __init__(self, owner: Owner, turn: Turn, response: JsonObject, answer: Answer[ResponsesQuestion]) -> None:
        self._owner = owner
        self._turn = turn
        self._response = response
        value = turn.given or turn.request.get("input")
        given = whole_items.own_items(value, answer.head.id, [item["id"] for item in turn.items if "id" in item])
        self._given = len(given)
        # Items that were given by reference, or that an earlier run found so, keep what Gemini wants back with them.
        self._known = natives_of_input(turn.natives, value)
        # Neither what was asked nor what was said can hold a file.
        self.only_words = isinstance(value, str) and answer.choices[0].plain
        output = response["output"]
        self.items = [*given, *(output if self.only_words else kept_items.output_items(output))]
        self._natives = natives_of(answer)

    def made(self, encode: Encode) -> rows.NewTurn:
        """`created_at` is left to the transaction."""
        response_id: str = self._response["id"]
        settings = large_settings(self._response, encode)
        own = self._response.copy()
        del own["output"]
        for each in settings:
            own[each.field] = None
        body = encode(own)
        items = [self._item(response_id, place, item, encode) for place, item in enumerate(self.items)]
        size = len(body) + sum([len(item.item) for item in items])
        turn = self._turn
        depth, conversation_id = turn.depth + 1, turn.conversation_id
        reply = rows.ReplyRow(response_id, self._owner, 0.0, turn.previous_id, depth, body, size, conversation_id)
        return rows.NewTurn(reply, items, settings)

    def joined(self, made: rows.NewTurn) -> bytes | None:
        """The Response object as JSON, of what is stored of it; None where something of it lies elsewhere."""
        if made.settings:
            return None
        output = b",".join([row.item for row in made.items[self._given :]])
        return b"".join((made.reply.body[:-1], b',"output":[', output, b"]}"))

    def _item(self, holder: str, place: int, item: JsonObject, encode: Encode) -> ItemRow:
        given = place < self._given
        native = None
        if given:
            native = self._known[place] if self._known else None
        elif self._natives:
            native = self._natives.get(native_key(item))
        signature = None if native is None else written(native)
        return ItemRow(holder, place, self._owner, item["id"], int(given), encode(item), signature)


def natives_of_input(natives: Natives, value: object) -> Sequence[Native | None]:
    """What is known of each item of an input; () where nothing is."""
    if not natives or not isinstance(value, list):
        return ()
    return [natives.get(native_key(item)) for item in value]


def listed_natives(turn: Turn) -> list[object]:
    """As a request that is stored has them under `NATIVES`: by the places of its items."""
    known = natives_of_input(turn.natives, turn.given or turn.request.get("input"))
    return [None if each is None else msgspec.to_builtins(each) for each in known]


def take_natives(request: JsonObject) -> Natives:
    """Out of a request that was stored."""
    listed = msgspec.convert(request.pop(NATIVES, []), list[Native | None])
    return {native_key(item): each for item, each in zip(request["input"], listed, strict=False) if each is not None}


def large_settings(response: JsonObject, encode: Encode) -> list[Setting]:
    """Those of a Response object that are stored apart from it."""
    found: list[Setting] = []
    for name in _REPEATED:
        value = response[name]
        if not value or (type(value) is str and len(value) * 6 < _LARGE_SETTING) or value == _PLAIN:
            continue
        written = encode(value)
        if len(written) >= _LARGE_SETTING:
            found.append(Setting(name, hashlib.sha256(written).hexdigest(), written))
    return found
