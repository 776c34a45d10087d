"""The client against a loopback server that says exactly what a test wants said."""

from __future__ import annotations

import asyncio
import gzip
import json
import traceback
from contextlib import suppress
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from liftgate import errors
from liftgate.clock import SystemClock
from liftgate.gemini.stream import GeminiStream, Patience
from liftgate.http.transport import ClientLimits, Transport
from liftgate.sse import EventDecoder
from local_gemini import (
    KEY,
    BytesSource,
    account_at,
    answer,
    client,
    deployment_at,
    joined,
    listening,
    request,
    scripted,
)

MIB = 1024 * 1024
JSON_TYPE = "content-type: application/json; charset=UTF-8"
SSE_TYPE = "content-type: text/event-stream"
OVERLOADED = b'{"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}'
Seen = list[tuple[str, dict[str, str], bytes]]


def run_generate(*answers: bytes, body: bytes = b'{"contents":[]}', seen: Seen | None = None, calls: int = 1) -> bytes:
    async def scenario() -> bytes:
        async with listening(scripted(*answers, seen=seen)) as base, client() as gemini:
            for _ in range(calls - 1):
                await gemini.generate(deployment_at(base), body, timeout=5.0)
            return bytes(await gemini.generate(deployment_at(base), body, timeout=5.0))

    return asyncio.run(scenario())


def test_generate_sends_what_the_api_wants_and_returns_the_bytes() -> None:
    seen: Seen = []
    assert run_generate(answer(200, b'{"candidates":[]}', JSON_TYPE), seen=seen) == b'{"candidates":[]}'
    ((line, headers, body),) = seen
    assert line == "POST /v1beta/models/gemini-2.5-flash:generateContent HTTP/1.1"
    assert headers["x-goog-api-key"] == KEY
    assert headers["content-type"] == "application/json"
    assert body == b'{"contents":[]}'
    assert "authorization" not in headers
    assert "cookie" not in headers


def test_generate_keeps_its_connection_and_no_cookies() -> None:
    ports: Seen = []
    good = answer(200, b"{}", JSON_TYPE, "set-cookie: a=b; Path=/")

    async def scenario() -> int:
        connections = 0
        inner = scripted(good, good, good, seen=ports)

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal connections
            connections += 1
            await inner(reader, writer)

        async with listening(talk) as base, client() as gemini:
            for _ in range(3):
                await gemini.generate(deployment_at(base), b"{}", timeout=5.0)
        return connections

    assert asyncio.run(scenario()) == 1
    assert all("cookie" not in headers for _, headers, _ in ports)


@pytest.mark.parametrize(
    ("model", "path"),
    [
        ("gemini-2.5-flash", "models/gemini-2.5-flash"),
        ("models/gemini-2.5-flash", "models/gemini-2.5-flash"),
        ("tunedModels/mine-1", "tunedModels/mine-1"),
        ("odd name?#", "models/odd%20name%3F%23"),
    ],
)
def test_call_path_names_the_model_under_the_root(model: str, path: str) -> None:
    seen: Seen = []

    async def scenario() -> None:
        async with listening(scripted(answer(200, b"{}"), seen=seen)) as base, client() as gemini:
            await gemini.call(deployment_at(base + "/prefix/", model), "countTokens", b"{}", timeout=5.0)

    asyncio.run(scenario())
    assert seen[0][0] == f"POST /prefix/v1beta/{path}:countTokens HTTP/1.1"


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (answer(503, OVERLOADED, JSON_TYPE), errors.UpstreamUnavailable),
        (answer(502, b"<html>Bad Gateway</html>", "content-type: text/html"), errors.UpstreamUnavailable),
        (answer(302, b"", "location: http://127.0.0.1:1/"), errors.UpstreamProtocolError),
        (b"", errors.UpstreamDisconnected),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{", errors.UpstreamTimeout),
        (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", errors.UpstreamProtocolError),
    ],
)
def test_generate_failure_is_typed(reply: bytes, kind: type[errors.UpstreamError]) -> None:
    async def scenario() -> None:
        async with listening(scripted(reply)) as base, client() as gemini:
            await gemini.generate(deployment_at(base), b"{}", timeout=0.3)

    with pytest.raises(errors.UpstreamError) as caught:
        asyncio.run(scenario())
    assert type(caught.value) is kind
    assert KEY not in "".join(traceback.format_exception(caught.value))


