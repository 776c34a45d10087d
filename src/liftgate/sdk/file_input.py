"""`file=` in every form that it takes, made into bytes with a size, a name and a MIME type.

Reads disks and the caller's objects, never a network. What has no size of its own (an iterator, a pipe, a file object
that is not a plain file on disk) goes through an unnamed temporary file, because Gemini wants the size first.
"""

from __future__ import annotations

import errno
import inspect
import io
import os
import stat
import tempfile
from asyncio import to_thread
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, TypeAlias

from liftgate import media_types
from liftgate.byte_source import PIECE, ByteSource
from liftgate.errors import InvalidRequest, StorageFull
from liftgate.magic_bytes import HEAD

FileContents: TypeAlias = (
    bytes | bytearray | memoryview | str | os.PathLike[str] | IO[bytes] | Iterable[bytes] | AsyncIterable[bytes]
)
FileTypes: TypeAlias = (
    FileContents
    | tuple[str | None, FileContents]
    | tuple[str | None, FileContents, str | None]
    | tuple[str | None, FileContents, str | None, Mapping[str, str]]
)
"""`content`, `(name, content)`, `(name, content, type)` or `(name, content, type, headers)`."""

HOP = 4 * PIECE
"""Bytes read or written for each visit of a thread."""
NO_SPACE = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True, slots=True)
class FileInput:
    """`headers` are the caller's for the upload; `source` is good as long as the context that gave it."""

    filename: str
    mime_type: str
    source: ByteSource = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)


@asynccontextmanager
async def open_input(file: FileTypes) -> AsyncIterator[FileInput]:
    """The caller's `file=`, opened. InvalidRequest where it is of no accepted form or empty; OSError where a path
    fails.
    """
    name, content, declared, headers = _named(file)
    async with AsyncExitStack() as stack:
        source = await _source(content, stack)
        if source.size == 0:
            raise InvalidRequest("The file is empty.", param="file")
        filename = name or _own_name(content)
        head = b"".join([piece async for piece in source.read(0, min(HEAD, source.size))])
        mime_type = media_types.resolve(declared=declared, filename=filename, head=head)
        yield FileInput(filename or "upload", mime_type, source, headers)


def _named(file: Any) -> tuple[str | None, Any, str | None, Mapping[str, str]]:
    if not isinstance(file, tuple):
        return None, file, None, {}
    if not 2 <= len(file) <= 4:
        raise InvalidRequest(f"A tuple for 'file' has 2 to 4 items, this one {len(file)}.", param="file")
    name, content, declared, headers = (*file, *(None, None, None)[: 4 - len(file)])[:4]
    if not isinstance(name, str | None) or not isinstance(declared, str | None):
        raise InvalidRequest("In a tuple for 'file' the name and the type are strings.", param="file")
    return name, content, declared, headers or {}


def local_path(file: object) -> Path | None:
    """Where the bytes are, when `file=` is a path, or a tuple around one."""
    content = file[1] if isinstance(file, tuple) and len(file) > 1 else file
    return Path(content) if isinstance(content, str | os.PathLike) else None


def _own_name(content: object) -> str | None:
    path = content if isinstance(content, str | os.PathLike) else getattr(content, "name", None)
    return os.path.basename(os.fspath(path)) if isinstance(path, str | os.PathLike) else None


# ── where the bytes are ────────────────────────────────────────────────────────────────────────────────────────────


class MemorySource:
    """Bytes that the caller holds; not copied, unless they lie apart."""

    def __init__(self, data: bytes | bytearray | memoryview) -> None:
        view = memoryview(data)
        self._view = view.cast("B") if view.c_contiguous else memoryview(view.tobytes())

    @property
    def size(self) -> int:
        return len(self._view)

    async def read(self, start: int, stop: int) -> AsyncIterator[bytes]:
        for at in range(start, stop, PIECE):
            yield bytes(self._view[at : min(at + PIECE, stop)])


class DescriptorSource:
    """A plain file behind a descriptor, from `offset` on. Reads with pread, so the owner's position stays as it is."""

    def __init__(self, descriptor: int, offset: int) -> None:
        self._descriptor = descriptor
        self._offset = offset
        self._size = max(0, os.fstat(descriptor).st_size - offset)

    @property
    def size(self) -> int:
        return self._size

    async def read(self, start: int, stop: int) -> AsyncIterator[bytes]:
        at = start
        while at < stop:
            data = await to_thread(os.pread, self._descriptor, min(HOP, stop - at), self._offset + at)
            if not data:
                raise InvalidRequest(f"The file became shorter while it was read: {at} bytes.", param="file")
            at += len(data)
            for begin in range(0, len(data), PIECE):
                yield data[begin : begin + PIECE]


