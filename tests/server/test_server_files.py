"""`/v1/files` over the wire, with the official client and by hand."""

from __future__ import annotations

import io
import socket
import struct
from pathlib import Path
from typing import IO, cast

import openai
import pytest

from openai_schema import check_answer
from raw_http import connect, exchange, head, read_answer
from running import MODEL, Running, eventually, form_request


def test_a_file_lives_from_upload_to_deletion_with_the_official_client(gateway: Running) -> None:
    with gateway.client() as client:
        content = b"some text that is kept\n" * 100
        made = client.files.create(file=("notes.txt", content), purpose="user_data")
        assert (made.filename, made.bytes, made.purpose, made.status) == ("notes.txt", 2300, "user_data", "processed")
        assert made.id.startswith("file-") and len(made.id) == 29
        assert client.files.retrieve(made.id) == made
        assert made.id in [file.id for file in client.files.list()]
        assert client.files.content(made.id).content == content
        deleted = client.files.delete(made.id)
        assert (deleted.id, deleted.deleted) == (made.id, True)
        with pytest.raises(openai.NotFoundError) as caught:
            client.files.retrieve(made.id)
        assert caught.value.body == {
            "message": f"No such File object: {made.id}",
            "type": "invalid_request_error",
            "param": "id",
            "code": None,
        }
        assert caught.value.request_id


def test_every_answer_of_a_files_life_passes_the_schemas(gateway: Running) -> None:
    made = gateway.upload(b"judged")
    check_answer("POST", "/files", 200, made)
    path = f"/files/{made['id']}"
    for method, target in (("GET", "/files"), ("GET", path), ("DELETE", path), ("GET", path), ("DELETE", path)):
        answer = gateway.call(method, "/v1" + target)
        check_answer(method, target, answer.status, answer.json())
    answer = gateway.call("GET", "/v1/files?purpose=vision")
    check_answer("GET", "/files", 200, answer.json())
    assert answer.json() == {"object": "list", "data": [], "first_id": "", "last_id": "", "has_more": False}


def test_the_routes_are_there_without_v1_too(gateway: Running) -> None:
    made = gateway.upload(b"twice reachable")
    for path in (f"/files/{made['id']}", f"/v1/files/{made['id']}"):
        assert gateway.call("GET", path).json() == made
        assert gateway.call("GET", path + "/content").body == b"twice reachable"


def test_a_head_has_the_headers_of_a_get_and_no_body(gateway: Running) -> None:
    made = gateway.upload(b"twelve bytes")
    for path, length in ((f"/v1/files/{made['id']}", None), (f"/v1/files/{made['id']}/content", "12")):
        got, headed = gateway.call("GET", path), gateway.call("HEAD", path)
        assert (headed.status, headed.body) == (200, b"")
        assert headed.headers["content-length"] == got.headers["content-length"] == (length or str(len(got.body)))
        assert headed.headers["content-type"] == got.headers["content-type"]


def test_a_list_is_paged_by_the_last_id(gateway: Running) -> None:
    with gateway.client() as client:
        made = [client.files.create(file=b"%d" % n, purpose="vision").id for n in range(5)]
        assert [file.id for file in client.files.list(purpose="vision", limit=2, order="asc")] == made
        page = client.files.list(purpose="vision", limit=2, after=made[3])
        assert [file.id for file in page.data] == [made[2], made[1]]
        assert page.has_more
        for file_id in made:
            client.files.delete(file_id)


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("limit=0", "limit"),
        ("limit=10001", "limit"),
        ("limit=x", "limit"),
        ("limit=%C2%B2", "limit"),
        ("order=up", "order"),
        ("colour=red", "colour"),
        ("limit=1&limit=2", "limit"),
        ("custom_llm_provider=openai", "custom_llm_provider"),
    ],
)
def test_a_bad_query_is_refused_by_name(gateway: Running, query: str, param: str) -> None:
    answer = gateway.call("GET", f"/v1/files?{query}")
    assert answer.status == 400
    assert answer.error()["param"] == param


def test_empty_query_values_count_as_not_given(gateway: Running) -> None:
    """openai-python sends them since 3.29 (docs/protocol/openai.md, "Lists")."""
    assert gateway.call("GET", "/v1/files?after=&limit=&purpose=&order=").status == 200


@pytest.mark.parametrize("models", [MODEL, f" {MODEL} , {MODEL}", [MODEL], f'["{MODEL}"]'])
def test_target_model_names_in_any_spelling_carry_the_file_to_gemini(gateway: Running, models: str | list[str]) -> None:
    content = f"carried by {models!r}".encode()
    with gateway.client() as client:
        made = client.files.create(file=content, purpose="user_data", extra_body={"target_model_names": models})
        assert client.files.wait_for_processing(made.id, poll_interval=0.02, max_wait_seconds=20).status == "processed"
        client.files.delete(made.id)


def test_an_unknown_target_model_is_refused_before_the_bytes(gateway: Running) -> None:
    answer = gateway.call(*form_request({"purpose": "user_data", "target_model_names": "gpt-4o"}, b"x"))
    assert (answer.status, answer.error()["code"]) == (404, "model_not_found")