def test_generate_stale_kept_connection_is_retryable_disconnect() -> None:
    good = answer(200, b"{}")
    with pytest.raises(errors.UpstreamDisconnected) as caught:
        run_generate(good, b"", calls=2)
    assert caught.value.retryable


def test_generate_connection_refused_is_typed() -> None:
    async def scenario() -> None:
        async with client() as gemini:
            await gemini.generate(deployment_at("http://127.0.0.1:9"), b"{}", timeout=5.0)

    with pytest.raises(errors.UpstreamDisconnected, match="could not be connected to"):
        asyncio.run(scenario())


def test_generate_slow_answer_ends_at_its_deadline() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        await reader.read()

    async def scenario() -> None:
        async with listening(talk) as base, client() as gemini:
            await gemini.generate(deployment_at(base), b"{}", timeout=0.1)

    with pytest.raises(errors.UpstreamTimeout):
        asyncio.run(scenario())


def test_generate_key_that_google_repeats_is_blotted_out() -> None:
    message = f"API key {KEY} is not allowed to call models/{KEY}"
    body = json.dumps({"error": {"code": 400, "message": message, "status": "INVALID_ARGUMENT"}}).encode()
    with pytest.raises(errors.InvalidRequest) as caught:
        run_generate(answer(400, body, JSON_TYPE))
    assert caught.value.message == "API key [the key] is not allowed to call models/[the key]"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"fileData":{"fileUri":"https://g/v1beta/files/abc"}}', errors.UpstreamFileLost),
        (b'{"cachedContent":"cachedContents/abc"}', errors.PermissionDenied),
    ],
)
def test_generate_forbidden_is_the_files_only_when_one_was_named(body: bytes, kind: type[errors.LiftgateError]) -> None:
    refusal = b'{"error": {"code": 403, "message": "No.", "status": "PERMISSION_DENIED"}}'
    with pytest.raises(errors.LiftgateError) as caught:
        run_generate(answer(403, refusal), body=body)
    assert type(caught.value) is kind


def test_client_after_close_is_unavailable() -> None:
    async def scenario() -> None:
        async with listening(scripted(answer(200, b"{}"))) as base, client() as gemini:
            await gemini.generate(deployment_at(base), b"{}", timeout=5.0)
            await gemini.close()
            await gemini.generate(deployment_at(base), b"{}", timeout=5.0)

    with pytest.raises(errors.Unavailable):
        asyncio.run(scenario())


def test_upstream_now_follows_the_date_of_the_last_answer() -> None:
    ahead = formatdate(SystemClock().now() + 48 * 3600, usegmt=True)
    behind = formatdate(SystemClock().now() - 900, usegmt=True)
    replies = [
        answer(200, b"{}", f"date: {ahead}"),
        answer(200, b"{}", "date: tomorrow"),
        answer(503, OVERLOADED, f"date: {behind}"),
    ]

    async def scenario() -> list[float]:
        skews = []
        async with listening(scripted(*replies)) as base, client() as gemini:
            skews.append(gemini.upstream_now(account_at(base)) - SystemClock().now())
            for _ in replies:
                try:
                    await gemini.generate(deployment_at(base), b"{}", timeout=5.0)
                except errors.UpstreamUnavailable:
                    pass
                skews.append(gemini.upstream_now(account_at(base)) - SystemClock().now())
        return skews

    assert asyncio.run(scenario()) == pytest.approx([0.0, 48 * 3600, 48 * 3600, -900], abs=2.0)


