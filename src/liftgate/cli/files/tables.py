"""What the commands show people: tables in a terminal, the same columns with blanks between anywhere else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import click
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from liftgate.cli.readable import counted, moment, plain, size
from liftgate.json_types import JsonObject
from liftgate.records import KeyRecord

if TYPE_CHECKING:
    from liftgate.engine.usage import Used

WIDE = 1000
"""Columns where no terminal limits them, so that no line of a pipe is cut or broken."""

FILES = ("id", "filename", "bytes", "purpose", "created", "status")
GAP = 2
SHORTEST_NAME = 8
STYLES = {"processed": "green", "uploaded": "yellow", "error": "red"}


def show_files(found: Sequence[JsonObject]) -> None:
    if not found:
        remark("no files")
        return
    console = _console()
    rows = [
        (
            file["id"],
            file["filename"],
            size(file["bytes"]),
            file["purpose"],
            moment(file["created_at"])[:16],
            Text(str(file["status"]), STYLES.get(str(file["status"]), "")),
        )
        for file in found
    ]
    headings, fitted = _fitted(FILES, rows, console.width)
    _show(headings, fitted, right={"bytes"})


def _fitted(
    headings: Sequence[str], rows: Sequence[Sequence[object]], width: int
) -> tuple[Sequence[str], Sequence[Sequence[object]]]:
    """Columns of files for a terminal of `width`: an id that is cut is of no use, so what matters less goes first, and
    the names give way."""
    widths = [max(len(head), *(cell_len(_text(row[at]).plain) for row in rows)) for at, head in enumerate(headings)]
    shown = list(range(len(headings)))
    name = headings.index("filename")

    def others() -> int:
        return sum(widths[at] + GAP for at in shown if at != name)

    for unneeded in ("purpose", "created", "status", "bytes"):
        if others() + min(widths[name], SHORTEST_NAME) <= width:
            break
        shown.remove(headings.index(unneeded))
    room = max(SHORTEST_NAME, width - others())
    cut = [[_cut(row[at], room) if at == name else row[at] for at in shown] for row in rows]
    return [headings[at] for at in shown], cut


def _cut(cell: object, room: int) -> Text:
    text = _text(cell)
    text.truncate(room, overflow="ellipsis")
    return text


def show_file(file: JsonObject) -> None:
    values = {
        "id": file["id"],
        "filename": file["filename"],
        "bytes": f"{file['bytes']} ({size(file['bytes'])})",
        "purpose": file["purpose"],
        "created": moment(file["created_at"]),
        "expires": moment(file["expires_at"]) if file.get("expires_at") else "never",
        "status": Text(str(file["status"]), STYLES.get(str(file["status"]), "")),
    }
    if file.get("status_details"):
        values["because"] = file["status_details"]
    _show((), list(values.items()))


def show_owners(rows: Sequence[tuple[str, int, int]]) -> None:
    if not rows:
        remark("no owner has stored anything")
        return
    shown = [(owner, str(files), size(used)) for owner, files, used in rows]
    if len(rows) > 1:
        total = (counted(len(rows), "owner"), str(sum(row[1] for row in rows)), size(sum(row[2] for row in rows)))
        shown.append(total)
    _show(("owner", "files", "bytes"), shown, right={"files", "bytes"}, total=len(rows) > 1)


def show_spend(groups: Sequence[str], found: Sequence[Used]) -> None:
    if not found:
        remark("nothing was spent, or `spend` is off")
        return
    counted_names = ("requests", "failed", "unpriced", "input_tokens", "output_tokens")
    columns = (*groups, *counted_names, "US dollars")

    def row(names: Sequence[str], some: Sequence[Used]) -> list[str]:
        sums = [str(sum(each.counts[name] for each in some)) for name in counted_names]
        dollars, nanos = divmod(sum(each.counts["nano_usd"] for each in some), 10**9)
        return [*names, *sums, f"{dollars}.{nanos:09d}"]

    rows = [row([_name(each, group) for group in groups], [each]) for each in found]
    if len(found) > 1:
        rows.append(row(["total", *([""] * (len(groups) - 1))], found))
    _show(columns, rows, right={*counted_names, "US dollars"}, total=len(found) > 1)


def show_budgets(budgets: Sequence[JsonObject]) -> None:
    """Of the gateway: all callers together."""
    columns = ("budget", "US dollars", "spent", "held", "left", "begins anew")
    rows = [
        (
            each["budget_duration"] or "in all",
            *(f"{each[name]:.9f}" for name in ("max_budget", "spend", "held")),
            f"{max(0.0, each['max_budget'] - each['spend']):.9f}",
            str(each["budget_reset_at"] or "")[:16].replace("T", " "),
        )
        for each in budgets
    ]
    if rows:
        _show(columns, rows, right=set(columns[1:5]))


def _name(used: Used, group: str) -> str:
    return used.key_name if group == "key" else used.names[group]


def show_keys(found: Sequence[KeyRecord]) -> None:
    if not found:
        remark("no keys but those of the config")
        return
    headings = ("key", "alias", "owner", "made", "expires", "state")
    rows = [
        (
            key.hint,
            key.alias or "",
            key.owner,
            moment(key.created_at)[:16],
            moment(key.expires_at)[:16] if key.expires_at else "never",
            Text("blocked", "red") if key.blocked else "",
        )
        for key in found
    ]
    _show(headings, rows)


def _show(
    headings: Sequence[str], rows: Iterable[Sequence[object]], *, right: Iterable[str] = (), total: bool = False
) -> None:
    console = _console()
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=bool(headings), header_style="dim")
    columns = headings or ("name", "value")
    for heading in columns:
        table.add_column(
            heading, justify="right" if heading in right else "left", no_wrap=heading != "value", overflow="fold"
        )
    *most, last = [[_text(cell) for cell in row] for row in rows]
    for row in most:
        table.add_row(*row, end_section=False)
    table.add_row(*last, style="bold" if total else "")
    narrowest = console.measure(table, options=console.options.update(max_width=WIDE)).minimum
    if console.is_terminal and console.width >= narrowest:
        console.print(table)
        return
    # In a pipe, and where a terminal is narrower than an id: what is too long runs on, and nothing is cut.
    wide = Console(highlight=False, width=WIDE)
    with wide.capture() as drawn:
        wide.print(table)
    for line in drawn.get().splitlines():
        click.echo(line.rstrip())


def _console() -> Console:
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=WIDE)


def _text(cell: object) -> Text:
    return cell if isinstance(cell, Text) else Text(plain(str(cell)))


def remark(text: str) -> None:
    """A remark that is no result, so it goes to standard error."""
    click.echo(text, err=True)
