"""A store of bytes belongs to one catalogue: the same random marks lie in both, written once, and are compared here.

Whoever opens the two together calls `settle` first. Where they do not belong together it ends in one sentence, for a
mistyped address is likelier than a store full of garbage. Only an operator joins them anew (`adopt`).
"""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from functools import partial

from liftgate import ids
from liftgate.blobs.store import MARK, TURN, BlobStore
from liftgate.catalog.connection import Connection
from liftgate.catalog.database import Database
from liftgate.catalog.rows.store import (
    StoreRow,
    end_turn,
    get_store,
    mark_catalogue,
    note_alone,
    note_bodies,
    note_store,
    replace_marks,
)
from liftgate.catalog.steady import tick
from liftgate.catalog.table import count_objects, known_objects
from liftgate.errors import ConfigError, StorageFull, Unavailable
from liftgate.json_types import loaded

log = logging.getLogger("liftgate.files")

ABOUT = "Liftgate's store of files. Its mark is also in the catalogue that knows them; remove neither."
_KEYS_AT_ONCE = 400
_LOOKS = 5


@dataclass(frozen=True, slots=True)
class Mark:
    """What lies in a store: a random word of the catalogue, one of the store, and where the catalogue was when it was
    written, for messages."""

    catalogue_mark: str
    store_mark: str
    catalogue: str

    def text(self) -> str:
        return json.dumps({"about": ABOUT, **asdict(self)}, ensure_ascii=False) + "\n"


@dataclass(frozen=True, slots=True)
class Look:
    """Both sides, as they are found."""

    row: StoreRow | None
    found: Mark | None

    @property
    def half(self) -> bool:
        """The store has this catalogue's mark, and the catalogue may still have to note which store that is."""
        row, found = self.row, self.found
        return row is not None and found is not None and row.catalogue_mark == found.catalogue_mark

    @property
    def together(self) -> bool:
        return (
            self.half
            and self.row is not None
            and self.found is not None
            and self.row.store_mark == self.found.store_mark
        )


async def settle(db: Database, blobs: BlobStore) -> None:
    """Makes sure that the two belong together; writes the marks where neither has one and nothing speaks against it.

    Two that start at once agree, on one catalogue and on one store: the catalogue's word is written there first, then
    both words to the store, and the store's word to the catalogue last; of each the first one stands. Raises
    `ConfigError` where they do not belong together, `Unavailable` while one of them does not answer.
    """
    try:
        await db.write(tick)
    except StorageFull:
        # A full disk can still be read and deleted from. Time stands still until the next tick.
        log.warning("no space is left for the catalogue %s", db.place)
    place = blobs.notes.place
    before: Look | None = None
    for _ in range(_LOOKS):
        look = await look_at(db, blobs)
        row, found = look.row, look.found
        if row is not None and found is not None and look.half and row.store_mark in ("", found.store_mark):
            if row.store_mark and row.place == place:
                await _note_bodies(db, blobs)
                return
            await db.write(partial(note_store, store_mark=found.store_mark, place=place))
        elif (refusal := await _refusal(db, blobs, look)) is None:
            mark = await db.write(partial(mark_catalogue, mark=ids.token(32), place=place))
            await blobs.notes.write(MARK, Mark(mark, ids.token(32), db.place).text(), only_new=True)
        elif look == before:
            # Seen twice alike, so it is no other process that is writing at this moment.
            raise ConfigError(refusal)
        before = look
    raise Unavailable(f"The mark of the store {place} keeps changing.")


async def _note_bodies(db: Database, blobs: BlobStore) -> None:
    try:
        copied = await db.write(partial(note_bodies, store_body=blobs.notes.body))
    except StorageFull:
        log.warning("no space is left for the catalogue %s", db.place)
        return
    if copied:
        log.warning(
            "the catalogue %s is a copy, or was restored from one or moved, and its store %s is the same as before:"
            " another catalogue may still use it, so no bytes are deleted until `liftgate admin sweep --all` says that"
            " there is none, or `liftgate admin adopt` shuts it out",
            *(db.place, blobs.notes.place),
        )


async def look_at(db: Database, blobs: BlobStore) -> Look:
    # The store first: its mark is written after the catalogue's.
    text = await blobs.notes.read(MARK)
    return Look(await db.read(get_store), None if text is None else _parsed(text))


