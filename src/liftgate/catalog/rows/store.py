"""Which store of bytes belongs to this catalogue: one row, written once, replaced only when an operator adopts another.

The same two marks lie in the store (`files.belonging`). The row is also what a commit and a condemnation lock against
each other (`rows.unknown`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from liftgate.catalog.connection import Connection
from liftgate.catalog.steady import steady
from liftgate.catalog.table import Table, count_objects


@dataclass(frozen=True, slots=True)
class StoreRow:
    """`store_mark`: '' until the store has been seen with it. `alone_since` is on the steady clock; 0: for ever, inf:
    another catalogue has used the store, and only an operator can say that it is gone."""

    catalogue_mark: str
    store_mark: str
    place: str
    turn: str
    next_turn: str
    alone_since: float


STORE = Table(
    name="store",
    record=StoreRow,
    also=("id", "catalogue_body", "store_body"),
    texts=("catalogue_body", "store_body", "catalogue_mark", "store_mark", "place", "turn", "next_turn"),
    backup=None,
    left_out="A restored catalogue and its store get marks of their own.",
)


def get_store(conn: Connection) -> StoreRow | None:
    return STORE.find(conn, "WHERE id = 1")


def mark_catalogue(conn: Connection, mark: str, place: str) -> str:
    """The catalogue's mark that stands after this: the given one, or that of who came first. Where it knows nothing yet
    no other catalogue can have swept before, so it has always been alone.
    """
    alone_since = steady(conn) if count_objects(conn) else 0.0
    conn.execute(
        "INSERT INTO store (id, catalogue_mark, store_mark, place, turn, next_turn, alone_since)"
        " VALUES (1, ?, '', ?, '', '', ?) ON CONFLICT (id) DO NOTHING",
        (mark, place, alone_since),
    )
    [(standing,)] = conn.execute("SELECT catalogue_mark FROM store WHERE id = 1")
    return str(standing)


def note_store(conn: Connection, store_mark: str, place: str) -> None:
    """The store was seen with this mark, at this place. The first one that is seen is the catalogue's."""
    conn.execute(
        "UPDATE store SET store_mark = ?, place = ? WHERE id = 1 AND store_mark IN ('', ?)",
        (store_mark, place, store_mark),
    )


def replace_marks(conn: Connection, catalogue_mark: str, store_mark: str, place: str) -> None:
    """Another store from now on: nothing that was noted or measured of the former one holds."""
    conn.execute("DELETE FROM store WHERE id = 1")
    conn.execute("DELETE FROM unknown_objects")
    mark_catalogue(conn, catalogue_mark, place)
    note_store(conn, store_mark, place)
    note_alone(conn)


def note_bodies(conn: Connection, store_body: str) -> bool:
    """Notes which database and which store these are; whether the catalogue is a copy, or was moved, beside a store
    that is where it was. Where both are others they were moved, or copied, together."""
    catalogue_body = conn.body()
    [(before, store_before)] = conn.execute("SELECT catalogue_body, store_body FROM store WHERE id = 1 /*FOR UPDATE*/")
    if (before, store_before) == (catalogue_body, store_body):
        return False
    conn.execute("UPDATE store SET catalogue_body = ?, store_body = ? WHERE id = 1", (catalogue_body, store_body))
    copied = before not in ("", catalogue_body) and store_before == store_body
    if copied:
        note_another(conn)
    return bool(copied)


def note_another(conn: Connection) -> None:
    """Another catalogue has used the store, or may have."""
    conn.execute("UPDATE store SET alone_since = ? WHERE id = 1", (math.inf,))


def note_alone(conn: Connection, *, always: bool = False) -> None:
    """An operator says that this is the only catalogue: from now on, or `always` was."""
    conn.execute("UPDATE store SET alone_since = ? WHERE id = 1", (0.0 if always else steady(conn),))


def begin_turn(conn: Connection, found: str, turn: str) -> None:
    """`turn` is about to be left in the store, in place of `found`."""
    conn.execute("UPDATE store SET turn = ?, next_turn = ? WHERE id = 1", (found, turn))


def end_turn(conn: Connection, turn: str, *, alone: bool) -> None:
    """It is there. Not `alone`: somebody else had left something."""
    conn.execute("UPDATE store SET turn = ?, next_turn = '' WHERE id = 1", (turn,))
    if not alone:
        note_another(conn)
