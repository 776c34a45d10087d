"""One large upload at a time: into Liftgate (spool, hash, blob, replica), into LiteLLM, through nginx, and directly.

A gateway may use all the gateway's cores here, as hashing and writing are made for more than one. The clock stops when
the client has its answer and the stand-in has the last byte, whichever is later. Then: what a chat waits meanwhile.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

from bench import processes
from bench.load import uploads, wrk
from bench.session import Session, Table, measured, rotated, started
from bench.systems.requests import KEY
from bench.systems.system import Running

MB = 1_000_000
GIB = 1 << 30
SIZE = 300 * MB
QUICK = 100 * MB
WAIT = 60.0
TAKERS = {
    "liftgate": {"purpose": "user_data", "target_model_names": "bench"},
    "litellm": {"purpose": "user_data", "model": "bench"},
}


def run(session: Session) -> dict[str, object]:
    systems = [each for each in session.systems if not each.peer or each.name in TAKERS]
    size = GIB if session.full else SIZE if session.peers else QUICK
    table = Table()
    running = started(systems, session.site(session.upstreams.uploads, cores=session.cores.both))
    try:
        for each in running:
            _upload(session, each, 10 * MB)
        for number in range(session.rounds):
            print(f"upload: round {number + 1} of {session.rounds}", flush=True)
            for each in rotated(running, number):
                _round(session, each, size, table)
        for each in running:
            if each.started:
                _beside(session, each, table)
    finally:
        for each in running:
            each.stop()
    return {"systems": table.summary(), "size_mb": size / MB}


def _upload(session: Session, running: Running, size: int) -> uploads.Upload:
    port, sink = running.door.port, session.upstreams.uploads
    if running.name not in TAKERS:
        return uploads.gemini(port, size, sink)
    upload = uploads.multipart(port, size, KEY, TAKERS[running.name], sink, wait=WAIT)
    if running.name == "liftgate":
        uploads.delete(port, upload.file_id, KEY)
    return upload


def _round(session: Session, running: Running, size: int, table: Table) -> None:
    # What earlier uploads left for the kernel to write would be paid by the next one.
    os.sync()
    idle = processes.memory(running.pids())
    processes.reset_peaks(running.pids())
    upload, cost = measured(session, running, lambda: _upload(session, running, size))
    peak = processes.memory(running.pids())
    if not upload.correct:
        print(f"  {running.name}: the stand-in did not get these bytes", flush=True)
    table.add(
        running.name,
        mb_per_s=size / MB / upload.seconds,
        answered_s=upload.answered,
        cpu_s_per_gib=cost.gateway * GIB / size,
        peak_rss_mib=peak.peak_rss,
        idle_pss_mib=idle.pss,
        correct=float(upload.correct),
        foreign_cores=cost.foreign,
    )


def _beside(session: Session, running: Running, table: Table) -> None:
    """One connection that chats, first alone, then while uploads follow one another."""

    def chat() -> wrk.Burst:
        return wrk.burst(
            running.door.chat(),
            running.door.port,
            connections=1,
            seconds=3.0 if session.peers else 1.0,
            cores=session.cores.load,
            run_dir=session.run_dir,
        )

    alone = chat()
    with ThreadPoolExecutor(1) as pool:
        beside = pool.submit(chat)
        while not beside.done():
            _upload(session, running, SIZE)
        busy = beside.result()
    table.add(
        running.name,
        chat_alone_p50_ms=1e3 * alone.p50,
        chat_alone_p99_ms=1e3 * alone.p99,
        chat_beside_p50_ms=1e3 * busy.p50,
        chat_beside_p99_ms=1e3 * busy.p99,
        chat_beside_worst_ms=1e3 * busy.worst,
        chat_failed=alone.failed + busy.failed,
    )
