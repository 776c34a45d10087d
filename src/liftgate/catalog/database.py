"""The door of the catalogue: opens it by its URL, and gives the names that its users need.

Drivers are imported here only when a URL asks for them, so that nothing else loads them.
"""

from __future__ import annotations

import re

from liftgate.catalog.connection import Connection, invalidate
from liftgate.catalog.opened import TIMEOUT, Database
from liftgate.clock import Clock
from liftgate.errors import ConfigError

__all__ = ["Connection", "Database", "invalidate", "open_database"]


async def open_database(url: str, *, clock: Clock, timeout: float = TIMEOUT) -> Database:
    """Opens `sqlite:///absolute/path/catalog.db` or `postgresql://…` and brings its schema up to date.

    `timeout`: seconds that every later call may take. Raises `ConfigError` for a URL that cannot be, a missing driver
    a schema of a newer Liftgate, a damaged catalogue or a database that cannot be reached: each in one sentence.
    """
    scheme = url.partition("://")[0]
    if scheme == "sqlite":
        from liftgate.catalog.sqlite import open_sqlite

        return await open_sqlite(url, clock, timeout)
    if scheme in ("postgresql", "postgres"):
        try:
            from liftgate.catalog.postgres import open_postgres
        except ImportError as error:
            raise ConfigError(
                "database_url: PostgreSQL needs the driver psycopg: install liftgate[postgres]."
            ) from error
        return await open_postgres(url, clock, timeout)
    # More of it is not repeated: in `host=db password=…` or a URL without its scheme it may be the password.
    shown = f", not a URL that starts with {scheme!r}" if re.fullmatch(r"[a-z]{2,12}://.*", url, re.DOTALL) else ""
    raise ConfigError(f"database_url: expected sqlite:///absolute/path or postgresql://…{shown}.")
