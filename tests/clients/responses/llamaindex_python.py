"""LlamaIndex's OpenAIResponses: `python llamaindex_python.py URL`."""

import asyncio
import sys
from base64 import b64decode, b64encode
from typing import Any

import openai
from llama_index.core import PromptTemplate
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.base.llms.types import ChatMessage, DocumentBlock, ImageBlock, TextBlock
from llama_index.core.tools import FunctionTool
from llama_index.llms.openai import OpenAIResponses
from pydantic import BaseModel

from cases import KEY, PNG, run

MODEL = "gpt-4o"  # the client looks names up in a table of its own


class Count(BaseModel):
    """A count."""

    n: int


def look(at: str) -> str:
    """Looks."""
    return f"{at}: a wall"


def model(**more: Any) -> OpenAIResponses:
    return OpenAIResponses(model=MODEL, api_base=f"{sys.argv[1]}/v1", api_key=KEY, max_retries=0, **more)


def plain() -> None:
    assert "Hello" in str(model().complete("Hello"))


def streamed() -> None:
    assert "Hello" in "".join(piece.delta or "" for piece in model().stream_complete("Hello"))


async def three_turns(*, streaming: bool = False, store: bool = True) -> None:
    agent = FunctionAgent(tools=[FunctionTool.from_defaults(look)], llm=model(store=store), streaming=streaming)
    for turn in range(3):
        assert f"{turn}: a wall" in str(await agent.run(f'call look({{"at":"{turn}"}})'))


async def streamed_turns() -> None:
    await three_turns(streaming=True)


def conversation() -> None:
    client = openai.OpenAI(base_url=f"{sys.argv[1]}/v1", api_key=KEY)
    spoken = model(additional_kwargs={"conversation": client.conversations.create().id}, store=True)
    spoken.complete("I am Ann.")
    assert "Turns: 3" in str(spoken.complete("Who am I?"))


def structured() -> None:
    got = model().structured_predict(Count, PromptTemplate("Count"))
    assert isinstance(got, Count)


def file_by_data() -> None:
    blocks = [TextBlock(text="What?"), document()]
    assert "1 file" in str(model().chat([ChatMessage(role="user", blocks=blocks)]))


def document() -> DocumentBlock:
    return DocumentBlock(data=b64encode(b"%PDF-1.4 hello"), document_mimetype="application/pdf", title="a.pdf")


def file_of_a_tool() -> None:
    asked = ChatMessage(role="user", content='call look({"at":"x"})')
    called = model().chat_with_tools([FunctionTool.from_defaults(look)], chat_history=[asked]).message
    [block] = [each for each in called.blocks if each.block_type == "tool_call"]
    told = ChatMessage(role="tool", blocks=[document()], additional_kwargs={"tool_call_id": block.tool_call_id})
    assert "1 file" in str(model().chat([asked, called, told]))


def search() -> None:
    assert str(model(built_in_tools=[{"type": "web_search"}]).complete("What is new?"))


async def sealed() -> None:
    """It stores nothing where it is not told to."""
    await three_turns(store=False)


def errors() -> None:
    for said, status, code in (
        ({"previous_response_id": "resp_none"}, 400, "previous_response_not_found"),
        ({"conversation": "conv_none"}, 404, None),
        ({"include": ["soup"]}, 400, "invalid_value"),
    ):
        try:
            model(additional_kwargs=said).complete("x")
        except openai.APIStatusError as refused:
            assert (refused.status_code, refused.code) == (status, code), refused
        else:
            raise AssertionError(f"{said} was taken")


def image() -> None:
    blocks = [TextBlock(text="What?"), ImageBlock(image=b64decode(PNG), image_mimetype="image/png")]
    assert "1 file" in str(model().chat([ChatMessage(role="user", blocks=blocks)]))


def chain() -> None:
    kept = model(store=True, track_previous_responses=True)
    kept.chat([ChatMessage(role="user", content="I am Ann.")])
    assert "Turns: 3" in str(kept.chat([ChatMessage(role="user", content="Who am I?")]))


asyncio.run(
    run(
        {
            "plain": plain,
            "streamed": streamed,
            "tools over three turns": three_turns,
            "tools in streams": streamed_turns,
            "tools, nothing stored": sealed,
            "structured output": structured,
            "file by data": file_by_data,
            "file of a tool": file_of_a_tool,
            "image": image,
            "chain": chain,
            "conversation": conversation,
            "web search": search,
            "errors": errors,
        }
    )
)
