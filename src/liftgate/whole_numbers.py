"""Whole numbers that callers write: of any count of digits, zeros in front included, and never an error of `int`."""

from __future__ import annotations

LARGEST = 10**18
"""What is larger counts as this: more bytes, files or seconds than there can be."""


def whole_number(text: str) -> int | None:
    """At most LARGEST; None for what is not made of ASCII digits alone."""
    if not text.isascii() or not text.isdigit():
        return None
    if len(text) <= 18:
        return int(text)
    digits = text.lstrip("0")
    return int(digits or "0") if len(digits) <= 18 else LARGEST


def as_whole(value: object) -> object:
    """A JSON number such as 20.0 as 20, as libraries that know decimals only write it; anything else as it is."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
