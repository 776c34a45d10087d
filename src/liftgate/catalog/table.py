"""A table's declaration, made once: its columns, the owner's column, the columns that hold keys of the object store.

A module of `catalog/rows/` makes its `Table`, and that registers it. What must reach every table walks `registered()`:
a sweep asks which objects a row needs, erasing an owner deletes rows, a backup writes them, a quota counts bytes. So a
new table is in all of them by its declaration, and a test compares the declarations with the schema of both engines.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from functools import cached_property
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

import msgspec

from liftgate.catalog.connection import Connection, SqlRow, chunks
from liftgate.catalog.folding import one_holds
from liftgate.records import Owner, Paged

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

R = TypeVar("R", bound="DataclassInstance")

NODE_LOCAL: Mapping[str, str] = {
    "schema_version": "Each catalogue notes its own migrations.",
    "invalidations": "What the processes that share a SQLite file tell each other; nothing of it outlives them.",
}
"""Tables that no module of `rows/` declares, and why. They hold no owner and no object key, and are in no backup."""

ROWS = "liftgate.catalog.rows"
_AT_ONCE = (64, 16, 4, 2, 1)
"""Rows of one insertion: SQLite's oldest limit is 999 values."""

_REGISTERED: dict[str, BareTable] = {}


class Backup(msgspec.Struct, frozen=True):
    """How a backup writes a table: the rows that fulfil `only` (SQL), with `instead` (column → SQL) in place of what
    no one who reads a backup may have. `at_google`: rows of what Google keeps, which a restore takes in only on demand.
    """

    only: str = "1 = 1"
    instead: Mapping[str, str] = {}
    at_google: bool = False


class Part(NamedTuple):
    """A text, folded, that one of these columns is to hold."""

    folded: str
    columns: tuple[str, ...]


class BareTable(msgspec.Struct, frozen=True, kw_only=True, eq=False, dict=True):
    """A table whose rows no record holds. Its columns are `also`, and `unused` (columns of an older Liftgate that
    nothing reads any more; they stay while gateways of that one may run beside this one).

    Every column of text stands in exactly one of these: `owner` holds an Owner; `objects` (column → column of the size
    in bytes) hold keys of the object store, which a sweep keeps while the row is there; `refers` (column → table) hold
    the `id` of another table's row; `texts` hold neither.

    `through`: the one of `refers` that leads to the row's owner. `erased_by`: who deletes an owner's rows where
    `erase_rows` must not. `stored_where`: SQL, where only some rows have objects of their own. `stored`: how many bytes
    of an owner these rows stand for; `counted_by`: the table whose `stored` covers the objects of this one. `backup`:
    None where a backup leaves the table out, for the reason in `left_out`.
    """

    name: str
    also: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    owner: str = ""
    objects: Mapping[str, str] = {}
    refers: Mapping[str, str] = {}
    texts: tuple[str, ...] = ()
    through: str = ""
    erased_by: str = ""
    stored_where: str = "1 = 1"
    stored: Callable[[Connection, Owner], int] | None = None
    counted_by: str = ""
    backup: Backup | None = Backup()
    left_out: str = ""

    def __post_init__(self) -> None:
        if self.name in _REGISTERED:
            raise ValueError(f"the table {self.name} is registered twice")
        _REGISTERED[self.name] = self

    @property
    def columns(self) -> tuple[str, ...]:
        """Those of the record."""
        return ()

    def delete_rows(self, conn: Connection, condition: str, params: Sequence[object]) -> None:
        """Deletes rows, and does what else their going requires. `condition`: SQL."""
        conn.execute(f"DELETE FROM {self.name} WHERE {condition}", params)


