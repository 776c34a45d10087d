"""Markdown tables of a run: one function for each scenario, figures in, text out."""

from __future__ import annotations

from collections.abc import Sequence

from bench.report.figures import BESIDE, OURS, Cells, Figures, by_cost, extreme, median, number, spread

SEVERAL = frozenset({OURS, "litellm", "mlflow"})


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(header) + " |", "| --- |" + " ---: |" * (len(header) - 1)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def chat(figures: Figures) -> str:
    cells = figures.cells()
    ours = median(cells, OURS, "cpu_us")
    rows = []
    for name in by_cost(cells, "cpu_us"):
        cpu = median(cells, name, "cpu_us")
        rows.append(
            [
                figures.title(name),
                "–" if name == "direct" else f"{number(cpu)} ({spread(cells, name, 'cpu_us')})",
                f"{cpu / ours:.2f}" if cpu and ours and name != "direct" else "–",
                number(median(cells, name, "rate")),
                pair(cells, name, "p50_ms", "p99_ms"),
                pair(cells, name, "added_p50_ms", "added_p99_ms"),
                number(figures.memory(name, "peak_rss_mib")) if name != "direct" else "–",
                number(sum_of(figures, name, "failed")),
            ]
        )
        if name == OURS and median(cells, OURS, "file_cpu_us"):
            file_cpu = median(cells, OURS, "file_cpu_us")
            rows.append(
                [
                    "**Liftgate**, with one file whose replica is live",
                    f"{number(file_cpu)} ({spread(cells, OURS, 'file_cpu_us')})",
                    f"{(file_cpu or 0) / (ours or 1):.2f}",
                    number(median(cells, OURS, "file_rate")),
                    "–",
                    "–",
                    "–",
                    number(median(cells, OURS, "file_failed")),
                ]
            )
    header = [
        "64 connections",
        "CPU µs/request (range)",
        "of Liftgate's",
        "requests/s",
        "p50 / p99 ms",
        "1 connection: added p50 / p99 ms",
        "peak RSS MiB",
        "failed",
    ]
    return table(header, rows) + "\n\n" + figures.conditions() + "\n\n" + workers(figures)


def pair(cells: Cells, system: str, first: str, second: str) -> str:
    return f"{number(median(cells, system, first))} / {number(median(cells, system, second))}"


def sum_of(figures: Figures, system: str, measure: str) -> float:
    cell = figures.cells().get(system, {}).get(measure)
    return 0.0 if cell is None else float(cell["max"])


def workers(figures: Figures) -> str:
    cells = figures.cells("workers")
    rows = []
    for name in by_cost(cells, "cpu_us_2"):
        one, two = (median(cells, name, f"rate_{n}") or 0.0 for n in (1, 2))
        room, rooms = (median(cells, name, f"capacity_{n}") or 0.0 for n in (1, 2))
        rows.append(
            [
                figures.title(name),
                number(one),
                number(two),
                f"{two / one:.2f}" if one else "–",
                pair(cells, name, "cpu_us_1", "cpu_us_2"),
                f"{rooms / room:.2f}" if room else "–",
                f"{number(median(cells, name, 'gateway_cores_2'))} + {number(median(cells, name, 'load_cores_2'))}"
                f" + {number(median(cells, name, 'foreign_cores_2'))}",
                number(median(cells, name, "evenness_2")) if name in SEVERAL else "–",
            ]
        )
    header = [
        "one process on one core, two (or all threads) on two",
        "requests/s, one",
        "two",
        "ratio seen",
        "CPU µs/request, one / two",
        "ratio on two idle cores",
        "cores used with two: gateway + client and stand-in + others",
        "least busy / busiest process",
    ]
    return table(header, rows)


def stream(figures: Figures) -> str:
    cells = figures.cells()
    rows = [
        [
            figures.title(name),
            "–" if name == "direct" else f"{number(median(cells, name, 'cpu_us'))} ({spread(cells, name, 'cpu_us')})",
            "–" if name == "direct" else number(median(cells, name, "paced_cpu_us")),
            number(median(cells, name, "events_rate")),
            pair(cells, name, "added_first_ms", "added_first_p99_ms"),
            pair(cells, name, "paced_first_p50_ms", "paced_first_p99_ms"),
            number(median(cells, name, "paced_whole_p50_ms")),
            number(figures.memory(name, "idle_mib")),
            number(sum_of(figures, name, "short")),
        ]
        for name in by_cost(cells, "cpu_us")
    ]
    header = [
        "streams of 50 events",
        "64 at full speed: CPU µs/event (range)",
        "64 at 10 ms/event: CPU µs/event",
        "events/s at full speed",
        "1 stream: added to first event p50 / p99 ms",
        "64 paced: first event p50 / p99 ms",
        "64 paced: whole stream p50 ms (490 is perfect)",
        "1,000 idle streams MiB",
        "not whole",
    ]
    return table(header, rows) + "\n\n" + figures.conditions()


