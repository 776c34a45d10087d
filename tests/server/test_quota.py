"""An owner's quota holds while bytes arrive, at every way in and side by side; and there is an end to what is begun."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from gateways import MODEL as GATES
from gateways import SandboxServer, gateway_server, settings_for
from liftgate.sandbox.app import create_app
from liftgate.settings import LimitSettings, StorageSettings
from raw_http import Answer, call, exchange, head
from running import MODEL, Running, running_gateway
from serving import serve

MIB = 1024 * 1024
QUOTA = 5 * MIB
SENT = 24 * MIB
OVER = 1 * MIB
"""What a socket may have handed over before the refusal; a piece is 64 MiB at most, and less where little is left."""
SETTINGS = "{owner_max_bytes: 5MiB, max_pending_uploads: 3, inline_limit: 1MiB, fetch_allowed_hosts: 127.0.0.1}"


class Pages(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "image/png")
        self.end_headers()
        try:
            for _ in range(SENT // MIB):
                self.wfile.write(b"x" * MIB)
        except OSError:
            return

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture(scope="module")
def pages() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/a.png"
    server.shutdown()
    server.server_close()


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Running]:
    with serve(create_app()) as sandbox, running_gateway(sandbox, tmp_path, ours=SETTINGS) as running:
        yield running


def kept(folder: Path) -> int:
    total = 0
    # The store's own marks are no bytes of an owner.
    for path in (*(folder / "spool").glob("*"), *(folder / "blobs").rglob("blob-*")):
        try:
            # Blocks, not length: a spool may be as long as its file will be.
            total += path.stat().st_blocks * 512 if path.is_file() else 0
        except FileNotFoundError:
            continue
    return total


@contextmanager
def most_kept(folder: Path) -> Iterator[list[int]]:
    """The most that was on the disk meanwhile."""
    most, ended = [0], threading.Event()

    def look() -> None:
        while not ended.is_set():
            most[0] = max(most[0], kept(folder))
            time.sleep(0.002)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield most
    finally:
        ended.set()
        thread.join()


def form(content: bytes, field: str = "file") -> bytes:
    start = b'--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nuser_data\r\n' if field == "file" else b""
    named = f'--b\r\nContent-Disposition: form-data; name="{field}"; filename="a.bin"\r\n\r\n'.encode()
    return start + named + content + b"\r\n--b--\r\n"


FORM = {"Content-Type": "multipart/form-data; boundary=b"}


def whole(gateway: Running, pages: str, content: bytes) -> Answer:
    return call(gateway.base, "POST", "/v1/files", form(content), FORM)


def whole_in_chunks(gateway: Running, pages: str, content: bytes) -> Answer:
    headers = {**FORM, "Transfer-Encoding": "chunked"}
    body = form(content)
    pieces = [body[at : at + MIB] for at in range(0, len(body), MIB)]
    return exchange(
        gateway.base,
        [head("POST", "/v1/files", headers), *(b"%x\r\n%b\r\n" % (len(each), each) for each in pieces), b"0\r\n\r\n"],
    )


def related(gateway: Running, pages: str, content: bytes) -> Answer:
    body = b"--b\r\nContent-Type: application/json\r\n\r\n{}\r\n--b\r\nContent-Type: image/png\r\n\r\n" + content
    headers = {"Content-Type": "multipart/related; boundary=b", "X-Goog-Upload-Protocol": "multipart"}
    return call(gateway.base, "POST", "/upload/v1beta/files", body + b"\r\n--b--\r\n", headers)


def started(gateway: Running, **more: str) -> str:
    headers = {"X-Goog-Upload-Protocol": "resumable", "X-Goog-Upload-Command": "start", **more}
    answer = call(gateway.base, "POST", "/upload/v1beta/files", b"{}", headers)
    assert answer.status == 200, answer.body
    return urlsplit(answer.headers["x-goog-upload-url"])._replace(scheme="", netloc="").geturl()


def session(gateway: Running, pages: str, content: bytes) -> Answer:
    headers = {"X-Goog-Upload-Command": "upload", "X-Goog-Upload-Offset": "0"}
    return call(gateway.base, "POST", started(gateway), content, headers)


def inline(gateway: Running, pages: str, content: bytes) -> Answer:
    url = "data:image/png;base64," + base64.b64encode(content).decode()
    return chat(gateway, url)


def fetched(gateway: Running, pages: str, content: bytes) -> Answer:
    return chat(gateway, pages)


def chat(gateway: Running, url: str) -> Answer:
    parts = [{"type": "image_url", "image_url": {"url": url}}]
    body = json.dumps({"model": MODEL, "messages": [{"role": "user", "content": parts}]}).encode()
    return call(gateway.base, "POST", "/v1/chat/completions", body, {"Content-Type": "application/json"})


WAYS: dict[str, Callable[[Running, str, bytes], Answer]] = {
    "a form": whole,
    "a form in chunks": whole_in_chunks,
    "a related body": related,
    "a session without a length": session,
    "inline media": inline,
    "a fetched URL": fetched,
}


@pytest.mark.parametrize("way", WAYS)
def test_no_more_is_stored_than_the_quota(gateway: Running, pages: str, way: str) -> None:
    with most_kept(gateway.data_dir) as most:
        answer = WAYS[way](gateway, pages, b"x" * SENT)
    assert answer.status == 413, answer.body
    assert b"5242880" in answer.body
    assert most[0] <= QUOTA + OVER
    assert kept(gateway.data_dir) == 0


@pytest.mark.parametrize("way", WAYS)
def test_side_by_side_they_share_the_quota(gateway: Running, pages: str, way: str) -> None:
    """Each alone would fit, all but the last byte."""
    many = 3
    with most_kept(gateway.data_dir) as most, ThreadPoolExecutor(many) as pool:
        contents = [bytes([number]) * (4 * MIB) for number in range(many)]
        answers = list(pool.map(lambda content: WAYS[way](gateway, pages, content), contents))
    assert sum(answer.status == 200 for answer in answers) <= 1
    assert {answer.status for answer in answers} <= {200, 413}, [answer.body for answer in answers]
    assert most[0] <= QUOTA + many * OVER


def test_parts_side_by_side_share_the_quota(gateway: Running) -> None:
    wanted = {"filename": "a.bin", "purpose": "user_data", "bytes": 4 * MIB, "mime_type": "image/png"}
    uploads = [gateway.post("/v1/uploads", wanted).json()["id"] for _ in range(3)]
    with most_kept(gateway.data_dir) as most, ThreadPoolExecutor(3) as pool:
        answers = list(
            pool.map(
                lambda upload: call(
                    gateway.base, "POST", f"/v1/uploads/{upload}/parts", form(b"x" * (4 * MIB), "data"), FORM
                ),
                uploads,
            )
        )
    assert sorted(answer.status for answer in answers)[1:] == [413, 413]
    assert answers[0].status in (200, 413)
    assert most[0] <= QUOTA + 3 * OVER


def test_a_part_that_is_sent_again_takes_no_more_of_the_quota(gateway: Running) -> None:
    wanted = {"filename": "a.bin", "purpose": "user_data", "bytes": 4 * MIB, "mime_type": "image/png"}
    upload = gateway.post("/v1/uploads", wanted).json()["id"]
    for _ in range(2):
        answer = call(gateway.base, "POST", f"/v1/uploads/{upload}/parts", form(b"x" * (4 * MIB), "data"), FORM)
        assert answer.status == 200, answer.body
    done = gateway.post(f"/v1/uploads/{upload}/complete", {"part_ids": [answer.json()["id"]]})
    assert done.json()["file"]["bytes"] == 4 * MIB


def test_what_fits_is_taken_to_the_last_byte(gateway: Running, pages: str) -> None:
    assert whole(gateway, pages, b"x" * (4 * MIB)).status == 200
    assert whole(gateway, pages, b"y" * (1 * MIB)).status == 200
    assert whole(gateway, pages, b"z").status == 413


# ── what is begun ──────────────────────────────────────────────────────────────────────────────────────────────────


def begin(gateway: Running) -> Answer:
    wanted = {"filename": "a.bin", "purpose": "user_data", "bytes": 1, "mime_type": "image/png"}
    return gateway.post("/v1/uploads", wanted)


def test_an_owner_has_an_end_of_what_it_begins(gateway: Running) -> None:
    begun = [begin(gateway).json()["id"], begin(gateway).json()["id"]]
    started(gateway)
    refused = begin(gateway)
    assert refused.status == 429
    assert "at most 3" in refused.error()["message"] and "max_pending_uploads" in refused.error()["message"]
    headers = {"X-Goog-Upload-Protocol": "resumable", "X-Goog-Upload-Command": "start"}
    native = call(gateway.base, "POST", "/upload/v1beta/files", b"{}", headers)
    assert (native.status, native.json()["error"]["status"]) == (429, "RESOURCE_EXHAUSTED")
    assert gateway.post(f"/v1/uploads/{begun[0]}/cancel", {}).status == 200
    assert begin(gateway).status == 200
    assert begin(gateway).status == 429


def test_what_came_to_nothing_is_not_remembered_without_end(gateway: Running) -> None:
    ids = []
    for _ in range(12):
        ids.append(begin(gateway).json()["id"])
        assert gateway.post(f"/v1/uploads/{ids[-1]}/cancel", {}).status == 200
    again = [gateway.post(f"/v1/uploads/{upload}/cancel", {}).status for upload in ids]
    assert again[-3:] == [200, 200, 200]
    assert again.count(404) >= 8


# ── what is stored without files ───────────────────────────────────────────────────────────────────────────────────


def test_stored_responses_and_conversations_stay_within_the_quota(tmp_path: Path, database_url: str) -> None:
    """Each alone, side by side, and what waits in the background."""
    big, half = "x" * (8 * MIB), "x" * (2 * MIB)
    storage = StorageSettings(data_dir=tmp_path, database_url=database_url)
    limits = LimitSettings(owner_max_bytes=QUOTA)
    with (
        serve(create_app()) as sandbox,
        gateway_server(settings_for(SandboxServer(sandbox), tmp_path, storage=storage, limits=limits)) as url,
    ):

        def ask(door: str, body: dict[str, object], key: str = "sk-ann") -> Answer:
            return call(url, "POST", door, json.dumps(body).encode(), {"Authorization": f"Bearer {key}"})

        def item(text: str) -> dict[str, object]:
            return {"items": [{"role": "user", "content": text}]}

        response: dict[str, object] = {"model": GATES, "input": big}
        made = ask("/v1/conversations", {}).json()["id"]
        for door, body in (
            ("/v1/responses", response),
            ("/v1/responses", {**response, "stream": True}),
            ("/v1/responses", {**response, "background": True}),
            ("/v1/conversations", item(big)),
            (f"/v1/conversations/{made}/items", item(big)),
        ):
            refused = ask(door, body)
            assert (refused.status, refused.error()["code"]) == (413, "storage_quota_exceeded"), (door, refused.body)
        assert ask("/v1/responses", {**response, "store": False}).status == 200
        for key, door, body in (
            ("sk-ann", "/v1/responses", {**response, "input": half}),
            ("sk-bob", "/v1/conversations", item(half)),
            ("sk-master", "/v1/responses", {**response, "input": half, "background": True}),
        ):
            with ThreadPoolExecutor(8) as pool:
                statuses = list(
                    pool.map(lambda _, key=key, door=door, body=body: ask(door, body, key).status, range(8))
                )
            assert set(statuses) == {200, 413} and statuses.count(200) * 2 * MIB <= QUOTA, (door, statuses)
