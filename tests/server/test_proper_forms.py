"""Bodies at `POST /v1/files` that no client of ours writes and that are right all the same."""

from __future__ import annotations

import pytest

from form_bytes import END, FILE, PURPOSE, B, part, send
from running import Running


@pytest.mark.parametrize(
    "body",
    [
        PURPOSE + FILE + END + b"an epilogue\r\n",
        PURPOSE + FILE + END.rstrip(),
        PURPOSE.replace(b"--b0\r", b"--b0  \r") + FILE.replace(b"--b0\r", b"--b0\t \r") + END.rstrip() + b" \t",
        PURPOSE + FILE.replace(b"--b0\r", b"--b0 \r") + END.rstrip() + b"  \r\n",
        b"\r\n" + PURPOSE + FILE + END,
        PURPOSE + FILE.replace(b"Content-Disposition", b"content-disposition") + END,
        PURPOSE + B + b'Content-Disposition: form-data; name="file"\r\n\r\ncontent\r\n' + END,
        PURPOSE + part(b"form-data; name=file; filename=a.txt") + END,
        PURPOSE + part(b'form-data; name="file"; filename="a"', more=b"Content-Transfer-Encoding: binary\r\n") + END,
        PURPOSE + part(b'form-data; name="file"; filename="a"', more=b"Content-Length: 7\r\n") + END,
        FILE + PURPOSE + END,
        PURPOSE + part(b'form-data; name="file"; filename=""') + END,
        PURPOSE + part(b'form-data; filename="a"; name="file"') + END,
        PURPOSE + part(b'form-data; name="file"; filename="a"', more=b"X: \xff\xfe\xfd\r\n") + END,
        PURPOSE + part(b'form-data; name="file"; filename="a"', b"\r\n--b1\r\n--b\r\n\r\n--b\r\n--\r\n-") + END,
    ],
    ids=[
        "epilogue",
        "no last line break",
        "spaces behind each boundary",
        "a space behind one boundary",
        "empty first line",
        "lower case",
        "no filename",
        "unquoted",
        "encoding",
        "a part's length",
        "file first",
        "an empty filename",
        "filename before name",
        "a header that is no UTF-8",
        "look-alikes",
    ],
)
def test_an_unusual_but_proper_form_is_taken(gateway: Running, body: bytes) -> None:
    answer = send(gateway, body)
    assert answer.status == 200, answer.body
    stored = gateway.call("GET", f"/v1/files/{answer.json()['id']}/content").body
    assert stored == (b"\r\n--b1\r\n--b\r\n\r\n--b\r\n--\r\n-" if b"--b1" in body else b"content")
    assert gateway.call("DELETE", f"/v1/files/{answer.json()['id']}").status == 200


@pytest.mark.parametrize(("written", "read"), [(b"caf\xc3\xa9.txt", "café.txt"), (b"caf\xe9.txt", "café.txt")])
def test_a_filename_is_utf_8_or_else_latin_1(gateway: Running, written: bytes, read: str) -> None:
    answer = send(gateway, PURPOSE + part(b'form-data; name="file"; filename="' + written + b'"') + END)
    assert answer.status == 200, answer.body
    assert answer.json()["filename"] == read
    assert gateway.call("DELETE", f"/v1/files/{answer.json()['id']}").status == 200
