"""A run's JSON as it is read by tables and plots: medians, ranges, and how systems are called on the page."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any

OURS = "liftgate"
COUNTED = "counted"
PARTS = ("key", "budget", "spend", "metrics", "log")
BESIDE = "beside"
NOT_PEERS = frozenset({"direct", "nginx", OURS, COUNTED, BESIDE, "python", *PARTS})
TITLES = {
    "direct": "direct",
    "nginx": "nginx hop",
    "liftgate": "**Liftgate**",
    "counted": "**Liftgate**, key with a budget, spend, metrics, JSON log",
    "beside": "**Liftgate** before, nothing on, commit",
    "key": "a key of the catalogue alone",
    "budget": "a key with a budget alone",
    "spend": "spend alone",
    "metrics": "metrics alone",
    "log": "the JSON log alone",
    "tensorzero": "TensorZero (Rust)",
    "ferrogw": "ferrogw (Go)",
    "portkey": "Portkey (Node)",
    "mlflow": "MLflow gateway",
    "lmproxy": "lm-proxy",
    "litellm": "LiteLLM",
}
LINES = ("files", "deployments", "keys", "message length", "streams", "stream memory")
Cells = Mapping[str, Mapping[str, Mapping[str, float]]]
"""System → measure → median, min, max, rounds."""


class Figures:
    """One scenario's document."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document

    @classmethod
    def read(cls, path: Path) -> Figures | None:
        return cls(json.loads(path.read_text())) if path.exists() else None

    def cells(self, key: str = "systems") -> Cells:
        found: Cells = self.document.get(key, {})
        return found

    def lines(self) -> Mapping[str, Cells]:
        """What grows with what, in the order of the page."""
        found: Mapping[str, Cells] = self.document.get("lines", {})
        return {name: found[name] for name in LINES if name in found}

    def memory(self, system: str, measure: str) -> float | None:
        value = self.document.get("memory", {}).get(system, {}).get(measure)
        return None if value is None else float(value)

    def has_peers(self) -> bool:
        return bool(set(self.cells()) - NOT_PEERS)

    def version(self, system: str) -> str:
        return str(self.document["versions"].get(system, ""))

    def title(self, system: str) -> str:
        return f"{TITLES.get(system, system)} {self.version(system)}".strip()

    def conditions(self) -> str:
        """One line under a table: what ran where, when."""
        machine = self.document["machine"]
        return (
            f"{self.document['when']}, commit {machine['commit']}; {machine['cpu']}, {machine['cores']} cores, "
            f"{machine['memory_gib']} GiB, Linux {machine['kernel']}, CPython {machine['python']}, "
            f"nginx {machine['nginx']}, wrk {machine['wrk']}; {self.document['cores']}; "
            f"medians of {self.document['rounds']} interleaved rounds{self._others()}."
        )

    def _others(self) -> str:
        """How busy the rest of the machine was: a median over all measurements."""
        seen = [
            value for system in self.cells() if (value := median(self.cells(), system, "foreign_cores")) is not None
        ]
        return f"; other programs used {number(statistics.median(seen))} cores meanwhile" if seen else ""


def median(cells: Cells, system: str, measure: str) -> float | None:
    cell = cells.get(system, {}).get(measure)
    return None if cell is None else float(cell["median"])


def extreme(cells: Cells, system: str, measure: str, which: str) -> float | None:
    """The smallest (`min`) or largest (`max`) of all rounds."""
    cell = cells.get(system, {}).get(measure)
    return None if cell is None else float(cell[which])


def spread(cells: Cells, system: str, measure: str) -> str:
    cell = cells.get(system, {}).get(measure)
    return "–" if cell is None else f"{number(cell['min'])}–{number(cell['max'])}"


def number(value: float | None) -> str:
    """Three digits that count."""
    if value is None:
        return "–"
    size = abs(value)
    if size >= 100:
        return f"{value:,.0f}"
    if size >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if size >= 0.1 or size == 0 else f"{value:.3f}"


def by_cost(cells: Cells, measure: str) -> list[str]:
    """Systems, the direct call first, then the cheapest."""
    return sorted(cells, key=lambda name: (name != "direct", median(cells, name, measure) or 0.0))
