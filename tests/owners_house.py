"""A gateway in which Ann has everything that can be owned, and Bob who names it. What the tests of owners share.

A `Door` is one request that names something; it is sent exactly as written, no client normalises it.
"""

from __future__ import annotations

import http.client
import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import openai

from gateways import MODEL, SandboxServer, ask, client_for, gateway_server, sandbox_server, settings_for
from liftgate.settings import JobSettings

ANN, BOB = "sk-ann", "sk-bob"
ALIAS = "my-note-of-ann"
NO_ALIAS = "my-note-of-bob"
STILL = JobSettings(purge_seconds=3600, sweep_seconds=3600, renew_seconds=3600, use_write_seconds=3600)
"""No job writes while we look for writes."""


@dataclass
class House:
    """`anns`: a file of Ann's in each state; `uploads`: likewise; `part`: of her pending upload; `session`: the
    capability of a native session of hers; `replica`: the name at Gemini of one of her files. `reply`, `item`,
    `conversation`: a stored response of hers, an item of it, and the conversation that it was made in."""

    url: str
    sandbox: SandboxServer
    data_dir: Path
    anns: dict[str, str]
    uploads: dict[str, str]
    part: str
    session: str
    replica: str
    reply: str
    item: str
    conversation: str


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: str

    def without(self, *texts: str) -> Answer:
        """The same with each of these texts, and what no two answers have in common, taken out."""
        body = self.body
        for text in texts:
            body = body.replace(json.dumps(text)[1:-1], "…").replace(text, "…")
        of_one = {"date", "x-request-id", "request-id"}
        if (request_id := self.headers.get("request-id")) is not None:
            body = body.replace(request_id, "…")
        headers = {name: value for name, value in self.headers.items() if name not in of_one}
        return replace(self, body=body, headers=headers)


@dataclass(frozen=True)
class Door:
    """`path` and the texts of `body` have `{}` where the name stands; `spelled` makes it of what is named."""

    method: str
    path: str
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)
    speaks: Literal["openai", "gemini", "anthropic"] = "openai"
    spelled: Callable[[str], str] = str

    def ask(self, house: House, named: str, key: str | None = BOB) -> Answer:
        name = self.spelled(named)
        body = filled(self.body, name)
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        headers = {} if data is None else {"Content-Type": "application/json"}
        if key is not None:
            headers |= {"x-goog-api-key": key} if self.speaks == "gemini" else {"Authorization": f"Bearer {key}"}
        if self.speaks == "anthropic":
            headers["anthropic-version"] = "2023-06-01"
        return send(house.url, self.method, self.path.replace("{}", name), data, {**headers, **self.headers})


def filled(body: object, name: str) -> object:
    """The body with the name wherever it has `{}`."""
    if isinstance(body, str):
        return body.replace("{}", name)
    if isinstance(body, list):
        return [filled(each, name) for each in body]
    if isinstance(body, dict):
        return {key: filled(value, name) for key, value in body.items()}
    return body


def send(url: str, method: str, path: str, data: bytes | None, headers: Mapping[str, str]) -> Answer:
    address = urlsplit(url)
    assert address.hostname is not None
    with closing(http.client.HTTPConnection(address.hostname, address.port, timeout=30)) as connection:
        connection.request(method, path, data, dict(headers))
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, found, answer.read().decode())


@contextmanager
def untouched(house: House) -> Iterator[None]:
    """Nothing is asked of Gemini and nothing written to the catalogue, but by the clock that ticks once a minute."""
    place = f"file:{house.data_dir}/catalog.db?mode=ro"
    with (
        closing(sqlite3.connect(place, uri=True)) as watch,
        closing(sqlite3.connect(place, uri=True, isolation_level=None)) as before,
    ):
        version = watch.execute("PRAGMA data_version").fetchone()
        # It goes on reading the catalogue of this moment.
        before.execute("BEGIN")
        before.execute("SELECT 1 FROM sqlite_master").fetchone()
        operations = house.sandbox.stats()["operations"]
        yield
        assert house.sandbox.stats()["operations"] == operations
        if watch.execute("PRAGMA data_version").fetchone() != version:
            assert _kept(watch) == _kept(before)


def _kept(catalogue: sqlite3.Connection) -> list[str]:
    return [line for line in catalogue.iterdump() if not line.startswith('INSERT INTO "steady_clock"')]