# ── streams ────────────────────────────────────────────────────────────────────────────────────────────────────────


def event(number: int) -> bytes:
    return b'{"candidates":[{"index":%d}]}' % number


def run_stream(*pieces: bytes | None, head: bytes = b"", end: str = "complete") -> tuple[list[bytes], Exception | None]:
    """The events of a chunked stream of `pieces` (None: a moment's pause), and how it ended."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line, _, _ = await request(reader)
        assert line == "POST /v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse HTTP/1.1"
        writer.write(head or f"HTTP/1.1 200 OK\r\n{SSE_TYPE}\r\ntransfer-encoding: chunked\r\n\r\n".encode())
        for piece in pieces:
            if piece is None:
                await asyncio.sleep(0.02)
            else:
                writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                await writer.drain()
        if end == "complete":
            writer.write(b"0\r\n\r\n")
        if end == "silence":
            await reader.read()

    async def scenario() -> tuple[list[bytes], Exception | None]:
        batches: list[list[bytes]] = []
        async with listening(talk) as base, client() as gemini:
            stream = await gemini.open_stream(deployment_at(base), b"{}", timeout=5.0, idle_timeout=0.3)
            try:
                while batch := await stream.batch():
                    batches.append([bytes(event) for event in batch])
                assert await stream.batch() == []
            except errors.LiftgateError as error:
                return joined(batches), error
            finally:
                await stream.close()
        return joined(batches), None

    return asyncio.run(scenario())


def sse(*events: bytes) -> bytes:
    return b"".join(b"data: " + data + b"\r\n\r\n" for data in events)


def test_stream_gives_every_event_however_it_is_cut() -> None:
    whole = sse(event(1), event(2), event(3))
    for cut in range(0, len(whole), 7):
        events, error = run_stream(whole[:cut] or None, None, whole[cut:])
        assert (events, error) == ([event(1), event(2), event(3)], None)


def test_stream_batch_holds_what_arrived_together() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        writer.write(answer(200, sse(*(event(n) for n in range(50))), SSE_TYPE))
        await writer.drain()

    async def scenario() -> list[list[bytes]]:
        async with listening(talk) as base, client() as gemini:
            stream = await gemini.open_stream(deployment_at(base), b"{}", timeout=5.0, idle_timeout=5.0)
            await asyncio.sleep(0.05)
            batches = [await stream.batch(), await stream.batch()]
            await stream.close()
            return [[bytes(event) for event in batch] for batch in batches]

    assert asyncio.run(scenario()) == [[event(n) for n in range(50)], []]


def test_stream_iterates_over_events() -> None:
    async def scenario() -> list[bytes]:
        reply = answer(200, sse(event(1), event(2)), SSE_TYPE)
        async with listening(scripted(reply)) as base, client() as gemini:
            stream = await gemini.open_stream(deployment_at(base), b"{}", timeout=5.0, idle_timeout=5.0)
            events = [data async for data in stream]
            await stream.close()
            return [bytes(event) for event in events]

    assert asyncio.run(scenario()) == [event(1), event(2)]


@pytest.mark.parametrize(
    "tail", [sse(OVERLOADED), OVERLOADED, OVERLOADED + b"\r\n\r\n", b"data: " + OVERLOADED, b"[" + OVERLOADED + b"]"]
)
def test_stream_error_inside_is_raised_after_what_came_before(tail: bytes) -> None:
    events, error = run_stream(sse(event(1)) + tail)
    assert events == [event(1)]
    assert type(error) is errors.UpstreamUnavailable
    assert error.message == "The model is overloaded."


def test_stream_last_event_without_its_blank_line_is_delivered() -> None:
    assert run_stream(sse(event(1)) + b"data: " + event(2)) == ([event(1), event(2)], None)


@pytest.mark.parametrize(
    "whole",
    [
        b"\xef\xbb\xbf" + sse(event(1), event(2)),
        sse(event(1), event(2), b"[DONE]"),
        sse(event(1), event(2)) + b"data: [DONE]",
        sse(event(1)) + b": x\n\n" + sse(event(2)) + b"data:[DONE]\n\n",
    ],
    ids=["mark", "done", "done without its end", "done without its space"],
)
def test_stream_of_another_in_geminis_place_is_read(whole: bytes) -> None:
    for cut in (0, 1, 2, 3, 5, len(whole) - 3):
        assert run_stream(whole[:cut] or None, None, whole[cut:]) == ([event(1), event(2)], None)


def test_stream_that_ends_inside_an_event_is_broken() -> None:
    events, error = run_stream(sse(event(1)) + b"data: " + event(2)[:9])
    assert (events, type(error)) == ([event(1)], errors.UpstreamDisconnected)


@pytest.mark.parametrize(
    ("page", "words"),
    [
        (b"<html>Bad Gateway</html>", "no stream of events."),
        (gzip.compress(sse(event(1))), "no stream of events: it is packed (gzip)"),
    ],
    ids=["page", "packed"],
)
def test_stream_that_is_none_is_called_so(page: bytes, words: str) -> None:
    events, error = run_stream(page)
    assert (events, type(error)) == ([], errors.UpstreamDisconnected) and words in str(error)


def test_stream_cut_connection_is_broken() -> None:
    events, error = run_stream(sse(event(1)), end="cut")
    assert (events, type(error)) == ([event(1)], errors.UpstreamDisconnected)


def test_stream_silence_is_a_timeout() -> None:
    events, error = run_stream(sse(event(1)), end="silence")
    assert (events, type(error)) == ([event(1)], errors.UpstreamTimeout)


def test_stream_that_never_falls_silent_ends_at_its_time_all_the_same() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        writer.write(f"HTTP/1.1 200 OK\r\n{SSE_TYPE}\r\n\r\n".encode())
        while True:
            writer.write(sse(event(1)))
            await writer.drain()
            await asyncio.sleep(0.001)

    async def scenario() -> None:
        async with listening(talk) as base, client() as gemini:
            stream = await gemini.open_stream(deployment_at(base), b"{}", timeout=0.5, idle_timeout=5.0)
            while await stream.batch():  # noqa: ASYNC110 - no event's wait
                # Slower than what comes, so that something always waits.
                await asyncio.sleep(0.01)

    with pytest.raises(errors.UpstreamTimeout):
        asyncio.run(asyncio.wait_for(scenario(), 10))


def test_stream_error_does_not_repeat_the_key() -> None:
    refusal = json.dumps({"error": {"code": 400, "message": f"API key {KEY} expired", "status": "INVALID_ARGUMENT"}})
    _, error = run_stream(sse(event(1), refusal.encode()))
    assert isinstance(error, errors.LiftgateError) and error.upstream is not None
    assert "expired" in error.message
    assert KEY not in error.message and KEY not in repr(error.upstream)


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_events_in_the_smallest_pieces_are_the_same(end: bytes, size: int) -> None:
    sent = b": ping\n\ndata: one\n\ndata: two\ndata: three\n\n\ndata: four\n\ndata: half".replace(b"\n", end)
    decoder = EventDecoder()
    found = [data for at in range(0, len(sent), size) for data in decoder.feed(sent[at : at + size])]
    assert found == [b"one", b"two\nthree", b"four"]
    assert decoder.rest() == b"data: half"


def test_stream_silence_ends_though_each_wait_within_it_is_given_up_at_the_same_tick() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        writer.write(f"HTTP/1.1 200 OK\r\n{SSE_TYPE}\r\n\r\n".encode() + sse(event(1)))
        await reader.read()

    async def scenario() -> list[bytes]:
        transport = Transport(ClientLimits())
        async with listening(talk) as base:
            deadlines = transport.deadlines
            answer = await transport.send(transport.head("POST", base, {}), b"{}")
            patience = Patience(deadlines, total=60.0, idle=0.3)
            stream = GeminiStream(answer, patience, EventDecoder(), names_file=False, account="team-a", key=KEY)
            found = await stream.batch()
            with pytest.raises(errors.UpstreamTimeout):
                async with asyncio.timeout(10):
                    while True:
                        # As a relay does that keeps its client's connection alive meanwhile.
                        with suppress(TimeoutError), deadlines.within(0.01):
                            await stream.batch()
            transport.close()
            return [bytes(event) for event in found]

    assert asyncio.run(scenario()) == [event(1)]


@pytest.mark.parametrize("body", [OVERLOADED, b"data: " + OVERLOADED + b"\r\n\r\n"])
def test_stream_refused_at_its_start_is_typed(body: bytes) -> None:
    async def scenario() -> None:
        async with listening(scripted(answer(503, body, SSE_TYPE))) as base, client() as gemini:
            await gemini.open_stream(deployment_at(base), b"{}", timeout=5.0, idle_timeout=5.0)

    with pytest.raises(errors.UpstreamUnavailable, match="overloaded"):
        asyncio.run(scenario())


def test_stream_close_ends_the_connection_at_once() -> None:
    async def scenario() -> bytes:
        gone: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await request(reader)
            writer.write(f"HTTP/1.1 200 OK\r\n{SSE_TYPE}\r\ntransfer-encoding: chunked\r\n\r\n".encode())
            piece = sse(event(1))
            writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            gone.set_result(await reader.read())

        async with listening(talk) as base, client() as gemini:
            stream = await gemini.open_stream(deployment_at(base), b"{}", timeout=5.0, idle_timeout=5.0)
            assert await stream.batch() == [event(1)]
            await stream.close()
            return await asyncio.wait_for(gone, 5.0)

    assert asyncio.run(scenario()) == b""


# ── files and uploads ──────────────────────────────────────────────────────────────────────────────────────────────


def started(base: str) -> bytes:
    return answer(
        200,
        b"",
        "x-goog-upload-status: active",
        f"x-goog-upload-url: {base}/upload/v1beta/files?upload_id=SID&upload_protocol=resumable",
        "x-goog-upload-chunk-granularity: 262144",
    )


def test_start_upload_sends_the_documented_request() -> None:
    seen: Seen = []

    async def scenario() -> tuple[str, int]:
        async with listening(scripted(started("http://g.example"), seen=seen)) as base, client() as gemini:
            upload = await gemini.start_upload(account_at(base), mime_type="video/mp4", size=18810, name="files/abc")
            assert "SID" not in repr(upload)
            return upload.url, upload.granularity

    assert asyncio.run(scenario()) == (
        "http://g.example/upload/v1beta/files?upload_id=SID&upload_protocol=resumable",
        262144,
    )
    ((line, headers, body),) = seen
    assert line == "POST /upload/v1beta/files HTTP/1.1"
    assert json.loads(body) == {"file": {"name": "files/abc"}}
    expected = {
        "x-goog-api-key": KEY,
        "x-goog-upload-protocol": "resumable",
        "x-goog-upload-command": "start",
        "x-goog-upload-header-content-length": "18810",
        "x-goog-upload-header-content-type": "video/mp4",
        "content-type": "application/json",
    }
    assert {name: headers.get(name) for name in expected} == expected


@pytest.mark.parametrize("extra", [(), ("x-goog-upload-url: files?upload_id=1",)])
def test_start_upload_without_a_url_is_a_protocol_error(extra: tuple[str, ...]) -> None:
    async def scenario() -> None:
        async with listening(scripted(answer(200, b"", *extra))) as base, client() as gemini:
            await gemini.start_upload(account_at(base), mime_type="video/mp4", size=1, name=None)

    with pytest.raises(errors.UpstreamProtocolError, match="upload URL"):
        asyncio.run(scenario())


@pytest.mark.parametrize("mime_type", ["text/plain\r\nx: y", "téxt/plain"])
def test_start_upload_mime_type_that_cannot_be_a_header_is_refused(mime_type: str) -> None:
    async def scenario() -> None:
        async with client() as gemini:
            await gemini.start_upload(account_at("http://127.0.0.1:9"), mime_type=mime_type, size=1, name=None)

    with pytest.raises(errors.InvalidRequest) as caught:
        asyncio.run(scenario())
    assert caught.value.param == "mime_type"


def run_upload(*answers: bytes, call: Any, seen: Seen | None = None) -> Any:
    """`call(gemini, account, url)` against scripted answers."""

    async def scenario() -> Any:
        async with listening(scripted(*answers, seen=seen)) as base, client() as gemini:
            return await call(gemini, account_at(base), f"{base}/upload/v1beta/files?upload_id=SID")

    return asyncio.run(scenario())


ACTIVE = answer(200, b"", "X-Goog-Upload-Status: Active", "x-goog-upload-size-received: 1048576")
DATA = bytes(range(256)) * 4096 * 2  # 2 MiB


@pytest.mark.parametrize(
    ("start", "stop", "finalize", "command"),
    [
        (0, MIB, False, "upload"),
        (MIB + 5, 2 * MIB, True, "upload, finalize"),
        (0, 0, True, "upload, finalize"),
        (2 * MIB, 2 * MIB, True, "finalize"),
    ],
)
def test_send_chunk_sends_just_these_bytes_without_a_key(start: int, stop: int, finalize: bool, command: str) -> None:
    seen: Seen = []
    source = BytesSource(DATA)
    got = run_upload(
        ACTIVE,
        seen=seen,
        call=lambda g, account, url: g.send_chunk(account, url, source, start, stop, finalize=finalize),
    )
    assert (got.status, got.upload_status, got.size_received, got.body) == (200, "active", MIB, b"")
    ((line, headers, body),) = seen
    assert line == "POST /upload/v1beta/files?upload_id=SID HTTP/1.1"
    assert body == DATA[start:stop]
    assert (headers["x-goog-upload-command"], headers["x-goog-upload-offset"]) == (command, str(start))
    assert headers["content-length"] == str(stop - start)
    assert "transfer-encoding" not in headers
    assert "x-goog-api-key" not in headers
    assert source.open_readers == 0


@pytest.mark.parametrize("command", ["query", "cancel"])
def test_session_commands_carry_no_bytes_and_no_key(command: str) -> None:
    seen: Seen = []
    run_upload(ACTIVE, seen=seen, call=lambda g, account, url: getattr(g, command)(account, url))
    ((_, headers, body),) = seen
    assert (headers["x-goog-upload-command"], headers["content-length"], body) == (command, "0", b"")
    assert "x-goog-api-key" not in headers


@pytest.mark.parametrize("status", [200, 400, 404, 410])
def test_cancel_short_of_a_5xx_is_over(status: int) -> None:
    run_upload(
        answer(status, b"Upload has already been finalized."), call=lambda g, account, url: g.cancel(account, url)
    )


def test_cancel_5xx_is_raised() -> None:
    with pytest.raises(errors.UpstreamUnavailable):
        run_upload(answer(503), call=lambda g, account, url: g.cancel(account, url))


def test_send_chunk_refusals_are_returned_for_the_session_to_judge() -> None:
    text = b"Invalid offset: expected 0, got 5"
    source = BytesSource(DATA)
    got = run_upload(
        answer(409, text, "x-goog-upload-status: active"),
        call=lambda g, account, url: g.send_chunk(account, url, source, 5, MIB, finalize=False),
    )
    assert (got.status, got.upload_status, got.size_received, got.body) == (409, "active", None, text)


async def refuse_early(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers before the body has come, and reads no more of it."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(answer(400, b"Upload has already been terminated.", "x-goog-upload-status: final"))
    await writer.drain()
    await asyncio.sleep(0.2)


async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Reads the head and then nothing."""
    await reader.readuntil(b"\r\n\r\n")
    await asyncio.sleep(2.0)


