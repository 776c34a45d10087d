"""Makes, changes and removes keys. A secret is shown once, by the call that made it; what stays is its digest.

Every call is one transaction, which also reads what is shown of the key: a catalogue that goes away behind it costs
nobody a secret. What it changes is true for every process within a second (`known`).
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar
from zoneinfo import ZoneInfo

import msgspec

from liftgate import ids
from liftgate.audit import Action, By, note
from liftgate.catalog.connection import Connection
from liftgate.catalog.database import Database
from liftgate.catalog.rows import keys as rows
from liftgate.catalog.rows.allowances import change_allowances
from liftgate.errors import Conflict, InvalidRequest, NotFound, shortened
from liftgate.json_types import JsonObject
from liftgate.keys.fields import Fields, following_metadata
from liftgate.keys.key import Key
from liftgate.keys.limits import NANO
from liftgate.keys.pools import with_spent
from liftgate.keys.shown import iso
from liftgate.keys.spending import spent_by_key
from liftgate.keys.terms import Terms, read_terms, written
from liftgate.keys.windows import window_of
from liftgate.records import KeyRecord, KeySearch, Owner

T = TypeVar("T")
SECRET_LENGTH = 32
"""Characters of 5 bits each."""
COLUMNS = frozenset({"key", "key_alias", "duration", "blocked"})
"""Fields that the row has for itself; the others are its terms."""

log = logging.getLogger("liftgate.keys")


def token_of(secret: str) -> str:
    """The digest that stands for a secret: LiteLLM's `token`, SHA-256 in hex."""
    return hashlib.sha256(secret.encode()).hexdigest()


def named_token(key: str) -> str:
    """The digest of a key that is named by its secret or by its digest."""
    return token_of(key) if key.startswith("sk-") else key.lower()


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that is not stored yet. `fields`: what it was asked to be."""

    record: KeyRecord
    secret: str
    fields: Fields

    def insert(self, conn: Connection) -> KeyRecord:
        """Inside a write. Its life begins with the database's time. Raises `Conflict`."""
        return rows.insert_key(conn, replace(self.record, expires_at=_end(conn, self.fields)))


