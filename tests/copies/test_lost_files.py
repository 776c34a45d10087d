"""Several files of one request, lost at Gemini: made again within the request, whoever carries them and however many.

Gemini's denial names one file (docs/protocol/gemini.md, "Errors"), and other programs of the same project may delete
any number of them.
"""

from __future__ import annotations

import hashlib
import json
import threading
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateways import MODEL, client_for, deployments, gateway_server, sandbox_server
from liftgate import Liftgate
from liftgate.sandbox.app import SandboxSettings
from liftgate.settings import RouterSettings
from moved_clock import BriskClock
from scene import Scene, audio, eventually, outcome, quick_settings, scene

HOUR = 3600.0
Files = dict[str, bytes]


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def messages(files: Files) -> Any:
    parts: list[dict[str, Any]] = [{"type": "file", "file": {"file_id": file_id}} for file_id in files]
    return [{"role": "user", "content": [{"type": "text", "text": "What are these?"}, *parts]}]


def native(files: Files) -> dict[str, Any]:
    parts = [
        {"fileData": {"fileUri": f"https://generativelanguage.googleapis.com/v1beta/files/{file_id[5:]}"}}
        for file_id in files
    ]
    return {"contents": [{"role": "user", "parts": parts}]}


def chat(of: Scene, files: Files) -> str:
    reply = of.client.chat.completions.create(model=MODEL, messages=messages(files))
    return str(reply.choices[0].message.content)


def stream(of: Scene, files: Files) -> str:
    chunks = of.client.chat.completions.create(model=MODEL, messages=messages(files), stream=True)
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def count(of: Scene, files: Files) -> str:
    answer = post(of, "/v1/chat/completions/input_tokens", {"model": MODEL, "messages": messages(files)})
    assert json.loads(answer)["input_tokens"] > 0
    return "counted"


def generate(of: Scene, files: Files) -> str:
    return post(of, f"/v1beta/models/{MODEL}:generateContent", native(files))


def native_stream(of: Scene, files: Files) -> str:
    return post(of, f"/v1beta/models/{MODEL}:streamGenerateContent?alt=sse", native(files))


def native_count(of: Scene, files: Files) -> str:
    answer = post(of, f"/v1beta/models/{MODEL}:countTokens", native(files))
    assert json.loads(answer)["totalTokens"] > 0
    return "counted"


