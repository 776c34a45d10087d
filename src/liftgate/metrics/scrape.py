"""What a scrape answers: the sums of all processes of this `data_dir`, and what is looked up when it is asked for."""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from liftgate.clock import Clock
from liftgate.engine.meter import Meters
from liftgate.errors import LiftgateError
from liftgate.metrics import families
from liftgate.metrics.calls import CallCounts
from liftgate.metrics.cells import Labels, Reader, Slot
from liftgate.metrics.families import Family
from liftgate.metrics.recorder import Recorder
from liftgate.metrics.text import OPENMETRICS, PROMETHEUS, wants_openmetrics, written

log = logging.getLogger("liftgate.metrics")

LookedUp = dict[tuple[str, Labels], list[float]]
LookUp = Callable[[], Awaitable[LookedUp]]
Gauge = tuple[Family, Labels, Callable[[], float]]
WAIT = 0.05
"""Seconds after which the event loop is looked for."""
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Metrics:
    """`calls` is the listener of the meter. Raises OSError where `directory` cannot be used."""

    def __init__(self, directory: Path, clock: Clock, meters: Meters) -> None:
        self._clock = clock
        self._meters = meters
        self._slot = Slot(directory)
        self._reader = Reader(directory)
        self._cpu = time.process_time()
        self._look_up: LookUp | None = None
        self._gauges: Sequence[Gauge] = ()
        self.calls = CallCounts(self._slot)
        self.recorder = Recorder(self._slot)
        worker = (str(self._slot.number),)
        self._slot.add(families.STARTS, (), 1.0)
        self._slot.add(families.CPU, (), self._cpu)
        self._slot.set(families.STARTED, worker, clock.now())
        self._slot.set(families.FDS_LIMIT, worker, float(resource.getrlimit(resource.RLIMIT_NOFILE)[0]))
        self._refresh()

    def opened(self, look_up: LookUp, gauges: Sequence[Gauge]) -> None:
        """The gateway is open. `gauges`: of this process, which all others are to know."""
        self._look_up = look_up
        self._gauges = gauges

    async def tick(self) -> None:
        """Every second or so: what the other processes are to know of this one."""
        began = self._clock.monotonic()
        await self._clock.sleep(WAIT)
        self._slot.observe(families.LOOP_LAG, (), max(0.0, self._clock.monotonic() - began - WAIT))
        self._refresh()

    async def answer(self, accept: str) -> tuple[bytes, bytes]:
        """(Content-Type, body), in OpenMetrics' form where `accept` has it."""
        self._refresh()
        values = self._reader.sums()
        if self._look_up is not None:
            try:
                values |= await self._look_up()
                values[families.CATALOG_UP.name, ()] = [1.0]
            except LiftgateError as error:
                log.warning("metrics without what the catalogue knows: %s", error.message)
                values[families.CATALOG_UP.name, ()] = [0.0]
        openmetrics = wants_openmetrics(accept)
        text = await asyncio.to_thread(written, values, openmetrics=openmetrics)
        return OPENMETRICS if openmetrics else PROMETHEUS, text.encode()

    def close(self) -> None:
        self._refresh()
        self._slot.close()

    def _refresh(self) -> None:
        worker = (str(self._slot.number),)
        cpu = time.process_time()
        self._slot.add(families.CPU, (), cpu - self._cpu)
        self._cpu = cpu
        self._slot.set(families.ACTIVE, (), float(self._meters.open))
        for family, labels, value in self._gauges:
            self._slot.set(family, labels, value())
        try:
            resident = int(Path("/proc/self/statm").read_bytes().split()[1]) * _PAGE
            self._slot.set(families.MEMORY, worker, float(resident))
            self._slot.set(families.OPEN_FILES, worker, float(len(os.listdir("/proc/self/fd"))))
        except (OSError, IndexError, ValueError):
            pass  # A system without /proc: these two are not there.
