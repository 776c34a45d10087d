"""LiteLLM's SDK in front, by each provider that speaks OpenAI's or Gemini's form: `python litellm_python.py URL`."""

import asyncio
import json
import os
import sys

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

import litellm
from pydantic import BaseModel

from cases import KEY, MODEL, PNG, run

URL = sys.argv[1]
WAYS = [
    *(
        {"model": f"{provider}/{MODEL}", "api_base": f"{URL}/v1"}
        for provider in ("openai", "litellm_proxy", "hosted_vllm")
    ),
    {"model": f"gemini/{MODEL}", "api_base": f"{URL}/v1beta"},
    {"model": f"gemini/{MODEL}", "api_base": URL},
]
FUNCTION = {
    "name": "look",
    "parameters": {"type": "object", "properties": {"at": {"type": "string"}}, "required": ["at"]},
}
TOOLS = [{"type": "function", "function": FUNCTION}]


class Person(BaseModel):
    name: str
    age: int


def ask(way: dict, content: object, **more: object) -> object:
    messages = content if isinstance(content, list) and "role" in content[0] else [{"role": "user", "content": content}]
    return litellm.completion(**way, messages=messages, api_key=KEY, num_retries=0, **more)


def plain() -> None:
    for way in WAYS:
        assert "Hello" in ask(way, "Hello").choices[0].message.content


def streamed() -> None:
    for way in WAYS:
        chunks = list(ask(way, "Hello", stream=True, stream_options={"include_usage": True}))
        assert "Hello" in litellm.stream_chunk_builder(chunks).choices[0].message.content


def loop() -> None:
    for way in WAYS:
        messages = [{"role": "user", "content": 'call look({"at": "1"}) call look({"at": "2"})'}]
        called = ask(way, messages, tools=TOOLS).choices[0].message
        messages.append(called)
        for call in called.tool_calls:
            text = json.loads(call.function.arguments)["at"] + ": a wall"
            messages.append({"role": "tool", "tool_call_id": call.id, "name": "look", "content": text})
        assert "a wall" in ask(way, messages, tools=TOOLS).choices[0].message.content


def structured() -> None:
    for way in WAYS:
        answer = ask(way, "Who?", response_format=Person).choices[0].message.content
        assert Person.model_validate_json(answer).name


def image() -> None:
    for way in WAYS:
        content = [
            {"type": "text", "text": "What?"},
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
        ]
        assert "1 file" in ask(way, content).choices[0].message.content


def error() -> None:
    for way in WAYS:
        try:
            ask({**way, "model": way["model"].replace(MODEL, "gemini-none")}, "x")
        except litellm.NotFoundError:
            continue
        raise AssertionError("nothing was raised")


asyncio.run(
    run(
        {
            "plain": plain,
            "streamed": streamed,
            "tools": loop,
            "structured output": structured,
            "image": image,
            "error": error,
        }
    )
)
