"""Conversations in the catalogue: a list of items each, in the order in which they came. They have no end of their own.

Turns and additions take their places from the conversation's row, one after the other, so each stands in it whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from liftgate.catalog.connection import Connection, chunks, storable
from liftgate.catalog.rows.files import REMEMBERED_SECONDS, lock_owner
from liftgate.catalog.rows.long_values import FIRST
from liftgate.catalog.rows.reply_items import (
    ITEMS,
    ItemRow,
    count,
    hold_files,
    page_of,
    release_from_conversation,
)
from liftgate.catalog.table import BareTable, Table
from liftgate.errors import ItemNotFound
from liftgate.records import Owner

_ROW_BYTES = 200
"""What a conversation counts beside its metadata and its items."""


@dataclass(frozen=True, slots=True)
class ConversationRow:
    """`metadata`: JSON. `next_place`: where the next item goes."""

    id: str
    owner: Owner
    created_at: float
    metadata: bytes
    next_place: int = 0


CONVERSATIONS = Table(name="conversations", record=ConversationRow, owner="owner", texts=("id",))
REMOVED_ITEMS = BareTable(
    # Where a removed item stood in its conversation.
    name="removed_items",
    also=("conversation_id", "id", "owner", "place", "removed_at"),
    owner="owner",
    refers={"conversation_id": "conversations"},
    texts=("id",),
)


def add_conversation(conn: Connection, conversation: ConversationRow) -> None:
    CONVERSATIONS.insert(conn, conversation)
    count(conn, conversation.owner, _ROW_BYTES + len(conversation.metadata))


def find_conversation(conn: Connection, owner: Owner, conversation_id: str) -> ConversationRow | None:
    if not storable(conversation_id):
        return None
    return CONVERSATIONS.find(conn, "WHERE id = ? AND owner = ?", (conversation_id, owner))


def set_metadata(conn: Connection, owner: Owner, conversation_id: str, metadata: bytes) -> ConversationRow | None:
    """What it is from then on; None where it is not there."""
    found = find_conversation(conn, owner, conversation_id)
    if found is None:
        return None
    conn.execute("UPDATE conversations SET metadata = ? WHERE id = ?", (metadata, conversation_id))
    count(conn, owner, len(metadata) - len(found.metadata))
    return replace(found, metadata=metadata)


def delete_conversation(conn: Connection, owner: Owner, conversation_id: str) -> list[str] | None:
    """With its items, but for those that a stored response holds. The Files that nothing needs any more, which the
    caller deletes in this transaction; None where it is not there."""
    if find_conversation(conn, owner, conversation_id) is None:
        return None
    lock_owner(conn, owner)
    gone = conn.execute(
        "DELETE FROM conversations WHERE id = ? AND owner = ? RETURNING length(metadata)", (conversation_id, owner)
    )
    if not gone:
        return None
    count(conn, owner, -_ROW_BYTES - gone[0][0])
    return release_from_conversation(conn, owner, conversation_id)


def take_places(conn: Connection, owner: Owner, conversation_id: str, number: int) -> int | None:
    """The first of so many places at its end, which are taken; None where it is not there."""
    if not storable(conversation_id):
        return None
    rows = conn.execute(
        "UPDATE conversations SET next_place = next_place + ? WHERE id = ? AND owner = ? RETURNING next_place",
        (number, conversation_id, owner),
    )
    return rows[0][0] - number if rows else None


def add_items(
    conn: Connection, owner: Owner, conversation_id: str, items: Sequence[tuple[ItemRow, Sequence[str]]]
) -> bool:
    """Each with the Files (of purpose `KEPT`) that hold its media. False: the conversation is not there. Raises as
    `hold_files`."""
    if any(files for _, files in items):
        lock_owner(conn, owner)
    place = take_places(conn, owner, conversation_id, len(items))
    if place is None:
        return False
    placed = [
        replace(item, conversation_id=conversation_id, place=place + at, held=0) for at, (item, _) in enumerate(items)
    ]
    ITEMS.insert_all(conn, placed)
    for item, files in items:
        hold_files(conn, owner, item.holder, files)
    count(conn, owner, sum(len(item.item) for item in placed))
    return True


def items_in(conn: Connection, conversation_id: str, before: int | None = None) -> list[ItemRow]:
    """All of them, or those that stand before a place. The caller has found the conversation to be the owner's."""
    beyond, values = ("", ()) if before is None else (" AND place < ?", (before,))
    return ITEMS.select(conn, f"WHERE conversation_id = ?{beyond} ORDER BY place", (conversation_id, *values))


