"""What a file's first bytes say it is. Pure: data and the checks that data cannot say.

A signature of a container (MP4, WebM, Ogg, ZIP …) leaves open what is in it; `refined_by` lists the types that a client
or a filename may say for it. All other signatures are exact.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from liftgate.text_encoding import encoding_of

HEAD = 8192
"""Bytes of a file's beginning that are wanted."""

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
EPUB = "application/epub+zip"
ODF = {
    "odt": "application/vnd.oasis.opendocument.text",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "odp": "application/vnd.oasis.opendocument.presentation",
}
IWORK = {
    "pages": "application/vnd.apple.pages",
    "numbers": "application/vnd.apple.numbers",
    "key": "application/vnd.apple.keynote",
}
DOC, XLS, PPT = "application/msword", "application/vnd.ms-excel", "application/vnd.ms-powerpoint"


class Signature(NamedTuple):
    """`mime_type`: where nothing says more. `sound`: the type where the file is called one of sound that is not listed
    in `refined_by`."""

    mime_type: str
    refined_by: frozenset[str] = frozenset()
    sound: str | None = None


_ISO = Signature("video/mp4", frozenset({"video/mp4", "audio/m4a", "video/mov", "video/3gpp"}), "audio/m4a")
_OGG = Signature("audio/ogg", frozenset({"audio/ogg", "audio/opus"}))
_WEBM = Signature("video/webm", frozenset({"video/webm", "audio/webm"}), "audio/webm")
"""Matroska too, of which WebM is a part: Gemini has no word of its own for it."""
_ASF = Signature("video/wmv", frozenset({"video/wmv", "audio/x-ms-wma"}), "audio/x-ms-wma")
_ZIP = Signature("application/zip", frozenset({DOCX, XLSX, PPTX, EPUB, *ODF.values(), *IWORK.values()}))
_OLE = Signature("application/x-ole-storage", frozenset({DOC, XLS, PPT}))
_ID3 = Signature("audio/mpeg", frozenset({"audio/mpeg", "audio/aac", "audio/flac"}))

