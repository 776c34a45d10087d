"""What calls of models used and cost: a row per (key's id, owner, model, day), to which processes add their sums.

Each process writes a journal of its own first (`engine/spend_journal`). Adding its sums and noting how much of the
journal they hold is one transaction, so nothing is added twice, whatever breaks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from liftgate.catalog.connection import Connection, chunks
from liftgate.catalog.table import BareTable, marks
from liftgate.records import UsageFilter

NAMED = ("key", "owner", "model", "day")
COUNTED = (
    "requests", "failed", "unpriced", "estimated", "input_tokens", "cached_tokens", "image_tokens", "video_tokens",
    "audio_tokens", "document_tokens", "output_tokens", "reasoning_tokens", "nano_usd",
)  # fmt: skip

USAGE = BareTable(name="usage", also=(*NAMED, *COUNTED), owner="owner", texts=("key", "model", "day"))
JOURNALS = BareTable(name="usage_journals", also=("id", "settled"), texts=("id",))

Group = tuple[str, str, str, str]
"""In the order of NAMED."""
Counts = Sequence[int]
"""In the order of COUNTED."""

_ADD = (
    f"INSERT INTO usage ({', '.join((*NAMED, *COUNTED))}) VALUES ({marks(len(NAMED) + len(COUNTED))})"
    f" ON CONFLICT ({', '.join(NAMED)}) DO UPDATE SET "
    + ", ".join(f"{name} = usage.{name} + excluded.{name}" for name in COUNTED)
)


def settle_usage(conn: Connection, journal: str, upto: int, sums: Mapping[Group, Counts]) -> None:
    """Adds `sums`, which hold the journal to byte `upto`, unless that was done. In the order of their names, so that
    processes that add to the same rows never wait for each other in a circle."""
    if settled_bytes(conn, journal) >= upto:
        return
    for group in sorted(sums):
        conn.execute(_ADD, (*group, *sums[group]))
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


def names_of_keys(conn: Connection, key_ids: Sequence[str]) -> dict[str, str]:
    """What keys that were made at run time, and are there, are called: their alias, or what their secret ends in."""
    found: dict[str, str] = {}
    for some_marks, piece in chunks(key_ids):
        rows = conn.execute(f"SELECT id, coalesce(alias, hint) FROM keys WHERE id IN ({some_marks})", piece)
        found.update((row[0], row[1]) for row in rows)
    return found


def read_usage(
    conn: Connection, by: Sequence[str], wanted: UsageFilter, limit: int
) -> list[tuple[tuple[str, ...], tuple[int, ...]]]:
    """(values of `by`, sums of COUNTED), in the order of the values, at most `limit`. `by`: of NAMED, any number."""
    assert set(by) <= set(NAMED)
    tests = {
        "key = ?": wanted.key,
        "owner = ?": wanted.owner,
        "model = ?": wanted.model,
        "day >= ?": wanted.since,
        "day <= ?": wanted.until,
    }
    given = {test: value for test, value in tests.items() if value is not None}
    where = f" WHERE {' AND '.join(given)}" if given else ""
    columns = ", ".join((*by, *(f"CAST(coalesce(sum({name}), 0) AS BIGINT)" for name in COUNTED)))
    grouped = f" GROUP BY {', '.join(by)} ORDER BY {', '.join(by)} LIMIT ?" if by else " LIMIT ?"
    rows = conn.execute(f"SELECT {columns} FROM usage{where}{grouped}", (*given.values(), limit))
    return [(tuple(row[: len(by)]), tuple(int(each) for each in row[len(by) :])) for row in rows]
