"""The last batches that went through a spool, kept in memory for readers that follow its writer closely.

They are spared reading back what was just written. It holds little, and what it does not have is on the disk.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

from liftgate.byte_source import PIECE

_BATCHES = 2

Batch = Sequence[bytes | bytearray]


class Recent:
    def __init__(self) -> None:
        self._batches: deque[tuple[int, Batch]] = deque(maxlen=_BATCHES)

    def keep(self, start: int, batch: Batch) -> None:
        """`batch` stands at `start` of the file, and does not change any more."""
        self._batches.append((start, batch))

    def pieces(self, start: int, stop: int) -> list[bytes]:
        """Bytes from `start` on, up to `stop` or to where a batch ends; none where they are not here any more."""
        for first, batch in self._batches:
            if start >= first and (pieces := list(_cut(batch, start - first, stop - first))):
                return pieces
        return []

    def clear(self) -> None:
        self._batches.clear()


def _cut(batch: Batch, start: int, stop: int) -> Iterator[bytes]:
    at = 0
    for whole in batch:
        for here in range(max(0, start - at), min(len(whole), stop - at), PIECE):
            yield bytes(whole[here : min(here + PIECE, stop - at)])
        at += len(whole)
