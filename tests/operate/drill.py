"""Where an operator stands: a catalogue and a store, of either kind, with gateways, commands and SDK that use them.

Gemini is nowhere, unless a site names one. A `Ledger` keeps what was acknowledged, and must find it again.
"""

from __future__ import annotations

import asyncio
import json
import os
import random  # noqa: TID251 - fixed contents
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import openai
import psycopg
import yaml

import forked
from gateways import client_for
from liftgate.blobs.open import open_blob_store
from liftgate.blobs.store import TURN
from liftgate.catalog.database import open_database
from liftgate.clock import SystemClock
from liftgate.files.belonging import listed_keys
from liftgate.gateway import Gateway
from liftgate.server.app import build_app
from liftgate.settings import load_settings
from moved_clock import MovedClock
from processes import GatewayProcess, written
from s3_server import BUCKET
from serving import serve
from waiting import eventually as eventually

NOWHERE = "http://127.0.0.1:9"
"""In place of Gemini."""


@dataclass(frozen=True)
class Site:
    """`database_url` "" is SQLite in the data directory, as a gateway has it by default."""

    directory: Path
    database_url: str = ""
    blob_store: str = "local"
    api_base: str = NOWHERE

    @property
    def data_dir(self) -> Path:
        return self.directory / "data"

    @property
    def url(self) -> str:
        return self.database_url or f"sqlite://{self.data_dir}/catalog.db"

    @property
    def store(self) -> str:
        """As messages name it."""
        return str(self.data_dir / "blobs") if self.blob_store == "local" else self.blob_store

    def config(self, **ours: object) -> Path:
        self.directory.mkdir(parents=True, exist_ok=True)
        document = {
            "model_list": [
                {
                    "model_name": "gemini-2.5-flash",
                    "litellm_params": {
                        "model": "gemini/gemini-2.5-flash",
                        "api_key": "key-a",
                        "api_base": self.api_base,
                    },
                }
            ],
            "general_settings": {"master_key": "sk-master-of-the-drill"},
            "liftgate_settings": {
                "keys": [{"name": "ann", "key": "sk-ann"}, {"name": "bob", "key": "sk-bob"}],
                "database_url": self.url,
                "blob_store": self.blob_store,
                "sweep_seconds": 0.15,
                "drain_seconds": 2,
                **ours,
            },
        }
        return written(self.directory / "config.yaml", yaml.safe_dump(document))

    @contextmanager
    def gateway(self, *arguments: str, **ours: object) -> Iterator[GatewayProcess]:
        process = self.begun(*arguments, **ours)
        try:
            process.wait_ready()
            yield process
        finally:
            if process.process.poll() is None:
                process.stop()

    def begun(self, *arguments: str, **ours: object) -> GatewayProcess:
        """A gateway that may come up or not."""
        return GatewayProcess(self.config(**ours), self.data_dir, *arguments)

    def refused(self, *arguments: str, **ours: object) -> str:
        """A start that ends with code 2 and one sentence: that sentence."""
        process = self.begun(*arguments, **ours)
        try:
            code = process.process.wait(40)
        finally:
            if process.process.poll() is None:
                process.kill()
        return one_sentence(code, process.log.read_text())

    def admin(self, *arguments: object, code: int = 0) -> subprocess.CompletedProcess[str]:
        environ = {name: value for name, value in os.environ.items() if not name.startswith(("LIFTGATE_", "LITELLM_"))}
        where = ["--config", str(self.config()), "--data-dir", str(self.data_dir)]
        done = forked.run_text(["admin", *map(str, arguments), *where], env=environ)
        assert "Traceback" not in done.stderr, done.stderr
        assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
        return done

    def admin_json(self, *arguments: object) -> Any:
        return json.loads(self.admin(*arguments, "--json").stdout)

    def objects(self) -> set[str]:
        """Keys of what the store has."""

        async def main() -> set[str]:
            blobs = open_blob_store(self.blob_store, self.data_dir)
            try:
                return {key async for keys in listed_keys(blobs) for key in keys}
            finally:
                await blobs.close()

        return asyncio.run(main())


