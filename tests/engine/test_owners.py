"""Two owners try each other's files through every route: exactly as if the file had never been.

Ann has files in every state that a file can be in. Bob names them in every spelling; each time the same request names a
file that never was, in the same spelling. Status, headers and body must be the same but for the id, and neither Gemini
nor the catalogue may have been touched by either.
"""

from __future__ import annotations

import http.client
import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateways import MODEL, SandboxServer, ask, client_for, gateway_server, sandbox_server, settings_for
from liftgate import ids
from liftgate.settings import JobSettings

GOOGLE = "https://generativelanguage.googleapis.com"
ANN, BOB = "sk-ann", "sk-bob"
STILL = JobSettings(purge_seconds=3600, sweep_seconds=3600, renew_seconds=3600, use_write_seconds=3600)
"""No job writes while we look for writes."""


@dataclass
class House:
    """`anns`: a file of Ann's in each state; `replica`: the name at Gemini of one of them."""

    url: str
    sandbox: SandboxServer
    data_dir: Path
    anns: dict[str, str]
    replica: str


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    data_dir = tmp_path_factory.mktemp("owners")
    with sandbox_server() as sandbox, gateway_server(settings_for(sandbox, data_dir, jobs=STILL)) as url:
        with client_for(url, ANN) as ann:
            stored = ann.files.create(file=("a.txt", b"stored and never used"), purpose="user_data").id
            live = ann.files.create(file=("b.txt", b"live at Gemini"), purpose="user_data").id
            ask(ann, live)
            deleted = ann.files.create(file=("c.txt", b"deleted again"), purpose="user_data").id
            ann.files.delete(deleted)
            asked = ann.files.create(
                file=("d.txt", b"carried at upload"), purpose="user_data", extra_body={"target_model_names": MODEL}
            ).id
            ask(ann, asked)
        with client_for(url, BOB) as bob:
            bob.files.create(file=("own.txt", b"live at Gemini"), purpose="user_data")
        replica = sandbox.control("files")["files"][0]["name"]
        anns = {"stored": stored, "live": live, "deleted": deleted, "carried": asked}
        yield House(url, sandbox, data_dir, anns, replica)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: str

    def without(self, *texts: str) -> Answer:
        """The same with each of these texts, and what their length makes of the headers, taken out."""
        body = self.body
        for text in texts:
            body = body.replace(json.dumps(text)[1:-1], "…").replace(text, "…")
        headers = {name: value for name, value in self.headers.items() if name not in ("date", "x-request-id")}
        return replace(self, body=body, headers=headers)


def send(house: House, method: str, path: str, body: object = None, *, key: str = BOB, native: bool = False) -> Answer:
    """A request exactly as given: no client normalises its path."""
    address = urlsplit(house.url)
    assert address.hostname is not None
    headers = {"x-goog-api-key": key} if native else {"Authorization": f"Bearer {key}"}
    data = None if body is None else json.dumps(body).encode()
    with closing(http.client.HTTPConnection(address.hostname, address.port, timeout=30)) as connection:
        connection.request(
            method, path, data, {**headers, **({} if data is None else {"Content-Type": "application/json"})}
        )
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, found, answer.read().decode())


def chat(part: dict[str, Any], *, stream: bool = False) -> dict[str, Any]:
    return {"model": MODEL, "messages": [{"role": "user", "content": [part]}], "stream": stream}


Route = Callable[[House, str], Answer]

BY_ID: dict[str, Route] = {
    "retrieve": lambda house, name: send(house, "GET", f"/v1/files/{name}"),
    "retrieve without v1": lambda house, name: send(house, "GET", f"/files/{name}"),
    "head": lambda house, name: send(house, "HEAD", f"/v1/files/{name}"),
    "delete": lambda house, name: send(house, "DELETE", f"/v1/files/{name}"),
    "content": lambda house, name: send(house, "GET", f"/v1/files/{name}/content"),
    "content head": lambda house, name: send(house, "HEAD", f"/v1/files/{name}/content"),
    "list after": lambda house, name: send(house, "GET", f"/v1/files?after={name}"),
    "list after, ascending": lambda house, name: send(house, "GET", f"/v1/files?after={name}&order=asc&limit=1"),
    "native get": lambda house, name: send(house, "GET", f"/v1beta/files/{name}", native=True),
    "native get, v1": lambda house, name: send(house, "GET", f"/v1/files/{name}", native=True),
    "native delete": lambda house, name: send(house, "DELETE", f"/v1beta/files/{name}", native=True),
    "native download": lambda house, name: send(house, "GET", f"/v1beta/files/{name}:download?alt=media", native=True),
}
"""Routes that have the id in their path or query."""

