"""Several files on their way to the gateway at once, for the commands that upload."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from liftgate.cli.failures import Failure, Unreachable
from liftgate.cli.local_file import LocalFile
from liftgate.cli.progress import Meter, progress
from liftgate.cli.remote import Address, Remote
from liftgate.cli.upload_state import UploadStates, state_dir
from liftgate.cli.uploading import Wish, upload, wait_until_ready
from liftgate.clock import SystemClock


async def send_files(
    where: Address,
    paths: Sequence[Path],
    wish: Wish,
    *,
    jobs: int,
    wait: bool,
    done: Callable[[dict[str, Any] | Failure], None],
) -> None:
    """`done` gets a File object or a Failure for each path, in their order, as soon as it is its turn.

    Failures are told here, each when it happens. When the gateway is away, what has not begun is not begun.
    """
    states = UploadStates(state_dir(os.environ))
    states.prune(SystemClock().now())
    free = asyncio.Semaphore(jobs)
    away: list[Unreachable] = []

    async def one(path: Path) -> dict[str, Any] | Failure | None:
        async with free:
            if away:
                return None
            try:
                return await _one(remote, path, wish, wait, meter, states)
            except Failure as failure:
                meter.note(f"liftgate: {failure.message}")
                if isinstance(failure, Unreachable):
                    away.append(failure)
                return failure

    with progress() as meter:
        async with Remote(where) as remote, asyncio.TaskGroup() as group:
            for task in [group.create_task(one(path)) for path in paths]:
                outcome = await task
                if outcome is not None:
                    done(outcome)


async def _one(
    remote: Remote, path: Path, wish: Wish, wait: bool, meter: Meter, states: UploadStates
) -> dict[str, Any]:
    file = LocalFile.of(path)
    transfer = meter.begin(file.name, file.size)
    try:
        found = await upload(remote, file, wish, transfer, states)
        if wait and found.get("status") == "uploaded":
            transfer.phase(f"on its way to {', '.join(wish.models)}")
            found = await wait_until_ready(remote, found, str(path))
    except BaseException as error:
        transfer.end("failed" if isinstance(error, Failure) else "interrupted")
        raise
    transfer.end()
    return found
