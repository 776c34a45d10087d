"""/v1/uploads over the wire: the official client, parts in any order, completion, expiry, restarts, cuts."""

from __future__ import annotations

import hashlib
import json
import random  # noqa: TID251 - fixed seeds are the point
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import openai
import pytest

from aging import let_pass
from cut_line import Cut, Line, content_of, cuts_of
from gateways import ask, client_for, gateway_server, sandbox_server, settings_for
from liftgate.clock import SystemClock
from liftgate.settings import JobSettings
from openai_schema import check_answer
from raw_http import Answer
from running import MODEL, Running, eventually, running_gateway

MIB = 1024 * 1024
RED, BLUE = "sk-red-0123456789abcdef", "sk-blue-0123456789abcdef"
KEYS = f"{{keys: [{{name: red, key: {RED}}}, {{name: blue, key: {BLUE}}}]}}"


def create(gateway: Running, size: int, **changes: Any) -> dict[str, Any]:
    body = {"filename": "a.bin", "purpose": "user_data", "bytes": size, "mime_type": "text/plain", **changes}
    answer = gateway.post("/v1/uploads", body)
    assert answer.status == 200, answer.body
    check_answer("POST", "/uploads", 200, answer.json())
    made: dict[str, Any] = answer.json()
    return made


def part_request(content: bytes) -> tuple[bytes, dict[str, str]]:
    body = (
        b'--edge\r\nContent-Disposition: form-data; name="data"; filename="upload"\r\n'
        b"Content-Type: application/octet-stream\r\n\r\n" + content + b"\r\n--edge--\r\n"
    )
    return body, {"Content-Type": "multipart/form-data; boundary=edge"}


def send_part(gateway: Running, upload_id: str, content: bytes) -> str:
    body, headers = part_request(content)
    answer = gateway.call("POST", f"/v1/uploads/{upload_id}/parts", body, headers)
    assert answer.status == 200, answer.body
    check_answer("POST", "/uploads/{upload_id}/parts", 200, answer.json())
    assert (answer.json()["object"], answer.json()["upload_id"]) == ("upload.part", upload_id)
    part_id: str = answer.json()["id"]
    return part_id


def complete(gateway: Running, upload_id: str, part_ids: list[str], **more: Any) -> Answer:
    return gateway.post(f"/v1/uploads/{upload_id}/complete", {"part_ids": part_ids, **more})


def stored(gateway: Running) -> list[Path]:
    return [path for path in (gateway.data_dir / "blobs").rglob("blob-*")]


def test_upload_in_order_becomes_a_file(gateway: Running) -> None:
    content = content_of(3_000_001)
    upload = create(gateway, len(content), filename="notes.txt", purpose="assistants")
    assert (upload["object"], upload["status"], upload["file"]) == ("upload", "pending", None)
    assert upload["expires_at"] == upload["created_at"] + 3600
    parts = [send_part(gateway, upload["id"], content[at : at + MIB]) for at in range(0, len(content), MIB)]
    answer = complete(gateway, upload["id"], parts, md5=hashlib.md5(content).hexdigest().upper())
    check_answer("POST", "/uploads/{upload_id}/complete", 200, answer.json())
    done = answer.json()
    assert (done["status"], done["id"], done["bytes"]) == ("completed", upload["id"], len(content))
    file = done["file"]
    assert (file["filename"], file["bytes"], file["purpose"]) == ("notes.txt", len(content), "assistants")
    fetched = gateway.call("GET", f"/v1/files/{file['id']}/content")
    assert fetched.body == content
    assert fetched.headers["etag"] == f'"{hashlib.sha256(content).hexdigest()}"'
    middle = gateway.call("GET", f"/v1/files/{file['id']}/content", headers={"Range": "bytes=1048570-2097160"})
    assert (middle.status, middle.body) == (206, content[1048570:2097161])


def test_everything_that_is_made_is_dated(gateway: Running) -> None:
    """Seconds since the epoch (docs/protocol/openai.md, "Uploads"): by each answer, of each noun."""
    asked = SystemClock().now()
    upload = create(gateway, 6)
    body, headers = part_request(b"dated!")
    part = gateway.call("POST", f"/v1/uploads/{upload['id']}/parts", body, headers).json()
    done = complete(gateway, upload["id"], [part["id"]]).json()
    file = gateway.call("GET", f"/v1/files/{done['file']['id']}").json()
    chat = {"model": MODEL, "messages": [{"role": "user", "content": "Hi"}]}
    answer = gateway.post("/v1/chat/completions", chat).json()
    [listed] = gateway.call("GET", "/v1/files?limit=1").json()["data"]
    for made in (upload, part, done, done["file"], file, listed):
        assert asked - 2 <= made["created_at"] <= SystemClock().now() + 2, made
    assert asked - 2 <= answer["created"] <= SystemClock().now() + 2


