"""Stored responses in the catalogue: chains, their end, and what counts for an owner."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from aging import stand_still
from catalog_samples import run
from liftgate.catalog.connection import Connection
from liftgate.catalog.rows.conversations import (
    ConversationRow,
    add_conversation,
    add_items,
    forget_removed,
    page_of_items,
    remove_item,
)
from liftgate.catalog.rows.files import REMEMBERED_SECONDS
from liftgate.catalog.rows.leases import acquire
from liftgate.catalog.rows.replies import (
    NewTurn,
    ReplyRow,
    add_replies,
    add_reply,
    chain_of,
    delete_reply,
    expire_replies,
    find_reply,
    page_of_input,
)
from liftgate.catalog.rows.reply_events import events_after, next_number
from liftgate.catalog.rows.reply_items import KEPT_SECONDS, ItemRow, items_named, items_of, reply_bytes
from liftgate.catalog.rows.reply_runs import (
    LEASE,
    Kept,
    RunRow,
    add_run,
    begin_run,
    end_run,
    expire_events,
    expire_runs,
    find_run,
    log_events,
    mark_shown,
    runs_left,
)
from liftgate.catalog.rows.reply_settings import Setting, new_bytes, settings_of, use_settings
from liftgate.catalog.rows.signatures import expire_signatures, get_signatures, put_signatures
from liftgate.catalog.steady import steady
from liftgate.catalog.table import erase_rows, stored_bytes
from liftgate.errors import NotFound

DAY = 86_400.0


def written(url: str, work: Callable[[Connection], None]) -> None:
    run(url, lambda database: database.write(work))


def add(conn: Connection, name: str, previous: str | None, depth: int, *, age: float = 0.0, owner: str = "ann") -> None:
    items = [
        ItemRow(name, 0, owner, f"in_{name}", 1, b"{}", None),
        ItemRow(name, 1, owner, f"out_{name}", 0, b"{}", b"signature"),
    ]
    reply = ReplyRow(name, owner, conn.now() - age, previous, depth, b"b" * 96, 100)
    add_reply(conn, NewTurn(reply, items))


def chain(conn: Connection, length: int, *, age: float = 0.0, newest: float | None = None) -> None:
    """r1 … rN, each `age` old, but for the last one, where `newest` says so."""
    for depth in range(1, length + 1):
        old = newest if newest is not None and depth == length else age
        add(conn, f"r{depth}", f"r{depth - 1}" if depth > 1 else None, depth, age=old)


def names(conn: Connection) -> list[str]:
    return [row[0] for row in conn.execute("SELECT id FROM replies ORDER BY depth, id")]


def test_a_chain_is_walked_to_its_beginning_and_no_further_than_asked(database_url: str) -> None:
    def work(conn: Connection) -> None:
        chain(conn, 120)
        add(conn, "branch", "r60", 61)
        found = chain_of(conn, "ann", "r120", conn.now(), 1000)
        assert found is not None and [link.id for link in found] == [f"r{n}" for n in range(1, 121)]
        assert [item.id for item in items_of(conn, ["r2", "r1"])] == ["in_r2", "out_r2", "in_r1", "out_r1"]
        branch = chain_of(conn, "ann", "branch", conn.now(), 1000)
        assert branch is not None and [link.id for link in branch][-2:] == ["r60", "branch"] and len(branch) == 61
        cut = chain_of(conn, "ann", "r120", conn.now(), 10)
        assert cut is not None and [link.depth for link in cut] == list(range(111, 121))
        assert chain_of(conn, "bob", "r120", conn.now(), 10) is None

    written(database_url, work)


def test_foreign_responses_are_in_no_chain(database_url: str) -> None:
    """Not even where a row names one, as none can."""

    def work(conn: Connection) -> None:
        add(conn, "hers", None, 1)
        add(conn, "his", "hers", 2, owner="bob")
        found = chain_of(conn, "bob", "his", conn.now(), 10)
        assert found is not None and [link.id for link in found] == ["his"]
        assert items_named(conn, "bob", ["in_hers", "in_his"], conn.now()).keys() == {"in_his"}

    written(database_url, work)


def test_pages_go_on_where_the_last_one_ended(database_url: str) -> None:
    def work(conn: Connection) -> None:
        chain(conn, 130)
        links = chain_of(conn, "ann", "r130", conn.now(), 1000)
        assert links is not None
        whole = [f"{side}_r{n}" for n in range(1, 131) for side in ("in", "out")][:-1]
        for descending, wanted in ((False, whole), (True, whole[::-1])):
            found: list[str] = []
            more, after = True, None
            while more:
                page, more = page_of_input(conn, "ann", links, after=after, limit=37, descending=descending)
                found += [item.id for item in page]
                after = found[-1]
            assert found == wanted
        for foreign in ("out_r130", "none", "\x00"):
            with pytest.raises(NotFound):
                page_of_input(conn, "ann", links, after=foreign, limit=1, descending=False)

    written(database_url, work)


def add_in_one_row(
    conn: Connection, letter: str, previous: str | None, depth: int, *, age: float = 0.0, owner: str = "ann"
) -> str:
    """A turn of texts alone, as it is stored with its answer: it has no rows of items."""
    token = letter * 26
    body = json.dumps({"id": f"resp_{token}", "output": [{"id": f"msg_{token}00"}, {"id": f"rs_{token}01"}]}).encode()
    given = json.dumps([{"id": f"msg_{token}i00"}, {"id": f"msg_{token}i01"}]).encode()
    size = len(body) + len(given)
    reply = ReplyRow(f"resp_{token}", owner, conn.now() - age, previous, depth, body, size, given)
    add_replies(conn, [NewTurn(reply, [])])
    return reply.id


def own_ids(letter: str) -> list[str]:
    token = letter * 26
    return [f"msg_{token}i00", f"msg_{token}i01", f"msg_{token}00", f"rs_{token}01"]


def test_a_turn_of_one_row_stands_in_its_chain_as_others_do(database_url: str) -> None:
    def work(conn: Connection) -> None:
        add(conn, "r1", None, 1)
        second = add_in_one_row(conn, "b", "r1", 2)
        add(conn, "r3", second, 3)
        fourth = add_in_one_row(conn, "d", "r3", 4)
        links = chain_of(conn, "ann", fourth, conn.now(), 10)
        assert links is not None and [link.id for link in links] == ["r1", second, "r3", fourth]
        items = items_of(conn, ["r1", second])
        assert [(item.id, item.position, item.given) for item in items[2:]] == [
            (name, place, int(place < 2)) for place, name in enumerate(own_ids("b"))
        ]
        assert json.loads(bytes(items[-1].item)) == {"id": f"rs_{'b' * 26}01"}
        whole = ["in_r1", "out_r1", *own_ids("b"), "in_r3", "out_r3", *own_ids("d")[:2]]
        for limit in (1, 3, 20):
            for descending, wanted in ((False, whole), (True, whole[::-1])):
                found: list[str] = []
                more, after = True, None
                while more:
                    page, more = page_of_input(conn, "ann", links, after=after, limit=limit, descending=descending)
                    found += [item.id for item in page]
                    after = found[-1]
                assert found == wanted
        for unasked in (own_ids("d")[2], f"msg_{'b' * 26}02", f"msg_{'e' * 26}00"):
            with pytest.raises(NotFound):
                page_of_input(conn, "ann", links, after=unasked, limit=1, descending=False)

    written(database_url, work)


def test_an_item_of_a_turn_of_one_row_is_named_by_its_owner_in_its_time(database_url: str) -> None:
    def work(conn: Connection) -> None:
        add_in_one_row(conn, "a", None, 1)
        add_in_one_row(conn, "b", None, 1, owner="bob")
        add_in_one_row(conn, "c", None, 1, age=KEPT_SECONDS + 10)
        said = own_ids("a")[2]
        named = [*own_ids("a")[:3], own_ids("b")[0], own_ids("c")[0], f"msg_{'a' * 26}77", "msg_", "none", "\x00"]
        assert items_named(conn, "ann", named, conn.now()).keys() == set(named[:3])
        # One that a client sent again as it was is one that a model gave yet.
        reply = ReplyRow("later", "ann", conn.now(), None, 1, b"{}", 2)
        add_reply(conn, NewTurn(reply, [ItemRow("later", 0, "ann", said, 1, b"{}", None)]))
        assert not items_named(conn, "ann", [said], conn.now())[said].given

    written(database_url, work)


def test_a_turn_of_one_row_leaves_nothing(database_url: str) -> None:
    def work(conn: Connection) -> None:
        first = add_in_one_row(conn, "a", None, 1)
        size = reply_bytes(conn, "ann")
        second = add_in_one_row(conn, "b", first, 2)
        assert reply_bytes(conn, "ann") == stored_bytes(conn, "ann") == 2 * size
        assert delete_reply(conn, "ann", first, conn.now()) == [] and reply_bytes(conn, "ann") == size
        assert items_named(conn, "ann", own_ids("a"), conn.now()) == {} and items_of(conn, [first]) == []
        conn.execute("UPDATE replies SET created_at = created_at - ?", (KEPT_SECONDS + 10,))
        assert items_named(conn, "ann", own_ids("b"), conn.now()) == {}
        assert expire_replies(conn, conn.now(), 9) == 1 and items_of(conn, [second]) == []
        assert reply_bytes(conn, "ann") == 0

    written(database_url, work)


def test_what_is_over_is_hidden_and_swept(database_url: str) -> None:
    def work(conn: Connection) -> None:
        add(conn, "old", None, 1, age=KEPT_SECONDS + 10)
        add(conn, "young", None, 1, age=KEPT_SECONDS - 10)
        now = conn.now()
        assert find_reply(conn, "ann", "old", now) is None and find_reply(conn, "ann", "young", now) is not None
        assert chain_of(conn, "ann", "old", now, 10) is None
        assert items_named(conn, "ann", ["in_old", "out_young"], now).keys() == {"out_young"}
        assert delete_reply(conn, "ann", "old", now) is None
        assert expire_replies(conn, now - 3600, 10) == 0
        assert expire_replies(conn, now, 10) == 1
        assert names(conn) == ["young"] and reply_bytes(conn, "ann") == 100

    written(database_url, work)


def test_a_chain_in_use_keeps_its_beginning_and_goes_from_its_end(database_url: str) -> None:
    def work(conn: Connection) -> None:
        chain(conn, 5, age=KEPT_SECONDS + DAY, newest=DAY)
        assert expire_replies(conn, conn.now(), 10) == 0
        found = chain_of(conn, "ann", "r5", conn.now(), 10)
        assert found is not None and len(found) == 5
        conn.execute("UPDATE replies SET created_at = created_at - ?", (KEPT_SECONDS,))
        rounds = []
        while gone := expire_replies(conn, conn.now(), 10):
            rounds.append(gone)
        assert rounds == [1] * 5 and names(conn) == []
        assert conn.execute("SELECT count(*) FROM reply_items") == [(0,)] and reply_bytes(conn, "ann") == 0

    written(database_url, work)


def test_a_sweep_takes_no_more_than_its_batch(database_url: str) -> None:
    def work(conn: Connection) -> None:
        for n in range(7):
            add(conn, f"x{n}", None, 1, age=KEPT_SECONDS + DAY - n)
        assert [expire_replies(conn, conn.now(), 3) for _ in range(4)] == [3, 3, 1, 0]

    written(database_url, work)


def test_settings_that_are_shared_go_with_the_last_that_is_swept(database_url: str) -> None:
    shared = [Setting("instructions", "one", b"i" * 50), Setting("tools", "two", b"t" * 60)]

    def work(conn: Connection) -> None:
        for number in range(3):
            add(conn, f"x{number}", None, 1, age=KEPT_SECONDS + DAY - number)
            use_settings(conn, "ann", f"x{number}", shared[: 2 - number % 2])
        assert reply_bytes(conn, "ann") == 300 + 110
        assert new_bytes(conn, "ann", [*shared, Setting("text", "one", b"i" * 50)]) == 0
        assert new_bytes(conn, "bob", [*shared, Setting("text", "one", b"i" * 50)]) == 110
        for left, size in ((2, 310), (1, 210), (0, 0)):
            assert expire_replies(conn, conn.now(), 1) == 1
            assert len(names(conn)) == left and reply_bytes(conn, "ann") == size
        assert conn.execute("SELECT 1 FROM reply_setting_uses") == []

    written(database_url, work)


def test_erasing_an_owner_leaves_nothing_of_what_was_stored(database_url: str) -> None:
    def work(conn: Connection) -> None:
        chain(conn, 3)
        add(conn, "his", None, 1, owner="bob")
        add(conn, "his second", None, 1, owner="bob")
        for owner, name in (("ann", "r1"), ("ann", "r2"), ("bob", "his")):
            use_settings(conn, owner, name, [Setting("tools", "digest", b"s" * 50)])
        assert stored_bytes(conn, "ann") == 350
        erase_rows(conn, "ann")
        for table in ("replies", "reply_items", "reply_usage", "reply_settings", "reply_setting_uses"):
            assert conn.execute(f"SELECT count(*) FROM {table} WHERE owner = 'ann'") == [(0,)]
        assert names(conn) == ["his", "his second"] and stored_bytes(conn, "bob") == 250
        assert [each.value for each in settings_of(conn, "bob", "his")] == [b"s" * 50]

    written(database_url, work)


def run_row(conn: Connection, name: str, state: str, *, age: float = 0.0, owner: str = "ann") -> RunRow:
    ended_at = None if state in ("queued", "in_progress") else conn.now() - age
    return RunRow(name, owner, conn.now() - age, state, 0, 0, 0, 1, ended_at, b"{}", b"{}", "", "", 0)


def attempts(conn: Connection, name: str) -> int:
    [(number,)] = conn.execute("SELECT attempts FROM reply_runs WHERE id = ?", (name,))
    return int(number)


def test_a_run_has_one_end_and_is_written_by_whom_holds_its_lease(database_url: str) -> None:
    def work(conn: Connection) -> None:
        assert add_run(conn, run_row(conn, "r", "queued"), [b"0", b"1"], [], 1)
        assert not add_run(conn, run_row(conn, "s", "queued"), [], [], 1)
        assert add_run(conn, run_row(conn, "t", "queued", owner="bob"), [], [], 1)
        assert begin_run(conn, "r", 7, [b"2"]) is True and attempts(conn, "r") == 1
        assert log_events(conn, "r", 7, 3, [b"3", b"4"]) and not log_events(conn, "r", 6, 5, [b"x"])
        assert not mark_shown(conn, "r", 6)
        assert begin_run(conn, "r", 8, [b"2"]) is True and attempts(conn, "r") == 2
        assert events_after(conn, "r", -1, 10) == [(0, b"0"), (1, b"1"), (2, b"2")]
        assert events_after(conn, "r", -1, 2) == [(0, b"0"), (1, b"1")]
        assert not log_events(conn, "r", 7, 3, [b"x"]) and not end_run(conn, "r", "completed", generation=7)
        assert begin_run(conn, "r", 9, [b"2"]) is False
        assert end_run(conn, "r", "failed", generation=9, kept=Kept(b"{}", b""), first=3, frames=[b"end"])
        assert not end_run(conn, "r", "cancelled", kept=Kept(b"{}", b"")) and begin_run(conn, "r", 10, []) is None
        assert events_after(conn, "r", 2, 10) == [(3, b"end")]

    written(database_url, work)


def test_events_are_read_by_their_bytes_too(database_url: str) -> None:
    """An answer of 64 MiB is in five of its events; a reader gets them one after the other."""
    frames = [b"a" * (1 << 20), b"b", b"c" * (3 << 20), b"d", b"e" * 1000]

    def work(conn: Connection) -> None:
        assert add_run(conn, run_row(conn, "r", "queued"), frames, [], 9)
        read, last = list[list[int]](), -1
        while found := events_after(conn, "r", last, 100):
            read.append([number for number, _ in found])
            assert [frame for _, frame in found] == [frames[number] for number in read[-1]]
            last = read[-1][-1]
        assert read == [[0], [1], [2], [3, 4]]

    written(database_url, work)


def test_one_that_was_shown_is_not_begun_again(database_url: str) -> None:
    def work(conn: Connection) -> None:
        add_run(conn, run_row(conn, "r", "queued"), [b"0", b"1"], [], 9)
        begin_run(conn, "r", 1, [b"2"])
        log_events(conn, "r", 1, 3, [b"3"])
        assert mark_shown(conn, "r", 1)
        assert begin_run(conn, "r", 2, [b"2"]) is False and next_number(conn, "r") == 4

    written(database_url, work)


def test_only_what_nobody_carries_out_is_left(database_url: str) -> None:
    def work(conn: Connection) -> None:
        for name, age in (("young", 0.0), ("old", 100.0), ("led", 100.0), ("begun", 0.0), ("ahead", -3 * DAY)):
            add_run(conn, run_row(conn, name, "queued", age=age), [], [], 9)
        begin_run(conn, "begun", 1, [])
        acquire(conn, LEASE + "led", "someone", 60)
        assert {name for name, _ in runs_left(conn, 60, 9)} == {"old", "begun", "ahead"}

    written(database_url, work)


def test_what_ends_while_the_clock_is_behind_is_kept_for_its_time(database_url: str) -> None:
    """Events for an hour, a signature for 30 days: on the steady clock, which is ahead of the database's."""

    def work(conn: Connection) -> None:
        stand_still(conn, conn.now() + 40 * DAY)
        at = steady(conn)
        add_run(conn, replace(run_row(conn, "r", "queued"), created_at=at), [b"0"], [], 9)
        assert end_run(conn, "r", "failed")
        put_signatures(conn, "ann", [("call_1", b"s")], at)
        for later, kept in ((0, True), (3000, True), (4000, False)):
            stand_still(conn, at + later)
            expire_events(conn, steady(conn), 9)
            assert bool(events_after(conn, "r", -1, 1)) == kept
        assert find_run(conn, "ann", "r", steady(conn)) is not None
        for later, kept in ((KEPT_SECONDS - 10, True), (KEPT_SECONDS + 10, False)):
            stand_still(conn, at + later)
            expire_signatures(conn, steady(conn), 9)
            expire_runs(conn, steady(conn), 9)
            assert bool(get_signatures(conn, "ann", ["call_1"], steady(conn))) == kept
            assert (find_run(conn, "ann", "r", steady(conn)) is not None) == kept

    written(database_url, work)


