"""Every kind of site: SQLite and PostgreSQL, a directory and S3."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from drill import Site, s3_url
from postgres_cluster import PostgresCluster
from s3_server import S3Server, s3_endpoint

HERE = Path(__file__).parent


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    with s3_endpoint(monkeypatch) as server:
        yield server


@pytest.fixture(params=["sqlite-local", "postgres-s3", "sqlite-s3", "postgres-local"])
def kind(request: pytest.FixtureRequest) -> str:
    """The catalogue and the store. The first two, in turn, are the reduced set: each engine and each store."""
    return str(request.param)


@pytest.fixture
def other_catalogue(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[[], str]]:
    """The URL of another empty catalogue, each time it is called."""
    made: list[str] = []

    def another() -> str:
        if kind.startswith("sqlite"):
            made.append(f"sqlite://{tmp_path}/other-{len(made)}.db")
            return made[-1]
        cluster: PostgresCluster = request.getfixturevalue("postgres_cluster")
        made.append(cluster.create_database())
        return made[-1]

    yield another
    for url in made if kind.startswith("postgres") else []:
        request.getfixturevalue("postgres_cluster").drop_database(url)


@pytest.fixture
def site(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Site:
    engine, store = kind.split("-")
    if store == "s3":
        request.getfixturevalue("s3")
    database = request.getfixturevalue("postgres_url") if engine == "postgres" else ""
    return Site(tmp_path / "site", database, s3_url() if store == "s3" else "local")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Each mistake is made at one of the first two pairs, in turn; at all four in the full run."""
    # pytest gives the items of all directories.
    items = [item for item in items if item.path.is_relative_to(HERE)]
    kinds: dict[str, set[str]] = {}
    for item in items:
        if (kind := _kind_of(item)) is not None:
            kinds.setdefault(item.nodeid.partition("[")[0], set()).add(kind)
    both = [name for name, found in kinds.items() if found >= {"sqlite-local", "postgres-s3"}]
    kept = {name: ("sqlite-local", "postgres-s3")[at % 2] for at, name in enumerate(both)}
    for item in items:
        kind = _kind_of(item)
        wanted = kept.get(item.nodeid.partition("[")[0], kind)
        if kind in ("sqlite-s3", "postgres-local") or kind != wanted:
            item.add_marker(pytest.mark.full)


def _kind_of(item: pytest.Item) -> str | None:
    callspec = getattr(item, "callspec", None)
    return None if callspec is None else callspec.params.get("kind")
