"""A deleted file is gone for clients at once, on other nodes within a second, at Gemini as soon as that can be had."""

from __future__ import annotations

import time
import urllib.request
from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path

import openai
import pytest

from gateways import SandboxServer, ask, client_for, deployments, gateway_server, sandbox_server
from processes import gateway_processes, write_config
from scene import QUICK, Scene, eventually, outcome, quick_settings, scene

NOTE = b"a note that will be deleted"
PERIOD = 1.0
"""Seconds between the rounds of the job that deletes at Gemini."""
ROUND = 0.8
"""Seconds of grace for the round itself on a busy machine; less than another period."""

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
    with scene(tmp_path, jobs=replace(QUICK, purge_seconds=PERIOD), brisk=False) as of:
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
        assert eventually(lambda: of.at_gemini() == [], PERIOD + ROUND)


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
            away = {"kind": "slow", "operation": "files.delete", "key": "key-a", "seconds": 3600, "times": None}
            sandbox.control("faults", away)
            client.files.delete(file_id)
            assert eventually(lambda: len(sandbox.control("files")["files"]) == 1)
            sandbox.control("faults", method="DELETE")
            assert eventually(lambda: sandbox.control("files")["files"] == [])


def test_account_with_much_to_delete_does_not_put_off_one_that_is_back(tmp_path: Path) -> None:
    """That one failed at the beginning of the round, and is tried again at the next."""
    with sandbox_server() as sandbox:
        models = {"key-a": "gemini-2.5-flash", "key-b": "gemini-2.5-pro"}
        chosen = tuple(one for key, model in models.items() for one in deployments(sandbox.url, (key,), model=model))
        settings = quick_settings(
            sandbox, tmp_path, deployments=chosen, jobs=replace(QUICK, purge_seconds=PERIOD, sweep_seconds=3600)
        )
        busy = {"kind": "slow", "operation": "files.delete", "key": "key-b", "seconds": 0.4, "times": None}

        def left(project: str) -> int:
            return sum(file["project"] == project for file in sandbox.control("files")["files"])

        with gateway_server(settings) as url, client_for(url) as client:
            [away] = [made(client, b"away", models["key-a"])]
            [project] = {file["project"] for file in sandbox.control("files")["files"]}
            many = [made(client, b"%d" % number, models["key-b"]) for number in range(12)]
            [other] = {file["project"] for file in sandbox.control("files")["files"]} - {project}
            sandbox.control("faults", busy)
            sandbox.control(
                "faults", {"kind": "status", "operation": "files.delete", "key": "key-a", "code": 503, "times": None}
            )
            for file_id in (away, *many):
                client.files.delete(file_id)
            assert eventually(lambda: left(other) == 11)
            assert left(project) == 1
            sandbox.control("faults", method="DELETE")
            sandbox.control("faults", busy)
            assert eventually(lambda: left(project) == 0, PERIOD + ROUND)
            assert left(other) > 0
            sandbox.control("faults", method="DELETE")
            assert eventually(lambda: left(other) == 0)


def made(client: openai.OpenAI, content: bytes, model: str) -> str:
    """A file that is at Gemini, where this model runs."""
    file_id = client.files.create(file=("a.mp3", NOTE + content), purpose="user_data").id
    assert ask(client, file_id, model=model)
    return file_id


def test_lease_of_a_killed_process_does_not_put_off_deletes_for_long(tmp_path: Path) -> None:
    """It died in the middle of a round: the job's lease is shorter than a replica's, which here lasts a minute."""
    with sandbox_server() as sandbox:
        config = write_config(tmp_path / "config.yaml", sandbox.url, purge_seconds=PERIOD, lease_seconds=60)
        sandbox.control("faults", {"kind": "slow", "operation": "files.delete", "seconds": 3600, "times": None})
        with gateway_processes(config, tmp_path / "data", 1) as [gateway], client_for(gateway.url) as client:
            client.files.delete(made(client, b"killed", "gemini-2.5-flash"))
            assert eventually(lambda: sandbox.stats()["operations"].get("files.delete", 0) == 1)
            gateway.kill()
        sandbox.control("faults", method="DELETE")
        with gateway_processes(config, tmp_path / "data", 1):
            # The shortest lease, asked for every quarter of it, and a round.
            assert eventually(lambda: sandbox.control("files")["files"] == [], 5 * 1.25 + PERIOD + ROUND)


