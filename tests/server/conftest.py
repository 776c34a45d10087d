"""One sandbox and one open gateway for a module's tests, and a maker of gateways with other settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from in_turn import thin_out
from liftgate.sandbox.app import SandboxSettings, create_app
from running import Running, running_gateway
from serving import serve

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of both loops and of both engines each case has one in the reduced run."""
    for fixture in ("front", "house"):
        thin_out(items, HERE, fixture, 2)


@pytest.fixture(scope="module")
def sandbox_url() -> Iterator[str]:
    with serve(create_app(SandboxSettings(projects={"key-a1": "project-a"}, video_processing=0.05))) as base:
        yield base


@pytest.fixture(scope="module")
def options() -> dict[str, Any]:
    """What a module's gateway has otherwise, in the words of `running_gateway`, for the module to say."""
    return {}


@pytest.fixture(scope="module")
def gateway(sandbox_url: str, options: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Without keys: every caller is `local`."""
    with running_gateway(sandbox_url, tmp_path_factory.mktemp("gateway"), **options) as running:
        yield running


@pytest.fixture
def make_gateway(sandbox_url: str, tmp_path: Path) -> Iterator[Callable[..., Running]]:
    with ExitStack() as stack:

        def make(**more: object) -> Running:
            return stack.enter_context(running_gateway(sandbox_url, tmp_path, **more))  # type: ignore[arg-type]

        yield make
