"""MIME types as data: which spelling is used, what a filename says, what the first bytes say.

The canonical spellings are those that Google documents for Gemini (`audio/wav`, `video/mov`), so a file declared
`audio/x-wav` is one replica with a file declared `audio/wav`. The platform's `mime.types` is never asked: the same name
gives the same type on every machine. Pure; called by ingest and by translation.
"""

from __future__ import annotations

import re

OCTET_STREAM = "application/octet-stream"
HEAD = 8192
"""Bytes of a file's beginning that `sniff` wants."""

# Spelling as clients send it → spelling that is stored and sent to Gemini.
ALIASES: dict[str, str] = {
    "application/csv": "text/csv",
    "application/javascript": "text/javascript",
    "application/jsonlines": "application/jsonl",
    "application/rtf": "text/rtf",
    "application/x-javascript": "text/javascript",
    "application/x-jsonlines": "application/jsonl",
    "application/x-ndjson": "application/jsonl",
    "application/x-pdf": "application/pdf",
    "application/x-python": "text/x-python",
    "application/x-python-code": "text/x-python",
    "application/x-rtf": "text/rtf",
    "application/x-zip-compressed": "application/zip",
    "application/xml": "text/xml",
    "audio/3gpp": "video/3gpp",
    "audio/aif": "audio/aiff",
    "audio/m4b": "audio/m4a",
    "audio/mp3": "audio/mpeg",
    "audio/mp4": "audio/m4a",
    "audio/mpeg3": "audio/mpeg",
    "audio/mpga": "audio/mpeg",
    "audio/vnd.wave": "audio/wav",
    "audio/wave": "audio/wav",
    "audio/x-aac": "audio/aac",
    "audio/x-aiff": "audio/aiff",
    "audio/x-flac": "audio/flac",
    "audio/x-m4a": "audio/m4a",
    "audio/x-mp3": "audio/mpeg",
    "audio/x-mpeg": "audio/mpeg",
    "audio/x-ogg": "audio/ogg",
    "audio/x-pn-wav": "audio/wav",
    "audio/x-wav": "audio/wav",
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "image/x-bmp": "image/bmp",
    "image/x-ms-bmp": "image/bmp",
    "image/x-png": "image/png",
    "jsonl": "application/jsonl",
    "text/ecmascript": "text/javascript",
    "text/jsonl": "application/jsonl",
    "text/md": "text/markdown",
    "text/x-csv": "text/csv",
    "text/x-javascript": "text/javascript",
    "text/x-markdown": "text/markdown",
    "text/x-script.python": "text/x-python",
    "video/3gp": "video/3gpp",
    "video/flv": "video/x-flv",
    "video/m4v": "video/mp4",
    "video/mpegps": "video/mpeg",
    "video/mpg": "video/mpeg",
    "video/msvideo": "video/avi",
    "video/quicktime": "video/mov",
    "video/vnd.avi": "video/avi",
    "video/x-m4v": "video/mp4",
    "video/x-mpeg": "video/mpeg",
    "video/x-ms-wmv": "video/wmv",
    "video/x-msvideo": "video/avi",
    "video/x-quicktime": "video/mov",
}

_MEDIA = {
    "aac": "audio/aac", "aif": "audio/aiff", "aifc": "audio/aiff", "aiff": "audio/aiff", "flac": "audio/flac",
    "m4a": "audio/m4a", "m4b": "audio/m4a", "mp3": "audio/mpeg", "mpga": "audio/mpeg", "oga": "audio/ogg",
    "ogg": "audio/ogg", "opus": "audio/opus", "wav": "audio/wav", "wave": "audio/wav", "weba": "audio/webm",
    "avif": "image/avif", "bmp": "image/bmp", "gif": "image/gif", "heic": "image/heic", "heif": "image/heif",
    "jfif": "image/jpeg", "jpe": "image/jpeg", "jpeg": "image/jpeg", "jpg": "image/jpeg", "png": "image/png",
    "svg": "image/svg+xml", "tif": "image/tiff", "tiff": "image/tiff", "webp": "image/webp",
    "3g2": "video/3gpp", "3gp": "video/3gpp", "3gpp": "video/3gpp", "avi": "video/avi", "flv": "video/x-flv",
    "m4v": "video/mp4", "mkv": "video/x-matroska", "mov": "video/mov", "mp4": "video/mp4", "mpeg": "video/mpeg",
    "mpg": "video/mpeg", "ogv": "video/ogg", "qt": "video/mov", "webm": "video/webm", "wmv": "video/wmv",
}  # fmt: skip

_DOCUMENTS = {
    "css": "text/css", "csv": "text/csv", "htm": "text/html", "html": "text/html", "xhtml": "text/html",
    "ics": "text/calendar", "markdown": "text/markdown", "md": "text/markdown", "mdown": "text/markdown",
    "rtf": "text/rtf", "tsv": "text/tab-separated-values", "vtt": "text/vtt", "xml": "text/xml",
    "ipynb": "application/json", "json": "application/json", "jsonl": "application/jsonl",
    "ndjson": "application/jsonl", "pdf": "application/pdf",
    "doc": "application/msword", "xls": "application/vnd.ms-excel", "ppt": "application/vnd.ms-powerpoint",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "odt": "application/vnd.oasis.opendocument.text", "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "odp": "application/vnd.oasis.opendocument.presentation", "epub": "application/epub+zip",
    "gz": "application/gzip", "tar": "application/x-tar", "zip": "application/zip", "7z": "application/x-7z-compressed",
}  # fmt: skip

