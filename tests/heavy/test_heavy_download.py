"""Downloads by both doors: what Range, conditions and HEAD do (RFC 9110, 13 and 14), and memory while 2 GiB leave."""

from __future__ import annotations

import asyncio
import hashlib
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest

from heavy_rig import GIB, MIB, Generated, Rig, eventually, needs_space, rig
from heavy_wire import ANN, ANN_NATIVE, Outcome, exchange, google_error, openai_error, request

SIZE = MIB + MIB // 4 + 17
CONTENT = Generated(SIZE, 5).read()
TAG = f'"{hashlib.sha256(CONTENT).hexdigest()}"'
WHOLE = (0, SIZE)


@dataclass(frozen=True)
class Behaviour:
    """`sent` headers, and what is right: the status, and which bytes come ([start, stop); None: none)."""

    sent: Mapping[str, str]
    status: int
    bytes: tuple[int, int] | None = None


TABLE = {
    "nothing asked": Behaviour({}, 200, WHOLE),
    "the first byte": Behaviour({"Range": "bytes=0-0"}, 206, (0, 1)),
    "the last byte": Behaviour({"Range": f"bytes={SIZE - 1}-"}, 206, (SIZE - 1, SIZE)),
    "the last 100": Behaviour({"Range": "bytes=-100"}, 206, (SIZE - 100, SIZE)),
    "more than all from the end": Behaviour({"Range": f"bytes=-{SIZE + 1}"}, 206, WHOLE),
    "all by a range": Behaviour({"Range": f"bytes=0-{SIZE - 1}"}, 206, WHOLE),
    "beyond the end": Behaviour({"Range": f"bytes=5-{10 * SIZE}"}, 206, (5, SIZE)),
    "over a piece's border": Behaviour({"Range": f"bytes={MIB - 3}-{MIB + 2}"}, 206, (MIB - 3, MIB + 3)),
    "from the end on": Behaviour({"Range": f"bytes={SIZE}-"}, 416),
    "the last none": Behaviour({"Range": "bytes=-0"}, 416),
    "far outside": Behaviour({"Range": f"bytes={2**70}-"}, 416),
    # Several ranges may be answered with the whole; what is no range of bytes must be.
    "two ranges": Behaviour({"Range": "bytes=0-1,5-9"}, 200, WHOLE),
    "a thousand ranges": Behaviour({"Range": "bytes=" + ",".join(f"{n}-{n}" for n in range(1000))}, 200, WHOLE),
    "the wrong way round": Behaviour({"Range": "bytes=9-5"}, 200, WHOLE),
    "another unit": Behaviour({"Range": "pages=1-2"}, 200, WHOLE),
    "no numbers": Behaviour({"Range": "bytes=a-b"}, 200, WHOLE),
    "an empty range": Behaviour({"Range": "bytes="}, 200, WHOLE),
    "If-None-Match of these bytes": Behaviour({"If-None-Match": TAG}, 304),
    "If-None-Match, weak": Behaviour({"If-None-Match": "W/" + TAG}, 304),
    "If-None-Match among others": Behaviour({"If-None-Match": f'"a", {TAG}, "b"'}, 304),
    "If-None-Match of any": Behaviour({"If-None-Match": "*"}, 304),
    "If-None-Match of others": Behaviour({"If-None-Match": '"a", "b"'}, 200, WHOLE),
    "If-None-Match before a range": Behaviour({"If-None-Match": TAG, "Range": "bytes=0-0"}, 304),
    "If-None-Match of others, with a range": Behaviour({"If-None-Match": '"a"', "Range": "bytes=1-2"}, 206, (1, 3)),
    "If-Range of these bytes": Behaviour({"If-Range": TAG, "Range": "bytes=1-2"}, 206, (1, 3)),
    "If-Range, weak": Behaviour({"If-Range": "W/" + TAG, "Range": "bytes=1-2"}, 200, WHOLE),
    "If-Range of others": Behaviour({"If-Range": '"a"', "Range": "bytes=1-2"}, 200, WHOLE),
    "If-Range of a date": Behaviour({"If-Range": "Wed, 21 Oct 2015 07:28:00 GMT", "Range": "bytes=1-2"}, 200, WHOLE),
    "If-Range of others, outside": Behaviour({"If-Range": '"a"', "Range": f"bytes={SIZE}-"}, 200, WHOLE),
}


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with rig(tmp_path_factory.mktemp("download")) as running:
        yield running


