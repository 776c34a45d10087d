"""LiteLLM's SDK as a client of Responses: `python litellm_python.py URL SANDBOX`."""

import asyncio
import base64
import sys
import time
from typing import Any

import litellm
import openai
from pydantic import BaseModel

from cases import ERRORS, KEY, MODEL, PNG, held, run

client = openai.OpenAI(base_url=f"{sys.argv[1]}/v1", api_key=KEY, max_retries=0)
HERE: Any = {"api_base": f"{sys.argv[1]}/v1", "api_key": KEY, "max_retries": 0}
LOOK: Any = {
    "type": "function",
    "name": "look",
    "description": "Looks.",
    "parameters": {"type": "object", "properties": {"at": {"type": "string"}}, "required": ["at"]},
}


class Count(BaseModel):
    n: int


def respond(text: Any, **more: Any) -> Any:
    return litellm.responses(model=f"openai/{MODEL}", input=text, **HERE, **more)


def plain() -> None:
    assert "Hello" in respond("Hello").output_text


def streamed() -> None:
    events = list(respond("Hello", stream=True))
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert "Hello" in text and events[-1].type == "response.completed"


def three_turns(**more: Any) -> None:
    items: list[Any] = []
    for turn in range(3):
        items.append({"role": "user", "content": f'call look({{"at":"{turn}"}})'})
        got = respond(items, tools=[LOOK], **more)
        items += [item.model_dump(exclude_none=True) for item in got.output]
        (call,) = [item for item in got.output if item.type == "function_call"]
        items.append({"type": "function_call_output", "call_id": call.call_id, "output": f"{turn}: a wall"})
        got = respond(items, tools=[LOOK], **more)
        assert f"{turn}: a wall" in got.output_text
        items += [item.model_dump(exclude_none=True) for item in got.output]


def streamed_turns() -> None:
    items: list[Any] = []
    for turn in range(3):
        items.append({"role": "user", "content": f'call look({{"at":"{turn}"}})'})
        for _ in range(2):
            last = list(respond(items, tools=[LOOK], stream=True))[-1].response
            items += [item.model_dump(exclude_none=True) for item in last.output]
            items += [
                {"type": "function_call_output", "call_id": item.call_id, "output": f"{turn}: a wall"}
                for item in last.output
                if item.type == "function_call"
            ]
        assert f"{turn}: a wall" in last.output_text


def search() -> None:
    assert respond("What is new?", tools=[{"type": "web_search"}]).output_text


def sealed() -> None:
    three_turns(store=False, include=["reasoning.encrypted_content"])


def structured() -> None:
    assert isinstance(Count.model_validate_json(respond("Count", text_format=Count).output_text), Count)


def ask(part: Any) -> Any:
    return respond([{"role": "user", "content": [part, {"type": "input_text", "text": "What?"}]}]).output_text


def file_by_id() -> None:
    file = client.files.create(file=("a.txt", b"hello"), purpose="user_data")
    assert "1 file" in ask({"type": "input_file", "file_id": file.id})


def file_by_data() -> None:
    data = "data:text/plain;base64," + base64.b64encode(b"hello").decode()
    assert "1 file" in ask({"type": "input_file", "file_data": data, "filename": "a.txt"})


def file_of_a_tool() -> None:
    items: list[Any] = [{"role": "user", "content": 'call look({"at":"x"})'}]
    got = respond(items, tools=[LOOK])
    shown = [{"type": "input_image", "image_url": f"data:image/png;base64,{PNG}"}]
    items += [item.model_dump(exclude_none=True) for item in got.output]
    items.append({"type": "function_call_output", "call_id": got.output[-1].call_id, "output": shown})
    assert "1 file" in respond(items, tools=[LOOK]).output_text


def image() -> None:
    assert "1 file" in ask({"type": "input_image", "image_url": f"data:image/png;base64,{PNG}", "detail": "auto"})


def chain() -> None:
    first = respond("I am Ann.")
    second = respond("Who am I?", previous_response_id=first.id)
    assert "Turns: 3" in second.output_text
    assert litellm.get_responses(response_id=second.id, custom_llm_provider="openai", **HERE).output_text
    assert litellm.delete_responses(response_id=first.id, custom_llm_provider="openai", **HERE).deleted


def conversation() -> None:
    named = {"conversation": client.conversations.create().id}
    respond("I am Ann.", extra_body=named)
    assert "Turns: 3" in respond("Who am I?", extra_body=named).output_text


def polled() -> None:
    got = respond("Hello", background=True)
    while got.status in ("queued", "in_progress"):
        time.sleep(0.05)
        got = litellm.get_responses(response_id=got.id, custom_llm_provider="openai", **HERE)
    assert got.status == "completed" and got.output_text


def cancel() -> None:
    with held():
        begun = respond("Hello", background=True)
        ended = litellm.cancel_responses(response_id=begun.id, custom_llm_provider="openai", **HERE)
        assert ended.status == "cancelled"


def compact() -> None:
    got = litellm.compact_responses(model=f"openai/{MODEL}", input="I am Ann.", **HERE)
    assert "compaction" in str(got.output[-1])


def errors() -> None:
    for wrong in ERRORS:
        body = dict(wrong["body"])
        if "without" in wrong or "input" not in body:
            continue  # the client wants these itself
        more = {key: value for key, value in body.items() if key != "input"}
        try:
            respond(body["input"], extra_body=more)
        except (litellm.BadRequestError, litellm.NotFoundError) as refused:
            assert refused.status_code == wrong["status"], (body, refused)
        else:
            raise AssertionError(f"{body} was taken")


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
            "background, asked for until its end": polled,
            "cancel": cancel,
            "compact": compact,
            "web search": search,
            "errors": errors,
        }
    )
)
