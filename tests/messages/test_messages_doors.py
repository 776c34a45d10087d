"""Which API a request speaks, whose it is, errors in Anthropic's form, files and models."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateways import SandboxServer, client_for
from messages_rig import KEY, MODEL, MODELS, Answer, call, message, post, refused, user

VERSION = {"anthropic-version": "2026-10-21"}
BEARER = {"authorization": "Bearer sk-ann"}
OPENAIS = {"error": {"message", "type", "param", "code"}}


def form(*parts: tuple[str, bytes]) -> tuple[bytes, dict[str, str]]:
    body = b"".join(
        b"--b\r\nContent-Disposition: form-data; %b\r\n\r\n%b\r\n" % (head.encode(), value) for head, value in parts
    )
    return body + b"--b--\r\n", {"content-type": "multipart/form-data; boundary=b"}


def upload(gateway: str, *parts: tuple[str, bytes], key: dict[str, str] = KEY) -> Answer:
    body, headers = form(*parts)
    return call(gateway, "POST", "/v1/files", body, {**headers, **key})


def stored(gateway: str, content: bytes = b"hello", name: str = "a.txt", **fields: str) -> dict[str, Any]:
    parts = [(f'name="{field}"', value.encode()) for field, value in fields.items()]
    got = upload(gateway, *parts, (f'name="file"; filename="{name}"', content))
    assert got.status == 200, got.body
    found: dict[str, Any] = got.json()
    return found


# ── which API ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "key", [{"x-api-key": "sk-ann"}, BEARER, {"x-api-key": "sk-ann", "authorization": "Bearer no"}]
)
@pytest.mark.parametrize(
    "sign", [{"anthropic-version": "2023-06-01"}, VERSION, {"anthropic-beta": "a,files-api-2025-04-14"}]
)
def test_the_version_tells_the_api_whichever_way_the_key_came(
    gateway: str, key: dict[str, str], sign: dict[str, str]
) -> None:
    listed = call(gateway, "GET", "/v1/files?limit=1", headers={**key, **sign}).json()
    assert set(listed) == {"data", "has_more", "first_id", "last_id", "next_page"}
    assert "lifecycle" in call(gateway, "GET", f"/v1/models/{MODEL}?beta=true", headers={**key, **sign}).json()


def test_without_the_version_the_paths_are_openais(gateway: str) -> None:
    for headers in ({"x-api-key": "sk-ann"}, BEARER):
        assert call(gateway, "GET", "/v1/files", headers=headers).json()["object"] == "list"
        assert call(gateway, "GET", f"/v1/models/{MODEL}", headers=headers).json()["object"] == "model"
    got = call(gateway, "POST", "/v1/chat/completions", b"{}", {**BEARER, **VERSION})
    assert set(got.json()["error"]) == {"message", "type", "param", "code"}


@pytest.mark.parametrize("version", [{}, VERSION, {"anthropic-version": "2040-01-01"}])
def test_messages_needs_no_version(gateway: str, version: dict[str, str]) -> None:
    assert post(gateway, key={**BEARER, **version}).status == 200
    assert post(gateway, "/v1/messages?beta=true", key={**BEARER, **version}).status == 200


def test_the_bare_key_wins_over_bearer_here(gateway: str) -> None:
    mine = stored(gateway)["id"]
    both = {"x-api-key": "sk-bob", **BEARER, **VERSION}
    assert call(gateway, "GET", f"/v1/files/{mine}", headers=both).status == 404
    assert call(gateway, "GET", f"/v1/files/{mine}", headers={**both, "x-api-key": "sk-ann"}).status == 200
    assert post(gateway, key={"x-api-key": "sk-none", **BEARER}).status == 401


# ── errors ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status", "kind"),
    [
        ("POST", "/v1/messages", b"{}", {}, 401, "authentication_error"),
        ("POST", "/v1/messages", b"{}", {"x-api-key": "no"}, 401, "authentication_error"),
        ("GET", "/v1/files", b"", VERSION, 401, "authentication_error"),
        ("GET", "/v1/messages", b"", KEY, 405, "invalid_request_error"),
        ("PUT", "/v1/files", b"", KEY, 405, "invalid_request_error"),
        ("GET", "/v1/messages/batches", b"", KEY, 404, "not_found_error"),
        ("POST", "/v1/messages/nothing", b"{}", KEY, 404, "not_found_error"),
        ("GET", "/v1/skills", b"", KEY, 404, "not_found_error"),
        ("POST", "/v1/v1/messages", b"{}", KEY, 404, "not_found_error"),
        ("POST", "/messages", b"{}", KEY, 404, "not_found_error"),
        ("GET", "/v1/files/file-none", b"", KEY, 404, "not_found_error"),
        ("GET", "/v1/models/none", b"", KEY, 404, "not_found_error"),
        ("POST", "/v1/messages", b"{", KEY, 400, "invalid_request_error"),
        ("POST", "/v1/messages", b"[]", KEY, 400, "invalid_request_error"),
        ("POST", "/v1/messages?foo=1", b"{}", KEY, 400, "invalid_request_error"),
        ("POST", "/v1/files", b"{}", KEY, 400, "invalid_request_error"),
        ("POST", "/v1/messages", b"x", {**KEY, "content-encoding": "rot13"}, 415, "invalid_request_error"),
        ("POST", "/v1/messages", b"", {**KEY, "content-length": "99999999999"}, 413, "request_too_large"),
    ],
)
def test_errors_are_in_anthropics_form(
    gateway: str, method: str, path: str, body: bytes, headers: dict[str, str], status: int, kind: str
) -> None:
    found = refused(call(gateway, method, path, body, headers), status)
    assert found["type"] == kind and found["message"] and "OpenAI" not in found["message"]


def test_every_answer_tells_the_request(gateway: str) -> None:
    mine = stored(gateway)["id"]
    answers = [
        post(gateway),
        post(gateway, stream=True),
        post(gateway, "/v1/messages/count_tokens", max_tokens=...),
        *(call(gateway, "GET", path) for path in ("/v1/files", f"/v1/files/{mine}/content", "/v1/models")),
        call(gateway, "HEAD", f"/v1/files/{mine}"),
    ]
    for answer in answers:
        assert answer.status == 200 and answer.headers["request-id"].startswith("req_")
        assert answer.headers["x-request-id"] == answer.headers["request-id"]


@pytest.mark.parametrize(
    ("asked", "told", "again"), [("7s", "7", None), ("90s", "60", None), ("40000s", "60", "false")]
)
def test_a_pause_is_told_up_to_a_minute(
    gateway: str, sandbox: SandboxServer, asked: str, told: str, again: str | None
) -> None:
    """Anthropic's clients would sleep through all of it, twice."""
    detail = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": asked}
    error = {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "slow down", "details": [detail]}
    sandbox.control("scripts", {"status": 429, "body": {"error": error}})
    got = post(gateway)
    assert refused(got, 429)["type"] == "rate_limit_error"
    assert (got.headers["retry-after"], got.headers.get("x-should-retry")) == (told, again)


