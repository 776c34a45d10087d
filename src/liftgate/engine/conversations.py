"""Conversations as their owners see them: made, listed item by item, added to, deleted.

What goes on from one and is added to it is a turn (`engine/replies`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any, Literal

import msgspec

from liftgate import ids
from liftgate.ask.builder import Ask
from liftgate.ask.media import AnyFile
from liftgate.ask.model_facts import facts_for
from liftgate.catalog.database import Connection
from liftgate.catalog.rows import conversations as rows
from liftgate.catalog.rows.copies import Purge
from liftgate.catalog.rows.reply_items import ItemRow
from liftgate.copies.kinds.files import delete_file
from liftgate.copies.purge import PurgeAtOnce
from liftgate.copies.services import Services
from liftgate.dialects.responses import kept_items, whole_items
from liftgate.dialects.responses.items import check_item, native_key
from liftgate.dialects.responses.native import Native
from liftgate.dialects.responses.native import written as native_written
from liftgate.dialects.responses.request import conversation_not_found
from liftgate.engine.reply_items import ItemPage, ReplyItems, are_large, parts_by_file
from liftgate.engine.seals import Seals
from liftgate.errors import FileNotFound, ItemNotFound
from liftgate.files.quota import Quotas, amount
from liftgate.json_types import JsonObject
from liftgate.large_bodies import encoded
from liftgate.records import Owner

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict).decode


_NOT_STORED = "The conversation cannot be stored: "


@dataclass(frozen=True, slots=True)
class Conversation:
    id: str
    created_at: float
    metadata: JsonObject


class Conversations:
    def __init__(self, services: Services, items: ReplyItems, quotas: Quotas, purge: PurgeAtOnce, seals: Seals) -> None:
        self._db = services.db
        self._items = items
        self._quotas = quotas
        self._purge = purge
        self._seals = seals

    async def create(self, owner: Owner, metadata: JsonObject, items: Sequence[object], *, large: bool) -> Conversation:
        """As `add`, and raises what it raises."""
        await self._make_room(owner, items, large=large)
        conversation_id = f"conv_{ids.token()}"
        new = await self._new_items(owner, conversation_id, items, large=large)

        def work(conn: Connection) -> rows.ConversationRow:
            row = rows.ConversationRow(conversation_id, owner, conn.now(), _encode(metadata))
            self._check_room(conn, owner, new)
            rows.add_conversation(conn, row)
            rows.add_items(conn, owner, conversation_id, new)
            return row

        return _shown(await self._db.write(work, storing=True))

    async def retrieve(self, owner: Owner, conversation_id: str) -> Conversation:
        """Raises NotFound."""
        row = await self._db.read(partial(rows.find_conversation, owner=owner, conversation_id=conversation_id))
        return _shown(_there(row, conversation_id))

    async def update(self, owner: Owner, conversation_id: str, metadata: JsonObject) -> Conversation:
        """`metadata` takes the place of what was there. Raises NotFound."""
        values = _encode(metadata)
        row = await self._db.write(lambda conn: rows.set_metadata(conn, owner, conversation_id, values), storing=True)
        return _shown(_there(row, conversation_id))

    async def delete(self, owner: Owner, conversation_id: str) -> None:
        """Erases it with its items; those of a stored response are that one's until it is deleted. Raises NotFound."""

        def work(conn: Connection) -> list[Purge] | None:
            return _purges(conn, owner, rows.delete_conversation(conn, owner, conversation_id))

        purges = await self._db.write(work)
        if purges is None:
            raise conversation_not_found(conversation_id)
        self._purge.begin(purges)

    # ── items ────────────────────────────────────────────────────────────────────────────────────

    async def add(
        self,
        owner: Owner,
        conversation_id: str,
        items: Sequence[object],
        *,
        large: bool,
        images: bool,
    ) -> list[JsonObject]:
        """They as they are kept. `large`: to read them takes long, which is then done in threads. `images`: as in
        `ReplyItems.show_items`, here and below. Raises NotFound, TooLarge, and InvalidRequest with an item's path."""
        await self.retrieve(owner, conversation_id)
        await self._make_room(owner, items, large=large)
        new = await self._new_items(owner, conversation_id, items, large=large)

        def work(conn: Connection) -> bool:
            self._check_room(conn, owner, new)
            return rows.add_items(conn, owner, conversation_id, new)

        if not await self._db.write(work, storing=True):
            raise conversation_not_found(conversation_id)
        return await self._items.show_items(owner, [item for item, _ in new], images=images)

    async def _make_room(self, owner: Owner, items: Sequence[object], *, large: bool) -> None:
        coming = await asyncio.to_thread(kept_items.size_of_texts, list(items)) if large else 0
        lead = f"{_NOT_STORED}it has {amount(coming, exact=False)}, and " if coming else _NOT_STORED
        await self._quotas.make_room(owner, coming, lead=lead, param="items")

    def _check_room(self, conn: Connection, owner: Owner, new: Sequence[tuple[ItemRow, Sequence[str]]]) -> None:
        size = sum(len(row.item) for row, _ in new)
        self._quotas.check_stored(conn, owner, size, lead=_NOT_STORED, param="items")

    async def item(self, owner: Owner, conversation_id: str, item_id: str, *, images: bool) -> JsonObject:
        """Raises NotFound."""

        def look(conn: Connection) -> ItemRow | None:
            _there(rows.find_conversation(conn, owner, conversation_id), conversation_id)
            return rows.item_in(conn, conversation_id, item_id)

        row = await self._db.read(look)
        if row is None:
            raise ItemNotFound(item_id)
        [item] = await self._items.show_items(owner, [row], images=images)
        return item

    async def remove(self, owner: Owner, conversation_id: str, item_id: str) -> Conversation:
        """The conversation without the item. Raises NotFound."""

        def work(conn: Connection) -> tuple[rows.ConversationRow, list[Purge] | None]:
            row = _there(rows.find_conversation(conn, owner, conversation_id), conversation_id)
            return row, _purges(conn, owner, rows.remove_item(conn, owner, conversation_id, item_id))

        row, purges = await self._db.write(work)
        if purges is None:
            raise ItemNotFound(item_id)
        self._purge.begin(purges)
        return _shown(row)

    async def items(
        self,
        owner: Owner,
        conversation_id: str,
        *,
        after: str | None,
        limit: int,
        order: Literal["asc", "desc"],
        images: bool,
    ) -> ItemPage:
        """Raises NotFound."""

        def look(conn: Connection) -> tuple[list[ItemRow], bool]:
            with conn.snapshot():
                _there(rows.find_conversation(conn, owner, conversation_id), conversation_id)
                return rows.page_of_items(conn, conversation_id, after=after, limit=limit, descending=order == "desc")

        page, has_more = await self._db.read(look)
        return ItemPage(await self._items.show_items(owner, page, images=images), has_more)

    async def _new_items(
        self, owner: Owner, conversation_id: str, items: Sequence[Any], *, large: bool
    ) -> list[tuple[ItemRow, Sequence[str]]]:
        """Each with the Files that go with it."""
        natives: dict[str, Native] = {}
        if references := kept_items.referenced(items):
            named = await self._items.named(owner, references, param="items")
            large = large or are_large(named.values())
            items = await self._items.resolved(owner, items, named, natives)
        words = [item.get("id") for item in items if isinstance(item, dict)]
        given = [word for word in words if isinstance(word, str) and len(word) <= ids.LONGEST]
        taken: set[str] = set()
        if given:
            taken = await self._db.read(lambda conn: rows.ids_taken(conn, conversation_id, given))
        read = partial(self._read, owner, items, taken)
        new: list[tuple[ItemRow, Sequence[str]]] = []
        for place, item in enumerate(await asyncio.to_thread(read) if large else read()):
            for name in await parts_by_file([item], large=large):
                if await self._items.find(owner, name) is None:
                    raise FileNotFound(name, param=f"items[{place}]")
            files = await self._items.put_away(owner, [item], large=large)
            written = await asyncio.to_thread(encoded, item) if large else _encode(item)
            native = natives.get(native_key(items[place]))
            signature = None if native is None else native_written(native)
            new.append((ItemRow(f"item_{ids.token()}", 0, owner, item["id"], 1, written, signature), files))
        return new

    def _read(self, owner: Owner, items: Sequence[object], taken: Iterable[str]) -> list[JsonObject]:
        """Whole and with ids that are not taken. Raises InvalidRequest with an item's path."""
        for place, item in enumerate(items):
            ask = Ask(_FACTS, files=AnyFile(), seal=partial(self._seals.seal_of, owner))
            check_item(ask, item, f"items[{place}]")
        return whole_items.own_items(list(items), ids.token(), taken)


_FACTS = facts_for("gemini-flash-latest", date.min)
"""Of a model that takes what there is: which one will read an item is not known yet."""


def _there(row: rows.ConversationRow | None, conversation_id: str) -> rows.ConversationRow:
    if row is None:
        raise conversation_not_found(conversation_id)
    return row


def _shown(row: rows.ConversationRow) -> Conversation:
    return Conversation(row.id, row.created_at, _decode(row.metadata))


def _purges(conn: Connection, owner: Owner, files: Sequence[str] | None) -> list[Purge] | None:
    if files is None:
        return None
    return [purge for file_id in files for purge in delete_file(conn, owner, file_id) or ()]
