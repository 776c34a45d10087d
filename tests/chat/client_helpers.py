"""A program for either major version of the official client: its own helpers against two gateways.

Arguments: two gateways' URLs, and a directory where audio and images go. It fails with an assertion, or
prints the client's version and the ids of the tool calls that it made.
"""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import Any

import openai
from pydantic import BaseModel

FLASH = "gemini-2.5-flash"
SIGNING = "gemini-3.5-flash"
SPEAKING = "gemini-2.5-flash-preview-tts"
PAINTING = "gemini-2.5-flash-image"
STEPS = 10


class Person(BaseModel):
    name: str
    age: int


class Meeting(BaseModel):
    title: str
    people: list[Person]
    remote: bool


class Look(BaseModel):
    """Looks at a place."""

    place: str
    zoom: int


def user(text: str) -> list[Any]:
    return [{"role": "user", "content": text}]


def parses(client: openai.OpenAI) -> None:
    done = client.chat.completions.parse(model=FLASH, messages=user("A meeting."), response_format=Meeting)
    meeting = done.choices[0].message.parsed
    assert isinstance(meeting, Meeting) and isinstance(meeting.people[0].age, int), meeting
    tool = openai.pydantic_function_tool(Look)
    called = client.chat.completions.parse(model=FLASH, messages=user("look"), tools=[tool], tool_choice="required")
    [call] = called.choices[0].message.tool_calls or []
    assert called.choices[0].finish_reason == "tool_calls"
    assert isinstance(call.function.parsed_arguments, Look), call


def streams_with_tools(client: openai.OpenAI) -> None:
    tool = openai.pydantic_function_tool(Look)
    text = 'call Look({"place": "Rome", "zoom": 3}) and call Look({"place": "Oslo", "zoom": 4})'
    kinds = set()
    with client.chat.completions.stream(model=SIGNING, messages=user(text), tools=[tool]) as stream:
        for event in stream:
            kinds.add(event.type)
        final = stream.get_final_completion()
    assert {"chunk", "tool_calls.function.arguments.delta", "tool_calls.function.arguments.done"} <= kinds, kinds
    calls = final.choices[0].message.tool_calls or []
    assert [call.function.parsed_arguments for call in calls] == [
        Look(place="Rome", zoom=3),
        Look(place="Oslo", zoom=4),
    ]
    assert final.choices[0].finish_reason == "tool_calls"
    with client.chat.completions.stream(
        model=FLASH, messages=user("A meeting."), response_format=Meeting, stream_options={"include_usage": True}
    ) as stream:
        told = "".join(event.delta for event in stream if event.type == "content.delta")
        final_meeting = stream.get_final_completion()
    assert isinstance(final_meeting.choices[0].message.parsed, Meeting)
    assert final_meeting.choices[0].message.content == told
    assert final_meeting.usage is not None and final_meeting.usage.total_tokens > 0


def loops(clients: list[openai.OpenAI]) -> list[str]:
    """Ten steps of parallel calls within one turn, each gateway in its turn, streamed and not by turns. What goes back
    is what OpenAI's form has: id, type, name and arguments."""
    tools: list[Any] = [
        {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {}}}}
        for name in ("look", "listen", "touch")
    ]
    messages = user("Find out where we are.")
    ids: list[str] = []
    for step in range(STEPS):
        client = clients[step % 2]
        request: dict[str, Any] = {"model": SIGNING, "messages": messages, "tools": tools}
        if step % 3 == 1:
            with client.chat.completions.stream(**request) as stream:
                answer: Any = stream.get_final_completion()
        else:
            answer = client.chat.completions.create(**request)
        calls = answer.choices[0].message.tool_calls
        assert answer.choices[0].finish_reason == "tool_calls"
        assert [call.function.name for call in calls] == ["look", "listen", "touch"], calls
        ids += [call.id for call in calls]
        messages.append(
            {
                "role": "assistant",
                "tool_calls": [
                    {
                        "id": call.id,
                        "type": "function",
                        "function": {"name": call.function.name, "arguments": call.function.arguments},
                    }
                    for call in calls
                ],
            }
        )
        for call in reversed(calls):
            messages.append({"role": "tool", "tool_call_id": call.id, "content": json.dumps({"step": step})})
    done = clients[0].chat.completions.create(model=SIGNING, messages=messages, tools=tools)
    assert done.choices[0].finish_reason == "stop"
    assert "Function touch answered" in (done.choices[0].message.content or ""), done
    assert len(set(ids)) == 3 * STEPS
    return ids


