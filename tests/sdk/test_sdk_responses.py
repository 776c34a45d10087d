"""`responses` by LiteLLM's names: straight to Gemini, with a data directory, and at a gateway."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

import liftgate
from gateways import deployments, gateway_server, settings_for
from liftgate import AsyncLiftgate, Liftgate
from liftgate.types import AsyncEventStream, EventStream, ResponsesAPIResponse
from openai_schema import check, check_event
from sdk_sandbox import RECORDING, Sandbox

MODEL = "gemini-3-flash-preview"
LOOK: dict[str, Any] = {
    "type": "function",
    "name": "look",
    "parameters": {"type": "object", "properties": {"at": {"type": "string"}}, "required": ["at"]},
}
SIGNED = b"sandbox-thought-1:"
ENGINES = ("direct", "data directory", "gateway")


@pytest.fixture
def gateway(sandbox: Sandbox, tmp_path: Path) -> Iterator[str]:
    with gateway_server(
        settings_for(sandbox, tmp_path / "gateway", deployments=deployments(sandbox.url, model=MODEL))
    ) as url:
        yield url


@pytest.fixture(params=ENGINES)
def client(request: pytest.FixtureRequest, sandbox: Sandbox, tmp_path: Path) -> Iterator[Liftgate]:
    options: dict[str, Any] = {}
    if request.param == "data directory":
        options = {"data_dir": tmp_path / "kept"}
    elif request.param == "gateway":
        options = {"base_url": request.getfixturevalue("gateway"), "api_key": "sk-ann"}
    with closing(Liftgate(**options)) as made:
        yield made


@pytest.fixture(params=ENGINES[1:])
def keeping(request: pytest.FixtureRequest, sandbox: Sandbox, tmp_path: Path) -> Iterator[Liftgate]:
    options: dict[str, Any] = {"data_dir": tmp_path / "kept"}
    if request.param == "gateway":
        options = {"base_url": request.getfixturevalue("gateway"), "api_key": "sk-ann"}
    with closing(Liftgate(**options)) as made:
        yield made


def signatures(sandbox: Sandbox) -> list[bool]:
    """Of the calls that Gemini got last: whether each is Google's own."""
    parts = [part for content in sandbox.last_body()["contents"] for part in content["parts"]]
    found = [part.get("thoughtSignature") for part in parts if "functionCall" in part]
    return [each is not None and "_" not in each and base64.b64decode(each).startswith(SIGNED) for each in found]


def test_a_text_is_answered(client: Liftgate, sandbox: Sandbox) -> None:
    answer = client.responses("Hello", MODEL, instructions="Be brief.", temperature=0.5)
    assert isinstance(answer, ResponsesAPIResponse)
    check("Response", answer.model_dump())
    assert answer.status == "completed" and "Hello" in answer.output_text
    assert answer.output[0].content[0].text == answer.output_text
    assert answer.usage is not None and answer.usage.total_tokens > 0
    assert answer._hidden_params["response_cost"] > 0
    assert sandbox.last_body()["systemInstruction"]["parts"] == [{"text": "Be brief."}]
    assert sandbox.last_body()["generationConfig"]["temperature"] == 0.5
    chat = client.completion(MODEL, [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}])
    assert chat.usage is not None and chat.usage.prompt_tokens == answer.usage.input_tokens
    price = liftgate.completion_cost(completion_response=answer)
    assert price == pytest.approx(answer._hidden_params["response_cost"])
    assert price == pytest.approx(liftgate.completion_cost(completion_response=chat), rel=0.5)


def test_a_stream_has_the_events_of_the_contract(client: Liftgate) -> None:
    stream = client.responses(input="Hello", model=MODEL, stream=True)
    assert isinstance(stream, EventStream)
    with stream:
        events = list(stream)
    for number, event in enumerate(events):
        assert event.sequence_number == number
        check_event(event.model_dump())
    assert [events[0].type, events[1].type] == ["response.created", "response.in_progress"]
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert stream.completed_response is events[-1] and events[-1].type == "response.completed"
    assert events[-1].response.output_text == text != ""


@pytest.mark.parametrize("stream", [False, True])
def test_items_of_an_answer_go_back_as_they_are(client: Liftgate, sandbox: Sandbox, stream: bool) -> None:
    """Three calls on a model that demands their signatures, which no item carries."""
    items: list[Any] = [{"role": "user", "content": "Look around."}]
    for turn in range(3):
        got = client.responses(items, MODEL, tools=[LOOK], tool_choice="required", store=False, stream=stream)
        answer = list(got)[-1].response if isinstance(got, EventStream) else got
        (call,) = answer.output
        assert call.type == "function_call"
        items += [call, {"type": "function_call_output", "call_id": call.call_id, "output": f"wall {turn}"}]
    assert client.responses(items, MODEL, tools=[LOOK], tool_choice="none", store=False).output_text
    assert signatures(sandbox) == [True] * 3


def test_sealed_items_work_in_another_client(sandbox: Sandbox, tmp_path: Path) -> None:
    """Which knows nothing of the call: without a directory as with the same one."""
    for number, options in enumerate(({}, {"data_dir": tmp_path})):
        question = {"role": "user", "content": f'call look({{"at":"{number}"}})'}
        with closing(Liftgate(**options)) as first:  # type: ignore[arg-type]
            include = ["reasoning.encrypted_content"]
            answer = first.responses([question], MODEL, tools=[LOOK], include=include, store=False)
        output = {"type": "function_call_output", "call_id": answer.output[1].call_id, "output": "a wall"}
        with closing(Liftgate(**options)) as second:  # type: ignore[arg-type]
            items: list[Any] = [question, *answer.output, output]
            assert second.responses(items, MODEL, tools=[LOOK], store=False).output_text
            assert signatures(sandbox) == [True]
            items = [question, answer.output[1], output]
            assert second.responses(items, MODEL, tools=[LOOK], store=False).output_text
            assert signatures(sandbox) == [False]


