"""What a JSON schema sees of a value: two values of one form are both valid or both wrong, so one of them is judged.

Most events of a stream differ in an id, a number and a piece of text, and a judgement takes milliseconds.
"""

from __future__ import annotations

import hashlib
import math
import re
from bisect import bisect_left, bisect_right
from typing import Any

SIZES = ("minLength", "maxLength")
BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
UNKNOWN = ("multipleOf", "uniqueItems", "dependentRequired", "contentEncoding")
"""Keywords that look at what a form leaves out. Those that apply schemas to parts see the forms of the parts."""


class Forms:
    """Of values under the schemas of one document. `format` is a note to the validator, and not looked at here."""

    def __init__(self, document: object) -> None:
        self._words: set[str] = set()
        self._patterns: list[re.Pattern[str]] = []
        sizes: set[int] = set()
        bounds: set[float] = set()
        self._learn(document, sizes, bounds)
        self._sizes, self._bounds = sorted(sizes), sorted(bounds)

    def _learn(self, node: object, sizes: set[int], bounds: set[float]) -> None:
        """What values are compared with: texts and numbers of `enum` and `const`, sizes, bounds and patterns. A
        property that has the name of a keyword adds what does no harm."""
        if isinstance(node, list):
            for each in node:
                self._learn(each, sizes, bounds)
        if not isinstance(node, dict):
            return
        for name, value in node.items():
            assert name not in UNKNOWN or isinstance(value, dict), name
            if name in ("enum", "const", "discriminator"):
                self._compared(value, bounds)
            elif name in SIZES and isinstance(value, int):
                sizes.add(value)
            elif name in BOUNDS and isinstance(value, int | float):
                bounds.add(value)
            elif name == "pattern" and isinstance(value, str):
                self._patterns.append(re.compile(value))
            self._learn(value, sizes, bounds)

    def _compared(self, value: object, bounds: set[float]) -> None:
        if isinstance(value, str):
            self._words.add(value)
        elif isinstance(value, int | float):
            bounds.add(value)
        elif isinstance(value, list):
            for each in value:
                self._compared(each, bounds)
        elif isinstance(value, dict):
            for each in value.values():
                self._compared(each, bounds)

    def of(self, value: object) -> bytes:
        """The form's name."""
        return hashlib.blake2b(repr(self._form(value)).encode(), digest_size=16).digest()

    def _form(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, dict):
            return {name: self._form(each) for name, each in value.items()}
        if isinstance(value, list):
            return [self._form(each) for each in value]
        if value is None or isinstance(value, bool) or (isinstance(value, float) and not math.isfinite(value)):
            return value
        whole = isinstance(value, int) or value.is_integer()
        return (whole, bisect_left(self._bounds, value), bisect_right(self._bounds, value))

    def _text(self, text: str) -> Any:
        if text in self._words:
            return text
        at = (bisect_left(self._sizes, len(text)), bisect_right(self._sizes, len(text)))
        return (*at, *(pattern.search(text) is not None for pattern in self._patterns))