def test_part_ids_say_the_order_and_parts_may_come_side_by_side(gateway: Running) -> None:
    pieces = [content_of(200_000 + n, seed=n) for n in range(12)]
    content = b"".join(pieces)
    upload = create(gateway, len(content))
    order = list(range(12))
    random.Random(3).shuffle(order)
    with ThreadPoolExecutor(4) as pool:
        found = dict(zip(order, pool.map(lambda n: send_part(gateway, upload["id"], pieces[n]), order), strict=True))
    done = complete(gateway, upload["id"], [found[n] for n in range(12)]).json()
    fetched = gateway.call("GET", f"/v1/files/{done['file']['id']}/content")
    assert fetched.body == content
    assert fetched.headers["etag"] == f'"{hashlib.sha256(content).hexdigest()}"'


def test_official_client_uploads_in_chunks(gateway: Running, tmp_path: Path) -> None:
    content = content_of(5 * MIB + 7)
    path = tmp_path / "film.txt"
    path.write_bytes(content)
    with gateway.client() as client:
        done = client.uploads.upload_file_chunked(
            file=path, mime_type="text/plain", purpose="assistants", part_size=MIB, md5=hashlib.md5(content).hexdigest()
        )
        assert done.status == "completed" and done.file is not None
        assert client.files.content(done.file.id).read() == content


def test_completing_again_gives_the_same_answer(gateway: Running) -> None:
    upload = create(gateway, 6)
    first, second = send_part(gateway, upload["id"], b"abc"), send_part(gateway, upload["id"], b"def")
    one = complete(gateway, upload["id"], [first, second])
    assert one.status == 200
    assert complete(gateway, upload["id"], [first, second]).json() == one.json()
    other = complete(gateway, upload["id"], [second, first])
    assert (other.status, other.error()["param"]) == (400, "part_ids")


def test_completing_side_by_side_makes_one_file(gateway: Running) -> None:
    content = content_of(4 * MIB, seed=77)
    upload = create(gateway, len(content))
    parts = [send_part(gateway, upload["id"], content[at : at + MIB]) for at in range(0, len(content), MIB)]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: complete(gateway, upload["id"], parts), range(6)))
    assert {answer.status for answer in answers} == {200}
    assert len({answer.json()["file"]["id"] for answer in answers}) == 1


def test_sum_of_parts_must_be_what_was_announced(gateway: Running) -> None:
    upload = create(gateway, 7)
    part = send_part(gateway, upload["id"], b"abcdef")
    error = complete(gateway, upload["id"], [part]).error()
    assert (error["param"], error["code"]) == ("part_ids", "size_mismatch")
    assert "6 bytes" in error["message"] and "7" in error["message"]
    rest = send_part(gateway, upload["id"], b"g")
    assert complete(gateway, upload["id"], [part, rest]).status == 200


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"part_ids": []}, "part_ids"),
        ({"part_ids": ["part_unknown"]}, "part_ids"),
        ({"part_ids": "part_x"}, "part_ids"),
        ({"part_ids": [1]}, "part_ids[0]"),
        ({}, "part_ids"),
        ({"part_ids": ["ours", "ours"]}, "part_ids"),
        ({"part_ids": ["ours"], "md5": "0" * 32}, "md5"),
        ({"part_ids": ["ours"], "md5": 5}, "md5"),
        ({"part_ids": ["ours"], "sha1": "x"}, "sha1"),
    ],
)
def test_completion_that_is_wrong_names_the_field(gateway: Running, more: dict[str, Any], param: str) -> None:
    upload = create(gateway, 3)
    part = send_part(gateway, upload["id"], b"abc")
    body = json.loads(json.dumps(more).replace("ours", part))
    answer = gateway.post(f"/v1/uploads/{upload['id']}/complete", body)
    assert (answer.status, answer.error()["param"]) == (400, param)
    assert complete(gateway, upload["id"], [part]).status == 200


