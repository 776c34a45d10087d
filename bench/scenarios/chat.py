"""Chat, whole answers: 64 connections and one, without and with a file, one worker and two."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from functools import partial

from bench import processes
from bench.load import many, one, uploads, wrk
from bench.session import Session, Table, measured, quantile, rotated, send_burst, started
from bench.systems import ours
from bench.systems.requests import KEY
from bench.systems.system import Running, Skipped, System

CONNECTIONS = 64
SECONDS = 1.0
SECONDS_WITH_PEERS = 2.5
"""Long enough for the first request on each of 64 new connections to be less than one in a hundred."""
ONE_SECONDS = 0.4
ONE_COUNT = 3000
FILE_BYTES = 200_000
SLOW = frozenset({"litellm", "lmproxy"})


def run(session: Session) -> dict[str, object]:
    table = Table()
    memory: dict[str, dict[str, float]] = {}
    systems = [*session.systems, ours.counted(session.liftgate_home)]
    running = started(systems, session.site(session.upstreams.chat))
    try:
        files = {each.name: paged_in(session, each) for each in running if each.name == "liftgate"}
        for each in running:
            _warm(session, each)
        for number in range(session.rounds):
            print(f"chat: round {number + 1} of {session.rounds}", flush=True)
            direct = _one(running[0], running[0].door.chat())
            for each in rotated(running, number):
                _round(session, each, table, direct)
                if each.name in files:
                    _file_round(session, each, files[each.name], table)
                    _response_rounds(session, each, table)
        for each in running:
            held = processes.memory(each.pids())
            memory[each.name] = {"pss_mib": held.pss, "peak_rss_mib": held.peak_rss}
    finally:
        for each in running:
            each.stop()
    return {"systems": table.summary(), "memory": memory, "workers": _workers(session)}


def _warm(session: Session, running: Running) -> None:
    _burst(session, running, running.door.chat(), seconds=2.0 if running.name in SLOW else 1.0)
    one.latencies(running.door.chat(), running.door.port, count=200, seconds=1.0)


def _burst(session: Session, running: Running, request: bytes, seconds: float = SECONDS) -> wrk.Burst:
    found = send_burst(session, running, request, connections=CONNECTIONS, seconds=seconds)
    if found.failed:
        print(f"  {running.name}: {found.failed} of {found.requests} failed", flush=True)
    return found


def _one(running: Running, request: bytes) -> list[float]:
    # What the burst before has left to be done is not the single connection's to pay.
    one.latencies(request, running.door.port, count=20, seconds=2.0)
    slow = running.name in SLOW
    return one.latencies(
        request, running.door.port, count=100 if slow else ONE_COUNT, seconds=2.0 if slow else ONE_SECONDS
    )


def _round(session: Session, running: Running, table: Table, direct: list[float]) -> None:
    request = running.door.chat()
    seconds = 3.0 if running.name in SLOW else SECONDS_WITH_PEERS if session.peers else SECONDS
    burst, cost = measured(session, running, lambda: _burst(session, running, request, seconds))
    taken = direct if running.name == "direct" else _one(running, request)
    table.add(
        running.name,
        rate=burst.rate,
        cpu_us=1e6 * cost.gateway / burst.requests,
        p50_ms=1e3 * burst.p50,
        p99_ms=1e3 * burst.p99,
        failed=burst.failed,
        foreign_cores=cost.foreign,
        load_cores=cost.load / cost.seconds,
        one_p50_ms=1e3 * quantile(taken, 0.5),
        one_p99_ms=1e3 * quantile(taken, 0.99),
        added_p50_ms=1e3 * (quantile(taken, 0.5) - quantile(direct, 0.5)),
        added_p99_ms=1e3 * (quantile(taken, 0.99) - quantile(direct, 0.99)),
    )


def paged_in(session: Session, running: Running) -> str:
    """A file whose replica is live: uploaded once, and paged in by a first chat. Empty when that fails."""
    try:
        upload = uploads.multipart(
            running.door.port, FILE_BYTES, KEY, {"purpose": "user_data"}, session.upstreams.uploads, wait=0.0
        )
    except RuntimeError as error:
        print(f"skipped: a chat with a file: {error}", flush=True)
        return ""
    end = time.monotonic() + 20.0
    with one.Line(running.door.port) as line:
        while time.monotonic() < end:
            answer = line.ask(running.door.chat(file_id=upload.file_id))
            if answer.status == 200:
                return upload.file_id
            time.sleep(0.2)
    print(f"skipped: a chat with a file: {answer.status} {answer.body[:300]!r}", flush=True)
    return ""


def _file_round(session: Session, running: Running, file_id: str, table: Table) -> None:
    if not file_id:
        return
    request, message = running.door.chat(file_id=file_id), running.door.message(file_id=file_id)
    burst, cost = measured(session, running, lambda: _burst(session, running, request))
    same, of_message = measured(session, running, lambda: _burst(session, running, message))
    table.add(
        running.name,
        file_rate=burst.rate,
        file_cpu_us=1e6 * cost.gateway / burst.requests,
        file_failed=burst.failed,
        message_cpu_us=1e6 * of_message.gateway / same.requests,
        message_failed=same.failed,
    )


def _response_rounds(session: Session, running: Running, table: Table) -> None:
    """The chat as a response, stored and not."""
    for name, store in (("response", False), ("stored", True)):
        burst, cost = measured(session, running, partial(_burst, session, running, running.door.response(store=store)))
        cpu = 1e6 * cost.gateway / burst.requests
        table.add(running.name, **{f"{name}_cpu_us": cpu, f"{name}_failed": burst.failed})


def _workers(session: Session) -> dict[str, dict[str, object]]:
    """Two processes (or all threads of one) on two cores, beside one process on one of them, in turn.

    Client and stand-in have the remaining cores where there are any; otherwise they share the two, and what they took
    is in the table. `capacity` is what two idle cores would serve at the CPU time per request seen here.
    """
    table = Table()
    for system in session.systems:
        if system.workers or system.threads:
            try:
                _pair(session, system, table)
            except Skipped as reason:
                print(f"skipped: {reason}", flush=True)
    return table.summary()


def _pair(session: Session, system: System, table: Table) -> None:
    print(f"chat: one and two cores, {system.name}", flush=True)
    cores = {1: session.cores.gateway, 2: session.cores.both}
    running: dict[int, Running] = {}
    try:
        for workers, own in cores.items():
            count = workers if system.workers else 1
            running[workers] = system.start(session.site(session.upstreams.chat, workers=count, cores=own))
            many.run(running[workers].door.chat(), running[workers].door.port, connections=CONNECTIONS, seconds=0.5)
        for number in range(session.rounds):
            for workers, each in rotated(list(running.items()), number):
                _pair_round(session, each, workers, len(cores[workers]), table)
    finally:
        _place(session, session.cores.load, session.cores.upstream)
        for each in running.values():
            each.stop()


def _pair_round(session: Session, running: Running, workers: int, cores: int, table: Table) -> None:
    if workers == 2 and session.cores.shared:
        _place(session, session.cores.both, session.cores.both)
    else:
        _place(session, session.cores.load, session.cores.upstream)
    pids = running.pids()
    before = [processes.cpu_seconds([pid]) for pid in pids]
    burst, cost = measured(session, running, lambda: _burst(session, running, running.door.chat()))
    spent = [processes.cpu_seconds([pid]) - was for pid, was in zip(pids, before, strict=True)]
    busy = [seconds for seconds in spent if seconds > 0.05 * cost.gateway]
    cpu = cost.gateway / burst.requests
    figures = {
        "rate": burst.rate,
        "cpu_us": 1e6 * cpu,
        "capacity": cores / cpu,
        "load_cores": cost.load / cost.seconds,
        "gateway_cores": cost.gateway / cost.seconds,
        "foreign_cores": cost.foreign,
        "evenness": min(busy) / max(busy),
        "failed": burst.failed,
    }
    table.add(running.name, **{f"{name}_{workers}": value for name, value in figures.items()})


def _place(session: Session, load: Sequence[int], upstream: Sequence[int]) -> None:
    """Move the client (its children inherit it) and the stand-ins."""
    os.sched_setaffinity(0, load)
    for pid in session.upstreams.pids():
        os.sched_setaffinity(pid, upstream)
