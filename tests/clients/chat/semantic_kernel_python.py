"""Semantic Kernel over OpenAI's client: `python semantic_kernel_python.py URL`."""

import asyncio
import sys

from openai import AsyncOpenAI
from pydantic import BaseModel
from semantic_kernel import Kernel
from semantic_kernel.connectors.ai import FunctionChoiceBehavior
from semantic_kernel.connectors.ai.open_ai import OpenAIChatCompletion, OpenAIChatPromptExecutionSettings
from semantic_kernel.contents import ChatHistory
from semantic_kernel.functions import kernel_function

from cases import KEY, MODEL, run

CLIENT = AsyncOpenAI(base_url=f"{sys.argv[1]}/v1", api_key=KEY, max_retries=0)
SERVICE = OpenAIChatCompletion(ai_model_id=MODEL, async_client=CLIENT)


class Person(BaseModel):
    name: str
    age: int


class Places:
    @kernel_function(description="Looks at a place.")
    def look(self, at: str) -> str:
        return f"{at}: a wall"


def asked(text: str) -> ChatHistory:
    history = ChatHistory()
    history.add_user_message(text)
    return history


def settings(**more: object) -> OpenAIChatPromptExecutionSettings:
    return OpenAIChatPromptExecutionSettings(**more)


async def plain() -> None:
    assert "Hello" in str(await SERVICE.get_chat_message_content(asked("Hello"), settings()))


async def streamed() -> None:
    pieces = [str(each) async for each in SERVICE.get_streaming_chat_message_content(asked("Hello"), settings())]
    assert "Hello" in "".join(pieces)


async def loop() -> None:
    """Names of functions are `plugin-function`."""
    kernel = Kernel()
    kernel.add_plugin(Places(), "places")
    choice = settings(function_choice_behavior=FunctionChoiceBehavior.Auto())
    history = asked('call places-look({"at": "1"}) call places-look({"at": "2"})')
    assert "a wall" in str(await SERVICE.get_chat_message_content(history, choice, kernel=kernel))


async def structured() -> None:
    found = await SERVICE.get_chat_message_content(asked("Who?"), settings(response_format=Person))
    assert Person.model_validate_json(str(found)).name


asyncio.run(run({"plain": plain, "streamed": streamed, "tools": loop, "structured output": structured}))
