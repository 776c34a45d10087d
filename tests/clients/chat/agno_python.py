"""agno's agent over OpenAI's form and over Gemini's own: `python agno_python.py URL`."""

import asyncio
import base64
import os
import sys

os.environ["AGNO_TELEMETRY"] = "false"

from agno.agent import Agent
from agno.media import Image
from agno.models.google import Gemini
from agno.models.openai.like import OpenAILike
from google.genai import Client, types
from pydantic import BaseModel

from cases import KEY, MODEL, PNG, run

LIKE = OpenAILike(id=MODEL, base_url=f"{sys.argv[1]}/v1", api_key=KEY)
GEMINI = Gemini(
    id=MODEL, client=Client(api_key=KEY, http_options=types.HttpOptions(base_url=sys.argv[1], timeout=60_000))
)
MODELS = (LIKE, GEMINI)
QUIET = {"telemetry": False}


class Person(BaseModel):
    name: str
    age: int


def look(at: str) -> str:
    """Looks at a place."""
    return f"{at}: a wall"


def plain() -> None:
    for model in MODELS:
        assert "Hello" in Agent(model=model, **QUIET).run("Hello").content


def streamed() -> None:
    for model in MODELS:
        pieces = [each.content or "" for each in Agent(model=model, **QUIET).run("Hello", stream=True)]
        assert "Hello" in "".join(pieces)


def loop() -> None:
    for model in MODELS:
        found = Agent(model=model, tools=[look], **QUIET).run('call look({"at": "1"}) call look({"at": "2"})')
        assert "a wall" in found.content and len(found.tools) == 2


def streamed_loop() -> None:
    for model in MODELS:
        agent = Agent(model=model, tools=[look], **QUIET)
        pieces = [each.content or "" for each in agent.run('call look({"at": "1"})', stream=True)]
        assert "a wall" in "".join(pieces)


def structured() -> None:
    for model in MODELS:
        assert isinstance(Agent(model=model, output_schema=Person, **QUIET).run("Who?").content, Person)


def image() -> None:
    for model in MODELS:
        picture = Image(content=base64.b64decode(PNG), mime_type="image/png")
        assert "1 file" in Agent(model=model, **QUIET).run("What?", images=[picture]).content


asyncio.run(
    run(
        {
            "plain": plain,
            "streamed": streamed,
            "tools": loop,
            "tools, streamed": streamed_loop,
            "structured output": structured,
            "image": image,
        }
    )
)
