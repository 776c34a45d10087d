"""Clients of these tests are closed at the end of each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import key_calls


@pytest.fixture(autouse=True)
def clients_closed() -> Iterator[None]:
    yield
    key_calls.close_clients()
