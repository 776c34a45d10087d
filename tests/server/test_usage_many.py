"""More sums than one answer has: pages, the dearest of all, or a refusal; never a part that looks like the whole."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateways import SandboxServer, gateway_server, sandbox_server, settings_for
from liftgate.catalog.connection import Connection
from liftgate.catalog.database import open_database
from liftgate.catalog.rows.usage import COUNTED, NAMED
from liftgate.clock import SystemClock
from liftgate.engine.usage import MOST_ROWS
from liftgate.settings import CountingSettings, StorageSettings
from processes import admin_spend, write_config
from raw_http import call

MANY = MOST_ROWS + 50
MASTER = {"Authorization": "Bearer sk-master"}
NANOS = 1000


def make_many(conn: Connection) -> None:
    """A key of an owner and a model each; the one with the last name cost most, and each cost more than the one before.
    Beside them one day of another year."""
    counted = ", ".join(f"i * {NANOS}" if name == "nano_usd" else "1" for name in COUNTED)
    conn.execute(
        "WITH RECURSIVE numbers(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < ?)"
        f" INSERT INTO usage ({', '.join((*NAMED, *COUNTED))})"
        " SELECT 'key-' || substr('' || (100000 + i), 2), 'owner-' || substr('' || (100000 + i), 2),"
        f" 'model-' || substr('' || (100000 + i), 2), '2026-05-05', {counted} FROM numbers",
        (MANY,),
    )


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def house(
    request: pytest.FixtureRequest, make_database: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Path, str, SandboxServer]]:
    """A gateway's URL, its data directory, its database and its sandbox."""
    data_dir = tmp_path_factory.mktemp("many")
    database_url = make_database(request.param)

    async def fill(url: str) -> None:
        database = await open_database(url, clock=SystemClock())
        try:
            await database.write(make_many, timeout=60.0)
        finally:
            await database.close()

    with sandbox_server() as sandbox:
        settings = replace(
            settings_for(sandbox, data_dir),
            storage=StorageSettings(data_dir=data_dir, database_url=database_url),
            counting=CountingSettings(spend=True),
        )
        with gateway_server(settings) as url:
            asyncio.run(fill(settings.storage.catalog_url))
            yield url, data_dir, database_url, sandbox


@pytest.fixture
def url(house: tuple[str, Path, str, SandboxServer]) -> str:
    return house[0]


def get(url: str, path: str, status: int = 200) -> Any:
    answer = call(url, "GET", path, b"", MASTER)
    assert answer.status == status, answer.body
    return answer.json()


@pytest.mark.parametrize(
    ("path", "name", "stem"),
    [
        ("/spend/keys", "token", "key"),
        ("/global/spend/models", "model", "model"),
        ("/global/spend/keys?start_date=2026-05-01&end_date=2026-05-30", "api_key", "key"),
    ],
)
def test_the_dearest_of_all_come_first(url: str, path: str, name: str, stem: str) -> None:
    with_limit = f"{path}{'&' if '?' in path else '?'}limit=2"
    assert [each[name] for each in get(url, with_limit)] == [f"{stem}-{MANY:05}", f"{stem}-{MANY - 1:05}"]
    refused = get(url, path, status=400)["error"]
    assert f"more than {MOST_ROWS:,} sums by {stem}" in refused["message"] and "limit" in refused["message"]
    assert get(url, with_limit.replace("limit=2", "limit=10001"), status=400)["error"]["param"] == "limit"


@pytest.mark.parametrize(
    "path",
    [
        "/spend/users",
        "/spend/logs?start_date=2026-05-01&end_date=2026-05-30",
        "/global/spend/teams?start_date=2026-05-01&end_date=2026-05-30",
        "/global/spend/report?start_date=2026-05-01&end_date=2026-05-30",
        "/global/spend/report?start_date=2026-05-01&end_date=2026-05-30&group_by=api_key",
        "/global/spend/report?start_date=2026-05-01&end_date=2026-05-30&group_by=internal_user_id",
        "/global/activity/model?start_date=2026-05-01&end_date=2026-05-30",
        "/user/daily/activity?start_date=2026-05-01&end_date=2026-05-30",
        "/team/daily/activity?start_date=2026-05-01&end_date=2026-05-30",
    ],
)
def test_a_part_never_stands_for_the_whole(url: str, path: str) -> None:
    refused = get(url, path, status=400)["error"]
    assert f"more than {MOST_ROWS:,} sums by " in refused["message"] and "/liftgate/usage?by=" in refused["message"]
    # What there is of another month is small, and whole.
    if "2026-05" in path:
        get(url, path.replace("2026-05", "2026-04"))


def test_pages_reach_all_of_it_and_the_total_is_of_all(url: str) -> None:
    seen: list[str] = []
    after, pages = "", 0
    while True:
        page = get(url, f"/liftgate/usage?by=owner,key&start=2026-05-01&limit=4000&after={after}")
        assert page["total"]["cost"] == pytest.approx(MANY * (MANY + 1) / 2 * NANOS / 1e9)
        seen += [each["owner"] for each in page["data"]]
        pages += 1
        assert page["has_more"] == (page["next"] is not None)
        if not page["has_more"]:
            break
        after = page["next"]
    assert pages == 3 and seen == sorted(set(seen)) and len(seen) == MANY
    first = get(url, "/liftgate/usage?by=owner&start=2026-05-01")
    assert len(first["data"]) == MOST_ROWS and first["has_more"]
    assert get(url, "/global/spend")["spend"] == pytest.approx(MANY * (MANY + 1) / 2 * NANOS / 1e9)


@pytest.mark.parametrize(
    "query", ["after=x", "after=WyJhIl0&by=owner,key", "after=e30", "limit=0", "limit=10001", "limit=x"]
)
def test_a_page_that_cannot_be_is_refused_by_name(url: str, query: str) -> None:
    assert get(url, f"/liftgate/usage?{query}", status=400)["error"]["param"] == query.partition("=")[0]


def test_the_command_line_shows_all_of_it(house: tuple[str, Path, str, SandboxServer], tmp_path: Path) -> None:
    _, data_dir, database_url, sandbox = house
    ours = {"database_url": database_url} if database_url else {}
    config = write_config(tmp_path / "config.yaml", sandbox.url, **ours)
    found = json.loads(admin_spend(config, data_dir, "--json", "--by", "key"))["data"]
    assert len(found) == MANY and found[-1]["cost"] == MANY * NANOS / 1e9