def test_events_go_an_hour_after_the_end_and_runs_after_30_days(database_url: str) -> None:
    def work(conn: Connection) -> None:
        for name, state, age in (
            ("new", "failed", 10.0), ("hour", "failed", 4000.0), ("old", "failed", KEPT_SECONDS + 10),
            ("waits", "queued", KEPT_SECONDS + 10), ("answered", "completed", KEPT_SECONDS + 10),
        ):  # fmt: skip
            add_run(conn, run_row(conn, name, state, age=age), [b"0"], [], 9)
        add(conn, "answered", None, 1, age=KEPT_SECONDS + 10)
        add(conn, "child", "answered", 2)
        assert (
            expire_events(conn, conn.now(), 2) == 2
            and expire_events(conn, conn.now(), 2) == 1
            and expire_events(conn, conn.now(), 2) == 0
        )
        assert [bool(events_after(conn, name, -1, 1)) for name in ("new", "hour", "old", "waits")] == [
            True, False, False, True,
        ]  # fmt: skip
        assert expire_runs(conn, conn.now(), 9) == 2
        assert [row[0] for row in conn.execute("SELECT id FROM reply_runs ORDER BY id")] == ["hour", "new", "waits"]
        # The response itself is needed by the one that goes on from it.
        assert len(items_of(conn, ["answered"])) == 2
        erase_rows(conn, "ann")
        for table in ("reply_runs", "reply_events", "replies", "reply_items"):
            assert conn.execute(f"SELECT count(*) FROM {table}") == [(0,)]

    written(database_url, work)


def test_where_a_removed_item_stood_is_known_for_a_day(database_url: str) -> None:
    def after_first(conn: Connection) -> list[str]:
        page, _ = page_of_items(conn, "conv_1", after="msg_0", limit=9, descending=False)
        return [item.id for item in page]

    def work(conn: Connection) -> None:
        add_conversation(conn, ConversationRow("conv_1", "ann", conn.now(), b"{}"))
        items = [ItemRow(f"item_{n}", 0, "ann", f"msg_{n}", 1, b"{}", None) for n in range(3)]
        add_items(conn, "ann", "conv_1", [(item, ()) for item in items])
        assert remove_item(conn, "ann", "conv_1", "msg_0") == []
        assert forget_removed(conn, 9) == 0 and after_first(conn) == ["msg_1", "msg_2"]
        conn.execute("UPDATE removed_items SET removed_at = removed_at - ?", (REMEMBERED_SECONDS + 1,))
        assert forget_removed(conn, 9) == 1
        with pytest.raises(NotFound):
            after_first(conn)

    written(database_url, work)
