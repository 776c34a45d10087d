"""The file of a SQLite catalogue: found by its URL, looked over before it is opened, and watched while it is.

SQLite goes on writing into a file that was deleted, moved away or overwritten, and what it acknowledges then is lost.
So each use asks whether the path still leads to the file that was opened, and whether SQLite alone has written to it.
"""

from __future__ import annotations

import fcntl
import logging
import math
import os
import sqlite3
import stat
import time
from pathlib import Path
from urllib.parse import quote, unquote

from liftgate.catalog.reserve import Reserve
from liftgate.catalog.sqlite_marks import Identity, Marks
from liftgate.catalog.trouble import Trouble
from liftgate.errors import ConfigError

LOOKED_OVER = 512 * 1024 * 1024
"""Bytes of a catalogue that is looked over whole at the start; that takes a second or two."""
LOOK_SECONDS = 10.0
SHARED_FIRST, SHARED_BYTES = 0x40000002, 510
"""Where SQLite's shared locks are in a file (its own lock-byte page)."""
CHECKPOINT_FRAMES = 1000
"""Pages in the log after which it is written to the file, as SQLite itself would do it."""
STEPS = 100_000
"""Of SQLite's machine, between two looks at the time."""

log = logging.getLogger("liftgate.catalog")


def path_of(url: str) -> Path:
    """`sqlite:///a/b.db` → `/a/b.db`. Raises `ConfigError` for anything but an absolute path."""
    prefix, slashes, rest = url.partition("://")
    path = Path("/" + unquote(rest).lstrip("/"))
    if prefix != "sqlite" or not slashes or not rest.startswith("/") or "?" in rest or path == Path("/"):
        # The URL is not repeated: one that was meant for another database may hold a password.
        raise ConfigError("database_url: expected sqlite:///absolute/path/catalog.db (a '?' in it is written %3F).")
    return path


def behind_links(path: Path) -> Path:
    """The file itself, where the path is a link to it: SQLite keeps what belongs to it beside that one."""
    return Path(os.path.realpath(path))


def beside(path: Path) -> tuple[Path, Path, Path]:
    """The file and the two that SQLite keeps beside it: they belong together."""
    file = behind_links(path)
    return path, file.with_name(file.name + "-wal"), file.with_name(file.name + "-shm")


class Place:
    """Whether the path still leads to the files that were opened. `trouble` hears when it does not."""

    def __init__(self, path: Path, trouble: Trouble) -> None:
        self.path = path
        self.reserve = Reserve(behind_links(path))
        self._trouble = trouble
        self._opened: list[tuple[str, Identity]] = []
        self._marks: Marks | None = None

    def settle(self) -> None:
        """These are the ones. To be called while a connection is open, which keeps SQLite from replacing them."""
        self._opened = [(str(path), _identity(str(path))) for path in beside(self.path)]
        self._marks = Marks(*beside(self.path))

    def leave(self) -> None:
        """When all connections have been closed."""
        if self._marks is not None:
            self._marks.close()
            self._marks = None

    def admit(self) -> None:
        """Raises Unavailable where a write would be refused, StorageFull where one of something new would."""
        self._trouble.check_write()
        self.check()
        self.reserve.require()

    def check(self) -> None:
        """Raises Unavailable once one of them was deleted, moved, replaced or overwritten; some eight system calls."""
        if self._marks is not None and (wrong := self._marks.wrong()):
            raise self._trouble.damaged(
                f"{wrong} while it was open. Stop the gateway, and put a backup in its place with"
                " `liftgate admin restore DIR --replace`",
                math.inf,
            )
        for path, identity in self._opened:
            try:
                found = _identity(path)
            except OSError as error:
                raise self._trouble.tell(
                    f"{path} is not there any more ({error.strerror}). Put it back, or restart the gateway"
                ) from None
            if found != identity:
                raise self._trouble.tell(
                    f"{path} is another file now than the one that was opened. Restart the gateway"
                )

    def checkpoint_due(self) -> bool:
        return self._marks is not None and self._marks.due(CHECKPOINT_FRAMES)

    def check_writable(self) -> None:
        """Raises Unavailable where the system would refuse a write."""
        if not (os.access(self.path, os.R_OK | os.W_OK) and os.access(self.path.parent, os.W_OK | os.X_OK)):
            raise self._trouble.tell(f"{self.path} and its directory cannot be written")


def _identity(path: str) -> Identity:
    facts = os.stat(path)
    return facts.st_dev, facts.st_ino


def look_over(path: Path) -> None:
    """Before it is opened: raises `ConfigError` for a file that is damaged or no database.

    Reads every page (`quick_check`). Where a log of writes lies beside it, which a killed process leaves and which may
    be another file's where a copy was put in place of this one, the indexes are compared with their tables as well.
    The file is opened for reading only: nothing of that log is carried into it by looking.
    """
    try:
        facts = path.stat()
    except OSError:
        if os.path.exists(log_left := beside(path)[1]) and log_left.stat().st_size:
            # SQLite would throw it away, and what was committed last is in it alone.
            raise ConfigError(
                f"The catalogue {path} is not there, and its log {log_left.name} is: it was moved without it. Put the"
                " two together again, or go on with `liftgate admin restore DIR --replace`."
            ) from None
        return
    if not stat.S_ISREG(facts.st_mode):
        raise ConfigError(f"The catalogue {path} cannot be opened: it is a directory or a device, not a file.")
    if not facts.st_size:
        return
    if facts.st_size > LOOKED_OVER:
        log.warning("the catalogue %s is too large to be looked over at the start; liftgate admin check does it", path)
        return
    wal = beside(path)[1]
    left = wal.exists() and wal.stat().st_size > 0
    wrong = _wrong_with(path, time.monotonic() + LOOK_SECONDS, thoroughly=left)
    if wrong:
        because = (
            f" If it was copied here, {wal.name} beside it may belong to the file that it replaced:"
            " delete that one, and copy again."
        )
        raise ConfigError(
            f"The catalogue {path} is damaged: {wrong}. Put a backup in its place with"
            f" `liftgate admin restore DIR --replace`.{because if left else ''}"
        )


