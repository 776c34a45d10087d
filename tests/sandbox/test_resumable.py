"""The resumable upload protocol at the sandbox, verb by verb (docs/protocol/gemini.md, "Resumable upload")."""

import hashlib
import time

import pytest

from sandbox_wire import GRANULARITY, Wire, reset

CHUNK = b"c" * GRANULARITY


def test_start_names_session_and_granularity(sandbox: Wire) -> None:
    answer = sandbox.start(10)
    assert (answer.status, answer.body, answer.upload_status) == (200, b"", "active")
    headers = answer.headers
    assert headers["x-goog-upload-url"].startswith(f"{sandbox.base}/upload/v1beta/files?upload_id=")
    assert headers["x-goog-upload-control-url"] == headers["x-goog-upload-url"]
    assert headers["x-goog-upload-chunk-granularity"] == "8388608"
    assert len(headers["x-guploader-uploadid"]) == 110
    assert headers["server"] == "UploadServer"


def test_start_with_key_in_the_query_puts_it_into_the_url(sandbox: Wire) -> None:
    headers = {"X-Goog-Upload-Protocol": "resumable", "X-Goog-Upload-Command": "start"}
    answer = sandbox.call("POST", "/upload/v1beta/files?key=key-a1", {}, headers, keyed=False)
    assert answer.status == 200
    assert answer.headers["x-goog-upload-url"].endswith("&key=key-a1")


@pytest.mark.parametrize("version", ["v1", "v1beta", "v1alpha"])
def test_every_version_has_the_upload(sandbox: Wire, version: str) -> None:
    headers = {"X-Goog-Upload-Protocol": "resumable", "X-Goog-Upload-Command": "start"}
    answer = sandbox.call("POST", f"/upload/{version}/files", {}, headers)
    assert f"/upload/{version}/files?upload_id=" in answer.headers["x-goog-upload-url"]
    final = sandbox.send(answer.headers["x-goog-upload-url"], "upload, finalize", 0, b"x")
    name = final.json()["file"]["name"]
    assert final.json()["file"]["uri"] == f"https://generativelanguage.googleapis.com/v1beta/{name}"
    assert sandbox.call("GET", f"/{version}/{name}").status == 200


def test_single_quoted_metadata_is_read(sandbox: Wire) -> None:
    headers = {"X-Goog-Upload-Protocol": "resumable", "X-Goog-Upload-Command": "start"}
    body = b"{'file': {'display_name': 'it\\'s \"mine\"'}}"
    url = sandbox.call("POST", "/upload/v1beta/files", body, headers).headers["x-goog-upload-url"]
    assert sandbox.send(url, "upload, finalize", 0, b"x").json()["file"]["displayName"] == 'it\'s "mine"'


def test_chunks_then_finalize(sandbox: Wire) -> None:
    content = CHUNK * 2 + b"tail"
    url = sandbox.session(len(content), "application/pdf")
    first = sandbox.send(url, "upload", 0, CHUNK)
    assert (first.status, first.upload_status, first.body) == (200, "active", b"")
    assert sandbox.send(url, "upload", GRANULARITY, CHUNK).upload_status == "active"
    final = sandbox.send(url, "upload, finalize", 2 * GRANULARITY, b"tail")
    assert (final.status, final.upload_status) == (200, "final")
    file = final.json()["file"]
    assert (file["sizeBytes"], file["mimeType"], file["state"]) == (str(len(content)), "application/pdf", "ACTIVE")
    listed = sandbox.control("GET", "files")["files"]
    assert [item["sha256"] for item in listed] == [hashlib.sha256(content).hexdigest()]


def test_bare_finalize_ends_an_upload(sandbox: Wire) -> None:
    url = sandbox.session(GRANULARITY)
    sandbox.send(url, "upload", 0, CHUNK)
    final = sandbox.send(url, "finalize", GRANULARITY)
    assert (final.status, final.upload_status) == (200, "final")
    assert final.json()["file"]["sizeBytes"] == str(GRANULARITY)


def test_finalize_short_of_the_announced_size_is_fatal(sandbox: Wire) -> None:
    url = sandbox.session(GRANULARITY + 1)
    sandbox.send(url, "upload", 0, CHUNK)
    answer = sandbox.send(url, "finalize", GRANULARITY)
    assert (answer.status, answer.upload_status) == (400, "final")
    assert sandbox.send(url, "query").body == b"Upload has already been terminated."