@pytest.mark.parametrize(
    ("changes", "status", "param"),
    [
        ({"purpose": "fun"}, 400, "purpose"),
        ({"purpose": None}, 400, "purpose"),
        ({"bytes": 0}, 400, "bytes"),
        ({"bytes": "5"}, 400, "bytes"),
        ({"bytes": True}, 400, "bytes"),
        ({"bytes": 2**31 + 1}, 413, "bytes"),
        ({"bytes": -1}, 400, "bytes"),
        ({"mime_type": "junk"}, 400, "mime_type"),
        ({"mime_type": "a/b\r\nX: y"}, 400, "mime_type"),
        ({"mime_type": 1}, 400, "mime_type"),
        ({"filename": "a\x00b"}, 400, "filename"),
        ({"filename": "x" * 5000}, 400, "filename"),
        ({"colour": "red"}, 400, "colour"),
        ({"expires_after": {"anchor": "created_at"}}, 400, "expires_after.seconds"),
        ({"expires_after": {"anchor": "now", "seconds": 3600}}, 400, "expires_after.anchor"),
        ({"expires_after": {"anchor": "created_at", "seconds": 60}}, 400, "expires_after.seconds"),
        ({"expires_after": {"anchor": "created_at", "seconds": 3600, "x": 1}}, 400, "expires_after.x"),
        ({"expires_after": 3600}, 400, "expires_after"),
    ],
)
def test_creation_that_is_wrong_names_the_field(
    gateway: Running, changes: dict[str, Any], status: int, param: str
) -> None:
    body = {"filename": "a.bin", "purpose": "batch", "bytes": 5, "mime_type": "text/plain", **changes}
    answer = gateway.post("/v1/uploads", body)
    assert (answer.status, answer.error()["param"]) == (status, param)


def test_nulls_count_as_absent_and_whole_numbers_may_have_a_point(gateway: Running) -> None:
    life = {"anchor": "created_at", "seconds": 7200.0, "x": None}
    upload = create(gateway, 3, bytes=3.0, expires_after=life, x=None)
    done = complete(gateway, upload["id"], [send_part(gateway, upload["id"], b"xyz")], md5=None, x=None).json()
    assert done["file"]["expires_at"] == done["file"]["created_at"] + 7200


def test_expires_after_is_the_files(gateway: Running) -> None:
    upload = create(gateway, 3, expires_after={"anchor": "created_at", "seconds": 7200})
    done = complete(gateway, upload["id"], [send_part(gateway, upload["id"], b"xyz")]).json()
    assert done["file"]["expires_at"] == done["file"]["created_at"] + 7200


def test_type_is_found_where_the_client_gave_none_that_says_anything(gateway: Running) -> None:
    png = b"\x89PNG\r\n\x1a\n" + bytes(100)
    upload = create(gateway, len(png), filename="picture", mime_type="application/octet-stream")
    done = complete(gateway, upload["id"], [send_part(gateway, upload["id"], png)]).json()
    fetched = gateway.call("GET", f"/v1/files/{done['file']['id']}/content")
    assert fetched.headers["content-type"] == "image/png"


def test_empty_and_misnamed_parts_are_refused(gateway: Running) -> None:
    upload = create(gateway, 3)
    target = f"/v1/uploads/{upload['id']}/parts"
    body, headers = part_request(b"")
    assert gateway.call("POST", target, body, headers).error()["param"] == "data"
    body, headers = part_request(b"abc")
    assert gateway.call("POST", target, body.replace(b'"data"', b'"file"'), headers).error()["param"] == "file"
    assert gateway.call("POST", target, b"abc", {"Content-Type": "text/plain"}).status == 400
    assert gateway.call("POST", target, body[:-9], headers).status == 400


def test_part_over_64_mib_is_refused_before_it_is_read(gateway: Running) -> None:
    upload = create(gateway, 200 * MIB)
    headers = {"Content-Type": "multipart/form-data; boundary=edge", "Content-Length": str(70 * MIB)}
    answer = gateway.call("POST", f"/v1/uploads/{upload['id']}/parts", b"--edge", headers)
    assert (answer.status, answer.error()["param"]) == (413, "data")


def test_cancelled_upload_takes_nothing_and_keeps_nothing(make_gateway: Callable[..., Running]) -> None:
    gateway = make_gateway()
    upload = create(gateway, 6)
    part = send_part(gateway, upload["id"], b"abc")
    assert len(stored(gateway)) == 1
    answer = gateway.call("POST", f"/v1/uploads/{upload['id']}/cancel", b"")
    check_answer("POST", "/uploads/{upload_id}/cancel", 200, answer.json())
    assert (answer.json()["status"], answer.json()["file"]) == ("cancelled", None)
    assert gateway.call("POST", f"/v1/uploads/{upload['id']}/cancel").json() == answer.json()
    body, headers = part_request(b"def")
    late = gateway.call("POST", f"/v1/uploads/{upload['id']}/parts", body, headers)
    assert (late.status, late.error()["param"]) == (400, "upload_id")
    assert complete(gateway, upload["id"], [part]).status == 400
    assert eventually(lambda: gateway.litter() == [])


