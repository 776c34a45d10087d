"""Chats while a large file comes in, and while an upstream takes nothing."""

from __future__ import annotations

import json
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from heavy_rig import DOORS, GIB, MIB, Generated, Rig, eventually, needs_space, sandbox_process
from processes import GatewayProcess, write_config

TALKER = "gemini-2.5-pro"


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Files go to one sandbox and chats to another: the one that hashes a file is no judge of a chat's time."""
    directory = tmp_path_factory.mktemp("beside")
    data_dir = directory / "data"
    with sandbox_process(directory) as files, sandbox_process(directory) as talk:
        config = write_config(directory / "config.yaml", files.url)
        document = yaml.safe_load(config.read_text())
        params = {"model": f"gemini/{TALKER}", "api_key": "key-talk", "api_base": talk.url}
        document["model_list"].append({"model_name": TALKER, "litellm_params": params})
        config.write_text(yaml.safe_dump(document))
        gateway = GatewayProcess(config, data_dir)
        try:
            gateway.wait_ready()
            yield Rig(gateway, files, data_dir)
        finally:
            gateway.stop()


class Talker:
    """One connection that chats; `seconds` of each answer."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._connection = HTTPConnection(parts.hostname or "", parts.port, timeout=60)
        self._body = json.dumps({"model": TALKER, "messages": [{"role": "user", "content": "Hello"}]}).encode()

    def chat(self) -> float:
        began = time.perf_counter()
        headers = {"Authorization": "Bearer sk-ann", "Content-Type": "application/json"}
        self._connection.request("POST", "/v1/chat/completions", self._body, headers)
        answer = self._connection.getresponse()
        body = json.loads(answer.read())
        assert answer.status == 200 and body["choices"][0]["message"]["content"], body
        return time.perf_counter() - began

    def chats_while(self, going_on: Callable[[], bool], *, pause: float = 0.005) -> list[float]:
        seconds = []
        while going_on():
            seconds.append(self.chat())
            time.sleep(pause)
        return seconds

    def close(self) -> None:
        self._connection.close()


@pytest.fixture
def talker(machine: Rig) -> Iterator[Talker]:
    talker = Talker(machine.url)
    yield talker
    talker.close()


def uploading(machine: Rig, content: Generated, size: int) -> tuple[threading.Thread, list[str]]:
    made: list[str] = []
    thread = threading.Thread(target=lambda: made.append(DOORS["files"](machine, content, size)))
    thread.start()
    return thread, made


def remove_when_processed(machine: Rig, file_id: str) -> None:
    with machine.openai() as client:
        assert eventually(lambda: client.files.retrieve(file_id).status == "processed", seconds=120)
        client.files.delete(file_id)


def test_chats_are_answered_while_a_file_comes_in(machine: Rig, talker: Talker) -> None:
    content = Generated(128 * MIB, 1)
    thread, made = uploading(machine, content, 128 * MIB)
    beside = talker.chats_while(thread.is_alive)
    thread.join()
    assert len(beside) > 10
    remove_when_processed(machine, made[0])


def test_chats_are_answered_while_the_upstream_of_a_file_stalls(machine: Rig, talker: Talker) -> None:
    machine.sandbox.control("faults", {"kind": "stall", "operation": "upload.*", "after_bytes": MIB, "times": None})
    content = Generated(64 * MIB, 2)
    try:
        thread, made = uploading(machine, content, 64 * MIB)
        assert len(talker.chats_while(thread.is_alive)) > 5
        thread.join()
        with machine.openai() as client:
            assert client.files.retrieve(made[0]).status == "uploaded"
        assert all(talker.chat() < 30 for _ in range(20))
    finally:
        machine.sandbox.control("faults", method="DELETE")
    with machine.openai() as client:
        assert eventually(lambda: client.files.retrieve(made[0]).status == "processed", seconds=120)
    assert machine.finalized(content.sha256()) == 1


@pytest.mark.full
def test_chats_are_at_most_twice_as_slow_beside_an_upload(machine: Rig, talker: Talker, tmp_path: Path) -> None:
    """The median of one connection's chats, alone and while 2 GiB come in, in turns."""
    needs_space(tmp_path, 4 * GIB)
    alone, beside = [], []
    for turn in range(2):
        end = time.perf_counter() + 5
        alone += talker.chats_while(lambda end=end: time.perf_counter() < end)  # type: ignore[misc]
        content = Generated(2 * GIB, 100 + turn)
        thread, made = uploading(machine, content, 2 * GIB)
        beside += talker.chats_while(thread.is_alive)
        thread.join()
        remove_when_processed(machine, made[0])
    medians = statistics.median(alone), statistics.median(beside)
    print(f"chats: median {1e3 * medians[0]:.2f} ms alone, {1e3 * medians[1]:.2f} ms beside an upload")
    assert medians[1] <= 2 * medians[0]
