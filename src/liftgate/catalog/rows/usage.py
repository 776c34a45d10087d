"""What calls of models used and cost: a row per (key's id, owner, model, day), to which processes add their sums.

Beside it a row per File, of the calls that used it.

Each process writes a journal of its own first (`engine/spend_journal`). Adding its sums and noting how much of the
journal they hold is one transaction, so nothing is added twice, whatever breaks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from liftgate.catalog.connection import Connection, chunks
from liftgate.catalog.rows.files import HIDDEN, LISTED
from liftgate.catalog.table import BareTable, marks
from liftgate.records import UsageFilter

NAMED = ("key", "owner", "model", "day")
COUNTED = (
    "requests", "failed", "unpriced", "estimated", "input_tokens", "cached_tokens", "image_tokens", "video_tokens",
    "audio_tokens", "document_tokens", "output_tokens", "reasoning_tokens", "nano_usd",
)  # fmt: skip

OF_FILE = ("requests", "unpriced", "nano_usd")

USAGE = BareTable(name="usage", also=(*NAMED, *COUNTED), owner="owner", texts=("key", "model", "day"))
FILE_USAGE = BareTable(name="file_usage", also=("file_id", *OF_FILE), refers={"file_id": "files"}, through="file_id")
JOURNALS = BareTable(name="usage_journals", also=("id", "settled"), texts=("id",))

Group = tuple[str, str, str, str]
"""In the order of NAMED."""
Counts = Sequence[int]
"""In the order of COUNTED; of a File, of OF_FILE."""


def _adds(table: str, named: Sequence[str], counted: Sequence[str]) -> str:
    return (
        f"INSERT INTO {table} ({', '.join((*named, *counted))}) VALUES ({marks(len(named) + len(counted))})"
        f" ON CONFLICT ({', '.join(named)}) DO UPDATE SET "
        + ", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in counted)
    )


_ADD = _adds("usage", NAMED, COUNTED)
_ADD_OF_FILE = _adds("file_usage", ("file_id",), OF_FILE)


def settle_usage(
    conn: Connection,
    journal: str,
    upto: int,
    sums: Mapping[Group, Counts],
    files: Mapping[str, Counts] = MappingProxyType({}),
) -> None:
    """Adds `sums` and what `files` (by id) cost, which hold the journal to byte `upto`, unless that was done. In the
    order of their names, so that processes that add to the same rows never wait for each other in a circle. Files that
    are gone meanwhile, or that a request brought itself, are left out."""
    if settled_bytes(conn, journal) >= upto:
        return
    for group in sorted(sums):
        conn.execute(_ADD, (*group, *sums[group]))
    for file_id in sorted(files):
        if conn.execute(f"SELECT 1 FROM files WHERE id = ? AND {LISTED} /*FOR SHARE*/", (file_id, *HIDDEN)):
            conn.execute(_ADD_OF_FILE, (file_id, *files[file_id]))
    conn.execute(
        "INSERT INTO usage_journals (id, settled) VALUES (?, ?)"
        " ON CONFLICT (id) DO UPDATE SET settled = excluded.settled",
        (journal, upto),
    )


def settled_bytes(conn: Connection, journal: str) -> int:
    found = conn.execute("SELECT settled FROM usage_journals WHERE id = ?", (journal,))
    return int(found[0][0]) if found else 0


def forget_journal(conn: Connection, journal: str) -> None:
    """Its file is gone."""
    conn.execute("DELETE FROM usage_journals WHERE id = ?", (journal,))


def usage_of_file(conn: Connection, file_id: str) -> tuple[int, ...]:
    """In the order of OF_FILE, of the calls that used it."""
    found = conn.execute(f"SELECT {', '.join(OF_FILE)} FROM file_usage WHERE file_id = ?", (file_id,))
    return tuple(map(int, found[0])) if found else (0,) * len(OF_FILE)


def names_of_keys(conn: Connection, key_ids: Sequence[str]) -> dict[str, str]:
    """What keys that were made at run time, and are there, are called: their alias, or what their secret ends in."""
    found: dict[str, str] = {}
    for some_marks, piece in chunks(key_ids):
        rows = conn.execute(f"SELECT id, coalesce(alias, hint) FROM keys WHERE id IN ({some_marks})", piece)
        found.update((row[0], row[1]) for row in rows)
    return found


def read_usage(
    conn: Connection,
    by: Sequence[str],
    wanted: UsageFilter,
    limit: int,
    *,
    after: Sequence[str] = (),
    dearest: bool = False,
) -> list[tuple[tuple[str, ...], tuple[int, ...]]]:
    """(values of `by`, sums of COUNTED), in the order of the values, at most `limit`. `by`: of NAMED, any number.
    `after`: values; only those that follow. `dearest`: those that cost most come first."""
    assert set(by) <= set(NAMED) and len(after) in (0, len(by))
    tests = {
        "key = ?": wanted.key,
        "owner = ?": wanted.owner,
        "model = ?": wanted.model,
        "day >= ?": wanted.since,
        "day <= ?": wanted.until,
    }
    given = {test: value for test, value in tests.items() if value is not None}
    order = names = ", ".join(by)
    conditions, values = list(given), list(given.values())
    if after:
        conditions.append(f"({names}) > ({marks(len(by))})")
        values += after
    if dearest:
        order = f"sum(nano_usd) DESC, {names}"
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    columns = ", ".join((*by, *(f"CAST(coalesce(sum({name}), 0) AS BIGINT)" for name in COUNTED)))
    grouped = f" GROUP BY {names} ORDER BY {order} LIMIT ?" if by else " LIMIT ?"
    rows = conn.execute(f"SELECT {columns} FROM usage{where}{grouped}", (*values, limit))
    return [(tuple(row[: len(by)]), tuple(int(each) for each in row[len(by) :])) for row in rows]
