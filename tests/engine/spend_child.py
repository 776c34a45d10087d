"""A process that counts what calls cost until it is killed. Each call is told on stdout before and after it is counted.

Arguments: the catalogue's URL, the directory of journals, a seed.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from random import Random  # noqa: TID251 - which calls, and when

from liftgate.catalog.database import open_database
from liftgate.clock import SystemClock
from liftgate.engine.meter import CallRecord
from liftgate.engine.spend import Spend
from liftgate.prices import TokenCounts

FILE = "file-of-all-calls"


def one_call(number: int, random: Random) -> CallRecord:
    return CallRecord(
        f"req_{number}",
        1_795_824_000.0 + random.randrange(3) * 86_400,
        key_id=random.choice(("ann", "bob")),
        owner="team",
        operation="chat",
        public_model=random.choice(("flash", "pro")),
        copies_hit={FILE},
        cost=7,
        tokens=TokenCounts({"TEXT": 2, "VIDEO": 3}, {"TEXT": 1}, {"TEXT": 5}, 4),
    )


async def main(url: str, directory: Path, random: Random) -> None:
    db = await open_database(url, clock=SystemClock())
    spend = Spend(db, directory, SystemClock())
    number = 0
    while True:
        for _ in range(random.randrange(1, 40)):
            number += 1
            sys.stdout.write("+")
            sys.stdout.flush()
            spend.ended(one_call(number, random))
            sys.stdout.write("-")
            sys.stdout.flush()
        await spend.write()
        await spend.adopt()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), Random(int(sys.argv[3]))))