# Offset, bytes there, what it is. The first that fits is taken.
_FIXED: tuple[tuple[int, bytes, Signature], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", Signature("image/png")),
    (0, b"\xff\xd8\xff", Signature("image/jpeg")),
    (0, b"GIF87a", Signature("image/gif")),
    (0, b"GIF89a", Signature("image/gif")),
    (0, b"II*\x00", Signature("image/tiff")),
    (0, b"MM\x00*", Signature("image/tiff")),
    (0, b"II+\x00\x08\x00", Signature("image/tiff")),
    (0, b"MM\x00+\x00\x08", Signature("image/tiff")),
    (0, b"8BPS\x00\x01", Signature("image/vnd.adobe.photoshop")),
    (0, b"\x00\x00\x01\x00", Signature("image/x-icon")),
    (0, b"\x00\x00\x00\x0cjP  \r\n\x87\n", Signature("image/jp2")),
    (0, b"\x00\x00\x00\x0cJXL \r\n\x87\n", Signature("image/jxl")),
    (0, b"qoif", Signature("image/qoi")),
    (0, b"DDS ", Signature("image/vnd.ms-dds")),
    (0, b"icns", Signature("image/x-icns")),
    (0, b"\x76\x2f\x31\x01", Signature("image/x-exr")),
    (0, b"#?RADIANCE", Signature("image/vnd.radiance")),
    (0, b"%PDF-", Signature("application/pdf")),
    (0, b"\xef\xbb\xbf%PDF-", Signature("application/pdf")),
    (0, b"{\\rtf", Signature("text/rtf")),
    (0, b"fLaC\x00", Signature("audio/flac")),
    (0, b"fLaC\x80", Signature("audio/flac")),
    (0, b"#!AMR", Signature("audio/amr")),
    (0, b"caff\x00\x01\x00\x00", Signature("audio/x-caf")),
    (0, b".snd\x00\x00", Signature("audio/basic")),
    (0, b"wvpk", Signature("audio/x-wavpack")),
    (0, b"TTA1", Signature("audio/x-tta")),
    (0, b"MAC ", Signature("audio/x-ape")),
    (0, b"MPCK", Signature("audio/x-musepack")),
    (0, b"DSD ", Signature("audio/x-dsf")),
    (0, b"riff\x2e\x91\xcf\x11", Signature("audio/x-w64")),
    (0, b"MThd\x00\x00\x00\x06", Signature("audio/midi")),
    (0, b"FLV\x01", Signature("video/x-flv")),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", _ASF),
    (0, b"nut/multimedia container\x00", Signature("video/x-nut")),
    (0, b".RMF\x00\x00\x00", Signature("video/vnd.rn-realvideo")),
    (0, b"\x00\x00\x01\xba", Signature("video/mpeg")),
    (0, b"\x00\x00\x01\xb3", Signature("video/mpeg")),
    (0, b"\x1f\x8b\x08", Signature("application/gzip")),
    (0, b"BZh91AY&SY", Signature("application/x-bzip2")),
    (0, b"\xfd7zXZ\x00", Signature("application/x-xz")),
    (0, b"\x28\xb5\x2f\xfd", Signature("application/zstd")),
    (0, b"7z\xbc\xaf\x27\x1c", Signature("application/x-7z-compressed")),
    (0, b"Rar!\x1a\x07", Signature("application/vnd.rar")),
    (257, b"ustar", Signature("application/x-tar")),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", _OLE),
    (0, b"SQLite format 3\x00", Signature("application/vnd.sqlite3")),
    (0, b"PAR1\x15", Signature("application/vnd.apache.parquet")),
    (0, b"\x7fELF", Signature("application/x-elf")),
    (0, b"\x00asm\x01\x00\x00\x00", Signature("application/wasm")),
    (0, b"\xca\xfe\xba\xbe", Signature("application/java-vm")),
    (0, b"wOFF", Signature("font/woff")),
    (0, b"wOF2", Signature("font/woff2")),
)
_LETTERS = frozenset(
    (*b"GIF87a GIF89a wOFF wOF2 BZh91AY&SY wvpk TTA1 MPCK qoif icns #?RADIANCE".split(), b"MAC ", b"DSD ", b"DDS ")
)
_RIFF = {b"WAVE": "audio/wav", b"AVI ": "video/avi", b"WEBP": "image/webp"}
_ISO_BRANDS: tuple[tuple[bytes, str], ...] = (
    (b"M4A", "audio/m4a"),
    (b"M4B", "audio/m4a"),
    (b"qt", "video/mov"),
    (b"3g", "video/3gpp"),
    (b"avif", "image/avif"),
    (b"avis", "image/avif"),
    (b"hei", "image/heic"),
    (b"hev", "image/heic"),
    (b"mif1", "image/heif"),
    (b"msf1", "image/heif"),
    (b"crx ", "image/x-canon-cr3"),
)
_ANY_IMAGE = (b"mif1", b"msf1")
"""Brands of images of any coding: one behind them says whether it is AVIF, which Gemini does not take."""
_ZIP_ENTRIES: tuple[tuple[bytes, str], ...] = ((b"word/", DOCX), (b"xl/", XLSX), (b"ppt/", PPTX))
_TS_PACKET = 188
_M2TS_PACKET = 192

