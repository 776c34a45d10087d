"""Whether a catalogue's schema is what the migrations make: what it lacks, and what was added that stands in the way.

A dropped table makes calls fail, a lost unique index keeps Files twice. What somebody adds can do as much: a column
that must be given, a CHECK, a trigger that raises or swallows a row, a foreign key that keeps a File from being
deleted. What changes no write of ours (another table, a plain index, a column that may be left out) is not named.

An engine tells its schema as facts, rows of (kind, table, name, detail). What they must be is learnt from the
migrations, in an empty SQLite database.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import NamedTuple

from liftgate.catalog.connection import SqlRow
from liftgate.catalog.formulas import IN_POSTGRES, IN_SQLITE, Harmless, bare, can_fail, generated
from liftgate.catalog.migrate import SCHEMA_VERSION
from liftgate.catalog.schema import built, newest_schema

SHOWN = 3

Key = tuple[str, str, str]
"""(kind, table, name). The name of a primary key is its columns; of a foreign key `column to table`."""
Facts = dict[Key, str]
"""`detail` of a table: what is wrong with it as a whole. Of a column: `TYPE;must it be given or not be null;has it a
default`. Of an index: `unique;partial;columns`. Of a foreign key: what it does when the other row is deleted."""


class Engine(NamedTuple):
    """`facts`: SQL. `types`: as the engine names them → as the migrations do. `harmless`: in what it computes."""

    facts: str
    types: Mapping[str, str]
    harmless: Harmless


SQLITE = Engine(
    """
    WITH t AS MATERIALIZED (
        SELECT name, sql FROM sqlite_master WHERE type = 'table' AND substr(name, 1, 7) <> 'sqlite_'
    )
    SELECT 'table', name, '', sql FROM t
    UNION ALL
    SELECT 'column', t.name, c.name,
        upper(c.type) || CASE WHEN c.hidden > 1 THEN ' GENERATED' ELSE '' END || ';' || (c."notnull" OR c.pk > 0)
        || ';' || (c.dflt_value IS NOT NULL OR c.hidden > 1 OR (c.pk = 1 AND upper(c.type) = 'INTEGER'))
    FROM t, pragma_table_xinfo(t.name) c
    UNION ALL
    SELECT 'primary key', t.name, (
        SELECT group_concat(name) FROM (SELECT name FROM pragma_table_info(t.name) WHERE pk > 0 ORDER BY pk)
    ), '' FROM t
    UNION ALL
    SELECT 'index', t.name, l.name, l."unique" || ';' || l.partial || ';' || (
        SELECT group_concat(name) FROM (
            SELECT coalesce(name, '…') AS name FROM pragma_index_xinfo(l.name) WHERE key = 1 ORDER BY seqno
        )
    ) FROM t, pragma_index_list(t.name) l WHERE l.origin <> 'pk'
    UNION ALL
    SELECT 'foreign key', t.name, f."from" || ' to ' || lower(f."table"), f.on_delete
    FROM t, pragma_foreign_key_list(t.name) f
    UNION ALL
    SELECT 'trigger', t.name, m.name, ''
    FROM t JOIN sqlite_master m ON m.type = 'trigger' AND lower(m.tbl_name) = lower(t.name)
    UNION ALL
    SELECT 'formula of index', t.name, m.name, substr(m.sql, instr(m.sql, '('))
    FROM t JOIN sqlite_master m ON m.type = 'index' AND lower(m.tbl_name) = lower(t.name) AND m.sql IS NOT NULL
    UNION ALL
    SELECT 'formula of column', t.name, c.name, c.dflt_value
    FROM t, pragma_table_xinfo(t.name) c WHERE c.dflt_value IS NOT NULL
    """,
    {"INTEGER": "BIGINT"},
    IN_SQLITE,
)
# Of a table that this role may not use nothing is told: it is as good as not there. An index that is not valid refuses
# rows already, and finds none yet. A B-tree refuses rows with more than 2,704 bytes. Under a collation that is not
# deterministic one owner's name can be another's.
POSTGRES = Engine(
    """
    WITH t AS MATERIALIZED (
        SELECT t.oid, t.relname::text AS name, t.relpersistence
        FROM pg_namespace n JOIN pg_class t ON t.relnamespace = n.oid
        WHERE n.nspname = 'liftgate' AND t.relkind IN ('r', 'p') AND has_schema_privilege(n.oid, 'USAGE')
            AND has_table_privilege(t.oid, 'SELECT') AND has_table_privilege(t.oid, 'INSERT')
            AND has_table_privilege(t.oid, 'UPDATE') AND has_table_privilege(t.oid, 'DELETE')
    )
    SELECT 'table', name, '', CASE WHEN relpersistence = 'u' THEN 'is unlogged'
        WHEN row_security_active(oid) THEN 'has row security' ELSE '' END
    FROM t
    UNION ALL
    SELECT 'column', t.name, a.attname, format_type(a.atttypid, a.atttypmod)
        || CASE WHEN a.attgenerated <> '' OR a.attidentity = 'a' THEN ' GENERATED' ELSE '' END
        || coalesce((SELECT ' COLLATE ' || collname FROM pg_collation
            WHERE oid = a.attcollation AND NOT collisdeterministic), '')
        || ';' || (a.attnotnull OR y.typnotnull)::int
        || ';' || (a.atthasdef OR a.attidentity <> '' OR y.typdefault IS NOT NULL)::int
    FROM t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_type y ON y.oid = a.atttypid
    UNION ALL
    SELECT
        CASE WHEN NOT x.indisvalid THEN 'unfinished index' WHEN x.indisprimary THEN 'primary key' ELSE 'index' END,
        t.name, CASE WHEN x.indisprimary THEN c.names ELSE i.relname END,
        CASE WHEN x.indisprimary THEN '' ELSE
            x.indisunique::int || ';' || (x.indpred IS NOT NULL)::int || ';' || c.names END
    FROM t JOIN pg_index x ON x.indrelid = t.oid JOIN pg_class i ON i.oid = x.indexrelid CROSS JOIN LATERAL (
        SELECT string_agg(coalesce(a.attname, '…'), ',' ORDER BY k.place) AS names
        FROM unnest(x.indkey::int2[]) WITH ORDINALITY k (number, place)
        LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.number AND k.number > 0
        WHERE k.place <= x.indnkeyatts
    ) c
    UNION ALL
    SELECT DISTINCT 'index over long values', t.name, i.relname, ''
    FROM t JOIN pg_index x ON x.indrelid = t.oid JOIN pg_class i ON i.oid = x.indexrelid
    JOIN pg_am m ON m.oid = i.relam AND m.amname = 'btree'
    JOIN pg_attribute a ON a.attrelid = i.oid AND a.atttypid = 'bytea'::regtype
    UNION ALL
    SELECT 'foreign key', coalesce(t.name, o.conrelid::regclass::text),
        a.attname || ' to ' || coalesce(r.name, o.confrelid::regclass::text),
        CASE o.confdeltype WHEN 'c' THEN 'CASCADE' WHEN 'n' THEN 'SET NULL' WHEN 'd' THEN 'SET DEFAULT'
            WHEN 'r' THEN 'RESTRICT' ELSE 'NO ACTION' END
    FROM pg_constraint o LEFT JOIN t ON t.oid = o.conrelid LEFT JOIN t r ON r.oid = o.confrelid
    JOIN pg_attribute a ON a.attrelid = o.conrelid AND a.attnum = ANY (o.conkey)
    WHERE o.contype = 'f' AND (t.oid IS NOT NULL OR r.oid IS NOT NULL)
    UNION ALL
    SELECT CASE o.contype WHEN 'c' THEN 'CHECK' ELSE 'exclusion constraint' END, t.name, o.conname, ''
    FROM t JOIN pg_constraint o ON o.conrelid = t.oid WHERE o.contype IN ('c', 'x')
    UNION ALL
    SELECT 'trigger', t.name, g.tgname, ''
    FROM t JOIN pg_trigger g ON g.tgrelid = t.oid WHERE NOT g.tgisinternal AND g.tgenabled IN ('O', 'A')
    UNION ALL
    SELECT 'rule', t.name, w.rulename, ''
    FROM t JOIN pg_rewrite w ON w.ev_class = t.oid WHERE w.rulename <> '_RETURN' AND w.ev_enabled IN ('O', 'A')
    UNION ALL
    SELECT 'formula of index', t.name, i.relname,
        concat_ws(', ', pg_get_expr(x.indexprs, t.oid), pg_get_expr(x.indpred, t.oid))
    FROM t JOIN pg_index x ON x.indrelid = t.oid JOIN pg_class i ON i.oid = x.indexrelid
    WHERE x.indexprs IS NOT NULL OR x.indpred IS NOT NULL
    UNION ALL
    SELECT 'formula of column', t.name, a.attname, pg_get_expr(d.adbin, t.oid)
    FROM t JOIN pg_attrdef d ON d.adrelid = t.oid JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.adnum
    """,
    {"text": "TEXT", "bytea": "BLOB", "bigint": "BIGINT", "double precision": "DOUBLE PRECISION"},
    IN_POSTGRES,
)
_CLAUSE = re.compile(r"\bCHECK\s*\(|\bON\s+CONFLICT\b", re.IGNORECASE)
"""What SQLite tells in the text of a table alone."""
_LETS_GO = ("CASCADE", "SET NULL")


def schema_faults(execute: Callable[[str], Sequence[SqlRow]], engine: Engine) -> str:
    """What is wrong, to stand behind `its schema`: `lacks index files_alias, and has a trigger guard on table files`;
    "" where nothing is. Of a schema that a newer Liftgate has brought up to date meanwhile, only what it lacks."""
    if engine is SQLITE and execute(_TEXTS) == _expected_texts():
        # To ask for the facts takes twenty times as long, and readiness asks often.
        return ""
    found = _read(execute(engine.facts), engine)
    expected = expected_facts()
    lacks, has = list(_gone(found, expected)), [*_changed(found, expected), *_added(found, expected)]
    if has and ("table", "schema_version", "") in found:
        [(version,)] = execute("SELECT max(version) FROM liftgate.schema_version" if engine is POSTGRES else _VERSION)
        if version is not None and version > newest_schema():
            has = []
    said = [f"{verb} {_listed(names)}" for verb, names in (("lacks", lacks), ("has", has)) if names]
    return ", and ".join(said)


_VERSION = "SELECT max(version) FROM schema_version"


_TEXTS = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name"


@cache
def expected_facts() -> Facts:
    return _read(_asked_of_ours(SQLITE.facts), SQLITE)


@cache
def _expected_texts() -> list[SqlRow]:
    return _asked_of_ours(_TEXTS)


def _asked_of_ours(sql: str) -> list[SqlRow]:
    """What an empty catalogue answers."""
    raw = built(newest_schema())
    try:
        raw.execute(SCHEMA_VERSION)
        return raw.execute(sql).fetchall()
    finally:
        raw.close()


def _read(rows: Iterable[SqlRow], engine: Engine) -> Facts:
    facts: Facts = {}
    formulas: list[tuple[str, str, str, str]] = []
    for kind, table, name, detail in rows:
        if kind == "column":
            spelled, _, rest = detail.partition(";")
            detail = f"{engine.types.get(spelled, spelled)};{rest}"
        elif kind == "table" and detail.startswith("CREATE"):
            text = bare(detail)
            for clause in _CLAUSE.findall(text):
                facts["CHECK" if clause[:2].upper() == "CH" else "ON CONFLICT clause", table, ""] = ""
            formulas += (("formula of column", table, "", formula) for formula in generated(text))
            detail = ""
        elif kind.startswith("formula"):
            formulas.append((kind, table, name, detail))
            continue
        facts[kind, table, name or ""] = detail
    for kind, table, name, formula in formulas:
        if can_fail(formula, engine.harmless):
            facts[kind, table, name] = ""
    return facts


def _gone(found: Facts, expected: Facts) -> Iterator[str]:
    for kind, table, name in expected:
        if (kind, table, name) in found:
            continue
        if kind == "table":
            yield f"table {table}"
        elif ("table", table, "") in found:
            yield {
                "column": f"column {table}.{name}",
                "primary key": f"the primary key of {table}",
                "foreign key": f"foreign key {table}.{name}",
            }.get(kind, f"{kind} {name}")


def _changed(found: Facts, expected: Facts) -> Iterator[str]:
    """What is ours and not as we made it, where that can refuse, change or lose a row."""
    for key, was in expected.items():
        kind, table, name = key
        now = found.get(key, was)
        if now == was:
            continue
        if kind == "table":
            yield f"table {table}, which {now}"
        elif kind == "index":
            yield f"index {name} of {table} in another form"
        elif kind == "foreign key":
            yield f"foreign key {table}.{name} with {now}"
        elif kind == "column" and (how := _other_column(was.split(";"), now.split(";"))):
            yield f"column {table}.{name} {how}"


def _other_column(was: Sequence[str], now: Sequence[str]) -> str:
    if now[0] != was[0]:
        return f"as {now[0]}, not {was[0]}"
    if now[1] > was[1]:
        return "as NOT NULL"
    return "without its default" if now[2] < was[2] else ""


def _added(found: Facts, expected: Facts) -> Iterator[str]:
    """What is not ours and acts on our tables."""
    ours = {table for _, table, _ in expected}
    keys = {table: set(name.split(",")) for kind, table, name in expected if kind == "primary key"}
    for key, detail in found.items():
        kind, table, name = key
        if key in expected:
            continue
        if kind == "foreign key":
            if table in ours:
                # A column that nobody fills refers to nothing.
                column = found["column", table, name.partition(" to ")[0]]
                if ("column", table, name.partition(" to ")[0]) in expected or column.endswith(";1"):
                    yield f"a foreign key on table {table} ({_shown(name)})"
            elif name.rpartition(" to ")[2] in ours and detail not in _LETS_GO:
                yield f"a foreign key on table {_shown(table)} ({_shown(name)}) that keeps what it refers to"
        elif table not in ours or kind in ("table", "primary key"):
            continue
        else:
            yield from _acting(key, detail, keys[table])


def _acting(key: Key, detail: str, primary: set[str]) -> Iterator[str]:
    """Of one that is added to a table of ours with this primary key; nothing where it is harmless."""
    kind, table, name = key
    where = f"{_shown(name)} on table {_shown(table)}".lstrip()
    if kind == "column":
        if detail.endswith(";1;0"):
            yield f"a column {table}.{_shown(name)} that must be given"
    elif kind in ("index", "unfinished index"):
        unique, _, columns = detail.split(";", 2)
        # A key with something added to it is met by every row.
        if unique == "1" and not primary <= set(columns.split(",")):
            yield f"a unique {kind} {where}"
    elif kind == "formula of index":
        yield f"an index {where} with an expression that can fail"
    elif kind == "formula of column":
        yield f"a column {table}.{_shown(name) or '…'} with an expression that can fail"
    else:
        yield f"{'an' if kind[0] in 'eiO' else 'a'} {kind} {where}"


def _shown(name: str) -> str:
    return name if name.isprintable() else repr(name)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
