"""Gives owners limits, changes them and takes them away: LiteLLM's users and teams, which are owners here alike."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo

import msgspec

from liftgate import ids
from liftgate.audit import By, note
from liftgate.catalog.connection import Connection
from liftgate.catalog.database import Database
from liftgate.catalog.rows import owner_limits as rows
from liftgate.catalog.rows.allowances import OWNER_IDS
from liftgate.catalog.rows.keys import list_keys
from liftgate.errors import NotFound, shortened
from liftgate.json_types import JsonObject
from liftgate.keys.fields import Fields, following_metadata
from liftgate.keys.keyring import NewKey, note_key
from liftgate.keys.limits import Bounds
from liftgate.keys.spending import read_spending, spent_by_key, spent_by_owner
from liftgate.keys.terms import Terms, read_terms, written
from liftgate.records import KeyRecord, KeySearch, OwnerLimits, OwnerSearch, UsageFilter

MOST_KEYS = 100
"""Keys that are shown with their owner."""

log = logging.getLogger("liftgate.keys")


class Owners:
    """`zone`: in which budgets begin anew."""

    def __init__(self, db: Database, zone: ZoneInfo) -> None:
        self._db = db
        self._zone = zone

    async def add(
        self, owner: str, alias: str | None, fields: Fields, by: By, new: NewKey | None = None
    ) -> tuple[JsonObject, JsonObject]:
        """With its first key `new`, where there is one, or none of both. The owner and the key as they are shown.
        Raises `Conflict` for an owner that has limits already, and for a secret or an alias that is taken."""
        terms = msgspec.structs.replace(Terms(made_by=by.name), **fields)
        record = OwnerLimits(OWNER_IDS + ids.token(), owner, alias, 0.0, 0.0, written(terms))

        def work(conn: Connection) -> tuple[KeyRecord | None, JsonObject, JsonObject]:
            key = None if new is None else new.insert(conn)
            made = spent_by_owner(conn, rows.insert_owner(conn, record), self._zone)
            return key, made, {} if key is None else spent_by_key(conn, key, self._zone)

        key, made, made_key = await self._db.write(work, storing=True)
        if key is not None:
            note_key("key_made", by, key)
        note(log, "owner_limited", by, owner=owner)
        return made, made_key

    async def update(self, owner: str, fields: Fields, by: By) -> JsonObject:
        """Changes what `fields` name, `alias` too; the owner as it is shown then. Raises `NotFound`."""
        terms = {name: value for name, value in fields.items() if name != "alias"}

        def work(conn: Connection) -> JsonObject:
            record = rows.lock_owner(conn, owner)
            if record is None:
                raise no_such_owner(owner)
            before = read_terms(record.terms)
            changed = msgspec.structs.replace(before, **following_metadata(terms, before))
            alias = fields.get("alias", record.alias)
            saved = rows.save_owner(conn, replace(record, alias=alias, terms=written(changed)))
            return spent_by_owner(conn, saved, self._zone)

        shown = await self._db.write(work)
        note(log, "owner_changed", by, owner=owner, fields=sorted(fields))
        return shown

    async def delete(self, owners: Sequence[str], by: By) -> None:
        """All of them or none, with their keys. Raises `NotFound`, which names the first that is not there."""

        def work(conn: Connection) -> None:
            for owner in sorted(set(owners)):
                record = rows.lock_owner(conn, owner)
                if record is None:
                    raise no_such_owner(owner)
                rows.delete_owner(conn, record)

        await self._db.write(work)
        for owner in owners:
            note(log, "owner_deleted", by, owner=owner)

    async def show(self, owner: str, *, own: bool) -> tuple[JsonObject, list[JsonObject]]:
        """What is known of an owner, with what it has spent, and its keys. `own`: whether the owner itself asks. Raises
        `NotFound` for another one that has neither limits nor keys."""

        def work(conn: Connection) -> tuple[JsonObject, list[JsonObject]]:
            record = rows.find_owner(conn, owner)
            found, _ = list_keys(conn, KeySearch(owner=owner, size=MOST_KEYS))
            keys = [spent_by_key(conn, each, self._zone) for each in found]
            if record is None:
                if not found and not own:
                    raise no_such_owner(owner)
                counted = read_spending(conn, "", Bounds("", owner, 0.0, Terms()), UsageFilter(owner=owner), self._zone)
                return {"owner": owner, **counted}, keys
            return spent_by_owner(conn, record, self._zone), keys

        return await self._db.read(work)

    async def list(self, search: OwnerSearch) -> tuple[list[JsonObject], int]:
        """Of those that have limits a page as they are shown, and how many fit."""

        def look(conn: Connection) -> tuple[list[JsonObject], int]:
            found, total = rows.list_owners(conn, search)
            return [spent_by_owner(conn, each, self._zone) for each in found], total

        return await self._db.read(look)


def no_such_owner(owner: str) -> NotFound:
    return NotFound(f"No such owner: {shortened(owner, 80)}.", code="owner_not_found")
