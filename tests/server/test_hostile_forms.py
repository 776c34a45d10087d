"""Hostile and broken bodies at `POST /v1/files`: the right error, OpenAI's four keys, and nothing left behind."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from form_bytes import END, FILE, PURPOSE, B, part, send, text
from raw_http import connect, exchange, head, read_answer
from running import Running, eventually

CASES: dict[str, tuple[bytes, str | None]] = {
    # the form's shape
    "nothing": (b"", None),
    "only an end": (END, "file"),
    "no boundary at all": (b"x" * 100, None),
    "no boundary in a lot": (b"x" * 100_000, None),
    "another boundary": (PURPOSE.replace(b"b0", b"b1") + FILE.replace(b"b0", b"b1") + b"--b1--\r\n", None),
    "no end": (PURPOSE + FILE, None),
    "cut in the file": (PURPOSE + FILE[:-5], None),
    "cut in a head": (PURPOSE + FILE[:20], None),
    "bare line feeds": ((PURPOSE + FILE + END).replace(b"\r\n", b"\n"), None),
    "junk behind a boundary": (PURPOSE + FILE + b"--b0junk\r\n", None),
    "junk before the first boundary": (b"junk" + PURPOSE + FILE + END, None),
    "10,000 parts": (PURPOSE + b"".join(text(f"f{n}", "v") for n in range(10_000)) + FILE + END, None),
    "10,000 models": (PURPOSE + b"".join(text("target_model_names[]", "m") for _ in range(10_000)) + FILE + END, None),
    "65 parts": (PURPOSE + b"".join(text("metadata[x]", "v") for _ in range(64)) + FILE + END, None),
    "10,000 empty parts": ((B + b"\r\n\r\n") * 10_000 + END, None),
    # heads
    "no disposition": (PURPOSE + B + b"Content-Type: text/plain\r\n\r\ncontent\r\n" + END, None),
    "another disposition": (PURPOSE + part(b'attachment; name="file"; filename="a"') + END, None),
    "no name": (PURPOSE + part(b'form-data; filename="a"') + END, None),
    "an empty name": (PURPOSE + part(b'form-data; name=""; filename="a"') + END, None),
    "a header of 1 MB": (
        PURPOSE + part(b'form-data; name="file"', more=b"x: " + b"y" * 1_000_000 + b"\r\n") + END,
        None,
    ),
    "1,000 headers": (PURPOSE + part(b'form-data; name="file"; filename="a"', more=b"x: y\r\n" * 1000) + END, None),
    "a header without a colon": (PURPOSE + part(b'form-data; name="file"', more=b"nonsense\r\n") + END, None),
    "an endless head": (PURPOSE + B + b"x" * 100_000, None),
    "a part's length that lies": (
        PURPOSE + part(b'form-data; name="file"; filename="a"', more=b"Content-Length: 3\r\n") + END,
        None,
    ),
    "a part's length that is negative": (
        PURPOSE + part(b'form-data; name="file"; filename="a"', more=b"Content-Length: -3\r\n") + END,
        None,
    ),
    # fields
    "no purpose": (FILE + END, "purpose"),
    "no file": (PURPOSE + END, "file"),
    "an unknown purpose": (text("purpose", "world domination") + FILE + END, "purpose"),
    "a purpose in capitals": (text("purpose", "USER_DATA") + FILE + END, "purpose"),
    "a purpose of others": (text("purpose", "ocr") + FILE + END, "purpose"),
    "files, not file": (PURPOSE + FILE.replace(b'"file"', b'"files"') + END, "files"),
    "file[], not file": (PURPOSE + FILE.replace(b'"file"', b'"file[]"') + END, "file[]"),
    "image, not file": (PURPOSE + FILE.replace(b'"file"', b'"image"') + END, "image"),
    "expires_after flat": (PURPOSE + text("expires_after", "3600") + FILE + END, "expires_after"),
    "expires_after as JSON": (
        PURPOSE + text("expires_after", '{"anchor":"created_at","seconds":3600}') + FILE + END,
        "expires_after",
    ),
    "expires_after with a dot": (
        PURPOSE + text("expires_after.anchor", "created_at") + FILE + END,
        "expires_after.anchor",
    ),
    "an empty purpose": (text("purpose", "") + FILE + END, "purpose"),
    "two purposes": (PURPOSE + PURPOSE + FILE + END, "purpose"),
    "two purposes around": (PURPOSE + FILE + PURPOSE + END, "purpose"),
    "two files": (PURPOSE + FILE + FILE + END, "file"),
    "an unknown field": (PURPOSE + text("colour", "red") + FILE + END, "colour"),
    "an unknown field behind": (PURPOSE + FILE + text("colour", "red") + END, "colour"),
    "a second file by another name": (PURPOSE + FILE + FILE.replace(b'"file"', b'"photo"') + END, "photo"),
    "a field of 1 MB": (PURPOSE + text("metadata[x]", "y" * 1_000_000) + FILE + END, "metadata[x]"),
    "a field that is no UTF-8": (PURPOSE + part(b'form-data; name="user"', b"\xff\xfe") + FILE + END, "user"),
    "another provider": (PURPOSE + text("custom_llm_provider", "openai") + FILE + END, "custom_llm_provider"),
    "another storage": (PURPOSE + text("target_storage", "azure_storage") + FILE + END, "target_storage"),
    "models that are no JSON": (PURPOSE + text("target_model_names", "[x") + FILE + END, "target_model_names"),
    "models that are numbers": (PURPOSE + text("target_model_names", "[1]") + FILE + END, "target_model_names"),
    "an anchor alone": (PURPOSE + text("expires_after[anchor]", "created_at") + FILE + END, "expires_after.seconds"),
    "seconds alone": (PURPOSE + text("expires_after[seconds]", "3600") + FILE + END, "expires_after.anchor"),
    # files
    "an empty file": (PURPOSE + part(b'form-data; name="file"; filename="a"', b"") + END, "file"),
    "an empty file before": (part(b'form-data; name="file"; filename="a"', b"") + PURPOSE + END, "file"),
    "a name with NUL": (PURPOSE + part(b'form-data; name="file"; filename="a\x00b"') + END, "file"),
    "a name of 3,000 characters": (
        PURPOSE + part(b'form-data; name="file"; filename="' + b"a" * 3000 + b'"') + END,
        "file",
    ),
} | {
    f"expires_after.seconds of {seconds!r}": (
        PURPOSE + text("expires_after[anchor]", anchor) + text("expires_after[seconds]", seconds) + FILE + END,
        param,
    )
    for anchor, seconds, param in [
        ("created_at", "3599", "expires_after.seconds"),
        ("created_at", "2592001", "expires_after.seconds"),
        ("created_at", "-3600", "expires_after.seconds"),
        ("created_at", "3600.5", "expires_after.seconds"),
        ("created_at", "9" * 5000, "expires_after.seconds"),
        ("created_at", "²", "expires_after.seconds"),
        ("created_at", "", "expires_after.seconds"),
        ("last_active_at", "3600", "expires_after.anchor"),
    ]
}


@pytest.fixture(scope="module", autouse=True)
def nothing_left_behind(gateway: Running) -> Iterator[None]:
    before = sorted(gateway.litter())
    yield
    # A form whose client has gone may still be on its way out.
    assert eventually(lambda: sorted(gateway.litter()) == before)


@pytest.mark.parametrize("name", CASES)
def test_a_broken_form_is_400_and_names_what_it_can(gateway: Running, name: str) -> None:
    body, param = CASES[name]
    answer = send(gateway, body)
    assert answer.status == 400, answer.body
    error = answer.error()
    assert error["type"] == "invalid_request_error"
    if param is not None:
        assert error["param"] == param


@pytest.mark.parametrize(
    "name", ["no end", "two files", "an unknown field behind", "an empty file", "10,000 parts", "cut in the file"]
)
def test_a_broken_form_is_the_same_in_any_pieces(gateway: Running, name: str) -> None:
    body, _ = CASES[name]
    whole = send(gateway, body)
    for size in (1, 7, 1000):
        first, rest = body[:3000], body[3000:]
        pieces = [*(first[start : start + size] for start in range(0, len(first), size)), rest]
        request = head(
            "POST",
            "/v1/files",
            {"Content-Type": "multipart/form-data; boundary=b0", "Content-Length": str(len(body))},
        )
        answer = exchange(gateway.base, [request, *pieces], "POST")
        assert (answer.status, answer.json()) == (whole.status, whole.json())


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "application/json",
        "application/x-www-form-urlencoded",
        "text/plain",
        "multipart/mixed; boundary=b0",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=" + "b" * 300,
        'multipart/form-data; boundary="b\u00e9"',
        "multipart/form-data; boundary=b1",
    ],
)
def test_a_content_type_that_is_no_form_is_400(gateway: Running, content_type: str) -> None:
    assert send(gateway, PURPOSE + FILE + END, content_type=content_type).error()["type"] == "invalid_request_error"


def test_a_length_above_the_body_ends_with_the_connection(gateway: Running) -> None:
    before = sorted(gateway.litter())
    body = PURPOSE + FILE + END
    request = head(
        "POST", "/v1/files", {"Content-Type": "multipart/form-data; boundary=b0", "Content-Length": str(len(body) + 99)}
    )
    with connect(gateway.base) as connection:
        connection.sendall(request + body)
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1000) == b""
    assert eventually(lambda: sorted(gateway.litter()) == before)


def test_a_length_below_the_body_is_400(gateway: Running) -> None:
    body = PURPOSE + FILE + END
    request = head(
        "POST", "/v1/files", {"Content-Type": "multipart/form-data; boundary=b0", "Content-Length": str(len(body) - 15)}
    )
    with connect(gateway.base) as connection:
        connection.sendall(request + body)
        assert read_answer(connection, "POST").status == 400
