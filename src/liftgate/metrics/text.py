"""The two text forms: Prometheus' (0.0.4) and OpenMetrics' (1.0.0)."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

from liftgate.metrics.families import EXEMPLARS, FAMILIES, Family

Labels = tuple[str, ...]
Values = Mapping[tuple[str, Labels], Sequence[float]]

PROMETHEUS = b"text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = b"application/openmetrics-text; version=1.0.0; charset=utf-8"
MOST_SERIES = 20_000

_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})


def written(values: Values, *, openmetrics: bool) -> str:
    """`values`: (family's name, labels) → its cells. Beyond `MOST_SERIES` the last families are left out, and a comment
    says so."""
    by_family: dict[str, list[tuple[Labels, Sequence[float]]]] = {}
    for (name, labels), cells in values.items():
        by_family.setdefault(name, []).append((labels, cells))
    lines: list[str] = []
    left = MOST_SERIES
    for name, family in FAMILIES.items():
        found = by_family.get(name)
        if not found:
            continue
        left -= len(found) * (family.cells + 1 if family.kind == "histogram" else 1)
        if left < 0:
            lines.append(f"# More than {MOST_SERIES} series: {name} is left out.")
            continue
        full = name + "_total" if family.kind == "counter" else name
        titled = name if openmetrics else full
        lines += (f"# HELP {titled} {family.says}", f"# TYPE {titled} {family.kind}")
        for labels, cells in sorted(found):
            if family.kind == "histogram":
                series = _histogram(family, labels, cells)
                if openmetrics and name in EXEMPLARS:
                    series = _with_exemplar(series, family, values.get((EXEMPLARS[name].name, labels)))
                lines += series
            else:
                lines.append(f"{_beginnings(full, family.labels, labels)[0]} {_number(cells[0])}")
    if openmetrics:
        # A comment is no part of this form.
        lines = [line for line in lines if not line.startswith("# More")]
        lines.append("# EOF")
    return "\n".join(lines) + "\n"


def wants_openmetrics(accept: str) -> bool:
    """Whether a scraper's `Accept` puts OpenMetrics' form before Prometheus' own."""
    wanted = {"application/openmetrics-text": 0.0, "text/plain": 0.0}
    for each in accept.split(","):
        kind, *parameters = (part.strip().lower() for part in each.split(";"))
        if kind in wanted:
            quality = next((part[2:] for part in parameters if part.startswith("q=")), "1")
            try:
                wanted[kind] = max(wanted[kind], float(quality))
            except ValueError:
                continue
    return 0.0 < wanted["application/openmetrics-text"] >= wanted["text/plain"]


def _with_exemplar(series: Iterable[str], family: Family, exemplar: Sequence[float] | None) -> Iterator[str]:
    """The bucket in which the exemplar lies says so."""
    lines = list(series)
    if exemplar is not None and exemplar[-1]:
        *words, value, at = exemplar
        trace = "".join(f"{int(word):08x}" for word in words)
        place = bisect_left(family.buckets, value)
        lines[place] += f' # {{trace_id="{trace}"}} {_number(value)} {at:.3f}'
    yield from lines


def _histogram(family: Family, labels: Labels, cells: Sequence[float]) -> Iterable[str]:
    total = 0.0
    beginnings = _bucket_beginnings(family.name, family.labels, labels, family.buckets)
    for beginning, cell in zip(beginnings[:-2], cells, strict=False):
        total += cell
        yield f"{beginning} {_number(total)}"
    yield f"{beginnings[-2]} {_number(total)}"
    yield f"{beginnings[-1]} {_number(cells[-1])}"


@lru_cache(maxsize=MOST_SERIES)
def _beginnings(name: str, names: Labels, labels: Labels) -> tuple[str]:
    pairs = ",".join(f'{each}="{value.translate(_ESCAPES)}"' for each, value in zip(names, labels, strict=True))
    return (f"{name}{{{pairs}}}" if pairs else name,)


@lru_cache(maxsize=MOST_SERIES)
def _bucket_beginnings(name: str, names: Labels, labels: Labels, buckets: tuple[float, ...]) -> Sequence[str]:
    """Of the buckets, then of the count and the sum."""
    bounds = (*(f"{bound:g}" if bound < 1e6 else f"{bound:.1f}" for bound in buckets), "+Inf")
    found = [_beginnings(name + "_bucket", (*names, "le"), (*labels, bound))[0] for bound in bounds]
    return [*found, _beginnings(name + "_count", names, labels)[0], _beginnings(name + "_sum", names, labels)[0]]


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)
