"""One upload for all: concurrent first chats in one process, over accounts, and over processes on one catalogue."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from gateways import SandboxServer, ask, client_for, deployments, gateway_server, settings_for
from processes import gateway_processes, write_config

MIB = 1024 * 1024
KEYS = tuple(f"key-{number}" for number in range(8))


def test_chats_over_eight_projects_never_see_a_403(sandbox: SandboxServer, tmp_path: Path) -> None:
    settings = settings_for(sandbox, tmp_path, deployments=deployments(sandbox.url, KEYS))
    with gateway_server(settings) as url, ThreadPoolExecutor(16) as threads:
        client = client_for(url)
        file = client.files.create(file=("note.txt", b"a note of no consequence"), purpose="user_data")
        answers = list(threads.map(lambda _: ask(client, file.id), range(200)))
    assert all("a note of no consequence" in answer for answer in answers)
    stats = sandbox.stats()
    assert stats["finalized"] <= 8
    assert "403" not in stats["statuses"]


def test_chats_without_load_upload_once_for_eight_projects(sandbox: SandboxServer, tmp_path: Path) -> None:
    settings = settings_for(sandbox, tmp_path, deployments=deployments(sandbox.url, KEYS))
    with gateway_server(settings) as url:
        client = client_for(url)
        file = client.files.create(file=("note.txt", b"a note of no consequence"), purpose="user_data")
        for _ in range(20):
            assert "a note of no consequence" in ask(client, file.id)
    assert sandbox.stats()["finalized"] == 1


def test_first_chats_over_four_processes_make_one_upload(
    sandbox: SandboxServer, tmp_path: Path, postgres_url: str
) -> None:
    config = write_config(tmp_path / "config.yaml", sandbox.url, database_url=postgres_url)
    data = os.urandom(24 * MIB)
    with gateway_processes(config, tmp_path, 4) as gateways, ThreadPoolExecutor(64) as threads:
        clients = [client_for(gateway.url) for gateway in gateways]
        file = clients[0].files.create(file=("speech.mp3", data), purpose="user_data")
        answers = list(threads.map(lambda turn: ask(clients[turn % 4], file.id), range(64)))
    assert all("SHA-256" in answer for answer in answers)
    assert sandbox.stats()["finalized"] == 1
    assert sandbox.stats()["bytes_received"] == len(data)
