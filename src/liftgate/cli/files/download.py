"""`liftgate files cat`: a file's bytes to standard output or to a file, and their hash compared."""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import aiohttp
import click

from liftgate.cli.failures import Failure
from liftgate.cli.files.progress import progress
from liftgate.cli.remote import Address, Remote

PIECE = 256 * 1024
_RANGE = re.compile(r"\d{1,18}-\d{0,18}|-\d{1,18}", re.ASCII)
_SHA256 = re.compile(r'"([0-9a-f]{64})"')
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


async def download(where: Address, path: str, name: str, output: Path | None, wanted: str | None) -> None:
    """Raises Failure: refused, broken off, or not the bytes that the gateway says it has."""
    headers = {"Range": wanted} if wanted else {}
    to_stdout = output is None or str(output) == "-"
    async with Remote(where) as remote, remote.open("GET", path, about=name, headers=headers) as answer:
        if to_stdout:
            if sys.stdout.isatty() and not _TEXT.match(answer.headers.get("Content-Type", "")):
                raise Failure(f"{name}: is not text, and this is a terminal; write it to a file with -o FILE.")
            await _copy(answer, name, sys.stdout.buffer, lambda position: None)
            sys.stdout.buffer.flush()
            return
        assert output is not None
        await _to_file(answer, name, output)


async def _to_file(answer: aiohttp.ClientResponse, name: str, output: Path) -> None:
    beside = output.with_name(output.name + ".part")
    try:
        with beside.open("wb") as target, progress() as meter:
            transfer = meter.begin(output.name, answer.content_length or 0)
            try:
                await _copy(answer, name, target, transfer.at)
            except BaseException as error:
                transfer.end("failed" if isinstance(error, Failure | OSError | aiohttp.ClientError) else "interrupted")
                raise
            transfer.end()
        os.replace(beside, output)
    except OSError as error:
        if isinstance(error, aiohttp.ClientError | TimeoutError):
            raise
        raise Failure(f"{output}: cannot be written ({error.strerror or error}).") from None
    finally:
        beside.unlink(missing_ok=True)


async def _copy(answer: aiohttp.ClientResponse, name: str, target: BinaryIO, at: Callable[[int], None]) -> None:
    digest = hashlib.sha256()
    position = 0
    async for piece in answer.content.iter_chunked(PIECE):
        digest.update(piece)
        target.write(piece)
        position += len(piece)
        at(position)
    expected = _SHA256.fullmatch(answer.headers.get("ETag", ""))
    if answer.status == 200 and expected and expected[1] != digest.hexdigest():
        raise Failure(f"{name}: what arrived is not what was stored (SHA-256 differs).")
