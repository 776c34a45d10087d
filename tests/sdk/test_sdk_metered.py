"""The SDK with a data directory ends each of its calls in exactly one record, as a server does."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from liftgate.engine.meter import CallRecord
from liftgate.errors import FileNotFound, LiftgateError, UpstreamDisconnected
from liftgate.records import NewFile
from liftgate.sdk.calls import Call
from liftgate.sdk.durable import Durable, client_settings
from liftgate.sdk.engine import ChunkSource, Listing
from sdk_sandbox import MODEL, RECORDING, Sandbox, asking

USAGE = {"promptTokenCount": 4, "candidatesTokenCount": 2, "totalTokenCount": 6}
HI = {"model": MODEL, "messages": [{"role": "user", "content": "hi"}]}


class Heard:
    def __init__(self) -> None:
        self.calls: list[CallRecord] = []

    def ended(self, call: CallRecord) -> None:
        self.calls.append(call)


def record_of(
    tmp_path: Path,
    sandbox: Sandbox,
    use: Callable[[Durable], Awaitable[object]],
    *,
    raises: type[Exception] | None = None,
) -> CallRecord:
    """The only record of what `use` does."""
    heard = Heard()

    async def scene() -> None:
        settings = client_settings(Call(), {"GEMINI_API_BASE": sandbox.url, "GEMINI_API_KEY": "key-a"}, tmp_path, None)
        async with Durable(settings, listeners=(heard,)) as engine:
            if raises is None:
                await use(engine)
            else:
                with pytest.raises(raises):
                    await use(engine)
        gc.collect()

    asyncio.run(scene())
    (record,) = heard.calls
    return record


def event(text: str, finish: str | None = None) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": [{"text": text}]}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    return {"candidates": [candidate], "usageMetadata": USAGE, "responseId": "resp-7"}


async def stream_of(engine: Durable) -> ChunkSource:
    chunks = await engine.chat({**HI, "stream": True}, Call())
    assert hasattr(chunks, "batch")
    return chunks


def test_answer_is_one_record(tmp_path: Path, sandbox: Sandbox) -> None:
    sandbox.control("scripts", {"response": event("hello", "STOP")})
    record = record_of(tmp_path, sandbox, lambda engine: engine.chat(HI, Call()))
    assert (record.outcome, record.status, record.operation, record.dialect) == ("ok", 200, "chat", "sdk")
    assert (record.owner, record.key, record.model, record.upstream_model) == ("local", "", MODEL, MODEL)
    assert (record.usage, record.finish, record.response_id) == (USAGE, "STOP", "resp-7")
    assert 0 < record.upstream < record.total and not record.streamed


def test_stream_is_one_record_at_its_real_end(tmp_path: Path, sandbox: Sandbox) -> None:
    sandbox.control("scripts", {"chunks": [event("one "), event("two", "STOP")]})

    async def use(engine: Durable) -> None:
        chunks = await stream_of(engine)
        while await chunks.batch():
            pass
        await chunks.close()

    record = record_of(tmp_path, sandbox, use)
    assert (record.outcome, record.streamed, record.usage, record.finish) == ("ok", True, USAGE, "STOP")


@pytest.mark.parametrize("way", ["closed", "dropped"])
def test_stream_that_its_reader_leaves_is_a_record(way: str, tmp_path: Path, sandbox: Sandbox) -> None:
    sandbox.control("scripts", {"chunks": [event("one "), event("two", "STOP")], "delays": [0, 50]})

    async def use(engine: Durable) -> None:
        chunks = await stream_of(engine)
        assert await chunks.batch()
        if way == "closed":
            await chunks.close()
            await chunks.close()

    record = record_of(tmp_path, sandbox, use)
    assert record.outcome == "left"
    assert way == "dropped" or record.usage == USAGE


def test_stream_that_breaks_is_a_failure(tmp_path: Path, sandbox: Sandbox) -> None:
    sandbox.control("scripts", {"chunks": [event("one ")], "end": "reset"})

    async def use(engine: Durable) -> None:
        chunks = await stream_of(engine)
        while await chunks.batch():
            pass

    record = record_of(tmp_path, sandbox, use, raises=UpstreamDisconnected)
    assert (record.outcome, record.error, record.usage) == ("failed", "UpstreamDisconnected", USAGE)


def test_cancelled_call_was_left(tmp_path: Path, sandbox: Sandbox) -> None:
    sandbox.control("scripts", {"response": event("late", "STOP"), "delay": 50})

    async def use(engine: Durable) -> None:
        waiting = asyncio.get_running_loop().create_task(engine.chat(HI, Call()))
        while (await asyncio.to_thread(sandbox.control, "stats"))["in_flight"] == 0:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        waiting.cancel()
        with suppress(asyncio.CancelledError):
            await waiting

    record = record_of(tmp_path, sandbox, use)
    assert (record.outcome, record.tries) == ("left", 1) and record.upstream > 0


def test_refusals_are_records(tmp_path: Path, sandbox: Sandbox) -> None:
    body = {**HI, "model": "openai/gpt-4o"}
    refused = record_of(tmp_path, sandbox, lambda engine: engine.chat(body, Call()), raises=LiftgateError)
    assert refused.outcome == "refused"
    missing = record_of(tmp_path, sandbox, lambda engine: engine.retrieve_file("file-x", Call()), raises=FileNotFound)
    assert (missing.outcome, missing.status, missing.error) == ("refused", 404, "FileNotFound")
    assert missing.operation == "retrieve_file"


def test_files_and_counts_are_records(tmp_path: Path, sandbox: Sandbox) -> None:
    heard = Heard()

    async def scene() -> None:
        settings = client_settings(Call(), {"GEMINI_API_BASE": sandbox.url, "GEMINI_API_KEY": "key-a"}, tmp_path, None)
        async with Durable(settings, listeners=(heard,)) as engine:
            file = await engine.create_file(RECORDING, NewFile(purpose="assistants"), Call())
            request = {"model": MODEL, "messages": asking(file.id)}
            await engine.chat(request, Call())
            await engine.count_tokens(request, Call())
            await engine.list_files(Listing(), Call())
            await engine.open_file(file.id, Call())
            await engine.delete_file(file.id, Call())
            chat = heard.calls[1]
            assert (chat.paged_in, chat.copies_hit) == ({file.id}, set())
            assert (heard.calls[2].paged_in, heard.calls[2].copies_hit) == (set(), {file.id})

    asyncio.run(scene())
    operations = [call.operation for call in heard.calls]
    assert operations == ["create_file", "chat", "count_tokens", "list_files", "open_file", "delete_file"]
    assert {call.outcome for call in heard.calls} == {"ok"}
    assert len({call.request_id for call in heard.calls}) == 6