# ── counting ─────────────────────────────────────────────────────────────────────────────────────


def test_tokens_of_the_whole_request_are_counted(gateway: str, sandbox: SandboxServer) -> None:
    def count(**body: Any) -> int:
        got = post(gateway, "/v1/messages/count_tokens?beta=true", max_tokens=..., **body)
        assert set(got.json()) == {"input_tokens"}, got.body
        return int(got.json()["input_tokens"])

    asked = {"messages": [user("Hello there")]}
    tool = {"name": "look", "description": "word " * 50, "input_schema": {"type": "object"}}
    plain = count(**asked)
    assert 0 < plain < count(**asked, system="word " * 50)
    assert plain < count(**asked, tools=[tool])
    with client_for(gateway) as client:
        file = client.files.create(file=("a.txt", b"word " * 500), purpose="user_data").id
    document = {"type": "document", "source": {"type": "file", "file_id": file}}
    with_file = {"messages": [user(document, {"type": "text", "text": "Hello there"})]}
    assert plain < count(**with_file) == message(gateway, **with_file)["usage"]["input_tokens"]


# ── files ────────────────────────────────────────────────────────────────────────────────────────


def test_a_file_needs_neither_a_name_nor_a_purpose(gateway: str) -> None:
    got = upload(gateway, ('name="file"', b"%PDF-1.4 x")).json()
    assert (got["type"], got["filename"], got["mime_type"]) == ("file", "unnamed.pdf", "application/pdf")
    assert (got["size_bytes"], got["downloadable"], got["expires_at"]) == (10, True, None)
    assert got["created_at"].endswith("Z") and got["id"].startswith("file-")
    assert call(gateway, "GET", f"/v1/files/{got['id']}").json() == got
    assert call(gateway, "GET", f"/v1/files/{got['id']}/content").body == b"%PDF-1.4 x"
    assert call(gateway, "GET", f"/v1/files/{got['id']}", headers=BEARER).json()["purpose"] == "user_data"


def test_a_file_may_have_an_end(gateway: str) -> None:
    got = stored(gateway, expires_in_seconds="7776000")
    assert got["expires_at"] > got["created_at"]
    for wrong in ("3599", "7776001", "soon", "-1"):
        answer = upload(gateway, ('name="expires_in_seconds"', wrong.encode()), ('name="file"', b"x"))
        assert "expires_in_seconds" in refused(answer)["message"]


@pytest.mark.parametrize(
    ("name", "kept"),
    [("größe.txt", "größe.txt"), ("/tmp/a/b.txt", "b.txt"), ("a:b.txt", None), ("a?.txt", None), ("x" * 256, None)],
)
def test_names_of_files(gateway: str, name: str, kept: str | None) -> None:
    got = upload(gateway, (f'name="file"; filename="{name}"', b"x"))
    if kept is None:
        assert "filename" in refused(got)["message"]
    else:
        assert got.json()["filename"] == kept


