"""A client that goes away ends the request at Gemini, wherever it stands; what is being saved goes on."""

from __future__ import annotations

import asyncio
import gc
import time
from pathlib import Path
from typing import Any

import pytest

from chat_wire import about_file, answering, blocks, chat_settings, eventually, hello, reply, sent
from gateways import SandboxServer, client_for, gateway_server, sandbox_server
from liftgate.deadlines import Deadlines
from liftgate.dialects.chat.dialect import CHAT
from liftgate.gateway import Gateway
from liftgate.records import NewFile
from liftgate.sandbox.app import SandboxSettings
from liftgate.server.event_stream import event_blocks

LONG = 50.0
"""Seconds that Gemini would take: longer than any test waits."""
MP4 = b"\0\0\0\x18ftypmp42" + b"\0" * 1000


def _counts(sandbox: SandboxServer) -> tuple[int, int, int]:
    """Generate calls begun, abandoned, and running."""
    stats = sandbox.stats()
    begun = stats["operations"].get("generate", 0) + stats["operations"].get("stream", 0)
    return begun, stats["abandoned"], stats["in_flight"]


def _script(sandbox: SandboxServer, stage: str) -> None:
    if stage == "whole":
        sandbox.control("scripts", {"response": reply("late", finish="STOP"), "delay": LONG})
    elif stage == "before the first event":
        sandbox.control("scripts", {"chunks": [reply("late", finish="STOP")], "delays": [LONG]})
    else:
        sandbox.control("scripts", {"chunks": [reply("one "), reply("two", finish="STOP")], "delays": [0, LONG]})


def _leave(url: str, sandbox: SandboxServer, stage: str) -> None:
    before, _, _ = _counts(sandbox)
    if stage == "behind the first event":
        with answering(url, hello(stream=True)) as response:
            assert "one " in "".join(next(blocks(response)) for _ in range(2))
    else:
        with sent(url, hello(stream=stage != "whole")):
            assert eventually(lambda: _counts(sandbox)[0] == before + 1)


STAGES = ("whole", "before the first event", "behind the first event")


@pytest.mark.parametrize("stage", STAGES)
def test_leaving_cancels_the_call_at_gemini(stage: str, url: str, sandbox: SandboxServer) -> None:
    _, abandoned, running = _counts(sandbox)
    _script(sandbox, stage)
    _leave(url, sandbox, stage)
    assert eventually(lambda: _counts(sandbox)[1:] == (abandoned + 1, running))


@pytest.mark.full
@pytest.mark.parametrize("stage", STAGES)
def test_leaving_cancels_within_a_second(stage: str, url: str, sandbox: SandboxServer) -> None:
    for _ in range(5):
        _, abandoned, _ = _counts(sandbox)
        _script(sandbox, stage)
        _leave(url, sandbox, stage)
        left = time.monotonic()
        assert eventually(lambda: _counts(sandbox)[1] == abandoned + 1)  # noqa: B023 - called at once
        assert time.monotonic() - left < 1.0


def test_leaving_while_the_answer_piles_up_cancels_too(url: str, sandbox: SandboxServer) -> None:
    """30 MB that nobody reads: back-pressure holds Gemini up, until the client goes."""
    sandbox.control("scripts", {"chunks": [reply("x" * 200_000)] * 150 + [reply("end", finish="STOP")]})
    with sent(url, hello(stream=True)):
        assert eventually(lambda: _counts(sandbox)[2] == 1)
        time.sleep(0.5)
        assert _counts(sandbox)[2] == 1
    assert eventually(lambda: _counts(sandbox)[2] == 0)


@pytest.mark.parametrize("form", ["whole", "before the 200", "behind the 200"])
def test_leaving_during_page_in_asks_gemini_nothing_and_the_file_still_arrives(form: str, tmp_path: Path) -> None:
    with sandbox_server(SandboxSettings(video_processing=1.0)) as sandbox:
        settings = chat_settings(sandbox, tmp_path)
        with gateway_server(settings) as url, client_for(url) as client:
            file = client.files.create(file=("clip.mp4", MP4), purpose="user_data")
            body = about_file(file.id, stream=form != "whole")
            if form == "behind the 200":
                with answering(url, body) as response:
                    assert next(blocks(response)) == ": ping\n"
            else:
                with sent(url, body):
                    assert eventually(lambda: sandbox.stats()["finalized"] == 1)
            assert eventually(lambda: sandbox.control("files")["files"][0]["state"] == "ACTIVE")
            # Another chat finds the replica that the one who left had begun, and is the first to ask about it.
            answer = client.chat.completions.create(**about_file(file.id))
            assert "video/mp4" in (answer.choices[0].message.content or "")
            stats = sandbox.stats()
            assert (stats["finalized"], _counts(sandbox)[0]) == (1, 1)


def _in_process(sandbox: SandboxServer, data_dir: Path, body: dict[str, Any], *, close: bool) -> None:
    """Takes a stream from the engine and reads nothing of it."""

    async def run() -> None:
        async with Gateway(chat_settings(sandbox, data_dir)) as gateway:
            stream = await gateway.generate.stream(CHAT, "local", body)
            if close:
                await stream.aclose()
                await stream.aclose()
                assert stream.ended and not await stream.batch()
            else:
                blocks = event_blocks(stream, CHAT.encoder(stream.head, body), Deadlines(), ping_seconds=LONG)
                async for _ in blocks:
                    break
                del blocks, stream
                gc.collect()
                await asyncio.sleep(0)

    asyncio.run(run())


@pytest.mark.parametrize("close", [True, False])
def test_a_stream_that_is_closed_or_dropped_ends_the_call(close: bool, sandbox: SandboxServer, tmp_path: Path) -> None:
    _, abandoned, _ = _counts(sandbox)
    sandbox.control("scripts", {"chunks": [reply("one "), reply("two", finish="STOP")], "delays": [0, LONG]})
    _in_process(sandbox, tmp_path, hello(stream=True), close=close)
    assert eventually(lambda: _counts(sandbox)[1:] == (abandoned + 1, 0))


def test_a_late_stream_that_is_closed_unread_is_never_opened(tmp_path: Path) -> None:
    with sandbox_server(SandboxSettings(video_processing=30.0)) as sandbox:

        async def run() -> None:
            async with Gateway(chat_settings(sandbox, tmp_path)) as gateway:
                creation = gateway.files.begin("local", NewFile("clip.mp4"))
                await creation.write(MP4)
                file = await creation.commit(NewFile("clip.mp4"))
                stream = await gateway.generate.stream(CHAT, "local", about_file(file.id, stream=True))
                await stream.aclose()
                assert stream.ended

        asyncio.run(asyncio.wait_for(run(), 20))
        assert _counts(sandbox)[0] == 0
