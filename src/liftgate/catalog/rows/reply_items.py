"""Items of stored responses and of conversations, and the Files that hold their media.

An item is held by the response whose turn brought it, by a conversation, or by both; it is erased with the last of
these. Those of a turn that is one row stand in that row of `replies`, and each has an id that leads to it. A File of
purpose `KEPT` goes with the last item that names it. What all of it takes is counted for the owner.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from liftgate import ids
from liftgate.catalog.connection import Connection, chunks, invalidate, storable
from liftgate.catalog.rows.files import KEPT
from liftgate.catalog.rows.long_values import LongTable, forget, size_of
from liftgate.catalog.table import BareTable
from liftgate.errors import TooLarge, Unavailable
from liftgate.large_bodies import Body, contains
from liftgate.records import Owner
from liftgate.sizes import exact_size

KEPT_SECONDS = 30 * 86_400
"""A response's time. Conversations have none."""
_LARGEST_PAGE = 32 * 1024 * 1024
"""Bytes of items on a page, where it has more than one."""
_MOST_NAMED = 128 * 1024 * 1024


@dataclass(slots=True)
class ItemRow:
    """`holder`: the response whose turn brought it; random where a client added it. `given`: it is of the input.
    `item`: JSON. `signature`: what Gemini wants back with it (`dialects/responses/native`). `conversation_id`, `place`:
    where it stands. `held`: its holder is there.

    Rows of what is stored with each answer are not frozen: to make those costs three times as much."""

    holder: str
    position: int
    owner: Owner
    id: str
    given: int
    item: Body
    signature: Body | None = None
    conversation_id: str | None = None
    place: int | None = None
    held: int = 1


ITEMS = LongTable(
    name="reply_items",
    record=ItemRow,
    long=("item", "signature"),
    holder="holder",
    place="position",
    owner="owner",
    texts=("holder", "id", "conversation_id"),
)
REPLY_FILES = BareTable(
    name="reply_files",
    also=("holder", "file_id", "owner"),
    owner="owner",
    refers={"file_id": "files"},
    texts=("holder",),
)
USAGE = BareTable(
    name="reply_usage", also=("owner", "bytes"), owner="owner", stored=lambda conn, owner: reply_bytes(conn, owner)
)


def reply_bytes(conn: Connection, owner: Owner) -> int:
    """Of all that is stored of the owner's responses and conversations, without their Files."""
    rows = conn.execute("SELECT bytes FROM reply_usage WHERE owner = ?", (owner,))
    return int(rows[0][0]) if rows else 0


def count(conn: Connection, owner: Owner, more: int) -> None:
    """So many more bytes are stored, or fewer where it is negative."""
    if more:
        conn.execute(
            "INSERT INTO reply_usage (owner, bytes) VALUES (?, ?)"
            " ON CONFLICT (owner) DO UPDATE SET bytes = reply_usage.bytes + excluded.bytes",
            (owner, more),
        )


def items_of(conn: Connection, holders: Sequence[str], *, cut: bool = False) -> list[ItemRow]:
    """All items of these holders, in their order. `cut`: as `ITEMS.select_cut` gives them."""
    found: dict[str, list[ItemRow]] = {holder: [] for holder in holders}
    select = ITEMS.select_cut if cut else ITEMS.select
    for some, piece in chunks(holders):
        for item in _of_one_row(conn, f"id IN ({some})", piece):
            found[item.holder].append(item)
        for item in select(conn, f"WHERE holder IN ({some}) AND held = 1 ORDER BY holder, position", piece):
            found[item.holder].append(item)
    return [item for holder in holders for item in found[holder]]


def page_of(conn: Connection, found: Sequence[ItemRow], limit: int) -> tuple[list[ItemRow], bool]:
    """Of items as `ITEMS.select_cut` gives them: the first ones, at most `limit` and `_LARGEST_PAGE`, and whether there
    are more."""
    page = ITEMS.completed(conn, found[:limit], _LARGEST_PAGE)
    return page, len(found) > len(page)


def items_named(conn: Connection, owner: Owner, item_ids: Sequence[str], at: float) -> dict[str, ItemRow]:
    """Those that are there, by id; of several of one id, one that a model gave. Raises TooLarge where they have more
    than `_MOST_NAMED` bytes together, each as often as it is named."""
    found: dict[str, ItemRow] = {}
    times = Counter(each for each in item_ids if storable(each))
    with conn.snapshot():
        for some, piece in chunks(list(times)):
            rows = ITEMS.select_cut(
                conn,
                f"WHERE owner = ? AND id IN ({some}) AND (conversation_id IS NOT NULL OR EXISTS"
                " (SELECT 1 FROM replies WHERE replies.id = reply_items.holder AND replies.created_at > ?))"
                " ORDER BY given DESC",
                (owner, *piece, at - KEPT_SECONDS),
            )
            found.update((item.id, item) for item in rows)
        for some, piece in chunks(list(dict.fromkeys(map(holder_of, times)))):
            values = (*piece, owner, at - KEPT_SECONDS)
            for item in _of_one_row(conn, f"id IN ({some}) AND owner = ? AND created_at > ?", values):
                if item.id in times and not (item.given and item.id in found):
                    found[item.id] = item
        sizes = (times[item.id] * size_of(conn, ITEMS.key(item, "item"), len(item.item)) for item in found.values())
        if (size := sum(sizes)) > _MOST_NAMED:
            raise TooLarge(
                f"The items that are named by reference have {exact_size(size)} together, more than"
                f" {exact_size(_MOST_NAMED)}. Name fewer of them.",
                code="request_too_large",
            )
        return {item.id: item for item in ITEMS.completed(conn, list(found.values()))}