@pytest.mark.parametrize("field", ["purpose", "foo", "expires_after[seconds]"])
def test_a_field_that_anthropics_form_has_not_is_refused(gateway: str, field: str) -> None:
    got = upload(gateway, (f'name="{field}"', b"x"), ('name="file"', b"x"))
    assert refused(got)["message"] == f"{field}: Extra inputs are not permitted"
    assert refused(upload(gateway))["message"] == "file: Field required"


def test_pages_serve_every_generation(gateway: str) -> None:
    ids = [stored(gateway, b"%d" % number)["id"] for number in range(5)][::-1]
    first = call(gateway, "GET", "/v1/files?limit=2").json()
    assert [each["id"] for each in first["data"]] == ids[:2]
    assert (first["first_id"], first["last_id"], first["has_more"]) == (ids[0], ids[1], True)
    for query in (f"page={first['next_page']}", f"after_id={first['last_id']}"):
        second = call(gateway, "GET", f"/v1/files?limit=2&{query}").json()
        assert [each["id"] for each in second["data"]] == ids[2:4]
    before = call(gateway, "GET", f"/v1/files?limit=2&before_id={ids[3]}").json()
    assert [each["id"] for each in before["data"]] == ids[1:3] and before["has_more"] is True
    last = call(gateway, "GET", "/v1/files?limit=1000").json()
    assert (last["has_more"], last["next_page"]) == (False, None)


def test_files_by_their_ids(gateway: str) -> None:
    ids = [stored(gateway, b"%d" % number)["id"] for number in range(3)]
    got = call(gateway, "GET", f"/v1/files?ids%5B%5D={ids[0]}&ids%5B%5D={ids[2]}&ids%5B%5D=file-none").json()
    assert [each["id"] for each in got["data"]] == [ids[2], ids[0]]
    assert (got["has_more"], got["next_page"]) == (False, None)
    refused(call(gateway, "GET", f"/v1/files?ids[]={ids[0]}&limit=2"))
    refused(call(gateway, "GET", "/v1/files?" + "&".join(f"ids[]=file-{number}" for number in range(101))))
    theirs = call(gateway, "GET", f"/v1/files?ids[]={ids[0]}", headers={**VERSION, "x-api-key": "sk-bob"})
    assert theirs.json()["data"] == []


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "page=a&after_id=b", "foo=1", "page=file-none"])
def test_a_list_that_cannot_be(gateway: str, query: str) -> None:
    refused(got := call(gateway, "GET", f"/v1/files?{query}"), got.status if got.status == 404 else 400)


def test_a_deleted_file_is_gone_at_every_door(gateway: str) -> None:
    mine = stored(gateway)["id"]
    assert call(gateway, "DELETE", f"/v1/files/{mine}").json() == {"id": mine, "type": "file_deleted"}
    assert call(gateway, "DELETE", f"/v1/files/{mine}").status == 404
    assert call(gateway, "GET", f"/v1/files/{mine}", headers=BEARER).status == 404
    document = {"type": "document", "source": {"type": "file", "file_id": mine}}
    assert refused(post(gateway, messages=[user(document)]), 404)["type"] == "not_found_error"


# ── models ───────────────────────────────────────────────────────────────────────────────────────


def test_models_in_anthropics_form(gateway: str) -> None:
    listed = call(gateway, "GET", "/v1/models").json()
    assert [each["id"] for each in listed["data"]] == [*MODELS, "claude-haiku-4-5"]
    model = listed["data"][0]
    assert (model["type"], model["lifecycle"], model["max_tokens"]) == ("model", "active", 65_536)
    assert call(gateway, "GET", f"/v1/models/{MODEL}").json() == model
    first = call(gateway, "GET", "/v1/models?limit=2").json()
    assert (first["has_more"], first["last_id"]) == (True, MODELS[1])
    rest = call(gateway, "GET", f"/v1/models?after_id={MODELS[1]}").json()
    assert [each["id"] for each in rest["data"]] == [MODELS[2], "claude-haiku-4-5"] and rest["has_more"] is False
    before = call(gateway, "GET", f"/v1/models?limit=1&before_id={MODELS[2]}").json()
    assert [each["id"] for each in before["data"]] == [MODELS[1]] and before["has_more"] is True
    assert call(gateway, "GET", "/v1/models?lifecycle[]=retired&lifecycle[]=deprecated").json()["data"] == []
    refused(call(gateway, "GET", "/v1/models?after_id=none"))


def test_json_is_what_anthropics_answers_are(gateway: str) -> None:
    for answer in (post(gateway), call(gateway, "GET", "/v1/files"), post(gateway, foo=1)):
        assert answer.headers["content-type"] == "application/json" and json.loads(answer.body)
