"""Several processes on one port: starts them, starts again those that die, passes on the signal that ends them.

Each worker is a fresh interpreter that gets the settings through its standard input (so no secret is in its arguments
or environment) and listens with a socket of its own (SO_REUSEPORT). The pipe stays open: when this process is gone,
however it ended, the workers read the end of it and stop.
"""

from __future__ import annotations

import pickle
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from liftgate.file_identity import identity_of
from liftgate.server.stop_signals import ignore_further, stop_signals
from liftgate.settings import Settings

READY = b"ready\n"
START_SECONDS = 120.0
"""A catalogue is read whole or migrated meanwhile, and all begin at once."""
ENDING_SECONDS = 1.0
"""A worker that does not start is gone sooner than this after its last word."""
HASTE = 5.0
"""A worker that dies sooner than this after its start has a fault that a new one would share …"""
HASTY_DEATHS = 5
"""… so after this many in a row no more are started."""
CONFIG_ERROR = 2


@dataclass(slots=True)
class _Worker:
    process: subprocess.Popen[bytes]
    started_at: float


class _Place:
    """The data directory that the first workers began in. One that starts without it would make a new one, with an
    empty catalogue, and take files into it."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._began_in = identity_of(data_dir)
        self._reported = False

    def is_there(self) -> bool:
        try:
            there = identity_of(self._data_dir) == self._began_in
        except OSError:
            there = False
        if not there and not self._reported:
            sys.stderr.write(
                f"liftgate: {self._data_dir} was moved or removed; put it back: no worker is started without it.\n"
            )
        self._reported = not there
        return there


def supervise(settings: Settings, *, started: Callable[[], None], start_seconds: float = START_SECONDS) -> int:
    """Runs `num_workers` of them until SIGTERM, SIGINT or SIGHUP; the exit code. Raises KeyboardInterrupt for a SIGINT
    that comes before all take requests.

    `started`: called when all take requests. An ignored SIGHUP stays ignored.
    """
    stopping: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        stopping.append(number)

    interrupted = signal.getsignal(signal.SIGINT)
    for number in stop_signals():
        signal.signal(number, stop)
    workers: list[_Worker] = []
    try:
        workers += [_start(settings) for _ in range(settings.server.num_workers)]
        for worker in workers:
            if not _wait_until_ready(worker, stopping, start_seconds):
                return _not_started(workers, settings, worker, stopping)
        place = _Place(settings.storage.data_dir)
        started()
        return _watch(settings, workers, place, stopping)
    finally:
        _end(workers, settings)
        signal.signal(signal.SIGINT, interrupted)
        ignore_further()


def _not_started(workers: list[_Worker], settings: Settings, worker: _Worker, stopping: list[int]) -> int:
    if not stopping and worker.process.poll() is None:
        sys.stderr.write(
            "liftgate: a worker took too long to be ready, and all are ended. Is the machine overloaded?\n"
        )
    code = _end(workers, settings)
    if signal.SIGINT in stopping:
        raise KeyboardInterrupt
    if stopping:
        return 0
    return code or max(worker.process.returncode, 1)


def _watch(settings: Settings, workers: list[_Worker], place: _Place, stopping: list[int]) -> int:
    hasty = 0
    while not stopping:
        # Signals interrupt the sleep; a death is seen at the next look.
        time.sleep(0.1)
        for index, worker in enumerate(workers):
            if worker.process.poll() is None or stopping or not place.is_there():
                continue
            lived = time.monotonic() - worker.started_at
            hasty = hasty + 1 if lived < HASTE else 0
            if hasty >= HASTY_DEATHS:
                sys.stderr.write("liftgate: the workers keep dying; see the log above.\n")
                return 1
            sys.stderr.write(f"liftgate: a worker ended with {worker.process.returncode}; starting another.\n")
            _close(worker)
            workers[index] = _start(settings)
    return 0


def _start(settings: Settings) -> _Worker:
    # A terminal interrupts the workers too. Until one serves it keeps that for later: its interpreter would only show
    # where it was, and it is this process that ends it.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "liftgate.cli.serve.worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    assert process.stdin is not None
    try:
        pickle.dump(settings, process.stdin)
        process.stdin.flush()
    except BrokenPipeError:
        process.wait()
    return _Worker(process, time.monotonic())


def _wait_until_ready(worker: _Worker, stopping: list[int], seconds: float) -> bool:
    assert worker.process.stdout is not None
    deadline = time.monotonic() + seconds
    while not stopping and time.monotonic() < deadline:
        if select.select([worker.process.stdout], [], [], 0.1)[0]:
            if worker.process.stdout.readline() == READY:
                return True
            # Its output has ended, and it ends: its exit code says why.
            with suppress(subprocess.TimeoutExpired):
                worker.process.wait(ENDING_SECONDS)
            return False
    return False


def _end(workers: list[_Worker], settings: Settings) -> int:
    """Ends all, with time to drain; 2 when one of them could not start with these settings."""
    for worker in workers:
        if worker.process.poll() is None:
            worker.process.terminate()
    deadline = time.monotonic() + settings.server.drain_seconds + 10
    for worker in workers:
        try:
            worker.process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            worker.process.kill()
            worker.process.wait()
        _close(worker)
    return CONFIG_ERROR if any(worker.process.returncode == CONFIG_ERROR for worker in workers) else 0


def _close(worker: _Worker) -> None:
    for pipe in (worker.process.stdin, worker.process.stdout):
        if pipe is not None:
            try:
                pipe.close()
            except BrokenPipeError:
                continue
