"""What is wrong with a config, and what is only to be known of it: gathered, so that one start tells all of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from liftgate.errors import ConfigError

MOST = 20
"""Faults that one start lists; of more, their number."""


class Faults:
    """`faults` end the start, `warnings` do not. `place` writes into a sentence where that stands."""

    def __init__(self, place: Callable[[str], str] = str) -> None:
        self._place = place
        self.faults: list[str] = []
        self._changes: list[str] = []
        self._notes: list[str] = []

    @property
    def warnings(self) -> list[str]:
        """Those about answers that will be others come first."""
        return [self._place(each) for each in (*self._changes, *self._notes)]

    @property
    def changes_answers(self) -> bool:
        return bool(self._changes)

    def add(self, sentence: str) -> None:
        if sentence not in self.faults:
            self.faults.append(sentence)

    def warn(self, sentence: str, *, changes_answers: bool = False) -> None:
        sentences = self._changes if changes_answers else self._notes
        if sentence not in sentences:
            sentences.append(sentence)

    @contextmanager
    def noted(self) -> Iterator[None]:
        """A ConfigError inside is kept, and what comes after the block goes on."""
        try:
            yield
        except ConfigError as error:
            self.add(str(error))

    def check(self) -> None:
        """Raises ConfigError with every fault, a line for each."""
        if not self.faults:
            return
        more = len(self.faults) - MOST
        sentences = [self._place(each) for each in self.faults[:MOST]] + (
            [f"… and {more} more like these."] if more > 0 else []
        )
        raise ConfigError("\n  ".join(sentences))
