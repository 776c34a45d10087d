"""Import, version, start to the first answer, what is held then, and what has to be installed."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from pathlib import Path

from bench import processes
from bench.load import one
from bench.session import Session, Table
from bench.systems.system import Running, Skipped, System, size_mb

IMPORTS = {"liftgate": "liftgate", "litellm": "litellm"}
PEER_ROUNDS = 2


def run(session: Session) -> dict[str, object]:
    table = Table()
    for number in range(session.rounds):
        print(f"start: round {number + 1} of {session.rounds}", flush=True)
        for system in session.systems:
            if system.name == "direct" or (system.peer and number >= PEER_ROUNDS):
                continue
            try:
                _started(session, system, table)
            except Skipped as reason:
                print(f"skipped: {reason}", flush=True)
            if system.home and system.name in IMPORTS:
                seconds, cpu = _run(
                    [str(system.home / "bin/python"), "-c", f"import {IMPORTS[system.name]}"], session.run_dir
                )
                table.add(system.name, import_s=seconds, import_cpu_s=cpu)
        _ours(session, table)
    for system in session.systems:
        if system.home:
            every, source = size_mb(system.home)
            table.add(system.name, install_mb=every, install_source_mb=source)
    return {"systems": table.summary()}


def _started(session: Session, system: System, table: Table) -> None:
    running = system.start(session.site(session.upstreams.streams))
    held = processes.memory(running.pids())
    cpu = processes.cpu_seconds(running.pids())
    running.stop()
    table.add(system.name, chat_s=running.ready_seconds, idle_pss_mib=held.pss, start_cpu_s=cpu)


def _ours(session: Session, table: Table) -> None:
    """Liftgate's own: --version, an empty interpreter beside it, and the time until it says that it is ready."""
    binary = session.liftgate_home / "bin/liftgate"
    seconds, cpu = _run([str(binary), "--version"], session.run_dir)
    table.add("liftgate", version_s=seconds, version_cpu_s=cpu)
    seconds, cpu = _run([str(session.liftgate_home / "bin/python"), "-c", "pass"], session.run_dir)
    table.add("python", import_s=seconds, import_cpu_s=cpu)
    began = time.monotonic()
    started, door = session.named("liftgate").launch(session.site(session.upstreams.streams))
    running = Running(session.named("liftgate"), door, started)
    try:
        table.add("liftgate", ready_s=_ready(door.port, began))
    finally:
        running.stop()


def _ready(port: int, began: float) -> float:
    while time.monotonic() - began < 30.0:
        try:
            with one.Line(port, 5.0) as line:
                if line.ask(one.get(port, "/health/readiness")).status == 200:
                    return time.monotonic() - began
        except OSError:
            time.sleep(0.002)
    raise RuntimeError("liftgate did not become ready")


def _run(command: list[str], run_dir: Path) -> tuple[float, float]:
    """Seconds of time and of CPU that a short program takes, without our own environment."""
    began = time.monotonic()
    env = {"PATH": os.environ["PATH"], "HOME": str(run_dir), "LANG": "C.UTF-8"}
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors, env=env, cwd=run_dir
        )
        _, status, usage = os.wait4(process.pid, 0)
        taken = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            errors.seek(0)
            raise RuntimeError(f"{command[-1]}: {errors.read().decode()[-500:]}")
    return taken, usage.ru_utime + usage.ru_stime
