"""Bodies and parts that come encoded: undone at every door, or refused by name; never kept as if that were the file."""

from __future__ import annotations

import base64
import email.message
import email.mime.application
import email.mime.multipart
import email.mime.nonmultipart
import email.parser
import email.policy
import gzip
import json
import os
import quopri
import time
import zlib
from collections.abc import Callable, Iterator

import pytest

from raw_http import Answer, exchange, head
from running import MODEL, Running, form_request

PDF = b"%PDF-1.4\n" + os.urandom(1342)
BOUNDARY = "b0undary"
FORM = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
RELATED = {"Content-Type": f"multipart/related; boundary={BOUNDARY}", "X-Goog-Upload-Protocol": "multipart"}


def part(disposition: str, content: bytes, *headers: str) -> bytes:
    lines = (
        "\r\n".join((f"Content-Disposition: form-data; {disposition}", *headers))
        if disposition
        else "\r\n".join(headers)
    )
    return f"--{BOUNDARY}\r\n".encode() + lines.encode("latin-1") + b"\r\n\r\n" + content + b"\r\n"


PURPOSE = part('name="purpose"', b"user_data")
END = f"--{BOUNDARY}--\r\n".encode()


def content_of(gateway: Running, file_id: str) -> bytes:
    return gateway.call("GET", f"/v1/files/{file_id}/content").body


def lines_of(encoded: bytes, width: int, end: bytes) -> bytes:
    return end.join(encoded[at : at + width] for at in range(0, len(encoded), width)) + end


# ── Content-Transfer-Encoding ──────────────────────────────────────────────────────────────────────────────────────


ENCODED = {
    "base64": base64.b64encode(PDF),
    "base64 ": lines_of(base64.b64encode(PDF), 76, b"\r\n"),
    "BASE64": lines_of(base64.b64encode(PDF), 60, b"\n"),
    "quoted-printable": quopri.encodestring(PDF).replace(b"\n", b"\r\n"),
    "Quoted-Printable": quopri.encodestring(PDF, quotetabs=True).replace(b"\n", b"\r\n"),
    "binary": PDF,
    "8bit": PDF,
    "7bit": PDF,
    "": PDF,
}
# A line break of the content is CRLF in quoted-printable text.
TEXT = {"quoted-printable", "Quoted-Printable"}


def expected(encoding: str) -> bytes:
    return PDF.replace(b"\n", b"\r\n") if encoding in TEXT else PDF


def as_file(gateway: Running, content: bytes, header: str) -> Answer:
    return gateway.call(
        "POST", "/v1/files", PURPOSE + part('name="file"; filename="a.pdf"', content, header) + END, FORM
    )


def as_part(gateway: Running, content: bytes, header: str) -> Answer:
    wanted = {"filename": "a.pdf", "purpose": "user_data", "bytes": len(PDF), "mime_type": "application/pdf"}
    upload = gateway.post("/v1/uploads", wanted).json()["id"]
    form = part('name="data"; filename="blob"', content, header) + END
    answer = gateway.call("POST", f"/v1/uploads/{upload}/parts", form, FORM)
    if answer.status != 200:
        return answer
    done = gateway.post(f"/v1/uploads/{upload}/complete", {"part_ids": [answer.json()["id"]]})
    return Answer(done.status, done.headers, json.dumps(done.json()["file"]).encode())


def as_related(gateway: Running, content: bytes, header: str) -> Answer:
    metadata = part("", b'{"file": {"displayName": "a.pdf"}}', "Content-Type: application/json")
    body = metadata + part("", content, "Content-Type: application/pdf", header) + END
    answer = gateway.call("POST", "/upload/v1beta/files", body, RELATED)
    if answer.status != 200:
        return answer
    file_id = "file-" + answer.json()["file"]["name"].removeprefix("files/")
    return Answer(200, answer.headers, json.dumps({"id": file_id}).encode())


Door = Callable[[Running, bytes, str], Answer]