# ── turns of one row ─────────────────────────────────────────────────────────────────────────────────────────────────


class _Answered(msgspec.Struct):
    output: list[msgspec.Raw]


class _Named(msgspec.Struct):
    id: str


_given = msgspec.json.Decoder(list[msgspec.Raw]).decode
_answered = msgspec.json.Decoder(_Answered).decode
_named = msgspec.json.Decoder(_Named).decode


def holder_of(item_id: str) -> str:
    """The response of whose id this item's was made, if it was."""
    return ids.RESPONSE + item_id.partition("_")[2][: ids.ANSWER]


def place_in_row(conn: Connection, holder: str, item_id: str) -> tuple[int, int] | None:
    """(position, given) of an item; None where it is not in that response's row."""
    for item in _of_one_row(conn, "id = ?", (holder,)):
        if item.id == item_id:
            return item.position, item.given
    return None


def _of_one_row(conn: Connection, condition: str, values: Sequence[object]) -> list[ItemRow]:
    rows = conn.execute(f"SELECT id, owner, given, body FROM replies WHERE {condition} AND given IS NOT NULL", values)
    items: list[ItemRow] = []
    for holder, owner, given, body in rows:
        listed = [(1, each) for each in _given(given)]
        listed += [(0, each) for each in _answered(body).output]
        items += [
            ItemRow(holder, place, owner, _named(item).id, of_input, bytes(item))
            for place, (of_input, item) in enumerate(listed)
        ]
    return items


# ── what holds them ends ─────────────────────────────────────────────────────────────────────────────────────────────


def release_reply(conn: Connection, owner: Owner, reply_id: str) -> list[str]:
    """The response is gone; the Files that nothing needs any more, which the caller deletes in this transaction, under
    the owner's lock."""
    _delete(conn, owner, "holder = ? AND conversation_id IS NULL", (reply_id,))
    conn.execute("UPDATE reply_items SET held = 0 WHERE holder = ?", (reply_id,))
    return _let_go(conn, [reply_id])


def release_from_conversation(
    conn: Connection, owner: Owner, conversation_id: str, position: tuple[str, int] | None = None
) -> list[str]:
    """All items, or the one of a holder and position, stand in it no more. As `release_reply`."""
    which, values = "conversation_id = ?", (conversation_id, *(position or ()))
    if position is not None:
        which += " AND holder = ? AND position = ?"
    holders = [row[0] for row in conn.execute(f"SELECT DISTINCT holder FROM reply_items WHERE {which}", values)]
    _delete(conn, owner, f"{which} AND held = 0", values)
    conn.execute(f"UPDATE reply_items SET conversation_id = NULL, place = NULL WHERE {which}", values)
    return _let_go(conn, holders)


def _delete(conn: Connection, owner: Owner, condition: str, values: Sequence[object]) -> None:
    gone = conn.execute(
        f"DELETE FROM reply_items WHERE {condition} RETURNING holder, position, length(item), length(signature)", values
    )
    freed = 0
    for holder, position, item, signature in gone:
        freed += forget(conn, (owner, "reply_items.item", holder, position), item)
        forget(conn, (owner, "reply_items.signature", holder, position), signature or 0)
    count(conn, owner, -freed)


# ── their Files ──────────────────────────────────────────────────────────────────────────────────────────────────────


def hold_files(conn: Connection, owner: Owner, holder: str, files: Sequence[str]) -> None:
    """Under the owner's lock. Raises `Unavailable` where one of them was deleted meanwhile: whoever asks again stores
    it again."""
    for file_id in dict.fromkeys(files):
        conn.execute(
            "UPDATE files SET expires_at = NULL, lag = NULL WHERE id = ? AND owner = ? AND purpose = ?",
            (file_id, owner, KEPT),
        )
        if not conn.changed():
            raise Unavailable("A file of these items was deleted while they were stored. Ask again.", retry_after=1)
        invalidate(conn, "file", file_id)
        conn.execute(
            "INSERT INTO reply_files (holder, file_id, owner) VALUES (?, ?, ?)"
            " ON CONFLICT (holder, file_id) DO NOTHING",
            (holder, file_id, owner),
        )


def _let_go(conn: Connection, holders: Sequence[str]) -> list[str]:
    """The Files that no item of these holders, nor of another, names any more."""
    freed: list[str] = []
    for some, piece in chunks(holders):
        for holder, file_id in conn.execute(
            f"SELECT holder, file_id FROM reply_files WHERE holder IN ({some}) ORDER BY file_id", piece
        ):
            if any(contains(item.item, file_id.encode()) for item in ITEMS.select(conn, "WHERE holder = ?", (holder,))):
                continue
            conn.execute("DELETE FROM reply_files WHERE holder = ? AND file_id = ?", (holder, file_id))
            if not conn.execute("SELECT 1 FROM reply_files WHERE file_id = ? LIMIT 1", (file_id,)):
                freed.append(file_id)
    return freed
