"""A catalogue with many files, written straight into SQLite: what a gateway would hold after years.

Every row has a blob and a live replica, so that any of them can be used in a chat at once. There are no bytes: nothing
that is measured reads them.
"""

from __future__ import annotations

import random  # noqa: TID251 - made-up rows, the same in every run
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from bench.scenarios.chat import paged_in
from bench.session import Session
from bench.systems import ours
from bench.systems.requests import Door
from bench.systems.system import Running, System

OWNER = "master"
MIME_TYPE = "application/pdf"
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
BYTES = 100_000
DAY = 86_400.0
BATCH = 20_000


def filled(session: Session, count: int, account: str) -> tuple[Running, list[str]]:
    """A gateway over `count` files at `account`, and the ids of up to 1,000 of them, spread evenly."""
    name = f"files-{count}"
    data_dir = session.run_dir / f"{name}-data"
    config = ours.config(session.upstreams.chat, data_dir)
    site = session.site(session.upstreams.chat)
    system = System(name, "", lambda site: ours.launch_on(session.liftgate_home, site, config, name))
    system.start(site).stop()  # makes the tables
    ids = _fill(data_dir / "catalog.db", count, account)
    return system.start(site), ids[:: max(1, count // 1000)][:1000]


def account_name(session: Session) -> str:
    """What Liftgate calls the account, from the replica of a file that is really uploaded and used once."""
    running = ours.liftgate(session.liftgate_home, name="probe").start(session.site(session.upstreams.chat))
    try:
        paged_in(session, running)
    finally:
        running.stop()
    with closing(sqlite3.connect(session.run_dir / "probe-data" / "catalog.db")) as db:
        row = db.execute("SELECT account FROM replicas").fetchone()
    if row is None:
        raise RuntimeError("no replica was made of the probe's file")
    return str(row[0])


def _fill(path: Path, count: int, account: str) -> list[str]:
    """`count` rows in files, blobs and replicas; the ids."""
    now = time.clock_gettime(time.CLOCK_REALTIME)
    source = random.Random(count)
    ids = ["file-" + "".join(source.choices(LETTERS, k=24)) for _ in range(count)]
    db = sqlite3.connect(path)
    db.execute("PRAGMA synchronous = OFF")
    db.execute("PRAGMA cache_size = -400000")
    try:
        for first in range(0, count, BATCH):
            _insert(db, list(_rows(ids[first : first + BATCH], now - first / 100.0, account)))
        db.execute(
            "INSERT OR REPLACE INTO owners (owner, files, bytes) VALUES (?, ?, ?)", (OWNER, count, count * BYTES)
        )
        db.commit()
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        db.close()
    return ids


def _rows(ids: list[str], now: float, account: str) -> Iterator[dict[str, object]]:
    for number, file_id in enumerate(ids):
        key = file_id.removeprefix("file-")
        yield {
            "id": file_id,
            "blob": "blob-" + key,
            "owner": OWNER,
            "sha256": key.encode().hex().ljust(64, "0"),
            "bytes": BYTES,
            "at": now - number / 100.0,
            "mime": MIME_TYPE,
            "account": account,
            "name": "files/" + key,
            "uri": f"http://127.0.0.1/v1beta/files/{key}",
            "expires": now + 2 * DAY,
            "now": now,
        }


def _insert(db: sqlite3.Connection, rows: list[dict[str, object]]) -> None:
    with db:
        db.executemany(
            "INSERT INTO blobs (id, owner, sha256, bytes, created_at) VALUES (:blob, :owner, :sha256, :bytes, :at)",
            rows,
        )
        db.executemany(
            "INSERT INTO files (id, owner, blob_id, filename, mime_type, bytes, sha256, purpose, created_at, status) "
            "VALUES (:id, :owner, :blob, 'minutes.pdf', :mime, :bytes, :sha256, 'user_data', :at, 'processed')",
            rows,
        )
        db.executemany(
            "INSERT INTO replicas (blob_id, mime_type, account, state, bytes, name, uri, generation, "
            "expires_at, used_at) VALUES (:blob, :mime, :account, 'active', :bytes, :name, :uri, 1, :expires, :now)",
            rows,
        )


def chats(door: Door, ids: list[str]) -> list[bytes]:
    """A chat for each of these files."""
    return [door.chat(file_id=each) for each in ids]
