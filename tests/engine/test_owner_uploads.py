"""Foreign uploads, their parts, and sessions at Gemini's door: as ones that never were.

A native session has no owner to ask for: its id is the capability. So nothing but the whole id may open it, and what a
caller without it is told must not depend on whether there is one.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from gateways import client_for
from liftgate import ids
from owners_doors import SESSIONS, UPLOADS
from owners_house import (
    ALIAS,
    ANN,
    BOB,
    Answer,
    Door,
    House,
    code_of,
    house_of,
    same,
    secret_of,
    send,
    start_session,
    told_apart_by_nothing,
    untouched,
    upload_whole,
)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house_of(tmp_path_factory.mktemp("owners")) as house:
        yield house


def column(house: House, name: str, secret: str) -> str:
    """Of the row of a native session."""
    with closing(sqlite3.connect(f"file:{house.data_dir}/catalog.db?mode=ro", uri=True)) as catalogue:
        [(value,)] = catalogue.execute(
            f"SELECT {name} FROM uploads WHERE secret_hash = ?", (hashlib.sha256(secret.encode()).hexdigest(),)
        ).fetchall()
    return str(value)


# ── OpenAI's ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("state", ["pending", "completed", "cancelled"])
@pytest.mark.parametrize("door", UPLOADS)
def test_foreign_upload_is_as_one_that_never_was(house: House, door: str, state: str) -> None:
    assert told_apart_by_nothing(house, UPLOADS[door], house.uploads[state], ids.new_upload_id()).status == 404


def test_foreign_upload_with_its_own_part_is_as_one_that_never_was(house: House) -> None:
    door = Door("POST", "/v1/uploads/{}/complete", {"part_ids": [house.part], "md5": "0" * 32})
    assert told_apart_by_nothing(house, door, house.uploads["pending"], ids.new_upload_id()).status == 404


@pytest.mark.parametrize("key", [ANN, BOB])
@pytest.mark.parametrize("door", UPLOADS)
def test_session_of_geminis_door_is_no_upload_of_openais(house: House, door: str, key: str) -> None:
    session, other = column(house, "id", house.session), ids.new_upload_id()
    with untouched(house):
        answers = [UPLOADS[door].ask(house, each, key) for each in (session, other)]
    same(answers[0], answers[1], session, other)
    assert answers[0].status == 404


def test_part_of_another_upload_is_as_one_that_never_was(house: House) -> None:
    with client_for(house.url, BOB) as bob:
        own = bob.uploads.create(bytes=5, filename="f.txt", mime_type="text/plain", purpose="user_data").id
        part = bob.uploads.parts.create(own, data=b"bob's").id
    complete = Door("POST", f"/v1/uploads/{own}/complete", {"part_ids": ["{}"]})
    beside = Door("POST", f"/v1/uploads/{own}/complete", {"part_ids": [part, "{}"]})
    for door in (complete, beside):
        assert told_apart_by_nothing(house, door, house.part, ids.new_part_id()).status == 400
    with client_for(house.url, BOB) as bob:
        assert bob.uploads.complete(own, part_ids=[part]).status == "completed"


def test_ann_still_completes_what_bob_tried_to_end(house: House) -> None:
    with client_for(house.url, ANN) as ann:
        upload = ann.uploads.create(bytes=5, filename="g.txt", mime_type="text/plain", purpose="user_data").id
        part = ann.uploads.parts.create(upload, data=b"ann's").id
        for door in UPLOADS.values():
            assert door.ask(house, upload).status == 404
        file = ann.uploads.complete(upload, part_ids=[part]).file
        assert file is not None
        assert ann.files.content(file.id).read() == b"ann's"


# ── Gemini's ─────────────────────────────────────────────────────────────────────────────────────────────────────────

NOT_THE_CAPABILITY: dict[str, Callable[[House], str]] = {
    "the row's id": lambda house: column(house, "id", house.session),
    "its hash": lambda house: hashlib.sha256(house.session.encode()).hexdigest(),
    "all but its end": lambda house: house.session[:-1],
    "its beginning": lambda house: house.session[:43],
    "another case": lambda house: house.session.swapcase(),
    "more than it": lambda house: house.session + "A",
    "with padding": lambda house: house.session + "%3D%3D",
    "with a space": lambda house: "%20" + house.session,
    "an upload of OpenAI's": lambda house: house.uploads["pending"],
    "a wildcard": lambda house: "%25",
}


@pytest.mark.parametrize("guess", NOT_THE_CAPABILITY)
@pytest.mark.parametrize("door", SESSIONS)
def test_what_is_not_the_capability_is_as_one_that_never_was(house: House, door: str, guess: str) -> None:
    named = NOT_THE_CAPABILITY[guess](house)
    for key in (BOB, ANN, None):
        with untouched(house):
            answers = [SESSIONS[door].ask(house, each, key) for each in (named, ids.token(86))]
        assert answers[0].without() == answers[1].without()
        assert answers[0].status == 404


def test_session_ended_or_forgotten_tells_nothing_to_who_has_not_its_id(house: House) -> None:
    """Its holder is told that it expired, and once it is forgotten what everybody is told."""
    secret = secret_of(start_session(house.url, ANN, {}))
    query = SESSIONS["query, v1beta"]
    assert query.ask(house, secret, None).status == 200
    unknown = query.ask(house, ids.token(86), None).without()
    for work, status in (("UPDATE uploads SET expires_at = 1", 410), ("DELETE FROM uploads", 404)):
        upload = column(house, "id", secret)
        with closing(sqlite3.connect(house.data_dir / "catalog.db")) as catalogue, catalogue:
            catalogue.execute(f"{work} WHERE id = ?", (upload,))
        told = query.ask(house, secret, None)
        assert told.status == status
        assert (told.without() == unknown) is (status == 404)
        assert query.ask(house, upload, None).without() == unknown
        assert told_apart_by_nothing(house, UPLOADS["cancel, /v1"], upload, ids.new_upload_id()).status == 404


def test_upload_is_not_begun_without_a_key_of_an_owner(house: House) -> None:
    """An empty `upload_id` is none: it opens nothing and does not stand for a key."""
    empty = Door("POST", "/upload/v1beta/files?upload_id=", b"{}", {"X-Goog-Upload-Command": "start"}, "gemini")
    assert empty.ask(house, "", None).status == 401


# ── names of one's own ───────────────────────────────────────────────────────────────────────────────────────────────


def shape(answer: Answer) -> tuple[int, set[str], set[str]]:
    return answer.status, set(answer.headers), set(json.loads(answer.body)["file"])


def test_name_that_another_chose_can_be_chosen(house: House) -> None:
    """Names are each owner's own: a conflict would tell that Ann has it. Both have theirs afterwards."""
    code = code_of(house.anns["live"])
    never = upload_whole(house.url, BOB, "a-name-of-nobody", b"bob's")
    assert never.status == 200
    for name in (ALIAS, code):
        assert shape(upload_whole(house.url, BOB, name, b"bob's")) == shape(never)
    read = Door("GET", "/v1beta/files/{}:download?alt=media", speaks="gemini")
    for name, anns in ((ALIAS, "under a name of its own"), (code, "live at Gemini")):
        assert read.ask(house, name).body == "bob's"
        assert read.ask(house, name, ANN).body == anns
    for name in (ALIAS, code):
        removed = Door("DELETE", "/v1beta/files/{}", speaks="gemini").ask(house, name)
        assert (removed.status, read.ask(house, name).status) == (200, 403)
    assert read.ask(house, ALIAS, ANN).status == 200


def test_session_for_a_name_that_another_chose_begins_like_any(house: House) -> None:
    headers = {"X-Goog-Upload-Command": "upload, finalize", "X-Goog-Upload-Offset": "0"}
    answers = []
    for name in (ALIAS, code_of(house.anns["stored"]), "another-name-of-nobody"):
        started = start_session(house.url, BOB, {"name": f"files/{name}"})
        secret = secret_of(started)
        ended = send(house.url, "POST", f"/upload/v1beta/files?upload_id={secret}", b"mine", headers)
        answers.append((started.status, set(started.headers), shape(ended)))
    assert answers[0] == answers[1] == answers[2]
    assert answers[0][0] == 200