@pytest.mark.parametrize("encoding", [name for name in ENCODED if name not in TEXT])
@pytest.mark.parametrize("door", [as_file, as_part, as_related])
def test_a_part_is_stored_as_it_was_before_it_was_encoded(gateway: Running, door: Door, encoding: str) -> None:
    header = f"Content-Transfer-Encoding: {encoding}" if encoding else "X-None: a"
    answer = door(gateway, ENCODED[encoding], header)
    assert answer.status == 200, answer
    assert content_of(gateway, answer.json()["id"]) == PDF


@pytest.mark.parametrize("door", [as_file, as_related])
@pytest.mark.parametrize("encoding", sorted(TEXT))
def test_quoted_printable_too(gateway: Running, door: Door, encoding: str) -> None:
    text = b"a=b \xc3\xa9 and a long line " * 20 + b"\r\nnext\ttab \r\n.end"
    encoded = quopri.encodestring(text.replace(b"\r\n", b"\n")).replace(b"\n", b"\r\n")
    answer = door(gateway, encoded, f"Content-Transfer-Encoding: {encoding}")
    assert answer.status == 200, answer
    assert content_of(gateway, answer.json()["id"]) == text


@pytest.mark.parametrize("door", [as_file, as_part, as_related])
def test_a_part_that_is_packed_by_itself_is_refused_by_name(gateway: Running, door: Door) -> None:
    for coding in ("gzip", "X-GZip", "br", "deflate", "identity, gzip"):
        answer = door(gateway, gzip.compress(PDF), f"Content-Encoding: {coding}")
        assert answer.status == 400 and "Content-Encoding of the part" in answer.json()["error"]["message"]
    for coding in ("identity", ""):
        answer = door(gateway, PDF, f"Content-Encoding: {coding}")
        assert answer.status == 200 and content_of(gateway, answer.json()["id"]) == PDF


def test_a_part_that_holds_parts_is_no_file(gateway: Running) -> None:
    inner = b'--in\r\nContent-Disposition: attachment; filename="a.txt"\r\n\r\nhello\r\n--in--'
    mixed = "Content-Type: multipart/mixed; boundary=in"
    answer = gateway.call("POST", "/v1/files", PURPOSE + part('name="file"', inner, mixed) + END, FORM)
    assert answer.status == 400 and answer.error()["param"] == "file" and "multipart/mixed" in answer.error()["message"]
    # A saved web page or mail is a file of such a type.
    page = part('name="file"; filename="page.mhtml"', inner, "Content-Type: multipart/related; boundary=in")
    answer = gateway.call("POST", "/v1/files", PURPOSE + page + END, FORM)
    assert answer.status == 200 and content_of(gateway, answer.json()["id"]) == inner


@pytest.mark.parametrize("door", [as_file, as_part, as_related])
@pytest.mark.parametrize(
    ("encoding", "content"),
    [
        *(("base64", b"%%%%"), ("base64", b"AAAA=AAA"), ("base64", b"A"), ("base64", b"QQ==QQ=="), ("base64", b"AA_-")),
        *(("quoted-printable", b"=ZZ"), ("quoted-printable", b"=A"), ("quoted-printable", b"x" * 20_000)),
        *(("x-uuencode", b"abc"), ("gzip", b"abc"), ("base64, gzip", b"abc"), ("nonsense", b"abc")),
    ],
)
def test_what_cannot_be_undone_is_refused_by_name(gateway: Running, door: Door, encoding: str, content: bytes) -> None:
    answer = door(gateway, content, f"Content-Transfer-Encoding: {encoding}")
    assert answer.status == 400
    assert "Content-Transfer-Encoding" in answer.json()["error"]["message"]


def test_fields_may_be_encoded_too(gateway: Running) -> None:
    purpose = part('name="purpose"', base64.b64encode(b"user_data"), "Content-Transfer-Encoding: base64")
    body = purpose + part('name="file"; filename="a.txt"', b"plain") + END
    answer = gateway.call("POST", "/v1/files", body, FORM)
    assert answer.status == 200 and answer.json()["purpose"] == "user_data"
    metadata = part("", base64.b64encode(b'{"file": {"displayName": "n"}}'), "Content-Transfer-Encoding: base64")
    answer = gateway.call(
        "POST", "/upload/v1beta/files", metadata + part("", b"x", "Content-Type: text/plain") + END, RELATED
    )
    assert answer.json()["file"]["displayName"] == "n"