class Keyring:
    """`taken`: digests of the config's keys, which no other key may have. `zone`: in which budgets begin anew."""

    def __init__(self, db: Database, taken: Collection[str], zone: ZoneInfo) -> None:
        self._db = db
        self._taken = taken
        self._zone = zone

    def new(self, fields: Fields, by: By) -> NewKey:
        """A key that is to be made. Raises `Conflict`."""
        secret = fields.get("key") or _new_secret()
        self._check_secret(secret)
        key_id = "key_" + ids.token()
        terms = msgspec.structs.replace(Terms(made_by=by.name), **_terms(fields))
        record = KeyRecord(
            id=key_id,
            token=token_of(secret),
            hint=_hint(secret),
            alias=fields.get("key_alias"),
            owner=terms.user_id or terms.team_id or key_id,
            blocked=int(fields.get("blocked", False)),
            created_at=0.0,
            updated_at=0.0,
            expires_at=None,
            old_token=None,
            old_until=None,
            terms=written(terms),
            team=terms.team_id,
        )
        return NewKey(record, secret, fields)

    async def generate(self, fields: Fields, by: By) -> tuple[JsonObject, str]:
        """The key as it is shown, and its secret. Raises `Conflict`."""
        new = self.new(fields, by)

        def work(conn: Connection) -> tuple[KeyRecord, JsonObject]:
            return self._with_spent(conn, new.insert(conn))

        made, shown = await self._db.write(work, storing=True)
        note_key("key_made", by, made)
        return shown, new.secret

    async def find(self, key: str) -> KeyRecord:
        """By its secret or its digest. Raises `NotFound`."""
        token = named_token(key)
        record = await self._db.read(lambda conn: rows.key_of_token(conn, token))
        if record is None:
            raise no_such_key(key)
        return record

    async def show(self, *records: KeyRecord) -> list[JsonObject]:
        """By LiteLLM's names, with what they have spent."""
        return await self._db.read(lambda conn: [spent_by_key(conn, each, self._zone) for each in records])

    async def show_named(self, keys: Sequence[str], aliases: Sequence[str]) -> list[JsonObject]:
        """Those that are there, each once: by secrets or digests first, then by aliases."""

        def look(conn: Connection) -> list[JsonObject]:
            tokens = [*map(named_token, keys), *[rows.token_of_alias(conn, alias) for alias in aliases]]
            found = [rows.key_of_token(conn, token) for token in tokens if token is not None]
            once = {record.id: record for record in found if record is not None}
            return [spent_by_key(conn, record, self._zone) for record in once.values()]

        return await self._db.read(look)

    async def find_alias(self, alias: str) -> str:
        """The digest of the key that has it. Raises `NotFound`."""
        token = await self._db.read(lambda conn: rows.token_of_alias(conn, alias))
        if token is None:
            raise NotFound(f"No key has the alias {shortened(alias)!r}.", param="key_aliases", code="key_not_found")
        return token

    async def list_aliases(self, text: str, team: Owner | None, *, page: int, size: int) -> tuple[list[str], int]:
        """A page of the aliases that hold `text`, in any case, and how many there are."""
        return await self._db.read(lambda conn: rows.list_aliases(conn, text, team, page=page, size=size))

    async def list(self, search: KeySearch) -> tuple[list[KeyRecord], int]:
        return await self._db.read(lambda conn: rows.list_keys(conn, search))

    async def update(self, key: str, fields: Fields, by: By) -> JsonObject:
        """Changes what `fields` name; the key as it is shown then. Raises `NotFound`, `Conflict`."""

        def change(conn: Connection, record: KeyRecord) -> KeyRecord:
            return rows.save_key(conn, _apply_fields(conn, record, fields))

        saved, shown = await self._write(key, change)
        note_key("key_changed", by, saved, fields=sorted(fields))
        return shown

    async def block(self, key: str, by: By, *, on: bool) -> JsonObject:
        """The key as it is shown then. It may be named by its former secret too, which is still good in its time of
        grace, and may be the one that is in wrong hands. Raises `NotFound`."""
        saved, shown = await self._write(
            key, lambda conn, record: rows.save_key(conn, replace(record, blocked=int(on))), by_former=True
        )
        note_key("key_blocked" if on else "key_unblocked", by, saved)
        return shown

    async def reset_spend(self, key: str, to: int, by: By) -> JsonObject:
        """Nano-dollars of which no more count as spent of each of its budgets from now on; what was counted by day
        stays. What is known of it then, and the most that was spent before. Raises `NotFound`, and InvalidRequest
        where that is less, or there is no budget."""
        before = 0

        def change(conn: Connection, record: KeyRecord) -> KeyRecord:
            limits = {each.id: each for each in Key(record).bounds.limits if each.kind == "usd"}
            if not limits:
                raise InvalidRequest(
                    "This key has no budget of which anything could be spent. What was counted by day is not changed.",
                    code="no_budget",
                )

            def set_back(limit_id: str, state: str | None, now: float) -> str:
                nonlocal before
                begin, _ = window_of(limits[limit_id].duration, now, record.created_at, self._zone)
                changed, spent = with_spent(state, begin, to)
                before = max(before, spent)
                return changed

            change_allowances(conn, [(each.id, each.subject) for each in limits.values()], set_back)
            if to > before:
                raise InvalidRequest(
                    f"Invalid value for 'reset_to': {before / NANO:g} US dollars are spent.", param="reset_to"
                )
            return rows.save_key(conn, record)

        record, shown = await self._write(key, change)
        note_key("key_spend_reset", by, record, reset_to=to / NANO, spent=before / NANO)
        return {**shown, "previous_spend": before / NANO}

    async def regenerate(self, key: str, fields: Fields, grace: float, by: By) -> tuple[JsonObject, str]:
        """The key as it is shown, and its other secret. `grace`: seconds for which the old one is good too. Raises
        `NotFound`, `Conflict`."""
        secret = fields.pop("key", None) or _new_secret()
        self._check_secret(secret)

        def change(conn: Connection, record: KeyRecord) -> KeyRecord:
            changed = _apply_fields(conn, record, fields)
            until = conn.now() + grace if grace else None
            kept = record.token if grace else None
            return rows.save_key(
                conn, replace(changed, token=token_of(secret), hint=_hint(secret), old_token=kept, old_until=until)
            )

        saved, shown = await self._write(key, change)
        note_key("key_regenerated", by, saved, grace_seconds=grace, fields=sorted(fields) or None)
        return {**shown, "old_key_good_until": iso(saved.old_until)}, secret

    async def delete(self, keys: Sequence[str], by: By) -> None:
        """All of them or none. Raises `NotFound`, which names the first that is not there."""
        tokens = {named_token(key): key for key in keys}

        def work(conn: Connection) -> list[KeyRecord]:
            gone = []
            for token, key in sorted(tokens.items()):
                record = rows.lock_key(conn, token)
                if record is None or not rows.delete_key(conn, token):
                    raise _not_named(conn, key)
                gone.append(record)
            return gone

        for record in await self._db.write(work):
            note_key("key_deleted", by, record)

    async def _write(
        self, key: str, change: Callable[[Connection, KeyRecord], KeyRecord], *, by_former: bool = False
    ) -> tuple[KeyRecord, JsonObject]:
        token = named_token(key)

        def work(conn: Connection) -> tuple[KeyRecord, JsonObject]:
            record = rows.lock_key(conn, token)
            if record is None and by_former:
                record = rows.lock_former(conn, token)
            if record is None:
                raise _not_named(conn, key)
            return self._with_spent(conn, change(conn, record))

        return await self._db.write(work)

    def _with_spent(self, conn: Connection, record: KeyRecord) -> tuple[KeyRecord, JsonObject]:
        return record, spent_by_key(conn, record, self._zone)

    def _check_secret(self, secret: str) -> None:
        if token_of(secret) in self._taken:
            raise Conflict("This is a key of the config.", param="key", code="key_exists")


