"""Fixtures that every room's tests may use."""

from __future__ import annotations

import functools
import gc
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import new_catalogue
from authorities import trust_one
from evidence import evidence

if TYPE_CHECKING:
    from gateways import SandboxServer
    from postgres_cluster import PostgresCluster

BRIEF = 0.05
"""Seconds of a fixture's work that nobody asks about."""
YOUNG, MIDDLE, OLD = 700, 10, 100
"""How often garbage of each age is collected. Python by itself looks ten times as often at all that lives: a quarter of
a second where thousands of tests have been."""

trust_one()


def pytest_configure(config: pytest.Config) -> None:
    """A worker of xdist tells little more than how each test went: six messages for each would be as dear as the test
    itself, for most."""
    for plugin in config.pluginmanager.get_plugins():
        if type(plugin).__name__ == "WorkerInteractor":
            plugin.sendevent = functools.partial(_tell, plugin.sendevent, whole=bool(config.getoption("xmlpath")))


def _tell(send: Callable[..., None], name: str, *, whole: bool, **event: Any) -> None:
    """`whole`: a report in XML is written, which hears of the end of each test."""
    said = event["data"] if name == "testreport" else {}
    silent = ("setup",) if whole else ("setup", "teardown")
    if name in ("logstart", "logfinish"):
        return
    if said.get("when") in silent and said["outcome"] == "passed" and said["duration"] < BRIEF:
        return
    send(name, **event)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is collected, and the packages it imports, live until the end: no collection of garbage looks at them."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(YOUNG, MIDDLE, OLD)
        gc.enable()


@pytest.fixture(scope="session", autouse=True)
def no_secret_in_what_gateways_wrote() -> Iterator[None]:
    """Every log of a spawned gateway is searched for its own keys and what looks like one."""
    yield
    if (rig := sys.modules.get("processes")) is not None:
        for process in rig.STARTED:
            process.search()
        assert not rig.FOUND, sorted(rig.FOUND)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxServer]:
    """One for a module's tests. Rooms and modules that need another have their own of this name."""
    from gateways import sandbox_server

    with sandbox_server() as server:
        yield server


@pytest.fixture(scope="module")
def changes() -> dict[str, Any]:
    """What a module's gateway has otherwise: fields of `Settings`, for the module to say."""
    return {}


@pytest.fixture(scope="module")
def url(sandbox: SandboxServer, changes: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One gateway for a module's tests, with the sandbox behind it."""
    from gateways import gateway_server, settings_for

    with gateway_server(settings_for(sandbox, tmp_path_factory.mktemp("gateway"), **changes)) as base:
        yield base


@pytest.fixture(scope="module")
def make_database(request: pytest.FixtureRequest) -> Iterator[Callable[[str], str]]:
    """Makes a database of the engine and gives its URL, which is empty for "sqlite": a gateway has its own file."""
    with ExitStack() as stack:

        def make(engine: str) -> str:
            if engine == "sqlite":
                return ""
            cluster: PostgresCluster = request.getfixturevalue("postgres_cluster")
            url = cluster.create_database(schema=True)
            stack.callback(cluster.drop_database, url)
            return url

        yield make


@pytest.fixture
def recordings_there() -> None:
    """Skips or fails without the recorded exchanges."""
    evidence("recordings")


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[PostgresCluster]:
    """One running PostgreSQL per pytest process, started by the first test that needs it."""
    from postgres_cluster import PostgresCluster

    cluster = PostgresCluster()
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.remove()


@pytest.fixture
def postgres_url(postgres_cluster: PostgresCluster) -> Iterator[str]:
    """The URL of an empty catalogue in PostgreSQL, its schema in place, as a gateway that has started once left it."""
    url = postgres_cluster.create_database(schema=True)
    yield url
    postgres_cluster.drop_database(url)


@pytest.fixture
def empty_postgres_url(postgres_cluster: PostgresCluster) -> Iterator[str]:
    """The URL of a PostgreSQL database in which nothing is, where a first start is looked at."""
    url = postgres_cluster.create_database()
    yield url
    postgres_cluster.drop_database(url)


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty catalogue, once per engine: what is true must be true of both."""
    if request.param == "sqlite":
        new_catalogue.lay(f"sqlite://{tmp_path}/catalog.db")
        return f"sqlite://{tmp_path}/catalog.db"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def shared_database_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One catalogue for all tests of a module that ask for it: they mind nothing that others leave there."""
    if request.param == "sqlite":
        yield f"sqlite://{tmp_path_factory.mktemp('catalogue')}/catalog.db"
        return
    cluster: PostgresCluster = request.getfixturevalue("postgres_cluster")
    url = cluster.create_database(schema=True)
    yield url
    cluster.drop_database(url)
