"""What becomes of a gateway's PostgreSQL: a standby, an older state after a failover, an empty one, a closed one.

It is refused in a sentence or served right, and no byte is deleted that an acknowledgement covers.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import openai
import psycopg
import pytest

from drill import Ledger, Site, copied, eventually, swept
from gateways import client_for
from postgres_cluster import PostgresCluster
from postgres_line import PostgresLine
from postgres_pool import PostgresPool
from raw_http import call
from test_running import ready, upload


@pytest.fixture(scope="module")
def cluster() -> Iterator[PostgresCluster]:
    made = PostgresCluster()
    try:
        made.start()
        yield made
    finally:
        made.remove()


@pytest.fixture
def site(cluster: PostgresCluster, tmp_path: Path) -> Site:
    return Site(tmp_path / "site", cluster.create_database())


def name_of(url: str) -> str:
    return url.partition("@/")[2].partition("?")[0]


def execute(cluster: PostgresCluster, *statements: str) -> None:
    with psycopg.connect(cluster.url(), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def shut(cluster: PostgresCluster, name: str) -> None:
    """Nobody is let in, and who is in is put out."""
    out = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
    execute(cluster, f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false', out)


def opened(cluster: PostgresCluster, name: str) -> None:
    execute(cluster, f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')


def test_a_server_that_became_a_standby_takes_nothing_and_says_so(cluster: PostgresCluster, site: Site) -> None:
    ledger = Ledger()
    with site.gateway() as gateway:
        ledger.upload(gateway.url, 3)
        try:
            cluster.demote()
            # Its first answers may still be about connections that were cut.
            assert eventually(lambda: ready(gateway.url) == 503)
            assert set(refused_doors(gateway.url).values()) == {503}, refused_doors(gateway.url)
            assert upload(gateway.url) == 503
            assert eventually(lambda: reads(gateway.url, ledger))
            assert "standby" in gateway.log.read_text() or "recovery" in gateway.log.read_text()
            assert "recovery" in site.refused()
        finally:
            cluster.promote()
        assert eventually(lambda: ready(gateway.url) == 200)
        assert eventually(lambda: upload(gateway.url) == 200)
        ledger.check(gateway.url)
        assert "Traceback" not in gateway.log.read_text()


def refused_doors(url: str) -> dict[str, int]:
    """Whatever would be written: path → status."""
    begun = {"filename": "a", "purpose": "batch", "bytes": 3, "mime_type": "text/plain"}
    bodies: dict[str, object] = {
        "/v1/uploads": begun,
        "/v1/conversations": {},
        "/v1/responses": {"model": "gemini-2.5-flash", "input": "x", "background": True},
        "/upload/v1beta/files": {},
        "/key/generate": {},
    }
    start = {"X-Goog-Upload-Protocol": "resumable", "X-Goog-Upload-Command": "start"}
    headers = {"Authorization": "Bearer sk-master-of-the-drill", **start}
    return {path: call(url, "POST", path, json.dumps(body).encode(), headers).status for path, body in bodies.items()}


def reads(url: str, ledger: Ledger) -> bool:
    """From a server that only reads, files are served."""
    try:
        ledger.check(url)
    except openai.APIStatusError:
        return False
    return True


def test_a_failover_that_lost_the_last_minutes_deletes_nothing(cluster: PostgresCluster, site: Site) -> None:
    """The database comes back as it was before, under a gateway that runs."""
    ledger, since, after = Ledger(), Ledger(seed=100), Ledger(seed=200)
    name = name_of(site.url)
    with site.gateway() as gateway:
        ledger.upload(gateway.url, 3)
        swept(site)
    old = copied(site, cluster.create_database())
    with site.gateway() as gateway:
        since.upload(gateway.url, 3)
        # What no sweep has seen is kept for the grace, as bytes are whose upload was cut off.
        swept(site)
        everything = site.objects()
        shut(cluster, name)
        execute(
            cluster,
            f'ALTER DATABASE "{name}" RENAME TO "lost-{name}"',
            f'CREATE DATABASE "{name}" TEMPLATE "{name_of(old.url)}"',
        )
        assert eventually(lambda: ready(gateway.url) == 200)
        ledger.check(gateway.url)
        assert eventually(lambda: "no bytes are deleted" in gateway.log.read_text())
        swept(site)
        assert everything <= site.objects()
        after.upload(gateway.url, 2)
    site.admin("sweep", "--grace", "0", "--yes")
    assert everything <= site.objects()
    with site.gateway() as gateway:
        ledger.check(gateway.url)
        after.check(gateway.url)
    # The right one again.
    shut(cluster, name)
    execute(
        cluster,
        f'ALTER DATABASE "{name}" RENAME TO "older-{name}"',
        f'ALTER DATABASE "lost-{name}" RENAME TO "{name}"',
    )
    opened(cluster, name)
    with site.gateway() as gateway:
        ledger.check(gateway.url)
        since.check(gateway.url)


def emptied(cluster: PostgresCluster, name: str) -> None:
    shut(cluster, name)
    execute(cluster, f'ALTER DATABASE "{name}" RENAME TO "full-{name}"', f'CREATE DATABASE "{name}"')


def filled(cluster: PostgresCluster, name: str) -> None:
    shut(cluster, name)
    execute(cluster, f'DROP DATABASE "{name}"', f'ALTER DATABASE "full-{name}" RENAME TO "{name}"')
    opened(cluster, name)


@pytest.mark.full
@pytest.mark.parametrize(("harm", "heal"), [(emptied, filled), (shut, opened)])
def test_a_database_that_is_not_there_is_an_outage_and_not_begun_anew(
    cluster: PostgresCluster,
    site: Site,
    harm: Callable[[PostgresCluster, str], None],
    heal: Callable[[PostgresCluster, str], None],
) -> None:
    ledger, name = Ledger(), name_of(site.url)
    with site.gateway() as gateway:
        ledger.upload(gateway.url, 3)
        before = site.objects()
        harm(cluster, name)
        assert eventually(lambda: ready(gateway.url) == 503)
        assert upload(gateway.url) == 503
        if harm is emptied:
            with psycopg.connect(site.url) as connection:
                assert not connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = 'liftgate'").fetchall()
        heal(cluster, name)
        assert eventually(lambda: ready(gateway.url) == 200)
        ledger.check(gateway.url)
        assert before <= site.objects()


def test_a_gateway_comes_up_on_a_database_that_is_slow_at_its_start(site: Site) -> None:
    """Slower than a call may be, at steps of opening the catalogue and of what is read from it then."""
    ledger = Ledger()
    with site.gateway() as gateway:
        ledger.upload(gateway.url)
    with PostgresLine.before(site.url) as line:
        line.slow(["LISTEN", "FROM keys"], 5.5)
        with replace(site, database_url=line.url(site.url)).gateway() as gateway:
            line.slow([], 0)
            ledger.check(gateway.url)
            assert upload(gateway.url) == 200


def test_a_pool_that_lends_connections_by_the_transaction_is_refused(site: Site) -> None:
    """What a session prepared, set and listens to would be another's; the database behind it is left as it was."""
    with PostgresPool.before(site.url) as pool:
        pooled = replace(site, database_url=pool.url(site.url))
        assert "a pool that gives each transaction another connection" in pooled.refused()
        done = pooled.admin("check", code=2)
        assert "a pool that gives each transaction another connection" in done.stderr
        with psycopg.connect(pooled.url, autocommit=True) as other:
            # Whoever else is served by the pool finds it as it was.
            assert other.execute("SHOW default_transaction_read_only").fetchall() == [("off",)]
    with psycopg.connect(site.url) as connection:
        assert not connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = 'liftgate'").fetchall()
    with site.gateway() as gateway:
        assert upload(gateway.url) == 200