def size_of(conn: Connection, conversation_id: str) -> tuple[int, int]:
    """(items, bytes) of a conversation."""
    [(number, size)] = conn.execute(
        "SELECT count(*), CAST(coalesce(sum(length(item)), 0) AS BIGINT) FROM reply_items WHERE conversation_id = ?",
        (conversation_id,),
    )
    [(rest,)] = conn.execute(
        "SELECT CAST(coalesce(sum(length(piece)), 0) AS BIGINT) FROM reply_items i JOIN long_values v"
        " ON v.owner = i.owner AND v.what = 'reply_items.item' AND v.holder = i.holder AND v.place = i.position"
        f" WHERE i.conversation_id = ? AND length(i.item) = {FIRST}",
        (conversation_id,),
    )
    return number, size + rest


def item_in(conn: Connection, conversation_id: str, item_id: str, direction: str = "ASC") -> ItemRow | None:
    """Of several of one id the first. As `items_in`."""
    if not storable(item_id):
        return None
    rest = f"WHERE conversation_id = ? AND id = ? ORDER BY place {direction} LIMIT 1"
    return ITEMS.find(conn, rest, (conversation_id, item_id))


def ids_taken(conn: Connection, conversation_id: str, item_ids: Sequence[str]) -> set[str]:
    """Those of items that stand in it. As `items_in`."""
    taken: set[str] = set()
    for some, piece in chunks([each for each in item_ids if storable(each)]):
        rows = conn.execute(
            f"SELECT id FROM reply_items WHERE conversation_id = ? AND id IN ({some})", (conversation_id, *piece)
        )
        taken.update(row[0] for row in rows)
    return taken


def page_of_items(
    conn: Connection, conversation_id: str, *, after: str | None, limit: int, descending: bool
) -> tuple[list[ItemRow], bool]:
    """Within a snapshot: `page_of` the items. As `items_in`. `after`: also of an item that was removed within a day:
    clients remove what a page has, and ask for the next one. Raises `ItemNotFound` for any other."""
    direction, beyond = ("DESC", "<") if descending else ("ASC", ">")
    condition = "conversation_id = ?"
    params: list[object] = [conversation_id]
    if after is not None:
        condition += f" AND place {beyond} ?"
        params.append(_place_of(conn, conversation_id, after, descending=descending))
    found = ITEMS.select_cut(conn, f"WHERE {condition} ORDER BY place {direction} LIMIT ?", (*params, limit + 1))
    return page_of(conn, found, limit)


def _place_of(conn: Connection, conversation_id: str, item_id: str, *, descending: bool) -> int:
    # Of several of one id, as turns at once may bring them, the one that is listed last.
    last = item_in(conn, conversation_id, item_id, "ASC" if descending else "DESC")
    if last is not None and last.place is not None:
        return last.place
    rows = storable(item_id) and conn.execute(
        "SELECT place FROM removed_items WHERE conversation_id = ? AND id = ?", (conversation_id, item_id)
    )
    if not rows:
        raise ItemNotFound(item_id, param="after")
    return int(rows[0][0])


def remove_item(conn: Connection, owner: Owner, conversation_id: str, item_id: str) -> list[str] | None:
    """As `delete_conversation`, of one item."""
    item = item_in(conn, conversation_id, item_id)
    if item is None:
        return None
    lock_owner(conn, owner)
    conn.execute(
        "INSERT INTO removed_items (conversation_id, id, owner, place, removed_at) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (conversation_id, id) DO UPDATE SET place = excluded.place, removed_at = excluded.removed_at",
        (conversation_id, item_id, owner, item.place, conn.now()),
    )
    return release_from_conversation(conn, owner, conversation_id, (item.holder, item.position))


def forget_removed(conn: Connection, limit: int) -> int:
    """Places of items that were removed more than a day ago, at most so many; how many."""
    gone = conn.execute(
        "DELETE FROM removed_items WHERE (conversation_id, id) IN"
        " (SELECT conversation_id, id FROM removed_items WHERE removed_at < ? LIMIT ?) RETURNING id",
        (conn.now() - REMEMBERED_SECONDS, limit),
    )
    return len(gone)
