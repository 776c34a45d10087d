"""Somebody changes the schema of a catalogue, under a gateway or before its start.

What could refuse, change or swallow a row is named, by readiness and in the sentence with which a start ends, and
nothing is written until it is undone; what could not is nobody's business.
"""

from __future__ import annotations

import functools
import sqlite3
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
import pytest

from drill import Ledger, Site, eventually, status_of, swept
from gateways import client_for
from postgres_cluster import PostgresCluster
from processes import GatewayProcess
from test_database_faults import refused_doors
from test_running import upload

DAY = 86_400.0


@dataclass(frozen=True)
class Change:
    """`does`, `undoes`: statements, on both engines where `only` is "". `says`: what is told of it, "" where it is
    harmless. `unmet`: no upload meets it, so that PostgreSQL's is found by a look at the schema alone."""

    does: tuple[str, ...]
    undoes: tuple[str, ...] = ()
    says: str = ""
    only: str = ""
    unmet: bool = False


def trigger(body: str) -> tuple[str, ...]:
    function = f"CREATE FUNCTION guard() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN {body} END$$"
    return (function, "CREATE TRIGGER guard BEFORE INSERT ON files FOR EACH ROW EXECUTE FUNCTION guard()")


LITE, POSTGRES = "sqlite", "postgres"
NO_TRIGGER = ("DROP TRIGGER guard ON files", "DROP FUNCTION guard")
GUARD = "a trigger guard on table files"
RAISES, SWALLOWS = "RAISE EXCEPTION 'no';", "RETURN NULL;"
TENANTS = "CREATE TABLE tenants (id TEXT PRIMARY KEY)"
CHANGES: dict[str, Change] = {
    # what is added
    "column": Change(
        ("ALTER TABLE files ADD COLUMN note TEXT NOT NULL",),
        ("ALTER TABLE files DROP COLUMN note",),
        "a column files.note that must be given",
    ),
    "column-of-uploads": Change(
        ("ALTER TABLE uploads ADD COLUMN note BIGINT NOT NULL",),
        ("ALTER TABLE uploads DROP COLUMN note",),
        "a column uploads.note that must be given",
        unmet=True,
    ),
    "trigger-raises": Change(
        ("CREATE TRIGGER guard BEFORE INSERT ON files BEGIN SELECT RAISE(ABORT, 'no'); END",),
        ("DROP TRIGGER guard",),
        GUARD,
        only=LITE,
    ),
    "trigger-raises-pg": Change(trigger(RAISES), NO_TRIGGER, GUARD, only=POSTGRES),
    "trigger-swallows": Change(
        ("CREATE TRIGGER guard BEFORE INSERT ON FILES BEGIN SELECT RAISE(IGNORE); END",),
        ("DROP TRIGGER guard",),
        GUARD,
        only=LITE,
    ),
    "trigger-swallows-pg": Change(trigger(SWALLOWS), NO_TRIGGER, GUARD, only=POSTGRES),
    "trigger-undoes": Change(
        ("CREATE TRIGGER guard AFTER INSERT ON files BEGIN DELETE FROM files WHERE id = new.id; END",),
        ("DROP TRIGGER guard",),
        GUARD,
        only=LITE,
    ),
    "rule": Change(
        ("CREATE RULE guard AS ON INSERT TO files DO INSTEAD NOTHING",),
        ("DROP RULE guard ON files",),
        "a rule guard on table files",
        only=POSTGRES,
    ),
    "rule-of-deletes": Change(
        ("CREATE RULE guard AS ON DELETE TO leases DO INSTEAD NOTHING",),
        ("DROP RULE guard ON leases",),
        "a rule guard on table leases",
        only=POSTGRES,
        unmet=True,
    ),
    "check-of-a-column": Change(
        ("ALTER TABLE files ADD COLUMN note TEXT CHECK (note IS NOT NULL)",),
        ("ALTER TABLE files DROP COLUMN note",),
        "on table files",
    ),
    "check": Change(
        ("ALTER TABLE files ADD CONSTRAINT guard CHECK (length(filename) > 1000)",),
        ("ALTER TABLE files DROP CONSTRAINT guard",),
        "a CHECK guard on table files",
        only=POSTGRES,
    ),
    "exclusion": Change(
        ("ALTER TABLE keys ADD CONSTRAINT guard EXCLUDE USING btree (alias WITH =)",),
        ("ALTER TABLE keys DROP CONSTRAINT guard",),
        "an exclusion constraint guard on table keys",
        only=POSTGRES,
        unmet=True,
    ),
    "unique-index": Change(
        ("CREATE UNIQUE INDEX guard ON removed_files (owner, removed_at)",),
        ("DROP INDEX guard",),
        "a unique index guard on table removed_files",
        unmet=True,
    ),
    "index-of-long-values": Change(
        ("CREATE INDEX guard ON reply_items (owner, item)",),
        ("DROP INDEX guard",),
        "an index over long values guard on table reply_items",
        only=POSTGRES,
        unmet=True,
    ),
    "index-of-an-expression": Change(
        ("CREATE INDEX guard ON files (filename, CAST(filename AS bigint))",),
        ("DROP INDEX guard",),
        "an index guard on table files with an expression that can fail",
        only=POSTGRES,
    ),
    "index-of-json": Change(
        ("CREATE INDEX guard ON files (filename COLLATE NOCASE, json_extract(filename, '$.a'))",),
        ("DROP INDEX guard",),
        "an index guard on table files with an expression that can fail",
        only=LITE,
    ),
    "index-on-a-condition": Change(
        ("CREATE INDEX guard ON files (owner) WHERE 100 / (bytes - bytes) > 1",),
        ("DROP INDEX guard",),
        "an index guard on table files with an expression that can fail",
        only=POSTGRES,
    ),
    "index-on-a-condition-of-json": Change(
        ("CREATE INDEX guard ON files (owner) WHERE filename -> '$.a' IS NULL",),
        ("DROP INDEX guard",),
        "an index guard on table files with an expression that can fail",
        only=LITE,
    ),
    "index-of-somebodys-function": Change(
        (
            "CREATE FUNCTION checked(a text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$BEGIN RAISE 'no'; END$$",
            "CREATE INDEX guard ON files (checked(filename))",
        ),
        ("DROP INDEX guard", "DROP FUNCTION checked"),
        "an index guard on table files with an expression that can fail",
        only=POSTGRES,
    ),
    "generated-column": Change(
        ("ALTER TABLE files ADD COLUMN note bigint GENERATED ALWAYS AS (filename::bigint) STORED",),
        ("ALTER TABLE files DROP COLUMN note",),
        "a column files.note with an expression that can fail",
        only=POSTGRES,
    ),
    "generated-column-of-json": Change(
        ("ALTER TABLE files ADD COLUMN note NOT NULL AS (json(filename))",),
        ("ALTER TABLE files DROP COLUMN note",),
        "a column files.… with an expression that can fail",
        only=LITE,
    ),
    "default": Change(
        (
            "ALTER TABLE files ADD COLUMN note uuid",
            "ALTER TABLE files ALTER note SET DEFAULT current_setting('app.tenant', true)::uuid",
        ),
        ("ALTER TABLE files DROP COLUMN note",),
        "a column files.note with an expression that can fail",
        only=POSTGRES,
        # As long as nobody sets it.
        unmet=True,
    ),
    "collation": Change(
        (
            "CREATE COLLATION folded (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
            "ALTER TABLE files ALTER owner TYPE text COLLATE folded",
        ),
        ('ALTER TABLE files ALTER owner TYPE text COLLATE "C"', "DROP COLLATION folded"),
        "column files.owner as text COLLATE folded, not TEXT",
        only=POSTGRES,
        unmet=True,
    ),
    "unique-constraint": Change(
        ("ALTER TABLE keys ADD CONSTRAINT guard UNIQUE (owner)",),
        ("ALTER TABLE keys DROP CONSTRAINT guard",),
        "a unique index guard on table keys",
        only=POSTGRES,
        unmet=True,
    ),
    "foreign-key": Change(
        (TENANTS, "ALTER TABLE files ADD CONSTRAINT guard FOREIGN KEY (owner) REFERENCES tenants (id)"),
        ("ALTER TABLE files DROP CONSTRAINT guard", "DROP TABLE tenants"),
        "a foreign key on table files (owner to tenants)",
        only=POSTGRES,
    ),
    "keeper": Change(
        ("CREATE TABLE notes (file TEXT REFERENCES files (id))",),
        ("DROP TABLE notes",),
        "a foreign key on table notes (file to files) that keeps what it refers to",
        unmet=True,
    ),
    "keeper-elsewhere": Change(
        ("CREATE TABLE public.notes (file TEXT REFERENCES files (id))",),
        ("DROP TABLE public.notes",),
        "a foreign key on table public.notes (file to files) that keeps what it refers to",
        only=POSTGRES,
        unmet=True,
    ),
    # what is gone, or not as it was
    "renamed-column": Change(
        ("ALTER TABLE files RENAME COLUMN filename TO title",),
        ("ALTER TABLE files RENAME COLUMN title TO filename",),
        "lacks column files.filename",
    ),
    "renamed-table": Change(
        ("ALTER TABLE uploads RENAME TO old_uploads",),
        ("ALTER TABLE old_uploads RENAME TO uploads",),
        "lacks table uploads",
        unmet=True,
    ),
    "dropped-index": Change(
        ("DROP INDEX blobs_content",),
        ("CREATE UNIQUE INDEX blobs_content ON blobs (owner, sha256, bytes) WHERE orphaned_at IS NULL",),
        "lacks index blobs_content",
        unmet=True,
    ),
    "plain-index": Change(
        ("DROP INDEX files_alias", "CREATE INDEX files_alias ON files (owner, alias) WHERE alias IS NOT NULL"),
        ("DROP INDEX files_alias", "CREATE UNIQUE INDEX files_alias ON files (owner, alias) WHERE alias IS NOT NULL"),
        "index files_alias of files in another form",
        unmet=True,
    ),
    "primary-key": Change(
        ("ALTER TABLE owners DROP CONSTRAINT owners_pkey",),
        ("ALTER TABLE owners ADD PRIMARY KEY (owner)",),
        "lacks the primary key of owners",
        only=POSTGRES,
    ),
    "lost-reference": Change(
        ("ALTER TABLE file_usage DROP CONSTRAINT file_usage_file_id_fkey",),
        ("ALTER TABLE file_usage ADD FOREIGN KEY (file_id) REFERENCES files (id) ON DELETE CASCADE",),
        "lacks foreign key file_usage.file_id to files",
        only=POSTGRES,
        unmet=True,
    ),
    "other-reference": Change(
        (
            "ALTER TABLE file_usage DROP CONSTRAINT file_usage_file_id_fkey",
            "ALTER TABLE file_usage ADD FOREIGN KEY (file_id) REFERENCES files (id)",
        ),
        (
            "ALTER TABLE file_usage DROP CONSTRAINT file_usage_file_id_fkey",
            "ALTER TABLE file_usage ADD FOREIGN KEY (file_id) REFERENCES files (id) ON DELETE CASCADE",
        ),
        "foreign key file_usage.file_id to files with NO ACTION",
        only=POSTGRES,
        unmet=True,
    ),
    "not-null": Change(
        ("ALTER TABLE files ALTER alias SET NOT NULL",),
        ("ALTER TABLE files ALTER alias DROP NOT NULL",),
        "column files.alias as NOT NULL",
        only=POSTGRES,
    ),
    "no-default": Change(
        ("ALTER TABLE reply_items ALTER held DROP DEFAULT",),
        ("ALTER TABLE reply_items ALTER held SET DEFAULT 1",),
        "column reply_items.held without its default",
        only=POSTGRES,
        unmet=True,
    ),
    "narrow-type": Change(
        ("ALTER TABLE files ALTER sha256 TYPE varchar(20)",),
        ("ALTER TABLE files ALTER sha256 TYPE text",),
        "column files.sha256 as character varying(20), not TEXT",
        only=POSTGRES,
    ),
    "unlogged": Change(
        ("ALTER TABLE secrets SET UNLOGGED",),
        ("ALTER TABLE secrets SET LOGGED",),
        "table secrets, which is unlogged",
        only=POSTGRES,
        unmet=True,
    ),
    # what is harmless
    "own-table": Change((TENANTS,)),
    "own-table-that-lets-go": Change(
        ("CREATE TABLE notes (file TEXT REFERENCES files (id) ON DELETE CASCADE, size BIGINT CHECK (size > 0))",)
    ),
    "index": Change(("CREATE INDEX mine ON files (mime_type, bytes)",)),
    "index-of-digests": Change(("CREATE INDEX hashed ON reply_items USING hash (item)",), only=POSTGRES),
    "index-with-the-key": Change(("CREATE UNIQUE INDEX keyed ON files (purpose, id)",)),
    "nullable": Change(
        (
            "ALTER TABLE files ADD COLUMN note TEXT",
            "ALTER TABLE blobs ADD COLUMN note TEXT NOT NULL DEFAULT 'CHECK (0)'",
        )
    ),
    "index-of-lower-case": Change(
        ("CREATE INDEX lowered ON files (lower(filename), coalesce(alias, 'a(b)')) WHERE alias IS NOT NULL",)
    ),
    "index-on-a-list": Change(("CREATE INDEX begun ON uploads (owner) WHERE status IN ('pending', 'cancelled')",)),
    "index-in-parts": Change(
        ("CREATE INDEX parted ON files (substr(filename, 1, 3) COLLATE NOCASE) WHERE bytes * 2 > 10",), only=LITE
    ),
    "defaults": Change(
        (
            "ALTER TABLE files ADD COLUMN seen timestamptz NOT NULL DEFAULT now()",
            "ALTER TABLE files ADD COLUMN number bigserial",
            "ALTER TABLE files ADD COLUMN more jsonb NOT NULL DEFAULT '{}'::jsonb",
        ),
        only=POSTGRES,
    ),
    "disabled-trigger": Change((*trigger(RAISES), "ALTER TABLE files DISABLE TRIGGER guard"), only=POSTGRES),
    "column-that-may-refer": Change(("ALTER TABLE files ADD COLUMN tenant TEXT REFERENCES tenants (id)",)),
}


