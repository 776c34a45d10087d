"""Large settings of stored responses: clients repeat instructions and tools with every turn, and each is stored once.

A setting belongs to one owner, and goes with the last of his responses that has it. Who adds or takes away a use holds
the owner's row of `reply_usage` (by `count`), so that the last use and a new one cannot pass each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from liftgate.catalog.connection import Connection
from liftgate.catalog.rows.long_values import Key, beginning, forget, whole, write_rest
from liftgate.catalog.rows.reply_items import count
from liftgate.catalog.table import BareTable, Table
from liftgate.large_bodies import Body
from liftgate.records import Owner


@dataclass(slots=True)
class Setting:
    """`field`: of the Response object. `digest`: SHA-256 of `value`, its JSON, in hexadecimal digits."""

    field: str
    digest: str
    value: Body


@dataclass(slots=True)
class SettingUse:
    holder: str
    field: str
    owner: Owner
    digest: str


SETTINGS = BareTable(name="reply_settings", also=("owner", "digest", "value"), owner="owner", texts=("digest",))
USES = Table(
    name="reply_setting_uses",
    record=SettingUse,
    owner="owner",
    refers={"holder": "replies"},
    texts=("field", "digest"),
)


def use_settings(conn: Connection, owner: Owner, holder: str, settings: Sequence[Setting]) -> None:
    """Of a response whose row is there. The owner's row of `reply_usage` is held."""
    for each in settings:
        if not _is_there(conn, owner, each.digest):
            conn.execute(
                "INSERT INTO reply_settings (owner, digest, value) VALUES (?, ?, ?)",
                (owner, each.digest, beginning(each.value)),
            )
            write_rest(conn, _key(owner, each.digest), each.value)
            count(conn, owner, len(each.value))
    USES.insert_all(conn, [SettingUse(holder, each.field, owner, each.digest) for each in settings])


def new_bytes(conn: Connection, owner: Owner, settings: Sequence[Setting]) -> int:
    """Of those that are not stored yet."""
    missing = {each.digest: len(each.value) for each in settings if not _is_there(conn, owner, each.digest)}
    return sum(missing.values())


def settings_of(conn: Connection, owner: Owner, holder: str) -> list[Setting]:
    """Within a snapshot."""
    rows = conn.execute(
        "SELECT u.field, u.digest, s.value FROM reply_setting_uses u"
        " JOIN reply_settings s ON s.owner = u.owner AND s.digest = u.digest WHERE u.holder = ?",
        (holder,),
    )
    return [Setting(field, digest, whole(conn, _key(owner, digest), bytes(value))) for field, digest, value in rows]


def end_uses(conn: Connection, holder: str) -> list[str]:
    """The response goes; the digests of what it had, for `release_settings`."""
    gone = conn.execute("DELETE FROM reply_setting_uses WHERE holder = ? RETURNING digest", (holder,))
    return [row[0] for row in gone]


def release_settings(conn: Connection, owner: Owner, digests: Sequence[str]) -> None:
    """Erases those that no response has any more. The owner's row of `reply_usage` is held."""
    for digest in sorted(set(digests)):
        gone = conn.execute(
            "DELETE FROM reply_settings WHERE owner = ? AND digest = ? AND NOT EXISTS"
            " (SELECT 1 FROM reply_setting_uses u WHERE u.owner = ? AND u.digest = ?) RETURNING length(value)",
            (owner, digest, owner, digest),
        )
        for (size,) in gone:
            count(conn, owner, -forget(conn, _key(owner, digest), size))


def _is_there(conn: Connection, owner: Owner, digest: str) -> bool:
    return bool(conn.execute("SELECT 1 FROM reply_settings WHERE owner = ? AND digest = ?", (owner, digest)))


def _key(owner: Owner, digest: str) -> Key:
    return owner, "reply_settings.value", digest, 0
