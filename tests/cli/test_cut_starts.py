"""A first start that is killed between any two of its steps: the next one begins with what it left, and serves.

Each state is built by hand, from the steps that came before it.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gateways import client_for, gateway_server
from liftgate.blobs.open import open_blob_store
from liftgate.blobs.store import MARK
from liftgate.catalog.database import Database, open_database
from liftgate.catalog.rows.store import mark_catalogue
from liftgate.clock import SystemClock
from liftgate.files.belonging import Mark
from liftgate.settings import load_settings
from processes import write_config


@pytest.fixture
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite://{tmp_path}/data/catalog.db"
        return
    yield request.getfixturevalue("empty_postgres_url")


def directories(data: Path, url: str) -> None:
    for place in (data, data / "spool", data / "spend", data / "metrics"):
        place.mkdir(parents=True)


def probes(data: Path, url: str) -> None:
    for place in (data, data / "spool", data / "spend"):
        (place / "probe-abcdefgh").touch(0o600)


def empty_file(data: Path, url: str) -> None:
    if url.startswith("sqlite"):
        (data / "catalog.db").touch(0o600)


def log(data: Path, url: str) -> None:
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(data / "catalog.db")) as raw:
            raw.execute("PRAGMA journal_mode = WAL")
        (data / "catalog.db-reserve").touch(0o600)


def schema(data: Path, url: str) -> None:
    asyncio.run(with_catalogue(url, None))


def catalogue_marked(data: Path, url: str) -> None:
    asyncio.run(with_catalogue(url, partial(mark, data)))


def mark_half_written(data: Path, url: str) -> None:
    (data / "blobs").mkdir()
    (data / "blobs" / f"{MARK}.abcdefgh").write_text('{"about": "Lift')


def store_marked(data: Path, url: str) -> None:
    asyncio.run(with_catalogue(url, partial(mark, data, store=True)))


def counters(data: Path, url: str) -> None:
    (data / "metrics" / "0.names").touch(0o600)
    (data / "metrics" / "1.cells").touch(0o600)
    (data / "spend" / "abcdefghabcdefgh.jsonl").write_text('["a","b"')


async def with_catalogue(url: str, work: Callable[[Database], Awaitable[None]] | None) -> None:
    database = await open_database(url, clock=SystemClock())
    try:
        if work is not None:
            await work(database)
    finally:
        await database.close()


async def mark(data: Path, database: Database, *, store: bool = False) -> None:
    blobs = open_blob_store("local", data)
    word = await database.write(partial(mark_catalogue, mark="w" * 32, place=blobs.notes.place))
    if store:
        await blobs.notes.write(MARK, Mark(word, "s" * 32, database.place).text(), only_new=True)
    await blobs.close()


FILES = (empty_file, log)
"""Steps to a SQLite file; PostgreSQL has none such."""
STEPS = (directories, probes, empty_file, log, schema, catalogue_marked, mark_half_written, store_marked, counters)


def in_turn() -> Iterator[Any]:
    """Each step with one of the two engines in turn; with both in the full run."""
    for at, step in enumerate(STEPS):
        kept = "sqlite" if step in FILES or at % 2 == 0 else "postgres"
        for engine in ("sqlite", "postgres"):
            yield pytest.param(engine, step, marks=[] if engine == kept else [pytest.mark.full])


@pytest.mark.parametrize(("url", "last"), list(in_turn()), indirect=["url"])
def test_the_next_start_serves(tmp_path: Path, url: str, last: Callable[[Path, str], None]) -> None:
    data = tmp_path / "data"
    for step in STEPS[: STEPS.index(last) + 1]:
        step(data, url)
    config = write_config(tmp_path / "config.yaml", "http://127.0.0.1:9")
    settings, _ = load_settings(config, {"data_dir": data, "database_url": url, "metrics": True}, {})
    kept = ""
    for _ in range(2):
        with gateway_server(settings, makes_catalogue=True) as base, client_for(base) as client:
            kept = kept or client.files.create(file=("a", b"kept"), purpose="user_data").id
            assert client.files.content(kept).read() == b"kept"
