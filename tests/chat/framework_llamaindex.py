"""LlamaIndex's OpenAILike as people use it, one call at a time by its default: `python framework_llamaindex.py URL`.

Runs where `requirements-openai2.lock` is installed; prints one JSON object.
"""

import asyncio
import json
import sys

from llama_index.core import PromptTemplate
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.tools import FunctionTool
from llama_index.llms.openai_like import OpenAILike
from pydantic import BaseModel


class Person(BaseModel):
    """A person."""

    name: str
    age: int


def weather(city: str) -> str:
    """The weather of a city."""
    return f"It rains in {city}."


def main(url: str) -> dict[str, object]:
    llm = OpenAILike(
        model="gemini-2.5-flash",
        api_base=f"{url}/v1",
        api_key="sk-none",
        is_chat_model=True,
        is_function_calling_model=True,
        max_retries=0,
    )
    tool = FunctionTool.from_defaults(weather)
    question = 'call weather({"city": "Bonn"}) call weather({"city": "Ulm"})'
    answer = llm.chat_with_tools([tool], question)
    calls = llm.get_tool_calls_from_response(answer)
    person = llm.structured_predict(Person, PromptTemplate("Who is it?"))
    agent = FunctionAgent(tools=[tool], llm=llm, allow_parallel_tool_calls=False, streaming=True)
    said = asyncio.run(_run(agent, question))
    return {
        "calls": [[call.tool_name, call.tool_kwargs] for call in calls],
        "person": sorted(person.model_dump()),
        "agent": said,
    }


async def _run(agent: FunctionAgent, question: str) -> dict[str, object]:
    done = await agent.run(question)
    return {"text": bool(str(done)), "tools": [call.tool_kwargs for call in done.tool_calls]}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1])))
