"""Writes a run's table and plots, and puts the tables between the markers of docs/performance/README.md."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from bench.report.figures import COUNTED, OURS, TITLES, Figures, by_cost, median
from bench.report.goals import goals
from bench.report.plots import Bar, bars, lines
from bench.report.tables import TABLES

BARS = {
    "chat": {
        "chat-cpu": ("CPU time per chat request, 64 connections", "µs", "cpu_us"),
        "chat-latency": ("Latency added to a chat, one connection, median", "ms", "added_p50_ms"),
    },
    "stream": {
        "stream-cpu": ("CPU time per streamed event, 64 streams at full speed", "µs", "cpu_us"),
        "stream-first": ("Time added to the first event, one stream, median", "ms", "added_first_ms"),
    },
    "upload": {
        "upload-rate": ("Upload of one large file", "MB/s", "mb_per_s"),
        "upload-memory": ("Peak memory during that upload", "MiB", "peak_rss_mib"),
    },
    "start": {
        "start": ("Start to the first chat answer", "s", "chat_s"),
        "install": ("Installed size, without bytecode", "MB", "install_source_mb"),
    },
}
CURVES = {
    "files": ("Cost of a request against files in the catalogue", ("one_file_us", "chat_us", "get_us", "list_us")),
    "deployments": ("Cost of a chat against deployments of its model", ("chat_us",)),
    "keys": ("Cost of a chat against configured keys", ("chat_us",)),
    "message length": ("Cost of a chat against the length of the question, in characters", ("chat_us",)),
    "streams": ("Cost of an event against streams at once", ("event_us",)),
    "stream memory": ("Memory of open streams, above a gateway that has served", ("idle_mib", "active_mib")),
}
NAMES = {
    "one_file_us": "chat, always one file",
    "chat_us": "chat",
    "get_us": "one file's record",
    "list_us": "list of 20 files",
    "event_us": "event",
    "idle_mib": "idle streams",
    "active_mib": "an event every 10 ms",
}


def has_peers(path: Path) -> bool:
    run = Figures.read(path)
    return run is not None and run.has_peers()


def write(out: Path, scenario: str) -> None:
    """From `SCENARIO.json` in `out`: `SCENARIO.md`, its plots, and its place in README.md if that is there."""
    run = Figures.read(out / f"{scenario}.json")
    assert run is not None, "the run is written before its page"
    text = TABLES[scenario](run)
    (out / f"{scenario}.md").write_text(f"# {scenario}\n\n{text}\n")
    plots = out / "plots"
    plots.mkdir(exist_ok=True)
    for name, svg in _plots(run, scenario):
        (plots / f"{name}.svg").write_text(svg)
    readme = out / "README.md"
    if readme.exists():
        runs = {name: found for name in TABLES if (found := Figures.read(out / f"{name}.json"))}
        page = _put(readme.read_text(), scenario, text)
        readme.write_text(_put(page, "goals", goals(runs)))
    print(text, flush=True)


def _put(page: str, name: str, text: str) -> str:
    """`text` between the two markers of this name."""
    pattern = re.compile(rf"(<!-- {name}: generated -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    return pattern.sub(lambda found: found[1] + text + "\n" + found[2], page)


def _plots(run: Figures, scenario: str) -> Iterator[tuple[str, str]]:
    for name, (title, unit, measure) in BARS.get(scenario, {}).items():
        rows = [
            Bar(TITLES.get(each, each).replace("*", ""), value, _kind(each))
            for each in by_cost(run.cells(), measure)
            if (value := median(run.cells(), each, measure)) and value > 0 and each != "python"
        ]
        if measure == "mb_per_s":
            rows.sort(key=lambda row: -row.value)
        if rows:
            yield name, bars(title, unit, rows)
    for line, cells in run.lines().items():
        title, measures = CURVES[line]
        points = sorted(cells, key=int)
        series = {
            NAMES[measure]: [(float(p), value) for p in points if (value := median(cells, p, measure)) is not None]
            for measure in measures
        }
        unit = "MiB" if line == "stream memory" else "CPU µs"
        yield f"scale-{line.replace(' ', '-')}", lines(title, line, unit, series, linear=line == "stream memory")


def _kind(system: str) -> str:
    return "ours" if system in (OURS, COUNTED) else "floor" if system in ("nginx", "direct") else "other"
