"""A part that few calls need: it is made when one first asks for it, and its modules are loaded then.

Loading a large library takes a tenth of a second of CPU and megabytes. It happens in a thread, so that the event loop
goes on with the other requests.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar


class Closing(Protocol):
    async def close(self) -> None: ...


T = TypeVar("T", bound=Closing)


class Later(Generic[T]):
    """`make` imports what it needs inside itself, where the import rules and the type checker still see it. It runs in
    a thread and may use no event loop."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._making = asyncio.Lock()
        self._made: T | None = None

    async def get(self) -> T:
        """The one part, whoever asks. Raises what `make` does, each time anew."""
        if self._made is None:
            async with self._making:
                if self._made is None:
                    self._made = await asyncio.to_thread(self._make)
        return self._made

    async def close(self) -> None:
        """Closes what was made."""
        if self._made is not None:
            await self._made.close()