def _parsed(text: str) -> Mark:
    try:
        found = loaded(text)
        return Mark(str(found["catalogue_mark"]), str(found["store_mark"]), str(found["catalogue"]))
    except (ValueError, KeyError, TypeError):
        return Mark("", "", "(its mark cannot be read)")


async def _refusal(db: Database, blobs: BlobStore, look: Look) -> str | None:
    """Why they do not belong together; None where neither has a mark and they may."""
    row, found, place = look.row, look.found, blobs.notes.place
    if look.half and row is not None:
        return _sentence(db, blobs, f"the catalogue belongs to {_other('store', row.place, place)}")
    if found is not None:
        why = f"the store belongs to {_other('catalogue', found.catalogue, db.place)}"
        if row is not None and row.store_mark:
            why += f", and the catalogue to {_other('store', row.place, place)}"
        return _sentence(db, blobs, why)
    if row is not None and row.store_mark:
        return _sentence(
            db, blobs, f"the catalogue belongs to {_other('store', row.place, place)}, and this one has no mark"
        )
    count = await db.read(count_objects)
    some = known = False
    async for keys in listed_keys(blobs):
        some = True
        if count and await _known(db, keys):
            known = True
            break
    if some and not known:
        return _sentence(db, blobs, "the store has objects, and the catalogue knows none of them")
    if count and not some:
        return _sentence(db, blobs, f"the catalogue knows {_counted(count)}, and the store is empty")
    return None


def _sentence(db: Database, blobs: BlobStore, why: str) -> str:
    return (
        f"The catalogue {db.place} and the store {blobs.notes.place} do not belong together: {why}; correct"
        " database_url, data_dir or blob_store, or join the two for good with `liftgate admin adopt`."
    )


def _other(what: str, place: str, here: str) -> str:
    if place == here:
        return f"another {what} that has this address too, on another machine, or had it once"
    return f"the {what} {place}"


def _counted(count: int) -> str:
    return "1 object" if count == 1 else f"{count} objects"


async def _known(db: Database, keys: list[str]) -> set[str]:
    return await db.read(lambda conn: known_objects(conn, keys))


async def listed_keys(blobs: BlobStore) -> AsyncIterator[list[str]]:
    """All keys of the store, some hundreds at a time."""
    keys: list[str] = []
    async for stored in blobs.list():
        keys.append(stored.id)
        if len(keys) == _KEYS_AT_ONCE:
            yield keys
            keys = []
    if keys:
        yield keys


# ── an operator joins them ─────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Joining:
    """What joining them would mean. `catalogue_knows`, `store_has`, `both`: numbers of objects. `together`: they belong
    together already. `former_catalogue`, `former_store`: whom they belonged to, where that is another."""

    catalogue_knows: int
    store_has: int
    both: int
    together: bool
    former_catalogue: str | None
    former_store: str | None


async def weigh(db: Database, blobs: BlobStore) -> Joining:
    look = await look_at(db, blobs)
    has = both = 0
    async for keys in listed_keys(blobs):
        has += len(keys)
        both += len(await _known(db, keys))
    return Joining(
        catalogue_knows=await db.read(count_objects),
        store_has=has,
        both=both,
        together=look.together,
        former_catalogue=look.found.catalogue if look.found is not None and not look.together else None,
        former_store=look.row.place if look.row is not None and not look.together else None,
    )


async def adopt(db: Database, blobs: BlobStore, *, first: bool = False) -> None:
    """Joins them under a new mark: whoever comes with the former catalogue or the former store is refused from now on.

    Nothing is deleted for a whole grace afterwards, unless this is the `first` catalogue that the store has.
    """
    await db.write(tick)
    mark = Mark(ids.token(32), ids.token(32), db.place)
    await blobs.notes.write(MARK, mark.text())
    place, body, turn = blobs.notes.place, blobs.notes.body, await blobs.notes.read(TURN) or ""

    def work(conn: Connection) -> None:
        replace_marks(conn, mark.catalogue_mark, mark.store_mark, place)
        note_bodies(conn, body)
        # Who left that word is refused by now.
        end_turn(conn, turn, alone=True)
        if first:
            note_alone(conn, always=True)

    await db.write(work)
