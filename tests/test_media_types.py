"""MIME types: spellings of docs/protocol/gemini.md, "Limits and types", names, and first bytes of real files."""

from __future__ import annotations

import io
import wave
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from liftgate import media_types
from liftgate.magic_bytes import HEAD, sniff
from liftgate.type_spellings import ALIASES

# Left: what docs/protocol/gemini.md, "Limits and types" lists or what clients are known to send. Right: the spelling
# that is kept.
SPELLINGS = {
    # text
    "text/html": "text/html", "text/css": "text/css", "text/plain": "text/plain", "text/xml": "text/xml",
    "text/csv": "text/csv", "text/rtf": "text/rtf", "text/javascript": "text/javascript",
    "text/markdown": "text/markdown", "text/x-python": "text/x-python", "text/md": "text/markdown",
    "text/x-markdown": "text/markdown", "text/x-javascript": "text/javascript",
    "application/javascript": "text/javascript", "application/x-javascript": "text/javascript",
    "application/xml": "text/xml", "application/rtf": "text/rtf", "application/x-python": "text/x-python",
    "application/x-python-code": "text/x-python", "text/x-script.python": "text/x-python",
    # application
    "application/json": "application/json", "application/pdf": "application/pdf", "jsonl": "application/jsonl",
    "application/x-ndjson": "application/jsonl",
    # images
    "image/png": "image/png", "image/jpeg": "image/jpeg", "image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg",
    "image/webp": "image/webp", "image/heic": "image/heic", "image/heif": "image/heif", "image/bmp": "image/bmp",
    "image/gif": "image/gif", "image/tiff": "image/tiff",
    # audio
    "audio/wav": "audio/wav", "audio/x-wav": "audio/wav", "audio/wave": "audio/wav", "audio/vnd.wave": "audio/wav",
    "audio/mp3": "audio/mpeg", "audio/mpeg": "audio/mpeg", "audio/mpga": "audio/mpeg", "audio/aiff": "audio/aiff",
    "audio/x-aiff": "audio/aiff", "audio/aac": "audio/aac", "audio/x-aac": "audio/aac", "audio/ogg": "audio/ogg",
    "audio/flac": "audio/flac", "audio/x-flac": "audio/flac", "audio/m4a": "audio/m4a", "audio/x-m4a": "audio/m4a",
    "audio/mp4": "audio/m4a", "audio/l16": "audio/l16", "audio/L16;rate=24000": "audio/l16",
    "audio/opus": "audio/opus", "audio/alaw": "audio/alaw", "audio/mulaw": "audio/mulaw", "audio/webm": "audio/webm",
    # video
    "video/mp4": "video/mp4", "video/mpeg": "video/mpeg", "video/mpg": "video/mpeg", "video/mov": "video/mov",
    "video/quicktime": "video/mov", "video/avi": "video/avi", "video/x-msvideo": "video/avi",
    "video/x-flv": "video/x-flv", "video/flv": "video/x-flv", "video/webm": "video/webm", "video/wmv": "video/wmv",
    "video/x-ms-wmv": "video/wmv", "video/3gpp": "video/3gpp", "video/3gp": "video/3gpp",
}  # fmt: skip


@pytest.mark.parametrize(("sent", "kept"), SPELLINGS.items())
def test_normalise_spelling(sent: str, kept: str) -> None:
    assert media_types.normalise(sent) == kept
    assert media_types.normalise(f"  {sent.upper()} ; charset=utf-8") == kept


@pytest.mark.parametrize(
    "garbage",
    ["", "audio", "audio/", "/wav", "a b/c", "text/plain\r\nx: y", "ä/ö", "a/b/c", ";", "text/plain;" + "a" * 1100],
)
def test_normalise_not_a_type(garbage: str) -> None:
    assert media_types.normalise(garbage) == ""


def test_aliases_lead_to_canonical_spellings() -> None:
    for kept in ALIASES.values():
        assert kept not in ALIASES
        assert media_types.normalise(kept) == kept


@given(st.text())
def test_normalise_is_idempotent(text: str) -> None:
    once = media_types.normalise(text)
    assert media_types.normalise(once) == once


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("a.wav", "audio/wav"), ("Song.MP3", "audio/mpeg"), ("a.m4a", "audio/m4a"), ("a.mov", "video/mov"),
        ("a.mp4", "video/mp4"), ("a.pdf", "application/pdf"), ("a.jpg", "image/jpeg"), ("a.heic", "image/heic"),
        ("app.ts", "text/plain"), ("app.tsx", "text/plain"), ("main.py", "text/plain"), ("main.rs", "text/plain"),
        ("main.js", "text/plain"), ("README.md", "text/markdown"), ("README", "text/plain"),
        ("a.tar.gz", "application/gzip"),
        ("Dockerfile", "text/plain"), ("Makefile", "text/plain"), (".gitignore", "text/plain"), ("a.csv", "text/csv"),
        ("a.html", "text/html"), ("a.xml", "text/xml"), ("a.json", "application/json"),
        ("b.jsonl", "application/jsonl"),
        ("c:\\films\\видео.WebM", "video/webm"), ("../x/y.flac", "audio/flac"), ("dir.mp4/noext", None),
        ("noext", None), ("a.unknownthing", None), ("", None), (".", None), ("a.", None),
    ],
)  # fmt: skip
def test_from_filename(name: str, found: str | None) -> None:
    assert media_types.from_filename(name) == found


