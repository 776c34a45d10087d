"""Processes that the benchmark starts: on which cores, what they spend, what they hold, and their end by process id.

CPU time is the kernel's clock of each process (user and system, all threads, nanoseconds) plus what /proc/PID/stat says
of children that are gone; a tree is a process and all its descendants.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")
KIB_PER_MIB = 1024
STOP_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Memory:
    """Of a whole tree, in MiB: proportional set size now, and the sum of the peaks of resident memory."""

    pss: float
    peak_rss: float


@dataclass(slots=True)
class Started:
    """A running program and what is needed to measure and end it."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    def tail(self) -> str:
        """The end of what it wrote, for an error message."""
        return self.log.read_text(errors="replace")[-2000:]

    def stop(self) -> None:
        """SIGTERM, then SIGKILL to what is left of its tree after a while."""
        pids = tree(self.pid)
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        deadline = time.monotonic() + STOP_SECONDS
        while (left := [pid for pid in pids if _alive(pid)]) and time.monotonic() < deadline:
            time.sleep(0.02)
        for pid in left:
            os.kill(pid, signal.SIGKILL)


def start(
    name: str,
    command: Sequence[str],
    *,
    run_dir: Path,
    cores: Sequence[int],
    environment: Mapping[str, str] | None = None,
) -> Started:
    """Start `command` on `cores` with an environment of its own: nothing that changes Python leaks in from ours."""
    log = run_dir / f"{name}.log"
    env = {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "HOME": str(run_dir),
        "LANG": "C.UTF-8",
        "TMPDIR": str(run_dir),
        **(environment or {}),
    }
    with log.open("wb") as out:
        process = subprocess.Popen(
            # Should the benchmark be killed, what it started ends with it.
            ["setpriv", "--pdeathsig", "TERM", "taskset", "--cpu-list", ",".join(map(str, cores)), *command],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=env,
            cwd=run_dir,
        )
    return Started(name, process, log)


def tree(pid: int) -> list[int]:
    """`pid` and its descendants that are alive, the root first."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [pid]
    for each in found:
        found.extend(children.get(each, []))
    return found


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat from the state on; None when the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def _alive(pid: int) -> bool:
    fields = _stat(pid)
    return fields is not None and fields[0] != "Z"


def cpu_seconds(pids: Sequence[int]) -> float:
    """CPU time of these processes so far, and of their children that have ended and been waited for."""
    total = 0.0
    for pid in pids:
        fields = _stat(pid)
        if fields is None:
            continue
        total += (int(fields[13]) + int(fields[14])) / TICK
        try:
            # The clock id of another process: clock_getcpuclockid(3), CPUCLOCK_SCHED.
            total += time.clock_gettime((~pid << 3) | 2)
        except OSError:
            total += (int(fields[11]) + int(fields[12])) / TICK
    return total


def machine_busy_seconds() -> float:
    """CPU time that all processes of the machine have used since it started."""
    user, nice, system, _, _, irq, softirq, *_ = map(int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:])
    return (user + nice + system + irq + softirq) / TICK


def memory(pids: Sequence[int]) -> Memory:
    pss = peak = 0
    for pid in pids:
        try:
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    pss += int(line.split()[1])
            for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    peak += int(line.split()[1])
        except OSError:
            continue
    return Memory(pss / KIB_PER_MIB, peak / KIB_PER_MIB)


def reset_peaks(pids: Sequence[int]) -> None:
    """Begin the peaks of resident memory anew."""
    for pid in pids:
        try:
            Path(f"/proc/{pid}/clear_refs").write_text("5")
        except OSError:
            continue
