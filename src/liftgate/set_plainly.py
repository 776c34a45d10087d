"""For classes of msgspec's whose values are set often: as those of any object, which costs a third."""

from __future__ import annotations

from typing import TypeVar

T = TypeVar("T")


def set_plainly(struct: type[T]) -> type[T]:
    """msgspec looks at each value that is set, so that only structs which can be parts of a circle are watched by the
    garbage collector. These are watched from their making on where a value of theirs can be, and else never."""
    struct.__setattr__ = object.__setattr__  # type: ignore[method-assign]
    struct.__delattr__ = object.__delattr__  # type: ignore[method-assign]
    return struct
