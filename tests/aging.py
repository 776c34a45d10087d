"""Lets time pass for a catalogue: all that is in it happened so much longer ago. True of both engines."""

from __future__ import annotations

import asyncio

from liftgate.catalog.connection import Connection
from liftgate.catalog.database import Database, open_database
from liftgate.clock import SystemClock

TIMES = {
    "files": ("created_at", "expires_at"),
    "uploads": ("created_at", "expires_at"),
    "blobs": ("created_at", "orphaned_at"),
    "unknown_objects": ("noted_at", "condemned_at"),
    "store": ("alone_since",),
    "doomed": ("doomed_at", "due_at"),
    "leases": ("expires_at",),
    "replies": ("created_at",),
}


async def age(db: Database, seconds: float, *, without: str = "") -> None:
    """`without`: a table whose times stay."""

    def work(conn: Connection) -> None:
        for table, columns in TIMES.items():
            if table == without:
                continue
            changes = ", ".join(f"{column} = {column} - {seconds!r}" for column in columns)
            conn.execute(f"UPDATE {table} SET {changes}")

    await db.write(work)


def stand_still(conn: Connection, at: float) -> None:
    """The steady clock shows `at`, and goes on only when it is set again."""
    conn.execute("DELETE FROM steady_clock")
    # Last seen in the future, so nothing has passed since.
    conn.execute(
        "INSERT INTO steady_clock (id, steady, seen_at, grace, grace_at) VALUES (1, ?, ?, 0, ?)",
        (at, conn.now() + 1e9, at),
    )


def let_pass(url: str, seconds: float, *, without: str = "") -> None:
    """As `age`, for a catalogue that others have open."""

    async def main() -> None:
        db = await open_database(url, clock=SystemClock())
        try:
            await age(db, seconds, without=without)
        finally:
            await db.close()

    asyncio.run(main())
