"""Haystack's generator for OpenAI's form, and its agent: `python haystack_python.py URL`."""

import asyncio
import os
import sys

os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "false"

from haystack.components.agents import Agent
from haystack.components.generators.chat import OpenAIChatGenerator
from haystack.dataclasses import ChatMessage, FileContent, ImageContent
from haystack.tools import tool
from haystack.utils import Secret
from pydantic import BaseModel

from cases import KEY, MODEL, PNG, run


class Person(BaseModel):
    name: str
    age: int


@tool
def look(at: str) -> str:
    """Looks at a place."""
    return f"{at}: a wall"


def generator(**more: object) -> OpenAIChatGenerator:
    shared = {"api_key": Secret.from_token(KEY), "api_base_url": f"{sys.argv[1]}/v1", "max_retries": 0}
    return OpenAIChatGenerator(model=MODEL, **shared, **more)


def plain() -> None:
    assert "Hello" in generator().run([ChatMessage.from_user("Hello")])["replies"][0].text


def streamed() -> None:
    pieces: list[str] = []
    found = generator(streaming_callback=lambda chunk: pieces.append(chunk.content)).run(
        [ChatMessage.from_user("Hello")]
    )
    assert "Hello" in "".join(pieces) and found["replies"][0].text == "".join(pieces)


def loop(streaming: bool = False) -> None:
    more = {"streaming_callback": lambda chunk: None} if streaming else {}
    asks = generator(tools=[look], tools_strict=True, **more)
    messages = [ChatMessage.from_user('call look({"at": "1"}) call look({"at": "2"})')]
    called = asks.run(messages)["replies"][0]
    assert [call.arguments for call in called.tool_calls] == [{"at": "1"}, {"at": "2"}]
    results = [ChatMessage.from_tool(look.invoke(**call.arguments), origin=call) for call in called.tool_calls]
    assert "a wall" in asks.run([*messages, called, *results])["replies"][0].text


def streamed_loop() -> None:
    loop(streaming=True)


def agent() -> None:
    made = Agent(chat_generator=generator(), tools=[look])
    found = made.run(messages=[ChatMessage.from_user('call look({"at": "1"})')])
    assert "a wall" in found["last_message"].text


def structured() -> None:
    found = generator(generation_kwargs={"response_format": Person}).run([ChatMessage.from_user("Who?")])
    assert Person.model_validate_json(found["replies"][0].text).name


def media() -> None:
    data = "JVBERi0xLjQgaGVsbG8="
    parts = [
        "What?",
        ImageContent(PNG, mime_type="image/png"),
        FileContent(data, mime_type="application/pdf", filename="a.pdf"),
    ]
    assert "2 files" in generator().run([ChatMessage.from_user(content_parts=parts)])["replies"][0].text


def error() -> None:
    try:
        generator(generation_kwargs={"n": 99}).run([ChatMessage.from_user("x")])
    except Exception as refused:
        assert "n" in str(refused), refused
        return
    raise AssertionError("nothing was raised")


asyncio.run(
    run(
        {
            "plain": plain,
            "streamed": streamed,
            "tools": loop,
            "tools, streamed": streamed_loop,
            "agent": agent,
            "structured output": structured,
            "files by data": media,
            "error": error,
        }
    )
)
