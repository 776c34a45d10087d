"""Streams of 50 events: at full speed and at 10 ms an event, 64 at once and one; and 1,000 that stay open."""

from __future__ import annotations

from functools import partial

from bench import processes
from bench.load import streams
from bench.session import Cost, Session, Table, measured, quantile, rotated, started
from bench.standin.answers import TOKEN
from bench.systems import ours
from bench.systems.system import Running

CONNECTIONS = 64
SECONDS = 0.5
IDLE = 1000
IDLE_SECONDS = 20.0
DELTA = b'"delta":"' + TOKEN
SLOW = frozenset({"litellm", "lmproxy"})


def run(session: Session) -> dict[str, object]:
    table = Table()
    memory: dict[str, dict[str, float]] = {}
    systems = [*session.systems, ours.counted(session.liftgate_home)]
    running = started(systems, session.site(session.upstreams.streams))
    try:
        for each in running:
            _streams(session, each, "", CONNECTIONS, 128)
        for number in range(session.rounds):
            print(f"stream: round {number + 1} of {session.rounds}", flush=True)
            direct = _first(running[0])
            for each in rotated(running, number):
                _round(session, each, table, direct)
        for each in running:
            if each.started:
                memory[each.name] = _idle(session, each)
    finally:
        for each in running:
            each.stop()
    return {"systems": table.summary(), "memory": memory}


def _response_rounds(session: Session, running: Running, table: Table) -> None:
    """The same streams as Responses, whose last events repeat the text: an event is one with a piece of it."""
    port = running.door.port
    for name, store in (("response", False), ("stored", True)):
        request = running.door.response(store=store, stream=True)
        result, cost = measured(
            session,
            running,
            partial(streams.run, request, port, connections=CONNECTIONS, streams=100_000, seconds=SECONDS, mark=DELTA),
        )
        table.add(running.name, **{f"{name}_cpu_us": 1e6 * cost.gateway / result.events, f"{name}_short": result.short})


def _message_round(session: Session, running: Running, table: Table) -> None:
    """The same streams in Anthropic's form."""
    request, port = running.door.message(stream=True), running.door.port
    result, cost = measured(
        session,
        running,
        lambda: streams.run(request, port, connections=CONNECTIONS, streams=100_000, seconds=SECONDS),
    )
    table.add(running.name, message_cpu_us=1e6 * cost.gateway / result.events, message_short=result.short)


def _streams(
    session: Session, running: Running, pace: str, connections: int, count: int
) -> tuple[streams.Streamed, Cost]:
    request, port = running.door.stream(pace), running.door.port
    seconds = 2.0 if running.name in SLOW else SECONDS
    result, cost = measured(
        session,
        running,
        lambda: streams.run(request, port, connections=connections, streams=count, seconds=seconds),
    )
    if result.short:
        print(f"  {running.name}: {result.short} of {result.streams} streams were not whole", flush=True)
    return result, cost


def _first(running: Running) -> list[float]:
    """Seconds to the first event, one stream at a time; the rest of each stream comes at full speed."""
    request, port = running.door.stream(), running.door.port
    return streams.run(
        request, port, connections=1, streams=40 if running.name in SLOW else 300, seconds=0.3
    ).first_event


def _round(session: Session, running: Running, table: Table, direct: list[float]) -> None:
    fast, fast_cost = _streams(session, running, "", CONNECTIONS, 100_000)
    paced, paced_cost = _streams(session, running, "-paced", CONNECTIONS, CONNECTIONS)
    first = direct if running.name == "direct" else _first(running)
    if running.name == "liftgate":
        _message_round(session, running, table)
        _response_rounds(session, running, table)
    table.add(
        running.name,
        events_rate=fast.events / fast.seconds,
        cpu_us=1e6 * fast_cost.gateway / fast.events,
        fast_first_p50_ms=1e3 * quantile(fast.first_event, 0.5),
        paced_cpu_us=1e6 * paced_cost.gateway / paced.events,
        paced_rate=paced.events / paced.seconds,
        paced_first_p50_ms=1e3 * quantile(paced.first_event, 0.5),
        paced_first_p99_ms=1e3 * quantile(paced.first_event, 0.99),
        paced_whole_p50_ms=1e3 * quantile(paced.whole, 0.5),
        one_first_ms=1e3 * quantile(first, 0.5),
        added_first_ms=1e3 * (quantile(first, 0.5) - quantile(direct, 0.5)),
        added_first_p99_ms=1e3 * (quantile(first, 0.99) - quantile(direct, 0.99)),
        short=fast.short + paced.short,
        foreign_cores=fast_cost.foreign,
    )


def _idle(session: Session, running: Running) -> dict[str, float]:
    """What 1,000 open streams that stand still after their first event hold, above what was held before."""
    before = processes.memory(running.pids())
    try:
        with streams.held(running.door.stream("-idle"), running.door.port, count=IDLE, seconds=IDLE_SECONDS) as opened:
            open_now = processes.memory(running.pids())
    except (OSError, RuntimeError) as error:
        print(f"  {running.name}: {IDLE} open streams: {error}", flush=True)
        return {"pss_mib": before.pss, "peak_rss_mib": before.peak_rss}
    return {
        "pss_mib": before.pss,
        "peak_rss_mib": open_now.peak_rss,
        "idle_streams": opened,
        "idle_mib": open_now.pss - before.pss,
    }