def verify_file(path: Path) -> None:
    """All of it, however long it takes: raises `ConfigError` for a file that is damaged."""
    if wrong := _wrong_with(path, None, thoroughly=True):
        raise ConfigError(f"The catalogue {path} is damaged: {wrong}.")


def _wrong_with(path: Path, until: float | None, *, thoroughly: bool) -> str:
    """What is wrong, "" for nothing; `until`: on the monotonic clock, when to give up looking."""
    raw = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, isolation_level=None)
    try:
        if until is not None:
            raw.set_progress_handler(lambda: time.monotonic() > until, STEPS)
        looks = ("integrity_check(1)", "foreign_key_check") if thoroughly else ("quick_check(1)",)
        for look in looks:
            found = raw.execute(f"PRAGMA {look}").fetchone()
            if found is not None and found[0] != "ok":
                # The first line says where; of a missing reference its table is named.
                return f"a row of {found[0]} refers to nothing" if len(found) > 1 else str(found[0]).splitlines()[0]
        return ""
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
            log.warning("the catalogue %s was not looked over to its end; liftgate admin check does it", path)
            return ""
        raise
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_CORRUPT:
            return str(error)
        raise
    finally:
        raw.close()


def check_unused(path: Path) -> None:
    """Raises `ConfigError` while a process has it open: SQLite keeps a lock on each file that it uses in WAL mode."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return
    try:
        fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB, SHARED_BYTES, SHARED_FIRST)
    except OSError:
        raise ConfigError(f"The catalogue {path} is in use; stop the gateways that run on it first.") from None
    finally:
        os.close(fd)


def set_aside(path: Path, suffix: str) -> str | None:
    """Renames it and what SQLite keeps beside it; what it is called now, None where there is none. Where a run ended
    between these renames, what it left follows the rest."""
    check_unused(path)
    path = behind_links(path)
    there = path.with_name(f"{path.name}.{suffix}")
    if not path.exists():
        if not any(old.exists() for old in beside(path)):
            return None
        earlier = path.parent.glob(f"{path.name}.{suffix.partition('-')[0]}-*")
        there = max((each for each in earlier if not each.name.endswith(("-wal", "-shm"))), default=there)
    for old, new in zip(beside(path), beside(there), strict=True):
        if old.exists():
            old.rename(new)
    return str(there)


def connect(path: Path, timeout: float, writes: bool) -> sqlite3.Connection:
    # Another thread may only interrupt; the connection itself stays in the thread that opened it.
    # `rw`: one that is not there any more is not begun anew.
    raw = sqlite3.connect(
        f"file:{quote(str(path))}?mode=rw",
        uri=True,
        timeout=timeout,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
    )
    try:
        raw.execute("PRAGMA foreign_keys = ON")
        raw.execute("PRAGMA synchronous = FULL")
        raw.execute("PRAGMA journal_size_limit = 67108864")
        # Not within a commit: there it would hide what another program did to the file meanwhile.
        raw.execute("PRAGMA wal_autocheckpoint = 0")
        if not writes:
            raw.execute("PRAGMA query_only = ON")
    except BaseException:
        raw.close()
        raise
    return raw


def connect_to_listen(path: Path, timeout: float) -> sqlite3.Connection:
    """One that can never write, not even the log into the file when it is closed as the last one."""
    return sqlite3.connect(
        f"file:{quote(str(path))}?mode=ro",
        uri=True,
        timeout=timeout,
        isolation_level=None,
        check_same_thread=False,
    )


def prepare(path: Path, timeout: float) -> None:
    """Makes the file (readable by its user alone) and puts it into WAL mode."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"The catalogue {path} cannot be made: {error.strerror}.") from error
    try:
        # Only one that is made here: to close any descriptor of a file gives up all locks that this process holds on
        # it, those of a client that has it open already too.
        os.close(os.open(behind_links(path), os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        if path.is_file() and not os.access(path, os.R_OK | os.W_OK):
            raise ConfigError(f"The catalogue {path} cannot be written: no permission, or a read-only disk.") from None
    except OSError as error:
        raise ConfigError(f"The catalogue {path} cannot be made: {error.strerror}.") from error
    until = time.monotonic() + timeout
    raw = sqlite3.connect(path, timeout=timeout, isolation_level=None)
    try:
        while True:
            try:
                raw.execute("PRAGMA journal_mode = WAL").fetchone()
                # Makes the two files beside it, for which a full disk has no room.
                raw.execute("SELECT 1 FROM sqlite_master").fetchone()
                return
            except sqlite3.OperationalError as error:
                # SQLite does not wait by itself when several processes change the mode at once.
                primary = error.sqlite_errorcode & 0xFF
                if primary in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN):
                    if not Reserve(behind_links(path)).give_up():
                        raise
                elif primary not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                    raise
                if time.monotonic() > until:
                    raise
                time.sleep(0.02)
    finally:
        raw.close()