def test_more_bytes_than_announced_is_fatal(sandbox: Wire) -> None:
    url = sandbox.session(3)
    answer = sandbox.send(url, "upload, finalize", 0, b"four")
    assert (answer.status, answer.upload_status) == (400, "final")
    assert sandbox.control("GET", "files") == {"files": []}


def test_query_tells_what_was_received(sandbox: Wire) -> None:
    url = sandbox.session(GRANULARITY + 5)
    assert sandbox.send(url, "query").headers["x-goog-upload-size-received"] == "0"
    sandbox.send(url, "upload", 0, CHUNK)
    answer = sandbox.send(url, "query")
    assert (answer.status, answer.upload_status) == (200, "active")
    assert answer.headers["x-goog-upload-size-received"] == str(GRANULARITY)
    final = sandbox.send(url, "upload, finalize", GRANULARITY, b"12345")
    again = sandbox.send(url, "query")
    assert (again.status, again.upload_status, again.body) == (200, "final", final.body)


def test_a_second_finalize_returns_the_same_file(sandbox: Wire) -> None:
    url = sandbox.session(3)
    first = sandbox.send(url, "upload, finalize", 0, b"abc")
    again = sandbox.send(url, "upload, finalize", 0, b"abc")
    assert (again.status, again.body) == (200, first.body)
    assert sandbox.control("GET", "stats")["finalized"] == 1


def test_a_chunk_sent_twice_is_kept_once(sandbox: Wire) -> None:
    url = sandbox.session(GRANULARITY * 2)
    sandbox.send(url, "upload", 0, CHUNK)
    assert sandbox.send(url, "upload", 0, CHUNK).upload_status == "active"
    assert sandbox.send(url, "query").headers["x-goog-upload-size-received"] == str(GRANULARITY)
    last = b"d" * GRANULARITY
    sandbox.send(url, "upload, finalize", GRANULARITY, last)
    assert sandbox.control("GET", "files")["files"][0]["sha256"] == hashlib.sha256(CHUNK + last).hexdigest()


def test_a_gap_is_a_wrong_offset(sandbox: Wire) -> None:
    url = sandbox.session(GRANULARITY * 2)
    answer = sandbox.send(url, "upload", 5, CHUNK)
    assert (answer.status, answer.upload_status) == (409, "active")
    assert answer.body == b"Invalid offset: expected 0, got 5"


def test_a_misaligned_chunk_is_refused(sandbox: Wire) -> None:
    url = sandbox.session(GRANULARITY * 2)
    answer = sandbox.send(url, "upload", 0, b"12345")
    assert answer.status == 400
    assert answer.body == b"Chunk size 5 is not a multiple of granularity 8388608"
    assert sandbox.send(url, "query").headers["x-goog-upload-size-received"] == "0"


def test_cancel_ends_the_session(sandbox: Wire) -> None:
    url = sandbox.session(GRANULARITY)
    answer = sandbox.send(url, "cancel")
    assert (answer.status, answer.upload_status) == (200, "cancelled")
    for command in ("query", "upload, finalize"):
        late = sandbox.send(url, command, 0)
        assert (late.status, late.upload_status) == (410, "cancelled")
    assert sandbox.control("GET", "sessions") == {"sessions": []}


def test_cancel_after_the_end_is_refused(sandbox: Wire) -> None:
    url = sandbox.session(1)
    sandbox.send(url, "upload, finalize", 0, b"x")
    answer = sandbox.send(url, "cancel")
    assert (answer.status, answer.headers["content-type"]) == (400, "text/plain; charset=utf-8")


def test_unknown_session_and_unknown_command(sandbox: Wire) -> None:
    answer = sandbox.send("/upload/v1beta/files?upload_id=none", "query")
    assert (answer.status, answer.body, answer.upload_status) == (404, b"Invalid or missing session ID", "")
    assert sandbox.send(sandbox.session(1), "jump").status == 400


