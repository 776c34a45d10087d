"""Copies that this process knows to be usable, and when each was last used: memory, for the path of every chat."""

from __future__ import annotations

from collections.abc import Iterable

from liftgate.records import CopyKey, CopyRecord

Use = tuple[CopyKey, float]
"""When a copy was used, on the monotonic clock."""


class Live:
    """`copies` and `used` are read as they are, and `used` is written so; `remember` and `forget` change `copies`."""

    def __init__(self) -> None:
        self.copies: dict[CopyKey, CopyRecord] = {}
        self.used: dict[CopyKey, float] = {}
        self._keys: dict[str, CopyKey] = {}

    def remember(self, copy: CopyRecord) -> None:
        self.copies[copy.key] = copy
        self._keys[copy.key.text] = copy.key

    def forget(self, key: CopyKey) -> None:
        if self.copies.pop(key, None) is not None:
            del self._keys[key.text]

    def forget_text(self, text: str) -> None:
        """As `forget`, for what another process calls by its text."""
        if (key := self._keys.get(text)) is not None:
            self.forget(key)

    def clear(self) -> None:
        self.copies.clear()
        self._keys.clear()

    def take_uses(self) -> list[Use]:
        """What was noted since the last call: a use for each copy, its last."""
        uses = list(self.used.items())
        self.used.clear()
        return uses

    def put_back_uses(self, uses: Iterable[Use]) -> None:
        """They could not be written: next time then."""
        for key, used_at in uses:
            self.used.setdefault(key, used_at)
