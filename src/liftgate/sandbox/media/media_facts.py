"""What the bytes of a piece of media say of it: the proof that the sandbox has read it.

Works on a seekable binary stream, so that a stored file of 2 GiB is never held in memory. No guesses: what a container
does not say is left out.
"""

import re
import struct
import zlib
from dataclasses import dataclass
from typing import BinaryIO

from liftgate.sandbox.media import media_types
from liftgate.sandbox.media.timed_media import Timing, timing

TEXT_SHOWN = 4000
PDF_READ = 50 << 20
_PAGE = re.compile(rb"/Type\s*/Page(?![a-zA-Z])")
_ENCRYPTED = re.compile(rb"/Encrypt\s*(?:\d+\s+\d+\s+R\b|<<)")
_STREAM = re.compile(rb"stream\r?\n(.*?)\r?\nendstream", re.DOTALL)
JPEG_FRAMES = {0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF}
TEXTUAL = {"json", "xml", "javascript", "x-javascript", "yaml", "x-yaml", "x-python", "typescript", "x-typescript"}


@dataclass(frozen=True)
class MediaFacts:
    """`kind` is the modality: TEXT, IMAGE, AUDIO, VIDEO or DOCUMENT."""

    kind: str
    size: int
    timing: Timing | None = None
    width: int = 0
    height: int = 0
    pages: int = 0
    encrypted: bool = False
    """Whether a document's trailer says so, be there a password to open it or only one to change it."""
    text: str = ""
    """The beginning of a text, at most TEXT_SHOWN characters."""

    def phrases(self) -> list[str]:
        """The facts for people, without type, size and hash."""
        listed = []
        if self.timing is not None:
            listed.append(f"{self.timing.seconds:.3f} s")
            if self.timing.rate:
                listed.append(f"{self.timing.rate} Hz")
            if self.timing.channels:
                listed.append("1 channel" if self.timing.channels == 1 else f"{self.timing.channels} channels")
        if self.width:
            listed.append(f"{self.width}x{self.height} pixels")
        if self.pages:
            listed.append("1 page" if self.pages == 1 else f"{self.pages} pages")
        return listed

    def tokens(self) -> int:
        """As Google counts: 258 an image or page, 32 a second of audio, 263 a second of video, 4 characters of text."""
        seconds = self.timing.seconds if self.timing is not None else 1.0
        if self.kind == "AUDIO":
            return max(1, round(seconds * 32))
        if self.kind == "VIDEO":
            return max(1, round(seconds * 263))
        if self.kind == "TEXT":
            return -(-self.size // 4)
        return 258 * max(1, self.pages)


def facts_of(mime_type: str, stream: BinaryIO, size: int) -> MediaFacts:
    """Facts of the `size` bytes in `stream` that a client calls `mime_type`."""
    top, _, rest = media_types.bare(mime_type).partition("/")
    if top == "image":
        width, height = dimensions(stream) or (0, 0)
        return MediaFacts("IMAGE", size, width=width, height=height)
    if top in ("audio", "video"):
        return MediaFacts(top.upper(), size, timing=timing(stream))
    if rest == "pdf":
        data = _pdf_bytes(stream)
        return MediaFacts("DOCUMENT", size, pages=pdf_pages(data), encrypted=_ENCRYPTED.search(data) is not None)
    stream.seek(0)
    if top == "text" or rest in TEXTUAL:
        text = stream.read(TEXT_SHOWN * 4).decode("utf-8", "replace")
        return MediaFacts("TEXT", size, text=text[:TEXT_SHOWN])
    return MediaFacts("DOCUMENT", size)


def dimensions(stream: BinaryIO) -> tuple[int, int] | None:
    """Width and height in pixels of a PNG, GIF, BMP, WEBP or JPEG."""
    stream.seek(0)
    head = stream.read(32)
    try:
        if head[:8] == b"\x89PNG\r\n\x1a\n":
            return struct.unpack(">II", head[16:24])
        if head[:4] == b"GIF8":
            return struct.unpack("<HH", head[6:10])
        if head[:2] == b"BM":
            width, height = struct.unpack("<ii", head[18:26])
            return width, abs(height)
        if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
            return _webp(head)
        if head[:2] == b"\xff\xd8":
            return _jpeg(stream)
    except (struct.error, IndexError):
        return None
    return None


def _webp(head: bytes) -> tuple[int, int] | None:
    form = head[12:16]
    if form == b"VP8X":
        return int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1
    if form == b"VP8 ":
        width, height = struct.unpack("<HH", head[26:30])
        return width & 0x3FFF, height & 0x3FFF
    if form == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return None


def _jpeg(stream: BinaryIO) -> tuple[int, int] | None:
    stream.seek(2)
    while len(mark := stream.read(4)) == 4 and mark[0] == 0xFF:
        length = struct.unpack(">H", mark[2:])[0]
        if mark[1] in JPEG_FRAMES:
            height, width = struct.unpack(">xHH", stream.read(5))
            return width, height
        stream.seek(length - 2, 1)
    return None


def _pdf_bytes(stream: BinaryIO) -> bytes:
    stream.seek(0)
    return stream.read(PDF_READ)


def pdf_pages(data: bytes) -> int:
    """Page objects of a PDF, also where they are packed in compressed object streams; 0 when none is found."""
    plain = len(_PAGE.findall(data))
    if plain:
        return plain
    packed = 0
    for match in _STREAM.finditer(data):
        try:
            packed += len(_PAGE.findall(zlib.decompress(match.group(1))))
        except zlib.error:
            continue
    return packed
