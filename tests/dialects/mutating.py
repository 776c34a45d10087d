"""Mutated JSON, each case made from its number alone, so that a failure names the case that repeats it."""

from __future__ import annotations

import copy
import hashlib
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

POOL: list[Any] = [
    None, True, False, 0, -1, 1, 2.5, 10**30, -(10**30), 1e308, "", "x", "auto", "none", "text", "é😀\x00", "a" * 5000,
    "data:", "data:image/png;base64,", "data:;base64,AAAA", "https://", "gs://", "file-abc", "files/", "null",
    [], {}, [None], [[]], [{}], {"a": None}, {"type": "text"}, {"type": []}, {"": ""}, ["x", 1, None], {"google": []},
    {"google": {"parts": [{"content_index": -1}]}}, {"$ref": "#"}, {"type": ["null"]}, {"parts": [{"text": 5}]},
]  # fmt: skip


class Dice:
    """Numbers from a seed: the same on every machine and Python."""

    def __init__(self, seed: str) -> None:
        self._seed = seed.encode()
        self._thrown = itertools.count()

    def below(self, most: int) -> int:
        data = hashlib.blake2b(self._seed + next(self._thrown).to_bytes(8, "big"), digest_size=8).digest()
        return int.from_bytes(data, "big") % most

    def one(self, values: list[Any]) -> Any:
        return values[self.below(len(values))]


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) of a JSON value."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in list(pairs):
        yield value, key
        yield from _places(each)


def mutated(value: Any, dice: Dice, keys: Sequence[str]) -> Any:
    """`keys`: names that a value may move to."""
    mutant = copy.deepcopy(value)
    for _ in range(1 + dice.below(4)):
        places = list(_places(mutant))
        if not places:
            break
        container, key = dice.one(places)
        match dice.below(6):
            case 0:
                del container[key]
            case 1 if isinstance(container, dict):
                container[dice.one([*keys])] = container[key]
            case 2 if isinstance(container, list):
                container.insert(key, copy.deepcopy(container[key]))
            case 3:
                other, name = dice.one(places)
                grafted = other[name] if (name in other if isinstance(other, dict) else name < len(other)) else None
                container[key] = copy.deepcopy(grafted)
            case _:
                container[key] = copy.deepcopy(dice.one(POOL))
    return mutant
