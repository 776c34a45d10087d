"""Stored responses: kept, found, walked, deleted. Each function is the body of one transaction.

A row holds its own turn alone; what came before it is found by walking `previous_id`, or in its conversation. The owner
is part of every key: a foreign response is simply not there, and neither is one whose time is over. `at` is the steady
time now: a clock that was wrong when a response was made, or is wrong now, ends none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from liftgate.catalog.connection import Connection, storable
from liftgate.catalog.rows.conversations import take_places
from liftgate.catalog.rows.files import delete_file, lock_owner
from liftgate.catalog.rows.long_values import LongTable, forget
from liftgate.catalog.rows.reply_items import (
    ITEMS,
    KEPT_SECONDS,
    ItemRow,
    count,
    hold_files,
    holder_of,
    items_of,
    page_of,
    place_in_row,
    release_reply,
)
from liftgate.catalog.rows.reply_settings import Setting, end_uses, release_settings, use_settings
from liftgate.errors import ItemNotFound
from liftgate.large_bodies import Body
from liftgate.records import Owner

_WALKED_AT_ONCE = 50
"""Responses of a chain whose items are looked at together for a page."""


@dataclass(slots=True)
class ReplyRow:
    """`created_at` is on the steady clock. `depth`: its place in the chain of `previous_id`, from 1. `body`: the
    Response object as JSON, with null for each of its `Setting`s and without `output`, where its items are rows of
    their own. `given`: where they are not, the items of its input as JSON; `body` is the object in brief then, with
    `output`. Such a response stands in no conversation, has less than `FIRST` bytes, and its items have no `signature`,
    no Files, and ids from which `holder_of` leads to it. `bytes`: of it and of its items. `conversation_id`, `place`:
    the conversation that it was made in, and where its items begin there."""

    id: str
    owner: Owner
    created_at: float
    previous_id: str | None
    depth: int
    body: Body
    bytes: int
    given: Body | None = None
    conversation_id: str | None = None
    place: int | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """A response of the chain, and the bytes of its own turn; of the first one also where it stands in a
    conversation."""

    id: str
    depth: int
    bytes: int
    conversation_id: str | None
    place: int | None


REPLIES = LongTable(
    name="replies", record=ReplyRow, long=("body",), owner="owner", texts=("id", "previous_id", "conversation_id")
)


@dataclass(slots=True)
class NewTurn:
    """All rows of a response that is stored."""

    reply: ReplyRow
    items: list[ItemRow]
    settings: Sequence[Setting] = ()

    @property
    def bytes(self) -> int:
        """At most: settings that are stored already take nothing."""
        return self.reply.bytes + sum([len(each.value) for each in self.settings])


def add_reply(conn: Connection, turn: NewTurn, files: Sequence[str] = ()) -> bool:
    """All of a turn, with the Files (of purpose `KEPT`) that hold its media; in a conversation its items are added to
    that. False: the conversation is gone, and nothing was done. Raises as `hold_files`."""
    reply, items = turn.reply, turn.items
    if files:
        lock_owner(conn, reply.owner)
        hold_files(conn, reply.owner, reply.id, files)
    if reply.conversation_id is not None:
        place = take_places(conn, reply.owner, reply.conversation_id, len(items))
        if place is None:
            return False
        reply.place = place
        items = [replace(item, conversation_id=reply.conversation_id, place=place + item.position) for item in items]
    REPLIES.insert(conn, reply)
    ITEMS.insert_all(conn, items)
    count(conn, reply.owner, reply.bytes)
    use_settings(conn, reply.owner, reply.id, turn.settings)
    return True


def add_replies(conn: Connection, turns: Sequence[NewTurn]) -> None:
    """Turns in no conversation and without Files, whose responses are short, by as few statements for many as for
    one."""
    replies = [turn.reply for turn in turns]
    REPLIES.insert_short(conn, replies, unset=2)
    ITEMS.insert_all(conn, [item for turn in turns for item in turn.items], unset=3)
    sizes: dict[Owner, int] = {}
    for reply in replies:
        sizes[reply.owner] = sizes.get(reply.owner, 0) + reply.bytes
    # Owners in one order everywhere, so that two transactions cannot wait for each other.
    for owner in sorted(sizes):
        count(conn, owner, sizes[owner])
    for turn in turns:
        if turn.settings:
            use_settings(conn, turn.reply.owner, turn.reply.id, turn.settings)


def find_reply(conn: Connection, owner: Owner, reply_id: str, at: float) -> ReplyRow | None:
    if not storable(reply_id):
        return None
    return REPLIES.find(conn, "WHERE id = ? AND owner = ? AND created_at > ?", (reply_id, owner, at - KEPT_SECONDS))


def has_reply(conn: Connection, owner: Owner, reply_id: str, at: float) -> bool:
    return storable(reply_id) and bool(
        conn.execute(
            "SELECT 1 FROM replies WHERE id = ? AND owner = ? AND created_at > ?",
            (reply_id, owner, at - KEPT_SECONDS),
        )
    )


def chain_of(conn: Connection, owner: Owner, reply_id: str, at: float, most: int) -> list[Link] | None:
    """The response and those before it, oldest first, at most `most` of them; None where the response itself is not
    there. Those before it are kept as long as it is, whatever their age; where one was deleted, the list begins behind
    it (its first `depth` is not 1)."""
    if not has_reply(conn, owner, reply_id, at):
        return None
    rows = conn.execute(
        "WITH RECURSIVE chain (id, previous_id, depth, bytes, conversation_id, place, step) AS ("
        "SELECT id, previous_id, depth, bytes, conversation_id, place, 1 FROM replies WHERE id = ? AND owner = ?"
        " UNION ALL SELECT r.id, r.previous_id, r.depth, r.bytes, r.conversation_id, r.place, chain.step + 1"
        " FROM chain JOIN replies r ON r.id = chain.previous_id WHERE r.owner = ? AND chain.step < ?)"
        " SELECT id, depth, bytes, conversation_id, place FROM chain ORDER BY step DESC",
        (reply_id, owner, owner, most),
    )
    return [Link(*row) for row in rows]


def page_of_input(
    conn: Connection,
    owner: Owner,
    chain: Sequence[Link],
    *,
    after: str | None,
    limit: int,
    descending: bool,
) -> tuple[list[ItemRow], bool]:
    """Within a snapshot: `page_of` what the last response of `chain` was asked with, which is its own input, and before
    it all items of the others. Raises `ItemNotFound` for an `after` that is none of these."""
    asked = chain[-1].id
    holders = [link.id for link in (reversed(chain) if descending else chain)]
    first, passed = (0, None) if after is None else _place(conn, owner, after, holders, asked, descending=descending)
    page: list[ItemRow] = []
    for at in range(first, len(holders), _WALKED_AT_ONCE):
        for item in _walked(conn, holders[at : at + _WALKED_AT_ONCE], descending=descending):
            if passed is not None and item.holder == holders[first] and _is_passed(item, passed, descending=descending):
                continue
            if item.given or item.holder != asked:
                page.append(item)
            if len(page) > limit:
                return page_of(conn, page, limit)
    return page_of(conn, page, limit)


def _is_passed(item: ItemRow, passed: int, *, descending: bool) -> bool:
    return item.position >= passed if descending else item.position <= passed


def _place(
    conn: Connection, owner: Owner, item_id: str, holders: Sequence[str], asked: str, *, descending: bool
) -> tuple[int, int]:
    """(index of the holder, position) of an item; of several of one id, as turns at once may bring them, the one that
    is listed last."""
    order = {holder: at for at, holder in enumerate(holders)}
    if storable(item_id):
        found = [
            (order[holder], position)
            for holder, position, given in conn.execute(
                "SELECT holder, position, given FROM reply_items WHERE owner = ? AND id = ?", (owner, item_id)
            )
            if holder in order and (given or holder != asked)
        ]
        if (holder := holder_of(item_id)) in order and (there := place_in_row(conn, holder, item_id)) is not None:
            position, given = there
            if given or holder != asked:
                found.append((order[holder], position))
        if found:
            return max(found, key=lambda each: (each[0], -each[1] if descending else each[1]))
    raise ItemNotFound(item_id, param="after")


def _walked(conn: Connection, holders: Sequence[str], *, descending: bool) -> list[ItemRow]:
    items = items_of(conn, holders[::-1] if descending else holders, cut=True)
    return items[::-1] if descending else items


def delete_reply(conn: Connection, owner: Owner, reply_id: str, at: float) -> list[str] | None:
    """Erases it with its items; the Files that nothing needs any more, which the caller deletes in this transaction.
    None where it is not there."""
    if not has_reply(conn, owner, reply_id, at):
        return None
    lock_owner(conn, owner)
    return _erase(conn, owner, reply_id)


def _erase(conn: Connection, owner: Owner, reply_id: str) -> list[str] | None:
    settings = end_uses(conn, reply_id)
    gone = conn.execute(
        "DELETE FROM replies WHERE id = ? AND owner = ? RETURNING length(body), coalesce(length(given), 0)",
        (reply_id, owner),
    )
    if not gone:
        return None
    body, given = gone[0]
    count(conn, owner, -forget(conn, (owner, "replies.body", reply_id, 0), body) - given)
    release_settings(conn, owner, settings)
    return release_reply(conn, owner, reply_id)


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