def note_key(action: Action, by: By, key: KeyRecord, **facts: float | list[str] | None) -> None:
    note(log, action, by, key=key.id, hint=key.hint, alias=key.alias, owner=key.owner, **facts)


def no_such_key(key: str) -> NotFound:
    """In words that hold no secret."""
    return NotFound(f"No such key: {_told(key)}.", param="key", code="key_not_found")


def _not_named(conn: Connection, key: str) -> NotFound:
    """No key is named so where one is changed: a former secret says which is meant, and changes nothing."""
    record = rows.key_of_token(conn, named_token(key))
    if record is None:
        return no_such_key(key)
    return NotFound(
        f"{_told(key)} is the former secret of {record.hint}: name the key by its present one, or by its token "
        f"{record.token}.",
        param="key",
        code="key_not_found",
    )


def _told(key: str) -> str:
    return _hint(key) if key.startswith("sk-") else shortened(key, 80)


def _new_secret() -> str:
    return "sk-" + ids.secret(SECRET_LENGTH)


def _hint(secret: str) -> str:
    return f"sk-...{secret[-4:]}"


def _terms(fields: Fields) -> JsonObject:
    return {name: value for name, value in fields.items() if name not in COLUMNS}


def _end(conn: Connection, fields: Fields) -> float | None:
    seconds = fields.get("duration")
    return None if seconds is None else conn.now() + seconds


def _apply_fields(conn: Connection, record: KeyRecord, fields: Fields) -> KeyRecord:
    before = read_terms(record.terms)
    terms = msgspec.structs.replace(before, **following_metadata(_terms(fields), before))
    owner = record.owner
    if fields.keys() & {"user_id", "team_id"}:
        owner = terms.user_id or terms.team_id or record.id
    return replace(
        record,
        alias=fields.get("key_alias", record.alias),
        owner=owner,
        blocked=int(fields.get("blocked", record.blocked)),
        expires_at=_end(conn, fields) if "duration" in fields else record.expires_at,
        terms=written(terms),
        team=terms.team_id,
    )
