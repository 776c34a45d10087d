"""Browsers that signed in to the page: a row for each, by a digest of its cookie. Times are the database's."""

from __future__ import annotations

from liftgate.catalog.connection import Connection
from liftgate.catalog.table import Table
from liftgate.records import Owner, SignIn

MOST_OF_AN_OWNER = 100
"""With one more, the oldest ends."""
_SLACK = 60.0
"""Seconds by which clocks of nodes may differ."""

SIGN_INS = Table(
    name="sign_ins",
    record=SignIn,
    owner="owner",
    texts=("id",),
    backup=None,
    left_out="Browsers sign in again.",
)


def insert_sign_in(conn: Connection, made: SignIn, idle: float) -> None:
    """Takes those that are over out of the way. `idle`: seconds without a use that end one."""
    now = conn.now()
    conn.execute(
        "DELETE FROM sign_ins WHERE expires_at <= ? OR used_at <= ? OR used_at > ?", (now, now - idle, now + _SLACK)
    )
    SIGN_INS.insert(conn, made)
    conn.execute(
        "DELETE FROM sign_ins WHERE id IN (SELECT id FROM sign_ins WHERE owner = ?"
        f" ORDER BY created_at DESC LIMIT 1000 OFFSET {MOST_OF_AN_OWNER})",
        (made.owner,),
    )


def find_sign_in(conn: Connection, sign_in_id: str, idle: float) -> tuple[SignIn | None, float]:
    """One that is not over, and the time now. One that was used later than now is: a clock that was ahead must not make
    it last longer."""
    now = conn.now()
    where = "WHERE id = ? AND expires_at > ? AND used_at > ? AND used_at <= ?"
    return SIGN_INS.find(conn, where, (sign_in_id, now, now - idle, now + _SLACK)), now


def note_use(conn: Connection, sign_in_id: str) -> None:
    conn.execute("UPDATE sign_ins SET used_at = ? WHERE id = ?", (conn.now(), sign_in_id))


def end_sign_in(conn: Connection, sign_in_id: str) -> Owner | None:
    """Whose it was; None where there is none."""
    rows = conn.execute("DELETE FROM sign_ins WHERE id = ? RETURNING owner", (sign_in_id,))
    return str(rows[0][0]) if rows else None
