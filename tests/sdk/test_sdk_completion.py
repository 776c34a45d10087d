"""Chat straight at Gemini: files by every spelling, streams, errors, and what the sandbox was sent."""

import asyncio
import base64
import hashlib
import time
from typing import Any

import pytest

import liftgate
from liftgate.errors import (
    FileNotFound,
    FileNotReady,
    FileUnusable,
    InvalidRequest,
    ModelNotFound,
    NotFound,
    UnsupportedParameter,
    UpstreamDisconnected,
    UpstreamRateLimited,
)
from sdk_sandbox import MODEL, RECORDING, Sandbox, asking

MP4 = b"\0\0\0\x18ftypmp42" + b"\0" * 1000
HELLO = [{"role": "user", "content": "Hello"}]


def _told(chunks: Any) -> str:
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def test_an_answer_is_about_the_files_bytes_and_of_openais_shape(sandbox: Sandbox, wav: bytes) -> None:
    file = liftgate.create_file(file=wav)
    answer = liftgate.completion(MODEL, asking(file.id))
    assert hashlib.sha256(wav).hexdigest() in str(answer.choices[0].message.content)
    assert answer["choices"][0]["message"]["content"] == answer.choices[0].message.content
    assert (answer.object, answer.model, answer.choices[0].finish_reason) == ("chat.completion", MODEL, "stop")
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert answer.choices[0].message.tool_calls is None
    assert answer.model_dump()["choices"][0]["message"]["role"] == "assistant"


def test_a_stream_says_the_same_as_an_answer(sandbox: Sandbox, wav: bytes) -> None:
    file = liftgate.create_file(file=wav)
    whole = liftgate.completion(MODEL, asking(file.id))
    with liftgate.completion(MODEL, asking(file.id), stream=True) as stream:
        chunks = list(stream)
    assert _told(chunks) == whole.choices[0].message.content
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert {chunk.object for chunk in chunks} == {"chat.completion.chunk"}


def test_usage_comes_last_where_it_is_asked_for(sandbox: Sandbox) -> None:
    chunks = list(liftgate.completion(MODEL, HELLO, stream=True, stream_options={"include_usage": True}))
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None and chunks[-1].usage.total_tokens > 0


def test_async_twins_do_the_same(sandbox: Sandbox, wav: bytes) -> None:
    async def talk() -> tuple[str, str]:
        file = await liftgate.acreate_file(file=RECORDING)
        assert (await liftgate.afile_retrieve(file.id)).status == "processed"
        assert [each.id for each in await liftgate.afile_list()] == [file.id]
        answer = await liftgate.acompletion(MODEL, asking(file.id))
        stream = await liftgate.acompletion(MODEL, asking(file.id), stream=True)
        told = _told([chunk async for chunk in stream])
        assert (await liftgate.afile_delete(file.id)).deleted
        with pytest.raises(FileNotFound):
            await liftgate.afile_content(file.id)
        return str(answer.choices[0].message.content), told

    answer, told = asyncio.run(talk())
    assert answer == told
    assert hashlib.sha256(wav).hexdigest() in answer


@pytest.mark.parametrize("spelled", ["https://generativelanguage.googleapis.com/v1beta/files/{}", "files/{}", "{}"])
def test_a_message_may_spell_a_file_in_every_way(spelled: str, sandbox: Sandbox) -> None:
    file = liftgate.create_file(file=("notes.txt", b"The ferry leaves at nine."))
    liftgate.completion(MODEL, asking(spelled.format(file.id.rpartition("/")[2])))
    sent = sandbox.last_body()["contents"][0]["parts"][1]["fileData"]
    assert sent == {"fileUri": file.id, "mimeType": "text/plain"}


