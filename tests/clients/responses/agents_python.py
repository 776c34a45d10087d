"""OpenAI's Agents SDK for Python: `python agents_python.py URL`."""

import asyncio
import base64
import sys
from typing import Any

import agents
import openai
from agents import Agent, ModelSettings, OpenAIConversationsSession, RunConfig, Runner, function_tool
from openai import AsyncOpenAI
from pydantic import BaseModel

from cases import KEY, MODEL, PNG, run

URL = sys.argv[1]
client = AsyncOpenAI(base_url=f"{URL}/v1", api_key=KEY, max_retries=0)
agents.set_default_openai_client(client, use_for_tracing=False)
agents.set_tracing_disabled(True)
seen: list[str] = []


@function_tool
def look(at: str) -> str:
    """Looks."""
    seen.append(at)
    return f"{at}: a wall"


@function_tool
def page(at: str) -> list[Any]:
    """A page."""
    return [{"type": "text", "text": "see"}, {"type": "image", "image_url": f"data:image/png;base64,{PNG}"}]


class Count(BaseModel):
    n: int


def agent(**more: Any) -> Agent:
    return Agent(name="a", instructions="Be brief.", model=MODEL, **more)


async def plain() -> None:
    assert "Hello" in (await Runner.run(agent(), "Hello")).final_output


async def streamed() -> None:
    result = Runner.run_streamed(agent(), "Hello")
    deltas = ""
    async for event in result.stream_events():
        if event.type == "raw_response_event" and event.data.type == "response.output_text.delta":
            deltas += event.data.delta
    assert deltas == result.final_output != ""


async def three_turns(**settings: Any) -> None:
    seen.clear()
    items: list[Any] = []
    for turn in range(3):
        asked = {"role": "user", "content": f'call look({{"at":"{turn}"}})'}
        model_settings = ModelSettings(**settings)
        result = await Runner.run(agent(tools=[look], model_settings=model_settings), [*items, asked])
        items = result.to_input_list()
        assert "a wall" in result.final_output
    assert seen == ["0", "1", "2"]


async def streamed_turns() -> None:
    seen.clear()
    items: list[Any] = []
    for turn in range(3):
        asked = {"role": "user", "content": f'call look({{"at":"{turn}"}})'}
        result = Runner.run_streamed(agent(tools=[look]), [*items, asked])
        async for _ in result.stream_events():
            pass
        items = result.to_input_list()
        assert "a wall" in result.final_output
    assert seen == ["0", "1", "2"]


async def sealed() -> None:
    await three_turns(store=False, response_include=["reasoning.encrypted_content"])


async def structured() -> None:
    assert isinstance((await Runner.run(agent(output_type=Count), "Count")).final_output, Count)


async def file_by_id() -> None:
    file = await client.files.create(file=("a.txt", b"hello"), purpose="user_data")
    parts = [{"type": "input_file", "file_id": file.id}, {"type": "input_text", "text": "What?"}]
    assert "1 file" in (await Runner.run(agent(), [{"role": "user", "content": parts}])).final_output


async def file_by_data() -> None:
    data = "data:text/plain;base64," + base64.b64encode(b"hello").decode()
    parts = [{"type": "input_file", "file_data": data, "filename": "a.txt"}, {"type": "input_text", "text": "What?"}]
    assert "1 file" in (await Runner.run(agent(), [{"role": "user", "content": parts}])).final_output


async def file_of_a_tool() -> None:
    result = await Runner.run(agent(tools=[page]), 'call page({"at":"1"})')
    assert "1 file" in result.final_output, result.final_output


async def image() -> None:
    parts = [{"type": "input_image", "image_url": f"data:image/png;base64,{PNG}", "detail": "auto"}]
    assert "1 file" in (await Runner.run(agent(), [{"role": "user", "content": parts}])).final_output


async def chain() -> None:
    first = await Runner.run(agent(), "I am Ann.")
    second = await Runner.run(agent(), "Who am I?", previous_response_id=first.last_response_id)
    assert "Turns: 3" in second.final_output, second.final_output


async def chain_with_tools() -> None:
    seen.clear()
    result = await Runner.run(agent(tools=[look]), 'call look({"at":"x"})', auto_previous_response_id=True)
    assert "a wall" in result.final_output and seen == ["x"]


async def conversation() -> None:
    made = await client.conversations.create()
    await Runner.run(agent(), "I am Ann.", conversation_id=made.id)
    second = await Runner.run(agent(), "Who am I?", conversation_id=made.id)
    assert "Turns: 3" in second.final_output, second.final_output


async def session() -> None:
    kept = OpenAIConversationsSession(openai_client=client)
    await Runner.run(agent(tools=[look]), 'call look({"at":"x"})', session=kept)
    second = await Runner.run(agent(tools=[look]), "And now?", session=kept)
    assert "And now?" in second.final_output
    items = await kept.get_items()
    assert len(items) == 6, items
    assert (await kept.pop_item()) is not None and len(await kept.get_items()) == 5
    await kept.clear_session()


async def search() -> None:
    result = await Runner.run(agent(tools=[agents.WebSearchTool()]), "What is new?")
    assert result.final_output


async def error() -> None:
    for said, status, code in (
        ({"previous_response_id": "resp_none"}, 400, "previous_response_not_found"),
        ({"conversation_id": "conv_none"}, 404, None),
        ({"run_config": RunConfig(model_settings=ModelSettings(extra_body={"bogus": 1}))}, 400, "unknown_parameter"),
        ({"run_config": RunConfig(model_settings=ModelSettings(response_include=["soup"]))}, 400, "invalid_value"),
    ):
        for ask in (Runner.run, streamed_run):
            try:
                await ask(agent(), "x", **said)  # type: ignore[operator]
            except openai.APIStatusError as refused:
                assert (refused.status_code, refused.code) == (status, code), refused
            else:
                raise AssertionError(f"{said} was taken")


async def streamed_run(*given: Any, **more: Any) -> None:
    async for _ in Runner.run_streamed(*given, **more).stream_events():
        pass


async def handoff() -> None:
    other = Agent(name="other", instructions="You are the other.", model=MODEL)
    result = await Runner.run(agent(handoffs=[other]), "call transfer_to_other({})", run_config=RunConfig())
    assert result.last_agent.name == "other"


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
            "chain with tools": chain_with_tools,
            "conversation": conversation,
            "session": session,
            "web search": search,
            "handoff": handoff,
            "errors": error,
        }
    )
)
