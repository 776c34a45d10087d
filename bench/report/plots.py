"""Plots as SVG, without a library: bars on a logarithmic scale for systems, lines for what grows with what."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

INK, SOFT, GRID = "#1f2933", "#6b7785", "#e3e8ee"
OURS_COLOR, OTHER, FLOOR = "#0f766e", "#94a3b8", "#cbd5e1"
LINES = ("#0f766e", "#b45309", "#4338ca", "#be123c")
WIDTH = 760


@dataclass(frozen=True, slots=True)
class Bar:
    label: str
    value: float
    kind: str = "other"
    """`ours`, `floor` (nginx) or `other`."""


def bars(title: str, unit: str, rows: Sequence[Bar]) -> str:
    """Horizontal bars, a decade for every step of the scale."""
    left, right, top, step = 170, 90, 58, 30
    height = top + step * len(rows) + 40
    low = 10 ** math.floor(math.log10(min(row.value for row in rows)))
    high = 10 ** math.ceil(math.log10(max(row.value for row in rows) * 1.0001))
    low = low / 10 if low == min(row.value for row in rows) else low
    span = math.log10(high / low)
    room = WIDTH - left - right

    def x(value: float) -> float:
        return left + room * math.log10(value / low) / span

    parts = [_text(16, 28, title, 16, INK, "start", bold=True), _text(16, 46, f"{unit}, logarithmic", 12, SOFT)]
    for power in range(round(math.log10(low)), round(math.log10(high)) + 1):
        at = x(10.0**power)
        parts.append(f'<line x1="{at:.1f}" y1="{top}" x2="{at:.1f}" y2="{height - 34}" stroke="{GRID}"/>')
        parts.append(_text(at, height - 16, _short(10.0**power), 11, SOFT, "middle"))
    for index, row in enumerate(rows):
        y = top + step * index + 4
        color = {"ours": OURS_COLOR, "floor": FLOOR}.get(row.kind, OTHER)
        width = max(1.0, x(row.value) - left)
        parts.append(f'<rect x="{left}" y="{y}" width="{width:.1f}" height="{step - 10}" rx="2" fill="{color}"/>')
        strong = row.kind == "ours"
        parts.append(_text(left - 8, y + 15, row.label, 13, INK, "end", bold=strong))
        parts.append(_text(left + width + 6, y + 15, _short(row.value), 12, INK, "start", bold=strong))
    return _svg(height, parts)


def lines(
    title: str, x_title: str, unit: str, series: Mapping[str, Sequence[tuple[float, float]]], *, linear: bool = False
) -> str:
    """Lines over a logarithmic or `linear` x; y begins at zero, so that flat looks flat."""
    left, right, top, bottom, height = 70, 24, 62, 64, 340
    points = [point for line in series.values() for point in line]
    low, high = min(point[0] for point in points), max(point[0] for point in points)
    tallest = _round_up(max(point[1] for point in points))
    room, rise = WIDTH - left - right, height - top - bottom

    def x(value: float) -> float:
        if high == low:
            return left + room / 2
        share = (value - low) / (high - low) if linear else math.log10(value / low) / math.log10(high / low)
        return left + room * share

    def y(value: float) -> float:
        return top + rise * (1 - value / tallest)

    parts = [_text(16, 28, title, 16, INK, "start", bold=True), _text(16, 46, unit, 12, SOFT)]
    for index in range(5):
        value = tallest * index / 4
        parts.append(
            f'<line x1="{left}" y1="{y(value):.1f}" x2="{WIDTH - right}" y2="{y(value):.1f}" stroke="{GRID}"/>'
        )
        parts.append(_text(left - 8, y(value) + 4, _short(value), 11, SOFT, "end"))
    marks = sorted({point[0] for point in points})
    for value in [high * share / 4 for share in range(1, 5)] if linear else marks:
        parts.append(_text(x(value), height - bottom + 18, _short(value), 11, SOFT, "middle"))
    parts.append(_text(left + room / 2, height - bottom + 36, x_title, 12, SOFT, "middle"))
    for index, (name, line) in enumerate(series.items()):
        color = LINES[index % len(LINES)]
        path = " ".join(f"{x(a):.1f},{y(b):.1f}" for a, b in line)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>')
        parts += [f'<circle cx="{x(a):.1f}" cy="{y(b):.1f}" r="3.5" fill="{color}"/>' for a, b in line]
        at = left + index * (room / max(1, len(series)))
        parts.append(f'<rect x="{at:.1f}" y="{height - 18}" width="12" height="4" fill="{color}"/>')
        parts.append(_text(at + 18, height - 12, name, 12, INK))
    return _svg(height, parts)


def _round_up(value: float) -> float:
    if value <= 0:
        return 1.0
    unit = 10.0 ** math.floor(math.log10(value))
    return next(step * unit for step in (1, 1.2, 1.6, 2, 3, 4, 6, 8, 10) if step * unit >= value)


def _short(value: float) -> str:
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}"


def _text(x: float, y: float, text: str, size: int, color: str, anchor: str = "start", *, bold: bool = False) -> str:
    weight = ' font-weight="600"' if bold else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{color}" text-anchor="{anchor}"{weight}>'
        f"{escape(text)}</text>"
    )


def _svg(height: int, parts: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
        'font-family="system-ui, Segoe UI, Helvetica, Arial, sans-serif">\n'
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )
