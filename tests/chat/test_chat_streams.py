"""When a stream's 200 is said, what keeps it alive, and how it fails behind it: in-band, never as a regular end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import openai
import pytest

from chat_wire import (
    FLASH,
    about_file,
    answering,
    blocks,
    chat_settings,
    chunks_of,
    error_in,
    hello,
    post,
    put_together,
    reply,
    streamed,
)
from gateways import SandboxServer, client_for, gateway_server, sandbox_server
from liftgate.sandbox.app import SandboxSettings
from liftgate.settings import RouterSettings

MP4 = b"\0\0\0\x18ftypmp42" + b"\0" * 1000


@pytest.fixture
def slow_video(tmp_path: Path) -> Iterator[tuple[SandboxServer, str, openai.OpenAI, str]]:
    """A sandbox whose videos take a second and a half, a gateway that commits after 0.3 s, and a video's id."""
    with (
        sandbox_server(SandboxSettings(video_processing=1.5)) as sandbox,
        gateway_server(chat_settings(sandbox, tmp_path)) as url,
        client_for(url) as client,
    ):
        made = client.files.create(file=("clip.mp4", MP4), purpose="user_data")
        yield sandbox, url, client, made.id


def test_a_long_page_in_is_answered_and_kept_alive(slow_video: tuple[SandboxServer, str, openai.OpenAI, str]) -> None:
    _, url, client, file_id = slow_video
    with answering(url, about_file(file_id, stream=True)) as response:
        assert response.status == 200
        assert response.getheader("content-type") == "text/event-stream; charset=utf-8"
        found = [block.rstrip("\n") for block in blocks(response)]
    comments = [block for block in found if block.startswith(":")]
    assert len(comments) >= 3 and set(comments) == {": ping"}
    assert found[: len(comments)] == comments
    told = put_together(chunks_of(found[len(comments) :]))[0]
    assert "video/mp4" in told["message"]["content"] and told["finish_reason"] == "stop"
    stream = client.chat.completions.create(**about_file(file_id), stream=True)
    assert "video/mp4" in "".join(chunk.choices[0].delta.content or "" for chunk in stream)


def test_a_page_in_that_fails_late_is_told_in_band_with_the_file(
    slow_video: tuple[SandboxServer, str, openai.OpenAI, str],
) -> None:
    sandbox, url, client, file_id = slow_video
    sandbox.control("faults", {"kind": "failed_processing", "operation": "upload.finalize", "seconds": 0.8})
    error = error_in(streamed(url, about_file(file_id)))
    assert (error["type"], error["code"]) == ("invalid_request_error", "file_processing_failed")
    assert file_id in error["message"] and "clip.mp4" in error["message"] and "video/mp4" in error["message"]
    # Known by now, it is a status.
    with pytest.raises(openai.BadRequestError, match=file_id):
        client.chat.completions.create(**about_file(file_id), stream=True)


def test_an_unstreamed_request_waits_to_its_deadline_and_names_the_file(
    slow_video: tuple[SandboxServer, str, openai.OpenAI, str],
) -> None:
    sandbox, url, _, file_id = slow_video
    status, headers, body = post(url, about_file(file_id, timeout=0.5))
    assert (status, body["error"]["code"], body["error"]["type"]) == (
        503,
        "file_not_ready",
        "service_unavailable_error",
    )
    assert int(headers["retry-after"]) > 0
    assert file_id in body["error"]["message"] and "clip.mp4" in body["error"]["message"]
    # The page-in went on, so the same request succeeds later without another upload.
    assert post(url, about_file(file_id))[0] == 200
    assert sandbox.stats()["finalized"] == 1


def test_a_file_that_is_missing_is_a_status_however_the_answer_is_wanted(url: str) -> None:
    missing = "file-" + "a" * 24
    for stream in (False, True):
        status, _, body = post(url, about_file(missing, stream=stream))
        assert (status, body["error"]["message"]) == (404, f"No such File object: {missing}")
        assert body["error"]["param"] == "messages[0].content[1].file.file_id"


