"""OpenAI's Agents over its model class for chat: `python agents_python.py URL`."""

import asyncio
import base64
import sys

from agents import Agent, ModelSettings, OpenAIChatCompletionsModel, Runner, function_tool, set_tracing_disabled
from openai import AsyncOpenAI, BadRequestError, NotFoundError
from pydantic import BaseModel

from cases import KEY, MODEL, PNG, run

set_tracing_disabled(True)
CLIENT = AsyncOpenAI(base_url=f"{sys.argv[1]}/v1", api_key=KEY, max_retries=0)
MODEL_OBJECT = OpenAIChatCompletionsModel(MODEL, CLIENT)


class Person(BaseModel):
    name: str
    age: int


@function_tool
def look(at: str) -> str:
    """Looks at a place."""
    return f"{at}: a wall"


def agent(**more: object) -> Agent:
    return Agent(name="a", instructions="Be brief.", model=MODEL_OBJECT, **more)


async def plain() -> None:
    assert "Hello" in (await Runner.run(agent(), "Hello")).final_output


async def loop() -> None:
    for settings in (ModelSettings(), ModelSettings(parallel_tool_calls=False, include_usage=True)):
        made = agent(tools=[look], model_settings=settings)
        result = await Runner.run(made, 'call look({"at": "1"}) call look({"at": "2"})')
        assert "a wall" in result.final_output


async def streamed_loop() -> None:
    made = agent(tools=[look])
    result = Runner.run_streamed(made, 'call look({"at": "1"})')
    kinds = {event.type async for event in result.stream_events()}
    assert "a wall" in result.final_output and "run_item_stream_event" in kinds


async def structured() -> None:
    assert isinstance((await Runner.run(agent(output_type=Person), "Who?")).final_output, Person)
    beside = await Runner.run(agent(output_type=Person, tools=[look]), "Who?")
    assert isinstance(beside.final_output, Person)


async def handoff() -> None:
    other = Agent(name="other", instructions="Be brief.", model=MODEL_OBJECT)
    result = await Runner.run(agent(handoffs=[other]), "call transfer_to_other({})")
    assert result.last_agent.name == "other"


async def media() -> None:
    page = base64.b64encode(b"%PDF-1.4 hello").decode()
    content = [
        {"type": "input_text", "text": "What?"},
        {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}", "detail": "auto"},
        {"type": "input_file", "file_data": f"data:application/pdf;base64,{page}", "filename": "a.pdf"},
    ]
    result = await Runner.run(agent(), [{"role": "user", "content": content}])
    assert "2 files" in result.final_output


async def error() -> None:
    for wrong in (NotFoundError, "gemini-none"), (BadRequestError, MODEL):
        settings = ModelSettings(extra_body={} if wrong[1] != MODEL else {"n": 0})
        made = Agent(name="a", model=OpenAIChatCompletionsModel(wrong[1], CLIENT), model_settings=settings)
        try:
            await Runner.run(made, "x")
        except wrong[0]:
            continue
        raise AssertionError("nothing was raised")


asyncio.run(
    run(
        {
            "plain": plain,
            "tools": loop,
            "tools, streamed": streamed_loop,
            "structured output": structured,
            "handoff": handoff,
            "files by data": media,
            "error": error,
        }
    )
)
