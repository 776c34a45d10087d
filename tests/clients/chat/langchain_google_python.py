"""LangChain's class for Gemini's own form: `python langchain_google_python.py URL`."""

import asyncio
import base64
import sys

from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_google_genai import ChatGoogleGenerativeAI
from pydantic import BaseModel

from cases import KEY, MODEL, PNG, run

MODEL_OBJECT = ChatGoogleGenerativeAI(model=MODEL, google_api_key=KEY, base_url=sys.argv[1], max_retries=1)


class Person(BaseModel):
    """A person."""

    name: str
    age: int


@tool
def look(at: str) -> str:
    """Looks at a place."""
    return f"{at}: a wall"


def plain() -> None:
    assert "Hello" in MODEL_OBJECT.invoke("Hello").text


def streamed() -> None:
    assert "Hello" in "".join(chunk.text for chunk in MODEL_OBJECT.stream("Hello"))


def loop() -> None:
    bound = MODEL_OBJECT.bind_tools([look])
    question = HumanMessage('call look({"at": "1"}) call look({"at": "2"})')
    called = bound.invoke([question])
    results = [
        ToolMessage(look.invoke(call["args"]), tool_call_id=call["id"], name="look") for call in called.tool_calls
    ]
    assert "a wall" in bound.invoke([question, called, *results]).text


def structured() -> None:
    assert MODEL_OBJECT.with_structured_output(Person).invoke("Who?").name


def image() -> None:
    content = [
        {"type": "text", "text": "What?"},
        {"type": "image_url", "image_url": f"data:image/png;base64,{PNG}"},
        {"type": "media", "mime_type": "application/pdf", "data": base64.b64encode(b"%PDF-1.4 hello").decode()},
    ]
    assert "2 files" in MODEL_OBJECT.invoke([HumanMessage(content)]).text


def counts() -> None:
    assert MODEL_OBJECT.get_num_tokens("Hello") > 0


asyncio.run(
    run(
        {
            "plain": plain,
            "streamed": streamed,
            "tools": loop,
            "structured output": structured,
            "files by data": image,
            "token count": counts,
        }
    )
)
