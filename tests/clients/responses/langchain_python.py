"""LangChain's ChatOpenAI over Responses: `python langchain_python.py URL`."""

import asyncio
import base64
import sys
from functools import reduce
from operator import add
from typing import Any

import openai
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import BaseModel

from cases import KEY, MODEL, PNG, run

URL = f"{sys.argv[1]}/v1"


@tool
def look(at: str) -> str:
    """Looks."""
    return f"{at}: a wall"


class Count(BaseModel):
    """A count."""

    n: int


def model(**more: Any) -> ChatOpenAI:
    return ChatOpenAI(model=MODEL, base_url=URL, api_key=KEY, max_retries=0, use_responses_api=True, **more)


def plain() -> None:
    assert "Hello" in model().invoke("Hello").text


def streamed() -> None:
    assert "Hello" in reduce(add, model().stream("Hello")).text


def three_turns(**more: Any) -> None:
    bound = model(**more).bind_tools([look])
    messages: list[Any] = []
    for turn in range(3):
        messages.append(HumanMessage(f'call look({{"at":"{turn}"}})'))
        called = bound.invoke(messages)
        (call,) = called.tool_calls
        assert call["args"] == {"at": str(turn)}
        messages += [called, ToolMessage(look.invoke(call["args"]), tool_call_id=call["id"])]
        messages.append(bound.invoke(messages))
        assert "a wall" in messages[-1].text


def streamed_turns() -> None:
    bound = model().bind_tools([look])
    messages: list[Any] = []
    for turn in range(3):
        messages.append(HumanMessage(f'call look({{"at":"{turn}"}})'))
        messages.append(reduce(add, bound.stream(messages)))
        (call,) = messages[-1].tool_calls
        messages.append(ToolMessage(look.invoke(call["args"]), tool_call_id=call["id"]))
        messages.append(reduce(add, bound.stream(messages)))
        assert "a wall" in messages[-1].text


def sealed() -> None:
    three_turns(store=False, include=["reasoning.encrypted_content"])


def structured() -> None:
    assert isinstance(model().with_structured_output(Count, method="json_schema").invoke("Count"), Count)


def ask(part: dict[str, Any]) -> str:
    return str(model().invoke([HumanMessage([part, {"type": "text", "text": "What?"}])]).text)


def file_by_id() -> None:
    file = model().root_client.files.create(file=("a.txt", b"hello"), purpose="user_data")
    assert "1 file" in ask({"type": "file", "file_id": file.id})


def file_of_a_tool() -> None:
    file = model().root_client.files.create(file=("a.png", base64.b64decode(PNG)), purpose="user_data")
    messages: list[Any] = [HumanMessage('call look({"at":"x"})')]
    messages.append(model().bind_tools([look]).invoke(messages))
    shown: list[Any] = [{"type": "input_file", "file_id": file.id}]
    messages.append(ToolMessage(shown, tool_call_id=messages[-1].tool_calls[0]["id"]))
    assert "1 file" in model().bind_tools([look]).invoke(messages).text


def conversation() -> None:
    made = model().root_client.conversations.create()
    model().invoke("I am Ann.", conversation=made.id)
    assert "Turns: 3" in model().invoke("Who am I?", conversation=made.id).text


def errors() -> None:
    for said, status, code in (
        ({"previous_response_id": "resp_none"}, 400, "previous_response_not_found"),
        ({"conversation": "conv_none"}, 404, None),
        ({"extra_body": {"bogus": 1}}, 400, "unknown_parameter"),
        ({"include": ["soup"]}, 400, "invalid_value"),
    ):
        for ask_with in (model().invoke, lambda text, **more: list(model().stream(text, **more))):
            try:
                ask_with("x", **said)  # type: ignore[operator]
            except openai.APIStatusError as refused:
                assert (refused.status_code, refused.code) == (status, code), refused
            else:
                raise AssertionError(f"{said} was taken")


def file_by_data() -> None:
    data = base64.b64encode(b"hello").decode()
    part = {"type": "file", "source_type": "base64", "data": data, "mime_type": "text/plain", "filename": "a.txt"}
    assert "1 file" in ask(part)


def image() -> None:
    assert "1 file" in ask({"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}})


def chain() -> None:
    chained = model(use_previous_response_id=True)
    first = chained.invoke("I am Ann.")
    second = chained.invoke([HumanMessage("I am Ann."), first, HumanMessage("Who am I?")])
    assert "Turns: 3" in second.text


def search() -> None:
    assert model().bind_tools([{"type": "web_search"}]).invoke("What is new?").text


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
            "web search": search,
            "errors": errors,
        }
    )
)