def test_silence_within_an_answer_is_filled_with_comments(url: str, sandbox: SandboxServer) -> None:
    order = {"chunks": [reply("one "), reply("two"), reply("", finish="STOP")], "delays": [0, 1.2, 0.3], "times": 2}
    sandbox.control("scripts", order)
    with answering(url, hello(stream=True)) as response:
        found = [block.rstrip("\n") for block in blocks(response)]
    first, second = (next(i for i, block in enumerate(found) if word in block) for word in ('"one "', '"two"'))
    assert found[first + 1 : second].count(": ping") == second - first - 1 >= 2
    with client_for(url) as client:
        stream = client.chat.completions.create(**hello(), stream=True)
        assert "".join(chunk.choices[0].delta.content or "" for chunk in stream) == "one two"


def test_a_silence_that_lasts_too_long_is_an_error(sandbox: SandboxServer, tmp_path: Path) -> None:
    settings = replace(chat_settings(sandbox, tmp_path), router=RouterSettings(num_retries=0, stream_timeout=0.4))
    with gateway_server(settings) as url:
        sandbox.control("scripts", {"chunks": [reply("one "), reply("two", finish="STOP")], "delays": [0, 30]})
        assert error_in(streamed(url, hello()))["code"] == "upstream_timeout"
        sandbox.control("scripts", {"chunks": [reply("one ", finish="STOP")], "delays": [30]})
        status, _, body = post(url, hello(stream=True))
        assert (status, body["error"]["code"]) == (504, "upstream_timeout")


@pytest.mark.parametrize("end", ["complete", "reset", "close"])
def test_an_answer_without_an_end_never_looks_whole(end: str, url: str, sandbox: SandboxServer) -> None:
    sandbox.control("scripts", {"chunks": [reply("one "), reply("two")], "end": end})
    found = streamed(url, hello())
    assert any('"two"' in block for block in found)
    assert (error_in(found)["type"], error_in(found)["code"]) == ("upstream_error", "upstream_disconnected")


def test_a_whole_answer_without_a_reason_to_end_is_an_answer(url: str, sandbox: SandboxServer) -> None:
    """Its JSON is complete, so nothing broke off: Google's own SDKs take such answers for successes."""
    sandbox.control("scripts", {"response": reply("one ")})
    status, _, body = post(url, hello())
    choice = body["choices"][0]
    assert (status, choice["message"]["content"], choice["finish_reason"]) == (200, "one ", "stop")


@pytest.mark.parametrize("said", [reply(""), {"candidates": [{"content": {}}]}, {"candidates": []}, {}])
def test_a_whole_answer_that_says_nothing_is_an_error(url: str, sandbox: SandboxServer, said: dict[str, Any]) -> None:
    sandbox.control("scripts", {"response": said})
    status, _, body = post(url, hello())
    assert (status, body["error"]["code"]) == (502, "upstream_disconnected")


@pytest.mark.parametrize("form", ["data", "bare"])
@pytest.mark.parametrize(
    ("code", "kind", "error_code"),
    [
        (503, "service_unavailable_error", "upstream_unavailable"),
        (429, "rate_limit_error", "rate_limit_exceeded"),
        (500, "service_unavailable_error", "upstream_unavailable"),
    ],
)
def test_an_error_inside_a_stream_keeps_its_type(
    code: int, kind: str, error_code: str, form: str, url: str, sandbox: SandboxServer
) -> None:
    sandbox.control("unverified", {"midstream_error": form})
    try:
        sandbox.control("faults", {"kind": "stream_error", "operation": "stream", "code": code, "after_events": 1})
        error = error_in(streamed(url, hello("word " * 50)))
    finally:
        sandbox.control("unverified", {"midstream_error": "data"})
    assert (error["type"], error["code"]) == (kind, error_code)
    with client_for(url) as client, pytest.raises(openai.APIError) as caught:
        sandbox.control("faults", {"kind": "stream_error", "operation": "stream", "code": code, "after_events": 1})
        for _ in client.chat.completions.create(**hello("word " * 50), stream=True):
            pass
    assert caught.value.code == error_code


@pytest.mark.parametrize("form", ["data", "bare"])
def test_an_error_before_the_first_event_is_a_status(form: str, url: str, sandbox: SandboxServer) -> None:
    sandbox.control("unverified", {"early_stream_error": form})
    try:
        sandbox.control("faults", {"kind": "status", "operation": "stream", "code": 429, "retry_delay": "7s"})
        status, headers, body = post(url, hello(stream=True))
    finally:
        sandbox.control("unverified", {"early_stream_error": "bare"})
    assert (status, body["error"]["code"], headers["retry-after"]) == (429, "rate_limit_exceeded", "7")


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        ("", 502, "upstream_disconnected"),
        ("data: {not json\r\n\r\n", 502, "upstream_protocol_error"),
        ("data: []\r\n\r\n", 502, "upstream_protocol_error"),
        ('data: {"candidates": 3}\r\n\r\n', 502, "upstream_protocol_error"),
        (
            'data: {"error": {"code": 503, "status": "UNAVAILABLE", "message": "m"}}\r\n\r\n',
            503,
            "upstream_unavailable",
        ),
        ('{"error": {"code": 503, "status": "UNAVAILABLE", "message": "m"}}', 503, "upstream_unavailable"),
    ],
)
def test_a_first_event_that_is_none_is_a_status(
    raw: str, status: int, code: str, url: str, sandbox: SandboxServer
) -> None:
    sandbox.control("scripts", {"raw": raw})
    found, _, body = post(url, hello(stream=True))
    assert (found, body["error"]["code"]) == (status, code)


@pytest.mark.parametrize(
    "second", ['{"candidates": "x"}', "{nothing", "[1]", '{"candidates":[{"content":{"parts":[{"functionCall":{}}]}}]}']
)
def test_a_later_event_that_is_none_is_told_in_band(second: str, url: str, sandbox: SandboxServer) -> None:
    first = '{"candidates":[{"content":{"parts":[{"text":"one "}]}}]}'
    sandbox.control("scripts", {"raw": f"data: {first}\r\n\r\ndata: {second}\r\n\r\n"})
    with answering(url, hello(stream=True)) as response:
        text = response.read().decode()
    # Both came at once, so it was still time for a status; or they did not.
    assert "upstream_protocol_error" in text and "[DONE]" not in text
    sandbox.control("scripts", {"response": {"candidates": "x"}})
    assert post(url, hello())[2]["error"]["code"] == "upstream_protocol_error"


def test_a_deployment_that_fails_before_the_first_event_is_replaced(sandbox: SandboxServer, tmp_path: Path) -> None:
    settings = chat_settings(sandbox, tmp_path, keys=("key-a", "key-b"))
    settings = replace(settings, router=RouterSettings(num_retries=1, cooldown_time=60, allowed_fails=0))
    with gateway_server(settings) as url:
        for kind in ({"kind": "status", "code": 503}, {"kind": "stream_error", "after_events": 0, "code": 500}):
            sandbox.control("faults", {**kind, "operation": "stream", "key": "key-a", "times": None})
            for _ in range(4):
                told = put_together(chunks_of(streamed(url, hello())))[0]
                assert told["finish_reason"] == "stop"
            sandbox.control("faults", method="DELETE")


def test_the_stream_says_usage_when_asked(url: str) -> None:
    plain = chunks_of(streamed(url, hello()))
    assert not any("usage" in chunk for chunk in plain)
    chunks = chunks_of(streamed(url, hello(stream_options={"include_usage": True})))
    assert [chunk["usage"] for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)
    assert chunks[-1]["choices"] == [] and chunks[-1]["usage"]["total_tokens"] > 0
    assert {chunk["model"] for chunk in chunks} == {FLASH}
    assert len({(chunk["id"], chunk["created"], chunk["object"]) for chunk in chunks}) == 1


def test_a_request_with_a_wrong_body_is_a_status(url: str) -> None:
    wrong: list[tuple[dict[str, Any], str | None]] = [
        ({"messages": hello()["messages"]}, None),
        ({"model": FLASH}, "messages"),
        (hello(temperature=3), "temperature"),
        (hello(stream="yes"), "stream"),
        (hello(timeout="soon"), "timeout"),
        (hello(timeout=-1), "timeout"),
    ]
    for body, param in wrong:
        for stream in (False, True):
            status, _, answer = post(url, {"stream": stream, **body})
            assert (status, answer["error"]["param"]) == (400, param)
