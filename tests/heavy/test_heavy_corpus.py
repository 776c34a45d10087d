"""Hundreds of hostile inputs at every door for files: a typed 4xx or a clean close, and nothing left behind.

The gateway is a process of its own with short deadlines; what it holds (memory, descriptors), what lies on its disk and
what its catalogue says are looked at when all are over.
"""

from __future__ import annotations

import asyncio
import json
import unicodedata
from collections.abc import Iterator
from dataclasses import replace

import pytest

import heavy_form_cases
import heavy_line_cases
import heavy_native_cases
import heavy_upload_cases
from heavy_cases import Case, Ids
from heavy_rig import MIB, Rig, eventually, rig
from heavy_wire import ANN, Outcome, exchange, request

FORMS = heavy_form_cases.FAMILIES | heavy_line_cases.FAMILIES
FAMILIES = FORMS | heavy_upload_cases.FAMILIES | heavy_native_cases.FAMILIES
AT_ONCE = 12
BOB = {"Authorization": "Bearer sk-bob"}


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Afterwards nothing may be left of all that was sent."""
    with rig(tmp_path_factory.mktemp("corpus"), read_timeout=1.0) as running:
        healthy(running)
        before, open_before = running.reset_peak(), len(running.descriptors())
        yield running
        healthy(running)
        remove_what_passed(running)
        after = running.figures()
        assert after.peak - before.resident < 64 * MIB
        # Connections that stay open for the next request are closed by the gateway's own clock.
        assert eventually(lambda: len(running.descriptors()) <= open_before), running.descriptors()
        assert running.ask("SELECT count(*) FROM upload_parts") == [0]
        assert running.ask("SELECT count(*) FROM files") == [0]
        assert eventually(running.swept), running.on_disk()
        assert running.ask("SELECT count(*) FROM blobs") == [0]
        log = running.gateway.log.read_text()
        assert "Traceback" not in log and "never retrieved" not in log, log[-3000:]


@pytest.mark.parametrize("family", FAMILIES)
def test_hostile_inputs_are_refused_or_let_go(target: Rig, family: str) -> None:
    cases = list(FAMILIES[family]())
    verdicts = asyncio.run(judged(target, cases))
    wrong = [f"{case.name}: {verdict}" for case, verdict in zip(cases, verdicts, strict=True) if verdict]
    assert not wrong, f"{len(wrong)} of {len(cases)}:\n" + "\n".join(wrong)
    spools = target.data_dir / "spool"
    assert eventually(lambda: list(spools.glob("*")) == []), list(spools.glob("*"))


STATUSES = (0, 200, 201, 204, 206, 304, *range(400, 432), 500, 501, 502, 503, 504, 505, 507)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_case_has_one_right_outcome(family: str) -> None:
    """A case that takes any answer could not fail."""
    for case in FAMILIES[family]():
        taken = [status for status in STATUSES if case.verdict(answer_with(status, case)) is None]
        assert taken == [case.right], case.name
        if case.right >= 400 and case.method != "HEAD":
            assert case.verdict(Outcome(case.right, {}, b"")) and case.verdict(Outcome(case.right, JSON, b"{}"))


JSON = {"content-type": "application/json", "x-request-id": "req_x"}


def answer_with(status: int, case: Case) -> Outcome:
    """In the form that the case's dialect has for it."""
    error = {"message": "m", "type": "t", "param": None, "code": None}
    headers = JSON
    if case.dialect == "gemini":
        error = {"message": "m", "code": status, "status": "S"}  # type: ignore[dict-item]
        headers = JSON | {"content-type": "application/json; charset=UTF-8"}
    return Outcome(status, headers, json.dumps({"error": error}).encode())


def test_corpus_is_of_the_stated_size_and_of_different_cases() -> None:
    names = [case.name for family in FAMILIES.values() for case in family()]
    assert len(names) >= 300
    assert len(set(names)) == len(names)


async def judged(target: Rig, cases: list[Case]) -> list[str | None]:
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(case: Case) -> str | None:
        async with turns:
            ids = await prepared(target.url, case)
            outcome = await exchange(target.url, case.make(ids), eof=case.eof, method=case.method)
            if ids.session:
                # Its owner gives it up, so that what is left afterwards is litter.
                cancel = request("POST", ids.session, {"X-Goog-Upload-Command": "cancel"})
                assert (await exchange(target.url, [cancel])).status in (200, 400, 410)
        return case.verdict(outcome) or clean_name(outcome)

    return await asyncio.gather(*(one(case) for case in cases))


