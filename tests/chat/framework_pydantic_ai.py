"""pydantic-ai's OpenAI model: an agent that only has instructions, JSON output beside tools, and a broken answer:
`python framework_pydantic_ai.py URL`, and the name of a task in each line of standard input.

Runs where `requirements-clients.lock` is installed; prints a line of JSON for each task.
"""

import json
import sys

from openai import AsyncOpenAI
from pydantic import BaseModel
from pydantic_ai import Agent, NativeOutput
from pydantic_ai.exceptions import AgentRunError, ContentFilterError
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider


class Person(BaseModel):
    """A person."""

    name: str
    age: int


def model_of(url: str, name: str) -> OpenAIChatModel:
    client = AsyncOpenAI(base_url=f"{url}/v1", api_key="sk-none", max_retries=0)
    return OpenAIChatModel(name, provider=OpenAIProvider(openai_client=client))


def instructions_only(url: str) -> dict[str, object]:
    """No user prompt: the first turn asks for a tool, the second opens with its call."""
    agent = Agent(model_of(url, "gemini-3.5-flash"), instructions='call topic({"n": 1})')
    seen: list[int] = []

    @agent.tool_plain
    def topic(n: int) -> str:
        """A topic for a joke."""
        seen.append(n)
        return "cats"

    return {"text": bool(agent.run_sync().output), "seen": seen}


def output_beside_tools(url: str) -> dict[str, object]:
    agent = Agent(model_of(url, "gemini-2.5-flash"), output_type=NativeOutput(Person))
    seen: list[str] = []

    @agent.tool_plain
    def look(city: str) -> str:
        """Looks a city up."""
        seen.append(city)
        return "found"

    person = agent.run_sync('call look({"city": "Bonn"})').output
    return {"person": sorted(person.model_dump()), "seen": seen}


def broken(url: str) -> dict[str, object]:
    agent = Agent(model_of(url, "gemini-3.5-flash"))
    try:
        return {"text": agent.run_sync("hello").output}
    except ContentFilterError:
        return {"error": "content filter"}
    except AgentRunError as error:
        return {"error": type(error).__name__, "status": getattr(error, "status_code", None)}


if __name__ == "__main__":
    tasks = {"instructions": instructions_only, "output": output_beside_tools, "broken": broken}
    for line in sys.stdin:
        print(json.dumps(tasks[line.strip()](sys.argv[1])), flush=True)
