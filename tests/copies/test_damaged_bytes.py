"""Stored bytes that are missing or damaged: nobody gets others for whole, and Gemini gets them once at most.

What is right: before an answer's head is out, 500 in the dialect of the door, naming the File; behind it, the
connection is broken off before the last byte. Each harm at each door, in a directory and at S3, in one object and in
parts.
"""

from __future__ import annotations

import hashlib
import http.client
import itertools
import json
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import openai
import pytest

from damaged_store import HARMS, IN_A_DIRECTORY, DamagedStore, Where, damaged_store
from gateways import MODEL
from scene import audio, eventually

MIB = 1 << 20
SMALL = audio(100_000, seed=1)
LARGE = audio(9 * MIB + 5, seed=2)
"""More than a piece of an answer, a segment of S3 and a chunk of an upload."""

ANN = {"Authorization": "Bearer sk-ann"}
ANN_NATIVE = {"x-goog-api-key": "sk-ann"}
WORDS = "missing or damaged"


@pytest.fixture(scope="module", params=["local", "s3"])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DamagedStore]:
    where: Where = request.param
    # What was begun for a download that is broken off is logged as an error of the app: that is how it is broken off.
    with (
        pytest.MonkeyPatch.context() as environment,
        damaged_store(where, tmp_path_factory.mktemp("store"), environment, allow_errors=True) as made,
    ):
        yield made


@dataclass(frozen=True)
class Download:
    """`promised`: bytes by Content-Length; `body`: those that came."""

    status: int
    promised: int
    body: bytes

    @property
    def broken_off(self) -> bool:
        return len(self.body) < self.promised


def download(url: str, target: str, headers: dict[str, str], method: str = "GET") -> Download:
    parts = urlsplit(url)
    with closing(http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)) as connection:
        connection.request(method, target, headers=headers)
        answer = connection.getresponse()
        try:
            body = answer.read()
        except http.client.IncompleteRead as cut:
            body = cut.partial
        promised = 0 if method == "HEAD" else int(answer.headers["content-length"])
        return Download(answer.status, promised, body)


def doors(file_id: str) -> dict[str, tuple[str, dict[str, str]]]:
    native = f"/v1beta/files/{file_id.removeprefix('file-')}:download?alt=media"
    return {"openai": (f"/v1/files/{file_id}/content", ANN), "gemini": (native, ANN_NATIVE)}


def told(door: str, body: bytes, file_id: str) -> None:
    """A 500 in the dialect of the door, which names the File."""
    error = json.loads(body)["error"]
    assert WORDS in error["message"] and file_id in error["message"], error
    if door == "openai":
        assert (error["type"], set(error)) == ("server_error", {"message", "type", "param", "code"})
    else:
        assert (error["code"], error["status"]) == (500, "INTERNAL")


def stored(store: DamagedStore, data: bytes, form: str) -> tuple[str, str]:
    """The File's id, and the key of the last object that holds its bytes."""
    before = set(store.objects())
    client = store.of.client
    if form == "one object":
        file_id = store.of.create(data)
        [*_, key] = [key for key in store.objects() if key not in before]
        return file_id, key
    upload = client.uploads.create(bytes=len(data), filename="a.mp3", mime_type="audio/mpeg", purpose="user_data")
    half = len(data) // 2
    first = client.uploads.parts.create(upload.id, data=data[:half])
    before |= set(store.objects())
    last = client.uploads.parts.create(upload.id, data=data[half:])
    [*_, key] = [key for key in store.objects() if key not in before]
    done = client.uploads.complete(upload.id, part_ids=[first.id, last.id])
    assert done.file is not None
    return done.file.id, key


