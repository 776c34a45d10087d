"""OpenAI's Python client over chat and files, 1.40 or newer: `python openai_python.py URL`."""

import asyncio
import io
import json
import sys
from typing import Any

import openai
from pydantic import BaseModel

from cases import KEY, MODEL, PNG, run

client = openai.OpenAI(base_url=f"{sys.argv[1]}/v1", api_key=KEY, max_retries=0)
AT = {"type": "object", "properties": {"at": {"type": "string"}}, "required": ["at"]}
LOOK: Any = {"type": "function", "function": {"name": "look", "description": "Looks.", "parameters": AT}}


class Count(BaseModel):
    n: int


def ask(content: Any, **more: Any) -> Any:
    return client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": content}], **more)


def plain() -> None:
    assert "Hello" in ask("Hello").choices[0].message.content


def streamed() -> None:
    chunks = list(ask("Hello", stream=True, stream_options={"include_usage": True}))
    assert "Hello" in "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert chunks[-1].usage.total_tokens > 0


def tools() -> None:
    messages: list[Any] = [{"role": "user", "content": 'call look({"at": "1"}) call look({"at": "2"})'}]
    message = client.chat.completions.create(model=MODEL, messages=messages, tools=[LOOK]).choices[0].message
    messages.append(message)
    for call in message.tool_calls or []:
        at = json.loads(call.function.arguments)["at"]
        messages.append({"role": "tool", "tool_call_id": call.id, "content": f"{at}: a wall"})
    assert len(messages) == 4
    done = client.chat.completions.create(model=MODEL, messages=messages, tools=[LOOK])
    assert "a wall" in (done.choices[0].message.content or "")


def structured() -> None:
    chats: Any = client.chat.completions if hasattr(client.chat.completions, "parse") else client.beta.chat.completions
    found = chats.parse(model=MODEL, messages=[{"role": "user", "content": "Count"}], response_format=Count)
    assert isinstance(found.choices[0].message.parsed, Count)


def files() -> None:
    for given in (("größe.txt", b"some text"), io.BytesIO(b"some text")):
        made = client.files.create(file=given, purpose="assistants")
        assert client.files.content(made.id).content == b"some text"
        assert made.id in [file.id for file in client.files.list()]
        part = {"type": "file", "file": {"file_id": made.id}}
        assert "1 file" in ask([{"type": "text", "text": "What?"}, part]).choices[0].message.content
        assert client.files.delete(made.id).deleted


def uploads() -> None:
    upload = client.uploads.create(filename="a.txt", purpose="assistants", bytes=9, mime_type="text/plain")
    part = client.uploads.parts.create(upload.id, data=b"some text")
    file = client.uploads.complete(upload.id, part_ids=[part.id]).file
    assert file is not None and client.files.retrieve(file.id).bytes == 9


def image() -> None:
    url = f"data:image/png;base64,{PNG}"
    content = [{"type": "text", "text": "What?"}, {"type": "image_url", "image_url": {"url": url}}]
    assert "1 file" in ask(content).choices[0].message.content


def errors() -> None:
    for kind, call in (
        (openai.NotFoundError, lambda: client.files.retrieve("file-qz3w2tii2mq1j0gw4n1qaaaa")),
        (openai.BadRequestError, lambda: ask("Hello", temperature=9)),
        (openai.AuthenticationError, lambda: client.with_options(api_key="wrong").models.list()),
    ):
        try:
            call()
        except kind as error:
            assert error.body and error.request_id if hasattr(error, "request_id") else error.body
        else:
            raise AssertionError(f"no {kind.__name__}")


async def awaited() -> None:
    async with openai.AsyncOpenAI(base_url=client.base_url, api_key=KEY, max_retries=0) as other:
        chat = await other.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "Hello"}])
        assert "Hello" in (chat.choices[0].message.content or "")
        assert [model.id async for model in other.models.list()]


asyncio.run(
    run(
        {
            "plain": plain,
            "streamed": streamed,
            "tools": tools,
            "structured output": structured,
            "files": files,
            "uploads": uploads,
            "image": image,
            "errors": errors,
            "awaited": awaited,
        }
    )
)
