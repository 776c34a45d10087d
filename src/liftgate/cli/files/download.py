"""`liftgate files cat`: a file's bytes to standard output or to a file, and their hash compared."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, suppress
from pathlib import Path
from typing import BinaryIO

import click

from liftgate.cli.failures import Failure
from liftgate.cli.files.progress import progress
from liftgate.errors import LiftgateError
from liftgate.sdk.remote.downloading import Download
from liftgate.sdk.remote.gateway_client import Address, GatewayClient

_RANGE = re.compile(r"\d{1,18}-\d{0,18}|-\d{1,18}", re.ASCII)
_TEXT = re.compile(r"text/|application/(json|x-ndjson|jsonl|xml|yaml)")


def checked_range(value: str | None) -> str | None:
    """The value of a Range header. Raises UsageError."""
    if value is None:
        return None
    if not _RANGE.fullmatch(value):
        raise click.UsageError(f"--range: expected FIRST-LAST, FIRST- or -COUNT, got {value!r}.")
    first, _, last = value.partition("-")
    if first and last and int(first) > int(last):
        raise click.UsageError(f"--range: {value!r} names no byte, since it ends before it begins.")
    return f"bytes={value}"


async def download(where: Address, file_id: str, output: Path | None, wanted: str | None) -> None:
    """Raises Failure where it cannot be written, and LiftgateError: refused, broken off, or not the bytes that the
    gateway says it has."""
    async with GatewayClient(where) as gateway:
        found = Download(gateway, file_id, wanted)
        async with aclosing(found.pieces()) as pieces:
            first = await anext(pieces, b"")
            if output is not None and str(output) != "-":
                await _to_file(found, first, pieces, output)
                return
            if sys.stdout.isatty() and not _TEXT.match(found.mime_type):
                raise Failure(f"{file_id}: is not text, and this is a terminal; write it to a file with -o FILE.")
            await _copy(first, pieces, sys.stdout.buffer, lambda position: None)
            sys.stdout.buffer.flush()


async def _to_file(found: Download, first: bytes, pieces: AsyncIterator[bytes], output: Path) -> None:
    beside = output.with_name(output.name + ".part")
    try:
        with beside.open("wb") as target, progress() as meter:
            transfer = meter.begin(output.name, found.size or 0)
            try:
                await _copy(first, pieces, target, transfer.at)
            except BaseException as error:
                transfer.end("failed" if isinstance(error, LiftgateError | OSError) else "interrupted")
                raise
            transfer.end()
        os.replace(beside, output)
    except OSError as error:
        raise Failure(f"{output}: cannot be written ({error.strerror or error}).") from None
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


async def _copy(first: bytes, pieces: AsyncIterator[bytes], target: BinaryIO, at: Callable[[int], None]) -> None:
    target.write(first)
    position = len(first)
    at(position)
    async for piece in pieces:
        target.write(piece)
        position += len(piece)
        at(position)
