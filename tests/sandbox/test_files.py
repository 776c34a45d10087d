"""Stored files at the sandbox: projects, expiry on the movable clock, quota, names, lists, downloads."""

import base64
import email.utils
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox_wire import Wire


def test_keys_of_one_project_see_the_same_files(sandbox: Wire) -> None:
    file = sandbox.upload(b"mine")
    assert sandbox.with_key("key-a2").call("GET", f"/v1beta/{file['name']}").json() == file
    assert sandbox.with_key("key-a2").call("GET", "/v1beta/files").json() == {"files": [file]}
    other = sandbox.with_key("key-b1")
    assert other.call("GET", f"/v1beta/{file['name']}").status == 403
    assert other.call("GET", "/v1beta/files").json() == {}
    assert other.call("DELETE", f"/v1beta/{file['name']}").status == 403
    assert sandbox.call("DELETE", f"/v1beta/{file['name']}").json() == {}


def test_no_key_is_403_and_a_bad_one_400(sandbox: Wire) -> None:
    answer = sandbox.call("GET", "/v1beta/files", keyed=False)
    assert answer.status == 403
    assert answer.message.startswith("Method doesn't allow unregistered callers")
    for key in ("", "invalid", "invalid-7"):
        bad = sandbox.with_key(key).call("GET", "/v1beta/files")
        assert (bad.status, bad.message) == (400, "API key not valid. Please pass a valid API key.")
    assert sandbox.call("GET", "/v1beta/files?key=key-a1", keyed=False).status == 200


def test_closed_keys_refuse_what_is_not_listed(make_sandbox: Callable[..., Wire]) -> None:
    wire = make_sandbox(open_keys=False)
    assert wire.call("GET", "/v1beta/files").status == 200
    assert wire.with_key("another").call("GET", "/v1beta/files").status == 400


def test_files_end_after_48_hours_on_the_clock(sandbox: Wire) -> None:
    file = sandbox.upload(b"x")
    sandbox.control("POST", "clock", advance=47.9 * 3600)
    assert sandbox.call("GET", f"/v1beta/{file['name']}").status == 200
    sandbox.control("POST", "clock", advance=0.1 * 3600)
    answer = sandbox.call("GET", f"/v1beta/{file['name']}")
    assert answer.status == 403
    assert sandbox.call("GET", "/v1beta/files").json() == {}


def test_expiration_is_48_hours_after_the_upload_in_nanoseconds(sandbox: Wire) -> None:
    sandbox.control("POST", "clock", set=1_787_150_054)
    file = sandbox.upload(b"x")
    assert file["createTime"].startswith("2026-08-19T14:34:1") and len(file["createTime"]) == 27
    assert file["expirationTime"].startswith("2026-08-21T14:34:1") and len(file["expirationTime"]) == 30


def test_date_of_answers_follows_the_clock(sandbox: Wire) -> None:
    before = sandbox.call("GET", "/v1beta/files").headers["date"]
    sandbox.control("POST", "clock", advance=86_400)
    after = sandbox.call("GET", "/v1beta/files").headers["date"]
    moved = email.utils.parsedate_to_datetime(after) - email.utils.parsedate_to_datetime(before)
    assert 86_400 <= moved.total_seconds() < 86_430


def test_bytes_leave_the_disk_with_their_file(make_sandbox: Callable[..., Wire], tmp_path: Path) -> None:
    wire = make_sandbox(keep_bytes=tmp_path)
    first = wire.upload(b"x" * 1000)
    wire.upload(b"y" * 1000)
    wire.send(wire.session(5), "cancel")
    assert sorted(path.read_bytes()[:1] for path in tmp_path.iterdir()) == [b"x", b"y"]
    wire.call("DELETE", f"/v1beta/{first['name']}")
    wire.control("POST", "clock", advance=48 * 3600)
    wire.call("GET", "/v1beta/files")
    assert list(tmp_path.iterdir()) == []


def test_quota_is_freed_by_a_delete(make_sandbox: Callable[..., Wire]) -> None:
    wire = make_sandbox(quota_bytes=100)
    file = wire.upload(b"x" * 60)
    full = wire.start(50)
    assert full.status == 429
    assert full.json()["error"]["details"][0]["violations"][0]["quotaMetric"].endswith("/file_storage_bytes")
    assert wire.with_key("key-b1").start(50).status == 200
    wire.call("DELETE", f"/v1beta/{file['name']}")
    assert wire.start(50).status == 200


def test_name_collision_comes_after_all_bytes(sandbox: Wire) -> None:
    sandbox.upload(b"x", file={"name": "files/taken"})
    url = sandbox.session(1, file={"name": "files/taken"})
    answer = sandbox.send(url, "upload, finalize", 0, b"y")
    assert (answer.status, answer.upload_status, answer.message) == (409, "final", "taken already exists.")


@pytest.mark.parametrize(("size", "expected"), [(None, 10), (4, 4), (100, 12), (1000, 12)])
def test_list_pages_have_the_size_that_google_gives(sandbox: Wire, size: int | None, expected: int) -> None:
    for index in range(12):
        sandbox.upload(b"%d" % index)
    query = "" if size is None else f"?pageSize={size}"
    page = sandbox.call("GET", f"/v1beta/files{query}").json()
    assert len(page["files"]) == expected
    assert ("nextPageToken" in page) == (expected < 12)


def test_list_goes_on_where_it_was_while_files_come_and_go(sandbox: Wire) -> None:
    names = [sandbox.upload(b"%d" % index)["name"] for index in range(6)]
    first = sandbox.call("GET", "/v1beta/files?pageSize=2").json()
    assert [file["name"] for file in first["files"]] == [names[5], names[4]]
    sandbox.call("DELETE", f"/v1beta/{names[4]}")
    sandbox.upload(b"new")
    second = sandbox.call("GET", f"/v1beta/files?pageSize=9&pageToken={first['nextPageToken']}").json()
    assert [file["name"] for file in second["files"]] == names[3::-1]
    assert sandbox.call("GET", "/v1beta/files?pageToken=rubbish").status == 400


def test_generated_files_are_downloaded_by_redirect(sandbox: Wire) -> None:
    content = base64.b64encode(b"123456789").decode()
    file = sandbox.control("POST", "files", key="key-a1", mimeType="video/mp4", data=content)
    assert file["downloadUri"].endswith(":download?alt=media")
    first = sandbox.call("GET", f"/v1beta/{file['name']}:download?alt=media")
    assert (first.status, first.json()["error"]["status"]) == (302, "UNKNOWN")
    final = sandbox.call("GET", first.headers["location"])
    assert (final.status, final.body) == (200, b"123456789")
    assert final.headers["content-type"] == "video/mp4"
    # The check value of CRC-32C for "123456789" is E3069283.
    assert final.headers["x-goog-hash"] == "crc32c=" + base64.b64encode(bytes.fromhex("e3069283")).decode()
    assert sandbox.with_key("key-b1").call("GET", first.headers["location"]).status == 403


def test_routes_that_need_more_than_a_key(sandbox: Wire) -> None:
    assert sandbox.call("POST", "/v1beta/files:register", {"uris": ["gs://b/o"]}).status == 401
    assert sandbox.call("GET", "/v1beta/nothing").status == 404
    assert sandbox.call("POST", "/v1beta/models/gemini-2.5-flash:fly", {}).status == 404


def test_browsers_may_read_the_upload_headers(sandbox: Wire) -> None:
    answer = sandbox.call("GET", "/v1beta/files", headers={"Origin": "https://app.example"})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "x-goog-upload-url" in answer.headers["access-control-expose-headers"]