async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    await reader.readexactly(300_000)


def run_chunk(talk: Any, source: BytesSource, size: int, limits: ClientLimits | None = None) -> Any:
    async def scenario() -> Any:
        async with listening(talk) as base, client(limits) as gemini:
            return await gemini.send_chunk(account_at(base), base + "/u", source, 0, size, finalize=False)

    return asyncio.run(scenario())


def test_send_chunk_answer_before_the_body_is_heard_or_a_break() -> None:
    """TCP may overtake such an answer with a reset: then it is a break, and a query learns what it said."""
    source = BytesSource(bytes(32 * MIB))
    try:
        got = run_chunk(refuse_early, source, 32 * MIB)
    except errors.UpstreamDisconnected:
        pass
    else:
        assert (got.status, got.upload_status) == (400, "final")
    assert source.open_readers == 0


def test_send_chunk_cut_connection_is_disconnected() -> None:
    source = BytesSource(bytes(32 * MIB))
    with pytest.raises(errors.UpstreamDisconnected):
        run_chunk(cut, source, 32 * MIB)
    assert source.open_readers == 0


def test_send_chunk_stalled_network_is_a_timeout() -> None:
    source = BytesSource(bytes(32 * MIB))
    with pytest.raises(errors.UpstreamTimeout):
        run_chunk(hang, source, 32 * MIB, ClientLimits(idle=0.2))
    assert source.open_readers == 0


