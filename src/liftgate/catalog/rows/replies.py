"""Stored responses and their items: kept, found, walked, deleted. Each function is the body of one transaction.

A row holds its own turn alone; what came before it is found by walking `previous_id`. The owner is part of every key: a
foreign response or item is simply not there, and neither is one whose time is over. Media lie in Files of purpose
`KEPT`, which go with the last response that needs them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from liftgate.catalog.connection import Connection, chunks, invalidate, storable
from liftgate.catalog.rows.files import KEPT, delete_file, lock_owner
from liftgate.catalog.table import BareTable, Table, marks
from liftgate.errors import NotFound, Unavailable
from liftgate.records import Owner

KEPT_SECONDS = 30 * 86_400
_WALKED_AT_ONCE = 50
"""Responses of a chain whose items are looked at together for a page."""


@dataclass(frozen=True, slots=True)
class ReplyRow:
    """`depth`: its place in the chain of `previous_id`, from 1. `body`: the Response object as JSON, without `output`.
    `bytes`: of it and of its items."""

    id: str
    owner: Owner
    created_at: float
    previous_id: str | None
    depth: int
    body: bytes
    bytes: int


@dataclass(frozen=True, slots=True)
class ItemRow:
    """`holder`: the response whose turn brought it. `given`: it is of the input. `item`: JSON. `signature`: the thought
    signature of a function call."""

    holder: str
    position: int
    owner: Owner
    id: str
    given: int
    item: bytes
    signature: bytes | None


@dataclass(frozen=True, slots=True)
class Link:
    """A response of the chain, and the bytes of its own turn."""

    id: str
    depth: int
    bytes: int


REPLIES = Table(name="replies", record=ReplyRow, owner="owner", texts=("id", "previous_id"), counted_by="reply_usage")
ITEMS = Table(name="reply_items", record=ItemRow, owner="owner", texts=("holder", "id"), counted_by="reply_usage")
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
    """Of all stored responses of the owner, without their Files."""
    rows = conn.execute("SELECT bytes FROM reply_usage WHERE owner = ?", (owner,))
    return int(rows[0][0]) if rows else 0


def add_reply(conn: Connection, reply: ReplyRow, items: Sequence[ItemRow], files: Sequence[str] = ()) -> None:
    """All of a turn, with the Files (of purpose `KEPT`) that hold its media. Raises `Unavailable` where one of these
    was deleted meanwhile: whoever asks again stores it again."""
    if files:
        lock_owner(conn, reply.owner)
        _hold_files(conn, reply.owner, reply.id, files)
    REPLIES.insert(conn, reply)
    _insert_items(conn, items)
    _count(conn, reply.owner, reply.bytes)


def _hold_files(conn: Connection, owner: Owner, holder: str, files: Sequence[str]) -> None:
    for file_id in dict.fromkeys(files):
        conn.execute(
            "UPDATE files SET expires_at = NULL, lag = NULL WHERE id = ? AND owner = ? AND purpose = ?",
            (file_id, owner, KEPT),
        )
        if not conn.changed():
            raise Unavailable("A file of this response was deleted while it was stored. Ask again.", retry_after=1)
        invalidate(conn, "file", file_id)
        conn.execute("INSERT INTO reply_files (holder, file_id, owner) VALUES (?, ?, ?)", (holder, file_id, owner))


def _insert_items(conn: Connection, items: Sequence[ItemRow]) -> None:
    size = len(ITEMS.columns)
    for start in range(0, len(items), 100):
        some = items[start : start + 100]
        rows = ", ".join([f"({marks(size)})"] * len(some))
        values = [value for item in some for value in ITEMS.values(item)]
        conn.execute(f"INSERT INTO reply_items ({ITEMS.listed}) VALUES {rows}", values)


def _count(conn: Connection, owner: Owner, more: int) -> None:
    conn.execute(
        "INSERT INTO reply_usage (owner, bytes) VALUES (?, ?)"
        " ON CONFLICT (owner) DO UPDATE SET bytes = reply_usage.bytes + excluded.bytes",
        (owner, more),
    )


def find_reply(conn: Connection, owner: Owner, reply_id: str, now: float) -> ReplyRow | None:
    if not storable(reply_id):
        return None
    return REPLIES.find(conn, "WHERE id = ? AND owner = ? AND created_at > ?", (reply_id, owner, now - KEPT_SECONDS))


def chain_of(conn: Connection, owner: Owner, reply_id: str, now: float, most: int) -> list[Link] | None:
    """The response and those before it, oldest first, at most `most` of them; None where the response itself is not
    there. Those before it are kept as long as it is, whatever their age; where one was deleted, the list begins behind
    it (its first `depth` is not 1)."""
    if find_reply(conn, owner, reply_id, now) is None:
        return None
    rows = conn.execute(
        "WITH RECURSIVE chain (id, previous_id, depth, bytes, step) AS ("
        "SELECT id, previous_id, depth, bytes, 1 FROM replies WHERE id = ? AND owner = ?"
        " UNION ALL SELECT r.id, r.previous_id, r.depth, r.bytes, chain.step + 1 FROM chain"
        " JOIN replies r ON r.id = chain.previous_id WHERE r.owner = ? AND chain.step < ?)"
        " SELECT id, depth, bytes FROM chain ORDER BY step DESC",
        (reply_id, owner, owner, most),
    )
    return [Link(*row) for row in rows]


def items_of(conn: Connection, holders: Sequence[str]) -> list[ItemRow]:
    """All items of these responses, in their order."""
    found: dict[str, list[ItemRow]] = {holder: [] for holder in holders}
    for some, piece in chunks(holders):
        for item in ITEMS.select(conn, f"WHERE holder IN ({some}) ORDER BY holder, position", piece):
            found[item.holder].append(item)
    return [item for holder in holders for item in found[holder]]


def items_named(conn: Connection, owner: Owner, item_ids: Sequence[str], now: float) -> dict[str, ItemRow]:
    """Those that are there, by id; of several of one id, one that a model gave."""
    found: dict[str, ItemRow] = {}
    for some, piece in chunks([each for each in dict.fromkeys(item_ids) if storable(each)]):
        rows = ITEMS.select(
            conn,
            f"WHERE owner = ? AND id IN ({some}) AND EXISTS"
            " (SELECT 1 FROM replies WHERE replies.id = reply_items.holder AND replies.created_at > ?)"
            " ORDER BY given DESC",
            (owner, *piece, now - KEPT_SECONDS),
        )
        found.update((item.id, item) for item in rows)
    return found


def page_of_input(
    conn: Connection,
    owner: Owner,
    chain: Sequence[Link],
    *,
    after: str | None,
    limit: int,
    descending: bool,
) -> tuple[list[ItemRow], bool]:
    """A page of what the last response of `chain` was asked with: its own input, and before it all items of the others.
    Whether there is more. Raises `NotFound` for an `after` that is none of these."""
    asked = chain[-1].id
    holders = [link.id for link in (reversed(chain) if descending else chain)]
    first, passed = (0, None) if after is None else _place(conn, owner, after, holders, asked)
    page: list[ItemRow] = []
    for at in range(first, len(holders), _WALKED_AT_ONCE):
        for item in _walked(conn, holders[at : at + _WALKED_AT_ONCE], descending=descending):
            if passed is not None and item.holder == holders[first] and _is_passed(item, passed, descending=descending):
                continue
            if item.given or item.holder != asked:
                page.append(item)
            if len(page) > limit:
                return page[:limit], True
    return page, False


def _is_passed(item: ItemRow, passed: int, *, descending: bool) -> bool:
    return item.position >= passed if descending else item.position <= passed


def _place(conn: Connection, owner: Owner, item_id: str, holders: Sequence[str], asked: str) -> tuple[int, int]:
    """(index of the holder, position) of an item."""
    order = {holder: at for at, holder in enumerate(holders)}
    if storable(item_id):
        for holder, position, given in conn.execute(
            "SELECT holder, position, given FROM reply_items WHERE owner = ? AND id = ?", (owner, item_id)
        ):
            if holder in order and (given or holder != asked):
                return order[holder], position
    raise NotFound(f"Item with id '{item_id[:80]}' not found.", param="after")


def _walked(conn: Connection, holders: Sequence[str], *, descending: bool) -> list[ItemRow]:
    items = items_of(conn, list(reversed(holders)) if descending else holders)
    return items[::-1] if descending else items


def delete_reply(conn: Connection, owner: Owner, reply_id: str, now: float) -> list[str] | None:
    """Erases it with its items; the Files that nothing needs any more, which the caller deletes in this transaction.
    None where it is not there."""
    if find_reply(conn, owner, reply_id, now) is None:
        return None
    lock_owner(conn, owner)
    return _erase(conn, owner, reply_id)


def _erase(conn: Connection, owner: Owner, reply_id: str) -> list[str] | None:
    gone = conn.execute("DELETE FROM replies WHERE id = ? AND owner = ? RETURNING bytes", (reply_id, owner))
    if not gone:
        return None
    conn.execute("DELETE FROM reply_items WHERE holder = ?", (reply_id,))
    _count(conn, owner, -gone[0][0])
    return _let_go(conn, reply_id)


def _let_go(conn: Connection, holder: str) -> list[str]:
    files = [row[0] for row in conn.execute("DELETE FROM reply_files WHERE holder = ? RETURNING file_id", (holder,))]
    return [each for each in files if not conn.execute("SELECT 1 FROM reply_files WHERE file_id = ? LIMIT 1", (each,))]


def expire_replies(conn: Connection, at: float, limit: int) -> int:
    """Erases responses older than 30 days on the steady clock, at most `limit`; how many. One that a response goes on
    from waits for that one, so that no chain that is in use loses its beginning."""
    due = conn.execute(
        "SELECT owner, id FROM replies WHERE created_at <= ? AND NOT EXISTS"
        " (SELECT 1 FROM replies AS later WHERE later.previous_id = replies.id) ORDER BY created_at LIMIT ?",
        (at - KEPT_SECONDS, limit),
    )
    now = conn.now()
    # Owners in one order everywhere, so that two sweeps cannot wait for each other.
    for owner, reply_id in sorted(due):
        lock_owner(conn, owner)
        for file_id in _erase(conn, owner, reply_id) or ():
            delete_file(conn, owner, file_id, now)
    return len(due)
