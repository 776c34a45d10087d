"""pydantic-ai's GoogleModel, which speaks Gemini's own form: `python pydantic_ai_google_python.py URL`."""

import asyncio
import base64
import sys

from pydantic import BaseModel
from pydantic_ai import Agent, BinaryContent, ModelHTTPError, NativeOutput
from pydantic_ai.models.google import GoogleModel
from pydantic_ai.providers.google import GoogleProvider

from cases import KEY, MODEL, PNG, run

MODEL_OBJECT = GoogleModel(MODEL, provider=GoogleProvider(api_key=KEY, base_url=sys.argv[1]))


class Person(BaseModel):
    name: str
    age: int


def agent() -> Agent:
    made = Agent(MODEL_OBJECT, instructions="Be brief.")

    @made.tool_plain
    def look(at: str) -> str:
        """Looks at a place."""
        return f"{at}: a wall"

    @made.tool_plain
    def page(at: str) -> BinaryContent:
        """A picture of a place."""
        return BinaryContent(base64.b64decode(PNG), media_type="image/png")

    return made


async def plain() -> None:
    assert "Hello" in (await agent().run("Hello")).output


async def streamed() -> None:
    async with agent().run_stream("Hello") as result:
        assert "Hello" in await result.get_output()


async def loop() -> None:
    history = None
    for turn in range(2):
        result = await agent().run(f'call look({{"at": "{turn}"}})', message_history=history)
        assert f"{turn}: a wall" in result.output
        history = result.all_messages()


async def structured() -> None:
    assert isinstance((await Agent(MODEL_OBJECT, output_type=Person).run("Who?")).output, Person)
    assert isinstance((await Agent(MODEL_OBJECT, output_type=NativeOutput(Person)).run("Who?")).output, Person)


async def media() -> None:
    page = BinaryContent(b"%PDF-1.4 hello", media_type="application/pdf")
    picture = BinaryContent(base64.b64decode(PNG), media_type="image/png")
    assert "2 files" in (await agent().run(["What?", page, picture])).output
    assert "1 file" in (await agent().run('call page({"at": "1"})')).output


async def error() -> None:
    try:
        await Agent(GoogleModel("gemini-none", provider=MODEL_OBJECT._provider)).run("x")
    except ModelHTTPError as refused:
        assert refused.status_code == 404
        return
    raise AssertionError("nothing was raised")


asyncio.run(
    run(
        {
            "plain": plain,
            "streamed": streamed,
            "tools": loop,
            "structured output": structured,
            "files by data": media,
            "error": error,
        }
    )
)
