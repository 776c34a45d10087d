"""A multipart/related body as it comes: Google's metadata in JSON, then the bytes of one file, handed on at once.

The form of an upload in one request (docs/protocol/gemini.md, "Multipart upload"). Parts have no names there, so it is
no matter for `multipart`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from multipart import parse_options_header  # type: ignore[import-untyped]

from liftgate.errors import InvalidRequest
from liftgate.server.multipart import MAX_BOUNDARY, MAX_PREAMBLE, Sink
from liftgate.server.transfer_encoding import Decoder, decoder_of

MAX_METADATA = 1024 * 1024
MAX_PART_HEAD = 8192


OpenMedia = Callable[[bytes, str], Sink]
"""(metadata as JSON text, the file's content type or "") → where its bytes go."""


def related_boundary(content_type: str) -> str:
    """Raises InvalidRequest when this is no multipart/related."""
    kind, options = parse_options_header(content_type)
    boundary: str = options.get("boundary", "")
    if kind != "multipart/related" or not 0 < len(boundary) <= MAX_BOUNDARY or not boundary.isascii():
        raise InvalidRequest("Expected a body of multipart/related with a boundary of 1 to 200 ASCII characters.")
    return boundary


async def read_related(pieces: AsyncIterator[bytes], boundary: str, open_media: OpenMedia) -> None:
    """Reads to the end. Raises InvalidRequest for all but two parts, and what `pieces` and the sink raise."""
    reader = _Reader(pieces)
    delimiter = b"\r\n--" + boundary.encode("ascii")
    # The first delimiter may be the very beginning of the body.
    reader.buffer += b"\r\n"
    await reader.until(delimiter, MAX_PREAMBLE)
    head = await reader.until(b"\r\n\r\n", MAX_PART_HEAD)
    decoder = _decoder_of(head, "metadata")
    metadata = await reader.until(delimiter, MAX_METADATA)
    if decoder is not None:
        metadata = decoder.feed(metadata) + decoder.end()
    head = await reader.until(b"\r\n\r\n", MAX_PART_HEAD)
    decoder = _decoder_of(head, "file")
    media = open_media(metadata, _header(head, b"content-type"))
    if decoder is None:
        await reader.pour(delimiter, media)
    else:
        await reader.pour(delimiter, _Decoded(media, decoder))
        await media.write(decoder.end())
    if await reader.take(2) != b"--":
        raise _malformed("it has more than two parts")
    await reader.rest()


def _decoder_of(head: bytes, part: str) -> Decoder | None:
    return decoder_of(_header(head, b"content-transfer-encoding"), _header(head, b"content-encoding"), part)


class _Reader:
    def __init__(self, pieces: AsyncIterator[bytes]) -> None:
        self._pieces = pieces
        self.buffer = bytearray()

    async def until(self, mark: bytes, limit: int) -> bytes:
        """What stands before `mark`, which is passed over."""
        searched = 0
        while (found := self.buffer.find(mark, max(0, searched - len(mark)))) < 0:
            searched = len(self.buffer)
            if searched > limit + len(mark):
                raise _malformed("a part's head or its metadata is too large")
            await self._more()
        before = bytes(self.buffer[:found])
        del self.buffer[: found + len(mark)]
        return before

    async def pour(self, mark: bytes, sink: Sink) -> None:
        """All that stands before `mark`, as it comes."""
        while (found := self.buffer.find(mark)) < 0:
            ready = len(self.buffer) - len(mark) + 1
            if ready > 0:
                await sink.write(bytes(self.buffer[:ready]))
                del self.buffer[:ready]
            await self._more()
        if found:
            await sink.write(bytes(self.buffer[:found]))
        del self.buffer[: found + len(mark)]

    async def take(self, count: int) -> bytes:
        while len(self.buffer) < count:
            await self._more()
        return bytes(self.buffer[:count])

    async def rest(self) -> None:
        """The epilogue, which is ignored as far as it is short, in however many pieces it comes."""
        size = len(self.buffer)
        while size <= MAX_PREAMBLE:
            piece = await anext(self._pieces, None)
            if piece is None:
                return
            size += len(piece)
        raise _malformed("there is more behind its end")

    async def _more(self) -> None:
        piece = await anext(self._pieces, None)
        if piece is None:
            raise _malformed("it ends before its closing boundary")
        self.buffer += piece


@dataclass(frozen=True, slots=True)
class _Decoded:
    """A sink for the bytes of a part that is encoded."""

    sink: Sink
    decoder: Decoder

    async def write(self, piece: bytes | memoryview) -> None:
        await self.sink.write(self.decoder.feed(bytes(piece)))


def _header(head: bytes, wanted: bytes) -> str:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == wanted:
            return value.strip().decode("latin-1")
    return ""


def _malformed(why: str) -> InvalidRequest:
    return InvalidRequest(f"The multipart body is malformed: {why}.")
