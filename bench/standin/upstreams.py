"""The three stand-ins as running programs: chat (nginx), streams, uploads."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import processes
from bench.machine import free_port
from bench.standin import nginx
from bench.systems.install import ROOT

START_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Upstreams:
    """Their ports, and the programs, whose CPU time is counted apart from a gateway's."""

    chat: int
    streams: int
    uploads: int
    started: tuple[processes.Started, ...]

    def pids(self) -> list[int]:
        return [pid for each in self.started for pid in processes.tree(each.pid)]


@contextmanager
def upstreams(run_dir: Path, cores: Sequence[int]) -> Iterator[Upstreams]:
    """All three, on `cores`, for the length of the block."""
    chat, streams, uploads = free_port(), free_port(), free_port()
    python = str(ROOT / ".venv/bin/python")
    with ExitStack() as stack:
        commands = {
            "standin-uploads": [python, "-m", "bench.standin.uploads", str(uploads)],
            "standin-streams": [python, "-m", "bench.standin.streams", str(streams)],
            "standin-chat": nginx.answering(run_dir, chat, uploads),
        }
        started = []
        for name, command in commands.items():
            each = processes.start(name, command, run_dir=run_dir, cores=cores, environment={"PYTHONPATH": str(ROOT)})
            stack.callback(each.stop)
            started.append(each)
        for port in (chat, streams, uploads):
            _wait(port)
        yield Upstreams(chat, streams, uploads, tuple(started))


def _wait(port: int) -> None:
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1.0).close()
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.01)