def test_a_large_part_is_undone_as_it_comes(gateway: Running) -> None:
    content = os.urandom(3_000_001)
    answer = as_file(gateway, lines_of(base64.b64encode(content), 76, b"\r\n"), "Content-Transfer-Encoding: base64")
    assert answer.json()["bytes"] == len(content)
    assert content_of(gateway, answer.json()["id"]) == content


@pytest.mark.parametrize("name", ["report.pdf", "übersicht.pdf"])
def test_ansibles_form(gateway: Running, name: str) -> None:
    """`uri` with `body_format: form-multipart`, as ansible-core 2.19 makes it."""
    form = email.mime.multipart.MIMEMultipart("form-data")
    purpose = email.mime.nonmultipart.MIMENonMultipart("text", "plain")
    purpose.set_payload("user_data")
    file = email.mime.application.MIMEApplication(PDF)
    del file["Content-Type"]
    file.add_header("Content-Type", "application/pdf")
    for field, one in (("purpose", purpose), ("file", file)):
        one.add_header("Content-Disposition", "form-data")
        del one["MIME-Version"]
        one.set_param("name", field, header="Content-Disposition")
    file.set_param("filename", name, header="Content-Disposition")
    form.attach(purpose)
    form.attach(file)
    head, _, body = form.as_bytes(policy=email.policy.HTTP).partition(b"\r\n\r\n")
    content_type = email.parser.BytesHeaderParser().parsebytes(head)["content-type"]
    assert b"Content-Transfer-Encoding: base64" in body
    answer = gateway.call("POST", "/v1/files", body, {"Content-Type": content_type.replace("\n", "")})
    assert answer.status == 200, answer
    made = answer.json()
    assert (made["filename"], made["bytes"]) == (name, len(PDF))
    assert content_of(gateway, made["id"]) == PDF


# ── names ──────────────────────────────────────────────────────────────────────────────────────────────────────────


WORD = "=?utf-8?B?" + base64.b64encode("übersicht.csv".encode()).decode() + "?="


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        # .NET's MultipartFormDataContent
        (f"name=file; filename=\"{WORD}\"; filename*=utf-8''%C3%BCbersicht.csv", "übersicht.csv"),
        (f'name="file"; filename="{WORD}"', "übersicht.csv"),
        (f'name="file"; filename={WORD}', "übersicht.csv"),
        # Without quotes round what needs them.
        ('name="file"; filename=caf\xe9.csv', "café.csv"),
        ('name="file"; filename=caf\xc3\xa9.csv', "café.csv"),
        ("name=file; filename = my report (final).csv", "my report (final).csv"),
        ('name="file"; filename="=?UTF-8?Q?=C3=BCbersicht_1.csv?="', "übersicht 1.csv"),
        ('name="file"; filename="=?iso-8859-1?Q?=FCbersicht.csv?="', "übersicht.csv"),
        ('name="file"; filename="=?utf-8?B?w7xi?= =?utf-8?B?ZXIuY3N2?="', "über.csv"),
        # urllib3 1.x
        ("name=\"file\"; filename*=utf-8''caf%C3%A9.csv", "café.csv"),
        ("name=\"file\"; filename*=UTF-8''caf%C3%A9.csv", "café.csv"),
        ("name=\"file\"; filename*=UTF-8'en'caf%C3%A9.csv", "café.csv"),
        ("name=\"file\"; filename*=ISO-8859-1''caf%E9.csv", "café.csv"),
        ("name=\"file\"; filename*=windows-1252''10%80.csv", "10€.csv"),
        ("name=\"file\"; FILENAME*=utf-8''caf%C3%A9.csv", "café.csv"),
        ('name="file"; filename*="utf-8\'\'caf%C3%A9.csv"', "café.csv"),
        ('name="file"; filename = "x.txt" ; filename* = utf-8\'\'caf%C3%A9.csv', "café.csv"),
        ("filename*=utf-8''caf%C3%A9.csv; name=\"file\"", "café.csv"),
        ('name="file"; filename*=utf-8\'\'caf%C3%A9.csv; filename="plain.txt"', "café.csv"),
        ('name="file"; filename*0*=utf-8\'\'caf%C3%A9; filename*1=".csv"', "café.csv"),
        ('name="file"; filename*0="ca"; filename*1="fe.csv"', "cafe.csv"),
        # What cannot be read gives way to what can.
        ('name="file"; filename*=nonsense\'\'%FF.csv; filename="plain.csv"', "plain.csv"),
        ('name="file"; filename*=utf-8\'\'%FF%FE.csv; filename="plain.csv"', "plain.csv"),
        ("name=\"file\"; filename*=utf-8''caf%E9.csv", "café.csv"),
        ("name=\"file\"; filename*=nonsense''caf%E9.csv", "café.csv"),
        ('name="file"; filename="=?utf-8?B?%%%?=.csv"', "=?utf-8?B?%%%?=.csv"),
        ('name="file"; filename="a=?b?.csv"', "a=?b?.csv"),
        # Inside a quoted name nothing is a parameter.
        ('name="file"; filename="a; filename*=utf-8\'\'evil.txt.csv"', "a; filename*=utf-8''evil.txt.csv"),
        # Of any spelling only the last component counts.
        ("name=\"file\"; filename*=utf-8''..%2F..%2Fetc%2Fpasswd.csv", "passwd.csv"),
    ],
)
def test_names_in_every_spelling(gateway: Running, disposition: str, name: str) -> None:
    answer = gateway.call("POST", "/v1/files", PURPOSE + part(disposition, b"a,b\n1,2\n") + END, FORM)
    assert answer.status == 200, answer
    assert answer.json()["filename"] == name
    listed = gateway.call("GET", "/v1/files?limit=1").json()["data"][0]
    assert listed["filename"] == name
    download = gateway.call("GET", f"/v1/files/{answer.json()['id']}/content")
    # The type follows the name.
    assert download.headers["content-type"] == "text/csv"
    assert name.isascii() or "filename*=UTF-8''" in download.headers["content-disposition"]


