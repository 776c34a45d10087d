"""One file, one type, by whichever door it came and is used: judged by what Gemini is told and what it reads."""

from __future__ import annotations

import base64
import hashlib
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from running import MODEL, Running, form_request

PNG = b"\x89PNG\r\n\x1a\n" + bytes(24)
TRANSPORT = (b"\x47\x40\x00\x10" + bytes(184)) * 5
MP4 = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + bytes(40)
GIF = b"GIF89a\x01\x00\x01\x00\x00\x00\x00;"
TEXT = "Grüße: naïve café, plain words around it\n"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"/>'


def by_form(gateway: Running, name: str, declared: str, data: bytes, **fields: str) -> str:
    method, path, body, headers = form_request({"purpose": "user_data", **fields}, data, name=name)
    body = body.replace(b"Content-Type: text/plain", f"Content-Type: {declared}".encode())
    answer = gateway.call(method, path, body, headers)
    assert answer.status == 200, answer.body
    return str(answer.json()["id"])


def by_upload(gateway: Running, name: str, declared: str, data: bytes) -> str:
    with gateway.client() as client:
        upload = client.uploads.create(filename=name, purpose="user_data", bytes=len(data), mime_type=declared)
        part = client.uploads.parts.create(upload.id, data=data)
        done = client.uploads.complete(upload.id, part_ids=[part.id])
        assert done.file is not None
        return done.file.id


def by_session(gateway: Running, name: str, declared: str, data: bytes) -> str:
    """Gemini's resumable upload."""
    start = {
        "X-Goog-Upload-Protocol": "resumable",
        "X-Goog-Upload-Command": "start",
        "X-Goog-Upload-Header-Content-Length": str(len(data)),
        "X-Goog-Upload-Header-Content-Type": declared,
        "X-Goog-Upload-File-Name": name,
        "x-goog-api-key": "any",
    }
    url = gateway.call("POST", "/upload/v1beta/files", b"{}", start).headers["x-goog-upload-url"]
    path = url.removeprefix(gateway.base)
    sent = {"X-Goog-Upload-Command": "upload, finalize", "X-Goog-Upload-Offset": "0"}
    file = gateway.call("POST", path, data, sent).json()["file"]
    return f"file-{file['name'][6:]}"


def by_related(gateway: Running, name: str, declared: str, data: bytes) -> str:
    """Gemini's upload in one request."""
    metadata = json.dumps({"file": {"displayName": name}}).encode()
    body = b"--b0\r\nContent-Type: application/json\r\n\r\n" + metadata + b"\r\n--b0\r\nContent-Type: "
    body += declared.encode() + b"\r\n\r\n" + data + b"\r\n--b0--\r\n"
    headers = {"Content-Type": "multipart/related; boundary=b0", "x-goog-api-key": "any"}
    file = gateway.call("POST", "/upload/v1beta/files?uploadType=multipart", body, headers).json()["file"]
    return f"file-{file['name'][6:]}"


DOORS: dict[str, Callable[[Running, str, str, bytes], str]] = {
    "files": by_form,
    "uploads": by_upload,
    "native, resumable": by_session,
    "native, in one": by_related,
}


def ask(gateway: Running, *parts: dict[str, Any], status: int = 200) -> dict[str, Any]:
    answer = gateway.post(
        "/v1/chat/completions", {"model": MODEL, "messages": [{"role": "user", "content": list(parts)}]}
    )
    assert answer.status == status, answer.body
    found: dict[str, Any] = answer.json()
    return found


def file_part(**file: str) -> dict[str, Any]:
    return {"type": "file", "file": file}


def told_gemini(gateway: Running) -> list[str]:
    """The types in the last request to Gemini, whatever carried the data."""
    body = gateway.told("bodies")["bodies"][-1]["body"]
    parts = [part for content in body["contents"] for part in content["parts"]]
    return [part[kind]["mimeType"] for part in parts for kind in ("fileData", "inlineData") if kind in part]


def data_url(declared: str, data: bytes) -> str:
    return f"data:{declared};base64,{base64.b64encode(data).decode()}"


