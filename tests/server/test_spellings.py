"""How Files and models are spelled, and that every door reads every spelling."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateways import MODEL, SandboxServer, client_for
from liftgate import names
from liftgate.ask.question import count_body
from liftgate.sdk.client import Liftgate
from liftgate.sdk.direct_files import file_name, is_file_name
from raw_http import call

X = "a" * 24
GOOGLE = "https://generativelanguage.googleapis.com"
FILES = (
    f"files/{X}",
    f"{GOOGLE}/v1beta/files/{X}",
    f"{GOOGLE}/v1/files/{X}",
    f"{GOOGLE}/v1alpha/files/{X}",
    f"{GOOGLE}/files/{X}",
    f"{GOOGLE}/v9/files/{X}",
    f"HTTPS://GenerativeLanguage.GoogleAPIs.com/v1beta/files/{X}",
    f"http://localhost/v1beta/files/{X}",
    f"https://gateway.example/v1/files/{X}",
    f"https://gateway.example/v1alpha/files/{X}",
    f"https://example.com/under/a/path/v1beta/files/{X}",
    f"{GOOGLE}/v1beta/files/{X}:download?alt=media",
    f"http://localhost/v1/files/{X}/content",
    f"http://localhost/v1beta/files/{X}:download",
    f"{GOOGLE}/v1beta/files/{X}?key=expired",
    f"{GOOGLE}/v1beta/files/{X}:download?key=expired&alt=media",
    f"{GOOGLE}/v1beta/files/{X}/",
    f"http://localhost/v1/files/{X}?alt=json",
)
NO_FILES = (
    "",
    X,
    f"file-{X}",
    f"FILES/{X}",
    f"files/{X}/y",
    f"files/{'x' * 41}",
    f"files/{X}?key=1",
    f"https://example.com/files/{X}",
    f"https://example.com/v2/files/{X}",
    f"https://example.com/v1/files/{X}.pdf",
    f"https://example.com/v1/files/{X}/content/more",
    f"https://example.com/files/{X}/content",
    f"files/{X}/content",
    f"ftp://gateway.example/v1/files/{X}",
    f"https://evil.example/#{GOOGLE}/v1/files/{X}",
    f"https://example.com/{'a/' * 9000}v1/files/{X}",
)


@pytest.mark.parametrize("spelling", FILES)
def test_a_file_is_known_by_every_spelling(spelling: str) -> None:
    assert names.resource_of(spelling) == X
    assert names.names_a_file(spelling)
    assert names.is_file_uri(spelling) is ("://" in spelling)
    assert is_file_name(spelling) and file_name(spelling) == f"files/{X}"


@pytest.mark.parametrize("spelling", (X, f"file-{X}", *FILES))
def test_every_spelling_has_the_same_id(spelling: str) -> None:
    assert names.id_in(spelling) == f"file-{X}"
    # What stands behind an address is not the file's; a bare name has nothing behind it.
    queried = f"{spelling}?x"
    if "?" not in spelling:
        assert names.id_in(queried) == (f"file-{X}" if "://" in spelling else queried)


@pytest.mark.parametrize(
    ("url", "ours"),
    [
        (f"https://gateway.example/v1/files/file-{X}", True),
        (f"https://gateway.example/v1/files/file-{X}/content?x=1", True),
        (f"https://gateway.example/under/v1beta/files/{X}", True),
        (f"https://gateway.example/v1beta/files/{X}:download?alt=media", True),
        ("https://gateway.example/v1beta/files/a-chosen-name:download?alt=media", True),
        (f"{GOOGLE}/v1beta/files/{X}?key=expired", True),
        (f"{GOOGLE}/v1beta/files/no_file_of_anyone/", True),
        (f"https://example.com/v1/files/{X}", False),
        ("https://example.com/v1beta/files/report", False),
        (f"https://example.com/?next=https://gateway.example/v1/files/file-{X}", False),
        (f"https://example.com/v1/files/file-{X}.png", False),
        (f"{GOOGLE}/v1beta/models/x", False),
    ],
)
def test_an_address_of_the_web_is_a_files_where_nothing_else_can_have_it(url: str, ours: bool) -> None:
    assert names.is_file_url(url) is ours


@pytest.mark.parametrize("spelling", NO_FILES)
def test_what_is_no_files_name_is_none(spelling: str) -> None:
    assert names.resource_of(spelling) is None
    assert not names.is_file_uri(spelling)
    assert names.names_a_file(spelling) is names.is_file_id(spelling) is (spelling == f"file-{X}")


@pytest.mark.parametrize(
    ("text", "claims"),
    [
        (f"files/{X}", True),
        (f"/files/{X}", True),
        (f"//files/{X}", True),
        ("files/../models/x", True),
        ("files/", True),
        (f"file-{X}", True),
        ("file-short", False),
        ("files", False),
        ("profiles/x", False),
        (f"gs://files/{X}", False),
        (f"https://example.com/files/{X}", False),
    ],
)
def test_what_stands_for_a_file_is_known_by_its_beginning(text: str, claims: bool) -> None:
    assert names.claims_a_file(text) is claims


@pytest.mark.parametrize(
    ("host", "googles"),
    [
        ("generativelanguage.googleapis.com", True),
        ("generativelanguage.mtls.googleapis.com", True),
        ("us-central1-generativelanguage.googleapis.com", True),
        ("storage.googleapis.com", False),
        ("googleapis.com", False),
        ("generativelanguage.googleapis.com.example.com", False),
        ("generativelanguage.example.com", False),
    ],
)
def test_hosts_of_googles_files(host: str, googles: bool) -> None:
    assert names.is_google_host(host) is googles


@pytest.mark.parametrize(
    ("spelling", "bare", "path"),
    [
        ("gemini-x", "gemini-x", "models/gemini-x"),
        ("models/gemini-x", "gemini-x", "models/gemini-x"),
        ("gemini/gemini-x", "gemini-x", "models/gemini-x"),
        ("gemini/models/gemini-x", "gemini-x", "models/gemini-x"),
        ("tunedModels/x", "tunedModels/x", "tunedModels/x"),
        ("gemini/tunedModels/x", "tunedModels/x", "tunedModels/x"),
    ],
)
def test_a_model_is_known_by_every_spelling(spelling: str, bare: str, path: str) -> None:
    assert names.bare_model(spelling) == bare
    assert names.model_path(bare) == names.model_path(path) == path
    assert count_body({}, bare) == {"generateContentRequest": {"model": path}}


@pytest.fixture(scope="module")
def file_id(url: str) -> str:
    with client_for(url) as client:
        return client.files.create(file=("a.txt", b"hello from a file"), purpose="user_data").id


@pytest.mark.parametrize("spelling", (X, f"file-{X}", *FILES))
def test_every_spelling_names_the_file_in_every_dialect(spelling: str, file_id: str, url: str) -> None:
    named = spelling.replace(X, file_id.removeprefix("file-"))
    key = {"Authorization": "Bearer sk-ann"}
    block = {"type": "document", "source": {"type": "file", "file_id": named}}
    for path, body in (
        ("/v1/responses", {"input": [{"role": "user", "content": [{"type": "input_file", "file_id": named}]}]}),
        ("/v1/messages", {"max_tokens": 500, "messages": [{"role": "user", "content": [block]}]}),
    ):
        answer = call(url, "POST", path, json.dumps({"model": MODEL, **body}).encode(), key)
        assert answer.status == 200 and "text/plain" in answer.body.decode(), answer.body


@pytest.mark.parametrize(
    "address",
    [
        f"{GOOGLE}/v1beta/files/{X}?key=expired",
        f"{GOOGLE}/v1beta/files/{X}:download?alt=media&key=expired",
        f"http://localhost:4000/v1beta/files/{X}:download?alt=media",
        f"http://localhost:4000/v1/files/file-{X}/content",
    ],
    ids=["google", "google's bytes", "ours as google's", "ours"],
)
def test_an_address_of_a_file_names_it_wherever_a_url_may_stand(address: str, file_id: str, url: str) -> None:
    named = address.replace(X, file_id.removeprefix("file-"))
    block = {"type": "document", "source": {"type": "url", "url": named}}
    for path, content in (
        ("chat/completions", {"type": "image_url", "image_url": {"url": named}}),
        ("chat/completions", {"type": "file", "file": {"file_url": named}}),
        ("responses", {"type": "input_file", "file_url": named}),
        ("responses", {"type": "input_image", "image_url": named}),
        ("messages", block),
    ):
        told = [{"role": "user", "content": [content]}]
        body = {"input": told} if path == "responses" else {"messages": told, "max_tokens": 500}
        key = {"Authorization": "Bearer sk-ann"}
        answer = call(url, "POST", f"/v1/{path}", json.dumps({"model": MODEL, **body}).encode(), key)
        assert answer.status == 200 and "text/plain" in answer.body.decode(), (path, answer.body)


def test_every_spelling_names_the_file_to_the_sdk_with_a_directory(sandbox: SandboxServer, tmp_path: Path) -> None:
    with Liftgate(api_key="key-a", api_base=sandbox.url, data_dir=tmp_path) as client:
        made = client.create_file(file=("a.txt", b"hello"), purpose="user_data")
        for spelling in (X, *FILES):
            named = spelling.replace(X, made.id.removeprefix("file-"))
            part = {"type": "file", "file": {"file_id": named}}
            answer = client.completion(model=f"gemini/{MODEL}", messages=[{"role": "user", "content": [part]}])
            assert "text/plain" in (answer.choices[0].message.content or ""), named
            assert client.file_retrieve(named).id == made.id and list(client.file_list(after=named)) == [], named
        assert client.file_delete(named).id == made.id


@pytest.mark.parametrize("spelling", (X, f"file-{X}", *FILES))
def test_every_spelling_names_the_file_in_a_chat_and_in_a_gemini_body(
    spelling: str, file_id: str, url: str, sandbox: SandboxServer
) -> None:
    named = spelling.replace(X, file_id.removeprefix("file-"))
    asked = {"role": "user", "content": [{"type": "file", "file": {"file_id": named}}]}
    chat = json.dumps({"model": MODEL, "messages": [asked]}).encode()
    answer = call(url, "POST", "/v1/chat/completions", chat, {"Authorization": "Bearer sk-ann"})
    assert answer.status == 200, answer.body
    assert "text/plain" in answer.json()["choices"][0]["message"]["content"]
    if "example" in spelling or spelling == X:
        return  # to Gemini's doors, another host's address is one of the web, which Google fetches.
    body = {"contents": [{"role": "user", "parts": [{"fileData": {"fileUri": named, "mimeType": "text/plain"}}]}]}
    path = f"/v1beta/models/{MODEL}:generateContent"
    answer = call(url, "POST", path, json.dumps(body).encode(), {"x-goog-api-key": "sk-ann"})
    assert answer.status == 200, answer.body


@pytest.mark.parametrize("spelling", FILES)
def test_every_spelling_names_the_file_to_the_sdk_without_a_gateway(
    spelling: str, sandbox: SandboxServer, tmp_path: Path
) -> None:
    with Liftgate(api_key="key-a", api_base=sandbox.url) as client:
        made = client.create_file(file=("a.txt", b"hello"), purpose="user_data")
        resource = names.resource_of(made.id)
        assert resource is not None
        named = spelling.replace(X, resource)
        part = {"type": "file", "file": {"file_id": named}}
        answer = client.completion(model=f"gemini/{MODEL}", messages=[{"role": "user", "content": [part]}])
        assert "text/plain" in (answer.choices[0].message.content or "")