BY_REFERENCE: dict[str, Callable[[str], dict[str, Any]]] = {
    "chat by file_id": lambda ref: chat({"type": "file", "file": {"file_id": ref}}),
    "stream by file_id": lambda ref: chat({"type": "file", "file": {"file_id": ref}}, stream=True),
    "chat by file_data": lambda ref: chat({"type": "file", "file": {"file_data": ref}}),
    "chat by image_url": lambda ref: chat({"type": "image_url", "image_url": {"url": ref}}),
    "chat by video_url": lambda ref: chat({"type": "video_url", "video_url": {"url": ref}}),
}

SPELLINGS: dict[str, Callable[[str, str], str]] = {
    "id": lambda code, url: f"file-{code}",
    "code": lambda code, url: code,
    "name": lambda code, url: f"files/{code}",
    "name of id": lambda code, url: f"files/file-{code}",
    "Google's URI": lambda code, url: f"{GOOGLE}/v1beta/files/{code}",
    "Google's URI, v1": lambda code, url: f"{GOOGLE}/v1/files/{code}",
    "Google's URI of the id": lambda code, url: f"{GOOGLE}/v1beta/files/file-{code}",
    "our URI": lambda code, url: f"{url}/v1beta/files/{code}",
    "our URI, v1": lambda code, url: f"{url}/v1/files/{code}",
    "upper case": lambda code, url: f"FILE-{code.upper()}",
    "with a space": lambda code, url: f"file-{code} ",
}


def code_of(file_id: str) -> str:
    return file_id.removeprefix("file-")


@contextmanager
def untouched(house: House) -> Iterator[None]:
    """Nothing is asked of Gemini and nothing written to the catalogue."""
    with closing(sqlite3.connect(f"file:{house.data_dir}/catalog.db?mode=ro", uri=True)) as watch:
        version = watch.execute("PRAGMA data_version").fetchone()
        operations = house.sandbox.stats()["operations"]
        yield
        assert house.sandbox.stats()["operations"] == operations
        assert watch.execute("PRAGMA data_version").fetchone() == version


def same(foreign: Answer, never: Answer, code: str, other: str) -> None:
    assert foreign.without(code, code.upper()) == never.without(other, other.upper())
    assert foreign.status >= 400 or foreign.body == never.body


@pytest.mark.parametrize("state", ["stored", "live", "deleted", "carried"])
@pytest.mark.parametrize("route", BY_ID)
def test_foreign_file_is_as_one_that_never_was(house: House, route: str, state: str) -> None:
    code, other = code_of(house.anns[state]), ids.token()
    prefix = "" if route.startswith("native") else "file-"
    with untouched(house):
        foreign, never = BY_ID[route](house, prefix + code), BY_ID[route](house, prefix + other)
    same(foreign, never, code, other)
    assert foreign.status in (403, 404)


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("reference", BY_REFERENCE)
def test_foreign_file_in_a_chat_is_as_one_that_never_was(house: House, reference: str, spelling: str) -> None:
    code, other = code_of(house.anns["live"]), ids.token()
    spelled = SPELLINGS[spelling]
    with untouched(house):
        foreign = send(house, "POST", "/v1/chat/completions", BY_REFERENCE[reference](spelled(code, house.url)))
        never = send(house, "POST", "/v1/chat/completions", BY_REFERENCE[reference](spelled(other, house.url)))
    same(foreign, never, code, other)
    assert foreign.status >= 400


@pytest.mark.parametrize("verb", ["complete", "cancel"])
def test_foreign_upload_is_as_one_that_never_was(house: House, verb: str) -> None:
    with client_for(house.url, ANN) as ann:
        upload = ann.uploads.create(bytes=5, filename="e.txt", mime_type="text/plain", purpose="user_data").id
    other = ids.new_upload_id()
    with untouched(house):
        foreign, never = (
            send(house, "POST", f"/v1/uploads/{each}/{verb}", {"part_ids": ["part_a"]} if verb == "complete" else {})
            for each in (upload, other)
        )
    same(foreign, never, upload, other)
    assert foreign.status == 404


