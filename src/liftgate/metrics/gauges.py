"""What a process says of itself now and then: gauges that a scrape adds up over the processes that live."""

from __future__ import annotations

from collections.abc import Sequence

from liftgate.clock import Clock
from liftgate.engine.admission import Admission
from liftgate.engine.spend import Spend
from liftgate.gemini.client import GeminiClient
from liftgate.keys.limits import NANO
from liftgate.metrics import families
from liftgate.metrics.scrape import Gauge


def gauges_of(client: GeminiClient, admission: Admission, spend: Spend | None, clock: Clock) -> Sequence[Gauge]:
    gauges: list[Gauge] = [
        (families.CONNECTIONS, ("busy",), lambda: float(client.connections()[0])),
        (families.CONNECTIONS, ("free",), lambda: float(client.connections()[1])),
        (families.LEASED, (), lambda: admission.held_nanos / NANO),
    ]
    if spend is not None:
        gauges += [
            (families.UNSETTLED, (), lambda: spend.unsettled / NANO),
            (families.JOURNAL_LAG, (), lambda: clock.monotonic() - spend.settled_at if spend.unsettled else 0.0),
        ]
    return gauges
