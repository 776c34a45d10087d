"""The word from which seals are derived: one for all gateways of a catalogue, whoever comes first. On both engines."""

from __future__ import annotations

import asyncio

from catalog_samples import opened, run
from liftgate.catalog.database import Database
from liftgate.engine.seals import Seals


def test_gateways_that_begin_at_once_open_each_others_seals(database_url: str) -> None:
    async def scenario(first: Database) -> None:
        async with opened(database_url) as second, opened(database_url) as third:
            seals = [Seals(each) for each in (first, second, third)]
            await asyncio.gather(*(each.load() for each in seals))
            closed = seals[0].seal_of("ann").close(b"kept")
            assert [each.seal_of("ann").open(closed) for each in seals] == [b"kept"] * 3
            assert [each.seal_of("bob").open(closed) for each in seals] == [None] * 3

    run(database_url, scenario)


def test_the_word_outlives_the_gateway(database_url: str) -> None:
    closed = ""

    async def scenario(database: Database) -> None:
        nonlocal closed
        seals = Seals(database)
        await seals.load()
        if closed:
            assert seals.seal_of("ann").open(closed) == b"kept"
        closed = seals.seal_of("ann").close(b"kept")

    run(database_url, scenario)
    before = closed
    run(database_url, scenario)
    assert closed != before
