"""What counting costs: Liftgate with nothing on, with each part of it, with all; short rounds, in turn.

Each round is a second or less, and there are many: what other programs do meanwhile then meets all systems alike. All
start anew after a few: two processes of the same program differ by several percent for as long as they live.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from bench.load import streams
from bench.machine import first_line
from bench.session import Session, Table, measured, rotated, send_burst, started
from bench.systems import ours
from bench.systems.system import Running, System

CONNECTIONS = 64
SECONDS = 1.0
STREAM_SECONDS = 0.5
ROUNDS = 5
"""Of the same processes; as often as the other scenarios have rounds."""


def run(session: Session) -> dict[str, object]:
    systems = [each for each in session.systems if each.name not in ("direct", "nginx")]
    parts = [ours.with_part(session.liftgate_home, name) for name in ours.PARTS]
    whole = [*systems, ours.counted(session.liftgate_home)]
    table = Table()
    for start in range(session.rounds):
        print(f"counted: start {start + 1} of {session.rounds}", flush=True)
        _in_turn(session, rotated([*whole, *parts], start), session.upstreams.chat, _chat, table)
        _in_turn(session, rotated(whole, start), session.upstreams.streams, _streams, table)
    return {"systems": table.summary(), "rounds": session.rounds * ROUNDS}


def beside(checkout: Path) -> System:
    """Another checkout's Liftgate with nothing on, from its `.venv`: an earlier commit's, say."""
    commit = first_line(["git", "-C", str(checkout), "rev-parse", "--short", "HEAD"])
    return replace(ours.liftgate(checkout / ".venv", name="beside"), version=commit)


def _in_turn(
    session: Session,
    systems: list[System],
    upstream: int,
    round_of: Callable[[Session, Running], dict[str, float]],
    table: Table,
) -> None:
    running = started(systems, session.site(upstream))
    try:
        for each in running:
            round_of(session, each)
        for number in range(ROUNDS):
            found = {each.name: round_of(session, each) for each in rotated(running, number)}
            off = found["liftgate"]
            for name, figures in found.items():
                # Of what other programs use there may be nothing.
                over = {f"{what}_over": value / off[what] for what, value in figures.items() if what.endswith("_us")}
                table.add(name, **figures, **over)
    finally:
        for each in running:
            each.stop()


def _chat(session: Session, running: Running) -> dict[str, float]:
    request = running.door.chat()
    found, cost = measured(
        session, running, lambda: send_burst(session, running, request, connections=CONNECTIONS, seconds=SECONDS)
    )
    if found.failed:
        raise RuntimeError(f"{running.name}: {found.failed} of {found.requests} failed")
    return {"cpu_us": 1e6 * cost.gateway / found.requests, "foreign_cores": cost.foreign}


def _streams(session: Session, running: Running) -> dict[str, float]:
    result, cost = measured(
        session,
        running,
        lambda: streams.run(
            running.door.stream(), running.door.port, connections=CONNECTIONS, streams=100_000, seconds=STREAM_SECONDS
        ),
    )
    if result.short:
        raise RuntimeError(f"{running.name}: {result.short} of {result.streams} streams were not whole")
    return {"event_us": 1e6 * cost.gateway / result.events}
