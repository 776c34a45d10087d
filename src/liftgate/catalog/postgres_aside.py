"""The schema `liftgate` of PostgreSQL as one thing: whether a gateway uses it, and giving it another name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from liftgate.catalog.connection import SqlRow
from liftgate.catalog.postgres import url_of
from liftgate.errors import ConfigError


@contextmanager
def _connected(url: str) -> Iterator[tuple[psycopg.Connection[SqlRow], str]]:
    """(a connection, the name that gateways give themselves there)."""
    where = url_of(url)
    try:
        with psycopg.connect(**{**where.parameters, "application_name": "liftgate-admin"}) as raw:
            yield raw, str(where.parameters["application_name"])
    except psycopg.Error as error:
        raise ConfigError(
            f"database_url: PostgreSQL at {where.where} cannot be used: {where.reason(error)}."
        ) from error


def _check(raw: psycopg.Connection[SqlRow], name: str, url: str) -> None:
    [[others]] = raw.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = %s", (name,)
    ).fetchall()
    if others:
        raise ConfigError(f"The catalogue at {url_of(url).where} is in use; stop the gateways that run on it first.")


def check_schema_unused(url: str) -> None:
    """Raises `ConfigError` while a gateway is connected."""
    with _connected(url) as (raw, name):
        _check(raw, name, url)


def set_schema_aside(url: str, suffix: str) -> str | None:
    """What it is called now; None where there is none. Raises `ConfigError`."""
    new = f"liftgate_{suffix}".replace("-", "_")
    with _connected(url) as (raw, name):
        _check(raw, name, url)
        if not raw.execute("SELECT 1 FROM pg_namespace WHERE nspname = 'liftgate'").fetchall():
            return None
        raw.execute(f'ALTER SCHEMA liftgate RENAME TO "{new}"'.encode())
    return f"the schema {new}"
