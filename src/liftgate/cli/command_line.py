"""What a person typed, as text: arguments and names of files are UTF-8 in every locale, and so is what is shown."""

from __future__ import annotations

import os
import sys

_ASCII = frozenset({"ascii", "us-ascii", "ansi_x3.4-1968", "646"})


def typed(text: str) -> str:
    """An argument. In a locale of ASCII Python keeps its bytes as lone surrogates, which are no text."""
    return os.fsencode(text).decode("utf-8", "replace") if not text.isascii() else text


def show_utf_8() -> None:
    """Standard output and error take UTF-8 where the locale only has ASCII."""
    for stream in (sys.stdout, sys.stderr):
        if (getattr(stream, "encoding", None) or "").lower() in _ASCII:
            stream.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
