"""What speed was promised, and what was measured: one row for each, from all runs on the page."""

from __future__ import annotations

from collections.abc import Mapping

from bench.report.figures import BESIDE, COUNTED, OURS, Cells, Figures, extreme, median, number
from bench.report.tables import table

Row = tuple[str, str, str, bool | None]


def goals(runs: Mapping[str, Figures]) -> str:
    rows: list[Row] = []
    if "chat" in runs:
        rows += _chat(runs["chat"])
    if "stream" in runs:
        rows += _stream(runs["stream"])
    if "counted" in runs:
        rows += _counted(runs["counted"])
    if "start" in runs:
        rows += _start(runs["start"])
    if "upload" in runs:
        rows += _upload(runs["upload"])
    rows = [row for row in rows if not row[2].startswith("–")]  # of runs from before it was measured
    said = {True: "yes", False: "**no**", None: "–"}
    return table(["goal", "at most / at least", "measured", "met"], [[*row[:3], said[row[3]]] for row in rows])


def _most(name: str, limit: float | None, value: float | None, unit: str, words: str = "") -> Row:
    met = None if limit is None or value is None else value <= limit
    return name, words or f"≤ {number(limit)} {unit}", f"{number(value)} {unit}", met


def _least(name: str, limit: float, value: float | None, unit: str = "×") -> Row:
    return name, f"≥ {number(limit)} {unit}", f"{number(value)} {unit}", None if value is None else value >= limit


def _ratio(over: float | None, under: float | None) -> float | None:
    return over / under if over is not None and under else None


def _chat(run: Figures) -> list[Row]:
    cells, pairs = run.cells(), run.cells("workers")
    ours = median(cells, OURS, "cpu_us")
    native = [value for name in ("tensorzero", "ferrogw") if (value := median(cells, name, "cpu_us"))]
    with_file = _ratio(median(cells, OURS, "file_cpu_us"), ours)
    both = f"below TensorZero's and ferrogw's ({' and '.join(map(number, native))} µs)"
    return [
        _most("chat, 64 connections: CPU per request", min(native, default=None), ours, "µs", both),
        _least("the same: LiteLLM's over ours", 40.0, _ratio(median(cells, "litellm", "cpu_us"), ours)),
        _most("the same with a file whose replica is live", 1.25, with_file, "× without"),
        _most("a message (Anthropic's) with that file", 1.15, _message_over(cells, "file_cpu_us"), "× the chat"),
        _most("a response (OpenAI's Responses), not stored", 1.15, _over(cells, "response_cpu_us"), "× the chat"),
        _most("a response that is stored", 1.5, _over(cells, "stored_cpu_us"), "× the chat"),
        _most("one connection: added latency, median", 0.5, median(cells, OURS, "added_p50_ms"), "ms"),
        _most("one connection: added latency, p99", 3.0, median(cells, OURS, "added_p99_ms"), "ms"),
        _least(
            "two workers over one, on two idle cores",
            1.7,
            _ratio(median(pairs, OURS, "capacity_2"), median(pairs, OURS, "capacity_1")),
        ),
    ]


def _stream(run: Figures) -> list[Row]:
    cells = run.cells()
    return [
        _most("64 streams at full speed: CPU per event", 30.0, median(cells, OURS, "cpu_us"), "µs"),
        _most("the same in Anthropic's form", 1.15, _message_over(cells, "cpu_us"), "× OpenAI's"),
        _most("the same as Responses, not stored", 1.15, _over(cells, "response_cpu_us"), "× the chat's"),
        _most("the same as Responses, stored", 1.5, _over(cells, "stored_cpu_us"), "× the chat's"),
        _most("added time to the first event", 1.0, median(cells, OURS, "added_first_ms"), "ms"),
        _most("1,000 idle open streams", 64.0, run.memory(OURS, "idle_mib"), "MiB"),
    ]


def _over(cells: Cells, name: str) -> float | None:
    return _ratio(median(cells, OURS, name), median(cells, OURS, "cpu_us"))


def _counted(run: Figures) -> list[Row]:
    """With a key that has a budget, spend, metrics and the JSON log. `beside`: the commit that had none of it."""
    cells = run.cells()
    rows: list[Row] = []
    all_on = "a key with a budget, spend, metrics and JSON log on"
    for name, most, what in (("cpu_us", 1.06, "chat"), ("event_us", 1.03, "a stream's event")):
        over, ours = _ratio(median(cells, COUNTED, f"{name}_over"), median(cells, BESIDE, f"{name}_over")), COUNTED
        native = [value for peer in ("tensorzero", "ferrogw") if (value := median(cells, peer, name))]
        both = f"below TensorZero's and ferrogw's ({' and '.join(map(number, native))} µs)"
        rows += [
            _most(f"{what}, {all_on}", most, over, "× before"),
            _most(f"the same, {what}: CPU", min(native, default=None), median(cells, ours, name), "µs", both),
        ]
    return rows


def _message_over(cells: Cells, name: str) -> float | None:
    return _ratio(median(cells, OURS, "message_cpu_us"), median(cells, OURS, name))


def _start(run: Figures) -> list[Row]:
    cells = run.cells()

    def over_empty(name: str) -> float | None:
        value = median(cells, name, "import_cpu_s")
        return None if value is None else 1e3 * value

    return [
        _most("`import liftgate`: CPU, with the interpreter's own start", 150.0, over_empty(OURS), "ms"),
        _least("`import litellm` over `import liftgate`", 25.0, _ratio(over_empty("litellm"), over_empty(OURS))),
        _most("`liftgate --version`", 0.3, median(cells, OURS, "version_s"), "s"),
        _most("start to ready", 1.0, median(cells, OURS, "ready_s"), "s"),
        _least("installed size: `litellm[proxy]` over ours", 4.0, _installed(cells)),
    ]


def _installed(cells: Cells) -> float | None:
    return _ratio(median(cells, "litellm", "install_source_mb"), median(cells, OURS, "install_source_mb"))


def _upload(run: Figures) -> list[Row]:
    cells = run.cells()
    rate = _ratio(extreme(cells, OURS, "mb_per_s", "max"), extreme(cells, "nginx", "mb_per_s", "max"))
    memory = _ratio(median(cells, "litellm", "peak_rss_mib"), median(cells, OURS, "peak_rss_mib"))
    slower = _ratio(median(cells, OURS, "chat_beside_p50_ms"), median(cells, OURS, "chat_alone_p50_ms"))
    return [
        _least("upload with spool, hash, blob and replica: MB/s of the nginx hop's, best of each", 0.5, rate),
        _most("upload: CPU, least of the rounds", 3.5, extreme(cells, OURS, "cpu_s_per_gib", "min"), "s/GiB"),
        _least("upload: LiteLLM's peak memory over ours", 10.0, memory),
        _most("a chat during an upload, median", 2.0, slower, "× alone"),
    ]
