"""What a function of the catalogue may do with a connection: the seam between our SQL and the two engines.

SQL is written once, in the dialect that SQLite (3.35+) and PostgreSQL share: `?` placeholders, `ON CONFLICT`,
`RETURNING`, row values. Where PostgreSQL needs a row lock that SQLite's single writer makes needless, the text says
`/*FOR UPDATE*/` or `/*FOR SHARE*/`: a comment to SQLite, the clause itself to PostgreSQL. `INSERT OR ROLLBACK`, where
several rows come at once, keeps SQLite from noting how to undo half a statement; PostgreSQL gets a plain `INSERT`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

SqlRow = tuple[Any, ...]
"""A row as a driver gives it: what its columns hold is the schema's to say."""

CHUNK = 400
"""How many values an `IN (…)` gets at a time; SQLite's oldest limit is 999 parameters."""


class Connection(Protocol):
    """Valid only inside the function that it was handed to, in that thread."""

    def execute(self, sql: str, params: Sequence[object] = ()) -> list[SqlRow]:
        """All rows of one statement, [] for a statement without any."""

    def changed(self) -> int:
        """How many rows the last INSERT, UPDATE or DELETE touched."""

    def now(self) -> float:
        """The database's time, the same for all who share it: the machine's for SQLite, the server's for PostgreSQL."""

    def body(self) -> str:
        """Which database this physically is: a copy of it has another one, the same data restored or moved too."""

    def snapshot(self) -> AbstractContextManager[None]:
        """Within a read: all statements until its end see the catalogue as the first one did. Within another one, or a
        write, it adds nothing."""

    def go_on(self) -> None:
        """A part of what takes long is done: the deadline begins anew."""

    def announce(self, topic: str, key: str) -> None:
        """Tells every process, this one too, that something changed, if and when this transaction commits."""


def invalidate(conn: Connection, topic: str, key: str) -> None:
    """Inside a write: whoever keeps `key` of `topic` in memory must forget it.

    Topics: "file" (file id), a kind of copy (`CopyKey.text`), "lease" (its name, when it falls free), "key" (its id),
    "owner" (one whose limits changed), "reply" and "reply_cancelled" (the id of a response in the background).
    """
    conn.announce(topic, key)


def storable(text: str | None) -> bool:
    """Whether both engines can hold this text: no NUL (PostgreSQL), no lone surrogate (neither).

    A name that cannot be stored was never stored: look-ups answer 'not there' without asking.
    """
    if text is None:
        return True
    if "\x00" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def chunks(values: Sequence[str]) -> Iterator[tuple[str, Sequence[str]]]:
    """(`?,?,…`, values) for `IN (…)`, at most `CHUNK` at a time; nothing for no values."""
    for start in range(0, len(values), CHUNK):
        piece = values[start : start + CHUNK]
        yield ",".join("?" * len(piece)), piece
