"""Brings a catalogue's schema up to date: numbered SQL files, each applied once, all in one transaction.

One text serves both engines; the few words that differ are replaced by the caller's table. The caller holds a lock
that lets one process at a time in here: SQLite's writer lock, an advisory lock of PostgreSQL.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from liftgate.catalog.connection import Connection
from liftgate.errors import ConfigError

SCHEMA_VERSION = "CREATE TABLE IF NOT EXISTS schema_version (version BIGINT PRIMARY KEY, applied_at DOUBLE PRECISION)"
FILE_NAME = re.compile(r"(\d{4})_\w+\.sql")


@dataclass(frozen=True, slots=True)
class Migration:
    """`number` counts from 1 without gaps; `statements` are in order, before the engine's words are put in."""

    number: int
    statements: tuple[str, ...]

    def in_words(self, words: Mapping[str, str]) -> list[str]:
        """The statements as an engine has them."""
        replaced = re.compile(rf"\b(?:{'|'.join(words)})\b")
        return [replaced.sub(lambda match: words[match[0]], text) for text in self.statements]


@cache
def migrations() -> tuple[Migration, ...]:
    """The packaged ones, in order."""
    found = []
    for entry in resources.files("liftgate.catalog.migrations").iterdir():
        if match := FILE_NAME.fullmatch(entry.name):
            found.append(Migration(int(match[1]), statements_of(entry.read_text(encoding="utf-8"))))
    return tuple(sorted(found, key=lambda migration: migration.number))


def statements_of(text: str) -> tuple[str, ...]:
    """Statements end with a semicolon at the end of a line; lines that begin with `--` are comments."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("--")]
    return tuple(part.strip() for part in re.split(r";\s*\n", "\n".join(lines) + "\n") if part.strip())


def applied(conn: Connection) -> int:
    """The number of the newest migration that the catalogue has; 0 before the first one."""
    return int(conn.execute("SELECT max(version) FROM schema_version")[0][0] or 0)


def migrate(conn: Connection, words: Mapping[str, str], where: str, newest: int | None = None) -> None:
    """Inside a write that no other process can be in. `where` names the catalogue in messages, without a secret.
    `newest`: the number to stop at; all of them by default.

    Raises `ConfigError` when the schema is newer than this Liftgate.
    """
    known = migrations()
    newest_known = known[-1].number
    conn.execute(SCHEMA_VERSION)
    found = applied(conn)
    if found > newest_known:
        raise ConfigError(
            f"The catalogue {where} has schema {found}, and this Liftgate knows schemas up to {newest_known}: it was"
            " used by a newer Liftgate. Run that version, or restore a backup from before the upgrade."
        )
    for migration in known:
        if found < migration.number <= (newest or newest_known):
            for statement in migration.in_words(words):
                conn.execute(statement)
            conn.execute(
                "INSERT INTO schema_version (version, applied_at) VALUES (?, ?)", (migration.number, conn.now())
            )
