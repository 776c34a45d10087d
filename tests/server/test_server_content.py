"""`/v1/files/{id}/content`: ranges, conditions and names, as RFC 9110 and 6266 have them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from urllib.parse import unquote

import pytest

from liftgate.errors import RangeNotSatisfiable
from liftgate.server.handlers.content import disposition
from liftgate.server.ranges import wanted_range
from raw_http import connect, head
from running import Running

CONTENT = bytes(range(256)) * 4000
TAG = f'"{hashlib.sha256(CONTENT).hexdigest()}"'


@pytest.fixture(scope="module")
def path(gateway: Running) -> Iterator[str]:
    made = gateway.upload(CONTENT, name="bytes.bin")
    yield f"/v1/files/{made['id']}/content"


def test_the_whole_file_comes_with_what_caches_need(gateway: Running, path: str) -> None:
    answer = gateway.call("GET", path)
    assert (answer.status, answer.body) == (200, CONTENT)
    assert answer.headers["etag"] == TAG
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["content-length"] == str(len(CONTENT))
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"] == 'attachment; filename="bytes.bin"'


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-99", 0, 100),
        ("bytes=1000-", 1000, len(CONTENT)),
        ("bytes=-7", len(CONTENT) - 7, len(CONTENT)),
        ("bytes=300000-700000", 300000, 700001),
        ("bytes=5-99999999999", 5, len(CONTENT)),
        ("bytes=-99999999999", 0, len(CONTENT)),
        ("BYTES = 1 - 2", 1, 3),
    ],
)
def test_one_range_is_206_with_its_bytes(gateway: Running, path: str, asked: str, start: int, stop: int) -> None:
    answer = gateway.call("GET", path, headers={"Range": asked})
    assert (answer.status, answer.body) == (206, CONTENT[start:stop])
    assert answer.headers["content-range"] == f"bytes {start}-{stop - 1}/{len(CONTENT)}"
    assert answer.headers["content-length"] == str(stop - start)


@pytest.mark.parametrize("asked", ["bytes=0-1,4-5", "lines=1-2", "bytes=9-3", "bytes=-", "bytes=a-b", "bytes=", "²"])
def test_a_range_that_means_nothing_gives_the_whole(gateway: Running, path: str, asked: str) -> None:
    answer = gateway.call("GET", path, headers={"Range": asked})
    assert (answer.status, len(answer.body)) == (200, len(CONTENT))


def test_no_page_gets_it_as_code(gateway: Running, path: str) -> None:
    """A policy that lets a page load scripts of its own origin would let it load what anybody uploaded."""
    for asked_for in ("script", "style", "worker", "sharedworker", "serviceworker", "Script", "xslt", "audioworklet"):
        for method in ("GET", "HEAD"):
            answer = gateway.call(method, path, headers={"Sec-Fetch-Dest": asked_for})
            assert answer.status == 403, (method, asked_for)
    for asked_for in ("empty", "document", "image", "audio", "video"):
        assert gateway.call("GET", path, headers={"Sec-Fetch-Dest": asked_for}).status == 200


@pytest.mark.parametrize(
    "asked", [f"bytes={len(CONTENT)}-", f"bytes={len(CONTENT) + 5}-{len(CONTENT) + 6}", "bytes=-0"]
)
def test_a_range_outside_is_416_with_the_size(gateway: Running, path: str, asked: str) -> None:
    answer = gateway.call("GET", path, headers={"Range": asked})
    assert answer.status == 416
    assert answer.headers["content-range"] == f"bytes */{len(CONTENT)}"
    assert answer.error()["type"] == "invalid_request_error"


@pytest.mark.parametrize("asked", [TAG, "W/" + TAG, f'"other", {TAG}', "*"])
def test_what_the_client_has_is_304_without_a_body(gateway: Running, path: str, asked: str) -> None:
    for method in ("GET", "HEAD"):
        answer = gateway.call(method, path, headers={"If-None-Match": asked, "Range": "bytes=0-1"})
        assert (answer.status, answer.body, answer.headers["etag"]) == (304, b"", TAG)


def test_if_range_gives_the_range_only_of_the_same_bytes(gateway: Running, path: str) -> None:
    same = gateway.call("GET", path, headers={"Range": "bytes=0-9", "If-Range": TAG})
    assert (same.status, same.body) == (206, CONTENT[:10])
    for other in ('"other"', "W/" + TAG, "Wed, 21 Oct 2015 07:28:00 GMT"):
        assert gateway.call("GET", path, headers={"Range": "bytes=0-9", "If-Range": other}).status == 200


@pytest.mark.parametrize(
    ("required", "status"),
    [
        *((TAG, 200), ("*", 200), (f'"other", {TAG}', 200), (f'"a,b" , {TAG}', 200), ("", 200)),
        *(('"other"', 412), ("W/" + TAG, 412), (TAG.strip('"'), 412), (f'"a{TAG[1:]}', 412), (f'"{TAG[1:-1]},"', 412)),
    ],
)
def test_if_match_is_held(gateway: Running, path: str, required: str, status: int) -> None:
    """A strong comparison: a weak tag is never the same (RFC 9110, 13.1.1)."""
    native = f"/v1beta/files/{path.split('/')[3].removeprefix('file-')}:download?alt=media"
    for method in ("GET", "HEAD"):
        for target in (path, native):
            answer = gateway.call(method, target, headers={"If-Match": required})
            assert answer.status == status
            if status == 412 and method == "GET":
                assert TAG in answer.json()["error"]["message"]


@pytest.mark.parametrize("native", [False, True])
def test_a_deletion_has_conditions_too(gateway: Running, native: bool) -> None:
    file_id = gateway.upload(CONTENT)["id"]
    target = f"/v1beta/files/{file_id.removeprefix('file-')}" if native else f"/v1/files/{file_id}"
    for header, value in (
        *(("If-Match", '"other"'), ("If-Match", "W/" + TAG), ("If-Match", TAG.strip('"'))),
        *(("If-None-Match", TAG), ("If-None-Match", "*"), ("If-None-Match", f'"other", W/{TAG}')),
    ):
        answer = gateway.call("DELETE", target, headers={header: value})
        assert answer.status == 412 and header in answer.json()["error"]["message"], (header, value)
    assert gateway.call("GET", target).status == 200
    assert gateway.call("DELETE", target, headers={"If-Match": TAG, "If-None-Match": '"other"'}).status == 200
    gone = gateway.call("DELETE", target, headers={"If-Match": TAG})
    assert gone.status == (403 if native else 404)


def test_conditions_are_judged_in_their_order(gateway: Running, path: str) -> None:
    """If-Match before If-None-Match before the range (RFC 9110, 13.2.2); dates of a change there are none."""
    for headers, status in (
        ({"If-Match": '"other"', "If-None-Match": TAG, "Range": "bytes=0-1"}, 412),
        ({"If-Match": TAG, "If-None-Match": TAG, "Range": "bytes=0-1"}, 304),
        ({"If-Match": TAG, "If-None-Match": '"other"', "Range": "bytes=0-1"}, 206),
        ({"If-Match": '"other"', "Range": "bytes=999999999-"}, 412),
        ({"If-Unmodified-Since": "Wed, 21 Oct 2015 07:28:00 GMT"}, 200),
        ({"If-Modified-Since": "Fri, 21 Oct 2033 07:28:00 GMT"}, 200),
    ):
        assert gateway.call("GET", path, headers=headers).status == status


def test_a_head_ignores_ranges_as_the_rfc_says(gateway: Running, path: str) -> None:
    answer = gateway.call("HEAD", path, headers={"Range": "bytes=0-9"})
    assert (answer.status, answer.headers["content-length"]) == (200, str(len(CONTENT)))


def test_a_reader_that_leaves_halfway_harms_nobody(gateway: Running, path: str) -> None:
    with connect(gateway.base) as connection:
        connection.sendall(head("GET", path))
        assert connection.recv(1000)
    assert gateway.call("GET", path).body == CONTENT


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("plain.txt", "plain.txt"),
        ("with space.txt", "with space.txt"),
        ('quo"te\\.txt', "quo_te_.txt"),
        ("täst 報告.pdf", "t_st __.pdf"),
        ("100%.txt", "100_.txt"),
        ("semi;colon", "semi_colon"),
    ],
)
def test_a_name_survives_the_header_whatever_it_is(name: str, plain: str) -> None:
    value = disposition(name)
    assert value.isascii() and "\n" not in value
    assert value.startswith(f'attachment; filename="{plain}"')
    if name != plain:
        assert unquote(value.split("filename*=UTF-8''")[1]) == name


def test_ranges_agree_with_the_rfcs_examples() -> None:
    """RFC 9110, 14.1.2: a representation of 10,000 bytes."""
    assert wanted_range("bytes=0-499", 10000) == (0, 500)
    assert wanted_range("bytes=500-999", 10000) == (500, 1000)
    assert wanted_range("bytes=-500", 10000) == (9500, 10000)
    assert wanted_range("bytes=9500-", 10000) == (9500, 10000)
    assert wanted_range("bytes=0-0,-1", 10000) is None
    with pytest.raises(RangeNotSatisfiable):
        wanted_range("bytes=10000-", 10000)
