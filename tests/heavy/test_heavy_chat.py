"""Chats while a large file comes in, and while an upstream takes nothing."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from gateways import MODEL
from heavy_rig import GIB, MIB, Generated, Rig, eventually, needs_space, sandbox_process
from processes import GatewayProcess, write_config

TALKER = "gemini-2.5-pro"
BEHIND = 19


@dataclass(frozen=True)
class Machine(Rig):
    """`talk`: where the chats go, past the gateway."""

    talk: str


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """Files go to one sandbox and chats to another: the one that hashes a file is no judge of a chat's time.

    Who sends a file and who takes it at Gemini are other machines in life. Here they stand behind everybody else at the
    processors, for it is not asked what a chat costs where two strangers take what the gateway needs.
    """
    directory = tmp_path_factory.mktemp("beside")
    data_dir = directory / "data"
    with sandbox_process(directory, niceness=BEHIND) as files, sandbox_process(directory) as talk:
        config = write_config(directory / "config.yaml", files.url)
        document = yaml.safe_load(config.read_text())
        params = {"model": f"gemini/{TALKER}", "api_key": "key-talk", "api_base": talk.url}
        document["model_list"].append({"model_name": TALKER, "litellm_params": params})
        config.write_text(yaml.safe_dump(document))
        gateway = GatewayProcess(config, data_dir, fresh=True)
        try:
            gateway.wait_ready()
            yield Machine(gateway, files, data_dir, config, talk.url)
        finally:
            gateway.stop()


class Rounds:
    """True so many times."""

    def __init__(self, left: int) -> None:
        self._left = left

    def __call__(self) -> bool:
        self._left -= 1
        return self._left >= 0


class Talker:
    """One connection that chats with the gateway, or (`native`) with a sandbox."""

    def __init__(self, url: str, *, native: bool = False) -> None:
        parts = urlsplit(url)
        self._connection = HTTPConnection(parts.hostname or "", parts.port, timeout=60)
        openai = {"model": TALKER, "messages": [{"role": "user", "content": "Hello"}]}
        gemini = {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}
        self._body = json.dumps(gemini if native else openai).encode()
        self._target = f"/v1beta/models/{TALKER}:generateContent" if native else "/v1/chat/completions"
        self._key = {"x-goog-api-key": "key-talk"} if native else {"Authorization": "Bearer sk-ann"}

    def chat(self) -> float:
        began = time.perf_counter()
        headers = {**self._key, "Content-Type": "application/json"}
        self._connection.request("POST", self._target, self._body, headers)
        answer = self._connection.getresponse()
        body = json.loads(answer.read())
        assert answer.status == 200 and (body.get("choices") or body.get("candidates")), body
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
def talker(machine: Machine) -> Iterator[Talker]:
    talker = Talker(machine.url)
    yield talker
    talker.close()


@contextmanager
def uploading(machine: Machine, size: int, seed: int) -> Iterator[subprocess.Popen[str]]:
    """An upload under way by a process of its own, which prints the File's id."""
    command = [
        *("nice", "-n", str(BEHIND)),
        sys.executable,
        str(Path(__file__).with_name("heavy_sender.py")),
        machine.url,
        str(size),
        str(seed),
        MODEL,
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def made_by(process: subprocess.Popen[str]) -> str:
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    return said.strip()


def remove_when_processed(machine: Machine, file_id: str) -> None:
    with machine.openai() as client:
        assert eventually(lambda: client.files.retrieve(file_id).status == "processed", seconds=120)
        client.files.delete(file_id)


def test_chats_are_answered_while_a_file_comes_in(machine: Machine, talker: Talker) -> None:
    with uploading(machine, 128 * MIB, 1) as upload:
        beside = talker.chats_while(lambda: upload.poll() is None)
        assert len(beside) > 10
        remove_when_processed(machine, made_by(upload))


def test_chats_are_answered_while_the_upstream_of_a_file_stalls(machine: Machine, talker: Talker) -> None:
    machine.sandbox.control("faults", {"kind": "stall", "operation": "upload.*", "after_bytes": MIB, "times": None})
    try:
        with uploading(machine, 64 * MIB, 2) as upload:
            assert len(talker.chats_while(lambda: upload.poll() is None)) > 5
            file_id = made_by(upload)
        with machine.openai() as client:
            assert client.files.retrieve(file_id).status == "uploaded"
        assert len(talker.chats_while(Rounds(20))) == 20
    finally:
        machine.sandbox.control("faults", method="DELETE")
    remove_when_processed(machine, file_id)
    assert machine.finalized(Generated(64 * MIB, 2).sha256()) == 1


@pytest.mark.full
def test_chats_are_at_most_twice_as_slow_beside_an_upload(machine: Machine, talker: Talker, tmp_path: Path) -> None:
    """The median of one connection's chats, alone and while 2 GiB come in, in turns; the same without the gateway tells
    what the machine itself costs."""
    needs_space(tmp_path, 4 * GIB)
    direct = Talker(machine.talk, native=True)
    alone: list[float] = []
    beside: list[float] = []
    past_alone: list[float] = []
    past_beside: list[float] = []
    try:
        for turn in range(2):
            alone += talker.chats_while(Rounds(400))
            past_alone += direct.chats_while(Rounds(400))
            for chats, seconds in ((talker, beside), (direct, past_beside)):
                with uploading(machine, 2 * GIB, 100 + 2 * turn + (chats is direct)) as upload:
                    seconds += chats.chats_while(lambda: upload.poll() is None)
                    remove_when_processed(machine, made_by(upload))
    finally:
        direct.close()
    said = [f"{1e3 * statistics.median(seconds):.2f} ms" for seconds in (alone, beside, past_alone, past_beside)]
    print(f"chats: {said[0]} alone, {said[1]} beside; past the gateway {said[2]} alone, {said[3]} beside")
    assert statistics.median(beside) <= 2 * statistics.median(alone)


def test_threads_for_files_stand_behind_the_one_that_answers(machine: Machine) -> None:
    """By the system's own account of each thread's niceness (proc(5), stat)."""
    with machine.openai() as client:
        client.files.delete(client.files.create(file=("a.txt", b"a" * MIB), purpose="user_data").id)
    main = machine.gateway.process.pid
    nice = {int(entry.name): niceness(entry / "stat") for entry in (machine.proc / "task").iterdir()}
    assert nice[main] == 0
    assert sorted(set(nice.values())) == [0, 10]


def niceness(stat: Path) -> int:
    return int(stat.read_text().rsplit(")", 1)[1].split()[16])
