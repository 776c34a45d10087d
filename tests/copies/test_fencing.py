"""A holder that sleeps through the end of its lease: another takes over, and what it does later harms nothing."""

from __future__ import annotations

import functools
import signal
import threading
import time
from pathlib import Path

import pytest

from gateways import client_for, sandbox_server
from processes import gateway_processes, write_config
from scene import Scene, audio, eventually, outcome

MIB = 1 << 20


@functools.cache
def speech() -> bytes:
    return audio(28 * MIB, seed=9)


@pytest.mark.parametrize(
    ("database_url", "operation"),
    [("sqlite", "upload.finalize"), ("postgres", "upload.chunk")],
    indirect=["database_url"],
)
def test_holder_that_slept_through_its_lease_harms_nothing(tmp_path: Path, database_url: str, operation: str) -> None:
    with sandbox_server() as sandbox:
        config = write_config(
            tmp_path / "config.yaml",
            sandbox.url,
            database_url=database_url,
            lease_seconds=1,
            lease_renew_seconds=0.3,
            lease_poll_seconds=0.1,
            # The job that takes uploads up is not what is looked at.
            renew_seconds=3600,
        )
        with (
            gateway_processes(config, tmp_path / "data", 2) as (sleeper, other),
            client_for(sleeper.url) as first,
            client_for(other.url) as second,
        ):
            file_id = first.files.create(file=("speech.mp3", speech()), purpose="user_data").id
            sandbox.control("faults", {"kind": "slow", "operation": operation, "seconds": 1.5})
            told: list[str] = []
            asked = threading.Thread(
                target=lambda: told.append(outcome(lambda: Scene(sandbox, "", first).ask(file_id, speech())))
            )
            asked.start()
            assert eventually(lambda: sandbox.stats()["operations"].get(operation, 0) == 1)
            sleeper.process.send_signal(signal.SIGSTOP)
            try:
                Scene(sandbox, "", second).ask(file_id, speech())
                time.sleep(0.5)
            finally:
                sleeper.process.send_signal(signal.SIGCONT)
            asked.join(30)
            assert told == ["answer"], "by the replica that the other made"
            Scene(sandbox, "", first).ask(file_id, speech())
            Scene(sandbox, "", second).ask(file_id, speech())
            time.sleep(1.5)
            assert sandbox.stats()["finalized"] == 1
            assert len(sandbox.control("files")["files"]) == 1, "what the sleeper knew as its own was not removed"
