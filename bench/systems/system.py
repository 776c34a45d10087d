"""A system under measurement: how it starts against an upstream, and the running thing that is measured."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import processes
from bench.load.one import Line
from bench.systems.requests import Door

READY_SECONDS = 90.0


class Skipped(Exception):
    """This system cannot be measured here; the text says why."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where a system is started: its upstream's port, its cores, its directory, how many worker processes."""

    upstream: int
    cores: Sequence[int]
    run_dir: Path
    workers: int = 1


@dataclass(slots=True)
class Running:
    """`started` is None for `direct`, which is the stand-in itself."""

    system: System
    door: Door
    started: processes.Started | None = None
    ready_seconds: float = 0.0

    @property
    def name(self) -> str:
        return self.system.name

    def pids(self) -> list[int]:
        return processes.tree(self.started.pid) if self.started else []

    def stop(self) -> None:
        if self.started:
            self.started.stop()


@dataclass(frozen=True, slots=True)
class System:
    """`launch` starts the program and says where it listens. `workers`: whether it can be told how many;
    `threads`: whether one process uses all cores; `home`: its environment, where it has one of its own. `ready`: what
    is to be done at its door once it answers.
    """

    name: str
    version: str
    launch: Callable[[Site], tuple[processes.Started | None, Door]]
    peer: bool = False
    workers: bool = False
    threads: bool = False
    home: Path | None = None
    ready: Callable[[Door], None] | None = None
    patience: float = READY_SECONDS
    """Until it has answered a first chat."""

    def start(self, site: Site) -> Running:
        """Returns when it has answered a chat. Skipped, with the end of its log, when it does not come up."""
        began = time.monotonic()
        started, door = self.launch(site)
        running = Running(self, door, started)
        problem = "no answer"
        while time.monotonic() - began < self.patience:
            if started and started.process.poll() is not None:
                problem = f"it ended with {started.process.returncode}"
                break
            try:
                with Line(door.port, 10.0) as line:
                    answer = line.ask(door.chat())
            except OSError as error:
                problem = str(error)
                time.sleep(0.005)
                continue
            if answer.status == 200 and (b"choices" in answer.body or b"candidates" in answer.body):
                running.ready_seconds = time.monotonic() - began
                if self.ready is not None:
                    self.ready(door)
                return running
            problem = f"status {answer.status}: {answer.body[:300]!r}"
            time.sleep(0.02)
        running.stop()
        raise Skipped(f"{self.name} did not come up: {problem}\n{started.tail() if started else ''}")


def size_mb(directory: Path) -> tuple[float, float]:
    """MB of all files under `directory`, and of those that are not compiled bytecode."""
    every = source = 0
    for path in directory.rglob("*"):
        if path.is_file() and not path.is_symlink():
            size = path.stat().st_size
            every += size
            source += 0 if path.suffix == ".pyc" else size
    return every / 1e6, source / 1e6


def run(command: Sequence[str], **kwargs: object) -> None:
    """Run to its end, quietly. Skipped, with what it wrote, when it fails."""
    try:
        done = subprocess.run(list(command), capture_output=True, text=True, timeout=900, check=False, **kwargs)  # type: ignore[call-overload]
    except OSError as error:
        raise Skipped(str(error)) from None
    if done.returncode:
        raise Skipped(f"{' '.join(command[:4])} …: {(done.stderr or done.stdout)[-600:]}")
