"""What a File comes to is counted by Google once: for all its copies, accounts and processes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from gateways import MODEL, SandboxServer, deployments, gateway_server, settings_for
from key_calls import ask, client_for, make
from liftgate.settings import Settings, StorageSettings


def settings(sandbox: SandboxServer, data_dir: Path, database_url: str, account: str) -> Settings:
    return replace(
        settings_for(sandbox, data_dir),
        deployments=deployments(sandbox.url, (account,)),
        storage=StorageSettings(data_dir=data_dir, database_url=database_url),
    )


def question(file_id: str, **more: Any) -> dict[str, Any]:
    parts = [{"type": "text", "text": "What is it?"}, {"type": "file", "file": {"file_id": file_id}}]
    return {"model": MODEL, "max_tokens": 20, "messages": [{"role": "user", "content": parts}], **more}


def counts(sandbox: SandboxServer) -> int:
    return int(sandbox.stats()["operations"].get("countTokens", 0))


def test_a_file_is_counted_once_for_all_copies_and_processes(
    sandbox: SandboxServer, tmp_path: Path, database_url: str
) -> None:
    before = counts(sandbox)
    with gateway_server(settings(sandbox, tmp_path, database_url, "key-one")) as url:
        key = make(url, max_budget=1, user_id="reader")["key"]
        client = client_for(url, key)
        file, other = (
            client.files.create(
                file=(f"{name}.txt", f"{name} says much".encode(), "text/plain"), purpose="user_data"
            ).id
            for name in ("one", "two")
        )
        for _ in range(2):
            ask(url, "POST", "/v1/chat/completions", question(file), key)
        assert counts(sandbox) == before + 1
        native = {"contents": [{"parts": [{"fileData": {"fileUri": f"files/{file[5:]}", "mimeType": "text/plain"}}]}]}
        ask(url, "POST", f"/v1beta/models/{MODEL}:generateContent", native, key)
        known = counts(sandbox)
        ask(url, "POST", "/v1/chat/completions", question(other), key)
        assert counts(sandbox) == known + 1
    # Another process, at another account, where another copy lies.
    with gateway_server(settings(sandbox, tmp_path, database_url, "key-two")) as url:
        known = counts(sandbox)
        uploads = sandbox.stats()["operations"]
        for named in (file, other, file):
            ask(url, "POST", "/v1/chat/completions", question(named), key)
        assert counts(sandbox) == known
        assert sandbox.stats()["operations"] != uploads
        # The same bytes in another file are the same count; another file is not.
        again = client_for(url, key).files.create(file=("x.txt", b"one says much", "text/plain"), purpose="user_data")
        ask(url, "POST", "/v1/chat/completions", question(again.id), key)
        assert counts(sandbox) == known
        third = client_for(url, key).files.create(file=("y.txt", b"three says more", "text/plain"), purpose="user_data")
        ask(url, "POST", "/v1/chat/completions", question(third.id), key)
        assert counts(sandbox) == known + 1


def test_a_key_without_a_budget_has_nothing_counted(sandbox: SandboxServer, tmp_path: Path) -> None:
    with gateway_server(settings(sandbox, tmp_path, "", "key-three")) as url:
        before = counts(sandbox)
        key = make(url, rpm_limit=10)["key"]
        file = client_for(url, key).files.create(file=("a.txt", b"much", "text/plain"), purpose="user_data").id
        ask(url, "POST", "/v1/chat/completions", question(file), key)
        assert counts(sandbox) == before
