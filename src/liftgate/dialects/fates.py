"""What becomes of a field of an API's, as a row of a table, on which readers act and of which docs are printed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Fate = Literal["mapped", "refused", "ignored"]


@dataclass(frozen=True, slots=True)
class Row:
    """`note`: the target of what is mapped, the reason of what is refused or ignored."""

    field: str
    fate: Fate
    note: str


def rows(fate: Fate, *pairs: tuple[str, str]) -> tuple[Row, ...]:
    return tuple(Row(field, fate, note) for field, note in pairs)