@pytest.mark.parametrize(
    ("said", "sent"),
    [
        ({"format": "audio/x-wav", "filename": "a.mp3"}, "audio/wav"),
        ({"filename": "a.mp3"}, "audio/mpeg"),
        ({"filename": "my-test-name"}, "text/plain"),
        ({}, "text/plain"),
    ],
)
def test_format_wins_then_the_filename_then_what_gemini_has(said: dict[str, str], sent: str, sandbox: Sandbox) -> None:
    file = liftgate.create_file(file=("notes.txt", b"text"))
    liftgate.completion(MODEL, asking(file.id, **said))
    assert sandbox.last_body()["contents"][0]["parts"][1]["fileData"]["mimeType"] == sent


def test_a_video_is_waited_for_and_asked_about_once(sandbox: Sandbox) -> None:
    file = liftgate.create_file(file=("clip.mp4", MP4))
    assert file.status == "uploaded"
    assert hashlib.sha256(MP4).hexdigest() in str(
        liftgate.completion(MODEL, asking(file.id)).choices[0].message.content
    )
    looked = sandbox.count("files.get")
    liftgate.completion(MODEL, asking(file.id))
    assert (sandbox.count("files.get"), sandbox.count("generate")) == (looked, 2)


def test_a_file_that_is_never_ready_is_named_at_the_deadline(sandbox: Sandbox) -> None:
    file = liftgate.create_file(file=("clip.mp4", MP4))
    sandbox.control(f"files/{file.id.rpartition('/')[2]}", {"state": "PROCESSING"})
    with pytest.raises(FileNotReady, match=file.id) as failure:
        liftgate.completion(MODEL, asking(file.id), timeout=1)
    assert failure.value.status_code == 503


def test_a_file_that_gemini_could_not_process_is_named(sandbox: Sandbox) -> None:
    file = liftgate.create_file(file=("clip.mp4", MP4))
    sandbox.control(f"files/{file.id.rpartition('/')[2]}", {"state": "FAILED"})
    with pytest.raises(FileUnusable, match=file.id):
        liftgate.completion(MODEL, asking(file.id))


@pytest.mark.parametrize("remembered", [False, True])
def test_a_file_that_expired_is_told_plainly(remembered: bool, sandbox: Sandbox) -> None:
    file = liftgate.create_file(file=b"some text")
    if remembered:
        liftgate.completion(MODEL, asking(file.id))
    sandbox.control("clock", {"advance": 48 * 3600 + 1})
    for _ in range(2):
        with pytest.raises(FileNotFound, match=r"it expired \(Google keeps files for 48 h\)") as failure:
            liftgate.completion(MODEL, asking(file.id))
        assert failure.value.status_code == 404


def test_a_new_file_that_not_all_servers_know_yet_is_asked_for_again(sandbox: Sandbox) -> None:
    sandbox.control("unverified", {"forbidden_after_upload": 2})
    try:
        file = liftgate.create_file(file=b"some text")
        assert liftgate.completion(MODEL, asking(file.id)).choices[0].message.content
        assert sandbox.count("generate") == 3
    finally:
        sandbox.control("unverified", {"forbidden_after_upload": 0})


@pytest.mark.parametrize("model", [MODEL, f"gemini/{MODEL}", f"models/{MODEL}"])
def test_models_go_by_either_name(model: str, sandbox: Sandbox) -> None:
    assert liftgate.completion(model, HELLO).model == MODEL


def test_models_that_are_not_there_are_said_so(sandbox: Sandbox) -> None:
    with pytest.raises(NotFound, match="gemini-nosuch") as failure:
        liftgate.completion("gemini-nosuch", HELLO)
    assert (failure.value.status_code, failure.value.code) == (404, "model_not_found")
    with pytest.raises(InvalidRequest, match="'vertex_ai'"):
        liftgate.completion("vertex_ai/gemini-2.0-flash", HELLO)
    assert not issubclass(NotFound, ModelNotFound)


def test_parameters_reach_gemini_and_extra_body_is_merged(sandbox: Sandbox) -> None:
    liftgate.completion(
        MODEL, HELLO, temperature=0.5, max_tokens=64, stop=None, extra_body={"generationConfig": {"topK": 7}}
    )
    sent = sandbox.last_body()["generationConfig"]
    assert (sent["temperature"], sent["maxOutputTokens"], sent["topK"]) == (0.5, 64, 7)
    assert "stopSequences" not in sent


