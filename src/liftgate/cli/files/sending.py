"""Several files on their way to the gateway at once, for the commands that upload."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from liftgate.cli.command_line import typed
from liftgate.cli.failures import Failure, Misused, Unreachable, failure_of
from liftgate.cli.files.progress import Meter, progress
from liftgate.clock import SystemClock
from liftgate.errors import FileUnusable, LiftgateError
from liftgate.json_types import JsonObject
from liftgate.records import NewFile
from liftgate.sdk.remote.gateway_client import Address, GatewayClient
from liftgate.sdk.remote.upload_source import LocalFile
from liftgate.sdk.remote.upload_state import UploadStates, state_dir
from liftgate.sdk.remote.uploading import Silent, Upload, upload, wait_until_ready

_Outcome = tuple[Upload | None, JsonObject | Failure]
"""The upload with its File object, or none with a Failure."""


async def send_files(
    where: Address,
    paths: Sequence[Path],
    new: NewFile,
    *,
    jobs: int,
    wait: bool,
    done: Callable[[JsonObject | Failure], None],
) -> None:
    """`done` gets a File object or a Failure for each path, in their order, as soon as it is its turn. `new`: what is
    asked for beside the bytes.

    Failures are shown here, each when it happens. When the gateway is away, what has not begun is not begun.
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
                file = _local_file(path)
                asked = Upload(gateway, file, replace(new, filename=typed(path.name)), Silent())
                return asked, await _one(asked, wait, meter, states)
            except (LiftgateError, OSError, Failure) as error:
                failure = _failure(error, path)
                meter.note(f"liftgate: {failure.message}")
                if isinstance(failure, Unreachable):
                    away.append(failure)
                return None, failure

    def tell(result: _Outcome) -> None:
        asked, outcome = result
        done(outcome)
        if asked is not None:
            states.forget(asked.identity)

    with progress() as meter:
        async with GatewayClient(where) as gateway, asyncio.TaskGroup() as group:
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


async def _one(asked: Upload, wait: bool, meter: Meter, states: UploadStates) -> JsonObject:
    transfer = meter.begin(asked.new.filename, asked.source.size)
    try:
        found = await upload(replace(asked, transfer=transfer), states)
        if wait and found.get("status") == "uploaded":
            transfer.phase(f"on its way to {', '.join(asked.new.models)}")
            try:
                found = await wait_until_ready(asked.gateway, found, asked.about)
            except FileUnusable:
                # What is wrong with it has been shown; another try is another upload.
                states.forget(asked.identity)
                raise
    except BaseException as error:
        transfer.end("failed" if isinstance(error, LiftgateError | OSError) else "interrupted")
        raise
    transfer.end()
    return found


def _local_file(path: Path) -> LocalFile:
    if str(path) == "-":
        raise Misused("-: standard input cannot be uploaded, as its size must be known first; write it to a file.")
    try:
        return LocalFile.from_path(path)
    except FileNotFoundError:
        raise Misused(f"{path}: there is no such file.") from None
    except ValueError as what:
        raise Misused(f"{path}: is {what}.") from None


def _failure(error: LiftgateError | OSError | Failure, path: Path) -> Failure:
    if isinstance(error, Failure):
        return error
    if isinstance(error, LiftgateError):
        return failure_of(error)
    return Failure(f"{path}: cannot be read ({error.strerror or error}).")