def clean_name(outcome: Outcome) -> str | None:
    """A file that was made has the last component of a name, of characters that can be shown."""
    if not 200 <= outcome.status < 300 or outcome.headers.get("content-type") != "application/json":
        return None
    name = outcome.json().get("filename", "a")
    if name in ("", ".", "..") or "/" in name or "\\" in name or len(name) > 512:
        return f"the name is {name!r}"
    return f"the name is {name!r}" if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in name) else None


# ── what the cases need ────────────────────────────────────────────────────────────────────────────────────────────


async def prepared(url: str, case: Case) -> Ids:
    ids = Ids()
    for need in case.needs:
        match need:
            case "upload":
                upload, parts = await uploaded(url)
                ids = replace(ids, upload=upload, parts=parts)
            case "completed":
                upload, parts = await uploaded(url)
                await told(url, f"/v1/uploads/{upload}/complete", {"part_ids": list(parts)})
                ids = replace(ids, completed=upload, completed_parts=parts)
            case "cancelled":
                upload, _ = await uploaded(url)
                await told(url, f"/v1/uploads/{upload}/cancel", {})
                ids = replace(ids, cancelled=upload)
            case "foreign":
                upload, parts = await uploaded(url, BOB)
                ids = replace(ids, foreign=upload, foreign_part=parts[1])
            case "session":
                ids = replace(ids, session=await session(url, need))
            case "finished":
                ids = replace(ids, finished=await session(url, need))
            case "ended":
                ids = replace(ids, ended=await session(url, need))
            case _:
                raise AssertionError(need)
    return ids


async def told(url: str, path: str, value: object, headers: dict[str, str] = ANN) -> dict[str, str]:
    outcome = await exchange(url, [request("POST", path, headers, json.dumps(value).encode())])
    assert outcome.status == 200, outcome
    answer: dict[str, str] = outcome.json()
    return answer


async def uploaded(url: str, headers: dict[str, str] = ANN) -> tuple[str, tuple[str, str]]:
    upload = (await told(url, "/v1/uploads", heavy_upload_cases.RIGHT, headers))["id"]
    form = {**headers, "Content-Type": "multipart/form-data; boundary=b0"}
    parts = []
    for content in (b"1234", b"5678"):
        body = heavy_upload_cases.data(content) + heavy_upload_cases.END
        outcome = await exchange(url, [request("POST", f"/v1/uploads/{upload}/parts", form, body)])
        assert outcome.status == 200, outcome
        parts.append(outcome.json()["id"])
    return upload, (parts[0], parts[1])


async def session(url: str, state: str) -> str:
    """The target of a native session of 16 bytes: with 8 of them, finalized, or cancelled."""
    start = {**heavy_native_cases.START, "X-Goog-Upload-Header-Content-Length": "16"}
    outcome = await exchange(url, [request("POST", heavy_native_cases.TARGET, start, b"{}")])
    assert outcome.status == 200, outcome
    place = "/" + outcome.headers["x-goog-upload-url"].split("/", 3)[3]
    steps = {
        "session": [("upload", "0", b"12345678")],
        "finished": [("upload", "0", b"12345678"), ("upload, finalize", "8", b"12345678")],
        "ended": [("cancel", "0", b"")],
    }
    for command, offset, body in steps[state]:
        headers = {"X-Goog-Upload-Command": command, "X-Goog-Upload-Offset": offset}
        outcome = await exchange(url, [request("POST", place, headers, body)])
        assert outcome.status == 200, outcome
    return place


# ── before and after ───────────────────────────────────────────────────────────────────────────────────────────────


def healthy(target: Rig) -> None:
    """An upload by each owner goes through and is removed again."""
    for key in ("sk-ann", "sk-bob"):
        with target.openai(key) as client:
            made = client.files.create(file=("a.txt", b"content" * 100_000), purpose="user_data")
            assert client.files.content(made.id).read() == b"content" * 100_000
            client.files.delete(made.id)


def remove_what_passed(target: Rig) -> None:
    """Files that were made of what is odd but right, and uploads that wait for more."""

    async def all_of_it() -> None:
        for headers in (ANN, BOB):
            listed = await exchange(target.url, [request("GET", "/v1/files", headers)], method="GET")
            for file in listed.json()["data"]:
                deleted = request("DELETE", f"/v1/files/{file['id']}", headers)
                assert (await exchange(target.url, [deleted], method="DELETE")).status == 200
        for owner, headers in (("ann", ANN), ("bob", BOB)):
            pending = f"SELECT id FROM uploads WHERE status = 'pending' AND kind = 'openai' AND owner = '{owner}'"
            for upload in target.ask(pending):
                await told(target.url, f"/v1/uploads/{upload}/cancel", {}, headers)

    asyncio.run(all_of_it())
