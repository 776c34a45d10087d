"""Two owners try each other's files through every route: exactly as if the file had never been.

Ann has files in every state that a file can be in. Bob names them in every spelling; each time the same request names a
file that never was, in the same spelling. Status, headers and body must be the same but for the id, and neither Gemini
nor the catalogue may have been touched by either.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateways import ask, client_for
from liftgate import ids
from owners_doors import (
    ANTHROPIC_FILES,
    BY_FILE_ID,
    CHATS,
    CONVERSATIONS,
    FILES,
    GOOGLE,
    MESSAGES,
    NATIVE_CALLS,
    NATIVE_FILES,
    NATIVE_NAMES,
    REFERENCES,
    RESPONSES,
    STORED,
    chat,
)
from owners_house import (
    ALIAS,
    ANN,
    BOB,
    NO_ALIAS,
    Door,
    House,
    code_of,
    house_of,
    same,
    told_apart_by_nothing,
    untouched,
)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house_of(tmp_path_factory.mktemp("owners")) as house:
        yield house


SPELLINGS: dict[str, Callable[[str, House], str]] = {
    "id": lambda code, house: f"file-{code}",
    "name": lambda code, house: f"files/{code}",
    "name of id": lambda code, house: f"files/file-{code}",
    "Google's URI": lambda code, house: f"{GOOGLE}/v1beta/files/{code}",
    "Google's URI, v1": lambda code, house: f"{GOOGLE}/v1/files/{code}",
    "Google's URI of the id": lambda code, house: f"{GOOGLE}/v1beta/files/file-{code}",
    "Google's URI of the download": lambda code, house: f"{GOOGLE}/v1beta/files/{code}:download?alt=media",
    "our URI": lambda code, house: f"{house.url}/v1beta/files/{code}",
    "our URI, v1": lambda code, house: f"{house.url}/v1/files/{code}",
    "Gemini's URI": lambda code, house: f"{house.sandbox.url}/v1beta/files/{code}",
    "name with a space": lambda code, house: f"files/{code} ",
}
"""What claims to be a file; the other ones only in a chat, as Gemini's doors hand on what claims nothing."""

CHAT_SPELLINGS: dict[str, Callable[[str, House], str]] = {
    **SPELLINGS,
    "code": lambda code, house: code,
    "upper case": lambda code, house: f"FILE-{code.upper()}",
    "with a space": lambda code, house: f"file-{code} ",
}


@pytest.mark.parametrize("state", ["stored", "live", "deleted", "carried"])
@pytest.mark.parametrize("door", [*FILES, *NATIVE_FILES, *ANTHROPIC_FILES])
def test_foreign_file_is_as_one_that_never_was(house: House, door: str, state: str) -> None:
    asked = (FILES | NATIVE_FILES | ANTHROPIC_FILES)[door]
    told = told_apart_by_nothing(house, asked, code_of(house.anns[state]), ids.token())
    assert told.status in (400, 403, 404)


@pytest.mark.parametrize("door", [*FILES, *NATIVE_NAMES, *ANTHROPIC_FILES])
def test_foreign_name_of_ones_own_choice_is_as_one_that_nobody_chose(house: House, door: str) -> None:
    asked = replace((FILES | NATIVE_NAMES | ANTHROPIC_FILES)[door], spelled=str)
    assert told_apart_by_nothing(house, asked, ALIAS, NO_ALIAS).status in (400, 403, 404)


@pytest.mark.parametrize("spelling", CHAT_SPELLINGS)
@pytest.mark.parametrize("door", [*CHATS, *MESSAGES])
def test_foreign_file_in_a_chat_is_as_one_that_never_was(house: House, door: str, spelling: str) -> None:
    spelled = CHAT_SPELLINGS[spelling]
    for theirs, nobodys in ((code_of(house.anns["live"]), ids.token()), (ALIAS, NO_ALIAS)):
        foreign, never = spelled(theirs, house), spelled(nobodys, house)
        with untouched(house):
            answers = [(CHATS | MESSAGES)[door].ask(house, each) for each in (foreign, never)]
        same(answers[0], answers[1], theirs, nobodys)
        assert answers[0].status >= 400


@pytest.mark.parametrize("door", RESPONSES)
def test_foreign_file_in_a_response_is_as_one_that_never_was(house: House, door: str) -> None:
    for spelled in CHAT_SPELLINGS.values():
        for theirs, nobodys in ((code_of(house.anns["live"]), ids.token()), (ALIAS, NO_ALIAS)):
            foreign, never = spelled(theirs, house), spelled(nobodys, house)
            with untouched(house):
                answers = [RESPONSES[door].ask(house, each) for each in (foreign, never)]
            same(answers[0], answers[1], theirs, nobodys)
            assert answers[0].status >= 400


@pytest.mark.parametrize("door", STORED)
def test_foreign_response_is_as_one_that_never_was(house: House, door: str) -> None:
    foreign = told_apart_by_nothing(house, STORED[door], house.reply, f"resp_{ids.token(26)}")
    assert foreign.status in (400, 404)


@pytest.mark.parametrize("door", CONVERSATIONS)
def test_foreign_conversation_is_as_one_that_never_was(house: House, door: str) -> None:
    nobodys = f"conv_{ids.token()}"
    assert told_apart_by_nothing(house, CONVERSATIONS[door], house.conversation, nobodys).status == 404