def test_files_are_named_as_in_a_chat(client: Liftgate, sandbox: Sandbox) -> None:
    file = client.create_file(file=RECORDING)
    parts = [{"type": "input_file", "file_id": file.id}, {"type": "input_text", "text": "What is said?"}]
    answer = client.responses([{"role": "user", "content": parts}], MODEL)
    assert "received 1 file" in answer.output_text


def test_a_model_of_pydantic_is_a_format(client: Liftgate) -> None:
    class Count(BaseModel):
        n: int

    answer = client.responses("Count", MODEL, text_format=Count)
    assert isinstance(Count.model_validate_json(answer.output_text), Count)
    assert answer.text.format.name == "Count"
    with pytest.raises(liftgate.BadRequestError, match="text_format"):
        client.responses("Count", MODEL, text_format=int)


def test_what_is_kept_can_be_gone_on_from_read_and_deleted(keeping: Liftgate, sandbox: Sandbox) -> None:
    first = keeping.responses("My name is Ann.", MODEL)
    stream = keeping.responses("And now?", MODEL, previous_response_id=first.id, stream=True)
    assert isinstance(stream, EventStream)
    *_, last = stream
    second = last.response
    assert [content["parts"][0]["text"] for content in sandbox.last_body()["contents"]][::2] == [
        "My name is Ann.",
        "And now?",
    ]
    assert second.previous_response_id == first.id
    assert keeping.get_responses(second.id).output_text == second.output_text
    assert keeping.delete_responses(first.id).deleted
    for gone in (lambda: keeping.get_responses(first.id), lambda: keeping.delete_responses(first.id)):
        with pytest.raises(liftgate.NotFoundError):
            gone()
    with pytest.raises(liftgate.BadRequestError) as refused:
        keeping.responses("Go on", MODEL, previous_response_id=second.id)
    assert refused.value.code == "previous_response_not_found"
    nothing = keeping.responses("Leave no trace.", MODEL, store=False)
    with pytest.raises(liftgate.NotFoundError):
        keeping.get_responses(nothing.id)


def test_what_runs_in_the_background_is_asked_for_until_it_has_ended(keeping: Liftgate) -> None:
    begun = keeping.responses("Hello", MODEL, background=True)
    assert begun.status == "queued"
    for _ in range(600):
        found = keeping.get_responses(begun.id)
        if found.status not in ("queued", "in_progress"):
            break
        time.sleep(0.05)
    assert found.status == "completed" and "Hello" in found.output_text


@pytest.mark.parametrize(
    ("said", "param"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"store": True}, "store"),
        ({"background": True}, "background"),
    ],
)
def test_straight_to_gemini_what_needs_a_memory_is_refused(sandbox: Sandbox, said: dict[str, Any], param: str) -> None:
    with pytest.raises(liftgate.UnsupportedParamsError, match="data_dir") as refused:
        liftgate.responses("x", MODEL, **said)
    assert refused.value.param == param
    with pytest.raises(liftgate.UnsupportedParamsError, match="data_dir"):
        liftgate.get_responses("resp_1")
    with pytest.raises(liftgate.UnsupportedParamsError, match="data_dir"):
        liftgate.delete_responses("resp_1")
    assert liftgate.responses("x", MODEL).store is False


@pytest.mark.parametrize(
    ("said", "param"),
    [
        ({"input": None}, "input"),
        ({"input": "x", "temperature": 9}, "temperature"),
        ({"input": "x", "nonsense": 1}, "nonsense"),
        ({"input": [{"role": "user", "content": [{"type": "input_text"}]}]}, "input[0].content[0].text"),
        ({"input": [{"type": "item_reference", "id": "msg_none"}]}, "input"),
    ],
)
def test_errors_name_the_parameter(client: Liftgate, said: dict[str, Any], param: str) -> None:
    for stream in (False, True):
        with pytest.raises((liftgate.BadRequestError, liftgate.NotFoundError)) as refused:
            client.responses(model=MODEL, stream=stream, **said)
        error: Any = refused.value
        assert (error.param, error.model) == (param, MODEL)


def test_what_breaks_a_stream_is_raised_in_it(client: Liftgate, sandbox: Sandbox) -> None:
    chunk = {"candidates": [{"content": {"role": "model", "parts": [{"text": "Hel"}]}}]}
    sandbox.control("scripts", {"chunks": [chunk], "end": "reset", "times": None})
    stream = client.responses("x", MODEL, stream=True)
    assert isinstance(stream, EventStream)
    seen = []
    with pytest.raises(liftgate.LiftgateError):
        for event in stream:
            seen.append(event.type)
    assert "response.output_text.delta" in seen and "response.completed" not in seen


def test_the_module_and_the_async_client_have_it_too(sandbox: Sandbox, tmp_path: Path) -> None:
    async def talk() -> None:
        answer = await liftgate.aresponses("Hello", MODEL)
        assert answer.output_text
        async with AsyncLiftgate(data_dir=tmp_path) as client:
            first = await client.responses("Hello", MODEL)
            stream = await client.responses("More", MODEL, previous_response_id=first.id, stream=True)
            assert isinstance(stream, AsyncEventStream)
            events = [event.type async for event in stream]
            assert events[-1] == "response.completed" and stream.completed_response is not None
            assert (await client.get_responses(first.id)).id == first.id
            assert (await client.delete_responses(first.id)).deleted

    asyncio.run(talk())
    assert liftgate.responses("Hello", MODEL).output_text