def one_sentence(code: int, said: str) -> str:
    """What a start said that ended with a mistake of the operator's. No traceback, no secret; workers each say it."""
    assert code == 2, (code, said)
    lines = list(dict.fromkeys(line for line in said.splitlines() if line.strip()))
    assert len(lines) == 1, said
    assert lines[0].startswith("liftgate: ") and lines[0].endswith("."), said
    return lines[0]


@dataclass
class Ledger:
    """`files`: what was acknowledged, id → bytes."""

    files: dict[str, bytes] = field(default_factory=dict)
    seed: int = 0

    def upload(self, url: str, count: int = 1, *, size: int = 3000, key: str = "sk-ann") -> list[str]:
        made = []
        with client_for(url, key) as client:
            for _ in range(count):
                self.seed += 1
                content = random.Random(self.seed).randbytes(size)
                file = client.files.create(file=(f"{self.seed}.bin", content, "video/mp4"), purpose="user_data")
                self.files[file.id] = content
                made.append(file.id)
        return made

    def check(self, url: str, key: str = "sk-ann") -> None:
        """All of it is there, whole."""
        with client_for(url, key) as client:
            listed = {file.id for file in client.files.list()}
            assert set(self.files) <= listed
            for file_id, content in self.files.items():
                assert client.files.content(file_id).read() == content

    def delete(self, url: str, file_id: str, key: str = "sk-ann") -> None:
        with client_for(url, key) as client:
            client.files.delete(file_id)
        del self.files[file_id]


def s3_url(prefix: str = "p") -> str:
    return f"s3://{BUCKET}/{prefix}"


def status_of(call: Any) -> int:
    """200 or the status of the error."""
    try:
        call()
    except openai.APIStatusError as error:
        return error.status_code
    return 200


def in_catalogue(url: str, sql: str) -> list[tuple[object, ...]]:
    async def main() -> list[tuple[object, ...]]:
        db = await open_database(url, clock=SystemClock())
        try:
            return await db.write(lambda conn: conn.execute(sql))
        finally:
            await db.close()

    return asyncio.run(main())


def turn_of(site: Site) -> str:
    async def main() -> str:
        blobs = open_blob_store(site.blob_store, site.data_dir)
        try:
            return await blobs.notes.read(TURN) or ""
        finally:
            await blobs.close()

    return asyncio.run(main())


def swept(site: Site, rounds: int = 3) -> None:
    """Waits until the store has been swept so many times more."""

    async def main() -> None:
        blobs = open_blob_store(site.blob_store, site.data_dir)
        try:
            async with asyncio.timeout(60):
                seen = {await blobs.notes.read(TURN)}
                while len(seen) <= rounds:
                    await asyncio.sleep(0.02)
                    seen.add(await blobs.notes.read(TURN))
        finally:
            await blobs.close()

    asyncio.run(main())


def copied(site: Site, url: str) -> Site:
    """The catalogue as it is now, at another place; no gateway runs."""
    if site.url.startswith("sqlite"):
        here, there = (Path(one.removeprefix("sqlite://")) for one in (site.url, url))
        with closing(sqlite3.connect(here)) as source, closing(sqlite3.connect(there)) as target:
            source.backup(target)
        return replace(site, database_url=url)
    name, old = (one.partition("@/")[2].partition("?")[0] for one in (url, site.url))
    with psycopg.connect(url.replace(name, "postgres"), autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}"'.encode())
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{old}"'.encode())
    return replace(site, database_url=url)


@contextmanager
def gateway_at(site: Site, ahead: float = 0.0, **ours: object) -> Iterator[tuple[str, MovedClock]]:
    """In this process, with a clock of its own."""
    clock = MovedClock()
    clock.advance(ahead)
    settings, _ = load_settings(site.config(**ours), {"data_dir": site.data_dir}, {})
    with serve(build_app(Gateway(settings, clock=clock)), allow_errors=True) as url:
        yield url, clock
