"""Numbers of one process in a file that all processes of a `data_dir` can read: 8-byte cells, in the machine's memory.

A process has a slot as long as it lives (flock), and goes on counting where the slot's last one stopped: so a kill
loses nothing, and no sum ever falls. `names` says which cells belong to which series, a JSON line for each: its family,
its labels, how many cells. A line is written before its cells are used.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import mmap
import os
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import repeat
from operator import itemgetter
from pathlib import Path

import msgspec

from liftgate.blobs.disk import locked, open_file
from liftgate.metrics.families import KEPT, Family

log = logging.getLogger("liftgate.metrics")

CAPACITY = 1 << 17
"""Cells of a slot: a file of 1 MiB."""
UNREAD_CELL = CAPACITY - 64
"""The first of the last ones, for what is not to be read."""

Labels = tuple[str, ...]
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(tuple[str, tuple[str, ...], int]).decode


class Series(msgspec.Struct, frozen=True):
    """`at`: its first cell."""

    family: Family
    labels: Labels
    at: int


class Slot:
    """This process's. `cells` are its numbers; who counts adds to them. Raises OSError."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.number, self._names = _first_free(directory)
        self._file = os.open(directory / f"{self.number}.cells", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._mapped = _mapped(self._file)
        self.cells = memoryview(self._mapped).cast("d")
        self._known: dict[tuple[str, Labels], int] = {}
        known = os.pread(self._names, os.fstat(self._names).st_size, 0)
        whole = _readable(known)
        os.ftruncate(self._names, len(whole))
        self._used = 0
        for series, cells in read_names(whole):
            if series is not None and series.at + cells <= CAPACITY:
                self._known[series.family.name, series.labels] = series.at
                if series.family.kind == "gauge":
                    # What the process before this one had at the moment of its end.
                    self.cells[series.at] = 0.0
            self._used += cells
        if len(whole) < len(known):
            # Behind what could be read stand numbers whose names are gone.
            self._mapped[self._used * 8 :] = bytes((CAPACITY - self._used) * 8)
        self._full = False
        self._logged = False

    def values_of(self, family: Family, label: str) -> set[str]:
        """What this label has in the series that there are: those of the processes before this one too."""
        place = family.labels.index(label)
        return {labels[place] for name, labels in self._known if name == family.name}

    def at(self, family: Family, labels: Labels) -> int:
        """The first cell of a series, which there is from now on; an unread one where there is no room."""
        known = self._known.get((family.name, labels))
        return self._make(family, labels) if known is None else known

    def _make(self, family: Family, labels: Labels) -> int:
        if self._used + family.cells > UNREAD_CELL:
            if not self._full:
                log.error("no room for further series of metrics: %s %s is not counted", family.name, labels)
            self._full = True
            return UNREAD_CELL
        if not self._name(_encode((family.name, labels, family.cells)) + b"\n"):
            return UNREAD_CELL
        at = self._known[family.name, labels] = self._used
        self._used += family.cells
        return at

    def _name(self, line: bytes) -> bool:
        """False where the disk takes no more: what happens goes on uncounted, and is counted when there is room."""
        size = os.fstat(self._names).st_size
        try:
            if os.pwrite(self._names, line, size) == len(line):
                self._logged = False
                return True
            reason = os.strerror(errno.ENOSPC)
        except OSError as error:
            reason = str(error.strerror)
        with suppress(OSError):
            os.ftruncate(self._names, size)  # half a line
        if not self._logged:
            log.error("new series of metrics are not counted: %s", reason)
        self._logged = True
        return False

    def add(self, family: Family, labels: Labels, by: float) -> None:
        self.cells[self.at(family, labels)] += by

    def set(self, family: Family, labels: Labels, value: float) -> None:
        self.cells[self.at(family, labels)] = value

    def observe(self, family: Family, labels: Labels, value: float) -> None:
        self.observe_at(self.at(family, labels), family.buckets, value)

    def observe_at(self, at: int, buckets: Sequence[float], value: float, times: float = 1.0) -> None:
        """`at`: the series' first cell. `value`: one for all of these times."""
        cells = self.cells
        cells[at + bisect_left(buckets, value)] += times
        cells[at + len(buckets) + 1] += value * times

    def observe_all(self, at: int, buckets: Sequence[float], values: Sequence[float]) -> None:
        """As `observe_at`, once for each; there is one at least."""
        cells = self.cells
        if len(values) == 1:
            [value] = values
            cells[at + bisect_left(buckets, value)] += 1.0
            cells[at + len(buckets) + 1] += value
            return
        cells[at + len(buckets) + 1] += sum(values)
        low = bisect_left(buckets, min(values))
        if low == bisect_left(buckets, max(values)):
            cells[at + low] += len(values)
            return
        places = [*map(bisect_left, repeat(buckets), values)]
        for place in {*places}:
            cells[at + place] += places.count(place)

    def close(self) -> None:
        self.cells.release()
        self._mapped.close()
        os.close(self._file)
        os.close(self._names)


def _mapped(file: int) -> mmap.mmap:
    """The file's cells. Its room is taken at once: a page of it that a full disk cannot give would be the end of the
    process. Without that room they are this process's alone, and no scrape has them."""
    try:
        os.posix_fallocate(file, 0, CAPACITY * 8)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        log.error("what this process counts for metrics is lost: %s", error.strerror)
        return mmap.mmap(-1, CAPACITY * 8)
    return mmap.mmap(file, CAPACITY * 8)


class Reader:
    """Of all slots of a directory, those of processes that ended included."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._slots: dict[str, _SlotReader | None] = {}

    def sums(self) -> dict[tuple[str, Labels], list[float]]:
        """(family's name, labels) → its cells, added up over the slots; gauges only of processes that live."""
        found: dict[tuple[str, Labels], list[float]] = {}
        for path in sorted(self._directory.glob("*.names")):
            if path.name not in self._slots:
                self._slots[path.name] = _open_slot(path)
            if (slot := self._slots[path.name]) is None:
                continue
            lives = slot.lives()
            for series in slot.series():
                family = series.family
                if family.kind == "gauge" and not lives:
                    continue
                values: list[float] = [*slot.cells[series.at : series.at + family.cells]]
                key = (family.name, series.labels)
                if (known := found.get(key)) is None:
                    found[key] = values
                elif family.kind == "exemplar":
                    found[key] = max(known, values, key=itemgetter(-1))
                else:
                    found[key] = [a + b for a, b in zip(known, values, strict=True)]
        return found


def _open_slot(names: Path) -> _SlotReader | None:
    """None for what is no slot, which must not keep the others from being read."""
    try:
        return _SlotReader(names)
    except OSError as error:
        log.warning("%s cannot be read, and is left out of the metrics: %s", names, error.strerror)
        return None


class _SlotReader:
    def __init__(self, names: Path) -> None:
        self._names = open_file(names, os.O_RDONLY)
        file = os.open(names.with_suffix(".cells"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.ftruncate(file, CAPACITY * 8)
            self.cells = memoryview(mmap.mmap(file, CAPACITY * 8)).cast("d")
        finally:
            os.close(file)
        self._read = 0
        self._used = 0
        self._series: list[Series] = []

    def lives(self) -> bool:
        try:
            fcntl.flock(self._names, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        fcntl.flock(self._names, fcntl.LOCK_UN)
        return False

    def series(self) -> Sequence[Series]:
        size = os.fstat(self._names).st_size
        if size > self._read:
            tail = os.pread(self._names, size - self._read, self._read)
            whole = _readable(tail)
            self._read += len(whole)
            for series, cells in read_names(whole, self._used):
                if series is not None and series.at + cells <= CAPACITY:
                    self._series.append(series)
                self._used += cells
        return self._series


def _readable(lines: bytes) -> bytes:
    """The whole lines up to the first that is none of ours (a power cut leaves such): what follows it names cells whose
    place is not known."""
    end = 0
    for line in lines.splitlines(keepends=True):
        try:
            _decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            break
        if not line.endswith(b"\n"):
            break
        end += len(line)
    return lines[:end]


def read_names(lines: bytes, at: int = 0) -> Iterator[tuple[Series | None, int]]:
    """(series, cells) of each line. None for one of a Liftgate that counted otherwise: its cells stay unread."""
    for line in lines.splitlines():
        name, labels, cells = _decode(line)
        family = KEPT.get(name)
        fits = family is not None and family.cells == cells and len(family.labels) == len(labels)
        yield (Series(family, labels, at) if family is not None and fits else None), cells
        at += cells


def _first_free(directory: Path) -> tuple[int, int]:
    """The number of a slot without a process, and its `names`, open and locked."""
    number = 0
    while True:
        file = os.open(directory / f"{number}.names", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if locked(file):
            return number, file
        os.close(file)
        number += 1
