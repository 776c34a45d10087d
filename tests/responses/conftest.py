"""A gateway that serves Responses in front of a sandbox, and how its streams are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateways import MODEL, SandboxServer, deployments, gateway_server, sandbox_server, settings_for
from in_turn import thin_out
from liftgate.gateway import Gateway
from liftgate.sandbox.settings import SandboxSettings
from liftgate.server.app import build_app
from liftgate.settings.sections import JobSettings, StorageSettings
from serving import serve
from stored_house import House

HERE = Path(__file__).parent
MODELS = (MODEL, "gemini-2.0-flash", "gemini-3.5-flash", "gemini-3.8-flash", "gemini-2.5-flash-image")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of both engines each case has one in the reduced run."""
    thin_out(items, HERE, "house", 2)


@pytest.fixture(scope="session")
def sandbox() -> Iterator[SandboxServer]:
    with sandbox_server(SandboxSettings(video_processing=1.0)) as server:
        yield server


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="session")
def database(data: Path, gateway: str) -> Path:
    """The file of the gateway's catalogue."""
    (found,) = (path for path in data.rglob("*.db") if path.is_file())
    return found


@pytest.fixture(scope="session")
def gateway(sandbox: SandboxServer, data: Path) -> Iterator[str]:
    jobs = JobSettings(stream_commit_seconds=0.1, stream_ping_seconds=0.1)
    served = [
        replace(each, id=f"{model}-{each.id}") for model in MODELS for each in deployments(sandbox.url, model=model)
    ]
    settings = settings_for(sandbox, data, jobs=jobs, deployments=tuple(served))
    with serve(build_app(Gateway(settings))) as url:
        yield url


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def house(
    request: pytest.FixtureRequest,
    sandbox: SandboxServer,
    make_database: Callable[[str], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[House]:
    data = tmp_path_factory.mktemp("data")
    database = make_database(request.param) or f"sqlite://{data}/catalog.db"
    storage = StorageSettings(data_dir=data, database_url=database)
    with gateway_server(settings_for(sandbox, data, storage=storage)) as url:
        yield House(url, sandbox, database)
