"""LlamaIndex's class for Gemini's own form, with files through the Files API:
`python llamaindex_google_python.py URL`.
"""

import asyncio
import base64
import sys

from google.genai import types
from llama_index.core.llms import ChatMessage, DocumentBlock, ImageBlock, TextBlock
from llama_index.core.tools import FunctionTool
from llama_index.llms.google_genai import GoogleGenAI
from pydantic import BaseModel

from cases import KEY, MODEL, PNG, run


class Person(BaseModel):
    """A person."""

    name: str
    age: int


def look(at: str) -> str:
    """Looks at a place."""
    return f"{at}: a wall"


def model(**more: object) -> GoogleGenAI:
    options = types.HttpOptions(base_url=sys.argv[1])
    return GoogleGenAI(model=MODEL, api_key=KEY, http_options=options, max_retries=0, **more)


def plain() -> None:
    assert "Hello" in str(model().complete("Hello"))


def streamed() -> None:
    assert "Hello" in list(model().stream_complete("Hello"))[-1].text


def loop() -> None:
    called = model().chat_with_tools([FunctionTool.from_defaults(look)], user_msg='call look({"at": "1"})')
    assert [call.tool_kwargs for call in model().get_tool_calls_from_response(called)] == [{"at": "1"}]


def structured() -> None:
    assert model().as_structured_llm(Person).complete("Who?").raw.name


def media() -> None:
    for mode in ("inline", "fileapi"):
        blocks = [
            TextBlock(text="What?"),
            ImageBlock(image=base64.b64decode(PNG), image_mimetype="image/png"),
            DocumentBlock(data=b"%PDF-1.4 hello", document_mimetype="application/pdf", title="a.pdf"),
        ]
        answer = model(file_mode=mode).chat([ChatMessage(role="user", blocks=blocks)])
        assert "2 files" in answer.message.content, (mode, answer)


asyncio.run(run({"plain": plain, "streamed": streamed, "tools": loop, "structured output": structured, "files": media}))