class Table(BareTable, Generic[R], frozen=True, kw_only=True, eq=False, dict=True):
    """A table whose rows are records: each field of `record` is a column, called as `named` says where the column has
    another name. `also`: columns that are no field."""

    record: type[R]
    named: Mapping[str, str] = {}

    @cached_property
    def _fields(self) -> tuple[str, ...]:
        return tuple(each.name for each in fields(self.record))

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Those of the record, in the order of its fields."""
        return tuple(self.named.get(each, each) for each in self._fields)

    @cached_property
    def listed(self) -> str:
        """`columns` as SQL: what `record(*row)` takes."""
        return ", ".join(self.columns)

    def select(self, conn: Connection, rest: str, params: Sequence[object] = ()) -> list[R]:
        """The rows that `rest` (SQL, from WHERE on) chooses."""
        return self.records(conn.execute(f"SELECT {self.listed} FROM {self.name} {rest}", params))

    def find(self, conn: Connection, rest: str, params: Sequence[object] = ()) -> R | None:
        """The first of `select`."""
        found = self.select(conn, rest, params)
        return found[0] if found else None

    def page(
        self,
        conn: Connection,
        conditions: Sequence[str],
        values: Sequence[object],
        by: str,
        search: Paged,
        part: Part | None = None,
    ) -> tuple[list[R], int]:
        """A page of those that meet all conditions, of which there is one at least, in the order of the column `by`
        and then of `id`; and how many there are."""
        way = "DESC" if search.descending else "ASC"
        where, order = " AND ".join(conditions), f"ORDER BY {by} {way}, id {way}"
        start, end = (search.page - 1) * search.size, search.page * search.size
        if part is not None:
            names = conn.execute(f"SELECT id, {', '.join(part.columns)} FROM {self.name} WHERE {where} {order}", values)
            ids = [row[0] for row in names if one_holds(row[1:], part.folded)]
            pieces = [
                self.select(conn, f"WHERE id IN ({asked}) {order}", some) for asked, some in chunks(ids[start:end])
            ]
            return [*chain.from_iterable(pieces)], len(ids)
        [(total,)] = conn.execute(f"SELECT count(*) FROM {self.name} WHERE {where}", values)
        found = self.select(conn, f"WHERE {where} {order} LIMIT ? OFFSET ?", (*values, search.size, start))
        return found, int(total)

    def records(self, rows: Sequence[SqlRow]) -> list[R]:
        """Of rows that hold `listed`."""
        return [self.record(*row) for row in rows]

    def insert_all(self, conn: Connection, records: Sequence[R], *, unset: int = 0) -> None:
        """Many by few statements, whose texts are few as well: both engines keep what they have prepared. `unset`: so
        many of the last columns have their default in all of them. What fails ends the transaction."""
        start = 0
        getter = self._getters(unset)
        for size in _AT_ONCE:
            while len(records) - start >= size:
                some = records[start : start + size]
                start += size
                conn.execute(self._insertion(size, unset), [*chain.from_iterable(map(getter, some))])
                self._check_taken(conn, size)

    def _insertion(self, rows: int, unset: int) -> str:
        known = self._insertions.get((rows, unset))
        if known is None:
            columns = self.columns[: len(self.columns) - unset]
            each = ", ".join([f"({marks(len(columns))})"] * rows)
            known = f"INSERT OR ROLLBACK INTO {self.name} ({', '.join(columns)}) VALUES {each}"
            self._insertions[rows, unset] = known
        return known

    @cached_property
    def _insertions(self) -> dict[tuple[int, int], str]:
        return {}

    def insert(self, conn: Connection, record: R, /, **also: object) -> None:
        """`also`: columns that are no field of the record."""
        columns = ", ".join((*self.columns, *also))
        values = (*self.values(record), *also.values())
        conn.execute(f"INSERT INTO {self.name} ({columns}) VALUES ({marks(len(values))})", values)
        self._check_taken(conn, 1)

    def _check_taken(self, conn: Connection, rows: int) -> None:
        if conn.changed() < rows:
            # A trigger or a rule that is not ours: the transaction must not be acknowledged.
            raise RuntimeError(f"a row of {self.name} was written and is not there")

    def values(self, record: R) -> tuple[object, ...]:
        """In the order of `columns`."""
        return self._getter(record)

    @cached_property
    def _getter(self) -> Callable[[R], tuple[object, ...]]:
        return self._getters(0)

    def _getters(self, unset: int) -> Callable[[R], tuple[object, ...]]:
        known = self._known_getters.get(unset)
        if known is None:
            names = self._fields[: len(self._fields) - unset]
            assert len(names) > 1, "of one attribute it would be no tuple"
            known = self._known_getters[unset] = attrgetter(*names)
        return known

    @cached_property
    def _known_getters(self) -> dict[int, Callable[[R], tuple[object, ...]]]:
        return {}


def marks(count: int) -> str:
    """`?, ?, …`"""
    return ", ".join("?" * count)


def registered() -> tuple[BareTable, ...]:
    """All tables: importing any module of `rows/` makes all of them."""
    if ROWS not in sys.modules:
        # A sweep that knew of no table would delete every object.
        raise RuntimeError(f"import {ROWS} first: no table is declared yet")
    return tuple(_REGISTERED.values())


def table_named(name: str) -> BareTable | None:
    return _REGISTERED.get(name)


def forget_table(name: str) -> None:
    """For a table that was registered for a while, as trials do."""
    del _REGISTERED[name]


# ── what walks them ──────────────────────────────────────────────────────────────────────────────────────────────────


def known_objects(conn: Connection, keys: Sequence[str]) -> set[str]:
    """Which of these keys of the object store a row needs."""
    known: set[str] = set()
    for some_marks, piece in chunks(keys):
        for table in registered():
            for column in table.objects:
                rows = conn.execute(f"SELECT {column} FROM {table.name} WHERE {column} IN ({some_marks})", piece)
                known.update(row[0] for row in rows)
    return known


def page_of_objects(conn: Connection, table: BareTable, column: str, after: str, limit: int) -> list[tuple[str, int]]:
    """(key, bytes) of the objects that a column of a table names, in the order of keys; begin with ''."""
    rows = conn.execute(
        f"SELECT {column}, {table.objects[column]} FROM {table.name}"
        f" WHERE {column} > ? AND {table.stored_where} ORDER BY {column} LIMIT ?",
        (after, limit),
    )
    return [(row[0], row[1]) for row in rows]


def count_objects(conn: Connection) -> int:
    """How many objects of the store the rows name."""
    total = 0
    for table in registered():
        for column in table.objects:
            [(count,)] = conn.execute(
                f"SELECT count(*) FROM {table.name} WHERE {column} IS NOT NULL AND {table.stored_where}"
            )
            total += count
    return total


def erase_rows(conn: Connection, owner: Owner) -> None:
    """Deletes the owner's rows of every table that leaves them to this."""
    # First what refers to other rows, so that no row is left without the one that it refers to.
    for table in sorted(registered(), key=_depth, reverse=True):
        if condition := _of_owner(table):
            table.delete_rows(conn, condition, (owner,))


