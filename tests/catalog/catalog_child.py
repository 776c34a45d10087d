"""A process of its own on a shared catalogue: `python catalog_child.py TASK URL DIRECTORY NAME …`.

It prints lines for its parent; what it does is named by the functions below.
"""

from __future__ import annotations

import asyncio
import os
import sys
from functools import partial
from pathlib import Path
from typing import Any

from catalog_samples import NOW, commit, opened
from liftgate.catalog.connection import Connection
from liftgate.catalog.database import Database
from liftgate.catalog.rows import files, leases


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def open_only(url: str, directory: Path, name: str) -> None:
    async with opened(url, timeout=20) as database:
        [(version,)] = await database.read(lambda conn: conn.execute("SELECT max(version) FROM schema_version"))
        say(f"version {version}")


async def contend(url: str, directory: Path, name: str, tasks: str) -> None:
    """So many tasks at once take the same lease, prove that they hold it alone, and commit equal files."""

    async def one(number: int) -> None:
        holder = f"{name}-{number}"
        for turn in range(3):
            take = partial(leases.acquire, name="job", holder=holder, seconds=30)
            # Polled, and not at the same moments by all.
            while (generation := await database.write(take)) is None:  # noqa: ASYNC110
                await asyncio.sleep(0.01 + number / 1000)
            mark = directory / "held"
            os.close(os.open(mark, os.O_CREAT | os.O_EXCL))
            with (directory / "generations").open("a") as log:
                log.write(f"{generation}\n")
            mark.unlink()
            assert await database.write(partial(leases.release, name="job", holder=holder, generation=generation))
            content = b"same for all of this turn %d" % turn
            await database.write(partial(commit, owner="anna", content=content))

    async with opened(url, timeout=60) as database, asyncio.TaskGroup() as group:
        for number in range(int(tasks)):
            group.create_task(one(number))
    say("done")


async def commit_for_ever(url: str, directory: Path, name: str) -> None:
    """Says the id of each file after its commit, and deletes every third."""
    number = 0
    async with opened(url) as database:
        while True:
            number += 1
            file = await database.write(partial(commit, owner=name, content=b"%d" % (number // 2)))
            say(f"committed {file.id}")
            if number % 3 == 0:
                say(f"deleting {file.id}")
                await database.write(partial(files.delete_file, owner=name, file_id=file.id, now=NOW))


async def listen(url: str, directory: Path, name: str) -> None:
    """Says what others announced, until it hears "stop"."""
    async with opened(url) as database:
        stop = asyncio.Event()

        def heard(topic: str, key: str) -> None:
            say(f"heard {topic} {key}")
            if key == "stop":
                stop.set()

        database.watch(heard)
        say("listening")
        async with asyncio.timeout(30):
            await stop.wait()
        await announce(database, "answer")


async def announce(database: Database, *keys: str) -> None:
    def work(conn: Connection) -> None:
        for key in keys:
            conn.announce("key", key)

    await database.write(work)


if __name__ == "__main__":
    tasks: dict[str, Any] = {task.__name__: task for task in (open_only, contend, commit_for_ever, listen)}
    asyncio.run(tasks[sys.argv[1]](sys.argv[2], Path(sys.argv[3]), *sys.argv[4:]))
