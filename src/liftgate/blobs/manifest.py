"""Several byte sources read as one: the parts of an upload, in their order."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from itertools import accumulate
from typing import TYPE_CHECKING, cast

from liftgate.byte_source import ByteSource

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


class PartsSource:
    """A ByteSource that is the concatenation of `parts`, whose sizes must be known by now."""

    def __init__(self, parts: Sequence[ByteSource]) -> None:
        self._parts = tuple(parts)
        self._starts = list(accumulate((part.size for part in self._parts), initial=0))

    @property
    def size(self) -> int:
        return self._starts[-1]

    async def read(self, start: int, stop: int) -> AsyncIterator[bytes]:
        if not 0 <= start <= stop <= self.size:
            raise ValueError(f"bytes {start} to {stop} of {self.size}")
        while start < stop:
            index = bisect_right(self._starts, start) - 1
            begin, end = self._starts[index], min(stop, self._starts[index + 1])
            pieces = cast("AsyncGenerator[bytes]", self._parts[index].read(start - begin, end - begin))
            async with aclosing(pieces):
                async for piece in pieces:
                    yield piece
            start = end
