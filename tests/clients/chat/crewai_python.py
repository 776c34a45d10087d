"""crewAI's model class in OpenAI's form and in Gemini's, and a crew of one: `python crewai_python.py URL`."""

import asyncio
import json
import os
import sys

os.environ.update(CREWAI_DISABLE_TELEMETRY="true", OTEL_SDK_DISABLED="true", CREWAI_TRACING_ENABLED="false")

from crewai import LLM, Agent, Crew, Task
from crewai.tools import tool
from pydantic import BaseModel

from cases import KEY, MODEL, run


class Person(BaseModel):
    name: str
    age: int


@tool
def look(at: str) -> str:
    """Looks at a place."""
    return f"{at}: a wall"


def model(**more: object) -> LLM:
    return LLM(model=f"openai/{MODEL}", base_url=f"{sys.argv[1]}/v1", api_key=KEY, **more)


def plain() -> None:
    assert "Hello" in model().call("Hello")


def streamed() -> None:
    assert "Hello" in model(stream=True).call("Hello")


def structured() -> None:
    found = model().call("Who?", response_model=Person)
    assert Person.model_validate(json.loads(found) if isinstance(found, str) else found.model_dump()).name


def crew() -> None:
    agent = Agent(role="looker", goal="to look", backstory="none", llm=model(), tools=[look], max_iter=3)
    task = Task(description='call look({"at": "1"})', expected_output="what is there", agent=agent)
    assert str(Crew(agents=[agent], tasks=[task], verbose=False).kickoff())


asyncio.run(run({"plain": plain, "streamed": streamed, "structured output": structured, "crew": crew}))
