"""Numbers of any length at every door that reads one: the largest bound counts, zeros in front count nothing."""

from __future__ import annotations

import base64
import json

import pytest

from liftgate.errors import RangeNotSatisfiable
from liftgate.server.ranges import wanted_range
from liftgate.whole_numbers import LARGEST, whole_number
from running import Running, form_request

NINES = "9" * 5000
ZEROS = "0" * 5000


@pytest.mark.parametrize(
    ("text", "number"),
    [
        *(("0", 0), ("7", 7), (ZEROS, 0), (ZEROS + "7", 7), (NINES, LARGEST), ("9" * 18, 10**18 - 1)),
        *(("", None), ("-1", None), ("+1", None), ("1.0", None), ("1_0", None), (" 1", None), ("٣", None), ("²", None)),
    ],
)
def test_whole_numbers(text: str, number: int | None) -> None:
    assert whole_number(text) == number


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (f"bytes=0-{NINES}", (0, 10)),
        (f"bytes=-{NINES}", (0, 10)),
        (f"bytes={ZEROS}3-{ZEROS}5", (3, 6)),
        (f"bytes=-{ZEROS}3", (7, 10)),
        (f"bytes={NINES}1-{NINES}0", None),
        (f"bytes={NINES}-5", None),
        ("bytes=5-4", None),
        ("bytes=-", None),
    ],
)
def test_ranges_of_any_number_of_digits(value: str, wanted: tuple[int, int] | None) -> None:
    assert wanted_range(value, 10) == wanted


@pytest.mark.parametrize("value", [f"bytes={NINES}-", f"bytes={NINES}0-{NINES}1", f"bytes=-{ZEROS}", "bytes=10-"])
def test_ranges_beyond_the_end(value: str) -> None:
    with pytest.raises(RangeNotSatisfiable):
        wanted_range(value, 10)


def test_downloads_of_huge_ranges_over_the_wire(gateway: Running) -> None:
    file = gateway.upload(b"0123456789")["id"]
    for target in (f"/v1/files/{file}/content", f"/v1beta/files/{file.removeprefix('file-')}:download?alt=media"):
        for value, status, body in (
            (f"bytes=0-{NINES}", 206, b"0123456789"),
            (f"bytes={NINES}-", 416, None),
            (f"bytes=-{NINES}", 206, b"0123456789"),
            (f"bytes={ZEROS}8-{NINES}", 206, b"89"),
        ):
            answer = gateway.call("GET", target, headers={"Range": value})
            assert answer.status == status
            assert body is None or answer.body == body


def test_numbers_in_queries_and_headers_are_never_a_500(gateway: Running) -> None:
    gateway.upload(b"content")
    start = {"X-Goog-Upload-Protocol": "resumable", "X-Goog-Upload-Command": "start"}
    url = gateway.call("POST", "/upload/v1beta/files", b"{}", start).headers["x-goog-upload-url"]
    session = "/" + url.split("/", 3)[3]
    for number, fits in ((NINES, False), (ZEROS + "5", True), ("-" + NINES, False)):
        token = base64.urlsafe_b64encode(number.encode()).decode().rstrip("=")
        assert gateway.call("GET", f"/v1/files?limit={number}").status == (200 if fits else 400)
        large = 400 if number.startswith("-") else 200
        assert gateway.call("GET", f"/v1beta/files?pageSize={number}").status == large
        assert gateway.call("GET", f"/v1beta/models?pageSize={number}").status == large
        assert gateway.call("GET", f"/v1beta/models?pageToken={token}").status == large
        offset = {"X-Goog-Upload-Command": "upload", "X-Goog-Upload-Offset": number}
        assert gateway.call("POST", session, b"x", offset).status == (409 if fits else 400)
        length = {**start, "X-Goog-Upload-Header-Content-Length": number}
        answer = gateway.call("POST", "/upload/v1beta/files", b"{}", length)
        assert answer.status == (200 if fits else 400), answer
        form = {"purpose": "user_data", "expires_after[anchor]": "created_at", "expires_after[seconds]": number}
        assert gateway.call(*form_request(form, b"x")).status == 400
        metadata = json.dumps({"file": {"sizeBytes": number}}).encode()
        answer = gateway.call("POST", "/upload/v1beta/files", metadata, start)
        assert answer.status == (200 if fits else 400 if number.startswith("-") else 413), answer
    assert gateway.call(*form_request({**form, "expires_after[seconds]": ZEROS + "3600"}, b"x")).status == 200


def test_a_page_token_is_a_position_from_the_start(gateway: Running) -> None:
    for number in ("-1", "1.5", "x", ""):
        token = base64.urlsafe_b64encode(number.encode()).decode().rstrip("=") or "="
        assert gateway.call("GET", f"/v1beta/models?pageToken={token}").status == 400
