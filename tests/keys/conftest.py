"""A gateway on each database, for tests that need no other; clients are closed at the end of each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import key_calls
from gateways import SandboxServer, gateway_server, settings_for
from in_turn import thin_out
from liftgate.settings import JobSettings, StorageSettings
from moved_clock import BriskClock

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of both engines each case has one in the reduced run."""
    for fixture in ("served", "house"):
        thin_out(items, HERE, fixture, 2)


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def served(
    request: pytest.FixtureRequest,
    sandbox: SandboxServer,
    make_database: Callable[[str], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[str, Path]]:
    """A gateway's URL and its data directory."""
    data_dir = tmp_path_factory.mktemp("keys")
    storage = StorageSettings(data_dir=data_dir, database_url=make_database(request.param))
    # Nothing here waits for a sweep or a purge.
    settings = settings_for(sandbox, data_dir, storage=storage, jobs=JobSettings())
    with gateway_server(settings, clock=BriskClock()) as url:
        yield url, data_dir


@pytest.fixture(scope="module")
def gateway(served: tuple[str, Path]) -> str:
    return served[0]


@pytest.fixture(autouse=True)
def clients_closed() -> Iterator[None]:
    yield
    key_calls.close_clients()
