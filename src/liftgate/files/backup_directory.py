"""A backup's directory: what lies where, what its manifest says, and which objects its catalogue needs.

manifest.json          what it is of, and whether it is whole; replaced by a rename, so it is never half
catalogue-…/*.jsonl    the rows (`catalog.portable`)
blobs/xy/…             the objects, as in a local store
spool/                 what is being copied
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from liftgate import ids
from liftgate.catalog.portable import TableFile, read_rows
from liftgate.catalog.rows.blobs import OF_BLOBS
from liftgate.catalog.table import registered
from liftgate.errors import ConfigError
from liftgate.json_types import JsonObject, loaded

FORMAT = 1
_MANIFEST = "manifest.json"
_ROWS = "catalogue-"
_WRITES_REFUSED = (errno.EROFS, errno.EACCES, errno.EPERM)


@dataclass(frozen=True, slots=True)
class Manifest:
    """`complete`: all that it names is there. `source`: the mark of the catalogue that it is of. `gone`: blobs and
    objects that were deleted while it was made. `missing`, `damaged`: blobs whose bytes the source itself had lost.
    `run`: how often this directory, `line`, was brought up to date; the catalogue counts with it."""

    id: str
    source: str
    complete: bool = False
    format: int = FORMAT
    schema: int = 0
    made_at: float = 0.0
    rows: str = ""
    tables: dict[str, TableFile] = field(default_factory=dict)
    blobs: int = 0
    bytes: int = 0
    gone: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()
    line: str = ""
    run: int = 0


@dataclass(frozen=True, slots=True)
class Whole:
    """The bytes of a blob: objects of the store, in order, as (key, bytes). `sha256`: of all of them; "" for a part of
    an upload that is not finished."""

    id: str
    sha256: str
    objects: tuple[tuple[str, int], ...]

    @property
    def size(self) -> int:
        return sum(size for _, size in self.objects)


class BackupDirectory:
    def __init__(self, directory: Path) -> None:
        self.path = directory
        self.blobs = directory / "blobs"
        self.spool = directory / "spool"
        self._lock = directory / "lock"
        self._manifest = directory / _MANIFEST
        self._manifest_in_the_making = directory / f"{_MANIFEST}.new"

    @contextmanager
    def locked(self, *, read_only: bool = False) -> Iterator[None]:
        """One backup or restore at a time. `read_only`: also where nobody can write, as in a snapshot of it. Raises
        `ConfigError`."""
        try:
            fd = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            if read_only and error.errno in _WRITES_REFUSED:
                yield
                return
            raise ConfigError(f"{self.path} cannot be used for a backup: {error.strerror}.") from None
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            raise ConfigError(f"{self.path}: another backup or restore is at work here.") from None
        try:
            yield
        finally:
            os.close(fd)

    def make(self) -> None:
        """For who made it alone. Raises `ConfigError` for what is no place for a backup."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            used = not self._manifest.exists() and any(map(self._is_strange, self.path.iterdir()))
        except OSError as error:
            raise ConfigError(f"{self.path} cannot be used for a backup: {error.strerror}.") from None
        if used:
            raise ConfigError(f"{self.path} is not empty and holds no backup; name a new or an empty directory.")
        self.spool.mkdir(mode=0o700, exist_ok=True)

    def _is_strange(self, entry: Path) -> bool:
        """Whether it is none of what a run leaves that ended before its manifest was written."""
        if entry == self._lock:
            return entry.is_symlink() or not entry.is_file() or entry.stat().st_size > 0
        if entry == self._manifest_in_the_making:
            return entry.is_symlink() or not entry.is_file()
        if entry == self.spool:
            return entry.is_symlink() or not entry.is_dir() or any(entry.iterdir())
        return entry.name != "lost+found"

    def manifest(self) -> Manifest | None:
        """Raises `ConfigError` where it cannot be read, or is of a newer Liftgate."""
        path = self._manifest
        try:
            stated: JsonObject = loaded(path.read_bytes())
            if stated["format"] > FORMAT:
                raise ConfigError(f"{path}: this backup is of a newer Liftgate.")
            lists = {name: tuple(stated[name]) for name in ("gone", "missing", "damaged")}
            files = {name: TableFile(**facts) for name, facts in stated["tables"].items()}
            return Manifest(**{**stated, **lists, "tables": files})
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError):
            raise ConfigError(f"{path} cannot be read: this is no backup of Liftgate, or it is damaged.") from None

    def write_manifest(self, manifest: Manifest) -> None:
        fd = os.open(self._manifest_in_the_making, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with open(fd, "w") as file:
            json.dump(asdict(manifest), file, ensure_ascii=False, indent=1)
            file.flush()
            os.fsync(file.fileno())
        os.rename(self._manifest_in_the_making, self._manifest)
        fd = os.open(self.path, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def new_rows(self) -> Path:
        directory = self.path / f"{_ROWS}{ids.token(8)}"
        directory.mkdir(mode=0o700)
        return directory

    def forget_rows(self, kept: str) -> None:
        """Removes what earlier runs, or cut ones, left of the catalogue."""
        for directory in self.path.glob(f"{_ROWS}*"):
            if directory.name != kept:
                shutil.rmtree(directory)


def wholes(rows: Path) -> list[Whole]:
    """What the catalogue in this directory needs of a store: blobs, then what other rows name. In memory."""
    parts: dict[str, list[tuple[int, str, int]]] = {}
    for row in read_rows(rows / "blob_parts.jsonl"):
        parts.setdefault(row["blob_id"], []).append((row["ordinal"], row["key"], row["bytes"]))
    needed = []
    for row in read_rows(rows / "blobs.jsonl"):
        manifest = tuple((key, size) for _, key, size in sorted(parts.get(row["id"], ())))
        needed.append(Whole(row["id"], row["sha256"], manifest or ((row["id"], row["bytes"]),)))
    for table in registered():
        path = rows / f"{table.name}.jsonl"
        if table in OF_BLOBS or not table.objects or not path.exists():
            continue
        for row in read_rows(path):
            needed += [Whole(row[key], "", ((row[key], row[size]),)) for key, size in table.objects.items() if row[key]]
    return needed
