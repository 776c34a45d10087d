"""Chat over many connections: wrk with a fixed request, for a stated time."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SCRIPT = Path(__file__).with_name("chat.lua")


@dataclass(frozen=True, slots=True)
class Burst:
    """What one run of wrk saw. Latencies in seconds; `failed` counts answers that were not 2xx and broken exchanges."""

    requests: int
    seconds: float
    failed: int
    p50: float
    p99: float
    worst: float

    @property
    def rate(self) -> float:
        return self.requests / self.seconds


def burst(
    requests: bytes | Sequence[bytes],
    port: int,
    *,
    connections: int,
    seconds: float,
    cores: Sequence[int],
    run_dir: Path,
) -> Burst:
    """Send `requests` in turn, over and over, on `connections` connections. RuntimeError when wrk fails."""
    file = run_dir / "requests.bin"
    each = [requests] if isinstance(requests, bytes) else requests
    file.write_bytes(b"".join(b"%d\n%b" % (len(one), one) for one in each))
    command = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--timeout", "20s", "-s", str(SCRIPT)]
    done = subprocess.run(
        ["taskset", "--cpu-list", ",".join(map(str, cores)), *command, f"http://127.0.0.1:{port}/", "--", str(file)],
        capture_output=True,
        text=True,
        timeout=seconds + 60,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not lines:
        raise RuntimeError(f"wrk failed: {done.stdout}{done.stderr}")
    figures = json.loads(lines[-1])
    return Burst(
        requests=figures["requests"],
        seconds=figures["microseconds"] / 1e6,
        failed=figures["bad_status"] + figures["broken"],
        p50=figures["p50"] / 1e6,
        p99=figures["p99"] / 1e6,
        worst=figures["max"] / 1e6,
    )