def test_what_a_model_cannot_do_is_refused_by_name_or_dropped(sandbox: Sandbox) -> None:
    wanted: Any = {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}}
    with pytest.raises(UnsupportedParameter) as failure:
        liftgate.completion(MODEL, HELLO, **wanted)
    assert (failure.value.status_code, failure.value.code) == (400, "unsupported_parameter")
    assert liftgate.completion(MODEL, HELLO, drop_params=True, **wanted).choices[0].message.content
    with pytest.raises(InvalidRequest) as unknown:
        liftgate.completion(MODEL, HELLO, temprature=1)  # type: ignore[call-overload]
    assert unknown.value.param == "temprature"


def test_an_answers_message_can_go_into_the_next_request_and_nothing_of_the_callers_changes(sandbox: Sandbox) -> None:
    answer = liftgate.completion(MODEL, HELLO)
    messages: list[Any] = [*HELLO, answer.choices[0].message, {"role": "user", "content": "And now?"}]
    before = [*messages]
    liftgate.completion(MODEL, messages)
    assert messages == before
    assert [content["role"] for content in sandbox.last_body()["contents"]] == ["user", "model", "user"]


def test_inline_data_above_the_limit_travels_as_a_file(sandbox: Sandbox) -> None:
    large = b"RIFF" + b"\0" * (11 * 1024 * 1024)
    part = {"type": "input_audio", "input_audio": {"data": base64.b64encode(large).decode(), "format": "wav"}}
    answer = liftgate.completion(MODEL, [{"role": "user", "content": [part]}])
    assert hashlib.sha256(large).hexdigest() in str(answer.choices[0].message.content)
    assert sandbox.files()[0]["sha256"] == hashlib.sha256(large).hexdigest()


def test_errors_have_what_openais_have(sandbox: Sandbox) -> None:
    sandbox.fault(kind="status", operation="generate", code=429, retry_delay="30s")
    with pytest.raises(UpstreamRateLimited) as failure:
        liftgate.completion(MODEL, HELLO, timeout=5)
    error: Any = failure.value
    assert (error.status_code, error.type, error.code) == (429, "rate_limit_error", "rate_limit_exceeded")
    assert (error.body["message"], error.retry_after) == (error.message, 30)


def test_a_busy_gemini_is_asked_again(sandbox: Sandbox) -> None:
    sandbox.fault(kind="status", operation="generate", code=503, times=2)
    assert liftgate.completion(MODEL, HELLO).choices[0].message.content
    assert sandbox.count("generate") == 3


def test_a_stream_that_breaks_raises_behind_what_came(sandbox: Sandbox) -> None:
    parts = [{"candidates": [{"content": {"role": "model", "parts": [{"text": word}]}}]} for word in ("one ", "two ")]
    sandbox.control("scripts", {"chunks": parts, "end": "reset"})
    told = []
    with pytest.raises(UpstreamDisconnected):
        for chunk in liftgate.completion(MODEL, HELLO, stream=True):
            told.append(chunk)
    assert _told(told) == "one two "


def test_closing_a_stream_ends_the_request_at_gemini(sandbox: Sandbox) -> None:
    parts = [{"candidates": [{"content": {"role": "model", "parts": [{"text": "word "}]}}]}] * 200
    sandbox.control("scripts", {"chunks": parts, "delays": [0] + [0.2] * 199, "times": 3})
    closed = liftgate.completion(MODEL, HELLO, stream=True)
    assert _told([next(closed), next(closed)]) == "word "
    closed.close()
    assert list(closed) == []
    forgotten = liftgate.completion(MODEL, HELLO, stream=True)
    next(forgotten)
    del forgotten

    async def leave() -> None:
        async with await liftgate.acompletion(MODEL, HELLO, stream=True) as stream:
            await anext(stream)

    asyncio.run(leave())
    liftgate.completion(MODEL, HELLO)
    deadline = time.monotonic() + 10
    while sandbox.stats()["in_flight"] > 0 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert sandbox.stats()["in_flight"] == 0
