"""Values as people read them in a terminal: sizes, times, and foreign text without what a terminal would obey."""

from __future__ import annotations

from datetime import datetime

from liftgate.sizes import size as size

_NAME_WIDTH = 32


def duration(seconds: float) -> str:
    """`0:07`, `12:30`, `3:05:09`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def moment(timestamp: float) -> str:
    """Local time to the second, with its offset from UTC."""
    return datetime.fromtimestamp(timestamp).astimezone().strftime("%Y-%m-%d %H:%M:%S %z")


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def plain(text: str, *, lines: bool = False) -> str:
    """Without control characters, which a terminal would take for commands; `lines` keeps line breaks and tabs."""
    kept = "\n\t" if lines else ""
    return "".join(c for c in text if c in kept or not (c < " " or "\x7f" <= c <= "\x9f"))


def shortened(name: str, room: int = _NAME_WIDTH) -> str:
    """A name that leaves room for a bar: its end says more than its middle."""
    name, room = plain(name), min(room, _NAME_WIDTH)
    end = min(12, room // 2)
    return name if len(name) <= room else f"{name[: room - end - 1]}…{name[-end:]}"
