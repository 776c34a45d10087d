"""Copies that this process knows to be usable, and when each was last used: memory, for the path of every chat."""

from __future__ import annotations

from collections.abc import Iterable

from liftgate.records import CopyKey, CopyRecord

Use = tuple[CopyKey, float]
"""When a copy was used, on the monotonic clock."""


class Live:
    def __init__(self) -> None:
        self._copies: dict[CopyKey, CopyRecord] = {}
        self._keys: dict[str, CopyKey] = {}
        self._used: dict[CopyKey, float] = {}

    def find(self, key: CopyKey) -> CopyRecord | None:
        return self._copies.get(key)

    def __contains__(self, key: CopyKey) -> bool:
        return key in self._copies

    def remember(self, copy: CopyRecord) -> None:
        self._copies[copy.key] = copy
        self._keys[copy.key.text] = copy.key

    def forget(self, key: CopyKey) -> None:
        if self._copies.pop(key, None) is not None:
            del self._keys[key.text]

    def forget_text(self, text: str) -> None:
        """As `forget`, for what another process calls by its text."""
        if (key := self._keys.get(text)) is not None:
            self.forget(key)

    def clear(self) -> None:
        self._copies.clear()
        self._keys.clear()

    def note_use(self, key: CopyKey, at: float) -> None:
        self._used[key] = at

    def take_uses(self) -> list[Use]:
        """What was noted since the last call: a use for each copy, its last."""
        uses = list(self._used.items())
        self._used.clear()
        return uses

    def put_back_uses(self, uses: Iterable[Use]) -> None:
        """They could not be written: next time then."""
        for key, used_at in uses:
            self._used.setdefault(key, used_at)
