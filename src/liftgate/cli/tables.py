"""What the commands show people: tables in a terminal, the same columns with blanks between anywhere else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from liftgate.cli.readable import counted, moment, plain, size

WIDE = 1000
"""Columns where no terminal limits them, so that no line of a pipe is cut or broken."""

FILES = ("id", "filename", "bytes", "purpose", "created", "status")
STYLES = {"processed": "green", "uploaded": "yellow", "error": "red"}


def show_files(found: Sequence[dict[str, Any]]) -> None:
    if not found:
        remark("no files")
        return
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
    _show(FILES, rows, right={"bytes"})


def show_file(file: dict[str, Any]) -> None:
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
        remark("nobody has stored anything")
        return
    shown = [(owner, str(files), size(used)) for owner, files, used in rows]
    if len(rows) > 1:
        total = (counted(len(rows), "owner"), str(sum(row[1] for row in rows)), size(sum(row[2] for row in rows)))
        shown.append(total)
    _show(("owner", "files", "bytes"), shown, right={"files", "bytes"}, total=len(rows) > 1)


def _show(
    headings: Sequence[str], rows: Iterable[Sequence[object]], *, right: Iterable[str] = (), total: bool = False
) -> None:
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=WIDE)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=bool(headings), header_style="dim")
    columns = headings or ("name", "value")
    for heading in columns:
        # An id that is cut is of no use.
        table.add_column(
            heading, justify="right" if heading in right else "left", no_wrap=heading != "value", overflow="fold"
        )
    *most, last = [[cell if isinstance(cell, Text) else Text(plain(str(cell))) for cell in row] for row in rows]
    for row in most:
        table.add_row(*row, end_section=False)
    table.add_row(*last, style="bold" if total else "")
    if console.is_terminal:
        console.print(table)
        return
    with console.capture() as drawn:
        console.print(table)
    for line in drawn.get().splitlines():
        click.echo(line.rstrip())


def remark(text: str) -> None:
    """A remark that is no result, so it goes to standard error."""
    click.echo(text, err=True)