@pytest.mark.parametrize("form", ["one object", "parts"])
@pytest.mark.parametrize(
    ("data", "in_turn"),
    [(SMALL, False), (LARGE, True), pytest.param(LARGE, False, marks=pytest.mark.full)],
    ids=["small", "large", "large, each"],
)
def test_no_damage_is_ever_downloaded_for_whole(store: DamagedStore, data: bytes, form: str, in_turn: bool) -> None:
    """`in_turn`: of a file with a harm each door is asked one of the questions, not each."""
    data += f"{form}, {in_turn}".encode()
    turns = itertools.count()
    file_id, key = stored(store, data, form)
    good = store.read(key)
    for name, harm in {**HARMS, **(IN_A_DIRECTORY if store.where == "local" else {})}.items():
        harm(store, key)
        for door, (target, headers) in doors(file_id).items():
            questions: tuple[dict[str, str], ...] = ({}, {"Range": "bytes=0-"}, {"Range": f"bytes=-{len(data)}"})
            for asked in (questions[next(turns) % 3],) if in_turn else questions:
                got = download(store.of.url, target, {**headers, **asked})
                where = f"{name} at {door} with {asked}"
                if got.status == 500:
                    told(door, got.body, file_id)
                else:
                    assert got.status == (206 if asked else 200) and got.broken_off, where
                # What is one piece is compared before anything is sent.
                assert got.status == 500 or len(data) > 256 * 1024 or form == "parts", where
        store.write(key, good)
    assert store.of.content(file_id) == data, "what is put back is served again"


def test_what_is_not_there_has_a_status_for_every_method_and_range(store: DamagedStore) -> None:
    for harm in ("removed", "emptied", *(IN_A_DIRECTORY if store.where == "local" else ())):
        file_id, key = stored(store, LARGE + harm.encode(), "one object")
        segments = [f"{key.rpartition('/')[0]}/{number:05d}" for number in (0, 1)]
        for each in [key] if store.where == "local" else segments:
            {**HARMS, **IN_A_DIRECTORY}[harm](store, each)
        for door, (target, headers) in doors(file_id).items():
            for asked in ({}, {"Range": "bytes=0-0"}, {"Range": "bytes=9437183-"}, {"Range": "bytes=5-9000000"}):
                got = download(store.of.url, target, {**headers, **asked})
                assert (got.status, got.broken_off) == (500, False), (harm, door, asked)
                told(door, got.body, file_id)
            assert download(store.of.url, target, headers, "HEAD").status == 500


def test_a_missing_later_part_breaks_the_answer_off(store: DamagedStore) -> None:
    data = LARGE + b"in two parts"
    file_id, key = stored(store, data, "parts")
    store.remove(key)
    half = len(data) // 2
    for target, headers in doors(file_id).values():
        got = download(store.of.url, target, headers)
        assert (got.status, got.broken_off) == (200, True)
        assert data.startswith(got.body)
        # What needs only the part that is there is served; what needs none of it has a status.
        there = download(store.of.url, target, {**headers, "Range": f"bytes=0-{half - 1}"})
        assert (there.status, there.body) == (206, data[:half])
        assert download(store.of.url, target, {**headers, "Range": f"bytes={half}-"}).status == 500


def test_nothing_is_wrong_with_what_is_not(store: DamagedStore) -> None:
    for data, form in ((SMALL + b"1", "one object"), (LARGE + b"2", "one object"), (LARGE + b"3", "parts")):
        file_id, _ = stored(store, data, form)
        for target, headers in doors(file_id).values():
            assert download(store.of.url, target, headers).body == data
            assert download(store.of.url, target, {**headers, "Range": "bytes=0-"}).body == data
            assert download(store.of.url, target, headers, "HEAD").status == 200


def test_a_reader_who_leaves_ends_the_reading(store: DamagedStore) -> None:
    """Counted in what is read for a file of 128 MiB, of which the client takes the beginning: the rest of what a busy
    machine has sent before it hears of the end lies in buffers."""
    data = audio(MIB, seed=3) * 128
    file_id, key = stored(store, data, "one object")
    target, headers = doors(file_id)["openai"]
    before = bytes_read(store, key)
    parts = urlsplit(store.of.url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), 30) as connection:
        fields = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        connection.sendall(f"GET {target} HTTP/1.1\r\nHost: gateway\r\n{fields}\r\n".encode())
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")
    read = [before]

    def over() -> bool:
        time.sleep(0.2)
        read.append(bytes_read(store, key))
        return read[-1] - read[-2] < MIB

    assert eventually(over)
    assert 0 < read[-1] - before < len(data) // 2


def bytes_read(store: DamagedStore, key: str) -> int:
    """By this process from files, or from this blob at S3 in windows of 2 MiB: sweeps read there besides."""
    if store.s3 is not None:
        blob = f"{key.rpartition('/')[0]}/"
        return 2 * MIB * sum(method == "GET" and asked.startswith(blob) for method, asked in list(store.s3.requests))
    return int(Path("/proc/self/io").read_text().split()[1])