def objects_of(conn: Connection, owner: Owner) -> list[str]:
    """Keys of the objects that the rows name which `erase_rows` deletes."""
    found: list[str] = []
    for table in registered():
        for column in table.objects:
            if condition := _of_owner(table):
                rows = conn.execute(
                    f"SELECT {column} FROM {table.name} WHERE {column} IS NOT NULL AND {condition}", (owner,)
                )
                found += [row[0] for row in rows]
    return found


def _depth(table: BareTable) -> int:
    """How many rows lie between one of this table and one that names its owner."""
    return 1 + _depth(_REGISTERED[table.refers[table.through]]) if table.through else 0


def _of_owner(table: BareTable) -> str:
    """SQL with one parameter, the owner; "" where they are left to others, or the table has none."""
    if table.erased_by:
        return ""
    if table.owner:
        return f"{table.owner} = ?"
    if table.through and (parent := _of_owner(_REGISTERED[table.refers[table.through]])):
        return f"{table.through} IN (SELECT id FROM {table.refers[table.through]} WHERE {parent})"
    return ""


def stored_bytes(conn: Connection, owner: Owner) -> int:
    """What all rows of the owner stand for, in bytes: what a quota counts."""
    return sum(table.stored(conn, owner) for table in registered() if table.stored is not None)