def test_send_chunk_missing_answer_is_a_timeout() -> None:
    with pytest.raises(errors.UpstreamTimeout):
        run_chunk(hang, BytesSource(b"12345"), 5, ClientLimits(idle=5.0, chunk_answer=0.2))


def test_send_chunk_slow_source_is_not_the_networks_silence() -> None:
    source = BytesSource(DATA[:MIB], wait=0.15)
    got = run_chunk(scripted(ACTIVE), source, MIB, ClientLimits(idle=0.1))
    assert got.upload_status == "active"


def test_send_chunk_failing_source_raises_its_own_error() -> None:
    source = BytesSource(DATA, fail_at=MIB)
    with pytest.raises(LookupError, match="the disk is gone"):
        run_chunk(scripted(ACTIVE), source, 2 * MIB)
    assert source.open_readers == 0


def test_send_chunk_source_that_ends_early_is_a_defect_and_no_hang() -> None:
    source = BytesSource(DATA)
    with pytest.raises(errors.InternalError, match="gave 2097152 bytes where 2097153 were asked for"):
        run_chunk(scripted(ACTIVE), source, 2 * MIB + 1)


def test_send_chunk_cancelled_lets_go_of_the_source() -> None:
    source = BytesSource(bytes(32 * MIB))

    async def scenario() -> None:
        async with listening(hang) as base, client() as gemini:
            try:
                async with asyncio.timeout(0.2):
                    await gemini.send_chunk(account_at(base), base + "/u", source, 0, 32 * MIB, finalize=False)
            finally:
                await asyncio.sleep(0.01)
                assert source.open_readers == 0

    with pytest.raises(TimeoutError):
        asyncio.run(scenario())