@pytest.mark.parametrize("name", ["files/Bad_Name", "files/-a", "files/" + "a" * 41, "abc"])
def test_bad_names_are_refused_at_the_start(sandbox: Wire, name: str) -> None:
    answer = sandbox.start(1, file={"name": name})
    assert (answer.status, answer.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")


def test_limits_are_checked_at_the_start(sandbox: Wire) -> None:
    assert sandbox.start(2**31).status == 200
    assert sandbox.start(2**31 + 1).status == 400
    assert sandbox.start(1, file={"displayName": "x" * 513}).status == 400
    assert sandbox.start(1, file={"surprise": 1}).status == 400


def test_a_cut_chunk_leaves_what_arrived(sandbox: Wire) -> None:
    url = sandbox.session(GRANULARITY)
    headers = {
        "X-Goog-Upload-Command": "upload, finalize",
        "X-Goog-Upload-Offset": "0",
        "Content-Length": str(GRANULARITY),
    }
    sock = sandbox.raw("POST", url, headers, b"c" * 300_000)
    deadline = time.monotonic() + 10
    while sandbox.control("GET", "sessions")["sessions"][0]["received"] < 300_000:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    reset(sock)
    assert sandbox.send(url, "query").headers["x-goog-upload-size-received"] == "300000"
    final = sandbox.send(url, "upload, finalize", 300_000, CHUNK[300_000:])
    assert final.status == 200
    assert sandbox.control("GET", "files")["files"][0]["sha256"] == hashlib.sha256(CHUNK).hexdigest()


def test_a_later_request_fences_an_earlier_writer_off(sandbox: Wire) -> None:
    """After the query has told an offset, a writer that hung must not add bytes."""
    url = sandbox.session(GRANULARITY)
    headers = {
        "X-Goog-Upload-Command": "upload, finalize",
        "X-Goog-Upload-Offset": "0",
        "Content-Length": str(GRANULARITY),
    }
    sock = sandbox.raw("POST", url, headers, b"c" * 100_000)
    deadline = time.monotonic() + 10
    while sandbox.control("GET", "sessions")["sessions"][0]["received"] < 100_000:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert sandbox.send(url, "query").headers["x-goog-upload-size-received"] == "100000"
    sock.sendall(b"c" * 100_000)
    with pytest.raises(ConnectionResetError):
        while sock.recv(100):
            pass
    sock.close()
    assert sandbox.send(url, "query").headers["x-goog-upload-size-received"] == "100000"


@pytest.mark.parametrize("size", [0, 5, 300_000, 3_000_000])
def test_multipart_upload_makes_the_same_file(sandbox: Wire, size: int) -> None:
    content = bytes(range(256)) * (size // 256) + b"--BOUND"[: size % 256]
    body = (
        b'--BOUNDARY\r\nContent-Type: application/json; charset=utf-8\r\n\r\n{"file":{"mimeType":"image/png",'
        b'"displayName":"x","name":"files/abc"}}\r\n--BOUNDARY\r\nContent-Type: image/png\r\n\r\n'
        + content
        + b"\r\n--BOUNDARY--"
    )
    headers = {"X-Goog-Upload-Protocol": "multipart", "Content-Type": "multipart/related; boundary=BOUNDARY"}
    answer = sandbox.call("POST", "/upload/v1beta/files", body, headers)
    assert (answer.status, answer.upload_status) == (200, "final")
    file = answer.json()["file"]
    assert (file["name"], file["mimeType"], file["sizeBytes"]) == ("files/abc", "image/png", str(len(content)))
    assert sandbox.control("GET", "files")["files"][0]["sha256"] == hashlib.sha256(content).hexdigest()


def test_broken_multipart_is_refused(sandbox: Wire) -> None:
    headers = {"X-Goog-Upload-Protocol": "multipart", "Content-Type": "multipart/related; boundary=B"}
    assert sandbox.call("POST", "/upload/v1beta/files", b"--B\r\nno end", headers).status == 400
    opened = b"--B\r\n\r\n{}\r\n--B\r\nContent-Type: text/plain\r\n\r\nabc"
    assert sandbox.call("POST", "/upload/v1beta/files", opened, headers).status == 400
    assert sandbox.control("GET", "files") == {"files": []}
    assert sandbox.control("GET", "sessions") == {"sessions": []}
