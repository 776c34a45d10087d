"""Random words that the gateways of one catalogue share: made by whoever needs one first, and never changed.

A backup holds them, so that what clients keep under a seal can be read after a restore.
"""

from __future__ import annotations

from liftgate.catalog.connection import Connection
from liftgate.catalog.table import BareTable

SECRETS = BareTable(name="secrets", also=("name", "value"), texts=("name",))


def get_secret(conn: Connection, name: str) -> bytes | None:
    found = conn.execute("SELECT value FROM secrets WHERE name = ?", (name,))
    return bytes(found[0][0]) if found else None


def keep_secret(conn: Connection, name: str, value: bytes) -> bytes:
    """The one that stands after this: the given one, or that of who came first."""
    conn.execute("INSERT INTO secrets (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING", (name, value))
    [(standing,)] = conn.execute("SELECT value FROM secrets WHERE name = ?", (name,))
    return bytes(standing)