def test_delete_is_heard_by_other_processes_within_a_second(tmp_path: Path, database_url: str) -> None:
    with sandbox_server() as sandbox:
        config = write_config(tmp_path / "config.yaml", sandbox.url, database_url=database_url, purge_seconds=PERIOD)
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
            assert eventually(lambda: sandbox.control("files")["files"] == [], PERIOD + ROUND)
            for client in clients:
                client.close()


def refused(sandbox: SandboxServer, client: openai.OpenAI, file_id: str, content: bytes) -> bool:
    told = outcome(lambda: Scene(sandbox, "", client).ask(file_id, content))
    retrieved = outcome(lambda: client.files.retrieve(file_id))
    return told == retrieved == "404 None"


NEVER = replace(QUICK, purge_seconds=3600, sweep_seconds=3600, renew_seconds=3600)
"""No job deletes anything while the test looks."""


def test_a_deleted_file_leaves_gemini_at_once(tmp_path: Path) -> None:
    """By every door, and what is shared stays until its last File goes."""
    with scene(tmp_path, jobs=NEVER) as of:
        for delete in (of.client.files.delete, partial(native_delete, of)):
            first, second = of.create(NOTE), of.create(NOTE)
            of.ask(first, NOTE)
            delete(first)
            of.ask(second, NOTE)
            assert len(of.at_gemini()) == 1
            delete(second)
            assert eventually(lambda: of.at_gemini() == [])
        many = [of.create(NOTE + bytes([number])) for number in range(12)]
        for number, file_id in enumerate(many):
            of.ask(file_id, NOTE + bytes([number]))
        for file_id in many:
            of.client.files.delete(file_id)
        assert eventually(lambda: of.at_gemini() == [])


def test_nobody_waits_for_gemini_when_a_file_is_deleted(tmp_path: Path) -> None:
    """It answers no more: all are deleted here before it has answered once, and it is not asked again for each."""
    with scene(tmp_path, jobs=NEVER) as of:
        files = [of.create(NOTE + bytes([number])) for number in range(5)]
        for number, file_id in enumerate(files):
            of.ask(file_id, NOTE + bytes([number]))
        of.order(kind="slow", operation="files.delete", seconds=3600, times=None)
        for file_id in files:
            of.client.files.delete(file_id)
            assert outcome(lambda file_id=file_id: of.client.files.retrieve(file_id)) == "404 None"  # type: ignore[misc]
        assert of.operations("files.delete") <= 1
        assert len(of.at_gemini()) == 5
        of.clear_faults()


def test_what_could_not_be_deleted_at_once_is_left_to_the_job(tmp_path: Path) -> None:
    with scene(tmp_path, jobs=replace(NEVER, purge_seconds=PERIOD), brisk=False) as of:
        files = [of.create(NOTE + bytes([number])) for number in range(5)]
        for number, file_id in enumerate(files):
            of.ask(file_id, NOTE + bytes([number]))
        of.order(kind="status", operation="files.delete", code=503, times=1)
        for file_id in files:
            of.client.files.delete(file_id)
        assert eventually(lambda: of.at_gemini() == [], 2 * PERIOD + ROUND)


def native_delete(of: Scene, file_id: str) -> None:
    request = urllib.request.Request(
        f"{of.url}/v1beta/files/{file_id.removeprefix('file-')}", method="DELETE", headers={"x-goog-api-key": "sk-ann"}
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert answer.status == 200
