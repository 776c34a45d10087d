"""What the limits of keys, of owners and of the gateway have let out: a row for each limit. Its state is one text,
which a process reads and writes back while it holds the row: so limits are exact over all processes, however many of
them one transaction is about."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from liftgate.catalog.connection import Connection, chunks
from liftgate.catalog.table import BareTable

ALLOWANCES = BareTable(
    name="allowances",
    also=("id", "key_id", "state"),
    refers={"key_id": "keys"},
    texts=("id", "state"),
    through="key_id",
)
OWNER_ALLOWANCES = BareTable(
    name="owner_allowances",
    also=("id", "owner_id", "state"),
    refers={"owner_id": "owner_limits"},
    texts=("id", "state"),
    through="owner_id",
)
GATEWAY_ALLOWANCES = BareTable(name="gateway_allowances", also=("id", "made_at", "state"), texts=("id", "state"))
OWNER_IDS = "owner_"
"""What the ids of owners' rows begin with."""
GATEWAY = "gateway"
"""The subject of what bounds all callers together."""

Change = Callable[[str, str | None, float], str | None]


def change_allowances(conn: Connection, limits: Sequence[tuple[str, str]], change: Change) -> None:
    """`limits`: (id, subject: the id of the key or of the owner, or GATEWAY). `change(id, state, now)` gives the new
    state; None leaves it. Limits of what is not there any more are left out."""
    of_keys: dict[str, str] = {}
    of_owners: dict[str, str] = {}
    of_all: list[str] = []
    for limit_id, subject in limits:
        if subject == GATEWAY:
            of_all.append(limit_id)
        else:
            (of_owners if subject.startswith(OWNER_IDS) else of_keys)[limit_id] = subject
    # In one order of tables and of rows, so that two processes never wait for each other; last the rows that all want.
    for table, subjects in ((ALLOWANCES, of_keys), (OWNER_ALLOWANCES, of_owners)):
        if subjects:
            _change(conn, table, _made(conn, table, dict(sorted(subjects.items()))), change)
    if of_all:
        begin_gateway(conn, sorted(of_all))
        _change(conn, GATEWAY_ALLOWANCES, sorted(of_all), change)


def _made(conn: Connection, table: BareTable, subjects: dict[str, str]) -> list[str]:
    """The limits whose key or owner is there; each has a row then."""
    [(column, whose)] = table.refers.items()
    there: set[str] = set()
    for marks, piece in chunks(sorted(set(subjects.values()))):
        # Held to the end: a key that is deleted meanwhile takes its rows with it.
        found = conn.execute(f"SELECT id FROM {whose} WHERE id IN ({marks}) ORDER BY id /*FOR SHARE*/", piece)
        there.update(row[0] for row in found)
    ids = [limit_id for limit_id, subject in subjects.items() if subject in there]
    for limit_id in ids:
        conn.execute(
            f"INSERT INTO {table.name} (id, {column}, state) VALUES (?, ?, '') ON CONFLICT (id) DO NOTHING",
            (limit_id, subjects[limit_id]),
        )
    return ids


def begin_gateway(conn: Connection, ids: Sequence[str]) -> None:
    """A row for each limit of the gateway, with the database's time as its beginning where it has none yet."""
    for limit_id in ids:
        conn.execute(
            "INSERT INTO gateway_allowances (id, made_at, state) VALUES (?, ?, '') ON CONFLICT (id) DO NOTHING",
            (limit_id, conn.now()),
        )


def _change(conn: Connection, table: BareTable, ids: Sequence[str], change: Change) -> None:
    states: dict[str, str] = {}
    for marks, piece in chunks(ids):
        states |= {
            row[0]: row[1]
            for row in conn.execute(
                f"SELECT id, state FROM {table.name} WHERE id IN ({marks}) ORDER BY id /*FOR UPDATE*/", piece
            )
        }
    now = conn.now()
    for limit_id in ids:
        changed = change(limit_id, states[limit_id] or None, now)
        if changed is not None:
            conn.execute(f"UPDATE {table.name} SET state = ? WHERE id = ?", (changed, limit_id))


def read_gateway(conn: Connection) -> dict[str, tuple[float, str]]:
    """Of each limit of the gateway that there ever was: since when it is counted, and its state, by its id."""
    return {row[0]: (row[1], row[2]) for row in conn.execute("SELECT id, made_at, state FROM gateway_allowances")}


def read_all_allowances(conn: Connection, subjects: Sequence[str]) -> dict[str, str]:
    """The states of the limits of these keys, or of these owners, by their ids."""
    table = OWNER_ALLOWANCES if subjects and subjects[0].startswith(OWNER_IDS) else ALLOWANCES
    [column] = table.refers
    found: dict[str, str] = {}
    for marks, piece in chunks(subjects):
        rows = conn.execute(f"SELECT id, state FROM {table.name} WHERE {column} IN ({marks})", piece)
        found |= {row[0]: row[1] for row in rows}
    return found


def read_allowances(conn: Connection, subject: str) -> dict[str, str]:
    """The states of the limits of a key or an owner, by their ids."""
    return read_all_allowances(conn, [subject])