def test_fields_may_come_behind_the_file(gateway: Running) -> None:
    """ruby_llm sends the file first (docs/protocol/openai.md, "Files")."""
    body = (
        b'--b0\r\nContent-Disposition: form-data; name="file"; filename="first.txt"\r\n\r\nfirst\r\n--b0\r\n'
        b'Content-Disposition: form-data; name="target_model_names"\r\n\r\n' + MODEL.encode() + b"\r\n--b0\r\n"
        b'Content-Disposition: form-data; name="purpose"\r\n\r\nuser_data\r\n--b0--'
    )
    answer = gateway.call("POST", "/v1/files", body, {"Content-Type": 'multipart/form-data; boundary="b0"'})
    assert answer.status == 200, answer.body
    assert (answer.json()["filename"], answer.json()["bytes"]) == ("first.txt", 5)


def test_a_file_between_fields_and_models_is_taken_whole(gateway: Running) -> None:
    """The length of the file is a guess then, and must not be held against it."""
    content = b"m" * 100_000
    _, target, body, headers = form_request({"purpose": "user_data"}, content)
    more = b'--b0undary\r\nContent-Disposition: form-data; name="target_model_names"\r\n\r\ngemini-2.0-flash\r\n'
    closing = b"--b0undary--\r\n"
    answer = gateway.call("POST", target, body.removesuffix(closing) + more + closing, headers)
    assert answer.status == 200, answer.body
    assert answer.json()["bytes"] == len(content)


def test_a_body_in_chunks_of_unknown_length_is_taken(gateway: Running) -> None:
    with gateway.client() as client:

        class Unseekable(io.RawIOBase):
            def __init__(self) -> None:
                self._pieces = [b"hel", b"lo", b""]

            def readable(self) -> bool:
                return True

            def read(self, size: int = -1) -> bytes:
                return self._pieces.pop(0) if self._pieces else b""

        made = client.files.create(file=("s.bin", cast(IO[bytes], Unseekable())), purpose="user_data")
        assert client.files.content(made.id).content == b"hello"


def test_a_path_with_unicode_keeps_its_name(gateway: Running, tmp_path: Path) -> None:
    path = tmp_path / "report täst 報告.pdf"
    path.write_bytes(b"%PDF-1.4 no more")
    with gateway.client() as client:
        made = client.files.create(file=path, purpose="user_data")
        assert made.filename == path.name
        answer = client.files.content(made.id)
        assert answer.response.headers["content-type"] == "application/pdf"
        assert (
            "filename*=UTF-8''report%20t%C3%A4st%20%E5%A0%B1%E5%91%8A.pdf"
            in answer.response.headers["content-disposition"]
        )


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\evil.exe", "evil.exe"),
        ("/some/dir/x.csv", "x.csv"),
        ("..", "upload"),
        ("", "upload"),
        ("a\x01b\x7f.txt", "ab.txt"),
        ("we%22ird%0D%0Aname.txt", 'we"irdname.txt'),
    ],
)
def test_a_name_that_is_a_path_or_worse_becomes_a_plain_one(gateway: Running, sent: str, kept: str) -> None:
    assert gateway.upload(b"named", name=sent)["filename"] == kept


def test_expires_after_sets_the_time_of_its_end(gateway: Running) -> None:
    with gateway.client() as client:
        made = client.files.create(
            file=b"short-lived", purpose="user_data", expires_after={"anchor": "created_at", "seconds": 3600}
        )
        assert made.expires_at == made.created_at + 3600
        client.files.delete(made.id)


def test_the_examples_of_litellm_are_accepted(gateway: Running) -> None:
    fields = {
        "purpose": "user_data",
        "custom_llm_provider": "gemini",
        "model": MODEL,
        "litellm_metadata[tags][]": "a",
        "target_storage": "default",
    }
    answer = gateway.call(*form_request(fields, b"as before", headers={"custom-llm-provider": "gemini"}))
    assert answer.status == 200, answer.body


def test_a_client_that_leaves_amid_its_upload_leaves_nothing_behind(gateway: Running) -> None:
    before = sorted(gateway.litter())
    method, target, body, headers = form_request({"purpose": "user_data"}, b"x" * 3_000_000)
    with connect(gateway.base) as connection:
        connection.sendall(head(method, target, {**headers, "Content-Length": str(len(body))}) + body[:1_000_000])
        # Zero linger: the connection is reset, as when a client's process dies.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert eventually(lambda: sorted(gateway.litter()) == before)


def test_two_requests_on_one_connection_are_answered_in_turn(gateway: Running) -> None:
    method, target, body, headers = form_request({"purpose": "user_data"}, b"pipelined")
    first = head(method, target, {**headers, "Content-Length": str(len(body))}) + body
    with connect(gateway.base) as connection:
        connection.sendall(first)
        assert read_answer(connection, "POST").status == 200
        connection.sendall(head("GET", "/v1/models"))
        assert read_answer(connection).status == 200


def test_expect_100_continue_is_answered(gateway: Running) -> None:
    method, target, body, headers = form_request({"purpose": "user_data"}, b"after the word")
    with connect(gateway.base) as connection:
        connection.sendall(
            head(method, target, {**headers, "Content-Length": str(len(body)), "Expect": "100-continue"})
        )
        assert connection.recv(64) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert read_answer(connection, "POST").status == 200


def test_an_unknown_path_is_told_in_openais_words(gateway: Running) -> None:
    answer = exchange(gateway.base, [head("GET", "/v1/foo")])
    assert answer.status == 404
    assert answer.error() == {
        "message": "Invalid URL (GET /v1/foo)",
        "type": "invalid_request_error",
        "param": None,
        "code": None,
    }
