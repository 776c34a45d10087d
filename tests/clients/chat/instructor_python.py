"""instructor over OpenAI's client: `python instructor_python.py URL`."""

import asyncio
import base64
import sys
from collections.abc import Iterable

import instructor
from openai import AsyncOpenAI, OpenAI
from pydantic import BaseModel, field_validator

from cases import KEY, MODEL, PNG, run

URL = f"{sys.argv[1]}/v1"
PLAIN = OpenAI(base_url=URL, api_key=KEY, max_retries=0)


class Person(BaseModel):
    name: str
    age: int


class Weather(BaseModel):
    city: str


def asked(mode: str, **more: object) -> Person:
    client = instructor.from_openai(PLAIN, mode=instructor.Mode[mode])
    messages = [{"role": "user", "content": "Who?"}]
    found = client.chat.completions.create(model=MODEL, messages=messages, response_model=Person, max_retries=0, **more)
    assert isinstance(found, Person) and found.name
    return found


def each_mode() -> None:
    for mode in ("TOOLS", "TOOLS_STRICT", "JSON_SCHEMA"):
        asked(mode)


def several_calls() -> None:
    client = instructor.from_openai(PLAIN, mode=instructor.Mode.PARALLEL_TOOLS)
    text = 'call Weather({"city": "Bonn"}) call Weather({"city": "Ulm"})'
    found = client.chat.completions.create(
        model=MODEL,
        messages=[{"role": "user", "content": text}],
        response_model=Iterable[Weather],
        tool_choice="auto",
    )
    assert [each.city for each in found] == ["Bonn", "Ulm"]


def as_it_comes() -> None:
    client = instructor.from_openai(PLAIN)
    pieces = list(
        client.chat.completions.create_partial(
            model=MODEL, messages=[{"role": "user", "content": "Who?"}], response_model=Person
        )
    )
    assert pieces[-1].name and isinstance(pieces[-1].age, int)


async def awaited() -> None:
    async with AsyncOpenAI(base_url=URL, api_key=KEY, max_retries=0) as plain:
        client = instructor.from_openai(plain)
        messages = [{"role": "user", "content": "Who?"}]
        assert (await client.chat.completions.create(model=MODEL, messages=messages, response_model=Person)).name


def asked_again() -> None:
    """An answer that is not valid goes back with what is wrong, as the result of its call."""
    seen: list[str] = []

    class Picky(BaseModel):
        name: str

        @field_validator("name")
        @classmethod
        def once(cls, value: str) -> str:
            seen.append(value)
            if len(seen) == 1:
                raise ValueError("another one, please")
            return value

    client = instructor.from_openai(PLAIN)
    messages = [{"role": "user", "content": "Who?"}]
    client.chat.completions.create(model=MODEL, messages=messages, response_model=Picky, max_retries=1)
    assert len(seen) == 2


def image() -> None:
    client = instructor.from_openai(PLAIN)
    picture = instructor.Image.from_base64(f"data:image/png;base64,{PNG}")
    messages = [{"role": "user", "content": ["Who is this?", picture]}]
    assert client.chat.completions.create(model=MODEL, messages=messages, response_model=Person).name
    assert base64.b64decode(PNG)


asyncio.run(
    run(
        {
            "structured output": each_mode,
            "parallel calls": several_calls,
            "partial objects": as_it_comes,
            "awaited": awaited,
            "asked again": asked_again,
            "image": image,
        }
    )
)
