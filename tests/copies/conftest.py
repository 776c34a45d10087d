"""A sandbox for each test: what lies at Google, and what was asked of it, is counted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gateways import SandboxServer, sandbox_server


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    with sandbox_server() as server:
        yield server
