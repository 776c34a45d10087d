"""The program and library `llm`, with its `extra-openai-models.yaml`: `python llm_python.py URL`."""

import asyncio
import base64
import os
import sys
import tempfile
from pathlib import Path

os.environ["LLM_USER_PATH"] = tempfile.mkdtemp()

import llm

from cases import KEY, MODEL, PNG, run

Path(os.environ["LLM_USER_PATH"], "extra-openai-models.yaml").write_text(
    f"""- model_id: lifted
  model_name: {MODEL}
  api_base: {sys.argv[1]}/v1
  api_key_name: lifted
  supports_tools: true
  supports_schema: true
  vision: true
  audio: true
"""
)
MODEL_OBJECT = llm.get_model("lifted")
MODEL_OBJECT.key = KEY


def look(at: str) -> str:
    """Looks at a place."""
    return f"{at}: a wall"


def plain() -> None:
    assert "Hello" in MODEL_OBJECT.prompt("Hello", stream=False).text()


def streamed() -> None:
    assert "Hello" in "".join(MODEL_OBJECT.prompt("Hello", stream=True))


def loop(stream: bool = False) -> None:
    chain = MODEL_OBJECT.chain('call look({"at": "1"}) call look({"at": "2"})', tools=[look], stream=stream)
    assert "a wall" in chain.text()


def streamed_loop() -> None:
    loop(stream=True)


def structured() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    assert '"n"' in MODEL_OBJECT.prompt("Count", schema=schema, stream=False).text()


def media() -> None:
    picture = llm.Attachment(type="image/png", content=base64.b64decode(PNG))
    page = llm.Attachment(type="application/pdf", content=b"%PDF-1.4 hello")
    assert "2 files" in MODEL_OBJECT.prompt("What?", attachments=[picture, page], stream=False).text()


def goes_on() -> None:
    conversation = MODEL_OBJECT.conversation()
    conversation.prompt("I am Ann.", stream=False).text()
    assert "Turns: 3" in conversation.prompt("Who am I?", stream=False).text()


asyncio.run(
    run(
        {
            "plain": plain,
            "streamed": streamed,
            "tools": loop,
            "tools, streamed": streamed_loop,
            "structured output": structured,
            "files by data": media,
            "conversation": goes_on,
        }
    )
)
