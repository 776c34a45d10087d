"""What a chat on a file that is live at Gemini costs: one request there, no write here. And where a chat is sent."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import openai
import pytest

from gateways import (
    MODEL,
    SandboxServer,
    ask,
    client_for,
    deployments,
    gateway_server,
    sandbox_server,
    settings_for,
)
from liftgate.settings import JobSettings, Settings

NOTE = b"The heron stands in the shallow water."
STILL = JobSettings(purge_seconds=3600, sweep_seconds=3600, renew_seconds=3600, use_write_seconds=3600)
"""No job writes while we look for writes; times of use are written in batches, here once an hour."""


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    with sandbox_server() as server:
        yield server


@pytest.fixture
def settings(sandbox: SandboxServer, tmp_path: Path) -> Settings:
    return settings_for(sandbox, tmp_path, jobs=STILL)


def quiet(watch: sqlite3.Connection) -> tuple[int]:
    """The version when nobody has written for a while: the jobs' first round comes with the start."""
    version: tuple[int] = watch.execute("PRAGMA data_version").fetchone()
    since = time.monotonic()
    deadline = since + 30
    while time.monotonic() - since < 1.0:
        assert time.monotonic() < deadline, "the first round of the jobs has no end"
        time.sleep(0.05)
        now: tuple[int] = watch.execute("PRAGMA data_version").fetchone()
        if now != version:
            version, since = now, time.monotonic()
    return version


@contextmanager
def no_write(data_dir: Path) -> Iterator[None]:
    """`data_version` moves with every commit of another connection that changed the file."""
    with closing(sqlite3.connect(f"file:{data_dir}/catalog.db?mode=ro", uri=True)) as watch:
        before = quiet(watch)
        yield
        assert watch.execute("PRAGMA data_version").fetchone() == before


@contextmanager
def requests_to_gemini(sandbox: SandboxServer, **expected: int) -> Iterator[None]:
    before = sandbox.stats()["operations"]
    yield
    after = sandbox.stats()["operations"]
    made = {name: count - before.get(name, 0) for name, count in after.items() if count != before.get(name, 0)}
    assert made == expected


def stream(client: openai.OpenAI, file_id: str) -> str:
    chunks = client.chat.completions.create(
        model=MODEL,
        messages=[{"role": "user", "content": [{"type": "file", "file": {"file_id": file_id}}]}],
        stream=True,
    )
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def test_chat_on_a_live_file_writes_nothing_and_asks_gemini_once(
    sandbox: SandboxServer, settings: Settings, tmp_path: Path
) -> None:
    with gateway_server(settings) as url, client_for(url) as client:
        file = client.files.create(file=("heron.txt", NOTE), purpose="user_data")
        ask(client, file.id)
        with no_write(tmp_path), requests_to_gemini(sandbox, generate=20, stream=10):
            for _ in range(20):
                assert "heron" in ask(client, file.id)
            for _ in range(10):
                assert "heron" in stream(client, file.id)


def test_first_chat_after_a_restart_writes_nothing_either(
    sandbox: SandboxServer, settings: Settings, tmp_path: Path
) -> None:
    with gateway_server(settings) as url, client_for(url) as client:
        file = client.files.create(file=("heron.txt", NOTE), purpose="user_data")
        ask(client, file.id)
    with gateway_server(settings) as url, client_for(url) as client:
        client.models.list()
        with no_write(tmp_path), requests_to_gemini(sandbox, generate=1):
            assert "heron" in ask(client, file.id)


def test_chat_goes_on_while_the_catalogue_cannot_be_written(
    sandbox: SandboxServer, settings: Settings, tmp_path: Path
) -> None:
    with gateway_server(settings) as url, client_for(url) as client:
        file = client.files.create(file=("heron.txt", NOTE), purpose="user_data")
        ask(client, file.id)
        with closing(sqlite3.connect(tmp_path / "catalog.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            for _ in range(5):
                assert "heron" in ask(client, file.id)
            other.execute("ROLLBACK")


def test_process_without_memory_of_a_file_sends_its_chats_to_where_it_is(
    sandbox: SandboxServer, tmp_path: Path
) -> None:
    """Of eight accounts one has the file; a new process finds out, and no second upload is made."""
    keys = tuple(f"key-{number}" for number in range(8))
    settings = settings_for(sandbox, tmp_path, deployments=deployments(sandbox.url, keys), jobs=STILL)
    with gateway_server(settings) as url, client_for(url) as client:
        files = [
            client.files.create(file=("heron.txt", NOTE + os.urandom(4).hex().encode()), purpose="user_data")
            for _ in range(6)
        ]
        for file in files:
            ask(client, file.id)
    with gateway_server(settings) as url, client_for(url) as client:
        for file in files:
            assert "heron" in ask(client, file.id)
    assert sandbox.stats()["finalized"] == len(files)


def test_failing_account_hands_its_chats_to_another_with_the_files(sandbox: SandboxServer, tmp_path: Path) -> None:
    keys = ("key-a", "key-b")
    settings = settings_for(sandbox, tmp_path, deployments=deployments(sandbox.url, keys), jobs=replace(STILL))
    with gateway_server(settings) as url, client_for(url) as client:
        file = client.files.create(file=("heron.txt", NOTE), purpose="user_data")
        ask(client, file.id)
        [holder] = [file["project"] for file in sandbox.control("files")["files"]]
        sandbox.control(
            "faults", {"kind": "status", "operation": "generate", "code": 503, "project": holder, "times": None}
        )
        for _ in range(5):
            assert "heron" in ask(client, file.id)
        assert len({file["project"] for file in sandbox.control("files")["files"]}) == 2