def upload(figures: Figures) -> str:
    cells = figures.cells()
    hop = extreme(cells, "nginx", "mb_per_s", "max")
    rows = []
    for name in by_cost(cells, "cpu_s_per_gib"):
        rate, cpu = extreme(cells, name, "mb_per_s", "max"), extreme(cells, name, "cpu_s_per_gib", "min")
        peak, idle = median(cells, name, "peak_rss_mib"), median(cells, name, "idle_pss_mib")
        alone, beside = median(cells, name, "chat_alone_p50_ms"), median(cells, name, "chat_beside_p50_ms")
        rows.append(
            [
                figures.title(name),
                f"{number(rate)} ({number(median(cells, name, 'mb_per_s'))})",
                f"{rate / hop:.2f}" if rate and hop else "–",
                "–" if name == "direct" else f"{number(cpu)} ({number(median(cells, name, 'cpu_s_per_gib'))})",
                "–" if name == "direct" else f"{number(peak)} ({number(idle)})",
                "–" if alone is None else f"{number(alone)} → {number(beside)}",
                number(median(cells, name, "chat_beside_worst_ms")),
                "yes" if (cells[name]["correct"]["min"] == 1.0) else "no",
            ]
        )
    header = [
        f"{number(figures.document['size_mb'])} MB, one at a time",
        "MB/s, best (median)",
        "best, of the nginx hop's",
        "CPU s/GiB, least (median)",
        "peak RSS MiB (PSS idle)",
        "chat meanwhile: p50 ms alone → beside",
        "worst ms",
        "hash right at the stand-in",
    ]
    return table(header, rows) + "\n\n" + figures.conditions()


def start(figures: Figures) -> str:
    cells = figures.cells()
    rows = [
        [
            figures.title(name) if name != "python" else "an empty interpreter",
            number(median(cells, name, "import_cpu_s")),
            number(median(cells, name, "version_s")),
            number(median(cells, name, "ready_s")),
            number(median(cells, name, "chat_s")),
            number(median(cells, name, "start_cpu_s")),
            number(median(cells, name, "idle_pss_mib")),
            f"{number(median(cells, name, 'install_source_mb'))} ({number(median(cells, name, 'install_mb'))})",
        ]
        for name in by_cost(cells, "chat_s")
    ]
    header = [
        "",
        "import: CPU s",
        "--version s",
        "start to ready s",
        "start to first chat answer s",
        "CPU s until then",
        "idle PSS MiB",
        "installed MB (with bytecode)",
    ]
    return table(header, rows) + "\n\n" + figures.conditions()


def counted(figures: Figures) -> str:
    cells = figures.cells()
    before = median(cells, BESIDE, "cpu_us_over"), median(cells, BESIDE, "event_us_over")
    rows = []
    for name in by_cost(cells, "cpu_us"):
        over = median(cells, name, "cpu_us_over"), median(cells, name, "event_us_over")
        rows.append(
            [
                f"{figures.title(name)}, nothing on" if name == OURS else figures.title(name),
                _with_least(cells, name, "cpu_us"),
                _times(over[0]),
                _times(_part(over[0], before[0])),
                _with_least(cells, name, "event_us"),
                _times(over[1]),
                _times(_part(over[1], before[1])),
            ]
        )
    header = [
        "64 connections",
        "a chat: CPU µs (least)",
        "× nothing on",
        "× before",
        "an event of a stream: CPU µs (least)",
        "× nothing on",
        "× before",
    ]
    return table(header, rows) + "\n\n" + figures.conditions()


def _with_least(cells: Cells, name: str, measure: str) -> str:
    middle = median(cells, name, measure)
    return "–" if middle is None else f"{number(middle)} ({number(extreme(cells, name, measure, 'min'))})"


def _times(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _part(value: float | None, of: float | None) -> float | None:
    return value / of if value and of else None


def files(figures: Figures) -> str:
    blocks = []
    for name, cells in figures.lines().items():
        points = sorted(cells, key=int)
        measures = sorted({measure for point in points for measure in cells[point]})
        rows = [
            [f"{int(point):,}", *(number(median(cells, point, measure)) for measure in measures)] for point in points
        ]
        blocks.append(table([name, *(MEASURES.get(measure, measure) for measure in measures)], rows))
    return "\n\n".join(blocks) + "\n\n" + figures.conditions()


MEASURES = {
    "one_file_us": "CPU µs/chat, one file",
    "chat_us": "CPU µs/chat",
    "get_us": "CPU µs/GET file",
    "list_us": "CPU µs/list of 20",
    "event_us": "CPU µs/event",
    "rate": "chats/s",
    "events_rate": "events/s",
    "first_p50_ms": "first event p50 ms",
    "pss_mib": "PSS MiB",
    "ready_s": "start to first answer s",
    "idle_mib": "idle: MiB above",
    "active_mib": "active: MiB above",
    "short": "not whole",
}
TABLES = {"chat": chat, "stream": stream, "upload": upload, "start": start, "files": files, "counted": counted}
