"""One run of the benchmark: where it works, on which cores, for how many rounds, against what; and how it measures.

A measurement is a piece of load while the clocks of three groups are read: the gateway's tree, client and stand-in,
and everything else on the machine (`foreign`: what others did meanwhile, by which a figure can be judged).
"""

from __future__ import annotations

import json
import os
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from bench import processes
from bench.load import wrk
from bench.machine import Cores
from bench.standin.upstreams import Upstreams
from bench.systems.system import Running, Site, Skipped, System

Result = TypeVar("Result")
Row = dict[str, float]


@dataclass(frozen=True, slots=True)
class Session:
    run_dir: Path
    cores: Cores
    upstreams: Upstreams
    systems: Sequence[System]
    rounds: int
    full: bool
    peers: bool
    liftgate_home: Path

    def site(self, upstream: int, *, workers: int = 1, cores: Sequence[int] | None = None) -> Site:
        return Site(upstream, cores or self.cores.gateway, self.run_dir, workers)

    def named(self, name: str) -> System:
        return next(system for system in self.systems if system.name == name)


@dataclass(slots=True)
class Cost:
    """CPU seconds while something ran, and how long that took."""

    gateway: float
    load: float
    foreign: float
    seconds: float


def send_burst(session: Session, running: Running, request: bytes, *, connections: int, seconds: float) -> wrk.Burst:
    """The same request over and over, from all cores that this process may use."""
    return wrk.burst(
        request,
        running.door.port,
        connections=connections,
        seconds=seconds,
        cores=sorted(os.sched_getaffinity(0)),
        run_dir=session.run_dir,
    )


def measured(session: Session, running: Running, load: Callable[[], Result]) -> tuple[Result, Cost]:
    """Run `load`; what it gave, and what it cost the gateway."""
    gateway, standins = running.pids(), session.upstreams.pids()
    before = _clocks(gateway, standins)
    result = load()
    after = _clocks(gateway, standins)
    spent = [b - a for a, b in zip(before, after, strict=True)]
    own = spent[0] if gateway else 0.0
    return result, Cost(own, spent[1], max(0.0, spent[2] - spent[0] - spent[1]) / spent[3], spent[3])


def _clocks(gateway: Sequence[int], standins: Sequence[int]) -> tuple[float, float, float, float]:
    own = os.times()
    client = own.user + own.system + own.children_user + own.children_system
    return (
        processes.cpu_seconds(gateway),
        processes.cpu_seconds(standins) + client,
        processes.machine_busy_seconds(),
        time.monotonic(),
    )


def started(systems: Sequence[System], site: Site) -> list[Running]:
    """Those that come up; of the others it is printed why not."""
    running = []
    for system in systems:
        try:
            running.append(system.start(site))
        except Skipped as reason:
            print(f"skipped: {reason}", flush=True)
    return running


@dataclass(slots=True)
class Table:
    """Figures by system and measure, one value for each round."""

    values: dict[str, dict[str, list[float]]] = field(default_factory=dict)

    def add(self, system: str, **figures: float) -> None:
        for name, value in figures.items():
            self.values.setdefault(system, {}).setdefault(name, []).append(value)

    def summary(self) -> dict[str, dict[str, object]]:
        """Median, smallest and largest, and how many rounds: what goes into the JSON."""
        return {
            system: {
                name: {
                    "median": statistics.median(values),
                    "min": min(values),
                    "max": max(values),
                    "rounds": len(values),
                }
                for name, values in measures.items()
            }
            for system, measures in self.values.items()
        }


def quantile(values: Sequence[float], share: float) -> float:
    """The value that `share` of all do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def rotated(items: Sequence[Result], by: int) -> list[Result]:
    """Another first one in every round, so that none always follows the same neighbour."""
    at = by % len(items) if items else 0
    return [*items[at:], *items[:at]]


def write_json(path: Path, document: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