def post(of: Scene, path: str, body: object) -> str:
    speaks = {"x-goog-api-key": "sk-ann"} if "/v1beta/" in path else {"Authorization": "Bearer sk-ann"}
    headers = {"Content-Type": "application/json", **speaks}
    request = urllib.request.Request(of.url + path, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        told: str = answer.read().decode()
        return told


def responses(of: Scene, files: Files, **more: object) -> str:
    return post(of, "/v1/responses", {"model": MODEL, "input": items(files), "store": False, **more})


def responses_stream(of: Scene, files: Files) -> str:
    return responses(of, files, stream=True)


def responses_in_a_result(of: Scene, files: Files) -> str:
    """Among a tool's results, and in the container of code."""
    (first, *others) = files
    told = [
        {"role": "user", "content": "go"},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": items(dict.fromkeys(others, b""))[0]["content"]},
    ]
    code = {"type": "code_interpreter", "container": {"type": "auto", "file_ids": [first]}}
    return responses(of, files, input=told, tools=[code, {"type": "function", "name": "f"}])


def responses_in_a_conversation(of: Scene, files: Files) -> str:
    """The files stand in what was said before."""
    before = {"items": [*items(files), {"role": "assistant", "content": "?"}]}
    conversation = json.loads(post(of, "/v1/conversations", before))["id"]
    return post(of, "/v1/responses", {"model": MODEL, "input": "What are these?", "conversation": conversation})


def responses_count(of: Scene, files: Files) -> str:
    told = post(of, "/v1/responses/input_tokens", {"model": MODEL, "input": items(files)})
    assert json.loads(told)["input_tokens"] > 0
    return "counted"


def compacted(of: Scene, files: Files) -> str:
    post(of, "/v1/responses/compact", {"model": MODEL, "input": [*items(files), {"role": "assistant", "content": "?"}]})
    return "counted"


def items(files: Files) -> Any:
    return [{"role": "user", "content": [{"type": "input_file", "file_id": file_id} for file_id in files]}]


def anthropics(of: Scene, files: Files, path: str = "/v1/messages", **more: object) -> str:
    blocks = [{"type": "document", "source": {"type": "file", "file_id": file_id}} for file_id in files]
    return post(of, path, {"model": MODEL, "messages": [{"role": "user", "content": blocks}], **more})


def anthropics_whole(of: Scene, files: Files) -> str:
    return anthropics(of, files, max_tokens=1000)


def anthropics_stream(of: Scene, files: Files) -> str:
    """Its text comes in pieces."""
    told = anthropics(of, files, max_tokens=1000, stream=True)
    events = [json.loads(line[6:]) for line in told.splitlines() if line.startswith("data: ")]
    return "".join(each["delta"]["text"] for each in events if each.get("delta", {}).get("type") == "text_delta")


def anthropics_count(of: Scene, files: Files) -> str:
    assert json.loads(anthropics(of, files, "/v1/messages/count_tokens"))["input_tokens"] > 0
    return "counted"


OTHER_DIALECTS = (
    *(responses, responses_stream, responses_in_a_result, responses_in_a_conversation, responses_count, compacted),
    *(anthropics_whole, anthropics_stream, anthropics_count),
)
CARRIERS = (chat, stream, count, generate, native_stream, native_count)
Carrier = Callable[[Scene, Files], str]


def made(of: Scene, number: int, *, filename: str = "speech.mp3") -> Files:
    contents = [audio(2000 + place, seed=place) for place in range(number)]
    return {of.create(data, filename): data for data in contents}


def lose(of: Scene, contents: Sequence[bytes]) -> None:
    """As another program of the same project deletes them."""
    doomed = {digest(data) for data in contents}
    for file in of.at_gemini():
        if file["sha256"] in doomed:
            of.sandbox.control(f"files/{file['id']}", method="DELETE")


def answers(carrier: Carrier, of: Scene, files: Files) -> None:
    """The carrier answers, and what it was answered about are these very bytes."""
    told = carrier(of, files)
    if told != "counted":
        assert all(digest(data) in told for data in files.values()), told


@contextmanager
def requests(of: Scene, **expected: int) -> Iterator[None]:
    """What Gemini was asked for in between."""
    before = of.sandbox.stats()["operations"]
    yield
    after = of.sandbox.stats()["operations"]
    assert {name: after.get(name, 0) - before.get(name, 0) for name in expected} == expected


@pytest.mark.parametrize("carrier", CARRIERS, ids=lambda carrier: carrier.__name__)
def test_all_of_ten_lost_files_are_made_again_within_one_request(carrier: Carrier, tmp_path: Path) -> None:
    with scene(tmp_path) as of:
        files = made(of, 10)
        answers(carrier, of, files)
        of.advance(HOUR)
        lose(of, list(files.values()))
        operation = {"chat": "generate", "stream": "stream", "native_stream": "stream", "generate": "generate"}
        # One denial; the other nine are asked for; all ten are sent; one answer.
        with requests(of, **{operation.get(carrier.__name__, "countTokens"): 2, "files.get": 9, "upload.finalize": 10}):
            answers(carrier, of, files)
        with requests(of, **{"files.get": 0, "upload.start": 0}):
            answers(carrier, of, files)


def test_lost_files_are_made_again_within_one_request_in_every_dialect(tmp_path: Path) -> None:
    with scene(tmp_path) as of:
        files = made(of, 3)
        for carrier in OTHER_DIALECTS:
            answers(carrier, of, files)
            of.advance(HOUR)
            lose(of, list(files.values()))
            with requests(of, **{"upload.finalize": 3}):
                answers(carrier, of, files)


@pytest.mark.parametrize("carrier", CARRIERS, ids=lambda carrier: carrier.__name__)
def test_two_lost_of_three_are_made_again_and_the_third_is_not(carrier: Carrier, tmp_path: Path) -> None:
    with scene(tmp_path) as of:
        files = made(of, 3)
        answers(carrier, of, files)
        of.advance(HOUR)
        lose(of, list(files.values())[1:])
        with requests(of, **{"upload.finalize": 2}):
            answers(carrier, of, files)


def test_young_lost_files_wait_together(tmp_path: Path) -> None:
    """A copy of a moment ago may only not have reached all of Gemini's servers: three pauses for each, at one time."""
    with scene(tmp_path) as of:
        files = made(of, 5)
        answers(chat, of, files)
        lose(of, list(files.values()))
        # Four are asked for at once, five after each of the three pauses.
        with requests(of, **{"generate": 2, "files.get": 4 + 3 * 5, "upload.finalize": 5}):
            answers(chat, of, files)


def test_young_files_that_gemini_shows_again_are_not_sent_again(tmp_path: Path) -> None:
    with scene(tmp_path) as of:
        files = made(of, 3)
        answers(chat, of, files)
        names = [file["id"] for file in of.at_gemini()]
        of.order(kind="forbidden_file", operation="generate", file=names[0])
        of.order(kind="forbidden_file", operation="files.get", file=names[1])
        with requests(of, **{"generate": 2, "upload.start": 0}):
            answers(chat, of, files)


def test_lost_beside_expired(tmp_path: Path) -> None:
    with scene(tmp_path) as of:
        [(old, old_data)] = made(of, 1).items()
        answers(chat, of, {old: old_data})
        # The old one is made again once: by this chat, or by the job that renews, if its turn comes before.
        with requests(of, **{"upload.finalize": 2 + 3}):
            of.advance(47.9 * HOUR)
            newer = {of.create(audio(3000 + n, n), "speech.mp3"): audio(3000 + n, n) for n in range(2)}
            answers(chat, of, newer)
            of.advance(0.2 * HOUR)
            lose(of, list(newer.values()))
            answers(chat, of, {old: old_data, **newer})


def test_lost_beside_one_that_is_still_processing(tmp_path: Path) -> None:
    with scene(tmp_path, sandbox_settings=SandboxSettings(video_processing=1.0)) as of:
        files = made(of, 2)
        answers(chat, of, files)
        of.advance(HOUR)
        lose(of, list(files.values()))
        film = audio(5000, 9)
        with requests(of, **{"upload.finalize": 3}):
            answers(chat, of, {**files, of.create(film, "clip.mp4"): film})


def test_lost_beside_one_that_gemini_processes_again(tmp_path: Path) -> None:
    """A copy that was ACTIVE and is PROCESSING is waited for, not sent again."""
    with scene(tmp_path, switches={"state_present": False}) as of:
        files = made(of, 3)
        answers(chat, of, files)
        of.advance(HOUR)
        of.sandbox.control("unverified", {"state_present": True})
        contents = list(files.values())
        lose(of, contents[:2])
        [kept] = of.at_gemini()
        of.sandbox.control(f"files/{kept['id']}", {"state": "PROCESSING"})
        of.order(kind="slow", operation="files.get", seconds=0.1)
        done = lambda: of.sandbox.control(f"files/{kept['id']}", {"state": "ACTIVE"})  # noqa: E731
        with requests(of, **{"upload.finalize": 2}), after(lambda: of.operations("files.get") >= 2, done):
            answers(chat, of, files)


@contextmanager
def after(true: Callable[[], bool], act: Callable[[], object]) -> Iterator[None]:
    """Does `act` once it is true, while the block runs."""
    thread = threading.Thread(target=lambda: eventually(true, 20) and act())
    thread.start()
    try:
        yield
    finally:
        thread.join()


@pytest.mark.parametrize("again", [1, 3])
def test_lost_again_between_making_and_asking(again: int, tmp_path: Path) -> None:
    with scene(tmp_path) as of:
        files = made(of, 3)
        answers(chat, of, files)
        of.advance(HOUR)
        lose(of, list(files.values()))
        of.order(kind="early_expiry", operation="upload.finalize", seconds=0, times=again)
        answers(chat, of, files)
        assert of.finalized == 3 + 3 + again


@contextmanager
def two_accounts(data_dir: Path, *, fallback: bool) -> Iterator[Scene]:
    """One model at two accounts, or a model whose fallback is at the other."""
    with sandbox_server() as sandbox:
        first, second = deployments(sandbox.url, ("key-a", "key-b"))
        router = RouterSettings(timeout=45, cooldown_time=0.2)
        if fallback:
            second = replace(second, model_name="other")
            router = replace(router, num_retries=0, fallbacks=({MODEL: ("other",)},))
        settings = quick_settings(sandbox, data_dir, deployments=(first, second), router=router)
        with gateway_server(settings, clock=BriskClock()) as url, client_for(url) as client:
            yield Scene(sandbox, url, client)


def test_lost_at_one_of_two_accounts(tmp_path: Path) -> None:
    with two_accounts(tmp_path, fallback=False) as of:
        files = made(of, 4)
        answers(chat, of, files)
        of.advance(HOUR)
        lose(of, list(files.values()))
        # The denial at the one account, then a 503 there, then the other account, which has none of them.
        of.order(kind="status", operation="generate", code=503, skip=1)
        answers(chat, of, files)
        assert len({file["project"] for file in of.at_gemini()}) == 2
        of.advance(HOUR)
        lose(of, list(files.values())[:3])
        answers(stream, of, files)


def test_lost_in_a_fallback(tmp_path: Path) -> None:
    with two_accounts(tmp_path, fallback=True) as of:
        files = made(of, 3)
        of.order(kind="status", operation="generate", code=503, key="key-a", times=None)
        answers(chat, of, files)
        of.advance(HOUR)
        lose(of, list(files.values()))
        answers(chat, of, files)


def test_many_chats_at_once_make_each_lost_file_once(tmp_path: Path) -> None:
    with scene(tmp_path) as of:
        files = made(of, 4)
        answers(chat, of, files)
        of.advance(HOUR)
        lose(of, list(files.values()))
        with requests(of, **{"upload.finalize": 4}), ThreadPoolExecutor(8) as threads:
            for done in [threads.submit(answers, chat, of, files) for _ in range(8)]:
                done.result()


def test_denial_that_is_no_files_sends_nothing_again(tmp_path: Path) -> None:
    """A 403 that names no file, while all files are there, is the caller's to read."""
    with scene(tmp_path) as of:
        files = made(of, 2)
        answers(chat, of, files)
        of.advance(HOUR)
        error = {"code": 403, "message": "The caller does not have permission.", "status": "PERMISSION_DENIED"}
        of.order(kind="status", operation="generate", code=403, body={"error": error}, times=None)
        with requests(of, **{"generate": 1, "files.get": 2, "upload.start": 0}):
            assert outcome(lambda: chat(of, files)) == "403 None"


def test_file_that_gemini_denies_for_ever_is_named(tmp_path: Path) -> None:
    router = RouterSettings(timeout=45, cooldown_time=0.2, num_retries=0)
    with scene(tmp_path, router=router) as of:
        files = made(of, 3)
        answers(chat, of, files)
        of.advance(HOUR)
        lose(of, list(files.values()))
        of.order(kind="early_expiry", operation="upload.finalize", seconds=0, times=None)
        with requests(of, **{"upload.finalize": 6}):
            assert outcome(lambda: chat(of, files)) == "502 upstream_file_lost"
        of.clear_faults()
        answers(chat, of, files)


def test_sdk_over_kept_files_makes_them_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with scene(tmp_path / "gateway") as of:
        monkeypatch.setenv("GEMINI_API_BASE", of.sandbox.url)
        monkeypatch.setenv("GEMINI_API_KEY", "key-b")
        with Liftgate(data_dir=tmp_path / "kept") as client:
            contents = [audio(4000 + place, place) for place in range(4)]
            files = {client.create_file(file=("speech.mp3", data)).id: data for data in contents}
            client.completion(MODEL, messages(files))
            of.advance(HOUR)
            lose(of, contents)
            told = client.completion(MODEL, messages(files)).choices[0].message.content or ""
            assert all(digest(data) in told for data in contents)
            lose(of, contents)
            chunks = client.completion(MODEL, messages(files), stream=True)
            told = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
            assert all(digest(data) in told for data in contents)
            lose(of, contents)
            assert client.token_counter(MODEL, messages=messages(files)) > 0