# Of an MPEG audio frame: kbit/s by the header's four bits, and samples a second by its two, for MPEG-1; others halve.
_KBITS = {
    (1, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (1, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (2, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES = (44100, 48000, 32000)


def sniff(head: bytes) -> Signature | None:
    """By a file's first bytes (`HEAD` of them are enough); None where they are of no known kind, as a text's are."""
    for offset, magic, found in _FIXED:
        if head.startswith(magic, offset):
            # Letters that a text may begin with as well.
            return None if magic in _LETTERS and encoding_of(head) else found
    return _container(head) or _stream(head)


def _container(head: bytes) -> Signature | None:
    kind = head[:4]
    if kind == b"RIFF":
        return Signature(_RIFF[head[8:12]]) if head[8:12] in _RIFF else None
    if kind in (b"RF64", b"BW64"):  # long recordings
        return Signature("audio/wav") if head[8:12] == b"WAVE" else None
    if kind == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return Signature("audio/aiff")
    if kind == b"OggS" and head[4:5] == b"\x00":
        return Signature("video/ogg") if b"theora" in head[:512] else _OGG
    if kind == b"\x1a\x45\xdf\xa3":
        return _WEBM
    if kind == b"PK\x03\x04":
        return _zip(head)
    if head[:3] == b"ID3" and head[3:4] in b"\x02\x03\x04" and len(head) >= 10 and max(head[6:10]) < 0x80:
        return _ID3
    if head[4:8] == b"ftyp" and head[0] == 0:
        if head[8:12] in _ANY_IMAGE:
            end = min(int.from_bytes(head[:4], "big"), len(head))
            if any(head.startswith((b"avif", b"avis"), at) for at in range(16, end, 4)):
                return Signature("image/avif")
        exact = next((found for brand, found in _ISO_BRANDS if head.startswith(brand, 8)), None)
        return _ISO if exact is None else Signature(exact)
    if head[4:8] in (b"moov", b"mdat", b"wide", b"free", b"skip") and head[:2] in (b"\x00\x00", b"\x00\x01"):
        return Signature("video/mov", _ISO.refined_by, "audio/m4a")
    return None


def _zip(head: bytes) -> Signature:
    # OpenDocument and EPUB put their type, uncompressed, into the first entry.
    if head[30:38] == b"mimetype":
        stated = re.match(rb"application/[a-z0-9.+-]+", head[38:138].removesuffix(b"PK"))
        if stated:
            return Signature(stated.group().decode("ascii"))
    exact = next((found for entry, found in _ZIP_ENTRIES if entry in head), None)
    return _ZIP if exact is None else Signature(exact)


def _stream(head: bytes) -> Signature | None:
    """What has no header of its own: frames and packets, each where the one before says; and bitmaps."""
    marked = head[:2] in (b"\xff\xfe", b"\xfe\xff") and encoding_of(head)
    if len(head) >= 4 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0 and not marked:
        for mime_type, length_at in (("audio/aac", _adts_length), ("audio/mpeg", _mpeg_length)):
            length = length_at(head, 0)
            # A head that ends within the first frame is all there is to go by.
            if length and (length + 4 > len(head) or length_at(head, length)):
                return Signature(mime_type)
    if _packets(head, 0, _TS_PACKET) or _packets(head, 4, _M2TS_PACKET):
        return Signature("video/mpeg")
    if head[:2] == b"BM" and head[6:10] == bytes(4) and len(head) >= 14:
        return Signature("image/bmp")
    # A PDF may have a preamble of up to a kilobyte; a text that only speaks of one has no bytes that no text has.
    if (b"%PDF-" in head[:1024] and b"\x00" in head) or head.lstrip().startswith(b"%PDF-"):
        return Signature("application/pdf")
    return None


def _packets(head: bytes, first: int, size: int) -> bool:
    """Whether MPEG transport packets begin there: at least three, or all of a shorter head."""
    marks = head[first::size]
    return len(marks) >= 3 and not marks.strip(b"\x47")


def _adts_length(head: bytes, at: int) -> int:
    """Bytes of the ADTS frame there; 0 where none is."""
    if head[at] != 0xFF or head[at + 1] & 0xF6 != 0xF0 or (head[at + 2] >> 2 & 0xF) > 12:
        return 0
    length = int.from_bytes((head + bytes(6))[at + 3 : at + 6], "big") >> 5 & 0x1FFF
    return length if length > 7 else 0


def _mpeg_length(head: bytes, at: int) -> int:
    """Bytes of the MPEG audio frame there; 0 where none is."""
    if head[at] != 0xFF or head[at + 1] & 0xE0 != 0xE0:
        return 0
    version, layer = head[at + 1] >> 3 & 3, 4 - (head[at + 1] >> 1 & 3)
    kbits, rate, padding = head[at + 2] >> 4, head[at + 2] >> 2 & 3, head[at + 2] >> 1 & 1
    if version == 1 or layer == 4 or kbits in (0, 15) or rate == 3:
        return 0
    bits = 1000 * _KBITS[1 if version == 3 else 2, layer][kbits - 1]
    hertz = _RATES[rate] >> (0 if version == 3 else 1 if version == 2 else 2)
    if layer == 1:
        return (12 * bits // hertz + padding) * 4
    samples = 72 if layer == 3 and version != 3 else 144
    return samples * bits // hertz + padding