@pytest.mark.parametrize("raw", ["übersicht.csv".encode(), "übersicht.csv".encode("latin-1"), WORD.encode()])
def test_googles_header_has_them_too(gateway: Running, raw: bytes) -> None:
    body = part("", b"{}", "Content-Type: application/json") + part("", b"a,b\n", "Content-Type: text/csv") + END
    lines = [f"{name}: {value}".encode() for name, value in {**RELATED, "Content-Length": len(body)}.items()]
    fields = [b"POST /upload/v1beta/files HTTP/1.1", b"Host: localhost", b"X-Goog-Upload-File-Name: " + raw, *lines]
    answer = exchange(gateway.base, [b"\r\n".join(fields) + b"\r\n\r\n" + body], "POST")
    assert answer.status == 200, answer
    file_id = "file-" + answer.json()["file"]["name"].removeprefix("files/")
    assert gateway.call("GET", f"/v1/files/{file_id}").json()["filename"] == "übersicht.csv"


# ── Content-Encoding ───────────────────────────────────────────────────────────────────────────────────────────────


def raw_deflate(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(data) + stream.flush()


def two_members(data: bytes) -> bytes:
    return gzip.compress(data[: len(data) // 2]) + gzip.compress(data[len(data) // 2 :])


CODINGS: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("gzip", gzip.compress),
    ("GZIP", gzip.compress),
    ("x-gzip", gzip.compress),
    ("gzip", two_members),
    ("deflate", zlib.compress),
    ("deflate", raw_deflate),
    ("identity", bytes),
    ("identity, gzip", gzip.compress),
]


def doors(gateway: Running) -> list[tuple[str, bytes, dict[str, str]]]:
    chat = {"model": MODEL, "messages": [{"role": "user", "content": "hello " * 1000}]}
    native = {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}
    upload = {"filename": "a", "purpose": "user_data", "bytes": 3, "mime_type": "text/plain"}
    made = gateway.post("/v1/uploads", upload).json()["id"]
    start = {"X-Goog-Upload-Protocol": "resumable", "X-Goog-Upload-Command": "start"}
    session = gateway.call("POST", "/upload/v1beta/files", b"{}", start).headers["x-goog-upload-url"]
    finalize = {"X-Goog-Upload-Command": "upload, finalize", "X-Goog-Upload-Offset": "0"}
    method, target, form, headers = form_request({"purpose": "user_data"}, b"content " * 10_000)
    assert method == "POST"
    related = part("", b"{}", "Content-Type: application/json") + part("", b"abc", "Content-Type: text/plain") + END
    return [
        ("/v1/chat/completions", json.dumps(chat).encode(), {}),
        ("/v1/chat/completions/input_tokens", json.dumps(chat).encode(), {}),
        (target, form, headers),
        ("/v1/uploads", json.dumps(upload).encode(), {}),
        (f"/v1/uploads/{made}/parts", part('name="data"; filename="x"', b"abc") + END, FORM),
        ("/upload/v1beta/files", b'{"file": {"displayName": "n"}}', start),
        ("/" + session.split("/", 3)[3], b"the bytes of a file", finalize),
        ("/upload/v1beta/files", related, RELATED),
        (f"/v1beta/models/{MODEL}:generateContent", json.dumps(native).encode(), {}),
        (f"/v1beta/models/{MODEL}:countTokens", json.dumps(native).encode(), {}),
    ]


@pytest.mark.parametrize(
    ("coding", "encode"), CODINGS, ids=[f"{coding}-{encode.__name__}" for coding, encode in CODINGS]
)
def test_every_door_reads_an_encoded_body(gateway: Running, coding: str, encode: Callable[[bytes], bytes]) -> None:
    for target, body, headers in doors(gateway):
        answer = gateway.call("POST", target, encode(body), {**headers, "Content-Encoding": coding})
        assert answer.status == 200, (target, answer)
        if target == "/v1/files":
            assert content_of(gateway, answer.json()["id"]) == b"content " * 10_000
        if "upload_id" in target:
            file_id = "file-" + answer.json()["file"]["name"].removeprefix("files/")
            assert content_of(gateway, file_id) == b"the bytes of a file"


CHAT = json.dumps({"model": MODEL, "messages": [{"role": "user", "content": "hello"}]}).encode()


@pytest.mark.parametrize("size", [131_084, 131_101, 262_149])
def test_a_packed_body_that_ends_in_a_run_is_read_to_its_end(gateway: Running, size: int) -> None:
    """Its last byte stands for more than what a piece has room for."""
    body = raw_deflate(CHAT + b" " * (size - len(CHAT)))
    answer = gateway.call("POST", "/v1/chat/completions", body, {"Content-Encoding": "deflate"})
    assert answer.status == 200, answer


@pytest.mark.parametrize(("coding", "encode"), CODINGS[:6])
def test_a_packed_body_may_come_in_single_bytes(
    gateway: Running, coding: str, encode: Callable[[bytes], bytes]
) -> None:
    body = encode(CHAT)
    fields = {"Content-Length": str(len(body)), "Content-Encoding": coding}

    def pieces() -> Iterator[bytes]:
        yield head("POST", "/v1/chat/completions", fields)
        for at in range(3):
            time.sleep(0.05)
            yield body[at : at + 1]
        yield body[3:]

    answer = exchange(gateway.base, pieces(), "POST")
    assert answer.status == 200, answer


MARK = b"\xef\xbb\xbf"
"""UTF-8's byte order mark, which editors and older .NET write before JSON."""


def test_a_byte_order_mark_before_json_is_passed_over(gateway: Running) -> None:
    chat = {"model": MODEL, "messages": [{"role": "user", "content": "hällo"}]}
    native = {"contents": [{"role": "user", "parts": [{"text": "hällo"}]}]}
    long = {"contents": [{"role": "user", "parts": [{"text": "x" * 600_000}]}]}
    upload = {"filename": "a", "purpose": "user_data", "bytes": 3, "mime_type": "text/plain"}
    start = {"X-Goog-Upload-Protocol": "resumable", "X-Goog-Upload-Command": "start"}
    metadata = part("", MARK + b'{"file": {"displayName": "n"}}', "Content-Type: application/json")
    related = metadata + part("", MARK + b"abc", "Content-Type: text/plain") + END
    large = {"model": MODEL, "messages": [{"role": "user", "content": "x" * 600_000}]}
    for target, body, headers in (
        ("/v1/chat/completions", MARK + json.dumps(chat, ensure_ascii=False).encode(), {}),
        ("/v1/chat/completions", MARK + json.dumps({**chat, "stream": True}).encode(), {}),
        ("/v1/chat/completions", MARK + json.dumps(large).encode(), {}),
        ("/v1/chat/completions", gzip.compress(MARK + json.dumps(chat).encode()), {"Content-Encoding": "gzip"}),
        ("/v1/chat/completions/input_tokens", MARK + json.dumps(chat).encode(), {}),
        ("/v1/uploads", MARK + json.dumps(upload).encode(), {}),
        ("/upload/v1beta/files", MARK + b'{"file": {"displayName": "n"}}', start),
        ("/upload/v1beta/files", related, RELATED),
        (f"/v1beta/models/{MODEL}:generateContent", MARK + json.dumps(native).encode(), {}),
        (f"/v1beta/models/{MODEL}:streamGenerateContent", MARK + json.dumps(native).encode(), {}),
        (f"/v1beta/models/{MODEL}:countTokens", MARK + json.dumps(native).encode(), {}),
        (f"/v1beta/models/{MODEL}:generateContent", MARK + json.dumps(long).encode(), {}),
    ):
        answer = gateway.call("POST", target, body, headers)
        assert answer.status == 200, (target, answer)
        if target == "/v1/chat/completions" and b"stream" not in body:
            assert gateway.told("bodies")["bodies"][-1]["body"]["contents"][0]["parts"][0].keys() == {"text"}
    stored = gateway.call("POST", "/upload/v1beta/files", related, RELATED).json()["file"]
    # The mark belongs to a file as every other byte of it does.
    assert content_of(gateway, "file-" + stored["name"].removeprefix("files/")) == MARK + b"abc"


@pytest.mark.parametrize(
    "body", [MARK, MARK + MARK + b"{}", MARK[:2] + b"{}", b"{}" + MARK, MARK + b"[]", "{}".encode("utf-16")]
)
def test_what_is_no_json_behind_the_mark_is_refused(gateway: Running, body: bytes) -> None:
    for target in ("/v1/chat/completions", "/v1/uploads"):
        assert gateway.call("POST", target, body).error()["message"].startswith("We could not parse the JSON body")


@pytest.mark.parametrize("coding", ["br", "zstd", "compress", "gzip, gzip", "deflate, gzip", "nonsense", "x" * 5000])
def test_another_encoding_is_415_at_every_door(gateway: Running, coding: str) -> None:
    for target, body, headers in doors(gateway):
        answer = gateway.call("POST", target, body, {**headers, "Content-Encoding": coding})
        assert answer.status == 415, (target, answer)
        assert answer.headers["accept-encoding"] == "gzip, deflate"
        message = answer.json()["error"]["message"]
        assert "Content-Encoding" in message and len(message) < 500


@pytest.mark.parametrize(
    "broken",
    [
        lambda body: body,
        lambda body: gzip.compress(body)[:-9],
        lambda body: gzip.compress(body)[:-1] + b"x",
        lambda body: gzip.compress(body) + b"behind",
        lambda body: b"",
    ],
    ids=["plain", "cut", "wrong sum", "more behind", "nothing"],
)
def test_a_body_that_is_not_what_it_says_is_400(gateway: Running, broken: Callable[[bytes], bytes]) -> None:
    for target, body, headers in doors(gateway):
        answer = gateway.call("POST", target, broken(body), {**headers, "Content-Encoding": "gzip"})
        assert answer.status == 400, (target, answer)


def test_limits_are_those_of_the_content(make_gateway: Callable[..., Running]) -> None:
    running = make_gateway(ours="{max_body_bytes: 1MiB, max_file_bytes: 1MiB}")
    bomb = gzip.compress(b" " * (64 << 20))
    answer = running.call("POST", "/v1/chat/completions", bomb, {"Content-Encoding": "gzip"})
    assert answer.status == 413 and answer.error()["code"] == "request_too_large"
    _, target, form, headers = form_request({"purpose": "user_data"}, b" " * (64 << 20))
    answer = running.call("POST", target, gzip.compress(form), {**headers, "Content-Encoding": "gzip"})
    assert answer.status == 413
    assert running.litter() == []
