"""Bodies that were right and were damaged: whatever comes of them, it is a typed answer and leaves nothing behind."""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heavy_form_cases import END, FILE, PURPOSE, form, named
from heavy_native_cases import RELATED
from heavy_rig import MIB, Rig, eventually, rig
from heavy_wire import Outcome, exchange, google_error, openai_error, request

LIFE = named("expires_after[anchor]", b"created_at") + named("expires_after[seconds]", b"3600")
FORM = PURPOSE + LIFE + named("metadata[x]", b"y") + FILE + END
WHOLE_RELATED = (
    b'--b0\r\nContent-Type: application/json\r\n\r\n{"file": {"displayName": "a", "mimeType": "text/plain"}}\r\n'
    b"--b0\r\nContent-Type: text/plain\r\n\r\ncontent\r\n--b0--\r\n"
)
TOKENS = (b"\r\n", b"\r", b"\n", b"--b0", b"--b0--", b"--", b"\x00", b'"', b";", b"=", b":", b"\\", b"\xff", b"%00")
WORDS = (b"filename*=UTF-8''%ff", b"Content-Length: 1", b"Content-Type: multipart/mixed", b"\r\n\r\n", b"form-data")


def mutations(whole: bytes) -> st.SearchStrategy[bytes]:
    """A few cuts, repeats, moves and insertions at any place of `whole`."""
    place = st.integers(0, len(whole))
    some = st.one_of(st.sampled_from(TOKENS + WORDS), st.binary(max_size=4), st.just(b""))
    change = st.tuples(place, st.integers(0, 30), some, st.integers(1, 3))

    def damaged(changes: list[tuple[int, int, bytes, int]]) -> bytes:
        body = whole
        for at, removed, inserted, times in changes:
            at = min(at, len(body))
            body = body[:at] + inserted * times + body[at + removed :]
        return body

    return st.lists(change, min_size=1, max_size=4).map(damaged)


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with rig(tmp_path_factory.mktemp("mutations"), read_timeout=5) as running:
        with running.openai() as client:
            client.files.delete(client.files.create(file=("a.txt", b"a"), purpose="user_data").id)
        before = running.reset_peak()
        yield running
        assert running.figures().peak - before.resident < 48 * MIB
        with running.openai() as client:
            for file in list(client.files.list()):
                client.files.delete(file.id)
        assert eventually(running.swept), running.on_disk()
        log = running.gateway.log.read_text()
        assert "Traceback" not in log, log[-3000:]


def judge(outcome: Outcome, *, native: bool) -> None:
    if outcome.status == 200:
        name = outcome.json().get("filename", "a")
        assert name and "/" not in name and not any(unicodedata.category(c) in ("Cc", "Cs") for c in name)
        return
    assert 400 <= outcome.status < 500, outcome
    assert (google_error if native else openai_error)(outcome) is None, outcome


def run(target: Rig, body: bytes, cut: int, *, native: bool) -> None:
    """In two pieces, so that the parsers meet the damage across a border too."""
    raw = request("POST", "/upload/v1beta/files", RELATED, body) if native else form(body)
    border = len(raw) - len(body) + min(cut, len(body))
    judge(asyncio.run(exchange(target.url, [raw[:border], raw[border:]])), native=native)


REDUCED = settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
STATED = settings(max_examples=5000, deadline=None, suppress_health_check=list(HealthCheck))
CUT = st.integers(0, 600)


@REDUCED
@given(body=mutations(FORM), cut=CUT)
def test_damaged_form_is_answered(target: Rig, body: bytes, cut: int) -> None:
    run(target, body, cut, native=False)


@REDUCED
@given(body=mutations(WHOLE_RELATED), cut=CUT)
def test_damaged_related_body_is_answered(target: Rig, body: bytes, cut: int) -> None:
    run(target, body, cut, native=True)


@pytest.mark.full
@STATED
@given(body=mutations(FORM), cut=CUT)
def test_many_damaged_forms_are_answered(target: Rig, body: bytes, cut: int) -> None:
    run(target, body, cut, native=False)


@pytest.mark.full
@STATED
@given(body=mutations(WHOLE_RELATED), cut=CUT)
def test_many_damaged_related_bodies_are_answered(target: Rig, body: bytes, cut: int) -> None:
    run(target, body, cut, native=True)
