"""Every table is declared once, and what must reach all tables reaches it: held against the schema of both engines."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from catalog_samples import NOW, commit, run
from liftgate.catalog import rows
from liftgate.catalog.connection import Connection
from liftgate.catalog.database import Database
from liftgate.catalog.rows.copies import CopyTable, due_purges, save_copy
from liftgate.catalog.rows.erasing import erase_owner
from liftgate.catalog.rows.unknown import condemn, note_unknown
from liftgate.catalog.table import (
    NODE_LOCAL,
    BareTable,
    Table,
    count_objects,
    forget_table,
    known_objects,
    objects_of,
    registered,
    stored_bytes,
)
from liftgate.records import CopyRecord

Schema = dict[str, dict[str, bool]]
"""Table → column → whether it holds text."""

SQLITE = (
    "SELECT m.name, c.name, upper(c.type) = 'TEXT' FROM sqlite_master m, pragma_table_info(m.name) c"
    " WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'"
)
POSTGRES = (
    "SELECT table_name, column_name, data_type IN ('text', 'character varying', 'jsonb', 'json')"
    " FROM information_schema.columns WHERE table_schema = 'liftgate'"
)


def schema_of(conn: Connection, url: str) -> Schema:
    found: Schema = {}
    for table, column, is_text in conn.execute(SQLITE if url.startswith("sqlite") else POSTGRES):
        found.setdefault(table, {})[column] = bool(is_text)
    return found


def faults(schema: Schema) -> list[str]:
    """What is not declared, or declared and not there: each with what to write where."""
    tables = {table.name: table for table in registered()}
    found = []
    for name, columns in schema.items():
        if name in NODE_LOCAL:
            continue
        if name not in tables:
            found.append(
                f"The table {name} is in the migrations and not declared: its objects would be swept and its rows "
                f"outlive their owner. Write a Table(name={name!r}, …) into a module of catalog/rows/, and import that "
                "module in catalog/rows/__init__.py; or name the table in NODE_LOCAL of catalog/table.py, with the "
                "reason why no owner, no object and no backup is concerned."
            )
            continue
        found += column_faults(tables[name], columns)
    found += [
        f"The table {name} is declared in catalog/rows/, and no migration makes it." for name in tables.keys() - schema
    ]
    return found + [
        f"NODE_LOCAL of catalog/table.py names {name}, and no migration makes it."
        for name in NODE_LOCAL.keys() - schema
    ]


def column_faults(table: BareTable, columns: dict[str, bool]) -> list[str]:
    name = table.name
    declared = [*table.columns, *table.also, *table.unused]
    found = [
        f"The column {name}.{column} is in the migrations and not declared: add a field of that name to the record of "
        f"Table(name={name!r}), or the column to its `also`."
        for column in columns.keys() - set(declared)
    ]
    found += [
        f"Table(name={name!r}) has {column}, and no migration makes it." for column in set(declared) - columns.keys()
    ]
    places = [table.owner, *table.objects, *table.refers, *table.texts]
    for column in sorted(column for column, is_text in columns.items() if is_text):
        if places.count(column) != 1:
            found.append(
                f"The text column {name}.{column} stands in {places.count(column)} of owner, objects, refers and texts "
                f"of Table(name={name!r}) and has to stand in one: `owner` where it holds an owner, `objects` where a "
                "key of the object store, `refers` where the id of another table's row, `texts` where none of these."
            )
    return found


def test_every_table_and_every_column_is_declared(database_url: str) -> None:
    async def scenario(database: Database) -> None:
        schema = await database.read(lambda conn: schema_of(conn, database_url))
        assert len(schema) >= 17
        assert faults(schema) == []

    run(database_url, scenario)


def test_table_that_only_a_migration_makes_is_found(database_url: str) -> None:
    def work(conn: Connection) -> list[str]:
        conn.execute("CREATE TABLE batches (id TEXT PRIMARY KEY, owner TEXT NOT NULL, output_key TEXT)")
        conn.execute("ALTER TABLE files ADD COLUMN poster_key TEXT")
        conn.execute("ALTER TABLE leases ADD COLUMN retries BIGINT")
        return faults(schema_of(conn, database_url))

    async def scenario(database: Database) -> None:
        sentences = "\n".join(await database.write(work))
        assert "The table batches is in the migrations and not declared" in sentences
        assert "Write a Table(name='batches', …) into a module of catalog/rows/" in sentences
        assert "The column files.poster_key is in the migrations and not declared" in sentences
        assert "The text column files.poster_key stands in 0 of owner, objects, refers and texts" in sentences
        assert "The column leases.retries is in the migrations and not declared" in sentences
        assert "The text column leases.retries" not in sentences

    run(database_url, scenario)


def test_declarations_fit_each_other() -> None:
    tables = {table.name: table for table in registered()}
    for table in tables.values():
        assert set(table.refers.values()) <= tables.keys()
        assert not table.through or table.through in table.refers
        assert set(table.objects.values()) <= {*table.columns, *table.also}
        assert (table.backup is None) == bool(table.left_out), f"{table.name}: a reason, and only where it is left out"
        if table.objects:
            counted = tables[table.counted_by or table.name]
            assert counted.stored is not None, f"{table.name}: whose `stored` counts its objects for a quota?"
            assert table.owner or table.through, f"{table.name}: whose objects are they?"
    assert not tables.keys() & NODE_LOCAL.keys()


def test_every_module_of_a_table_is_imported_with_the_package() -> None:
    modules = {path.stem for path in Path(rows.__file__).parent.glob("*.py")} - {"__init__"}
    assert modules == set(rows.__all__)


# ── a table that comes later, with an owner and an object of its own ─────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Reply:
    id: str
    owner: str
    body_key: str | None
    body_bytes: int


@dataclass(frozen=True, slots=True)
class ReplyItem:
    id: str
    letter_id: str
    image_key: str
    bytes: int


@contextmanager
def trial_tables() -> Iterator[tuple[Table[Reply], Table[ReplyItem]]]:
    def stored(conn: Connection, owner: str) -> int:
        [(size,)] = conn.execute("SELECT coalesce(sum(body_bytes), 0) FROM letters WHERE owner = ?", (owner,))
        return int(size)

    letters = Table(
        name="letters",
        record=Reply,
        owner="owner",
        objects={"body_key": "body_bytes"},
        texts=("id",),
        stored=stored,
    )
    items = Table(
        name="letter_items",
        record=ReplyItem,
        objects={"image_key": "bytes"},
        refers={"letter_id": "letters"},
        texts=("id",),
        through="letter_id",
        counted_by="letters",
    )
    try:
        yield letters, items
    finally:
        forget_table("letters")
        forget_table("letter_items")


def test_new_table_is_known_to_whatever_walks_the_tables(database_url: str) -> None:
    def work(conn: Connection) -> None:
        conn.execute("CREATE TABLE letters (id TEXT PRIMARY KEY, owner TEXT, body_key TEXT, body_bytes BIGINT)")
        conn.execute(
            "CREATE TABLE letter_items (id TEXT PRIMARY KEY, letter_id TEXT REFERENCES letters (id), image_key TEXT,"
            " bytes BIGINT)"
        )
        with trial_tables() as (letters, items):
            assert faults(schema_of(conn, database_url)) == []
            before, objects = stored_bytes(conn, "anna"), count_objects(conn)
            letters.insert(conn, Reply("r1", "anna", "key-1", 70))
            letters.insert(conn, Reply("r2", "anna", None, 0))
            letters.insert(conn, Reply("r3", "bert", "key-3", 9))
            items.insert(conn, ReplyItem("i1", "r2", "key-i", 5))
            assert letters.find(conn, "WHERE id = ?", ("r1",)) == Reply("r1", "anna", "key-1", 70)
            asked = ["key-1", "key-2", "key-3", "key-i"]
            # The sweep: what a row names is known, and cannot be condemned.
            assert known_objects(conn, asked) == {"key-1", "key-3", "key-i"}
            assert note_unknown(conn, asked) == ["key-2"]
            assert condemn(conn, asked, NOW * 2) == ["key-2"]
            # The quota, and what joining a store compares.
            assert stored_bytes(conn, "anna") == before + 70
            assert count_objects(conn) == objects + 3
            # Erasing: the rows of both tables, and the keys of their objects.
            commit(conn)
            assert sorted(objects_of(conn, "anna")) == ["key-1", "key-i"]
            assert erase_owner(conn, "anna", NOW, 500) == 1
            assert [row.id for row in letters.select(conn, "ORDER BY id")] == ["r3"]
            assert items.select(conn, "") == []
            assert known_objects(conn, asked) == {"key-3"}

    run(database_url, lambda database: database.write(work))


def test_record_goes_in_and_comes_out_by_the_names_of_its_fields(database_url: str) -> None:
    """The order of columns in the database is not the order of fields: nothing depends on it."""

    def work(conn: Connection) -> None:
        conn.execute("CREATE TABLE letters (body_bytes BIGINT, body_key TEXT, owner TEXT, id TEXT)")
        conn.execute("CREATE TABLE letter_items (bytes BIGINT, id TEXT, image_key TEXT, letter_id TEXT)")
        with trial_tables() as (letters, _):
            made = Reply("r1", "anna", "k", 3)
            letters.insert(conn, made)
            assert letters.select(conn, "WHERE owner = ?", ("anna",)) == [made]
            assert letters.find(conn, "WHERE id = ?", ("r2",)) is None

    run(database_url, lambda database: database.write(work))


def test_copies_of_an_erased_owner_are_purged_at_google(database_url: str) -> None:
    """A second kind of copy: its subjects have an owner, and the names of its copies at Google are not forgotten."""

    def work(conn: Connection) -> None:
        conn.execute("CREATE TABLE prefixes (id TEXT PRIMARY KEY, owner TEXT NOT NULL)")
        conn.execute(
            "CREATE TABLE caches (prefix_id TEXT REFERENCES prefixes (id), model TEXT, account TEXT, state TEXT,"
            " bytes BIGINT, name TEXT, uri TEXT, generation BIGINT, upload_url TEXT, expires_at DOUBLE PRECISION,"
            " used_at DOUBLE PRECISION, error TEXT, PRIMARY KEY (prefix_id, model, account))"
        )
        try:
            BareTable(name="prefixes", also=("id", "owner"), owner="owner", texts=("id",))
            caches = CopyTable(
                name="caches",
                topic="cache",
                record=CopyRecord,
                named={"subject": "prefix_id", "form": "model"},
                refers={"prefix_id": "prefixes"},
                through="prefix_id",
                texts=("model", "account", "state", "name", "uri", "upload_url", "error"),
                alive="SELECT 1 FROM prefixes WHERE id = ?",
            )
            assert faults(schema_of(conn, database_url)) == []
            for owner in ("anna", "bert"):
                conn.execute("INSERT INTO prefixes (id, owner) VALUES (?, ?)", (f"p-{owner}", owner))
                made = CopyRecord(f"p-{owner}", "m", "project-1", "active", 1, f"cachedContents/{owner}", "", 1)
                assert save_copy(conn, caches, made)
            erase_owner(conn, "anna", conn.now(), 500)
            assert [each.name for each in due_purges(conn, conn.now() + 1, 9)] == ["cachedContents/anna"]
            assert [each.subject for each in caches.select(conn, "")] == ["p-bert"]
        finally:
            forget_table("prefixes")
            forget_table("caches")

    run(database_url, lambda database: database.write(work))


def test_nothing_walks_the_tables_before_they_are_declared() -> None:
    program = (
        "from liftgate.catalog.table import known_objects, registered\n"
        "for walk in (registered, lambda: known_objects(None, ['blob-a'])):\n"
        "    try: walk()\n"
        "    except RuntimeError as error: print(error)\n"
        "import liftgate.catalog.rows.leases\n"
        "print(len(registered()))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    refused, again, count = done.stdout.splitlines()
    assert refused == again == "import liftgate.catalog.rows first: no table is declared yet"
    assert int(count) == len(registered())


def test_table_cannot_be_declared_twice() -> None:
    with trial_tables(), pytest.raises(ValueError, match="letters is registered twice"):
        Table(name="letters", record=Reply)
