"""AutoGen's client of OpenAI's form, its agent, and two agents in turn: `python autogen_python.py URL`."""

import asyncio
import sys
import warnings

from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.conditions import MaxMessageTermination
from autogen_agentchat.teams import RoundRobinGroupChat
from autogen_core.models import ModelFamily, UserMessage
from autogen_ext.models.openai import OpenAIChatCompletionClient
from pydantic import BaseModel

from cases import KEY, MODEL, run

warnings.simplefilter("ignore")


class Person(BaseModel):
    name: str
    age: int


async def look(at: str) -> str:
    """Looks at a place."""
    return f"{at}: a wall"


def client(**more: object) -> OpenAIChatCompletionClient:
    info = {
        "vision": True,
        "function_calling": True,
        "json_output": True,
        "structured_output": True,
        "family": ModelFamily.UNKNOWN,
    }
    return OpenAIChatCompletionClient(
        model=MODEL, base_url=f"{sys.argv[1]}/v1", api_key=KEY, model_info=info, max_retries=0, **more
    )


async def plain() -> None:
    found = await client().create([UserMessage(content="Hello", source="user")])
    assert "Hello" in found.content and found.usage.prompt_tokens > 0


async def streamed() -> None:
    pieces = [each async for each in client().create_stream([UserMessage(content="Hello", source="user")])]
    assert "Hello" in "".join(pieces[:-1]) and pieces[-1].content == "".join(pieces[:-1])


async def loop() -> None:
    agent = AssistantAgent("a", model_client=client(), tools=[look], reflect_on_tool_use=True)
    result = await agent.run(task='call look({"at": "1"}) call look({"at": "2"})')
    assert "a wall" in result.messages[-1].content, result.messages[-1]


async def streamed_loop() -> None:
    agent = AssistantAgent("a", model_client=client(), tools=[look], reflect_on_tool_use=True, model_client_stream=True)
    result = await agent.run(task='call look({"at": "1"})')
    assert "a wall" in result.messages[-1].content, result.messages[-1]


async def structured() -> None:
    found = await client().create([UserMessage(content="Who?", source="user")], json_output=Person)
    assert Person.model_validate_json(found.content).name


async def two_in_turn() -> None:
    """Messages carry names, and assistant messages of both stand one after the other."""
    team = RoundRobinGroupChat(
        [AssistantAgent(name, model_client=client()) for name in ("ann", "bob")],
        termination_condition=MaxMessageTermination(4),
    )
    result = await team.run(task="Hello")
    assert [each.source for each in result.messages] == ["user", "ann", "bob", "ann"]


asyncio.run(
    run(
        {
            "plain": plain,
            "streamed": streamed,
            "tools": loop,
            "tools, streamed": streamed_loop,
            "structured output": structured,
            "two agents": two_in_turn,
        }
    )
)
