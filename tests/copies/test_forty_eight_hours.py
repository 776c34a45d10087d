"""A file outlives Gemini's copy of it: 48 hours, a restart, an expiry nobody announced."""

from __future__ import annotations

import time
from pathlib import Path

from gateways import SandboxServer, ask, client_for, gateway_server, settings_for

DAYS_2 = 48 * 3600 + 60
TEXT = b"The heron stands in the shallow water."


def finalized(sandbox: SandboxServer) -> int:
    count: int = sandbox.stats()["finalized"]
    return count


def stored_files(sandbox: SandboxServer) -> list[dict[str, str]]:
    files: list[dict[str, str]] = sandbox.control("files")["files"]
    return files


def test_file_answers_after_48_hours_twice(sandbox: SandboxServer, tmp_path: Path) -> None:
    with gateway_server(settings_for(sandbox, tmp_path)) as url:
        client = client_for(url)
        file = client.files.create(file=("heron.txt", TEXT), purpose="user_data")
        for passage in (1, 2, 3):
            for _ in range(3):
                assert "heron" in ask(client, file.id)
            assert finalized(sandbox) == passage
            sandbox.control("clock", {"advance": DAYS_2})


def test_file_answers_after_48_hours_and_a_restart(sandbox: SandboxServer, tmp_path: Path) -> None:
    settings = settings_for(sandbox, tmp_path)
    with gateway_server(settings) as url:
        file = client_for(url).files.create(file=("heron.txt", TEXT), purpose="user_data")
        assert "heron" in ask(client_for(url), file.id)
    with gateway_server(settings) as url:
        assert "heron" in ask(client_for(url), file.id)
        assert finalized(sandbox) == 1, "the replica lives: nothing is uploaded after a restart"
    sandbox.control("clock", {"advance": DAYS_2})
    with gateway_server(settings) as url:
        assert "heron" in ask(client_for(url), file.id)
        assert finalized(sandbox) == 2
        assert client_for(url).files.content(file.id).read() == TEXT


def test_replica_that_gemini_dropped_early_is_repaired_within_the_request(
    sandbox: SandboxServer, tmp_path: Path
) -> None:
    with gateway_server(settings_for(sandbox, tmp_path)) as url:
        client = client_for(url)
        file = client.files.create(file=("heron.txt", TEXT), purpose="user_data")
        assert "heron" in ask(client, file.id)
        sandbox.control("clock", {"advance": 3600})  # no longer fresh
        for stored in stored_files(sandbox):
            sandbox.control(f"files/{stored['id']}", method="DELETE")
        assert "heron" in ask(client, file.id)
        assert finalized(sandbox) == 2


def test_deleting_the_last_file_of_a_blob_deletes_it_at_gemini(sandbox: SandboxServer, tmp_path: Path) -> None:
    with gateway_server(settings_for(sandbox, tmp_path)) as url:
        client = client_for(url)
        first = client.files.create(file=("a.txt", TEXT), purpose="user_data")
        second = client.files.create(file=("b.txt", TEXT), purpose="user_data")
        assert "heron" in ask(client, first.id)
        assert "heron" in ask(client, second.id)
        assert finalized(sandbox) == 1, "equal bytes of one owner are one replica"
        client.files.delete(first.id)
        assert "heron" in ask(client, second.id)
        client.files.delete(second.id)
        deadline = time.monotonic() + 10
        while stored_files(sandbox) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert stored_files(sandbox) == []
