"""Answers of many MiB arrive as Gemini wrote them, at every door, whole and streamed; and no call does much at once."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateways import MODEL, SandboxServer, deployments, gateway_server, settings_for
from liftgate import large_bodies, sse
from liftgate.answer import audio
from liftgate.apart import Apart
from liftgate.errors import UpstreamProtocolError
from liftgate.settings import JobSettings, RouterSettings
from liftgate.sse import EventDecoder
from processes import gateway_processes, write_config
from raw_http import Answer, call
from serving import serve
from test_longest_stretch import keep, longest_wait

ANN = {"Authorization": "Bearer sk-ann"}
GOOGLES = {"x-goog-api-key": "sk-ann"}
CHAT = "/v1/chat/completions"
NATIVE = f"/v1beta/models/{MODEL}"
SPEAKER = "gemini-2.5-flash-preview-tts"
MIB = 1024 * 1024
BYTES = hashlib.shake_256(b"7").digest(3 * MIB)
DATA = base64.b64encode(BYTES).decode()
PICTURE = {"inlineData": {"mimeType": "image/png", "data": DATA}}
SPEECH = {"inlineData": {"mimeType": "audio/L16;codec=pcm;rate=24000", "data": DATA}}
LONG_TEXT = 'é中😀"\\\n' * 200_000
OTHER = {"inlineData": {"mimeType": "video/mp4", "data": DATA}}
MANY = {"functionCall": {"name": "f", "args": {"numbers": [0.5] * 300_000}}}
"""More values than a request may have."""
USAGE = {"promptTokenCount": 1, "candidatesTokenCount": 2, "totalTokenCount": 3}


def reply(*parts: object, finish: str | None = "STOP") -> dict[str, Any]:
    candidate = {"content": {"role": "model", "parts": list(parts)}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    return {"candidates": [candidate], "usageMetadata": USAGE, "modelVersion": "m", "responseId": "r"}


ERROR = {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}
SAID: dict[str, list[Any]] = {
    "picture": [reply({"text": "see "}, PICTURE)],
    "speech": [reply(SPEECH)],
    "text": [reply({"text": LONG_TEXT})],
    "other": [reply(OTHER)],
    "many": [reply(MANY)],
    "between": [reply({"text": "one "}, finish=None), reply(PICTURE, finish=None), reply({"text": "two"})],
    "twice": [reply(PICTURE, finish=None), reply(PICTURE)],
    "broken": [reply(PICTURE, finish=None), ERROR],
    "error": [{"error": {**ERROR["error"], "details": [{"x": DATA}]}}],
}
CUT = json.dumps(reply(PICTURE)).encode()[: 2 * MIB]


@contextmanager
def upstream() -> Iterator[str]:
    """Says what the request's text names: whole, as events, or cut off."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        name = json.loads(body)["contents"][0]["parts"][0]["text"]
        streamed = b"alt=sse" in scope["query_string"]
        if name == "cut":
            written = b"data: " + CUT + b"\r\n\r\n" if streamed else CUT
        elif streamed:
            written = b"".join(b"data: " + json.dumps(each).encode() + b"\r\n\r\n" for each in SAID[name])
        else:
            written = json.dumps(SAID[name][0]).encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for at in range(0, len(written), 100_003):
            await send({"type": "http.response.body", "body": written[at : at + 100_003], "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    with serve(app, lifespan="off") as url:
        yield url


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Pings come as often as they can: each cancels what is under way, which must go on."""
    with upstream() as url:
        made = settings_for(
            SandboxServer(url),
            tmp_path_factory.mktemp("large"),
            jobs=JobSettings(stream_ping_seconds=0.01),
            router=RouterSettings(num_retries=0),
        )
        speaks = replace(deployments(url)[0], id="tts", model_name=SPEAKER, model=SPEAKER)
        with gateway_server(replace(made, deployments=(*deployments(url), speaks))) as base:
            yield base


def asked(base: str, name: str, **more: object) -> Answer:
    body = {"model": SPEAKER if name == "speech" else MODEL, "messages": [{"role": "user", "content": name}], **more}
    return call(base, "POST", CHAT, json.dumps(body).encode(), ANN)


def native(base: str, name: str, method: str) -> Answer:
    body = {"contents": [{"role": "user", "parts": [{"text": name}]}]}
    return call(base, "POST", f"{NATIVE}:{method}", json.dumps(body).encode(), GOOGLES)


def events(answer: Answer) -> list[Any]:
    assert answer.status == 200, answer.body[:300]
    blocks = [block for block in answer.body.split(b"\n\n") if block and not block.startswith(b":")]
    return [block if block == b"data: [DONE]" else json.loads(block.removeprefix(b"data: ")) for block in blocks]


def deltas(answer: Answer) -> list[dict[str, Any]]:
    *chunks, done = events(answer)
    assert done == b"data: [DONE]"
    return [choice["delta"] for chunk in chunks for choice in chunk["choices"]]


def same_picture(image: Any) -> bool:
    url: str = image["image_url"]["url"]
    return hashlib.sha256(url.encode()).digest() == hashlib.sha256(f"data:image/png;base64,{DATA}".encode()).digest()


def test_whole(gateway: str) -> None:
    answer = asked(gateway, "picture")
    assert answer.headers["content-length"] == str(len(answer.body))
    message = answer.json()["choices"][0]["message"]
    assert message["content"] == "see " and same_picture(message["images"][0])
    assert asked(gateway, "text").json()["choices"][0]["message"]["content"] == LONG_TEXT
    spoken = asked(gateway, "speech", modalities=["audio"], audio={"voice": "Kore", "format": "pcm16"}).json()
    assert base64.b64decode(spoken["choices"][0]["message"]["audio"]["data"]) == BYTES
    wave = asked(gateway, "speech", modalities=["audio"], audio={"voice": "Kore", "format": "wav"}).json()
    assert base64.b64decode(wave["choices"][0]["message"]["audio"]["data"])[44:] == BYTES
    other = asked(gateway, "other").json()["choices"][0]["message"]["extra_content"]["google"]["parts"][0]
    assert other["inlineData"] == OTHER["inlineData"]
    called = asked(gateway, "many").json()["choices"][0]["message"]["tool_calls"][0]["function"]
    assert json.loads(called["arguments"]) == MANY["functionCall"]["args"]


def test_streamed(gateway: str) -> None:
    pictures = [image for delta in deltas(asked(gateway, "picture", stream=True)) for image in delta.get("images", ())]
    assert len(pictures) == 1 and same_picture(pictures[0])
    found = deltas(asked(gateway, "between", stream=True))
    assert "".join(delta.get("content") or "" for delta in found) == "one two"
    assert [same_picture(image) for delta in found for image in delta.get("images", ())] == [True]
    twice = [image for delta in deltas(asked(gateway, "twice", stream=True)) for image in delta.get("images", ())]
    assert [(image["index"], same_picture(image)) for image in twice] == [(0, True), (1, True)]
    text = deltas(asked(gateway, "text", stream=True))
    assert "".join(delta.get("content") or "" for delta in text) == LONG_TEXT
    spoken = deltas(
        asked(gateway, "speech", stream=True, modalities=["audio"], audio={"voice": "Kore", "format": "pcm16"})
    )
    pcm = b"".join(base64.b64decode(delta["audio"]["data"]) for delta in spoken if "data" in delta.get("audio", {}))
    assert pcm == BYTES


@pytest.mark.parametrize("name", ["picture", "speech", "text", "many"])
def test_geminis_own_door_passes_the_bytes(gateway: str, name: str) -> None:
    written = json.dumps(SAID[name][0]).encode()
    answer = native(gateway, name, "generateContent")
    assert (answer.status, answer.body == written) == (200, True)
    assert answer.headers["content-length"] == str(len(written))
    streamed = native(gateway, name, "streamGenerateContent?alt=sse")
    assert (streamed.status, streamed.body == b"data: " + written + b"\r\n\r\n") == (200, True)
    assert native(gateway, name, "streamGenerateContent").json() == SAID[name]


def test_several_events_pass_in_order(gateway: str) -> None:
    for name in ("between", "twice"):
        assert native(gateway, name, "streamGenerateContent").json() == SAID[name]


def test_what_breaks_behind_a_large_event_is_an_error(gateway: str) -> None:
    *before, last = events(asked(gateway, "broken", stream=True))
    assert last["error"]["code"] == "upstream_unavailable"
    assert any(same_picture(image) for chunk in before for image in chunk["choices"][0]["delta"].get("images", ()))
    answer = native(gateway, "broken", "streamGenerateContent").json()
    assert answer[0] == SAID["broken"][0] and answer[1]["error"]["code"] == 503


@pytest.mark.parametrize("name", ["cut", "error"])
def test_large_garbage_is_a_status(gateway: str, name: str) -> None:
    for answer in (
        asked(gateway, name),
        asked(gateway, name, stream=True),
        native(gateway, name, "generateContent") if name == "cut" else asked(gateway, name),
        native(gateway, name, "streamGenerateContent?alt=sse"),
    ):
        assert answer.status in ((502,) if name == "cut" else (502, 503)), (answer.status, answer.body[:200])


# ── in steps ─────────────────────────────────────────────────────────────────────────────────────────────────────────

DATA_LINES = st.lists(st.sampled_from([b"x", b"{}", b" ", b"data: ", b"\\n", b"ab" * 40]), max_size=6).map(b"".join)


@settings(max_examples=300, deadline=None)
@given(
    lines=st.lists(st.tuples(st.sampled_from([b"data: ", b"data:", b": ", b"{", b"event: "]), DATA_LINES), max_size=6),
    ends=st.lists(st.sampled_from([b"\n", b"\n\n", b"\r\n\r\n", b"\r\r", b"\r\n"]), min_size=6, max_size=6),
    cuts=st.lists(st.integers(0, 10**6), max_size=12),
)
def test_an_event_that_ripens_is_the_event_that_it_was(
    lines: list[tuple[bytes, bytes]], ends: list[bytes], cuts: list[int]
) -> None:
    body = b"".join(name + line + end for (name, line), end in zip(lines, ends, strict=False))
    # Behind which both know that a carriage return before it was an end of line.
    body += b": end\n\n"
    plain, ripe = EventDecoder(), EventDecoder()
    edges = sorted({0, len(body), *(cut % (len(body) + 1) for cut in cuts)})
    pieces = [body[start:stop] for start, stop in pairwise(edges)]
    expected = [bytes(event) for piece in pieces for event in plain.feed(piece)]
    found: list[bytes] = []
    with pytest.MonkeyPatch.context() as patch:
        # A bound, made so small that short events are large.
        patch.setattr(sse, "LARGE", 0)
        for piece in pieces:
            found += ripe.feed(piece)
            if ripe.ripe:
                found += [bytes(event) for event in ripe.ripened()]
                ripe.ripe = False
    assert (found, ripe.rest()) == (expected, plain.rest())


@pytest.mark.parametrize("size", [0, 1, 2, 3, 29, 30, 31, 60, 61, 1000])
def test_speech_in_steps_is_the_same_speech(size: int) -> None:
    pcm = BYTES[:size]
    data = base64.b64encode(pcm).decode()
    with pytest.MonkeyPatch.context() as patch:
        for module in (large_bodies, audio):
            patch.setattr(module, "STEP", 32)
        patch.setattr(audio, "_TRIPLES", 30)
        assert audio.pcm_bytes(data, "here") == pcm
        assert audio.encode(pcm) == data
        assert audio.pcm_bytes("\n".join(data[at : at + 7] for at in range(0, len(data), 7)), "here") == pcm
        with pytest.raises(UpstreamProtocolError):
            audio.pcm_bytes("a" * 65, "here")


def test_work_apart_is_found_again() -> None:
    go_on = threading.Event()
    begun: list[int] = []

    def work() -> int:
        begun.append(1)
        go_on.wait(20)
        return len(begun)

    async def scenario() -> None:
        apart = Apart[int]()
        for _ in range(3):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await apart.run(work)
            assert apart.busy
        go_on.set()
        assert await apart.run(work) == 1
        assert not apart.busy and await apart.run(work) == 2

    asyncio.run(scenario())


# ── in seconds ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.full
def test_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """What the loop is kept waiting depends on the machine, so these are printed and not asserted."""
    data = "QUJD" * (16 * MIB)
    for name, part in (("picture", PICTURE), ("speech", SPEECH)):
        monkeypatch.setitem(SAID, name, [reply({"inlineData": {**part["inlineData"], "data": data}})])
    figures = []
    with upstream() as url:
        config = write_config(tmp_path / "config.yaml", url, model=MODEL)
        with gateway_processes(config, tmp_path / "data") as (gateway,):
            for name in ("picture", "speech"):
                chat = {"model": MODEL, "messages": [{"role": "user", "content": name}]}
                own = {"contents": [{"parts": [{"text": name}]}]}
                for door, body in (
                    (CHAT, chat),
                    (CHAT, {**chat, "stream": True}),
                    (f"{NATIVE}:generateContent", own),
                    (f"{NATIVE}:streamGenerateContent?alt=sse", own),
                ):
                    answers = list[Answer]()
                    wait = longest_wait(gateway, partial(keep, answers, gateway, door, json.dumps(body).encode()))
                    assert answers[0].status == 200
                    figures.append(f"{name} {door.rpartition('/')[2]}{' streamed' * ('stream' in body)} {wait:.0f}")
    with capsys.disabled():
        print("\nlongest wait in ms, answers of 64 MiB: " + ", ".join(figures))