def test_completed_upload_cannot_be_cancelled(gateway: Running) -> None:
    upload = create(gateway, 3)
    assert complete(gateway, upload["id"], [send_part(gateway, upload["id"], b"abc")]).status == 200
    assert gateway.call("POST", f"/v1/uploads/{upload['id']}/cancel").status == 400


def test_unused_parts_are_removed_at_the_completion(make_gateway: Callable[..., Running]) -> None:
    gateway = make_gateway()
    upload = create(gateway, 3)
    wrong, right = send_part(gateway, upload["id"], b"xxx"), send_part(gateway, upload["id"], b"abc")
    assert wrong != right
    assert complete(gateway, upload["id"], [right]).status == 200
    assert eventually(lambda: [path.read_bytes() for path in stored(gateway)] == [b"abc"])


def test_same_bytes_as_a_file_share_its_blob(make_gateway: Callable[..., Running]) -> None:
    gateway = make_gateway()
    content = content_of(MIB)
    gateway.upload(content)
    upload = create(gateway, len(content))
    half = len(content) // 2
    parts = [send_part(gateway, upload["id"], content[:half]), send_part(gateway, upload["id"], content[half:])]
    done = complete(gateway, upload["id"], parts).json()
    assert eventually(lambda: len(stored(gateway)) == 1)
    assert gateway.call("GET", f"/v1/files/{done['file']['id']}/content").body == content


def test_foreign_and_unknown_uploads_are_alike(make_gateway: Callable[..., Running]) -> None:
    gateway = make_gateway(ours=KEYS)
    red, blue = {"Authorization": f"Bearer {RED}"}, {"Authorization": f"Bearer {BLUE}"}
    body = {"filename": "a", "purpose": "batch", "bytes": 3, "mime_type": "text/plain"}
    upload = gateway.post("/v1/uploads", body, red).json()
    part, headers = part_request(b"abc")
    for upload_id in (upload["id"], "upload_" + "a" * 24, "upload_%00"):
        path = f"/v1/uploads/{upload_id}"
        answers = [
            gateway.call("POST", f"{path}/parts", part, {**headers, **blue}),
            gateway.post(f"{path}/complete", {"part_ids": ["part_a"]}, blue),
            gateway.call("POST", f"{path}/cancel", b"", blue),
        ]
        assert [answer.status for answer in answers] == [404, 404, 404]
        shown = upload_id.replace("%00", "\x00")
        assert {answer.error()["message"] for answer in answers} == {f"No such Upload object: {shown}"}
    assert gateway.call("POST", f"/v1/uploads/{upload['id']}/parts", part, {**headers, **red}).status == 200
    assert gateway.call("POST", f"/v1/uploads/{upload['id']}/parts", part, headers).status == 401


def test_quota_refuses_an_upload_that_cannot_fit(make_gateway: Callable[..., Running]) -> None:
    gateway = make_gateway(ours="{owner_max_bytes: 1000}")
    gateway.upload(b"x" * 600)
    answer = gateway.post("/v1/uploads", {"filename": "a", "purpose": "batch", "bytes": 500, "mime_type": "text/plain"})
    assert (answer.status, answer.error()["code"]) == (413, "storage_quota_exceeded")


def test_parts_of_unfinished_uploads_count_for_the_quota(make_gateway: Callable[..., Running]) -> None:
    gateway = make_gateway(ours="{owner_max_bytes: 1000}")
    wanted = {"filename": "a", "purpose": "batch", "bytes": 400, "mime_type": "text/plain"}
    first, second, third = (gateway.post("/v1/uploads", wanted).json() for _ in range(3))
    kept = send_part(gateway, first["id"], b"x" * 400)
    send_part(gateway, second["id"], b"x" * 400)
    refused = gateway.post("/v1/uploads", wanted)
    assert (refused.status, refused.error()["code"], refused.error()["param"]) == (
        413,
        "storage_quota_exceeded",
        "bytes",
    )
    assert "800 of your 1000 bytes" in refused.error()["message"]
    # Begun while there was room: what comes is bounded all the same.
    body, headers = part_request(b"x" * 400)
    late = gateway.call("POST", f"/v1/uploads/{third['id']}/parts", body, headers)
    assert (late.status, late.error()["code"]) == (413, "storage_quota_exceeded")
    assert gateway.call("POST", f"/v1/uploads/{third['id']}/cancel").status == 200
    assert complete(gateway, first["id"], [kept]).status == 200