@pytest.mark.parametrize("door", REFERENCES)
def test_foreign_item_is_as_one_that_never_was(house: House, door: str) -> None:
    assert told_apart_by_nothing(house, REFERENCES[door], house.item, f"msg_{ids.token(26)}00").status == 404


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("door", NATIVE_CALLS)
def test_foreign_file_in_a_native_call_is_as_one_that_never_was(house: House, door: str, spelling: str) -> None:
    spelled = SPELLINGS[spelling]
    pairs = [(code_of(house.anns["live"]), ids.token())]
    if spelling != "id":
        pairs.append((ALIAS, NO_ALIAS))
    for theirs, nobodys in pairs:
        with untouched(house):
            answers = [NATIVE_CALLS[door].ask(house, spelled(each, house)) for each in (theirs, nobodys)]
        same(answers[0], answers[1], theirs, nobodys)
        assert answers[0].status == 403


@pytest.mark.parametrize("key", [ANN, BOB])
@pytest.mark.parametrize("spelled", ["{}", GOOGLE + "/v1beta/{}", "file-{code}"])
@pytest.mark.parametrize("door", [CHATS["file_id"], CHATS["count"], NATIVE_CALLS["generateContent 0, /v1beta"]])
def test_name_of_a_replica_is_nobodys(house: House, door: Door, key: str, spelled: str) -> None:
    code, other = house.replica.removeprefix("files/"), ids.token()
    with untouched(house):
        answers = [door.ask(house, spelled.format("files/" + each, code=each), key) for each in (code, other)]
    same(answers[0], answers[1], code, other)
    assert answers[0].status == (403 if door.speaks == "gemini" else 404)


@pytest.mark.parametrize("key", [ANN, BOB])
@pytest.mark.parametrize("door", NATIVE_FILES)
def test_replica_is_nobodys_file(house: House, door: str, key: str) -> None:
    code, other = house.replica.removeprefix("files/"), ids.token()
    asked = NATIVE_FILES[door]
    with untouched(house):
        answers = [asked.ask(house, each, key) for each in (code, other)]
    same(answers[0], answers[1], asked.spelled(code), asked.spelled(other))
    assert answers[0].status in (400, 403)


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
        assert ask(ann, f"files/{ALIAS}")


# ── any spelling at all ──────────────────────────────────────────────────────────────────────────────────────────────

PIECES = st.sampled_from(
    (
        *("file-", "files/", "/", "..", ".", "%2e%2e/", "%00", "\x00", " ", "-", "#", "?", "\\", "ｆｉｌｅ-"),
        *("\u200b", "é", f"{GOOGLE}/v1beta/", "http://127.0.0.1/v1beta/", "https://evil.example/v1beta/files/"),
        *("//", ":download", "a"),
    )
)
CASES = st.sampled_from((str, str.upper, str.title, str.swapcase))
FORMS = st.tuples(st.lists(PIECES, max_size=3), CASES, st.lists(PIECES, max_size=2))
"""What stands before the 24 characters, how they are written, what stands behind them."""

ANYWHERE = (
    Door("GET", "/v1/files/{}", spelled=lambda text: quote(text, safe="")),
    Door("GET", "/v1/files/{}/content", spelled=lambda text: quote(text, safe="")),
    Door("DELETE", "/v1/files/{}", spelled=lambda text: quote(text, safe="")),
    Door("GET", "/v1/files?after={}", spelled=lambda text: quote(text, safe="")),
    Door("GET", "/v1beta/files/{}", speaks="gemini", spelled=lambda text: quote(text, safe="")),
    Door("DELETE", "/v1beta/files/{}", speaks="gemini", spelled=lambda text: quote(text, safe="")),
    Door("GET", "/v1beta/files/{}:download?alt=media", speaks="gemini", spelled=lambda text: quote(text, safe="")),
    Door("GET", "/v1beta/files?pageToken={}", speaks="gemini", spelled=lambda text: quote(text, safe="")),
    Door("GET", "/v1/files/{}", speaks="anthropic", spelled=lambda text: quote(text, safe="")),
    Door("GET", "/v1/files?page={}", speaks="anthropic", spelled=lambda text: quote(text, safe="")),
    MESSAGES["document"],
    MESSAGES["image's url"],
    Door("POST", "/v1/uploads/{}/cancel", {}, spelled=lambda text: quote(text, safe="")),
    Door("POST", "/v1/chat/completions", chat(BY_FILE_ID)),
    Door("POST", "/v1/chat/completions/input_tokens", chat(BY_FILE_ID)),
)


def any_spelling(house: House, form: tuple[list[str], Callable[[str], str], list[str]]) -> None:
    before, cased, behind = form
    code, other = code_of(house.anns["live"]), ids.token()
    # An error may repeat what was sent, cut amid these characters.
    shown = [cased(each) for each in (code, other)]
    shown += [f"{each[:size]}…" for each in shown for size in range(len(each) - 1, 0, -1)]
    hidden = re.compile("|".join(map(re.escape, shown)))
    for door in ANYWHERE:
        foreign, never = (door.ask(house, "".join([*before, cased(each), *behind])) for each in (code, other))
        assert hidden.sub("…", foreign.without().body) == hidden.sub("…", never.without().body)
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
