"""pydantic-ai's OpenAIResponsesModel: `python pydantic_ai_python.py URL`."""

import asyncio
import base64
import sys
from typing import Any

from openai import AsyncOpenAI
from pydantic import BaseModel
from pydantic_ai import Agent, BinaryContent, ModelHTTPError, NativeOutput, UploadedFile
from pydantic_ai.capabilities import NativeTool
from pydantic_ai.models.openai import OpenAIResponsesModel, OpenAIResponsesModelSettings
from pydantic_ai.native_tools import WebSearchTool
from pydantic_ai.providers.openai import OpenAIProvider

from cases import KEY, MODEL, PNG, run

CLIENT = AsyncOpenAI(base_url=f"{sys.argv[1]}/v1", api_key=KEY, max_retries=0)
MODEL_OBJECT = OpenAIResponsesModel(MODEL, provider=OpenAIProvider(openai_client=CLIENT))


class Count(BaseModel):
    n: int


def agent(**settings: Any) -> Agent[None, str]:
    made = Agent(MODEL_OBJECT, model_settings=OpenAIResponsesModelSettings(**settings))

    @made.tool_plain
    def look(at: str) -> str:
        """Looks."""
        return f"{at}: a wall"

    @made.tool_plain
    def page(at: str) -> BinaryContent:
        """A page."""
        return BinaryContent(base64.b64decode(PNG), media_type="image/png")

    return made


async def plain() -> None:
    assert "Hello" in (await agent().run("Hello")).output


async def streamed() -> None:
    async with agent().run_stream("Hello") as result:
        assert "Hello" in await result.get_output()


async def three_turns(**settings: Any) -> None:
    history: Any = None
    for turn in range(3):
        result = await agent(**settings).run(f'call look({{"at":"{turn}"}})', message_history=history)
        assert f"{turn}: a wall" in result.output
        history = result.all_messages()


async def streamed_turns() -> None:
    history: Any = None
    for turn in range(3):
        async with agent().run_stream(f'call look({{"at":"{turn}"}})', message_history=history) as result:
            assert f"{turn}: a wall" in await result.get_output()
        history = result.all_messages()


async def sealed() -> None:
    await three_turns(openai_store=False, openai_include_encrypted_reasoning=True)


async def structured() -> None:
    assert isinstance((await Agent(MODEL_OBJECT, output_type=Count).run("Count")).output, Count)
    assert isinstance((await Agent(MODEL_OBJECT, output_type=NativeOutput(Count)).run("Count")).output, Count)


async def file_by_id() -> None:
    file = await CLIENT.files.create(file=("a.pdf", b"%PDF-1.4 hello"), purpose="user_data")
    named = UploadedFile(file.id, MODEL_OBJECT.system, media_type="application/pdf")
    assert "1 file" in (await agent().run(["What?", named])).output


async def conversation() -> None:
    made = await CLIENT.conversations.create()
    await agent(openai_conversation_id=made.id).run("I am Ann.")
    second = await agent(openai_conversation_id=made.id).run("Who am I?")
    assert "Turns: 3" in second.output, second.output


async def background() -> None:
    """The client asks for it until it has ended."""
    assert "Hello" in (await agent(openai_background=True).run("Hello")).output


async def file_by_data() -> None:
    result = await agent().run(["What?", BinaryContent(b"%PDF-1.4 hello", media_type="application/pdf")])
    assert "1 file" in result.output


async def file_of_a_tool() -> None:
    assert "1 file" in (await agent().run('call page({"at":"1"})')).output


async def image() -> None:
    png = BinaryContent(base64.b64decode(PNG), media_type="image/png")
    assert "1 file" in (await agent().run(["What?", png])).output


async def chain() -> None:
    first = await agent(openai_previous_response_id="auto").run("I am Ann.")
    second = await agent(openai_previous_response_id="auto").run("Who am I?", message_history=first.all_messages())
    assert "Turns: 3" in second.output


async def search() -> None:
    assert (await Agent(MODEL_OBJECT, capabilities=[NativeTool(WebSearchTool())]).run("What is new?")).output


async def error() -> None:
    for said, status, code in (
        ({"openai_previous_response_id": "resp_none"}, 400, "previous_response_not_found"),
        ({"openai_conversation_id": "conv_none"}, 404, None),
        ({"extra_body": {"bogus": 1}}, 400, "unknown_parameter"),
    ):
        try:
            await agent(**said).run("x")  # type: ignore[arg-type]
        except ModelHTTPError as refused:
            assert refused.status_code == status and (code is None or code in str(refused.body)), refused
        else:
            raise AssertionError(f"{said} was taken")


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
            "conversation": conversation,
            "background, asked for until its end": background,
            "web search": search,
            "errors": error,
        }
    )
)