@pytest.mark.parametrize("key", [ANN, BOB])
@pytest.mark.parametrize("spelled", ["{}", "https://generativelanguage.googleapis.com/v1beta/{}", "file-{code}"])
def test_name_of_a_replica_is_nobodys(house: House, key: str, spelled: str) -> None:
    code = house.replica.removeprefix("files/")
    other = ids.token()
    with untouched(house):
        foreign, never = (
            send(
                house,
                "POST",
                "/v1/chat/completions",
                chat({"type": "file", "file": {"file_id": spelled.format("files/" + each, code=each)}}),
                key=key,
            )
            for each in (code, other)
        )
    same(foreign, never, code, other)
    assert foreign.status == 404


def test_equal_bytes_of_another_owner_are_not_shared(house: House) -> None:
    """Bob has the bytes that Ann has at Gemini: his are uploaded, so that how fast it goes tells him nothing."""
    with client_for(house.url, BOB) as bob:
        [own] = [file for file in bob.files.list() if file.filename == "own.txt"]
        before = house.sandbox.stats()["finalized"]
        ask(bob, own.id)
        assert house.sandbox.stats()["finalized"] == before + 1
        assert set(house.anns.values()).isdisjoint(file.id for file in bob.files.list())


def test_ann_still_has_what_bob_tried_to_delete(house: House) -> None:
    with client_for(house.url, ANN) as ann:
        for state in ("stored", "live", "carried"):
            assert ann.files.content(house.anns[state]).read()


# ── any spelling at all ──────────────────────────────────────────────────────────────────────────────────────────────

PIECES = st.sampled_from(
    (
        *(
            "file-",
            "files/",
            "/",
            "..",
            ".",
            "%2e%2e/",
            "%00",
            "\x00",
            " ",
            "-",
            "#",
            "?",
            "\\",
            "ｆｉｌｅ-",
            "\u200b",
            "é",
        ),
        *(
            f"{GOOGLE}/v1beta/",
            "http://127.0.0.1/v1beta/",
            "https://evil.example/v1beta/files/",
            "//",
            ":download",
            "a",
        ),
    )
)
CASES = st.sampled_from((str, str.upper, str.title, str.swapcase))
FORMS = st.tuples(st.lists(PIECES, max_size=3), CASES, st.lists(PIECES, max_size=2))
"""What stands before the 24 characters, how they are written, what stands behind them."""


def any_spelling(house: House, form: tuple[list[str], Callable[[str], str], list[str]]) -> None:
    before, cased, behind = form
    code, other = code_of(house.anns["live"]), ids.token()

    def spelled(each: str) -> str:
        return "".join(before) + cased(each) + "".join(behind)

    requests: list[Callable[[str], Answer]] = [
        lambda text: send(house, "GET", "/v1/files/" + quote(text, safe="")),
        lambda text: send(house, "GET", "/v1/files/" + quote(text, safe="") + "/content"),
        lambda text: send(house, "DELETE", "/v1/files/" + quote(text, safe="")),
        lambda text: send(house, "GET", "/v1beta/files/" + quote(text, safe=""), native=True),
        lambda text: send(house, "GET", "/v1/files?after=" + quote(text, safe="")),
        lambda text: send(house, "POST", "/v1/chat/completions", chat({"type": "file", "file": {"file_id": text}})),
    ]
    for request in requests:
        foreign, never = request(spelled(code)), request(spelled(other))
        hidden = re.compile("|".join(re.escape(cased(each)) for each in (code, other)))
        assert hidden.sub("…", foreign.body) == hidden.sub("…", never.body)
        assert foreign.status == never.status >= 400


@given(form=FORMS)
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_spelling_tells_a_foreign_file(
    house: House, form: tuple[list[str], Callable[[str], str], list[str]]
) -> None:
    any_spelling(house, form)


@pytest.mark.full
@given(form=FORMS)
@settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_spelling_of_a_thousand_tells_a_foreign_file(
    house: House, form: tuple[list[str], Callable[[str], str], list[str]]
) -> None:
    any_spelling(house, form)