@pytest.mark.parametrize("encoding", ["LATIN1", "EUC_JP"])
def test_a_database_that_has_not_every_character_is_refused(
    cluster: PostgresCluster, site: Site, encoding: str
) -> None:
    name = name_of(site.url)
    made = f"ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C'"
    execute(cluster, f'DROP DATABASE "{name}"', f'CREATE DATABASE "{name}" TEMPLATE template0 {made}')
    assert f"keeps texts as {encoding}" in site.refused()
    assert f"keeps texts as {encoding}" in site.admin("check", code=2).stderr


SETTINGS = {
    "extra_float_digits": "-15",
    "lock_timeout": "1",
    "quote_all_identifiers": "on",
    "bytea_output": "escape",
    "datestyle": "German",
    "timezone": "'Asia/Kolkata'",
    "standard_conforming_strings": "off",
    "client_encoding": "LATIN1",
    "search_path": "pg_temp, nowhere",
    "statement_timeout": "100",
    "default_transaction_read_only": "on",
    "default_transaction_isolation": "serializable",
    "idle_session_timeout": "700",
}


def test_what_a_database_sets_for_its_sessions_changes_nothing(cluster: PostgresCluster, site: Site) -> None:
    name, ledger = name_of(site.url), Ledger()
    execute(cluster, *(f'ALTER DATABASE "{name}" SET {what} = {value}' for what, value in SETTINGS.items()))
    with site.gateway() as gateway:
        ledger.upload(gateway.url, 12, size=200)
        with client_for(gateway.url) as client:
            forth = [file.id for file in client.files.list(limit=2)]
            back = [file.id for file in client.files.list(limit=3, order="asc")]
            assert forth == back[::-1] and set(forth) == set(ledger.files)
            begun = client.uploads.create(filename="ä😀.txt", purpose="user_data", bytes=4, mime_type="text/plain")
            part = client.uploads.parts.create(begun.id, data=b"a\0'\\")
            made = client.uploads.complete(begun.id, part_ids=[part.id]).file
            assert made is not None and made.filename == "ä😀.txt"
            ledger.files[made.id] = b"a\0'\\"
            item: Any = {"type": "message", "role": "user", "content": "it's \\ ü"}
            conversation = client.conversations.create(items=[item])
            [kept] = client.conversations.items.list(conversation.id)
            assert kept.model_dump()["content"][0]["text"] == "it's \\ ü"
        assert ready(gateway.url) == 200
        ledger.check(gateway.url)
    with site.gateway() as gateway:
        ledger.check(gateway.url)
        assert "Traceback" not in gateway.log.read_text()
