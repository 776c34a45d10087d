"""The matrices of this room: all of each is the full run's."""

from __future__ import annotations

from pathlib import Path

import pytest

from in_turn import thin_out

OWNERS = Path(__file__).parent / "test_owners.py"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Each door is asked for every fourth spelling and every second state of a file, in turn."""
    thin_out(items, OWNERS, "spelling", 4)
    thin_out(items, OWNERS, "state", 2)