def execute(site: Site, *statements: str) -> None:
    if site.url.startswith("sqlite"):
        with closing(sqlite3.connect(site.data_dir / "catalog.db", isolation_level=None, timeout=20)) as raw:
            for statement in statements:
                raw.execute(statement)
        return
    with psycopg.connect(site.url, autocommit=True) as connection:
        connection.execute("SET search_path = liftgate")
        for statement in statements:
            connection.execute(statement.encode())


def readiness(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"{url}/health/readiness", timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()


@pytest.fixture(scope="module")
def houses(
    tmp_path_factory: pytest.TempPathFactory, postgres_cluster: PostgresCluster
) -> Iterator[Callable[[str], tuple[Site, GatewayProcess]]]:
    """One for each engine, whatever else a test is tried with: pytest would make one for each pair."""
    with ExitStack() as stack:

        @functools.cache
        def opened(engine: str) -> tuple[Site, GatewayProcess]:
            url = postgres_cluster.create_database() if engine == POSTGRES else ""
            if url:
                stack.callback(postgres_cluster.drop_database, url)
            site = Site(tmp_path_factory.mktemp("changed") / "site", url)
            return site, stack.enter_context(site.gateway(sweep_seconds=600))

        yield opened


@pytest.fixture
def house(
    request: pytest.FixtureRequest, houses: Callable[[str], tuple[Site, GatewayProcess]]
) -> tuple[Site, GatewayProcess]:
    return houses(request.param)


def members(*, harmless: bool) -> list[tuple[str, str]]:
    return [
        (engine, name)
        for engine in (LITE, POSTGRES)
        for name, change in CHANGES.items()
        if change.only in ("", engine) and bool(change.says) != harmless
    ]


def listed(url: str) -> int:
    with client_for(url) as client:
        return status_of(lambda: client.files.list())


@contextmanager
def changed(house: tuple[Site, GatewayProcess], change: Change) -> Iterator[None]:
    """Undone at the end, and then all is as before."""
    site, gateway = house
    execute(site, *change.does)
    try:
        yield
    finally:
        execute(site, *change.undoes)
    assert readiness(gateway.url)[0] == 200
    # A look that began before may end now.
    assert eventually(lambda: upload(gateway.url) == 200)


@pytest.mark.parametrize(("house", "name"), members(harmless=False), indirect=["house"])
def test_what_could_refuse_or_swallow_a_row_is_named(house: tuple[Site, GatewayProcess], name: str) -> None:
    (site, gateway), change = house, CHANGES[name]
    with changed(house, change):
        if site.url.startswith("sqlite") or not change.unmet:
            # Without anybody having looked.
            assert upload(gateway.url) == 503
        status, said = readiness(gateway.url)
        assert status == 503 and change.says in said, said
        assert upload(gateway.url) == 503
    delete_all(gateway.url)
    assert "Traceback" not in gateway.log.read_text()


@pytest.mark.parametrize(
    ("house", "name"),
    # Each third in the reduced run: that it is found is tried with each above.
    [pytest.param(*each, marks=[pytest.mark.full] * (at % 3 > 0)) for at, each in enumerate(members(harmless=False))],
    indirect=["house"],
)
def test_meanwhile_no_door_is_open_and_nothing_starts(house: tuple[Site, GatewayProcess], name: str) -> None:
    (site, gateway), change, ledger = house, CHANGES[name], Ledger()
    with changed(house, change):
        _, said = readiness(gateway.url)
        assert set(refused_doors(gateway.url).values()) == {503}
        assert listed(gateway.url) in ((200, 503) if "lacks" in said else (200,))
        assert change.says in site.refused()
    ledger.upload(gateway.url)
    ledger.check(gateway.url)
    delete_all(gateway.url)
    assert "Traceback" not in gateway.log.read_text()


@pytest.mark.parametrize("house", [LITE, POSTGRES], indirect=True)
def test_a_change_is_met_without_readiness_and_over_by_itself(house: tuple[Site, GatewayProcess]) -> None:
    """One that no upload meets: what only a look finds."""
    (site, gateway), change, ledger = house, CHANGES["dropped-index"], Ledger()
    execute(site, *change.does)
    try:
        assert eventually(lambda: upload(gateway.url) == 503)
    finally:
        execute(site, *change.undoes)
    assert eventually(lambda: upload(gateway.url) == 200)
    ledger.upload(gateway.url)
    ledger.check(gateway.url)
    delete_all(gateway.url)


def delete_all(url: str) -> None:
    with client_for(url) as client:
        for file in client.files.list():
            client.files.delete(file.id)


@pytest.mark.parametrize("engine", [LITE, POSTGRES])
def test_what_changes_no_row_is_nobodys_business(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """All of them at once: under a gateway, and before a start."""
    site, ledger = (
        Site(tmp_path / "site", request.getfixturevalue("postgres_url") if engine == POSTGRES else ""),
        Ledger(),
    )
    with site.gateway() as gateway:
        ledger.upload(gateway.url)
        for _, name in (member for member in members(harmless=True) if member[0] == engine):
            execute(site, *CHANGES[name].does)
            assert (name, readiness(gateway.url)[0]) == (name, 200)
        ledger.upload(gateway.url)
        assert set(refused_doors(gateway.url).values()) == {200}
    with site.gateway() as gateway:
        ledger.check(gateway.url)
        ledger.delete(gateway.url, next(iter(ledger.files)))
        ledger.upload(gateway.url)
        ledger.check(gateway.url)


def test_row_security_is_named(tmp_path: Path, postgres_url: str) -> None:
    """It hides rows from a role that does not own the tables, without an error."""
    owner = Site(tmp_path / "site", postgres_url)
    with owner.gateway() as gateway:
        Ledger().upload(gateway.url)
    role = f"plain_{tmp_path.name[-20:]}".replace("-", "_")
    try:
        execute(
            owner,
            f"CREATE ROLE {role} LOGIN",
            f"GRANT ALL ON SCHEMA liftgate TO {role}",
            f"GRANT ALL ON ALL TABLES IN SCHEMA liftgate TO {role}",
            f"GRANT ALL ON ALL SEQUENCES IN SCHEMA liftgate TO {role}",
        )
        site = replace(owner, database_url=postgres_url.replace("//liftgate@", f"//{role}@"))
        with site.gateway() as gateway:
            assert upload(gateway.url) == 200
            execute(owner, "ALTER TABLE files ENABLE ROW LEVEL SECURITY")
            status, said = readiness(gateway.url)
            assert status == 503 and "table files, which has row security" in said
            assert upload(gateway.url) == 503
            assert "table files, which has row security" in site.refused()
            execute(owner, "ALTER TABLE files DISABLE ROW LEVEL SECURITY")
            assert readiness(gateway.url)[0] == 200
            assert upload(gateway.url) == 200
    finally:
        execute(owner, f"DROP OWNED BY {role}", f"DROP ROLE {role}")


@pytest.mark.parametrize("engine", [LITE, POSTGRES])
def test_what_a_newer_liftgate_has_added_meanwhile_is_its_own(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Nodes are upgraded one after the other: the older ones go on beside the first new one."""
    site = Site(tmp_path / "site", request.getfixturevalue("postgres_url") if engine == POSTGRES else "")
    with site.gateway() as gateway:
        execute(
            site,
            "INSERT INTO schema_version (version, applied_at) VALUES (9999, 0)",
            "CREATE UNIQUE INDEX newer ON conversations (owner, created_at)",
        )
        assert readiness(gateway.url)[0] == 200
        assert upload(gateway.url) == 200
        execute(site, "DROP INDEX blobs_content")
        assert readiness(gateway.url)[0] == 503


@pytest.mark.parametrize("engine", [LITE, POSTGRES])
def test_an_older_gateway_deletes_no_bytes_beside_a_newer_one(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """What a newer Liftgate stores may stand in tables that an older one does not know. Not swept, and not deleted at
    once: deleted files, unknown objects, parts of an upload that ends."""
    site = Site(tmp_path / "site", request.getfixturevalue("postgres_url") if engine == POSTGRES else "")
    ledger = Ledger()
    with site.gateway() as gateway, client_for(gateway.url, "sk-ann") as client:
        named, deleted, _ = ledger.upload(gateway.url, 3)
        ledger.delete(gateway.url, deleted)
        begun = client.uploads.create(filename="a.bin", bytes=9, mime_type="video/mp4", purpose="user_data")
        client.uploads.parts.create(begun.id, data=b"part")
        of_named = f"(SELECT blob_id FROM newer_files WHERE id = '{named}')"
        execute(
            site,
            "CREATE TABLE newer_files (id TEXT PRIMARY KEY, blob_id TEXT)",
            f"INSERT INTO newer_files SELECT id, blob_id FROM files WHERE id = '{named}'",
            f"DELETE FROM files WHERE id = '{named}'",
            f"DELETE FROM blobs WHERE id IN {of_named}",
        )
        swept(site, 2)
        assert len(site.objects()) == 4
        execute(
            site,
            "INSERT INTO schema_version (version, applied_at) VALUES (9999, 0)",
            f"UPDATE unknown_objects SET noted_at = noted_at - {2 * DAY}",
            f"UPDATE blobs SET orphaned_at = orphaned_at - {2 * DAY} WHERE orphaned_at IS NOT NULL",
        )
        client.uploads.cancel(begun.id)
        swept(site, 4)
        assert len(site.objects()) == 4
        # Without the newer one all of it has no use.
        execute(site, "DELETE FROM schema_version WHERE version = 9999")
        assert eventually(lambda: len(site.objects()) == 2)