def same(foreign: Answer, never: Answer, theirs: str, nobodys: str) -> None:
    assert foreign.without(theirs, theirs.upper()) == never.without(nobodys, nobodys.upper())


def told_apart_by_nothing(house: House, door: Door, theirs: str, nobodys: str) -> Answer:
    """Asks for both; the answer for the foreign one."""
    with untouched(house):
        foreign, never = door.ask(house, theirs), door.ask(house, nobodys)
    same(foreign, never, door.spelled(theirs), door.spelled(nobodys))
    return foreign


def code_of(file_id: str) -> str:
    return file_id.removeprefix("file-")


def start_session(url: str, key: str, metadata: Mapping[str, Any], size: int = 4) -> Answer:
    """The start of a resumable upload at Gemini's door."""
    headers = {
        "x-goog-api-key": key,
        "Content-Type": "application/json",
        "X-Goog-Upload-Protocol": "resumable",
        "X-Goog-Upload-Command": "start",
        "X-Goog-Upload-Header-Content-Length": str(size),
        "X-Goog-Upload-Header-Content-Type": "text/plain",
    }
    return send(url, "POST", "/upload/v1beta/files", json.dumps({"file": metadata}).encode(), headers)


def secret_of(started: Answer) -> str:
    return started.headers["x-goog-upload-url"].partition("upload_id=")[2].partition("&")[0]


def upload_whole(url: str, key: str, name: str, content: bytes) -> Answer:
    """A file with a Gemini name of one's own, in one request."""
    metadata = json.dumps({"file": {"name": f"files/{name}", "mimeType": "text/plain"}}).encode()
    body = (
        b"--edge\r\nContent-Type: application/json\r\n\r\n" + metadata + b"\r\n"
        b"--edge\r\nContent-Type: text/plain\r\n\r\n" + content + b"\r\n--edge--\r\n"
    )
    headers = {
        "x-goog-api-key": key,
        "X-Goog-Upload-Protocol": "multipart",
        "Content-Type": "multipart/related; boundary=edge",
    }
    return send(url, "POST", "/upload/v1beta/files", body, headers)


@contextmanager
def house_of(data_dir: Path) -> Iterator[House]:
    with sandbox_server() as sandbox, gateway_server(settings_for(sandbox, data_dir, jobs=STILL)) as url:
        with client_for(url, ANN) as ann, client_for(url, BOB) as bob:
            anns = _files(url, ann)
            replica: str = sandbox.control("files")["files"][0]["name"]
            bob.files.create(file=("own.txt", b"live at Gemini"), purpose="user_data")
            uploads, part = _uploads(ann)
            talk = ann.conversations.create()
            reply = ann.responses.create(model=MODEL, input="a secret", conversation=talk.id)
        session = secret_of(start_session(url, ANN, {"displayName": "hers"}))
        yield House(
            url, sandbox, data_dir, anns, uploads, part, session, replica, reply.id, str(reply.output[0].id), talk.id
        )


def _files(url: str, ann: openai.OpenAI) -> dict[str, str]:
    stored = ann.files.create(file=("a.txt", b"stored and never used"), purpose="user_data").id
    live = ann.files.create(file=("b.txt", b"live at Gemini"), purpose="user_data").id
    ask(ann, live)
    deleted = ann.files.create(file=("c.txt", b"deleted again"), purpose="user_data").id
    ann.files.delete(deleted)
    carried = ann.files.create(
        file=("d.txt", b"carried at upload"), purpose="user_data", extra_body={"target_model_names": MODEL}
    ).id
    ask(ann, carried)
    named = json.loads(upload_whole(url, ANN, ALIAS, b"under a name of its own").body)["file"]
    assert named["name"] == f"files/{ALIAS}"
    ask(ann, named["name"])
    return {"stored": stored, "live": live, "deleted": deleted, "carried": carried}


def _uploads(ann: openai.OpenAI) -> tuple[dict[str, str], str]:
    uploads: dict[str, str] = {}
    for state in ("pending", "completed", "cancelled"):
        upload = ann.uploads.create(bytes=5, filename="e.txt", mime_type="text/plain", purpose="user_data").id
        uploads[state] = upload
        part = ann.uploads.parts.create(upload, data=state[:5].encode()).id
        if state == "pending":
            pending_part = part
        elif state == "completed":
            ann.uploads.complete(upload, part_ids=[part])
        else:
            ann.uploads.cancel(upload)
    return uploads, pending_part
