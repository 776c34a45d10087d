"""Whether this catalogue is the only one that uses its store: without that, no bytes are deleted.

A copy of a catalogue, as a restored backup or a staging system has it, bears the same marks, and does not know what
came since; the original does not know what the copy acknowledges. So each sweep leaves a random word in the store and
in its own catalogue, and who finds another's word there is not alone. A copy that is opened finds by itself that it is
one (`catalog.rows.store.note_bodies`). From then on only an operator can say that the other catalogue is gone.

A newer Liftgate beside this one may name objects in tables that this one does not know: then it deletes none either.
"""

from __future__ import annotations

import asyncio
import logging
import math
from functools import partial

from liftgate import ids
from liftgate.blobs.store import TURN, BlobStore
from liftgate.catalog.connection import Connection
from liftgate.catalog.database import Database
from liftgate.catalog.migrate import applied
from liftgate.catalog.rows.store import StoreRow, begin_turn, end_turn, note_alone
from liftgate.catalog.schema import newest_schema
from liftgate.catalog.steady import longest_grace, steady
from liftgate.errors import Unavailable
from liftgate.files.belonging import look_at

log = logging.getLogger("liftgate.files")

ALONE_SECONDS = 3600.0
"""On the steady clock, at least; gateways sweep much more often."""
_PAUSES = (0.02, 0.1, 0.4)
"""Another process of this catalogue may be between its word in the catalogue and the one in the store."""


async def take_turn(db: Database, blobs: BlobStore) -> None:
    """Leaves this catalogue's word in the store, and notes whether another's was there. Raises `Unavailable`, also when
    the store is not this catalogue's any more."""
    row, found = await _look_around(db, blobs)
    alone = found in (row.turn, row.next_turn)
    turn = ids.token(16)
    await db.write(partial(begin_turn, found=found, turn=turn))
    await blobs.notes.write(TURN, turn)
    await db.write(partial(end_turn, turn=turn, alone=alone))
    if not alone:
        log.warning(
            "another catalogue has swept the store %s, or the catalogue %s was restored from a backup: no bytes are"
            " deleted until `liftgate admin sweep --all` says that this is the only catalogue, or `liftgate admin"
            " adopt` shuts the other one out",
            *(blobs.notes.place, db.place),
        )


async def is_alone(db: Database, blobs: BlobStore) -> bool:
    """Whether the last sweep of the store was this catalogue's, and no other catalogue was met for the longest grace
    that a gateway of it asks for; and this Liftgate knows all its tables. Raises as `take_turn`."""
    if await db.read(applied) > newest_schema():
        log.warning(
            "a newer Liftgate has brought the catalogue %s up to date: this one deletes no bytes any more", db.place
        )
        return False
    row, found = await _look_around(db, blobs)
    return found in (row.turn, row.next_turn) and await db.read(partial(_long_enough, since=row.alone_since))


async def has_met_another(db: Database, blobs: BlobStore) -> bool:
    """Whether another catalogue has used the store, and no operator has declared it gone since."""
    row, found = await _look_around(db, blobs)
    return math.isinf(row.alone_since) or found not in (row.turn, row.next_turn)


async def declare_alone(db: Database) -> None:
    """An operator says so. When the other one sweeps again, each is found by the other again."""
    await db.write(note_alone)


def _long_enough(conn: Connection, *, since: float) -> bool:
    return steady(conn) - since >= max(longest_grace(conn), ALONE_SECONDS)


async def _look_around(db: Database, blobs: BlobStore) -> tuple[StoreRow, str]:
    """The row, and the word that is in the store."""
    row, found = await _look(db, blobs)
    for pause in _PAUSES:
        if found in (row.turn, row.next_turn):
            break
        await asyncio.sleep(pause)
        row, found = await _look(db, blobs)
    return row, found


async def _look(db: Database, blobs: BlobStore) -> tuple[StoreRow, str]:
    # The word first: who wrote it has noted it in the catalogue before.
    found = await blobs.notes.read(TURN) or ""
    look = await look_at(db, blobs)
    if look.row is None or not look.together:
        raise Unavailable(
            f"The catalogue {db.place} and the store {blobs.notes.place} do not belong together any more;"
            " nothing is deleted. Restart the gateway to see why."
        )
    return look.row, found
