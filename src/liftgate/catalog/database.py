"""The door of the catalogue: opens it by its URL, and gives the names that its users need.

Drivers are imported here only when a URL asks for them, so that nothing else loads them.
"""

from __future__ import annotations

import re

from liftgate.catalog.connection import Connection, invalidate
from liftgate.catalog.opened import TIMEOUT, Database
from liftgate.clock import Clock
from liftgate.errors import ConfigError

__all__ = [
    "Connection",
    "Database",
    "check_unused",
    "invalidate",
    "open_database",
    "set_catalogue_aside",
    "verify_catalogue",
]


async def open_database(url: str, *, clock: Clock, timeout: float = TIMEOUT, schema: int | None = None) -> Database:
    """Opens `sqlite:///absolute/path/catalog.db` or `postgresql://…` and brings its schema up to date.

    `timeout`: seconds that every later call may take. `schema`: the number to stop at, for rows of an older one that
    are about to be loaded. Raises `ConfigError` for a URL that cannot be, a missing driver
    a schema of a newer Liftgate, a damaged catalogue or a database that cannot be reached: each in one sentence.
    """
    scheme = url.partition("://")[0]
    if scheme == "sqlite":
        from liftgate.catalog.sqlite import open_sqlite

        return await open_sqlite(url, clock, timeout, schema)
    if scheme in ("postgresql", "postgres"):
        try:
            from liftgate.catalog.postgres import open_postgres
        except ImportError as error:
            raise ConfigError(
                "database_url: PostgreSQL needs the driver psycopg; in a checkout of Liftgate:"
                " pip install '.[postgres]'."
            ) from error
        return await open_postgres(url, clock, timeout, schema)
    # More of it is not repeated: in `host=db password=…` or a URL without its scheme it may be the password.
    shown = f", not a URL that starts with {scheme!r}" if re.fullmatch(r"[a-z]{2,12}://.*", url, re.DOTALL) else ""
    raise ConfigError(f"database_url: expected sqlite:///absolute/path or postgresql://…{shown}.")


def set_catalogue_aside(url: str, suffix: str) -> str | None:
    """Gives the catalogue another name, so that a new one can be made in its place; what it is called now, None where
    there was none. Blocking. Raises `ConfigError` while a process uses it.
    """
    if url.partition("://")[0] == "sqlite":
        from liftgate.catalog.sqlite_file import path_of, set_aside

        return set_aside(path_of(url), suffix)
    from liftgate.catalog.postgres_aside import set_schema_aside

    return set_schema_aside(url, suffix)


def verify_catalogue(url: str) -> None:
    """Reads all of a SQLite file, and compares its indexes with its tables; PostgreSQL looks after its own. Blocking.

    Raises `ConfigError` for one that is damaged.
    """
    if url.partition("://")[0] == "sqlite":
        from liftgate.catalog.sqlite_file import path_of, verify_file

        verify_file(path_of(url))


def check_unused(url: str) -> None:
    """Raises `ConfigError` while another process uses the catalogue. Blocking."""
    if url.partition("://")[0] == "sqlite":
        from liftgate.catalog.sqlite_file import check_unused as check_file
        from liftgate.catalog.sqlite_file import path_of

        check_file(path_of(url))
    elif url.partition("://")[0] in ("postgresql", "postgres"):
        from liftgate.catalog.postgres_aside import check_schema_unused

        check_schema_unused(url)
