"""How far transfers are, on standard error: bars in a terminal, a plain line now and then anywhere else.

Both tell bytes, rate and time left. `progress()` chooses; standard output stays free for results.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import click

from liftgate.cli.readable import duration, plain, size

LINE_SECONDS = 5.0


class Meter(Protocol):
    """What is shown of several transfers at once. `note` is a line of text between them. `drawn`: whether the screen is
    drawn again and again, so that nothing else may be written to it.
    """

    @property
    def drawn(self) -> bool: ...
    def begin(self, name: str, total: int) -> Transfer: ...
    def note(self, text: str) -> None: ...


class Transfer(Protocol):
    """One file. `at` is its position in bytes; `phase` names what is waited for
    meanwhile. `end`: nothing to say when all went well."""

    def at(self, position: int) -> None: ...
    def resumed(self, position: int) -> None: ...
    def phase(self, text: str) -> None: ...
    def end(self, how: str = "") -> None: ...


@contextmanager
def progress() -> Iterator[Meter]:
    """Bars where standard error is a terminal that can draw them."""
    if not sys.stderr.isatty():
        yield Lines()
        return
    from rich.console import Console

    console = Console(stderr=True, highlight=False)
    if console.is_dumb_terminal:
        yield Lines()
        return
    from liftgate.cli.files.bars import bars

    with bars(console) as meter:
        yield meter


class Lines:
    """For logs and pipes: no control codes, at most a line every few seconds for each file."""

    drawn = False

    def begin(self, name: str, total: int) -> _Line:
        return _Line(plain(name), total)

    def note(self, text: str) -> None:
        click.echo(plain(text), err=True)


class _Line:
    def __init__(self, name: str, total: int) -> None:
        self._name = name
        self._total = total
        self._from = 0
        self._position = 0
        self._began = self._shown_at = time.monotonic()
        self._sent: float | None = None
        self._phase = ""

    def resumed(self, position: int) -> None:
        self._from = self._position = position
        self._began = time.monotonic()
        whole = position >= self._total
        self._say("is there already" if whole else f"going on from {size(position)} of {size(self._total)}")

    def at(self, position: int) -> None:
        self._position = position
        now = time.monotonic()
        if position >= self._total:
            # What is waited for from here on is not this line's speed.
            self._sent = now
        if now - self._shown_at < LINE_SECONDS or position >= self._total:
            return
        self._shown_at = now
        rate = max(0, position - self._from) / (now - self._began)
        left = f", {duration((self._total - position) / rate)} left" if rate > 0 else ""
        share = f"{position * 100 // self._total}%"
        self._say(f"{share}, {size(position)} of {size(self._total)}, {size(rate)}/s{left}")

    def phase(self, text: str) -> None:
        if text and text != self._phase:
            self._say(text)
            self._phase = text

    def end(self, how: str = "") -> None:
        if how:
            self._say(how)
            return
        seconds = (self._sent or time.monotonic()) - self._began
        pace = f", {size((self._position - self._from) / seconds)}/s" if seconds >= 1 else ""
        self._say(f"{size(self._total)} in {seconds:.1f} s{pace}")

    def _say(self, text: str) -> None:
        click.echo(f"{self._name}: {text}", err=True)
