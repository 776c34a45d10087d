"""What this process holds open, judged by names: its number changes with whatever runs beside a test."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def held_below(directory: Path) -> list[str]:
    """Open files of a directory, deleted ones too."""
    found = []
    for name in os.listdir("/proc/self/fd"):
        with suppress(FileNotFoundError):
            found.append(os.readlink(f"/proc/self/fd/{name}"))
    return sorted(each for each in found if each.startswith(f"{directory}/"))
