"""LlamaIndex's OpenAIResponses: `python llamaindex_python.py URL`."""

import asyncio
import sys
from base64 import b64decode
from typing import Any

from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.base.llms.types import ChatMessage, ImageBlock, TextBlock
from llama_index.core.tools import FunctionTool
from llama_index.llms.openai import OpenAIResponses

from cases import KEY, PNG, run

MODEL = "gpt-4o"  # the client looks names up in a table of its own


def look(at: str) -> str:
    """Looks."""
    return f"{at}: a wall"


def model(**more: Any) -> OpenAIResponses:
    return OpenAIResponses(model=MODEL, api_base=f"{sys.argv[1]}/v1", api_key=KEY, max_retries=0, **more)


def plain() -> None:
    assert "Hello" in str(model().complete("Hello"))


def streamed() -> None:
    assert "Hello" in "".join(piece.delta or "" for piece in model().stream_complete("Hello"))


async def three_turns() -> None:
    agent = FunctionAgent(tools=[FunctionTool.from_defaults(look)], llm=model(), streaming=False)
    for turn in range(3):
        assert f"{turn}: a wall" in str(await agent.run(f'call look({{"at":"{turn}"}})'))


def image() -> None:
    blocks = [TextBlock(text="What?"), ImageBlock(image=b64decode(PNG), image_mimetype="image/png")]
    assert "1 file" in str(model().chat([ChatMessage(role="user", blocks=blocks)]))


def chain() -> None:
    kept = model(store=True, track_previous_responses=True)
    kept.chat([ChatMessage(role="user", content="I am Ann.")])
    assert "Turns: 3" in str(kept.chat([ChatMessage(role="user", content="Who am I?")]))


asyncio.run(
    run({"plain": plain, "streamed": streamed, "tools over three turns": three_turns, "image": image, "chain": chain})
)
