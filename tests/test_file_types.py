"""The rule that says what type a file has: every place a type comes from, and the order among them.

Which types Gemini takes is docs/protocol/gemini.md, "Limits and types"; what clients declare are the tables of Debian,
nginx, browsers and phones.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import io
import struct
import zipfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from random import Random  # noqa: TID251 - seeded, for reproducible data

import pytest

from liftgate.as_utf8 import for_gemini, text_for_gemini
from liftgate.magic_bytes import DOCX, HEAD
from liftgate.media_types import OCTET_STREAM, called, explicit, is_taken, resolve, unusable

SOURCE = b"fn main() {}\n"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(24)
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(16)
PDF = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"
HEIC = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"
MP4 = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"
OGG = b"OggS\x00\x02" + bytes(22) + b"\x01\x13OpusHead"
WEBM = b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm"
MATROSKA = b"\x1a\x45\xdf\xa3\xa3\x42\x86\x81\x01\x42\x82\x88matroska"
TRANSPORT = (b"\x47\x40\x00\x10" + bytes(184)) * 5
BLU_RAY = (bytes(4) + b"\x47\x40\x00\x10" + bytes(184)) * 5
GIF = b"GIF89a\x01\x00\x01\x00\x00\x00\x00;"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"/>'
BINARY = bytes(range(256)) * 4


def mp3_frames(count: int = 3) -> bytes:
    """MPEG-1 layer III, 128 kbit/s, 44.1 kHz: frames of 417 bytes."""
    return (b"\xff\xfb\x90\x64" + bytes(413)) * count


def docx() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/document.xml", "<document/>")
    return out.getvalue()


# Declared, name, bytes → what it is.
DECLARED_AS_TABLES_SAY = [
    ("application/rls-services+xml", "main.rs", SOURCE, "text/plain"),
    ("text/vnd.trolltech.linguist", "app.ts", SOURCE, "text/plain"),
    ("video/mp2t", "app.ts", SOURCE, "text/plain"),
    ("VIDEO/MP2T", "app.ts", SOURCE, "text/plain"),
    ("text/x-csrc", "a.c", SOURCE, "text/plain"),
    ("text/x-java", "A.java", SOURCE, "text/plain"),
    ("text/x-sh", "a.sh", SOURCE, "text/plain"),
    ("application/x-sh", "a.sh", SOURCE, "text/plain"),
    ("text/x-tex", "a.tex", SOURCE, "text/plain"),
    ("text/x-diff", "a.diff", SOURCE, "text/plain"),
    ("application/x-httpd-php", "a.php", SOURCE, "text/plain"),
    ("application/yaml", "a.yaml", b"a: 1\n", "text/plain"),
    ("application/x-yaml", "a.yml", b"a: 1\n", "text/plain"),
    ("application/toml", "a.toml", b"a = 1\n", "text/plain"),
    ("text/x-python", "a.py", b"pass\n", "text/plain"),
    ("text/javascript", "a.js", b"1\n", "text/plain"),
    ("application/x-perl", "a.pl", SOURCE, "text/plain"),
    ("application/vnd.dart", "a.dart", SOURCE, "text/plain"),
    ("text/x-script.phyton", None, SOURCE, "text/plain"),
    ("application/x-unheard-of", "no-extension", SOURCE, "text/plain"),
    ("application/ogg", "voice.ogg", OGG, "audio/ogg"),
    ("APPLICATION/OGG", None, OGG, "audio/ogg"),
    ("audio/ogg; codecs=opus", "voice.oga", OGG, "audio/ogg"),
    ("text/comma-separated-values", "t.csv", b"a,b\n", "text/csv"),
    ("application/vnd.ms-excel", "t.csv", b"a,b\n", "text/csv"),
    ("audio/x-mpeg-3", "a.mp3", mp3_frames(), "audio/mpeg"),
    ("audio/x-mpegurl", "a.mp3", mp3_frames(), "audio/mpeg"),
    ("application/mp4", "v.mp4", MP4, "video/mp4"),
    ("application/xhtml+xml", "page.xhtml", b"<html/>", "text/html"),
    ("application/force-download", "r.pdf", PDF, "application/pdf"),
    ("application/x-octet-stream", "r.pdf", PDF, "application/pdf"),
    ("application/octetstream", "r.pdf", b"no signature", "application/pdf"),
    ("binary/octet-stream", "a.mp3", BINARY, "audio/mpeg"),
    ("application/x-www-form-urlencoded", "a.flac", BINARY, "audio/flac"),
    ("image/*", "a.webp", BINARY, "image/webp"),
    ("*/*", None, PNG, "image/png"),
    ("pdf", None, BINARY, "application/pdf"),
    (".wav", None, BINARY, "audio/wav"),
]

BYTES_THAT_LEAVE_NO_DOUBT = [
    ("text/plain", "page.txt", PNG, "image/png"),
    ("application/pdf", None, PNG, "image/png"),
    ("image/png", "a.png", JPEG, "image/jpeg"),
    ("image/jpeg", "a.jpg", HEIC, "image/heic"),
    ("text/html", "download", PDF, "application/pdf"),
    ("audio/wav", "a.wav", mp3_frames(), "audio/mpeg"),
    ("audio/mpeg", "a.mp3", b"RIFF\x00\x00\x10\x00WAVEfmt ", "audio/wav"),
    ("audio/mpeg", "a.mp3", b"fLaC\x00\x00\x00\x22", "audio/flac"),
    ("text/plain", None, b"{\\rtf1 hello}", "text/rtf"),
    ("text/x-pdf", None, b"\r\n\n%PDF-1.7\n", "application/pdf"),
    (None, "shot.txt", PNG, "image/png"),
    (None, "v.ts", TRANSPORT, "video/mpeg"),
    (None, "v.m2ts", BLU_RAY, "video/mpeg"),
    ("video/mp2t", "v.ts", TRANSPORT, "video/mpeg"),
    (None, "main.c", MP4, "video/mp4"),
    (None, "data.json", WEBM, "video/webm"),
    (None, "film.mkv", MATROSKA, "video/webm"),
]

CONTAINERS = [
    ("audio/mp4", "a.m4a", MP4, "audio/m4a"),
    ("application/octet-stream", "a.m4a", MP4, "audio/m4a"),
    ("audio/mpeg", "youtube.mp3", MP4, "audio/m4a"),
    ("video/quicktime", "a.mov", MP4, "video/mov"),
    ("text/plain", "v.mp4", MP4, "video/mp4"),
    ("audio/webm; codecs=opus", "recording", WEBM, "audio/webm"),
    ("audio/ogg", "a.weba", WEBM, "audio/webm"),
    ("video/webm", None, WEBM, "video/webm"),
    ("audio/opus", None, OGG, "audio/opus"),
    ("video/mp4", "a.ogg", OGG, "audio/ogg"),
    ("audio/aac", None, b"ID3\x04\x00\x00\x00\x00\x00\x00", "audio/aac"),
]

NAMES_THAT_BYTES_CONTRADICT = [
    (None, "server.log", gzip.compress(b"log", mtime=0), "application/gzip"),
    (None, "notes.txt", BINARY, OCTET_STREAM),
    ("application/octet-stream", "main.rs", BINARY, OCTET_STREAM),
    (None, "config.yaml", b"\x7fELF\x02\x01\x01" + bytes(9), "application/x-elf"),
    (None, "a.py", b"\x00\x01\x02\x03", OCTET_STREAM),
    # What is declared is believed where no signature contradicts it.
    ("text/plain", "notes.txt", BINARY, "text/plain"),
    ("text/csv", "t.csv", bytes(64), "text/csv"),
    (None, "old.doc", b"<html>a report</html>", "text/plain"),
]

HAVE_A_TEXT_FORM = [
    ("image/svg+xml", "logo.svg", SVG, "text/plain"),
    (None, "logo.svg", SVG, "text/plain"),
    (None, None, SVG, "text/plain"),
    ("application/x-ipynb+json", "n.ipynb", b"{}", "text/plain"),
    (None, "n.ipynb", b"{}", "text/plain"),
    ("text/vtt", "s.vtt", b"WEBVTT\n", "text/plain"),
    ("application/x-subrip", "s.srt", b"1\n00:00:00,000 --> 00:00:01,000\nHi\n", "text/plain"),
    ("text/calendar", "c.ics", b"BEGIN:VCALENDAR\n", "text/plain"),
    ("text/tab-separated-values", "t.tsv", b"a\tb\n", "text/plain"),
    ("application/jsonl", "l.jsonl", b"{}\n", "text/plain"),
    ("application/geo+json", "a.geojson", b"{}", "text/plain"),
    ("message/rfc822", "m.eml", b"From: a\n", "text/plain"),
    ("text/vcard", "v.vcf", b"BEGIN:VCARD\n", "text/plain"),
    ("application/rss+xml", "feed", b"<rss/>", "text/plain"),
]

STAY_AS_GEMINI_TAKES_THEM = [
    ("text/markdown", "a.md", b"# a\n", "text/markdown"),
    ("application/json", "a.json", b"{}", "application/json"),
    ("application/xml", "a.xml", b"<a/>", "text/xml"),
    ("text/css", "a.css", b"a{}", "text/css"),
    ("text/plain", "t.csv", b"a,b\n", "text/plain"),
    ("audio/l16; rate=16000", "speech", BINARY, "audio/l16"),
    ("image/jpeg", "blob", BINARY, "image/jpeg"),
    ("audio/x-wav", "a.mp3", b"no signature", "audio/wav"),
    (None, "a.mp3", b"no signature", "audio/mpeg"),
    (None, "a.txt", b"TTA1 is the name of a codec, MAC that of a machine", "text/plain"),
    (None, "a.txt", b"qoif, DDS and wvpk are letters", "text/plain"),
    (None, "mine.key", b"-----BEGIN PRIVATE KEY-----\n", "text/plain"),
]

NEVER_TAKEN = [
    (None, None, GIF, "image/gif"),
    ("image/png", "a.png", GIF, "image/gif"),
    (None, "a.bmp", b"BM" + struct.pack("<IHHI", 70, 0, 0, 54), "image/bmp"),
    ("image/tiff", None, b"II*\x00\x08\x00\x00\x00", "image/tiff"),
    (None, "a.avif", b"\x00\x00\x00\x1cftypavif\x00\x00\x00\x00", "image/avif"),
    ("application/octet-stream", "r.docx", docx(), DOCX),
    ("application/zip", "a.zip", b"PK\x03\x04" + bytes(30), "application/zip"),
    (None, "a.7z", b"7z\xbc\xaf\x27\x1c" + bytes(9), "application/x-7z-compressed"),
    (None, "voice", b"#!AMR\n\x3c\x00", "audio/amr"),
    (None, "voice", b"caff\x00\x01\x00\x00desc", "audio/x-caf"),
    ("application/vnd.wv.csp+wbxml", "a.wv", b"wvpk\x9a\x04\x00\x00\x10\x04", "audio/x-wavpack"),
    (None, "a.tta", b"TTA1\x01\x00\x01\x00\x10\x00", "audio/x-tta"),
    (None, "a.ape", b"MAC \x96\x0f\x00\x00", "audio/x-ape"),
    (None, "a.w64", b"riff\x2e\x91\xcf\x11\xa5\xd6", "audio/x-w64"),
    (None, "a.qoi", b"qoif\x00\x00\x00\x40", "image/qoi"),
    (None, "a.dds", b"DDS \x7c\x00\x00\x00", "image/vnd.ms-dds"),
    ("image/aces", "a.exr", b"\x76\x2f\x31\x01\x02\x00", "image/x-exr"),
    (None, "a.nut", b"nut/multimedia container\x00NM", "video/x-nut"),
    (None, "letter.pages", b"PK\x03\x04" + bytes(30), "application/vnd.apple.pages"),
    (None, "table.numbers", b"PK\x03\x04" + bytes(30), "application/vnd.apple.numbers"),
    ("application/zip", "talk.key", b"PK\x03\x04" + bytes(30), "application/vnd.apple.keynote"),
    (None, None, b"\x01\x02\x03", OCTET_STREAM),
    ("application/octet-stream; x=y", None, b"", OCTET_STREAM),
]


@pytest.mark.parametrize(
    ("declared", "name", "data", "found"),
    [
        *DECLARED_AS_TABLES_SAY,
        *BYTES_THAT_LEAVE_NO_DOUBT,
        *CONTAINERS,
        *NAMES_THAT_BYTES_CONTRADICT,
        *HAVE_A_TEXT_FORM,
        *STAY_AS_GEMINI_TAKES_THEM,
        *NEVER_TAKEN,
    ],
)
def test_type_of_a_file(declared: str | None, name: str | None, data: bytes, found: str) -> None:
    assert resolve(declared=declared, filename=name, head=data[:HEAD]) == found


# What a file is → its first bytes. Of containers, what each declared type makes of them.
KINDS: dict[str, bytes] = {
    "image/png": PNG,
    "image/jpeg": JPEG,
    "image/heic": HEIC,
    "image/gif": GIF,
    "application/pdf": PDF,
    "application/zip": b"PK\x03\x04" + bytes(30),
    "audio/wav": b"RIFF\x00\x00\x10\x00WAVEfmt ",
    "audio/flac": b"fLaC\x00\x00\x00\x22",
    "audio/mpeg": mp3_frames(),
    "video/mpeg": TRANSPORT,
    "video/x-flv": b"FLV\x01\x05",
    "video/mp4": MP4,
    "video/webm": WEBM,
    "audio/ogg": OGG,
}
IN_CONTAINERS = {
    ("video/mp4", "audio"): "audio/m4a",
    ("video/webm", "audio"): "audio/webm",
    ("video/mp4", "video/mov"): "video/mov",
}
MARKED_TEXTS = [
    b"\xef\xbb\xbfa,b\n",
    "Grüße, plain words\n".encode("utf-16"),
    b"<?xml version='1.0'?>\n<a/>",
    SVG,
    b"\n  <!DOCTYPE html><title>Sign in</title>",
    b"<HTML><body>",
]


@pytest.mark.parametrize("kind", KINDS)
def test_bytes_of_one_kind_declared_as_any_other(kind: str) -> None:
    for declared in (*KINDS, "video/mov", "text/plain", "text/csv", "application/json"):
        refined = IN_CONTAINERS.get((kind, declared), IN_CONTAINERS.get((kind, declared.partition("/")[0]), kind))
        assert resolve(declared=declared, filename=None, head=KINDS[kind]) == refined, declared
    for name in ("a.png", "a.pdf", "a.zip", "a.txt", "a.csv"):
        assert resolve(declared=None, filename=name, head=KINDS[kind]) == kind, name


@pytest.mark.parametrize("text", MARKED_TEXTS)
def test_text_beyond_doubt_declared_as_what_is_no_text(text: bytes) -> None:
    for declared in KINDS:
        assert resolve(declared=declared, filename=None, head=text) == "text/plain", declared
        assert resolve(declared=declared, filename="a.csv", head=text) == "text/csv", declared
    for name in ("a.png", "a.mp4", "a.pdf", "a.zip", "a.docx"):
        assert resolve(declared=None, filename=name, head=text) == "text/plain", name
    for declared in ("text/html", "text/xml", "text/csv", "text/markdown", "application/json"):
        assert resolve(declared=declared, filename="a.png", head=text) == declared
    assert resolve(declared="image/svg+xml", filename="a.png", head=text) == "text/plain"


@pytest.mark.parametrize("declared", ["image/png", "audio/mulaw", "application/pdf"])
def test_text_without_a_mark_is_what_it_is_declared(declared: str) -> None:
    """Samples and frames without a header may look like text: what Gemini takes is believed."""
    assert resolve(declared=declared, filename=None, head=b"some words\n") == declared


def test_what_is_found_is_taken_or_refused_with_advice() -> None:
    for declared, name, data, _ in NEVER_TAKEN:
        found = resolve(declared=declared, filename=name, head=data[:HEAD])
        assert not is_taken(found)
        refused = unusable(f"The file {name!r}", found, param="file")
        assert (refused.status, refused.code, refused.param) == (400, "unsupported_file", "file")
        assert found in refused.message and repr(name) in refused.message
    told = [unusable("x", each, param=None).message for each in ("image/gif", DOCX, "application/zip", OCTET_STREAM)]
    assert [any(word in each for word in ("PNG", "PDF", "Unpack", "extension")) for each in told] == [True] * 4


TEXT = "Grüße: naïve café — €5, plain words around it\n"


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "cp1252"]
)
@pytest.mark.parametrize("name", [None, "blob", "a.txt"])
def test_text_in_any_encoding_is_text(encoding: str, name: str | None) -> None:
    assert resolve(declared="application/octet-stream", filename=name, head=TEXT.encode(encoding)) == "text/plain"
    assert resolve(declared=None, filename="a.csv", head=TEXT.encode(encoding)) == "text/csv"


@pytest.mark.parametrize(
    "text", ["hello\n", "a", "id;name\n1;Ö\n", "Привет, мир\n", "日本語のテキストです、これは。\n", "\x00"]
)
def test_utf_16_with_a_mark_is_never_sound(text: str) -> None:
    for encoding in ("utf-16", "utf-16-be"):
        head = b"\xfe\xff" * (encoding == "utf-16-be") + text.encode(encoding)
        assert not resolve(declared=None, filename="blob", head=head).startswith(("audio/", "video/"))


def test_declared_charset_of_an_older_encoding_is_kept() -> None:
    data = "žluťoučký kůň".encode("iso8859-2")
    assert resolve(declared="text/csv; charset=ISO-8859-2", filename=None, head=data) == "text/csv; charset=iso-8859-2"
    assert resolve(declared="text/csv; charset=iso-8859-2", filename=None, head="ž".encode()) == "text/csv"
    assert resolve(declared="text/csv; charset=nonsense", filename=None, head=b"a,b") == "text/csv"
    assert resolve(declared="text/plain; charset=base64", filename=None, head=data) == "text/plain"
    wide = "漢字\n".encode("utf-16-le")
    assert resolve(declared="text/plain; charset=UTF-16LE", filename=None, head=wide) == "text/plain; charset=utf-16le"
    assert text_for_gemini(wide, "text/plain; charset=utf-16le") == "漢字\n".encode()


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("png", "image/png"), (".png", "image/png"), ("PNG", "image/png"), ("image/png", "image/png"),
        ("jpg", "image/jpeg"), ("mp4", "video/mp4"), ("pdf", "application/pdf"), ("wav", "audio/wav"),
        ("audio/x-wav", "audio/wav"), ("pcm16", "audio/l16"), ("opus", "audio/opus"), ("text", "text/plain"),
        ("rs", "text/plain"), ("text/x-csrc", "text/plain"), ("image/svg+xml", "text/plain"), ("md", "text/markdown"),
        ("text/x-python", "text/x-python"), ("image/gif", "image/gif"), ("model/new-thing", "model/new-thing"),
        ("application/octet-stream", OCTET_STREAM), ("binary/octet-stream", OCTET_STREAM), ("image/*", OCTET_STREAM),
        ("unknown", OCTET_STREAM), ("application/x-download", OCTET_STREAM), ("nonsense", None), ("a b/c", None),
        ("", None),
    ],
)  # fmt: skip
def test_what_a_caller_says_explicitly(said: str, found: str | None) -> None:
    assert explicit(said) == found


@pytest.mark.parametrize(
    ("said", "found"),
    [("wav", "audio/wav"), (".wav", "audio/wav"), ("mp4", "audio/m4a"), ("webm", "audio/webm"), ("ogg", "audio/ogg"),
     ("pcm16", "audio/l16"), ("g711_ulaw", "audio/mulaw"), ("x-flac", "audio/flac"), ("audio/mp3", "audio/mpeg"),
     ("OGG_OPUS", "audio/ogg"), ("webm_opus", "audio/webm")],
)  # fmt: skip
def test_what_a_caller_says_of_a_recording(said: str, found: str) -> None:
    assert explicit(said, sound=True) == found


def test_name_in_a_message_says_more_of_a_text_and_of_the_unknown() -> None:
    assert called("text/plain", "t.csv") == "text/csv"
    assert called(OCTET_STREAM, "a.mp3") == "audio/mpeg"
    assert called(OCTET_STREAM, "a.txt") == OCTET_STREAM
    assert called("image/png", "shot.txt") == "image/png"
    assert called("image/png", None) == "image/png"


@pytest.mark.parametrize(
    "text",
    ["The ftyp box is first", "the moov atom", "GIF89a was a format", "ID3 tags are old", "BM is a magic",
     "fLaC streams", "OggS pages", "wide and free", "RIFF is a riff WAVE", "MZ", "caff is coffee", "BZh91AY&SY is pi"],
)  # fmt: skip
def test_text_that_begins_like_a_signature_is_text(text: str) -> None:
    assert resolve(declared=None, filename=None, head=text.encode()) == "text/plain"


OLDER = {
    "cp1252": "Les élèves ont passé l'été à la plage; où étaient-ils? Ça va.\n",
    "cp1250": "Zażółć gęślą jaźń. Łódź jest piękna, proszę przyjść.\n",
    "cp1251": "Съешь же ещё этих мягких французских булок, да выпей чаю.\n",
    "koi8-r": "Съешь же ещё этих мягких французских булок, да выпей чаю.\n",
    "cp1253": "Ο γρήγορος καφέ αλεπού πηδάει πάνω από το σκύλο\n",
    "cp1254": "Pijamalı hasta yağız şoföre çabucak güvendi. İyi günler, nasılsınız?\n",
    "cp932": "これは日本語のテストです。こんにちは世界、元気ですか。\n",
    "euc_jp": "これは日本語のテストです。こんにちは世界、元気ですか。\n",
    "gb18030": "这是一个中文的测试，我们在这里学习，你好世界。\n",
    "big5hkscs": "這是一個中文的測試，我們在這裡學習，你好世界。\n",
    "cp949": "안녕하세요 세계, 이것은 한국어 시험입니다. 나는 학생이다.\n",
}


@pytest.mark.parametrize("encoding", OLDER)
def test_text_in_an_older_encoding_is_read(encoding: str) -> None:
    text = OLDER[encoding] * 3
    data = text.encode(encoding)
    assert resolve(declared=None, filename="blob", head=data) == "text/plain"
    assert text_for_gemini(data, "text/plain").decode() == text


TABLES = [
    ("姓名,年龄,地址\n张三,30,北京市朝阳区\n李四,25,上海\n", ("gbk", "gb18030")),
    ("会议记录：预算审查，附件一。\n", ("gbk",)),
    ("姓名,年齡,地址\n張三,30,台北市大安區\n", ("big5",)),
    ("名前,年齢,住所\n山田太郎,30,東京都渋谷区\n", ("cp932",)),
    ("会議の議事録：予算の確認\n", ("cp932", "euc_jp")),
    ("이름,나이,주소\n김철수,30,서울특별시 강남구\n박영희,25,부산\n", ("euc_kr", "cp949")),
    ("안녕하세요, 오늘 날씨가 좋아서 산책을 갑니다.\n", ("euc_kr",)),
    ("Zażółć gęślą jaźń, dziś jest piękny dzień na spacer.\n", ("iso8859-2", "cp1250")),
    ("Příliš žluťoučký kůň úpěl ďábelské ódy. Dnes je hezky.\n", ("iso8859-2", "cp1250")),
    ("שלום, היום מזג האוויר טוב מאוד\n", ("cp1255",)),
    ("สวัสดีครับ วันนี้อากาศดีมาก เราไปเดินเล่น\n", ("cp874",)),
    ("привет\n", ("koi8-r", "cp1251")),
    ("INFORMAÇÃO: ±2 °C, AÇÃO E SITUAÇÃO, ½ kg, 3 m³, que não há no café da manhã de São João\n", ("cp1252",)),
]


@pytest.mark.parametrize(
    ("text", "encoding"), [(text, encoding) for text, encodings in TABLES for encoding in encodings]
)
def test_tables_and_single_sentences_of_an_older_encoding_are_read(text: str, encoding: str) -> None:
    """Where the characters that a language uses most are rare: names, places, headings."""
    assert resolve(declared=None, filename="list.csv", head=text.encode(encoding)) == "text/csv"
    assert text_for_gemini(text.encode(encoding), "text/csv").decode() == text


SEVEN_BITS = {
    "iso2022_jp": "これは日本語のテストです。\nsecond line, 5 < 6\n",
    "iso2022_jp_ext": "カナ ｶﾀｶﾅ 日本\n",
    "iso2022_jp_2004": "これは日本語のテストです。俱\n",
    "iso2022_kr": "안녕하세요 세계\nplain\n",
}


@pytest.mark.parametrize("encoding", SEVEN_BITS)
@pytest.mark.parametrize("before", ["", "plain words\n" * 1000], ids=["at once", "behind plain words"])
@pytest.mark.parametrize("name", ["blob", "a.txt"])
def test_text_of_seven_bits_that_is_no_ascii_is_read(encoding: str, before: str, name: str) -> None:
    text = before + SEVEN_BITS[encoding]
    data = text.encode(encoding)
    assert resolve(declared=None, filename=name, head=data[:8192]) == "text/plain"
    assert text_for_gemini(data, "text/plain").decode() == text
    assert asyncio.run(_sent(data, "text/plain")).decode() == text


@dataclass(frozen=True)
class Held:
    """A source of bytes that come in pieces of a few thousand."""

    data: bytes

    @property
    def size(self) -> int:
        return len(self.data)

    async def read(self, start: int, stop: int) -> AsyncIterator[bytes]:
        for at in range(start, stop, 4096):
            yield self.data[at : min(at + 4096, stop)]


async def _sent(data: bytes, mime_type: str) -> bytes:
    """What goes to Gemini of a stored file."""
    outgoing = await for_gemini(Held(data), hashlib.sha256(data).hexdigest(), mime_type)
    sent = b"".join([piece async for piece in outgoing.source.read(0, outgoing.source.size)])
    assert hashlib.sha256(sent).hexdigest() == outgoing.sha256
    return sent


@pytest.mark.parametrize(
    ("charset", "encoding", "kept"),
    [
        ("ISO-2022-JP", "iso2022_jp", "iso-2022-jp"), ("iso-2022-kr", "iso2022_kr", "iso-2022-kr"),
        ("hz-gb-2312", "hz", "hz-gb-2312"), ("UTF-7", "utf-7", "utf-7"), ("x-sjis", "cp932", "cp932"),
        ("Windows-31J", "cp932", "cp932"), ("x-gbk", "gbk", "gb18030"), ("windows-949", "cp949", "cp949"),
    ],
)  # fmt: skip
def test_a_declared_charset_of_any_spelling_is_believed(charset: str, encoding: str, kept: str) -> None:
    text = "日本語 中文 plain, 5 + 6\n" if encoding not in ("iso2022_kr", "cp949") else "한국어 plain\n"
    text = text if encoding in ("iso2022_jp", "cp932", "utf-7", "iso2022_kr", "cp949") else "中文 plain\n"
    text = text.replace("中文", "") if encoding in ("iso2022_jp", "cp932") else text
    data = text.encode(encoding)
    found = resolve(declared=f"text/plain; charset={charset}", filename=None, head=data)
    assert found == f"text/plain; charset={kept}"
    assert text_for_gemini(data, found).decode() == asyncio.run(_sent(data, found)).decode() == text
    assert resolve(declared="text/plain; charset=hz-gb-2312", filename=None, head="日本".encode()) == "text/plain"


def test_escapes_of_a_terminal_are_no_encoding() -> None:
    for log in (b"\x1b[31mred\x1b(B\x1b[m plain\n", b"\x1b$ is a key\n", b"price \x1b$5\n"):
        assert resolve(declared=None, filename="a.log", head=log) == "text/plain"
        assert text_for_gemini(log, "text/plain") == log


@pytest.mark.parametrize(
    ("major", "compatible", "found"),
    [
        (b"mif1", b"mif1avifmiaf", "image/avif"), (b"msf1", b"avismsf1", "image/avif"),
        (b"mif1", b"mif1heicmiaf", "image/heif"), (b"mif1", b"mif1miaf", "image/heif"), (b"msf1", b"", "image/heif"),
        (b"avif", b"mif1heic", "image/avif"), (b"heic", b"mif1avif", "image/heic"), (b"isom", b"avif", "video/mp4"),
    ],
)  # fmt: skip
def test_an_image_that_may_be_of_any_coding_says_which_behind(major: bytes, compatible: bytes, found: str) -> None:
    box = (16 + len(compatible)).to_bytes(4, "big") + b"ftyp" + major + bytes(4) + compatible
    for name in (None, "a.heic", "a.bin"):
        assert resolve(declared=None, filename=name, head=box + b"\x00\x00\x00\x08free" + bytes(40)) == found


@pytest.mark.parametrize("name", ["t.csv.", "t.csv. .", "what?.csv.", "C:\\x\\t.csv ", ".csv"])
def test_a_name_is_read_without_what_no_name_has_everywhere(name: str) -> None:
    assert resolve(declared=None, filename=name, head=b"a,b\n") == "text/csv"


def test_random_bytes_are_no_text() -> None:
    """Bytes of any length from a seed; a few short ones may be characters by chance."""
    random = Random(5)
    found = [
        resolve(declared=None, filename=None, head=random.randbytes(size))
        for size in (12, 18, 24, 32, 64, 256, 4096)
        for _ in range(200)
    ]
    assert found.count("text/plain") <= 14  # one in a hundred


def test_name_of_a_text_is_believed_of_few_bytes() -> None:
    assert resolve(declared=None, filename="a.txt", head="Да\n".encode("cp1251")) == "text/plain"
    assert resolve(declared=None, filename="a.txt", head=b"\x00\x01") == OCTET_STREAM
