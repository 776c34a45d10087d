"""Notes in a local store, and whether its directory is still the one that they were found in."""

from __future__ import annotations

import os
import stat
from concurrent.futures import Executor
from functools import partial
from pathlib import Path

from liftgate import ids
from liftgate.blobs import disk
from liftgate.blobs.store import MARK
from liftgate.errors import ConfigError, Unavailable
from liftgate.file_identity import identity_of

_LONGEST = 64 * 1024


class LocalNotes:
    """A `StoreNotes` in the directory itself, where blobs never lie: those are in directories of two characters."""

    def __init__(self, directory: Path, threads: Executor) -> None:
        self.place = str(directory.absolute())
        self._directory = directory
        self._threads = threads
        self._marked: tuple[int, int] | None = None

    @property
    def body(self) -> str:
        try:
            return identity_of(self._directory)
        except OSError as error:
            raise self._failed(error) from error

    async def read(self, name: str) -> str | None:
        try:
            before = _identity(self._directory)
            text = await disk.in_thread(self._threads, partial(_read, self._directory / name))
            if name == MARK and text is not None and before is not None and before == _identity(self._directory):
                self._marked = before
        except OSError as error:
            raise self._failed(error) from error
        return text

    async def write(self, name: str, text: str, *, only_new: bool = False) -> None:
        def work() -> None:
            self.make_place()
            _write(self._directory, name, text, only_new=only_new)

        try:
            await disk.in_thread(self._threads, work)
        except OSError as error:
            raise self._failed(error) from error

    def make_place(self) -> None:
        """Makes the directory, unless its mark was found before: then it is not begun anew, and neither is the data
        directory that holds it. Raises Unavailable where it is not at its place, OSError. Blocking."""
        if (moved := self.moved()) is not None:
            raise moved
        if self._marked is None:
            disk.make_directory(self._directory.parent)
            disk.make_directory(self._directory)

    def moved(self) -> Unavailable | None:
        """What to raise when the directory in which the mark was found is not at its place any more. Blocking."""
        if self._marked is None or self._marked == _identity(self._directory):
            return None
        return Unavailable("The directory of stored files was moved or removed. The operator must put it back.")

    def _failed(self, error: OSError) -> Unavailable:
        return Unavailable(f"The store {self.place} cannot be used: {error.strerror}.")


def _identity(directory: Path) -> tuple[int, int] | None:
    try:
        facts = os.stat(directory)
    except OSError:
        return None
    return facts.st_dev, facts.st_ino


def _read(path: Path) -> str | None:
    try:
        # A pipe would wait for a writer.
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise ConfigError(f"The store {path.parent} cannot be used: {path} is no plain file.")
        return os.read(fd, _LONGEST).decode("utf-8", "replace")
    finally:
        os.close(fd)


def _write(directory: Path, name: str, text: str, *, only_new: bool) -> None:
    target, beside = directory / name, directory / f"{name}.{ids.token(8)}"
    fd = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        try:
            disk.write_all(fd, [text.encode()])
            os.fsync(fd)
        finally:
            os.close(fd)
        if only_new:
            _link(beside, target)
        else:
            os.rename(beside, target)
    finally:
        beside.unlink(missing_ok=True)
    disk.sync_directory(directory)


def _link(beside: Path, target: Path) -> None:
    try:
        os.link(beside, target)
    except FileExistsError:
        return
    except OSError:
        # A file system without hard links: two that start at this very moment could both believe to be the first, and
        # look afterwards.
        if not target.exists():
            os.rename(beside, target)
