"""What real clients and people's reports tried on files and media and found right, and no other test names."""

from __future__ import annotations

import base64
import json
import unicodedata
from typing import Any
from urllib.parse import unquote

import pytest

from form_bytes import END, FILE, PURPOSE, part, send
from raw_http import exchange, head
from running import MODEL, Running

WAV = base64.b64decode("UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQAAAAA=")
PNG = b"\x89PNG\r\n\x1a\n" + bytes(24)
FORM = {"Content-Type": "multipart/form-data; boundary=b0"}


def ask(gateway: Running, *parts: dict[str, Any]) -> list[dict[str, Any]]:
    """The parts that Gemini got of a user's message."""
    message = {"role": "user", "content": list(parts)}
    answer = gateway.post("/v1/chat/completions", {"model": MODEL, "messages": [message]})
    assert answer.status == 200, answer.body
    found: list[dict[str, Any]] = gateway.told("bodies")["bodies"][-1]["body"]["contents"][-1]["parts"]
    return found


def in_chunks(body: bytes, size: int) -> bytes:
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_bodies_without_a_length(gateway: Running, size: int) -> None:
    chat = json.dumps({"model": MODEL, "messages": [{"role": "user", "content": "x"}]}).encode()
    for target, body, headers in (
        ("/v1/files", PURPOSE + FILE + END, FORM),
        ("/v1/chat/completions", chat, {"Content-Type": "application/json"}),
    ):
        request = head("POST", target, {**headers, "Transfer-Encoding": "chunked"}) + in_chunks(body, size)
        answer = exchange(gateway.base, [request], "POST")
        assert answer.status == 200, answer.body


def test_large_heads(gateway: Running) -> None:
    for size, status in ((40_000, 200), (70_000, 431)):
        answer = gateway.call("GET", "/v1/files", headers={"X-Large": "x" * size})
        assert answer.status == status
    assert set(answer.error()) == {"message", "type", "param", "code"}


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("übersicht.csv", "übersicht.csv"),
        (unicodedata.normalize("NFD", "übersicht.csv"), unicodedata.normalize("NFD", "übersicht.csv")),
        ("\U0001f3ac film.csv", "\U0001f3ac film.csv"),
        ("שלום.csv", "שלום.csv"),
        ("a%22b.csv", 'a"b.csv'),
        ("a;b.csv", "a;b.csv"),
        ("C:\\\\dir\\\\a.csv", "a.csv"),
        ("../../a.csv", "a.csv"),
        ("x" * 251 + ".csv", "x" * 251 + ".csv"),
    ],
    ids=["raw", "decomposed", "emoji", "right to left", "quote", "semicolon", "windows", "dots", "255 characters"],
)
def test_names_are_kept_or_made_safe(gateway: Running, written: str, name: str) -> None:
    answer = send(gateway, PURPOSE + part(b'form-data; name="file"; filename="%b"' % written.encode(), b"a,b\n") + END)
    assert (answer.status, answer.json()["filename"]) == (200, name)
    download = gateway.call("GET", f"/v1/files/{answer.json()['id']}/content")
    disposition = download.headers["content-disposition"]
    assert download.headers["content-type"] == "text/csv" and "\n" not in disposition
    if not name.isascii():
        assert unquote(disposition.partition("filename*=UTF-8''")[2].partition(";")[0]) == name


def test_a_name_of_600_characters_is_refused_by_name(gateway: Running) -> None:
    answer = send(gateway, PURPOSE + part(b'form-data; name="file"; filename="%b"' % (b"x" * 600), b"a") + END)
    assert answer.status == 400 and answer.error()["param"] == "file" and "600" in answer.error()["message"]


@pytest.mark.parametrize(
    "audio",
    [
        {"format": "wav"},
        {"format": "audio/wav"},
        {"format": "mp3"},
        {"format": "audio/mp3"},
        {"format": "mpeg"},
        {"format": "webm;codecs=opus"},
        {},
    ],
    ids=str,
)
def test_recordings_as_clients_declare_them(gateway: Running, audio: dict[str, str]) -> None:
    """The bytes leave no doubt, whatever is said of them; also as a data URL."""
    encoded = base64.b64encode(WAV).decode()
    for data in (encoded, f"data:audio/wav;base64,{encoded}"):
        (got,) = ask(gateway, {"type": "input_audio", "input_audio": {"data": data, **audio}})
        assert got["inlineData"] == {"mimeType": "audio/wav", "data": encoded}


def test_details_and_moments_stand_in_the_same_part(gateway: Running) -> None:
    url = "data:image/png;base64," + base64.b64encode(PNG).decode()
    for detail in (None, "auto", "low", "high", "original"):
        (got,) = ask(gateway, {"type": "image_url", "image_url": {"url": url, "detail": detail}})
        assert got["inlineData"]["mimeType"] == "image/png"
    moments = {"fps": 2, "start_offset": "1s", "end_offset": 5}
    film = {"url": "https://www.youtube.com/watch?v=abcdefghijk", "video_metadata": moments}
    (got,) = ask(gateway, {"type": "video_url", "video_url": film})
    assert got["videoMetadata"] == {"fps": 2, "startOffset": "1s", "endOffset": "5s"} and "fileData" in got


def test_the_order_of_files_and_texts_and_equal_bytes_once(gateway: Running) -> None:
    first, again = (gateway.upload(b"the same bytes", name=f"{name}.txt")["id"] for name in "ab")
    before = gateway.told("stats")["operations"].get("upload.start", 0)
    file = [{"type": "file", "file": {"file_id": each}} for each in (first, again)]
    words = [{"type": "text", "text": word} for word in ("one", "two", "three")]
    got = ask(gateway, words[0], file[0], words[1], file[1], file[0], words[2])
    assert [next(iter(each)) for each in got] == ["text", "fileData", "text", "fileData", "fileData", "text"]
    assert len({each["fileData"]["fileUri"] for each in got if "fileData" in each}) == 1
    assert gateway.told("stats")["operations"]["upload.start"] == before + 1
