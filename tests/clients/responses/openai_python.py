"""OpenAI's Python client, 2.x or 3.x: `python openai_python.py URL`."""

import asyncio
import base64
import sys
import time
from typing import Any

import openai
from pydantic import BaseModel

from cases import ERRORS, KEY, MODEL, PNG, held, run

client = openai.OpenAI(base_url=f"{sys.argv[1]}/v1", api_key=KEY, max_retries=0)
LOOK: Any = {
    "type": "function",
    "name": "look",
    "description": "Looks.",
    "parameters": {"type": "object", "properties": {"at": {"type": "string"}}, "required": ["at"]},
    "strict": False,
}


class Count(BaseModel):
    n: int


def plain() -> None:
    assert "Hello" in client.responses.create(model=MODEL, input="Hello").output_text


def streamed() -> None:
    with client.responses.stream(model=MODEL, input="Hello") as events:
        text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
        assert events.get_final_response().output_text == text != ""


def three_turns(**more: Any) -> None:
    items: list[Any] = [{"role": "user", "content": "Look around."}]
    for turn in range(3):
        got = client.responses.create(model=MODEL, input=items, tools=[LOOK], tool_choice="required", **more)
        items += got.output
        (call,) = [item for item in got.output if item.type == "function_call"]
        items.append({"type": "function_call_output", "call_id": call.call_id, "output": f"wall {turn}"})
    assert client.responses.create(model=MODEL, input=items, tools=[LOOK], tool_choice="none", **more).output_text


def streamed_turns() -> None:
    items: list[Any] = [{"role": "user", "content": "Look around."}]
    for turn in range(3):
        with client.responses.stream(model=MODEL, input=items, tools=[LOOK], tool_choice="required") as events:
            seen = [event.type for event in events]
            got: Any = events.get_final_response()
        assert "response.function_call_arguments.delta" in seen
        items += [item.model_dump(exclude_none=True) for item in got.output]
        (call,) = [item for item in got.output if item.type == "function_call"]
        items.append({"type": "function_call_output", "call_id": call.call_id, "output": f"wall {turn}"})
    raw = list(client.responses.create(model=MODEL, input=items, tools=[LOOK], tool_choice="none", stream=True))
    assert [raw[0].type, raw[-1].type] == ["response.created", "response.completed"]


def sealed() -> None:
    three_turns(store=False, include=["reasoning.encrypted_content"])


def structured() -> None:
    parsed = client.responses.parse(model=MODEL, input="Count", text_format=Count)
    assert isinstance(parsed.output_parsed, Count)
    with client.responses.stream(model=MODEL, input="Count", text_format=Count) as events:
        assert isinstance(events.get_final_response().output_parsed, Count)


def ask(*parts: Any) -> str:
    content: Any = [*parts, {"type": "input_text", "text": "What?"}]
    return client.responses.create(model=MODEL, input=[{"role": "user", "content": content}]).output_text


def file_by_id() -> None:
    file = client.files.create(file=("a.txt", b"hello"), purpose="user_data")
    assert "1 file" in ask({"type": "input_file", "file_id": file.id})


def file_by_data() -> None:
    data = "data:text/plain;base64," + base64.b64encode(b"hello").decode()
    assert "1 file" in ask({"type": "input_file", "file_data": data, "filename": "a.txt"})


def file_of_a_tool() -> None:
    file = client.files.create(file=("a.png", base64.b64decode(PNG)), purpose="user_data")
    items: list[Any] = [{"role": "user", "content": 'call look({"at":"x"})'}]
    got = client.responses.create(model=MODEL, input=items, tools=[LOOK])
    output = [{"type": "input_file", "file_id": file.id}]
    items += [*got.output, {"type": "function_call_output", "call_id": got.output[0].call_id, "output": output}]
    assert "1 file" in client.responses.create(model=MODEL, input=items, tools=[LOOK]).output_text


def image() -> None:
    assert "1 file" in ask({"type": "input_image", "image_url": f"data:image/png;base64,{PNG}", "detail": "auto"})