# ── Gemini ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def refused(store: DamagedStore, file_id: str) -> str:
    with pytest.raises(openai.InternalServerError) as caught:
        store.of.ask(file_id, b"")
    assert caught.value.status_code == 500
    message = str(caught.value.body["message"])  # type: ignore[index]
    assert WORDS in message and file_id in message and "Gemini" not in message.partition(":")[2], message
    return message


def each_harm() -> Iterator[Any]:
    """Each harm to each form, in one size and at one of the two stores in turn; in both and at both in the full run."""
    harms = ("one byte changed", "replaced by others of the same size", "truncated", "removed")
    for at, harm in enumerate(harms):
        for of_form, form in enumerate(("one object", "parts")):
            for of_size, size in enumerate(("small", "large")):
                for of_store, where in enumerate(("local", "s3")):
                    chosen = of_size == (at + of_form) % 2 and of_store == (at // 2 + of_form) % 2
                    yield pytest.param(where, size, form, harm, marks=[] if chosen else [pytest.mark.full])


@pytest.mark.parametrize(("store", "size", "form", "harm"), list(each_harm()), indirect=["store"])
def test_damaged_bytes_go_to_gemini_once_at_most(store: DamagedStore, size: str, form: str, harm: str) -> None:
    data = {"small": SMALL, "large": LARGE}[size] + f"{form}, {harm}".encode()
    file_id, key = stored(store, data, form)
    good = store.read(key)
    HARMS[harm](store, key)
    finalized = store.of.finalized
    refused(store, file_id)
    assert store.of.finalized <= finalized + 1
    started, finalized = store.of.operations("upload.start"), store.of.finalized
    for _ in range(2):
        refused(store, file_id)
        assert native(store, file_id) == 500
        assert streamed(store, file_id) == 500
    assert (store.of.operations("upload.start"), store.of.finalized) == (started, finalized)
    digest = hashlib.sha256(data).hexdigest()
    assert eventually(
        lambda: all(file["sha256"] == digest for file in store.of.at_gemini() if file["size"] == len(data))
    )
    store.write(key, good)
    store.of.ask(file_id, data)


def test_damaged_bytes_are_found_where_gemini_gives_no_hash(store: DamagedStore) -> None:
    data = b"no hash to compare " + store.where.encode()
    file_id, key = stored(store, data, "one object")
    good = store.read(key)
    HARMS["one byte changed"](store, key)
    store.of.order(kind="no_hash", times=None)
    try:
        refused(store, file_id)
        refused(store, file_id)
        store.write(key, good)
        store.of.ask(file_id, data)
    finally:
        store.of.clear_faults()


def native(store: DamagedStore, file_id: str) -> int:
    uri = f"https://generativelanguage.googleapis.com/v1beta/files/{file_id.removeprefix('file-')}"
    part = {"fileData": {"fileUri": uri, "mimeType": "audio/mpeg"}}
    body = json.dumps({"contents": [{"role": "user", "parts": [{"text": "?"}, part]}]}).encode()
    parts = urlsplit(store.of.url)
    with closing(http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)) as connection:
        connection.request("POST", f"/v1beta/models/{MODEL}:generateContent", body, ANN_NATIVE)
        answer = connection.getresponse()
        told("gemini", answer.read(), file_id)
        return answer.status


def streamed(store: DamagedStore, file_id: str) -> int:
    part = {"type": "file", "file": {"file_id": file_id}}
    with pytest.raises(openai.InternalServerError) as caught:
        store.of.client.chat.completions.create(
            model=MODEL,
            stream=True,
            messages=[{"role": "user", "content": [{"type": "text", "text": "?"}, part]}],  # type: ignore[list-item,misc]
        )
    return caught.value.status_code


def test_what_gemini_stored_wrongly_is_still_geminis_fault(store: DamagedStore) -> None:
    """Our own bytes are right: it is uploaded again, as often as it takes."""
    store.of.order(kind="wrong_hash", times=2)
    try:
        file_id = store.of.create(b"right here " + store.where.encode(), "a.txt")
        store.of.ask(file_id, b"right here " + store.where.encode())
    finally:
        store.of.clear_faults()
