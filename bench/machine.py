"""The machine: which cores do what, what it is, and the versions of what runs on it."""

from __future__ import annotations

import os
import platform
import socket
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Cores:
    """`gateway`: what is measured. `load`: the client. `upstream`: the stand-in. `both`: for figures of two workers."""

    gateway: tuple[int, ...]
    load: tuple[int, ...]
    upstream: tuple[int, ...]
    both: tuple[int, ...]

    @property
    def shared(self) -> bool:
        """Whether two workers have to share their cores with the client and the stand-in."""
        return bool(set(self.both) & set(self.load + self.upstream))

    def sentence(self) -> str:
        text = f"one process on core {_list(self.gateway)}, client on {_list(self.load)}"
        text += f", stand-in on {_list(self.upstream)}; two workers on {_list(self.both)}"
        return text + (" together with client and stand-in" if self.shared else "")


def cores() -> Cores:
    """A core of its own for the gateway where there are two, for everything where there are four."""
    found = sorted(os.sched_getaffinity(0))
    if len(found) >= 4:
        return Cores((found[0],), (found[2],), (found[3],), tuple(found[:2]))
    if len(found) >= 2:
        return Cores((found[0],), (found[1],), (found[1],), tuple(found[:2]))
    return Cores((found[0],), (found[0],), (found[0],), (found[0],))


def _list(numbers: Sequence[int]) -> str:
    return " and ".join(map(str, numbers))


@dataclass(frozen=True, slots=True)
class Machine:
    cpu: str
    cores: int
    memory_gib: int
    kernel: str
    python: str
    nginx: str
    wrk: str
    commit: str

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def describe(root: Path) -> Machine:
    cpu = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.machine(),
    )
    memory = next(int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal"))
    return Machine(
        cpu=cpu,
        cores=os.cpu_count() or 1,
        memory_gib=round(memory / 1024 / 1024),
        kernel=platform.release(),
        python=platform.python_version(),
        nginx=first_line(["nginx", "-v"]).rpartition("/")[2],
        wrk=first_line(["wrk", "-v"]).removeprefix("wrk ").split(" ")[0].removeprefix("debian/"),
        commit=first_line(["git", "-C", str(root), "rev-parse", "--short", "HEAD"]),
    )


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()


def first_line(command: list[str]) -> str:
    """The first line a command writes, on either stream; empty when it is not there."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except OSError:
        return ""
    return ((done.stdout or done.stderr).splitlines() or [""])[0].strip()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
