"""How sizes are written for people."""

from __future__ import annotations

_UNITS = ("KiB", "MiB", "GiB", "TiB")
_PLAIN = 1024 * 1024
_MOST = 1 << 60


def size(count: float) -> str:
    """Bytes with a unit: `512 B`, `1.5 KiB`, `2.0 GiB`."""
    if count < 1024:
        return f"{count:.0f} B"
    for unit in _UNITS:
        count /= 1024
        # 1023.95 would be shown as 1024.0.
        if count < 1023.95 or unit == _UNITS[-1]:
            break
    return f"{count:.1f} {unit}"


def exact_size(count: int) -> str:
    """As an error has it, to the byte: `512 bytes`, `2147483648 bytes (2.0 GiB)`. What no disk holds stands alone: a
    float may not hold it either."""
    return f"{count} bytes ({size(count)})" if _PLAIN <= count < _MOST else f"{count} bytes"


def announced(what: str, most: int, length: int) -> str:
    """The sentence for a body that is refused by its announced length."""
    return f"Maximum {what}, {exact_size(most)}, exceeded: the request announces {exact_size(length)}; none was read."
