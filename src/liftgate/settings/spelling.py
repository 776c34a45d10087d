"""Which name somebody meant who wrote another one: nearness of words, nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterable

_JOINTS = re.compile(r"[-_.\s]+")


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The one of `names` that `name` is a slip of: other case or joints (`masterKey`, `master-key`), or a few letters
    left out, doubled, wrong or swapped; None where it is another word."""
    plain = _plain(name)
    best: tuple[int, str] | None = None
    for candidate in names:
        other = _plain(candidate)
        allowed = _allowed(max(len(plain), len(other)))
        if abs(len(plain) - len(other)) > allowed:
            continue
        slips = _slips(plain, other)
        if slips <= allowed and (best is None or slips < best[0]):
            best = (slips, candidate)
    return best[1] if best else None


def hint(name: str, names: Iterable[str]) -> str:
    """` Did you mean 'x'?`, or nothing."""
    near = nearest(name, names)
    return f" Did you mean {near!r}?" if near else ""


def _plain(name: str) -> str:
    return _JOINTS.sub("", name.casefold())


def _allowed(length: int) -> int:
    return 0 if length < 4 else 1 if length < 6 else 2 if length < 10 else 3


def _slips(a: str, b: str) -> int:
    """Letters left out, added, replaced, or neighbours swapped: how many of these turn `a` into `b`."""
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, left in enumerate(a, start=1):
        current = [i]
        for j, right in enumerate(b, start=1):
            cost = min(row[j] + 1, current[j - 1] + 1, row[j - 1] + (left != right))
            if i > 1 and j > 1 and left == b[j - 2] and a[i - 2] == right:
                cost = min(cost, before[j - 2] + 1)
            current.append(cost)
        before, row = row, current
    return row[-1]
