"""A new SQLite catalogue as a start leaves it, copied to where a gateway would make one.

Twenty migrations are a third of what a small gateway's start costs, and most tests look at what comes after it.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

from liftgate.catalog.database import open_database
from liftgate.catalog.sqlite_file import beside, path_of
from liftgate.clock import SystemClock


def lay(url: str) -> None:
    """Where `url` names a SQLite catalogue of which nothing is there: one that no gateway has been at."""
    if not url.startswith("sqlite:"):
        return
    path = path_of(url)
    if any(os.path.lexists(each) for each in beside(path)):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as new:
        new.write(_template())


@cache
def _template() -> bytes:
    async def make(url: str) -> None:
        database = await open_database(url, clock=SystemClock())
        await database.close()

    # A browser's test runs a loop in its own thread.
    with tempfile.TemporaryDirectory() as directory, ThreadPoolExecutor(1) as another:
        path = Path(directory) / "catalog.db"
        another.submit(lambda: asyncio.run(make(f"sqlite://{path}"))).result()
        return path.read_bytes()
