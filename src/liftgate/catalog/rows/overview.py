"""What a person looks for and looks at: Files by name, type and state, where their copies are, what fills an account.

Reads only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from liftgate.catalog.connection import Connection, SqlRow, chunks, storable
from liftgate.catalog.folding import folded
from liftgate.catalog.rows.copies import FILE_COPIES
from liftgate.catalog.rows.files import ALIVE, FILES, HIDDEN, LISTED, position
from liftgate.catalog.table import marks
from liftgate.errors import InvalidRequest
from liftgate.records import CopyRecord, FileRecord, FileSearch, Owner

LOOKED_AT = 50_000
"""How many Files one search looks at, and how many can be put in an order of their names or sizes."""
_STEP = 2000

_KEYS: dict[str, Callable[[SqlRow], tuple[str | int, str]]] = {
    "filename": lambda row: (folded(row[2]), row[0]),
    "bytes": lambda row: (row[6], row[0]),
}
"""A row of `_rows` → what it is ordered by."""


class FoundFiles(NamedTuple):
    """`next`: what the page behind this one comes after; None where there is none."""

    files: list[FileRecord]
    next: str | None


class FileCopy(NamedTuple):
    """A copy at an account, and a File with its bytes."""

    file_id: str
    filename: str
    copy: CopyRecord


class Held(NamedTuple):
    """The copies at one account that are in one state, and how many bytes they are of."""

    account: str
    state: str
    copies: int
    bytes: int


def find_files(conn: Connection, owner: Owner, wanted: FileSearch, now: float, *, most: int = LOOKED_AT) -> FoundFiles:
    """A page of those that are wanted. Looks at `most` Files: a page may have fewer than it could, or none, and have
    another one behind it.

    Raises `FileNotFound` for an `after` that is none of the owner's, `InvalidRequest` where more are to be sorted by
    name or size.
    """
    look = _Look(conn, owner, wanted, now, most)
    ids, following = look.by_time() if wanted.sort == "created_at" else look.by(_KEYS[wanted.sort])
    records = {
        file.id: file for asked, some in chunks(ids) for file in FILES.select(conn, f"WHERE id IN ({asked})", some)
    }
    return FoundFiles([records[each] for each in ids if each in records], following)


class _Look:
    """One search. Both orders give ids, and what the next page comes after."""

    def __init__(self, conn: Connection, owner: Owner, wanted: FileSearch, now: float, most: int) -> None:
        self._conn = conn
        self._owner = owner
        self._wanted = wanted
        self._now = now
        self._most = most
        self._words = folded(wanted.search).split()

    def by_time(self) -> tuple[list[str], str | None]:
        found: list[str] = []
        last = None
        for row in self._rows(self._wanted.after):
            last = row[0]
            if self._fits(row):
                if len(found) == self._wanted.limit:
                    return found, found[-1]
                found.append(last)
        return found, last if self._goes_on(last) else None

    def by(self, key: Callable[[SqlRow], tuple[str | int, str]]) -> tuple[list[str], str | None]:
        rows = list(self._rows(None))
        if rows and self._goes_on(rows[-1][0]):
            raise InvalidRequest(
                f"There are more than {self._most:,} files, which are listed by 'created_at' only.",
                param="sort",
                code="invalid_value",
            )
        after = self._wanted.after
        kept = [row for row in rows if row[0] == after or self._fits(row)]
        ids = [row[0] for row in sorted(kept, key=key, reverse=self._wanted.descending)]
        start = 0
        if after is not None:
            if after not in ids:
                position(self._conn, self._owner, after)
                raise InvalidRequest(
                    "The file that 'after' names is not in this list: begin again without it.", param="after"
                )
            start = ids.index(after) + 1
        page = ids[start : start + self._wanted.limit]
        return page, page[-1] if len(ids) > start + self._wanted.limit else None

    def _fits(self, row: SqlRow) -> bool:
        file_id, _, filename, display_name, mime_type, status, _ = row
        if not mime_type.startswith(self._wanted.type) or self._wanted.status not in ("", status):
            return False
        if not self._words:
            return True
        name = folded(f"{filename}\n{display_name}" if display_name else filename)
        return all(word in name for word in self._words) or self._words == [file_id]

    def _goes_on(self, last: str | None) -> bool:
        """Whether there are Files behind the last one that was looked at."""
        return last is not None and bool(next(self._rows(last), None))

    def _rows(self, after: str | None) -> Iterator[SqlRow]:
        """(id, created_at, filename, display_name, mime_type, status, bytes) of the owner's Files, `most` of them."""
        wanted = self._wanted
        if not storable(wanted.purpose) or wanted.purpose in HIDDEN:
            return
        down = wanted.descending or wanted.sort != "created_at"
        direction, beyond = ("DESC", "<") if down else ("ASC", ">")
        whose, purposes = ("purpose = ?", (wanted.purpose,)) if wanted.purpose else (LISTED, HIDDEN)
        at = () if after is None else (position(self._conn, self._owner, after), after)
        left = self._most
        while left > 0:
            limit = min(_STEP, left)
            rows = self._conn.execute(
                "SELECT id, created_at, filename, display_name, mime_type, status, bytes FROM files WHERE owner = ?"
                f" AND {whose}{f' AND (created_at, id) {beyond} (?, ?)' if at else ''} AND {ALIVE}"
                f" ORDER BY created_at {direction}, id {direction} LIMIT ?",
                (self._owner, *purposes, *at, self._now, limit),
            )
            yield from rows
            if len(rows) < limit:
                return
            left -= len(rows)
            at = (rows[-1][1], rows[-1][0])


def held(conn: Connection, owner: Owner | None, upstream_now: float) -> list[Held]:
    """What stands at each account, of one owner or (None) of all: by state, without copies whose time there is over."""
    whose, values = ("", ()) if owner is None else (" AND blobs.owner = ? AND blobs.orphaned_at IS NULL", (owner,))
    rows = conn.execute(
        "SELECT account, state, count(*), sum(replicas.bytes) FROM replicas JOIN blobs ON blobs.id = replicas.blob_id"
        f" WHERE (replicas.expires_at IS NULL OR replicas.expires_at > ?){whose} GROUP BY account, state",
        (upstream_now, *values),
    )
    return [Held(account, state, count, int(size)) for account, state, count, size in rows]


def unsettled(conn: Connection, owner: Owner, states: Sequence[str], now: float, limit: int) -> list[FileCopy]:
    """The owner's copies that are in one of these states, each with its newest File; used last first."""
    listed = ", ".join(f"replicas.{column}" for column in FILE_COPIES.columns)
    rows = conn.execute(
        f"SELECT {listed}, files.id, files.filename FROM blobs JOIN replicas ON replicas.blob_id = blobs.id"
        " JOIN files ON files.id = (SELECT id FROM files WHERE files.blob_id = blobs.id"
        f" AND {LISTED} AND {ALIVE} ORDER BY created_at DESC, id DESC LIMIT 1)"
        f" WHERE blobs.owner = ? AND blobs.orphaned_at IS NULL AND replicas.state IN ({marks(len(states))})"
        " ORDER BY replicas.used_at DESC LIMIT ?",
        (*HIDDEN, now, owner, *states, limit),
    )
    return [FileCopy(row[-2], row[-1], CopyRecord(*row[:-2])) for row in rows]