async def _source(content: Any, stack: AsyncExitStack) -> ByteSource:
    if isinstance(content, bytes | bytearray | memoryview):
        return MemorySource(content)
    if isinstance(content, DescriptorSource):
        return content
    if isinstance(content, str | os.PathLike):
        return await _path_source(content, stack)
    if isinstance(content, io.BytesIO):
        return MemorySource(content.getbuffer()[content.tell() :])
    if isinstance(content, io.TextIOBase):
        raise InvalidRequest("The file is open in text mode: open it with mode 'rb'.", param="file")
    if (raw := _plain_file(content)) is not None:
        return DescriptorSource(raw, content.tell())
    return await _spooled(_pieces(content), stack)


async def _path_source(path: str | os.PathLike[str], stack: AsyncExitStack) -> ByteSource:
    if isinstance(path, str) and path.startswith(("http://", "https://", "gs://", "data:")):
        raise InvalidRequest("'file' takes a path or the bytes themselves, not a URL.", param="file")
    opened = await to_thread(open, path, "rb")
    stack.callback(opened.close)
    if stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
        return DescriptorSource(opened.fileno(), 0)
    return await _spooled(_pieces(opened), stack)


def _plain_file(content: Any) -> int | None:
    """The descriptor of a file object whose bytes are a disk file's as they are (a GzipFile's are not), or None."""
    inner = content.file if isinstance(content, tempfile._TemporaryFileWrapper) else content
    raw = getattr(inner, "raw", inner) if isinstance(inner, io.BufferedReader | io.BufferedRandom) else inner
    if not isinstance(raw, io.FileIO) or not raw.readable() or not stat.S_ISREG(os.fstat(raw.fileno()).st_mode):
        return None
    if isinstance(inner, io.BufferedRandom):
        inner.flush()
    return raw.fileno()


# ── what has no size ───────────────────────────────────────────────────────────────────────────────────────────────


def _pieces(content: Any) -> AsyncIterator[bytes]:
    read = getattr(content, "read", None)
    if callable(read):
        return _read_async(read) if inspect.iscoroutinefunction(read) else _in_thread(_read_all(read))
    if isinstance(content, AsyncIterable):
        return aiter(content)
    if isinstance(content, Iterable) and not isinstance(content, Mapping):
        return _in_thread(iter(content))
    raise InvalidRequest(
        f"'file' takes bytes, a path, a binary file, a tuple (name, content, type) or an iterator of bytes, "
        f"not {type(content).__name__}.",
        param="file",
    )


async def _read_async(read: Callable[[int], Any]) -> AsyncIterator[bytes]:
    while piece := await read(HOP):
        yield piece


def _read_all(read: Callable[[int], bytes]) -> Iterator[bytes]:
    while piece := read(HOP):
        yield piece


async def _in_thread(pieces: Iterator[Any]) -> AsyncIterator[bytes]:
    """A caller's iterator may block, so each step is taken in a thread; a batch of small steps is one visit."""

    def batch() -> list[bytes]:
        taken: list[bytes] = []
        size = 0
        for piece in pieces:
            taken.append(piece)
            size += len(piece) if isinstance(piece, bytes) else HOP
            if size >= HOP:
                break
        return taken

    while taken := await to_thread(batch):
        for piece in taken:
            yield piece


async def _spooled(pieces: AsyncIterator[bytes], stack: AsyncExitStack) -> ByteSource:
    spool = tempfile.TemporaryFile(prefix="liftgate-")  # noqa: SIM115 - closed by the stack
    stack.callback(spool.close)
    waiting = bytearray()
    try:
        async for piece in pieces:
            if not isinstance(piece, bytes | bytearray | memoryview):
                raise InvalidRequest(f"The file's pieces must be bytes, not {type(piece).__name__}.", param="file")
            waiting += piece
            if len(waiting) >= HOP:
                await to_thread(spool.write, bytes(waiting))
                waiting.clear()
        await to_thread(spool.write, bytes(waiting))
        await to_thread(spool.flush)
    except OSError as error:
        if error.errno in NO_SPACE:
            raise StorageFull(f"No space left in {tempfile.gettempdir()} for the file while it is sent.") from error
        raise
    return DescriptorSource(spool.fileno(), 0)


@asynccontextmanager
async def brought(file: Any) -> AsyncIterator[Any]:
    """`file=` fit to be read on another loop: what only the caller's loop can read is read here, into a temporary
    file.
    """
    name, content, declared, headers = _named(file) if isinstance(file, tuple) else (None, file, None, {})
    if not isinstance(content, AsyncIterable) and not inspect.iscoroutinefunction(getattr(content, "read", None)):
        yield file
        return
    async with AsyncExitStack() as stack:
        yield name or _own_name(content), await _spooled(_pieces(content), stack), declared, headers
