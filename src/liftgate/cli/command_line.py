"""What a process was started with: arguments and names of files are UTF-8 in every locale, and so is what is shown.
What it makes is for no one else to write."""

from __future__ import annotations

import os
import sys

_ASCII = frozenset({"ascii", "us-ascii", "ansi_x3.4-1968", "646"})

_OWNER, _NOBODY_ELSE = 0o700, 0o022


def typed(text: str) -> str:
    """An argument. In a locale of ASCII Python keeps its bytes as lone surrogates, which are no text."""
    return os.fsencode(text).decode("utf-8", "replace") if not text.isascii() else text


def keep_to_owner() -> None:
    """Directories and files that are made from here on: whoever started the process, whatever their mask was, can write
    in them, and nobody else. In a directory that others can write a catalogue could be replaced."""
    os.umask((os.umask(_NOBODY_ELSE) | _NOBODY_ELSE) & ~_OWNER)


def show_utf_8() -> None:
    """Standard output and error take UTF-8 where the locale only has ASCII."""
    for stream in (sys.stdout, sys.stderr):
        if (getattr(stream, "encoding", None) or "").lower() in _ASCII:
            stream.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