CASES = [
    ("main.rs", "application/rls-services+xml", b"fn main() {}\n", "text/plain"),
    ("app.ts", "text/vnd.trolltech.linguist", b"let a = 1;\n", "text/plain"),
    ("t.csv", "text/comma-separated-values", b"a,b\n", "text/csv"),
    ("page.txt", "text/plain", PNG, "image/png"),
    ("v.ts", "application/octet-stream", TRANSPORT, "video/mpeg"),
    ("voice.m4a", "application/octet-stream", MP4, "audio/m4a"),
    ("r.pdf", "application/force-download", b"%PDF-1.4\n", "application/pdf"),
    ("logo.svg", "image/svg+xml", SVG, "text/plain"),
    ("n.ipynb", "application/x-ipynb+json", b"{}", "text/plain"),
    ("shot.png", "image/png", SVG, "text/plain"),
    ("scan.pdf", "application/pdf", b"<!DOCTYPE html><title>Sign in</title>", "text/plain"),
    ("t.csv", "video/mp4", b"\xef\xbb\xbfa,b\n", "text/csv"),
    ("film.mp4", "video/mp4", b"fLaC\x00\x00\x00\x22" + bytes(40), "audio/flac"),
]


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    ("name", "declared", "data", "found"), CASES, ids=lambda value: value if isinstance(value, str) else ""
)
def test_file_has_one_type_at_every_door(
    door: str, name: str, declared: str, data: bytes, found: str, gateway: Running
) -> None:
    file_id = DOORS[door](gateway, name, declared, data)
    reply = ask(gateway, file_part(file_id=file_id))
    assert told_gemini(gateway) == [found]
    assert hashlib.sha256(data).hexdigest() in reply["choices"][0]["message"]["content"]
    native = gateway.call("GET", f"/v1beta/files/{file_id[5:]}", headers={"x-goog-api-key": "any"}).json()
    assert native["mimeType"] == found


@pytest.mark.parametrize(
    ("name", "declared", "data", "found"), CASES, ids=lambda value: value if isinstance(value, str) else ""
)
def test_inline_data_has_the_same_type(name: str, declared: str, data: bytes, found: str, gateway: Running) -> None:
    ask(gateway, file_part(file_data=data_url(declared, data), filename=name))
    assert told_gemini(gateway) == [found]


MARKED = b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>"
ZIP = b"PK\x03\x04" + bytes(40)