FORBIDDEN = (
    b'{"error": {"code": 403, "message": "You do not have permission to access the File abc or it may not exist.", '
    b'"status": "PERMISSION_DENIED"}}'
)


@pytest.mark.parametrize(
    "reply", [answer(403, FORBIDDEN, JSON_TYPE), answer(404, b"<html>", "content-type: text/html")]
)
def test_get_file_gone_is_lost(reply: bytes) -> None:
    with pytest.raises(errors.UpstreamFileLost):
        run_upload(reply, call=lambda g, account, url: g.get_file(account, "files/abc"))


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"<html>"])
def test_get_file_answer_of_another_form_is_a_protocol_error(body: bytes) -> None:
    with pytest.raises(errors.UpstreamProtocolError):
        run_upload(answer(200, body), call=lambda g, account, url: g.get_file(account, "files/abc"))


@pytest.mark.parametrize("reply", [answer(200, b"{}\n"), answer(204), answer(403, FORBIDDEN), answer(404, FORBIDDEN)])
def test_delete_file_gone_already_is_fine(reply: bytes) -> None:
    seen: Seen = []
    run_upload(reply, seen=seen, call=lambda g, account, url: g.delete_file(account, "files/abc"))
    assert seen[0][0] == "DELETE /v1beta/files/abc HTTP/1.1"


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (answer(503, OVERLOADED), errors.UpstreamUnavailable),
        (answer(401, b"{}"), errors.UpstreamProtocolError),
        (answer(401, b'{"error":{"code":401,"status":"UNAUTHENTICATED"}}'), errors.UpstreamKeyRejected),
    ],
)
def test_delete_file_other_failures_are_raised(reply: bytes, kind: type[errors.LiftgateError]) -> None:
    with pytest.raises(kind):
        run_upload(reply, call=lambda g, account, url: g.delete_file(account, "files/abc"))