def speaks_and_paints(client: openai.OpenAI, out: Path) -> None:
    said = client.chat.completions.create(
        model=SPEAKING,
        messages=user("Say hello."),
        modalities=["text", "audio"],
        audio={"voice": "alloy", "format": "wav"},
    )
    audio = said.choices[0].message.audio
    assert audio is not None and said.choices[0].message.content is None
    (out / "whole.wav").write_bytes(base64.b64decode(audio.data))
    pieces: list[bytes] = []
    stream: Any = client.chat.completions.create(
        model=SPEAKING,
        messages=user("Say hello."),
        modalities=["text", "audio"],
        audio={"voice": "alloy", "format": "pcm16"},
        stream=True,
    )
    for chunk in stream:
        for choice in chunk.choices:
            delta = choice.delta.model_dump().get("audio") or {}
            pieces.append(base64.b64decode(delta.get("data") or ""))
    (out / "streamed.pcm").write_bytes(b"".join(pieces))
    drawn: Any = client.chat.completions.create(
        model=PAINTING, messages=user("A blue square."), extra_body={"modalities": ["text", "image"]}
    )
    [image] = drawn.choices[0].message.model_dump()["images"]
    head, _, data = image["image_url"]["url"].partition(",")
    assert head == "data:image/png;base64"
    (out / "picture.png").write_bytes(base64.b64decode(data))


def counts_choices(client: openai.OpenAI) -> None:
    request: dict[str, Any] = {"model": FLASH, "messages": user("hello"), "n": 3, "logprobs": True, "top_logprobs": 2}
    whole: Any = client.chat.completions.create(**request)
    assert [choice.index for choice in whole.choices] == [0, 1, 2]
    texts = [choice.message.content for choice in whole.choices]
    assert len(set(texts)) == 3
    for choice in whole.choices:
        assert "".join(each.token for each in choice.logprobs.content) == choice.message.content
        assert all(len(each.top_logprobs) <= 2 for each in choice.logprobs.content)
    streamed = ["", "", ""]
    ends: list[Any] = [None, None, None]
    roles = [0, 0, 0]
    usage = []
    stream: Any = client.chat.completions.create(**request, stream=True, stream_options={"include_usage": True})
    for chunk in stream:
        usage += [chunk.usage] if chunk.usage else []
        for choice in chunk.choices:
            streamed[choice.index] += choice.delta.content or ""
            roles[choice.index] += choice.delta.role == "assistant"
            ends[choice.index] = choice.finish_reason or ends[choice.index]
    assert (streamed, ends, roles) == (texts, ["stop"] * 3, [1, 1, 1])
    assert len(usage) == 1 and usage[0].total_tokens == whole.usage.total_tokens
    assert usage[0].prompt_tokens + usage[0].completion_tokens == usage[0].total_tokens


def main() -> None:
    first, second, out = sys.argv[1:]
    clients = [
        openai.OpenAI(base_url=f"{url}/v1", api_key="sk-ann", max_retries=0, timeout=60) for url in (first, second)
    ]
    parses(clients[0])
    streams_with_tools(clients[1])
    # Whoever started this program now makes the sandbox answer with tool calls.
    print("ready for the loop", flush=True)
    sys.stdin.readline()
    ids = loops(clients)
    speaks_and_paints(clients[0], Path(out))
    counts_choices(clients[1])
    for client in clients:
        client.close()
    print(json.dumps({"version": openai.__version__, "ids": ids}))


if __name__ == "__main__":
    main()