def inline_bodies(declared: str, data: bytes) -> dict[str, tuple[str, dict[str, Any]]]:
    """The same data, declared the same, in each form that carries data in a request."""
    url, plain = data_url(declared, data), base64.b64encode(data).decode()

    def chat(part: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        return "/v1/chat/completions", {"model": MODEL, "messages": [{"role": "user", "content": [part]}]}

    def response(part: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        return "/v1/responses", {"model": MODEL, "store": False, "input": [{"role": "user", "content": [part]}]}

    def message(kind: str) -> tuple[str, dict[str, Any]]:
        source = {"type": "base64", "media_type": declared, "data": plain}
        body = {"model": MODEL, "max_tokens": 99, "messages": [{"role": "user", "content": [{"type": kind}]}]}
        body["messages"][0]["content"][0]["source"] = source  # type: ignore[index]
        return "/v1/messages", body

    return {
        "chat, image_url": chat({"type": "image_url", "image_url": {"url": url}}),
        "chat, video_url": chat({"type": "video_url", "video_url": {"url": url}}),
        "chat, input_audio": chat({"type": "input_audio", "input_audio": {"data": plain, "format": declared}}),
        "responses, input_image": response({"type": "input_image", "image_url": url}),
        "responses, input_file": response({"type": "input_file", "file_data": url}),
        "messages, image": message("image"),
        "messages, document": message("document"),
    }


@pytest.mark.parametrize("form", inline_bodies("image/png", b"x"))
@pytest.mark.parametrize(
    ("declared", "data", "found"),
    [("image/png", MARKED, "text/plain"), ("application/pdf", PNG, "image/png"), ("image/png", ZIP, None)],
)
def test_data_in_a_request_are_what_their_bytes_say(
    form: str, declared: str, data: bytes, found: str | None, gateway: Running
) -> None:
    path, body = inline_bodies(declared, data)[form]
    answer = gateway.post(path, body)
    if found is None:
        assert answer.status == 400 and "application/zip" in answer.json()["error"]["message"], answer.body
        return
    assert answer.status == 200, answer.body
    assert told_gemini(gateway) == [found]


def test_picture_in_a_data_url_that_says_otherwise(gateway: Running) -> None:
    for declared in ("application/pdf", "text/plain", "image/jpeg", ""):
        ask(gateway, {"type": "image_url", "image_url": {"url": data_url(declared, PNG)}})
        assert told_gemini(gateway) == ["image/png"]


def test_explicit_format_wins_in_any_spelling(gateway: Running) -> None:
    file_id = by_form(gateway, "a.bin", "application/octet-stream", bytes(range(200)))
    for said, found in (
        ("wav", "audio/wav"),
        (".mp3", "audio/mpeg"),
        ("image/webp", "image/webp"),
        ("md", "text/markdown"),
    ):
        ask(gateway, file_part(file_id=file_id, format=said))
        assert told_gemini(gateway) == [found]
        ask(gateway, {"type": "image_url", "image_url": {"url": data_url("image/png", PNG), "format": said}})
        assert told_gemini(gateway) == [found]


# ── texts of any encoding ───────────────────────────────────────────────────────────────────────────────────────────

ENCODINGS = ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be", "cp1252", "utf-8-sig")


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("door", DOORS)
def test_text_is_read_in_any_encoding_and_comes_back_byte_for_byte(door: str, encoding: str, gateway: Running) -> None:
    data = TEXT.encode(encoding)
    file_id = DOORS[door](gateway, "blob", "application/octet-stream", data)
    reply = ask(gateway, file_part(file_id=file_id))
    assert told_gemini(gateway) == ["text/plain"]
    assert TEXT.strip() in reply["choices"][0]["message"]["content"]
    assert gateway.call("GET", f"/v1/files/{file_id}/content").body == data


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_inline_text_is_read_in_any_encoding(encoding: str, gateway: Running) -> None:
    data = base64.b64encode(TEXT.encode(encoding)).decode()
    for part in (file_part(file_data=data), file_part(file_data=data, filename="a.csv")):
        assert TEXT.strip() in ask(gateway, part)["choices"][0]["message"]["content"]


def test_long_text_whose_encoding_shows_late(gateway: Running) -> None:
    """Nine MiB of ASCII before the first letter that is not, so that two chunks go to Gemini."""
    text = "plain words\n" * 800_000 + "naïve café, à la carte\n"
    data = text.encode("cp1252")
    file_id = by_form(gateway, "long.txt", "text/plain", data)
    reply = ask(gateway, file_part(file_id=file_id))
    assert hashlib.sha256(text.encode()).hexdigest() in reply["choices"][0]["message"]["content"]
    assert gateway.call("GET", f"/v1/files/{file_id}/content").body == data


def test_text_in_utf_8_is_sent_as_it_is(gateway: Running) -> None:
    data = TEXT.encode()
    reply = ask(gateway, file_part(file_id=by_form(gateway, "a.txt", "text/plain", data)))
    assert hashlib.sha256(data).hexdigest() in reply["choices"][0]["message"]["content"]


def test_declared_charset_says_what_the_bytes_do_not(gateway: Running) -> None:
    text = "žluťoučký kůň\n"
    file_id = by_form(gateway, "a.txt", "text/plain; charset=iso-8859-2", text.encode("iso8859-2"))
    assert text.strip() in ask(gateway, file_part(file_id=file_id))["choices"][0]["message"]["content"]
    assert told_gemini(gateway) == ["text/plain"]


# ── what Gemini does not take ───────────────────────────────────────────────────────────────────────────────────────


def generated(gateway: Running) -> int:
    count: int = gateway.told("stats")["operations"].get("generate", 0)
    return count


@pytest.mark.parametrize(
    ("name", "data", "mime_type", "advice"),
    [
        ("cat.gif", GIF, "image/gif", "PNG"),
        ("a.zip", b"PK\x03\x04" + bytes(40), "application/zip", "Unpack"),
        ("voice", b"#!AMR\n\x3c\x00", "audio/amr", "MP3"),
        ("odd.bin", b"\x01\x02\x03", "application/octet-stream", "extension"),
    ],
)
def test_what_gemini_never_takes_is_refused_before_anything_is_sent(
    name: str, data: bytes, mime_type: str, advice: str, gateway: Running
) -> None:
    file_id = by_form(gateway, name, "application/octet-stream", data)
    before = generated(gateway)
    text = by_form(gateway, "ok.txt", "text/plain", b"fine")
    error = ask(gateway, file_part(file_id=text), file_part(file_id=file_id), status=400)["error"]
    assert (error["code"], error["param"]) == ("unsupported_file", "messages[0].content[1].file.file_id")
    assert all(word in error["message"] for word in (file_id, repr(name), mime_type, advice)), error
    error = ask(gateway, file_part(file_data=base64.b64encode(data).decode(), filename=name), status=400)["error"]
    assert (error["code"], error["param"]) == ("unsupported_file", "messages[0].content[0].file.file_data")
    assert all(word in error["message"] for word in (repr(name), mime_type, advice)), error
    uri = f"https://generativelanguage.googleapis.com/v1beta/files/{file_id[5:]}"
    native = {"contents": [{"parts": [{"fileData": {"fileUri": uri}}]}]}
    answer = gateway.post(f"/v1beta/models/{MODEL}:generateContent", native, {"x-goog-api-key": "any"})
    assert answer.status == 400 and mime_type in answer.json()["error"]["message"]
    assert generated(gateway) == before
    assert gateway.call("GET", f"/v1/files/{file_id}/content").body == data


def test_unknown_data_in_a_small_data_url_is_refused_in_the_same_words(gateway: Running) -> None:
    before = generated(gateway)
    part = {"type": "image_url", "image_url": {"url": "data:application/octet-stream;base64,AQID"}}
    error = ask(gateway, part, status=400)["error"]
    assert (error["code"], error["param"]) == ("unsupported_file", "messages[0].content[0].image_url.url")
    assert generated(gateway) == before


def test_upload_for_a_model_is_refused_and_nothing_is_kept(gateway: Running) -> None:
    listed = len(gateway.call("GET", "/v1/files").json()["data"])
    method, path, body, headers = form_request(
        {"purpose": "user_data", "target_model_names": MODEL}, GIF, name="cat.gif"
    )
    answer = gateway.call(method, path, body, headers)
    error = answer.json()["error"]
    assert (answer.status, error["code"], error["param"]) == (400, "unsupported_file", "file")
    assert "'cat.gif'" in error["message"] and "image/gif" in error["message"]
    with gateway.client() as client:
        upload = client.uploads.create(filename="cat.gif", purpose="user_data", bytes=len(GIF), mime_type="image/gif")
        part = client.uploads.parts.create(upload.id, data=GIF)
    path = f"/v1/uploads/{upload.id}/complete"
    answer = gateway.post(path, {"part_ids": [part.id], "target_model_names": MODEL})
    assert (answer.status, answer.json()["error"]["param"]) == (400, "target_model_names")
    assert len(gateway.call("GET", "/v1/files").json()["data"]) == listed
    # Without the model it is only stored.
    assert gateway.post(path, {"part_ids": [part.id]}).status == 200


# ── Gemini's own form ───────────────────────────────────────────────────────────────────────────────────────────────


def test_type_that_a_native_client_repeats_is_put_right(gateway: Running) -> None:
    """Google's clients put what they declared at the upload beside the URI."""
    declared = "application/rls-services+xml"
    file_id = by_session(gateway, "main.rs", declared, b"fn main() {}\n")
    uri = f"https://generativelanguage.googleapis.com/v1beta/files/{file_id[5:]}"
    for file in (
        {"fileUri": uri, "mimeType": declared},
        {"mimeType": declared, "fileUri": uri},
        {"file_uri": uri, "mime_type": "audio/x-wav"},
        {"fileUri": uri},
    ):
        name = "fileData" if "fileUri" in file else "file_data"
        answer = gateway.post(
            f"/v1beta/models/{MODEL}:generateContent",
            {"contents": [{"parts": [{name: file}]}]},
            {"x-goog-api-key": "any"},
        )
        assert answer.status == 200, answer.body
    told = [body["body"]["contents"][0]["parts"][0] for body in gateway.told("bodies")["bodies"][-4:]]
    found = [next(iter(part.values())) for part in told]
    assert [each.get("mimeType") or each.get("mime_type") for each in found] == [
        "text/plain",
        "text/plain",
        "audio/wav",
        None,
    ]


# ── small things of a part ──────────────────────────────────────────────────────────────────────────────────────────


def test_empty_strings_of_form_builders_are_absent(gateway: Running) -> None:
    data = base64.b64encode(PNG).decode()
    ask(gateway, file_part(file_id="", file_url="", file_data=data, format="", filename=""))
    ask(gateway, {"type": "image_url", "image_url": {"url": data_url("image/png", PNG), "detail": ""}})
    assert told_gemini(gateway) == ["image/png"]
    assert ask(gateway, file_part(file_id=""), status=400)["error"]["code"] == "empty_string"


def test_data_url_with_a_comma_in_a_quoted_name(gateway: Running) -> None:
    url = 'data:application/octet-stream;name="a,b.csv";base64,' + base64.b64encode(b"a,b\n").decode()
    ask(gateway, {"type": "image_url", "image_url": {"url": url}})
    assert told_gemini(gateway) == ["text/csv"]


@pytest.mark.parametrize(
    "head",
    [
        *("data:image/png;base64,", "DATA:IMAGE/PNG;BASE64,", "data:;base64,", "data:image/png;charset=utf-8;base64,"),
        *("data:image/png;name=a.png;base64,", "data:image/png;base64, ", "data:image/*;base64,", ""),
    ],
)
def test_data_urls_as_clients_spell_them(head: str, gateway: Running) -> None:
    """With line breaks in the base64, in the other alphabet, without padding; as an object and as a bare text."""
    plain = base64.b64encode(PNG).decode()
    other = base64.urlsafe_b64encode(PNG).decode()
    for data in (plain, other, plain.rstrip("="), "\r\n".join((plain[:8], plain[8:]))):
        reply = ask(gateway, file_part(file_data=head + data))
        assert told_gemini(gateway) == ["image/png"]
        assert hashlib.sha256(PNG).hexdigest() in reply["choices"][0]["message"]["content"]
    if head:
        for image in (head + plain, {"url": head + plain}, {"url": head + plain, "detail": None}):
            ask(gateway, {"type": "image_url", "image_url": image})
            assert told_gemini(gateway) == ["image/png"]


def test_many_pictures_keep_their_order(gateway: Running) -> None:
    pictures = [
        {"type": "image_url", "image_url": {"url": data_url("image/png", PNG + bytes([n]))}} for n in range(200)
    ]
    ask(gateway, *pictures)
    parts = gateway.told("bodies")["bodies"][-1]["body"]["contents"][0]["parts"]
    assert [base64.b64decode(part["inlineData"]["data"])[-1] for part in parts] == list(range(200))


def test_a_file_in_what_the_model_said_is_refused_as_at_openai(gateway: Running) -> None:
    file = {"type": "file", "file": {"file_id": by_form(gateway, "a.txt", "text/plain", b"x")}}
    messages = [{"role": "user", "content": "x"}, {"role": "assistant", "content": [file]}]
    answer = gateway.post("/v1/chat/completions", {"model": MODEL, "messages": messages})
    assert (answer.status, answer.error()["param"]) == (400, "messages[1].content[0].type")


@pytest.mark.parametrize("kind", ["media", "input_image", "input_file", "document_url", "document", "inlineData"])
def test_parts_of_other_dialects_are_refused_by_their_place(kind: str, gateway: Running) -> None:
    error = ask(gateway, {"type": kind, kind: {"url": data_url("image/png", PNG)}}, status=400)["error"]
    assert (error["param"], error["code"]) == ("messages[0].content[0].type", "invalid_value")


def test_url_where_audio_data_belongs_says_where_it_goes(gateway: Running) -> None:
    part = {"type": "input_audio", "input_audio": {"data": "https://a.example/x.mp3", "format": "mp3"}}
    error = ask(gateway, part, status=400)["error"]
    assert "'audio_url'" in error["message"] and error["param"] == "messages[0].content[0].input_audio.data"


@pytest.mark.parametrize("url", ["https://a.example/x.pdf", "HTTP://a.example/x.pdf", "gs://bucket/x.pdf"])
def test_url_where_data_belong_says_where_it_goes(url: str, gateway: Running) -> None:
    error = ask(gateway, file_part(file_data=url), status=400)["error"]
    assert "It is a URL" in error["message"] and "'file_url'" in error["message"]
    assert error["param"] == "messages[0].content[0].file.file_data"


def test_own_address_of_a_file_is_its_name(gateway: Running) -> None:
    file_id = by_form(gateway, "a.txt", "text/plain", b"by its address")
    own = f"{gateway.base}/v1/files/{file_id}"
    for named in (own, f"{own}/content", f"{gateway.base}/v1beta/files/{file_id[5:]}"):
        ask(gateway, file_part(file_id=named))
    for named in (own, f"{own}/content"):
        ask(gateway, file_part(file_url=named))
        for kind in ("image_url", "video_url", "audio_url"):
            ask(gateway, {"type": kind, kind: {"url": named}})
        uri = named.replace(gateway.base, "http://localhost")  # its Host there
        body = json.dumps({"contents": [{"parts": [{"fileData": {"fileUri": uri}}]}]}).encode()
        path = f"/v1beta/models/{MODEL}:generateContent"
        assert gateway.call("POST", path, body, {"x-goog-api-key": "any"}).status == 200
    gone = f"{gateway.base}/v1/files/file-{'0' * 24}/content"
    assert ask(gateway, {"type": "image_url", "image_url": {"url": gone}}, status=404)["error"]["param"]


def test_scheme_in_capitals_is_a_scheme(gateway: Running) -> None:
    error = ask(gateway, {"type": "image_url", "image_url": {"url": "HTTP://127.0.0.1/x.png"}}, status=400)["error"]
    assert "public address" in error["message"]


@pytest.mark.parametrize(
    "spelling",
    [
        "http://www.youtube.com/watch?v=dQw4w9WgXcQ",
        "HTTPS://YouTube.com/watch?v=dQw4w9WgXcQ&t=3s",
        "https://music.youtube.com/watch?v=dQw4w9WgXcQ",
        "https://www.youtube.com/embed/dQw4w9WgXcQ?start=3",
        "https://www.youtube-nocookie.com/embed/dQw4w9WgXcQ",
        "https://www.youtube.com/v/dQw4w9WgXcQ",
        "http://youtu.be/dQw4w9WgXcQ",
        "https://www.youtu.be/dQw4w9WgXcQ",
        "https://youtu.be./dQw4w9WgXcQ",
        "https://www.youtube.com./watch?v=dQw4w9WgXcQ",
        "https://www.youtube.com:443/e/dQw4w9WgXcQ",
        "https://www.youtubekids.com/watch?v=dQw4w9WgXcQ",
        "https://youtube.googleapis.com/v/dQw4w9WgXcQ",
        "http://m.youtube.com/shorts/dQw4w9WgXcQ",
        "https://www.youtube.com/attribution_link?u=%2Fwatch%3Fv%3DdQw4w9WgXcQ%26feature%3Dshare",
    ],
)
def test_film_at_youtube_in_any_spelling(spelling: str, gateway: Running) -> None:
    ask(gateway, {"type": "video_url", "video_url": {"url": spelling}})
    [part] = gateway.told("bodies")["bodies"][-1]["body"]["contents"][0]["parts"]
    assert part == {"fileData": {"fileUri": "https://www.youtube.com/watch?v=dQw4w9WgXcQ"}}


@pytest.mark.parametrize(
    "path",
    ["playlist?list=PL1", "@somebody", "results?search_query=x", "watch?list=PL1", "", "embed/videoseries?list=PL1"],
)
def test_what_is_at_youtube_and_no_film_is_refused(path: str, gateway: Running) -> None:
    for host in ("https://www.youtube.com/", "http://youtube.com/"):
        error = ask(gateway, {"type": "video_url", "video_url": {"url": host + path}}, status=400)["error"]
        assert "no single film" in error["message"] and error["param"] == "messages[0].content[0].video_url.url"


def test_file_stored_with_a_wrong_type_by_an_earlier_version_is_looked_at_again(
    make_gateway: Callable[..., Running],
) -> None:
    gateway = make_gateway()
    file_id = by_form(gateway, "main.rs", "text/plain", b"fn main() {}\n")
    with closing(sqlite3.connect(gateway.data_dir / "catalog.db", timeout=10)) as catalogue, catalogue:
        catalogue.execute("UPDATE files SET mime_type = ? WHERE id = ?", ("application/rls-services+xml", file_id))
    ask(gateway, file_part(file_id=file_id))
    assert told_gemini(gateway) == ["text/plain"]