# Source code and configuration go as text/plain: Gemini answers "Unsupported MIME type" for most of the registered
# types (`.ts` is `text/vnd.trolltech.linguist` in many tables), and a wrong type sticks to the file for life.
_CODE = (
    "adoc asm awk bash bat bib c cc cfg clj cljs cmake cmd conf cpp cs csproj cts cu cxx d dart diff dockerfile edn el"
    " elm env erl ex exs f90 fish fs fsx gitignore go gql gradle graphql groovy h hcl hh hpp hrl hs hxx ini java jl js"
    " jsx kt kts lean less lisp log lua m make mjs cjs mk ml mli mm mts nim nix org pas patch php pl plist pm"
    " properties proto ps1 py pyi pyw r rb re rs rst s sass scala scm scss sh sol sql srt sub sv svelte swift tcl tex"
    " tf toml ts tsx txt text v vb vhd vim vue wat yaml yml zig zsh"
)
_PLAIN_TEXT = frozenset(_CODE.split())
_PLAIN_NAMES = frozenset(
    {"dockerfile", "makefile", "license", "readme", "changelog", "cmakelists", "gemfile", "rakefile"}
)

_TOKEN = r"[a-z0-9][a-z0-9!#$&^_.+-]*"
_WELL_FORMED = re.compile(rf"{_TOKEN}/{_TOKEN}")


def normalise(mime_type: str) -> str:
    """The canonical spelling: lower case, without parameters, aliases resolved; `""` if it is not `type/subtype`."""
    bare = mime_type.split(";", 1)[0].strip().lower()
    bare = ALIASES.get(bare, bare)
    return bare if _WELL_FORMED.fullmatch(bare) else ""


def from_filename(name: str) -> str | None:
    """By the name's last extension; None when it says nothing. Source code of any kind is `text/plain`."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1].lower()
    stem, dot, extension = last.rpartition(".")
    if not dot:
        return "text/plain" if last in _PLAIN_NAMES else None
    if extension in _PLAIN_TEXT or (stem == "" and extension in _PLAIN_NAMES):
        return "text/plain"
    return _MEDIA.get(extension) or _DOCUMENTS.get(extension)


# Offset, bytes there, type. The first that fits is taken; containers that hold several types are asked after these.
_SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (0, b"II*\x00", "image/tiff"),
    (0, b"MM\x00*", "image/tiff"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"{\\rtf", "text/rtf"),
    (0, b"fLaC", "audio/flac"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"FLV\x01", "video/x-flv"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "video/wmv"),
    (0, b"\x00\x00\x01\xba", "video/mpeg"),
    (0, b"\x00\x00\x01\xb3", "video/mpeg"),
    (0, b"\x1f\x8b\x08", "application/gzip"),
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
)
_ZIP_ENTRIES: tuple[tuple[bytes, str], ...] = (
    (b"word/", _DOCUMENTS["docx"]),
    (b"xl/", _DOCUMENTS["xlsx"]),
    (b"ppt/", _DOCUMENTS["pptx"]),
)
_NOT_TEXT = bytes(set(range(32)) - set(b"\t\n\r\f\x1b"))


def sniff(head: bytes) -> str | None:
    """By a file's first bytes (`HEAD` of them are enough); None when they are of no known kind."""
    for offset, magic, found in _SIGNATURES:
        if head.startswith(magic, offset):
            return found
    return _sniff_container(head) or _sniff_frames(head) or _sniff_text(head)


def _sniff_container(head: bytes) -> str | None:
    if head[:4] == b"RIFF":
        return _RIFF.get(head[8:12])
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return "audio/aiff"
    if head[:4] == b"OggS":
        return "video/ogg" if b"theora" in head[:256] else "audio/ogg"
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return "video/x-matroska" if b"matroska" in head[:64] else "video/webm"
    if head[4:8] == b"ftyp":
        return next((found for brand, found in _ISO_BRANDS if head.startswith(brand, 8)), "video/mp4")
    if head[4:8] in (b"moov", b"mdat", b"wide"):
        return "video/mov"
    if head[:4] == b"PK\x03\x04":
        return _sniff_zip(head)
    return None


def _sniff_zip(head: bytes) -> str:
    # OpenDocument and EPUB put their type, uncompressed, into the first entry.
    if head[30:38] == b"mimetype":
        declared = re.match(rb"application/[a-z0-9.+-]+", head[38:138].removesuffix(b"PK"))
        if declared:
            return declared.group().decode("ascii")
    return next((found for entry, found in _ZIP_ENTRIES if entry in head), "application/zip")


def _sniff_frames(head: bytes) -> str | None:
    """Streams without a header of their own: MPEG audio and ADTS frames, bitmaps."""
    if len(head) >= 4 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0:
        if head[1] & 0xF6 == 0xF0:
            return "audio/aac"
        if head[1] & 0x18 != 0x08 and head[1] & 0x06 and head[2] & 0xF0 != 0xF0 and head[2] & 0x0C != 0x0C:
            return "audio/mpeg"
    if head[:2] == b"BM" and head[6:10] == b"\x00\x00\x00\x00":
        return "image/bmp"
    return None


def _sniff_text(head: bytes) -> str | None:
    if not head or head.translate(None, _NOT_TEXT) != head:
        return None
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        # A character may be cut by the end of the head.
        if error.reason != "unexpected end of data" or error.start < len(head) - 3:
            return None
    return "text/plain"


def resolve(*, declared: str | None, filename: str | None, head: bytes) -> str:
    """What a file is: as declared, unless that says nothing; else by its name; else by its first bytes."""
    for candidate in (normalise(declared or ""), from_filename(filename or ""), sniff(head)):
        if candidate and candidate != OCTET_STREAM:
            return candidate
    return OCTET_STREAM
