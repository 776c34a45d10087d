"""Where a request's time goes: py-spy samples the gateway under load, and the samples are summed three ways.

By function itself (what runs), by function with what it calls (who asked for it), and by package. py-spy comes from
PyPI into .cache and needs to be allowed to read the gateway's memory (root, or ptrace_scope 0).
"""

from __future__ import annotations

import subprocess
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.load import streams, uploads, wrk
from bench.scenarios.chat import CONNECTIONS, paged_in
from bench.session import Session
from bench.systems import install, ours
from bench.systems.requests import KEY
from bench.systems.system import Running

PY_SPY = "0.4.1"
SECONDS = 8
RATE = 500
TOP = 50
IDLE = ("SimpleQueue_get", "acquire_lock_timed", "epoll_wait", "epoll_pwait", "select (selectors")
"""Frames of a thread that waits."""


def run(session: Session, scenario: str, out: Path) -> None:
    """Writes `profile-SCENARIO.md` (and the raw stacks beside the run's files) and prints it."""
    spy = install.tool("py-spy", PY_SPY)
    upstream = {"stream": session.upstreams.streams, "upload": session.upstreams.uploads}.get(
        scenario, session.upstreams.chat
    )
    running = ours.liftgate(session.liftgate_home).start(session.site(upstream))
    raw = session.run_dir / "stacks.txt"
    try:
        file_id = paged_in(session, running) if scenario == "files" else ""
        _load(session, running, scenario, 1.0, file_id)
        command = [str(spy), "record", "--pid", str(running.pids()[0]), "--format", "raw", "--output", str(raw)]
        command += ["--rate", str(RATE), "--duration", str(SECONDS), "--native"]
        with ThreadPoolExecutor(1) as pool:
            load = pool.submit(_load, session, running, scenario, SECONDS + 2.0, file_id)
            done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
            load.result()
        if done.returncode:
            raise RuntimeError(f"py-spy failed: {done.stderr[-500:]}")
    finally:
        running.stop()
    text = _summed(raw.read_text(), scenario)
    out.mkdir(parents=True, exist_ok=True)
    (out / f"profile-{scenario}.md").write_text(text)
    print(text)


def _load(session: Session, running: Running, scenario: str, seconds: float, file_id: str) -> None:
    port, sink = running.door.port, session.upstreams.uploads
    if scenario == "stream":
        streams.run(running.door.stream(), port, connections=CONNECTIONS, streams=1_000_000, seconds=seconds)
    elif scenario == "upload":
        fields = {"purpose": "user_data", "target_model_names": "bench"}
        for _ in range(max(1, round(seconds / 2))):
            upload = uploads.multipart(port, 600_000_000, KEY, fields, sink, wait=60.0)
            uploads.delete(port, upload.file_id, KEY)
    else:
        request = running.door.chat(file_id=file_id)
        cores, run_dir = session.cores.load, session.run_dir
        wrk.burst(request, port, connections=CONNECTIONS, seconds=seconds, cores=cores, run_dir=run_dir)


def _summed(stacks: str, scenario: str) -> str:
    own: Counter[str] = Counter()
    within: Counter[str] = Counter()
    packages: Counter[str] = Counter()
    native: Counter[str] = Counter()
    for line in stacks.splitlines():
        stack, _, count = line.rpartition(" ")
        if any(mark in stack for mark in IDLE):
            continue
        frames = [_short(frame) for frame in stack.split(";")]
        python = [frame for frame in frames if ".py)" in frame]
        asked = python[-1] if python else "no Python frame"
        last = frames[-1]
        own[asked if last == asked or last.startswith("0x") else f"{last} ← {asked}"] += int(count)
        if ".py)" not in last:
            native[last.partition(" (")[0]] += int(count)
        within.update(dict.fromkeys(python, int(count)))
        packages[_package(asked)] += int(count)
    total = max(1, packages.total())
    rows = [f"# Where the time goes: {scenario}", "", f"{total} samples of the busy gateway, {RATE} a second.", ""]
    for title, counter in (
        ("By package (innermost Python frame)", packages),
        ("In C (the innermost frame; `gc_collect_main` is garbage collection)", native),
        ("Itself", own),
        ("With what it calls", within),
    ):
        rows += [f"## {title}", "", "| % | where |", "| ---: | --- |"]
        rows += [
            f"| {100 * number / total:.1f} | `{name}` |"
            for name, number in counter.most_common(TOP)
            if number > total / 500
        ]
        rows.append("")
    return "\n".join(rows)


def _short(frame: str) -> str:
    """`function (package/module.py)` without the line and the environment's path."""
    name, _, place = frame.partition(" (")
    place = place.rstrip(")").rpartition(":")[0] or place.rstrip(")")
    return f"{name} ({place.rpartition('site-packages/')[2].rpartition('lib/python3.')[2]})"


def _package(frame: str) -> str:
    place = frame.partition(" (")[2].rstrip(")")
    if ".py" not in place:
        return "interpreter and loop"
    parts = place.removesuffix(".py").split("/")
    return "/".join(parts[:2]) if parts[0] == "liftgate" else parts[0]
