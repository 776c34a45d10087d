"""Values that a client, or a model, may make as long as a whole request: kept, and read, in pieces.

A row holds the first `FIRST` bytes of such a value, the table `long_values` what follows. So no statement is given more
than a piece: SQLite keeps what was bound to a prepared statement last, and drivers copy a value in one call, during
which nothing else of the process goes on. Rows of before hold all of it, and are read as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Generic, TypeVar

from liftgate.catalog.connection import Connection
from liftgate.catalog.table import Backup, BareTable, Table
from liftgate.large_bodies import Body
from liftgate.records import Owner

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

FIRST = 64 * 1024
"""Bytes of a value that its row holds."""
PIECE = 256 * 1024
"""Bytes of each piece behind that but the last one."""

R = TypeVar("R", bound="DataclassInstance")
Key = tuple[Owner, str, str, int]
"""(owner, table and column, holder, place) of a value."""

LONG_VALUES = BareTable(
    name="long_values",
    also=("owner", "what", "holder", "place", "number", "piece"),
    owner="owner",
    texts=("what", "holder"),
    # Without those of rows that are in no backup: runs under way, events.
    backup=Backup(
        only="what <> 'reply_events.frame' AND (what NOT IN ('reply_runs.request', 'reply_runs.body') OR NOT EXISTS"
        " (SELECT 1 FROM reply_runs r WHERE r.id = long_values.holder AND r.state IN ('queued', 'in_progress')))"
    ),
)
_VALUE = "owner = ? AND what = ? AND holder = ? AND place = ?"


class LongTable(Table[R], Generic[R], frozen=True, kw_only=True, eq=False, dict=True):
    """A table with an `owner` and with long values in the columns `long`, which are fields of their names. `holder`,
    `place`: the fields that are its key; without a `place`, a holder has one row. Its records are whole; a long value
    is a bytearray then."""

    long: tuple[str, ...]
    holder: str = "id"
    place: str = ""

    def select(self, conn: Connection, rest: str, params: Sequence[object] = ()) -> list[R]:
        found = super().select(conn, rest, params)
        if not any(self._is_cut(record) for record in found):
            return found
        # What lies in two tables is read as of one moment.
        with conn.snapshot():
            return self.completed(conn, super().select(conn, rest, params))

    def select_cut(self, conn: Connection, rest: str, params: Sequence[object] = ()) -> list[R]:
        """As `select`, with the beginnings of long values, for `completed` within the same snapshot."""
        return super().select(conn, rest, params)

    def completed(self, conn: Connection, records: Sequence[R], most: int | None = None) -> list[R]:
        """They with the whole of their values; the first one, and those behind it as far as all have `most` bytes."""
        found: list[R] = []
        size = 0
        for record in records:
            cut = [column for column in self.long if _is_cut(getattr(record, column))]
            keys = {column: self.key(record, column) for column in cut}
            size += sum(len(getattr(record, column) or b"") for column in self.long if column not in keys)
            size += sum(size_of(conn, key, FIRST) for key in keys.values())
            if found and most is not None and size > most:
                break
            values = {column: whole(conn, key, getattr(record, column)) for column, key in keys.items()}
            found.append(replace(record, **values) if values else record)
        return found

    def insert_short(self, conn: Connection, records: Sequence[R], *, unset: int) -> None:
        """As `insert_all`, of records none of whose values is long."""
        super().insert_all(conn, records, unset=unset)

    def insert_all(self, conn: Connection, records: Sequence[R], *, unset: int = 0) -> None:
        long = [record for record in records if self._is_long(record)]
        if not long:
            super().insert_all(conn, records, unset=unset)
            return
        super().insert_all(conn, [self._cut(record) for record in records], unset=unset)
        for record in long:
            self._write_rest(conn, record)

    def insert(self, conn: Connection, record: R, /, **also: object) -> None:
        super().insert(conn, self._cut(record), **also)
        self._write_rest(conn, record)

    def key(self, record: R, column: str) -> Key:
        place = getattr(record, self.place) if self.place else 0
        return getattr(record, self.owner), f"{self.name}.{column}", getattr(record, self.holder), place

    def _is_long(self, record: R) -> bool:
        for column in self.long:
            value = getattr(record, column)
            if value is not None and len(value) > FIRST:
                return True
        return False

    def _is_cut(self, record: R) -> bool:
        return any(_is_cut(getattr(record, column)) for column in self.long)

    def _cut(self, record: R) -> R:
        if not self._is_long(record):
            return record
        return replace(record, **{column: beginning(getattr(record, column)) for column in self.long})

    def _write_rest(self, conn: Connection, record: R) -> None:
        for column in self.long:
            write_rest(conn, self.key(record, column), getattr(record, column))


def _is_cut(value: Body | None) -> bool:
    """Or may be: one may have exactly so many bytes."""
    return value is not None and len(value) == FIRST


def beginning(value: Body | None) -> bytes | None:
    """What a row holds of it."""
    return None if value is None else bytes(memoryview(value)[:FIRST])


def write_rest(conn: Connection, key: Key, value: Body | None) -> None:
    """What its row does not hold."""
    for number, at in enumerate(range(FIRST, len(value or b""), PIECE), 1):
        assert value is not None, "it has bytes"
        conn.execute(
            "INSERT INTO long_values (owner, what, holder, place, number, piece) VALUES (?, ?, ?, ?, ?, ?)",
            (*key, number, bytes(memoryview(value)[at : at + PIECE])),
        )
        conn.go_on()


def whole(conn: Connection, key: Key, first: bytes) -> Body:
    """The value of which a row holds `first`. The row must not change meanwhile."""
    if len(first) != FIRST:
        return first
    value = bytearray(first)
    for piece in _pieces(conn, key):
        value += piece
    return value


def _pieces(conn: Connection, key: Key) -> Iterator[bytes]:
    number, piece = 1, b""
    while number == 1 or len(piece) == PIECE:
        rows = conn.execute(f"SELECT piece FROM long_values WHERE {_VALUE} AND number = ?", (*key, number))
        if not rows:
            return
        piece = bytes(rows[0][0])
        conn.go_on()
        yield piece
        number += 1


def size_of(conn: Connection, key: Key, first: int) -> int:
    """Bytes of the value of which a row holds so many."""
    if first != FIRST:
        return first
    [(rest,)] = conn.execute(f"SELECT coalesce(sum(length(piece)), 0) FROM long_values WHERE {_VALUE}", key)
    return first + int(rest)


def forget(conn: Connection, key: Key, first: int) -> int:
    """Deletes the rest of a value of which a row held so many bytes, which is deleted or has another one: how many it
    had."""
    if first != FIRST:
        return first
    gone = conn.execute(f"DELETE FROM long_values WHERE {_VALUE} RETURNING length(piece)", key)
    conn.go_on()
    return first + sum(int(row[0]) for row in gone)
