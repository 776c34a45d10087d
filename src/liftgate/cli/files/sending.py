"""Several files on their way to the gateway at once, for the commands that upload."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from liftgate.cli.failures import Failure, Refused, Unreachable
from liftgate.cli.files.local_file import LocalFile
from liftgate.cli.files.progress import Meter, progress
from liftgate.cli.files.upload_state import UploadStates, state_dir
from liftgate.cli.files.uploading import Wish, identity_of, upload, wait_until_ready
from liftgate.cli.remote import Address, Remote
from liftgate.clock import SystemClock

_Outcome = tuple[LocalFile | None, dict[str, Any] | Failure]
"""The file with its File object, or none with a Failure."""


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
    held: list[_Outcome] = []

    async def one(path: Path) -> _Outcome | None:
        async with free:
            if away:
                return None
            try:
                file = LocalFile.of(path)
                return file, await _one(remote, file, wish, wait, meter, states)
            except Failure as failure:
                meter.note(f"liftgate: {failure.message}")
                if isinstance(failure, Unreachable):
                    away.append(failure)
                return None, failure

    def tell(told: _Outcome) -> None:
        file, outcome = told
        done(outcome)
        if file is not None:
            states.forget(identity_of(remote, file, wish))

    with progress() as meter:
        async with Remote(where) as remote, asyncio.TaskGroup() as group:
            for task in [group.create_task(one(path)) for path in paths]:
                outcome = await task
                if outcome is None:
                    continue
                # A line between the bars would be drawn over.
                if meter.drawn and sys.stdout.isatty():
                    held.append(outcome)
                else:
                    tell(outcome)
    for outcome in held:
        tell(outcome)


async def _one(
    remote: Remote, file: LocalFile, wish: Wish, wait: bool, meter: Meter, states: UploadStates
) -> dict[str, Any]:
    transfer = meter.begin(file.name, file.size)
    try:
        found = await upload(remote, file, wish, transfer, states)
        if wait and found.get("status") == "uploaded":
            transfer.phase(f"on its way to {', '.join(wish.models)}")
            try:
                found = await wait_until_ready(remote, found, str(file.path))
            except Refused:
                # What is wrong with it has been told; another try is another upload.
                states.forget(identity_of(remote, file, wish))
                raise
    except BaseException as error:
        transfer.end("failed" if isinstance(error, Failure) else "interrupted")
        raise
    transfer.end()
    return found
