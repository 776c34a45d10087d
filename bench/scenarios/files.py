"""What grows with what: the cost of a request against files, deployments, keys, streams and message length; memory.

For each line several gateways, one for each point, are up at the same time and measured in turn, in rounds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from bench import processes
from bench.load import many, one, streams
from bench.scenarios import catalogue
from bench.session import Session, Table, measured, quantile, rotated
from bench.systems import ours
from bench.systems.requests import KEY, MODEL
from bench.systems.system import Running

FILES = (10, 1_000, 100_000)
FILES_FULL = (*FILES, 1_000_000)
DEPLOYMENTS = (1, 10, 100, 1_000)
KEYS = (1, 100, 10_000)
STREAMS = (1, 4, 16, 64, 256)
STREAMS_FULL = (*STREAMS, 1_024)
LENGTHS = (100, 1_000, 10_000, 100_000, 1_000_000)
OPEN = (1, 250, 500, 1_000)
ACTIVE = (16, 128, 256)
CONNECTIONS = 16
SECONDS = 0.25


def run(session: Session) -> dict[str, object]:
    lines = {
        "files": _files,
        "deployments": _deployments,
        "keys": _keys,
        "message length": _lengths,
        "streams": _streams,
        "stream memory": _memory,
    }
    result: dict[str, object] = {}
    for name, measure in lines.items():
        since = time.monotonic()
        result[name] = measure(session)
        print(f"files: cost against {name}: {time.monotonic() - since:.0f} s", flush=True)
    return {"lines": result}


def _rounds(session: Session) -> int:
    return min(session.rounds, 5 if session.full else 3)


def _cost(session: Session, running: Running, requests: bytes | list[bytes]) -> tuple[float, float]:
    """CPU µs per request, and requests per second."""
    got, cost = measured(
        session,
        running,
        lambda: many.run(requests, running.door.port, connections=CONNECTIONS, seconds=SECONDS),
    )
    if got.failed:
        print(f"  {running.name}: {got.failed} of {got.requests} failed", flush=True)
    return 1e6 * cost.gateway / got.requests, got.rate


@contextmanager
def _all(running: dict[int, Running]) -> Iterator[dict[int, Running]]:
    try:
        yield running
    finally:
        for each in running.values():
            each.stop()


def _files(session: Session) -> dict[str, dict[str, object]]:
    """Chats with files in turn (all live), one file's record, and the first page of the list."""
    table = Table()
    account = catalogue.account_name(session)
    headers = {"Authorization": f"Bearer {KEY}"}
    running: dict[int, Running] = {}
    ids: dict[int, list[str]] = {}
    with _all(running):
        for count in FILES_FULL if session.full else FILES:
            running[count], ids[count] = catalogue.filled(session, count, account)
            table.add(str(count), ready_s=running[count].ready_seconds)
            _cost(session, running[count], catalogue.chats(running[count].door, ids[count]))
        for number in range(_rounds(session)):
            for count, each in rotated(list(running.items()), number):
                port = each.door.port
                one_file, _ = _cost(session, each, each.door.chat(file_id=ids[count][0]))
                chat, rate = _cost(session, each, catalogue.chats(each.door, ids[count]))
                get, _ = _cost(session, each, [one.get(port, f"/v1/files/{file}", headers) for file in ids[count]])
                page, _ = _cost(session, each, one.get(port, "/v1/files?limit=20", headers))
                held = processes.memory(each.pids())
                table.add(
                    str(count),
                    one_file_us=one_file,
                    chat_us=chat,
                    rate=rate,
                    get_us=get,
                    list_us=page,
                    pss_mib=held.pss,
                )
    return table.summary()


def _configured(session: Session, sections: Mapping[int, Mapping[str, object]], name: str) -> dict[int, Running]:
    site = session.site(session.upstreams.chat)
    return {
        count: ours.liftgate(session.liftgate_home, name=f"{name}-{count}", settings=settings).start(site)
        for count, settings in sections.items()
    }


