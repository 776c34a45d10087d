"""Progress bars for terminals: name, bar, bytes, rate, time left. Loaded only where one is drawn."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.text import Text

from liftgate.cli.readable import duration, plain, shortened, size

WIDE = 90
NUMBERS = 45
"""Columns for a whole bar, and for the bytes, the rate and the time left with their gaps."""


class _Moved(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{size(task.completed)} of {size(task.total or 0)}", "cyan", justify="right", no_wrap=True)


class _Pace(ProgressColumn):
    """Rate and time left, or what is waited for."""

    def render(self, task: Task) -> Text:
        if phase := task.fields["phase"]:
            return Text(phase, "yellow", no_wrap=True)
        if task.finished:
            return Text(f"in {duration(task.finished_time or 0)}", "green", no_wrap=True)
        if task.completed >= (task.total or 0) - 1:
            return Text("finishing", "dim", no_wrap=True)
        if not task.speed:
            return Text("")
        left = duration(((task.total or 0) - task.completed) / task.speed)
        return Text(f"{size(task.speed)}/s, {left} left", "dim", no_wrap=True)


@contextmanager
def bars(console: Console) -> Iterator[Bars]:
    """Drawn while the context is open; they stay as they ended."""
    # Numbers are never cut: the bar and the names give way to them.
    bar = 24 if console.width >= WIDE else 8
    columns = (TextColumn("{task.description}", markup=False), BarColumn(bar_width=bar), _Moved(), _Pace())
    with Progress(*columns, console=console, speed_estimate_period=10) as drawn:
        yield Bars(drawn, console)


class Bars:
    drawn = True

    def __init__(self, drawn: Progress, console: Console) -> None:
        self._drawn = drawn
        self._console = console

    def begin(self, name: str, total: int) -> _Bar:
        room = max(8, self._console.width - NUMBERS - (24 if self._console.width >= WIDE else 8))
        task = self._drawn.add_task(shortened(name, room), total=total, phase="")
        return _Bar(self._drawn, task, total)

    def note(self, text: str) -> None:
        self._console.print(Text(plain(text)), soft_wrap=True)


class _Bar:
    def __init__(self, drawn: Progress, task: TaskID, total: int) -> None:
        self._drawn = drawn
        self._task = task
        self._total = total

    def resumed(self, position: int) -> None:
        # Begun anew there, so that what an earlier run sent does not count as this one's speed.
        self._drawn.reset(self._task, completed=position)

    def at(self, position: int) -> None:
        # The last byte is not the end: the gateway has yet to say that it has it all.
        self._drawn.update(self._task, completed=min(position, self._total - 1))

    def phase(self, text: str) -> None:
        self._drawn.update(self._task, phase=text)

    def end(self, how: str = "") -> None:
        if how:
            self._drawn.update(self._task, phase=how)
            self._drawn.stop_task(self._task)
        else:
            self._drawn.update(self._task, completed=self._total, phase="")