def sniffed(head: bytes) -> str | None:
    """The type that a signature says, whatever a container's may be refined to."""
    found = sniff(head)
    return None if found is None else found.mime_type


def _image(form: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(out, form)
    return out.getvalue()


def _wav() -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(800))
    return out.getvalue()


def _zip(*entries: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return out.getvalue()


@pytest.mark.parametrize(
    ("form", "found"),
    [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("GIF", "image/gif"), ("WEBP", "image/webp"), ("TIFF", "image/tiff"),
     ("BMP", "image/bmp"), ("PDF", "application/pdf")],
)  # fmt: skip
def test_sniff_file_made_by_an_image_library(form: str, found: str) -> None:
    assert sniffed(_image(form)[:HEAD]) == found


def test_sniff_wav_and_zips() -> None:
    assert sniffed(_wav()) == "audio/wav"
    assert sniffed(_zip(("a.txt", b"a"))) == "application/zip"
    docx = _zip(("[Content_Types].xml", b"<x/>"), ("word/document.xml", b"<x/>"))
    assert sniffed(docx) == "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    odt = _zip(("mimetype", b"application/vnd.oasis.opendocument.text"), ("content.xml", b"<x/>"))
    assert sniffed(odt) == "application/vnd.oasis.opendocument.text"


@pytest.mark.parametrize(
    ("head", "found"),
    [
        (b"ID3\x04\x00\x00\x00\x00\x00\x00", "audio/mpeg"),
        (b"\xff\xfb\x90\x64" + bytes(64), "audio/mpeg"),  # MPEG-1 layer III, 128 kbit/s, 44.1 kHz
        (b"\xff\xf3\x40\xc0" + bytes(64), "audio/mpeg"),  # MPEG-2 layer III
        (b"\xff\xf1\x50\x80\x2e\x7f\xfc" + bytes(57), "audio/aac"),  # ADTS, a frame of 371 bytes
        (b"fLaC\x00\x00\x00\x22", "audio/flac"),
        (b"OggS\x00\x02" + bytes(22) + b"\x01\x1e\x01vorbis", "audio/ogg"),
        (b"OggS\x00\x02" + bytes(22) + b"\x01\x2a\x80theora", "video/ogg"),
        (b"FORM\x00\x00\x10\x00AIFFCOMM", "audio/aiff"),
        (b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00isomiso2avc1mp41", "video/mp4"),
        (b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom", "video/mp4"),
        (b"\x00\x00\x00\x20ftypM4A \x00\x00\x02\x00", "audio/m4a"),
        (b"\x00\x00\x00\x14ftypqt  \x00\x00\x00\x00qt  ", "video/mov"),
        (b"\x00\x00\x00\x18ftyp3gp4\x00\x00\x00\x00", "video/3gpp"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic", "image/heic"),
        (b"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00mif1heic", "image/heif"),
        (b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm", "video/webm"),
        (b"\x1a\x45\xdf\xa3\xa3\x42\x86\x81\x01\x42\x82\x88matroska", "video/webm"),
        (b"RIFF\x00\x00\x10\x00AVI LIST", "video/avi"),
        (b"FLV\x01\x05\x00\x00\x00\x09", "video/x-flv"),
        (b"\x00\x00\x01\xba\x44\x00\x04\x00", "video/mpeg"),
        (b"Hello,\r\n\tworld", None),
        ("grüß dich, мир".encode(), None),
        (b"\xef\xbb\xbfwith a byte order mark", None),
        (b"\x00\x01\x02", None),
        (b"text, then\x00binary", None),
        (b"\xff\xff\xff\xff" * 4, None),
        (b"RIFF\x00\x00\x10\x00XXXX", None),
        (b"RF64\xff\xff\xff\xffWAVEds64", "audio/wav"),
        (b"BW64\xff\xff\xff\xffWAVEds64", "audio/wav"),
        (b"RF64 is a name", None),
        (b"", None),
    ],
)
def test_sniff_first_bytes(head: bytes, found: str | None) -> None:
    assert sniffed(head) == found


@given(st.binary(max_size=200))
def test_sniff_never_fails(head: bytes) -> None:
    found = sniffed(head)
    assert found is None or media_types.normalise(found) == found
