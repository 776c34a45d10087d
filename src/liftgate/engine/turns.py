"""A request that may go on from earlier ones, and the rows that its response becomes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import TypeAlias

import msgspec

from liftgate.answer.choice import Answer
from liftgate.catalog.rows import replies as rows
from liftgate.catalog.rows.long_values import FIRST
from liftgate.catalog.rows.reply_items import ItemRow, holder_of
from liftgate.catalog.rows.reply_settings import Setting
from liftgate.dialects.responses import kept_items, whole_items
from liftgate.dialects.responses.answer import natives_of
from liftgate.dialects.responses.dialect import Responses
from liftgate.dialects.responses.echo import brief
from liftgate.dialects.responses.items import native_key
from liftgate.dialects.responses.native import NO_NATIVES, Native, Natives, written
from liftgate.dialects.responses.question import ResponsesQuestion
from liftgate.json_types import JsonMapping, JsonObject
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


class Turn(msgspec.Struct, frozen=True):
    """A request, and what it goes on from. `request`: with the items themselves in place of references. `items`: those
    of the turns before, oldest first. `natives`: what Gemini wants back with these. `depth`: how many turns they are,
    in a chain. `keeps`: the response is stored, and added to the conversation that it goes on from. `given`: the input
    as it is stored, where results were moved next to their calls. `large`: reading all of this takes long, so it is
    done in threads."""

    request: JsonObject
    keeps: bool
    items: Sequence[JsonObject] = ()
    natives: Natives = NO_NATIVES
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
        self._answer = answer
        self._response = response
        value = turn.given or turn.request.get("input")
        token, plain = answer.head.id, answer.choices[0].plain
        words = whole_items.of_words(value, token)
        # Neither what was asked nor what was said can hold a file.
        self.only_words = words is not None and plain
        given = words
        if given is None:
            given = whole_items.own_items(value, token, [item["id"] for item in turn.items if "id" in item])
        self._given = len(given)
        # Items that were given by reference, or that an earlier run found so, keep what Gemini wants back with them.
        self._known = natives_of_input(turn.natives, value)
        output = response["output"]
        self.items = [*given, *(output if self.only_words else kept_items.output_items(output))]
        self._natives = natives_of(answer)

    def made(self, encode: Encode, files: Sequence[str] = ()) -> rows.NewTurn:
        """`created_at` is left to the transaction. `files`: those that hold the items' media."""
        settings = large_settings(self._answer.question.echo, encode)
        if not files and self._in_one_row():
            short = brief(self._response, self._answer.question.echo)
            for each in settings:
                del short[each.field]
            body, given = encode(short), encode(self.items[: self._given])
            if len(body) + len(given) < FIRST:
                return rows.NewTurn(self._reply(body, len(body) + len(given), given), [], settings)
        return self._of_many_rows(settings, encode)

    def _in_one_row(self) -> bool:
        if self._answer.large or self._turn.conversation_id is not None:
            return False
        if self.only_words:
            return True
        if self._natives or any(self._known):
            return False
        return {holder_of(item["id"]) for item in self.items} == {self._response["id"]}

    def _reply(self, body: Body, size: int, given: Body | None = None) -> rows.ReplyRow:
        turn, response_id = self._turn, self._response["id"]
        depth, conversation_id = turn.depth + 1, turn.conversation_id
        return rows.ReplyRow(response_id, self._owner, 0.0, turn.previous_id, depth, body, size, given, conversation_id)

    def _of_many_rows(self, settings: Sequence[Setting], encode: Encode) -> rows.NewTurn:
        response_id: str = self._response["id"]
        own = self._response.copy()
        del own["output"]
        for each in settings:
            own[each.field] = None
        body = encode(own)
        items = [self._item(response_id, place, item, encode) for place, item in enumerate(self.items)]
        size = len(body) + sum([len(item.item) for item in items])
        return rows.NewTurn(self._reply(body, size), items, settings)

    def joined(self, made: rows.NewTurn) -> bytes | None:
        """The Response object as JSON, of what is stored of it; None where that is not all of it."""
        if made.settings or made.reply.given is not None:
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


def large_settings(echo: JsonMapping, encode: Encode) -> list[Setting]:
    """Those of what a Response object repeats that are stored apart from it."""
    found: list[Setting] = []
    for name in _REPEATED:
        value = echo.get(name)
        if not value or (type(value) is str and len(value) * 6 < _LARGE_SETTING) or value == _PLAIN:
            continue
        written = encode(value)
        if len(written) >= _LARGE_SETTING:
            found.append(Setting(name, hashlib.sha256(written).hexdigest(), written))
    return found