# ── the process around it ──────────────────────────────────────────────────────────────────────────────────────────


def test_generate_goes_through_the_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: Seen = []
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.setenv("no_proxy", "other.example")

    async def scenario() -> bytes:
        async with listening(scripted(answer(200, b"{}"), seen=seen)) as proxy:
            monkeypatch.setenv("http_proxy", proxy.replace("http://", "http://user:pass@"))
            async with client() as gemini:
                return bytes(await gemini.generate(deployment_at("http://gemini.example"), b"{}", timeout=5.0))

    assert asyncio.run(scenario()) == b"{}"
    ((line, headers, _),) = seen
    assert line == "POST http://gemini.example/v1beta/models/gemini-2.5-flash:generateContent HTTP/1.1"
    assert headers["proxy-authorization"] == "Basic dXNlcjpwYXNz"  # printf 'user:pass' | base64
    assert headers["x-goog-api-key"] == KEY


@pytest.mark.parametrize("rounds", [15, pytest.param(50, marks=pytest.mark.full)])
def test_client_used_and_closed_often_leaves_no_descriptor(rounds: int) -> None:
    descriptors = Path("/proc/self/fd")
    if not descriptors.is_dir():
        pytest.skip("no /proc here to count descriptors in")

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            line, _, _ = await request(reader)
            if "streamGenerateContent" in line:
                writer.write(f"HTTP/1.1 200 OK\r\n{SSE_TYPE}\r\ntransfer-encoding: chunked\r\n\r\n".encode())
                await reader.read()
                return
            writer.write(answer(200, b"{}"))

    async def read_no_more(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        # Longer than any delay of a busy machine: closing first would be another failure.
        await asyncio.sleep(1.0)

    async def scenario() -> tuple[int, int]:
        async with listening(talk) as base, listening(read_no_more) as deaf:
            before = 0
            for round_ in range(rounds):
                if round_ == 5:
                    await asyncio.sleep(0.2)
                    before = len(list(descriptors.iterdir()))
                async with client(ClientLimits(idle=0.005)) as gemini:
                    await gemini.generate(deployment_at(base), b"{}", timeout=5.0)
                    stream = await gemini.open_stream(deployment_at(base), b"{}", timeout=5.0, idle_timeout=5.0)
                    await stream.close()
                    with pytest.raises(errors.UpstreamTimeout):
                        source = BytesSource(bytes(16 * MIB))
                        await gemini.send_chunk(account_at(deaf), deaf, source, 0, 16 * MIB, finalize=False)
            await asyncio.sleep(1.3)
            return len(list(descriptors.iterdir())) - before, len(asyncio.all_tasks())

    grown, tasks = asyncio.run(scenario())
    assert grown <= 0
    assert tasks == 1
