"""smolagents' ToolCallingAgent and its model class for OpenAI's form: `python smolagents_python.py URL`."""

import asyncio
import base64
import io
import json
import sys

import PIL.Image
from smolagents import ChatMessage, MessageRole, OpenAIModel, ToolCallingAgent, tool

from cases import KEY, MODEL, PNG, run

MODEL_OBJECT = OpenAIModel(MODEL, api_base=f"{sys.argv[1]}/v1", api_key=KEY)


@tool
def look(at: str) -> str:
    """Looks at a place.

    Args:
        at: The place.
    """
    return f"{at}: a wall"


def user(text: str, **more: object) -> list[ChatMessage]:
    return [ChatMessage(role=MessageRole.USER, content=[{"type": "text", "text": text}], **more)]


def plain() -> None:
    assert "Hello" in MODEL_OBJECT.generate(user("Hello")).content


def streamed() -> None:
    pieces = [each.content or "" for each in MODEL_OBJECT.generate_stream(user("Hello"))]
    assert "Hello" in "".join(pieces)


def forced_call() -> None:
    """`tool_choice: required`, and a text that ends an answer."""
    answer = MODEL_OBJECT.generate(
        user('call look({"at": "1"})'), stop_sequences=["Observation:"], tools_to_call_from=[look]
    )
    assert [call.function.name for call in answer.tool_calls] == ["look"]


def agent() -> None:
    made = ToolCallingAgent(tools=[look], model=MODEL_OBJECT, max_steps=2, verbosity_level=0)
    assert made.run('call look({"at": "1"})') is not None
    assert any("a wall" in str(step.observations) for step in made.memory.steps if hasattr(step, "observations"))


def structured() -> None:
    schema = {
        "type": "object",
        "properties": {"n": {"type": "integer"}},
        "required": ["n"],
        "additionalProperties": False,
    }
    form = {"type": "json_schema", "json_schema": {"name": "count", "schema": schema, "strict": True}}
    answer = MODEL_OBJECT.generate(user("Count"), response_format=form)
    assert isinstance(json.loads(answer.content)["n"], int)


def image() -> None:
    picture = PIL.Image.open(io.BytesIO(base64.b64decode(PNG)))
    content = [{"type": "text", "text": "What?"}, {"type": "image", "image": picture}]
    assert "1 file" in MODEL_OBJECT.generate([ChatMessage(role=MessageRole.USER, content=content)]).content


asyncio.run(
    run(
        {
            "plain": plain,
            "streamed": streamed,
            "forced call": forced_call,
            "agent": agent,
            "structured output": structured,
            "image": image,
        }
    )
)
