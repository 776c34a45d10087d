"""The journal of spend: what each call used, on the disk before its answer has ended, in a file of this process alone.

A kill loses nothing of it, since the system has what was written; a power cut loses what the disk had not taken. The
file is locked (flock) as long as its process lives. A line is a JSON array: the names of `catalog/rows/usage`, then the
counts. Behind that of a call with Files stands an object, which an older Liftgate leaves out.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from liftgate import ids
from liftgate.blobs.disk import locked, taken_over
from liftgate.catalog.rows.usage import COUNTED, NAMED, OF_FILE, Counts, Group

log = logging.getLogger("liftgate.engine")

ENDING = ".jsonl"
WAITING = 256
"""Calls of a group that are added up together, at most."""
NO_COUNTS = (0,) * len(OF_FILE)


class OfFiles(msgspec.Struct, frozen=True):
    """What a call that used these Files counts for each of them, in the order of OF_FILE."""

    files: list[str]
    counts: tuple[int, int, int]


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[str | int] | OfFiles).decode

assert len(OF_FILE) == 3


class Sums:
    """What calls used, and what each File cost in them. `unread`: whole lines of a journal that are none of ours."""

    __slots__ = ("_calls", "files", "unread")

    def __init__(self) -> None:
        self.unread = 0
        # Some rows wait to be added up: hundreds at a time cost as much as one.
        self._calls: dict[Group, list[Counts]] = {}
        self.files: dict[str, list[int]] = {}

    def __bool__(self) -> bool:
        return bool(self._calls or self.files)

    @property
    def calls(self) -> dict[Group, Counts]:
        for rows in self._calls.values():
            _add_up(rows)
        return {group: rows[0] for group, rows in self._calls.items()}

    def add(self, group: Group, counts: Counts) -> None:
        rows = self._calls.get(group)
        if rows is None:
            self._calls[group] = [counts]
        else:
            rows.append(counts)
            if len(rows) > WAITING:
                _add_up(rows)

    def add_files(self, used: OfFiles) -> None:
        for file_id in used.files:
            known = self.files.get(file_id, NO_COUNTS)
            self.files[file_id] = [a + b for a, b in zip(known, used.counts, strict=True)]


class Journal:
    """Made, and locked, at once. `id`: what the catalogue calls it. `size`: bytes of whole lines. Raises OSError."""

    def __init__(self, directory: Path) -> None:
        # No more of the path: a data directory that was moved away is not begun anew.
        directory.mkdir(exist_ok=True)
        while True:
            self.id = ids.token(16)
            self._path = directory / (self.id + ENDING)
            self._fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
            # Another process may have looked for what the dead left, and have taken it for that.
            if locked(self._fd) and os.fstat(self._fd).st_nlink:
                break
            os.close(self._fd)
        self.size = 0

    def append(self, lines: bytes) -> None:
        """Whole ones, of `line_of`. Raises OSError; then it ends as it did before."""
        try:
            written = os.write(self._fd, lines)
        except OSError:
            os.ftruncate(self._fd, self.size)
            raise
        if written < len(lines):
            os.ftruncate(self._fd, self.size)
            raise OSError("the disk took a part of a line only")
        self.size += len(lines)

    @property
    def lost(self) -> bool:
        """Whether its file was removed: what is written to it now would not outlive the process."""
        return not os.fstat(self._fd).st_nlink

    def close(self, *, remove: bool) -> bool:
        """`remove`: the catalogue has all of it. Whether nothing is left of it, wherever its directory was moved to:
        what would be put back there later must not be added up once more."""
        try:
            if remove:
                os.ftruncate(self._fd, 0)
                with suppress(FileNotFoundError, NotADirectoryError):
                    self._path.unlink()
        except OSError as error:
            log.warning("the journal of spend %s is left as it is: %s", self._path, error.strerror)
            return False
        finally:
            os.close(self._fd)
        return remove


@contextmanager
def left_behind(directory: Path) -> Iterator[Iterator[tuple[str, Path]]]:
    """(id, path) of the journals whose process is gone; each stays locked until the end. Blocking."""
    held: list[int] = []

    def found() -> Iterator[tuple[str, Path]]:
        for path in sorted(directory.glob("*" + ENDING)):
            fd = taken_over(path)
            if fd is not None:
                held.append(fd)
                yield path.name.removesuffix(ENDING), path

    try:
        yield found()
    finally:
        for fd in held:
            os.close(fd)


def sums_of(content: bytes, journal: str) -> Sums:
    """A journal's lines, or some of them, added up. A line that was cut by the end of its process is left out."""
    sums = Sums()
    for line in content.splitlines(keepends=True):
        try:
            values = _decode(line)
            if isinstance(values, OfFiles):
                sums.add_files(values)
                continue
            texts, counts = values[: len(NAMED)], values[len(NAMED) :]
            if len(counts) != len(COUNTED):
                raise ValueError("it has another number of values")
            key, owner, model, day = map(str, texts)
            sums.add((key, owner, model, day), [int(each) for each in counts])
        except (msgspec.DecodeError, ValueError) as error:
            whole = line.endswith(b"\n")
            if not (whole and sums.unread):
                log.warning("a line of the journal of spend %s is left out: %s", journal, error)
            sums.unread += whole
    return sums


def begun(group: Group) -> bytes:
    """The beginning of the lines of its calls."""
    return _encode(group)[:-1] + b","


def line_of(begins: bytes, counts: Counts, used: OfFiles | None) -> bytes:
    """`begins`: as `begun` writes it. What Files cost has a line of its own."""
    line = begins + _encode(counts)[1:] + b"\n"
    return line if used is None else line + _encode(used) + b"\n"


def _add_up(rows: list[Counts]) -> None:
    if len(rows) > 1:
        rows[:] = [[*map(sum, zip(*rows, strict=True))]]
