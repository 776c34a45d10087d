"""A deleted file is gone for clients at once, on other nodes within a second, at Gemini as soon as that can be had."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import openai
import pytest

from gateways import SandboxServer, ask, client_for, deployments, gateway_server, sandbox_server
from processes import gateway_processes, write_config
from scene import Scene, eventually, outcome, quick_settings, scene

NOTE = b"a note that will be deleted"
PERIOD = 0.5
"""Seconds between the rounds of the job that deletes at Gemini (`processes.write_config`)."""

DOWN = (
    {"kind": "cut", "operation": "files.delete", "times": None},
    {"kind": "cut", "operation": "files.delete", "times": None, "how": "close"},
    {"kind": "status", "operation": "files.delete", "code": 503, "times": None},
    {"kind": "status", "operation": "files.delete", "code": 429, "times": None},
    {"kind": "lose_answer", "operation": "files.delete", "times": 2},
)


@pytest.mark.parametrize("fault", DOWN, ids=lambda fault: f"{fault['kind']}-{fault.get('code', fault.get('how', ''))}")
def test_file_deleted_while_gemini_is_down_is_gone_here_at_once_and_there_later(
    fault: dict[str, object], tmp_path: Path
) -> None:
    with scene(tmp_path) as of:
        files = [of.create(NOTE + bytes([number])) for number in range(5)]
        for number, file_id in enumerate(files):
            of.ask(file_id, NOTE + bytes([number]))
        of.order(**fault)
        for file_id in files:
            of.client.files.delete(file_id)
            assert outcome(lambda file_id=file_id: of.client.files.retrieve(file_id)) == "404 None"  # type: ignore[misc]
            assert outcome(lambda file_id=file_id: of.ask(file_id, NOTE)) == "404 None"  # type: ignore[misc]
        assert eventually(lambda: of.operations("files.delete") >= 2), "it is tried again and again"
        of.clear_faults()
        # Two rounds: the failed ones are due again half a period after their failure.
        assert eventually(lambda: of.at_gemini() == [], 2 * 0.2 + 1)


def test_account_that_is_away_does_not_hold_up_another(tmp_path: Path) -> None:
    with sandbox_server() as sandbox:
        models = {"key-a": "gemini-2.5-flash", "key-b": "gemini-2.5-pro"}
        chosen = tuple(one for key, model in models.items() for one in deployments(sandbox.url, (key,), model=model))
        with gateway_server(quick_settings(sandbox, tmp_path, deployments=chosen)) as url, client_for(url) as client:
            file_id = client.files.create(file=("a.mp3", NOTE), purpose="user_data").id
            for model in models.values():
                assert ask(client, file_id, model=model)
            here = Counter(file["project"] for file in sandbox.control("files")["files"])
            assert len(here) == 2
            sandbox.control("faults", {"kind": "slow", "operation": "files.delete", "key": "key-a", "seconds": 3600})
            client.files.delete(file_id)
            assert eventually(lambda: len(sandbox.control("files")["files"]) == 1)
            sandbox.control("faults", method="DELETE")
            assert eventually(lambda: sandbox.control("files")["files"] == [])


def test_delete_is_heard_by_other_processes_within_a_second(tmp_path: Path, database_url: str) -> None:
    with sandbox_server() as sandbox:
        config = write_config(tmp_path / "config.yaml", sandbox.url, database_url=database_url)
        with gateway_processes(config, tmp_path / "data", 3) as gateways:
            clients = [client_for(gateway.url) for gateway in gateways]
            for number in range(3):
                content = NOTE + bytes([number])
                file_id = clients[0].files.create(file=("a.mp3", content), purpose="user_data").id
                for client in clients:
                    Scene(sandbox, "", client).ask(file_id, content)
                clients[number].files.delete(file_id)
                assert refused(sandbox, clients[number], file_id, content), "at once where it was deleted"
                time.sleep(1)
                assert all(refused(sandbox, client, file_id, content) for client in clients)
            assert eventually(lambda: sandbox.control("files")["files"] == [], 2 * PERIOD + 1)
            for client in clients:
                client.close()


def refused(sandbox: SandboxServer, client: openai.OpenAI, file_id: str, content: bytes) -> bool:
    told = outcome(lambda: Scene(sandbox, "", client).ask(file_id, content))
    retrieved = outcome(lambda: client.files.retrieve(file_id))
    return told == retrieved == "404 None"
