"""Values as long as a whole request: read as they were written, in pieces, and gone with their rows."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest

from catalog_samples import run
from liftgate.catalog.connection import Connection, SqlRow
from liftgate.catalog.rows.conversations import (
    ConversationRow,
    add_conversation,
    add_items,
    delete_conversation,
    items_in,
    page_of_items,
    remove_item,
    size_of,
)
from liftgate.catalog.rows.long_values import FIRST, PIECE
from liftgate.catalog.rows.replies import (
    NewTurn,
    ReplyRow,
    add_reply,
    chain_of,
    delete_reply,
    find_reply,
    page_of_input,
)
from liftgate.catalog.rows.reply_events import events_after
from liftgate.catalog.rows.reply_items import ItemRow, items_named, items_of, reply_bytes
from liftgate.catalog.rows.reply_runs import (
    Kept,
    RunRow,
    add_run,
    begin_run,
    delete_run,
    end_run,
    expire_events,
    expire_runs,
    find_run,
)
from liftgate.catalog.rows.reply_settings import Setting, settings_of
from liftgate.catalog.table import erase_rows, stored_bytes
from liftgate.large_bodies import Body
from liftgate.records import Owner

MIB = 1024 * 1024
LENGTHS = (0, FIRST - 1, FIRST, FIRST + 1, FIRST + PIECE - 1, FIRST + PIECE, FIRST + PIECE + 1, FIRST + 3 * PIECE)


@functools.lru_cache(16)
def value(length: int) -> bytes:
    """No two pieces of it are equal."""
    return b"".join(b"%07d," % number for number in range(length // 8 + 1))[:length]


def written(url: str, work: Callable[[Connection], None]) -> None:
    run(url, lambda database: database.write(work))


class Watched:
    """`conn`, and the most bytes that a statement was given, or gave, in one value."""

    def __init__(self, conn: Connection) -> None:
        self.longest = 0
        self._conn = conn

    def execute(self, sql: str, params: Sequence[object] = ()) -> list[SqlRow]:
        rows = self._conn.execute(sql, params)
        for each in (params, *rows):
            self.longest = max([self.longest, *(len(one) for one in each if isinstance(one, Body))])
        return rows

    def changed(self) -> int:
        return self._conn.changed()

    def now(self) -> float:
        return self._conn.now()

    def body(self) -> str:
        return self._conn.body()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        with self._conn.snapshot():
            yield

    def go_on(self) -> None:
        self._conn.go_on()

    def announce(self, topic: str, key: str) -> None:
        self._conn.announce(topic, key)


def pieces(conn: Connection) -> int:
    [(number,)] = conn.execute("SELECT count(*) FROM long_values")
    return int(number)


def turn(conn: Connection, name: str, owner: Owner, *, length: int) -> NewTurn:
    items = [
        ItemRow(name, place, owner, f"item_{place}_{name}", int(place == 0), value(length + place), signature)
        for place, signature in enumerate((None, value(length), b"small"))
    ]
    setting = Setting("tools", f"digest {length}", value(length + 5))
    size = length + sum(len(item.item) for item in items)
    return NewTurn(ReplyRow(name, owner, conn.now(), None, 1, value(length), size), items, [setting])


@pytest.mark.parametrize("length", LENGTHS)
def test_a_response_is_read_as_it_was_stored_and_leaves_nothing(shared_database_url: str, length: int) -> None:
    def work(conn: Connection) -> None:
        watched = Watched(conn)
        made = turn(conn, "r", "ann", length=length)
        assert add_reply(watched, made) and add_reply(watched, turn(conn, "his", "bob", length=length))
        before = pieces(conn)
        reply = find_reply(watched, "ann", "r", conn.now())
        assert reply is not None and reply.body == value(length)
        assert items_of(watched, ["r"]) == made.items
        assert items_named(watched, "ann", ["item_1_r"], conn.now())["item_1_r"] == made.items[1]
        assert settings_of(watched, "ann", "r") == made.settings
        chain = chain_of(watched, "ann", "r", conn.now(), 9)
        assert chain is not None
        assert page_of_input(watched, "ann", chain, after=None, limit=1, descending=False) == (made.items[:1], False)
        assert reply_bytes(conn, "ann") == made.bytes
        assert delete_reply(watched, "ann", "r", conn.now()) == []
        assert reply_bytes(conn, "ann") == 0 and pieces(conn) == before // 2
        erase_rows(conn, "bob")
        assert pieces(conn) == 0
        assert watched.longest <= PIECE

    written(shared_database_url, work)


@pytest.mark.parametrize("length", LENGTHS)
def test_items_of_a_conversation_are_counted_whole(shared_database_url: str, length: int) -> None:
    def work(conn: Connection) -> None:
        watched = Watched(conn)
        new = [(ItemRow(f"h{place}", 0, "ann", f"i{place}", 1, value(length + place)), ()) for place in range(3)]
        add_conversation(conn, ConversationRow("c", "ann", conn.now(), b"{}"))
        empty = reply_bytes(conn, "ann")
        assert add_items(watched, "ann", "c", new)
        assert [item.item for item in items_in(watched, "c")] == [row.item for row, _ in new]
        assert size_of(watched, "c") == (3, 3 * length + 3) and reply_bytes(conn, "ann") == empty + 3 * length + 3
        assert remove_item(watched, "ann", "c", "i1") == [] and size_of(watched, "c") == (2, 2 * length + 2)
        assert delete_conversation(watched, "ann", "c") == []
        assert reply_bytes(conn, "ann") == 0 and pieces(conn) == 0
        assert watched.longest <= PIECE

    written(shared_database_url, work)


def test_a_page_has_one_item_however_long_and_no_more_than_fit(database_url: str) -> None:
    def work(conn: Connection) -> None:
        sizes = (33 * MIB, 100, 12 * MIB, 12 * MIB, 12 * MIB, 100)
        new = [(ItemRow(f"h{place}", 0, "ann", f"i{place}", 1, bytes(size)), ()) for place, size in enumerate(sizes)]
        add_conversation(conn, ConversationRow("c", "ann", conn.now(), b"{}"))
        add_items(conn, "ann", "c", new)
        found, after, more = list[list[str]](), None, True
        while more:
            page, more = page_of_items(conn, "c", after=after, limit=4, descending=False)
            found.append([item.id for item in page])
            after = page[-1].id
        assert found == [["i0"], ["i1", "i2", "i3"], ["i4", "i5"]]

    written(database_url, work)


def run_row(conn: Connection, name: str, length: int) -> RunRow:
    asked, body = value(length), value(length + 1)
    return RunRow(name, "ann", conn.now(), "queued", 0, 0, 0, 1, None, asked, body, "", "", 0)


@pytest.mark.parametrize("length", LENGTHS)
def test_a_run_and_its_events_are_read_as_they_were_written(shared_database_url: str, length: int) -> None:
    def work(conn: Connection) -> None:
        watched = Watched(conn)
        frames = [value(length + number) for number in range(3)]
        for name in ("r", "answered", "failed"):
            assert add_run(watched, run_row(conn, name, length), frames[:2], [], 9)
        assert stored_bytes(watched, "ann") == 3 * length
        found = find_run(watched, "ann", "r", conn.now())
        assert found is not None and (found.request, found.body) == (value(length), value(length + 1))
        read, last = list[Body](), -1
        while events := events_after(watched, "r", last, 9):
            read += [frame for _, frame in events]
            last = events[-1][0]
        assert read == frames[:2]
        for name in ("r", "answered", "failed"):
            assert begin_run(watched, name, 1, [frames[2]]) is True
        assert begin_run(watched, "r", 2, [frames[2]]) is True
        # What came of it is a row of `replies`; of the request of one that failed a part is shown yet.
        kept = Kept(value(length + 3), value(length + 5))
        assert end_run(watched, "answered", "completed", generation=1, first=3, frames=[frames[1]])
        assert end_run(watched, "failed", "failed", generation=1, kept=kept)
        [answered, failed] = [find_run(watched, "ann", name, conn.now()) for name in ("answered", "failed")]
        assert answered is not None and (answered.request, answered.body) == (b"", b"")
        assert failed is not None and (failed.request, failed.body) == (value(length + 5), value(length + 3))
        assert stored_bytes(watched, "ann") == length
        conn.execute("UPDATE reply_runs SET ended_at = 0, created_at = 0 WHERE id = 'failed'")
        assert expire_events(watched, conn.now(), 9) == 1 and not events_after(watched, "failed", -1, 9)
        assert expire_runs(watched, conn.now(), 9) == 1
        assert end_run(watched, "r", "cancelled", kept=Kept(b"{}", b"{}"))
        for name in ("r", "answered"):
            delete_run(watched, "ann", name)
        assert pieces(conn) == 0
        assert watched.longest <= PIECE

    written(shared_database_url, work)


def test_what_an_older_gateway_stored_whole_is_read_whole(database_url: str) -> None:
    def work(conn: Connection) -> None:
        add_conversation(conn, ConversationRow("c", "ann", conn.now(), b"{}"))
        add_items(conn, "ann", "c", [(ItemRow("h", 0, "ann", "i", 1, b"{}"), ())])
        conn.execute("UPDATE reply_items SET item = ?", (value(2 * MIB),))
        assert [bytes(item.item) for item in items_in(conn, "c")] == [value(2 * MIB)]
        assert size_of(conn, "c") == (1, 2 * MIB)

    written(database_url, work)