def chain() -> None:
    first = client.responses.create(model=MODEL, input="I am Ann.")
    second = client.responses.create(model=MODEL, input="Who am I?", previous_response_id=first.id)
    assert "Turns: 3" in second.output_text
    assert client.responses.retrieve(second.id).output_text == second.output_text
    assert next(item.type for item in client.responses.input_items.list(second.id)) == "message"
    client.responses.delete(first.id)


def conversation() -> None:
    made = client.conversations.create(items=[{"type": "message", "role": "user", "content": "I am Ann."}])
    client.responses.create(model=MODEL, input="Hello", conversation=made.id)
    second = client.responses.create(model=MODEL, input="Who am I?", conversation=made.id)
    assert second.conversation is not None and second.conversation.id == made.id
    assert len(list(client.conversations.items.list(made.id))) == 5
    assert client.conversations.delete(made.id).deleted


def background() -> None:
    stream = client.responses.create(model=MODEL, input="Hello", background=True, stream=True)
    first = next(iter(stream))
    response_id = first.response.id  # type: ignore[union-attr]
    stream.close()
    more = list(client.responses.retrieve(response_id, stream=True, starting_after=first.sequence_number))
    assert more[0].sequence_number == first.sequence_number + 1 and more[-1].type == "response.completed"


def polled() -> None:
    got = client.responses.create(model=MODEL, input="Hello", background=True)
    while got.status in ("queued", "in_progress"):
        time.sleep(0.05)
        got = client.responses.retrieve(got.id)
    assert got.status == "completed" and got.output_text


def search() -> None:
    got = client.responses.create(model=MODEL, input="What is new?", tools=[{"type": "web_search"}])
    assert got.output_text


def cancel() -> None:
    with held():
        begun = client.responses.create(model=MODEL, input="Hello", background=True)
        ended = client.responses.cancel(begun.id)
        assert (ended.status, ended.output) == ("cancelled", [])
    assert client.responses.cancel(begun.id).status == client.responses.retrieve(begun.id).status == "cancelled"
    done = client.responses.create(model=MODEL, input="Hello")
    try:
        client.responses.cancel(done.id)
    except openai.BadRequestError as refused:
        assert "Cannot cancel a synchronous response." in refused.message
    else:
        raise AssertionError("a response of the foreground was cancelled")


def compact() -> None:
    got: Any = client.responses.compact(model=MODEL, input="I am Ann.")
    items = [item.model_dump(exclude_none=True, warnings=False) for item in got.output]
    assert client.responses.create(model=MODEL, input=[*items, {"role": "user", "content": "Who?"}]).output_text


def count() -> None:
    assert client.responses.input_tokens.count(model=MODEL, input="Hello").input_tokens > 0


def errors() -> None:
    for wrong in ERRORS:
        for stream in (False, True):
            asked: Any = {"model": MODEL, **wrong["body"], "stream": stream}
            asked.pop(wrong.get("without"), None)
            try:
                client.post("/responses", body=asked, cast_to=object)
            except openai.APIStatusError as refused:
                told = (refused.status_code, refused.code, refused.param)
                assert told == (wrong["status"], wrong["code"], wrong["param"]), (asked, refused)
            else:
                raise AssertionError(f"{asked} was taken")
    try:
        client.responses.create(model=MODEL, input="x", previous_response_id="resp_none")
    except openai.BadRequestError as refused:
        assert refused.code == "previous_response_not_found"
    else:
        raise AssertionError("what is not there was gone on from")


asyncio.run(
    run(
        {
            "plain": plain,
            "streamed": streamed,
            "tools over three turns": three_turns,
            "tools in streams": streamed_turns,
            "tools, nothing stored": sealed,
            "structured output": structured,
            "file by id": file_by_id,
            "file by data": file_by_data,
            "file of a tool": file_of_a_tool,
            "image": image,
            "chain": chain,
            "conversation": conversation,
            "background, read on from a number": background,
            "background, asked for until its end": polled,
            "cancel": cancel,
            "web search": search,
            "compact": compact,
            "count": count,
            "errors": errors,
        }
    )
)