def test_parts_of_an_upload_are_bounded_by_its_bytes(make_gateway: Callable[..., Running]) -> None:
    gateway = make_gateway()
    upload = create(gateway, 1000)
    body, headers = part_request(b"x" * 1001)
    larger = gateway.call("POST", f"/v1/uploads/{upload['id']}/parts", body, headers)
    assert (larger.status, larger.error()["param"]) == (413, "data")
    assert stored(gateway) == []
    # Each was sent again, as if its answer had been lost.
    for _ in range(3):
        send_part(gateway, upload["id"], b"x" * 700)
    body, headers = part_request(b"x" * 700)
    more = gateway.call("POST", f"/v1/uploads/{upload['id']}/parts", body, headers)
    assert (more.status, more.error()["param"]) == (400, "data")


def test_parts_survive_a_restart(sandbox_url: str, tmp_path: Path) -> None:
    content = content_of(2 * MIB + 5)
    with running_gateway(sandbox_url, tmp_path) as before:
        upload = create(before, len(content))
        first = send_part(before, upload["id"], content[:MIB])
    with running_gateway(sandbox_url, tmp_path) as after:
        second = send_part(after, upload["id"], content[MIB:])
        done = complete(after, upload["id"], [first, second]).json()
        fetched = after.call("GET", f"/v1/files/{done['file']['id']}/content")
        assert fetched.body == content
        assert fetched.headers["etag"] == f'"{hashlib.sha256(content).hexdigest()}"'


def test_expired_upload_is_refused_and_swept(tmp_path: Path) -> None:
    with sandbox_server() as sandbox:
        settings = settings_for(sandbox, tmp_path, jobs=JobSettings(sweep_seconds=0.5))
        with gateway_server(settings) as url, client_for(url) as client:
            upload = client.uploads.create(filename="a", purpose="batch", bytes=6, mime_type="text/plain")
            part = client.uploads.parts.create(upload.id, data=b"abc")
        blobs = tmp_path / "blobs"
        assert [path.read_bytes() for path in blobs.rglob("blob-*")] == [b"abc"]
        # An hour for the upload, and before it a day in which nobody else swept the store.
        let_pass(f"sqlite://{tmp_path}/catalog.db", 86_400 + 3601)
        with gateway_server(settings) as url, client_for(url) as client:
            for call in (
                lambda: client.uploads.parts.create(upload.id, data=b"def"),
                lambda: client.uploads.complete(upload.id, part_ids=[part.id]),
                lambda: client.uploads.cancel(upload.id),
            ):
                with pytest.raises(openai.BadRequestError, match="is expired"):
                    call()
            assert eventually(lambda: list(blobs.rglob("blob-*")) == [])


def test_file_from_an_upload_is_used_in_a_chat(tmp_path: Path) -> None:
    with sandbox_server() as sandbox, gateway_server(settings_for(sandbox, tmp_path)) as url, client_for(url) as client:
        content = content_of(20 * MIB)
        done = client.uploads.upload_file_chunked(
            file=content,
            filename="a.txt",
            bytes=len(content),
            mime_type="text/plain",
            purpose="user_data",
            part_size=7 * MIB,
        )
        assert done.file is not None
        assert hashlib.sha256(content).hexdigest() in ask(client, done.file.id)


def interrupted(gateway: Running, size: int, cuts: int) -> None:
    """A client on a bad line: what was not acknowledged is sent again, nothing else is."""
    content = content_of(size, seed=size)
    upload = create(gateway, size)
    line = Line(gateway.base, cuts_of(size, cuts, seed=cuts), seed=cuts)
    step, parts = MIB // 4, []
    for at in range(0, size, step):
        body, headers = part_request(content[at : at + step])
        while True:
            try:
                answer = line.call(f"/v1/uploads/{upload['id']}/parts", body, headers)
                break
            except Cut:
                continue
        assert answer.status == 200, answer.body
        parts.append(answer.json()["id"])
    assert line.cuts_left == 0
    assert line.sent < 1.1 * size
    done = complete(gateway, upload["id"], parts).json()
    fetched = gateway.call("GET", f"/v1/files/{done['file']['id']}/content", headers={"Range": "bytes=0-0"})
    assert fetched.headers["etag"] == f'"{hashlib.sha256(content).hexdigest()}"'
    assert eventually(lambda: list((gateway.data_dir / "spool").glob("*")) == [])


def test_upload_goes_on_after_cuts(make_gateway: Callable[..., Running]) -> None:
    interrupted(make_gateway(), 24 * MIB, 6)


@pytest.mark.full
def test_upload_goes_on_after_fifty_cuts(make_gateway: Callable[..., Running]) -> None:
    interrupted(make_gateway(), 256 * MIB, 50)