def _points(session: Session, running: dict[int, Running]) -> dict[str, dict[str, object]]:
    table = Table()
    with _all(running):
        for each in running.values():
            _cost(session, each, each.door.chat())
        for number in range(_rounds(session)):
            for count, each in rotated(list(running.items()), number):
                cpu, rate = _cost(session, each, each.door.chat())
                table.add(str(count), chat_us=cpu, rate=rate, pss_mib=processes.memory(each.pids()).pss)
        for count, each in running.items():
            table.add(str(count), ready_s=each.ready_seconds)
    return table.summary()


def _deployments(session: Session) -> dict[str, dict[str, object]]:
    """All of one model_name, each with a key of its own."""
    upstream = session.upstreams.chat
    sections = {
        count: {"model_list": [ours.deployment("bench", MODEL, upstream, f"key-{index}") for index in range(count)]}
        for count in DEPLOYMENTS
    }
    return _points(session, _configured(session, sections, "deployments"))


def _keys(session: Session) -> dict[str, dict[str, object]]:
    sections = {}
    for count in KEYS:
        plain = ours.config(session.upstreams.chat, session.run_dir / f"keys-{count}-data")["liftgate_settings"]
        keys = [{"name": f"owner-{index}", "key": f"sk-owner-{index:012}"} for index in range(count - 1)]
        sections[count] = {"liftgate_settings": {**_mapping(plain), "keys": keys}}
    return _points(session, _configured(session, sections, "keys"))


def _mapping(value: object) -> Mapping[str, object]:
    assert isinstance(value, dict)
    return value


@contextmanager
def _plain(session: Session, upstream: int) -> Iterator[Running]:
    running = ours.liftgate(session.liftgate_home).start(session.site(upstream))
    try:
        yield running
    finally:
        running.stop()


def _lengths(session: Session) -> dict[str, dict[str, object]]:
    """A question of so many characters."""
    table = Table()
    with _plain(session, session.upstreams.chat) as running:
        questions = {length: running.door.chat(question=("lift " * length)[:length]) for length in LENGTHS}
        _cost(session, running, questions[100])
        for number in range(_rounds(session)):
            for length, request in rotated(list(questions.items()), number):
                cpu, rate = _cost(session, running, request)
                table.add(str(length), chat_us=cpu, rate=rate)
    return table.summary()


def _streams(session: Session) -> dict[str, dict[str, object]]:
    """So many streams at once, at full speed."""
    table = Table()
    with _plain(session, session.upstreams.streams) as running:
        request, port = running.door.stream(), running.door.port
        streams.run(request, port, connections=64, streams=256, seconds=0.5)
        for number in range(_rounds(session)):
            for count in rotated(STREAMS_FULL if session.full else STREAMS, number):
                load: Callable[[], streams.Streamed] = lambda n=count: streams.run(  # type: ignore[misc]  # noqa: E731
                    request, port, connections=n, streams=max(n, 2_000), seconds=0.3
                )
                got, cost = measured(session, running, load)
                table.add(
                    str(count),
                    event_us=1e6 * cost.gateway / got.events,
                    events_rate=got.events / got.seconds,
                    first_p50_ms=1e3 * quantile(got.first_event, 0.5),
                    short=got.short,
                )
    return table.summary()


def _memory(session: Session) -> dict[str, dict[str, object]]:
    """MiB above a gateway that has served: open streams that stand still, and streams of an event every 10 ms."""
    table = Table()
    with _plain(session, session.upstreams.streams) as running:
        idle, port = running.door.stream("-idle"), running.door.port
        with streams.held(idle, port, count=16, seconds=10.0):
            pass
        before = processes.memory(running.pids()).pss
        for count in OPEN:
            with streams.held(idle, port, count=count, seconds=30.0):
                table.add(str(count), idle_mib=processes.memory(running.pids()).pss - before)
    with _plain(session, session.upstreams.streams) as running, ThreadPoolExecutor(1) as pool:
        port = running.door.port
        paced = running.door.stream("-paced")
        streams.run(paced, port, connections=4, streams=4, seconds=1.0)
        before = processes.memory(running.pids()).pss
        for count in ACTIVE:
            load = pool.submit(streams.run, paced, port, connections=count, streams=count, seconds=2.0)
            peak = before
            while not load.done():
                time.sleep(0.05)
                peak = max(peak, processes.memory(running.pids()).pss)
            load.result()
            table.add(str(count), active_mib=peak - before)
    return table.summary()