@pytest.fixture(scope="module", params=["one object", "parts"])
def file_id(machine: Rig, request: pytest.FixtureRequest) -> str:
    """Stored as one object, or as a manifest of parts whose borders the ranges cross."""
    with machine.openai() as client:
        if request.param == "one object":
            return client.files.create(file=("a.mp4", CONTENT, "video/mp4"), purpose="user_data").id
        upload = client.uploads.create(filename="a.mp4", purpose="user_data", bytes=SIZE, mime_type="video/mp4")
        pieces = [CONTENT[:MIB], CONTENT[MIB : MIB + 1], CONTENT[MIB + 1 :]]
        parts = [client.uploads.parts.create(upload.id, data=piece).id for piece in pieces]
        done = client.uploads.complete(upload.id, part_ids=parts)
        assert done.file is not None
        return done.file.id


@pytest.mark.parametrize("name", TABLE)
def test_content_answers_as_the_table_says(machine: Rig, file_id: str, name: str) -> None:
    wanted = TABLE[name]
    native = f"/v1beta/files/{file_id.removeprefix('file-')}:download?alt=media"
    for target, key in ((f"/v1/files/{file_id}/content", ANN), (native, ANN_NATIVE)):
        raw = request("GET", target, {**key, **wanted.sent}, length=None)
        outcome = asyncio.run(exchange(machine.url, [raw], method="GET"))
        check(outcome, wanted)
        if wanted.status == 416:
            assert (google_error if key is ANN_NATIVE else openai_error)(outcome) is None


def check(outcome: Outcome, wanted: Behaviour) -> None:
    assert outcome.status == wanted.status, outcome.body[:200]
    headers = outcome.headers
    if wanted.status == 416:
        assert headers["content-range"] == f"bytes */{SIZE}"
        return
    assert headers["etag"] == TAG
    if wanted.bytes is None:
        assert outcome.body == b""
        return
    start, stop = wanted.bytes
    assert outcome.body == CONTENT[start:stop]
    assert (headers["content-type"], headers["accept-ranges"]) == ("video/mp4", "bytes")
    expected = f"bytes {start}-{stop - 1}/{SIZE}" if wanted.status == 206 else None
    assert headers.get("content-range") == expected


@pytest.mark.parametrize("name", TABLE)
def test_head_says_what_a_get_would_without_its_bytes(machine: Rig, file_id: str, name: str) -> None:
    """A Range means something for GET alone (RFC 9110, 14.2)."""
    wanted = TABLE[name]
    raw = request("HEAD", f"/v1/files/{file_id}/content", {**ANN, **wanted.sent}, length=None)
    outcome = asyncio.run(exchange(machine.url, [raw], method="HEAD"))
    assert outcome.status == (304 if wanted.status == 304 else 200)
    assert outcome.headers["etag"] == TAG
    if outcome.status == 200:
        assert outcome.headers["content-length"] == str(SIZE)


@pytest.mark.parametrize("size", [48 * MIB, pytest.param(2 * GIB, marks=pytest.mark.full)], ids=["reduced", "2 GiB"])
def test_download_leaves_memory_flat(machine: Rig, size: int) -> None:
    needs_space(machine.data_dir, 2 * size)
    content = Generated(size, size)
    with machine.openai() as client:
        made = client.files.create(file=("a.mp4", content.as_file(), "video/mp4"), purpose="user_data").id
        before = machine.reset_peak()
        assert drained(machine, made) == content.sha256()
        quick = machine.figures()
        assert quick.peak - before.resident < 32 * MIB
        # Readers that take little and go away leave nothing behind.
        open_before = len(machine.descriptors())
        for _ in range(20):
            drained(machine, made, at_most=3 * MIB)
        assert eventually(lambda: len(machine.descriptors()) <= open_before)
        assert eventually(lambda: machine.figures().resident - before.resident < 32 * MIB)
        client.files.delete(made)
    print(f"download of {size // MIB} MiB: peak +{(quick.peak - before.resident) / MIB:.1f} MiB")


def drained(machine: Rig, file_id: str, at_most: int | None = None) -> str:
    """The SHA-256 of the body; with `at_most` the reader goes away behind so many bytes."""
    parts = urlsplit(machine.url)
    digest = hashlib.sha256()
    with socket.create_connection((parts.hostname or "", parts.port or 0), 60) as connection:
        connection.sendall(request("GET", f"/v1/files/{file_id}/content", {**ANN, "Connection": "close"}, length=None))
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(65536)
        body = head.split(b"\r\n\r\n", 1)[1]
        digest.update(body)
        received = len(body)
        while (at_most is None or received < at_most) and (piece := connection.recv(MIB)):
            digest.update(piece)
            received += len(piece)
    return digest.hexdigest()
