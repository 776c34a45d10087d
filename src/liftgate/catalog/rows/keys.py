"""Keys that are made at run time: a row for each, with a digest of its secret and never the secret.

Every write of a row announces its id (topic "key"), so that no process goes on with what it remembers of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from liftgate.catalog.connection import Connection, invalidate, storable
from liftgate.catalog.folding import folded, one_holds
from liftgate.catalog.table import Part, Table
from liftgate.errors import Conflict
from liftgate.records import KeyRecord, KeySearch, Owner

TOPIC = "key"
HAS_BUDGET = """(terms LIKE '%_budget"%' OR terms LIKE '%"budget_limits"%')"""


class KeyTable(Table[KeyRecord], frozen=True, kw_only=True, eq=False, dict=True):
    def delete_rows(self, conn: Connection, condition: str, params: Sequence[object]) -> None:
        """With what their limits have let out."""
        found = [row[0] for row in conn.execute(f"SELECT id FROM keys WHERE {condition} /*FOR UPDATE*/", params)]
        for key_id in found:
            conn.execute("DELETE FROM allowances WHERE key_id = ?", (key_id,))
            conn.execute("DELETE FROM keys WHERE id = ?", (key_id,))
            invalidate(conn, TOPIC, key_id)


KEYS = KeyTable(
    name="keys",
    record=KeyRecord,
    owner="owner",
    texts=("id", "token", "hint", "alias", "old_token", "terms", "team"),
)


def insert_key(conn: Connection, key: KeyRecord) -> KeyRecord:
    """With the database's time as its beginning. Raises `Conflict` where its secret or its alias is another's."""
    now = conn.now()
    made = replace(key, created_at=now, updated_at=now)
    _check_free(conn, made)
    KEYS.insert(conn, made)
    invalidate(conn, TOPIC, made.id)
    return made


def save_key(conn: Connection, key: KeyRecord) -> KeyRecord:
    """Writes what is new in a row that was read in the same transaction (`lock_key`)."""
    saved = replace(key, updated_at=conn.now())
    _check_free(conn, saved)
    columns = KEYS.columns[1:]
    conn.execute(
        f"UPDATE keys SET {', '.join(f'{column} = ?' for column in columns)} WHERE id = ?",
        (*KEYS.values(saved)[1:], saved.id),
    )
    invalidate(conn, TOPIC, saved.id)
    return saved


def _check_free(conn: Connection, key: KeyRecord) -> None:
    # One at a time: two that take one alias at the same moment would else meet the index, which knows no sentence.
    conn.execute("UPDATE counters SET value = value WHERE name = 'generation'")
    if conn.execute(
        "SELECT 1 FROM keys WHERE (token = ? OR old_token = ?) AND id <> ?", (key.token, key.token, key.id)
    ):
        raise Conflict("A key with this secret is there already.", param="key", code="key_exists")
    if key.alias is not None and conn.execute("SELECT 1 FROM keys WHERE alias = ? AND id <> ?", (key.alias, key.id)):
        raise Conflict(
            f"A key with the alias {key.alias!r} is there already.", param="key_alias", code="key_alias_exists"
        )


def keys_with_budgets(conn: Connection, limit: int) -> list[KeyRecord]:
    """Those that were changed last; among them may be some whose notes only speak of a budget."""
    return KEYS.select(conn, f"WHERE {HAS_BUDGET} ORDER BY updated_at DESC, id LIMIT ?", (limit,))


def key_of_token(conn: Connection, token: str) -> KeyRecord | None:
    """The key whose secret has this digest, now or before its last regeneration."""
    if not storable(token):
        return None
    return KEYS.find(conn, "WHERE token = ?", (token,)) or KEYS.find(conn, "WHERE old_token = ?", (token,))


def key_of_id(conn: Connection, key_id: str) -> KeyRecord | None:
    return KEYS.find(conn, "WHERE id = ?", (key_id,))


def lock_key(conn: Connection, token: str) -> KeyRecord | None:
    """Inside a write: as `key_of_token`, but for old secrets, and under the row's lock."""
    return KEYS.find(conn, "WHERE token = ? /*FOR UPDATE*/", (token,)) if storable(token) else None


def lock_former(conn: Connection, token: str) -> KeyRecord | None:
    """As `lock_key`, by the secret before the last regeneration."""
    return KEYS.find(conn, "WHERE old_token = ? /*FOR UPDATE*/", (token,)) if storable(token) else None


def token_of_alias(conn: Connection, alias: str) -> str | None:
    if not storable(alias):
        return None
    rows = conn.execute("SELECT token FROM keys WHERE alias = ?", (alias,))
    return str(rows[0][0]) if rows else None


def delete_key(conn: Connection, token: str) -> bool:
    there = bool(conn.execute("SELECT 1 FROM keys WHERE token = ? /*FOR UPDATE*/", (token,)))
    KEYS.delete_rows(conn, "token = ?", (token,))
    return there


def any_keys(conn: Connection) -> bool:
    return bool(conn.execute("SELECT 1 FROM keys LIMIT 1"))


ORDERS = {
    "created_at": "created_at",
    "updated_at": "updated_at",
    "expires": "expires_at",
    "key_alias": "alias",
    "key_name": "hint",
    "user_id": "owner",
}
"""LiteLLM's names of what a list can be sorted by → column."""


OF_OWNER = "(owner = ? OR team = ?)"
"""The keys of a user or a team, who are owners alike: those that name it. So a team has those of its users too."""


def list_keys(conn: Connection, search: KeySearch) -> tuple[list[KeyRecord], int]:
    """A page of those that fit, and how many there are."""
    conditions, values = ["1 = 1"], list[object]()
    exactly = (
        (OF_OWNER, search.owner),
        (OF_OWNER, search.team),
        ("alias = ?", search.alias),
        ("token = ?", search.token),
    )
    for condition, wanted in exactly:
        if wanted is not None:
            if not storable(wanted):
                return [], 0
            conditions.append(condition)
            values += [wanted] * condition.count("?")
    now = conn.now()
    if search.status == "blocked":
        conditions.append("blocked = 1")
    elif search.status == "expired":
        conditions.append("expires_at <= ?")
        values.append(now)
    elif search.status == "active":
        conditions.append("blocked = 0 AND (expires_at IS NULL OR expires_at > ?)")
        values.append(now)
    part = Part(folded(search.text), ("alias", "owner")) if search.text else None
    return KEYS.page(conn, conditions, values, ORDERS[search.order], search, part)


def list_aliases(conn: Connection, text: str, team: Owner | None, *, page: int, size: int) -> tuple[list[str], int]:
    """A page of the aliases that hold `text`, of all teams or one, and how many there are."""
    if not storable(team):
        return [], 0
    where, values = "alias IS NOT NULL", list[object]()
    if team is not None:
        where += f" AND {OF_OWNER}"
        values += [team, team]
    part = folded(text)
    rows = conn.execute(f"SELECT alias FROM keys WHERE {where} ORDER BY alias", values)
    found = [str(row[0]) for row in rows if one_holds(row, part)]
    return found[(page - 1) * size : page * size], len(found)
