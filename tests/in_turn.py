"""A matrix in the reduced run: each case at some of its points, in turn, so that the cases of a test together visit all
of them. The whole matrix is the full run's."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest


def thin_out(items: Iterable[pytest.Item], place: Path, parameter: str, one_of: int) -> None:
    """Of the tests in a module or a directory that have this parameter: each case keeps one of so many of its values,
    the first of them another for each case. The other ones get the mark `full`."""
    tests: dict[str, tuple[int, dict[tuple[tuple[str, int], ...], int]]] = {}
    for item in items:
        callspec = getattr(item, "callspec", None)
        # pytest gives the items of all directories.
        if callspec is None or parameter not in callspec.indices or not item.path.is_relative_to(place):
            continue
        number, cases = tests.setdefault(item.nodeid.partition("[")[0], (len(tests), {}))
        case = tuple(sorted((name, at) for name, at in callspec.indices.items() if name != parameter))
        first = cases.setdefault(case, len(cases)) + number
        if (callspec.indices[parameter] + first) % one_of:
            item.add_marker(pytest.mark.full)
